"""What one server has shown in the whole run: what it did, what was waited for in vain.

Two things are built on it. A rule does not wait again as long as the last ones for what never came,
and a guess at the mistake can say "is BLOCK there yet?", which no single rule can know.
"""

from __future__ import annotations

import re
from collections import Counter

GIVEN_UP_AFTER = 3  # waits for the same thing, one after the other, that were all in vain
HURRY = 0.05  # of the usual patience: for what has been given up

ANSWER_TO = {
    "NAME": "HELLO",
    "GET_NAMES": "NAMES",
    "BLOCK": "BLOCKED",
    "UNBLOCK": "UNBLOCKED",
    "PASS": "ACCEPTED",
    "EXIT": "BYE",
}
CLOSED = "a close instead of "  # begins what it is about where the server closed meanwhile
BEHIND_AN_ERROR = "a close behind an ERROR"  # what it is about where somebody had to come back
ANYTHING = "anything at all"
EVENTS = ("JOINED", "LEFT", "RENAMED")


def kinds_of(waiting_for: str) -> list[str]:
    """Return what kind of thing is waited for, and what kind that belongs to.

    The kind has no names, numbers and texts in it: all `'JOINED bob'` are one kind, `JOINED`.
    """
    if found := re.match(r"(ERROR) \w+", waiting_for):
        return [found[0], found[1]]
    if found := re.search(rf"(?:^'|more )({'|'.join(EVENTS)})", waiting_for):
        return [found[1], "an event"]
    before, quote, quoted = waiting_for.partition("'")
    if not quote or before == "a frame with ":
        return [re.sub(r"\d+", "", before).strip()]
    return [before + kind_of_payload(quoted.rstrip("'"))]


def kind_of_payload(payload: str) -> str:
    """Return a payload's verb; a broadcast is a kind of its own."""
    words = payload.split(" ")
    return "MSG BROADCAST" if words[0] == "MSG" and "BROADCAST" in words[1:3] else words[0]


def subject_of(waiting_for: str) -> str:
    """Return what it is about when this does not come: its kind, for an ERROR the request too."""
    found = re.match(r"(ERROR \w+).* after b?['\"](\w*)", waiting_for)
    return f"{found[1]} after {found[2].upper()}" if found else kinds_of(waiting_for)[0]


def all_kinds_of(waiting_for: str, came_later: bool) -> list[str]:
    """Return all kinds that a wait belongs to, the widest last."""
    kinds = kinds_of(waiting_for)
    return [f"{kinds[0]} for a second one", *kinds, ANYTHING] if came_later else [*kinds, ANYTHING]


class Experience:
    """What one server has done so far."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()  # requests, by verb
        self.came: Counter[str] = Counter()  # frames, by verb, and errors by code as well
        self.served_a_second_one = False  # somebody who was not alone when it came
        self.examples: dict[str, str] = {}  # of each of them the first
        self.in_vain: Counter[str] = Counter()  # waits in a row, by kind
        self.too_short: list[str] = []  # kinds for which this rule waited in a hurry, in vain
        self.came_back: list[str] = []  # who was closed behind an ERROR in this rule

    def begin_rule(self) -> None:
        """Forget what concerned the last rule alone."""
        self.too_short = []
        self.came_back = []

    # ------------------------------------------------------------------------------- patience

    def share_of_patience(self, waiting_for: str, came_later: bool = False) -> float:
        """Return what part of the usual patience to have: a small one for what was given up.

        `came_later`: the one who waits was not alone when it came, which may be why it waits.
        """
        return HURRY if self._given_up(waiting_for, came_later) else 1.0

    def _given_up(self, waiting_for: str, came_later: bool) -> list[str]:
        kinds = all_kinds_of(waiting_for, came_later)
        return [kind for kind in kinds if self.in_vain[kind] >= GIVEN_UP_AFTER]

    def has_come(self, waiting_for: str, came_later: bool = False) -> None:
        """Remember that a wait was not in vain."""
        for kind in all_kinds_of(waiting_for, came_later):
            self.in_vain.pop(kind, None)

    def has_not_come(self, waiting_for: str, came_later: bool = False) -> None:
        """Remember that a wait was in vain."""
        if self._given_up(waiting_for, came_later):
            self.too_short.append(kinds_of(waiting_for)[0])
        self.in_vain.update(all_kinds_of(waiting_for, came_later))

    def begin_anew(self) -> None:
        """Have all patience again, for a second look."""
        self.in_vain.clear()

    # ------------------------------------------------------------------------------ what came

    def was_sent(self, payload: str) -> None:
        """Remember a request."""
        self.asked[payload.partition(" ")[0]] += 1

    def saw(self, payload: str, came_later: bool) -> None:
        """Remember a frame of the server."""
        self.served_a_second_one |= came_later
        self.in_vain.pop(ANYTHING, None)
        kind = kind_of_payload(payload)
        if kind == "ERROR":
            self._count(" ".join(payload.split(" ")[:2]), payload)
        self._count(kind, payload)

    def _count(self, kind: str, payload: str) -> None:
        self.came[kind] += 1
        self.examples.setdefault(kind, payload)
