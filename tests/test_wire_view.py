"""The wire view: every frame as it travels, and what a read really returned."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest
from conftest import StartServer
from harness import Certificate, ServerProcess, frames, run_piped, wait_until
from terminal import CLIENT, Desk, Person, Room

TIME = r"^\d\d:\d\d:\d\d "
SIGNS = re.compile("[←→│]")  # what only the wire view writes


@pytest.fixture(scope="module")
def wire_server() -> Iterator[ServerProcess]:
    server = ServerProcess("--rate", "0", "--wire")
    yield server
    server.close()


@pytest.fixture
def room(wire_server: ServerProcess) -> Iterator[Room]:
    """A server that shows the wire, empty at first."""
    room = Room(wire_server)
    yield room
    room.clear()


class Log:
    """What a server has logged since a test began, without the time in front of each line."""

    _numbers = itertools.count()

    def __init__(self, server: ServerProcess) -> None:
        """Begin: once a passer-by is in the log, nothing from before can still come."""
        name = f"passer-by{next(self._numbers)}"
        passer_by = server.connect(name)
        passer_by.send("EXIT")
        assert passer_by.receive_all() == ["BYE"]
        server.wait_for_line(f"{name} gone: left")
        self._server = server
        self._start = len(server.lines)

    def lines(self) -> list[str]:
        """Return the lines so far."""
        return [line.partition(" ")[2] for line in self._server.lines[self._start :]]

    def wait_for(self, *endings: str) -> None:
        """Wait until lines that end so were logged, in this order."""

        def are_there() -> bool:
            lines = iter(self.lines())
            return all(any(line.endswith(ending) for line in lines) for ending in endings)

        wait_until(are_there, f"{endings} in order in the log")

    def wait_for_error(self, code: str, peer: str) -> None:
        """Wait until an error was shown on its way to this peer."""
        pattern = re.compile(rf"→ {peer} \d{{4}}│ERROR {code} \S")
        wait_until(lambda: any(map(pattern.match, self.lines())), f"{code} in the log")


@pytest.fixture
def log(wire_server: ServerProcess, room: Room) -> Log:
    return Log(wire_server)


# ------------------------------------------------------------------------------------- the server


def test_the_log_shows_direction_peer_length_and_payload(room: Room, log: Log) -> None:
    alice = room.raw("alice")
    host, port = alice.socket.getsockname()[:2]
    log.wait_for(f"← {host}:{port} 0010│NAME alice", "→ alice 0011│HELLO alice")
    alice.send("GET_NAMES")
    alice.expect("NAMES 1 alice")
    log.wait_for("← alice 0009│GET_NAMES", "→ alice 0013│NAMES 1 alice")
    alice.send("EXIT")
    assert alice.receive_all() == ["BYE"]
    log.wait_for("← alice 0004│EXIT", "→ alice 0003│BYE")


def test_every_line_of_the_wire_has_its_time(room: Room, wire_server: ServerProcess) -> None:
    room.raw("alice")
    wire_server.wait_for_line("→ alice")
    lines = [line for line in wire_server.lines if SIGNS.search(line)]
    assert lines
    assert all(re.match(rf"{TIME}[←→] \S+", line) for line in lines)


def test_the_length_counts_bytes(room: Room, log: Log) -> None:
    room.raw("José")
    log.wait_for("0010│NAME José", "→ José 0011│HELLO José")


def test_what_several_hear_is_one_line_with_all_their_names(room: Room, log: Log) -> None:
    alice, bob, carl = room.raw("alice"), room.raw("bob"), room.raw("carl")
    bob.send("BLOCK alice")
    assert bob.receive_until("BLOCKED alice")
    alice.send("MSG BROADCAST hi")
    log.wait_for(
        "→ alice, bob 0011│JOINED carl",
        "← alice 0016│MSG BROADCAST hi",
        "→ carl 0022│MSG alice BROADCAST hi",
    )
    carl.send("MSG bob psst")
    log.wait_for("← carl 0012│MSG bob psst", "→ bob 0017│MSG carl bob psst")


def test_errors_are_frames_too(room: Room, log: Log) -> None:
    alice = room.raw("alice")
    alice.send("NONSENSE")
    alice.expect_error("UNKNOWN_COMMAND")
    log.wait_for("← alice 0008│NONSENSE")
    log.wait_for_error("UNKNOWN_COMMAND", "alice")


def test_a_refusal_is_a_frame_too(start_server: StartServer) -> None:
    server = start_server("--wire", "--max-clients", "1")
    server.connect("alice")
    host, port = server.connect().socket.getsockname()[:2]
    server.wait_for_line(rf"→ {host}:{port} \d{{4}}│ERROR SERVER_FULL \S")


def test_a_read_that_was_cut_shows_what_it_really_returned(room: Room, log: Log) -> None:
    alice = room.raw("alice")
    for part, shown in (
        (b"0", "a read returned 1 bytes: 0"),
        (b"009GET", "a read returned 6 bytes: 009GET"),
        (b"_NAMES0009", "a read returned 10 bytes: _NAMES0009"),
    ):
        alice.send_bytes(part)
        log.wait_for(f"← alice {shown}")
    alice.expect("NAMES 1 alice")
    alice.send_bytes(b"GET_NAMES")
    alice.expect("NAMES 1 alice")
    log.wait_for("← alice a read returned 9 bytes: GET_NAMES", "← alice 0009│GET_NAMES")


def test_reads_of_whole_frames_are_shown_as_frames_only(room: Room, log: Log) -> None:
    alice = room.raw("alice")
    alice.send("GET_NAMES", "NAME anna", "GET_NAMES")
    alice.expect("NAMES 1 alice", "HELLO anna", "NAMES 1 anna")
    log.wait_for("← alice 0009│GET_NAMES", "← alice 0009│NAME anna", "← anna 0009│GET_NAMES")
    assert not any(line.startswith("← alice a read returned") for line in log.lines())


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b"\xff\xfe", "ff fe"),
        (b"MSG bob \x1b[2J", "4d 53 47 20 62 6f 62 20 1b 5b 32 4a"),
        (b"NAME alice\n", "4e 41 4d 45 20 61 6c 69 63 65 0a"),
        ("é".encode()[:1], "c3"),
    ],
)
def test_bytes_that_are_no_text_are_shown_in_hex(
    room: Room, log: Log, payload: bytes, shown: str
) -> None:
    alice = room.raw("alice")
    alice.send_bytes(b"%04d%b" % (len(payload), payload))
    alice.receive()
    log.wait_for(f"← alice {len(payload):04}│{shown}")
    assert "\x1b" not in "\n".join(log.lines())


def test_a_character_cut_in_two_is_shown_in_hex(room: Room, log: Log) -> None:
    alice = room.raw("alice")
    alice.send_bytes(b"0013MSG alice \xc3")
    log.wait_for("← alice a read returned 15 bytes: 30 30 31 33 4d 53 47 20 61 6c 69 63 65 20 c3")
    alice.send_bytes(b"\xa9!")
    alice.expect("MSG alice alice é!")
    log.wait_for("← alice a read returned 2 bytes: a9 21", "← alice 0013│MSG alice é!")


def test_what_is_no_frame_is_shown_as_it_came(room: Room, log: Log) -> None:
    alice = room.raw("alice")
    alice.send_bytes(b"GET / HTTP/1.1")
    alice.expect_error("BAD_FRAME")
    log.wait_for("← alice a read returned 14 bytes: GET / HTTP/1.1")
    log.wait_for_error("BAD_FRAME", "alice")


def test_without_wire_the_log_shows_none_of_it(server: ServerProcess) -> None:
    alice, bob = server.people("alice", "bob")
    alice.send("MSG bob between us")
    bob.expect("MSG alice bob between us")
    alice.send_bytes(b"0004EX")
    bob.round_trip()
    alice.send_bytes(b"IT")
    assert alice.receive_all()[-1] == "BYE"
    server.wait_for_line("alice gone")
    output = "\n".join(server.lines)
    assert not SIGNS.search(output)
    assert "between us" not in output
    assert "a read returned" not in output


# ------------------------------------------------------------------------------------- the client


@pytest.fixture(scope="module")
def wire_desk() -> Iterator[Desk]:
    with Desk("--wire") as desk:
        yield desk


@pytest.fixture
def desk(wire_desk: Desk) -> Desk:
    """A client that shows the wire, with the test as its server."""
    assert wire_desk.is_clean()
    return wire_desk


def test_the_screen_shows_both_directions_in_order(room: Room) -> None:
    with Person(room.port, "ann", "--wire") as person:
        person.wait_for("* here (1): ann")
        shown = [line[6:] for line in person.screen.lines() if SIGNS.search(line)]
        assert shown == [
            "→ 0008│NAME ann",
            "← 0009│HELLO ann",
            "→ 0009│GET_NAMES",
            "← 0011│NAMES 1 ann",
        ]


def test_what_is_sent_and_what_comes_is_shown_with_its_time(desk: Desk) -> None:
    desk.person.type("hello\r")
    desk.person.sees("→ 0019│MSG BROADCAST hello")
    desk.connection.expect("MSG BROADCAST hello")
    desk.connection.send("MSG bob me ünteilbar")
    desk.person.sees("← 0021│MSG bob me ünteilbar")
    desk.person.sees("bob → you: ünteilbar")


def test_the_lines_of_the_wire_are_dimmed_and_the_others_are_not(desk: Desk) -> None:
    desk.connection.send("INFO dimmed or not")
    desk.person.sees("* dimmed or not")
    assert set(desk.person.screen.styles_of("← 0018│INFO dimmed or not")) == {"2"}
    assert set(desk.person.screen.styles_of("* dimmed or not")) == {""}


def test_the_lines_of_the_wire_go_around_the_line_being_typed(desk: Desk) -> None:
    desk.person.type("half a line\x1b[D\x1b[D\x1b[D\x1b[D")
    desk.person.shows_line("half a ", "line")
    desk.connection.send(*(f"MSG bob BROADCAST {number}" for number in range(5)))
    desk.person.sees("← 0019│MSG bob BROADCAST 4")
    desk.person.sees("bob: 4")
    desk.person.shows_line("half a ", "line")


def test_what_is_too_long_to_be_sent_is_not_shown_on_its_way(desk: Desk) -> None:
    desk.person.type(f"NAME {'x' * 9999}\r")
    desk.person.sees("! That is too long: 9999 bytes fit; it was not sent.")
    assert "→ 10004" not in desk.person.screen.text()


def test_a_cut_read_of_the_client_is_shown_as_it_came(desk: Desk) -> None:
    desk.connection.send_bytes(b"0013MSG bob")
    desk.person.sees("← a read returned 11 bytes: 0013MSG bob")
    desk.connection.send_bytes(b" me \xc3\xa9")
    desk.person.sees("← a read returned 6 bytes: " + " me é")
    desk.person.sees("← 0013│MSG bob me é")
    desk.connection.send_bytes(frames("INFO one", "INFO two") + b"00")
    desk.person.sees("← a read returned 26 bytes: 0008INFO one0008INFO two00")
    desk.connection.send_bytes(b"08INFO six")
    desk.person.sees("* six")


def test_an_attack_on_the_terminal_is_shown_in_hex(desk: Desk) -> None:
    desk.connection.send("INFO \x1b[2J\x07")
    desk.person.sees("← 0010│49 4e 46 4f 20 1b 5b 32 4a 07")
    desk.connection.send_bytes(b"0007INFO \xff\xfe")
    desk.person.sees("← 0007│49 4e 46 4f 20 ff fe")
    assert desk.person.screen.unknown == []


def test_a_piped_client_shows_the_wire_without_colours(room: Room) -> None:
    done = run_piped(CLIENT, "127.0.0.1", str(room.port), "--name", "pia", "--wire", typed="hi\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    shown = [line[6:] for line in done.stdout.splitlines()]
    sent = [line for line in shown if line.startswith("→")]
    assert sent == ["→ 0008│NAME pia", "→ 0016│MSG BROADCAST hi", "→ 0004│EXIT"]
    assert [line for line in shown if "│" in line and line not in sent] == [
        "← 0009│HELLO pia",
        "← 0003│BYE",
    ]


def test_without_wire_the_screen_shows_none_of_it(room: Room) -> None:
    done = run_piped(CLIENT, "127.0.0.1", str(room.port), "--name", "pia", typed="/names\n")
    assert "* here (1): pia" in done.stdout
    assert not SIGNS.search(done.stdout)


def test_client_and_server_show_the_same_frames(room: Room, log: Log) -> None:
    """What one side shows as sent, the other shows as received, in the same order."""
    typed = "hi\n/msg pia to myself, ünteilbar 🎈\n/name pia2\nNONSENSE x\n/block nobody\n/names\n"
    done = run_piped(CLIENT, "127.0.0.1", str(room.port), "--name", "pia", "--wire", typed=typed)
    log.wait_for("│BYE")

    def travelled(lines: list[str], arrow: str) -> list[str]:
        """The frames that went one way, without whose they are."""
        frames = (re.search(r"\d{4}│.*", line) for line in lines if line.startswith(arrow))
        return [frame[0] for frame in frames if frame]

    screen = [line[6:] for line in done.stdout.splitlines()]
    assert len(travelled(screen, "→")) == 8
    assert travelled(screen, "→") == travelled(log.lines(), "←")
    assert travelled(screen, "←") == travelled(log.lines(), "→")


def test_tls_is_shown_as_the_frames_inside_it(
    start_server: StartServer, certificate: Certificate
) -> None:
    server = start_server("--wire", *certificate.for_server)
    where = (CLIENT, "127.0.0.1", str(server.port))
    done = run_piped(*where, "--name", "pia", "--wire", *certificate.for_client)
    assert "→ 0008│NAME pia" in done.stdout
    assert "← 0009│HELLO pia" in done.stdout
    server.wait_for_line(r"← \S+ 0008│NAME pia")
    server.wait_for_line(r"→ pia 0009│HELLO pia")
