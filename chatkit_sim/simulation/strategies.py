"""Hypothesis strategies for what a user writes, what a page answers and what a model says; all of them compose."""

from __future__ import annotations

import functools
import json
import mimetypes
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from agents import FunctionTool, ImageGenerationTool
from agents.testing import ModelCall
from chatkit.types import StructuredInputItem, ThreadItem, WidgetItem
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ..client.forms import FormField, fields_of
from ..client.frontend import AttachmentLimits, Entity, Frontend
from ..client.widget_actions import Clickable, clickables
from ..errors import UsageError
from ..model import calls, cites, draws, fails, refuses, says, thinks
from .moves import File
from .schemas import TEXTS, Known, Schema, Strategy, values_of

MESSAGES = (
    "Hello!",
    "Please do it.",
    "Then leave it.",
    "And now?",
    "Was ist das für 1 Frage?",
    "日本語でお願いします",
    "اكتب رسالة من فضلك",
    "🙂",
    "<b>bold</b> & 'quoted' \\",
    "One line\nand another",
)
ANSWERS = ("Done.", "One moment, please.", "", "I have *three* things:\n\n1. a\n2. b", "Voilà: 完了 ✅")
WRONG: tuple[Any, ...] = (None, [], "", 0, "no JSON object", {"error": "timeout"}, {"unexpected": [{"deep": None}]})
_URL = "https://example.com/source"
_STEMS = ("a", "Ünïcode 日本", "with 'quotes' & spaces")
_ENDINGS = (
    (".png", "image/png"),
    (".pdf", "application/pdf"),
    (".txt", "text/plain"),
    (".zip", "application/zip"),
)
_FILES = 3
# A response that mixes anything with anything has this many outputs at most.
_PARTS = 3


def user_messages(frontend: Frontend | None = None) -> Strategy:
    """What a user may write: text of every script, with tags of the entities that the page offers.

    Gives what ``client.send`` takes first: a text, or a list of texts and entities.

    Args:
        frontend: What the page offers; without one, texts only.
    """
    texts = st.sampled_from(MESSAGES) | TEXTS.filter(str.strip)
    entities = [] if frontend is None or callable(frontend.entities) else list(frontend.entities)
    if not entities:
        return texts
    part: st.SearchStrategy[str | Entity] = texts | st.sampled_from(entities)
    return texts | st.lists(part, min_size=1, max_size=3)


def send_options(frontend: Frontend | None = None, *, quotable: Sequence[str] = ()) -> Strategy:
    """What the composer adds to a message: keywords of ``client.send``.

    Args:
        frontend: What the page offers: composer tools and models.
        quotable: Texts of messages that the user may reply to.
    """
    optional: dict[str, Strategy] = {}
    if quotable:
        optional["quoted_text"] = st.sampled_from([text for text in quotable if text] or [""])
    if frontend is not None and frontend.tool_options:
        optional["tool_choice"] = st.sampled_from([tool.id for tool in frontend.tool_options])
    if frontend is not None:
        models = [model.id for model in frontend.model_options if not model.disabled]
        if models:
            optional["model"] = st.sampled_from(models)
    # Most messages are plain ones.
    return st.just({}) | st.fixed_dictionaries({}, optional=optional) if optional else st.just({})


def files(frontend: Frontend | None = None, *, uploaded: bool = True) -> Strategy:
    """Files that a user may attach to a message: lists of ``File``, as the page's limits allow them.

    Args:
        frontend: What the page offers; without one, ChatKit's own limits.
        uploaded: Whether the bytes are sent too, or the files are only registered.
    """
    limits = AttachmentLimits() if frontend is None else frontend.attachments
    if limits is None:
        return st.just(())
    candidates = [(f"{stem}{ending}", mime) for stem in _STEMS for ending, mime in _endings(limits)]
    fitting = [
        File(name, mime, content, uploaded)
        for name, mime in candidates
        for content in (b"x", b"x" * 4096)
        if limits.problem(name, len(content), mime) is None
    ]
    if not fitting or limits.max_count < 1:
        return st.just(())
    some: Strategy = st.lists(st.sampled_from(fitting), min_size=1, max_size=min(limits.max_count, _FILES)).map(tuple)
    return st.just(()) | some  # most messages are plain ones


def _endings(limits: AttachmentLimits) -> list[tuple[str, str]]:
    # What the page names; of what it leaves open, some of each kind.
    named = [
        (end, mime if "*" not in mime else mimetypes.guess_type(f"x{end}")[0] or mime.replace("*", "octet-stream"))
        for mime, ends in (limits.accept or {}).items()
        for end in ends
    ]
    whole = [mime for mime in limits.accept or {} if "*" not in mime]
    return [*named, *_ENDINGS, *[(mimetypes.guess_extension(mime) or "", mime) for mime in whole]]


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


def client_tool_results(shape: Any = None) -> Strategy:
    """What a client tool may return, as a JSON value.

    Args:
        shape: A JSON schema, or a return annotation that Pydantic understands; ``None`` for a plain success.
    """
    if shape is None:
        return st.just({"ok": True}) | st.sampled_from([None, True, "done", {"ok": False}, [1, 2]])
    return values_of(shape if isinstance(shape, Mapping) else TypeAdapter(shape).json_schema(mode="serialization"))


def wrong_client_tool_results(shape: Any = None) -> Strategy:
    """What a page with a bug may return in its place: JSON of another shape than was promised.

    Args:
        shape: What was promised; see ``client_tool_results``.
    """
    if shape is None:
        return st.sampled_from(WRONG)
    if isinstance(shape, Mapping):
        from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

        valid = Draft202012Validator(shape).is_valid
        return st.sampled_from(WRONG).filter(lambda value: not valid(value))
    adapter = TypeAdapter(shape)
    return st.sampled_from(WRONG).filter(lambda value: not _validates(adapter, value))


def structured_answers(item: StructuredInputItem) -> Strategy:
    """Answers to structured input, as ``client.answer`` takes them; questions may be skipped one by one.

    Args:
        item: The questions.
    """
    questions: dict[str, Strategy] = {}
    for question in item.inputs:
        options = [option.value for option in getattr(question, "options", None) or ()]
        if options and getattr(question, "multiple", False):
            one: Strategy = st.lists(st.sampled_from(options), min_size=1, max_size=len(options), unique=True)
        elif options:
            one = st.sampled_from(options)
        else:
            one = TEXTS.filter(str.strip)
        questions[question.id] = one | st.none()
    return st.fixed_dictionaries(questions)


def widget_clicks(items: Sequence[ThreadItem]) -> Strategy:
    """What can be clicked in the widgets on show: pairs of a ``Clickable`` and the keywords of ``client.click``.

    Args:
        items: The items on show.
    """
    shown = [one for item in items if isinstance(item, WidgetItem) for one in clickables(item) if not one.disabled]
    return st.sampled_from(shown).flatmap(_click) if shown else st.nothing()


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


_NO_INPUT: Schema = {"type": "object", "properties": {}, "additionalProperties": False}


def model_steps(
    offer: Offer,
    *,
    arguments: Mapping[str, Strategy] | None = None,
    formats: Mapping[str, Strategy] | None = None,
    known: Known | None = None,
) -> Strategy:
    """What a model may legally answer to a call, as steps such as ``says("Hi")``.

    Args:
        offer: What the call offers: ``Offer.of(call)``.
        arguments: Strategies for tool arguments by ``tool.parameter``.
        formats: Strategies for formats of JSON schemas.
        known: Gives ids and the like that mean something to the tools.

    Raises:
        NothingFits: Nothing fits the schema of a tool.
    """
    parts = {
        name: _arguments_of(name, schema, arguments, formats, known).map(partial(calls, name))
        for name, schema in offer.tools.items()
    }
    one_call: Strategy = st.sampled_from(sorted(parts)).flatmap(parts.__getitem__) if parts else st.nothing()
    if offer.required:
        return one_call
    answers = answer_steps(offer.max_tokens)
    if offer.output is not None:
        answers = values_of(offer.output).map(lambda value: says(json.dumps(value), chunks=1))
    if not parts:
        return answers | st.builds(operator.and_, thoughts(), answers)
    # Tools are what can go wrong, so they are called more often than not.
    kinds = [answers, one_call, one_call, one_call]
    kinds += [st.builds(operator.and_, before, one_call) for before in (answer_steps(offer.max_tokens), thoughts())]
    if offer.parallel:
        kinds.append(st.lists(one_call, min_size=2, max_size=_PARTS).map(partial(functools.reduce, operator.and_)))
    return st.one_of(kinds)


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


@st.composite
def _click(draw: st.DrawFn, clickable: Clickable) -> tuple[Clickable, dict[str, Any]]:
    words: dict[str, Any] = {}
    own = FormField("", clickable.kind, clickable.component, clickable.component)
    if clickable.kind in ("Select", "RadioGroup", "DatePicker"):
        words["value"] = draw(_entries(own))
    elif clickable.kind == "Checkbox":
        words["value"] = draw(st.booleans())
    if clickable.form is not None:
        fields = {name: field for name, field in fields_of(clickable.form).items() if not field.disabled}
        required = {name: _entries(field) for name, field in fields.items() if field.rules.get("required") is True}
        optional = {name: _entries(field) for name, field in fields.items() if name not in required}
        form: dict[str, Any] = draw(st.fixed_dictionaries(required, optional=optional))
        if form:
            words["form"] = form
    return clickable, words


def _entries(field: FormField) -> Strategy:
    if field.kind == "Checkbox":
        return st.just(True) if field.rules.get("required") is True else st.booleans()
    if field.kind in ("Select", "RadioGroup"):
        return st.sampled_from(field.choices) if field.choices else st.nothing()
    if field.kind == "DatePicker":
        return st.just(field.first_day)
    pattern = field.rules.get("pattern")
    if isinstance(pattern, str):
        return st.from_regex(pattern, fullmatch=True)
    return TEXTS.filter(str.strip)


def _validates(adapter: TypeAdapter[Any], value: Any) -> bool:
    try:
        adapter.validate_python(value, strict=True)
    except ValueError:
        return False
    return True
