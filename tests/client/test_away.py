"""What was typed while away: it waits for the others, in order, and nothing of it is lost."""

from __future__ import annotations

import signal

import pytest
from harness import StartServer, posix_only, quiet_for, slow_beyond
from terminal.pseudo import shown_times

from client.person import AT_ONCE, Desk, OpenDesk, Person, prepared_client
from client.played import PlayedConnection

WAITS = "* what you typed meanwhile waits until the others are back as well"


@pytest.fixture
def away(open_desk: OpenDesk) -> Desk:
    """A client whose connection broke while bob and zoe were here; it has said hello since."""
    desk = open_desk(program=prepared_client(AT_ONCE), others=("bob", "zoe"))
    desk.connection.close()
    desk.person.wait_for("* calling again until it answers; what you type is kept")
    desk.connection = desk.server.accept()
    desk.person.type("hello\r")
    desk.person.sees("me (waiting): hello")
    return desk


def come_back(desk: Desk, *others: str) -> PlayedConnection:
    """Let the client in again, with these others."""
    desk.connection.welcome("me", *others)
    desk.person.sees("* you are back as me")
    return desk.connection


def test_with_everybody_here_it_is_said_at_once(away: Desk) -> None:
    come_back(away, "zoe", "bob", "eve").expect("MSG BROADCAST hello")
    away.person.sees("me: hello")
    assert WAITS not in away.person.screen.text()


def test_it_waits_until_the_last_of_the_others_is_back(away: Desk) -> None:
    connection = come_back(away)
    away.person.sees(WAITS)
    connection.send("JOINED eve", "JOINED bob")
    away.wait_until_shown()
    assert quiet_for(0.1, connection)
    assert "me: hello" not in away.person.screen.text()
    connection.send("JOINED Zoe")
    connection.expect("MSG BROADCAST hello")
    away.person.sees("me: hello")


def test_one_who_comes_back_under_another_name_counts(away: Desk) -> None:
    connection = come_back(away, "bob")
    connection.send("JOINED guest", "RENAMED guest zoe")
    connection.expect("MSG BROADCAST hello")


@pytest.mark.slow
def test_one_who_never_comes_back_is_not_waited_for_long(open_desk: OpenDesk) -> None:
    soon = "from chat.client import unsaid; unsaid.OTHERS_SECONDS = 0.1"
    desk = open_desk(program=prepared_client(AT_ONCE + soon))
    desk.connection.close()
    desk.connection = desk.server.accept()
    desk.person.type("hello\r")
    desk.person.sees("me (waiting): hello")
    come_back(desk).expect("MSG BROADCAST hello")
    desk.person.sees("me: hello")


def test_what_is_typed_while_it_waits_comes_behind_it(away: Desk) -> None:
    connection = come_back(away)
    away.person.type("/msg bob two\r/names\rthree\r")
    away.person.sees("me (waiting): three")
    connection.expect("GET_NAMES")  # a question waits for nobody
    connection.send("JOINED bob", "JOINED zoe")
    connection.expect("MSG BROADCAST hello", "MSG bob two", "MSG BROADCAST three")
    away.person.sees("me → bob: two")


@pytest.mark.parametrize("keys", slow_beyond(2, ["/quit\r", "EXIT\r", "\x04", "\x03\x03"]))
def test_who_leaves_meanwhile_has_said_it(away: Desk, keys: str) -> None:
    connection = come_back(away)
    away.person.sees(WAITS)
    away.person.type(keys)
    connection.expect("MSG BROADCAST hello", "EXIT")
    connection.send("BYE")
    assert away.person.wait_exit() == 0
    away.person.sees("me: hello")
    assert "Not sent" not in away.person.screen.text()


def test_who_leaves_before_the_server_is_back_is_told_what_was_not_sent(away: Desk) -> None:
    away.person.type("two\r/quit\r")
    away.connection.expect("NAME me", "EXIT")
    away.connection.send("BYE")
    away.person.wait_exit()
    away.person.sees("! Not sent, of what you typed meanwhile: 2.")


@pytest.mark.slow
def test_a_second_break_loses_nothing(away: Desk) -> None:
    come_back(away).send("JOINED bob")
    away.person.type("two\r")
    away.person.sees("me (waiting): two")
    away.connection.close()
    away.person.wait_for(shown_times("The connection is gone", 2))
    away.connection = away.server.accept()
    connection = come_back(away, "bob")
    away.person.wait_for(shown_times(WAITS, 2))
    assert quiet_for(0.1, connection)
    connection.send("JOINED zoe")
    connection.expect("MSG BROADCAST hello", "MSG BROADCAST two")


def test_a_refusal_of_it_is_seen(away: Desk) -> None:
    connection = come_back(away, "bob", "zoe")
    connection.expect("MSG BROADCAST hello")
    connection.send("ERROR MUTED Nobody may speak now.")
    away.person.sees("me: hello")
    away.person.wait_for("! Nobody may speak now.")


def test_what_one_says_on_coming_back_first_waits_as_well(open_desk: OpenDesk) -> None:
    desk = open_desk(program=prepared_client(AT_ONCE), others=("bob", "zoe"))
    desk.connection.close()
    desk.connection = desk.server.accept()
    connection = come_back(desk)
    desk.person.type("hello\r")
    desk.person.sees("me (waiting): hello")
    connection.send("JOINED bob", "JOINED zoe")
    connection.expect("MSG BROADCAST hello")


def test_what_is_for_one_who_is_not_back_is_not_said(open_desk: OpenDesk) -> None:
    soon = "from chat.client import unsaid; unsaid.OTHERS_SECONDS = 0.1"
    desk = open_desk(program=prepared_client(AT_ONCE + soon), others=("bob", "zoe"))
    desk.connection.close()
    desk.connection = desk.server.accept()
    desk.person.type("/msg bob psst\r/msg zoe hello\r/block zoe\r")
    desk.person.sees("me → zoe (waiting): hello")
    desk.person.sees("* /block zoe (waiting)")
    connection = come_back(desk, "zoe")
    connection.expect("MSG zoe hello", "BLOCK zoe")
    desk.person.sees("! bob is not here; not said: psst")
    assert "me → bob: psst" not in desk.person.screen.text()


def test_what_may_not_have_arrived_is_told(own_desk: Desk) -> None:
    own_desk.person.type("one\r/names\rtwo\rthree\r")
    own_desk.connection.expect("MSG BROADCAST one", "GET_NAMES", "MSG BROADCAST two")
    own_desk.connection.expect("MSG BROADCAST three")
    own_desk.let_be_here("bob")  # so that the first was dealt with
    own_desk.connection.close()
    own_desk.person.sees("! Of what you said last, 2 may not have arrived.")


@posix_only
@pytest.mark.slow
def test_a_class_that_comes_back_one_by_one_hears_it(start_server: StartServer) -> None:
    server = start_server()
    late = "absence.LONGEST_RETRY_SECONDS = 0.6"
    with (
        Person(server.port, "ada", program=prepared_client(AT_ONCE)) as ada,
        Person(server.port, "bob", program=prepared_client(AT_ONCE + late)) as bob,
    ):
        for person in (ada, bob):
            person.wait_for("* here (")
        ada.wait_for("bob")
        server.interrupt(signal.SIGKILL)
        server.process.wait()
        ada.wait_for("* calling again")
        bob.wait_for("! Nothing listens")
        ada.get_ready()
        ada.type("hello class\r")
        ada.wait_for("ada (waiting): hello class")
        start_server("--port", str(server.port))
        bob.sees("ada: hello class")
        ada.sees("ada: hello class")
