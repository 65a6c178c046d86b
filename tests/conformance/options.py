"""The command line's options: what is under test, how patient to be, what to write."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from .program import OWN_SERVER, ClientCommand, RunningServer, Server, own_command

LEVELS = ("core", "chat", "robust")  # in the order in which a student gets there
DEFAULT_PATIENCE = 2.0  # seconds
DEFAULT_POINTS = "core=60,chat=25,robust=15"


@dataclass
class Submission:
    """One program under test and what a report calls it."""

    label: str
    program: Server | RunningServer | ClientCommand


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "judge a chat server or client (tests/conformance)")
    group.addoption(
        "--server",
        action="append",
        metavar="COMMAND",
        help='a server to start, such as "python my_server.py --port {port}"; may be repeated, one'
        f" for each submission (default: {OWN_SERVER.name})",
    )
    group.addoption(
        "--client",
        action="append",
        metavar="COMMAND",
        help='a client to run in a pseudo-terminal, such as "python my_client.py {host} {port}"',
    )
    group.addoption("--address", metavar="HOST:PORT", help="a server that runs already")
    group.addoption("--password", default="", help="what a server with a password wants to hear")
    group.addoption(
        "--patience",
        type=float,
        default=DEFAULT_PATIENCE,
        metavar="SECONDS",
        help="how long one step of a rule may take (default: 2)",
    )
    group.addoption("--report", metavar="FILE.html", help="write a page with a row per submission")
    group.addoption(
        "--gradescope", metavar="FILE.json", help="write a Gradescope autograder's file"
    )
    group.addoption(
        "--points",
        default=DEFAULT_POINTS,
        metavar="LEVEL=POINTS,…",
        help=f"points a level, shared equally among its rules (default: {DEFAULT_POINTS})",
    )


def submissions(config: pytest.Config) -> tuple[list[Submission], list[Submission]]:
    """Return the servers and the clients under test; this project's server if none is named."""
    servers: list[str] = config.getoption("server", None) or []
    clients: list[str] = config.getoption("client", None) or []
    address: str | None = config.getoption("address", None)
    for option, commands in (("--server", servers), ("--client", clients)):
        for command in commands:
            if "{port}" not in command:
                raise pytest.UsageError(
                    f"{option} {command!r}: write {{port}} where the port number belongs"
                )
    if not servers and not clients and not address:
        return [Submission(OWN_SERVER.name, Server(own_command()))], []
    own = iter(labels([*servers, *clients]))  # a server and a client may be of one name
    server_submissions = [Submission(next(own), Server(command)) for command in servers]
    if address:
        server_submissions.append(Submission(address, RunningServer(read_address(address))))
    return server_submissions, [
        Submission(next(own), ClientCommand(command)) for command in clients
    ]


def labels(commands: list[str]) -> list[str]:
    """Return each command's distinguishing part: a word that the others do not have.

    The last of them that is a file, or else the first.
    """
    found: list[str] = []
    for command in commands:
        others = [other.split() for other in commands if other != command]
        words = [word for word in command.split() if "{" not in word]
        files = [word for word in words[1:] if not word.startswith("-")] or words or [command]
        own = [word for word in files if not any(word in other for other in others)]
        own = own or files
        label = [own[0], *(word for word in own if Path(word).exists())][-1]
        same = sum(earlier.partition(" #")[0] == label for earlier in found)
        found.append(f"{label} #{same + 1}" if same else label)
    return found


def read_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise pytest.UsageError(f"--address {text!r}: HOST:PORT is wanted, such as 127.0.0.1:8820")
    return host.strip("[]"), int(port)


def points_per_level(config: pytest.Config) -> dict[str, float]:
    """Return the points of every level; a level that --points does not name is worth none."""
    text: str = config.getoption("points", None) or DEFAULT_POINTS
    points = dict.fromkeys(LEVELS, 0.0)
    named: set[str] = set()
    for part in text.split(","):
        level, _, value = part.strip().partition("=")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if level not in LEVELS or level in named or not 0 <= number < math.inf:
            raise pytest.UsageError(
                f"--points {text!r}: {part.strip()!r} is not a level and its points,"
                f" such as {DEFAULT_POINTS}"
            )
        named.add(level)
        points[level] = number
    return points


def patience(config: pytest.Config) -> float:
    seconds: float | None = config.getoption("patience", None)
    if seconds is None:
        seconds = DEFAULT_PATIENCE
    if not 0 < seconds < math.inf:
        raise pytest.UsageError("--patience: a number of seconds above 0 is wanted")
    return seconds


def output_file(config: pytest.Config, option: str) -> Path | None:
    """Return where to write, having checked that it can be: before the tests and not after them."""
    text: str | None = config.getoption(option, None)
    if not text:
        return None
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise pytest.UsageError(f"--{option} {text}: there is no such directory to write a file in")
    return path
