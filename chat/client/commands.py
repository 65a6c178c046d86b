"""What a typed line means: a slash command, a request in capitals, or something to say.

Knows what people type and how it is completed; the requests go through the session, and what
comes of them is its business.
"""

from __future__ import annotations

import unicodedata

import chat_protocol as protocol
from chat.client.lines import Kind
from chat.client.session import Session
from chat.terminal.text import clusters
from chat_protocol import BROADCAST, ProtocolError, fold

# What may be typed with a slash, and the request that it makes.
SLASH_COMMANDS = {
    "/name": "NAME",
    "/names": "GET_NAMES",
    "/who": "GET_NAMES",
    "/info": "GET_NAMES",
    "/msg": "MSG",
    "/send": "MSG",
    "/all": f"MSG {BROADCAST}",
    "/echo": f"MSG {BROADCAST}",
    "/block": "BLOCK",
    "/unblock": "UNBLOCK",
    "/quit": "EXIT",
    "/exit": "EXIT",
}
COMMANDS = (*SLASH_COMMANDS, "/r", "/blocked", "/help")

HELP = """\
just type           say it to everyone (//text says /text)
/msg NAME text      say it to one person; /r text answers whoever wrote to you last
/names              who is here
/name NAME          choose another name
/block NAME         hear no more of somebody; /unblock NAME; /blocked lists them
/quit               leave
Tab completes names and commands. Requests in capitals are sent as they are: MSG bob hi"""


def is_secret(line: str) -> bool:
    """Whether a line, typed so far, holds a password: nobody is to read it over a shoulder."""
    return line.startswith("PASS ")


def split_text(text: str, size: int) -> list[str]:
    """Split `text` into parts of at most `size` bytes, between words where that is possible."""
    parts: list[str] = []
    rest = clusters(text)
    start = 0
    while start < len(rest):
        cut, used = start, 0
        while cut < len(rest) and (used := used + len(rest[cut].encode())) <= size:
            cut += 1
        cut = max(cut, start + 1)
        if cut < len(rest):
            cut = next((end for end in range(cut, start, -1) if rest[end] == " "), cut)
        parts.append("".join(rest[start:cut]))
        # The space at which a text is split is the split itself; none is sent for it.
        start = cut + 1 if rest[cut : cut + 1] == [" "] else cut
    return parts


class Commands:
    """What a person types in one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._roster = session.roster
        self._lines = session.lines

    def typed(self, line: str) -> None:
        """Do what a typed line means."""
        line = "".join(c for c in line.replace("\t", " ") if unicodedata.category(c) != "Cc")
        first = line.split(" ", 1)[0]
        if not line.strip():
            return
        if self._session.needs_password and first != "PASS":  # whatever it looks like
            self._session.give_password(line)
        elif line.startswith("/") and not line.startswith("//"):
            self._command(line.strip())
        elif first in protocol.USAGE:
            self._capital_request(line)
        elif self._session.needs_name:
            self._session.request(f"NAME {line.strip()}")
        else:
            self._say(BROADCAST, line.removeprefix("/"))

    def typed_lines(self, lines: list[str]) -> None:
        """Do what pasted lines mean, all sent with one Enter: they go where the first one goes."""
        first, *others = lines
        others = [line for line in others if line.strip()]
        head = "" if self._session.needs_password else self._head_of_others(first)
        self.typed(first)
        if head is None and others:
            self._lines.show(Kind.ERROR, "The lines behind it were not sent.")
            return
        for line in others:
            no_command = line.startswith("/") and line.split(" ", 1)[0].lower() not in COMMANDS
            self.typed(f"{head or '/' * no_command}{line}")

    def _head_of_others(self, first: str) -> str | None:
        """Return what makes lines go where `first` goes.

        None where that goes nowhere: what was meant for one person is not to be read by all.
        """
        word, _, arguments = first.strip().partition(" ")
        if word == "MSG" or word.lower() in ("/msg", "/send"):
            name = arguments.split(" ", 1)[0]
        elif word.lower() == "/r":
            name = self._roster.last_private
        else:
            return None if word.startswith("/") and word.lower() not in COMMANDS else ""
        return f"MSG {name} " if name else None

    def _command(self, line: str) -> None:
        """Do what a line with a slash asks for."""
        word, _, arguments = line.partition(" ")
        word, arguments = word.lower(), arguments.strip()
        if word == "/help":
            for text in HELP.splitlines():
                self._lines.show(Kind.EVENT, text)
        elif word == "/blocked":
            names = ", ".join(sorted(self._roster.blocked.values(), key=fold)) or "nobody"
            self._lines.tell(f"you block {names}")
        elif word == "/r":
            self._reply(arguments)
        elif word in SLASH_COMMANDS:
            if word in ("/msg", "/send"):
                name, _, text = arguments.partition(" ")
                arguments = f"{name} {text.lstrip()}"
            self._capital_request(f"{SLASH_COMMANDS[word]} {arguments}".rstrip())
        else:
            self._lines.show(Kind.ERROR, f"There is no command {word}; try /help.")

    def _reply(self, text: str) -> None:
        if not self._roster.last_private:
            self._lines.show(Kind.ERROR, "Nobody has written to you privately yet.")
        elif not text:
            self._lines.show(Kind.ERROR, f"Usage: /r text answers {self._roster.last_private}.")
        else:
            self._say(self._roster.last_private, text)

    def _capital_request(self, payload: str) -> None:
        """Send a request as it was typed; a message is shown too, for no server sends it back."""
        try:
            request = protocol.parse_request(payload)
        except ProtocolError:
            # The server's answer explains best what is wrong with it.
            self._session.request(payload)
            return
        if request.verb == "MSG":
            self._say(request.name, request.text)
        else:
            self._session.request(payload)

    def _say(self, name: str, text: str) -> None:
        """Send a message, in several if it is too long for one, and show it."""
        to_all = protocol.is_broadcast(name)
        known = self._roster.people.get(fold(name), name)
        head = f"MSG {self._roster.name} {BROADCAST if to_all else known} "
        # Without a name of ours yet, leave place for the longest that we may get.
        place = protocol.MAX_PAYLOAD_SIZE - len(head.encode())
        place -= 0 if self._roster.name else 4 * protocol.MAX_NAME_LENGTH
        if place < 1:  # no such name exists; let the server say so
            self._session.request(f"MSG {name} {text}")
            return
        speaker = "you" if to_all else f"you → {known}"
        if self._session.regaining:
            speaker += " (waiting)"
        for part in split_text(text, place):
            if not self._session.request(f"MSG {name} {part}"):
                return
            self._lines.show(
                Kind.SAID if to_all else Kind.PRIVATE,
                part,
                speaker,
                "" if to_all else known,
            )

    # -- completion

    def completions(self, before: str) -> list[str]:
        """Return what the text left of the cursor may be completed to, the likeliest first."""
        if self._session.needs_name or self._session.needs_password:
            return []
        command, space, rest = before.partition(" ")
        takes_name = ("/msg", "/send", "/block", "/unblock", "MSG", "BLOCK", "UNBLOCK")
        if space and " " not in rest and command in takes_name:
            return [f"{command} {name} " for name in self._roster.names_like(rest)]
        if space or not before:
            return []
        words = [f"{command} " for command in COMMANDS]
        # GET_NAMES and EXIT have no arguments: not even a space may follow them.
        words += ["".join(usage.partition(" ")[:2]) for usage in protocol.USAGE.values()]
        commands = sorted(word for word in words if word.startswith(before))
        return commands + [f"/msg {name} " for name in self._roster.names_like(before)]
