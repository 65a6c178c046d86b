"""The door: who stays out by the word of whoever runs the server, and what those who went left.

Knows where people come from and what they are called; does not know how many places there are
(places.py), nor what is said inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from chat.server.connection import Connection
from chat.server.muted import Muted
from chat_protocol import MAX_PAYLOAD_SIZE, ErrorCode, ProtocolError, Request, fold

MAX_LEFT_MUTES = 1000  # the oldest goes first
# Why somebody is out who did not lose the connection: for the log, and for a locked door.
LEFT, SENT_AWAY, KEPT_OUT = "left", "sent away", "kept out"
MOST_TOLD = 1000  # origins of whom the log tells that they are kept out
BANNED = "this address is banned here"
MAX_REASON_SIZE = MAX_PAYLOAD_SIZE - len(f"ERROR {ErrorCode.REMOVED.value} {BANNED}: ")  # bytes


class Ban(NamedTuple):
    """Why an address stays out."""

    names: tuple[str, ...]  # of whom it was meant for; none where it was meant for the address
    reason: str  # of at most MAX_REASON_SIZE; empty where none was given


class Door:
    """Keeps out who is banned, and everyone new while it is locked.

    All of it goes by address, or rather by origin: see places.py.
    """

    def __init__(
        self, names: Mapping[Connection, str], muted: Muted, log: Callable[[str], None]
    ) -> None:
        self._names = names
        self._muted = muted
        self._log = log
        self.bans: dict[str, Ban] = {}  # by origin, or by an address that nobody had
        self.is_locked = False
        self._told: set[str] = set()  # origins that are kept out, as the log has told
        # Origin and folded name of those who lost their connection since it was locked; and of
        # those who went muted, with the name as they spelled it.
        self._lost: set[tuple[str, str]] = set()
        self.left_mutes: dict[tuple[str, str], str] = {}

    def ban(self, origin: str, ban: Ban) -> None:
        """Keep out who comes from there; it may be known by several names."""
        before = self.bans[origin].names if origin in self.bans else ()
        self.bans[origin] = Ban((*before, *ban.names), ban.reason)
        self._told.discard(origin)

    def lock(self, locked: bool) -> None:
        """Lock the door, or unlock it; what is so already stays so."""
        if locked != self.is_locked:
            self._lost.clear()
            self._told.clear()
        self.is_locked = locked

    def refusal(self, host: str, origin: str, folded: str = "") -> ProtocolError | None:
        """Return why somebody from there, with this name if it is known, cannot come in."""
        if ban := self.bans.get(origin) or self.bans.get(host):
            sentence = f"{BANNED}: {ban.reason}" if ban.reason else f"{BANNED}."
            return ProtocolError(ErrorCode.REMOVED, sentence, closes=KEPT_OUT)
        returns = any(lost == origin and folded in ("", name) for lost, name in self._lost)
        if self.is_locked and not returns:
            sentence = "The door is locked: nobody new is let in for now."
            return ProtocolError(ErrorCode.LOCKED, sentence, closes=KEPT_OUT)
        return None

    def _is_news(self, origin: str) -> bool:
        """Whether the log has not told yet that somebody from there is kept out: who is knocks on
        and on, and would fill the desk with it.
        """
        is_news = origin not in self._told and len(self._told) < MOST_TOLD
        if is_news:
            self._told.add(origin)
        return is_news

    def check(self, newcomer: Connection) -> None:
        """Let a newcomer pass. Raises ProtocolError (REMOVED, LOCKED)."""
        if refusal := self.refusal(newcomer.address[0], newcomer.origin):
            raise refusal

    def holds_up(self, connection: Connection, request: Request) -> bool:
        """Whether a muted one has to wait for the name that it asks for.

        Raises ProtocolError (REMOVED, LOCKED): who has no name yet is new, and who comes back
        through a locked door has the name lost there.
        """
        newcomer = connection not in self._names
        host, origin = connection.address[0], connection.origin
        if newcomer and (refusal := self.refusal(host, origin, fold(request.name))):
            raise refusal
        is_muted = connection in self._muted or (newcomer and self._left_mute(origin, ""))
        return bool(is_muted) and self._muted.has_to_wait(connection, request, newcomer=newcomer)

    def was_named(self, connection: Connection, *, newcomer: bool) -> None:
        """It has taken a name, which everybody reads."""
        if newcomer:
            self._came_in(connection)
        if connection in self._muted:
            self._muted.rest(connection)

    def _came_in(self, connection: Connection) -> None:
        """A mute that was left behind at its address is its own now."""
        name, origin = self._names[connection], connection.origin
        self._lost.discard((origin, fold(name)))
        if mute := self._left_mute(origin, fold(name)):
            self._muted.some.add(connection)
            self._log(f"{name} is muted, as {self.left_mutes.pop(mute)} was, from the same address")

    def _left_mute(self, origin: str, folded: str) -> tuple[str, str] | None:
        """Return the mute left at an origin: under this name if there is one, else the oldest."""
        if (origin, folded) in self.left_mutes:
            return origin, folded
        return next((mute for mute in self.left_mutes if mute[0] == origin), None)

    def forget_mute(self, name: str) -> bool:
        """Forget a mute that was left behind under this name; return whether there was one."""
        found = [mute for mute in self.left_mutes if mute[1] == fold(name)]
        for mute in found:
            del self.left_mutes[mute]
        return bool(found)

    def went(self, connection: Connection, why: str) -> None:
        """Somebody goes, who perhaps was muted, or may come back though the door is locked."""
        name = self._names.get(connection)
        if why != KEPT_OUT or self._is_news(connection.origin):
            self._log(f"{name or connection} gone: {why}")
        if name is None:
            return
        here = connection.origin, fold(name)
        if self.is_locked and why not in (LEFT, SENT_AWAY):
            self._lost.add(here)
        if connection in self._muted.some:
            self.left_mutes.pop(here, None)
            self.left_mutes[here] = name
            if len(self.left_mutes) > MAX_LEFT_MUTES:
                del self.left_mutes[next(iter(self.left_mutes))]
