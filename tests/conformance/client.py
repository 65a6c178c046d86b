"""One person of the chat: what is asked, what is answered, what has not come at all."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn

from .experience import CLOSED, Experience, kind_of_payload, subject_of
from .pace import Pace
from .wire import (
    ANSWERS,
    EVENTS,
    NEWS,
    RuleBroken,
    Stream,
    are_same,
    contains,
    frame,
    frames,
    is_last_list,
    is_same,
    listed,
    require,
    show,
    verb_of,
)

THE_END = "the server to close the connection"
CLOSING = {"BAD_FRAME", "BAD_PASSWORD"}  # errors after which a server may close


class Client(Stream):
    """One person of the chat, as a rule sees it. In an f-string it stands for its name.

    What strangers do or an event tells is passed over where it is not what a rule waits for, so
    that one mistake of a server breaks the rule about it and no other.
    """

    def __init__(self, connection: socket.socket, label: str, patience: float, tag: str) -> None:
        super().__init__(connection, label, "the server", patience)
        self.name = ""
        self.was_answered = False  # at least once, whatever the answer was
        self.pause: Callable[[], None] = lambda: None  # until the server has read what was sent
        self.pace = Pace()  # what everybody in the room has sent in one go
        self.experience = Experience()  # with this server, in the whole run
        self.came_later = False  # than others of this rule
        self.is_leaving = False  # EXIT was said
        self.tag = tag  # part of every name of this rule; the rest of the room is none of ours
        self.seconds = patience  # that the step under way may take
        self.connect_again: Callable[[], socket.socket] | None = None  # None: it is not wanted
        self.last = ""  # what came last
        self.sent_since = b""  # and was sent behind it

    def __str__(self) -> str:
        return self.name

    def send(self, *payloads: str | bytes) -> None:
        """Send the payloads as frames in one packet."""
        data = frames(*payloads)
        self.pace.sent(self, len(payloads), len(data))
        for payload in payloads:
            if isinstance(payload, str):
                self.experience.was_sent(payload)
                self.is_leaving |= payload.rstrip("\r\n").upper() == "EXIT"
        self.sent_since += data
        self.send_bytes(data)

    # -------------------------------------------------------------------------------- receiving

    def deadline(self, waiting_for: str) -> float:
        """Return when one step is over: our patience, and what the slowest server may need.

        What has not come for a while, in the whole run, is not waited for as long again.
        """
        share = self.experience.share_of_patience(waiting_for, self.came_later)
        self.seconds = (self.patience + self.pace.seconds()) * share
        return time.monotonic() + self.seconds

    def next_frame(self, waiting_for: str, skipped: Sequence[str] = ()) -> str:
        """Return the next frame that concerns this rule."""
        deadline = self.deadline(waiting_for)
        while True:
            try:
                payload = self.frame_before(deadline)
            except TimeoutError:
                self._missed(waiting_for, skipped)
            if payload is None and self._is_back():
                continue
            if payload is None:
                self._was_closed(waiting_for)
            self.last, self.sent_since = payload, b""
            self.experience.saw(payload, self.came_later)
            self.was_answered |= verb_of(payload) in ANSWERS
            if self._concerns_us(payload):
                return payload

    def _is_back(self) -> bool:
        """Come back where the server has closed behind an ERROR, which one rule alone minds."""
        verb, code = (*self.last.split(" "), "")[:2]
        if self.connect_again is None or self.is_leaving or verb != "ERROR" or code in CLOSING:
            return False
        try:
            connection = self.connect_again()
        except RuleBroken:
            return False
        self.socket.close()
        self.socket, self.ended, self.was_reset, self.last = connection, False, False, ""
        self.unread.clear()
        if self.name:
            self.experience.came_back.append(self.name)
            self.send_bytes(frame(f"NAME {self.name}"))
            with contextlib.suppress(TimeoutError):
                self.frame_before(time.monotonic() + self.patience)
        self.send_bytes(self.sent_since)
        return True

    def _concerns_us(self, payload: str) -> bool:
        verb, _, name = payload.partition(" ")
        if verb in ("LEFT", "JOINED") and name in self.experience.came_back:
            return False
        # INFO is for people, and may come at any time
        return verb != "INFO" and (verb not in NEWS or self.tag in payload)

    def _missed(self, waiting_for: str, skipped: Sequence[str]) -> NoReturn:
        about_events = verb_of(waiting_for.strip("'")) in EVENTS
        odd = [payload for payload in skipped if about_events or verb_of(payload) not in EVENTS]
        came = f"; what came is {show(odd)}" if odd else ""
        if self.unread:
            came += f"; an unfinished frame came: {show(bytes(self.unread))}"
        hurried = self.experience.share_of_patience(waiting_for, self.came_later) < 1
        how_long = "" if hurried else f" {self.seconds:.3g} s"
        before = ", like others before" if hurried else ""
        self.experience.has_not_come(waiting_for, self.came_later)
        raise RuleBroken(
            f"{self.label} waited{how_long} in vain for {waiting_for}{before}{came}",
            about=subject_of(waiting_for),
        )

    def _was_closed(self, waiting_for: str) -> NoReturn:
        how = "reset" if self.was_reset else "closed"
        raise RuleBroken(
            f"the server {how} the connection of {self.label}, who waited for {waiting_for}",
            about=CLOSED + subject_of(waiting_for),
        )

    def wait_for(self, waiting_for: str, wanted: Callable[[str], bool]) -> str:
        """Return the next frame that is wanted; the others are passed over."""
        skipped: list[str] = []
        deadline = self.deadline(waiting_for)
        while not wanted(payload := self.next_frame(waiting_for, skipped)):
            skipped.append(payload)
            if time.monotonic() > deadline:  # a flood of frames that nobody asked for
                self._missed(waiting_for, skipped)
        self.experience.has_come(waiting_for, self.came_later)
        return payload

    def answer(self, to: str) -> str:
        """Return the next frame that answers a request; events and messages are passed over."""
        return self.wait_for(f"the answer to {to}", lambda payload: verb_of(payload) in ANSWERS)

    def ask(self, request: str) -> str:
        """Send a request and return its answer."""
        self.send(request)
        return self.answer(show(request))

    def gets(self, *expected: str) -> None:
        """Wait for these frames in this order; what else happened meanwhile is passed over."""
        for payload in expected:
            came = self._one_like(payload)
            require(
                is_same(came, payload),
                f"{self.label} got {show(came)} instead of {show(payload)}",
                kind_of_payload(payload),
            )

    def gets_exactly(self, expected: str) -> None:
        """Wait for this frame, its addressee included."""
        came = self._one_like(expected)
        require(came == expected, f"{self.label} got {show(came)} instead of {show(expected)}")

    def _one_like(self, expected: str) -> str:
        verb = verb_of(expected)

        def settles_it(payload: str) -> bool:
            return verb_of(payload) in {verb, "ERROR"} and (
                verb not in EVENTS or payload == expected
            )

        return self.wait_for(show(expected), settles_it)

    def hears(self, *texts: str) -> None:
        """Wait for frames that carry these texts, in this order, whatever else is in a frame."""
        for text in texts:
            self.wait_for(f"a frame with {show(text)}", partial(contains, text))

    def is_told(self, expected: str, request: str) -> None:
        """Send a request and insist on this answer."""
        answer = self.ask(request)
        require(
            answer == expected,
            f"{self.label} sent {show(request)} and got {show(answer)} instead of {show(expected)}",
            f"the answer to {verb_of(request).upper()}",
        )

    def is_refused(self, request: str | bytes, *codes: str) -> str:
        """Send a request, insist on an ERROR with one of these codes, and return its text."""
        self.send(request)
        return self.gets_error(show(request), *codes)

    def gets_error(self, request: str, *codes: str) -> str:
        """Insist that the answer to what was sent is an ERROR with one of these codes."""
        wanted = " or ".join(codes)
        waiting_for = f"ERROR {wanted} after {request}"
        answer = self.wait_for(waiting_for, lambda payload: verb_of(payload) in ANSWERS)
        verb, code, text = (*answer.split(" ", 2), "", "")[:3]
        require(
            verb == "ERROR" and code.upper() in codes,
            f"{request} was answered {show(answer)} instead of ERROR {wanted}",
            subject_of(waiting_for),
        )
        return text

    # ------------------------------------------------------------------- what has not come at all

    def frames_so_far(self) -> list[str]:
        """Return every frame that the server had for us, up to its answer to one more request.

        That answer is the fence: it cannot overtake what was caused before it, so whatever did
        not come by then does not come at all, and nobody has to sleep to see it.
        """
        self.pause()  # two requests in one packet are the business of the robust rules
        self.send("GET_NAMES")
        earlier: list[str] = []
        names: list[str] = []
        deadline = self.deadline("the answer to 'GET_NAMES'")
        while True:
            payload = self.next_frame("the answer to 'GET_NAMES'", earlier)
            verb = verb_of(payload)
            own_form = verb not in ANSWERS | NEWS and self.name and self.name in payload
            if verb == "NAMES":
                names += listed(payload)
            elif not own_form:
                earlier.append(payload)
            if own_form or (verb == "NAMES" and is_last_list(payload, names)):
                self.pace.done(self)  # what exactly stands in the list is another rule's business
                self.experience.has_come("the answer to 'GET_NAMES'", self.came_later)
                return earlier
            if time.monotonic() > deadline:
                self._missed("the answer to 'GET_NAMES'", earlier)

    def settles(self) -> None:
        """Wait until the server has dealt with all that this client sent; forget what came."""
        self.frames_so_far()

    def gets_nothing(self, but: Sequence[str] = (), events: bool = False) -> None:
        """Insist that no answer and no message came but these; `events`: no event either."""
        minded = ANSWERS | NEWS if events else ANSWERS | {"MSG"}
        came = [payload for payload in self.frames_so_far() if verb_of(payload) in minded]
        wanted = f"nothing but {show(but)}" if but else "nothing"
        require(
            are_same(came, but),
            f"{self.label} should have got {wanted}, and got {show(came) or 'nothing'}",
        )

    def names(self) -> list[str]:
        """Ask who is here and return the names in the server's order, from all its frames."""
        self.send("GET_NAMES")
        names: list[str] = []
        while True:
            answer = self.answer("'GET_NAMES'")
            require(
                verb_of(answer) == "NAMES",
                f"GET_NAMES was answered {show(answer)} instead of NAMES <total> <name> …",
                "the answer to GET_NAMES",
            )
            names += listed(answer)
            if is_last_list(answer, names):
                return names

    # ------------------------------------------------------------------------------- the very end

    def last_frames(self) -> list[str]:
        """Return every frame until the server closes, and insist that it closes without a reset."""
        last: list[str] = []
        deadline = self.deadline(THE_END)
        while True:
            try:
                payload = self.frame_before(deadline)
            except TimeoutError:
                self._missed(THE_END, last)
            if payload is None:
                break
            self.experience.saw(payload, self.came_later)
            if self._concerns_us(payload):
                last.append(payload)
        self.experience.has_come(THE_END, self.came_later)
        came = show(last) if last else "nothing"
        require(not self.unread, f"the connection ended within a frame: {show(bytes(self.unread))}")
        require(
            not self.was_reset,
            f"a reset ended the connection of {self.label}, not an orderly end of stream; what came"
            f" before is {came}",
        )
        return last
