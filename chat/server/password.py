"""The password: who has given it, and how fast it can be guessed.

Knows what was tried and from where; does not know who it was, nor how they are told.
"""

from __future__ import annotations

from collections.abc import Callable

from chat.server.connection import Connection
from chat.server.deadlines import Deadlines
from chat.server.options import Settings
from chat.server.pace import Pace
from chat_protocol import USAGE, ErrorCode, ProtocolError, Request, split_verb

REST_SECONDS = 1.0  # between two tries from an address, after a wrong one
MAX_TRIES = 3
HELD_PER_HOST = 100  # connections of one address whose password waits; a class behind one router


class Admission:
    """Lets in those who know the password; everyone, where there is none.

    After a wrong one, whoever tries the next from the same address waits; nobody else does.
    """

    def __init__(
        self,
        settings: Settings,
        deadlines: Deadlines,
        pace: Pace,
        admit: Callable[[Connection, Request], None],
    ) -> None:
        """`admit` is called again with a request that had to wait."""
        self._password = None
        if settings.password is not None:
            import hmac  # it loads OpenSSL: for those servers that need it

            self._password = settings.password.encode()
            self._are_equal = hmac.compare_digest  # as fast however much of the password is right
        self._deadlines = deadlines
        self._pace = pace
        self._admit = admit
        self._admitted: set[Connection] = set()  # those who knew it
        self._wrong_tries: dict[Connection, int] = {}
        self._doubted: set[str] = set()  # hosts that have just sent a wrong one
        self._held: dict[str, dict[Connection, Request]] = {}  # by host: who tries the next one

    @property
    def is_wanted(self) -> bool:
        """Whether there is a password at all."""
        return self._password is not None

    def is_admitted(self, connection: Connection) -> bool:
        """Whether it may ask for whatever it likes."""
        return self._password is None or connection in self._admitted

    def check(self, connection: Connection, text: str) -> None:
        """Look at a request before anyone else does. Raises ProtocolError (PASSWORD_REQUIRED)."""
        if self.is_admitted(connection):
            return
        if split_verb(text)[0] not in ("PASS", "EXIT"):
            sentence = f"This server wants a password first: {USAGE['PASS']}"
            raise ProtocolError(ErrorCode.PASSWORD_REQUIRED, sentence)

    def accepts(self, connection: Connection, request: Request) -> bool:
        """Judge a PASS request; False where it has to wait, and its client with it.

        Raises ProtocolError (BAD_PASSWORD, SERVER_FULL).
        """
        if self._password is None or self.is_admitted(connection):
            return True
        host = connection.address[0]
        if host in self._doubted:
            self._hold(connection, request)
            return False
        if self._are_equal(request.text.encode(), self._password):
            self._admitted.add(connection)
            return True
        self._doubted.add(host)
        self._deadlines.later(REST_SECONDS, host, self._end_rest)
        tries = self._wrong_tries.get(connection, 0) + 1
        if tries < MAX_TRIES:
            self._wrong_tries[connection] = tries
            sentence = "That is not the password; try again."
            raise ProtocolError(ErrorCode.BAD_PASSWORD, sentence)
        sentence = "That is not the password either."
        raise ProtocolError(ErrorCode.BAD_PASSWORD, sentence, closes="did not know the password")

    def _hold(self, connection: Connection, request: Request) -> None:
        held = self._held.setdefault(connection.address[0], {})
        if len(held) == HELD_PER_HOST:  # or those who come, guess and go would fill every place
            sentence = "Too many from your address wait for their turn; try again later."
            raise ProtocolError(ErrorCode.SERVER_FULL, sentence, closes="too many wait there")
        held[connection] = request
        self._pace.pause(connection)

    def _end_rest(self, host: str) -> None:
        """Have those of this host judged again who had to wait, in their order."""
        self._doubted.remove(host)
        for connection in self._held.get(host, ()):
            self._deadlines.later(0, connection, self._try_again)

    def _try_again(self, connection: Connection) -> None:
        request = self._held[connection.address[0]][connection]
        self._let_go(connection)
        try:
            self._admit(connection, request)
        finally:
            if not self._is_held(connection):  # by one who was wrong just before it
                self._pace.resume(connection)  # and goes on with what it sent next

    def _is_held(self, connection: Connection) -> bool:
        return connection in self._held.get(connection.address[0], ())

    def _let_go(self, connection: Connection) -> None:
        held = self._held.get(connection.address[0], {})
        held.pop(connection, None)
        if not held:
            self._held.pop(connection.address[0], None)

    def forget(self, connection: Connection) -> None:
        """It is gone, and its tries with it; that its host is doubted stays."""
        self._admitted.discard(connection)
        self._wrong_tries.pop(connection, None)
        self._let_go(connection)
