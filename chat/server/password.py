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

REST_SECONDS = 1.0  # between two tries from an origin, after a wrong one
MAX_TRIES = 3
HELD_PER_ORIGIN = 100  # connections that wait behind a wrong one; a class behind one router
# Between any two, so that who has addresses without number guesses a hundred times a second at
# most, and though every place be taken by such guesses, nobody waits for ten seconds.
JUDGING_SECONDS = 0.01


class Admission:
    """Lets in those who know the password; everyone, where there is none.

    After a wrong one, whoever tries the next from the same origin waits. Where several wait, their
    origins stand in line, and of each one is judged at a time.
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
        self._held: dict[str, dict[Connection, Request]] = {}  # by origin: those who wait
        self._line: dict[str, None] = {}  # origins of which one may be judged, in their order
        self._doubted: set[str] = set()  # origins that have just sent a wrong one
        self._rests = False  # one was judged a moment ago
        self._called: Connection | None = None  # whose turn it is

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
        waits = self._rests or connection.origin in self._doubted or connection.origin in self._held
        if waits and connection != self._called:
            self._hold(connection, request)
            return False
        self._rest()
        if self._are_equal(request.text.encode(), self._password):
            self._admitted.add(connection)
            return True
        self._doubt(connection.origin)
        tries = self._wrong_tries.get(connection, 0) + 1
        if tries < MAX_TRIES:
            self._wrong_tries[connection] = tries
            sentence = "That is not the password; try again."
            raise ProtocolError(ErrorCode.BAD_PASSWORD, sentence)
        sentence = "That is not the password either."
        raise ProtocolError(ErrorCode.BAD_PASSWORD, sentence, closes="did not know the password")

    def _hold(self, connection: Connection, request: Request) -> None:
        held = self._held.get(connection.origin, {})
        if connection.origin not in self._doubted:
            self._line.setdefault(connection.origin)
        elif len(held) >= HELD_PER_ORIGIN:  # or who comes, guesses and goes would fill every place
            sentence = "Too many from your address wait for their turn; try again later."
            raise ProtocolError(ErrorCode.SERVER_FULL, sentence, closes="too many wait there")
        self._held[connection.origin] = held
        held[connection] = request
        self._pace.pause(connection)

    def _rest(self) -> None:
        """Judge nobody for a moment."""
        self._rests = True
        self._deadlines.later(JUDGING_SECONDS, None, self._call_next)

    def _call_next(self, _nobody: None = None) -> None:
        """Let one of the first origin in line be judged, and have those behind it wait on."""
        self._rests = False
        if self._line:
            first = next(iter(self._held[next(iter(self._line))]))
            self._deadlines.later(0, first, self._try_again)
            self._rest()

    def _try_again(self, connection: Connection) -> None:
        request = self._held[connection.origin][connection]
        self._let_go(connection)
        if connection.origin in self._held:  # the next of them comes when it is their turn again
            self._line[connection.origin] = self._line.pop(connection.origin)
        self._called = connection
        try:
            self._admit(connection, request)
        finally:
            self._called = None
            self._pace.resume(connection)  # it goes on with what it sent next

    def _doubt(self, origin: str) -> None:
        self._doubted.add(origin)
        self._line.pop(origin, None)
        self._deadlines.later(REST_SECONDS, origin, self._end_rest)

    def _end_rest(self, origin: str) -> None:
        """Have those of this origin stand in line again who had to wait."""
        self._doubted.remove(origin)
        if origin in self._held:
            self._line[origin] = None
            if not self._rests:
                self._call_next()

    def _let_go(self, connection: Connection) -> None:
        held = self._held.get(connection.origin, {})
        held.pop(connection, None)
        if not held:
            self._held.pop(connection.origin, None)
            self._line.pop(connection.origin, None)

    def forget(self, connection: Connection) -> None:
        """It is gone, and its tries with it; that its origin is doubted stays."""
        self._admitted.discard(connection)
        self._wrong_tries.pop(connection, None)
        self._let_go(connection)
