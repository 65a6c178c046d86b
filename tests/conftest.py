"""Fixtures: servers that are ended with the test that started them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from harness import Certificate, ServerProcess, make_certificate

StartServer = Callable[..., ServerProcess]


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
