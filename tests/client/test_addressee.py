"""`/msg NAME` alone: to whom the line goes, what the prompt says, and what happens when they go."""

from __future__ import annotations

import pytest
from harness import quiet_for, slow_beyond
from terminal.pseudo import CLEAR_LINE, paste, shown_times

from client.person import AT_ONCE, Desk, OpenDesk, Person, Room, prepared_client
from client.piped import PipedClient, piped
from client.played import PlayedServer

GONE = "bob is not here, so this goes to everyone: Enter once more says it."


@pytest.fixture
def to_bob(own_desk: Desk) -> Desk:
    """A client whose lines go to bob."""
    own_desk.person.type("/msg bob\r")
    own_desk.person.is_asked("me → bob> ")
    own_desk.person.prompt = "me → bob> "
    return own_desk


def test_what_is_typed_goes_to_one_until_all_alone(to_bob: Desk) -> None:
    to_bob.person.sees("* you write to bob alone, until /all")
    to_bob.person.type("one\r//two\r/all three\r/msg zoe four\rMSG zoe five\rsix\r/all\rseven\r")
    to_bob.connection.expect("MSG bob one", "MSG bob /two", "MSG BROADCAST three", "MSG zoe four")
    to_bob.connection.expect("MSG zoe five", "MSG bob six", "MSG BROADCAST seven")
    to_bob.person.sees("me → bob: one")
    to_bob.person.sees("* you write to everyone")
    to_bob.person.is_asked("me> ")


def test_r_still_answers_for_one_line(to_bob: Desk) -> None:
    to_bob.connection.send("MSG zoe me psst")
    to_bob.wait_until_shown()
    to_bob.person.type("/r yes?\rand you?\r")
    to_bob.connection.expect("MSG zoe yes?", "MSG bob and you?")


@pytest.mark.parametrize("name", slow_beyond(2, ["BOB", "@bob", "bob,", "bob:", "ｂｏｂ"]))
def test_the_one_is_found_however_they_are_written(own_desk: Desk, name: str) -> None:
    own_desk.person.type(f"/msg {name}\r")
    own_desk.person.is_asked("me → bob> ")


def test_nobody_of_that_name_changes_nothing(own_desk: Desk) -> None:
    own_desk.person.type("/msg bobb\r")
    own_desk.person.sees("! Nobody here is called bobb; is it bob?")
    own_desk.person.is_asked("me> ")


def test_pasted_lines_all_go_to_the_one(to_bob: Desk) -> None:
    to_bob.person.type(paste("one\ntwo\n/no command\n") + "\r")
    to_bob.connection.expect("MSG bob one", "MSG bob two", "MSG bob /no command")


def test_the_one_is_followed_under_another_name(to_bob: Desk) -> None:
    to_bob.connection.send("RENAMED bob robert")
    to_bob.person.is_asked("me → robert> ")
    to_bob.person.type("still you?\r")
    to_bob.connection.expect("MSG robert still you?")


def leave(desk: Desk) -> None:
    """Have bob leave."""
    desk.connection.send("LEFT bob")
    desk.person.sees("! bob is gone; you write to everyone again.")
    desk.person.prompt = "me> "


def test_what_is_half_typed_goes_nowhere_until_enter_is_pressed_again(to_bob: Desk) -> None:
    to_bob.person.type("for your eyes")
    to_bob.person.shows_line("for your eyes")
    leave(to_bob)
    to_bob.person.shows_line("for your eyes")
    to_bob.person.type(" only\r")
    to_bob.person.sees(f"! {GONE}")
    to_bob.person.shows_line("for your eyes only")
    to_bob.wait_until_shown()
    assert quiet_for(0.05, to_bob.connection)
    to_bob.person.type("\r")
    to_bob.connection.expect("MSG BROADCAST for your eyes only")
    to_bob.person.shows_line("")
    to_bob.person.type("hello all\r")
    to_bob.connection.expect("MSG BROADCAST hello all")


def test_what_was_half_typed_can_be_dropped_or_said_to_somebody_else(to_bob: Desk) -> None:
    to_bob.person.type("for your eyes")
    to_bob.person.shows_line("for your eyes")
    leave(to_bob)
    to_bob.person.type("\r")
    to_bob.person.sees(f"! {GONE}")
    to_bob.person.type(CLEAR_LINE + "/names\r")
    to_bob.connection.expect("GET_NAMES")
    to_bob.person.type("/msg zoe hi\r")
    to_bob.connection.expect("MSG zoe hi")


@pytest.mark.parametrize(
    "first", slow_beyond(2, ["", "//", "one\n", "\n", "  \n", "/names\n", "/nonsense\n"]), ids=ascii
)
def test_pasted_lines_are_asked_about_as_well(to_bob: Desk, first: str) -> None:
    """Whatever stands on the first of them."""
    to_bob.person.type(paste(f"{first}for your eyes"))
    to_bob.person.has_typed("eyes")
    leave(to_bob)
    to_bob.person.type("\r")
    to_bob.wait_until_shown()
    to_bob.person.type(CLEAR_LINE + "/block zoe\r")
    while (payload := to_bob.connection.receive()) != "BLOCK zoe":
        assert payload == "GET_NAMES"


@pytest.mark.slow
def test_one_who_is_not_back_after_a_break_is_gone(open_desk: OpenDesk) -> None:
    desk = open_desk(
        program=prepared_client(
            AT_ONCE + "from chat.client import unsaid\nunsaid.OTHERS_SECONDS = 0.1"
        )
    )
    desk.person.type("/msg bob\r")
    desk.person.is_asked("me → bob> ")
    desk.connection.close()
    desk.person.wait_for("calling again")
    connection = desk.server.accept()
    desk.person.type("for you\r")
    desk.person.wait_for("me → bob (waiting): for you")
    connection.welcome("me", "zoe")
    desk.person.sees("! bob is not here; not said: for you")
    desk.person.sees("! bob is gone; you write to everyone again.")
    desk.person.is_asked("me> ")
    desk.person.type("hello\r")
    desk.person.sees(f"! {GONE}")


@pytest.mark.slow
def test_a_password_is_not_held_back(open_desk: OpenDesk) -> None:
    desk = open_desk(program=prepared_client(AT_ONCE))
    desk.person.type("/msg bob\r")
    desk.connection.send("LEFT bob")
    desk.person.is_asked("me> ")
    desk.connection.close()
    connection = desk.server.accept()
    connection.expect("NAME me")
    connection.send("ERROR PASSWORD_REQUIRED a password first")
    desk.person.is_asked("Password: ")
    desk.person.type("secret\r")
    connection.expect("PASS secret")


def test_one_who_turns_out_not_to_be_here_is_not_written_to(played: PlayedServer) -> None:
    with Person(played.port, "me") as person:
        connection = played.accept()
        person.type("/msg bob\r")
        person.sees("* you write to bob alone, until /all")
        connection.welcome("me", "zoe")
        person.sees("! bob is gone; you write to everyone again.")


def test_notes_to_oneself_follow_ones_name(own_desk: Desk) -> None:
    own_desk.person.type("/msg me\r/name alicia\r")
    own_desk.connection.expect("NAME alicia")
    own_desk.connection.send("HELLO alicia")
    own_desk.person.is_asked("alicia → alicia> ")


@pytest.mark.slow
def test_another_who_leaves_meanwhile_ends_nothing(open_desk: OpenDesk) -> None:
    desk = open_desk(program=prepared_client(AT_ONCE), others=("bob", "zoe"))
    desk.person.type("/msg bob\r")
    desk.person.is_asked("me → bob> ")
    desk.connection.close()
    connection = desk.server.accept()
    desk.person.type("for you\r")
    desk.person.wait_for("me → bob (waiting): for you")
    connection.welcome("me", "zoe")
    desk.person.wait_for("* you are back")
    connection.send("LEFT zoe")
    desk.person.sees("* zoe left")
    desk.person.is_asked("me → bob> ")
    desk.person.type("/msg bob\r")  # who is on the way back can be written to
    desk.person.wait_for(shown_times("you write to bob alone", 2))
    connection.send("JOINED bob")
    connection.expect("MSG bob for you")


def test_what_is_pasted_behind_all_goes_to_everyone(to_bob: Desk) -> None:
    to_bob.person.type(paste("/all one\ntwo\n/msg bob three") + "\r")
    to_bob.connection.expect("MSG BROADCAST one", "MSG BROADCAST two")
    to_bob.connection.expect("MSG BROADCAST /msg bob three")


def test_one_who_is_back_after_a_break_is_still_written_to(open_desk: OpenDesk) -> None:
    desk = open_desk(program=prepared_client(AT_ONCE))
    desk.person.type("/msg bob\r")
    desk.person.is_asked("me → bob> ")
    desk.connection.close()
    connection = desk.server.accept()
    connection.welcome("me")
    desk.person.wait_for("* you are back")
    desk.person.type("for you\r")
    connection.send("JOINED bob")
    connection.expect("MSG bob for you")
    desk.person.is_asked("me → bob> ")


def test_keys_that_were_faster_than_the_server_go_to_the_one(played: PlayedServer) -> None:
    with Person(played.port, "me") as person:
        person.type("/msg bob\rfor you\r")
        connection = played.accept()
        connection.expect("NAME me")
        connection.send("HELLO me")
        payloads = {connection.receive(), connection.receive()}
        assert payloads == {"GET_NAMES", "MSG bob for you"}
        connection.send("NAMES 2 bob me")
        person.is_asked("me → bob> ")


@pytest.mark.parametrize("typed", [" /msg bob psst", "  /msg  bob  psst", "\t/MSG bob psst"])
def test_a_blank_before_a_command_does_not_make_it_a_message(own_desk: Desk, typed: str) -> None:
    own_desk.person.type(paste(typed) + "\r")
    own_desk.connection.expect("MSG bob psst")


def test_an_answer_does_not_go_to_one_who_wrote_while_it_was_typed(own_desk: Desk) -> None:
    own_desk.connection.send("MSG bob me psst")
    own_desk.wait_until_shown()
    own_desk.person.type("/r a secret of ours")
    own_desk.person.has_typed("ours")
    own_desk.connection.send("MSG mallory me hey")
    own_desk.wait_until_shown()
    own_desk.person.type("\r")
    own_desk.person.wait_for("! /r answers mallory by now: Enter once more says it.")
    own_desk.person.shows_line("/r a secret of ours")
    own_desk.person.type(CLEAR_LINE + "/msg bob a secret of ours\r")
    own_desk.connection.expect("MSG bob a secret of ours")


# ------------------------------------------------------------------------------------ in a pipe


def test_in_a_pipe_nothing_goes_to_everyone_when_the_one_is_gone(played: PlayedServer) -> None:
    with PipedClient("--port", str(played.port), "--name", "eve") as client:
        connection = played.accept()
        connection.expect("NAME eve")
        connection.send("HELLO eve", "JOINED bob")
        client.prints("bob joined")
        client.type("/msg bob\none\n")
        connection.expect("MSG bob one")
        connection.send("LEFT bob")
        client.prints("bob left")
        client.type("two\n/all\nthree\n", is_all=True)
        connection.expect("MSG bob two", "MSG BROADCAST three")
        connection.end()
        assert client.wait_exit() == 0


@pytest.mark.slow
def test_in_a_pipe_the_server_says_who_is_not_here(room: Room) -> None:
    zoe = room.raw("zoe")
    done = piped(room.port, "--name", "eve", typed="/msg bob\none\ntwo\n/msg @zoe,\nthree\n")
    assert done.returncode == 0
    assert done.stdout.count("Nobody here is called bob.") == 2
    zoe.expect("JOINED eve", "MSG eve zoe three", "LEFT eve")


# ------------------------------------------------------------------------------- the prompt


@pytest.mark.parametrize(
    ("columns", "keys", "prompt"),
    slow_beyond(
        2,
        [
            (80, "", "me> "),
            (20, "", "me> "),
            (20, "/msg bob\r", "me → bob> "),
            (40, "/msg wilhelmina\r", "me → wilhelmina> "),
            (24, "/msg wilhelmina\r", "→ wilhelm…> "),
        ],
    ),
)
def test_a_narrow_window_shortens_the_prompt(
    open_desk: OpenDesk, columns: int, keys: str, prompt: str
) -> None:
    desk = open_desk(columns=columns, others=("bob", "wilhelmina"))
    desk.person.type(keys)
    desk.person.is_asked(prompt)
    desk.person.type("hello")
    desk.person.has_typed("lo")
    assert desk.person.screen.before_cursor().startswith(prompt)
