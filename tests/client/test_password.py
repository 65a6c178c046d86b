"""The room password at the client: asked for, warned of, sent again, never shown and never kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Certificate, StartServer
from locked import PASSWORD, WRONG, Door, leaks
from terminal.emulator import Screen
from terminal.pseudo import DOWN, END, HOME, LEFT, PASTE_END, PASTE_START, UP, paste

from client.person import AT_ONCE, Desk, OpenDesk, Person, each_size, prepared_client
from client.piped import piped
from client.played import PlayedConnection, PlayedServer

CLIENT_WARNING = "* without TLS the password travels readable"


@pytest.fixture
def wrong_file(tmp_path: Path) -> str:
    (tmp_path / "wrong.txt").write_text(f"{WRONG}\n", encoding="utf-8")
    return str(tmp_path / "wrong.txt")


def want_password(connection: PlayedConnection, person: Person) -> None:
    """Play a server that wants a password; the person types it, and it arrives."""
    connection.expect("NAME me")
    connection.send("ERROR PASSWORD_REQUIRED a password first")
    person.is_asked("Password: ")
    person.type(f"{PASSWORD}\r")
    connection.expect(f"PASS {PASSWORD}")


def shown(text: str, times: int) -> Callable[[Screen], bool]:
    """Return a test of whether a screen has shown a text so many times."""
    return lambda screen: screen.text().count(text) == times


def test_the_person_is_asked_without_showing_until_the_password_is_right(door: Door) -> None:
    """Wrong, then right; then the name goes through. With the wire view, which shows the rest."""
    with Person(door.server.port, "ann", "--wire") as person:
        person.is_asked("Password: ")
        person.type(WRONG)
        person.wait_for(lambda screen: screen.before_cursor().startswith("Password: •••"))
        person.type("\r")
        person.wait_for("! That is not the password")
        person.is_asked("Password: ")
        person.type(f"{PASSWORD}\r")
        person.wait_for("* the password is accepted")
        person.wait_for("* you are ann")
        person.wait_for("* here (1): ann")
        person.get_ready()
        person.type("one line\r")
        person.sees("ann: one line")
        person.type(UP * 2 + "!")
        person.shows_line("one line!")
        assert leaks(person.written.decode()) == []
        assert person.screen.text().count(CLIENT_WARNING) == 1


def test_the_password_is_asked_for_before_the_name(door: Door) -> None:
    with Person(door.server.port, "") as person:
        person.is_asked("Password: ")
        person.type(f"{PASSWORD}\r")
        person.wait_for("Your name")
        person.type("ann\r")
        person.wait_for("* here (1): ann")


def test_a_password_that_looks_like_a_command_is_not_shown_either(door: Door) -> None:
    with Person(door.server.port, "ann") as person:
        person.is_asked("Password: ")
        person.type(f"/{WRONG}\r")
        person.wait_for(lambda screen: screen.text().count("\n") > 2)
        person.is_asked("Password: ")
        assert leaks(person.written.decode()) == []


def test_no_name_is_asked_for_while_the_password_is_looked_at() -> None:
    """It was given already; and whoever types the password again would see it there."""
    with PlayedServer() as played, Person(played.port, "me") as person:
        connection = played.accept()
        want_password(connection, person)
        connection.send("INFO wait a moment")
        person.wait_for("[server] wait a moment")
        assert "Your name" not in person.screen.text()


def test_a_password_typed_again_before_the_answer_goes_nowhere() -> None:
    """A server that has just heard a wrong one takes its time."""
    with PlayedServer() as played, Person(played.port, "me") as person:
        connection = played.accept()
        want_password(connection, person)
        person.is_asked("Password sent, please wait: ")
        person.type(f"{PASSWORD}\r")
        person.wait_for("* no password is asked for now: that was dropped")
        person.type(PASSWORD[:3])
        person.wait_for(lambda screen: screen.before_cursor().endswith(": •••"))
        connection.send("ACCEPTED", "HELLO me", "NAMES 2 bob me")
        person.wait_for("* you are me")
        person.type(f"{PASSWORD[3:]}\r")  # half of it was typed already
        person.wait_for(shown("that was dropped", 2))
        person.get_ready()
        person.type("hello\r")
        connection.expect("NAME me", "GET_NAMES", "MSG BROADCAST hello")
        person.type(UP)
        person.shows_line("hello")
        assert leaks(person.written.decode()) == []


def test_a_connection_that_breaks_at_the_password_prompt_says_so() -> None:
    with PlayedServer() as played, Person(played.port, "me") as person:
        connection = played.accept()
        connection.expect("NAME me")
        connection.send("ERROR BAD_PASSWORD That is not the password.")
        person.is_asked("Password: ")
        connection.reset()
        person.wait_for("! The server has gone: ")
        assert person.wait_exit() == 1


@pytest.mark.parametrize("keys", ["PASS {}\r", paste("PASS {}") + "\r"])
def test_a_typed_pass_is_neither_shown_nor_kept(door: Door, keys: str) -> None:
    with Person(door.server.port, "ann", "--wire") as person:
        person.is_asked("Password: ")
        person.type(keys.format(PASSWORD))
        person.wait_for("* you are ann")
        person.wait_for("* here (1): ann")
        person.get_ready()
        person.type(UP + "!")
        person.shows_line("!")
        person.type(f"\x7fPASS {PASSWORD}")
        person.has_typed("••••")
        person.type(LEFT * 2 + HOME + END + UP + DOWN + "\r")
        person.wait_for(shown("* the password is accepted", 2))
        person.type(UP + "!")
        person.shows_line("!")
        assert leaks(person.written.decode()) == []


@pytest.mark.slow
def test_a_pass_on_a_later_line_of_a_paste_is_neither_shown_nor_kept(door: Door) -> None:
    with Person(door.server.port, "") as person:
        person.is_asked("Password: ")
        person.type(f"{PASTE_START}NAME ann\nPASS {PASSWORD}\nNAME ann{PASTE_END}\r")
        person.wait_for("* you are ann")
        person.type(UP)
        person.type("\x05!")
        person.has_typed("!")
        assert leaks(person.written.decode()) == []


def test_the_second_half_of_a_pasted_password_is_said_to_nobody(door: Door) -> None:
    with Person(door.server.port, "") as person:
        person.is_asked("Password: ")
        person.type(f"{PASTE_START}{PASSWORD}\nthe second half{PASTE_END}\r")
        person.wait_for("! The lines behind it were not sent.")
        assert "the second half" not in person.screen.text()


def test_the_password_of_a_file_is_sent_before_the_name(door: Door, password_file: str) -> None:
    with Person(door.server.port, "ann", "--wire", "--password-file", password_file) as person:
        person.wait_for("* here (1): ann")
        text = person.screen.text()
        assert text.index("→ ····│PASS ····") < text.index("→ 0008│NAME ann")
        assert "Password:" not in text
        assert leaks(person.written.decode()) == []


def test_a_client_warns_once_also_when_the_password_came_from_a_file(
    door: Door, password_file: str
) -> None:
    with Person(door.server.port, "ann", "--password-file", password_file) as person:
        person.wait_for("* here (1): ann")
        assert person.screen.text().count(CLIENT_WARNING) == 1


def test_nobody_warns_where_tls_hides_the_password(
    start_server: StartServer, certificate: Certificate, password_file: str
) -> None:
    server = start_server("--password-file", password_file, *certificate.for_server)
    options = ("--password-file", password_file, "--name", "ann", *certificate.for_client)
    done = piped(server.port, *options, typed="/names\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "* here (1): ann" in done.stdout
    assert "readable" not in done.stdout + "\n".join(server.lines)


@pytest.mark.slow
def test_a_wrong_password_in_a_file_is_asked_for_again(door: Door, wrong_file: str) -> None:
    with Person(door.server.port, "ann", "--password-file", wrong_file) as person:
        person.wait_for("! That is not the password")
        person.is_asked("Password: ")
        person.type(f"{PASSWORD}\r")
        person.wait_for("* you are ann")


@pytest.mark.slow
def test_the_third_wrong_password_ends_the_client_with_the_reason(door: Door) -> None:
    with Person(door.server.port, "ann") as person:
        for tries in (1, 2, 3):
            person.is_asked("Password: ")
            person.type(f"{WRONG}\r")
            person.wait_for(shown("! That is not the password", tries))
        assert person.wait_exit() == 1
        assert "Traceback" not in person.screen.text()


def test_the_password_is_sent_again_after_a_reconnect(password_file: str) -> None:
    options = ("--password-file", password_file)
    program = prepared_client(AT_ONCE)
    with PlayedServer() as played, Person(played.port, "me", *options, program=program) as person:
        for _ in range(2):
            connection = played.accept()
            connection.expect(f"PASS {PASSWORD}")
            connection.send("ACCEPTED")
            connection.welcome("me")
            person.wait_for("* here (")
            connection.close()


def test_a_typed_password_is_sent_again_after_a_reconnect() -> None:
    program = prepared_client(AT_ONCE)
    with PlayedServer() as played, Person(played.port, "me", program=program) as person:
        connection = played.accept()
        want_password(connection, person)
        connection.send("ACCEPTED")
        connection.welcome("me")
        person.wait_for("* here (1)")
        connection.close()
        connection = played.accept()
        connection.expect(f"PASS {PASSWORD}")
        connection.send("ACCEPTED")
        connection.welcome("me")
        person.wait_for("* you are back as me")
        assert leaks(person.written.decode()) == []


def test_a_server_that_has_another_password_since_asks_and_lets_the_person_back_in() -> None:
    program = prepared_client(AT_ONCE)
    with PlayedServer() as played, Person(played.port, "me", program=program) as person:
        connection = played.accept()
        connection.welcome("me")
        person.wait_for("* here (1)")
        connection.close()
        connection = played.accept()
        want_password(connection, person)
        connection.send("ACCEPTED")
        connection.welcome("me")
        person.wait_for("* you are back as me")


@pytest.mark.parametrize("name_is_held", [False, True], ids=["name-free", "name-held"])
@pytest.mark.slow
def test_nobody_is_asked_for_the_password_of_a_server_that_has_none_any_more(
    name_is_held: bool,
) -> None:
    """It broke off while the person was asked; what they type next is no password."""
    program = prepared_client(AT_ONCE)
    with PlayedServer() as played, Person(played.port, "me", program=program) as person:
        connection = played.accept()
        connection.welcome("me")
        person.wait_for("* here (1)")
        connection.close()
        connection = played.accept()
        connection.expect("NAME me")
        connection.send("ERROR PASSWORD_REQUIRED a password first")
        person.is_asked("Password: ")
        connection.close()
        connection = played.accept()
        if name_is_held:
            connection.expect("NAME me")
            connection.send("ERROR NAME_TAKEN me is taken; choose another.")
            person.wait_for("still held")
            person.type("hello\r")
            person.wait_for("me (waiting): hello")
            connection.welcome("me")
        else:
            connection.welcome("me")
            person.wait_for("* you are back as me")
            person.type("hello\r")
        connection.expect("MSG BROADCAST hello")


@pytest.mark.parametrize("is_away", [False, True], ids=["server-here", "server-away"])
@pytest.mark.slow
def test_a_typed_pass_is_warned_of_and_sent_again_after_a_reconnect(
    open_desk: OpenDesk, is_away: bool
) -> None:
    desk = open_desk("--wire", program=prepared_client(AT_ONCE))
    if is_away:
        desk.server.close()
        desk.person.wait_for("again")
    desk.person.type(f"PASS {PASSWORD}\r")
    desk.person.wait_for(CLIENT_WARNING)
    if is_away:
        desk.person.wait_for("* PASS (waiting)")
        desk.server = PlayedServer(port=desk.server.port)
    else:
        desk.connection.expect(f"PASS {PASSWORD}")
        desk.connection.send("ACCEPTED")
        desk.connection.close()
    connection = desk.server.accept()
    connection.expect(f"PASS {PASSWORD}")
    connection.send("ACCEPTED")
    connection.welcome("me", "bob")
    desk.person.wait_for("* you are back as me")
    assert leaks(desk.person.written.decode()) == []


def test_the_name_is_asked_for_after_a_typed_pass_that_came_to_nothing(
    played: PlayedServer,
) -> None:
    with Person(played.port, "") as person:
        connection = played.accept()
        connection.expect("GET_NAMES")
        connection.send("NAMES 0")
        person.wait_for("Your name")
        person.type(paste("PASS " + "x" * 10_000) + "\r")
        person.wait_for("! That is too long")
        person.wait_for(lambda screen: "Your name" in screen.before_cursor())
        person.type(f"PASS {PASSWORD}\r")
        connection.expect(f"PASS {PASSWORD}")
        connection.send("ERROR UNKNOWN_COMMAND What is PASS?")
        person.wait_for("! What is PASS?")
        person.wait_for(lambda screen: "Your name" in screen.before_cursor())
        person.type("ann\r")
        connection.expect("NAME ann")


def test_a_piped_client_takes_the_password_from_a_file(door: Door, password_file: str) -> None:
    options = ("--name", "pia", "--wire", "--password-file", password_file)
    done = piped(door.server.port, *options, typed="/names\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "* here (1): pia" in done.stdout
    assert leaks(done.stdout) == []


def test_a_piped_client_without_the_password_is_told(door: Door) -> None:
    done = piped(door.server.port, "--name", "pia", typed="hi\n")
    assert "! This server wants a password first" in done.stdout
    assert "Traceback" not in done.stderr


@each_size
def test_what_is_being_typed_is_no_password(own_desk: Desk) -> None:
    """A server that wants one all of a sudden gets that, and the line is there again afterwards."""
    person, connection = own_desk.person, own_desk.connection
    person.type("half a line" + LEFT)
    person.shows_line("half a lin", "e")
    connection.send("ERROR PASSWORD_REQUIRED a password first")
    person.is_asked("Password: ")
    person.type("sesame\r")
    connection.expect("PASS sesame")
    connection.send("ACCEPTED")
    person.shows_line("half a lin", "e")
