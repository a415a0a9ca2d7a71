"""A closed network: nothing leaves the machine, whichever library and thread tries."""

import asyncio
import socket
import threading
import urllib.request

import httpx
import httpx2
import pytest
import requests

from chatkit_sim.model import NetworkBlocked, NetworkGuard

GLOBAL = "93.184.215.14"
NAME = "api.example.com"
URL = f"https://{NAME}/v1"


def raw_connect():
    with socket.socket() as sock:
        sock.settimeout(1)
        sock.connect((GLOBAL, 443))


def udp_sendto():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"metric:1|c", (GLOBAL, 8125))


def udp_sendmsg():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendmsg([b"metric:1|c"], [], 0, (GLOBAL, 8125))


def ipv6_connect():
    with socket.socket(socket.AF_INET6) as sock:
        sock.connect(("2606:2800:21f:cb07:6820:80da:af6b:8b2c", 443))


def in_loop(coroutine_function):
    def call():
        asyncio.run(coroutine_function())

    return call


async def loop_getaddrinfo():
    await asyncio.get_running_loop().getaddrinfo(NAME, 443)


async def open_connection():
    await asyncio.open_connection(NAME, 443)


async def httpx_async():
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(URL)


async def httpx2_async():
    async with httpx2.AsyncClient(trust_env=False) as client:
        await client.get(URL)


def urllib_without_proxy():
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(URL, timeout=1)


def requests_without_proxy():
    with requests.Session() as session:
        session.trust_env = False
        session.get(URL, timeout=1)


WAYS = {
    "connect": (raw_connect, GLOBAL, 443),
    "connect over IPv6": (ipv6_connect, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", 443),
    "UDP sendto": (udp_sendto, GLOBAL, 8125),
    "UDP sendmsg": (udp_sendmsg, GLOBAL, 8125),
    "getaddrinfo": (lambda: socket.getaddrinfo(NAME, 443), NAME, 443),
    "gethostbyname": (lambda: socket.gethostbyname(NAME), NAME, None),
    "create_connection": (lambda: socket.create_connection((NAME, 80), timeout=1), NAME, 80),
    "urllib": (urllib_without_proxy, NAME, 443),
    "requests": (requests_without_proxy, NAME, 443),
    "httpx": (lambda: httpx.get(URL, trust_env=False), NAME, 443),
    "httpx2": (lambda: httpx2.get(URL, trust_env=False), NAME, 443),
    "httpx, async": (in_loop(httpx_async), NAME, 443),
    "httpx2, async": (in_loop(httpx2_async), NAME, 443),
    "loop.getaddrinfo": (in_loop(loop_getaddrinfo), NAME, 443),
    "asyncio.open_connection": (in_loop(open_connection), NAME, 443),
}


@pytest.mark.parametrize("way", WAYS)
def test_global_addresses_are_stopped_and_named(way):
    call, host, port = WAYS[way]
    with NetworkGuard() as guard, pytest.raises(NetworkBlocked, match=host) as caught:
        call()
    assert (guard.blocked[0].host, guard.blocked[0].port) == (host, port)
    assert "test_model_network.py:" in guard.blocked[0].frame
    assert caught.value.call == guard.blocked[0]


def swallowing():
    try:
        raw_connect()
    except Exception:
        return "offline, then"


def test_a_swallowed_error_is_still_recorded():
    with NetworkGuard() as guard:
        assert swallowing() == "offline, then"
    assert len(guard.blocked) == 1


def test_other_threads_are_stopped_too():
    with NetworkGuard() as guard:
        thread = threading.Thread(target=swallowing)
        thread.start()
        thread.join()
    assert guard.blocked[0].frame.endswith("in raw_connect")


def test_a_look_up_in_an_executor_names_the_thread():
    async def look_up():
        await asyncio.get_running_loop().run_in_executor(None, socket.getaddrinfo, NAME, 443)

    with NetworkGuard() as guard, pytest.raises(NetworkBlocked):
        asyncio.run(look_up())
    assert "thread 'asyncio_0'" in guard.blocked[0].frame


@pytest.mark.parametrize(
    "host",
    [
        *["127.0.0.1", "::1", "10.1.2.3", "192.168.0.9", "172.17.0.1", "169.254.1.1", "fe80::1%eth0", "0.0.0.0"],
        *["::ffff:10.0.0.1", "localhost", "app.localhost", "redis", "testserver"],
    ],
)
def test_what_stays_near_passes(host):
    assert NetworkGuard().lets_pass(host)


@pytest.mark.parametrize("host", ["10.1.2.3", "192.168.0.9", "redis", "fe80::1%eth0", GLOBAL, NAME])
def test_a_strict_guard_lets_only_loopback_pass(host):
    assert not NetworkGuard(strict=True).lets_pass(host)
    assert NetworkGuard(strict=True).lets_pass("127.0.0.1")
    assert NetworkGuard(strict=True).lets_pass("localhost")


@pytest.mark.parametrize("host", [GLOBAL, NAME, "example.com", "::ffff:93.184.215.14", "2606:2800::1"])
def test_what_is_global_does_not_pass(host):
    assert not NetworkGuard().lets_pass(host)


@pytest.mark.parametrize(
    ("allow", "host", "passes"),
    [
        ("api.example.com", "API.example.com.", True),
        ("*.example.com", "api.example.com", True),
        ("*.example.com", "example.org", False),
        ("93.184.215.0/24", GLOBAL, True),
        (GLOBAL, GLOBAL, True),
        (GLOBAL, "93.184.215.15", False),
    ],
)
def test_what_is_allowed_passes(allow, host, passes):
    assert NetworkGuard(allow=[allow]).lets_pass(host) is passes


def test_the_addresses_of_an_allowed_name_pass_with_it(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (GLOBAL, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: found)
    guard = NetworkGuard(allow=[NAME])
    assert not guard.lets_pass(GLOBAL)
    guard.looked_up(NAME)
    guard.looked_up("other.example.com")
    assert guard.lets_pass(GLOBAL)


def test_a_look_up_of_an_allowed_name_goes_ahead():
    with NetworkGuard(allow=["*.invalid"]) as guard, pytest.raises(socket.gaierror):
        socket.getaddrinfo("chatkit-sim.invalid", 443)
    assert guard.blocked == []


def test_loopback_really_connects():
    with NetworkGuard() as guard, socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()):
            pass
        left, right = socket.socketpair()
        left.close()
        right.close()
    assert guard.blocked == []


def test_several_guards_record_what_each_of_them_refuses():
    with NetworkGuard(allow=[GLOBAL]) as lenient, NetworkGuard() as outer, pytest.raises(NetworkBlocked):
        raw_connect()
    assert lenient.blocked == []
    assert len(outer.blocked) == 1


def test_nothing_is_stopped_any_more_once_every_guard_has_left():
    loop_look_up = asyncio.BaseEventLoop.getaddrinfo
    first, second = NetworkGuard(), NetworkGuard()
    with first:
        second.__enter__()
    assert asyncio.BaseEventLoop.getaddrinfo is not loop_look_up
    with pytest.raises(NetworkBlocked):
        socket.getaddrinfo(GLOBAL, 443)
    second.__exit__(None, None, None)
    assert asyncio.BaseEventLoop.getaddrinfo is loop_look_up
    assert socket.getaddrinfo(GLOBAL, 443)[0][4] == (GLOBAL, 443)
    assert first.blocked == []


def test_the_proxies_of_the_environment_do_not_pass(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:3128")
    guard = NetworkGuard()
    assert not guard.lets_pass("127.0.0.1", 3128)
    assert guard.lets_pass("127.0.0.1", 8000)
    with guard, pytest.raises(NetworkBlocked, match="port 3128"):
        urllib.request.urlopen(URL, timeout=1)
