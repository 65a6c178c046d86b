"""The pace: one who asks too fast or reads too slowly is slowed down, and nobody else is."""

from __future__ import annotations

import time

import pytest
from harness import (
    Client,
    ServerProcess,
    StartServer,
    frames,
    needs_proc,
    overfill,
    peak_bytes,
    posix_only,
)

import chat_protocol as protocol

from .pressure import ALL_SELECTORS, DEFAULT_SELECTOR, MIB, assert_served_promptly

# ------------------------------------------------------------------------------- those who ask fast


def numbered(count: int, name: str = "loud") -> bytes:
    """Return so many requests of `name` at once; the answers show which is which."""
    return frames(*(f"MSG {name} {number}" for number in range(count)))


def expect_numbered(client: Client, count: int, name: str = "loud") -> None:
    for number in range(count):
        assert client.receive() == f"MSG {name} {name} {number}"


@pytest.mark.parametrize(
    ("options", "count", "seconds"),
    [
        pytest.param("--rate 800", 2000, 0.5, id="2000-at-a-higher-rate"),
        pytest.param("", 500, 8.0, id="500-at-the-default-rate", marks=pytest.mark.slow),
    ],
)
def test_one_above_its_rate_is_delayed_and_answered_in_order(
    start_server: StartServer, options: str, count: int, seconds: float
) -> None:
    server = start_server(*options.split())
    loud, alice = server.people("loud", "alice")
    start = time.monotonic()
    loud.send_meanwhile(numbered(count))
    assert_served_promptly(alice)
    expect_numbered(loud, count)
    taken = time.monotonic() - start
    assert seconds * 0.8 < taken < seconds * 1.5 + 1


def test_a_burst_of_twice_the_rate_is_not_delayed(start_server: StartServer) -> None:
    loud = start_server("--rate", "100").connect("loud")
    start = time.monotonic()
    loud.send_bytes(numbered(190))
    expect_numbered(loud, 190)
    assert time.monotonic() - start < 0.8


def test_each_client_has_its_own_rate(start_server: StartServer) -> None:
    server = start_server("--rate", "1")
    for _ in range(5):
        server.connect().send(*["GET_NAMES"] * 50)
    start = time.monotonic()
    alice, bob = server.connect("alice"), server.connect("bob")
    bob.send("MSG alice hi")
    alice.expect("JOINED bob", "MSG bob alice hi")
    assert time.monotonic() - start < 1


def test_a_half_closed_connection_is_answered_though_it_is_slowed_down(
    start_server: StartServer,
) -> None:
    client = start_server("--rate", "400").connect("alice")
    client.send(*(f"MSG alice {number}" for number in range(900)))
    client.end_input()
    assert client.receive_all() == [f"MSG alice alice {number}" for number in range(900)]


def test_one_who_waits_for_its_turn_may_leave_or_break(start_server: StartServer) -> None:
    server = start_server("--rate", "40")
    alice, rude, loud = server.people("alice", "rude", "loud")
    rude.send_bytes(numbered(90, "rude"))
    expect_numbered(rude, 60, "rude")
    rude.reset()
    loud.expect("LEFT rude")
    loud.send_bytes(numbered(90) + frames("EXIT"))
    expect_numbered(loud, 90)
    assert loud.receive_all() == ["BYE"]
    alice.expect("LEFT rude", "LEFT loud")


@needs_proc
def test_a_hundred_thousand_requests_at_once_are_all_answered(start_server: StartServer) -> None:
    server = start_server("--rate", "1000000")
    loud, alice = server.people("loud", "alice")
    before = peak_bytes(server.pid)
    loud.send_meanwhile(numbered(100_000))
    assert_served_promptly(alice, rounds=10)
    expect_numbered(loud, 100_000)
    assert_served_promptly(alice)
    assert peak_bytes(server.pid) - before < 4 * MIB


def test_several_who_flood_together_leave_others_their_turn(fresh_server: ServerProcess) -> None:
    names = [f"n{number}" for number in range(6)]
    flood = fresh_server.people(*names)
    for client, name in zip(flood, names, strict=True):
        others = [other for other in names if other != name]
        client.send(*(f"BLOCK {other}" for other in others))
        client.expect(*(f"BLOCKED {other}" for other in others))
    # Nobody hears them, so nothing but the length of their turn can hold them up.
    for client in flood:
        client.send_meanwhile(protocol.encode("MSG BROADCAST x") * 15_000)
    assert_served_promptly(fresh_server.connect(), rounds=5)


# ---------------------------------------------------------------------------- those who do not read


@needs_proc
def test_one_who_does_not_read_its_answers_is_not_read_either(fresh_server: ServerProcess) -> None:
    alice = fresh_server.connect("alice")
    loud = fresh_server.connect("loud", receive_buffer=4096)
    alice.expect("JOINED loud")
    before = peak_bytes(fresh_server.pid)
    request_ = f"MSG loud {'x' * 500}"
    loud.send_meanwhile(frames(*[request_] * 30_000))  # 15 MB: more than all buffers hold
    assert_served_promptly(alice, rounds=500)  # as many turns as 30,000 requests would take
    assert peak_bytes(fresh_server.pid) - before < 2 * MIB
    for _ in range(30_000):
        assert loud.receive() == f"MSG loud loud {'x' * 500}"


@pytest.mark.parametrize("selector", ALL_SELECTORS)
def test_one_who_never_reads_is_cut_off_and_nobody_waits_for_it(
    start_server: StartServer, selector: str
) -> None:
    server = start_server("--rate", "0", "--max-backlog", "64", "--selector", selector)
    alice, bob = server.people("alice", "bob")
    server.connect("lazy", receive_buffer=4096)
    for client in (alice, bob):
        client.expect("JOINED lazy")
    for number in range(2_000):
        start = time.monotonic()
        alice.send(f"MSG BROADCAST {number} {'x' * 9000}")
        heard = bob.receive()
        assert time.monotonic() - start < 1
        if heard == "LEFT lazy":
            break
        assert heard.startswith(f"MSG alice BROADCAST {number} ")
    else:
        pytest.fail("18 MB wait for one who does not read")
    alice.expect("LEFT lazy")
    cut_off = server.wait_for_line(r"lazy gone: cut off: (\d+) bytes wait")
    assert 64 * 1024 < int(cut_off[1]) < 64 * 1024 + 2 * 10_000
    assert alice.ask("GET_NAMES") == "NAMES 2 alice bob"


@pytest.mark.parametrize("selector", DEFAULT_SELECTOR)
def test_one_who_reads_late_gets_everything(start_server: StartServer, selector: str) -> None:
    server = start_server("--rate", "0", "--max-backlog", "100000", "--selector", selector)
    speaker, lazy = server.people("speaker", "lazy")
    count = overfill(speaker, "lazy", 2 * MIB)
    lazy.socket.settimeout(5)
    for number in range(count):
        assert lazy.receive() == f"MSG speaker lazy {number} {'x' * 9800}"
    assert_served_promptly(lazy)


@posix_only
def test_one_who_reads_is_never_cut_off(start_server: StartServer) -> None:
    server = start_server("--rate", "0")
    bob, *speakers = server.people("bob", *(f"s{number}" for number in range(30)))
    # All of them are readable in one turn: together they say more in it than may wait for one.
    stream = frames(*[f"MSG bob {'x' * 9800}"] * 10)
    with server.paused():
        for speaker in speakers:
            speaker.send_meanwhile(stream)
    for _ in range(len(speakers) * 10):
        assert bob.receive().startswith("MSG s")
