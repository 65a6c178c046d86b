"""The first connection: one that takes more than a moment is not left without a word."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import DEADLINE, posix_only
from terminal.pseudo import clean_environment

from client.person import CLIENT, Person, prepared_client
from client.played import PlayedServer

SENTENCE = "chat_client: connecting to 127.0.0.1…"

pytestmark = posix_only


@pytest.fixture
def resolver(tmp_path: Path) -> Path:
    """A named pipe: a slow resolver answers when somebody has opened it for writing."""
    path = tmp_path / "resolver"
    os.mkfifo(path)
    return path


def slowed(resolver: Path) -> str:
    """Return the Python lines that have a program wait for this resolver."""
    return (
        "import socket\n"
        "find = socket.getaddrinfo\n"
        "def find_slowly(*arguments, **options):\n"
        f"    open({str(resolver)!r}, 'rb').read()\n"
        "    return find(*arguments, **options)\n"
        "socket.getaddrinfo = find_slowly\n"
    )


def impatient(resolver: Path, seconds: float) -> tuple[str, ...]:
    """Return a client that has to wait for it, and takes so many seconds for a long time."""
    return prepared_client(
        f"{slowed(resolver)}import chat_client; chat_client.QUICK_SECONDS = {seconds}"
    )


@pytest.fixture
def full() -> Iterator[socket.socket]:
    """A listener with a place in its backlog that is taken: nobody else gets an answer."""
    if sys.platform != "linux":
        pytest.skip("elsewhere a full backlog answers otherwise")
    with socket.socket() as listener, socket.socket() as first:
        listener.settimeout(DEADLINE)
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        first.connect(listener.getsockname())
        yield listener


@pytest.mark.slow
def test_a_resolver_that_takes_its_time_is_said_in_one_line(
    played: PlayedServer, resolver: Path
) -> None:
    with Person(played.port, "me", program=impatient(resolver, 0.1)) as person:
        person.wait_for(SENTENCE)
        resolver.write_text("")
        played.accept().welcome("me")
        person.wait_for("* here (1)")
        rows = person.screen.text().splitlines()
        assert rows[0] == SENTENCE
        assert person.screen.text().count("connecting") == 1


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_said_in_one_line(full: socket.socket) -> None:
    with Person(full.getsockname()[1], "me") as person:
        person.wait_for(SENTENCE)
        full.accept()[0].close()
        connection, _ = full.accept()  # when TCP has asked once more
        connection.close()
        assert person.wait_exit() == 1
        assert person.screen.text().count("connecting") == 1


def test_a_quick_connection_is_not_spoken_of(played: PlayedServer) -> None:
    with Person(played.port, "me") as person:
        played.accept().welcome("me")
        person.wait_for("* here (1)")
        assert "connecting" not in person.screen.text()


@pytest.mark.slow
def test_ctrl_c_ends_a_client_that_is_still_connecting(full: socket.socket) -> None:
    with Person(full.getsockname()[1], "me") as person:
        person.wait_for(SENTENCE)
        person.type("\x03")
        assert person.wait_exit() == -signal.SIGINT
        assert person.screen.text().replace("^C", "").split("\n", 1)[1].strip() == ""


@pytest.mark.slow
def test_ctrl_c_ends_a_client_whose_resolver_is_slow(resolver: Path) -> None:
    script = f"import runpy\nrunpy.run_path({CLIENT!r}, run_name='__main__')"
    with Person(1, "me", program=("-c", slowed(resolver) + script)) as person:
        person.wait_for(SENTENCE)
        person.type("\x03")
        assert person.wait_exit() == -signal.SIGINT
        assert person.screen.text().replace("^C", "").split("\n", 1)[1].strip() == ""


def test_a_pipe_is_told_nothing(played: PlayedServer, resolver: Path) -> None:
    command = [sys.executable, *impatient(resolver, 0), "127.0.0.1", str(played.port)]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(),
    ) as process:
        resolver.write_text("")  # once it waits for that
        played.accept().end()
        said, errors = process.communicate(timeout=DEADLINE)
    assert errors == b""
    assert b"connecting" not in said
