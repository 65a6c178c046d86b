"""What a person is shown: lines of several kinds, and whose colour is in them.

Knows not what brought a line about, nor who shows it: on a terminal it is rows.py.
"""

from __future__ import annotations

import enum
import math
import re
import time
import unicodedata
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from chat.terminal.text import harmless
from chat_protocol import fold

HELD_SECONDS = 0.5  # that a line of who came waits for others who come; what else is said ends it
MAX_HELD = 1_000  # names; a server that makes people up has no end
NAMES_TOLD = 12  # in one line of who came


class Kind(enum.Enum):
    """What a line on the screen is, for those who show it in different ways."""

    SAID = "said"  # to everyone
    PRIVATE = "private"
    SERVER = "server"  # said by whoever runs it
    EVENT = "event"  # somebody came, left, …; the answer to a request
    ERROR = "error"
    HELP = "help"  # goes on with the event above it
    WIRE = "wire"  # a frame as it travels


# Nobody's name has brackets: no message begins like the server's word.
MARKS = {Kind.SERVER: "[server] ", Kind.EVENT: "* ", Kind.ERROR: "! "}
MARK_FOR_ME = "» "


class Line(NamedTuple):
    """One line to show. What it says is harmless to any terminal."""

    kind: Kind
    text: str
    speaker: str = ""  # stands before the text: `alice`, `alice → bob`
    person: str = ""  # who the speaker is; empty for oneself
    for_me: bool = False  # it is private, mentions me, or is the server's word
    items: tuple[str, ...] = ()  # names, behind the text or in columns below it
    colour: int = 0  # which of the PERSON_COLOURS that person has
    code: str = ""  # of an error, for programs: an ErrorCode of the protocol, or a Fault

    @property
    def head(self) -> str:
        """What stands before the text: a mark that tells its kind, and who said it."""
        mark = MARKS.get(self.kind, MARK_FOR_ME if self.for_me else "")
        return mark + (f"{self.speaker}: " if self.speaker else "")

    def __str__(self) -> str:
        items = " " + ", ".join(self.items) if self.items else ""
        return f"{self.head}{self.text}{items}"


class Lines:
    """What there is to show, until somebody takes it.

    With `gathers`, many who come or go in one moment make one line.
    """

    def __init__(self, *, gathers: bool = False) -> None:
        self.deadline = math.inf  # when take() has something to return that waits
        self._gathers = gathers
        self._held: dict[str, str] = {}  # who "joined" or "left" in this moment
        self._lines: list[Line] = []
        self._day_ends = next_midnight(time.time())

    def show(
        self,
        kind: Kind,
        text: str,
        speaker: str = "",
        person: str = "",
        *,
        for_me: bool = False,
        items: Sequence[str] = (),
        colour: int = 0,
        code: str = "",
    ) -> None:
        """Add a line."""
        self.release()
        now = time.time()
        if now >= self._day_ends:
            self._day_ends = next_midnight(now)
            today = time.localtime(now)
            self.tell(time.strftime(f"it is %A, {today.tm_mday} %B %Y", today))
        # The one place where text becomes a line, so that none can drive the terminal.
        safe = tuple(map(harmless, items)) if items else ()
        who = harmless(speaker), person, for_me
        self._lines.append(Line(kind, harmless(text), *who, safe, colour, code))

    def tell(self, text: str, items: Sequence[str] = ()) -> None:
        """Add a line about what happened."""
        self.show(Kind.EVENT, text, items=items)

    def came_or_went(self, name: str, did: str) -> None:
        """Add a line about somebody who "joined" or "left", soon: others may do the same now."""
        if name in self._held or len(self._held) == MAX_HELD:
            self.release()
        if not self._held:
            self.deadline = time.monotonic() + HELD_SECONDS
        self._held[name] = did
        if not self._gathers:
            self.release()

    def release(self) -> None:
        """Add the line of who came and went now, if one waits."""
        held, self._held = self._held, {}
        self.deadline = math.inf
        parts = []
        for did in dict.fromkeys(held.values()):
            names = [name for name, what in held.items() if what == did]
            parts.append(f"{enumerated(names)} {did}")
        if parts:
            self.tell("; ".join(parts))

    def take(self) -> list[Line]:
        """Return what there is to show, once."""
        if time.monotonic() >= self.deadline:
            self.release()
        lines, self._lines = self._lines, []
        return lines


def clock() -> str:
    """Return the time of day, as it stands before a line."""
    # Given the time: strftime() by itself asks another clock, which is some milliseconds behind.
    return time.strftime("%H:%M ", time.localtime(time.time()))


def next_midnight(now: float) -> float:
    """Return when this day ends, by time.time()."""
    today = time.localtime(now)
    # mktime(3) makes the first of the next month of a day that this month does not have.
    return time.mktime((today.tm_year, today.tm_mon, today.tm_mday + 1, 0, 0, 0, 0, 0, -1))


def enumerated(names: list[str]) -> str:
    """Return names as a sentence has them, where they are many the first and how many more."""
    if len(names) > NAMES_TOLD:
        names = [*names[:NAMES_TOLD], f"{len(names) - NAMES_TOLD} more"]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


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


@lru_cache(100)  # names: those of the people who talk just now
def colour_number(name: str) -> int:
    """Return which of the PERSON_COLOURS is a person's own: the same in every conversation."""
    return zlib.crc32(fold(name).encode("utf-8", "replace")) % len(PERSON_COLOURS)
