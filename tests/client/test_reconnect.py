"""A connection that broke is made again: what that must not cost, and when nobody calls again."""

from __future__ import annotations

import re
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from harness import StartServer, slow_beyond
from terminal.pseudo import CLEAR_LINE, LEFT, rung_times

from client.person import AT_ONCE, RINGING, Desk, OpenDesk, Person, each_size, prepared_client
from client.played import PlayedConnection, PlayedServer

IMPATIENT = prepared_client(AT_ONCE + RINGING)


@pytest.fixture
def impatient(size: tuple[int, int], open_desk: OpenDesk) -> Desk:
    """A client that does not wait as long as others before it tries again."""
    return open_desk(program=IMPATIENT, columns=size[0], rows=size[1])


@contextmanager
def while_the_server_is_away(desk: Desk) -> Iterator[None]:
    """Close the server; afterwards there is one on the same port again."""
    desk.server.close()
    desk.person.wait_for("! The connection is gone")
    yield
    desk.server = PlayedServer(port=desk.server.port)


def come_back(desk: Desk, *others: str) -> PlayedConnection:
    """Let the client connect again under its name, and answer its look around."""
    desk.connection = desk.server.accept()
    desk.connection.welcome("me", *others)
    return desk.connection


@each_size
def test_a_broken_connection_is_said_and_made_again(impatient: Desk) -> None:
    person = impatient.person
    person.type("half a thought" + LEFT * 2)
    person.shows_line("half a thoug", "ht")
    impatient.connection.send_bytes(b"0099MSG alice")  # cut off in the middle of a frame
    impatient.connection.close()
    person.wait_for(lambda screen: re.search(r"! .*connection", screen.running_text()))
    come_back(impatient, "bob")
    person.wait_for(lambda screen: "back" in screen.running_text())
    person.shows_line("half a thoug", "ht")
    person.type("\r")
    impatient.connection.expect("MSG BROADCAST half a thought")


@pytest.mark.slow
def test_it_waits_longer_from_try_to_try(open_desk: OpenDesk) -> None:
    desk = open_desk(program=prepared_client(RINGING))
    desk.server.close()
    times = []
    for tries in range(1, 5):
        desk.person.wait_for(rung_times(tries))
        times.append(time.monotonic())
    waits = [later - earlier for earlier, later in pairwise(times)]
    for wait, seconds in zip(waits, (1, 2, 4), strict=True):
        assert 0.5 * seconds < wait < 1.5 * seconds + 1


@pytest.mark.slow
def test_a_server_that_was_started_again_is_found_again(start_server: StartServer) -> None:
    server = start_server()
    with (
        Person(server.port, "ada", program=IMPATIENT) as ada,
        Person(server.port, "בוב", program=IMPATIENT) as bob,
    ):
        ada.wait_for("* here (")
        bob.wait_for("* here (")
        ada.wait_for("בוב")
        server.interrupt(signal.SIGKILL)
        server.process.wait()
        ada.wait_for(rung_times(2))
        start_server("--port", str(server.port))
        ada.wait_for("back")
        bob.wait_for("back")
        ada.get_ready()
        ada.type("/msg בוב still here?\r")
        bob.sees("» ada → בוב: still here?")


@each_size
def test_what_is_said_meanwhile_waits_and_goes_out_in_order(impatient: Desk) -> None:
    person = impatient.person
    impatient.connection.close()
    person.wait_for(lambda screen: "again" in screen.running_text())
    connection = impatient.server.accept()
    connection.expect("NAME me")  # there is no answer yet
    person.type("one\r/msg bob two\rthree\r")
    person.wait_for(lambda screen: screen.running_text().count("waiting") >= 3)
    connection.send("HELLO me")
    connection.expect("GET_NAMES")
    connection.send("NAMES 2 bob me")
    connection.expect("MSG BROADCAST one", "MSG bob two", "MSG BROADCAST three")


@each_size
@pytest.mark.slow
def test_a_name_that_is_still_held_is_asked_for_again(impatient: Desk) -> None:
    impatient.connection.close()
    connection = impatient.server.accept()
    for _ in range(3):
        connection.expect("NAME me")
        connection.send("ERROR NAME_TAKEN me is taken; choose another name.")
    impatient.person.wait_for(lambda screen: "still held" in screen.running_text())
    connection.welcome("me", "bob")
    impatient.person.wait_for(lambda screen: "back" in screen.running_text())
    assert impatient.person.screen.running_text().count("still held") == 1, "once is enough"


@pytest.mark.slow
def test_a_name_that_stays_taken_is_given_up(open_desk: OpenDesk) -> None:
    hasty = prepared_client(f"{AT_ONCE}absence.NAME_HELD_SECONDS = 0.2")
    desk = open_desk(program=hasty)
    desk.connection.close()
    connection = desk.server.accept()
    gave_up = re.compile(r"^\d\d:\d\d ! .*me is taken", re.MULTILINE)
    while not gave_up.search(desk.person.screen.text()):
        if select.select([connection.socket], [], [], 0.02)[0]:
            connection.expect("NAME me")
            connection.send("ERROR NAME_TAKEN me is taken; choose another name.")
        desk.person.wait_for(lambda screen: True)
    desk.person.type("/name me2\r")
    connection.welcome("me2", "bob")
    desk.person.type(CLEAR_LINE + "hello\r")
    connection.expect("MSG BROADCAST hello")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("NAME_TAKEN carol is taken; choose another name.", "! carol is taken"),
        ("BAD_NAME not that one", "! not that one"),
    ],
)
@pytest.mark.slow
def test_a_name_chosen_meanwhile_that_is_refused_gives_the_old_one_back(
    open_desk: OpenDesk, error: str, shown: str
) -> None:
    desk = open_desk(program=IMPATIENT)
    with while_the_server_is_away(desk):
        desk.person.type("/name carol\r")
        desk.person.wait_for("* you will be carol when the server is back")
    connection = desk.server.accept()
    connection.expect("NAME carol")
    connection.send(f"ERROR {error}")
    connection.welcome("me", "bob")
    desk.person.wait_for(shown)
    desk.person.wait_for("* you are back as me")
    assert "still held" not in desk.person.screen.text()


def test_a_name_chosen_meanwhile_is_asked_for_once(open_desk: OpenDesk) -> None:
    desk = open_desk(program=IMPATIENT)
    with while_the_server_is_away(desk):
        desk.person.type("/name a!b\r/name zoe\r/names\r")
        desk.person.wait_for("! A name has")
        desk.person.wait_for("* /names (waiting)")
    connection = desk.server.accept()
    connection.welcome("zoe", "bob")
    desk.person.wait_for("* you are back as zoe")
    connection.expect("GET_NAMES")
    desk.person.type("hello\r")
    connection.expect("MSG BROADCAST hello")


@each_size
def test_whom_one_blocks_is_blocked_again_when_they_are_here(impatient: Desk) -> None:
    impatient.connection.send("BLOCKED bob", "BLOCKED Eve", "BLOCKED zoe", "UNBLOCKED zoe")
    impatient.wait_until_shown()
    impatient.connection.close()
    connection = come_back(impatient, "bob", "zoe")
    connection.expect("BLOCK bob")
    connection.send("BLOCKED bob", "JOINED alice", "JOINED eve")
    connection.expect("BLOCK eve")
    connection.send("BLOCKED eve")
    impatient.wait_until_shown()
    impatient.person.type("hello\r")
    connection.expect("MSG BROADCAST hello")


@each_size
def test_whom_one_blocks_is_blocked_again_when_they_take_their_name(impatient: Desk) -> None:
    impatient.connection.send("BLOCKED eve")
    impatient.wait_until_shown()
    impatient.connection.close()
    connection = come_back(impatient, "bob")
    connection.send("RENAMED bob Eve")
    connection.expect("BLOCK Eve")


def test_a_name_that_was_refused_is_not_asked_for_later(open_desk: OpenDesk) -> None:
    desk = open_desk(program=IMPATIENT)
    desk.person.type("/name bob\r")
    desk.connection.expect("NAME bob")
    desk.connection.send("ERROR NAME_TAKEN bob is taken; choose another name.")
    desk.wait_until_shown()
    desk.connection.close()
    come_back(desk, "bob")  # as `me`
    desk.person.wait_for("back")


def test_a_new_name_is_the_one_to_come_back_under(open_desk: OpenDesk) -> None:
    desk = open_desk(program=IMPATIENT)
    desk.person.type("/name me2\r")
    desk.connection.expect("NAME me2")
    desk.connection.send("HELLO me2")
    desk.wait_until_shown()
    desk.connection.close()
    desk.server.accept().welcome("me2", "bob")
    desk.person.wait_for("back")


@pytest.mark.slow
def test_who_is_no_longer_blocked_is_not_blocked_when_they_come(open_desk: OpenDesk) -> None:
    desk = open_desk(program=IMPATIENT)
    desk.connection.send("BLOCKED eve")
    desk.wait_until_shown()
    desk.connection.close()
    connection = come_back(desk, "bob")
    desk.person.wait_for("back")
    desk.person.type("/unblock eve\r")
    if select.select([connection.socket], [], [], 0.2)[
        0
    ]:  # the client may know better, and not ask
        connection.expect("UNBLOCK eve")
        connection.send("ERROR NOT_BLOCKED You do not block anybody of that name.")
    connection.send("JOINED eve")
    desk.wait_until_shown()
    desk.person.type("hello\r")
    connection.expect("MSG BROADCAST hello")


def test_it_tries_until_the_server_is_there_again(open_desk: OpenDesk) -> None:
    desk = open_desk(program=IMPATIENT)
    port = desk.server.port
    desk.server.close()
    desk.person.wait_for(rung_times(3))
    desk.server = PlayedServer(port=port)
    come_back(desk)
    desk.person.wait_for("back")


@pytest.mark.parametrize("keys", ["/quit\r", "\x03\x03", "\x04"])
def test_one_can_leave_while_it_is_trying(open_desk: OpenDesk, keys: str) -> None:
    desk = open_desk()
    desk.server.close()
    desk.person.wait_for("again")
    desk.person.type(keys)
    desk.person.wait_exit()
    assert desk.person.terminal_settings() == desk.person.settings


@pytest.mark.parametrize("answer", ["HELLO me", "ERROR NAME_TAKEN me is taken; choose another."])
@pytest.mark.slow
def test_one_can_leave_while_the_name_is_asked_for(open_desk: OpenDesk, answer: str) -> None:
    """The server answers that, and never says BYE."""
    farewell = "session.FAREWELL_SECONDS, absence.NAME_RETRY_SECONDS = 0.2, 60.0"
    desk = open_desk(program=prepared_client(f"{AT_ONCE}\n{farewell}"))
    desk.connection.close()
    connection = desk.server.accept()
    connection.expect("NAME me")
    desk.person.type("/quit\r")
    connection.expect("EXIT")
    connection.send(answer)
    assert desk.person.wait_exit() == 0


@pytest.mark.parametrize(
    ("farewell", "exit_code"),
    slow_beyond(
        2,
        [
            ("BYE", 0),
            ("ERROR SERVER_FULL Every place here is taken; try again later.", 1),
            ("ERROR TIMEOUT You chose no name in time.", 1),
            ("ERROR BAD_FRAME A frame starts with 4 digits.", 1),
        ],
    ),
)
def test_a_server_that_says_why_it_closes_is_not_called_again(
    open_desk: OpenDesk, farewell: str, exit_code: int
) -> None:
    desk = open_desk(program=IMPATIENT)
    desk.connection.send("INFO It is late.", farewell)
    desk.connection.close()
    assert desk.person.wait_exit() == exit_code
    desk.person.sees("[server] It is late.")
    if exit_code:
        desk.person.sees("! " + farewell.split(" ", 2)[2])
