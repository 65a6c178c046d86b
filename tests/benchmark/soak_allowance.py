"""The allowance: whatever people of one address do, everyone hears no more than the rate allows.

Needs a server with the rate that it has by itself. The flood comes from one address (all of
127.0.0.0/8 is this machine); meanwhile somebody of another one talks as people do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from soak_people import BrokenPromiseError, Person
from soak_wire import Wire

FLOOD_SECONDS = 5.0
LATE_SECONDS = 2.0  # for a word of somebody who talks as people do
WORD_SECONDS = 0.2  # between two of these words
NOISE = 1.2  # clocks, and what was under way
CROWD = 100  # connections at the same time
LONG = "x" * 9900
RUN = 95  # messages on a connection that goes: less than the burst of a newcomer


class Flood(NamedTuple):
    """What people of one address do, and what everyone else may hear of it."""

    what: str
    connections: int  # at the same time
    text: str
    goes: bool  # after each RUN, and comes back at once
    burst: float  # messages, or bytes where they are long
    rate: float  # of these a second


FLOODS = (
    Flood("one person who talks without end", 1, "hi", False, 100, 50),
    Flood("one person with long messages", 1, LONG, False, 500_000, 200_000),
    Flood("somebody who comes back at once, again and again", 1, "hi", True, 1000, 500),
    Flood("a hundred connections of one address", CROWD, "hi", False, 1000, 500),
    Flood("a hundred who come back at once", CROWD, "hi", True, 1000, 500),
    Flood("twenty with long messages", 20, LONG, False, 500_000, 200_000),
)


def check_allowance(flood: Flood, wire: Wire, _pid: int) -> None:
    """Hear one flood, and a friend in between. Raises BrokenPromiseError."""
    listener, friend = (wire.connect(source=f"127.0.1.{number}") for number in (1, 2))
    for person, name in ((listener, "listener"), (friend, "friend")):
        person.ask(f"NAME {name}", f"HELLO {name}")
    wire.exchange([listener, friend])
    crowd = [wire.connect(source="127.0.2.1") for _ in range(flood.connections)]
    for number, person in enumerate(crowd):
        person.name = f"flood{number}"
        person.ask(f"NAME {person.name}")
    heard = 0
    words: dict[str, float] = {}  # of the friend, and when each was said
    start = now = next_word = time.monotonic()
    while now < start + FLOOD_SECONDS:
        for person in crowd:
            say_more(wire, person, flood)
        if now > next_word:
            next_word = now + WORD_SECONDS
            word = f"word {now}"
            words[f"MSG friend BROADCAST {word}"] = now
            friend.ask(f"MSG BROADCAST {word}")
            wire.send_piece(friend, len(friend.unsent))
        wire.read_all(0.001)
        heard += sum(map(measure(flood), listener.heard))
        for payload in listener.heard:
            words.pop(payload, None)
        now = time.monotonic()
        if any(now > said + LATE_SECONDS for said in words.values()):
            raise BrokenPromiseError(f"a word comes late because of {flood.what}")
        for person in (*crowd, listener, friend):
            person.heard.clear()
    due = flood.burst + flood.rate * (now - start)
    if heard > due * NOISE:
        raise BrokenPromiseError(f"of {flood.what} one heard {heard:,}, and not {due:,.0f}")


def measure(flood: Flood) -> Callable[[str], int]:
    """Return what a frame of the flood counts for: one message, or its bytes."""

    def size(payload: str) -> int:
        if not payload.startswith("MSG flood"):
            return 0
        return len(payload) if flood.text == LONG else 1

    return size


def say_more(wire: Wire, person: Person, flood: Flood) -> None:
    """Let somebody send as much as the kernel takes."""
    if not person.unsent and len(person.scripts) == 1:
        for _ in range(RUN):
            person.ask(f"MSG BROADCAST {flood.text}")
        if flood.goes:
            person.come_back()
            person.ask(f"NAME {person.name}")
    wire.send_piece(person, len(person.unsent))
