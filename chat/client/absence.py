"""From a break of the connection until we are back under our name: how long to wait for what.

Knows what was asked for meanwhile, so that none of it is lost; knows no connection.
"""

from __future__ import annotations

import math
import time

from chat.client.lines import Kind, Lines

FIRST_RETRY_SECONDS = 1.0  # from then on twice as many from try to try
LONGEST_RETRY_SECONDS = 30.0
NAME_HELD_SECONDS = 120.0  # a server notices within two minutes that our old connection is dead
MAX_KEPT = 10_000  # requests: more than anybody types or pastes while waiting


class Absence:
    """One time that we are away, through no wish of the person who goes on typing."""

    def __init__(self, lines: Lines) -> None:
        self.kept: list[str] = []  # requests made meanwhile
        self._lines = lines
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._held_until = math.inf  # NAME_TAKEN has not come yet
        self._why = ""  # the last try failed

    def keep(self, payload: str) -> bool:
        """Keep a request until we are back; return whether there was a place for it."""
        if len(self.kept) == MAX_KEPT:
            self._lines.show(Kind.ERROR, "Too much waits to be sent already; that was not kept.")
            return False
        self.kept.append(payload)
        if not payload.startswith("MSG "):  # that is shown in words of its own
            self._lines.tell(f"{payload} (waiting)")
        return True

    def next_wait(self, why: str = "") -> float:
        """Return for how many seconds to wait now before the server is called again.

        `why` the last try failed is said, unless it was for the same reason as before.
        """
        if why and why != self._why:
            self._lines.show(Kind.ERROR, why)
        self._why = why
        seconds = min(self._retry_seconds, LONGEST_RETRY_SECONDS)
        self._retry_seconds = 2 * seconds
        self._lines.tell(f"trying again in {seconds:.0f} s")
        return seconds

    def is_name_held(self, name: str) -> bool:
        """Whether our old connection may be why `name` is taken: a server takes time to miss it."""
        now = time.monotonic()
        if self._held_until == math.inf:
            self._held_until = now + NAME_HELD_SECONDS
            self._lines.tell(f"{name} is still held by your old connection; waiting")
        if now > self._held_until:
            self._lines.show(Kind.ERROR, f"{name} is taken for good; choose another with /name.")
            return False
        return True
