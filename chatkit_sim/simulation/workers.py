"""A further worker: requests go to two servers over one store, in turn, as behind a load balancer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..client import Bench, SimulatedClient
from ..client.core import ClientCore
from ..client.serving import open_server, takes_store
from ..errors import UsageError
from ..transports import InProcess, Response


@dataclass
class Balanced:
    """A transport that takes its workers in turn.

    Attributes:
        workers: The ways to the workers.
        taken: How many requests were sent.
    """

    workers: Sequence[InProcess]
    taken: int = 0

    async def send(self, body: bytes, context: Any) -> Response:
        """See ``Transport``."""
        self.taken += 1
        return await self.workers[self.taken % len(self.workers)].send(body, context)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Response:
        """See ``Transport``."""
        return await self.workers[0].request(method, url, headers=headers, content=content)

    async def aclose(self) -> None:
        """See ``Transport``."""


def two_workers(client: SimulatedClient) -> None:
    """Send the client's requests to two workers in turn from now on: its server, and a new one over the same store.

    What a server keeps in its memory, and not in its store, the next request may not find.

    Args:
        client: The client; its server is made by a factory that takes the store.

    Raises:
        UsageError: It is not.

    Example::

        two_workers(chatkit_client)
        turn = chatkit_client.send("Put milk on my list")  # the client tool's output goes to the other worker
    """
    __tracebackhide__ = True
    client._core.bench.run(lambda: hire_worker(client._core))


def may_have_workers(bench: Bench) -> bool:
    """Whether a further server over the same store can be made: by a factory that takes the store."""
    door = bench.door
    return (
        door.kind == "in-process"
        and door.app is None
        and bench.server is not None
        and door.server is not bench.server
        and takes_store(door.server)
    )


async def hire_worker(core: ClientCore) -> None:
    """See ``two_workers``."""
    first, bench = await core.transport(), core.bench
    if not may_have_workers(bench) or not isinstance(first, InProcess):
        raise UsageError(
            "There is one worker only: a second one needs a factory that takes the store, (store) -> server, "
            "in place of a server that was made already, and no app beside it."
        )
    store = first.server.store
    second = await open_server(bench.door.server, lambda: store, bench._resources)
    core._transport = Balanced((first, InProcess(second)))
