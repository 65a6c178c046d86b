"""A terminal for tests: starts a program in a pseudo-terminal and rebuilds what a person would see.

`Screen` turns bytes into a grid of characters, as a terminal does, and knows no process.
`Terminal` starts a program on a pseudo-terminal, types for it and watches its screen.
`Person` is somebody who uses the chat client in such a terminal; `Room` and `PlayedServer` are
what they talk to: the real server, or one that says what the test wants.

Columns are counted one code point at a time, as most terminals do: wide characters and emoji take
two (Unicode annex #11), combining marks and format characters join the character before them.
"""

from __future__ import annotations

import codecs
import os
import re
import select
import socket
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from harness import DEADLINE, ROOT, Client, ServerProcess, wait_until

import chat_protocol as protocol

if sys.platform != "win32":
    import fcntl
    import struct
    import termios

CLIENT = str(ROOT / "chat_client.py")

# ------------------------------------------------------------------------------------ the screen

SEQUENCE = re.compile(
    r"\x1b(?:"
    r"\[(?P<arguments>[0-?]*[ -/]*)(?P<final>[@-~])"  # CSI: ESC [ 1 ; 5 C
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: a window title
    r"|(?P<short>[ -/]*[0-Z\\^-~])"  # ESC 7
    r")"
)
SEQUENCE_BEGUN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[ -/]*)")  # more must come


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
        self.modes = {"7": True, "25": True, "2004": False}  # wrap, cursor shown, bracketed paste
        self.unknown: list[str] = []  # sequences that this terminal does not know
        self.answers = b""  # to the program's questions, sent as if they were typed
        self.is_mute = False  # like a terminal that knows no questions
        self._wrap_pending = False  # the last column is written: the next character wraps first
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
        elif unicodedata.category(character) == "Cc":
            if character != "\a":
                self.unknown.append(character)
        elif columns_of(character):
            self._write(character, columns_of(character))
        else:
            self._combine(character)

    def _write(self, character: str, width: int) -> None:
        cells = self.rows[self.row].cells
        if self._wrap_pending or self.column + width > self.columns:
            if self.modes["7"]:
                for cell in cells[self.column + self._wrap_pending :]:
                    cell.text = ""  # a wide character found one column too few
                self.rows[self.row].wrapped = True
                self._line_feed()
                self.column = 0
                cells = self.rows[self.row].cells
            else:
                self.column = self.columns - width
        self._clear(self.row, self.column, self.column + width)
        cells[self.column] = Cell(character, self.style)
        for half in range(self.column + 1, self.column + width):
            cells[half] = Cell("", self.style)
        self._wrap_pending = self.modes["7"] and self.column + width == self.columns
        self.column = min(self.column + width, self.columns - 1)

    def _combine(self, mark: str) -> None:
        cells = self.rows[self.row].cells
        column = self.column if self._wrap_pending else self.column - 1
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
        self._wrap_pending = False
        if self.row < len(self.rows) - 1:
            self.row += 1
        else:
            self.history.append(self.rows.pop(0))
            self.rows.append(self._blank_row())

    def _move_to(self, row: int, column: int) -> None:
        self.row = max(0, min(row, len(self.rows) - 1))
        self.column = max(0, min(column, self.columns - 1))
        self._wrap_pending = False

    def _obey(self, sequence: re.Match[str]) -> None:
        """Do what an escape sequence asks for (ECMA-48, and xterm's modes)."""
        final, arguments = sequence["final"], sequence["arguments"] or ""
        plain = re.fullmatch("[0-9;]*", arguments)
        numbers = [int(number or 0) for number in arguments.split(";")] if plain else [0]
        first, second = [*numbers, 0][:2]
        steps = max(1, first)
        moves = {"A": (-steps, 0), "B": (steps, 0), "C": (0, steps), "D": (0, -steps)}
        if sequence["short"] == "7" or (final == "s" and not arguments):
            self._saved = (self.row, self.column, self._wrap_pending, self.style)
        elif sequence["short"] == "8" or (final == "u" and not arguments):
            row, column, self._wrap_pending, self.style = self._saved
            wrap_pending = self._wrap_pending
            self._move_to(row, column)
            self._wrap_pending = wrap_pending
        elif final in ("h", "l") and arguments[1:] in self.modes and arguments[0] == "?":
            self.modes[arguments[1:]] = final == "h"
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
        """Lay all lines out again for another width and keep the cursor on its character."""
        everything = self.history + self.rows
        cursor_row, cursor_column = len(self.history) + self.row, self.column
        rows: list[Row] = []
        line: list[Cell] = []
        cursor: int | None = None  # how far into the line it is
        for number, row in enumerate(everything):
            if number == cursor_row:
                cursor = len(line) + cursor_column
            line += row.cells
            if row.wrapped:
                continue
            while line and line[-1].text == " " and len(line) > (cursor or 0):
                line.pop()
            if cursor is not None:
                self.row, self.column = len(rows) + cursor // columns, cursor % columns
            starts = range(0, max(1, len(line)), columns)
            rows += [Row(line[start : start + columns], wrapped=True) for start in starts]
            rows[-1].wrapped = False
            line, cursor = [], None
        while len(rows) > self.row + 1 and not any(cell.text.strip() for cell in rows[-1].cells):
            rows.pop()
        self.row = max(0, min(self.row, len(rows) - 1))
        above = max(0, len(rows) - len(self.rows))
        self.history, self.rows = rows[:above], rows[above:]
        self.row -= above


# ---------------------------------------------------------------------------------- the terminal


Self = TypeVar("Self", bound="Terminal")


class Terminal:
    """A program on a pseudo-terminal of its own, as if started in a fresh window.

    What is in `streams` goes to the program instead of the terminal: {"stdin": file}, say.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        reflows: bool = False,
        environment: Mapping[str, str] | None = None,
        streams: Mapping[str, Any] | None = None,
    ) -> None:
        if sys.platform == "win32":
            pytest.skip("Windows has no pseudo-terminals")
        self.screen = Screen(columns, rows, reflows)
        self.written = b""  # all that the program ever wrote
        self._ours, self._its = os.openpty()
        self._tell_size(columns, rows)
        self.settings = self.terminal_settings()
        self._ended, alive = os.pipe()  # held open by the program alone: readable when it ended
        terminal = dict.fromkeys(("stdin", "stdout", "stderr"), self._its)
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            **{**terminal, **(streams or {})},
            env={**clean_environment(), **(environment or {})},
            start_new_session=True,
            preexec_fn=self._take_terminal,
            pass_fds=[alive],
        )
        os.close(alive)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the program if it still runs, and give back the pseudo-terminal."""
        self.process.kill()
        self.process.wait()
        for descriptor in (self._ours, self._its, self._ended):
            os.close(descriptor)

    def _take_terminal(self) -> None:
        """In the new process: make the pseudo-terminal the one that sends Ctrl+C and the like."""
        fcntl.ioctl(self._its, termios.TIOCSCTTY, 0)

    def _tell_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def terminal_settings(self) -> list[Any]:
        """Return how the terminal is set at the moment: echo, line editing, special keys."""
        return termios.tcgetattr(self._ours)  # BSD systems take the other end away at the exit

    def type(self, keys: str | bytes) -> None:
        """Press keys."""
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            self._read_what_comes(0)  # or both sides could wait for each other
            _, writable, _ = select.select([], [self._ours], [], 0.05)
            if writable:
                data = data[os.write(self._ours, data[:256]) :]

    def resize(self, columns: int, rows: int) -> None:
        """Drag the window to another size; the kernel tells the program (SIGWINCH)."""
        self._read_what_comes(0)
        self.screen.resize(columns, rows)
        self._tell_size(columns, rows)

    def wait_for(self, what: str | Callable[[Screen], object], deadline: float = DEADLINE) -> None:
        """Return as soon as a text was shown or a condition is true; fail at the deadline."""

        def is_there() -> object:
            return what in self.screen.text() if isinstance(what, str) else what(self.screen)

        end = time.monotonic() + deadline
        self._read_what_comes(0)
        while not is_there():
            remaining = end - time.monotonic()
            if remaining <= 0 or not self._read_what_comes(remaining):
                name = repr(what) if isinstance(what, str) else "what it waits for"
                state = self.process.poll()
                raise AssertionError(f"no {name} (exit code {state})\n{self.screen}")

    def wait_exit(self, deadline: float = DEADLINE) -> int:
        """Wait until the program has ended, read its last words, return its exit code."""
        end = time.monotonic() + deadline
        while select.select([self._ended], [], [], 0)[0] == []:
            remaining = end - time.monotonic()
            assert remaining > 0, f"it does not end\n{self.screen}"
            self._read_what_comes(remaining)
        while self._read_what_comes(0):
            pass
        return self.process.wait(max(0.1, end - time.monotonic()))

    def set_back(self) -> None:
        """Set the terminal as it was at first, as a shell does when it comes to the front."""
        termios.tcsetattr(self._its, termios.TCSANOW, self.settings)

    def reads_single_keys(self) -> bool:
        """Whether the program took over from the kernel, which echoes and hands out whole lines."""
        return not self.terminal_settings()[3] & (termios.ECHO | termios.ICANON)

    def _read_what_comes(self, seconds: float) -> bool:
        """Show what the program writes next; return False when it writes nothing in that time.

        A program that has ended writes nothing more.
        """
        ready, _, _ = select.select([self._ours, self._ended], [], [], seconds)
        if self._ours not in ready:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:
            data = b""  # how some systems say that the program has ended
        self.written += data
        self.screen.feed(data)
        if self.screen.answers and data:
            os.write(self._ours, self.screen.answers)
            self.screen.answers = b""
        return bool(data)


def shown_times(text: str, count: int) -> Callable[[Screen], bool]:
    """Return a condition to wait for: that a text was shown so many times."""
    return lambda screen: screen.text().count(text) >= count


def clean_environment() -> dict[str, str]:
    """Return the environment of an ordinary terminal, whatever the tests themselves run in."""
    unwanted = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "LC_ALL", "PYTHONIOENCODING")
    environment = {key: value for key, value in os.environ.items() if key not in unwanted}
    return environment | {"TERM": "xterm-256color", "LANG": "C.UTF-8"}


# ---------------------------------------------------------------------- people and what they use


class Person(Terminal):
    """Somebody who uses the chat client in a terminal of their own."""

    prompt = ""  # what stands before the line being typed

    def __init__(
        self,
        port: int,
        name: str = "",
        *options: str,
        program: Sequence[str] = (CLIENT,),
        **settings: Any,
    ) -> None:
        """Start the client; without a `name` it asks for one. `program` replaces the script."""
        named = ["--name", name] if name else []
        command = [sys.executable, *program, "127.0.0.1", str(port), *named, *options]
        super().__init__(command, **settings)

    def get_ready(self) -> Person:
        """Wait until keys are echoed, and learn what stands before the line being typed."""
        wait_until(self.reads_single_keys, "the client reads single keys")
        self.type("x")
        self.wait_for(lambda screen: screen.before_cursor().endswith("x"))
        self.prompt = self.screen.before_cursor()[:-1]
        self.type("\x7f")
        self.shows_line("")
        return self

    def shows_line(self, before: str, after: str = "") -> None:
        """Wait until the line being typed is `before` and `after`, with the cursor in between."""
        wanted = (self.prompt + before, after)
        try:
            self.wait_for(lambda screen: (screen.before_cursor(), screen.after_cursor()) == wanted)
        except AssertionError as error:
            raise AssertionError(f"the line is not {wanted}: {error}") from None

    def sees(self, text: str) -> None:
        """Wait until a line was shown that is a time and this text."""
        line = re.compile(rf"^\d\d:\d\d {re.escape(text)}$", re.MULTILINE)
        try:
            self.wait_for(lambda screen: line.search(screen.text()))
        except AssertionError as error:
            raise AssertionError(f"no line HH:MM {text}: {error}") from None


class PlayedConnection(Client):
    """The server's end of a connection, with the test in the server's place."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.socket.settimeout(DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = protocol.FrameReader()
        self._sending = []

    def welcome(self, name: str, *others: str) -> None:
        """Let the client in that asks for `name`, and answer its first look around."""
        self.expect(f"NAME {name}")
        people = sorted([name, *others])
        self.send(f"HELLO {name}")
        self.expect("GET_NAMES")
        self.send(f"NAMES {len(people)} {' '.join(people)}")


class PlayedServer:
    """A server that says only what the test says: for what no real one does."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self._listener.settimeout(DEADLINE)
        self.port: int = self._listener.getsockname()[1]
        self._connections: list[PlayedConnection] = []

    def accept(self) -> PlayedConnection:
        """Wait for the next client."""
        connection, _ = self._listener.accept()
        self._connections.append(PlayedConnection(connection))
        return self._connections[-1]

    def __enter__(self) -> PlayedServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, and break off every connection."""
        self._listener.close()
        for connection in self._connections:
            connection.close()


class Room:
    """The real server, and the people of one test."""

    def __init__(self, server: ServerProcess) -> None:
        self.port = server.port
        self._observer = server.connect()  # has no name, so nobody hears of it
        self._people: list[Person | Client] = []

    def person(self, name: str, *options: str, **settings: Any) -> Person:
        """Start a client that is in the room and ready for keys."""
        person = Person(self.port, name, *options, **settings)
        self._people.append(person)
        person.wait_for("* here (")  # the last that it says by itself
        return person.get_ready()

    def raw(self, name: str) -> Client:
        """Connect somebody who speaks frames."""
        client = Client(("127.0.0.1", self.port)).name(name)
        self._people.append(client)
        return client

    def names(self) -> list[str]:
        """Return who is here."""
        return self._observer.ask("GET_NAMES").split()[2:]

    def clear(self) -> None:
        """Send everyone home, and wait until the server has noticed."""
        for person in self._people:
            person.close()
        wait_until(lambda: not self.names(), "everyone has left")
        self._observer.close()


class Desk:
    """One client at work, here as `me`, with the test as its server."""

    def __init__(self, *options: str, others: Sequence[str] = ("bob",), **settings: Any) -> None:
        """Start the client; `others` are here already."""
        self.server = PlayedServer()
        self.person = Person(self.server.port, "me", *options, **settings)
        self.connection = self.server.accept()
        self.connection.welcome("me", *others)
        self.person.wait_for("* here (")
        self.person.get_ready()
        self._number = 0

    def wait_until_shown(self) -> None:
        """Wait until all that was sent or typed up to now is on the screen."""
        self._number += 1
        self.connection.send(f"INFO number {self._number}")
        self.person.wait_for(f"number {self._number}")

    def is_clean(self) -> bool:
        """Empty the line being typed; False when that cannot be done any more."""
        try:
            self.person.type("\x05\x15")
            self.person.shows_line("")
        except (AssertionError, OSError):
            return False
        return True

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the client, and the server's part."""
        self.person.close()
        self.server.close()


def prepared_client(preparation: str) -> tuple[str, ...]:
    """Return a program that runs some Python lines before the client; `chat_client` is imported."""
    lines = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{preparation}"
    return ("-c", f"{lines}\nimport chat_client; sys.exit(chat_client.main())")
