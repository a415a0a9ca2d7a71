"""The catalogue: who is asked, who is not heard, and what was not checked."""

import pytest
from rules_recording import added, delta, done, judge, message, stream, timeline, turn

from chatkit_sim.errors import ChatKitSimError, Place, UsageError, Violation
from chatkit_sim.rules import (
    ALL_RULES,
    BlockedCall,
    Catalogue,
    Evidence,
    Ignore,
    Rule,
    TestEvidence,
    UnscriptedCall,
    UnusedSteps,
)


def rule(slug="no-shouting", check=lambda evidence: (), **options):
    return Rule(
        slug=slug, family="mine", must_hold="Nobody shouts.", why="It hurts.", source="me", check=check, **options
    )


def shout(severity="error", **where):
    return Violation(
        rule="no-shouting", place=Place(**where), reason="IT IS LOUD.", remedy="Whisper.", severity=severity
    )


QUIET = stream(done(message("Hello.")))
OPEN = stream(added(message(id="one")), delta("Hi", id="one"), added(message(id="two")), delta("Hi", id="two"))


def test_a_turn_that_keeps_every_rule_has_nothing_to_tell():
    verdict = Catalogue().judge(Evidence(turn(QUIET)))

    assert not verdict.violations
    assert not verdict.ignored
    assert "item-finished" in verdict.checked


def test_a_rule_of_ones_own_joins_the_others():
    mine = rule(check=lambda evidence: [shout(turn=evidence.turn.number)])

    verdict = Catalogue(rules=[*ALL_RULES, mine]).judge(Evidence(turn(QUIET)))

    assert [violation.rule for violation in verdict.errors] == ["no-shouting"]
    assert "no-shouting" in verdict.checked


def test_two_rules_of_one_name_are_refused():
    def other(evidence):
        return ()

    with pytest.raises(UsageError, match=r"'item-finished': chatkit_sim\.rules\.items\.\w+ and \S+other\."):
        Catalogue(rules=[*ALL_RULES, rule("item-finished", check=other)])


def test_a_rule_that_fails_itself_is_named_with_its_cause():
    def careless(evidence):
        raise IndexError("nothing there")
        yield

    with pytest.raises(ChatKitSimError, match=r"'no-shouting' .*careless.* turn 1(.|\n)*IndexError: nothing") as caught:
        judge(QUIET, rules=[rule(check=careless)])
    assert isinstance(caught.value.__cause__, IndexError)


def test_a_rule_speaks_in_its_own_name_only():
    with pytest.raises(ChatKitSimError, match=r"'whispering' .* yielded a violation of 'no-shouting'"):
        judge(QUIET, rules=[rule("whispering", check=lambda evidence: [shout()])])


def test_the_severity_of_a_rule_is_that_of_its_violations():
    verdict = judge(QUIET, rules=[rule(check=lambda evidence: [shout()], severity="warning")])

    assert [violation.severity for violation in verdict.warnings] == ["warning"]
    assert not verdict.errors


def test_violations_come_in_the_order_of_the_recording():
    places = [{}, {"turn": 1}, {"turn": 1, "stream": 2}, {"turn": 1, "stream": 1}, {"turn": 1, "stream": 1, "event": 4}]
    verdict = judge(QUIET, rules=[rule(check=lambda evidence: [shout(**where) for where in places])])

    assert [str(violation.place) for violation in verdict.violations] == [
        "turn 1, stream 1, event 4",
        "turn 1, stream 1",
        "turn 1, stream 2",
        "turn 1",
        "the whole test",
    ]


# --- not checked


def test_without_a_timeline_some_rules_are_not_checked():
    verdict = judge(QUIET)

    assert verdict.not_checked["client-tool-call-identity"] == "no run was observed behind the turn's streams"
    assert "events alone" in verdict.not_checked["stop-at-client-tool"]
    assert verdict.checked.isdisjoint(verdict.not_checked)


def test_with_a_timeline_every_rule_about_turns_is_checked():
    verdict = judge(stream(done(message("Hello.")), timeline=timeline()))

    about_turns = {rule.slug for rule in ALL_RULES if rule.about != "test"}
    assert verdict.checked | verdict.not_checked.keys() == about_turns
    assert set(verdict.not_checked.values()) <= {"the thread was not read back after the turn"}


# --- the whole test


def test_what_is_left_over_is_told_at_the_end():
    steps = UnusedSteps("Titel", ('says("A")', 'says("B")'), 0, ("Title", "Assistant"))

    (violation,) = Catalogue().judge_test(TestEvidence(unused=[steps])).violations

    assert '2 steps of the script for agent "Titel" were left over: says("A") and says("B")' in violation.reason
    assert 'Did you mean "Title"?' in violation.remedy
    assert str(violation.place) == "the whole test"


def test_steps_that_wait_for_a_run_that_never_came():
    (violation,) = Catalogue().judge_test(TestEvidence(unused=[UnusedSteps(None, ('says("A")',), 0, ())])).violations

    assert "agents that ran: none" in violation.details
    assert "No agent ran at all" in violation.remedy


def test_calls_outside_of_any_turn_are_told_at_the_end():
    evidence = TestEvidence(
        unscripted=[UnscriptedCall("Title", 1, "user: 'Hi'", "Add a step.")],
        blocked=[BlockedCall("10.0.0.1", None, "app.py:1 in f"), BlockedCall("10.0.0.1", None, "app.py:2 in g")],
    )

    unscripted, blocked = Catalogue().judge_test(evidence).violations

    assert unscripted.rule == "no-unscripted-model-call"
    assert "10.0.0.1 (2 times)" in blocked.reason
    assert blocked.subjects == {"host": "10.0.0.1"}


# --- ignores


def test_an_ignore_silences_its_rule_and_says_so():
    ignore = Ignore.parse("item-finished: the pipeline is replaced next week", origin="ini")
    catalogue = Catalogue(ignores=[ignore])

    verdict = catalogue.judge(Evidence(turn(OPEN)))

    assert not verdict.violations
    assert [(violation.subjects["item"], by) for violation, by in verdict.ignored] == [("one", ignore), ("two", ignore)]
    assert catalogue.ignore_uses == {ignore: 2}
    assert not catalogue.unused_ignores()


def test_an_ignore_may_be_narrowed():
    ignore = Ignore.parse("item-finished[item=two, type=assistant_message]: known", origin="flag")

    verdict = Catalogue(ignores=[ignore]).judge(Evidence(turn(OPEN)))

    assert [violation.subjects["item"] for violation in verdict.violations] == ["one"]
    assert ignore.narrowed == {"item": "two", "type": "assistant_message"}


def test_an_ignore_that_matches_nothing_is_found_by_its_origin():
    used = Ignore.parse("item-finished: known", origin="marker")
    unused = Ignore.parse("no-network[host=example.com]: offline", origin="marker")
    elsewhere = Ignore.parse("no-network: offline", origin="ini")
    catalogue = Catalogue(ignores=[used, unused, elsewhere])

    catalogue.judge(Evidence(turn(OPEN)))

    assert catalogue.unused_ignores("marker") == (unused,)
    assert catalogue.unused_ignores() == (unused, elsewhere)
    assert str(unused) == "no-network[host=example.com]: offline"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("item-finish: known", "Did you mean 'item-finished'?"),
        ("xyz: known", "The rules are: annotation-within-text, "),
        ("item-finished", "says no reason. Write `item-finished: why`"),
        ("item-finished:  ", "says no reason. Write `item-finished: why`"),
        ("item-finished[item]: known", "narrows by 'item', which is not NAME=VALUE"),
        ("item-finished[item=]: known", "narrows by 'item=', which is not NAME=VALUE"),
        ("not at all readable", "cannot be read. Write `RULE: reason`"),
        ("", "cannot be read"),
    ],
)
def test_an_ignore_that_cannot_be_understood_says_how_to_write_it(text, says):
    with pytest.raises(UsageError) as caught:
        Ignore.parse(text, origin="ini")

    assert says in str(caught.value)
    assert "(ini)" in str(caught.value)


def test_an_ignore_of_a_rule_of_ones_own():
    ignore = Ignore.parse("no-shouting: it is a party", origin="marker", known=["no-shouting"])
    mine = rule(check=lambda evidence: [shout()])

    assert Catalogue(rules=[mine], ignores=[ignore]).judge(Evidence(turn(QUIET))).ignored
    with pytest.raises(UsageError, match=r"'no-shouting' .marker. names no rule"):
        Catalogue(ignores=[ignore])


def test_catalogues_share_nothing():
    ignore = Ignore.parse("item-finished: known", origin="marker")
    one, other = Catalogue(ignores=[ignore]), Catalogue(ignores=[ignore])

    one.judge(Evidence(turn(OPEN)))

    assert other.unused_ignores() == (ignore,)
