"""Fixtures: servers that are ended with the test that started them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from harness import ServerProcess

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
