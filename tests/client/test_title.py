"""What is for one is seen from afar: in the window's title, which is given back, or by the bell."""

from __future__ import annotations

import pytest
from harness import slow_beyond
from terminal.pseudo import shown_times

from client.person import CLIENT, Desk, OpenDesk, Person, assert_given_back
from client.played import PlayedServer
from client.test_given_back import SHELL


def is_called(person: Person, title: str) -> None:
    """Wait until the window has this title."""
    person.wait_for(lambda screen: screen.title == title)


def test_the_title_counts_what_is_for_one_since_the_last_key(own_desk: Desk) -> None:
    person = own_desk.person
    is_called(person, "me – Chat")
    own_desk.connection.send("MSG bob me psst")
    is_called(person, "(1) me – Chat")
    own_desk.connection.send("MSG bob BROADCAST hello all", "JOINED zoe", "MSG zoe BROADCAST me?")
    is_called(person, "(2) me – Chat")
    person.type("x")
    is_called(person, "me – Chat")
    own_desk.connection.send("RENAMED bob robert", "MSG robert BROADCAST hello all")
    own_desk.wait_until_shown()
    assert person.screen.title == "me – Chat"


def test_the_title_follows_ones_name(own_desk: Desk) -> None:
    own_desk.connection.send("HELLO maria")
    is_called(own_desk.person, "maria – Chat")


@pytest.mark.parametrize("keys", ["/quit\r", "\x03\x03"])
def test_the_title_is_given_back_at_the_end(own_desk: Desk, keys: str) -> None:
    own_desk.connection.send("MSG bob me psst")
    is_called(own_desk.person, "(1) me – Chat")
    own_desk.person.type(keys)
    own_desk.connection.end()
    assert own_desk.person.wait_exit() == 0
    assert_given_back(own_desk.person)


def test_the_title_is_given_back_while_the_client_is_stopped(played: PlayedServer) -> None:
    with Person(played.port, "me", program=("-c", SHELL, CLIENT)) as person:
        connection = played.accept()
        connection.welcome("me")
        person.get_ready()
        for turn in (1, 2):
            is_called(person, "me – Chat")
            person.type("\x1a")
            person.wait_for(shown_times("stopped", turn))
            assert person.screen.title == "a shell"
            assert person.screen.kept_titles == []
            person.type("fg\n")
        is_called(person, "me – Chat")
        person.type("\x04")
        connection.end()
        assert person.wait_exit() == 0
        assert_given_back(person)


@pytest.mark.parametrize(
    "term", slow_beyond(1, ["linux", "vt100", "dumb", "screen-256color", "strange"])
)
def test_a_terminal_that_may_not_know_titles_keeps_its_own(open_desk: OpenDesk, term: str) -> None:
    desk = open_desk(environment={"TERM": term})
    desk.connection.send("MSG bob me psst")
    desk.wait_until_shown()
    desk.person.type("/quit\r")
    desk.connection.end()
    assert desk.person.wait_exit() == 0
    for sequence in (b"\x1b]", b"\x1b[22", b"\x1b[23"):
        assert sequence not in desk.person.written


def test_a_title_cannot_drive_the_terminal(own_desk: Desk) -> None:
    own_desk.connection.send("HELLO \x07\x1b\\\x1b[2J\x9c\u202e")
    is_called(own_desk.person, "␇␛\\␛[2J�⇄ – Chat")
    assert own_desk.person.screen.unknown == []


@pytest.mark.parametrize(("options", "rings"), [(["--bell"], 2), ([], 0)])
def test_the_bell_rings_for_what_is_for_one(
    open_desk: OpenDesk, options: list[str], rings: int
) -> None:
    desk = open_desk(*options)
    for frame in ("MSG bob me psst", "MSG bob BROADCAST hi all", "MSG bob BROADCAST hi me"):
        desk.connection.send(frame)
        desk.wait_until_shown()
    desk.person.type("I say me\r")
    desk.connection.receive()
    desk.wait_until_shown()
    assert desk.person.screen.bells == rings
