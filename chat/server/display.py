"""The desk's display: log and answers above the row being typed, on a terminal that may stall.

Knows rows, and how many of them somebody can read; knows no key, and not what is said.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from chat.server.deadlines import Deadlines
from chat.server.printers import Printer
from chat.terminal.console import Abilities, find_abilities
from chat.terminal.line_editor import LineEditor
from chat.terminal.screen import Screen
from chat.terminal.text import harmless, most_sizes, sizes
from chat.terminal.wrap import trimmed, wrap

LOG_ROWS = 50  # in a second: more than anybody reads
ENOUGH_TEXTS = 10_000  # that wait for a terminal which stands still: no more is asked meanwhile
INDENT = len("12:34:56 ")  # columns: further rows stand beside the time
GLANCE_SECONDS = 0.01


class Outbox:
    """What the terminal has not taken yet. Writing to it never waits, and nothing is torn: what is
    left of an escape sequence goes out before anything else.
    """

    def __init__(self, printer: Printer) -> None:
        self._printer = printer
        self._waiting = b""

    @property
    def stands_still(self) -> bool:
        """Whether something waits for the terminal."""
        return bool(self._waiting)

    def fileno(self) -> int:
        """Return the descriptor of the terminal."""
        return sys.stdout.fileno()

    def isatty(self) -> bool:
        """It is one."""
        return True

    def write(self, text: str) -> None:
        """Take all of it."""
        self._waiting += text.encode(self._printer.encoding, "replace")

    def flush(self) -> None:
        """Write what waits, as far as the terminal takes it."""
        while self._waiting and (taken := self._printer.take(self._waiting)):
            self._waiting = self._waiting[taken:]

    def finish(self, patience: float) -> None:
        """Give the terminal so many seconds to take what waits."""
        end = time.monotonic() + patience
        self.flush()
        while self._waiting and time.monotonic() < end:
            time.sleep(GLANCE_SECONDS)
            self.flush()

    def drop(self) -> None:
        """Drop what waits, and what the terminal was handed and nobody has read yet."""
        self._waiting = b""
        self._printer.drop()


class Display:
    """Collects what a turn has to show, and shows it at its end with the row being typed."""

    def __init__(self, printer: Printer, deadlines: Deadlines) -> None:
        self._outbox = Outbox(printer)
        self._deadlines = deadlines
        escapes = find_abilities(sys.stdout, colours=False).escapes
        # Where autowrap cannot be switched off, no row may be wider than we think.
        self._sizes = sizes if escapes else most_sizes
        self.screen = Screen(self._outbox, Abilities(escapes), person=True)
        self._texts: list[str] = []  # that are not shown yet; a row or more each
        self._log_rows = 0  # in this second, or nearly so
        self._left_out = 0  # lines of the log since then

    @property
    def stands_still(self) -> bool:
        """Whether the terminal has not taken all that was written."""
        return self._outbox.stands_still

    @property
    def is_full(self) -> bool:
        """Whether so much waits for the terminal that nobody should ask for more."""
        return len(self._texts) > ENOUGH_TEXTS

    @property
    def has_news(self) -> bool:
        """Whether update() has something to show that it was not asked for."""
        return bool(self._texts) or self.stands_still

    def log(self, text: str) -> None:
        """Show a line of the log, or count it where there were too many in this second."""
        if self._log_rows >= LOG_ROWS:
            self._left_out += 1
            return
        self.tell(text)
        self._log_rows += 1 + len(text) // self._width()
        self._deadlines.later(1.0, self, self._end_second)

    def _end_second(self, _display: object) -> None:
        if self.stands_still:
            self._deadlines.later(1.0, self, self._end_second)
            return
        self._log_rows = 0
        self._tell_left_out()

    def _tell_left_out(self) -> None:
        if self._left_out:
            count, self._left_out = self._left_out, 0
            self.tell(f"({count} lines are left out: more than anybody can read)")

    def tell(self, text: str) -> None:
        """Show a line that is never left out: an answer."""
        self._texts.append(harmless(text))

    def _width(self) -> int:
        return self.screen.row_width or 80

    def _rows_of(self, text: str, width: int) -> list[str]:
        indent = INDENT if width >= 2 * INDENT else 0
        first, *others = wrap(text, width, indent, sizes=self._sizes)
        return [trimmed(first), *(" " * indent + trimmed(row) for row in others)]

    def update(self, prompts: list[str], editor: LineEditor) -> None:
        """Show all that is new, and the row being typed, in one write; later, if the last one still
        waits for the terminal.
        """
        was_behind = self.stands_still
        self._outbox.flush()
        if self.stands_still:
            return
        if was_behind:
            self.screen.redraw()
        width = self._width()
        rows = [row for text in self._texts for row in self._rows_of(text, width)]
        self.screen.update(rows, prompts, editor)
        self._texts = []

    def resized(self, cursor_column: Callable[[], int]) -> None:
        """The window has another size; see Screen.resized()."""
        if not self.stands_still:
            self.screen.resized(cursor_column)
        self.screen.redraw()

    def close(self, patience: float) -> None:
        """Take the row away. The terminal may be behind for so many seconds."""
        self.screen.close()
        self._outbox.finish(patience)
        if self.stands_still:
            # Nobody reads. It shall find all the same, when it goes on, how we leave it.
            self._outbox.drop()
            self.screen.close()

    def unshown(self) -> list[str]:
        """Return what was not shown, for we leave, and how many lines were left out."""
        self._deadlines.forget(self)
        self._tell_left_out()
        return self._texts
