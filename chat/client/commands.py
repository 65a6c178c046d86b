"""What a typed line means: a slash command, a request in capitals, or something to say.

Knows what people type and how it is completed; the requests go through the session, and what
comes of them is its business.
"""

from __future__ import annotations

import chat_protocol as protocol
from chat.client.lines import Kind
from chat.client.session import Session
from chat.terminal.line_editor import LINE_END
from chat.terminal.typed import (
    first_word,
    is_command,
    no_such_command,
    split_text,
    without_controls,
    without_marks,
)
from chat_protocol import BROADCAST, ProtocolError, fold

# What may be typed with a slash, and how.
USAGE = {
    "/name": "/name NAME",
    "/names": "/names",
    "/who": "/who",
    "/info": "/info",
    "/msg": "/msg NAME text, or /msg NAME alone for all that follows",
    "/send": "/send NAME text, or /send NAME alone for all that follows",
    "/r": "/r text",
    "/all": "/all text, or /all alone for all that follows",
    "/echo": "/echo text, or /echo alone for all that follows",
    "/block": "/block NAME",
    "/unblock": "/unblock NAME",
    "/blocked": "/blocked",
    "/help": "/help",
    "/quit": "/quit",
    "/exit": "/exit",
}
# What people type who come from another chat.
ELSEWHERE = {
    **dict.fromkeys(("/nick", "/rename"), "/name"),
    **dict.fromkeys(("/query", "/tell", "/whisper", "/w", "/pm", "/dm", "/private"), "/msg"),
    **dict.fromkeys(("/list", "/users", "/here"), "/names"),
    **dict.fromkeys(("/ignore", "/mute"), "/block"),
    **dict.fromkeys(("/unignore", "/unmute"), "/unblock"),
    **dict.fromkeys(("/leave", "/part", "/bye", "/q", "/disconnect"), "/quit"),
    **dict.fromkeys(("/say", "/me", "/everyone"), "/all"),
    **dict.fromkeys(("/?", "/h", "/commands"), "/help"),
    "/reply": "/r",
}

# Each row fits a window of 40 columns, behind the place of the time.
HELP = """\
text            to everyone
//text          says /text
/msg NAME text  to one person
/msg NAME       all, until /all
/r text         to the last writer
/names          who is here
/name NAME      takes another name
/block NAME     no more of one
/unblock NAME   hears them again
/blocked        whom you block
/quit           leaves
Tab completes names and commands.
Requests in capitals go as typed:
MSG bob hi"""


def is_secret(line: str) -> bool:
    """Whether a line, typed so far, holds a password: nobody is to read it over a shoulder."""
    return line.startswith("PASS ")


def is_unknown_command(line: str) -> bool:
    """Whether a line begins like a slash command, and there is none of that name."""
    return is_command(line) and first_word(line).lower() not in USAGE


def is_text(line: str) -> bool:
    """Whether something would be said with a line, be it a command that nobody knows."""
    word = first_word(line)
    return word != "" and word.lower() not in USAGE and word not in protocol.USAGE


class Commands:
    """What a person types in one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._roster = session.roster
        self._lines = session.lines
        self._replies_to = ""  # whom /r answers, as it was when the line was begun

    def begin_line(self) -> None:
        """A line is begun: should it be an answer, it is for whoever wrote to us last by now."""
        self._replies_to = self._roster.last_private

    def tell_of_lines(self, text: str) -> None:
        """Say what to do with several lines that were pasted."""
        count = sum(bool(line.strip()) for line in text.split(LINE_END))
        if count > 1:
            self._lines.tell(f"{count} lines pasted: Enter sends them, Ctrl+C drops them")

    def typed(self, line: str) -> None:
        """Do what a typed line means."""
        line = without_controls(line)
        first = first_word(line)
        if not line.strip():
            return
        if self._session.password.wanted and first != "PASS":  # whatever it looks like
            self._session.give_password(line)
        elif first.lower() in USAGE or is_unknown_command(line):
            self._command(line.strip())
        elif first in protocol.USAGE:
            self._request(line.lstrip(), line)
        elif self._session.needs_name:
            self._session.request(f"NAME {line.strip()}")
        else:
            self._say(self._roster.addressee or BROADCAST, line.removeprefix("/"), line)

    def holds_back(self, lines: list[str]) -> bool:
        """Whether lines are not to be said yet, for they may not be meant for whom they go to.

        It is asked once: the same lines, typed again, are said.
        """
        lines = [line for line in lines if line.strip()]
        if not lines or self._session.password.wanted:
            return False
        gone, last = self._roster.lost_addressee, self._roster.last_private
        if first_word(lines[0]).lower() == "/r" and self._replies_to not in ("", last):
            self._replies_to = last
            sentence = f"/r answers {last} by now: Enter once more says it."
        elif gone and any(map(is_text, lines)) and not is_unknown_command(lines[0]):
            self._roster.lost_addressee = ""
            others = self._roster.addressee or "everyone"
            sentence = f"{gone} is not here, so this goes to {others}: Enter once more says it."
        else:
            return False
        self._lines.show(Kind.ERROR, sentence)
        return True

    def typed_lines(self, lines: list[str]) -> None:
        """Do what pasted lines mean, all sent with one Enter: they go where the first one goes."""
        first, *others = [line for line in lines if line.strip()] or [""]
        is_password = self._session.password.wanted
        self.typed(first)
        head = self._head_of_others(first)
        if is_password:  # a text behind it may be its second half
            head = None if any(map(is_text, others)) else ""
        if head is None and others:
            self._lines.show(Kind.ERROR, "The lines behind it were not sent.")
            return
        for line in others:
            self.typed(f"{head or '/' * is_unknown_command(line)}{line}")

    def _head_of_others(self, first: str) -> str | None:
        """Return what makes lines go where `first` goes.

        None where that goes nowhere: what was meant for one person is not to be read by all.
        """
        word = first_word(first)
        name, _, text = first.strip().removeprefix(word).lstrip().partition(" ")
        if word.lower() in ("/msg", "/send"):
            name = without_marks(name)
            if not text and not protocol.is_broadcast(name):  # all goes there, if they are here
                name = name if fold(name) == fold(self._roster.addressee) else ""
        elif word.lower() == "/r":
            name = self._roster.last_private
        elif word.lower() in ("/all", "/echo"):
            name = BROADCAST
        elif word != "MSG":
            plain = not word.startswith("/") and word not in protocol.USAGE
            name = self._roster.addressee if plain or word.startswith("//") else ""
            if not name:
                return None if is_unknown_command(first) else ""
        return f"MSG {name} " if name else None

    def _command(self, line: str) -> None:
        """Do what a line with a slash asks for."""
        word, _, arguments = line.partition(" ")
        word, arguments = word.lower(), arguments.strip()
        first, _, text = arguments.partition(" ")
        name = without_marks(first)
        if word not in USAGE:
            self._lines.show(Kind.ERROR, no_such_command(word, USAGE, ELSEWHERE))
        elif word in ("/msg", "/send") and name and not text:
            self._write_to(name)
        elif word in ("/msg", "/send") and name:
            self._request(f"MSG {name} {text.lstrip()}", line)
        elif word in ("/all", "/echo"):
            self._say(BROADCAST, arguments, line) if arguments else self._roster.write_to("")
        elif word == "/r" and arguments:
            self._reply(arguments, line)
        elif word == "/name" and arguments:
            self._request(f"NAME {arguments}", line)
        elif word in ("/block", "/unblock") and name and not text:
            self._request(f"{word[1:].upper()} {name}", line)
        elif arguments or word in ("/msg", "/send", "/r", "/name", "/block", "/unblock"):
            self._lines.show(Kind.ERROR, f"Usage: {USAGE[word]}")
        elif word == "/help":
            self._lines.tell("what you type, and what it does:")
            for row in HELP.splitlines():
                self._lines.show(Kind.HELP, row)
        elif word == "/blocked":
            names = sorted(self._roster.blocked.values(), key=fold)
            self._lines.tell("you block" + ("" if names else " nobody"), items=names)
        else:
            self._request("EXIT" if word in ("/quit", "/exit") else "GET_NAMES", line)

    def _write_to(self, name: str) -> None:
        """Have all that is typed go to one person from now on, if they are here."""
        known = self._roster.people.get(fold(name))
        if protocol.is_broadcast(name):
            self._roster.write_to("")
        elif known or self._session.keeps_messages or not self._roster.is_complete:
            # It turns out later whether they are here.
            self._roster.write_to(known or name)
        else:
            self._roster.lost_addressee = name
            self._lines.show(Kind.ERROR, self._roster.nobody_called(name))

    def _reply(self, text: str, line: str) -> None:
        if self._roster.last_private:
            self._say(self._roster.last_private, text, line)
        else:
            self._lines.show(Kind.ERROR, "Nobody has written to you privately yet.")

    def _request(self, payload: str, typed: str) -> None:
        """Send a request that was typed so; a message is shown too, for no server sends it back."""
        try:
            request = protocol.parse_request(payload)
        except ProtocolError:
            # The server's answer explains best what is wrong with it.
            self._session.request(payload, typed)
            return
        if request.verb == "MSG":
            self._say(request.name, request.text, typed)
        else:
            self._session.request(payload, typed)

    def _say(self, name: str, text: str, typed: str) -> None:
        """Send a message, in several if it is too long for one, and show it."""
        known = self._roster.people.get(fold(name), name)
        head = f"MSG {self._roster.name} {BROADCAST if protocol.is_broadcast(name) else known} "
        # Without a name of ours yet, leave place for the longest that we may get.
        place = protocol.MAX_PAYLOAD_SIZE - len(head.encode())
        place -= 0 if self._roster.name else 4 * protocol.MAX_NAME_LENGTH
        if place < 1:  # no such name exists; let the server say so
            self._session.request(f"MSG {name} {text}", typed)
            return
        # A pipe does not wait until the server has said HELLO.
        me = self._session.name or self._session.wanted_name or "(no name yet)"
        note = " (waiting)" if self._session.keeps_messages else ""
        for part in split_text(text, place):
            if not self._session.request(f"MSG {name} {part}", typed):
                return
            self._roster.said_myself(me, name, part, note)

    # -- completion

    def completions(self, before: str) -> list[str]:
        """Return what the text left of the cursor may be completed to, the likeliest first."""
        if self._session.needs_name or self._session.password.wanted:
            return []
        left, space, word = before.rpartition(" ")
        takes_name = ("/msg", "/send", "/block", "/unblock", "MSG", "BLOCK", "UNBLOCK")
        if not word and left not in takes_name:
            return []
        if not space and (word.startswith("/") or word in protocol.USAGE):
            return [f"{command} " for command in sorted(USAGE) if command.startswith(word)]
        at = "@" if word.startswith("@") else ""
        names = [at + name for name in self._roster.names_like(word.removeprefix("@"))]
        if space:
            return [f"{left} {name} " for name in names]
        # GET_NAMES and EXIT have no arguments: not even a space may follow them.
        verbs = sorted("".join(usage.partition(" ")[:2]) for usage in protocol.USAGE.values())
        return [f"{name}: " for name in names] + [verb for verb in verbs if verb.startswith(word)]
