"""The loop: any selector will do, it rests when nothing is to do, a fault costs one client."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import pytest
from harness import (
    Client,
    StartServer,
    cpu_seconds,
    descriptors,
    needs_proc,
    posix_only,
    quiet_for,
    wake_ups,
)
from interrupted import interrupted_at
from locked import new_address

from chat.server.descriptors import SELECTORS

from .pressure import DEFAULT_SELECTOR, allow_descriptors, linux_only, set_descriptor_limit


@posix_only
@pytest.mark.parametrize("selector", sorted(SELECTORS))
def test_every_selector_of_this_system_serves(start_server: StartServer, selector: str) -> None:
    server = start_server("--selector", selector)
    alice, bob = server.people("alice", "bob")
    bob.send("MSG alice hi", "EXIT")
    alice.expect("MSG bob alice hi", "LEFT bob")
    assert bob.receive_all() == ["BYE"]
    bob.close()
    server.interrupt()
    assert alice.receive_all()[-1] == "BYE"
    alice.close()
    assert server.wait_for_exit() == 0


@posix_only
@pytest.mark.parametrize(
    "signals", [["SIGINT", "SIGTERM"], ["SIGTERM", "SIGHUP"], ["SIGHUP"] * 3], ids=str
)
@pytest.mark.slow
def test_several_signals_in_one_moment_are_one(
    start_server: StartServer, signals: list[str]
) -> None:
    server = start_server()
    alice = server.connect("alice")
    with server.paused():
        for name in signals:
            os.kill(server.pid, getattr(signal, name))
    assert alice.receive().startswith("INFO The server is being shut down")
    alice.expect("BYE")
    for name in signals:
        os.kill(server.pid, getattr(signal, name))  # another one soon after
    assert alice.receive_all() == []
    alice.close()
    server.may_end = True
    assert server.wait_for_exit() == 0


@posix_only
def test_the_server_says_goodbye_when_its_window_is_closed(start_server: StartServer) -> None:
    server = start_server()
    alice = server.connect("alice")
    os.kill(server.pid, signal.SIGHUP)
    alice.expect("INFO The server is being shut down: its window was closed.", "BYE")
    alice.close()
    server.may_end = True
    assert server.wait_for_exit() == 0


@posix_only
@pytest.mark.parametrize(
    "module", ["argparse", "chat_protocol", "chat.server.options", "chat.server.stop"]
)
def test_an_early_interrupt_ends_the_server_without_a_traceback(module: str) -> None:
    code, said = interrupted_at(module, "chat_server.py", "--port", "0")
    assert code in (-signal.SIGINT, 0)
    assert "Traceback" not in said


@posix_only
def test_nohup_keeps_the_server_when_its_window_is_closed(start_server: StartServer) -> None:
    server = start_server(prefix=("sh", "-c", 'trap "" HUP; exec "$0" "$@"'))
    alice = server.connect("alice")
    os.kill(server.pid, signal.SIGHUP)
    assert alice.ask("MSG alice hi") == "MSG alice alice hi"


@pytest.mark.parametrize("options", ["--login-timeout 1e10", "--rate 1e-10"])
@pytest.mark.slow
def test_no_wait_is_too_long_for_select(start_server: StartServer, options: str) -> None:
    # 292 years are the most that select() takes, 24 days the most of poll() and epoll.
    server = start_server(*options.split())
    server.connect("alice").send("GET_NAMES", "GET_NAMES")
    server.wait_for_line("now called alice")
    # By now nothing but the long wait is left to wait for. What alice owes, her address owes too.
    for name in ("bob", "carol"):
        Client((server.host, server.port), source=new_address()).name(name).close()


# ---------------------------------------------------------------------------- a fault in the server


FAULTY = """
import sys
import chat_server

def stumble(*_):
    raise ZeroDivisionError("a fault that is meant")

chat_server.protocol.names_frames = stumble
sys.exit(chat_server.main())
"""


@pytest.mark.parametrize("selector", DEFAULT_SELECTOR)
def test_a_fault_costs_one_client_its_connection(start_server: StartServer, selector: str) -> None:
    server = start_server("--selector", selector, program=("-c", FAULTY))
    server.may_fail = True
    alice, bob, carol = server.people("alice", "bob", "carol")
    bob.send("MSG alice hi", "GET_NAMES", "MSG alice never")
    with suppress(ConnectionResetError):
        bob.receive_all()
    alice.expect("MSG bob alice hi", "LEFT bob")
    carol.expect("LEFT bob")
    server.wait_for_line("Traceback")
    server.wait_for_line("ZeroDivisionError: a fault that is meant")
    server.wait_for_line("bob gone: a fault in the server")
    carol.send("MSG alice hi")
    alice.expect("MSG carol alice hi")
    assert server.connect("bob")


@linux_only
@pytest.mark.slow
def test_a_fault_without_a_descriptor_left_costs_no_more(start_server: StartServer) -> None:
    server = start_server(program=("-c", FAULTY))
    server.may_fail = True
    alice, bob = server.people("alice", "bob")
    set_descriptor_limit(server.pid, max(descriptors(server.pid)) + 1)
    bob.send("GET_NAMES")
    alice.expect("LEFT bob")
    server.wait_for_line("ZeroDivisionError: a fault that is meant")
    assert alice.ask("MSG alice hi") == "MSG alice alice hi"


# --------------------------------------------------------------------------------------------- rest


@needs_proc
@pytest.mark.parametrize("selector", DEFAULT_SELECTOR)
@pytest.mark.slow
def test_a_server_with_nobody_talking_uses_no_cpu(start_server: StartServer, selector: str) -> None:
    server = start_server("--selector", selector)
    people = server.people("alice", "bob", "carol", "dora")
    people[0].send(*["GET_NAMES"] * 3)
    people[0].expect(*["NAMES 4 alice bob carol dora"] * 3)
    assert quiet_for(0.1, *people)  # the last turn is over
    wakes, used = wake_ups(server.pid), cpu_seconds(server.pid)
    assert quiet_for(1.2, *people)  # longer than any ticking that would be called slow
    assert wake_ups(server.pid) == wakes
    assert cpu_seconds(server.pid) == used


@needs_proc
@pytest.mark.slow
def test_one_who_has_gone_wakes_nobody_any_more(start_server: StartServer) -> None:
    server = start_server("--login-timeout", "0.3")
    alice, nameless = server.connect("alice"), server.connect()
    nameless.close()
    server.wait_for_line("gone: closed the connection")
    assert quiet_for(0.05, alice)  # the last turn is over
    wakes = wake_ups(server.pid)
    assert quiet_for(0.4, alice)
    assert wake_ups(server.pid) == wakes


@needs_proc
@pytest.mark.slow
@pytest.mark.skipif("epoll" not in SELECTORS, reason="select() itself looks at everyone")
def test_one_who_talks_costs_the_same_however_many_listen_to_nothing(
    start_server: StartServer,
) -> None:
    allow_descriptors(1_100)
    server = start_server("--rate", "0", "--selector", "epoll")
    alice = server.connect("alice")

    def cost() -> float:
        before = cpu_seconds(server.pid)
        for _ in range(5_000):
            alice.send("MSG alice hi")
            alice.expect("MSG alice alice hi")
        return cpu_seconds(server.pid) - before

    alone = cost()
    crowd = [server.connect() for _ in range(900)]
    for number, client in enumerate(crowd):
        client.send(f"NAME n{number}")
        client.receive_until(f"HELLO n{number}")
        alice.expect(f"JOINED n{number}")
    assert cost() < 1.5 * alone + 0.1
