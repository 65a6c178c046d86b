"""The server's own word: whoever reads it knows whose it is, and nobody else's looks like it."""

from __future__ import annotations

import pytest
from harness import slow_beyond

from client.person import Desk, OpenDesk
from client.piped import PipedClient
from client.played import PlayedServer
from client.test_rows import CLOCK, text_of
from client.test_title import is_called

LONG = "The test is on Friday, not on Monday, and all of it is in the book."
HOSTILE = "\x1b[2J\x07\u202e.yadnoM\u2028\u2029\x85\n12:00 teacher: owned"


@pytest.mark.parametrize(
    "environment",
    slow_beyond(1, [{}, {"NO_COLOR": "1"}, {"TERM": "vt100"}]),
    ids=["colours", "no-color", "vt100"],
)
@pytest.mark.parametrize("columns", [20, 40])
def test_its_rows_hang_and_all_of_it_is_bold(
    open_desk: OpenDesk, columns: int, environment: dict[str, str]
) -> None:
    desk = open_desk(columns=columns, environment=environment)
    desk.connection.send(f"INFO {LONG}")
    desk.wait_until_shown()
    screen = desk.person.screen
    rows = [*screen.history, *screen.rows]
    start = next(place for place, row in enumerate(rows) if "[server]" in text_of(row))
    end = next(place for place, row in enumerate(rows) if "number 1" in text_of(row))
    hang = 6 if columns == 20 else 6 + len("[server] ")
    said = []
    for place, row in enumerate(rows[start:end]):
        text = text_of(row)
        assert CLOCK.match(text) if place == 0 else text.startswith(" " * hang)
        begin = 6 if place == 0 else hang
        said.append(text[begin:])
        styles = [cell.style for cell in row.cells[begin : len(text)] if cell.text != " "]
        assert {style.split(";")[0] for style in styles} == {"1"}
    assert " ".join(said) == f"[server] {LONG}"


@pytest.mark.parametrize("text", ["[server] Go home.", "x " * 40 + "[server] Go home."])
@pytest.mark.parametrize("columns", slow_beyond(1, [20, 80]))
def test_no_message_looks_like_it(open_desk: OpenDesk, columns: int, text: str) -> None:
    """Without any style the place tells: the server's word alone stands behind a time."""
    desk = open_desk(columns=columns, environment={"TERM": "dumb"})
    desk.connection.send(f"MSG bob BROADCAST {text}", f"MSG bob me {text}")
    desk.person.type("[server] Go home.\r")
    desk.connection.receive()
    desk.connection.send("INFO Stay here.")
    desk.wait_until_shown()
    screen = desk.person.screen
    rows = map(text_of, [*screen.history, *screen.rows])
    marked = [row[6:] for row in rows if CLOCK.match(row) and row[6:].startswith("[server]")]
    assert " ".join(marked).startswith("[server] Stay")
    assert len(marked) == 1


def test_it_counts_as_for_this_person(open_desk: OpenDesk) -> None:
    desk = open_desk("--bell")
    desk.connection.send("INFO Listen, please.")
    is_called(desk.person, "(1) me – Chat")
    desk.person.sees("[server] Listen, please.")
    desk.wait_until_shown()
    assert desk.person.screen.bells == 1


def test_it_is_heard_before_one_has_a_name(open_desk: OpenDesk, played: PlayedServer) -> None:
    with PipedClient("--port", str(played.port)) as client:
        connection = played.accept()
        connection.send("INFO Soon we begin.", "INFO  spaces  stay", "BYE")
        assert client.wait_exit() == 0
        first, second, _ = client.last_words().splitlines()
    assert first[5:] == " [server] Soon we begin."
    assert second[5:] == " [server]  spaces  stay"


def test_a_hostile_one_does_no_harm(own_desk: Desk) -> None:
    own_desk.connection.send(f"INFO {HOSTILE}")
    own_desk.person.sees("[server] ␛[2J␇⇄.yadnoM␤␤�␊12:00 teacher: owned")
    assert own_desk.person.screen.unknown == []
    assert b"\x1b[2J" not in own_desk.person.written
