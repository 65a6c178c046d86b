"""What a person is shown: lines of several kinds, their colours, and their rows on a terminal.

Knows not what brought a line about, nor who shows it.
"""

from __future__ import annotations

import enum
import re
import time
import unicodedata
import zlib
from typing import NamedTuple

from chat.terminal.text import harmless
from chat_protocol import fold


class Kind(enum.Enum):
    """What a line on the screen is, for those who show it in different ways."""

    SAID = "said"  # to everyone
    PRIVATE = "private"
    EVENT = "event"  # somebody came, left, …; the answer to a request
    ERROR = "error"
    WIRE = "wire"  # a frame as it travels


class Line(NamedTuple):
    """One line to show. What it says is harmless to any terminal."""

    kind: Kind
    text: str
    speaker: str = ""  # stands before the text: `alice`, `you`, `alice → you`, `you → bob`
    person: str = ""  # whose colour the speaker has; empty for oneself
    mentions_me: bool = False

    def __str__(self) -> str:
        mark = "» " if self.mentions_me else ""
        return f"{mark}{self.speaker}: {self.text}" if self.speaker else self.text


class Lines:
    """What there is to show, until somebody takes it."""

    def __init__(self) -> None:
        self._lines: list[Line] = []

    def show(
        self, kind: Kind, text: str, speaker: str = "", person: str = "", mentions_me: bool = False
    ) -> None:
        """Add a line."""
        if kind is Kind.ERROR:
            text = f"! {text}"
        # The one place where text becomes a line, so that none can drive the terminal.
        self._lines.append(Line(kind, harmless(text), harmless(speaker), person, mentions_me))

    def tell(self, text: str, person: str = "") -> None:
        """Add a line about what happened, perhaps to somebody."""
        self.show(Kind.EVENT, f"* {text}", person=person)

    def take(self) -> list[Line]:
        """Return what there is to show, once."""
        lines, self._lines = self._lines, []
        return lines


# Normalising takes time that grows with the square of a run of marks. No language has a run of 30
# (Unicode annex #15, Stream-Safe Text Format), so the rest of a longer one is in nobody's name.
_SURPLUS_MARKS = re.compile(rb"(?<=[^\0]{30})[^\0]+")


def _normal(text: str) -> str:
    """Return `text` in normalisation form NFKC, without what is surplus in runs of marks."""
    if text.isascii():
        return text
    classes = bytes(map(unicodedata.combining, text))  # 0, or up to 240 for a mark (annex #44)
    surplus = [place for found in _SURPLUS_MARKS.finditer(classes) for place in found.span()]
    edges = [0, *surplus, len(text)]
    kept = (text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True))
    return unicodedata.normalize("NFKC", "".join(kept))


def mentions(text: str, name: str) -> bool:
    """Whether `text` holds `name` as a word of its own, folded as the protocol folds."""
    if not name:
        return False
    word = rf"(?<![\w-]){re.escape(fold(name))}(?![\w-])"
    folded = unicodedata.normalize("NFKC", _normal(text).casefold())
    return re.search(word, folded) is not None


# Of the 256 colours of xterm, those that have a contrast of 4 to 1 and more (WCAG 2.1) both to
# black and to white, so that a name can be read on whatever background there is.
PERSON_COLOURS = (131, 130, 64, 28, 30, 27, 98, 129, 163, 161)


def colour_number(name: str) -> int:
    """Return which of the PERSON_COLOURS a person has: the same in every conversation."""
    return zlib.crc32(fold(name).encode("utf-8", "replace")) % len(PERSON_COLOURS)


def row(line: Line, *, colours: bool) -> str:
    """Return a line as a terminal shows it now: behind the time of day, perhaps in colours."""
    clock = time.strftime("%H:%M")
    if not colours:
        return f"{clock} {line}"
    text = str(line)
    if line.kind is Kind.WIRE:
        text = f"\x1b[2m{text}\x1b[0m"
    elif line.kind is Kind.ERROR:
        text = f"\x1b[1m!\x1b[0m{text[1:]}"
    elif line.mentions_me:
        text = f"\x1b[1m{text}\x1b[0m"
    elif line.speaker:
        colour = f"38;5;{PERSON_COLOURS[colour_number(line.person)]}" if line.person else "1"
        text = f"\x1b[{colour}m{line.speaker}\x1b[0m{text[len(line.speaker) :]}"
    return f"{clock} {text}"
