"""The connection: found at the host that was given, made, lost; each failure said in a sentence."""

from __future__ import annotations

import select
import socket
import sys
from collections.abc import Iterator

import pytest
from harness import DEADLINE, run_piped, slow_beyond, tells_a_reset

from chat.client.session import Session
from client.person import prepared_client
from client.piped import PipedClient, assert_finds, assert_one_sentence, free_port, piped
from client.played import PlayedServer


def test_a_host_with_ipv6_and_ipv4_is_tried_at_each(ipv6: None) -> None:
    try:
        found = socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)
    except OSError as error:
        pytest.skip(f"no localhost here: {error}")
    for host in sorted({str(entry[4][0]) for entry in found}):
        with PlayedServer(host) as played:
            assert_finds(played, "localhost", str(played.port))


def test_an_ipv6_address_is_a_host_too(ipv6: None) -> None:
    with PlayedServer("::1") as played:
        assert_finds(played, "::1", str(played.port))


def test_nobody_listening_there_is_said_in_a_sentence() -> None:
    port = free_port()
    assert_one_sentence(piped(port), str(port), "server")


def test_an_unknown_host_is_said_in_a_sentence() -> None:
    # The resolver is replaced: a test asks no name server.
    unknown = prepared_client(
        "import socket\n"
        "def nobody(*_, **__): raise socket.gaierror(socket.EAI_NONAME, 'unknown')\n"
        "socket.getaddrinfo = nobody"
    )
    assert_one_sentence(run_piped(*unknown, "clasroom"), "clasroom", "spelling")


@pytest.mark.parametrize("host", slow_beyond(2, ["a..b", "x" * 64, "sp ace", "\udcff", ""]))
def test_what_can_be_no_host_is_said_in_a_sentence(host: str) -> None:
    nowhere = prepared_client(
        "import socket\n"
        "find = socket.getaddrinfo\n"
        "def only_numbers(host, *rest, **options):\n"
        "    return find(host, *rest, **{**options, 'flags': socket.AI_NUMERICHOST})\n"
        "socket.getaddrinfo = only_numbers"
    )
    done = run_piped(*nowhere, "--host", host, "--port", str(free_port()))
    assert_one_sentence(done)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full backlog answers otherwise")
@pytest.mark.slow
def test_a_host_that_does_not_answer_is_said_in_a_sentence() -> None:
    with socket.socket() as listener, socket.socket() as first:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        first.connect(listener.getsockname())  # the backlog has one place: now it is full
        impatient = prepared_client("from chat.client import link; link.CONNECT_SECONDS = 0.2")
        port = listener.getsockname()[1]
        assert_one_sentence(piped(port, program=impatient), "firewall")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere TCP does not connect to itself")
def test_a_client_that_reaches_itself_has_reached_nobody() -> None:
    port = free_port()
    own = prepared_client(
        "from chat.client import link\n"
        "prepare = link.prepare\n"
        "def prepare_at_the_port(connection):\n"
        "    prepare(connection)\n"
        f"    connection.bind(('127.0.0.1', {port}))\n"
        "link.prepare = prepare_at_the_port"
    )
    assert_one_sentence(piped(port, "--name", "me", program=own), "Nothing listens")


def test_a_client_notices_a_dead_network_within_two_minutes(played: PlayedServer) -> None:
    session = Session("127.0.0.1", played.port, "me")
    session.connect()
    connection = session.socket
    assert isinstance(connection, socket.socket)
    select.select([], [connection], [], DEADLINE)
    session.turn(readable=False, writable=True)
    assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    seconds = {
        option: connection.getsockopt(socket.IPPROTO_TCP, getattr(socket, option))
        for option in ("TCP_KEEPIDLE", "TCP_KEEPALIVE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
        if hasattr(socket, option)
    }
    idle = seconds.get("TCP_KEEPIDLE") or seconds.get("TCP_KEEPALIVE", 0)  # macOS has the second
    assert idle + seconds.get("TCP_KEEPINTVL", 0) * seconds.get("TCP_KEEPCNT", 0) <= 120
    connection.close()


# -- a connection that ends, with a program at the client that would go on


@pytest.fixture
def client(played: PlayedServer) -> Iterator[PipedClient]:
    """A client of the played server, with its input open."""
    with PipedClient("--port", str(played.port)) as client:
        yield client


def test_a_server_that_goes_away_ends_a_piped_client_with_1(
    client: PipedClient, played: PlayedServer
) -> None:
    connection = played.accept()
    client.type("NAME eve\n")
    connection.expect("NAME eve")
    connection.send("HELLO eve")
    connection.close()
    assert client.wait_exit() == 1
    assert "server" in client.last_words().lower()


def test_a_server_that_resets_the_connection_is_told_in_a_sentence(
    client: PipedClient, played: PlayedServer
) -> None:
    connection = played.accept()
    connection.send("INFO soon")
    client.prints("soon")
    connection.reset()
    assert client.wait_exit() == 1
    assert "server" in client.last_words().lower()


@tells_a_reset
@pytest.mark.parametrize("received", [["NAME eve"], ["NAME eve", "MSG BROADCAST hi", "EXIT"]])
def test_a_connection_that_breaks_before_the_goodbye_is_no_success(
    received: list[str], client: PipedClient, played: PlayedServer
) -> None:
    connection = played.accept()
    client.type("NAME eve\nhi\n", is_all=True)
    connection.expect(*received)
    connection.reset()
    assert client.wait_exit() == 1
    assert "server" in client.last_words().lower()


def test_a_server_that_speaks_something_else_is_told_in_a_sentence(
    client: PipedClient, played: PlayedServer
) -> None:
    played.accept().send_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert client.wait_exit() == 1
    assert "protocol" in client.last_words()
