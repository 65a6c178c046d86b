"""The terminal is given back: at the end, whatever brought it about, and while it is stopped."""

from __future__ import annotations

import signal

import pytest
from harness import slow_beyond, wait_until
from terminal.pseudo import LEFT, shown_times

from client.person import CLIENT, Desk, Person, Room, assert_given_back, prepared_client
from client.piped import free_port
from client.played import PlayedServer


@pytest.mark.parametrize(
    "keys", slow_beyond(2, ["/quit\r", "\x03\x03", "\x04", "text\x03\x03\x03", "EXIT\r"])
)
def test_leaving_gives_the_terminal_back(keys: str, room: Room) -> None:
    me = room.person("me")
    me.type(keys)
    assert me.wait_exit() == 0
    assert_given_back(me)
    assert room.names() == []


def test_sigterm_ends_it_and_gives_the_terminal_back(room: Room) -> None:
    bob = room.raw("bob")
    me = room.person("me")
    bob.expect("JOINED me")
    me.type("unfinished")
    me.shows_line("unfinished")
    me.process.send_signal(signal.SIGTERM)
    me.wait_exit()
    bob.expect("LEFT me")
    assert_given_back(me)


def test_the_end_of_the_server_gives_the_terminal_back(own_desk: Desk) -> None:
    own_desk.connection.send("INFO The server is being shut down.", "BYE")
    assert own_desk.person.wait_exit() == 0
    own_desk.person.sees("[server] The server is being shut down.")
    assert_given_back(own_desk.person)


def test_a_server_that_turns_one_away_gives_the_terminal_back(played: PlayedServer) -> None:
    with Person(played.port, "me") as person:
        connection = played.accept()
        connection.send("ERROR SERVER_FULL Every place here is taken; try again later.")
        connection.close()
        assert person.wait_exit() == 1
        person.sees("! Every place here is taken; try again later.")
        assert_given_back(person)


def test_a_refused_connection_leaves_the_terminal_alone() -> None:
    with Person(free_port(), "me") as person:
        assert person.wait_exit() == 1
        assert_given_back(person)


def test_a_fault_in_the_client_gives_the_terminal_back(played: PlayedServer) -> None:
    faulty = prepared_client(
        "from chat.client.session import Session\n"
        "received = Session._received\n"
        "def fail(session, data): assert data != b'INFO now', 'a fault'; received(session, data)\n"
        "Session._received = fail"
    )
    with Person(played.port, "me", program=faulty) as person:
        connection = played.accept()
        connection.welcome("me")
        person.get_ready()
        connection.send("INFO now")
        assert person.wait_exit() != 0
        assert person.terminal_settings() == person.settings
        assert person.screen.modes == {"7": True, "25": True, "2004": False}


SHELL = """
import os, signal, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # for tcsetpgrp() in the background
child = os.fork()
if not child:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
while True:
    _, status = os.waitpid(child, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
    os.tcsetpgrp(0, os.getpgrp())
    print("stopped", flush=True)
    if sys.stdin.readline() == "fg\\n":
        os.tcsetpgrp(0, child)
    os.killpg(child, signal.SIGCONT)
"""


def test_ctrl_z_gives_the_terminal_back_until_the_client_goes_on(played: PlayedServer) -> None:
    with Person(played.port, "me", program=("-c", SHELL, CLIENT)) as person:
        connection = played.accept()
        connection.welcome("me")
        person.get_ready()
        for turn in (1, 2):
            person.type("hello" + LEFT * turn)
            person.type("\x1a")
            person.wait_for(shown_times("stopped", turn))
            assert person.terminal_settings() == person.settings
            assert person.screen.modes == {"7": True, "25": True, "2004": False}
            connection.send(f"MSG alice BROADCAST meanwhile {turn}")
            person.type("fg\n")
            person.sees(f"alice: meanwhile {turn}")
            person.shows_line("hello"[:-turn], "hello"[-turn:])
            assert person.reads_single_keys()
            person.type("\x05\x15")
            person.shows_line("")
        person.type("\x04")
        connection.end()
        assert person.wait_exit() == 0
        assert_given_back(person)


def test_a_client_sent_to_the_background_waits_there_for_its_terminal(
    played: PlayedServer,
) -> None:
    with Person(played.port, "me", program=("-c", SHELL, CLIENT)) as person:
        played.accept().welcome("me")
        person.get_ready()
        person.type("hello" + LEFT)
        person.type("\x1a")
        person.wait_for(shown_times("stopped", 1))
        person.type("bg\n")
        person.wait_for(shown_times("stopped", 2))
        assert person.terminal_settings() == person.settings
        person.type("fg\n")
        person.shows_line("hell", "o")
        assert person.reads_single_keys()
        assert "Traceback" not in person.screen.text()


def test_a_client_that_was_stopped_from_outside_takes_the_terminal_again(own_desk: Desk) -> None:
    person = own_desk.person
    person.type("hello" + LEFT)
    person.shows_line("hell", "o")
    person.process.send_signal(signal.SIGSTOP)
    person.set_back()
    person.screen.feed(b"\r\x1b[K$ fg\r\n")
    person.process.send_signal(signal.SIGCONT)
    wait_until(person.reads_single_keys, "the client reads single keys again")
    person.shows_line("hell", "o")
