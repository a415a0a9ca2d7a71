"""Every type of item, widget component, task, source and attachment, as JSON."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from chatkit.types import Attachment, ThreadItem
from pydantic import TypeAdapter

if TYPE_CHECKING:
    from datetime import datetime

_FILE = {"type": "file", "title": "Prices", "filename": "prices.csv", "description": "This week", "timestamp": "Mon"}
_URL = {"type": "url", "title": "Milk", "url": "https://example.com/milk?a=1&b=2", "attribution": "Example"}
_ENTITY = {
    "type": "entity",
    "title": "Jane",
    "id": "user_7",
    "icon": "user",
    "label": "Owner",
    "inline_label": "Jane",
    "interactive": True,
    "data": {"team": {"name": "Shop", "size": 3}, "rank": [1, 2]},
}

TASKS: tuple[dict[str, Any], ...] = (
    {"type": "custom", "title": "Look", "icon": "search", "content": "for *milk*", "status_indicator": "complete"},
    {
        "type": "web_search",
        "title": "Search",
        "title_query": "milk",
        "queries": ["milk", "oat milk"],
        "sources": [_URL],
    },
    {"type": "thought", "title": "Think", "content": "Milk or eggs?", "status_indicator": "loading"},
    {"type": "file", "title": "Read", "sources": [_FILE]},
    {"type": "image", "title": "Draw"},
)

ATTACHMENTS: tuple[dict[str, Any], ...] = (
    {"type": "file", "name": "notes.txt", "mime_type": "text/plain"},
    {
        "type": "file",
        "name": "prices (1).csv",
        "mime_type": "text/csv",
        "upload_descriptor": {
            "url": "https://files.example.com/put?token=a%2Fb&n=1",
            "method": "PUT",
            "headers": {"X-Token": "abc"},
        },
        "metadata": {"bucket": "uploads", "parts": [1, 2]},
    },
    {
        "type": "image",
        "name": "milk.png",
        "mime_type": "image/png",
        "preview_url": "https://files.example.com/milk.png?w=64",
    },
)

_ACTION = {
    "type": "shop.add",
    "payload": {"item": "milk", "amount": 2, "note": "fresh"},
    "handler": "server",
    "loadingBehavior": "container",
    "streaming": False,
}
_OPTIONS = [{"label": "Milk", "value": "milk"}, {"label": "Eggs", "value": "eggs", "disabled": True}]
_SERIES = [
    {"type": "bar", "label": "Price", "dataKey": "price", "stack": "a", "color": {"dark": "#fff", "light": "#000"}},
    {"type": "area", "label": None, "dataKey": "stock", "curveType": "step"},
    {"type": "line", "label": "Sold", "dataKey": "sold", "color": "blue"},
]

COMPONENTS: tuple[dict[str, Any], ...] = (
    {"type": "Text", "id": "text", "value": "Milk", "streaming": True, "size": "lg", "editable": {"name": "title"}},
    {"type": "Title", "value": "Shopping", "weight": "bold", "maxLines": 2},
    {"type": "Caption", "value": "two things", "color": "secondary"},
    {"type": "Markdown", "id": "markdown", "value": "* milk\n* eggs", "streaming": False},
    {"type": "Badge", "label": "new", "color": "success", "pill": True},
    {"type": "Box", "padding": {"x": 2, "top": "1px"}, "border": {"size": 1, "color": "red-100"}, "children": []},
    {"type": "Row", "gap": 2, "align": "center", "children": [{"type": "Spacer", "minSize": 4}]},
    {"type": "Col", "children": [{"type": "Divider", "spacing": 2, "flush": True}]},
    {"type": "Icon", "name": "check", "color": "blue-900", "size": "xl"},
    {"type": "Image", "src": "https://example.com/milk.png", "alt": "milk", "fit": "cover", "aspectRatio": 1.5},
    {"type": "ListViewItem", "children": [{"type": "Text", "value": "eggs"}], "onClickAction": _ACTION},
    {"type": "Button", "key": "add", "label": "Add", "onClickAction": _ACTION, "style": "primary", "disabled": False},
    {
        "type": "Form",
        "onSubmitAction": _ACTION,
        "children": [
            {"type": "Label", "value": "Name", "fieldName": "name"},
            {"type": "Input", "name": "name", "inputType": "text", "defaultValue": "milk", "required": True},
            {"type": "Textarea", "name": "note", "rows": 3, "autoResize": True},
            {"type": "Select", "name": "what", "options": _OPTIONS, "onChangeAction": _ACTION},
            {"type": "RadioGroup", "name": "how", "options": _OPTIONS, "direction": "col"},
            {"type": "Checkbox", "name": "fresh", "label": "Fresh", "defaultChecked": True},
            {"type": "DatePicker", "name": "day", "min": "2025-01-01T00:00:00", "clearable": True},
        ],
    },
    {"type": "Transition", "children": {"type": "Text", "key": "now", "value": "soon"}},
    {"type": "Chart", "data": [{"day": "Mon", "price": 1.25, "stock": 3}], "series": _SERIES, "xAxis": "day"},
)

ROOTS: tuple[dict[str, Any], ...] = (
    {
        "type": "Card",
        "size": "md",
        "status": {"text": "Ready", "icon": "check"},
        "confirm": {"label": "Buy", "action": _ACTION},
        "cancel": {"label": "No", "action": _ACTION},
        "collapsed": False,
        "children": list(COMPONENTS),
    },
    {"type": "ListView", "limit": "auto", "children": [{"type": "ListViewItem", "children": [COMPONENTS[0]]}]},
    {"type": "Basic", "gap": 3, "children": [COMPONENTS[0], COMPONENTS[3]]},
)

ITEMS: tuple[dict[str, Any], ...] = (
    {
        "type": "user_message",
        "content": [
            {"type": "input_text", "text": "Put milk on my list, "},
            {"type": "input_tag", "id": "user_7", "text": "Jane", "data": {"a": [1]}, "group": "people"},
        ],
        "attachments": [{"id": f"atc_{number}", **attachment} for number, attachment in enumerate(ATTACHMENTS)],
        "quoted_text": "two\nlines",
        "inference_options": {"tool_choice": {"id": "list"}, "model": "gpt-5"},
    },
    {
        "type": "assistant_message",
        "content": [
            {
                "type": "output_text",
                "text": "Added milk.",
                "annotations": [
                    {"type": "annotation", "source": source, "index": number}
                    for number, source in enumerate((_URL, _FILE, _ENTITY))
                ],
            },
            {"type": "output_text", "text": ""},
        ],
    },
    {
        "type": "client_tool_call",
        "status": "completed",
        "call_id": "call_1",
        "name": "add_to_todo_list",
        "arguments": {"item": "milk", "amount": 2, "tags": [], "more": {"deep": [None]}},
        "output": {"added": ["milk", None, {"ok": True}]},
    },
    {"type": "generated_image", "image": {"id": "img_1", "url": "data:image/png;base64,iVBORw0KGgo="}},
    {"type": "generated_image"},
    {
        "type": "structured_input",
        "status": "answered",
        "inputs": [
            {
                "type": "multiple_choice",
                "id": "milk",
                "question": "Which?",
                "options": [{"value": "oat"}, {"value": "cow"}],
                "multiple": True,
                "answer": {"values": ["oat", "cow"]},
            },
            {
                "type": "freeform",
                "id": "why",
                "question": "Why?",
                "description": "briefly",
                "answer": {"skipped": True},
            },
        ],
    },
    {"type": "workflow", "workflow": {"type": "custom", "tasks": list(TASKS), "summary": {"title": "Done"}}},
    {"type": "workflow", "workflow": {"type": "reasoning", "tasks": [], "summary": {"duration": 3}, "expanded": True}},
    *({"type": "task", "task": task} for task in TASKS),
    {"type": "hidden_context_item", "content": {"seen": ["a", 1, None, True]}},
    {"type": "sdk_hidden_context", "content": "The user cancelled the stream."},
    {"type": "end_of_turn"},
)

OLD_ITEMS: tuple[dict[str, Any], ...] = (
    {"type": "user_message", "content": [{"type": "input_text", "text": "hi"}], "inference_options": {}},
    {"type": "assistant_message", "content": [{"text": "hello"}]},
    {"type": "client_tool_call", "call_id": "call_1", "name": "tool", "arguments": {}},
    {"type": "widget", "widget": {"type": "Card", "children": [{"type": "Text", "value": "hi"}]}},
    {"type": "workflow", "workflow": {"type": "custom", "tasks": [{"type": "custom"}]}},
    {"type": "task", "task": {"type": "thought", "content": "Hm"}},
    {"type": "hidden_context_item", "content": "seen"},
    {"type": "end_of_turn"},
)
"""Items as the first releases wrote them: without every field that has come since."""


def item(data: dict[str, Any], *, item_id: str, thread_id: str, created_at: datetime) -> ThreadItem:
    """Make an item of its JSON."""
    made: ThreadItem = _adapter(ThreadItem).validate_python(
        {"id": item_id, "thread_id": thread_id, "created_at": created_at, **data}
    )
    return made


def attachment(data: dict[str, Any], *, attachment_id: str) -> Attachment:
    """Make an attachment of its JSON."""
    made: Attachment = _adapter(Attachment).validate_python({"id": attachment_id, **data})
    return made


def widget(root: dict[str, Any]) -> dict[str, Any]:
    """The JSON of an item that shows a widget."""
    return {"type": "widget", "widget": root, "copy_text": "milk, eggs"}


@cache
def _adapter(of: Any) -> TypeAdapter[Any]:
    return TypeAdapter(of)
