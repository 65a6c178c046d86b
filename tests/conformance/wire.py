"""The suite's own few lines of framing, and one client that speaks them.

Written from the protocol's text alone: a frame is four ASCII digits, the payload's length in
bytes, and then the payload, UTF-8.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn

LENGTH_FIELD_SIZE = 4
LARGEST_PAYLOAD = 9999  # bytes
RECEIVE_SIZE = 64 * 1024

ANSWERS = {"HELLO", "NAMES", "BLOCKED", "UNBLOCKED", "ACCEPTED", "BYE", "ERROR"}
EVENTS = {"JOINED", "LEFT", "RENAMED"}
NEWS = EVENTS | {"MSG"}  # what comes because of somebody else


class RuleBroken(AssertionError):  # noqa: N818 - what happened to a rule
    """The program under test does not do what the protocol says; the text is one sentence.

    `mistake` is the probable one where it is known better than by the rule that was tried.
    """

    def __init__(self, sentence: str, mistake: str = "") -> None:
        super().__init__(sentence)
        self.mistake = mistake


def require(condition: object, sentence: str) -> None:
    """Raise RuleBroken with `sentence` unless `condition` holds."""
    if not condition:
        raise RuleBroken(sentence)


def frame(payload: str | bytes) -> bytes:
    """Return `payload` as one frame."""
    data = payload.encode() if isinstance(payload, str) else payload
    assert len(data) <= LARGEST_PAYLOAD
    return b"%04d" % len(data) + data


def frames(*payloads: str | bytes) -> bytes:
    """Return several frames as they lie in one packet."""
    return b"".join(map(frame, payloads))


def verb_of(payload: str) -> str:
    return payload.partition(" ")[0]


def show(payloads: str | bytes | Sequence[str]) -> str:
    """Return what came as a person reads it in one line: quoted, long ones shortened."""
    if isinstance(payloads, (str, bytes)):
        text = repr(payloads)
        return text if len(text) <= 70 else f"{text[:40]} … {text[-15:]} ({len(payloads)} long)"
    some = ", ".join(map(show, payloads[:4]))
    return some + (f" and {len(payloads) - 4} more" if len(payloads) > 4 else "")


def contains(text: str, payload: str) -> bool:
    return text in payload


class Stream:
    """One connection's bytes, with a deadline for everything: the side that both ends share."""

    def __init__(self, connection: socket.socket, label: str, peer: str, patience: float) -> None:
        self.socket = connection
        self.label = label  # how a sentence calls this end: "bob"
        self.peer = peer  # and the other one: "the server"
        self.patience = patience  # seconds that one step may take
        self.unread = bytearray()
        self.line_ends = 0  # bytes that stood between frames, where nothing should
        self.ended = False  # the other side closed
        self.was_reset = False  # and not politely
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send_bytes(self, data: bytes) -> None:
        """Send `data` as it is. A connection that is gone shows at the next read."""
        self.socket.settimeout(self.patience)
        try:
            self.socket.sendall(data)
        except TimeoutError:
            raise RuleBroken(
                f"{self.peer} read nothing more from {self.label} for {self.patience:g} s"
            ) from None
        except OSError:
            self.was_reset = True

    def send(self, *payloads: str | bytes) -> None:
        """Send the payloads as frames in one packet."""
        self.send_bytes(frames(*payloads))

    def frame_before(self, deadline: float) -> str | None:
        """Return the next payload, or None at the end of the stream; TimeoutError when late."""
        while (payload := self._whole_frame()) is None:
            if self.ended:
                return None
            self._receive(deadline)
        return payload

    def _whole_frame(self) -> str | None:
        while self.unread.startswith((b"\n", b"\r")):  # one rule minds them; the others go on
            self.line_ends += 1
            del self.unread[:1]
        field = bytes(self.unread[:LENGTH_FIELD_SIZE])
        if field and not field.isdigit():
            raise RuleBroken(
                f"{self.peer} sent {show(field)} to {self.label} where a length field belongs",
                "is the length four digits, written with zfill(4), and does it count bytes?",
            )
        if len(field) < LENGTH_FIELD_SIZE:
            return None
        end = LENGTH_FIELD_SIZE + int(field)
        if len(self.unread) < end:
            return None
        payload = bytes(self.unread[LENGTH_FIELD_SIZE:end])
        del self.unread[:end]
        try:
            return payload.decode()
        except UnicodeDecodeError:
            raise RuleBroken(
                f"{self.peer} sent a payload that is not UTF-8: {show(payload)}",
                "does the length field count characters, and cut the last one in two?",
            ) from None

    def _receive(self, deadline: float) -> None:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self.socket.settimeout(remaining)
        try:
            data = self.socket.recv(RECEIVE_SIZE)
        except TimeoutError:
            raise
        except OSError:
            self.was_reset = True
            data = b""
        self.ended = not data
        self.unread += data

    def reset(self) -> None:
        """Break the connection as a crashed program does: a reset, not an end of stream."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if WINDOWS else "ii", 1, 0)
            )
        self.close()

    def stop_sending(self, *last_payloads: str) -> None:
        """Close our sending side alone, with some last frames in the same packet, and read on."""
        if last_payloads and hasattr(socket, "TCP_CORK"):  # Linux: nothing goes before the end does
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        self.send(*last_payloads)
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.socket.close()


WINDOWS = hasattr(socket, "SO_EXCLUSIVEADDRUSE")


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
        self.tag = tag  # part of every name of this rule; the rest of the room is none of ours

    def __str__(self) -> str:
        return self.name

    # -------------------------------------------------------------------------------- receiving

    def next_frame(self, waiting_for: str, skipped: Sequence[str] = ()) -> str:
        """Return the next frame that concerns this rule."""
        deadline = time.monotonic() + self.patience
        while True:
            try:
                payload = self.frame_before(deadline)
            except TimeoutError:
                self._missed(waiting_for, skipped)
            if payload is None:
                self._was_closed(waiting_for)
            self.was_answered |= verb_of(payload) in ANSWERS
            if self._concerns_us(payload):
                return payload

    def _concerns_us(self, payload: str) -> bool:
        return verb_of(payload) not in NEWS or self.tag in payload

    def _missed(self, waiting_for: str, skipped: Sequence[str]) -> NoReturn:
        about_events = verb_of(waiting_for.strip("'")) in EVENTS
        odd = [payload for payload in skipped if about_events or verb_of(payload) not in EVENTS]
        came = f"; what came is {show(odd)}" if odd else ""
        if self.unread:
            came += f"; an unfinished frame came: {show(bytes(self.unread))}"
        raise RuleBroken(f"{self.label} waited {self.patience:g} s in vain for {waiting_for}{came}")

    def _was_closed(self, waiting_for: str) -> NoReturn:
        how = "reset" if self.was_reset else "closed"
        raise RuleBroken(
            f"the server {how} the connection of {self.label}, who waited for {waiting_for}"
        )

    def wait_for(self, waiting_for: str, wanted: Callable[[str], bool]) -> str:
        """Return the next frame that is wanted; the others are passed over."""
        skipped: list[str] = []
        deadline = time.monotonic() + self.patience
        while not wanted(payload := self.next_frame(waiting_for, skipped)):
            skipped.append(payload)
            if time.monotonic() > deadline:  # a flood of frames that nobody asked for
                self._missed(waiting_for, skipped)
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
            self._gets_one(payload)

    def _gets_one(self, expected: str) -> None:
        verb = verb_of(expected)

        def settles_it(payload: str) -> bool:
            return verb_of(payload) in {verb, "ERROR"} and (
                verb not in EVENTS or payload == expected
            )

        payload = self.wait_for(show(expected), settles_it)
        require(
            payload == expected, f"{self.label} got {show(payload)} instead of {show(expected)}"
        )

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
        )

    def is_refused(self, request: str | bytes, *codes: str) -> str:
        """Send a request, insist on an ERROR with one of these codes, and return its text."""
        self.send(request)
        return self.gets_error(show(request), *codes)

    def gets_error(self, request: str, *codes: str) -> str:
        """Insist that the answer to what was sent is an ERROR with one of these codes."""
        wanted = " or ".join(codes)
        answer = self.wait_for(
            f"ERROR {wanted} after {request}", lambda payload: verb_of(payload) in ANSWERS
        )
        verb, code, text = (*answer.split(" ", 2), "", "")[:3]
        require(
            verb == "ERROR" and code in codes,
            f"{request} was answered {show(answer)} instead of ERROR {wanted}",
        )
        require(text.strip(), f"{show(answer)} has a code for programs, but no text for people")
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
        listed = 0
        deadline = time.monotonic() + self.patience
        while True:
            payload = self.next_frame("the answer to 'GET_NAMES'", earlier)
            words = payload.split(" ")
            if words[0] == "NAMES":
                listed += len(words) - 2
                if listed >= (int(words[1]) if words[1:] and words[1].isdigit() else 0):
                    return earlier
            elif words[0] not in ANSWERS | NEWS | {"INFO"} and self.name and self.name in payload:
                return earlier  # a list in a form of its own: another rule's business
            else:
                earlier.append(payload)
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
            came == list(but),
            f"{self.label} should have got {wanted}, and got {show(came) or 'nothing'}",
        )

    def names(self) -> list[str]:
        """Ask who is here and return the names in the server's order, from all its frames."""
        self.send("GET_NAMES")
        names: list[str] = []
        deadline = time.monotonic() + self.patience
        while True:
            answer = self.answer("'GET_NAMES'")
            verb, *words = answer.split(" ")
            require(
                verb == "NAMES" and words and words[0].isdigit(),
                f"GET_NAMES was answered {show(answer)} instead of NAMES <total> <name> …",
            )
            total = int(words[0])
            names += words[1:]
            if len(names) >= total or not words[1:] or time.monotonic() > deadline:
                break
        require(
            len(names) == total,
            f"GET_NAMES was answered {show(answer)}: the total says {total}, but names are"
            f" {len(names)}",
        )
        return names

    # ------------------------------------------------------------------------------- the very end

    def last_frames(self) -> list[str]:
        """Return every frame until the server closes, and insist that it closes without a reset."""
        last: list[str] = []
        deadline = time.monotonic() + self.patience
        while True:
            try:
                payload = self.frame_before(deadline)
            except TimeoutError:
                self._missed("the server to close the connection", last)
            if payload is None:
                break
            if self._concerns_us(payload):
                last.append(payload)
        came = show(last) if last else "nothing"
        require(not self.unread, f"the connection ended within a frame: {show(bytes(self.unread))}")
        require(
            not self.was_reset,
            f"a reset ended the connection of {self.label}, not an orderly end of stream; what came"
            f" before is {came}",
        )
        return last
