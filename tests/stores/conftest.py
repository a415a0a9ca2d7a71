import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


@pytest.fixture(scope="session")
def postgres_conninfo():
    """A PostgreSQL server of Debian's packages, on loopback, for this run only."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (pip install 'psycopg[binary]')")
    binaries = postgres_binaries()
    owner = postgres_owner()
    folder = Path(tempfile.mkdtemp(prefix="chatkit-sim-postgres-"))
    try:
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        yield from serve(binaries, owner, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def postgres_binaries():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return found[-1].parent
    if on_path := shutil.which("initdb"):
        return Path(on_path).parent
    pytest.skip("no PostgreSQL server is installed (apt-get install postgresql)")


def postgres_owner():
    """PostgreSQL refuses to run as root, so root lends it its own user."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user 'postgres'")


def serve(binaries, owner, folder):
    user = {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    data = folder / "data"
    initdb = [binaries / "initdb", "-D", data, "-U", "chatkit", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale"]
    made = subprocess.run(initdb, capture_output=True, text=True, cwd=folder, timeout=60, **user)
    if made.returncode:
        pytest.skip(f"initdb failed: {made.stderr.strip()[-300:]}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = (folder / "log").open("w")
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    server = subprocess.Popen([binaries / "postgres", "-D", data, *options], stdout=log, stderr=log, cwd=folder, **user)
    try:
        conninfo = f"host=127.0.0.1 port={port} user=chatkit dbname=postgres"
        wait_until_it_answers(server, conninfo, folder / "log")
        yield conninfo
    finally:
        server.terminate()
        server.wait(timeout=30)
        log.close()


def wait_until_it_answers(server, conninfo, log):
    import psycopg

    deadline = time.monotonic() + 30
    while True:
        try:
            with psycopg.connect(conninfo, connect_timeout=5):
                return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"PostgreSQL did not start: {log.read_text()[-300:]}")
            time.sleep(0.05)
