"""The keys of a Windows console.

Knows msvcrt and what it makes of keys; knows no escape sequence.
"""

from __future__ import annotations

import importlib
from typing import ClassVar

from chat.terminal.keys import Paste, plain_key

# Keys without a pause between two looks: more than anybody types, so they were pasted, or typed
# while the program was busy.
BURST_KEYS = 4


class PasteFinder:
    """Finds what was pasted among keys, where a console delivers a paste as keys.

    No console tells it: Enters that arrive together with text are a guess at a paste, which the
    time between keys makes a good one. Where it is wrong, for somebody typed ahead of a busy
    program, the lines wait for one Enter more, and nothing is lost. The other mistake would send
    to everyone what was pasted behind `/msg anna`.
    """

    def __init__(self) -> None:
        self._streak = 0  # keys since a look last found none
        self._held: list[str] = []  # text and Enters that may go on with the next look

    def look(self, keys: list[str]) -> list[str]:
        """Take the keys that one look has found; return those of which it is known what they are.

        There has to be a look every few hundredths of a second, also when it finds no key.
        """
        found: list[str] = []
        self._streak = self._streak + len(keys) if keys else 0
        for key in keys:
            if len(key) == 1 or key in ("enter", "tab"):
                self._held.append(key)
            else:
                found += [*self._release(), key]
        if self._streak < BURST_KEYS or "enter" not in self._held:
            found += self._release()
        return found

    def _release(self) -> list[str]:
        """Return what was held: one paste, or the keys as they are."""
        held, self._held = self._held, []
        text = "".join({"enter": "\n", "tab": "\t"}.get(key, key) for key in held)
        behind_the_first = text.partition("\n")[2]
        # One Enter with a single letter behind it is a quick typist's.
        if text.strip() and ("\n" in behind_the_first or len(behind_the_first) > 1):
            return [Paste(text)]
        return held


class WindowsKeyboard:
    """The keys of a Windows console. select() cannot watch it, so it is looked at in between."""

    POLL_SECONDS = 0.03
    answer_seconds = 0.0
    _SPECIAL: ClassVar[dict[str, str]] = {
        "H": "up",
        "P": "down",
        "M": "right",
        "K": "left",
        "G": "home",
        "O": "end",
        "S": "delete",
        # Ctrl with an arrow, Alt with one, Alt+B and Alt+F. Where a console gives those two their
        # letter, as it may, the C runtime returns it as if there were no Alt (ucrt's getwch.cpp).
        **dict.fromkeys("s\x9b0", "word-left"),
        **dict.fromkeys("t\x9d!", "word-right"),
    }

    def __init__(self) -> None:
        # Imported by its name, for a type checker finds nothing in it on other systems.
        self._console = importlib.import_module("msvcrt")
        self.source = None
        self._high_half = ""
        self._pastes = PasteFinder()

    def take(self) -> None:
        """getwch() takes keys as they are pressed, without further ado."""

    def give_back(self) -> None:
        """Nothing was changed."""

    def patience(self) -> float | None:
        """How long a key may wait at most."""
        return self.POLL_SECONDS

    def read(self, ready: bool = False) -> list[str]:
        """Return the keys pressed since."""
        keys = []
        while self._console.kbhit():
            key = self._key(self._console.getwch())
            if key:
                keys.append(key)
        return self._pastes.look(keys)

    def cursor_column(self) -> int:
        """No signal tells that a console's window was resized, so nobody asks."""
        return 0

    def _key(self, character: str) -> str:
        if character in ("\x00", "\xe0") and self._second_half_waits(character):
            return self._SPECIAL.get(self._console.getwch(), "unknown")
        if "\ud800" <= character <= "\udbff":
            self._high_half = character  # an emoji, say, comes as two UTF-16 halves
            return ""
        if "\udc00" <= character <= "\udfff":
            pair, self._high_half = self._high_half + character, ""
            return pair.encode("utf-16", "surrogatepass").decode("utf-16", "replace")[:1]
        return plain_key(character)

    def _second_half_waits(self, first: str) -> bool:
        """Whether `first` is half of a special key; alone, U+00E0 is the letter à.

        The second half waits where kbhit() does not see it: in the C runtime, for the next
        getwch(). Just while it does so, nothing can be put back (_ungetwch(), ucrt's getwch.cpp).
        """
        try:
            self._console.ungetwch(first)
        except OSError:
            return True
        self._console.getwch()
        return False
