"""What the tests share: the server as its own process, clients as raw sockets, and what the
system knows about a process.

Nothing here sleeps for a fixed time: everything waits for its event, for DEADLINE seconds at most.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import chat_protocol as protocol

ROOT = Path(__file__).resolve().parent.parent
SERVER = str(ROOT / "chat_server.py")
DEADLINE = 20.0  # seconds: far more than any event takes, so that only a fault gets there
KERNEL_SIZE = 5 * 1024 * 1024  # bytes: more than the kernels hold of one connection, tcp(7)
GLANCE_SECONDS = 0.005  # between two looks at what sends no event, such as /proc

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and descriptors")
needs_proc = pytest.mark.skipif(
    # Wine shows Linux's, which knows no Windows process.
    os.name != "posix" or not Path("/proc/self/status").exists(),
    reason="needs /proc, which this system has not",
)


def under_wine() -> bool:
    """Whether this Python is one for Windows that runs under Wine."""
    if sys.platform != "win32":
        return False
    import ctypes

    return hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")


def not_under_wine(fault: str) -> pytest.MarkDecorator:
    """Return a mark that skips a test under Wine, for a fault of Wine's own."""
    return pytest.mark.skipif(under_wine(), reason=f"Wine's own fault: {fault}")


# A reset is then an end like any other, so nothing can tell it from an orderly one.
tells_a_reset = not_under_wine("recv() after a reset returns nothing")


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait until `condition` holds; fail with `what` after DEADLINE seconds."""
    end = time.monotonic() + DEADLINE
    pause = threading.Event()  # never set: only its wait() is wanted
    while not condition():
        assert time.monotonic() < end, f"still not so after {DEADLINE:g} s: {what}"
        pause.wait(GLANCE_SECONDS)


def slow_beyond(count: int, cases: Sequence[Any]) -> list[Any]:
    """Return the cases of a test, of which a bare run takes the first `count` only."""
    values = [case if type(case) is tuple else (case,) for case in cases[count:]]
    return [*cases[:count], *(pytest.param(*some, marks=pytest.mark.slow) for some in values)]


def frames(*payloads: str) -> bytes:
    """Return the frames of these payloads in one piece."""
    return b"".join(map(protocol.encode, payloads))


# ------------------------------------------------------------------------------------- a client


class Client:
    """A raw socket that speaks frames, and sends whatever else a test wants to send."""

    def __init__(
        self, address: tuple[str, int], *, receive_buffer: int = 0, source: str = ""
    ) -> None:
        """Connect.

        `receive_buffer` (bytes) makes the kernel's small: a slow reader's. `source` is the address
        of this machine to call from.
        """
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            # Loopback's segments of 64 KiB would not fit it, and TCP then waits longer and longer.
            with suppress(AttributeError, OSError):  # Windows has no such option
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        self.socket.settimeout(DEADLINE)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = protocol.FrameReader()
        self._sending: list[threading.Thread] = []

    def send(self, *payloads: str) -> None:
        """Send a frame for each payload, all in one go."""
        self.send_bytes(frames(*payloads))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are, frames or not."""
        self.socket.sendall(data)

    def send_meanwhile(self, data: bytes) -> None:
        """Send more than the other side may take at once, while the test goes on."""

        def send() -> None:
            try:
                self.socket.sendall(data)
            except OSError:
                pass  # closed under our hands: what a test looks at is what came back

        self._sending.append(threading.Thread(target=send, daemon=True))
        self._sending[-1].start()

    def receive(self) -> str:
        """Return the next payload. Raises EOFError at the end, TimeoutError after DEADLINE."""
        while (payload := self._reader.next_payload()) is None:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(
                    f"the server closed the connection; left: {len(self._reader.waiting)} bytes"
                )
            self._reader.feed(data)
        return payload.decode()

    def receive_all(self) -> list[str]:
        """Return every payload up to the end, which has to come as an orderly close."""
        payloads = []
        try:
            while True:
                payloads.append(self.receive())
        except EOFError:
            assert not self._reader.waiting, "the stream ended within a frame"
            return payloads

    def receive_until(self, wanted: str) -> list[str]:
        """Return the payloads that come before `wanted`."""
        before: list[str] = []
        while (payload := self.receive()) != wanted:
            before.append(payload)
        return before

    def expect(self, *payloads: str) -> None:
        """Receive exactly these payloads next."""
        assert [self.receive() for _ in payloads] == list(payloads)

    def expect_error(self, code: str) -> None:
        """Receive an error with this code next."""
        assert re.fullmatch(rf"ERROR {code} \S.*", self.receive())

    def ask(self, payload: str) -> str:
        """Send one request and return the next payload that arrives."""
        self.send(payload)
        return self.receive()

    def name(self, name: str) -> Client:
        """Take a name."""
        assert self.ask(f"NAME {name}") == f"HELLO {name}"
        return self

    def round_trip(self) -> float:
        """Return how many seconds an answer takes; all that was sent before is dealt with then."""
        start = time.monotonic()
        answer = self.ask("GET_NAMES")
        assert answer.startswith("NAMES "), answer
        return time.monotonic() - start

    def hears_nothing(self) -> bool:
        """Whether nothing waits to be received, once the server has answered what we ask now."""
        return self.ask("GET_NAMES").startswith("NAMES ")

    def end_input(self) -> None:
        """Close the sending side only."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Break the connection off with a reset instead of an orderly close."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()
        for thread in self._sending:
            thread.join(DEADLINE)


def overfill(speaker: Client, addressee: str, size: int) -> int:
    """Say so much to one who does not read that `size` bytes or more wait for them in the server.

    Returns how many messages that took: `n xxx…` with n from 0. All have been dealt with then.
    """
    count = (KERNEL_SIZE + size) // 9800 + 1
    for number in range(count):
        speaker.send(f"MSG {addressee} {number} {'x' * 9800}")
    speaker.round_trip()
    return count


# --------------------------------------------------------------------------------- the server


class ServerProcess:
    """A chat server in a process of its own, on a free port, with its output at hand."""

    def __init__(
        self,
        *options: str,
        host: str | None = "127.0.0.1",
        program: Sequence[str] = (SERVER,),
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it and wait for its first lines.

        `host` None listens everywhere; `program` replaces the script, `prefix` is a command that
        starts it (a shell with other limits, say), `environment` is added to ours.
        """
        where = ["--host", host] if host else []
        self.process = subprocess.Popen(
            [*prefix, sys.executable, *program, *where, "--port", "0", *options],
            cwd=ROOT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        self.pid = self.process.pid
        self.lines: list[str] = []
        self.may_end = False  # the test ends it itself
        self.may_fail = False  # the test wants to see a traceback
        self._clients: list[Client] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read_output, daemon=True)
        self._reader.start()
        try:
            listening = self.wait_for_line(r"Chat server listening on (.+):(\d+)")
            self.wait_for_line(r"Room for \d+ people")
        except BaseException:
            self.process.kill()
            raise
        self.host = "127.0.0.1" if host is None else host
        self.port = int(listening[2])

    def _read_output(self) -> None:
        # A pipe that nobody empties would hold up the server at its next line.
        assert self.process.stdout
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def connect(self, name: str = "", *, host: str = "", receive_buffer: int = 0) -> Client:
        """Return a new client, with a name if one is given. It is closed with the server."""
        client = Client((host or self.host, self.port), receive_buffer=receive_buffer)
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

    def wait_for_line(self, pattern: str, count: int = 1) -> re.Match[str]:
        """Wait until `count` lines of output match a regular expression; return the last match."""
        found: list[re.Match[str]] = []
        seen = 0

        def enough() -> bool:
            nonlocal seen
            found.extend(m for line in self.lines[seen:] if (m := re.search(pattern, line)))
            seen = len(self.lines)
            return len(found) >= count or not self._reader.is_alive()

        with self._news:
            self._news.wait_for(enough, DEADLINE)
        assert len(found) >= count, f"no {pattern!r} in:\n" + "\n".join(self.lines[-50:])
        return found[count - 1]

    def wait_for_exit(self) -> int:
        """Return the exit code, once the process has ended by itself and all output is here."""
        self.may_end = True
        code = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code

    def send_home(self) -> None:
        """Close every client and forget the output, so that the next test finds it as new."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        last = Client((self.host, self.port))
        wait_until(lambda: last.ask("GET_NAMES") == "NAMES 0", "everyone has left")
        port = last.socket.getsockname()[1]
        last.send("EXIT")
        assert last.receive_all() == ["BYE"]
        last.close()
        self.wait_for_line(rf":{port} gone: left")  # and with it all that was logged before
        assert "Traceback" not in "\n".join(self.lines)
        self.lines.clear()

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        """Send it Ctrl+C, or another signal that ends it."""
        self.may_end = True
        self.process.send_signal(number)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hold the process, so that all that happens meanwhile meets it in one turn (POSIX)."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it; fail if it had ended by itself, or had shown a traceback."""
        ended = self.process.poll()
        self.process.kill()
        self.process.wait()
        self._reader.join(DEADLINE)
        assert self.process.stdout
        self.process.stdout.close()
        for client in self._clients:
            client.close()
        output = "\n".join(self.lines[-50:])
        assert ended is None or self.may_end, f"the server ended by itself ({ended}):\n{output}"
        assert self.may_fail or "Traceback" not in "\n".join(self.lines), output


StartServer = Callable[..., ServerProcess]  # what the fixture start_server is


# ------------------------------------------------------------------------ programs that end, files


def run_piped(*command: str, typed: str | bytes = b"") -> subprocess.CompletedProcess[str]:
    """Run Python behind pipes until it ends by itself: a program, its arguments and its input.

    Its lines are given back as ended by "\n", whatever this system writes.
    """
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        input=typed.encode() if isinstance(typed, str) else typed,
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "1"},
        timeout=DEADLINE,
    )
    output, errors = (
        said.decode().replace(os.linesep, "\n") for said in (done.stdout, done.stderr)
    )
    return subprocess.CompletedProcess(done.args, done.returncode, output, errors)


def prepared_server(preparation: str) -> tuple[str, ...]:
    """Return a program that runs some Python lines before the server; they import what they need.

    For ServerProcess(program=…): a shorter wait, a smaller buffer.
    """
    return ("-c", f"{preparation}\nimport sys, chat_server; sys.exit(chat_server.main())")


class Certificate(NamedTuple):
    """The files of a certificate and its key (PEM)."""

    file: str
    key: str

    @property
    def for_server(self) -> tuple[str, ...]:
        """The options of a server that shows this certificate."""
        return ("--tls-cert", self.file, "--tls-key", self.key)

    @property
    def for_client(self) -> tuple[str, ...]:
        """The options of a client that trusts this certificate."""
        return ("--tls", "--tls-ca", self.file)


def openssl(folder: Path, *arguments: str) -> None:
    """Run the openssl command in `folder`; skip the test where there is no such command."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command, which makes the certificates")
    done = subprocess.run(
        ["openssl", *arguments], cwd=folder, capture_output=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def make_certificate(folder: Path, name: str, subject_names: str, *extensions: str) -> Certificate:
    """Make a certificate that signs itself, for names such as `DNS:localhost,IP:127.0.0.1`.

    More `extensions` as in x509v3_config(5).
    """
    more = [word for extension in extensions for word in ("-addext", extension)]
    made = Certificate(str(folder / f"{name}.pem"), str(folder / f"{name}.key"))
    openssl(
        folder,
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", made.key, "-out", made.file, "-days", "2", "-subj", f"/CN={name}"),
        *("-addext", f"subjectAltName={subject_names}", *more),
    )
    return made


# ------------------------------------------------------------------- what the system knows of it


def status_field(pid: int, field: str) -> int:
    """Return a number from /proc/PID/status (proc_pid_status(5)), in the unit given there."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+)", text, re.MULTILINE)
    assert found, f"/proc has no {field}"
    return int(found[1])


def resident_bytes(pid: int) -> int:
    """Return how much memory a process has right now."""
    return status_field(pid, "VmRSS") * 1024


def peak_bytes(pid: int) -> int:
    """Return the most memory that a process ever had."""
    return status_field(pid, "VmHWM") * 1024


def wake_ups(pid: int) -> int:
    """Return how often a process went to sleep, hence was woken up."""
    return status_field(pid, "voluntary_ctxt_switches")


def descriptors(pid: int) -> set[int]:
    """Return the numbers of a process's open descriptors."""
    return {int(entry) for entry in os.listdir(f"/proc/{pid}/fd")}


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used so far, user and system together.

    Exact, of its first thread, where the scheduler tells; else as the clock's ticks happened to
    find it, which may be half or double for one that works in short bursts.
    """
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except FileNotFoundError:
        pass  # a kernel without CONFIG_SCHED_INFO
    after_command = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = int(after_command[11]), int(after_command[12])  # fields 14 and 15, proc_stat(5)
    return (user + system) / os.sysconf("SC_CLK_TCK")


def quiet_for(seconds: float, *clients: Client) -> bool:
    """Watch clients for so many seconds; return whether nothing at all arrived."""
    return not select.select([client.socket for client in clients], [], [], seconds)[0]
