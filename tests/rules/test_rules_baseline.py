"""Baselines: what a codebase breaks already, one readable line each, that neither churns nor rots."""

import pytest

from chatkit_sim.errors import Place, UsageError, Violation
from chatkit_sim.rules import ALL_RULES, Baseline, Catalogue, Ignore, Met, may_be_judged

KNOWN = [rule.slug for rule in ALL_RULES]
SIM = "tests/conftest.py::chatkit-sim::"


def read(tmp_path, text, known=KNOWN):
    path = tmp_path / "baseline.txt"
    path.write_text(text)
    return Baseline.read(path, shown="baseline.txt", known=known)


def met(rule, *tests, **blamed):
    return [Met(rule, tuple(sorted(blamed.items())), test) for test in tests]


def lines(text):
    return [line.partition(":")[0] if "test=" not in line else line.rpartition(": known")[0] for line in _bare(text)]


def _bare(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_a_line_names_the_rule_what_is_to_blame_and_why(tmp_path):
    baseline = read(tmp_path, "# old\n\n# asked about\nstop-at-client-tool[agent=A, tool=add]: ticket 7: next week\n")

    [ignore] = baseline.ignores
    assert (ignore.rule, ignore.narrowed, ignore.reason) == (
        "stop-at-client-tool",
        {"agent": "A", "tool": "add"},
        "ticket 7: next week",
    )
    assert baseline.head == ("# old",)
    assert baseline.comments == (("# asked about",),)


def test_it_does_not_say_where_so_that_new_tests_and_events_leave_it_alone():
    text = Baseline(None).written(
        [*met("stop-at-client-tool", "test_a.py::test_1", "test_a.py::test_2", f"{SIM}tools", tool="add", agent="A")]
    )
    assert lines(text) == ["stop-at-client-tool[agent=A,tool=add]"]


def test_a_rule_that_names_nothing_of_the_app_is_narrowed_to_its_tests():
    text = Baseline(None).written(met("preamble-first", "test_a.py::test_x[a: b,c]", f"{SIM}retry", f"{SIM}cancel"))
    assert lines(text) == [
        'preamble-first[test="test_a.py::test_x[a: b,c]"]',
        f"preamble-first[test={SIM}*]",
    ]


def test_what_only_simulations_meet_is_narrowed_to_them():
    found = [
        *met("no-network", f"{SIM}tools", f"{SIM}campaign-conversation", host="example.com"),
        *met("server-tool-raised", f"{SIM}campaign-conversation", tool="add"),
    ]
    assert lines(Baseline(None).written(found)) == [
        f"no-network[host=example.com,test={SIM}*]",
        f"server-tool-raised[tool=add,test={SIM}campaign-*]",
    ]


def test_ids_do_not_stand_in_it_for_they_are_others_in_the_next_run():
    violation = Violation(
        rule="item-finished",
        place=Place(),
        reason="r",
        remedy="m",
        subjects={"item": "msg_1", "type": "widget", "a": ""},
    )
    assert Met.of(violation, "t").blamed == (("type", "widget"),)


def test_written_anew_it_is_sorted_and_keeps_reasons_and_comments(tmp_path):
    before = read(
        tmp_path,
        "# The team's own words.\n\nno-network: geocoder\n# see #12\nitem-finished[type=widget]: later\n# the end\n",
    )
    text = before.written(met("item-added-once", "test_a.py::test", type="widget"), [before.ignores[0]])

    assert text.splitlines() == [
        "# The team's own words.",
        "",
        "item-added-once[type=widget]: known when the baseline was written; say why",
        "# see #12",
        "item-finished[type=widget]: later",
        "# the end",
    ]
    again = read(tmp_path, text)
    assert again.written([]) == text


def test_a_broader_line_takes_the_reason_of_the_narrower_that_it_replaces(tmp_path):
    before = read(tmp_path, f"no-network[host=example.com,test={SIM}*]: the geocoder\n")
    text = before.written(met("no-network", "test_a.py::test", host="example.com"))
    assert _bare(text) == ["no-network[host=example.com]: the geocoder"]


def test_lines_go_stale_but_those_of_simulations_only_with_one_and_those_of_campaigns_never(tmp_path):
    text = f"no-network: a\nitem-finished[test={SIM}*]: b\nno-ghost-update[test={SIM}campaign-*]: c\n"
    baseline = read(tmp_path, text)

    def stale(*used, **options):
        return [one.rule for one in baseline.stale(used, **options)]

    assert stale(simulated=True) == ["no-network", "item-finished"]
    assert stale(simulated=False) == ["no-network"]
    assert stale("no-network: a", simulated=True) == ["item-finished"]
    assert (
        may_be_judged(Ignore.parse("no-network[test=*::chatkit-sim::campaign-all]: x", origin="ini"), simulated=True)
        is False
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nno-netwrk: x", r"The line 'no-netwrk: x' \(baseline.txt:2\) .*no rule. Did you mean 'no-network'\?"),
        ("no-network", r"The line 'no-network' \(baseline.txt:1\) says no reason. Write `no-network: why`"),
        ("no-network[: x", r"\(baseline.txt:1\) cannot be read. Write `RULE: reason`"),
        ("no-network[host]: x", r"\(baseline.txt:1\) narrows by 'host', which is not NAME=VALUE"),
        ("no-network: x\nno-network: y", "baseline.txt:2: no-network stands in line 1 already"),
    ],
)
def test_a_wrong_line_is_named_with_its_place_and_what_to_write(tmp_path, text, message):
    with pytest.raises(UsageError, match=message):
        read(tmp_path, text)


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(UsageError, match=r"There is no baseline b.txt. Write it first: .*--chatkit-sim-write-baseline"):
        Baseline.read(tmp_path / "none", shown="b.txt", known="any")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"b\.txt cannot be read as UTF-8"):
        Baseline.read(tmp_path / "binary", shown="b.txt", known="any")


def test_an_ignore_may_be_narrowed_to_tests():
    violation = Violation(rule="no-network", place=Place(), reason="r", remedy="m")
    ignore = Ignore.parse('no-network[test="tests/*::test_x[a,*]"]: x', origin="ini")

    def heard(test):
        return Catalogue(ignores=[ignore], test=test).sift([violation])[0]

    assert str(ignore) == 'no-network[test="tests/*::test_x[a,*]"]: x'
    assert heard("tests/a.py::test_x[a,b]") == []
    assert heard("tests/a.py::test_x[b]") == [violation]
    assert heard("") == [violation]


def test_every_ignore_that_matches_is_needed():
    violation = Violation(rule="no-network", place=Place(), reason="r", remedy="m", subjects={"host": "x"})
    broad, narrow = (Ignore.parse(f"{text}: x", origin="ini") for text in ("no-network", "no-network[host=x]"))
    catalogue = Catalogue(ignores=[broad, narrow])

    assert catalogue.sift([violation]) == ([], [(violation, broad)])
    assert catalogue.unused_ignores() == ()
