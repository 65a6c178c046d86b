"""The conformance suite run as a teacher runs it, over sample programs; what it said and wrote."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SUITE = ROOT / "tests" / "conformance"
SERVERS = SUITE / "sample-servers"
CLIENTS = SUITE / "sample-clients"
RESULTS = "results.json"

if sys.platform == "win32":
    pytest.skip("the sample programs are run with POSIX process groups", allow_module_level=True)

# Begins the sample programs that a test writes for itself: the room and the loop of the samples.
SAMPLE = f"""
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, {str(SERVERS)!r})
from correct_room import Person, Refusal, Room, encode
from select_server import Connection, serve

HERE = Path(__file__).parent

def note(file):
    with open(HERE / file, "a") as notes:
        notes.write(f"{{os.getpid()}} ")
"""


@dataclass
class Verdict:
    """What one run of the suite said."""

    code: int
    output: str
    tests: list[dict[str, Any]]
    score: Decimal | None = None  # where there is one submission

    def broken(self) -> set[str]:
        """Return the broken rules' names, behind a submission's label where there are several."""
        return {
            re.sub(r"\w+: ", "", test["name"])
            for test in self.tests
            if test["score"] < test["max_score"]
        }

    def of(self, submission: str) -> Verdict:
        """Return what concerns one of several submissions; the end of its label is enough."""
        found = re.search(rf"= conformance of (\S*{re.escape(submission)}) =+\n", self.output)
        assert found, self.output
        own = [
            {**test, "name": test["name"].removeprefix(f"{found[1]} · ")}
            for test in self.tests
            if test["name"].startswith(f"{found[1]} · ")
        ]
        section = re.split(r"\n=+ ", self.output[found.end() :])[0]
        return Verdict(self.code, section, own)

    def total(self, number: str, level: str = "") -> Decimal:
        """Return the sum of all scores or max_scores, exactly."""
        own = [test for test in self.tests if level in test["name"].partition(": ")[0]]
        return sum((test[number] for test in own), Decimal())


def suite_command(*arguments: str) -> list[str]:
    """Return the command that runs the suite: its options, and perhaps rules."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    command += ["-m", "core or chat or robust"]  # instead of what .pytest.ini says
    if not any(argument.startswith(str(SUITE)) for argument in arguments):
        command.append(str(SUITE))
    return [*command, *arguments]


def usual_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}


def judge(directory: Path, *arguments: str) -> Verdict:
    """Run the suite as a teacher does and read what it says and writes."""
    results = directory / RESULTS
    run = subprocess.run(
        suite_command("--gradescope", str(results), *arguments),
        cwd=ROOT,
        env=usual_environment(),
        capture_output=True,
        text=True,
        timeout=1200,  # seconds: a hundred wrong servers
        check=False,
    )
    found = json.loads(results.read_text(), parse_float=Decimal) if results.exists() else {}
    output = run.stdout + run.stderr
    return Verdict(run.returncode, output, found.get("tests", []), found.get("score"))


# ------------------------------------------------------------------------------- sample programs


def command(file: Path, *arguments: str) -> str:
    return shlex.join([sys.executable, str(file), *arguments])


def wrong(mistake: str) -> str:
    return command(SERVERS / "wrong_servers.py", "--port", "{port}", "--mistake", mistake)


def threads(port: str = "{port}") -> str:
    return command(SERVERS / "threads_server.py", "--port", port)


def sample(file: Path, source: str) -> str:
    """Write a server that begins like the samples, and return its command."""
    file.write_text(f"{SAMPLE}\n{source}")
    return command(file, "{port}")


def servers(*commands: str) -> list[str]:
    """Return the options that name these servers."""
    return [word for command in commands for word in ("--server", command)]


def rules(*names: str) -> list[str]:
    """Return these rules, or files of rules, as pytest wants them."""
    return [f"{SUITE}/{name}" for name in names]


# ------------------------------------------------------------------------------------- processes


def still_running(file: Path) -> list[str]:
    """Return which of the processes noted in the file run on; one that was killed may take a while.

    A dead process that nobody has asked about yet is in state Z, and dead.
    """
    numbers = file.read_text().split()
    comes_true(lambda: all(state(number) in ("", "Z") for number in numbers), seconds=5)
    return [number for number in numbers if state(number) not in ("", "Z")]


def state(pid: str) -> str:
    answer = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, check=False)
    return answer.stdout.decode().strip()[:1]


def end_noted(file: Path) -> None:
    """End the processes noted in the file, which our own sample programs have written."""
    for number in file.read_text().split() if file.exists() else []:
        if state(number):
            os.kill(int(number), signal.SIGKILL)


def with_pid_file(server: str, file: Path) -> str:
    """Wrap a server's command in a shell that has it as a child and notes its process number."""
    return shlex.join(["sh", "-c", f"{server} & echo $! >> {shlex.quote(str(file))}; wait"])


def comes_true(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Wait until the condition holds; False when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
