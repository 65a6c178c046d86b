"""Sent away, or before a locked door: who calls again, what is said, what is kept."""

from __future__ import annotations

import pytest
from harness import slow_beyond
from terminal.pseudo import rung_times

from client.person import (
    AT_ONCE,
    RINGING,
    Desk,
    OpenDesk,
    Person,
    assert_given_back,
    prepared_client,
)
from client.piped import PipedClient
from client.played import PlayedServer
from client.test_reconnect import while_the_server_is_away

LOCKED = "ERROR LOCKED The door is locked: nobody new is let in for now."
NOBODY_NEW = "! The door is locked: nobody new is let in for now."
REASONS = [
    ("ERROR REMOVED that was enough", "! You were sent away: that was enough"),
    ("ERROR REMOVED", "! You were sent away."),
    ("ERROR REMOVED ", "! You were sent away."),
    ("ERROR REMOVED \x1b[2J\u202e", "! You were sent away: ␛[2J⇄"),
]


@pytest.fixture
def impatient(open_desk: OpenDesk) -> Desk:
    """A client that does not wait as long as others before it tries again."""
    return open_desk(program=prepared_client(AT_ONCE + RINGING))


@pytest.mark.parametrize(("frame", "shown"), slow_beyond(2, REASONS), ids=ascii)
def test_who_is_sent_away_is_told_why_and_does_not_call_again(
    impatient: Desk, frame: str, shown: str
) -> None:
    impatient.person.type("hello\r")
    impatient.connection.expect("MSG BROADCAST hello")  # which is not what this answers
    impatient.connection.send(frame)
    impatient.connection.close()
    assert impatient.person.wait_exit() == 1
    impatient.person.sees(shown)
    assert impatient.person.screen.bells == 0
    assert_given_back(impatient.person)


def test_nor_does_one_who_is_coming_back(impatient: Desk) -> None:
    impatient.connection.close()
    impatient.person.type("one\r/name zoe\rtwo\r")
    impatient.person.sees("me (waiting): two")
    connection = impatient.server.accept()
    connection.receive()
    connection.send("ERROR REMOVED that was enough")
    connection.close()
    assert impatient.person.wait_exit() == 1
    impatient.person.sees("! You were sent away: that was enough")
    impatient.person.sees("! Not sent, of what you typed meanwhile: 2.")


@pytest.mark.parametrize("name", slow_beyond(1, ["", "me"]), ids=["nameless", "named"])
@pytest.mark.parametrize(
    ("frame", "shown"), [(LOCKED, NOBODY_NEW), REASONS[0]], ids=["locked", "removed"]
)
def test_a_newcomer_is_told_and_does_not_call_again(
    played: PlayedServer, name: str, frame: str, shown: str
) -> None:
    with Person(played.port, name) as person:
        connection = played.accept()
        connection.send(frame)  # before it has heard a word
        connection.close()
        assert person.wait_exit() == 1
        person.sees(shown)
        assert_given_back(person)


def test_a_newcomer_may_be_told_when_it_says_its_name(played: PlayedServer) -> None:
    with Person(played.port) as person:
        connection = played.accept()
        connection.expect("GET_NAMES")
        connection.send("NAMES 0")
        person.wait_for("our name")
        person.type("/name zoe\r")
        connection.expect("NAME zoe")
        connection.send(LOCKED)
        connection.close()
        assert person.wait_exit() == 1
        person.sees(NOBODY_NEW)  # which speaks of no name


@pytest.mark.parametrize(
    ("frame", "shown"), [(LOCKED, NOBODY_NEW), REASONS[0]], ids=["locked", "removed"]
)
@pytest.mark.slow
def test_a_script_is_told_too(played: PlayedServer, frame: str, shown: str) -> None:
    with PipedClient("--port", str(played.port), "--name", "me") as client:
        client.type("hello\n")
        connection = played.accept()
        connection.expect("NAME me", "MSG BROADCAST hello")
        connection.send(frame)
        connection.close()
        assert client.wait_exit() == 1
        assert [line[6:] for line in client.last_words().splitlines()] == ["me: hello", shown]


@pytest.mark.parametrize("asked", [False, True], ids=["at-once", "as-an-answer"])
def test_who_comes_back_tries_again_until_the_lock_lets_them_in(
    impatient: Desk, asked: bool
) -> None:
    impatient.connection.close()
    impatient.person.type("said meanwhile\r")
    impatient.person.sees("me (waiting): said meanwhile")
    for _ in range(3):
        connection = impatient.server.accept()
        if asked:
            connection.expect("NAME me")
        connection.send(LOCKED)
        connection.close()
    connection = impatient.server.accept()
    connection.welcome("me", "bob")
    connection.expect("MSG BROADCAST said meanwhile")
    impatient.person.sees("* you are back as me")
    assert impatient.person.written.count(NOBODY_NEW.encode()[2:]) == 1
    assert b"may not have arrived" not in impatient.person.written


def test_a_name_taken_meanwhile_waits_behind_the_one_that_a_lock_lets_in(impatient: Desk) -> None:
    with while_the_server_is_away(impatient):
        impatient.person.type("/name zoe\r")
        impatient.person.sees("* you will be zoe when the server is back")
    connection = impatient.server.accept()
    connection.expect("NAME zoe")
    connection.send(LOCKED)
    connection.close()
    connection = impatient.server.accept()
    connection.welcome("me", "bob")
    connection.expect("NAME zoe")
    connection.send("HELLO zoe")
    impatient.person.sees("* you are now zoe")


@pytest.mark.slow
def test_one_can_leave_while_the_door_is_locked(impatient: Desk) -> None:
    impatient.connection.close()
    for _ in range(2):
        connection = impatient.server.accept()
        connection.send(LOCKED)
        connection.close()
    impatient.person.wait_for(rung_times(2))
    impatient.server.close()
    impatient.person.type("/quit\r")
    assert impatient.person.wait_exit() == 0


def test_one_can_leave_while_a_server_that_does_not_answer_goes_away(impatient: Desk) -> None:
    impatient.connection.close()
    connection = impatient.server.accept()
    connection.expect("NAME me")
    impatient.person.type("/quit\r")
    connection.expect("EXIT")
    connection.reset()
    assert impatient.person.wait_exit() == 0
