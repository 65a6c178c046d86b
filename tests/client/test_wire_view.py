"""The wire view of the client: every frame as it travels, and what a read really returned."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from harness import Certificate, ServerProcess, StartServer, frames
from server.logged import SIGNS, Log

from client.person import Desk, Person, Room
from client.piped import piped


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


@pytest.fixture
def log(wire_server: ServerProcess, room: Room) -> Log:
    return Log(wire_server)


@pytest.fixture(scope="module")
def wire_desk() -> Iterator[Desk]:
    with Desk("--wire") as desk:
        yield desk


@pytest.fixture
def desk(wire_desk: Desk) -> Desk:
    """A client that shows the wire, with the test as its server."""
    assert wire_desk.is_as_new()
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
    desk.person.sees("» bob → me: ünteilbar")


def test_the_lines_of_the_wire_are_dimmed_and_the_others_are_not(desk: Desk) -> None:
    desk.connection.send("DANCE dimmed or not")
    desk.person.sees("* DANCE dimmed or not")
    assert set(desk.person.screen.styles_of("← 0019│DANCE dimmed or not")) == {"2"}
    assert set(desk.person.screen.styles_of("* DANCE dimmed or not")) == {""}


def test_the_lines_of_the_wire_go_around_the_line_being_typed(desk: Desk) -> None:
    desk.person.type("half a line\x1b[D\x1b[D\x1b[D\x1b[D")
    desk.person.shows_line("half a ", "line")
    desk.connection.send(*(f"MSG bob BROADCAST {number}" for number in range(5)))
    desk.person.sees("← 0019│MSG bob BROADCAST 4")
    desk.person.sees("bob: 4")
    desk.person.shows_line("half a ", "line")


@pytest.mark.slow
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
    desk.person.sees("[server] six")


def test_an_attack_on_the_terminal_is_shown_in_hex(desk: Desk) -> None:
    desk.connection.send("INFO \x1b[2J\x07")
    desk.person.sees("← 0010│49 4e 46 4f 20 1b 5b 32 4a 07")
    desk.connection.send_bytes(b"0007INFO \xff\xfe")
    desk.person.sees("← 0007│49 4e 46 4f 20 ff fe")
    assert desk.person.screen.unknown == []


def test_a_piped_client_shows_the_wire_without_colours(room: Room) -> None:
    done = piped(room.port, "--name", "pia", "--wire", typed="hi\n")
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
    done = piped(room.port, "--name", "pia", typed="/names\n")
    assert "* here (1): pia" in done.stdout
    assert not SIGNS.search(done.stdout)


def test_client_and_server_show_the_same_frames(room: Room, log: Log) -> None:
    """What one side shows as sent, the other shows as received, in the same order."""
    typed = "hi\n/msg pia to myself, ünteilbar 🎈\n/name pia2\nNONSENSE x\n/block nobody\n/names\n"
    done = piped(room.port, "--name", "pia", "--wire", typed=typed)
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
    done = piped(server.port, "--name", "pia", "--wire", *certificate.for_client)
    assert "→ 0008│NAME pia" in done.stdout
    assert "← 0009│HELLO pia" in done.stdout
    server.wait_for_line(r"← \S+ 0008│NAME pia")
    server.wait_for_line(r"→ pia 0009│HELLO pia")
