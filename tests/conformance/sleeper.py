"""People who take their time, each in a server of their own, while the other rules are judged.

Nobody waits for them: the last rules look what has become of them.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from .program import Server
from .room import Room
from .wire import RuleBroken, frame, require, show, verb_of

IDLE_SECONDS = 5.5  # that somebody must be able to say nothing
READING_SECONDS = 3.5  # in which somebody who has left reads on, of the 5 that the sheet promises
GLANCE_SECONDS = 0.25  # between two looks of one who reads slowly
PATIENCE = 5.0  # seconds for each step; many other things go on

Pause = Callable[[float], object]  # waits for so many seconds
Story = Callable[[Room, Pause], None]
Sleepers = dict[str, "Sleeper"]  # by their rules


def say_nothing(room: Room, pause: Pause) -> None:
    """Come in, and say nothing more for long."""
    sleeper = room.join("sleeper")
    pause(IDLE_SECONDS)
    room.situation = "when somebody had not said a word for some seconds"
    sleeper.settles()


def say_half(room: Room, pause: Pause) -> None:
    """Come in, and stop in the middle of a frame for long."""
    slow = room.join("slow")
    data = frame("GET_NAMES")
    slow.send_bytes(data[:9])
    pause(IDLE_SECONDS)
    room.situation = "when somebody had stopped in the middle of a frame for some seconds"
    slow.send_bytes(data[9:])
    answer = slow.answer("'GET_NAMES', sent in two halves")
    require(verb_of(answer) == "NAMES", f"GET_NAMES, sent in two halves, got {show(answer)}")


def read_on(room: Room, pause: Pause) -> None:
    """Leave while much waits, and read it slowly."""
    slow = room.join("slow", narrow=True)
    writers = [room.join(f"writer{n}") for n in range(5)]
    with contextlib.suppress(RuleBroken):  # a server that blocks is another rule's business
        for writer in writers * 4:
            writer.send(f"MSG {slow} " + "x" * 9900)
            writer.settles()
    slow.send("EXIT")
    room.situation = f"when somebody had said EXIT and read 200 kB within {READING_SECONDS:g} s"
    until = time.monotonic() + READING_SECONDS
    read = []
    while time.monotonic() < until:
        pause(GLANCE_SECONDS)
        with contextlib.suppress(TimeoutError):
            read.append(slow.frame_before(time.monotonic() + GLANCE_SECONDS) or "the end")
    read += slow.last_frames()
    messages = sum(verb_of(payload) == "MSG" for payload in read)
    require(messages == 20, f"of 20 messages that waited {messages} arrived")
    require("BYE" in read, "BYE did not arrive")


STORIES: dict[str, Story] = {
    "test_who_says_nothing_stays": say_nothing,
    "test_who_stops_within_a_frame_stays": say_half,
    "test_who_has_left_reads_on": read_on,
}


starting = threading.Lock()  # one after the other: some programs need much for it


class Sleeper:
    """A server that is started beside the one under test, and what happens in it meanwhile."""

    def __init__(self, server: Server, password: str, story: Story) -> None:
        self.server = server
        self.room = Room(server.address, PATIENCE, password=password)
        self.problem: Exception | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, args=(story,), daemon=True)
        self._thread.start()

    def _live(self, story: Story) -> None:
        try:
            with starting:
                self.server.make_ready()
            self.room.address = self.server.address
            story(self.room, self._over.wait)
        except Exception as problem:  # noqa: BLE001 - the rule raises it
            self.problem = problem

    def wait(self) -> None:
        """Return once the story is over; raise what ended it badly, RuleBroken for one."""
        self._thread.join()
        if self.problem:
            raise self.problem

    def stop(self) -> None:
        self._over.set()
        self._thread.join()
        for person in self.room.clients:
            with contextlib.suppress(OSError):
                person.close()
        self.server.stop()


@contextlib.contextmanager
def sleeping_beside(server: Server, password: str) -> Iterator[Sleepers]:
    """Let each story happen in a further server like this one, which has shown that it starts."""
    server.make_ready()
    sleepers = {
        rule: Sleeper(Server(server.command), password, story) for rule, story in STORIES.items()
    }
    try:
        yield sleepers
    finally:
        for sleeper in sleepers.values():
            sleeper.stop()
