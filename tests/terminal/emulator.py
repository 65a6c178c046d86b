"""What a terminal shows: the bytes of a program become a grid of characters, as a person sees them.

It knows no process and no pseudo-terminal; see pseudo.py.

Columns are counted one code point at a time, as most terminals do: wide characters and emoji take
two (Unicode annex #11), combining marks and format characters join the character before them.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from itertools import groupby

SEQUENCE = re.compile(
    r"\x1b(?:"
    r"\[(?P<arguments>[0-?]*[ -/]*)(?P<final>[@-~])"  # CSI: ESC [ 1 ; 5 C
    r"|\](?P<command>[^\x07\x1b]*)(?:\x07|\x1b\\)"  # OSC: a window title
    r"|(?P<short>[ -/]*[0-Z\\^-~])"  # ESC 7
    r")"
)
SEQUENCE_BEGUN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[ -/]*)")  # more must come

SEQUENCE_CUT = re.compile(r"\x1b(?:\[[0-?]*[ -/]*)?(?=[\x00-\x1f])")  # another begins: it is void


def columns_of(character: str) -> int:
    """Return how many columns one code point takes: 0, 1 or 2."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


@dataclass(slots=True)
class Cell:
    """One column of one row."""

    text: str = " "  # a character and what combines with it; nothing: the right half of a wide one
    style: str = ""  # the numbers of the CSI … m in force, as they came
    link: str = ""  # the address to which it leads (OSC 8)


@dataclass(slots=True)
class Row:
    """One row of cells."""

    cells: list[Cell]
    wrapped: bool = False  # the text was too long for it and goes on in the next row

    def __str__(self) -> str:
        text = "".join(cell.text for cell in self.cells)
        return text if self.wrapped else text.rstrip()


class Screen:
    """What a terminal shows after the bytes that were fed to it.

    A window that changes its width cuts its rows, as xterm does; with `reflows` it wraps the
    lines anew, as most younger terminals do.
    """

    def __init__(self, columns: int = 80, rows: int = 24, reflows: bool = False) -> None:
        self.columns = columns
        self.reflows = reflows
        self.rows = [self._blank_row() for _ in range(rows)]
        self.history: list[Row] = []  # what was scrolled off the top
        self.row = 0
        self.column = 0
        self.style = ""
        self.link = ""
        self.title = "a shell"
        self.kept_titles: list[str] = []  # put aside with XTWINOPS 22
        self.bells = 0
        self.modes = {"7": True, "25": True, "2004": False}  # wrap, cursor shown, bracketed paste
        self.unknown: list[str] = []  # sequences that this terminal does not know
        self.answers = b""  # to the program's questions, sent as if they were typed
        self.is_mute = False  # like a terminal that knows no questions
        self._is_full = False  # the last column is written: with autowrap the next character wraps
        self._saved = (0, 0, False, "")
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = ""  # a sequence that has not arrived whole

    # -- what a test asks

    @property
    def cursor(self) -> tuple[int, int]:
        """Where the cursor is: row and column, counted from 0."""
        return self.row, self.column

    def lines(self) -> list[str]:
        """Return the rows in sight, without the blanks at their ends."""
        return [str(row).rstrip() for row in self.rows]

    def text(self) -> str:
        """Return all that was ever shown, the scrolled-off too; wrapped rows are one line."""
        return "".join(
            f"{row}{'' if row.wrapped else chr(10)}" for row in self.history + self.rows
        ).rstrip("\n")

    def running_text(self) -> str:
        """Return the same with single spaces only, for narrow windows cut lines anywhere."""
        return " ".join(self.text().split())

    def before_cursor(self) -> str:
        """Return what stands left of the cursor in its row."""
        return "".join(cell.text for cell in self.rows[self.row].cells[: self.column])

    def after_cursor(self) -> str:
        """Return what stands at the cursor and right of it, without the blanks at the end."""
        return "".join(cell.text for cell in self.rows[self.row].cells[self.column :]).rstrip()

    def styles_of(self, text: str) -> list[str]:
        """Return the style of each character where `text` was last shown."""
        for row in reversed(self.history + self.rows):
            line = "".join(cell.text for cell in row.cells)
            if (start := line.rfind(text)) >= 0:
                styles = [cell.style for cell in row.cells for _ in cell.text]
                return styles[start : start + len(text)]
        raise AssertionError(f"{text!r} is not on the screen\n{self}")

    def links(self) -> list[tuple[str, str]]:
        """Return each text that leads to an address, row by row, and that address."""
        return [
            ("".join(cell.text for cell in cells), address)
            for row in self.history + self.rows
            for address, cells in groupby(row.cells, lambda cell: cell.link)
            if address
        ]

    def __str__(self) -> str:
        edge = "-" * self.columns
        rows = "\n".join(f"|{line}" for line in self.lines())
        return f"{edge}\n{rows}\n{edge}\ncursor at {self.cursor}, unknown: {self.unknown}"

    # -- what a program writes

    def feed(self, data: bytes) -> None:
        """Take what the program wrote, however it is cut."""
        text = self._begun + self._decoder.decode(data)
        self._begun = ""
        position = 0
        while position < len(text):
            if text[position] != "\x1b":
                self._put(text[position])
                position += 1
            elif found := SEQUENCE.match(text, position):
                self._obey(found)
                position = found.end()
            elif SEQUENCE_BEGUN.fullmatch(text, position):
                self._begun = text[position:]
                return
            elif found := SEQUENCE_CUT.match(text, position):
                self.unknown.append(found[0])
                position = found.end()
            else:
                self.unknown.append("\x1b")
                position += 1

    def _blank_row(self) -> Row:
        return Row([Cell() for _ in range(self.columns)])

    def _put(self, character: str) -> None:
        if character == "\n":
            self._line_feed()
        elif character == "\r":
            self._move_to(self.row, 0)
        elif character == "\b":
            self._move_to(self.row, self.column - 1)
        elif character == "\a":
            self.bells += 1
        elif unicodedata.category(character) == "Cc":
            self.unknown.append(character)
        elif columns_of(character):
            self._write(character, columns_of(character))
        else:
            self._combine(character)

    def _write(self, character: str, width: int) -> None:
        cells = self.rows[self.row].cells
        wraps = self.modes["7"]
        if (self._is_full and wraps) or self.column + width > self.columns:
            if wraps:
                for cell in cells[self.column + self._is_full :]:
                    cell.text = ""  # a wide character found one column too few
                self.rows[self.row].wrapped = True
                self._line_feed()
                self.column = 0
                cells = self.rows[self.row].cells
            else:
                self.column = self.columns - width
        self._clear(self.row, self.column, self.column + width)
        cells[self.column] = Cell(character, self.style, self.link)
        for half in range(self.column + 1, self.column + width):
            cells[half] = Cell("", self.style, self.link)
        self._is_full = self.column + width == self.columns
        self.column = min(self.column + width, self.columns - 1)

    def _combine(self, mark: str) -> None:
        cells = self.rows[self.row].cells
        column = self.column if self._is_full else self.column - 1
        while column > 0 and not cells[column].text:
            column -= 1
        if column >= 0:
            cells[column].text += mark

    def _clear(self, row: int, start: int, end: int) -> None:
        """Blank some columns of a row, and the other halves of the wide characters cut there."""
        cells = self.rows[row].cells
        while 0 < start < self.columns and not cells[start].text:
            start -= 1
        while end < self.columns and not cells[end].text:
            end += 1
        cells[start:end] = [Cell() for _ in cells[start:end]]
        self.rows[row].wrapped = self.rows[row].wrapped and end < self.columns

    def _line_feed(self) -> None:
        self._is_full = False
        if self.row < len(self.rows) - 1:
            self.row += 1
        else:
            self.history.append(self.rows.pop(0))
            self.rows.append(self._blank_row())

    def _move_to(self, row: int, column: int) -> None:
        self.row = max(0, min(row, len(self.rows) - 1))
        self.column = max(0, min(column, self.columns - 1))
        self._is_full = False

    def _obey(self, sequence: re.Match[str]) -> None:
        """Do what an escape sequence asks for (ECMA-48, and xterm's modes and window titles)."""
        final, arguments = sequence["final"], sequence["arguments"] or ""
        plain = re.fullmatch("[0-9;]*", arguments)
        numbers = [int(number or 0) for number in arguments.split(";")] if plain else [0]
        first, second = [*numbers, 0][:2]
        steps = max(1, first)
        moves = {"A": (-steps, 0), "B": (steps, 0), "C": (0, steps), "D": (0, -steps)}
        if sequence["short"] == "7" or (final == "s" and not arguments):
            self._saved = (self.row, self.column, self._is_full, self.style)
        elif sequence["short"] == "8" or (final == "u" and not arguments):
            row, column, self._is_full, self.style = self._saved
            is_full = self._is_full
            self._move_to(row, column)
            self._is_full = is_full
        elif final in ("h", "l") and arguments[1:] in self.modes and arguments[0] == "?":
            self.modes[arguments[1:]] = final == "h"
            self._is_full = self._is_full and arguments != "?7"
        elif (sequence["command"] or "").startswith("2;"):
            self.title = sequence["command"][2:]
        elif found := re.fullmatch("8;[^;]*;(.*)", sequence["command"] or ""):
            self.link = found[1]
        elif final == "t" and arguments in ("22;0", "22;2"):
            self.kept_titles.append(self.title)
        elif final == "t" and arguments in ("23;0", "23;2") and self.kept_titles:
            self.title = self.kept_titles.pop()
        elif final is None or not plain:
            self.unknown.append(sequence[0])
        elif final == "m":
            self._set_style(arguments)
        elif final in moves:
            down, right = moves[final]
            self._move_to(self.row + down, self.column + right)
        elif final == "G":
            self._move_to(self.row, steps - 1)
        elif final == "H":
            self._move_to(steps - 1, second - 1)
        elif final == "K" and first <= 2:
            self._erase_in_row(first)
        elif final == "J" and first <= 2:
            self._erase_in_screen(first)
        elif final == "n" and first == 6:
            if not self.is_mute:
                self.answers += f"\x1b[{self.row + 1};{self.column + 1}R".encode()
        else:
            self.unknown.append(sequence[0])

    def _set_style(self, arguments: str) -> None:
        if arguments in ("", "0"):
            self.style = ""
        else:
            self.style += (";" if self.style else "") + arguments

    def _erase_in_row(self, which: int) -> None:
        start = 0 if which else self.column
        end = self.column + 1 if which == 1 else self.columns
        self._clear(self.row, start, end)

    def _erase_in_screen(self, which: int) -> None:
        self._erase_in_row(which)
        first = 0 if which else self.row + 1
        last = self.row if which == 1 else len(self.rows)
        for row in range(first, last):
            if row != self.row:
                self._clear(row, 0, self.columns)

    # -- what a person does with the window

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size, as if it had been dragged."""
        if self.reflows:
            self._wrap_anew(columns)
        self.columns = columns
        while len(self.rows) > rows and self.row < len(self.rows) - 1:
            self.rows.pop()  # below the cursor
        while len(self.rows) > rows:
            self.history.append(self.rows.pop(0))
            self.row -= 1
        while len(self.rows) < rows and self.reflows and self.history:
            self.rows.insert(0, self.history.pop())
            self.row += 1
        while len(self.rows) < rows:
            self.rows.append(self._blank_row())
        for row in self.rows:
            row.cells = row.cells[:columns] + [Cell() for _ in range(columns - len(row.cells))]
        self._move_to(self.row, self.column)

    def _wrap_anew(self, columns: int) -> None:
        """Lay all lines out again for another width and keep the cursor on its character.

        Behind the last character of a row that is full, it stays in the last column.
        """
        everything = self.history + self.rows
        cursor_row, cursor_column = len(self.history) + self.row, self.column
        rows: list[Row] = []
        line: list[Cell] = []
        cursor: int | None = None  # how far into the line it is
        for number, row in enumerate(everything):
            if number == cursor_row:
                cursor = len(line) + cursor_column
            line += row.cells[:-1] if row.wrapped and self._is_filled_up(row) else row.cells
            if row.wrapped:
                continue
            while line and line[-1].text == " " and len(line) > (cursor or 0):
                line.pop()
            start = 0
            for cells in self._cut(line, columns):
                if cursor is not None and cursor >= start:
                    self.row, self.column = len(rows), min(cursor - start, columns - 1)
                start += len(cells)
                rows.append(Row(cells, wrapped=start < len(line)))
                if rows[-1].wrapped and len(cells) < columns:
                    cells.append(Cell(""))
            line, cursor = [], None
        while len(rows) > self.row + 1 and not any(cell.text.strip() for cell in rows[-1].cells):
            rows.pop()
        self.row = max(0, min(self.row, len(rows) - 1))
        above = max(0, len(rows) - len(self.rows))
        self.history, self.rows = rows[:above], rows[above:]
        self.row -= above

    @staticmethod
    def _is_filled_up(row: Row) -> bool:
        """Whether a wide character found the last column only, which is left out then."""
        last, before = row.cells[-1], row.cells[-2:-1]
        return not last.text and not any(columns_of(cell.text[:1] or " ") == 2 for cell in before)

    @staticmethod
    def _cut(line: list[Cell], columns: int) -> list[list[Cell]]:
        """Cut a line into the rows of a width; no wide character is cut in two."""
        rows = [line[:columns]]
        rest = line[columns:]
        while rest:
            if not rest[0].text and len(rows[-1]) > 1:
                rest.insert(0, rows[-1].pop())
            rows.append(rest[:columns])
            rest = rest[columns:]
        return rows
