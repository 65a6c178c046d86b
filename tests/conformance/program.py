"""The programs under test: started in a process group of their own, ended with all its children."""

from __future__ import annotations

import contextlib
import os
import random
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from .wire import RuleBroken

START_SECONDS = 10.0  # a virtual machine or an interpreter may take its time
LAST_WORDS_SIZE = 4000  # bytes of output that are kept; a flood of it is read and forgotten

OWN_SERVER = Path(__file__).resolve().parents[2] / "chat_server.py"


def command_words(command: str, **values: object) -> list[str] | str:
    """Fill in `{port}` and `{host}` and split the command as the system's shell would."""
    for key, value in values.items():
        command = command.replace(f"{{{key}}}", str(value))
    return command if sys.platform == "win32" else shlex.split(command)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and every child of its group, whether it has ended by itself or not."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Server:
    """A server that the suite starts, and starts again when it has ended or hangs."""

    own_room = True
    rules_without_answer = 0  # one after the other

    def __init__(self, command: str) -> None:
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self.address = ("127.0.0.1", 0)
        self.output = bytearray()
        self.failure = ""  # why it cannot be started; it is not tried for every rule

    def make_ready(self) -> None:
        """Start it unless it runs; RuleBroken when it does not accept within START_SECONDS."""
        if self.failure:
            raise RuleBroken(self.failure)
        if self.process is None or self.process.poll() is not None:
            try:
                self._start()
            except RuleBroken as problem:
                self.failure = str(problem)
                self.stop()
                raise

    def _start(self) -> None:
        self.stop()
        self.address = ("127.0.0.1", free_port())
        self.output.clear()
        try:
            self.process = subprocess.Popen(
                command_words(self.command, port=self.address[1], host=self.address[0]),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise RuleBroken(f"the server cannot be started: {error}") from None
        threading.Thread(target=self._keep_last_words, args=(self.process,), daemon=True).start()
        self._wait_until_it_accepts(self.process)

    def _keep_last_words(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout
        with process.stdout as output:
            while data := os.read(output.fileno(), 65536):
                if process is self.process:
                    self.output += data
                    del self.output[:-LAST_WORDS_SIZE]

    def _wait_until_it_accepts(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuleBroken(f"the server ended before it accepted anybody{self.last_words()}")
            with contextlib.suppress(OSError):
                socket.create_connection(self.address, timeout=1).close()
                return
            time.sleep(0.01)
        raise RuleBroken(
            f"the server did not accept a connection on port {self.address[1]} within"
            f" {START_SECONDS:g} s of its start"
        )

    def last_words(self) -> str:
        """Return how the server ended, if it has, for the end of a sentence."""
        if self.process is None:
            return ""
        try:
            code = self.process.wait(0.2)
        except subprocess.TimeoutExpired:
            return ""
        lines = self.output.decode(errors="replace").strip().splitlines()
        said = f", its last words: {lines[-1].strip()}" if lines else " without a word"
        return f" (the server has ended with exit code {code}{said})"

    def stop(self) -> None:
        """End it, children included."""
        if self.process is not None:
            end_group(self.process)
            self.process = None


class RunningServer:
    """A server that somebody else has started, with people of whom the suite knows nothing."""

    own_room = False
    rules_without_answer = 0

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.tag = f"{os.getpid() % 10**5:05}"  # digits: no case folding, no sorting surprises

    def make_ready(self) -> None:
        """Nothing to do: it runs, or the first connection says that it does not."""

    def last_words(self) -> str:
        return ""

    def stop(self) -> None:
        """It is not ours."""


def free_port() -> int:
    """Return a port that nobody listens on, outside the range from which systems lend ports.

    A lent port (bind to 0) could be lent again, to any client, before the server has bound it.
    """
    while True:
        port = random.randrange(10_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def own_command() -> str:
    """Return the command that starts this project's server."""
    words = [sys.executable, str(OWN_SERVER), "--host", "127.0.0.1", "--port", "{port}"]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


class ClientCommand:
    """A client's command; terminal.py runs it, anew for every rule."""

    def __init__(self, command: str) -> None:
        self.command = command

    def last_words(self) -> str:
        """The screen of a client says how it ended; the sentences quote it."""
        return ""
