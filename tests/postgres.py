"""A PostgreSQL server of the tests' own: in a temporary folder, on a free port of this machine, gone when the tests end."""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

PASSWORD = "canary-7f3a-must-never-be-shown"  # noqa: S105 -- of a server that lives as long as the tests
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Server:
    """A running server. `programs` is the folder of its binaries, `folder` holds its data."""

    programs: Path
    folder: Path
    port: int

    def address(self, database: str = "postgres", *, password: str = PASSWORD, user: str = "owner") -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def fresh(self) -> str:
        """The address of a new, empty database."""
        name = f"fresh_{next(_NUMBERS)}"
        self.run(f"CREATE DATABASE {name}")
        return self.address(name)

    def run(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self.address(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def control(self, *arguments: str) -> None:
        self.program("pg_ctl", "-D", str(self.folder / "data"), "-w", "-s", *arguments)

    def program(self, name: str, *arguments: str) -> None:
        """Runs one of its programs; as the user postgres where we are root, since the server refuses to run as root."""
        root = os.geteuid() == 0
        as_whom: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if root else {}
        log = self.folder / "programs.log"
        with log.open("ab") as out:
            command = [str(self.programs / name), *arguments]
            done = subprocess.run(command, cwd=self.folder, stdout=out, stderr=out, stdin=subprocess.DEVNULL, check=False, **as_whom)
        if done.returncode:
            raise RuntimeError(f"{name}: {log.read_text(encoding='utf-8', errors='replace')}")


def started() -> Server:
    """The server, started once. Skips the test where PostgreSQL is not installed, and fails it in continuous integration."""
    programs = _programs()
    if programs is None:
        reason = "PostgreSQL is not installed (on Debian: apt-get install postgresql)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return _started(programs)


def _programs() -> Path | None:
    found = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    return next((folder for folder in found if (folder / "initdb").is_file() and (folder / "pg_ctl").is_file()), None)


@functools.cache
def _started(programs: Path) -> Server:
    folder = Path(tempfile.mkdtemp(prefix="driftline-postgresql-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(programs, folder, port)
    (folder / "password").write_text(PASSWORD, encoding="ascii")
    if os.geteuid() == 0:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres", "postgres")
    server.program(
        "initdb", "-D", "data", "-U", "owner", "-A", "scram-sha-256", "--pwfile=password", "-E", "UTF8", "--locale=C.UTF-8", "-N"
    )
    # Without fsync: nobody pulls the plug on these data. A crash of the server is PostgreSQL's own business.
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off -c max_connections=60"
    server.control("-l", "server.log", "-o", options, "start")
    atexit.register(_ended, server, os.getpid())
    return server


def _ended(server: Server, owner: int) -> None:
    """Stops the server and removes its folder: by the process that started it, not by one that was forked from it."""
    if os.getpid() == owner:
        server.control("-m", "immediate", "stop")
        shutil.rmtree(server.folder, ignore_errors=True)
