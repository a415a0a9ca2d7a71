"""What one test owns: its bench, built when the first chatkit fixture needs it, and its end."""

from __future__ import annotations

import importlib.metadata
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from .judging import catalogue_for
from .options import SETTINGS, Settings
from .quiet import quiet_imports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from chatkit_sim.client import Bench
    from chatkit_sim.client.doors import Door
    from chatkit_sim.client.face import ClientFace
    from chatkit_sim.rules import Ignore

_EVERYWHERE = ("*", "0.0.0.0/0", "::/0")


class Stage:
    """The bench of one test, and who plays on it.

    The bench begins with the first chatkit fixture, so that the network is closed and runs are observed from then on;
    the server is given later, when it is known.

    Attributes:
        bench: The bench.
        server: The server under test, or a factory of it.
        store: What a factory of a server is given.
        clients: The clients that the test took.
        node_id: The test.
        reach: Makes the door to the server, once it is known; straight into it by default.
    """

    def __init__(self, item: pytest.Item, settings: Settings) -> None:
        check_versions()
        with quiet_imports():
            from chatkit_sim.client import Bench, Limits, Policies
            from chatkit_sim.client.doors import Door

        self.server: Any = None
        self.store: Any = None
        self.clients: list[ClientFace] = []
        self.node_id = item.nodeid
        self.reach: Callable[[Any], Door] = lambda server: Door(server=server)
        self.bench: Bench = Bench(
            self._opened,
            catalogue=catalogue_for(item),
            limits=Limits(**settings.limits),
            policies=Policies(background_tasks=settings.background_tasks),
            allow_network=_EVERYWHERE if settings.network == "open" else settings.allow_network,
            strict_network=settings.network == "strict",
            reload_check=settings.reload_check,
        )
        self.bench.takes_notes = settings.write_baseline
        file, line, _ = item.location
        self.bench.told_at = (str(item.config.rootpath / file), (line or 0) + 1)

    def set_server(self, server: Any, store: Any) -> None:
        """Give the bench what the fixtures came to."""
        self.server, self.store = server, store
        self.bench.door = self.reach(self._opened if server is not None else None)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Any]:
        from chatkit_sim.client.serving import open_server

        async with AsyncExitStack() as stack:
            yield await open_server(self.server, lambda: self.store, stack)

    def conclude(self) -> None:
        """Judge the test as a whole, after its body.

        Raises:
            ViolationError: A rule about the whole test is broken, or an ignore of its marker matched nothing.
        """
        __tracebackhide__ = True
        self.bench.conclude()
        unused = self.bench.catalogue.unused_ignores("marker")
        if unused:
            raise stale_ignores(unused)


STAGE = pytest.StashKey[Stage]()


def stage_of(item: pytest.Item) -> Stage:
    """The stage of a test, made now if it has none."""
    if STAGE not in item.stash:
        item.stash[STAGE] = Stage(item, item.config.stash[SETTINGS])
    return item.stash[STAGE]


def stale_ignores(unused: tuple[Ignore, ...]) -> Exception:
    """The error for ignores of a marker that matched nothing."""
    from chatkit_sim.errors import UsageError

    lines = "\n".join(f"  {ignore}" for ignore in unused)
    return UsageError(
        f"Nothing in this test broke what its marker ignores:\n{lines}\n"
        "Take it out of @pytest.mark.chatkit(ignore=[...]), so that the rule speaks again when it is broken."
    )


def check_versions() -> None:
    """See that the SDKs are as new as this package asks for.

    Raises:
        UsageError: One of them is older.
    """
    from packaging.requirements import Requirement

    from chatkit_sim.errors import UsageError

    for line in importlib.metadata.requires("chatkit-sim") or ():
        needed = Requirement(line)
        if needed.name not in ("openai-chatkit", "openai-agents"):
            continue
        found = importlib.metadata.version(needed.name)
        if not needed.specifier.contains(found, prereleases=True):
            raise UsageError(
                f"chatkit-sim needs {needed.name}{needed.specifier}, and {found} is installed.\n"
                f'Upgrade it: pip install --upgrade "{needed.name}{needed.specifier}"'
            )
