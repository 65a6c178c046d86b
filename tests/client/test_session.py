"""Getting in under a name, the first lines, and leaving."""

from __future__ import annotations

import pytest
from harness import needs_proc, quiet_for, slow_beyond, wait_until, wake_ups
from terminal.pseudo import shown_times

from client.person import (
    Desk,
    OpenDesk,
    Person,
    Room,
    assert_given_back,
    each_size,
    prepared_client,
)
from client.played import PlayedServer


def test_it_asks_for_a_name_and_offers_the_login_name(played: PlayedServer) -> None:
    login = dict.fromkeys(("LOGNAME", "USER", "LNAME", "USERNAME"), "ada")
    with Person(played.port, environment=login) as person:
        connection = played.accept()
        connection.expect("GET_NAMES")  # whether a password is wanted first
        connection.send("NAMES 0")
        person.wait_for(lambda screen: "ada" in screen.before_cursor())
        person.type("\r")
        connection.welcome("ada")
        person.sees("* here (1): ada")


def test_another_name_may_be_typed(room: Room) -> None:
    with Person(room.port, environment={"LOGNAME": "ada"}) as person:
        person.wait_for("ada")
        person.type("גדי\r")
        person.sees("* here (1): גדי")
        assert room.names() == ["גדי"]


def test_a_taken_or_bad_name_shows_why_and_asks_again(room: Room) -> None:
    room.raw("bob")
    with Person(room.port, environment={"LOGNAME": "ada"}) as person:
        person.wait_for("ada")
        asks = person.screen.before_cursor()
        person.type("Bob\r")
        person.sees("! Bob is taken; choose another name.")
        person.is_asked("Your name [Bob2]: ")
        person.type("two words\r")
        person.sees("! A name has letters, digits, - and _ only, no spaces.")
        person.is_asked(asks)
        person.type("robert\r")
        person.sees("* here (2): bob, robert")


def test_a_taken_name_on_the_command_line_is_asked_again(room: Room) -> None:
    bob = room.raw("bob")
    with Person(room.port, "bob", environment={"LOGNAME": "ada"}) as person:
        person.sees("! bob is taken; choose another name.")
        person.is_asked("Your name [bob2]: ")
        person.type("robert\r")
        bob.expect("JOINED robert")


@pytest.mark.parametrize(
    ("login", "here", "offered"),
    slow_beyond(
        2,
        [
            ("pupil", "pupil", "pupil2"),
            ("pupil", "PUPIL pupil2 pupil3", "pupil4"),
            ("pupil7", "pupil7", "pupil8"),
            ("p9", "p9", "p10"),
            ("pupil01", "pupil01 pupil02", "pupil03"),
            ("x" * 20, "x" * 20, "x" * 19 + "2"),
            ("pupil", "pupils pupil2", "pupil"),
        ],
    ),
)
def test_a_taken_name_is_not_offered(login: str, here: str, offered: str) -> None:
    environment = dict.fromkeys(("LOGNAME", "USER", "LNAME", "USERNAME"), login)
    with PlayedServer() as played, Person(played.port, environment=environment) as person:
        connection = played.accept()
        connection.expect("GET_NAMES")
        connection.send(f"NAMES {len(here.split())} {here}")
        person.is_asked(f"Your name [{offered}]: ")
        person.type("\r")
        connection.welcome(offered)
        person.sees(f"* you are {offered}")


def test_a_name_that_somebody_was_faster_to_take_is_not_offered_again(
    played: PlayedServer,
) -> None:
    """Thirty people in one room have the same login, and all press Enter."""
    environment = dict.fromkeys(("LOGNAME", "USER", "LNAME", "USERNAME"), "pupil")
    with Person(played.port, environment=environment) as person:
        connection = played.accept()
        connection.expect("GET_NAMES")
        connection.send("NAMES 0")
        here: list[str] = []
        for name in ("pupil", "pupil2", "pupil3"):
            person.is_asked(f"Your name [{name}]: ")
            person.type("\r")
            connection.expect(f"NAME {name}")
            connection.send(f"ERROR NAME_TAKEN {name} is taken; choose another name.")
            connection.expect("GET_NAMES")  # who is here by now
            person.is_asked("Your name: ")  # nothing is offered before that is known
            here.append(name)
            connection.send(f"NAMES {len(here)} {' '.join(here)}")
        person.is_asked("Your name [pupil4]: ")


def test_the_next_free_name_is_free(room: Room) -> None:
    environment = dict.fromkeys(("LOGNAME", "USER", "LNAME", "USERNAME"), "pupil")
    for name in ("pupil", "pupil2"):
        room.raw(name)
    with Person(room.port, environment=environment) as person:
        person.is_asked("Your name [pupil3]: ")
        person.type("\r")
        person.wait_for("* here (3)")
        assert room.names() == ["pupil", "pupil2", "pupil3"]


def test_a_name_that_is_no_text_can_be_chosen_anew(played: PlayedServer) -> None:
    with Person(played.port, "\udcff") as person:
        person.wait_for("! That holds bytes that are no text; it was not sent.")
        person.wait_for("Your name")
        person.type("M\tme\r")  # Tab completes nothing yet: it is a space like any other
        played.accept().expect("NAME M me")


def test_a_name_can_be_chosen_in_a_narrow_window() -> None:
    login = {"LOGNAME": "wilhelmina_theodora"}
    with (
        PlayedServer() as server,
        Person(server.port, columns=20, rows=10, environment=login) as person,
    ):
        connection = server.accept()
        wait_until(person.reads_single_keys, "the client reads single keys")
        person.is_asked("[wilhel…> ")  # what Enter takes is seen
        person.type("maximiliane_josepha")
        person.has_typed("osepha")
        assert not any(row.wrapped for row in person.screen.rows[-1:])
        person.type("\r")
        connection.expect("GET_NAMES")  # whether a password is wanted first
        connection.send("NAMES 0")
        connection.welcome("maximiliane_josepha")
        person.wait_for("here (")


@pytest.mark.parametrize("key", ["\x03\x03", "\x04"])
def test_one_can_leave_without_a_name(key: str, room: Room) -> None:
    with Person(room.port, environment={"LOGNAME": "ada"}) as person:
        person.wait_for("ada")
        person.type("x\x7f" + key)
        assert person.wait_exit() == 0
        assert_given_back(person)


def test_ctrl_c_on_an_empty_line_asks_once_more(own_desk: Desk) -> None:
    person = own_desk.person
    for number, key in enumerate(("x", "\x7f", "\x1b[D"), start=1):
        person.type("\x15\x03")
        person.wait_for(shown_times("* Ctrl+C again leaves", number))
        person.type(key)
    person.type("\x15\x03")
    person.wait_for(shown_times("* Ctrl+C again leaves", 4))
    person.type("\x03")
    own_desk.connection.end()
    assert person.wait_exit() == 0


def test_what_is_typed_before_it_is_ready_is_not_lost(played: PlayedServer) -> None:
    with Person(played.port, "me") as person:
        person.type("early\rbird")
        connection = played.accept()
        connection.expect("NAME me")
        connection.send("HELLO me")
        payloads = {connection.receive(), connection.receive()}
        assert payloads == {"GET_NAMES", "MSG BROADCAST early"}
        person.has_typed("bird")


@each_size
def test_the_first_lines_tell_all_that_one_needs(
    open_desk: OpenDesk, size: tuple[int, int]
) -> None:
    desk = open_desk(columns=size[0], rows=size[1], others=("ada", "bob"))
    before_prompt = desk.person.screen.text().splitlines()[:-1]
    shown = desk.person.screen.running_text()
    for needed in ("me", "ada", "bob", "/msg", "/help", "/quit"):
        assert needed in shown
    assert "all" in shown or "everyone" in shown
    assert len([line for line in before_prompt if line.strip() and line[0] != " "]) <= 4


@pytest.mark.parametrize("word", ["EXIT", "/quit", "/exit"])
def test_leaving_says_goodbye_to_the_server(word: str, room: Room) -> None:
    bob = room.raw("bob")
    me = room.person("me")
    bob.expect("JOINED me")
    me.type(word + "\r")
    assert me.wait_exit() == 0
    assert "Traceback" not in me.screen.text()
    bob.expect("LEFT me")


def test_it_works_without_colorama(room: Room) -> None:
    bob = room.raw("bob")
    program = prepared_client("sys.modules['colorama'] = None")
    me = room.person("me", program=program)
    bob.expect("JOINED me")
    me.type("hello\r")
    bob.expect("MSG me BROADCAST hello")
    me.type("/quit\r")
    assert me.wait_exit() == 0


@needs_proc
@pytest.mark.slow
def test_it_sleeps_while_nothing_happens(desk: Desk) -> None:
    before = wake_ups(desk.person.process.pid)
    assert quiet_for(0.3, desk.connection)
    assert wake_ups(desk.person.process.pid) - before <= 1


def test_one_can_leave_although_the_server_takes_nothing(open_desk: OpenDesk) -> None:
    held_up = prepared_client(
        "from chat.client import link, session\n"
        "flush = link.Link._flush\n"
        "link.Link._flush = lambda self: b'stuck' in self._outbox or flush(self)\n"
        "session.OUTBOX_ENOUGH, session.FAREWELL_SECONDS = 10, 0.1"
    )
    desk = open_desk(program=held_up)
    desk.person.type("stuck in the outbox\r")
    desk.person.sees("me: stuck in the outbox")
    desk.person.type("\x03\x03")
    desk.person.wait_exit()
    assert desk.person.terminal_settings() == desk.person.settings
