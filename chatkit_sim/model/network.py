"""A closed network: no connection leaves the machine while a guard is active, whichever library and thread tries."""

from __future__ import annotations

import functools
import ipaddress
import socket
import sys
import sysconfig
import threading
from asyncio import BaseEventLoop
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from ..errors import ChatKitSimError
from ..rules.base import BlockedCall
from .patches import Patches

# Where an audit event keeps what a call is about: the host as such, or an address (host, port, ...).
_HOST_FIRST = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_ADDRESS_SECOND = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_ADDRESS_FIRST = frozenset({"socket.getnameinfo"})


class NetworkBlocked(ChatKitSimError, RuntimeError):
    """A call to the network was stopped.

    Not an ``OSError``: clients retry those.

    Attributes:
        call: Where to, and from where.
    """

    def __init__(self, call: BlockedCall) -> None:
        self.call = call
        port = f" port {call.port}" if call.port is not None else ""
        what = f"{call.request}, which no route matches," if call.request else f"a call to {call.host}{port}"
        super().__init__(
            f"chatkit-sim stopped {what} from {call.frame}. Tests run with a closed network: "
            f'put a fake in its place, or allow the host: NetworkGuard(allow=["{call.host}"]).'
        )


class NetworkGuard:
    """Stops DNS, TCP and UDP to global addresses while it is active.

    Loopback, private and link-local addresses, single-label names (``redis``, ``localhost``) and Unix sockets pass;
    the proxies that the environment names (``HTTPS_PROXY``) do not, wherever they are, since they lead out. Several
    guards may be active at once; a call must be allowed by all of them.

    Args:
        allow: Hosts and networks that pass too: ``api.example.com``, ``*.example.com``, ``203.0.113.0/24``. The
            addresses that an allowed name resolves to pass with it.
        strict: Let only loopback pass.

    Attributes:
        blocked: What was stopped, even if the app swallowed the error.

    Example::

        with NetworkGuard() as guard:
            ...
        assert not guard.blocked
    """

    def __init__(self, allow: Sequence[str] = (), strict: bool = False) -> None:
        self.blocked: list[BlockedCall] = []
        self._names = tuple(pattern.lower() for pattern in allow if _network(pattern) is None)
        self._networks = [network for network in map(_network, allow) if network is not None]
        self._resolved: set[str] = set()
        self._strict = strict
        self._proxies = frozenset(map(_endpoint, getproxies().values()))

    def __enter__(self) -> NetworkGuard:
        _hook().add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _hook().remove(self)

    def lets_pass(self, host: str, port: int | None = None) -> bool:
        """Whether a call to this name or address is allowed."""
        address, name = _address(host), host.lower().rstrip(".")
        if (name, port) in self._proxies:
            return self._names_host(name)
        if address is None:
            return self._lets_name_pass(name)
        if address.is_loopback or host in self._resolved or any(address in network for network in self._networks):
            return True
        return not self._strict and not address.is_global

    def _lets_name_pass(self, name: str) -> bool:
        if name == "localhost" or name.endswith(".localhost") or (not self._strict and "." not in name):
            return True
        return self._names_host(name)

    def _names_host(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self._names)

    def allow(self, host: str) -> None:
        """Let a host pass from now on."""
        self._names = (*self._names, host.lower())

    def looked_up(self, host: str) -> None:
        """A look-up goes ahead: when its name is on the list, the connection that follows names only an address."""
        if self._names_host(host.lower().rstrip(".")):
            self._resolved |= _resolve(host)


@dataclass(eq=False)
class _AuditHook:
    """The one hook of the process; Python cannot take an audit hook away again."""

    guards: tuple[NetworkGuard, ...] = ()
    lock: threading.Lock = field(default_factory=threading.Lock)
    looking_up: threading.local = field(default_factory=threading.local)
    patches: Patches = field(default_factory=Patches)

    def add(self, guard: NetworkGuard) -> None:
        with self.lock:
            self.guards = (*self.guards, guard)
            if len(self.guards) == 1:
                self._watch_event_loops()

    def remove(self, guard: NetworkGuard) -> None:
        with self.lock:
            self.guards = tuple(other for other in self.guards if other is not guard)
            if not self.guards:
                self.patches.undo()

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.guards or not event.startswith("socket."):
            return
        target = _target(event, args)
        if target is None or getattr(self.looking_up, "now", False):
            return
        self.check(*target)
        if event in _HOST_FIRST:
            for guard in self.guards:
                guard.looked_up(target[0])

    def check(self, host: str, port: int | None) -> None:
        """Raise when a guard does not let a call pass."""
        refusing = [guard for guard in self.guards if not guard.lets_pass(host, port)]
        if not refusing:
            return
        call = BlockedCall(host, port, app_frame(sys._getframe(1)))
        for guard in refusing:
            guard.blocked.append(call)
        raise NetworkBlocked(call)

    def _watch_event_loops(self) -> None:
        # An event loop looks names up in a thread of its own, where nothing tells which code wanted it.
        original, check = BaseEventLoop.getaddrinfo, self.check

        async def getaddrinfo(self: BaseEventLoop, host: Any, port: Any, **options: Any) -> Any:
            if host is not None and host != "":
                check(_text(host), _port(port))
            return await original(self, host, port, **options)

        self.patches.set(BaseEventLoop, "getaddrinfo", getaddrinfo)


@functools.cache
def _hook() -> _AuditHook:
    hook = _AuditHook()
    sys.addaudithook(hook)
    return hook


def _target(event: str, args: tuple[Any, ...]) -> tuple[str, int | None] | None:
    """The host and port that an audit event is about, if it is about a host."""
    if event in _HOST_FIRST:
        host, port = args[0], args[1] if event == "socket.getaddrinfo" else None
    elif event in _ADDRESS_SECOND or event in _ADDRESS_FIRST:
        address = args[0 if event in _ADDRESS_FIRST else 1]
        if not isinstance(address, tuple) or len(address) < 2:  # Unix sockets, and sockets that are connected already
            return None
        host, port = address[0], address[1]
    else:
        return None
    return None if host is None or host in ("", b"") else (_text(host), _port(port))


def _resolve(name: str) -> set[str]:
    hook = _hook()
    hook.looking_up.now = True
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(name, None)}
    except OSError:
        return set()  # the app's own look-up will say so
    finally:
        hook.looking_up.now = False


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _network(pattern: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return None


def _endpoint(proxy: str) -> tuple[str, int | None]:
    url = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return (url.hostname or "").lower(), url.port


def _text(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)


def _port(port: Any) -> int | None:
    text = _text(port)
    return int(text) if text.isdigit() else None


def app_frame(frame: FrameType | None) -> str:
    """The app's innermost frame; in a thread that runs no code of the app, the library's."""
    library = None
    while frame is not None:
        path = frame.f_code.co_filename
        if not _is_library(path):
            return _written(frame)
        if library is None and "site-packages" in path:
            library = _written(frame)
        frame = frame.f_back
    thread = f"thread {threading.current_thread().name!r}"
    return f"{library} ({thread})" if library else thread


def _written(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


@functools.cache
def _is_library(path: str) -> bool:
    paths = sysconfig.get_paths()
    own = str(Path(__file__).parent.parent)
    roots = (paths["stdlib"], paths["platstdlib"], own)
    return path.startswith(("<", *roots)) or bool({"site-packages", "dist-packages"} & set(Path(path).parts))
