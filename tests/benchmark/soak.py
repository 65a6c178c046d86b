"""The soak: random people use the server for as long as asked, and a model checks every promise.

    python tests/benchmark/soak.py --minutes 10
    python tests/benchmark/soak.py --seed 1234 --clients 50 --server-args="--selector auto"

    soak_allowance.py   first, with the rate that a server has by itself: floods of many addresses
    soak_trials.py      long block lists, hundreds who ask who is here, a client among marks
    soak_room.py        then phase after phase: people who do everything, and what each must hear

Exits with 1 and an explanation at the first broken promise.
"""

from __future__ import annotations

import argparse
import random
import resource
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from contenders import (
    HOST,
    PROJECT,
    Command,
    ContenderError,
    descriptor_count,
    port_in,
    running,
    status_field,
)
from soak_allowance import FLOODS, check_allowance
from soak_people import BrokenPromiseError
from soak_room import Room
from soak_trials import ask_who_is_here, block_without_end, flood_a_client
from soak_wire import Wire

MEMORY_GROWTH = 16 * 1024  # KiB that the server may keep of all that happened
FAREWELL = 10.0  # seconds for the server to give back what the last ones used
CUT_OFF_EVERY = 100  # phases
UNLIMITED = ["--rate", "0"]  # where promises are checked, and not the allowance


Started = AbstractContextManager[tuple[int, int]]  # a server's process id and port, while it runs


@contextmanager
def chat_server(project: Path, more: list[str], options: list[str]) -> Iterator[tuple[int, int]]:
    """Start the server; gives its process id and its port. Raises BrokenPromiseError."""
    command: Command = [
        sys.executable,
        project / "chat_server.py",
        "--host",
        HOST,
        "--port",
        "0",
        *options,
        *more,
    ]
    with TemporaryDirectory(prefix="soak-") as directory:
        log = Path(directory, "log")
        with log.open("wb") as output, running(command, stdout=output, stderr=output) as process:
            while "\n" not in (start := log.read_text()) and process.poll() is None:
                time.sleep(0.02)
            try:
                port = port_in(start.partition("\n")[0])
            except ContenderError:
                raise BrokenPromiseError(f"the server does not start: {start}") from None
            yield process.pid, port
            if "Traceback" in (text := log.read_text(errors="replace")):
                raise BrokenPromiseError(
                    "a fault in the server:\n" + text[text.index("Traceback") :]
                )


def try_each(start: Callable[[list[str]], Started], project: Path, seed: int) -> int:
    """Run the trials, each with a server of its own; return how many promises were broken."""
    trials: list[tuple[str, list[str], Callable[[Wire, int], None]]] = [
        (flood.what, [], partial(check_allowance, flood)) for flood in FLOODS
    ]
    dice = random.Random(seed)
    trials += [
        ("block lists", UNLIMITED, lambda wire, _: block_without_end(wire)),
        ("who is here", UNLIMITED, ask_who_is_here),
        ("marks", UNLIMITED, lambda wire, _: flood_a_client(wire, project, dice)),
    ]
    return sum(not holds(what, partial(start, options), trial) for what, options, trial in trials)


def holds(what: str, start: Callable[[], Started], trial: Callable[[Wire, int], None]) -> bool:
    """Run one trial; tell where it broke a promise."""
    try:
        with start() as (pid, port):
            trial(Wire(port), pid)
    except BrokenPromiseError as error:
        print(f"BROKEN ({what}): {error}", file=sys.stderr, flush=True)
        return False
    return True


def soak(wire: Wire, pid: int, room: Room, until: float) -> None:
    """Use the server until then, by time.monotonic(); raises BrokenPromiseError."""
    descriptors = descriptor_count(pid)
    room.gather()
    room.all_leave()
    wait_until_all_gone(pid, descriptors)
    memory = status_field(pid, "VmRSS")
    told = time.monotonic()
    room.gather()
    while (now := time.monotonic()) < until:
        room.phase()
        if room.phases % CUT_OFF_EVERY == 0:
            room.cut_off()
        if now > told + 10:
            told = now
            rss = status_field(pid, "VmRSS")
            print(
                f"{until - now:5.0f} s to go  {room.phases} phases  "
                f"{room.checked:,} frames checked  {wire.connections} connections  "
                f"server {rss / 1024:.0f} MiB",
                flush=True,
            )
    room.all_leave()
    wait_until_all_gone(pid, descriptors)
    growth = status_field(pid, "VmRSS") - memory
    if growth > MEMORY_GROWTH:
        raise BrokenPromiseError(f"all have left, and the server has kept {growth} KiB")
    print(
        f"{room.phases} phases, {room.checked:,} frames checked, {wire.connections} connections; "
        f"all have left, {growth:+} KiB of memory, no descriptor kept."
    )


def wait_until_all_gone(pid: int, descriptors: int) -> None:
    deadline = time.monotonic() + FAREWELL
    while descriptor_count(pid) > descriptors:
        if time.monotonic() > deadline:
            kept = descriptor_count(pid) - descriptors
            raise BrokenPromiseError(f"all have left, and the server has kept {kept} descriptors")
        time.sleep(0.05)


def allow_descriptors() -> None:
    """Let this process open as many sockets as it may: some hundreds at the same time."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Use the chat server at random, check its promises."
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=2,
        help="how long; the trials before take one of them (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, help="repeat the dice of an earlier run")
    parser.add_argument("--clients", type=int, default=200, help="people (default: %(default)s)")
    parser.add_argument(
        "--server-args",
        type=shlex.split,
        default=[],
        metavar="OPTIONS",
        help="more options of the server",
    )
    parser.add_argument("--project", type=Path, default=PROJECT, help="where chat_server.py is")
    options = parser.parse_args()
    if not 20 <= options.clients <= 500:
        parser.error("--clients: from 20 to 500")
    return options


def main() -> int:
    options = parse_arguments()
    seed = random.randrange(2**32) if options.seed is None else options.seed
    print(f"seed {seed}: {options.clients} people for {options.minutes:g} minutes", flush=True)
    until = time.monotonic() + 60 * options.minutes
    allow_descriptors()
    room = None
    try:
        start = partial(chat_server, options.project, options.server_args)
        broken = try_each(start, options.project, seed)
        with start(UNLIMITED) as (pid, port):
            wire = Wire(port)
            room = Room(wire, options.clients, seed)
            soak(wire, pid, room, until)
    except (BrokenPromiseError, OSError) as error:
        phase = f" in phase {room.phases}" if room else ""
        print(f"BROKEN{phase}, seed {seed}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.", file=sys.stderr)
        return 130
    if broken:
        return 1
    print("Every promise was kept.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
