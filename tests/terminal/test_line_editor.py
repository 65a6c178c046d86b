"""The line being typed: each key does to it what a person expects, at the client."""

from __future__ import annotations

import pytest
from client.person import Desk, each_size

from chat.terminal.line_editor import HISTORY_LENGTH, LineEditor
from terminal.pseudo import BACKSPACE, DELETE, DOWN, END, HOME, LEFT, RIGHT, UP, paste

WORD_LEFT, WORD_RIGHT = "\x1b[1;5D", "\x1b[1;5C"  # Ctrl with an arrow


@pytest.mark.parametrize(
    ("keys", "before", "after"),
    [
        ("hello", "hello", ""),
        ("helo" + LEFT + "l", "hell", "o"),
        ("ab" + "\x1bOD", "a", "b"),
        ("ab" + LEFT * 9 + "x", "x", "ab"),
        ("ab" + LEFT * 2 + RIGHT, "a", "b"),
        ("ab" + LEFT * 2 + "\x1bOC", "a", "b"),
        ("ab" + RIGHT * 9 + "c", "abc", ""),
        ("abc" + LEFT + BACKSPACE, "a", "c"),
        ("abc" + LEFT + "\x08", "a", "c"),
        ("ab" + HOME + BACKSPACE, "", "ab"),
        ("abc" + LEFT * 2 + DELETE, "a", "c"),
        ("abc" + DELETE, "abc", ""),
        ("abc" + HOME + "x", "x", "abc"),
        ("abc" + "\x1bOH" + "x", "x", "abc"),
        ("abc" + "\x1b[1~" + "x", "x", "abc"),
        ("abc" + "\x1b[7~" + "x", "x", "abc"),
        ("abc" + "\x01" + "x", "x", "abc"),
        ("abc" + HOME + END + "x", "abcx", ""),
        ("abc" + HOME + "\x1bOF" + "x", "abcx", ""),
        ("abc" + HOME + "\x1b[4~" + "x", "abcx", ""),
        ("abc" + HOME + "\x1b[8~" + "x", "abcx", ""),
        ("abc" + HOME + "\x05" + "x", "abcx", ""),
        ("one two" + LEFT * 3 + "\x15", "", "two"),
        ("one two" + LEFT * 3 + "\x0b", "one ", ""),
        ("one two" + "\x17", "one ", ""),
        ("one two  " + "\x17", "one ", ""),
        ("one two" + LEFT * 3 + "\x17", "", "two"),
        ("one two" + WORD_LEFT, "one ", "two"),
        ("one two" + WORD_LEFT * 2, "", "one two"),
        ("one two" + WORD_LEFT * 9 + "x", "x", "one two"),
        ("one, (two); !" + WORD_LEFT, "one, (", "two); !"),
        ("one two" + LEFT * 2 + WORD_LEFT, "one ", "two"),
        ("one two" + HOME + WORD_RIGHT, "one", " two"),
        ("one, two!" + HOME + WORD_RIGHT * 2, "one, two", "!"),
        ("one, two!" + HOME + WORD_RIGHT * 9 + "x", "one, two!x", ""),
        ("one two" + HOME + RIGHT + WORD_RIGHT, "one", " two"),
        ("..." + WORD_LEFT, "", "..."),
        ("bob_2 a1b2" + WORD_LEFT * 2, "bob_", "2 a1b2"),
        ("שלום עולם" + WORD_LEFT, "שלום ", "עולם"),
        ("ein größerer Schritt" + WORD_LEFT * 2, "ein ", "größerer Schritt"),
        ("un cafe\u0301s" + WORD_LEFT, "un ", "cafe\u0301s"),
        ("हिन्दी भाषा" + WORD_LEFT, "हिन्दी ", "भाषा"),
        ("漢字、漢字" + WORD_LEFT, "漢字、", "漢字"),
        ("hi 😀👍" + WORD_LEFT, "", "hi 😀👍"),
        ("one " + paste("two\nthree") + WORD_LEFT * 2, "one ", "two⏎three"),
        ("漢字" + LEFT, "漢", "字"),
        ("漢字" + LEFT + "x", "漢x", "字"),
        ("漢字" + BACKSPACE, "漢", ""),
        ("😀😀" + LEFT + "x", "😀x", "😀"),
        ("שלום" + LEFT, "שלו", "ם"),
        ("שלום" + HOME + DELETE, "", "לום"),
        ("cafe\u0301s" + LEFT, "cafe\u0301", "s"),
        ("cafe\u0301s" + LEFT * 2 + "x", "cafx", "e\u0301s"),
        ("e\u0301" + HOME + DELETE, "", ""),
        ("ab" + "\x1b[" + LEFT + "x", "ax", "b"),  # a sequence that another one breaks off
    ],
)
def test_keys_edit_the_line(desk: Desk, keys: str, before: str, after: str) -> None:
    desk.person.type(keys)
    desk.person.shows_line(before, after)
    desk.wait_until_shown()
    desk.person.shows_line(before, after)


def test_words_of_a_password_are_not_to_be_seen(desk: Desk) -> None:
    desk.person.type("PASS no one knows" + WORD_LEFT)
    desk.person.shows_line("", "•" * 17)
    desk.person.type(WORD_RIGHT)
    desk.person.shows_line("•" * 17)


def test_what_was_edited_is_what_is_sent(desk: Desk) -> None:
    desk.person.type("helo wörld" + LEFT * 7 + "l" + HOME + DELETE + "H" + "\r")
    desk.connection.expect("MSG BROADCAST Hello wörld")


def test_up_and_down_go_through_what_was_said_and_back_to_the_unfinished_line(desk: Desk) -> None:
    person = desk.person
    for text in ("first", "second"):
        person.type(text + "\r")
        desk.connection.expect(f"MSG BROADCAST {text}")
    person.type("unfinished" + LEFT)
    for key, line in [(UP, "second"), ("\x1bOA", "first"), ("\x1bOB", "second")]:
        person.type(key)
        person.shows_line(line)
    person.type(DOWN)
    person.wait_for(
        lambda screen: (
            screen.before_cursor() + screen.after_cursor() == person.prompt + "unfinished"
        )
    )
    person.type(DOWN + END + "!")
    person.shows_line("unfinished!")


def test_a_line_of_the_history_can_be_edited_and_said_again(desk: Desk) -> None:
    desk.person.type("good night\r")
    desk.connection.expect("MSG BROADCAST good night")
    desk.person.type(UP + "!\r")
    desk.connection.expect("MSG BROADCAST good night!")
    desk.person.type(UP)
    desk.person.shows_line("good night!")
    desk.person.type(UP)
    desk.person.shows_line("good night")


def test_ctrl_c_clears_a_line_that_has_text(desk: Desk) -> None:
    desk.person.type("never mind")
    desk.person.shows_line("never mind")
    desk.person.type("\x03")
    desk.person.shows_line("")
    desk.person.type("but this\r")
    desk.connection.expect("MSG BROADCAST but this")


def test_ctrl_d_does_not_leave_while_there_is_text(desk: Desk) -> None:
    desk.person.type("text" + HOME + "\x04")
    desk.wait_until_shown()
    assert desk.person.process.poll() is None


@each_size
def test_a_pasted_line_is_typed_text(desk: Desk) -> None:
    desk.person.type("a, c" + LEFT * 3 + paste("b"))
    desk.person.shows_line("ab", ", c")


@each_size
def test_a_paste_can_be_dropped(desk: Desk) -> None:
    desk.person.type(paste("one\ntwo"))
    desk.person.wait_for(lambda screen: "2 lines" in screen.running_text())
    desk.person.type("\x03")
    desk.person.shows_line("")
    desk.person.type("three\r")
    desk.connection.expect("MSG BROADCAST three")


def test_the_history_has_an_end_at_its_far_end() -> None:
    """A file of a million lines at the client's input would all be kept there."""
    editor = LineEditor(lambda before: [], lambda line: False)
    for number in range(2 * HISTORY_LENGTH):
        editor.put(f"line {number}")
        editor.press("enter")
    for _ in range(2 * HISTORY_LENGTH):
        editor.press("up")
    assert editor.text == f"line {HISTORY_LENGTH}"


def test_a_line_is_seen_again_in_a_window_that_was_narrow() -> None:
    editor = LineEditor(lambda before: [], lambda line: False)
    editor.put("0123456789" * 12)
    for _ in range(20):
        editor.press("left")
    editor.view(18)
    left, right = editor.view(100)
    assert len(left + right) > 70
