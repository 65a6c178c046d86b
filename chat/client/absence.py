"""From a break of the connection until we are back under our name: how long to wait for what.

Knows what was said of it already; knows no connection.
"""

from __future__ import annotations

import math
import time

import chat_protocol as protocol
from chat.client.lines import Kind, Lines
from chat_protocol import ErrorCode, ProtocolError

FIRST_RETRY_SECONDS = 1.0  # from then on twice as many from try to try
LONGEST_RETRY_SECONDS = 30.0
NAME_RETRY_SECONDS = 3.0
NAME_HELD_SECONDS = 120.0  # a server notices within two minutes that our old connection is dead

# Where the connection closes right after one of these, calling again would bring the same answer.
FINAL_ERRORS = (ErrorCode.BAD_FRAME, ErrorCode.TLS_REQUIRED, ErrorCode.REMOVED)
# The same for a newcomer. Who was here before calls again, for there is something to lose; and
# behind a locked door there may still be our old connection, in whose place we are let in.
FINAL_AT_FIRST = (
    ErrorCode.BAD_PASSWORD,
    ErrorCode.SERVER_FULL,
    ErrorCode.TIMEOUT,
    ErrorCode.LOCKED,
)


class Absence:
    """One time that we are away, through no wish of the person who goes on typing."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._held_until = math.inf  # NAME_TAKEN has not come yet
        self._told: set[str] = set()  # why tries failed

    def tell_why(self, sentence: str) -> None:
        """Say why we are away, or still are: each reason once, however many tries fail."""
        if sentence not in self._told:
            self._lines.show(Kind.ERROR, sentence)
        if not self._told:
            self._lines.tell("calling again until it answers; what you type is kept")
        self._told.add(sentence)

    def tell_unsure(self, messages: int) -> None:
        """Say of how many messages nobody can tell whether they arrived, if there are any."""
        if messages:
            sentence = f"Of what you said last, {messages} may not have arrived."
            self._lines.show(Kind.ERROR, sentence)

    def next_wait(self) -> float:
        """Return for how many seconds to wait now before the server is called again."""
        seconds = min(self._retry_seconds, LONGEST_RETRY_SECONDS)
        self._retry_seconds = 2 * seconds
        return seconds

    def name_for_return(self, name: str) -> str:
        """Return the name to come back under, if there can be one like that, and tell of it."""
        try:
            name = protocol.check_name(name)
        except ProtocolError as error:
            self._lines.show(Kind.ERROR, str(error))
            return ""
        self._lines.tell(f"you will be {name} when the server is back")
        return name

    def name_retry(self, name: str) -> float:
        """Return when to ask for `name` again, by time.monotonic(): it is taken, perhaps by our old
        connection, which a server takes time to miss. Never (infinity), once that cannot be.
        """
        now = time.monotonic()
        if self._held_until == math.inf:
            self._held_until = now + NAME_HELD_SECONDS
            self._lines.tell(f"{name} is still held by your old connection; waiting")
        if now > self._held_until:
            self._lines.show(Kind.ERROR, f"{name} is taken for good; choose another with /name.")
            return math.inf
        return now + NAME_RETRY_SECONDS
