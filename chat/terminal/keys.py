"""What terminals send becomes keys: one character, or a name such as "left" and "ctrl-a".

Knows escape sequences; knows no descriptor, and does not ask which system this is.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import ClassVar


class Paste(str):
    """Text that was pasted: it may hold line ends, and none of it is a key."""


CONTROL_KEYS = {"\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", "\x08": "backspace"}


def plain_key(character: str) -> str:
    """Return the key that sends this character: itself, "enter", "ctrl-a", …"""
    if character in CONTROL_KEYS:
        return CONTROL_KEYS[character]
    if character < " ":
        return f"ctrl-{chr(ord(character) + 0x60)}"
    unusable = unicodedata.category(character) == "Cc" or character == "\N{REPLACEMENT CHARACTER}"
    return "unknown" if unusable else character


ESCAPE_SECONDS = 0.1  # within which the rest of an escape sequence arrives
PASTE_SECONDS = 1.0  # the same for the end of a pasted text


class KeyDecoder:
    """Turns the bytes that a terminal sends into keys, however they are cut."""

    # ECMA-48, 5.4 (CSI … final byte), what VT100 keypads send (SS3), the Linux console's F1 to
    # F5, and Alt with a character. Taken whole, so that an unknown key leaves no stray `[15~`.
    _SEQUENCE = re.compile(r"\x1b(\[\[[A-E]|\[[0-?]*[ -/]*[@-~]|O[0-?]*[ @-~]|[^\[O\x1b])")
    _PASTE_START = "\x1b[200~"
    _PASTE_END = "\x1b[201~"
    _SPECIAL: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("[A", "OA"), "up"),
        **dict.fromkeys(("[B", "OB"), "down"),
        **dict.fromkeys(("[C", "OC"), "right"),
        **dict.fromkeys(("[D", "OD"), "left"),
        **dict.fromkeys(("[H", "OH", "[1~", "[7~"), "home"),
        **dict.fromkeys(("[F", "OF", "[4~", "[8~"), "end"),
        "[3~": "delete",
        # Ctrl with an arrow (xterm, older ones, rxvt), Alt with one (xterm), Alt+B and Alt+F.
        # PuTTY's Ctrl+Left is `OD`, which others send for Left alone.
        **dict.fromkeys(("[1;5D", "[5D", "Od", "[1;3D", "b", "B"), "word-left"),
        **dict.fromkeys(("[1;5C", "[5C", "Oc", "[1;3C", "f", "F"), "word-right"),
    }

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._text = ""  # decoded, but not yet a whole key

    @property
    def incomplete(self) -> bool:
        """Whether the rest of an escape sequence is missing. A lone Escape looks like that."""
        return bool(self._text)

    def feed(self, data: bytes) -> list[str]:
        """Return the keys that are whole now."""
        self._text += self._utf8.decode(data)
        keys: list[str] = []
        while self._text:
            plain, escape, _ = self._text.partition("\x1b")
            keys += map(plain_key, plain)
            self._text = self._text[len(plain) :]
            if escape:
                key = self._next_sequence()
                if not key:
                    break
                keys.append(key)
        return keys

    @property
    def patience(self) -> float:
        """For how many seconds after the last byte the rest of what is here may still come."""
        return PASTE_SECONDS if self._text.startswith(self._PASTE_START) else ESCAPE_SECONDS

    def give_up(self) -> list[str]:
        """Make keys of what is here, for its rest does not come: it was the Escape key, say."""
        text, self._text = self._text, ""
        if text.startswith(self._PASTE_START):
            return [Paste(text[len(self._PASTE_START) :])]
        return []

    def _next_sequence(self) -> str | None:
        """Take the escape sequence that `_text` begins with; None while it is incomplete."""
        text = self._text
        if text.startswith(self._PASTE_START):
            end = text.find(self._PASTE_END)
            if end < 0:
                return None
            self._text = text[end + len(self._PASTE_END) :]
            return Paste(text[len(self._PASTE_START) : end])
        match = self._SEQUENCE.match(text)
        if not match:
            # Incomplete: either more of it comes, or a new sequence has begun in its middle.
            again = text.find("\x1b", 1)
            self._text = text[max(again, 0) :]
            return "unknown" if again > 0 else None
        self._text = text[match.end() :]
        return self._SPECIAL.get(match[1], "unknown")
