"""Measure campaigns: ``python tests/benchmarks/campaigns.py [speed] [RULE ...]``.

For every bug planted in ``fixtures/broken``: after how many examples and seconds a campaign finds it, over some seeds,
and how long its story is then. And moves in a second, beside the bare server. Nothing is asserted; a person reads the
table.
"""

import asyncio
import importlib
import logging
import pathlib
import statistics
import sys
import time
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT / "fixtures"), str(ROOT / "fixtures" / "responders")]

from hypothesis import settings  # noqa: E402

from chatkit_sim import MemoryStore  # noqa: E402
from chatkit_sim.client.frontend import Frontend  # noqa: E402
from chatkit_sim.simulation import GOALS, Campaign  # noqa: E402
from chatkit_sim.simulation.scene import World  # noqa: E402
from chatkit_sim.wire import requests as wire  # noqa: E402

SEEDS = range(3)
EXAMPLES = 200
HELLO = wire.create_thread(wire.user_input([{"type": "input_text", "text": "Hi"}])).body()
# What no campaign here tells: what is about a test and its script or the types of a page, what is worth a warning only,
# what takes a second user, and what another rule tells of the same cause.
OUT_OF_REACH = {
    "script-used-up",
    "no-unscripted-model-call",
    "client-tool-arguments-valid",
    "client-tool-turn-answered",
    "turn-shows-something",
    "isolation",
    "item-stored-once",
}

settings.register_profile("benchmark", database=None)
settings.load_profile("benchmark")


def goal(slug):
    return next(goal for goal in GOALS if goal.slug == slug)


def campaign(server, slug="everything", seed=0, examples=EXAMPLES, frontend=None, most=8):
    world = World(server=server, options={"frontend": frontend} if frontend is not None else {})
    return Campaign(world=world, goal=goal(slug), examples=examples, seed=seed, most=most)


def planted(rules):
    for path in sorted((ROOT / "fixtures" / "broken").glob("*.py")):
        rule = path.stem.replace("_", "-")
        if rules and rule not in rules:
            continue
        module = importlib.import_module(f"broken.{path.stem}")
        if hasattr(module, "BROKEN") and rule not in OUT_OF_REACH:
            yield rule, module.BROKEN


def find(rule, case, seed):
    tools = {tool.__name__: tool for tool in case.client_tools}
    frontend = Frontend(client_tools=tools, retry=True, feedback=True) if tools else None
    begun = time.perf_counter()
    # Most servers have one bug, and a campaign that looks for more plays all of its examples.
    result = campaign(case.server, seed=seed, frontend=frontend, most=1).run()
    if result.findings and result.findings[0].key[0] != rule:
        result = campaign(case.server, seed=seed, frontend=frontend, most=8).run()
    found = [finding for finding in result.findings if finding.key[0] == rule]
    others = [finding.key[0] for finding in result.findings if finding.key[0] != rule]
    return (found[0], found[0].seconds, others) if found else (None, time.perf_counter() - begun, others)


def bugs(rules):
    print(f"{'rule':35} {'found':>6} {'examples':>9} {'seconds':>8} {'moves':>6}  others")
    for rule, case in planted(rules):
        runs = [find(rule, case, seed) for seed in SEEDS]
        hits = [finding for finding, _, _ in runs if finding is not None]
        others = sorted({other for _, _, more in runs for other in more})
        examples = max((finding.examples for finding in hits), default=0)
        moves = max((len(finding.story) for finding in hits), default=0)
        seconds = statistics.mean(seconds for _, seconds, _ in runs)
        print(
            f"{rule:35} {len(hits)}/{len(runs):<4} {examples:9} {seconds:8.1f} {moves:6}  {', '.join(others)}",
            flush=True,
        )


async def bare(server, count):
    for _ in range(count):
        async for _ in await server.process(HELLO, {}):
            pass


def speed():
    from handwritten.server import HandwrittenServer

    asyncio.run(bare(HandwrittenServer(MemoryStore()), 20))
    begun = time.perf_counter()
    asyncio.run(bare(HandwrittenServer(MemoryStore()), 300))
    by_hand = 300 / (time.perf_counter() - begun)
    result = campaign(lambda store: HandwrittenServer(store), "conversation", examples=100).run()
    moves = result.steps / result.seconds
    print(f"hand-written server: {by_hand:.0f} turns/s bare, {moves:.0f} moves/s in a campaign")


if __name__ == "__main__":
    chosen = sys.argv[1:]
    if not chosen or "speed" in chosen:
        speed()
    rules = [name for name in chosen if name != "speed"]
    if rules or not chosen:
        bugs(rules)
