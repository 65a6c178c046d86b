"""A person's terminal: finished rows go up, the line being typed stays below.

Knows escape sequences, and where there are none; knows not what the rows say.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

from chat.terminal.line_editor import LineEditor
from chat.terminal.text import columns

# Elsewhere resized() is called; a Windows console has to be asked, at every update.
SIGNAL_TELLS_WIDTH = hasattr(signal, "SIGWINCH")


class Screen:
    """Hides the line being typed, prints, shows the line again. One row, never torn.

    `escapes` tells whether the terminal understands escape sequences (ECMA-48, DEC VT100);
    without them the same is done with carriage return, spaces and backspace.
    """

    def __init__(self, output: TextIO, *, terminal: bool, escapes: bool) -> None:
        self._output = output
        self._terminal = terminal
        self._escapes = escapes
        self._drawn = ""  # the row as it was written last
        self._drawn_columns = 0
        self._drawn_width = 0  # of the window then
        self._cursor_column = 0  # counted from 0

    def open(self) -> None:
        """Ask the terminal to mark pasted text, so that its line ends are no Enter keys."""
        self.redraw()
        if self._terminal and self._escapes:
            self._write("\x1b[?2004h")

    def close(self) -> None:
        """Take the line being typed away, and the marking of pasted text."""
        if self._terminal:
            self._write(self._hidden() + ("\x1b[?2004l" if self._escapes else ""))

    def redraw(self) -> None:
        """Have the next update() draw the row even if it has not changed."""
        self._drawn = ""

    def resized(self, cursor_column: Callable[[], int]) -> None:
        """Draw the row anew in a window of another width.

        Where it has become too narrow for the row, younger terminals have wrapped it, older ones
        cut it; only the place of the cursor tells which (counted from 1, 0 where it is unknown).
        """
        wrapped, column = divmod(self._cursor_column, self._width())
        if wrapped and self._escapes:
            self._write("\x1b[6n")  # DSR, ECMA-48: the terminal answers as if it were typed
            if cursor_column() == column + 1 != self._width():
                self._write(f"\x1b[{wrapped}A\r\x1b[J")
        self.redraw()

    def clear(self) -> None:
        """Empty the window; the row is drawn anew at its top."""
        if self._terminal and self._escapes:
            self._write("\x1b[H\x1b[2J")
        self.redraw()

    def update(self, rows: Iterable[str], prompts: Sequence[str], editor: LineEditor) -> None:
        """Print `rows` above the line being typed, which stands behind the first prompt that fits.

        All of it in one write: a thousand messages cost one redraw.
        """
        printed = "".join(f"{row}\n" for row in rows)
        if not self._terminal:
            self._write(printed)
            return
        if printed:
            printed = self._hidden() + printed
        width = self._width()
        row, self._drawn_columns = self._row(prompts, editor, width)
        resized = width != self._drawn_width and not SIGNAL_TELLS_WIDTH
        if printed or row != self._drawn or resized:
            self._write(printed + row)
            self._drawn, self._drawn_width = row, width

    def _row(self, prompts: Sequence[str], editor: LineEditor, width: int) -> tuple[str, int]:
        width -= 1  # the last column stays free: no terminal wraps there
        fitting = (prompt for prompt in prompts if editor.fits(width - columns(prompt)))
        prompt = next(fitting, prompts[-1])
        left, right = editor.view(max(2, width - columns(prompt)))
        self._cursor_column = columns(prompt + left)
        if not self._escapes:
            used = columns(prompt + left + right)
            blank = " " * max(0, self._drawn_columns - used)
            back = "\b" * (len(blank) + columns(right))
            return f"\r{prompt}{left}{right}{blank}{back}", used
        # Saving the cursor between the two halves and restoring it (DECSC, DECRC) puts it in the
        # right place even where the terminal's idea of a character's width differs from ours;
        # without autowrap (DECAWM) such a row can never become two.
        return f"\r\x1b[?7l{prompt}{left}\x1b7{right}\x1b[K\x1b8\x1b[?7h", 0

    def _hidden(self) -> str:
        self._drawn = ""
        return "\r\x1b[K" if self._escapes else f"\r{' ' * self._drawn_columns}\r"

    def _width(self) -> int:
        try:
            return max(4, os.get_terminal_size(self._output.fileno()).columns or 80)
        except OSError:
            return 80

    def _write(self, text: str) -> None:
        if text:
            self._output.write(text)
            self._output.flush()
