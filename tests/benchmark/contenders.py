"""The contenders: how each server is started, watched and ended; and the load's handle."""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import load

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
HOST = "127.0.0.1"  # nothing here ever talks to another machine
START_SECONDS = 10.0
ANSWER_SECONDS = 120.0  # ten thousand people take half a minute to join


Command = Sequence[str | Path]


class ContenderError(Exception):
    """A contender cannot be measured; the text says why."""


# ------------------------------------------------------------------------------------- processes


@contextmanager
def running(command: Command, **popen_options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A child process that is gone when the block ends, however it ends.

    It has a session of its own: Ctrl+C at the terminal reaches run.py alone, which ends the rest.
    """
    options: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "start_new_session": True,
    }
    process = subprocess.Popen([str(word) for word in command], **(options | popen_options))
    try:
        yield process
    finally:
        process.kill()  # they have nothing to save, and saying goodbye to 10,000 people takes long
        process.wait()


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used so far, from proc(5); exact where stat has only ticks."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def status_field(pid: int, field: str) -> int:
    """A number from /proc/PID/status: VmRSS (KiB), voluntary_ctxt_switches."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0])
    raise KeyError(field)


def pin(pid: int, core: int) -> None:
    """Keep a process on one of the cores that we may use, counted from 0 and from the start again.

    Where the scheduler puts two processes that wake each other changes from second to second,
    and a figure with it.
    """
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(pid, {cores[core % len(cores)]})


def descriptor_count(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def read_line(pipe: IO[bytes], seconds: float) -> str:
    """Read the one line that is due; raises ContenderError when none comes in time."""
    if not select.select([pipe], [], [], seconds)[0]:
        raise ContenderError(f"no answer within {seconds:.0f} s")
    line = pipe.readline().decode()
    if not line:
        raise ContenderError("ended at once")
    return line


def drain(pipe: IO[bytes]) -> None:
    """Drop what comes until the pipe ends: a log that nobody reads would fill it, and block."""
    with pipe:
        while pipe.read(load.RECEIVE_SIZE):
            pass


# -------------------------------------------------------------------------------------- the load


class Load:
    """The handle of a load process: an order goes out, its answer comes in."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin
        assert process.stdout
        self.pid = process.pid
        self.orders, self.answers = process.stdin, process.stdout

    def tell(self, do: str, **details: float | None) -> None:
        self.orders.write(json.dumps({"do": do, **details}).encode() + b"\n")
        self.orders.flush()

    def answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(read_line(self.answers, ANSWER_SECONDS))
        if "error" in answer:
            raise ContenderError(answer["error"])
        return answer

    def ask(self, do: str, **details: float | None) -> dict[str, Any]:
        self.tell(do, **details)
        return self.answer()


# -------------------------------------------------------------------------------- the contenders


@dataclass(frozen=True)
class Contender:
    """One kind of server: its name in tables, how to talk to it and how to start it."""

    name: str
    dialect: str
    command: Callable[[int, Path], Command]  # given a free port and a directory
    announces: bool = True  # its first line of output ends in the port
    how_to_get: str = ""
    ours: bool = False


@dataclass
class Running:
    """A contender that runs, and the load connected to it."""

    contender: Contender
    pid: int
    port: int
    load: Load

    @property
    def name(self) -> str:
        return self.contender.name


@contextmanager
def serving(contender: Contender) -> Iterator[tuple[int, int]]:
    """Start a contender; gives its process id and port. Raises ContenderError."""
    with TemporaryDirectory(prefix="benchmark-") as directory:
        os.chmod(directory, 0o755)  # ngircd reads its configuration as the user nobody
        port = free_port()
        command = contender.command(port, Path(directory))
        if not shutil.which(command[0]):
            raise ContenderError(f"not installed: {contender.how_to_get}")
        errors = Path(directory, "errors")
        with (
            errors.open("wb") as stderr,
            running(command, stdout=subprocess.PIPE, stderr=stderr, bufsize=0) as process,
        ):
            assert process.stdout
            try:
                if contender.announces:
                    port = port_in(read_line(process.stdout, START_SECONDS))
                else:
                    wait_until_listening(port)
            except ContenderError as error:
                raise ContenderError(f"{error} {errors.read_text().strip()}") from None
            threading.Thread(target=drain, args=[process.stdout], daemon=True).start()
            yield process.pid, port


@contextmanager
def loaded(contender: Contender, people: int, named: int | None = None) -> Iterator[Running]:
    """Start a contender and a load process of so many people who are connected to it."""
    with serving(contender) as (pid, port), talking_to(port, contender.dialect) as crowd:
        crowd.ask("join", people=people, named=named)
        yield Running(contender, pid, port, crowd)


@contextmanager
def talking_to(port: int, dialect: str, initial: str = "p") -> Iterator[Load]:
    """Start a load process; `initial` is what the names of its people begin with."""
    command: list[str | Path] = [
        sys.executable,
        HERE / "load.py",
        HOST,
        str(port),
        dialect,
        initial,
    ]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": None}
    with running(command, **pipes) as process:
        crowd = Load(process)
        with crowd.orders, crowd.answers:
            yield crowd


def port_in(line: str) -> int:
    """Return the port that a server says it listens on, in its first line of output."""
    port = line.rpartition(":")[2].strip()
    if not port.isdigit():
        raise ContenderError(f"does not say where it listens, but {line.strip()!r}")
    return int(port)


def free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


def wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.02)
    raise ContenderError(f"does not listen within {START_SECONDS:.0f} s")


def chat_server(name: str, project: Path, *options: str) -> Contender:
    """This project's server."""
    program = project / "chat_server.py"
    command: list[str | Path] = [
        sys.executable,
        program,
        "--host",
        HOST,
        "--port",
        "0",
        "--login-timeout",
        "0",
    ]
    return Contender(name, "chat", lambda _port, _directory: [*command, *options], ours=True)


def bare_loop(kind: str) -> Contender:
    """The floor, see floor.py; `kind` is broadcast or private."""
    size = load.FORWARDED_SIZE if kind == "broadcast" else load.FORWARDED_PRIVATE_SIZE
    command: list[str | Path] = [sys.executable, HERE / "floor.py", kind, str(size)]
    return Contender("bare loop", "bare", lambda _port, _directory: command)


def course() -> Contender:
    command: list[str | Path] = [sys.executable, HERE / "course_server.py", "0"]
    return Contender("course pattern", "chat", lambda _port, _directory: command)


# Nothing that slows a client down, no look-ups, and as many connections as come.
NGIRCD_CONFIGURATION = """\
[Global]
    Name = benchmark.invalid
    Info = benchmark
    Listen = {host}
    Ports = {port}
[Limits]
    MaxConnections = 0
    MaxConnectionsIP = 0
    MaxJoins = 0
    MaxPenaltyTime = 0
    PingTimeout = 3600
[Options]
    DNS = no
    Ident = no
    PAM = no
"""


def ngircd() -> Contender:
    def command(port: int, directory: Path) -> Command:
        configuration = directory / "ngircd.conf"
        configuration.write_text(NGIRCD_CONFIGURATION.format(host=HOST, port=port))
        return [program("ngircd"), "--nodaemon", "--config", configuration]

    return Contender("ngircd", "irc", command, False, "apt-get install ngircd")


def miniircd() -> Contender:
    def command(port: int, _directory: Path) -> Command:
        # It refuses to run as root.
        user = [] if os.geteuid() else ["--setuid", "nobody"]
        return [program("miniircd"), "--listen", HOST, "--ports", str(port), *user]

    return Contender("miniircd", "irc", command, False, "pip install miniircd")


def program(name: str) -> str:
    """Return where a program is: on the path, with this Python's scripts or with the daemons."""
    places = [os.environ.get("PATH", ""), sysconfig.get_path("scripts"), "/usr/sbin"]
    return shutil.which(name, path=os.pathsep.join(places)) or name
