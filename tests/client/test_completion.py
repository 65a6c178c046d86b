"""Tab: it completes commands and the names of those who are here, the likeliest first."""

from __future__ import annotations

import pytest
from terminal.pseudo import CLEAR_LINE, LEFT

from client.person import Desk, each_size


@each_size
@pytest.mark.parametrize("command", ["/msg", "/block", "/unblock", "MSG", "BLOCK", "UNBLOCK"])
def test_tab_completes_a_name_after_a_command(desk: Desk, command: str) -> None:
    desk.person.type(f"{command} b\t")
    desk.person.shows_line(f"{command} bob ")


@each_size
def test_tab_addresses_a_name_at_the_start(desk: Desk) -> None:
    desk.person.type("bo\thi\r")
    desk.connection.expect("MSG BROADCAST bob: hi")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("te", "teacher: "),
        ("TE", "teacher: "),
        ("@te", "@teacher: "),
        ("hello te", "hello teacher "),
        ("hello @te", "hello @teacher "),
        ("hello,  te", "hello,  teacher "),
        ("/all is te", "/all is teacher "),
        ("/msg te", "/msg teacher "),
        ("/msg @te", "/msg @teacher "),
        ("/msg bob ask te", "/msg bob ask teacher "),
        ("MSG te", "MSG teacher "),
    ],
)
def test_tab_completes_a_name_anywhere(desk: Desk, typed: str, shown: str) -> None:
    desk.let_be_here("bob", "teacher")
    desk.person.type(f"{typed}\t")
    desk.person.shows_line(shown)


@pytest.mark.parametrize(("start", "shown"), [("E", "Ella: "), ("B", "Bob: "), ("N", "Nora: ")])
def test_people_come_before_requests(desk: Desk, start: str, shown: str) -> None:
    desk.let_be_here("Ella", "Bob", "Nora")
    desk.person.type(f"{start}\t")
    desk.person.shows_line(shown)


def test_a_hostile_name_is_no_line_of_its_own(desk: Desk) -> None:
    desk.connection.send("JOINED zed\n/quit\n")
    desk.wait_until_shown()
    desk.person.type("hi ze\t\r/who\r")
    while (payload := desk.connection.receive()) != "GET_NAMES":
        assert payload.startswith("MSG BROADCAST hi ze")


def test_tab_goes_through_the_names_anywhere(desk: Desk) -> None:
    desk.let_be_here("dan", "dana")
    for head, end in (("", ": "), ("ask ", " ")):
        desk.person.type(f"{head}d")
        for name in ("dan", "dana", "dan"):
            desk.person.type("\t")
            desk.person.shows_line(f"{head}{name}{end}")
        desk.person.type(CLEAR_LINE)


@each_size
def test_tab_leaves_what_stands_right_of_the_cursor(desk: Desk) -> None:
    desk.person.type("/msg bhi" + LEFT * 2 + "\t")
    desk.person.shows_line("/msg bob ", "hi")


@pytest.mark.parametrize(
    ("start", "choices"),
    [
        ("/unb", ["/unblock "]),
        ("/na", ["/name ", "/names "]),
        ("GET", ["GET_NAMES"]),  # a space behind it would make it wrong
        ("EX", ["EXIT"]),
        ("/he", ["/help "]),
        ("/q", ["/quit "]),
    ],
)
def test_tab_completes_commands(desk: Desk, start: str, choices: list[str]) -> None:
    person = desk.person
    person.type(start)
    for choice in choices:
        person.type("\t")
        person.shows_line(choice)


def test_tab_cycles_through_the_choices_and_begins_again(desk: Desk) -> None:
    person = desk.person
    desk.let_be_here("dan", "dana", "Debora", "zoe")
    person.type("/msg d")
    for name in ("dan", "dana", "Debora", "dan"):
        person.type("\t")
        person.shows_line(f"/msg {name} ")
    person.type("hello")
    person.shows_line("/msg dan hello")


def test_the_last_speakers_come_first(desk: Desk) -> None:
    desk.let_be_here("ada", "adam", "adi")
    for name in ("adam", "adi"):
        desk.connection.send(f"MSG {name} BROADCAST hi")
    desk.wait_until_shown()
    desk.person.type("/msg a")
    for name in ("adi", "adam", "ada"):
        desk.person.type("\t")
        desk.person.shows_line(f"/msg {name} ")


def test_the_choices_follow_who_comes_and_goes(desk: Desk) -> None:
    desk.let_be_here("bob", "bert")
    desk.connection.send("JOINED barbara", "LEFT bert", "RENAMED bob bobby")
    desk.wait_until_shown()
    desk.person.type("/msg b")
    for name in ("barbara", "bobby", "barbara"):
        desk.person.type("\t")
        desk.person.shows_line(f"/msg {name} ")


@pytest.mark.parametrize(
    ("start", "name"),
    [("ד", "דנה"), ("ПЁ", "пётр"), ("strass", "Straße"), ("BO", "bob"), ("ｂｏ", "bob")],
)
def test_names_complete_in_any_script_and_capitals(desk: Desk, start: str, name: str) -> None:
    desk.let_be_here("bob", "דנה", "пётр", "Straße", "漢字")
    desk.person.type(f"/msg {start}\t")
    desk.person.shows_line(f"/msg {name} ")
    desk.person.type("hi\r")
    desk.connection.expect(f"MSG {name} hi")


def test_oneself_is_no_choice(desk: Desk) -> None:
    desk.let_be_here("meg")
    desk.person.type("/msg m")
    for _ in range(2):
        desk.person.type("\t")
        desk.person.shows_line("/msg meg ")
