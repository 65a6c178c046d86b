"""The deadlines: what has to happen later, and how long select() may sleep until then.

Knows a clock; does not know what happens then, nor to whom.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Iterator
from typing import Any

LONGEST_SLEEP_SECONDS = 24 * 3600.0  # poll(2) cannot sleep for longer than 24 days at a time
# Of one turn, for what is due: a whole class may begin TLS at once, or be due to go on at once, and
# each of them can take milliseconds; those at the sockets come in between.
SHARE_SECONDS = 0.004

Deed = Callable[[Any], None]


class Deadlines:
    """What has to be done later, to whom, and when.

    Those who wait for the same thing wait equally long, so whoever came first is due first, and a
    dict keeps them in just that order; it also lets anyone step out of the middle at once. So
    nobody is ever searched for, and a deadline that no longer matters wakes nobody.
    """

    def __init__(self) -> None:
        self._lines: dict[tuple[float, Deed], dict[Hashable, float]] = {}

    def later(self, seconds: float, whom: Hashable, deed: Deed) -> None:
        """Have `deed(whom)` done in so many seconds; who waits for it already keeps their place.

        Infinity is as good as never.
        """
        line = self._lines.setdefault((seconds, deed), {})
        line.setdefault(whom, time.monotonic() + seconds)

    def forget(self, whom: Hashable, deed: Deed | None = None) -> bool:
        """Do nothing more to `whom`, or just not this deed. Returns whether anything was due."""
        found = False
        for key, line in list(self._lines.items()):
            if (deed is None or deed == key[1]) and line.pop(whom, None) is not None:
                found = True
                if not line:
                    del self._lines[key]  # so that patience() has nothing to look at, as mostly
        return found

    def patience(self) -> float | None:
        """Return how many seconds select() may sleep; None, for good, where nothing is to come."""
        first = math.inf
        for line in self._lines.values():
            first = min(first, first_due(line))
        if first == math.inf:
            return None
        return min(max(0.0, first - time.monotonic()), LONGEST_SLEEP_SECONDS)

    def take_due(self) -> Iterator[tuple[Deed, Hashable]]:
        """Yield what is due by now, as far as their share of a turn goes.

        One of each line in its turn, in the next turn from there on: a line of a thousand who
        begin TLS does not hold up somebody who stands in another.
        """
        now = time.monotonic()
        end = now + SHARE_SECONDS
        while key := next(
            (key for key, line in self._lines.items() if first_due(line) <= now), None
        ):
            line = self._lines.pop(key)
            whom = next(iter(line))
            del line[whom]
            if line:
                self._lines[key] = line  # behind the other lines
            yield key[1], whom
            if time.monotonic() > end:
                break


def first_due(line: dict[Hashable, float]) -> float:
    """Return when the first in a line is due."""
    return next(iter(line.values()))
