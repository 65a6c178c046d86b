"""A Windows to test on: this one, or Wine with the Python that fetch.sh brings.

A `Seat` is a program in a console there, with somebody at its keyboard; `run_there` runs a program
behind pipes. What is real under Wine: the interpreter, the C runtime (hence every key), OpenSSL.
What is Wine's: the kernel, the sockets, the console. So this cannot be seen there, and is built by
Microsoft's documentation: Ctrl+Break, the closing of a window, ports held exclusively, what escape
sequences look like.
"""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from harness import DEADLINE, ROOT, wait_until

STARTS = 3  # of a program, until one succeeds
HERE = Path(__file__).resolve().parent


def find_python() -> str:
    """Return a Python of Windows: this one, or the one fetched; "" where there is none."""
    if sys.platform == "win32":
        return sys.executable
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    python = Path(os.environ.get("LAB", cache / "chat-windows")) / "python"
    return str(python) if python.exists() else ""


PYTHON = find_python()
on_windows = pytest.mark.skipif(
    not PYTHON,
    reason="needs Windows, or Wine and a Python for it: tests/windows/fetch.sh brings both",
)


def there(path: Path) -> str:
    """Return how a program on Windows' side calls a file of ours; Wine has our root as Z:."""
    return str(path) if sys.platform == "win32" else "Z:" + str(path).replace("/", "\\")


def environment_there(**more: str) -> dict[str, str]:
    """Return ours, without what would have Python there write otherwise than for everybody."""
    foreign = ("PYTHONUTF8", "PYTHONIOENCODING", "PYTHONPATH", "NO_COLOR", "TERM")
    return {key: value for key, value in os.environ.items() if key not in foreign} | more


def colorama(version: str) -> str:
    """Return a PYTHONPATH that brings this version of colorama, and skip the test without it."""
    folder = Path(PYTHON).parent / "windows" / f"colorama-{version}"
    if not folder.exists():
        pytest.skip(f"needs colorama {version} apart, as tests/windows/fetch.sh unpacks it")
    return there(folder)


def run_there(
    *command: str, typed: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a Python program of ours behind pipes, until it ends by itself."""
    done = subprocess.run(
        [PYTHON, *command],
        cwd=ROOT,
        input=typed,
        capture_output=True,
        env=environment_there(**environment),
        timeout=DEADLINE,
    )
    output, errors = (
        data.decode(errors="backslashreplace").replace("\r\n", "\n")
        for data in (done.stdout, done.stderr)
    )
    return subprocess.CompletedProcess(command, done.returncode, output, errors)


class StartFailedError(AssertionError):
    """No program was started: of what is tested nothing has run yet."""


class Attendant:
    """The process on Windows' side that carries out our orders; see console.py."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [PYTHON, there(HERE / "console.py")],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # under Wine Python cannot start with a file there
            env=environment_there(),
            encoding="ascii",
        )
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def order(self, name: str, *arguments: object) -> Any:
        """Have a method of console.Console called there; return its result."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps([name, arguments]) + "\n")
        self._process.stdin.flush()
        try:
            # Wine's own word on a program that ended badly comes this way too.
            while "{" not in (line := self._answers.get(timeout=DEADLINE)):
                assert line, f"no answer to {name}, but the end"
        except queue.Empty:
            self._process.kill()  # an answer that comes later would be taken for another's
            raise AssertionError(f"no answer to {name} within {DEADLINE:g} s") from None
        answer = json.loads(line[line.index("{") :])
        assert "done" in answer, answer
        return answer["done"]

    def dismiss(self) -> None:
        """End it, unless it has ended."""
        assert self._process.stdin
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Seat:
    """A program in a console of Windows, and somebody at its keyboard."""

    prompt = "> "  # what stands before the line being typed

    def __init__(self, attendant: Attendant, command: Iterable[str], **environment: str) -> None:
        """Start Python with this command; `environment` is added to what it is there."""
        self._attendant = attendant
        try:
            attendant.order("start", list(command), environment)
        except (AssertionError, OSError) as error:
            attendant.dismiss()
            raise StartFailedError(str(error)) from None
        self._is_open = True

    def put(self, *events: str) -> None:
        """Press keys: names such as "left" (see console.KEYS), or text, all in one go."""
        self._attendant.order("put", [events])

    def paste(self, *parts: str) -> None:
        """Put text as a console pastes it: as keys, an Enter for each line end, a write a part."""
        self._attendant.order("put", [re.split("(\n)", part) for part in parts])

    def ctrl_c(self) -> None:
        """Press Ctrl+C where Windows makes an event of it."""
        self._attendant.order("ctrl_c")

    def resize(self, width: int) -> None:
        """Make the window so many columns wide."""
        assert self._attendant.order("resize", width) == width

    def rows(self) -> tuple[list[str], int]:
        """Return the rows down to the cursor's, and the cursor's column, counted from 0."""
        found, column = self._attendant.order("rows")
        return found, column

    def attributes(self, text: str) -> set[int]:
        """Return the colours of the row in which this stands: of letters, grounds, brightness."""
        row = next(number for number, row in enumerate(self.rows()[0]) if text in row)
        return set(self._attendant.order("attributes", row))

    def text(self) -> str:
        """Return what stands in the console."""
        return "\n".join(self.rows()[0])

    def wait_for(self, condition: Callable[[list[str], int], object], what: str) -> None:
        """Wait until rows and cursor are so; fail with `what` and the rows."""
        try:
            wait_until(lambda: bool(condition(*self.rows())), what)
        except AssertionError as error:
            raise AssertionError(f"{error}; the console shows\n{self.text()}") from None

    def shows(self, text: str) -> None:
        """Wait until this stands somewhere in the console."""
        self.wait_for(lambda rows, _: text in "\n".join(rows), f"{text!r} is shown")

    def sees(self, text: str) -> None:
        """Wait until a line was shown that is a time and this text."""
        line = re.compile(rf"\d\d:\d\d {re.escape(text)}")
        self.wait_for(lambda rows, _: any(map(line.fullmatch, rows)), f"HH:MM {text} is shown")

    def shows_line(self, before: str, after: str = "") -> None:
        """Wait until the line being typed is `before` and `after`, with the cursor in between.

        Not for wide characters: how many columns those take is for each console to decide, and
        Wine's gives them one.
        """
        row, column = (self.prompt + before + after).rstrip(), len(self.prompt + before)
        self.wait_for(
            lambda rows, cursor: rows[-1] == row and cursor == column,
            f"the line is {row!r} with the cursor at {column}",
        )

    def is_asked(self, prompt: str) -> None:
        """Wait until this stands before the line being typed, which is empty."""
        self.prompt = prompt
        self.shows_line("")

    def types(self, text: str) -> None:
        """Type like a person: each letter has been dealt with before the next is pressed."""
        for end in range(1, len(text) + 1):
            self.put(text[end - 1])
            self.shows_line(text[:end])

    def runs(self) -> bool:
        """Whether the program has not ended yet."""
        return self._attendant.order("exit_code") is None

    def wait_for_exit(self) -> int:
        """Return the exit code, once the program has ended by itself."""
        wait_until(lambda: not self.runs(), "the program ended")
        return int(self._attendant.order("exit_code"))

    def close(self) -> Attendant | None:
        """End the program; return who is free now, the first time."""
        if not self._is_open:
            return None
        self._is_open = False
        self._attendant.order("close")
        return self._attendant


class Machine:
    """All attendants of a run. One that is free takes the next program: starting one takes time."""

    def __init__(self) -> None:
        self._all: list[Attendant] = []
        self._free: list[Attendant] = []

    def seat(self, command: Iterable[str], **environment: str) -> Seat:
        """Start a program in a console of its own."""
        for _ in range(STARTS - 1):  # Wine fails to make a process now and then
            with suppress(StartFailedError):
                return Seat(self._attendant(), command, **environment)
        return Seat(self._attendant(), command, **environment)

    def _attendant(self) -> Attendant:
        if self._free:
            return self._free.pop()
        self._all.append(Attendant())
        return self._all[-1]

    def leave(self, seat: Seat) -> None:
        """End a program. Who cannot do that, Wine being what it is, is asked nothing more."""
        with suppress(AssertionError, OSError):
            if attendant := seat.close():
                self._free.append(attendant)

    def close(self) -> None:
        """Send everyone home."""
        for attendant in self._all:
            attendant.dismiss()


StartThere = Callable[..., Seat]  # what the fixture start_there is
Sit = Callable[..., Seat]  # what the fixture sit is


def client_command(port: int, name: str = "", *options: str) -> list[str]:
    """Return how a client is started that calls this port."""
    return ["chat_client.py", "127.0.0.1", str(port), *(["--name", name] if name else []), *options]
