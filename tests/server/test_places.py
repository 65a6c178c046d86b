"""The places: who gets a place and for how long, and what those read who get none."""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest
from harness import (
    Client,
    ServerProcess,
    StartServer,
    needs_proc,
    posix_only,
    prepared_server,
    quiet_for,
    wait_until,
)
from locked import PASSWORD, new_address

from chat.server.places import origin_of
from chat.sockets import KEEPALIVE_OPTIONS, prepare

from .pressure import allow_descriptors, assert_served_promptly

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


@pytest.mark.slow
def test_max_clients_is_the_number_of_places(start_server: StartServer) -> None:
    server = start_server("--max-clients", "2")
    assert server.lines[3].startswith("Room for 2 people")
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_login_timeout_of_0_is_none(start_server: StartServer) -> None:
    server = start_server("--login-timeout", "0")
    silent = server.connect()
    silent.round_trip()
    assert quiet_for(0.3, silent)
    silent.round_trip()


# --------------------------------------------------------------------------------- when it is full

IMPATIENT_LINE = "import chat_server, chat; chat.server.places.SILENT_SECONDS = 0.3"
IMPATIENT = prepared_server(IMPATIENT_LINE)


def silent_crowd(server: ServerProcess, source: str, count: int) -> list[Client]:
    """Let so many come from an address who say nothing, and wait until they are in."""
    crowd = [Client((server.host, server.port), source=source) for _ in range(count)]
    for client in crowd:
        client.send("EXIT now")  # refused, but answered: it is in
        client.receive()
    return crowd


def let_them_in_after_all(server: ServerProcess, name: str) -> Client:
    """Knock until somebody gets in."""
    found: list[Client] = []

    def gets_in() -> bool:
        client = server.connect()
        with suppress(EOFError, OSError):
            client.send(f"NAME {name}")
            if client.receive() == f"HELLO {name}":
                found.append(client)
        return bool(found)

    wait_until(gets_in, f"{name} gets in")
    return found[0]


@pytest.mark.slow
def test_silence_keeps_nobody_out(start_server: StartServer) -> None:
    """Of the address that has most of those who say nothing the oldest goes; it reads why."""
    server = start_server("--max-clients", "6", program=IMPATIENT)
    alice = server.connect("alice")
    honest = silent_crowd(server, new_address(), 1)
    crowd = silent_crowd(server, new_address(), 4)
    server.connect().expect_error("SERVER_FULL")  # none of them for long enough
    let_them_in_after_all(server, "bob")
    alice.expect("JOINED bob")
    crowd[0].expect_error("TIMEOUT")
    assert crowd[0].receive_all() == []
    assert quiet_for(0.05, *honest, *crowd[1:])
    let_them_in_after_all(server, "carol")
    crowd[1].expect_error("TIMEOUT")
    assert alice.ask("MSG alice still here") == "JOINED carol"
    for client in (*honest, *crowd):
        client.close()


def test_a_crowd_without_names_gives_way_to_others_at_once(start_server: StartServer) -> None:
    """Or one who comes again and again would have each of their places for 15 seconds."""
    server = start_server("--rate", "0", "--max-clients", "40")
    address = new_address()
    crowd = silent_crowd(server, address, 40)
    alice = server.connect("alice")
    crowd[0].expect_error("TIMEOUT")
    again = Client((server.host, server.port), source=address)
    again.expect_error("SERVER_FULL")
    assert alice.ask("MSG alice hi") == "MSG alice alice hi"
    for client in (*crowd, again):
        client.close()


@pytest.mark.slow
def test_those_who_have_a_name_keep_their_place(start_server: StartServer) -> None:
    server = start_server("--max-clients", "2", program=IMPATIENT)
    alice, bob = server.people("alice", "bob")
    assert quiet_for(0.4, alice, bob)
    server.connect().expect_error("SERVER_FULL")
    alice.send("MSG bob hi")
    bob.expect("MSG alice bob hi")


def test_one_that_left_and_does_not_close_keeps_nobody_out(start_server: StartServer) -> None:
    """A place is only somebody's who has a name: not one's who has said EXIT long ago."""
    patient = f"{IMPATIENT_LINE}; chat.server.farewell.CLOSE_SECONDS = 1000"
    server = start_server("--max-clients", "1", program=prepared_server(patient))
    lazy = server.connect("lazy")
    assert lazy.ask("EXIT") == "BYE"
    let_them_in_after_all(server, "bob")


@pytest.mark.slow
def test_silence_keeps_nobody_out_where_a_password_is_wanted(
    start_server: StartServer, password_file: str
) -> None:
    options = ("--max-clients", "3", "--password-file", password_file)
    server = start_server(*options, program=IMPATIENT)
    crowd = silent_crowd(server, new_address(), 3)
    wait_until(lambda: server.connect().ask(f"PASS {PASSWORD}") == "ACCEPTED", "somebody gets in")
    crowd[0].expect_error("TIMEOUT")
    for client in crowd:
        client.close()


@pytest.mark.slow
def test_with_every_descriptor_taken_the_newcomer_can_be_watched(start_server: StartServer) -> None:
    allow_descriptors(1_200)
    server = start_server("--rate", "0", program=IMPATIENT)
    places = int(server.wait_for_line(r"Room for (\d+) people")[1])
    crowd = silent_crowd(server, new_address(), places)
    people = [let_them_in_after_all(server, f"n{number}") for number in range(20)]
    for person in people:
        assert person.ask("MSG n0 hi" if person is people[0] else "EXIT now")
    for client in crowd:
        client.close()


@pytest.mark.parametrize(
    ("host", "own_host", "origin"),
    [
        ("127.0.0.2", "127.0.0.1", "127.0.0.2"),
        ("::1", "::1", "::1"),
        ("2001:db8:1:2::7", "2001:db8:1:2::1", "2001:db8:1:2::7"),  # our own network
        ("2001:db8:1:3::7", "2001:db8:1:2::1", "2001:db8:1:3::/64"),
        ("2001:db8:1:3:ffff::8", "2001:db8:1:2::1", "2001:db8:1:3::/64"),
        ("fe80::7%eth0", "2001:db8:1:2::1", "fe80::7%eth0"),
        ("fd00::7", "2001:db8:1:2::1", "fd00::/64"),
    ],
)
def test_beyond_our_own_network_ipv6_counts_by_networks(
    host: str, own_host: str, origin: str
) -> None:
    assert origin_of(host, own_host) == origin


# ------------------------------------------------------------------------------- those who vanished


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
