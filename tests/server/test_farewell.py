"""How connections end: last words arrive, and all that was used is given back."""

from __future__ import annotations

import random
import signal
import time
from contextlib import suppress

import pytest
from harness import (
    Client,
    ServerProcess,
    StartServer,
    descriptors,
    frames,
    needs_proc,
    overfill,
    posix_only,
    resident_bytes,
    wait_until,
)

from .logged import TIME
from .pressure import ALL_SELECTORS, DEFAULT_SELECTOR, MIB, assert_served_promptly

# ----------------------------------------------------------------------------------- one who leaves


def test_the_reason_arrives_though_the_client_keeps_sending(server: ServerProcess) -> None:
    client, watcher = server.connect(), server.connect()
    client.send_meanwhile(b"x" * 3_000_000)
    client.expect_error("BAD_FRAME")
    assert client.receive_all() == [], "and then an orderly end, not a reset"
    for _ in range(3):
        client.send_bytes(b"more")  # is dropped: a reset would make the next of them fail
        watcher.round_trip()


@needs_proc
def test_a_half_closed_connection_is_given_back(fresh_server: ServerProcess) -> None:
    alice = fresh_server.connect("alice")
    before = descriptors(fresh_server.pid)
    for _ in range(20):
        client = fresh_server.connect()
        client.send("GET_NAMES")
        client.end_input()
        assert client.receive_all() == ["NAMES 1 alice"]
    wait_until(lambda: descriptors(fresh_server.pid) == before, "all descriptors are given back")
    assert_served_promptly(alice)


@needs_proc
@pytest.mark.slow
def test_one_who_never_closes_is_closed_in_the_end(fresh_server: ServerProcess) -> None:
    alice = fresh_server.connect("alice")
    before = descriptors(fresh_server.pid)
    for last in (frames("EXIT"), b"oops"):
        client = fresh_server.connect()
        client.send_bytes(last)
        client.receive_all()  # and then our side simply stays open
    wait_until(lambda: descriptors(fresh_server.pid) == before, "all descriptors are given back")
    assert_served_promptly(alice)


def come_and_go(server: ServerProcess, witness: Client, count: int) -> None:
    """Let so many people come, take a name, block the witness, and leave in one of four ways."""
    for number in range(count):
        client = Client((server.host, server.port))
        client.send(f"NAME n{number}", "BLOCK witness")
        witness.expect(f"JOINED n{number}")
        if number % 4 == 0:
            client.send("EXIT")
            client.receive_until("BYE")
        elif number % 4 == 1:
            client.send_bytes(b"0009GET_")
        if number % 4 == 2:
            client.close()
        else:
            with suppress(OSError):
                client.reset()
        witness.expect(f"LEFT n{number}")


@needs_proc
@pytest.mark.parametrize("count", [300, 50_000])
@pytest.mark.slow
def test_those_who_come_and_go_leave_nothing_behind(
    fresh_server: ServerProcess, count: int
) -> None:
    witness = fresh_server.connect("witness")
    before = descriptors(fresh_server.pid)

    def all_are_gone() -> None:
        wait_until(
            lambda: descriptors(fresh_server.pid) == before, "all descriptors are given back"
        )

    come_and_go(fresh_server, witness, 500)  # so that everything has its usual size
    all_are_gone()
    memory = resident_bytes(fresh_server.pid)
    come_and_go(fresh_server, witness, count)
    all_are_gone()
    assert witness.ask("GET_NAMES") == "NAMES 1 witness"
    assert resident_bytes(fresh_server.pid) - memory < MIB
    witness.send("MSG witness hi")  # nobody who blocked them is remembered
    witness.expect("MSG witness witness hi")


# ---------------------------------------------------------------------------- the connection breaks


@posix_only
@pytest.mark.parametrize("selector", ALL_SELECTORS)
@pytest.mark.slow
def test_a_reset_in_the_turn_in_which_it_was_readable(
    start_server: StartServer, selector: str
) -> None:
    server = start_server("--selector", selector)
    alice, carol = server.people("alice", "carol")
    for last in (b"", b"0009GET_", frames("GET_NAMES"), frames("EXIT"), b"oops"):
        bob = server.connect("bob")
        with server.paused():
            alice.send("MSG BROADCAST hi")  # so that it is written to in this turn as well
            bob.send_bytes(last)
            bob.reset()
        carol.expect("JOINED bob")
        assert {carol.receive(), carol.receive()} == {"MSG alice BROADCAST hi", "LEFT bob"}
        alice.expect("JOINED bob", "LEFT bob")
    assert server.connect().ask("GET_NAMES") == "NAMES 2 alice carol"


@pytest.mark.parametrize("selector", DEFAULT_SELECTOR)
@pytest.mark.slow
def test_a_reset_while_much_waits_to_be_written(start_server: StartServer, selector: str) -> None:
    server = start_server("--selector", selector, "--rate", "0", "--max-backlog", "100000")
    speaker = server.connect("speaker")
    lazy = server.connect("lazy", receive_buffer=4096)
    speaker.expect("JOINED lazy")
    overfill(speaker, "lazy", MIB)
    lazy.reset()
    speaker.expect("LEFT lazy")
    server.wait_for_line(r"lazy gone: connection lost \(.+\)")
    assert_served_promptly(speaker)


@needs_proc
@pytest.mark.parametrize("selector", DEFAULT_SELECTOR)
@pytest.mark.slow
def test_a_storm_of_resets_leaves_nothing_behind(start_server: StartServer, selector: str) -> None:
    server = start_server("--selector", selector, "--rate", "0")
    alice = server.connect("alice")
    before = descriptors(server.pid)
    chance = random.Random(8820)
    for number in range(150):
        client = server.connect()
        stream = frames(f"NAME n{number}", "MSG BROADCAST hi", "BLOCK alice", "GET_NAMES")
        client.send_bytes(stream[: chance.randrange(len(stream) + 1)])
        client.reset()
    alice.send("MSG alice end")
    alice.receive_until("MSG alice alice end")
    wait_until(lambda: descriptors(server.pid) == before, "all descriptors are given back")
    watcher = server.connect()
    assert watcher.ask("GET_NAMES") == "NAMES 1 alice"


# ------------------------------------------------------------------------------------- the shutdown


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_says_goodbye_to_everyone_and_ends_well(
    fresh_server: ServerProcess, number: signal.Signals
) -> None:
    people = [*fresh_server.people("alice", "bob"), fresh_server.connect()]
    people[-1].round_trip()
    fresh_server.interrupt(number)
    for client in people:
        notice, bye = client.receive_all()
        assert notice.startswith("INFO The server is being shut down")
        assert bye == "BYE"
        client.close()
    assert fresh_server.wait_for_exit() == 0
    fresh_server.wait_for_line(f"{TIME}The server is being shut down")


@posix_only
def test_a_server_with_nobody_ends_at_once(fresh_server: ServerProcess) -> None:
    start = time.monotonic()
    fresh_server.interrupt()
    assert fresh_server.wait_for_exit() == 0
    assert time.monotonic() - start < 1.5


@posix_only
def test_what_is_queued_still_arrives_before_the_end(start_server: StartServer) -> None:
    server = start_server("--rate", "0", "--max-backlog", "100000")
    alice, bob = server.people("alice", "bob")
    count = overfill(alice, "bob", 1024 * 1024)
    server.interrupt()
    alice.receive_all()
    alice.close()
    for number in range(count):
        assert bob.receive().startswith(f"MSG alice bob {number} ")
    notice, bye = bob.receive_all()
    assert (notice[:5], bye) == ("INFO ", "BYE")


@posix_only
@pytest.mark.parametrize("again", [False, True])
@pytest.mark.slow
def test_one_who_does_not_read_holds_up_the_end_for_two_seconds(
    start_server: StartServer, again: bool
) -> None:
    server = start_server("--rate", "0", "--max-backlog", "100000")
    speaker = server.connect("speaker")
    server.connect("lazy", receive_buffer=4096)
    speaker.expect("JOINED lazy")
    overfill(speaker, "lazy", 256 * 1024)
    start = time.monotonic()
    server.interrupt()
    assert speaker.receive_all()[-1] == "BYE"
    speaker.close()
    if again:
        server.wait_for_line("is being shut down")

        def has_ended() -> bool:
            server.interrupt()  # again and again: what comes in the same moment counts once
            return server.process.poll() is not None

        wait_until(has_ended, "the server has ended")
    # Python puts its handlers away before the process ends: then the signal itself may end it.
    assert server.wait_for_exit() in ((0, -signal.SIGINT) if again else (0,))
    seconds = time.monotonic() - start
    assert seconds < 1.5 if again else 1.8 < seconds < 5


@posix_only
def test_nobody_gets_in_during_the_shutdown(fresh_server: ServerProcess) -> None:
    alice = fresh_server.connect("alice")
    fresh_server.interrupt()
    assert alice.receive_until("BYE")
    with pytest.raises(ConnectionRefusedError):
        Client(("127.0.0.1", fresh_server.port))
