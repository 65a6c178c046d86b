"""The people of the soak: what each of them sends, what must be answered, what they have heard.

Knows frames; knows neither sockets that are watched (soak_wire.py) nor the room (soak_room.py).
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

from load import frame
from soak_names import fold, is_list_of_names


class BrokenPromiseError(Exception):
    """The server did not do what protocol.md promises."""


@dataclass(eq=False)
class Person:
    """One connection after the other, and what the model knows about who is behind them."""

    number: int
    source: str  # the address of this machine that they call from
    socket: socket.socket
    name: str = ""  # as the server shows it; none yet: not part of the chat
    blocked: set[str] = field(default_factory=set)  # folded names
    said: int = 0
    # What they have to send, on this connection and on those after it.
    scripts: list[bytearray] = field(default_factory=lambda: [bytearray()])
    half_frame: bytes = b""
    half_list: list[str] = field(default_factory=list)  # names, of whom more are to come
    stalled: bool = False  # does not read for now
    gone: bool = False  # the server has closed the connection, or we have
    # Of this phase:
    heard: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)  # that must come, see matches()
    answered: int = 0
    farewell: str = ""  # how they leave at the end of their script
    reset_at: int = 0  # with so many bytes unsent

    @property
    def unsent(self) -> bytearray:
        return self.scripts[0]

    def ask(self, payload: bytes | str, answer: str = "") -> None:
        """Add a request to the script, and what must be answered, if anything is."""
        data = payload.encode() if isinstance(payload, str) else payload
        self.scripts[-1] += frame(data)
        if answer:
            self.answers.append(answer)

    def come_back(self) -> None:
        """Go, and come back at once: what is asked from here on is for the next connection."""
        self.ask("EXIT", "BYE")
        self.scripts.append(bytearray())

    def take(self, data: bytes) -> None:
        """Take bytes as they come, and keep the frames."""
        data = self.half_frame + data
        start = 0
        while len(data) >= start + 4:
            end = start + 4 + length(data[start : start + 4])
            if len(data) < end:
                break
            self.hear(data[start + 4 : end].decode())
            start = end
        self.half_frame = data[start:]

    def hear(self, payload: str) -> None:
        """Take a frame; a list of names that needed several becomes one."""
        if payload.startswith("NAMES "):
            _, total, *names = payload.split(" ")
            self.half_list += names
            if len(self.half_list) < int(total):
                return
            payload = " ".join(["NAMES", total, *self.half_list])
            self.half_list.clear()
        self.heard.append(payload)
        self.answered += not source_name(payload)

    def check_answers(self) -> None:
        """Raise BrokenPromiseError where the answers are not those due."""
        answers = [payload for payload in self.heard if not source_name(payload)]
        for answer, due in zip(answers, self.answers, strict=False):
            if not matches(answer, due):
                raise BrokenPromiseError(f"{self} should be answered\n  {due}\nand was\n  {answer}")
        if len(answers) != len(self.answers):
            raise BrokenPromiseError(
                f"{self} should be answered\n  {self.answers}\nand was\n  {answers}"
            )

    def state(self) -> str:
        return f"expects {self.answers[-3:]}, heard last {[*map(shorten, self.heard[-3:])]}"

    def __str__(self) -> str:
        return f"person {self.number} ({self.name or 'no name'})"


def length(digits: bytes) -> int:
    if not digits.isdigit():
        raise BrokenPromiseError(f"a frame begins with {digits!r}")
    return int(digits)


def source_name(payload: str) -> str:
    """Whose doing a frame tells of; nobody's: it is an answer to one's own request."""
    verb, _, rest = payload.partition(" ")
    return rest.partition(" ")[0] if verb in ("MSG", "JOINED", "LEFT", "RENAMED") else ""


def matches(answer: str, due: str) -> bool:
    """Whether an answer is the one due: `ERROR CODE` with any text, or `NAMES` with any names."""
    if due == "NAMES":
        verb, total, *names = answer.split(" ")
        return verb == due and int(total) == len(names) and is_list_of_names(names)
    if due.startswith("ERROR "):
        return answer.split()[:2] == due.split()
    if due.startswith("UNBLOCKED "):  # in whose capitals is not promised
        return fold(answer) == fold(due)
    return answer == due


def shorten(text: str) -> str:
    return text if len(text) < 200 else f"{text[:200]}…"


@dataclass
class Event:
    """A frame that one person's script causes, and who gets it."""

    payload: str
    deaf: set[int] = field(default_factory=set)  # numbers of those who do not hear it
    only: int | None = None  # the one who does, if it is private

    def reaches(self, listener: Person) -> bool:
        if self.only is not None:
            return listener.number == self.only
        return listener.number not in self.deaf
