"""The tests' own terminal: what it shows must be what a real one would show."""

from __future__ import annotations

import pytest

from terminal.emulator import Screen


def screen_after(text: str, columns: int = 10, rows: int = 3) -> Screen:
    screen = Screen(columns, rows)
    screen.feed(text.encode())
    return screen


def test_lines_scroll_into_the_history() -> None:
    screen = screen_after("one\r\ntwo\r\nthree\r\nfour")
    assert screen.lines() == ["two", "three", "four"]
    assert screen.text() == "one\ntwo\nthree\nfour"
    assert screen.cursor == (2, 4)


def test_a_full_row_wraps_with_the_next_character_and_not_before() -> None:
    screen = screen_after("0123456789")
    assert screen.cursor == (0, 9)
    screen.feed(b"a")
    assert screen.lines() == ["0123456789", "a", ""]
    assert screen.text() == "0123456789a"


def test_carriage_return_after_a_full_row_stays_in_it() -> None:
    assert screen_after("0123456789\rab").lines() == ["ab23456789", "", ""]


def test_a_mark_joins_the_character_in_the_last_column_without_autowrap_too() -> None:
    screen = screen_after("\x1b[?7l012345678e\u0301\u0301")
    assert screen.lines()[0] == "012345678e\u0301\u0301"
    screen.feed(b"\x1b[?7hx")  # which does not wrap now
    assert screen.lines() == ["012345678x", "", ""]


def test_without_autowrap_the_last_column_is_written_again() -> None:
    assert screen_after("\x1b[?7l0123456789ab\x1b[?7h").lines() == ["012345678b", "", ""]


def test_wide_characters_take_two_columns() -> None:
    screen = screen_after("漢字😀")
    assert screen.cursor == (0, 6)
    assert screen.lines()[0] == "漢字😀"


def test_a_wide_character_does_not_fit_one_column() -> None:
    screen = screen_after("012345678漢")
    assert screen.lines() == ["012345678", "漢", ""]
    assert screen.text() == "012345678漢"


def test_half_a_wide_character_is_none() -> None:
    assert screen_after("漢字\x1b[2Gx").lines()[0] == " x字"


@pytest.mark.parametrize("text", ["e\u0301", "שָ", "a\u200d", "a\ufe0f", "a\u20dd"])
def test_marks_and_joiners_take_no_column(text: str) -> None:
    screen = screen_after(text + "z")
    assert screen.cursor == (0, 2)
    assert screen.lines()[0] == text + "z"


def test_a_mark_joins_the_character_in_the_last_column() -> None:
    assert screen_after("012345678e\u0301").lines()[0] == "012345678e\u0301"


@pytest.mark.parametrize(
    ("moves", "cursor"),
    [
        ("\x1b[2;3H", (1, 2)),
        ("\x1b[H", (0, 0)),
        ("\x1b[;4H", (0, 3)),
        ("\x1b[5G", (2, 4)),
        ("\x1b[A", (1, 5)),
        ("\x1b[9A", (0, 5)),
        ("\x1b[B", (2, 5)),
        ("\x1b[2C", (2, 7)),
        ("\x1b[99C", (2, 9)),
        ("\x1b[2D", (2, 3)),
        ("\b\b", (2, 3)),
        ("\x1b7\x1b[H\x1b8", (2, 5)),
        ("\x1b[s\x1b[H\x1b[u", (2, 5)),
    ],
)
def test_the_cursor_moves(moves: str, cursor: tuple[int, int]) -> None:
    screen = screen_after("\r\n\r\nhello" + moves)
    assert screen.cursor == cursor
    assert screen.unknown == []


@pytest.mark.parametrize(
    ("erase", "lines"),
    [
        ("\x1b[K", ["aaaa", "bb", "cccc"]),
        ("\x1b[1K", ["aaaa", "   b", "cccc"]),
        ("\x1b[2K", ["aaaa", "", "cccc"]),
        ("\x1b[J", ["aaaa", "bb", ""]),
        ("\x1b[1J", ["", "   b", "cccc"]),
        ("\x1b[2J", ["", "", ""]),
    ],
)
def test_rows_are_erased(erase: str, lines: list[str]) -> None:
    assert screen_after("aaaa\r\nbbbb\r\ncccc\x1b[2;3H" + erase).lines() == lines


def test_colours_are_kept_with_each_character() -> None:
    screen = screen_after("a\x1b[1m\x1b[31mbc\x1b[0md")
    assert screen.styles_of("abcd") == ["", "1;31", "1;31", ""]


def test_a_title_is_put_aside_and_given_back() -> None:
    screen = screen_after("\x1b[22;0t\x1b]2;one\x1b\\\x1b[22;2t\x1b]2;two\x07")
    assert (screen.title, screen.kept_titles) == ("two", ["a shell", "one"])
    screen.feed(b"\x1b[23;2t")
    assert screen.title == "one"
    screen.feed(b"\x1b[23;0t")
    assert (screen.title, screen.kept_titles) == ("a shell", [])
    screen.feed(b"\x1b[23;0t")  # none is left
    assert screen.unknown == ["\x1b[23;0t"]


def test_a_text_may_lead_to_an_address_over_several_rows() -> None:
    screen = screen_after("a \x1b]8;id=1;https://e.org\x1b\\https://漢 e\x1b]8;;\x1b\\ b")
    assert screen.lines() == ["a https://", "漢 e b", ""]
    assert screen.links() == [("https://", "https://e.org"), ("漢 e", "https://e.org")]
    assert screen.unknown == []


def test_the_bell_is_counted() -> None:
    assert screen_after("\a\a").bells == 2


def test_modes_are_remembered() -> None:
    screen = screen_after("\x1b[?25l\x1b[?2004h")
    assert screen.modes == {"7": True, "25": False, "2004": True}


def test_what_it_does_not_know_is_recorded() -> None:
    assert screen_after("\x1b[5n\x1b[?1049h\x1bZ\x05ok\a").unknown == [
        "\x1b[5n",
        "\x1b[?1049h",
        "\x1bZ",
        "\x05",
    ]


def test_bytes_may_be_cut_anywhere() -> None:
    data = "ab\x1b[31m漢é\x1b[2;3Hx\x1b]0;title\x07y\x1b7".encode()
    screen = Screen(10, 3)
    for number in range(len(data)):
        screen.feed(data[number : number + 1])
    assert screen.lines() == ["ab漢é", "  xy", ""]
    assert screen.unknown == ["\x1b]0;title\x07"]


def test_a_narrower_window_cuts_the_rows() -> None:
    screen = screen_after("0123456789\r\nabc")
    screen.resize(5, 2)
    assert screen.lines() == ["01234", "abc"]
    assert screen.cursor == (1, 3)


def test_a_lower_window_scrolls_to_the_cursor() -> None:
    screen = screen_after("one\r\ntwo\r\nthree")
    screen.resize(10, 1)
    assert screen.lines() == ["three"]
    assert screen.text() == "one\ntwo\nthree"


def test_a_window_that_reflows_wraps_its_lines_anew() -> None:
    screen = Screen(10, 4, reflows=True)
    screen.feed(b"one\r\n0123456789abc\r\nlast")
    screen.resize(5, 4)
    assert screen.lines() == ["01234", "56789", "abc", "last"]
    assert screen.text() == "one\n0123456789abc\nlast"
    assert screen.cursor == (3, 4)
    screen.resize(20, 4)
    assert screen.lines() == ["one", "0123456789abc", "last", ""]
    assert screen.cursor == (2, 4)


def test_a_window_that_reflows_cuts_no_wide_character_in_two() -> None:
    """Nor does tmux: a row ends a column early, and is joined without a gap."""
    screen = Screen(10, 4, reflows=True)
    screen.feed("漢字漢字漢\x1b[7G".encode())
    screen.resize(5, 4)
    assert screen.lines() == ["漢字", "漢字", "漢", ""]
    assert screen.text() == "漢字漢字漢"
    assert screen.cursor == (1, 2)
    screen.resize(10, 4)
    assert screen.lines() == ["漢字漢字漢", "", "", ""]
    assert screen.cursor == (0, 6)


def test_a_cursor_behind_a_full_row_stays_in_it_when_a_window_reflows() -> None:
    screen = Screen(20, 4, reflows=True)
    screen.feed(b"0123456789")
    screen.resize(5, 4)
    assert screen.lines() == ["01234", "56789", "", ""]
    assert screen.cursor == (1, 4)


def test_a_sequence_that_is_cut_short_is_void_and_noted() -> None:
    screen = screen_after("a\x1b[?7\rb\x1b\r\x1b[2C\x1b[0 \nc")
    assert screen.lines() == ["b", "  c", ""]
    assert screen.unknown == ["\x1b[?7", "\x1b", "\x1b[0 "]
