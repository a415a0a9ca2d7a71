"""Every rule is broken by one server and kept by its neighbour, both driven for real."""

import importlib
import warnings
from pathlib import Path

import pytest
from chatkit_sim.client import SimulatedClient
from chatkit_sim.errors import ViolationError
from chatkit_sim.model import ModelScript
from chatkit_sim.rules import ALL_RULES, Catalogue

import broken
from broken.case import Case

SLUGS = [rule.slug for rule in ALL_RULES]


class ListeningCatalogue(Catalogue):
    """Keeps every violation that it finds."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def judge(self, evidence):
        verdict = super().judge(evidence)
        self.heard += verdict.violations
        return verdict

    def judge_test(self, evidence):
        verdict = super().judge_test(evidence)
        self.heard += verdict.violations
        return verdict


def violations_of(case: Case):
    catalogue, model = ListeningCatalogue(), ModelScript()
    model.script(*case.script)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = SimulatedClient(case.server, model=model, catalogue=catalogue)
        for handler in case.client_tools:
            client.client_tool(handler)
        try:
            for words in case.user:
                client.send(words)
            client.close()
        except ViolationError:
            client.close()
    return catalogue.heard


@pytest.fixture(params=SLUGS)
def slug(request):
    return request.param


def module_of(slug):
    return importlib.import_module(f"broken.{slug.replace('-', '_')}")


def test_exactly_this_rule_speaks_of_the_broken_one(slug):
    case = module_of(slug).BROKEN

    found = violations_of(case)

    assert [violation.rule for violation in found] == [slug], "\n\n".join(map(str, found))
    assert case.facts
    for fact in case.facts:
        assert fact in str(found[0])


def test_no_rule_speaks_of_the_one_that_keeps_it(slug):
    assert [str(violation) for violation in violations_of(module_of(slug).KEPT)] == []


def test_every_pair_belongs_to_a_rule():
    names = {path.stem for path in Path(broken.__file__).parent.glob("*.py")} - {"__init__", "case", "servers"}

    assert names == {slug.replace("-", "_") for slug in SLUGS}
