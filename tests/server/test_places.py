"""The places: who gets a place and for how long, and what those read who get none."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

import pytest
from harness import ServerProcess, StartServer, needs_proc, posix_only, quiet_for, wait_until

from chat.sockets import KEEPALIVE_OPTIONS, prepare

from .pressure import assert_served_promptly

# ---------------------------------------------------------------------------------------- coming in


@posix_only
def test_a_hundred_clients_connect_at_once(server: ServerProcess) -> None:
    with server.paused():
        clients = [server.connect() for _ in range(100)]
        for number, client in enumerate(clients):
            client.send(f"NAME n{number}")
    for number, client in enumerate(clients):
        client.receive_until(f"HELLO n{number}")
    watcher = server.connect()
    assert sorted(watcher.ask("GET_NAMES").split()) == sorted(
        ["NAMES", "100", *(f"n{number}" for number in range(100))]
    )


@posix_only
def test_resets_before_they_were_accepted(server: ServerProcess) -> None:
    watcher = server.connect()  # without a name: it hears of nobody
    with server.paused():
        for number in range(60):
            client = server.connect()
            if number % 3:
                client.send(f"NAME n{number}")
            client.reset()
    assert_served_promptly(watcher)
    assert watcher.ask("GET_NAMES") == "NAMES 0"


# ----------------------------------------------------------------------------------------- no place


def test_max_clients_is_the_number_of_places(start_server: StartServer) -> None:
    server = start_server("--max-clients", "2")
    assert server.lines[2].startswith("Room for 2 people")
    alice, bob = server.people("alice", "bob")
    for _ in range(2):
        carol = server.connect()
        carol.expect_error("SERVER_FULL")
        assert carol.receive_all() == []
    bob.send("EXIT")
    bob.receive_until("BYE")
    bob.close()
    alice.expect("LEFT bob")
    server.wait_for_line("bob gone")
    wait_until(lambda: gets_in(server), "the place is given again")


def gets_in(server: ServerProcess) -> bool:
    """Whether a newcomer gets a place: it is free once the last owner has closed as well."""
    return server.connect().ask("GET_NAMES").startswith("NAMES")


@posix_only
def test_the_refused_hear_why_though_they_have_spoken(start_server: StartServer) -> None:
    server = start_server("--max-clients", "1")
    server.connect("alice")
    with server.paused():
        refused = [server.connect() for _ in range(20)]
        for client in refused:
            client.send("NAME bob", "MSG BROADCAST hi")
    for client in refused:
        client.expect_error("SERVER_FULL")
        assert client.receive_all() == []
        assert not client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), "a reset came too"


def test_one_address_may_be_held_to_a_few_places(start_server: StartServer, ipv6: None) -> None:
    server = start_server("--max-per-address", "2", host=None)
    first, _ = server.connect(host="127.0.0.1"), server.connect(host="127.0.0.1")
    server.connect(host="127.0.0.1").expect_error("SERVER_FULL")
    assert server.connect(host="::1").ask("GET_NAMES") == "NAMES 0"
    first.close()
    server.wait_for_line("gone: closed the connection")
    assert server.connect(host="127.0.0.1").ask("GET_NAMES") == "NAMES 0"


# --------------------------------------------------- those who choose no name, and those who vanish


def test_one_who_says_nothing_is_closed_in_time(start_server: StartServer) -> None:
    server = start_server("--login-timeout", "0.4")
    start = time.monotonic()
    alice, silent, asking = server.connect("alice"), server.connect(), server.connect()
    assert asking.ask("GET_NAMES") == "NAMES 1 alice"
    for client in (silent, asking):
        client.expect_error("TIMEOUT")
        assert client.receive_all() == []
        assert 0.3 < time.monotonic() - start < 2
    server.wait_for_line("gone: chose no name in time", 2)
    assert alice.ask("GET_NAMES") == "NAMES 1 alice", "who has a name may be silent"


def test_a_login_timeout_of_0_is_none(start_server: StartServer) -> None:
    server = start_server("--login-timeout", "0")
    silent = server.connect()
    silent.round_trip()
    assert quiet_for(0.3, silent)
    silent.round_trip()


@needs_proc
def test_the_system_asks_whether_a_silent_client_is_still_there(server: ServerProcess) -> None:
    client = server.connect("alice")
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("this system does not show its connections")
    ports = rf"^\s*\d+: \w+:{server.port:04X} \w+:{client.socket.getsockname()[1]:04X} "
    connection = re.compile(ports + r"01 \S+ (\w\w):(\w{8})", re.MULTILINE)

    def timer() -> tuple[int, int]:
        found = connection.search(table.read_text())
        assert found, "the connection is not in the table"
        return int(found[1], 16), int(found[2], 16) // 100  # kind, seconds to go; proc_net(5)

    wait_until(lambda: timer()[0] == 2, "nothing is under way, and the keepalive timer runs")
    assert 30 < timer()[1] <= 45


def test_every_connection_is_prepared_to_notice_that_its_client_vanished() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted = listener.accept()[0]
    with client, accepted:
        prepare(accepted)
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        for option, value in KEEPALIVE_OPTIONS.items():
            number = getattr(socket, option, None)
            if number is not None:
                assert accepted.getsockopt(socket.IPPROTO_TCP, number) == value
