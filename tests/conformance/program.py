"""The programs under test: started in a process group of their own, ended with all its children."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from .experience import Experience
from .family import Family
from .wire import RuleBroken

START_SECONDS = 10.0  # a virtual machine or an interpreter may take its time
OUTPUT_SIZE = 64_000  # bytes of output that are kept; a flood of it is read and forgotten
LONGEST_WORDS = 300  # characters of its last line that are said; more is left out in the middle
LISTEN = "0A"
LISTENERS = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]  # on Linux
PLACE = re.compile(r'File "([^"]+)", line (\d+)')  # as a Python traceback has it
OF_PYTHON = re.compile(r"<|.*[/\\][Ll]ib[/\\]")  # begins the path of what is not the program's own

OWN_SERVER = Path(__file__).resolve().parents[2] / "chat_server.py"


def command_words(command: str, **values: object) -> list[str] | str:
    """Fill in `{port}` and `{host}` and split the command as the system's shell would."""
    for key, value in values.items():
        command = command.replace(f"{{{key}}}", str(value))
    return command if sys.platform == "win32" else shlex.split(command)


class Server:
    """A server that the suite starts, and starts again when it has ended or hangs."""

    own_room = True

    def __init__(self, command: str) -> None:
        self.command = command
        self.experience = Experience()
        self.process: Family | None = None
        self.reader: threading.Thread | None = None
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
            self.process = Family(
                command_words(self.command, port=self.address[1], host=self.address[0]),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise RuleBroken(f"the server cannot be started: {error}") from None
        self.reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self.reader.start()
        self._wait_until_it_accepts(self.process)

    def _read(self, process: Family) -> None:
        assert process.stdout
        with process.stdout as output:
            while data := os.read(output.fileno(), 65536):
                if process is self.process:
                    self.output += data
                    del self.output[:-OUTPUT_SIZE]

    def _wait_until_it_accepts(self, process: Family) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuleBroken(f"the server ended before it accepted anybody{self.last_words()}")
            if somebody_listens(self.address):
                return
            time.sleep(0.01)
        raise RuleBroken(
            f"the server did not accept a connection on port {self.address[1]} within"
            f" {START_SECONDS:g} s of its start"
        )

    def last_words(self, seconds: float = 0.0) -> str:
        """Return how the server ended, if it does so in time, for the end of a sentence."""
        if self.process is None or self.reader is None:
            return ""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return ""
        self.reader.join(0.5)  # to the end of its output, unless a child of it holds that open
        words = last_line(self.output.decode(errors="replace"))
        said = f", its last words: {words}" if words else " without a word"
        return f" (the server has ended with exit code {code}{said})"

    def stop(self) -> None:
        """End it, and all that it has started."""
        if self.process is not None:
            self.process.end()
            self.process = None


def last_line(output: str) -> str:
    """Return what a program said last, in one line; with the place, where that was a traceback."""
    lines = output.strip().splitlines()
    if not lines:
        return ""
    words = lines[-1].strip()
    if len(words) > LONGEST_WORDS:
        words = f"{words[:200]} … {words[-80:]} ({len(words)} characters)"
    places = PLACE.findall(output)
    own = [place for place in places if not OF_PYTHON.match(place[0])] or places
    return f"{words} ({Path(own[-1][0]).name}, line {own[-1][1]})" if own else words


class RunningServer:
    """A server that somebody else has started, with people of whom the suite knows nothing."""

    own_room = False

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.experience = Experience()

    def make_ready(self) -> None:
        """Nothing to do: it runs, or the first connection says that it does not."""

    def last_words(self, seconds: float = 0.0) -> str:
        """Return nothing: what it says stays where it runs."""
        return ""

    def stop(self) -> None:
        """It is not ours."""


def somebody_listens(address: tuple[str, int]) -> bool:
    """Return whether a connection to this port of our machine would be accepted.

    Where the system tells, nothing is tried: one who comes and goes is more than some can bear.
    """
    tables = [table for table in LISTENERS if table.exists()]
    if not tables:
        with contextlib.suppress(OSError):
            socket.create_connection(address, timeout=1).close()
            return True
        return False
    return any(f"{address[1]:04X}" in listening_ports(table) for table in tables)


def listening_ports(table: Path) -> Iterator[str]:
    """Yield the ports, in hexadecimal, that a table of the kernel says somebody listens on."""
    with table.open() as lines:
        next(lines)  # the head: number, local address, remote address, state; proc_net_tcp
        for line in lines:
            _, local, _, state = line.split()[:4]
            if state != LISTEN:  # who listens comes first; all that follows may be thousands
                return
            yield local.rpartition(":")[2]


def free_port() -> int:
    """Return a port that nobody listens on, outside the range from which systems lend ports.

    A lent port (bind to 0) could be lent again, to any client, before the server has bound it.
    """
    while True:
        port = random.randrange(10_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))  # without SO_REUSEADDR, which not every program sets
            return port


def own_command() -> str:
    """Return the command that starts this project's server."""
    words = [sys.executable, str(OWN_SERVER), "--host", "127.0.0.1", "--port", "{port}"]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


class ClientCommand:
    """A client's command; terminal.py runs it, anew for every rule."""

    def __init__(self, command: str) -> None:
        self.command = command
        self.experience = Experience()

    def last_words(self, seconds: float = 0.0) -> str:
        """The screen of a client says how it ended; the sentences quote it."""
        return ""

    def stop(self) -> None:
        """Every rule ends the client that it has started."""
