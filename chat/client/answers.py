"""What is on its way to the server, so that an error can speak of what was typed, and a break of
what may be lost.

A message has no answer where all is well, so it counts as on its way for a while. Knows requests
and answers; knows no connection.
"""

from __future__ import annotations

import time
from collections import deque
from typing import NamedTuple

import chat_protocol as protocol
from chat.client.roster import Roster
from chat_protocol import ErrorCode, fold, is_broadcast

ON_ITS_WAY_SECONDS = 60.0  # a request without an answer: a server may have us wait for our rate
JUST_SAID_SECONDS = 10.0
REQUESTS_KEPT = 100  # of many nobody can tell which was refused
MESSAGES_KEPT = 10_000
QUOTED_SIZE = 40  # characters of a typed line

# What these are the answer to, some to nothing; any request may be refused for other reasons.
REFUSED_FOR: dict[str, tuple[str, ...]] = {
    ErrorCode.NO_SUCH_NAME: ("MSG", "BLOCK"),
    ErrorCode.BLOCKED: ("MSG",),
    ErrorCode.MUTED: ("MSG",),
    ErrorCode.TOO_LONG: ("MSG",),
    ErrorCode.NOT_BLOCKED: ("UNBLOCK",),
    ErrorCode.NAME_TAKEN: ("NAME",),
    ErrorCode.BAD_NAME: ("NAME",),
    ErrorCode.BAD_PASSWORD: ("PASS",),
    ErrorCode.SERVER_FULL: (),
    ErrorCode.LOCKED: (),
    ErrorCode.TIMEOUT: (),
    ErrorCode.TLS_REQUIRED: (),
}
ANSWERED_BY = {
    "HELLO": "NAME",
    "NAMES": "GET_NAMES",
    "BLOCKED": "BLOCK",
    "UNBLOCKED": "UNBLOCK",
    "ACCEPTED": "PASS",
}


class Sent(NamedTuple):
    """A request on its way."""

    verb: str
    name: str  # whom it is about; empty where it is about nobody
    typed: str  # the line that it was made of; empty where nobody typed it
    at: float  # by time.monotonic()


class Answers:
    """Matches answers with the requests on their way."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._requests: deque[Sent] = deque(maxlen=REQUESTS_KEPT)
        self._said: deque[float] = deque(maxlen=MESSAGES_KEPT)  # when messages were sent
        self._heard = 0.0  # when a frame came last

    def sent(self, payload: str, typed: str) -> None:
        """A request is on its way."""
        verb, arguments = protocol.split_verb(payload)
        name = (arguments or "").split(" ", 1)[0]
        now = time.monotonic()
        self._requests.append(Sent(verb, "" if is_broadcast(name) else name, typed, now))
        if verb == "MSG":
            self._said.append(now)

    def came(self, verb: str) -> None:
        """A frame has come; where it is an answer, what was asked before is answered too."""
        self._heard = time.monotonic()
        asked = ANSWERED_BY.get(verb, "")
        answered = next((request for request in self._requests if request.verb == asked), None)
        if answered:
            self._forget(answered)

    def _forget(self, request: Sent) -> None:
        """A request is dealt with, and so is all that was sent before it."""
        while self._requests.popleft() is not request:
            pass
        while self._said and self._said[0] <= request.at:
            self._said.popleft()

    def lost(self, *, broken: bool) -> int:
        """The connection is gone, and no answer comes any more. Returns how many messages may not
        have arrived: those sent just before; where it broke, also those since a frame came last.
        """
        just_now = time.monotonic() - JUST_SAID_SECONDS
        since = min(self._heard, just_now) if broken else just_now
        unsure = sum(at > since for at in self._said)
        self._requests.clear()
        self._said.clear()
        return unsure

    def explain(self, code: str, sentence: str) -> str:
        """Return an error's sentence, with what was typed where that is certain."""
        if code == ErrorCode.REMOVED:  # the text is the reason, and there may be none
            return f"You were sent away: {sentence}" if sentence.strip() else "You were sent away."
        sentence = sentence or code or "ERROR"
        request = self._refused(code, sentence)
        if request is None:
            if self._said and REFUSED_FOR.get(code) == ("MSG",):
                self._said.pop()  # whichever it was: one less that may be lost
            return sentence
        self._forget(request)
        name = request.name
        typed = request.typed
        if typed.startswith("/") and sentence == f"Nobody here is called {name}.":
            sentence = self._roster.nobody_called(name)
        if not typed or (name and name in sentence and typed.partition(" ")[2] == name):
            return sentence
        quoted = typed if len(typed) <= QUOTED_SIZE else f"{typed[:QUOTED_SIZE]}…"
        return f"{sentence} ({quoted})"

    def _refused(self, code: str, sentence: str) -> Sent | None:
        """Return which request an error answers; None where it may be one of several lines."""
        late = time.monotonic() - ON_ITS_WAY_SECONDS
        verbs = REFUSED_FOR.get(code)
        possible = [
            request
            for request in self._requests
            if request.at > late and (verbs is None or request.verb in verbs)
        ]
        if len({request.typed for request in possible}) > 1:
            words = fold(sentence).replace(".", " ").replace(";", " ").split()
            possible = [request for request in possible if fold(request.name) in words]
        return possible[0] if len({request.typed for request in possible}) == 1 else None
