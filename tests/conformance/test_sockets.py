"""Sockets: every connection that is over is closed, however it ended."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator

import pytest

from . import options
from .client import Client
from .program import RunningServer, Server
from .room import Room
from .wire import RuleBroken

pytestmark = pytest.mark.robust

DESCRIPTORS = 128  # files and sockets that the small server may have open; getrlimit(2)
VISITORS = 130  # people who come and go, one after the other


@pytest.fixture
def small_server(server: Server | RunningServer) -> Iterator[Server]:
    """The server under test, started once more with few files and sockets to open."""
    if isinstance(server, RunningServer) or sys.platform == "win32":
        pytest.skip("needs a server that can be started with a limit of open files")
    limited = f"ulimit -n {DESCRIPTORS}; exec {shlex.join(shlex.split(server.command))}"
    small = Server(shlex.join(["sh", "-c", limited]))
    server.make_ready()
    try:
        small.make_ready()
    except RuleBroken:  # some runtimes want more for themselves
        pytest.skip(f"the server does not start with {DESCRIPTORS} open files")
    yield small
    small.stop()


@pytest.fixture
def room(small_server: Server, server: Server, pytestconfig: pytest.Config) -> Room:
    """A room in the small server; it is ended with it."""
    password: str = pytestconfig.getoption("password", "")
    patience = 2 * options.patience(pytestconfig)  # all these people keep the machine busy
    return Room(small_server.address, patience, password=password, experience=server.experience)


def with_exit(client: Client, name: str) -> None:
    client.ask(f"NAME {name}")
    client.send("EXIT")
    client.last_frames()
    client.close()


def without_a_name(client: Client, name: str) -> None:
    client.ask("GET_NAMES")
    client.close()


def without_exit(client: Client, name: str) -> None:
    client.ask(f"NAME {name}")
    client.close()


def after_a_refused_name(client: Client, name: str) -> None:
    client.ask("NAME alice")
    client.close()


def with_a_reset(client: Client, name: str) -> None:
    client.ask(f"NAME {name}")
    client.reset()


def after_a_bad_frame(client: Client, name: str) -> None:
    client.ask("GET_NAMES")
    client.send_bytes(b"oops")
    client.last_frames()
    client.close()


WAYS: dict[str, Callable[[Client, str], None]] = {
    "with EXIT": with_exit,
    "without a name": without_a_name,
    "without EXIT": without_exit,
    "after a refused name": after_a_refused_name,
    "with a reset": with_a_reset,
    "after a bad frame": after_a_bad_frame,
}


def test_a_connection_that_is_over_is_closed(room: Room, small_server: Server) -> None:
    """A connection that is over is closed, however it ended: what a program may have open at a time
    is limited, and a class comes and goes all day.

    Probable mistake: a socket that is forgotten without close(), or kept in a list for ever?
    """
    room.join("alice")
    for number, (way, leave) in enumerate(WAYS.items()):
        if sys.platform == "linux":  # so many from one address may be slowed down
            room.source = f"127.0.3.{number + 1}"
        room.situation = f"where {VISITORS} people came and left {way}"
        try:
            for n in range(VISITORS):
                leave(room.connect(f"visitor {n}"), f"visitor{n}")
        except RuleBroken as broken:
            raise RuleBroken(f"{broken}{small_server.last_words()}") from None
