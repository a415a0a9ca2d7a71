"""Widgets read as short trees."""

import pytest
from chatkit.types import WidgetRoot
from chatkit.widgets import DynamicWidgetRoot
from pydantic import TypeAdapter
from transcript_samples import WIDGET

from chatkit_sim.transcript import describe_widget

TREE = [
    'Card #groceries status "3 left"',
    '  Title "Groceries"',
    '  Row [key "milk"]',
    '    Checkbox milk "Milk" -> todo.toggle(id=1)',
    '    Button "Open" -> todo.open in the client',
    "  Select shop [Ada's | Bo]",
    '  confirm "Save" -> todo.save([1, 2])',
]


@pytest.mark.parametrize("kind", [WidgetRoot, DynamicWidgetRoot], ids=["strict", "dynamic"])
def test_strict_and_dynamic_widgets_read_alike(kind):
    assert describe_widget(TypeAdapter(kind).validate_python(WIDGET)) == TREE


def test_a_dynamic_component_that_the_sdk_does_not_know():
    child = {"type": "Hologram", "label": "Boo", "disabled": True, "data": [1, 2]}
    widget = DynamicWidgetRoot.model_validate({"type": "Basic", "children": child})
    assert describe_widget(widget) == ["Basic", '  Hologram "Boo" (2 rows) disabled']


def test_a_limit_says_what_it_leaves_out():
    widget = TypeAdapter(WidgetRoot).validate_python(WIDGET)
    assert describe_widget(widget, 3) == [*TREE[:2], "… 5 more lines"]
    assert describe_widget(widget, 7) == TREE


def test_a_deep_widget_is_no_trouble():
    child = {"type": "Text", "value": "bottom"}
    for _ in range(100):
        child = {"type": "Box", "children": child}
    lines = describe_widget(DynamicWidgetRoot.model_validate({"type": "Card", "children": child}))
    assert len(lines) == 102
    assert lines[-1].strip() == 'Text "bottom"'


def test_many_options_are_counted():
    options = [{"label": f"L{n}", "value": str(n)} for n in range(9)]
    widget = {"type": "Card", "children": [{"type": "RadioGroup", "name": "size", "options": options}]}
    line = describe_widget(TypeAdapter(WidgetRoot).validate_python(widget))[1]
    assert line == "  RadioGroup size [L0 | L1 | L2 | L3 | L4 | 4 more]"
