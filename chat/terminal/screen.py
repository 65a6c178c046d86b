"""A person's terminal: finished rows go up, the line being typed stays below.

Knows escape sequences, and where there are none; knows not what the rows say.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Sequence

from chat.terminal.console import Abilities, Output, is_terminal
from chat.terminal.line_editor import LineEditor
from chat.terminal.text import clusters, columns

# Elsewhere resized() is called; a Windows console has to be asked, at every update.
SIGNAL_TELLS_WIDTH = hasattr(signal, "SIGWINCH")
ROOM_FOR_LINE = 24  # columns, or half a narrow window: what a prompt leaves to the line
PROMPT_END = "> "


def fitting(prompts: Sequence[str], width: int) -> str:
    """Return the first prompt that fits into `width` columns, or else the last one's beginning."""
    for prompt in prompts:
        if columns(prompt) <= width:
            return prompt
    end = f"…{PROMPT_END}"
    kept, free = "", width - len(end)
    for cluster in clusters(prompts[-1][:width]):
        free -= columns(cluster)
        if free < 0:
            break
        kept += cluster
    return kept + end


class Screen:
    """Hides the line being typed, prints, shows the line again. One row, never torn.

    Without escape sequences (ECMA-48, DEC VT100) the same is done with carriage return, spaces and
    backspace.
    """

    def __init__(self, output: Output, abilities: Abilities, *, person: bool) -> None:
        """`person`: somebody types there, and has a line below what is printed."""
        self._output = output
        self._terminal = is_terminal(output)
        self._has_line = self._terminal and person
        self._escapes = abilities.escapes
        self._titles = self._has_line and abilities.titles
        self._title = ""  # as it was shown last
        self._kept_title = False  # the terminal keeps the one that it had
        self._drawn = ""  # the row as it was written last
        self._drawn_columns = 0
        self._drawn_width = 0  # of the window then
        self._cursor_column = 0  # counted from 0
        self._wraps = False  # whether the terminal was seen to wrap rows when it becomes narrower

    def open(self) -> None:
        """Ask the terminal to mark pasted text, so that its line ends are no Enter keys, and to
        keep its title.
        """
        self.redraw()
        if self._has_line and self._escapes:
            self._write("\x1b[?2004h")
        if self._titles and not self._kept_title:
            self._kept_title = True
            self._write("\x1b[22;0t")

    def close(self) -> None:
        """Take the line being typed away, the marking of pasted text, and our title."""
        if self._has_line:
            # Autowrap is on already, unless the last write was cut short.
            self._write(self._hidden() + ("\x1b[?7h\x1b[?2004l" if self._escapes else ""))
        if self._kept_title:
            self._kept_title, self._title = False, ""
            self._write("\x1b[23;0t")

    @property
    def row_width(self) -> int | None:
        """How many columns a row may have; None where there is no terminal, and it has no end."""
        if not self._terminal:
            return None
        # The last column stays free where a row that fills it would end in a row more.
        return self._width() if self._escapes else self._width() - 1

    def show_title(self, title: str) -> None:
        """Have the window called so, where it can be called again as it was: see close()."""
        if self._titles and title != self._title:
            self._title = title
            self._write(f"\x1b]2;{title}\x1b\\")

    def ring(self) -> None:
        """Have the terminal ring its bell, or flash."""
        if self._has_line:
            self._write("\a")

    def redraw(self) -> None:
        """Have the next update() draw the row even if it has not changed."""
        self._drawn = ""

    def resized(self, cursor_column: Callable[[], int]) -> None:
        """Draw the row anew in a window of another width, and leave nothing of the old one.

        `cursor_column` is what the terminal answers when asked, counted from 1; 0 is no answer.
        """
        if self._has_line and self._escapes:
            above = self._rows_above_cursor(cursor_column)
            up = f"\x1b[{above}A" if above else ""
            self._write(f"{up}\r\x1b[J")  # below the row there is nothing but pieces of it
            self._cursor_column = 0  # also for another call before the row is drawn anew
        self.redraw()

    def _rows_above_cursor(self, cursor_column: Callable[[], int]) -> int:
        """Return how many rows a narrower window has made of what stands left of the cursor.

        Younger terminals wrap it, older ones cut it; only the place of the cursor tells which.
        """
        width, before = self._width(), self._cursor_column
        if before < width - 1:  # in the last column stands no wide character: it wraps earlier
            return 0
        self._write("\x1b[6n")  # DSR, ECMA-48: the terminal answers as if it were typed
        column = cursor_column() - 1
        rows = round((before - column) / width)
        # A row may end a column early, for a wide character that had no place; a full one keeps the
        # cursor. Any other answer is no terminal's that wraps, or of one resized again meanwhile.
        fits = column >= 0 and -1 <= rows * width + column - before <= rows
        # In the last column both kinds have it: in doubt a piece stays, and no message is lost.
        self._wraps = self._wraps or (fits and column != width - 1)
        return rows if fits and self._wraps else 0

    def clear(self) -> None:
        """Empty the window; the row is drawn anew at its top."""
        if self._has_line and self._escapes:
            self._write("\x1b[H\x1b[2J")
            self._cursor_column = 0
        self.redraw()

    def update(self, rows: Iterable[str], prompts: Sequence[str], editor: LineEditor) -> None:
        """Print `rows` above the line being typed, which stands behind the first prompt that fits.

        No row may be wider than `row_width`. All of it in one write: a thousand messages cost one
        redraw.
        """
        printed = "".join(f"{row}\n" for row in rows)
        if printed and self._escapes:
            # Without autowrap (DECAWM) a row can never become two, whatever the terminal thinks of
            # a character's width.
            printed = f"\x1b[?7l{printed}\x1b[?7h"
        if not self._has_line:
            self._write(printed)
            return
        width = self._width()
        # Blanks for what a narrower window has cut off would begin a row of their own.
        was_cut = self._drawn_columns >= width
        self._drawn_columns = min(self._drawn_columns, width)
        if printed or was_cut:
            printed = self._hidden() + printed
        row, self._drawn_columns = self._row(prompts, editor, width)
        resized = width != self._drawn_width and not SIGNAL_TELLS_WIDTH
        if printed or row != self._drawn or resized:
            self._write(printed + row)
            self._drawn, self._drawn_width = row, width

    def _row(self, prompts: Sequence[str], editor: LineEditor, width: int) -> tuple[str, int]:
        width -= 1  # the last column stays free: no terminal wraps there
        prompt = fitting(prompts, width - min(ROOM_FOR_LINE, width // 2))
        left, right = editor.view(max(2, width - columns(prompt)))
        self._cursor_column = columns(prompt + left)
        if not self._escapes:
            used = columns(prompt + left + right)
            blank = " " * max(0, self._drawn_columns - used)
            back = "\b" * (len(blank) + columns(right))
            return f"\r{prompt}{left}{right}{blank}{back}", used
        # Saving the cursor between the two halves and restoring it (DECSC, DECRC) puts it in the
        # right place even where the terminal's idea of a character's width differs from ours.
        return f"\r\x1b[?7l{prompt}{left}\x1b7{right}\x1b[K\x1b8\x1b[?7h", 0

    def _hidden(self) -> str:
        self._drawn, self._cursor_column = "", 0
        if self._escapes:
            return "\r\x1b[K"
        blank, self._drawn_columns = " " * self._drawn_columns, 0
        # Behind a blank in the last column old Windows consoles stand in the next row, and one back
        # from there in the row again.
        return f"\r{blank}\b\r" if blank else "\r"

    def _width(self) -> int:
        try:
            return max(4, os.get_terminal_size(self._output.fileno()).columns or 80)
        except OSError:
            return 80

    def _write(self, text: str) -> None:
        if text:
            self._output.write(text)
            self._output.flush()
