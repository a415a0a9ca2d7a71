"""Steps: what a model says, written as one reads it."""

import pytest
from agents.testing import ModelStep, assistant_message

from chatkit_sim.errors import UsageError
from chatkit_sim.model import calls, cites, draws, fails, refuses, says, thinks
from chatkit_sim.model.steps import split


@pytest.mark.parametrize(
    "written",
    [
        'says("Hello")',
        'says("Say \\"hi\\"")',
        'says("One two", chunks=["One ", "two"])',
        'calls("add", item="milk", count=2)',
        'calls("ping")',
        "calls(\"odd\", {'a b': 1})",
        'calls("broken", "{not json")',
        'thinks("First", "Then")',
        'cites("See", url="https://example.org", title="Example")',
        'cites("See", filename="notes.txt")',
        'refuses("No.")',
        "draws(partial=2)",
        "fails()",
        "fails(TimeoutError('slow'))",
        'fails(after=says("Half an ans"))',
        'thinks("Hm") & says("Both:") & calls("a") & calls("b")',
    ],
)
def test_reads_as_it_is_written(written):
    names = {"says": says, "calls": calls, "thinks": thinks, "cites": cites, "draws": draws}
    names |= {"refuses": refuses, "fails": fails}
    assert repr(eval(written, names)) == written


def test_steps_with_the_same_content_are_equal():
    assert calls("add", item="milk") == calls("add", {"item": "milk"})
    assert says("a") & says("b") == says("a") & says("b")
    assert says("a") != says("b")


@pytest.mark.parametrize(
    ("text", "chunks", "deltas"),
    [
        ("Added milk and eggs.", 2, ("Added milk ", "and eggs.")),
        ("Added milk.", 3, ("Added ", "milk.")),
        ("Hello", 3, ("H", "el", "lo")),
        ("Hi", 9, ("H", "i")),
        ("", 3, ("",)),
        ("  two  spaces ", 99, (" ", " ", "two ", " ", "spaces ", "")),
        ("exactly", ("exac", "", "tly"), ("exac", "", "tly")),
    ],
)
def test_splits_a_text_into_deltas(text, chunks, deltas):
    assert split(text, chunks) == deltas
    assert "".join(split(text, chunks)) == text


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: says(5), r"says\(\) takes text; 5 is a int"),
        (lambda: says("abc", chunks=["a", "b"]), "must be a list that joins to the text"),
        (lambda: says("abc", chunks="abc"), "must be a list"),
        (lambda: says("abc", chunks=0), "at least one delta"),
        (lambda: calls(says("x")), "takes the tool's name"),
        (lambda: calls("a", {"x": 1}, x=2), "gives x twice"),
        (lambda: calls("a", "{}", x=2), "raw text and keyword"),
        (lambda: calls("a", when=object()), "must be JSON"),
        (lambda: cites("text"), "either url=... "),
        (lambda: cites("text", url="https://example.org", filename="a"), "either url=... "),
        (lambda: fails("oops"), "takes the exception to raise"),
        (lambda: says("a") & assistant_message("b"), "is not one"),
        (lambda: says("a") & ModelStep(), "agents.testing stands alone"),
    ],
)
def test_says_what_is_wrong(wrong, message):
    with pytest.raises(UsageError, match=message):
        wrong()
