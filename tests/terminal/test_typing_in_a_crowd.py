"""Keys, line and screen while others talk: a hundred messages a second, and each key is seen."""

from __future__ import annotations

import re
import statistics
import threading
import time

import pytest
from client.person import OpenDesk, Person, each_size
from client.played import PlayedConnection
from harness import wait_until

from terminal.emulator import Screen
from terminal.pseudo import LEFT

CLASS = ("דנה", "zoe", *(f"pupil{number}" for number in range(23)))


class Chatter:
    """A hundred messages a second, from a class of 25."""

    def __init__(self, connection: PlayedConnection) -> None:
        self.sent = 0
        self._connection = connection
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)

    def __enter__(self) -> Chatter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def _talk(self) -> None:
        while not self._enough.wait(0.01):
            speaker = CLASS[self.sent % len(CLASS)]
            self._connection.send(f"MSG {speaker} BROADCAST message {self.sent}, שלום 😀")
            self.sent += 1


class Typist:
    """Types key by key, and measures how long each takes until it is seen."""

    def __init__(self, person: Person, chatter: Chatter) -> None:
        self.person = person
        self.chatter = chatter
        self.seconds: list[float] = []

    def press(self, key: str, before: str, after: str = "") -> None:
        """Press a key; then this is left and right of the cursor, as far as the window shows it."""

        def is_echoed(screen: Screen) -> bool:
            shown = screen.before_cursor().removeprefix(self.person.prompt)
            right = screen.after_cursor()
            whole = screen.before_cursor() != shown and before.endswith(shown)
            return whole and bool(shown or not before) and after.startswith(right)

        heard = self.chatter.sent
        wait_until(lambda: self.chatter.sent > heard, "somebody speaks between two keys")
        start = time.monotonic()
        self.person.type(key)
        self.person.wait_for(is_echoed)
        self.seconds.append(time.monotonic() - start)

    def type(self, text: str, before: str = "", after: str = "") -> str:
        """Type a text between what is there already; return what is left of the cursor now."""
        for character in text:
            before += character
            self.press(character, before, after)
        return before


@each_size
@pytest.mark.parametrize(
    "reflows", [pytest.param(False, id="cuts"), pytest.param(True, id="reflows")]
)
@pytest.mark.slow
def test_typing_goes_on_while_a_hundred_messages_a_second_arrive(
    open_desk: OpenDesk, size: tuple[int, int], reflows: bool
) -> None:
    columns, rows = size
    desk = open_desk(others=CLASS, columns=columns, rows=rows, reflows=reflows)
    with Chatter(desk.connection) as chatter:
        typist = Typist(desk.person, chatter)
        before = typist.type("/msg ד")
        typist.press("\t", before := "/msg דנה ")
        before = typist.type("shalom, wie geht's?", before)
        after = ""
        for _ in range(12):
            after, before = before[-1] + after, before[:-1]
            typist.press(LEFT, before, after)
        for new_size in ((33, 12), (20, 10), (100, 30), size):
            desk.person.resize(*new_size)
            before = typist.type("é漢", before, after)
        typist.press("\x7f", before := before[:-1], after)
    desk.wait_until_shown()
    desk.person.type("\r")
    desk.connection.expect("MSG דנה " + (before + after).removeprefix("/msg דנה "))
    desk.person.shows_line("")
    told = re.findall(r"message\s+(\d+),\s+שלום\s+😀", desk.person.written.decode())
    assert told == [str(number) for number in range(chatter.sent)]
    # The slowest tenth is left out: a busy machine may stop anything for a moment.
    median, slow = (statistics.quantiles(typist.seconds, n=10)[rank] * 1000 for rank in (4, 8))
    print(f"{len(typist.seconds)} keys: half of them in {median:.1f} ms, most in {slow:.1f} ms")
    assert median < 50
    assert slow < 500
