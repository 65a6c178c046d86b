"""The descriptors: as many places as the selector and the system allow, and what happens beyond."""

from __future__ import annotations

import subprocess
import sys

import pytest
from encrypted import TLSClient, trusting
from harness import (
    DEADLINE,
    SERVER,
    Certificate,
    Client,
    ServerProcess,
    StartServer,
    cpu_seconds,
    descriptors,
    needs_proc,
    posix_only,
    prepared_server,
    quiet_for,
    wake_ups,
)

from .pressure import DEFAULT_SELECTOR, allow_descriptors, linux_only, set_descriptor_limit


@pytest.mark.slow
def test_two_thousand_connections(fresh_server: ServerProcess) -> None:
    allow_descriptors(2_200)
    places = int(fresh_server.wait_for_line(r"Room for (\d+) people")[1])
    assert places < 1024, "select() cannot watch more"
    alice, bob = fresh_server.people("alice", "bob")
    crowd = [fresh_server.connect() for _ in range(1_998)]
    for client in crowd[places - 2 :]:
        client.expect_error("SERVER_FULL")
        assert client.receive_all() == []
        client.close()
    alice.send("MSG bob hi")
    bob.expect("MSG alice bob hi")
    for client in crowd[:50]:
        client.close()
    fresh_server.wait_for_line(r"gone: closed the connection", 50)
    for number in range(50):
        fresh_server.connect(f"n{number}")
    full = fresh_server.connect()
    full.expect_error("SERVER_FULL")


@needs_proc
@posix_only
@pytest.mark.parametrize("selector", DEFAULT_SELECTOR)
def test_few_descriptors_are_few_places(start_server: StartServer, selector: str) -> None:
    few = ("sh", "-c", 'ulimit -n 64 && exec "$0" "$@"')
    server = start_server("--selector", selector, prefix=few)
    places = int(server.wait_for_line(r"Room for (\d+) people")[1])
    assert 32 <= places < 64
    inside = [server.connect() for _ in range(places)]
    outside = [server.connect() for _ in range(200)]
    for client in outside:
        client.expect_error("SERVER_FULL")
    for client in inside:
        client.round_trip()
    assert len(descriptors(server.pid)) < 64
    assert "cannot accept" not in "\n".join(server.lines)


@posix_only
def test_places_are_counted_as_ever(start_server: StartServer, certificate: Certificate) -> None:
    """A connection over TLS takes one descriptor, like any other."""
    few = ("sh", "-c", 'ulimit -n 64 && exec "$0" "$@"')
    server = start_server(*certificate.for_server, prefix=few)
    places = int(server.wait_for_line(r"Room for (\d+) people")[1])
    address, context = (server.host, server.port), trusting(certificate)
    clients = [TLSClient(address, context) for _ in range(places)]
    assert clients[-1].ask("NAME last") == "HELLO last"
    for _ in range(30):
        refused = Client(address)
        refused.expect_error("SERVER_FULL")
        assert refused.receive_all() == []
        refused.close()
    clients.pop(0).close()
    server.wait_for_line("gone: ")
    clients.append(TLSClient(address, context))
    assert clients[-1].ask("NAME late") == "HELLO late"
    for client in clients:
        client.close()


@linux_only
def test_the_limit_that_a_process_inherits_is_raised_to_what_it_may_have(
    start_server: StartServer,
) -> None:
    low = ("sh", "-c", 'ulimit -Sn 64 && ulimit -Hn 512 && exec "$0" "$@"')
    server = start_server(prefix=low)
    assert int(server.wait_for_line(r"Room for (\d+) people")[1]) > 400


@linux_only
@pytest.mark.parametrize("selector", DEFAULT_SELECTOR)
@pytest.mark.slow
def test_no_descriptors_left_means_to_wait_and_not_to_spin(
    start_server: StartServer, selector: str
) -> None:
    short_rest = prepared_server("import chat_server; chat_server.ACCEPT_REST_SECONDS = 0.3")
    server = start_server("--rate", "0", "--selector", selector, program=short_rest)
    alice, bob = server.people("alice", "bob")
    set_descriptor_limit(server.pid, max(descriptors(server.pid)) + 1)
    waiting = [server.connect() for _ in range(5)]
    server.wait_for_line("cannot accept for now")
    wakes, used = wake_ups(server.pid), cpu_seconds(server.pid)
    assert quiet_for(0.2, *waiting)
    assert wake_ups(server.pid) - wakes < 10
    assert cpu_seconds(server.pid) - used < 0.1
    alice.send("MSG bob hi")
    bob.expect("MSG alice bob hi")
    set_descriptor_limit(server.pid, 1000)
    for client in waiting:
        assert client.ask("GET_NAMES") == "NAMES 2 alice bob"


INHERITED = """
import os, sys
null = os.open(os.devnull, os.O_RDONLY)
for number in range(3, {count}):
    os.dup2(null, number)
os.execvp(sys.argv[1], sys.argv[1:])
"""


@linux_only
@pytest.mark.parametrize("count", [1_100, 1_015])
@pytest.mark.slow
def test_with_every_low_number_inherited_select_can_watch_nobody(count: int) -> None:
    allow_descriptors(1_300)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            INHERITED.format(count=count),
            sys.executable,
            SERVER,
            "--port",
            "0",
        ],
        capture_output=True,
        timeout=DEADLINE,
        text=True,
    )
    assert done.returncode == 1
    assert "--selector auto" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@linux_only
def test_with_every_low_number_inherited_another_selector_serves(
    start_server: StartServer,
) -> None:
    allow_descriptors(1_300)
    inherited = (sys.executable, "-c", INHERITED.format(count=1_100))
    server = start_server("--selector", "epoll", prefix=inherited)
    alice, bob = server.people("alice", "bob")
    alice.send("MSG bob hi")
    bob.expect("MSG alice bob hi")
