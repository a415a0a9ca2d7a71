"""Every rule is broken by one server and kept by its neighbour, both driven for real."""

import importlib
from pathlib import Path

import broken
import pytest
from rules_listening import listening

from chatkit_sim.rules import ALL_RULES

SLUGS = [rule.slug for rule in ALL_RULES]


def heard(case):
    page = {"script": case.script, "client_tools": case.client_tools, **case.options}
    with listening(case.server, **page) as (client, catalogue):
        if case.play is not None:
            case.play(client)
        else:
            for words in case.user:
                client.send(words)
    return catalogue.heard


def module_of(slug):
    return importlib.import_module(f"broken.{slug.replace('-', '_')}")


@pytest.mark.parametrize("slug", SLUGS)
def test_exactly_this_rule_speaks_of_the_broken_one(slug):
    case = module_of(slug).BROKEN

    found = heard(case)

    assert [violation.rule for violation in found] == [slug], "\n\n".join(map(str, found))
    assert case.facts
    missing = [fact for fact in case.facts if fact not in str(found[0])]
    assert not missing, str(found[0])


@pytest.mark.parametrize("slug", SLUGS)
def test_no_rule_speaks_of_the_one_that_keeps_it(slug):
    assert not [str(violation) for violation in heard(module_of(slug).KEPT)]


def test_every_pair_belongs_to_a_rule():
    names = {path.stem for path in Path(broken.__file__).parent.glob("*.py")} - {"__init__", "case", "servers"}

    assert names == {slug.replace("-", "_") for slug in SLUGS}


@pytest.mark.parametrize("rule", ALL_RULES, ids=SLUGS)
def test_every_rule_explains_itself(rule):
    for text in (rule.must_hold, rule.why, rule.source, rule.broken, rule.mended):
        assert text
    assert rule.broken != rule.mended
    assert rule.traps
    assert all(trap.endswith(".") for trap in rule.traps)
    assert rule.must_hold.endswith(".")
    assert rule.why.endswith(".")
