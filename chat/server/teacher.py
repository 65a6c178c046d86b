"""What is typed at the desk, and what it does: whoever sits at the server is the teacher.

Knows who is here, the door and the muted; knows no terminal. It answers in lines, and keeps
nothing but when it was last asked to end.
"""

from __future__ import annotations

import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address, ip_network
from typing import Protocol

import chat_protocol as protocol
from chat.server.broadcast import News
from chat.server.connection import Connection
from chat.server.door import MAX_REASON_SIZE, SENT_AWAY, Ban, Door
from chat.server.log import stamped
from chat.server.muted import Muted
from chat.server.password import Admission
from chat.server.stop import STOP_SENTENCES
from chat.terminal.text import columns
from chat.terminal.typed import (
    first_word,
    is_command,
    no_such_command,
    split_text,
    without_controls,
    without_marks,
)
from chat_protocol import ErrorCode, ProtocolError, fold

# What may be typed with a slash, and how.
USAGE = {
    "/say": "/say text",
    "/names": "/names",
    "/kick": "/kick WHOM, or /kick WHOM reason",
    "/ban": "/ban WHOM, or /ban WHOM reason",
    "/unban": "/unban WHOM",
    "/bans": "/bans",
    "/mute": "/mute WHOM, or /mute alone for everyone",
    "/unmute": "/unmute WHOM, or /unmute alone for everyone",
    "/lock": "/lock",
    "/unlock": "/unlock",
    "/help": "/help",
    "/quit": "/quit",
}
# What people type who come from elsewhere.
ELSEWHERE = {
    **dict.fromkeys(("/who", "/list", "/users", "/info"), "/names"),
    **dict.fromkeys(("/all", "/echo", "/me", "/msg", "/broadcast"), "/say"),
    **dict.fromkeys(("/remove", "/block", "/boot"), "/kick"),
    **dict.fromkeys(("/exit", "/stop", "/end", "/shutdown", "/bye", "/q"), "/quit"),
    **dict.fromkeys(("/silence", "/quiet", "/gag"), "/mute"),
    **dict.fromkeys(("/?", "/h", "/commands"), "/help"),
    "/close": "/lock",
    "/open": "/unlock",
}
# Each row fits a window of 40 columns.
HELP = """\
text, /say text     to everyone
//text              says /text
/names              who is here
/kick WHOM reason   sends them away
/ban WHOM reason    and keeps them out
/unban WHOM         lets them in again
/bans               who is kept out
/mute NAME          nobody hears them
/unmute NAME        takes that back
/mute, /unmute      the same for all
/lock               nobody new comes in
/unlock             takes that back
/quit               ends the chat
WHOM is a name or an address;
no reason has to be given.
Tab completes names and commands."""
NEEDS_ARGUMENT = ("/say", "/kick", "/ban", "/unban")
TAKES_ONE_WORD = ("/unban", "/mute", "/unmute")
TAKES_NAME = ("/kick", "/ban", "/unban", "/mute", "/unmute")

ASKED_SECONDS = 3.0  # within which the chat is ended by asking once more


class Chat(Protocol):
    """What of the server the desk works with."""

    listeners: list[socket.socket]  # none once the chat is being ended
    connections: set[Connection]
    names: dict[Connection, str]
    admission: Admission
    news: News
    door: Door
    muted: Muted

    def complain(self, connection: Connection, error: ProtocolError) -> None:
        """Tell somebody what is wrong, and see them off if the error closes."""

    def end(self, sentence: str) -> None:
        """End the chat with this sentence to all; at once, if it is being ended."""


class Teacher:
    """Does what lines mean that were typed at the desk."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._asked_at = -ASKED_SECONDS  # when the end was asked for
        self._commands: dict[str, Callable[[str], Iterable[str]]] = {
            "/say": self._say,
            "/names": self._names,
            "/kick": self._kick,
            "/ban": self._ban,
            "/unban": self._unban,
            "/bans": self._bans,
            "/mute": self._mute,
            "/unmute": self._unmute,
            "/lock": self._lock,
            "/unlock": self._unlock,
            "/help": lambda _: HELP.splitlines(),
            "/quit": lambda _: self.ask_to_end(),
        }

    # -- lines

    def holds_back(self, lines: list[str]) -> str:
        """Return why several lines that were pasted cannot be taken as they are; else nothing."""
        first, *others = [line for line in lines if line.strip()] or [""]
        if others and is_command(first.lstrip()) and first_word(first).lower() != "/say":
            return "A command stands alone: take the lines behind it away."
        return ""

    def typed(self, lines: list[str]) -> list[str]:
        """Do what lines mean that were finished with one Enter. Returns the answers.

        Whatever stands behind the first of them is said, though it look like a command.
        """
        first, *others = [without_controls(line) for line in lines if line.strip()] or [""]
        quits = first_word(first).lower() == "/quit"
        if not quits:
            self._asked_at = -ASKED_SECONDS  # whoever goes on does not mean to end it
        if not self._chat.listeners and not quits:
            return ["The chat is being ended: everyone has heard the goodbye."]
        return [*self._typed(first), *self._say(*others)]

    def _typed(self, line: str) -> Iterable[str]:
        if not is_command(line.lstrip()):
            return self._say(line.removeprefix("/"))
        word = first_word(line)
        word, arguments = word.lower(), line.strip().removeprefix(word).strip()
        if word not in USAGE:
            return [no_such_command(word, USAGE, ELSEWHERE)]
        surplus = arguments and USAGE[word] == word
        if surplus or (word in TAKES_ONE_WORD and " " in arguments):
            return [f"Usage: {USAGE[word]}"]
        if not arguments and word in NEEDS_ARGUMENT:
            return [f"Usage: {USAGE[word]}"]
        return self._commands[word](arguments)

    def _say(self, *texts: str) -> list[str]:
        """Say something to all who are admitted, named or not, in several parts if it is long."""
        chat = self._chat
        nameless = [
            one
            for one in chat.connections - chat.names.keys()
            if chat.admission.is_admitted(one) and not one.leaving
        ]
        room = protocol.MAX_PAYLOAD_SIZE - len("INFO ")
        parts = [part for text in texts for part in split_text(text, room)]
        parts = [part for part in parts if protocol.has_visible_text(part)]
        for part in parts:
            frame = protocol.encode(f"INFO {part}")
            chat.news.announce(frame, ())
            for connection in nameless:
                chat.news.deliver(connection, frame)
        return [stamped(f"[server] {part}") for part in parts]

    def ask_to_end(self) -> list[str]:
        """End the chat, if nobody is here or this was asked a moment ago."""
        now, asked_at = time.monotonic(), self._asked_at
        people = len(self._chat.names)
        if people and self._chat.listeners and now - asked_at > ASKED_SECONDS:
            self._asked_at = now
            return [f"Ctrl+C again ends the chat for {counted(people, 'person', 'people')}."]
        self._chat.end(STOP_SENTENCES[signal.SIGINT])
        return []

    # -- who is here

    def _names(self, _: str) -> Iterator[str]:
        chat = self._chat
        notes = ["; nobody may speak"] if chat.muted.everyone else []
        notes += ["; the door is locked"] if chat.door.is_locked else []
        yield f"{counted(len(chat.names), 'is', 'are')} here{''.join(notes)}".capitalize()
        table = [
            (name, one.address[0], lasted(one), ", ".join(self._remarks(one)))
            for one, name in sorted(chat.names.items(), key=lambda item: fold(item[1]))
        ]
        sizes = [max(map(columns, column)) for column in zip(*table, strict=True)]
        for row in table:
            cells = zip(row, sizes, strict=True)
            yield "  ".join(cell + " " * (size - columns(cell)) for cell, size in cells).rstrip()
        nameless = Counter(
            one.address[0] for one in chat.connections - chat.names.keys() if not one.leaving
        )
        for address, count in sorted(nameless.items()):
            yield f"{count} without a name: {address}"

    def _remarks(self, connection: Connection) -> Iterator[str]:
        if connection in self._chat.muted.some:
            yield "muted"
        if connection.outbox_size:
            yield f"{-(-connection.outbox_size // 1024)} KiB unread"

    def _called(self, typed: str) -> Connection | None:
        """Return who has a name."""
        folded = fold(without_marks(typed))
        return next((one for one, name in self._chat.names.items() if fold(name) == folded), None)

    def _nobody(self, typed: str) -> str:
        """Return a sentence: there is nobody like that, but perhaps one nearly called so."""
        import difflib  # takes its time, and is there for a slip of the finger

        name = without_marks(typed)
        nearly = difflib.get_close_matches(name, self._chat.names.values(), 1)
        return f"Nobody here is {name}{f'; is it {nearly[0]}?' if nearly else '.'}"

    def _whom(self, typed: str) -> list[Connection]:
        """Return whom a name or an address is, the one with a port or all of a machine."""
        if (named := self._called(typed)) is not None:
            return [named]
        word = typed.rstrip(",")
        known = (word, spelled(word))
        return [
            one
            for one in self._chat.connections
            if not one.leaving and {str(one), one.origin, one.address[0]}.intersection(known)
        ]

    def _named(self, typed: str) -> list[Connection]:
        """Return those of them who have a name."""
        return [one for one in self._whom(typed) if one in self._chat.names]

    # -- who has to go, and who may come

    def _kick(self, arguments: str) -> list[str]:
        whom, reason = whom_and_why(arguments)
        people = self._whom(whom)
        return [self._remove(people, reason)] if people else [self._nobody(whom)]

    def _remove(self, people: list[Connection], reason: str) -> str:
        """Send people away; return who they were, in a sentence."""
        sentence = reason or "no reason was given"
        who = [self._chat.names.get(one) or str(one) for one in people]
        for connection in people:
            error = ProtocolError(ErrorCode.REMOVED, sentence, closes=SENT_AWAY)
            self._chat.complain(connection, error)
        return f"{enumerated(sorted(who, key=fold))} {'is' if len(who) == 1 else 'are'} out."

    def _ban(self, arguments: str) -> list[str]:
        whom, reason = whom_and_why(arguments)
        people = self._whom(whom)
        origins = {one.origin for one in people} or {*filter(None, [address_in(whom)])}
        if not origins:
            return [self._nobody(whom)]
        name = self._chat.names[people[0]] if self._called(whom) else ""
        for origin in origins:
            self._chat.door.ban(origin, Ban((name,) if name else (), reason))
        answers = [self._remove(people, reason)] if people else []
        others = [n for one, n in self._chat.names.items() if one.origin in origins]
        answers += [f"{one} stays out until /unban {name or one}." for one in sorted(origins)]
        if others:
            answers.append(f"With that address, and still here: {enumerated(others)}.")
        return answers

    def _unban(self, whom: str) -> list[str]:
        bans = self._chat.door.bans
        name, address = fold(without_marks(whom)), address_in(whom)
        found = [
            origin
            for origin, ban in bans.items()
            if whom == origin or is_within(address, origin) or name in map(fold, ban.names)
        ]
        for origin in found:
            del bans[origin]
        return [f"{origin} may come in again." for origin in found] or [f"No ban is for {whom}."]

    def _bans(self, _: str) -> Iterator[str]:
        bans = self._chat.door.bans
        if not bans:
            yield "Nobody is kept out."
        for origin, ban in bans.items():
            yield "  ".join(filter(None, (origin, ", ".join(ban.names), ban.reason)))

    def _lock(self, _: str) -> list[str]:
        self._chat.door.lock(True)
        return ["Nobody new comes in until /unlock; who loses the connection may come back."]

    def _unlock(self, _: str) -> list[str]:
        self._chat.door.lock(False)
        return ["Everyone may come in."]

    # -- who may speak

    def _mute(self, whom: str) -> list[str]:
        muted = self._chat.muted
        if not whom:
            muted.everyone = True
            return ["Nobody may speak until /unmute."]
        if not (people := self._named(whom)):
            return [self._nobody(whom)]
        muted.some.update(people)
        names = enumerated([self._chat.names[one] for one in people])
        return [f"{names} may not speak until /unmute {names if len(people) == 1 else whom}."]

    def _unmute(self, whom: str) -> list[str]:
        muted, people = self._chat.muted, self._named(whom)
        muted.ask_again()
        if not whom:
            muted.everyone = False
            still = enumerated([self._chat.names[one] for one in muted.some])
            return [f"Everyone may speak{f', save {still}' if still else ''}."]
        was_muted = self._chat.door.forget_mute(without_marks(whom))
        was_muted = was_muted or not muted.some.isdisjoint(people)
        muted.some.difference_update(people)
        names = enumerated([self._chat.names[one] for one in people]) or without_marks(whom)
        if not was_muted:
            return [f"Not muted by name: {names}." if people else self._nobody(whom)]
        return [f"{names} may speak{' once everyone may' if muted.everyone else ''}."]

    # -- completion

    def completions(self, before: str) -> list[str]:
        """Return what the text left of the cursor may be completed to, the likeliest first."""
        left, space, word = before.rpartition(" ")
        if not space and is_command(word):
            return [f"{command} " for command in USAGE if command.startswith(word.lower())]
        command = left.lower()
        if not word and command not in TAKES_NAME:
            return []
        door = self._chat.door
        names = {*self._chat.names.values()}
        if command == "/unban":
            names = {name for origin, ban in door.bans.items() for name in ban.names or (origin,)}
        elif command == "/unmute":
            names |= {*door.left_mutes.values()}
        at = "@" if word.startswith("@") else ""
        wanted = fold(word.removeprefix("@"))
        found = [at + name for name in sorted(names, key=fold) if fold(name).startswith(wanted)]
        return [f"{left} {name} " if space else f"{name}: " for name in found]


def counted(count: int, one: str, many: str) -> str:
    """Return a number, or that there is none, and what it counts."""
    return f"{count or 'nobody'} {many if count > 1 else one}"


def enumerated(names: list[str]) -> str:
    """Return names as a sentence has them."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def lasted(connection: Connection) -> str:
    """Return for how long somebody is here."""
    seconds = int(time.monotonic() - connection.since)
    minutes = seconds // 60
    if minutes < 1:
        return f"{seconds} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def whom_and_why(arguments: str) -> tuple[str, str]:
    """Return who is meant and for what reason, cut to what fits a frame; nothing for none."""
    whom = first_word(arguments)
    reason = arguments.removeprefix(whom).strip()
    parts = split_text(reason, MAX_REASON_SIZE) if protocol.has_visible_text(reason) else [""]
    return whom, parts[0]


def spelled(address: str) -> str:
    """Return an address as the system spells it, perhaps typed in brackets; nothing for none."""
    try:
        return str(ip_address(address.strip("[]")))
    except ValueError:
        return ""


def address_in(typed: str) -> str:
    """Return the address in what was typed, also with a port: [::1]:8820; nothing for none."""
    typed = typed.rstrip(",")
    return spelled(typed) or spelled(re.sub(r":[0-9]+$", "", typed))


def is_within(address: str, origin: str) -> bool:
    """Whether an address counts as this origin; see places.py."""
    is_network = address and "/" in origin
    return ip_address(address) in ip_network(origin) if is_network else address == origin
