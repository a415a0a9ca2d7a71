"""What models say: answers, calls of tools with arguments that fit, and what none should say."""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

from agents import FunctionTool, ImageGenerationTool
from agents.testing import ModelCall
from hypothesis import strategies as st

from ...errors import UsageError
from ...model import calls, cites, draws, fails, refuses, says, thinks
from ..schema_reading import Schema
from ..schemas import TEXTS, Known, Strategy, values_of

ANSWERS = ("Done.", "One moment, please.", "", "I have *three* things:\n\n1. a\n2. b", "Voilà: 完了 ✅")
_URL = "https://example.com/source"
# A response that mixes anything with anything has this many outputs at most.
_PARTS = 3
_NO_INPUT: Schema = {"type": "object", "properties": {}, "additionalProperties": False}


@dataclass(frozen=True)
class Offer:
    """What a model call offers, as far as it decides what a model may answer.

    Attributes:
        tools: The JSON schema of each function tool and handoff that may be called, by name.
        required: Whether one of them has to be called.
        parallel: Whether several may be called at once.
        output: The JSON schema of structured output; ``None`` for plain text.
        images: Whether it may draw images: there is a tool for that.
        max_tokens: How many tokens a response has at most; ``None`` for as many as it likes.
    """

    tools: Mapping[str, Schema]
    required: bool = False
    parallel: bool = True
    output: Schema | None = None
    images: bool = False
    max_tokens: int | None = None

    @classmethod
    def of(cls, call: ModelCall) -> Offer:
        """Read a model call: its tools, handoffs and output type, and its model settings."""
        offered: dict[str, Schema] = {
            tool.name: tool.params_json_schema for tool in call.tools if isinstance(tool, FunctionTool)
        }
        offered |= {handoff.tool_name: handoff.input_json_schema or _NO_INPUT for handoff in call.handoffs}
        settings = call.model_settings
        choice = settings.tool_choice
        if isinstance(choice, str) and choice in offered:
            offered = {choice: offered[choice]}
        schema = call.output_schema
        return cls(
            {} if choice == "none" else offered,
            bool(offered) and choice not in (None, "auto", "none"),
            settings.parallel_tool_calls is not False,
            None if schema is None or schema.is_plain_text() else schema.json_schema(),
            choice != "none" and any(isinstance(tool, ImageGenerationTool) for tool in call.tools),
            settings.max_tokens,
        )


def model_steps(
    offer: Offer,
    *,
    arguments: Mapping[str, Strategy] | None = None,
    formats: Mapping[str, Strategy] | None = None,
    known: Known | None = None,
    favoured: Collection[str] = (),
) -> Strategy:
    """What a model may legally answer to a call, as steps such as ``says("Hi")``.

    Args:
        offer: What the call offers: ``Offer.of(call)``.
        arguments: Strategies for tool arguments by ``tool.parameter``.
        formats: Strategies for formats of JSON schemas.
        known: Gives ids and the like that mean something to the tools.
        favoured: Tools and handoffs that are called as often as all others together.

    Raises:
        NothingFits: Nothing fits the schema of a tool.
    """
    parts = {
        name: _arguments_of(name, schema, arguments, formats, known).map(partial(calls, name))
        for name, schema in offer.tools.items()
    }
    names = sorted(parts)
    names += [name for name in names if name in favoured] * len(names)
    one_call: Strategy = st.sampled_from(names).flatmap(parts.__getitem__) if parts else st.nothing()
    if offer.required:
        return one_call
    answers = answer_steps(offer.max_tokens)
    if offer.output is not None:
        answers = values_of(offer.output).map(lambda value: says(json.dumps(value), chunks=1))
    if not parts:
        return answers | st.builds(operator.and_, thoughts(), answers)
    # Tools are what can go wrong, so they are called more often than not.
    kinds = [answers, one_call]
    kinds += [st.builds(operator.and_, before, one_call) for before in (answer_steps(offer.max_tokens), thoughts())]
    if offer.parallel:
        kinds.append(st.lists(one_call, min_size=2, max_size=_PARTS).map(partial(functools.reduce, operator.and_)))
    return st.one_of(kinds)


def answer_steps(max_tokens: int | None = None) -> Strategy:
    """Messages of a model: any text, in any chunks.

    Args:
        max_tokens: How many tokens they have at most; ``None`` for any number.
    """
    texts = st.sampled_from(ANSWERS) | TEXTS
    if max_tokens is not None:
        # A token is a byte at least, whatever the tokenizer.
        texts = texts.map(lambda text: text.encode()[:max_tokens].decode(errors="ignore"))
    return st.builds(says, texts, chunks=st.integers(1, 4))


def thoughts() -> Strategy:
    """Reasoning of a model."""
    return st.lists(st.sampled_from(["Let me see.", "**Plan**\n\nFirst this.", ""]), max_size=2).map(
        lambda texts: thinks(*texts)
    )


def upstream_steps(*, images: bool = True) -> Strategy:
    """What is legal for a model and meets known defects of the SDKs: citations, refusals, images.

    Args:
        images: Whether there is a tool that draws images.
    """
    steps = [
        cites("According to the page, yes.", url=_URL, title="Source"),
        cites("According to the file, yes.", filename="report.pdf"),
        refuses("I can't help with that."),
    ]
    return st.sampled_from([*steps, draws()] if images else steps)


def wrong_steps(offer: Offer) -> Strategy:
    """What real models and their providers do wrong: arguments that are no JSON or do not fit, unknown tools, failures.

    Args:
        offer: What the call offers.
    """
    half = says("Half an ans")
    broken: list[Strategy] = [st.just(says("")), st.just(fails()), st.just(fails(after=half))]
    if offer.max_tokens is not None:
        broken.append(st.just(fails("incomplete", after=half)))
    if offer.tools:
        names = st.sampled_from(sorted(offer.tools))
        broken.append(st.builds(calls, names, st.sampled_from(["", "{", '{"', "[]", "null", '{"a": }'])))
        broken.append(st.builds(calls, names, st.sampled_from([{}, {"unexpected": 1}])))
        broken.append(st.just(calls("no_such_tool")))
    return st.one_of(broken)


def tool_arguments(
    schema: Schema,
    *,
    tool: str = "",
    arguments: Mapping[str, Strategy] | None = None,
    formats: Mapping[str, Strategy] | None = None,
    known: Known | None = None,
) -> Strategy:
    """Arguments that a model may write for a tool, as JSON values.

    Args:
        schema: The tool's JSON schema.
        tool: The tool's name.
        arguments: Strategies of your own by ``tool.parameter`` (``address.zip`` below that goes on with dots).
        formats: Strategies for formats, by name.
        known: Gives ids and the like that mean something to the tool.

    Raises:
        NothingFits: The schema allows nothing.

    Example::

        tool_arguments(tool.params_json_schema, tool=tool.name, arguments={"lookup.invoice_id": st.just("INV-1001")})
    """
    own = {path.partition(".")[2]: value for path, value in (arguments or {}).items() if path.partition(".")[0] == tool}
    return values_of(schema, known=known, formats=formats, fields=own)


def _arguments_of(
    tool: str,
    schema: Schema,
    arguments: Mapping[str, Strategy] | None,
    formats: Mapping[str, Strategy] | None,
    known: Known | None,
) -> Strategy:
    try:
        return tool_arguments(schema, tool=tool, arguments=arguments, formats=formats, known=known)
    except UsageError as error:
        raise type(error)(
            f"The arguments of the tool {tool!r} cannot be drawn. {error} "
            f'Give a strategy of your own: arguments={{"{tool}.PARAMETER": ...}} (fixture chatkit_arguments).'
        ) from None
