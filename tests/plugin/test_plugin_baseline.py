"""Baselines of a project: written, kept, gone stale; together with simulations and workers."""

import pytest
from plugin_projects import TODO

RULES = """
from chatkit_sim import Violation
from chatkit_sim.rules import place

def pytest_chatkit_rules(rules):
    @rules.rule("short-answers", "Answers are short.")
    def check(evidence):
        if len(evidence.turn.text) > 20:
            yield Violation(
                rule="short-answers", place=place(evidence.turn), reason="It is long.", remedy="Be brief.",
                subjects={"tool": "none"},
            )
"""
TESTS = """
from chatkit_sim import calls, says

def test_long(chatkit_client, chatkit_model):
    chatkit_model.script(says("A long story that nobody reads."), says("And another one that is as long."))
    assert chatkit_client.send("Hi").text
    with chatkit_client.expecting(violation="short-answers"):
        chatkit_client.send("Hi")

def test_short(chatkit_client, chatkit_model):
    chatkit_model.script(says("Short."))
    chatkit_client.send("Hi")
"""
BASELINE = ("--chatkit-sim-baseline", "known.txt")
LINE = "short-answers[tool=none]: known when the baseline was written; say why"


@pytest.fixture
def talkative(project):
    project.write("conftest.py", TODO + RULES)
    project.write("test_it.py", TESTS)
    return project


def test_what_is_known_does_not_fail_and_what_is_gone_does(talkative):
    known = talkative.path / "known.txt"
    talkative.run().assert_outcomes(passed=1, failed=1)

    result = talkative.run(*BASELINE, "--chatkit-sim-write-baseline")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["baseline      wrote known.txt: 1 new. Say for each new line why it is left so."])
    assert known.read_text().splitlines()[-1] == LINE

    known.write_text("# ours\n\nshort-answers[tool=none]: ticket 7\nno-network: once needed\n")
    result = talkative.run(*BASELINE)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "baseline      2 violations that it knows of: short-answers 2",
            "stale         'no-network: once needed' silenced nothing in this complete run.",
            "              Take it out of known.txt, so that the rule speaks again when it is broken.",
        ]
    )
    # A part of the run judges none of it, and drops nothing.
    assert talkative.run(*BASELINE, "-k", "short").ret == 0
    part = talkative.run(*BASELINE, "-k", "short", "--chatkit-sim-write-baseline")
    part.stdout.fnmatch_lines(["*2 kept; the run was not a complete one, so no line was dropped."])

    result = talkative.run(*BASELINE, "--chatkit-sim-write-baseline")
    result.stdout.fnmatch_lines(["baseline      wrote known.txt: 1 kept, 1 gone."])
    assert known.read_text() == "# ours\n\nshort-answers[tool=none]: ticket 7\n"


def test_workers_write_it_together(talkative):
    known = talkative.write("known.txt", "no-network: once needed\n")
    result = talkative.run_apart("-n", "1", *BASELINE, "--chatkit-sim-write-baseline")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["baseline      wrote known.txt: 1 new, 1 gone.*"])
    assert known.read_text().splitlines()[-1] == LINE


def test_scenarios_write_lines_that_only_simulations_are_held_to(talkative):
    items = [f"conftest.py::chatkit-sim::{name}" for name in ("plain-reply", "campaign-conversation")]
    options = ("--chatkit-sim", "--chatkit-sim-examples", "2", *BASELINE)
    talkative.run(*options, *items, "--chatkit-sim-write-baseline").assert_outcomes(passed=2)
    line = (talkative.path / "known.txt").read_text().splitlines()[-1]
    assert line == LINE.replace("none]", "none,test=conftest.py::chatkit-sim::*]")

    talkative.run(*options, *items).assert_outcomes(passed=2)
    # A complete run without simulations has nothing to say of it.
    talkative.write("test_it.py", TESTS[TESTS.index("def test_short") :].join(["from chatkit_sim import says\n", ""]))
    assert talkative.run(*BASELINE).ret == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--chatkit-sim-write-baseline",), "*does not know where to. Name the file: --chatkit-sim-baseline FILE*"),
        (BASELINE, "*There is no baseline known.txt. Write it first: pytest --chatkit-sim-baseline known.txt*"),
        (("--chatkit-severity", "no-network: loud"), "*--chatkit-severity says 'no-network: loud'; write RULE: error*"),
    ],
)
def test_what_cannot_be_is_said_before_any_test(talkative, arguments, message):
    result = talkative.run(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_an_ignore_of_a_scenario_says_what_to_name_instead(todo):
    todo.write("test_it.py", "def test_it(chatkit_client): pass")
    result = todo.run("--chatkit-ignore", "store-faults: x")
    result.stdout.fnmatch_lines(
        ["*names 'store-faults', which is no rule but a scenario*RULE[[]test=*::store-faults[]]*"]
    )
