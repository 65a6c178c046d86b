"""The keys of a Windows console.

Knows msvcrt and the halves in which it returns some keys; knows no escape sequence.
"""

from __future__ import annotations

import importlib
from typing import ClassVar

from chat.terminal.keys import plain_key


class WindowsKeyboard:
    """The keys of a Windows console. select() cannot watch it, so it is looked at in between."""

    POLL_SECONDS = 0.03
    _SPECIAL: ClassVar[dict[str, str]] = {
        "H": "up",
        "P": "down",
        "M": "right",
        "K": "left",
        "G": "home",
        "O": "end",
        "S": "delete",
    }

    def __init__(self) -> None:
        # Imported by its name, for a type checker finds nothing in it on other systems.
        self._console = importlib.import_module("msvcrt")
        self.source = None
        self._high_half = ""

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
        return keys

    def cursor_column(self) -> int:
        """No signal tells that a console's window was resized, so nobody asks."""
        return 0

    def _key(self, character: str) -> str:
        # Special keys come as two characters. The first of them is also what à sends, but then
        # nothing waits behind it.
        if character in ("\x00", "\xe0") and self._console.kbhit():
            return self._SPECIAL.get(self._console.getwch(), "unknown")
        if "\ud800" <= character <= "\udbff":
            self._high_half = character  # an emoji, say, comes as two UTF-16 halves
            return ""
        if "\udc00" <= character <= "\udfff":
            pair, self._high_half = self._high_half + character, ""
            return pair.encode("utf-16", "surrogatepass").decode("utf-16", "replace")[:1]
        return plain_key(character)
