"""What users do: what they write, attach, answer and click, and when they leave a response."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from typing import Any

from chatkit.types import StructuredInputItem, ThreadItem, WidgetItem
from hypothesis import strategies as st

from ...client.forms import FormField, fields_of
from ...client.frontend import AttachmentLimits, Entity, Frontend
from ...client.widget_actions import Clickable, clickables
from ..moves import File, Stop
from ..schemas import TEXTS, Strategy

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
_STEMS = ("a", "Ünïcode 日本", "with 'quotes' & spaces")
_ENDINGS = (
    (".png", "image/png"),
    (".pdf", "application/pdf"),
    (".txt", "text/plain"),
    (".zip", "application/zip"),
)
_FILES = 3
# Where users leave: short turns have few events, and those of long ones are much alike.
_PLACES = ("client tool",) * 4 + tuple(range(1, 7)) * 2 + (*range(7, 13), 16, 24, 40)


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


def departures() -> Strategy:
    """Where users leave a response, and how: a ``Stop`` at an event, or when a client tool is asked for."""
    return st.builds(Stop, st.sampled_from(_PLACES), st.sampled_from(["disconnect", "cancel"]))


def titles() -> Strategy:
    """What users call a thread."""
    return st.sampled_from(["A title", "Ein Titel für «alles»", "件名", "x" * 200])


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
