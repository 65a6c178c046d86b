"""People at the terminal client, and those whom they talk to.

`Person` uses the client in a terminal of their own. A `Room` is the real server with the people of
one test, a `Desk` one person whose server the test plays.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from harness import ROOT, Client, ServerProcess, wait_until
from terminal.pseudo import CLEAR_LINE, PASTE_END, Terminal

from client.played import PlayedServer, names_frame

CLIENT = str(ROOT / "chat_client.py")


class Person(Terminal):
    """Somebody who uses the chat client in a terminal of their own."""

    prompt = ""  # what stands before the line being typed

    def __init__(
        self,
        port: int,
        name: str = "",
        *options: str,
        program: Sequence[str] = (CLIENT,),
        **settings: Any,
    ) -> None:
        """Start the client; without a `name` it asks for one. `program` replaces the script."""
        named = ["--name", name] if name else []
        command = [sys.executable, *program, "127.0.0.1", str(port), *named, *options]
        super().__init__(command, **settings)

    def get_ready(self) -> Person:
        """Wait until keys are echoed, and learn what stands before the line being typed."""
        wait_until(self.reads_single_keys, "the client reads single keys")
        self.type("x")
        self.wait_for(lambda screen: screen.before_cursor().endswith("x"))
        self.prompt = self.screen.before_cursor()[:-1]
        self.type("\x7f")
        self.shows_line("")
        return self

    def shows_line(self, before: str, after: str = "") -> None:
        """Wait until the line being typed is `before` and `after`, with the cursor in between."""
        wanted = (self.prompt + before, after)
        try:
            self.wait_for(lambda screen: (screen.before_cursor(), screen.after_cursor()) == wanted)
        except AssertionError as error:
            raise AssertionError(f"the line is not {wanted}: {error}") from None

    def is_asked(self, prompt: str) -> None:
        """Wait until this stands before the line being typed, which is empty."""
        self.wait_for(lambda screen: screen.before_cursor() == prompt)

    def has_typed(self, end: str) -> None:
        """Wait until what stands left of the cursor ends so."""
        self.wait_for(lambda screen: screen.before_cursor().endswith(end))

    def say_at_length(self, pasted: str, command: str = "") -> None:
        """Paste behind a command, press Enter, and read the screen until all of it was shown.

        A terminal that nobody reads holds the client up, like Ctrl+S.
        """
        self.type(command + pasted)
        self.has_typed(pasted.removesuffix(PASTE_END)[-1])
        self.type("\r")
        self.shows_line("")

    def sees(self, text: str) -> None:
        """Wait until a line was shown that is a time and this text."""
        line = re.compile(rf"^\d\d:\d\d {re.escape(text)}$", re.MULTILINE)
        try:
            self.wait_for(lambda screen: line.search(screen.text()))
        except AssertionError as error:
            raise AssertionError(f"no line HH:MM {text}: {error}") from None


class Room:
    """The real server, and the people of one test."""

    def __init__(self, server: ServerProcess) -> None:
        self.port = server.port
        self._observer = server.connect()  # has no name, so nobody hears of it
        self._people: list[Person | Client] = []

    def person(self, name: str, *options: str, **settings: Any) -> Person:
        """Start a client that is in the room and ready for keys."""
        person = Person(self.port, name, *options, **settings)
        self._people.append(person)
        person.wait_for("* here (")  # the last that it says by itself
        return person.get_ready()

    def raw(self, name: str) -> Client:
        """Connect somebody who speaks frames."""
        client = Client(("127.0.0.1", self.port)).name(name)
        self._people.append(client)
        return client

    def names(self) -> list[str]:
        """Return who is here."""
        return self._observer.ask("GET_NAMES").split()[2:]

    def clear(self) -> None:
        """Send everyone home, and wait until the server has noticed."""
        for person in self._people:
            person.close()
        wait_until(lambda: not self.names(), "everyone has left")
        self._observer.close()


class Desk:
    """One client at work, here as `me`, with the test as its server."""

    def __init__(self, *options: str, others: Sequence[str] = ("bob",), **settings: Any) -> None:
        """Start the client; `others` are here already."""
        self.server = PlayedServer()
        self.person = Person(self.server.port, "me", *options, **settings)
        self.connection = self.server.accept()
        self.connection.welcome("me", *others)
        self.person.wait_for("* here (")
        self.person.get_ready()
        self._number = 0

    def wait_until_shown(self) -> None:
        """Wait until all that was sent or typed up to now is on the screen."""
        self._number += 1
        self.connection.send(f"number {self._number}")
        self.person.wait_for(f"number {self._number}")

    def let_be_here(self, *others: str) -> None:
        """Tell the client who is here besides itself."""
        self.connection.send(names_frame("me", *others))
        self.wait_until_shown()

    def is_as_new(self) -> bool:
        """Empty the line and the screen for the next test, with bob here; False when spoiled."""
        try:
            self.person.type(CLEAR_LINE)
            self.let_be_here("bob")
            self.person.type("\x0c")
            self.person.wait_for(lambda screen: screen.row == 0)
            self.person.shows_line("")
        except (AssertionError, OSError):
            return False
        self.person.screen.history.clear()
        return True

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the client, and the server's part."""
        self.person.close()
        self.server.close()


class Desks:
    """Clients that many tests use one after the other; a new one where it was spoiled."""

    def __init__(self) -> None:
        self._desks: dict[tuple[int, int], Desk] = {}

    def one_of_size(self, columns: int, rows: int) -> Desk:
        """Return a client in a window of this size, here as `me` with bob."""
        size = columns, rows
        if size in self._desks and not self._desks[size].is_as_new():
            self._desks.pop(size).close()
        if size not in self._desks:
            self._desks[size] = Desk(columns=columns, rows=rows)
        return self._desks[size]

    def close(self) -> None:
        """End them all."""
        for desk in self._desks.values():
            desk.close()


# The desk of a test stands in a wide window, then in a narrow one.
each_size = pytest.mark.parametrize(
    "size",
    [
        pytest.param((80, 24), id="80x24"),
        pytest.param((20, 10), id="20x10", marks=pytest.mark.slow),
    ],
)
OpenDesk = Callable[..., Desk]  # what the fixture open_desk is


def assert_given_back(terminal: Terminal) -> None:
    """The terminal is as it was, and whatever comes next begins in a row of its own."""
    assert terminal.terminal_settings() == terminal.settings
    assert terminal.screen.modes == {"7": True, "25": True, "2004": False}
    assert terminal.screen.column == 0
    assert terminal.screen.unknown == []
    assert terminal.screen.style == terminal.screen.link == ""
    assert terminal.screen.title == "a shell"
    assert terminal.screen.kept_titles == []
    assert "Traceback" not in terminal.screen.text()


# Preparations for that: a client that is away calls again at once; the bell rings at each try.
AT_ONCE = (
    "from chat.client import absence, session\n"
    "absence.LONGEST_RETRY_SECONDS = absence.NAME_RETRY_SECONDS = 0.05\n"
)
RINGING = (
    "from chat.client import absence\n"
    "next_wait = absence.Absence.next_wait\n"
    "def ring(absence): print('\\a', end='', flush=True); return next_wait(absence)\n"
    "absence.Absence.next_wait = ring\n"
)


def prepared_client(preparation: str) -> tuple[str, ...]:
    """Return a program that runs some Python lines before the client."""
    lines = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{preparation}"
    return ("-c", f"{lines}\nimport chat_client; sys.exit(chat_client.main())")
