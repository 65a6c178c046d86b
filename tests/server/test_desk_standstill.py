"""The teacher's desk on a terminal that nobody reads for now: the chat goes on, nothing is torn."""

from __future__ import annotations

import re
import signal
import sys

import pytest
from client.person import assert_given_back
from client.piped import free_port
from harness import (
    DEADLINE,
    Client,
    cpu_seconds,
    frames,
    needs_proc,
    posix_only,
    prepared_server,
    quiet_for,
    wait_until,
    wake_ups,
)
from terminal.pseudo import Terminal

from .at_desk import PROMPT, Desk
from .pressure import assert_served_promptly
from .test_log import serves

pytestmark = posix_only

ANSWERS = 150  # of 17 rows each: several times what a kernel holds of a terminal
LAST_ROW = "Tab completes names and commands."


def stop_reading(desk: Desk, anna: Client) -> None:
    """Fill the terminal with answers that nobody reads, and have half a line typed below them."""
    desk.type_unread("/help\r" * ANSWERS + "done\rhalf a line")
    anna.receive_until("INFO done")


@needs_proc
@pytest.mark.parametrize("selector", ["select", "auto"])
@pytest.mark.slow
def test_nobody_waits_and_nothing_is_torn(selector: str) -> None:
    with Desk("--verbose", "--rate", "0", "--selector", selector) as desk:
        anna = desk.connect("anna")
        stop_reading(desk, anna)
        anna.send_meanwhile(frames(*[f"MSG anna {number}" for number in range(500)]))
        anna.receive_until("MSG anna anna 499")
        desk.connect("bob").close()
        anna.receive_until("LEFT bob")
        desk.type_unread("!")
        for _ in range(10):
            desk.process.send_signal(signal.SIGWINCH)
            anna.round_trip()
        assert_served_promptly(anna)
        assert quiet_for(0.1, anna)  # the last turn is over
        wakes, used = wake_ups(desk.process.pid), cpu_seconds(desk.process.pid)
        assert quiet_for(0.4, anna)
        assert wake_ups(desk.process.pid) - wakes <= 3
        assert cpu_seconds(desk.process.pid) - used < 0.1
        desk.shows_line("half a line!")
        desk.wait_for("lines are left out: more than anybody can read")
        text = desk.screen.text()
        assert text.count(LAST_ROW) == ANSWERS
        assert "[server] done" in text
        assert desk.screen.unknown == []
        asked = len(re.findall("anna asks", text))
        assert asked <= 110, "the lines of a second before, and of one after"
        desk.type("\x03")
        desk.shows_line("")


@pytest.mark.slow
def test_the_names_of_many_people() -> None:
    with Desk("--rate", "0") as desk:
        anna = desk.connect("anna")
        names = [f"pupil{number:03}" for number in range(400)]
        for name in names:
            client = desk.connect()
            client.send(f"NAME {name}")
            anna.receive_until(f"JOINED {name}")
        desk.type_unread("/names\r" * 5 + "done\rhalf a line")
        anna.receive_until("INFO done")
        assert_served_promptly(anna)
        desk.shows_line("half a line")
        shown = re.findall(r"^(pupil\d+) +127", desk.screen.text(), re.MULTILINE)
        assert shown == names * 5
        assert desk.screen.unknown == []


FAULT = """
from chat.server.teacher import Teacher
def stumble(self, original=Teacher.ask_to_end): raise ZeroDivisionError("a fault that is meant")
Teacher.ask_to_end = stumble
"""


@pytest.mark.parametrize("offset", [0, 1, 2])
@pytest.mark.parametrize("how", ["SIGTERM", "Ctrl+Z", "fault", "Ctrl+C"])
@pytest.mark.slow
def test_the_terminal_is_given_back_though_nobody_reads_it(how: str, offset: int) -> None:
    """What was handed to it may end within an escape sequence; with autowrap off it ends mostly."""
    with Desk("--rate", "0", program=prepared_server(FAULT * (how == "fault"))) as desk:
        anna = desk.connect("anna")
        desk.type("x" * offset)
        desk.shows_line("x" * offset)
        for _ in range(ANSWERS * 2):  # many rows, a turn each
            desk.type_unread("\x0c")
            anna.round_trip()
        stop_reading(desk, anna)
        anna.round_trip()
        if how in ("Ctrl+C", "fault"):
            desk.type_unread("\x03" * 3)
        elif how == "Ctrl+Z":
            desk.type_unread("\x1a")
        else:
            desk.process.send_signal(getattr(signal, how))
        if how == "fault":
            given_back = lambda: desk.terminal_settings() == desk.settings  # noqa: E731
            wait_until(given_back, "the terminal is given back")
            assert_served_promptly(anna)
            assert desk.screen.modes["2004"]  # for it was not read yet
            desk.wait_for(lambda screen: not screen.modes["2004"])
            desk.connect("bob")
            desk.wait_for("is now called bob")
            assert desk.screen.modes["7"]
            desk.screen.feed(b"\x1b[2J")
            desk.screen.history.clear()  # the traceback is meant
            return
        if how == "Ctrl+Z":  # nobody here continues it: it goes on
            anna.round_trip()
            desk.shows_line("half a line")
            assert desk.reads_single_keys()
            return
        anna.receive_until("BYE")
        anna.close()
        assert desk.process.wait(DEADLINE) == 0
        desk.wait_exit()
        desk.screen.unknown.clear()  # the sequence that was torn, perhaps
        assert_given_back(desk)


FULL_TERMINAL = """
import os
terminal = os.open(os.ttyname(1), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
try:
    while True:
        os.write(terminal, b"full " * 100)
except BlockingIOError:
    pass
"""


@pytest.mark.slow
def test_a_terminal_that_stands_still_at_the_start() -> None:
    port = free_port()
    program = prepared_server(FULL_TERMINAL)
    command = [sys.executable, *program, "--host", "127.0.0.1", "--port", str(port)]
    with Terminal(command, columns=100) as terminal:
        wait_until(lambda: serves(port), "it serves")
        anna = Client(("127.0.0.1", port)).name("anna")
        assert_served_promptly(anna)
        terminal.wait_for(lambda screen: screen.before_cursor() == PROMPT)
        # The kernel may have found room for the welcome after all, once it had moved what was full.
        told = re.compile("lines are left out: nobody read them|Room for")
        terminal.wait_for(lambda screen: told.search(screen.text()))
        terminal.wait_for("is now called anna")
        terminal.type("hello\r")
        anna.expect("INFO hello")
        anna.close()
