"""Differences of transcripts: they begin at the first change, say where that is, and stay short."""

from chatkit_sim.transcript import difference
from chatkit_sim.transcript.differences import changed_lines, same_start


def text(*entries):
    return "\n".join(["== turn 1", "", *entries])


def entry(number, said="Hello"):
    return f"assistant\n  | {said} {number}\n"


def shown(old, new, **options):
    return [str(line) for line in difference(old, new, **options)]


def test_equal_texts_have_none():
    assert difference("a\nb", "a\nb") == []


def test_it_begins_with_the_heading_of_what_changed():
    old = text(*map(entry, range(30)), "-- stream 2", "", *map(entry, range(30)))
    new = old.replace("-- stream 2\n\nassistant\n  | Hello 0", "-- stream 2\n\nassistant\n  | Hello you")
    assert shown(old, new) == [
        "@ turn 1, stream 2, line 96",
        "  assistant",
        "-   | Hello 0",
        "+   | Hello you",
        "",
        "  assistant",
        "    | Hello 1",
    ]


def test_a_text_that_goes_on_or_stops_early():
    old = text(entry(1))
    assert shown(old, old + "\nprogress") == ["@ turn 1, line 6", "  assistant", "    | Hello 1", "", "+ progress"]
    assert shown(old + "\nprogress", old)[-1] == "- progress"


def test_what_lies_between_two_changes_is_counted():
    old = text(*map(entry, range(20)))
    new = old.replace("Hello 1\n", "Bye 1\n").replace("Hello 15\n", "Bye 15\n")
    lines = shown(old, new)
    assert "… 35 lines as before" in lines
    assert [line for line in lines if line.startswith(("-", "+"))] == [
        "-   | Hello 1",
        "+   | Bye 1",
        "-   | Hello 15",
        "+   | Bye 15",
    ]


def test_a_long_one_is_cut_and_says_so():
    lines = shown(text(*map(entry, range(60))), text(*(entry(n, "Bye") for n in range(60))), limit=10)
    assert len(lines) < 16
    assert lines[-1].startswith("… ")
    assert lines[-1].endswith("more lines of this difference")


def test_of_very_long_texts_only_the_beginning_is_aligned():
    old = text(*map(entry, range(5_000)))
    new = text(*(entry(number, "Bye" if number % 10 == 0 else "Hello") for number in range(5_000)))
    assert shown(old, new, limit=1_000)[-1] == "… 14,771 more lines were not compared"


def test_the_same_start_is_found_wherever_it_ends():
    for length in range(12):
        for changed in range(length + 1):
            old = [str(number) for number in range(length)]
            new = [*old[:changed], "x", *old[changed + 1 :]]
            assert same_start(old, new) == changed


def test_changed_lines_leave_out_the_rest():
    assert changed_lines(["a", "b", "c"], ["a", "B", "c", "d"]) == ["- b", "+ B", "+ d"]
