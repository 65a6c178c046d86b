"""What was typed while the connection was gone, until it is said.

When a server comes back, so do all its people, one after the other: what is said to the first of
them, the others never read. Knows who was here and is not yet; knows no connection.
"""

from __future__ import annotations

import math
import time

from chat.client.lines import Kind, Lines
from chat_protocol import fold

OTHERS_SECONDS = 5.0  # for those who were here to come back as well
MAX_KEPT = 10_000  # requests: more than anybody types or pastes while waiting


class Unsaid:
    """Requests that wait until we are back, and the others too or some seconds have passed."""

    def __init__(self, lines: Lines) -> None:
        self.deadline = math.inf  # when no more others are waited for
        self._lines = lines
        self._requests: list[tuple[str, str]] = []  # and the lines that they were made of
        self._others: set[str] = set()  # who was here, by their folded names, and is not back

    @property
    def waits_for_others(self) -> bool:
        """Whether we are back, and the others are not yet."""
        return self.deadline < math.inf

    def keep(self, payload: str, typed: str) -> bool:
        """Keep a request, made of the line `typed`; return whether there was a place for it."""
        if len(self._requests) == MAX_KEPT:
            self._lines.show(Kind.ERROR, "Too much waits to be sent already; that was not kept.")
            return False
        self._requests.append((payload, typed))
        if not payload.startswith("MSG "):  # that is shown in words of its own
            self._lines.tell(f"{typed or payload} (waiting)")
        return True

    def remember(self, others: set[str]) -> None:
        """The connection is gone, and these, by their folded names, were here."""
        self._others |= others
        self.deadline = math.inf

    def wait_for_others(self) -> None:
        """We are back: wait for those who are not, a moment."""
        if self._others and self._requests:
            self._lines.tell("what you typed meanwhile waits until the others are back as well")
        self.deadline = time.monotonic() + (OTHERS_SECONDS if self._others else 0)

    def came(self, name: str) -> None:
        """Somebody has come."""
        self._others.discard(fold(name))
        if not self._others and self.deadline < math.inf:
            self.deadline = 0.0

    def take(self) -> list[tuple[str, str]]:
        """Return what waited, once."""
        self.deadline = math.inf
        self._others.clear()
        requests, self._requests = self._requests, []
        return requests
