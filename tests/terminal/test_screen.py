"""The screen: one row for the line being typed, never torn, in windows of any size."""

from __future__ import annotations

import re

import pytest
from client.person import Desk, OpenDesk
from client.played import CONVERSATION

from terminal.emulator import Screen
from terminal.pseudo import END, HOME, LEFT, RIGHT


def test_ctrl_l_draws_the_line_again(desk: Desk) -> None:
    desk.person.type("hello" + LEFT)
    desk.person.shows_line("hell", "o")
    desk.person.screen.feed(b"\rgarbage")  # another program wrote over the line
    desk.person.type("\x0c")
    desk.person.shows_line("hell", "o")
    desk.connection.send("MSG alice BROADCAST still fine")
    desk.person.sees("alice: still fine")
    desk.person.shows_line("hell", "o")


def test_a_message_longer_than_a_row_is_shown_whole(desk: Desk) -> None:
    person = desk.person
    person.type("typing" + LEFT)
    text = " ".join(f"{number}漢字" for number in range(100))
    desk.connection.send(f"MSG bob BROADCAST {text}")
    desk.wait_until_shown()
    assert f"bob: {text}" in person.screen.running_text()
    person.shows_line("typin", "g")


def test_messages_that_arrive_meanwhile_do_not_tear_the_line(desk: Desk) -> None:
    person = desk.person
    person.type("this line is longer than all they say: wörld" + LEFT * 3)
    person.shows_line("this line is longer than all they say: wö", "rld")
    for number in range(60):
        desk.connection.send(f"MSG alice BROADCAST message {number}")
        if number % 10 == 0:
            person.type("!")
    person.sees("alice: message 59")
    person.shows_line("this line is longer than all they say: wö!!!!!!", "rld")
    lines = person.screen.text().splitlines()
    messages = [line[6:] for line in lines if "message" in line]
    assert messages == [f"alice: message {number}" for number in range(60)]
    assert sum("rld" in line for line in lines) == 1
    assert person.screen.unknown == []


def test_a_line_longer_than_the_window_stays_on_one_row(desk: Desk) -> None:
    person = desk.person
    above = person.screen.lines()[: person.screen.row]
    text = " ".join(f"word{number}" for number in range(40))
    person.type(text)
    person.has_typed("word38 word39")
    assert person.screen.lines()[: person.screen.row] == above
    person.type(HOME)
    person.wait_for(lambda screen: screen.before_cursor() == person.prompt)
    assert person.screen.after_cursor().startswith("word0 word1")
    person.type(RIGHT * 5 + "!")
    person.wait_for(lambda screen: screen.before_cursor() == person.prompt + "word0!")
    person.type(END)
    person.has_typed("word38 word39")
    assert person.screen.lines()[: person.screen.row] == above
    person.type("\r")
    desk.connection.expect("MSG BROADCAST " + text.replace("word0", "word0!", 1))


def test_every_step_through_a_long_line_shows_the_cursor_at_its_place(desk: Desk) -> None:
    person = desk.person
    text = "".join(f"{number:02}漢e\u0301😀ש" for number in range(20))  # 180 columns
    person.type(text)
    person.has_typed("19漢e\u0301😀ש")
    characters = re.findall("\\d|漢|e\u0301|😀|ש", text)
    assert "".join(characters) == text
    there = range(len(characters) - 1, -1, -1)
    back = range(1, len(characters))
    for key, place in [(LEFT, place) for place in there] + [(RIGHT, place) for place in back]:
        left, right = "".join(characters[:place]), "".join(characters[place:])

        def is_in_place(screen: Screen, left: str = left, right: str = right) -> bool:
            before, after = screen.before_cursor(), screen.after_cursor()
            shown = before.removeprefix(person.prompt)
            at_the_edge = screen.column >= screen.columns - 3  # no place for a wide character
            return left.endswith(shown) and right.startswith(after) and bool(after or at_the_edge)

        person.type(key)
        person.wait_for(is_in_place)
    assert not any(row.wrapped for row in person.screen.rows)


def test_the_size_of_the_window_is_followed(own_desk: Desk) -> None:
    person = own_desk.person
    text = "".join(chr(ord("a") + number % 26) for number in range(70))
    person.type(text)
    person.shows_line(text)
    person.resize(30, 10)
    person.type("!")
    person.has_typed(text[-10:] + "!")
    assert not any(row.wrapped for row in person.screen.rows)
    person.resize(100, 24)
    person.type("?")
    person.shows_line(text + "!?")
    person.type("\r")
    own_desk.connection.expect(f"MSG BROADCAST {text}!?")


def test_nothing_is_drawn_beyond_a_narrow_window(open_desk: OpenDesk) -> None:
    desk = open_desk(columns=20, rows=10)
    person, screen = desk.person, desk.person.screen
    person.type("this line is longer than the window")
    person.has_typed("window")
    desk.connection.send(*CONVERSATION)
    desk.wait_until_shown()
    assert screen.before_cursor().startswith(person.prompt)
    assert screen.before_cursor().endswith("window")
    assert screen.row == 9
    assert not screen.rows[-1].wrapped
    assert screen.unknown == []
    assert not re.search("[\u2500-\u257f]", person.written.decode())  # box art
    assert "bob → me: psst" in screen.running_text()
    person.type(HOME)
    person.wait_for(lambda screen: screen.after_cursor().startswith("this line is"))


@pytest.mark.parametrize("odd_size", [(5, 2), (2, 1), (1, 1), (300, 100)])
def test_windows_of_any_size_are_lived_with(desk: Desk, odd_size: tuple[int, int]) -> None:
    desk.person.type("hello 漢字")
    desk.person.resize(*odd_size)
    desk.connection.send("MSG bob BROADCAST hi")
    desk.person.type(LEFT + "!")
    desk.person.resize(80, 24)
    desk.wait_until_shown()
    desk.person.type(END)
    desk.person.shows_line("hello 漢!字")
    desk.person.type("\r")
    desk.connection.expect("MSG BROADCAST hello 漢!字")


@pytest.mark.parametrize("reflows", [False, True], ids=["cuts", "reflows"])
def test_a_window_made_narrower_keeps_every_message_and_no_piece_of_the_line(
    open_desk: OpenDesk, reflows: bool
) -> None:
    desk = open_desk(reflows=reflows)
    person = desk.person
    text = "the line being typed is longer than the window is wide afterwards"
    person.type(text)
    person.shows_line(text)
    person.resize(30, 24)
    person.has_typed("afterwards")
    person.wait_for(lambda screen: person.prompt in screen.before_cursor())
    desk.connection.send("MSG bob BROADCAST and now?")
    person.sees("bob: and now?")
    shown = person.screen.text()
    assert "here (2): bob, me" in shown
    assert "is longer than" not in shown, "a piece of the line stayed behind"
