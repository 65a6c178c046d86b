"""Nothing that one client does stops, starves or bloats the server: each case against the real
process, with its descriptors, memory and CPU time as the system counts them."""

from __future__ import annotations

import random
import re
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import StartServer
from harness import (
    Client,
    ServerProcess,
    cpu_seconds,
    descriptors,
    frames,
    needs_proc,
    overfill,
    peak_bytes,
    posix_only,
    quiet_for,
    resident_bytes,
    wait_until,
    wake_ups,
)

import chat_protocol as protocol
import chat_server
from chat_server import SELECTORS

MIB = 1024 * 1024
ALL_SELECTORS = sorted(set(SELECTORS) - {"auto"})  # auto is one of the others
DEFAULT_SELECTOR = [
    pytest.param(name, marks=[] if name == "select" else pytest.mark.slow) for name in ALL_SELECTORS
]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit(2) and /proc")


def assert_served_promptly(client: Client, rounds: int = 20) -> None:
    """Check that requests are answered at once: within 100 ms, single ones within a second.

    Single ones may be late because this machine is busy, not because the server is.
    """
    seconds = sorted(client.round_trip() for _ in range(rounds))
    assert seconds[rounds // 2] < 0.1
    assert seconds[-1] < 1


def allow_descriptors(count: int) -> None:
    """Let this process, the tests' own, open so many sockets, or skip the test."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            pytest.skip(f"this process may not have {count} descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


# ---------------------------------------------------------------------------------- half a frame


@pytest.mark.parametrize("part", [b"0", b"001", b"0010NAME", b"9999" + b"x" * 9998])
def test_half_a_frame_holds_up_nobody(server: ServerProcess, part: bytes) -> None:
    alice, bob = server.people("alice", "bob")
    for _ in range(20):
        server.connect().send_bytes(part)
    assert_served_promptly(alice)
    alice.send("MSG bob hi")
    bob.expect("MSG alice bob hi")


def test_one_byte_at_a_time_holds_up_nobody_and_is_understood(server: ServerProcess) -> None:
    alice, slow = server.people("alice", "slow")
    for byte in frames("MSG alice at last"):
        assert_served_promptly(alice, rounds=3)
        slow.send_bytes(bytes([byte]))
    alice.expect("MSG slow alice at last")


@needs_proc
def test_frames_that_never_end_take_no_more_than_their_bytes(server: ServerProcess) -> None:
    alice = server.connect("alice")
    before = resident_bytes(server.pid)
    for _ in range(200):
        server.connect().send_bytes(b"9999" + b"x" * 9998)
    alice.round_trip()
    assert resident_bytes(server.pid) - before < 8 * MIB


# ----------------------------------------------------------------------------------------- resets


@posix_only
@pytest.mark.parametrize("selector", ALL_SELECTORS)
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


@posix_only
@pytest.mark.parametrize("selector", DEFAULT_SELECTOR)
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


@needs_proc
@pytest.mark.parametrize("selector", DEFAULT_SELECTOR)
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


# ---------------------------------------------------------------------------------------- garbage


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xa5" * 500,
        b"\x00" * 1000,
        b"\xff\xfe" * 50,
        b"NAME alice\n",
        b"-001NAME alice",
        b"0004EXIT"[:2] + b"\r\n",
        random.Random(8820).randbytes(100_000),
    ],
)
def test_what_is_no_frame_is_answered_and_closed(server: ServerProcess, garbage: bytes) -> None:
    alice, bob = server.people("alice", "bob")
    bob.send_meanwhile(garbage)
    bob.expect_error("BAD_FRAME")
    assert bob.receive_all() == []
    alice.expect("LEFT bob")
    assert_served_promptly(alice)


def test_bad_text_reaches_nobody_and_its_sender_goes_on(server: ServerProcess) -> None:
    alice, bob = server.people("alice", "bob")
    for payload in (b"MSG alice \xff", b"\xc3", b"MSG alice \x1b[2J", b"NAME a\x07", b"\n\n"):
        bob.send_bytes(b"%04d%b" % (len(payload), payload))
        bob.expect_error("BAD_TEXT")
    bob.send("MSG alice hi")
    alice.expect("MSG bob alice hi")


@needs_proc
@pytest.mark.parametrize("piece", [b"x", b"\x00", b"0004NOPE"])
def test_ten_megabytes_of_nonsense_take_no_memory(server: ServerProcess, piece: bytes) -> None:
    alice = server.connect("alice")
    before = peak_bytes(server.pid)
    loud = server.connect()
    loud.send_meanwhile(piece * (10 * MIB // len(piece)))
    loud.expect_error("BAD_FRAME" if len(piece) == 1 else "UNKNOWN_COMMAND")
    assert_served_promptly(alice)
    if len(piece) == 1:
        assert loud.receive_all() == []
    assert peak_bytes(server.pid) - before < 4 * MIB


# ------------------------------------------------------------------------------------------ speed


def numbered(count: int, name: str = "loud") -> bytes:
    """Return so many requests of `name` at once; the answers show which is which."""
    return frames(*(f"MSG {name} {number}" for number in range(count)))


def expect_numbered(client: Client, count: int, name: str = "loud") -> None:
    for number in range(count):
        assert client.receive() == f"MSG {name} {name} {number}"


@pytest.mark.parametrize(
    ("options", "count", "seconds"),
    [
        pytest.param("--rate 400", 1200, 1.0, id="1200-at-a-higher-rate"),
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


def test_several_who_flood_together_leave_others_their_turn(server: ServerProcess) -> None:
    names = [f"n{number}" for number in range(6)]
    flood = server.people(*names)
    for client, name in zip(flood, names, strict=True):
        others = [other for other in names if other != name]
        client.send(*(f"BLOCK {other}" for other in others))
        client.expect(*(f"BLOCKED {other}" for other in others))
    # Nobody hears them, so nothing but the length of their turn can hold them up.
    for client in flood:
        client.send_meanwhile(protocol.encode("MSG BROADCAST x") * 15_000)
    assert_served_promptly(server.connect(), rounds=5)


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


@posix_only
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
def test_one_who_does_not_read_its_answers_is_not_read_either(server: ServerProcess) -> None:
    alice = server.connect("alice")
    loud = server.connect("loud", receive_buffer=4096)
    alice.expect("JOINED loud")
    before = peak_bytes(server.pid)
    request_ = f"MSG loud {'x' * 500}"
    loud.send_meanwhile(frames(*[request_] * 30_000))  # 15 MB: more than all buffers hold
    assert_served_promptly(alice, rounds=500)  # as many turns as 30,000 requests would take
    assert peak_bytes(server.pid) - before < 2 * MIB
    for _ in range(30_000):
        assert loud.receive() == f"MSG loud loud {'x' * 500}"


# ----------------------------------------------------------------------------- those who don't read


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


@needs_proc
def test_slow_readers_share_one_copy_of_each_message(start_server: StartServer) -> None:
    server = start_server("--rate", "0", "--max-backlog", "100000")
    speaker = server.connect("speaker")
    for number in range(10):
        server.connect(f"lazy{number}", receive_buffer=4096)
        speaker.expect(f"JOINED lazy{number}")
    before = resident_bytes(server.pid)
    overfill(speaker, "BROADCAST", 3 * MIB)
    grown = resident_bytes(server.pid) - before
    assert grown > 3 * MIB, "nothing waits: the kernels took it all, and this test shows nothing"
    assert grown < 16 * MIB, "ten copies of 3 MiB and more"


# --------------------------------------------------------------------------------- those who vanish


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
        chat_server.prepare(accepted)
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        for option, value in protocol.KEEPALIVE_OPTIONS.items():
            number = getattr(socket, option, None)
            if number is not None:
                assert accepted.getsockopt(socket.IPPROTO_TCP, number) == value


# ------------------------------------------------------------------------------------------ places


def test_two_thousand_connections(server: ServerProcess) -> None:
    allow_descriptors(2_200)
    places = int(server.wait_for_line(r"Room for (\d+) people")[1])
    assert places < 1024, "select() cannot watch more"
    alice, bob = server.people("alice", "bob")
    crowd = [server.connect() for _ in range(1_998)]
    for client in crowd[places - 2 :]:
        client.expect_error("SERVER_FULL")
        assert client.receive_all() == []
        client.close()
    alice.send("MSG bob hi")
    bob.expect("MSG alice bob hi")
    for client in crowd[:50]:
        client.close()
    server.wait_for_line(r"gone: closed the connection", 50)
    for number in range(50):
        server.connect(f"n{number}")
    full = server.connect()
    full.expect_error("SERVER_FULL")


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


@linux_only
def test_the_limit_that_a_process_inherits_is_raised_to_what_it_may_have(
    start_server: StartServer,
) -> None:
    low = ("sh", "-c", 'ulimit -Sn 64 && ulimit -Hn 512 && exec "$0" "$@"')
    server = start_server(prefix=low)
    assert int(server.wait_for_line(r"Room for (\d+) people")[1]) > 400


@linux_only
@pytest.mark.parametrize("selector", DEFAULT_SELECTOR)
def test_no_descriptors_left_means_to_wait_and_not_to_spin(
    start_server: StartServer, selector: str
) -> None:
    server = start_server("--rate", "0", "--selector", selector)
    alice, bob = server.people("alice", "bob")
    set_descriptor_limit(server.pid, max(descriptors(server.pid)) + 1)
    waiting = [server.connect() for _ in range(5)]
    server.wait_for_line("cannot accept for now")
    wakes, used = wake_ups(server.pid), cpu_seconds(server.pid)
    assert quiet_for(0.7, *waiting)
    assert wake_ups(server.pid) - wakes < 10
    assert cpu_seconds(server.pid) - used < 0.1
    alice.send("MSG bob hi")
    bob.expect("MSG alice bob hi")
    set_descriptor_limit(server.pid, 1000)
    for client in waiting:
        assert client.ask("GET_NAMES") == "NAMES 2 alice bob"


UNHEARD = """
import os
import sys
import chat_server

def serve_unheard(self, serve=chat_server.Server.serve):
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)
    os.close(writer)
    serve(self)

chat_server.Server.serve = serve_unheard
sys.exit(chat_server.main())
"""


@linux_only
@pytest.mark.slow
def test_no_descriptors_left_and_nobody_to_tell(start_server: StartServer) -> None:
    server = start_server(program=("-c", UNHEARD))
    output, errors = (Path(f"/proc/{server.pid}/fd/{number}") for number in (1, 2))
    wait_until(lambda: output.readlink() != errors.readlink(), "its output is gone")
    set_descriptor_limit(server.pid, max(descriptors(server.pid)) + 1)
    waiting = [server.connect() for _ in range(3)]
    assert quiet_for(0.1, *waiting)
    set_descriptor_limit(server.pid, 1000)
    for client in waiting:
        assert client.ask("GET_NAMES") == "NAMES 0"


def set_descriptor_limit(pid: int, count: int) -> None:
    """Change how many descriptors a running process may have (Linux)."""
    import resource

    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (count, hard))


# ---------------------------------------------------------------------------------- coming, going


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
@pytest.mark.parametrize("count", [1_000, pytest.param(50_000, marks=pytest.mark.slow)])
def test_those_who_come_and_go_leave_nothing_behind(server: ServerProcess, count: int) -> None:
    witness = server.connect("witness")
    come_and_go(server, witness, 500)  # so that everything has its usual size
    before, memory = descriptors(server.pid), resident_bytes(server.pid)
    come_and_go(server, witness, count)
    wait_until(lambda: descriptors(server.pid) == before, "all descriptors are given back")
    assert witness.ask("GET_NAMES") == "NAMES 1 witness"
    assert resident_bytes(server.pid) - memory < MIB
    witness.send("MSG witness hi")  # nobody who blocked them is remembered
    witness.expect("MSG witness witness hi")


@needs_proc
def test_a_half_closed_connection_is_given_back(server: ServerProcess) -> None:
    alice = server.connect("alice")
    before = descriptors(server.pid)
    for _ in range(20):
        client = server.connect()
        client.send("GET_NAMES")
        client.end_input()
        assert client.receive_all() == ["NAMES 1 alice"]
    wait_until(lambda: descriptors(server.pid) == before, "all descriptors are given back")
    assert_served_promptly(alice)


@needs_proc
@pytest.mark.slow
def test_one_who_never_closes_is_closed_in_the_end(server: ServerProcess) -> None:
    alice = server.connect("alice")
    before = descriptors(server.pid)
    for last in (frames("EXIT"), b"oops"):
        client = server.connect()
        client.send_bytes(last)
        client.receive_all()  # and then our side simply stays open
    wait_until(lambda: descriptors(server.pid) == before, "all descriptors are given back")
    assert_served_promptly(alice)


# ------------------------------------------------------------------------------ the server's faults

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
def test_a_fault_without_a_descriptor_left_costs_no_more(start_server: StartServer) -> None:
    server = start_server(program=("-c", FAULTY))
    server.may_fail = True
    alice, bob = server.people("alice", "bob")
    set_descriptor_limit(server.pid, max(descriptors(server.pid)) + 1)
    bob.send("GET_NAMES")
    alice.expect("LEFT bob")
    server.wait_for_line("ZeroDivisionError: a fault that is meant")
    assert alice.ask("MSG alice hi") == "MSG alice alice hi"


# -------------------------------------------------------------------------------------------- rest


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
