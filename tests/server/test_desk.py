"""The teacher's desk as a terminal: keys and rows, endings, faults, what sitting there costs."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path

import pytest
from client.person import assert_given_back
from harness import (
    SERVER,
    Client,
    cpu_seconds,
    descriptors,
    frames,
    needs_proc,
    posix_only,
    prepared_server,
    quiet_for,
    slow_beyond,
    wait_until,
    wake_ups,
)
from terminal.emulator import SEQUENCE_BEGUN
from terminal.pseudo import LEFT, UP, Terminal, paste, shown_times

from .at_desk import PROMPT, Desk
from .pressure import allow_descriptors, assert_served_promptly, linux_only, set_descriptor_limit

pytestmark = posix_only


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


def test_what_is_typed_is_said_to_everyone_blocked_or_nameless(desk: Desk) -> None:
    anna, nobody = desk.connect("anna"), desk.connect()
    nobody.round_trip()  # hence it is in
    desk.enter("please stop typing")
    for client in (anna, nobody):
        client.expect("INFO please stop typing")
    desk.wait_for_row(r"\d\d:\d\d:\d\d \[server\] please stop typing")


def test_somebody_is_sent_away_with_a_reason(desk: Desk) -> None:
    anna, bob = desk.people("anna", "bob")
    desk.answers("/kick @bob too  loud", "bob is out.")
    assert bob.receive_all() == ["ERROR REMOVED too  loud"]
    anna.expect("LEFT bob")
    desk.connect("bob")


# ----------------------------------------------------------------------------- the row and the log

# Every write to a terminal goes into a file too, as the program handed it over.
NOTED_WRITES = """
import os
def write_noted(number, data, write=os.write, notes=open({notes!r}, "ab", buffering=0)):
    if os.isatty(number):
        notes.write(repr(data).encode() + b"\\n")
    return write(number, data)
os.write = write_noted
"""


def noted_writes(notes: Path) -> list[str]:
    """Return what was written to the terminal, a piece each write."""
    return [literal_eval(line).decode() for line in notes.read_text().splitlines()]


@pytest.mark.slow
def test_a_half_typed_line_stays_whole_while_people_come_talk_and_go(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    program = prepared_server(NOTED_WRITES.format(notes=str(notes)))
    with Desk("--verbose", "--wire", "--rate", "0", program=program) as desk:
        anna = desk.connect("anna")
        desk.type("half" + LEFT)
        desk.shows_line("hal", "f")
        for number in range(20):
            passer_by = desk.connect(f"passer-by{number}")
            anna.send_bytes(frames(*[f"MSG anna {number}"] * 30))
            anna.receive_until(f"MSG anna anna {number}")
            passer_by.send("EXIT")
            passer_by.receive_until("BYE")
        desk.type("a")
        desk.shows_line("hala", "f")
        desk.wait_for("lines are left out: more than anybody can read")
        desk.shows_line("hala", "f")
        assert desk.screen.unknown == []
        writes = noted_writes(notes)
        first = next(number for number, piece in enumerate(writes) if f"{PROMPT}hal" in piece)
        for piece in writes[first:]:
            begun = piece.rpartition("\x1b")
            assert not begun[1] or not SEQUENCE_BEGUN.fullmatch("\x1b" + begun[2]), piece
            if "\n" in piece:  # lines and the row below them
                assert re.search(r"\n\r\x1b\[\?7l|\x1b\[\?7h\r\x1b\[\?7l", piece), piece
                assert f"{PROMPT}hal" in piece, piece


@pytest.mark.slow
def test_at_most_fifty_lines_a_second_and_the_rest_counted() -> None:
    with Desk("--verbose", "--rate", "0") as desk:
        anna = desk.connect("anna")
        start = time.monotonic()
        anna.send_meanwhile(frames(*[f"MSG anna {number}" for number in range(3000)]))
        for number in range(3000):
            if number % 500 == 0:
                desk.enter(f"/say {number}")  # and its answer is never left out
            anna.receive_until(f"MSG anna anna {number}")

        def is_counted(_: object) -> bool:
            text = desk.screen.text()
            shown = len(re.findall("anna asks: MSG anna", text))
            left_out = sum(map(int, re.findall(r"\((\d+) lines are left out: more than", text)))
            return shown + left_out >= 3000

        desk.wait_for(is_counted)
        text = desk.screen.text()
        seconds = time.monotonic() - start
        assert len(re.findall("anna asks", text)) <= 50 * (seconds + 1) + 5
        for number in range(0, 3000, 500):
            assert f"[server] {number}\n" in text


def test_lines_that_are_left_out_are_counted_at_the_end_too() -> None:
    with Desk("--verbose", "--rate", "0") as desk:
        anna = desk.connect("anna")
        anna.send(*[f"MSG anna {number}" for number in range(100)])
        anna.receive_until("MSG anna anna 99")
        desk.process.send_signal(signal.SIGTERM)
        assert anna.receive_all()[-1] == "BYE"
        anna.close()  # hence it ends at once
        assert desk.wait_exit() == 0
        text = desk.screen.text()
        left_out = sum(map(int, re.findall(r"\((\d+) lines are left out: more than", text)))
        assert len(re.findall("anna asks: MSG anna", text)) + left_out >= 100
        assert_given_back(desk)


@pytest.mark.parametrize(
    ("columns", "term"), slow_beyond(2, [(100, "dumb"), (20, "xterm"), (20, "dumb")])
)
@pytest.mark.slow
def test_a_small_or_dumb_terminal(columns: int, term: str) -> None:
    with Desk("--verbose", columns=columns, environment={"TERM": term}) as desk:
        anna = desk.connect("anna")
        desk.type("half a line")
        anna.send("MSG anna " + "漢字 and words 😀 " * 20 + "the end")
        desk.wait_for(lambda screen: "the end" in screen.running_text())
        desk.type("!")
        if columns == 100:
            desk.shows_line("half a line!")
        desk.type(" " * 20 + "?")
        desk.wait_for(lambda screen: screen.before_cursor().endswith(" ?"))
        desk.type("\x03\x0c")
        desk.shows_line("")
        desk.enter("hello")
        anna.receive_until("INFO hello")
        desk.enter("/quit")
        desk.wait_for(lambda screen: "again ends the chat for 1 person." in screen.running_text())
        desk.enter("/quit")
        anna.close()
        assert desk.wait_exit() == 0
        assert b"\x1b" not in desk.written or term != "dumb"
        assert_given_back(desk)


@pytest.mark.parametrize("reflows", [False, True], ids=["cuts", "reflows"])
def test_a_window_of_another_size_shows_one_row_of_the_line(reflows: bool) -> None:
    # On a busy machine the test answers late for its terminal.
    patient = prepared_server("import chat.server.desk; chat.server.desk.ANSWER_SECONDS = 20.0")
    with Desk(columns=80, reflows=reflows, program=patient) as desk:
        anna = desk.connect("anna")
        line = "a long line of many words that is not finished, and goes on"
        desk.type(line)
        desk.shows_line(line)
        for columns in (50, 30, 100, 20, 80):
            desk.resize(columns, 30)
            desk.type("!")
            line += "!"
            desk.wait_for(
                lambda screen, line=line, columns=columns: (  # type: ignore[misc]
                    screen.before_cursor().endswith(line[-5:])
                    and len(screen.before_cursor()) < columns
                )
            )
        desk.shows_line(line)
        desk.connect("bob")
        desk.wait_for("bob")
        assert desk.screen.text().count(PROMPT) == 1, desk.screen
        desk.enter("")
        anna.receive_until(f"INFO {line}")


def test_a_window_of_another_size_is_heard_of_before_something_is_logged() -> None:
    """The signal comes as select() returns for somebody's request, which is why it is not told."""
    told_late = prepared_server(
        "import selectors, chat.server.desk\n"
        "chat.server.desk.ANSWER_SECONDS = 20.0\n"
        "select = selectors.SelectSelector.select\n"
        "def late(self, timeout=None):\n"
        "    signals = next(iter(self.get_map()))\n"
        "    return [one for one in select(self, timeout) if one[0].fd != signals]\n"
        "selectors.SelectSelector.select = late\n"
    )
    with Desk(columns=80, reflows=True, program=told_late) as desk:
        line = "a long line of many words that is not finished, and goes on"
        desk.type(line)
        desk.shows_line(line)
        for columns in (50, 30, 70):
            desk.resize(columns, 30)
            desk.connect().send(f"NAME seen{columns}")
            desk.wait_for(f"seen{columns}")
            desk.wait_for(lambda screen: screen.before_cursor().endswith("goes on"))
            assert desk.screen.text().count(PROMPT) <= 1, desk.screen
            assert desk.screen.text().count("goes on") == 1, desk.screen


def test_the_keys_of_the_line_editor(desk: Desk) -> None:
    anna = desk.connect("anna")
    desk.type("one two three\x1b[1;5D\x17")  # Ctrl+Left, Ctrl+W
    desk.shows_line("one ", "three")
    desk.enter("")
    anna.expect("INFO one three")
    desk.enter("second")
    anna.expect("INFO second")
    desk.type(UP + UP)
    desk.shows_line("one three")
    desk.type("\x15/na\t")
    desk.shows_line("/names ")
    desk.type("\x15" + paste("first\nsecond\n"))
    desk.wait_for_row("2 lines pasted: Enter says them, Ctrl\\+C drops them.")
    assert anna.hears_nothing()
    desk.enter("")
    anna.expect("INFO first", "INFO second")


@pytest.mark.slow
def test_bytes_that_are_no_utf8_do_no_harm(desk: Desk) -> None:
    anna = desk.connect("anna")
    desk.type(b"caf\xe9 \xff\xfe\x80")
    desk.type(b"caf\xc3")
    desk.type(b"\xa9\r")
    anna.expect("INFO caf caf\xe9")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.slow
def test_an_old_locale(encoding: str) -> None:
    environment = {"LANG": "C", "LC_ALL": "C"}
    if encoding == "ascii":
        environment |= {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    with Desk(environment=environment) as desk:
        anna = desk.connect("דני")
        desk.type("дом")
        desk.shows_line("дом" if encoding == "utf-8" else "???")
        desk.enter("")
        anna.expect("INFO дом")
        desk.answers("/names", "1 is here")


def test_keys_typed_ahead_of_the_start_are_not_lost() -> None:
    with Terminal([sys.executable, SERVER, "--port", "0"], columns=100) as terminal:
        terminal.type("typed ahead")
        terminal.wait_for(lambda screen: screen.before_cursor() == f"{PROMPT}typed ahead")


@pytest.mark.slow
def test_a_paste_of_a_megabyte_holds_up_nobody(desk: Desk) -> None:
    anna = desk.connect("anna")
    desk.type(paste("a word, " * 131_072))
    desk.wait_for(lambda screen: screen.before_cursor().endswith("word, "))
    assert_served_promptly(anna)
    desk.type("\x03")
    desk.shows_line("")


# ----------------------------------------------------------------------------------------- endings

ASK = "Ctrl\\+C again ends the chat for 2 people."


@pytest.mark.parametrize("keys", slow_beyond(1, ["\x03", "\x04", "/quit\r"]))
def test_the_end_is_asked_for_twice(keys: str, desk: Desk) -> None:
    anna, bob = desk.people("anna", "bob")
    desk.type("half\x03")
    desk.shows_line("")
    assert anna.hears_nothing()
    assert "again" not in desk.screen.text()
    desk.type(keys)
    desk.wait_for_row(ASK)
    assert bob.hears_nothing()
    desk.type(keys)
    for client in (anna, bob):
        info, bye = client.receive_all()
        assert info.startswith("INFO The server is being shut down")
        assert bye == "BYE"
        client.close()
    assert desk.wait_exit() == 0
    assert_given_back(desk)


def test_what_was_asked_a_while_ago_is_asked_anew() -> None:
    at_once = "import chat.server.teacher; chat.server.teacher.ASKED_SECONDS = 0.0"
    with Desk(program=prepared_server(at_once)) as desk:
        anna = desk.connect("anna")
        desk.answers("/quit", "Ctrl\\+C again ends the chat for 1 person.")
        desk.answers("/quit", "Ctrl\\+C again ends the chat for 1 person.")
        assert anna.hears_nothing()


def test_whoever_goes_on_does_not_mean_to_end_it(desk: Desk) -> None:
    anna = desk.connect("anna")
    desk.type("\x03hello\r\x03")
    desk.wait_for(shown_times("Ctrl+C again ends the chat for 1 person.", 2))
    anna.expect("INFO hello")
    assert anna.hears_nothing()


@pytest.mark.parametrize("keys", slow_beyond(1, ["\x03", "\x04", "/quit\r"]))
def test_with_nobody_there_it_ends_at_once(keys: str, desk: Desk) -> None:
    nobody = desk.connect()
    nobody.round_trip()  # hence it is in, without a name
    desk.type(keys)
    assert nobody.receive_all()[-1] == "BYE"
    nobody.close()
    assert desk.wait_exit() == 0
    assert_given_back(desk)


@pytest.mark.parametrize("name", slow_beyond(1, ["SIGTERM", "SIGHUP"]))
def test_a_signal_ends_it_at_once_with_the_goodbye(name: str, desk: Desk) -> None:
    anna = desk.connect("anna")
    desk.type("half a line")
    desk.shows_line("half a line")
    desk.process.send_signal(getattr(signal, name))
    info, bye = anna.receive_all()
    assert info.startswith("INFO The server is being shut down")
    assert bye == "BYE"
    anna.close()
    assert desk.wait_exit() == 0
    assert_given_back(desk)


def test_sigint_from_outside_is_ctrl_c(desk: Desk) -> None:
    anna = desk.connect("anna")
    desk.type("half a line")
    desk.shows_line("half a line")
    desk.process.send_signal(signal.SIGINT)
    desk.shows_line("")
    desk.process.send_signal(signal.SIGINT)
    desk.wait_for_row("Ctrl\\+C again ends the chat for 1 person.")
    assert anna.hears_nothing()
    desk.process.send_signal(signal.SIGINT)
    assert anna.receive_all()[-1] == "BYE"
    anna.close()
    assert desk.wait_exit() == 0
    assert_given_back(desk)


# ------------------------------------------------------------------------------------------ faults

FAULT = """
import {module} as module
def stumble(*_, **__): raise ZeroDivisionError("a fault that is meant")
original = module.{what}
def sometimes(self, *some, **more):
    if {when}:
        stumble()
    return original(self, *some, **more)
module.{what} = sometimes
"""
FAULTS = {
    "a line": ("chat.server.teacher", "Teacher.typed", "True"),
    "the row": ("chat.terminal.line_editor", "LineEditor.view", "'fault' in self.text"),
    "its rows": ("chat.server.display", "Display.update", "some[1].text == 'fault'"),
    "its wrapping": ("chat.server.display", "wrap", "'fault' in self"),
    "the keys": ("chat.terminal.posix_keyboard", "PosixKeyboard.read", "True"),
    "the start": ("chat.server.display", "Display.update", "True"),
    "giving back": ("chat.terminal.screen", "Screen.close", "True"),
}


@pytest.mark.parametrize("kind", slow_beyond(2, list(FAULTS)))
def test_a_fault_of_ours_costs_the_desk_and_not_the_chat(kind: str) -> None:
    module, what, when = FAULTS[kind]
    program = prepared_server(FAULT.format(module=module, what=what, when=when))
    command = [sys.executable, *program, "--host", "127.0.0.1", "--port", "0"]
    with Terminal(command, columns=100, rows=40) as terminal:
        terminal.wait_for(PROMPT.strip() if kind != "the start" else "ZeroDivisionError")
        found = re.search(r"listening on .+:(\d+)", terminal.screen.text())
        assert found
        anna = Client(("127.0.0.1", int(found[1]))).name("anna")
        if kind == "giving back":
            terminal.process.send_signal(signal.SIGTSTP)  # nobody here continues it: it goes on
        elif kind != "the start":
            terminal.type("fault")
            if kind in ("a line", "its wrapping"):
                terminal.type("\r")
        terminal.wait_for("at the desk: Traceback")
        terminal.wait_for("ZeroDivisionError: a fault that is meant")
        wait_until(lambda: terminal.terminal_settings() == terminal.settings, "it is given back")
        assert terminal.screen.modes["7"]
        assert terminal.screen.modes["2004"] == (kind == "giving back")
        bob = Client(("127.0.0.1", int(found[1]))).name("bob")
        bob.send("MSG anna hi")
        anna.receive_until("MSG bob anna hi")
        terminal.wait_for("is now called bob")
        terminal.process.send_signal(signal.SIGTERM)
        for client in (anna, bob):
            client.close()
        assert terminal.wait_exit() == 0


# -------------------------------------------------------------------------- which terminal, if any


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
@pytest.mark.slow
def test_without_a_terminal_on_both_sides_there_is_no_desk(stream: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with file.open("r+b") as other:
        command = [sys.executable, "-u", SERVER, "--host", "127.0.0.1", "--port", "0"]
        with Terminal(command, streams={stream: other}) as terminal:
            if stream == "stdin":
                terminal.wait_for("Ctrl+C stops")
            else:
                wait_until(lambda: "Ctrl+C stops" in file.read_text(), "it has started")
            log = file.read_text() or terminal.screen.text()
            found = re.search(r"listening on .+:(\d+)", log)
            assert found
            anna = Client(("127.0.0.1", int(found[1]))).name("anna")
            assert terminal.terminal_settings() == terminal.settings
            assert b"\x1b" not in terminal.written
            terminal.type("\x03")  # the terminal makes a signal of it, which ends it at once
            assert anna.receive_all()[-1] == "BYE"
            anna.close()
            assert terminal.wait_exit() == 0


def test_two_terminals_are_no_desk() -> None:
    reader, other = os.openpty()
    command = [sys.executable, SERVER, "--host", "127.0.0.1", "--port", "0"]
    with open(other, "rb", buffering=0) as its, Terminal(command, streams={"stdin": its}) as shown:
        shown.wait_for("Ctrl+C stops")
        shown.process.send_signal(signal.SIGINT)
        assert shown.wait_exit() == 0
        assert b"\x1b" not in shown.written
    os.close(reader)


@linux_only
@pytest.mark.parametrize("selector", ["select", "auto"])
@pytest.mark.slow
def test_the_desk_without_a_descriptor_left(selector: str) -> None:
    with Desk("--selector", selector) as desk:
        anna = desk.connect("anna")
        set_descriptor_limit(desk.process.pid, max(descriptors(desk.process.pid)) + 1)
        desk.answers("/nmaes", "There is no command /nmaes; is it /names\\?")
        desk.answers("/kick ana", "Nobody here is ana; is it anna\\?")
        desk.process.send_signal(signal.SIGSTOP)
        desk.set_back()
        desk.process.send_signal(signal.SIGCONT)
        desk.enter("hello")
        anna.expect("INFO hello")
        written = len(desk.written)
        desk.type("\x1a")  # nobody here could continue it: it goes on
        desk.wait_for(lambda _: re.search(rb"2004l.*2004h", desk.written[written:], re.DOTALL))
        desk.enter("again")
        anna.expect("INFO again")


@linux_only
@pytest.mark.slow
def test_a_terminal_beyond_the_descriptors_that_select_can_watch() -> None:
    allow_descriptors(1_300)
    program = prepared_server("import os\nwhile os.dup(2) < 1_100: pass")  # as if inherited
    with Desk("--selector", "auto", program=program) as desk:
        anna = desk.connect("anna")
        desk.type("/help\r" * 60 + "half")  # more than the terminal takes at once
        desk.shows_line("half")
        anna.round_trip()
        desk.connect("bob")
        desk.wait_for("is now called bob")


# -------------------------------------------------------------------------------------------- rest


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize("selector", ["select", "auto"])
def test_sitting_there_costs_nothing(selector: str) -> None:
    with Desk("--selector", selector) as desk:
        anna = desk.connect("anna")
        desk.type("half\x1b")  # Escape alone is waited for
        desk.shows_line("half")
        desk.wait_for("is now called anna")
        assert quiet_for(1.3, anna)  # the last turn is over, and the second of the log
        wakes, used = wake_ups(desk.process.pid), cpu_seconds(desk.process.pid)
        assert quiet_for(1.5, anna)
        assert wake_ups(desk.process.pid) == wakes
        assert cpu_seconds(desk.process.pid) == used


IGNORING_HANGUPS = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"


@needs_proc
@pytest.mark.parametrize("selector", ["select", "auto"])
@pytest.mark.slow
def test_the_chat_outlives_its_terminal_without_spinning(selector: str) -> None:
    with Desk("--selector", selector, program=prepared_server(IGNORING_HANGUPS)) as desk:
        anna = desk.connect("anna")
        desk.type("half a line")
        desk.shows_line("half a line")
        desk.vanish()
        bob = desk.connect("bob")
        anna.expect("JOINED bob")
        assert quiet_for(0.2, anna, bob)  # the last turn is over
        wakes, used = wake_ups(desk.process.pid), cpu_seconds(desk.process.pid)
        assert quiet_for(0.5, anna, bob)
        assert wake_ups(desk.process.pid) - wakes <= 2
        assert cpu_seconds(desk.process.pid) - used < 0.1
        desk.process.send_signal(signal.SIGTERM)
        assert anna.receive_all()[-1] == "BYE"
        anna.close()
        assert desk.process.wait(20) == 0
