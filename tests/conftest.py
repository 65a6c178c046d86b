"""Fixtures: servers that are ended with the test that started them."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from client.person import Desk, Desks, OpenDesk, Room
from client.played import PlayedServer
from encrypted import PATIENT_BACKLOG, TLSRoom
from harness import Certificate, ServerProcess, StartServer, make_certificate, prepared_server
from locked import PASSWORD, REST_SECONDS, Door, new_address


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """A function that starts a server with the options given; see ServerProcess."""
    servers: list[ServerProcess] = []

    def start(*options: str, **settings: object) -> ServerProcess:
        servers.append(ServerProcess(*options, **settings))  # type: ignore[arg-type]
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    """A server without a speed limit, which most tests do not want to wait for."""
    return start_server("--rate", "0")


@pytest.fixture
def ipv6() -> None:
    """Skip the test where ::1 does not exist."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for this machine, as a teacher makes one for a classroom."""
    names = "DNS:localhost,IP:127.0.0.1,IP:::1"
    return make_certificate(tmp_path_factory.mktemp("certificate"), "classroom", names)


@pytest.fixture(scope="session")
def tls_server(certificate: Certificate) -> Iterator[ServerProcess]:
    server = ServerProcess("--rate", "0", *PATIENT_BACKLOG, *certificate.for_server)
    yield server
    server.close()


@pytest.fixture
def tls_room(tls_server: ServerProcess, certificate: Certificate) -> Iterator[TLSRoom]:
    """A server that speaks TLS, empty at first."""
    room = TLSRoom(tls_server, certificate)
    yield room
    room.clear()


@pytest.fixture(scope="session")
def password_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("password") / "password.txt"
    file.write_text(f"{PASSWORD}\nsecond lines are no password\n", encoding="utf-8")
    return str(file)


@pytest.fixture(scope="session")
def locked_server(password_file: str) -> Iterator[ServerProcess]:
    """A server with a password, where wrong tries cost REST_SECONDS."""
    server = ServerProcess(
        *("--rate", "0", "--password-file", password_file, "--verbose", "--wire"),
        program=prepared_server(
            f"import chat.server.password; chat.server.password.REST_SECONDS = {REST_SECONDS}"
        ),
    )
    yield server
    server.close()


@pytest.fixture
def door(locked_server: ServerProcess) -> Iterator[Door]:
    """The server with a password, with nobody in it at first."""
    door = Door(locked_server)
    yield door
    door.clear()


@pytest.fixture
def address() -> str:
    """An address of this machine from which nobody has guessed yet."""
    return new_address()


# ------------------------------------------------------------------- people who use the client


@pytest.fixture(scope="session")
def room_server() -> Iterator[ServerProcess]:
    server = ServerProcess("--rate", "0")
    yield server
    server.close()


@pytest.fixture
def room(room_server: ServerProcess) -> Iterator[Room]:
    """The real server, empty at first, and people at their terminals."""
    room = Room(room_server)
    yield room
    room.clear()


@pytest.fixture
def played() -> Iterator[PlayedServer]:
    """A server that says what the test wants."""
    with PlayedServer() as server:
        yield server


@pytest.fixture
def open_desk() -> Iterator[OpenDesk]:
    """A function that starts a client, here as `me`, with the test as its server; see Desk."""
    desks: list[Desk] = []

    def start(*options: str, **settings: object) -> Desk:
        desks.append(Desk(*options, **settings))  # type: ignore[arg-type]
        return desks[-1]

    yield start
    for desk in desks:
        desk.close()


@pytest.fixture
def size() -> tuple[int, int]:
    """Columns and rows of the window; a test marked @each_size sees several."""
    return 80, 24


@pytest.fixture
def own_desk(size: tuple[int, int], open_desk: OpenDesk) -> Desk:
    """A client for one test, which may end it."""
    return open_desk(columns=size[0], rows=size[1])


@pytest.fixture(scope="session")
def desks() -> Iterator[Desks]:
    desks = Desks()
    yield desks
    desks.close()


@pytest.fixture
def desk(size: tuple[int, int], desks: Desks) -> Desk:
    """A client that many tests use one after the other."""
    return desks.one_of_size(*size)
