"""The wire view (--wire): every frame as it travels, in the log.

Knows what frames look like to a person; changes nothing of what is said. Without --wire there is
none, and nobody pays for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import chat_protocol as protocol
from chat.server.connection import Connection
from chat.server.password import Admission
from chat.sockets import endpoint


class WireView:
    """Is told what comes and what goes, and shows it."""

    def __init__(
        self, names: Mapping[Connection, str], admission: Admission, log: Callable[[str], None]
    ) -> None:
        self._names = names
        self._admission = admission
        self._log = log

    def read(self, connection: Connection, data: bytes) -> None:
        """Show what a read really returned where TCP has cut it otherwise than into frames."""
        if shown := protocol.show_read(connection.reader.waiting, data):
            if not self._admission.is_admitted(connection):
                shown = shown.partition(": ")[0]  # it may be a piece of a password
            self._log(f"← {self._who(connection)} {shown}")

    def received(self, connection: Connection, payload: bytes) -> None:
        """Show a frame that came."""
        self._log(f"← {self._who(connection)} {protocol.show_frame(payload)}")

    def delivered(self, connection: Connection, frame: bytes) -> None:
        """Show a frame that goes to one client."""
        self._log(f"→ {self._who(connection)} {self._shown(frame)}")

    def announced(self, frame: bytes, deaf: Collection[Connection]) -> None:
        """Show a frame that goes to all who have a name, except some."""
        hearers = [name for other, name in self._names.items() if other not in deaf]
        if hearers:
            self._log(f"→ {', '.join(hearers)} {self._shown(frame)}")

    def refused(self, address: tuple[str, int], frame: bytes) -> None:
        """Show the frame that a newcomer gets for whom there is no place."""
        self._log(f"→ {endpoint(address)} {self._shown(frame)}")

    def _who(self, connection: Connection) -> str:
        return self._names.get(connection) or str(connection)

    def _shown(self, frame: bytes) -> str:
        payload = frame[protocol.LENGTH_FIELD_SIZE :]
        shown = protocol.show_frame(payload)
        if self._admission.is_wanted and payload.startswith(b"ERROR BAD_FRAME "):
            # It quotes what came: perhaps the end of a password whose length was counted wrong.
            shown = shown[: len("0000│ERROR BAD_FRAME ")] + "····"
        return shown
