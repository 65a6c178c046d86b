"""A shell with job control in a terminal of its own, and the chat server as its job."""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import Any

import pytest
from harness import ROOT, SERVER, Client, wait_until
from terminal.pseudo import Terminal

from .at_desk import PROMPT

SHELL_PROMPT = "$ "
COMMAND = f"{sys.executable} {SERVER} --host 127.0.0.1 --port 0"


class Shell(Terminal):
    """A shell at which somebody types. It leaves lines to the terminal, as `--noediting` says."""

    def __init__(self, *command: str, **settings: Any) -> None:
        command = command or ("bash", "--norc", "--noprofile", "--noediting", "-i")
        if not shutil.which(command[0]):
            pytest.skip(f"needs {command[0]}")
        os.environ.pop("ENV", None)  # sh(1): a file that it would read
        environment = {"PS1": SHELL_PROMPT, "PYTHONPATH": str(ROOT)}
        super().__init__(
            command, environment=environment, **{"columns": 250, "rows": 60, **settings}
        )
        self._clients: list[Client] = []
        self.port = 0
        self.asks()

    def asks(self) -> None:
        """Wait until the shell asks for a command, in a row of its own."""
        self.wait_for(lambda screen: screen.before_cursor() == SHELL_PROMPT)

    def run(self, line: str) -> None:
        """Type a command line."""
        self.type(line)
        self.wait_for(lambda screen: screen.before_cursor().endswith(line))
        self.type("\r")

    def start(self, before: str = "", behind: str = "", *options: str) -> None:
        """Start the server, with this before and behind its command line; it listens then."""
        self.run(" ".join([before, COMMAND, *options, behind]).strip())
        self.wait_for("Ctrl+C stops")
        found = re.findall(r"listening on 127\.0\.0\.1:(\d+)", self.screen.text())
        self.port = int(found[-1])

    def job(self) -> int:
        """Return the process id of the shell's only job."""
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(children, encoding="ascii") as file:
            return int(file.read().split()[-1])

    def takes_desk(self) -> None:
        """Wait until somebody can type at the desk."""
        self.wait_for(lambda screen: screen.before_cursor().startswith(PROMPT))
        wait_until(self.reads_single_keys, "the desk reads single keys")

    def says(self, text: str, *heard_by: Client) -> None:
        """Say something from the desk."""
        self.type(f"{text}\r")
        for client in heard_by:
            assert client.receive_until(f"INFO {text}") is not None

    def has_its_terminal(self) -> bool:
        """Whether the terminal is set as the shell set it."""
        return self.terminal_settings() == self.settings and not self.screen.modes["2004"]

    def connect(self, name: str) -> Client:
        """Return a new client with a name. It is closed with the shell."""
        self._clients.append(Client(("127.0.0.1", self.port)))
        return self._clients[-1].name(name)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        try:
            job = self.job()
        except (OSError, IndexError):
            pass  # it has ended
        else:
            os.kill(job, 9)
        super().close()
        assert "Traceback" not in self.screen.text(), self.screen
