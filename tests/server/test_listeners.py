"""The listeners: where the server is found, and what is said where it cannot be."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

import pytest
from harness import SERVER, StartServer, posix_only, run_piped

from .logged import TIME

# -------------------------------------------------------------------------------- where it is found


def test_the_first_line_tells_the_address_and_the_next_what_to_type(
    start_server: StartServer,
) -> None:
    server = start_server()
    assert server.lines[0] == f"Chat server listening on 127.0.0.1:{server.port}"
    assert server.lines[1] == "On this machine:"
    assert server.lines[2].endswith(f" chat_client.py 127.0.0.1 {server.port}")
    assert re.match(r"Room for \d+ people\. Ctrl\+C stops the server\.", server.lines[3])


def test_a_server_for_everyone_says_so(start_server: StartServer) -> None:
    server = start_server(host=None)
    assert server.lines[0] == f"Chat server listening on 0.0.0.0:{server.port}"


@pytest.mark.slow
def test_port_0_takes_a_free_port_for_each(start_server: StartServer) -> None:
    ports = {start_server().port for _ in range(2)}
    assert len(ports) == 2
    assert 0 not in ports


def test_a_port_is_taken_as_it_is_given(start_server: StartServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert start_server("--port", str(port)).port == port


@posix_only
@pytest.mark.slow
def test_a_port_is_free_again_as_soon_as_its_server_has_ended(start_server: StartServer) -> None:
    first = start_server()
    client = first.connect("alice")
    first.interrupt()
    client.receive_all()
    client.close()
    assert first.wait_for_exit() == 0
    assert start_server("--port", str(first.port)).port == first.port


def test_one_port_serves_ipv4_and_ipv6(start_server: StartServer, ipv6: None) -> None:
    server = start_server(host=None)
    alice = server.connect("alice", host="127.0.0.1")
    bob = server.connect("bob", host="::1")
    alice.expect("JOINED bob")
    bob.send("MSG alice hi")
    alice.expect("MSG bob alice hi")
    server.wait_for_line(rf"{TIME}\[::1\]:\d+ is now called bob")


def test_a_server_may_be_for_ipv6_alone(start_server: StartServer, ipv6: None) -> None:
    server = start_server(host="::1")
    assert server.lines[0] == f"Chat server listening on [::1]:{server.port}"
    assert server.connect("alice").ask("GET_NAMES") == "NAMES 1 alice"


# --------------------------------------------------------------------------- where it cannot listen


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Check that a server could not start and said why, in one line with these words in it."""
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


def test_a_port_in_use_is_told_in_a_sentence(start_server: StartServer) -> None:
    port = str(start_server().port)
    done = run_piped(SERVER, "--host", "127.0.0.1", "--port", port)
    assert_one_sentence(done, port, "in use", "--port")


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "x" * 70, "a..b"])
@pytest.mark.slow
def test_a_host_that_is_not_ours_is_told_in_a_sentence(host: str) -> None:
    assert_one_sentence(run_piped(SERVER, "--host", host, "--port", "0"), host)


def test_an_empty_host_is_told_in_a_sentence() -> None:
    assert_one_sentence(run_piped(SERVER, "--host", "", "--port", "0"), "no address", "--host")


@posix_only
def test_a_port_without_permission_is_told_in_a_sentence() -> None:
    unprivileged = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if not unprivileged.exists() or int(unprivileged.read_text()) < 2:
        pytest.skip("this system asks no permission for port 1")
    # Root may have any port, so it becomes nobody at the last moment.
    as_nobody = (
        "import os, socket, sys, chat_server\n"
        "bind = socket.socket.bind\n"
        "def bind_as_nobody(self, address):\n"
        "    if os.geteuid() == 0: os.seteuid(65534)\n"
        "    bind(self, address)\n"
        "socket.socket.bind = bind_as_nobody\n"
        "sys.exit(chat_server.main())"
    )
    done = run_piped("-c", as_nobody, "--host", "127.0.0.1", "--port", "1")
    assert_one_sentence(done, "permission", "port 1;", "--port")
