"""A window becomes narrower and wider: what was said stays, and of the line being typed one row."""

from __future__ import annotations

import pytest
from client.person import Desk, OpenDesk, prepared_client
from harness import slow_beyond

from terminal.emulator import Screen
from terminal.pseudo import LEFT

WIDTHS = (60, 41, 30, 24, 100, 33, 52, 20)  # one after the other
LATIN = "".join(chr(ord("a") + number % 26) for number in range(70))
WIDE = "漢" * 35

# On a busy machine the test answers late for its terminal, and a piece may stay.
PATIENCE = (
    "from chat.terminal.posix_keyboard import PosixKeyboard\nPosixKeyboard.answer_seconds = 20.0\n"
)
PATIENT = prepared_client(PATIENCE)
# A window that is dragged sends many signals, and a busy client finds several at once.
TOLD_TWICE = prepared_client(
    f"{PATIENCE}from chat.terminal.screen import Screen\n"
    "resized = Screen.resized\n"
    "def twice(screen, column): resized(screen, column); resized(screen, column)\n"
    "Screen.resized = twice\n"
)
# The signal comes as select() returns for a frame. Of what a client watches it is the first.
TOLD_LATE = prepared_client(
    f"{PATIENCE}import select\n"
    "wait = select.select\n"
    "select.select = lambda reading, *others: wait(reading[1:] or reading, *others)\n"
)

each_kind = pytest.mark.parametrize("reflows", [False, True], ids=["cuts", "reflows"])


class Conversation:
    """A window full of what was said, to be seen again at every width."""

    def __init__(self, desk: Desk) -> None:
        for number in range(20):
            desk.connection.send(f"MSG bob BROADCAST message {number}")
        desk.wait_until_shown()
        self._desk = desk
        self._said = desk.person.screen.text().splitlines()[:-1]
        self._narrowest = desk.person.screen.columns

    def resize(self, columns: int) -> None:
        """Make the window so wide; wait until all that was said stands above the line alone."""
        self.resize_unheard(columns)
        self._desk.person.wait_for(self._stands_above_the_line)
        self.go_on()

    def resize_unheard(self, columns: int) -> None:
        """Make the window so wide, and that is all."""
        person = self._desk.person
        self._narrowest = min(self._narrowest, columns)
        person.resize(columns, len(person.screen.rows))

    def go_on(self) -> None:
        """Have something more said; wait until it stands above the line with all the rest."""
        person = self._desk.person
        self._desk.wait_until_shown()  # hence the client has heard of the new width
        rows = person.screen.text().splitlines()  # perhaps without the line below, which is next
        said = next(row for row in reversed(rows) if "* number" in row)
        assert person.prompt not in said, f"a piece of the line stayed behind\n{person.screen}"
        self._said.append(said)
        person.wait_for(self._stands_above_the_line)

    def _stands_above_the_line(self, screen: Screen) -> bool:
        prompt = self._desk.person.prompt
        *rows, line = screen.text().splitlines()
        # What a terminal has cut off is gone.
        kept = None if screen.reflows else self._narrowest
        return (
            [row[:kept].rstrip() for row in rows] == [row[:kept].rstrip() for row in self._said]
            and line.startswith(prompt)
            and line.count(prompt) == 1  # a piece would be taken for the beginning of the same line
            and screen.before_cursor().startswith(prompt)
            and screen.modes["7"]  # autowrap is on again: all of the row has come
        )

    def is_all_there(self) -> bool:
        """Whether all that was said is on the screen, whatever else is."""
        text = self._desk.person.screen.text()
        return all(row in text for row in self._said)


def type_up_to(desk: Desk, text: str, place: int) -> None:
    """Type a line, and go so many characters into it."""
    desk.person.type(text)
    desk.person.shows_line(text)
    desk.person.type(LEFT * (len(text) - place))
    desk.person.shows_line(text[:place], text[place:])


@each_kind
@pytest.mark.parametrize("place", slow_beyond(1, [30, 0, 70]), ids=["inside", "beginning", "end"])
@pytest.mark.parametrize("text", slow_beyond(1, [LATIN, WIDE]), ids=["latin", "wide"])
def test_nothing_stays_behind_and_nothing_is_lost(
    open_desk: OpenDesk, text: str, place: int, reflows: bool
) -> None:
    desk = open_desk(reflows=reflows, rows=12, program=PATIENT)
    conversation = Conversation(desk)
    type_up_to(desk, text, min(place, len(text)))
    for columns in WIDTHS:
        conversation.resize(columns)
    desk.person.type("!\r")
    desk.connection.expect(f"MSG BROADCAST {text[:place]}!{text[place:]}")


@each_kind
@pytest.mark.slow
def test_a_cursor_in_the_last_column_tells_nothing(open_desk: OpenDesk, reflows: bool) -> None:
    """It stands there in a row that was cut, and where the second of two rows ends so."""
    desk = open_desk(reflows=reflows, rows=12, program=PATIENT)
    conversation = Conversation(desk)
    type_up_to(desk, LATIN, 39 - len(desk.person.prompt))
    if reflows:  # seen before, in a window of another width
        conversation.resize(30)
        conversation.resize(80)
        desk.person.has_typed(LATIN[: 39 - len(desk.person.prompt)])
    conversation.resize(20)


@each_kind
def test_a_window_resized_again_before_it_answers(open_desk: OpenDesk, reflows: bool) -> None:
    """No row above the line is taken for a part of it."""
    desk = open_desk(reflows=reflows, rows=12, program=PATIENT)
    conversation = Conversation(desk)
    type_up_to(desk, LATIN, len(LATIN))
    rows = len(desk.person.screen.rows)
    desk.person.resize(30, rows)
    desk.person.screen.resize(50, rows)  # before it reads the question; the client knows of 30
    desk.wait_until_shown()
    assert conversation.is_all_there()


@each_kind
def test_a_window_resized_twice_before_the_row_is_drawn_anew(
    open_desk: OpenDesk, reflows: bool
) -> None:
    """The row that was taken away does not take one above it along."""
    desk = open_desk(reflows=reflows, rows=12, program=TOLD_TWICE)
    conversation = Conversation(desk)
    type_up_to(desk, LATIN, 30)  # in column 34: once around in a window of 33
    conversation.resize(33)


@each_kind
def test_a_window_is_resized_before_a_message_comes(open_desk: OpenDesk, reflows: bool) -> None:
    """No piece of the line stays above the message."""
    desk = open_desk(reflows=reflows, rows=12, program=TOLD_LATE)
    conversation = Conversation(desk)
    type_up_to(desk, LATIN, len(LATIN))
    for columns in WIDTHS:
        conversation.resize_unheard(columns)
        conversation.go_on()


def test_no_row_is_torn_where_there_are_no_escape_sequences(open_desk: OpenDesk) -> None:
    desk = open_desk(environment={"TERM": "dumb"})
    type_up_to(desk, LATIN, len(LATIN))
    desk.person.resize(40, 24)
    desk.wait_until_shown()
    desk.person.has_typed(LATIN[-20:])
    assert sum(desk.person.prompt in row for row in desk.person.screen.lines()) == 1
