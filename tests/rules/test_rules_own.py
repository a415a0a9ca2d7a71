"""A rule of a user's own: ten lines, the same data, the same ignores."""

import pytest
from broken.servers import handwritten
from chatkit.types import ThreadItemDoneEvent

from chatkit_sim import Rule, SimulatedClient, Violation, ViolationError
from chatkit_sim.rules import ALL_RULES, Catalogue, Ignore, place


def short_answers(evidence):
    for stream in evidence.turn.streams:
        for number, event in enumerate(stream.events, 1):
            item = getattr(event, "item", None)
            if item is not None and item.type == "assistant_message" and len(item.content[0].text) > 20:
                yield Violation(
                    rule="short-answers",
                    place=place(evidence.turn, stream, number),
                    reason="The answer is long.",
                    remedy="Be brief.",
                    subjects={"item": item.id},
                )


SHORT_ANSWERS = Rule(slug="short-answers", must_hold="Answers are short.", check=short_answers)


async def talkative(reply):
    yield ThreadItemDoneEvent(item=reply.message("Well, that is a long story, and it began in spring."))


def test_it_speaks_like_the_others():
    with SimulatedClient(handwritten(talkative), catalogue=Catalogue([*ALL_RULES, SHORT_ANSWERS])) as client:
        with pytest.raises(ViolationError, match=r"short-answers  turn 1, stream 1, event 4\n  The answer is long."):
            client.send("Hello")


def test_it_can_be_ignored_expected_and_made_a_warning():
    rules = [*ALL_RULES, SHORT_ANSWERS]
    known = [rule.slug for rule in rules]
    ignore = Ignore.parse("short-answers: we like it long", origin="ini", known=known)
    with SimulatedClient(handwritten(talkative), catalogue=Catalogue(rules, [ignore])) as client:
        client.send("Hello")
    with SimulatedClient(handwritten(talkative), catalogue=Catalogue(rules)) as client:
        with client.expecting(violation="short-answers"):
            client.send("Hello")


def test_it_may_yield_to_another_and_say_when_it_cannot_be_checked():
    def shout(rule, **fields):
        def check(evidence):
            yield Violation(rule=rule, place=place(evidence.turn), reason="r", remedy="m", **fields)

        return check

    def verdict(*rules):
        with SimulatedClient(handwritten(talkative), catalogue=Catalogue(rules)) as client:
            try:
                client.send("Hello")
            except ViolationError:
                return client._core.bench.judged[0].verdict
            return client._core.bench.judged[0].verdict

    better = Rule(slug="better", must_hold="x", check=shout("better", items=("a", "b")))
    same = Rule(slug="same", must_hold="x", check=shout("same", subjects={"item": "a"}), yields_to=("better",))
    other = Rule(slug="other", must_hold="x", check=shout("other", items=("a", "c")), yields_to=("better",))
    blind = Rule(slug="blind", must_hold="x", check=shout("blind"), unable=lambda evidence: "it is dark")

    found = verdict(better, same, other, blind)

    assert [violation.rule for violation in found.violations] == ["better", "other"]
    assert found.not_checked == {"blind": "it is dark"}
    assert "blind" not in found.checked
    assert [violation.rule for violation in verdict(same).violations] == ["same"]
