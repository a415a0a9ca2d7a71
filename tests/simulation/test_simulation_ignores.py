"""What scenarios see by themselves is ignored, and noted for a baseline, as what rules say."""

import pytest
from chatkit.types import ThreadItemAddedEvent
from store_stage import BY_SLUG, Echo

from chatkit_sim import MemoryStore
from chatkit_sim.client import Bench
from chatkit_sim.rules import Catalogue, Ignore
from chatkit_sim.simulation import ScenarioError, Simulation
from chatkit_sim.simulation.names import ELSEWHERE, SCENES
from fixtures.broken_stores import BROKEN_STORES


def play(slug, server, *ignored, takes_notes=False):
    ignores = [Ignore.parse(f"{name}: known", origin="ini", known=ELSEWHERE) for name in ignored]
    bench = Bench(server, catalogue=Catalogue(ignores=ignores, elsewhere=ELSEWHERE))
    bench.takes_notes = takes_notes
    try:
        Simulation(bench, BY_SLUG[slug], faults=12).play()
    finally:
        bench.close()
    return bench.judged[-1].verdict


def test_a_promise_of_the_store():
    slug, make = next(iter(BROKEN_STORES.items()))

    def server():
        return Echo(make())

    with pytest.raises(ScenarioError) as caught:
        play("store", server)
    broken = [violation.rule for violation in caught.value.violations]
    assert slug in broken
    verdict = play("store", server, *broken)
    assert [violation.rule for violation, _ in verdict.ignored] == broken
    assert not verdict.violations


class Forgetful(Echo):
    """Shows items before the store has them, and swallows what the store says."""

    async def respond(self, thread, input_user_message, context):
        try:
            page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        except ConnectionError:
            page = None
        event = self.message(thread, context, "You wrote.")
        if page is None:
            yield ThreadItemAddedEvent(item=event.item)
            return
        yield event


def test_what_a_failure_of_the_store_leads_to():
    def server():
        return Forgetful(MemoryStore())

    with pytest.raises(ScenarioError) as caught:
        play("store-faults", server)
    [rule] = {violation.rule for violation in caught.value.violations}
    ignores = [Ignore.parse(f"{rule}: known", origin="baseline")]
    bench = Bench(server, catalogue=Catalogue(ignores=ignores))
    try:
        Simulation(bench, BY_SLUG["store-faults"], faults=12).play()
        # A bench that takes notes hears of it all the same: what was met is in what was judged.
        noting = Bench(server)
        noting.takes_notes = True
        with pytest.raises(ScenarioError):
            Simulation(noting, BY_SLUG["store-faults"], faults=12).play()
        assert {violation.rule for violation in noting.judged[-1].raised} == {rule}
        noting.close()
    finally:
        bench.close()


def test_scenarios_are_no_rules():
    assert "store-faults" in SCENES
    assert not SCENES & ELSEWHERE.keys()
