"""The pace: one who asks too fast or reads too slowly is slowed down, and nobody else is."""

from __future__ import annotations

import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

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
    prepared_server,
)
from locked import new_address

import chat_protocol as protocol
from chat.server.connection import Connection
from chat.server.deadlines import Deadlines
from chat.server.options import load_settings, parse_arguments
from chat.server.pace import Pace
from chat.server.stream import PlainStream

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
@pytest.mark.slow
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


@pytest.mark.slow
def test_a_half_closed_connection_is_answered_though_it_is_slowed_down(
    start_server: StartServer,
) -> None:
    client = start_server("--rate", "400").connect("alice")
    client.send(*(f"MSG alice {number}" for number in range(900)))
    client.end_input()
    assert client.receive_all() == [f"MSG alice alice {number}" for number in range(900)]


@pytest.mark.slow
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
@pytest.mark.slow
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


# ------------------------------------------------------------- those who come again, or are several


def seconds_for_messages(alice: Client, count: int) -> float:
    """Return how long it took until so many messages had come."""
    start = time.monotonic()
    while count:
        count -= alice.receive().startswith("MSG")
    return time.monotonic() - start


RUDE = """
import socket, sys, threading
def frame(payload):
    return b"%04d%b" % (len(payload), payload)
def come_and_go(name):
    while True:
        with socket.create_connection(("127.0.0.1", {port})) as rude:
            said = frame(b"MSG BROADCAST x") * {messages}
            rude.sendall(frame(b"NAME " + name) + said + frame(b"EXIT"))
            while rude.recv(65536):
                pass
for number in range({people}):
    threading.Thread(target=come_and_go, args=[b"rude%d" % number]).start()
"""


@pytest.fixture
def start_rude() -> Iterator[Callable[[ServerProcess, int, int], None]]:
    """A function that has so many people come, say so many things, leave, and come again."""
    rude: list[subprocess.Popen[bytes]] = []

    def start(server: ServerProcess, people: int, messages: int) -> None:
        program = RUDE.format(port=server.port, people=people, messages=messages)
        rude.append(subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL))

    yield start
    for process in rude:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("people", "messages", "rate"),
    [
        pytest.param(1, 45, 50, id="one-who-says-much"),
        pytest.param(1, 1, 50, id="one-who-says-little"),
        pytest.param(20, 45, 500, id="twenty-at-once"),
    ],
)
@pytest.mark.slow
def test_leaving_and_coming_back_buys_no_fresh_allowance(
    start_server: StartServer,
    start_rude: Callable[[ServerProcess, int, int], None],
    people: int,
    messages: int,
    rate: int,
) -> None:
    server = start_server("--rate", "50")
    alice = Client((server.host, server.port), source=new_address()).name("alice")
    start_rude(server, people, messages)
    # NAME and EXIT count as well, so it should be less than what burst and rate let through.
    assert 3 * rate < 2 * rate + 1.1 * rate * seconds_for_messages(alice, 3 * rate)
    alice.close()


def test_thirty_behind_one_address_who_talk_notice_nothing(start_server: StartServer) -> None:
    server = start_server()
    people = server.people(*(f"n{number}" for number in range(30)))
    for _ in range(5):
        for number, person in enumerate(people):
            person.send(f"MSG n{(number + 1) % 30} hello", "GET_NAMES")
        for number, person in enumerate(people):
            person.receive_until(f"MSG n{number - 1 if number else 29} n{number} hello")
        assert_served_promptly(people[0], rounds=3)


@pytest.mark.slow
def test_an_address_sends_no_more_bytes_than_one_may(start_server: StartServer) -> None:
    """Else a few connections are enough to cut off whoever reads a little slower than that."""
    server = start_server()
    alice = Client((server.host, server.port), source=new_address()).name("alice")
    loud = [server.connect(f"loud{number}") for number in range(10)]
    for client in loud:
        client.send_meanwhile(frames(*["MSG alice " + "x" * 9900] * 6))
    # 600 kB at 200 kB a second, of which 400 kB go in the burst: 1 s. By number it were no time.
    assert seconds_for_messages(alice, 60) > 0.7
    alice.close()


def test_reads_that_make_no_request_whole_count_too() -> None:
    """Or one who sends byte by byte would have the server work for nothing, and pay nothing."""
    selector = selectors.SelectSelector()
    settings = load_settings(parse_arguments([]), selector)
    gone_on: list[Connection] = []
    pace = Pace(settings, Deadlines(), gone_on.append)
    ours, theirs = socket.socketpair()
    connection = Connection(PlainStream.of(ours), ("127.0.0.1", 8820), "127.0.0.1")
    for _ in range(390):
        pace.count_a_piece(connection)
    assert not connection.paused, "four for a request, and a burst of a hundred requests"
    for _ in range(30):
        pace.count_a_piece(connection)
    assert connection.paused
    theirs.close()
    connection.close(selector)


def test_who_had_to_wait_for_another_reason_is_no_further_than_before() -> None:
    """Or whoever leaves answers unread, and reads a bit now and then, would ask at any rate."""
    deadlines, gone_on = Deadlines(), list[Connection]()
    settings = load_settings(parse_arguments([]), selectors.SelectSelector())
    pace = Pace(settings, deadlines, gone_on.append)
    ours, theirs = socket.socketpair()
    with theirs, PlainStream.of(ours) as stream:
        connection = Connection(stream, ("127.0.0.1", 8820), "127.0.0.1")
        pace.pause(connection)
        for _ in range(110):
            pace.count(connection, 10)
        pace.resume(connection)
        for deed, whom in deadlines.take_due():
            deed(whom)
        assert connection.paused
        assert not gone_on


@pytest.mark.slow
def test_a_long_request_counts_for_several(start_server: StartServer) -> None:
    server = start_server("--rate", "200")
    alice, loud = server.people("alice", "loud")
    texts = [f"{number} {'x' * 9900}" for number in range(200)]
    loud.send_meanwhile(frames(*(f"MSG alice {text}" for text in texts)))
    start = time.monotonic()
    alice.expect(*(f"MSG loud alice {text}" for text in texts))
    # They count for 600, of which 400 go in the burst: that takes 1 s. Else it were no time.
    assert time.monotonic() - start > 0.8


# ---------------------------------------------------------------------------- those who do not read


@needs_proc
@pytest.mark.slow
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


@pytest.mark.slow
def test_one_who_does_not_read_its_answers_waits_also_when_the_others_come_first(
    start_server: StartServer,
) -> None:
    """Each request is the last one of its turn here: that it has to wait anyway is no way out."""
    program = prepared_server("import chat_server; chat_server.REQUESTS_PER_TURN = 1")
    server = start_server("--rate", "0", "--max-backlog", "256", program=program)
    loud = server.connect("loud", receive_buffer=4096)
    loud.send_meanwhile(frames(*["MSG loud " + "x" * 500] * 10_000))
    assert_served_promptly(server.connect("alice"), rounds=500)
    for _ in range(10_000):
        loud.receive_until("MSG loud loud " + "x" * 500)


@pytest.mark.parametrize("selector", ALL_SELECTORS)
@pytest.mark.slow
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
@pytest.mark.slow
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
