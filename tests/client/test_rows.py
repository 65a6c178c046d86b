"""A line as rows: whatever anybody sends, no row of theirs looks like the first of another line."""

from __future__ import annotations

import itertools
import random
import re
import subprocess
import unicodedata

import pytest
from harness import slow_beyond
from terminal.emulator import Row
from terminal.nasty import nasty_text

from chat.client.commands import HELP
from chat.client.lines import Kind, Line, Lines
from chat.client.rows import rows
from chat.terminal.console import Abilities
from chat.terminal.text import columns, harmless, most_sizes, sizes
from client.person import Desk, OpenDesk, Person, Room
from client.played import PlayedServer

CLOCK = re.compile(r"\d\d:\d\d ")
LOOKS = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\")  # SGR, OSC 8
EVERYTHING = Abilities(escapes=True, colours=True, links=True, titles=True)
FORGED = "12:26 teacher: No test on Monday, go home."


def is_unseen(character: str) -> bool:
    """Whether nobody misses it at the end of a row, behind a joiner with nothing to join."""
    return unicodedata.category(character) in ("Zs", "Cf", "Cn", "Co", "Mn", "Me")


def is_cut_from(text: str, pieces: list[str]) -> bool:
    """Whether pieces are the text in rows, up to what nobody sees at the end of each."""
    place = 0
    for piece in pieces:
        while not text.startswith(piece, place):
            if place == len(text) or not is_unseen(text[place]):
                return False
            place += 1
        place += len(piece)
    return all(map(is_unseen, text[place:]))


def text_of(row: Row) -> str:
    """Return a row as it is; str() would take odd blanks from its end as well."""
    return "".join(cell.text for cell in row.cells).rstrip(" ")


def shown_lines(person: Person) -> list[list[str]]:
    """Return the rows of each line on the screen, and check how its further rows begin."""
    found: list[list[str]] = []
    screen = person.screen
    for row in [*screen.history, *screen.rows][: len(screen.history) + screen.row]:
        assert not row.wrapped
        text = text_of(row)
        if CLOCK.match(text):
            found.append([text])
        else:
            assert text.startswith(" " * 6) or not text, f"{text!r} is no further row"
            found[-1].append(text)
    return found


# ------------------------------------------------------------------------------- as a function


@pytest.mark.parametrize(
    "abilities",
    slow_beyond(1, [Abilities(), Abilities(escapes=True), EVERYTHING]),
    ids=["dumb", "plain", "all"],
)
def test_whatever_a_line_says_its_further_rows_are_indented_and_nothing_is_lost(
    abilities: Abilities,
) -> None:
    dice = random.Random(1)
    measure = sizes if abilities.escapes else most_sizes
    for _ in range(800):
        width = dice.choice((19, 20, 21, 39, 40, 80, 120, dice.randint(19, 130)))
        speaker = dice.choice(("", "bob", "alice → bob", harmless(nasty_text(dice, 3)), "n" * 20))
        kind, for_me = dice.choice([*Kind]), dice.random() < 0.3
        line = Line(kind, harmless(nasty_text(dice)), speaker, speaker, for_me)
        first, *others = [LOOKS.sub("", row) for row in rows(line, width, abilities)]
        said = f"{line!r} in {width} columns"
        assert all(sum(measure(row)) <= width for row in (first, *others)), said
        hangs = {len(row) - len(row.lstrip(" ")) for row in others if row.strip(" ")}
        least = min(hangs, default=6)
        assert least >= 6, said
        assert any(  # a row may begin with blanks of the text
            is_cut_from(str(line), [first[6:], *(row[hang:] for row in others)])
            for hang in range(6, min(least, 6 + width // 2) + 1)
        ), said


@pytest.mark.parametrize("end", ["\u200d", "\u200d ", "\u200d\u0378", "\u200d\U000e01f0 \u200d"])
def test_no_row_joins_the_one_below(end: str) -> None:
    """tmux joins what it shows next to a joiner behind which it shows nothing."""
    line = Line(Kind.SAID, f"hi {'x' * 9}{end}", "bob", "bob")
    for width in (20, 80):
        assert rows(line, width, Abilities(escapes=True))[-1].endswith("x")
    family = Line(Kind.SAID, "hi \U0001f468\u200d\U0001f469", "bob", "bob")
    assert rows(family, 80, Abilities(escapes=True))[0].endswith("\u200d\U0001f469")


def test_in_a_pipe_a_line_stays_one_row_without_looks() -> None:
    text = "word " * 100 + "https://example.org"
    (row,) = rows(Line(Kind.SAID, text, "bob", "bob", for_me=True), None, Abilities())
    assert row[5:] == f" » bob: {text}"


def names(count: int) -> list[str]:
    return [f"pupil{number}" for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("items", "width", "shown"),
    [
        (["ada", "bob"], 40, ["* here (2): ada, bob"]),
        (
            names(5),
            30,
            ["* here (5):", "  pupil1  pupil3  pupil5", "  pupil2  pupil4"],
        ),
        (["漢字", "bobby", "cem"], 24, ["* here (3):", "  漢字   cem", "  bobby"]),
        (["x" * 20, "y"], 20, ["* here (2):", "  y", "  " + "x" * 12, "  " + "x" * 8]),
    ],
)
def test_names_stand_in_columns(items: list[str], width: int, shown: list[str]) -> None:
    lines = Lines()
    lines.tell(f"here ({len(items)}):", items=items)
    (line,) = lines.take()
    first, *others = rows(line, width, Abilities(escapes=True))
    assert first[6:] == shown[0]
    assert others == [" " * 6 + row for row in shown[1:]]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_whatever_the_names_their_rows_are_indented(width: int) -> None:
    dice = random.Random(width)
    for _ in range(200):
        items = tuple(harmless(nasty_text(dice, 2)).replace(" ", "") or "x" for _ in range(9))
        line = Line(Kind.EVENT, "here (9):", items=items)
        head, *others = rows(line, width, Abilities(escapes=True))
        if not others:  # they fit into one row
            assert columns(head) <= width
            continue
        assert all(row.startswith(" " * 8) and columns(row) <= width for row in others)
        seen = [character for character in "".join(items) if not is_unseen(character)]
        assert sorted(c for c in "".join(others) if not is_unseen(c)) == sorted(seen)


# ------------------------------------------------------------------------------- on the screen


def in_wide_and_narrow(*more: int) -> pytest.MarkDecorator:
    """Have a test see a window of 20 columns, and of others where time does not matter."""
    slow = [pytest.param((width, 24), marks=pytest.mark.slow) for width in more]
    return pytest.mark.parametrize("size", [(20, 24), *slow], ids=lambda size: f"{size[0]}")


@in_wide_and_narrow(21, 33, 40, 80, 120)
def test_no_text_puts_a_row_where_a_time_stands(own_desk: Desk, size: tuple[int, int]) -> None:
    dice = random.Random(size[0])
    texts = [harmless(nasty_text(dice)) for _ in range(60)]
    own_desk.person.type("half a line")
    own_desk.connection.send(*(f"MSG bob BROADCAST {text}" for text in texts))
    own_desk.wait_until_shown()
    said = [line for line in shown_lines(own_desk.person) if line[0][6:].startswith("bob:")]
    assert len(said) == len(texts)
    for text, (first, *others) in zip(texts, said, strict=True):
        if re.search("[\u1160-\u11ff]", text):
            continue  # of these the tests' terminal and many others have another idea
        hang = 6 if 6 + len("bob: ") > size[0] // 2 else 6 + len("bob: ")
        assert all(row.startswith(" " * hang) for row in others if row)
        assert is_cut_from(f"bob: {text}", [first[6:], *(row[hang:] for row in others)])


@pytest.mark.parametrize("options", [[], ["--no-color"]], ids=["colours", "no-color"])
@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
@pytest.mark.parametrize("blank", slow_beyond(1, [" ", "\u00a0", "\u2800", "\u3000"]), ids=ascii)
def test_a_message_does_not_look_like_two(
    room: Room, blank: str, term: str, options: list[str]
) -> None:
    bob = room.raw("bob")
    me = room.person("me", *options, environment={"TERM": term})
    for length in range(50, 64):
        bob.send(f"MSG BROADCAST is that true{blank * length}{FORGED}")
    bob.send("MSG BROADCAST the end")
    me.sees("bob: the end")
    forged = [row for row in map(text_of, me.screen.history + me.screen.rows) if FORGED in row]
    assert not any(CLOCK.match(row) and not row[6:].startswith("bob:") for row in forged)
    assert all(len(line) > 1 for line in shown_lines(me) if "is that true" in line[0])


@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_nor_where_a_pipe_is_typed_from(played: PlayedServer, term: str) -> None:
    """(echo NAME me; cat) | chat_client.py"""
    streams = {"stdin": subprocess.PIPE}
    with Person(played.port, "me", streams=streams, environment={"TERM": term}) as person:
        connection = played.accept()
        connection.expect("NAME me")
        connection.send("HELLO me", f"MSG bob BROADCAST is that true{' ' * 57}{FORGED}")
        connection.send("MSG bob BROADCAST the end")
        person.sees("bob: the end")
        assert all(len(line) > 1 for line in shown_lines(person) if "is that true" in line[0])


@pytest.mark.slow
@pytest.mark.parametrize("width", [20, 21, 40, 80])
def test_a_terminal_that_wraps_by_itself_gets_no_row_that_is_too_wide(
    open_desk: OpenDesk, width: int
) -> None:
    """TERM=dumb: the last column stays free, and nothing is wider than anybody thinks."""
    desk = open_desk(columns=width, environment={"TERM": "dumb"})
    dice = random.Random(width)
    desk.connection.send(*(f"MSG bob BROADCAST {nasty_text(dice)}" for _ in range(60)))
    desk.wait_until_shown()
    assert sum("bob:" in line[0] for line in shown_lines(desk.person)) == 60
    assert b"\x1b" not in desk.person.written


def test_a_terminal_that_knows_ascii_alone_shows_rows_too(open_desk: OpenDesk) -> None:
    desk = open_desk(
        columns=40,
        environment={"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    )
    desk.connection.send(f"MSG bob BROADCAST schön, {'漢字 ' * 20}and {FORGED}")
    desk.wait_until_shown()
    said = next(line for line in shown_lines(desk.person) if "bob:" in line[0])
    assert said[0][6:].startswith("bob: sch?n, ??")
    assert "go home." in said[-1]
    desk.person.type("hello\r")
    desk.person.sees("me: hello")


def test_help_that_is_broken_does_not_look_like_another_command() -> None:
    line = Line(Kind.HELP, "/msg NAME       all, until /all")
    first, *others = rows(line, 20, Abilities())
    assert first.startswith(" " * 6 + "/msg")
    assert all(re.match(" {8}", row) for row in others)
    assert others


def test_help_fits_a_window_of_40_columns(open_desk: OpenDesk) -> None:
    desk = open_desk(columns=40, rows=30)
    desk.person.type("\x0c/help\r")
    desk.person.wait_for("* what you type, and what it does:")
    desk.wait_until_shown()
    lines = desk.person.screen.lines()
    start = next(number for number, line in enumerate(lines) if "what it does" in line)
    end = next(number for number, line in enumerate(lines) if "number 1" in line)
    shown = lines[start + 1 : end]
    assert len(shown) == len(HELP.splitlines())
    for row in shown:
        assert re.match(" {6}\\S", row), f"{row!r} goes on with another"
    for command in ("/msg NAME text", "/r text", "/names", "/name NAME", "/block", "/quit"):
        assert any(row[6:].startswith(command) for row in shown)


@pytest.mark.parametrize("columns", slow_beyond(1, [20, 40, 80]))
def test_the_list_of_a_class_stands_in_columns(open_desk: OpenDesk, columns: int) -> None:
    class_list = names(24)
    desk = open_desk(columns=columns)
    desk.connection.send(f"NAMES 25 me {' '.join(class_list)}")
    desk.wait_until_shown()
    listed = next(line for line in shown_lines(desk.person) if "here (25)" in line[0])
    found = list(itertools.chain(*(row.split() for row in listed[1:])))
    assert sorted(found) == sorted([*class_list, "me"])
    across = max(len(row.split()) for row in listed[1:])
    assert across == {20: 1, 40: 3, 80: 7}[columns]


# ------------------------------------------------------------------------------------- links

ADDRESS = "https://example.org/" + "long/" * 20 + "end"


@pytest.mark.parametrize(
    "environment",
    slow_beyond(
        1,
        [
            {"TERM_PROGRAM": "vscode"},
            {"VTE_VERSION": "7600"},
            {"KONSOLE_VERSION": "230400"},
            {"TERM": "foot"},
            {"TMUX": "/tmp/tmux", "TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.4"},
        ],
    ),
    ids=str,
)
def test_each_row_of_an_address_leads_to_the_whole(
    open_desk: OpenDesk, environment: dict[str, str]
) -> None:
    desk = open_desk(columns=60, environment=environment)
    desk.connection.send(f"MSG bob BROADCAST look at {ADDRESS}, and (https://b.example/ü).")
    desk.wait_until_shown()
    *parts, last = desk.person.screen.links()
    assert len(parts) > 1
    assert "".join(text for text, _ in parts) == ADDRESS
    assert {address for _, address in parts} == {ADDRESS}
    assert last == ("https://b.example/ü", "https://b.example/%C3%BC")
    assert desk.person.screen.unknown == []


@pytest.mark.parametrize(
    "environment",
    slow_beyond(
        1,
        [
            {},
            {"TERM": "dumb", "TERM_PROGRAM": "vscode"},
            {"VTE_VERSION": "4800"},
            {"TMUX": "/tmp/tmux", "TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.3a"},
            {"TMUX": "/tmp/tmux", "VTE_VERSION": "7600"},
        ],
    ),
    ids=str,
)
def test_a_terminal_that_may_not_know_links_gets_none(
    open_desk: OpenDesk, environment: dict[str, str]
) -> None:
    desk = open_desk(environment=environment)
    desk.connection.send(f"MSG bob BROADCAST look at {ADDRESS}")
    desk.wait_until_shown()
    assert b"\x1b]8" not in desk.person.written
    assert ADDRESS in re.sub(r"\s", "", desk.person.screen.text())


def test_an_address_cannot_lead_out_of_its_sequence(open_desk: OpenDesk) -> None:
    desk = open_desk(environment={"TERM_PROGRAM": "vscode"})
    desk.connection.send("MSG bob BROADCAST https://e.org/\x1b\\\x1b[2J\x07\x9c;x\u202egro")
    desk.wait_until_shown()
    (_, address), *_ = desk.person.screen.links()
    assert address.isascii()
    assert address.isprintable()
    assert desk.person.screen.unknown == []
