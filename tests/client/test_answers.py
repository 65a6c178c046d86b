"""Errors speak of what was typed: its usage, the name or command that is nearly meant, a quote."""

from __future__ import annotations

import pytest
from terminal.pseudo import paste

from client.person import Desk, Room


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("/msg", "Usage: /msg NAME text, or /msg NAME alone for all that follows"),
        ("/MSG  ", "Usage: /msg NAME text, or /msg NAME alone for all that follows"),
        ("/r", "Usage: /r text"),
        ("/name", "Usage: /name NAME"),
        ("/block", "Usage: /block NAME"),
        ("/block bob now", "Usage: /block NAME"),
        ("/unblock", "Usage: /unblock NAME"),
        ("/names please", "Usage: /names"),
        ("/quit now", "Usage: /quit"),
        ("/nick zoe", "There is no command /nick; is it /name?"),
        ("/nmae zoe", "There is no command /nmae; is it /name?"),
        ("/mgs bob hi", "There is no command /mgs; is it /msg?"),
        ("/query bob", "There is no command /query; is it /msg?"),
        ("/ignore bob", "There is no command /ignore; is it /block?"),
        ("/xyzzy", "There is no command /xyzzy; try /help."),
        ("/", "There is no command /; try /help."),
        ("/msg teachr", "Nobody here is called teachr; is it teacher?"),
        ("/msg zzz", "Nobody here is called zzz."),
    ],
)
def test_what_cannot_be_meant_is_answered_and_nothing_is_sent(
    desk: Desk, typed: str, answer: str
) -> None:
    desk.let_be_here("bob", "teacher")
    desk.person.type(f"{typed}\r")
    desk.person.sees(f"! {answer}")
    desk.person.type("/all\r/who\r")  # what is typed next is for nobody alone
    desk.connection.expect("GET_NAMES")


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("/msg @teacher hi", "MSG teacher hi"),
        ("/msg teacher, hi", "MSG teacher hi"),
        ("/msg teacher: hi", "MSG teacher hi"),
        ("/msg @teacher: hi", "MSG teacher hi"),
        ("/block @bob", "BLOCK bob"),
        ("/unblock bob:", "UNBLOCK bob"),
        ("/msg @ hi", "MSG @ hi"),
        ("MSG @teacher hi", "MSG @teacher hi"),  # a request goes out as it was typed
        ("MSG teacher, hi", "MSG teacher, hi"),
        ("BLOCK @bob", "BLOCK @bob"),
    ],
)
def test_a_name_is_found_as_people_write_it(desk: Desk, typed: str, sent: str) -> None:
    desk.let_be_here("bob", "teacher")
    desk.person.type(f"{typed}\r")
    desk.connection.expect(sent)


def test_an_unknown_name_is_repeated_with_the_likeliest_that_is_here(room: Room) -> None:
    teacher = room.raw("teacher")
    me = room.person("me")
    me.type("/msg teachr hi\r")
    me.sees("! Nobody here is called teachr; is it teacher? (/msg teachr hi)")
    me.type("/block teachr\r")
    me.sees("! Nobody here is called teachr; is it teacher?")
    me.type("/msg zzz hi\r")
    me.sees("! Nobody here is called zzz. (/msg zzz hi)")
    teacher.expect("JOINED me")
    assert teacher.hears_nothing()


@pytest.mark.parametrize("said", ["hello all", "/msg teacher hello"])
def test_what_was_said_before_is_not_what_nobody_is_called(room: Room, said: str) -> None:
    teacher = room.raw("teacher")
    me = room.person("me")
    me.type(f"{said}\r/msg teachr hi\r")
    me.wait_for("! Nobody here is called teachr; is it teacher?")
    teacher.expect("JOINED me")


def test_where_one_line_was_on_its_way_the_error_quotes_it(own_desk: Desk) -> None:
    own_desk.person.type("is that a question\r")
    own_desk.connection.expect("MSG BROADCAST is that a question")
    own_desk.connection.send("ERROR MUTED Nobody may speak now.")
    own_desk.person.sees("! Nobody may speak now. (is that a question)")


def test_a_long_line_is_quoted_by_its_beginning(own_desk: Desk) -> None:
    own_desk.person.type(f"/msg bob {'word ' * 20}\r")
    own_desk.connection.receive()
    own_desk.connection.send("ERROR BLOCKED bob does not want your messages.")
    own_desk.wait_until_shown()
    shown = own_desk.person.screen.running_text()
    assert "! bob does not want your messages. (/msg bob word word word word word word w…)" in shown


def test_where_two_lines_were_on_their_way_none_is_quoted(own_desk: Desk) -> None:
    own_desk.person.type("one\rtwo\r")
    own_desk.connection.expect("MSG BROADCAST one", "MSG BROADCAST two")
    own_desk.connection.send("ERROR MUTED Nobody may speak now.")
    own_desk.person.sees("! Nobody may speak now.")


def test_an_answer_tells_which_line_is_on_its_way(own_desk: Desk) -> None:
    """The server deals with them in order: what came before an answered one was fine."""
    own_desk.person.type("one\r/names\rtwo\r")
    own_desk.connection.expect("MSG BROADCAST one", "GET_NAMES", "MSG BROADCAST two")
    own_desk.connection.send("NAMES 2 bob me", "ERROR MUTED Nobody may speak now.")
    own_desk.person.sees("! Nobody may speak now. (two)")


def test_the_parts_of_one_long_line_are_one_line(own_desk: Desk) -> None:
    own_desk.person.say_at_length(paste("word " * 3_000), "/msg bob ")
    for _ in range(2):
        assert own_desk.connection.receive().startswith("MSG bob word")
    own_desk.connection.send(*["ERROR BLOCKED bob does not want your messages."] * 2)
    own_desk.wait_until_shown()
    assert own_desk.person.screen.running_text().count("(/msg bob word") == 2


def test_a_password_is_never_quoted(own_desk: Desk) -> None:
    own_desk.person.type("PASS hunter2\r")
    own_desk.connection.expect("PASS hunter2")
    own_desk.connection.send("ERROR TOO_LONG What a password.", "ERROR ODD What a password.")
    own_desk.wait_until_shown()
    assert b"hunter2" not in own_desk.person.written


def test_what_is_muted_is_quoted_and_arrives_for_certain_nowhere(own_desk: Desk) -> None:
    own_desk.person.type("/names\rpsst\r")
    own_desk.connection.expect("GET_NAMES", "MSG BROADCAST psst")
    own_desk.connection.send("ERROR MUTED You are muted.")
    own_desk.person.sees("! You are muted. (psst)")  # nothing else is answered so
    own_desk.person.type("one\r/msg bob two\rthree\r")
    own_desk.connection.expect("MSG BROADCAST one", "MSG bob two", "MSG BROADCAST three")
    own_desk.connection.send("ERROR MUTED You are muted.", "ERROR MUTED You are muted.")
    own_desk.wait_until_shown()
    own_desk.person.type("still here\r")  # the conversation goes on
    own_desk.connection.expect("MSG BROADCAST still here")
    own_desk.connection.close()
    own_desk.person.sees("! Of what you said last, 2 may not have arrived.")
