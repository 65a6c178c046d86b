"""The server in a terminal of its own, and somebody who sits there."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

from harness import SERVER, Client, wait_until
from terminal.pseudo import CLEAR_LINE, Terminal

PROMPT = "everyone> "
CLEARED = b"\x1b[2J"


class Desk(Terminal):
    """A chat server at which somebody types."""

    def __init__(self, *options: str, program: Sequence[str] = (SERVER,), **settings: Any) -> None:
        """Start it on a free port of 127.0.0.1, or of the --host that is given."""
        where = [] if "--host" in options else ["--host", "127.0.0.1"]
        command = [sys.executable, *program, *where, "--port", "0", *options]
        super().__init__(command, **{"columns": 100, "rows": 40, **settings})
        self._clients: list[Client] = []
        self.shows_line("")
        wait_until(self.reads_single_keys, "the desk reads single keys")
        listening = re.search(r"listening on (.+):(\d+)", self.screen.text())
        assert listening
        self.host, self.port = listening[1].strip("[]"), int(listening[2])

    def connect(self, name: str = "", *, source: str = "") -> Client:
        """Return a new client, with a name if one is given. It is closed with the desk."""
        client = Client((self.host, self.port), source=source)
        self._clients.append(client)
        return client.name(name) if name else client

    def people(self, *names: str) -> list[Client]:
        """Connect people who have names and have heard of one another's coming."""
        people: list[Client] = []
        for name in names:
            newcomer = self.connect(name)
            for earlier in people:
                earlier.expect(f"JOINED {name}")
            people.append(newcomer)
        return people

    def send_home(self) -> None:
        """Close every client, and let everyone in and speak: the next test finds it as new."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        self.type(CLEAR_LINE)
        self.answers("/unlock", "Everyone may come in.")
        self.answers("/unmute", "Everyone may speak.*")
        last = self.connect()
        wait_until(lambda: last.ask("GET_NAMES") == "NAMES 0", "everyone has left")
        assert last.ask("EXIT") == "BYE"
        assert not last.receive_all()
        assert "Traceback" not in self.screen.text(), self.screen

    def enter(self, line: str) -> None:
        """Type a line, and Enter."""
        self.type(f"{line}\r")

    def answers(self, line: str, answer: str) -> None:
        """Type a line, and wait until a row is shown that matches this answer from then on."""
        written = len(self.written)
        self.type("\x0c")  # Ctrl+L
        self.wait_for(lambda _: CLEARED in self.written[written:])
        self.screen.history.clear()
        self.enter(line)
        self.wait_for_row(answer)

    def wait_for_row(self, pattern: str) -> None:
        """Wait until a whole row matches a regular expression."""
        whole = re.compile(rf"^{pattern}$", re.MULTILINE)
        self.wait_for(lambda screen: whole.search(screen.text()))

    def shows_line(self, before: str, after: str = "") -> None:
        """Wait until the line being typed is `before` and `after`, with the cursor in between."""
        wanted = (PROMPT + before, after)
        self.wait_for(lambda screen: (screen.before_cursor(), screen.after_cursor()) == wanted)

    def close(self) -> None:
        """End the server and its clients; a fault of ours must not have been shown."""
        for client in self._clients:
            client.close()
        super().close()
        assert "Traceback" not in self.screen.text(), self.screen
