"""Whether a page has what a server asks of it: a contract held against what the page says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ..errors import UsageError

_PARTS = {"client_tools": "client tool", "effects": "effect", "actions": "action"}
_SCHEMA_IN = {"client_tools": "arguments", "effects": "data", "actions": "payload"}


def contract_problems(contract: Mapping[str, Any], page: Mapping[str, Any]) -> list[str]:
    """What the server asks for and the page does not have, a line each.

    Args:
        contract: What ``contract`` returned.
        page: What the page has: ``client_tools``, ``effects`` and ``actions``, each a list of names, or by name the
            JSON schema that it expects (``null`` for none); and ``composer`` with the ids of its ``tools`` and
            ``models``. A contract is a page as well: one that has all that was asked for then. What it leaves out is
            not held against the server, except client tools.

    Raises:
        UsageError: The page cannot be read so.
    """
    page = {"client_tools": {}, **page}
    problems = [problem for part in _PARTS if part in page for problem in _asked(part, contract, page[part])]
    return problems + list(_composed(contract["composer"]["sent"], page.get("composer", {})))


def _asked(part: str, contract: Mapping[str, Any], has: Any) -> Iterator[str]:
    if not isinstance(has, (Mapping, list)):
        raise UsageError(f'"{part}" of the page is a list of names, or an object of schemas by name; not {has!r}.')
    kind, where = _PARTS[part], _SCHEMA_IN[part]
    for name, asked in contract[part].items():
        if part == "actions" and asked["handler"] != "client":
            continue  # the server handles it
        if name not in has:
            close = get_close_matches(name, has, 1)
            hint = f" Did you mean {close[0]!r}?" if close else f" It has: {', '.join(sorted(has)) or 'none'}."
            yield f"The page has no {kind} {name!r}.{hint}"
            continue
        schema = _schema(has[name] if isinstance(has, Mapping) else None, where)
        for problem in _unfit(asked[where], schema):
            yield f"The {where} of the {kind} {name!r} do not fit what the page expects: {problem}"


def _schema(given: Any, where: str) -> Mapping[str, Any]:
    described = given.get(where) if isinstance(given, Mapping) else None
    schema = described["schema"] if isinstance(described, Mapping) and "schema" in described else given
    return schema if isinstance(schema, Mapping) else {}


def _unfit(asked: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    import jsonschema  # type: ignore[import-untyped]

    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise UsageError(f"The page's schema {json.dumps(schema)} is no JSON schema: {error.message}.") from None
    validator = jsonschema.Draft202012Validator(schema)
    told: set[Any] = set()
    for example in asked["examples"]:
        for problem in sorted(validator.iter_errors(example), key=str)[:1]:
            told |= {problem.validator, *([problem.path[0]] if problem.path else ())}
            at = "".join(f" at {each!r}" for each in list(problem.path)[:1])
            yield f"{problem.message}{at}, in {json.dumps(example, ensure_ascii=False)}"
    # Examples are few: what is not always there, or is of another type at times, shows in what was seen of all.
    known: Mapping[str, Any] = asked["schema"]
    for name in schema.get("required", ()) if "required" not in told else ():
        if name not in known.get("required", ()):
            yield f"{name!r} is not always there"
    for name, seen in known.get("properties", {}).items():
        kinds, wanted = _kinds(seen), _kinds(schema.get("properties", {}).get(name, {}))
        wanted |= {"integer"} if "number" in wanted else set()
        if wanted and not kinds <= wanted and name not in told:
            odd, expected = (" or ".join(sorted(each)) for each in (kinds - wanted, wanted))
            yield f"{name!r} is at times {odd}, and the page expects {expected}"


def _kinds(schema: Any) -> set[str]:
    given = schema.get("type", ()) if isinstance(schema, Mapping) else ()
    return {given} if isinstance(given, str) else set(given)


def _composed(sent: Mapping[str, Sequence[str]], has: Any) -> Iterator[str]:
    for part, kind in (("tools", "tool"), ("models", "model")):
        if isinstance(has, Mapping) and part in has:
            for name in sent[part]:
                if name not in has[part]:
                    yield f"The composer offers no {kind} {name!r}, and messages were sent with it."
