"""Measure campaigns: ``python tests/benchmarks/campaigns.py [speed | good | leaks | RULE ...]``.

By default, for every bug planted in ``fixtures/broken``: after how many examples and seconds a campaign finds it, over
some seeds, and how long its story is then. ``good``: what campaigns say of servers that have no bug. ``leaks``: what is
left behind after many examples. ``speed``: moves in a second, beside the bare server. Nothing is asserted; a person
reads the tables.

Options: ``--seeds N`` (20), ``--examples N``.
"""

import argparse
import asyncio
import contextlib
import copy
import gc
import importlib
import logging
import pathlib
import resource
import statistics
import sys
import tempfile
import threading
import time
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT / "fixtures"), str(ROOT / "fixtures" / "responders")]

from hypothesis import settings  # noqa: E402

from chatkit_sim import MemoryStore  # noqa: E402
from chatkit_sim.client.frontend import Frontend  # noqa: E402
from chatkit_sim.model import ModelScript  # noqa: E402
from chatkit_sim.model.http import OpenAIAPI  # noqa: E402
from chatkit_sim.simulation import GOALS, Campaign  # noqa: E402
from chatkit_sim.simulation.scene import World  # noqa: E402
from chatkit_sim.stores import SQLiteStore  # noqa: E402
from chatkit_sim.wire import requests as wire  # noqa: E402

EXAMPLES = 200
HELLO = wire.create_thread(wire.user_input([{"type": "input_text", "text": "Hi"}])).body()
# What no user, model, delay or order of tasks can bring about, and why.
OUT_OF_REACH = {
    "script-used-up": "about a test and its script; a campaign has none",
    "no-unscripted-model-call": "about a test and its script; a campaign answers every call",
}
# What takes a client that names what is not its own (--chatkit-sim-hostile), and a server that talks to the API itself.
HOSTILE_ONLY = {"isolation"}
OVER_HTTP = {"provider-accepts-request"}

settings.register_profile("benchmark", database=None)
settings.load_profile("benchmark")


def goal(slug):
    return next(goal for goal in GOALS if goal.slug == slug)


def campaign(
    server, slug="everything", seed=0, examples=EXAMPLES, most=8, other=None, context=None, seconds=None, **options
):
    second = {} if other is None else {"context": other}
    world = World(server=server, context=context, second_user=second, options=options)
    return Campaign(world=world, goal=goal(slug), examples=examples, seed=seed, most=most, seconds=seconds)


def planted(rules):
    for path in sorted((ROOT / "fixtures" / "broken").glob("*.py")):
        rule = path.stem.replace("_", "-")
        if rules and rule not in rules:
            continue
        module = importlib.import_module(f"broken.{path.stem}")
        if hasattr(module, "BROKEN") and rule not in OUT_OF_REACH:
            yield rule, module.BROKEN


def staged(case):
    """The server of a case, made anew with its store for each example, and what else its clients are given."""
    given = dict(case.options)
    store, context = given.pop("store", None), given.pop("context", None)
    make = case.server
    if store is not None:
        make = lambda: case.server(anew(store))  # noqa: E731
    tools = {tool.__name__: tool for tool in case.client_tools}
    if tools:
        given["frontend"] = Frontend(client_tools=tools, retry=True, feedback=True)
    other = "bob" if context is not None else None
    return make, {**given, "context": context, "other": other}


def anew(store):
    return type(store)(user_id=str) if isinstance(store, SQLiteStore) else copy.deepcopy(store)


@contextlib.contextmanager
def boundary(rule, given):
    """Where a bug only shows at OpenAI's HTTP API, the model answers there."""
    if rule not in OVER_HTTP:
        yield given
        return
    model = ModelScript()
    with OpenAIAPI(model):
        yield {**given, "model": model}


def find(rule, case, seed):
    """The finding (a rule that only warns: the example in which it first spoke), the seconds, what else was found."""
    make, given = staged(case)
    warned = []
    begun = time.perf_counter()

    def listen(judged):
        said = {violation.rule for one in judged for violation in one.verdict.violations}
        if rule in said and not warned:
            warned.append((one_campaign._played, time.perf_counter() - begun))
        if any(violation.rule == rule for one in judged for violation in one.raised):
            one_campaign.most = min(one_campaign.most, len(one_campaign._findings) + 1)  # what is after it is not asked

    # Most servers have one bug, and a campaign that looks for more plays all of its examples.
    for most in (1, 8):
        with boundary(rule, given) as options:
            one_campaign = campaign(make, seed=seed, most=most, **options)
            if rule in HOSTILE_ONLY:
                one_campaign.goal = one_campaign.goal.hostile()
            one_campaign.on_judged = listen
            begun = time.perf_counter()
            warned.clear()
            result = one_campaign.run()
        found = [finding for finding in result.findings if finding.key[0] == rule]
        if found or not result.findings:
            break
    others = [finding.key[0] for finding in result.findings if finding.key[0] != rule]
    if found:
        return (found[0].examples, found[0].seconds, len(found[0].story), length(found[0].story)), others
    if warned:
        return (*warned[0], 0, 0), others
    return None, others


def length(story):
    """How many lines a story has, in words."""
    from chatkit_sim.simulation.reproducer import in_words

    return len(in_words(story).splitlines())


def bugs(rules, seeds):
    print(
        f"{'rule':35} {'found':>6} {'examples':>16} {'seconds':>14} {'moves':>6} {'lines':>6}  others\n"
        f"{'':35} {'':6} {'median':>9} {'most':>6} {'median':>7} {'most':>6}",
        flush=True,
    )
    for rule, case in planted(rules):
        runs = [find(rule, case, seed) for seed in range(seeds)]
        hits = [hit for hit, _ in runs if hit is not None]
        others = sorted({other for _, more in runs for other in more})
        examples, seconds, moves, lines = zip(*hits, strict=True) if hits else ([0], [0], [0], [0])
        print(
            f"{rule:35} {len(hits):3}/{len(runs):<2} {statistics.median(examples):9.0f} {max(examples):6} "
            f"{statistics.median(seconds):7.1f} {max(seconds):6.1f} {max(moves) or 'warns':>6} {max(lines) or '':>6}  "
            f"{', '.join(others)}",
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
    campaign(lambda store: HandwrittenServer(store), "conversation", examples=10).run()
    result = campaign(lambda store: HandwrittenServer(store), "conversation", examples=200).run()
    moves = result.steps / result.seconds
    print(f"hand-written server: {by_hand:.0f} turns/s bare, {moves:.0f} moves/s in a campaign")


def good_servers():
    from desk.app import create_app, request_context
    from desk.server import DeskServer
    from desk.store import SQLiteStore as DeskStore
    from handwritten.server import HandwrittenServer
    from todo.server import TodoServer
    from todo_as_in_the_guide.server import TodoServer as GuideServer

    from chatkit_sim import fake_request

    yield "todo", 400, {"server": lambda store: TodoServer(store), "other": None}
    yield "todo_as_in_the_guide", 400, {"server": lambda store: GuideServer(store), "other": None}
    yield "handwritten", 400, {"server": lambda store: HandwrittenServer(store), "other": None}
    folder = pathlib.Path(tempfile.mkdtemp(prefix="chatkit-sim-desk-"))
    made = []

    def desk():
        path = folder / f"{len(made)}.sqlite3"
        made.append(DeskServer(DeskStore(path)))
        return made[-1]

    def as_user(name):
        def context():
            return request_context(fake_request(create_app(made[-1]), headers={"x-user-id": name}))

        return context

    yield "desk", 60, {"server": desk, "context": as_user("ada"), "other": as_user("grace")}


def good(names, examples):
    print(f"{'server':22} {'goal':18} {'examples':>8} {'moves':>6} {'seconds':>8} {'steady':>6}  found", flush=True)
    for name, most, given in good_servers():
        if names and name not in names:
            continue
        for one in GOALS:
            result = campaign(slug=one.slug, seed=7, examples=examples or most, seconds=3600, **given).run()
            print(
                f"{name:22} {one.slug:18} {result.examples:8} {result.steps:6} {result.seconds:8.1f} "
                f"{result.steady!s:>6}  {', '.join(finding.key[0] for finding in result.findings) or 'nothing'}",
                flush=True,
            )
            for finding in result.findings:
                print(finding, flush=True)


def leaks(examples):
    """What many examples of a small server leave behind, campaign by campaign; and at most while one is under way."""
    from campaign_servers import Polite

    def play(count, seed):
        campaign(lambda store: Polite(store), "conversation", seed=seed, examples=count).run()
        gc.collect()

    play(200, 0)
    rounds, blocks = 10, sys.getallocatedblocks()
    begun = time.perf_counter()
    for number in range(rounds):
        play((examples or 10_000) // rounds, number)
        left, blocks = sys.getallocatedblocks() - blocks, sys.getallocatedblocks()
        # By their types: isinstance() would ask the openai package's lazy modules for their class, which loads them.
        kinds = [type(one) for one in gc.get_objects()]
        loops = sum(issubclass(kind, asyncio.AbstractEventLoop) for kind in kinds)
        tasks = sum(issubclass(kind, asyncio.Task) for kind in kinds)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"after {(number + 1) * (examples or 10_000) // rounds:6} examples: {left:7} blocks of memory more, "
            f"{tasks} tasks, {loops} loops, {threading.active_count()} threads, {peak:.0f} MiB at most, "
            f"{time.perf_counter() - begun:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    sys.path.append(str(ROOT / "tests" / "simulation"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--examples", type=int, default=0)
    options = parser.parse_args()
    first, rest = (options.what or ["bugs"])[0], options.what[1:]
    if first == "speed":
        speed()
    elif first == "good":
        good(rest, options.examples)
    elif first == "leaks":
        leaks(options.examples)
    else:
        bugs([] if first == "bugs" else options.what, options.seeds)
