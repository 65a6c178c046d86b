"""What a server is put to outside of the phases, while nobody else is there: long block lists,
hundreds who ask who is here, and a client of our own among people who send marks.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryDirectory

from contenders import HOST, Command, cpu_seconds, running
from load import RECEIVE_SIZE
from soak_names import falling_marks
from soak_people import BrokenPromiseError, Person
from soak_wire import PATIENCE, Wire

LONGEST_LIST = 1000  # names on a block list; protocol.md, Blocking: a server may allow more
BATCH = 100  # people who come at the same time
HALL = 900  # people
ASKING = 20  # of them
ASKED = 15  # times by each, at once
TURNS = 10  # in a row
TURN_SECONDS = 0.02  # CPU time before anybody hears of it
MARKED = 200  # messages of marks
MARKED_AT_ONCE = 20  # of them, so that the client is not cut off
MARKS_SECONDS = 0.015  # CPU time that a client may take for one


def come(wire: Wire, names: list[str]) -> list[Person]:
    """Let people come and take these names."""
    people = []
    for name in names:
        person = wire.connect()
        person.name = name
        person.ask(f"NAME {name}", f"HELLO {name}")
        people.append(person)
    wire.exchange(people)
    return people


def go(wire: Wire, people: list[Person]) -> None:
    """Check what people were answered, and let them go."""
    for person in people:
        person.check_answers()
        person.farewell = "half-close"
    wire.exchange(people)


def block_without_end(wire: Wire) -> None:
    """Block everyone who ever comes, until the list is full, and then one for another."""
    (keeper,) = come(wire, ["keeper"])
    for first in range(0, LONGEST_LIST, BATCH):
        passers = come(wire, [f"passer{number}" for number in range(first, first + BATCH)])
        for person in passers:
            keeper.ask(f"BLOCK {person.name}", f"BLOCKED {person.name}")
        wire.exchange([keeper])
        go(wire, passers)
    one, two = come(wire, ["one-more", "passer0"])
    keeper.ask("BLOCK one-more", "ERROR BAD_ARGUMENTS")
    keeper.ask("BLOCK PASSER0", "BLOCKED passer0")  # twice is fine
    wire.exchange([keeper])
    two.ask("NAME passer1", "HELLO passer1")  # and two blocks become one
    wire.exchange([two])
    keeper.ask("BLOCK one-more", "BLOCKED one-more")
    one.ask("MSG keeper hello", "ERROR BLOCKED")
    keeper.ask("UNBLOCK passer2", "UNBLOCKED passer2")
    keeper.ask("UNBLOCK passer0", "ERROR NOT_BLOCKED")
    wire.exchange([keeper])
    wire.exchange([one])
    go(wire, [keeper, one, two])


def ask_who_is_here(wire: Wire, pid: int) -> None:
    """Let some people rename and ask who is here, among hundreds; no turn may get long by it."""
    people: list[Person] = []
    for first in range(0, HALL, BATCH):
        people += come(wire, [f"ΰ{number}" for number in range(first, first + BATCH)])
    asking = people[:ASKING]
    news = select.poll()
    for person in asking:
        news.register(person.socket, select.POLLIN)
    seconds = []
    for turn in range(TURNS):
        for person in asking:
            person.ask("PASS fence", "ACCEPTED")
        wire.exchange(asking)  # nothing is under way any more
        with paused(pid):
            for number, person in enumerate(asking):
                for again in range(ASKED):
                    name = f"ῴ{turn}-{number}-{again}"
                    person.ask(f"NAME {name}", f"HELLO {name}")
                    person.ask("GET_NAMES", "NAMES")
                wire.send_piece(person, len(person.unsent))
            before = cpu_seconds(pid)
        news.poll(PATIENCE * 1000)  # milliseconds; when somebody hears of it, a turn is at its end
        seconds.append(cpu_seconds(pid) - before)
        wire.exchange(asking)
    if (median := sorted(seconds)[TURNS // 2]) > TURN_SECONDS:
        raise BrokenPromiseError(
            f"{ASKING} people of {HALL} ask who is here, and a turn takes {median:.3f} s"
        )
    go(wire, people)


@contextmanager
def paused(pid: int) -> Iterator[None]:
    """Hold the server, so that all that happens meanwhile meets it at once."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def flood_a_client(wire: Wire, project: Path, dice: random.Random) -> None:
    """Send a client of our own many long texts of marks: it must not brood over them."""
    program = project / "chat_client.py"
    command: Command = [sys.executable, program, HOST, str(wire.port), "--name", "anna"]
    with TemporaryDirectory(prefix="soak-") as directory:
        output = Path(directory, "output")
        with output.open("wb") as stream, running(command, stdin=PIPE, stdout=stream) as client:
            wait_for(output, "anna")
            (bob,) = come(wire, ["bob"])
            before = cpu_seconds(client.pid)
            for batch in range(MARKED // MARKED_AT_ONCE):
                for _ in range(MARKED_AT_ONCE):
                    bob.ask(f"MSG BROADCAST {falling_marks(dice)}")
                bob.ask(f"MSG anna that was batch {batch}")
                bob.ask("PASS fence", "ACCEPTED")
                wire.exchange([bob])
                wait_for(output, f"that was batch {batch}")
            seconds = (cpu_seconds(client.pid) - before) / MARKED
            if seconds > MARKS_SECONDS:
                raise BrokenPromiseError(f"a client takes {seconds:.3f} s for a text of marks")
            go(wire, [bob])


def wait_for(output: Path, text: str) -> None:
    """Wait until a client has printed this."""
    deadline = time.monotonic() + PATIENCE
    while text.encode() not in output.read_bytes()[-RECEIVE_SIZE:]:
        if time.monotonic() > deadline:
            raise BrokenPromiseError(f"a client does not come to show {text!r}")
        time.sleep(0.01)
