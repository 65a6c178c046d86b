"""The suite's own few lines of framing, and one connection that speaks them.

Written from the protocol's text alone: a frame is four ASCII digits, the payload's length in
bytes, and then the payload, UTF-8.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Sequence

LENGTH_FIELD_SIZE = 4
LARGEST_PAYLOAD = 9999  # bytes
FULL_FRAME = 9000  # bytes: behind a shorter list of names no second frame of it follows
RECEIVE_SIZE = 64 * 1024

ANSWERS = {"HELLO", "NAMES", "BLOCKED", "UNBLOCKED", "ACCEPTED", "BYE", "ERROR"}
EVENTS = {"JOINED", "LEFT", "RENAMED"}
NEWS = EVENTS | {"MSG"}  # what comes because of somebody else
NO_FRAME = "what the server sent was not frames: behind some the next length field was wrong"


class RuleBroken(AssertionError):  # noqa: N818 - what happened to a rule
    """The program under test does not do what the protocol says; the text is one sentence.

    `mistake` is the probable one where it is known better than by the rule that was tried; `about`
    is the kind of thing that was missing, as in experience.py.
    """

    def __init__(self, sentence: str, mistake: str = "", about: str = "") -> None:
        super().__init__(sentence)
        self.mistake = mistake
        self.about = about


def require(condition: object, sentence: str, about: str = "") -> None:
    """Raise RuleBroken with `sentence` unless `condition` holds."""
    if not condition:
        raise RuleBroken(sentence, about=about)


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


def listed(payload: str) -> list[str]:
    """Return the names of one NAMES frame; that its total is there is another rule's."""
    words = payload.split(" ")[1:]
    return words[1:] if words and words[0].isdigit() else words


def is_last_list(payload: str, names: Sequence[str]) -> bool:
    """Return whether no more NAMES follow: all are here by the total, or the frame is not full."""
    total = payload.partition(" ")[2].partition(" ")[0]
    return len(payload.encode()) < FULL_FRAME or (total.isdigit() and len(names) >= int(total))


def without_addressee(message: str) -> str:
    """Return `MSG <from> <text>`, as a server sends it that leaves the addressee out."""
    verb, sender, *rest = message.split(" ", 3)
    return " ".join([verb, sender, *rest[1:]])


def is_same(payload: str, expected: str) -> bool:
    """Return whether this is the frame expected; that the addressee stands there is two rules'."""
    return payload == expected or (
        expected.startswith("MSG ") and payload == without_addressee(expected)
    )


def are_same(payloads: Sequence[str], expected: Sequence[str]) -> bool:
    """Return whether these are the frames expected, in their order."""
    return len(payloads) == len(expected) and all(map(is_same, payloads, expected))


class Stream:
    """One connection's bytes, with a deadline for everything: the side that both ends share."""

    def __init__(self, connection: socket.socket, label: str, peer: str, patience: float) -> None:
        self.socket = connection
        self.label = label  # how a sentence calls this end: "bob"
        self.peer = peer  # and the other one: "the server"
        self.patience = patience  # seconds that one step may take
        self.unread = bytearray()
        self.line_ends = 0  # bytes that stood between frames, where nothing should
        self.payload_line_ends = 0  # payloads that ended with one
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
                about=NO_FRAME,
            )
        if len(field) < LENGTH_FIELD_SIZE:
            return None
        end = LENGTH_FIELD_SIZE + int(field)
        if len(self.unread) < end:
            return None
        payload = bytes(self.unread[LENGTH_FIELD_SIZE:end])
        del self.unread[:end]
        if payload.endswith(b"\n"):  # one rule minds it; the others go on
            self.payload_line_ends += 1
            payload = payload.rstrip(b"\r\n")
        try:
            return payload.decode()
        except UnicodeDecodeError:
            raise RuleBroken(
                f"{self.peer} sent a payload that is not UTF-8: {show(payload)}",
                about=NO_FRAME,
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
