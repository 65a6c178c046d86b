"""Fixtures: servers that many tests share, each of which finds them as new."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from encrypted import PATIENT_BACKLOG, TLSRoom
from harness import Certificate, ServerProcess, StartServer

from .cramped import cramped_program


@pytest.fixture(scope="package")
def shared_server() -> Iterator[ServerProcess]:
    server = ServerProcess("--rate", "0")
    yield server
    server.close()


@pytest.fixture
def server(shared_server: ServerProcess) -> Iterator[ServerProcess]:
    """A server without a speed limit, with nobody in it at first and nothing in its log."""
    yield shared_server
    shared_server.send_home()


@pytest.fixture
def fresh_server(start_server: StartServer) -> ServerProcess:
    """The same for one test alone, which ends it, or asks what it takes of the system."""
    return start_server("--rate", "0")


@pytest.fixture(scope="package")
def cramped_server(certificate: Certificate) -> Iterator[ServerProcess]:
    options = ("--rate", "0", *PATIENT_BACKLOG, *certificate.for_server)
    server = ServerProcess(*options, program=cramped_program())
    yield server
    server.close()


@pytest.fixture
def cramped_room(cramped_server: ServerProcess, certificate: Certificate) -> Iterator[TLSRoom]:
    """A TLS server that reads and writes a little at a time, empty at first."""
    room = TLSRoom(cramped_server, certificate)
    yield room
    room.clear()
