"""The chat protocol: what client and server say to each other, and nothing about how it travels.

Every message, in either direction, is one *frame*::

    length    exactly 4 ASCII digits, zero-padded: the payload's length in BYTES, 0 to 9999
    payload   that many bytes of UTF-8 text

    0010NAME alice
    0026MSG BROADCAST good morning
    0010NAME José                      9 characters, 10 bytes

Nothing stands between frames. TCP is a stream and cuts it anywhere: one recv() may return half
a length field, or three frames and a bit. `FrameReader` puts them together again.

A payload is a verb, or a verb, one space and its arguments, with exactly one space between two
arguments. The text of a message comes last and runs to the end of the payload, spaces included.

    the client asks              the server answers    and tells the others
    NAME <name>                  HELLO <name>          JOINED <name>, or RENAMED <old> <new>
    GET_NAMES                    NAMES <total> <name> <name> …
    MSG <name> <text>            (nothing)             MSG <from> <to> <text>, to that person
    MSG BROADCAST <text>         (nothing)             MSG <from> BROADCAST <text>, to everyone
    BLOCK <name>                 BLOCKED <name>
    UNBLOCK <name>               UNBLOCKED <name>
    PASS <password>              ACCEPTED
    EXIT                         BYE, and closes       LEFT <name>

Whatever goes wrong is answered with ERROR <CODE> <text>: the code is for programs, the text for
people. INFO <text> is for people only. A client shows frames that it does not know.

This module is sans-I/O: it knows no socket, no clock and no screen. Bytes go in, messages come
out; client and server both use it, so neither of them ever slices bytes itself.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

VERSION = "1.1"
PORT = 8820
LENGTH_FIELD_SIZE = 4  # bytes
MAX_PAYLOAD_SIZE = 10**LENGTH_FIELD_SIZE - 1  # bytes: the largest number that the field can hold
MAX_NAME_LENGTH = 20  # characters
BROADCAST = "BROADCAST"  # stands for everyone where a message has its addressee


# ---------------------------------------------------------------------------------------- errors


class ErrorCode(str, enum.Enum):
    """The second word of an ERROR frame."""

    BAD_FRAME = "BAD_FRAME"
    BAD_TEXT = "BAD_TEXT"
    UNKNOWN_COMMAND = "UNKNOWN_COMMAND"
    BAD_ARGUMENTS = "BAD_ARGUMENTS"
    BAD_NAME = "BAD_NAME"
    NAME_TAKEN = "NAME_TAKEN"
    NAME_REQUIRED = "NAME_REQUIRED"
    NO_SUCH_NAME = "NO_SUCH_NAME"
    BLOCKED = "BLOCKED"
    NOT_BLOCKED = "NOT_BLOCKED"
    TOO_LONG = "TOO_LONG"
    PASSWORD_REQUIRED = "PASSWORD_REQUIRED"
    BAD_PASSWORD = "BAD_PASSWORD"
    SERVER_FULL = "SERVER_FULL"
    TLS_REQUIRED = "TLS_REQUIRED"
    TIMEOUT = "TIMEOUT"
    REMOVED = "REMOVED"
    LOCKED = "LOCKED"
    MUTED = "MUTED"


class ProtocolError(Exception):
    """The peer said something that the protocol does not allow.

    `code` is for programs; `str(error)` is a sentence for the person at the other end. `closes`
    says, for a log, why the connection is closed behind it; nothing where it goes on.
    """

    def __init__(self, code: ErrorCode, sentence: str, *, closes: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.closes = closes


# ---------------------------------------------------------------------------------------- frames


def encode(payload: str) -> bytes:
    """Return the frame that carries `payload`.

    Raises ValueError when the payload has more than MAX_PAYLOAD_SIZE bytes: a mistake of the
    caller, not of the peer, hence no ProtocolError.
    """
    data = payload.encode()
    if len(data) > MAX_PAYLOAD_SIZE:
        raise ValueError(f"a payload of {len(data)} bytes does not fit a frame")
    return str(len(data)).zfill(LENGTH_FIELD_SIZE).encode() + data


class FrameReader:
    """Takes the stream as recv() returns it, gives it back frame by frame.

    Holds what was fed and not yet taken, so the caller bounds it: take what is whole before you
    feed more, and no more than one unfinished frame stays.
    """

    __slots__ = ("_buffer", "_start")

    def __init__(self) -> None:
        self._buffer = b""
        self._start = 0  # where in it the first frame begins that has not been taken

    def feed(self, data: bytes) -> None:
        """Append what recv() returned, however TCP cut it."""
        # Only what is left of the last read is copied, not every frame for each one taken.
        self._buffer = self.waiting + data
        self._start = 0

    def next_payload(self) -> bytes | None:
        """Take the next whole frame and return its payload, or None while it is incomplete.

        Raises ProtocolError (BAD_FRAME) at the first byte of a length field that is no digit.
        Without a length nobody knows where the next frame starts: such a stream is lost.
        """
        payload_start = self._start + LENGTH_FIELD_SIZE
        length_field = self._buffer[self._start : payload_start]
        if not length_field:
            self._buffer, self._start = b"", 0  # all is taken: keep none of it
            return None
        # bytes.isdigit() knows the ten ASCII digits only; int() would take "+123" and "1_00" too.
        if not length_field.isdigit():
            raise ProtocolError(
                ErrorCode.BAD_FRAME,
                f"A frame starts with {LENGTH_FIELD_SIZE} digits, the payload's length in bytes; "
                f"yours starts with {length_field!r}.",
                closes="sent something that is no frame",
            )
        end = payload_start + int(length_field)
        if len(length_field) < LENGTH_FIELD_SIZE or len(self._buffer) < end:
            return None
        self._start = end
        return self._buffer[payload_start:end]

    def __iter__(self) -> Iterator[bytes]:
        """Take every frame that is whole by now."""
        while (payload := self.next_payload()) is not None:
            yield payload

    @property
    def waiting(self) -> bytes:
        """The bytes that are here already and have not been taken."""
        return self._buffer[self._start :]


# ----------------------------------------------------------------------------------------- names

# A composed character comes from at most four code points (Unicode annex #15, table of expansion
# factors), so a longer name cannot normalise to MAX_NAME_LENGTH. Not trying matters: normalising
# thousands of combining marks takes time that grows with their square.
_MAX_RAW_NAME_LENGTH = 4 * MAX_NAME_LENGTH

# What shows nothing although Unicode counts it among letters, marks and symbols: the characters
# that it calls default-ignorable (DerivedCoreProperties.txt; those left out here are of category
# C*), and the braille pattern without a dot, U+2800. `alice` and one of these is no second alice.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)

# Their letters look so much alike that one can stand for another: the а of teаcher is Cyrillic.
_ALIKE_ALPHABETS = ("LATIN", "GREEK", "CYRILLIC")


def display_name(name: str) -> str:
    """Return the name as the server shows it: in normalisation form NFKC (Unicode annex #15)."""
    if name.isascii() or len(name) > _MAX_RAW_NAME_LENGTH:
        return name
    return unicodedata.normalize("NFKC", name)


def fold(name: str) -> str:
    """Return what two names have in common when they count as the same: `Bob` and `bob`.

    Normalised, case folded, and normalised again: case folding takes an `ΐ` apart, for one.
    """
    return name.lower() if name.isascii() else display_name(display_name(name).casefold())


EVERYONE = fold(BROADCAST)  # the word may have any capitals


def is_broadcast(addressee: str) -> bool:
    """Whether a message to this addressee is for everyone."""
    return fold(addressee) == EVERYONE


def check_name(name: str) -> str:
    """Return `name` as the server will show it.

    Raises ProtocolError (BAD_NAME) when it breaks the rules: after NFKC 1 to MAX_NAME_LENGTH
    characters, each a letter, a mark or a number (Unicode categories L*, M*, N*), `_` or `-`, none
    of them invisible; the first a letter or a number; no letters of two alphabets that look alike;
    and not BROADCAST.
    """
    shown = display_name(name)
    if sentence := _broken_rule(name, shown):
        raise ProtocolError(ErrorCode.BAD_NAME, sentence)
    return shown


def _broken_rule(name: str, shown: str) -> str:
    """Return in a sentence why `name`, `shown` after NFKC, cannot be one; nothing if it can."""
    if is_broadcast(shown):
        return f"{BROADCAST} means everyone; choose another name."
    if not 1 <= len(shown) <= MAX_NAME_LENGTH:
        return f"A name has 1 to {MAX_NAME_LENGTH} characters; choose another."
    if not all(unicodedata.category(c)[0] in "LMN" or c in "_-" for c in shown):
        return "A name has letters, digits, - and _ only, no spaces."
    if unicodedata.category(shown[0])[0] not in "LN":
        return "A name starts with a letter or a digit."
    if found := _INVISIBLE.search(name):  # before NFKC, which makes others of some of them
        return f"U+{ord(found[0]):04X} in this name cannot be seen; leave it out."
    letters: dict[str, str] = {}  # of each alphabet, the one that begins last standing last
    for character in filter(str.isalpha, shown):
        alphabet = unicodedata.name(character, "").partition(" ")[0]
        if alphabet in _ALIKE_ALPHABETS:
            letters[alphabet] = letters.get(alphabet, "") + character
    if len(letters) > 1:
        alphabet, foreign = min(reversed(letters.items()), key=lambda item: len(item[1]))
        return (
            f"{foreign[0]} (U+{ord(foreign[0]):04X}) is {alphabet.capitalize()} and other letters "
            "of this name are not; use one alphabet."
        )
    return ""


# ------------------------------------------------------------------------------------------ text

_CONTROL_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f]")  # Unicode category Cc, all of it


def decode(payload: bytes) -> str:
    """Return a payload as text.

    Raises ProtocolError (BAD_TEXT) when it is not UTF-8 or holds control characters: an escape
    sequence in a message is an attack on the terminal that shows it.
    """
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError(
            ErrorCode.BAD_TEXT, f"The payload is not UTF-8 from byte {error.start} on."
        ) from None
    # Text that is printable throughout, as nearly all is, needs no search.
    if not text.isprintable() and (found := _CONTROL_CHARACTER.search(text)):
        raise ProtocolError(
            ErrorCode.BAD_TEXT, f"The payload holds the control character U+{ord(found[0]):04X}."
        )
    return text


def has_visible_text(text: str) -> bool:
    """Whether there is anything to see: one character outside the categories Z* and C* that is
    not default-ignorable, and not U+2800.
    """
    if text.isascii():
        return not text.isspace() and bool(text)  # control characters were refused before
    return any(
        unicodedata.category(c)[0] not in "ZC" and not _INVISIBLE.match(c) for c in set(text)
    )


def check_password(password: str) -> str:
    """Return `password`. Raises ValueError when PASS could not carry it."""
    if not password:
        raise ValueError("its first line is empty")
    if _CONTROL_CHARACTER.search(password):
        raise ValueError("it holds control characters")
    if len(f"PASS {password}".encode()) > MAX_PAYLOAD_SIZE:
        raise ValueError("it is too long for a frame")
    return password


# -------------------------------------------------------------------------------------- requests


class Request(NamedTuple):
    """What a client asks for, taken apart; whether it can be done is for the room to say."""

    verb: str  # in capitals, one of USAGE
    name: str = ""  # NAME, BLOCK, UNBLOCK: whose; MSG: to whom
    text: str = ""  # MSG: what is said; PASS: the password


USAGE = {
    "NAME": "NAME <name>",
    "GET_NAMES": "GET_NAMES",
    "MSG": f"MSG <name> <text>, or MSG {BROADCAST} <text>",
    "BLOCK": "BLOCK <name>",
    "UNBLOCK": "UNBLOCK <name>",
    "PASS": "PASS <password>",
    "EXIT": "EXIT",
}


def split_verb(text: str) -> tuple[str, str | None]:
    """Return the verb in capitals and all that follows its one space; None where no space is.

    Only ASCII letters have their capitals here: str.upper() would make EXIT of "exıt" as well.
    """
    verb, space, arguments = text.partition(" ")
    return verb.upper() if verb.isascii() else verb, arguments if space else None


def read_request_text(payload: bytes) -> str:
    r"""Return a request's payload as text, without the Enter key that many first clients send.

    One trailing ``\n``, ``\r`` or ``\r\n`` is dropped. Raises ProtocolError (BAD_TEXT).
    """
    if payload.endswith((b"\n", b"\r")):
        payload = payload[: -2 if payload.endswith(b"\r\n") else -1]
    return decode(payload)


def parse_request(text: str) -> Request:
    """Take a request apart.

    Raises ProtocolError (UNKNOWN_COMMAND, BAD_ARGUMENTS): the sentence shows the usage.
    """
    verb, arguments = split_verb(text)
    if verb == "MSG":
        name, _, said = (arguments or "").partition(" ")
        if name and has_visible_text(said):
            return Request(verb, name, said)
    elif verb not in USAGE:
        raise ProtocolError(
            ErrorCode.UNKNOWN_COMMAND, f"No such command. There are {', '.join(USAGE)}."
        )
    elif verb in ("GET_NAMES", "EXIT"):
        if arguments is None:
            return Request(verb)
    elif arguments:
        return Request(verb, text=arguments) if verb == "PASS" else Request(verb, arguments)
    raise ProtocolError(ErrorCode.BAD_ARGUMENTS, f"Usage: {USAGE[verb]}")


# --------------------------------------------------------------------------------------- answers


def message(sender: str, addressee: str, text: str) -> bytes:
    """Return the frame of a message as its addressees get it.

    Raises ProtocolError (TOO_LONG): with both names in front of it the text may not fit.
    """
    try:
        return encode(f"MSG {sender} {addressee} {text}")
    except ValueError:
        room = MAX_PAYLOAD_SIZE - len(f"MSG {sender} {addressee} ".encode())
        raise ProtocolError(
            ErrorCode.TOO_LONG,
            f"Your text has {len(text.encode())} bytes and {room} fit; nobody got it.",
        ) from None


def error_frame(error: ProtocolError) -> bytes:
    """Return the frame that tells a client what went wrong."""
    return encode(f"ERROR {error.code.value} {error}")


def names_frames(names: Iterable[str]) -> list[bytes]:
    """Return the NAMES frames that list `names`: more than one when they do not fit one.

    Give the names in order: sorted by their folded form. Each frame tells the total, so that a
    client knows when it has them all.
    """
    ordered = [*names]
    start = f"NAMES {len(ordered)}"
    lines = [[start]]
    size = len(start)
    for name in ordered:
        size += 1 + len(name.encode())
        if size > MAX_PAYLOAD_SIZE:
            lines.append([start])
            size = len(start) + 1 + len(name.encode())
        lines[-1].append(name)
    return [encode(" ".join(line)) for line in lines]


# -------------------------------------------------------------------------------------- the wire


def show_bytes(data: bytes) -> str:
    """Return bytes for a person to read: as text, or in hex where they are none."""
    try:
        return decode(data)
    except ProtocolError:
        return data.hex(" ")


def show_frame(payload: bytes) -> str:
    """Return a frame for a person to read, its two fields told apart: 0010│NAME alice.

    A password is never shown.
    """
    if payload.lstrip()[:4].upper() == b"PASS":  # also where a first client put a space before it
        return "····│PASS ····"
    return f"{len(payload):0{LENGTH_FIELD_SIZE}}│{show_bytes(payload)}"


def show_request(request: Request) -> str:
    """Return a request for a person to read: MSG bob hi. A password is never shown."""
    text = "(not shown)" if request.verb == "PASS" else request.text
    return " ".join(filter(None, (request.verb, request.name, text)))


def show_read(waiting: bytes, data: bytes) -> str | None:
    """Return what a read returned, or None where it was whole frames and nothing else.

    `waiting` is what was there before it, the beginning of a frame.
    """
    reader = FrameReader()
    reader.feed(waiting + data)
    try:
        if not waiting and [*reader] and not reader.waiting:
            return None
    except ProtocolError:
        pass  # no frames at all: show it
    shown = "····" if b"PASS" in (waiting + data).upper() else show_bytes(data)
    return f"a read returned {len(data)} bytes: {shown}"
