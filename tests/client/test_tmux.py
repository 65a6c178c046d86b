"""A real terminal, not the tests' own: tmux, in windows of several widths."""

from __future__ import annotations

import random
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import DEADLINE, posix_only, wait_until
from terminal.nasty import nasty_text
from terminal.pseudo import clean_environment

from client.person import CLIENT
from client.played import PlayedServer

pytestmark = [
    posix_only,
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux"),
]
PEOPLE = [f"pupil{number}" for number in range(25)]
# tmux 3.3 may swallow the first character of the row behind one that ends in a joiner.
CLOCK = re.compile(r"\d?\d:\d\d ")
BLANK = re.compile(" {5}|$")


class Tmux:
    """A tmux of its own, with one window."""

    def __init__(self, socket: Path) -> None:
        self._socket = str(socket)

    def run(self, *command: str) -> str:
        """Run a tmux command; return what it prints."""
        done = subprocess.run(
            ["tmux", "-u", "-S", self._socket, "-f", "/dev/null", *command],
            capture_output=True,
            env=clean_environment(),
            timeout=DEADLINE,
            encoding="utf-8",
        )
        return done.stdout

    def start(self, columns: int, command: list[str]) -> None:
        """Run a program in a window of so many columns."""
        size = ("-x", str(columns), "-y", "24")
        self.run(
            *("set", "-g", "history-limit", "20000", ";"),
            *("set", "-g", "default-terminal", "tmux-256color", ";"),
            *("new-session", "-d", *size, shlex.join(command)),
        )

    def rows(self) -> list[str]:
        """Return all rows that were ever shown, without the blanks at their ends."""
        return self.run("capture-pane", "-p", "-S", "-").splitlines()

    def title(self) -> str:
        """Return what the program calls the window."""
        return self.run("display-message", "-p", "#{pane_title}").strip()


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    tmux = Tmux(tmp_path / "tmux")
    yield tmux
    tmux.run("kill-server")


@pytest.mark.parametrize("options", [[], ["--no-color"]], ids=["colours", "no-color"])
@pytest.mark.parametrize("columns", [20, 21, 40, 80, 120])
def test_nobodys_text_puts_a_row_where_a_time_stands(
    played: PlayedServer, tmux: Tmux, columns: int, options: list[str]
) -> None:
    dice = random.Random(columns)
    command = [sys.executable, CLIENT, "127.0.0.1", str(played.port), "--name", "me", *options]
    tmux.start(columns, command)
    connection = played.accept()
    connection.welcome("me", *PEOPLE)
    tmux.run("send-keys", "-l", "half a line")
    for number in range(100):
        connection.send(f"MSG {PEOPLE[number % 25]} BROADCAST {nasty_text(dice)}")
    connection.send("INFO end")
    wait_until(lambda: any("[server] end" in row for row in tmux.rows()), "all is shown")
    rows = tmux.rows()
    said = [row for row in rows if re.match(rf"{CLOCK.pattern}pupil\d+: ?", row)]
    assert len(said) == 100
    last = max(number for number, row in enumerate(rows) if row.startswith("me>"))
    for row in rows[:last]:
        assert CLOCK.match(row) or BLANK.match(row), row


def test_the_title_is_given_back(played: PlayedServer, tmux: Tmux) -> None:
    client = shlex.join([sys.executable, CLIENT, "127.0.0.1", str(played.port), "--name", "me"])
    tmux.start(80, ["sh", "-c", rf"printf '\033]2;a shell\033\\'; {client}; echo done; cat"])
    connection = played.accept()
    connection.welcome("me")
    wait_until(lambda: tmux.title() == "me – Chat", "the window is called so")
    connection.send("MSG bob me psst")
    wait_until(lambda: tmux.title() == "(1) me – Chat", "the message is counted")
    tmux.run("send-keys", "/quit", "Enter")
    connection.end()
    wait_until(lambda: tmux.title() == "a shell", "the title is given back")
