"""The teacher's desk and the shell: Ctrl+Z, `bg`, `fg`, `&`; and a terminal that is not ours."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest
from harness import cpu_seconds, needs_proc, quiet_for, wait_until, wake_ups
from terminal.pseudo import shown_times

from .at_desk import PROMPT, Desk
from .shell import Shell

pytestmark = needs_proc


@pytest.fixture
def shell() -> Iterator[Shell]:
    with Shell() as shell:
        yield shell


@pytest.mark.slow
def test_ctrl_z_bg_and_fg(shell: Shell) -> None:
    shell.start()
    shell.takes_desk()
    anna = shell.connect("anna")
    shell.says("hello", anna)
    shell.type("half a line\x1b[D")
    shell.wait_for(lambda screen: screen.before_cursor() == f"{PROMPT}half a lin")
    shell.type("\x1a")
    shell.wait_for("Stopped")
    shell.asks()
    assert shell.has_its_terminal()
    shell.run("bg")
    anna.round_trip()
    shell.connect("bob")
    anna.receive_until("JOINED bob")
    shell.wait_for("is now called bob")
    shell.run("echo $((20 + 3))")
    shell.wait_for("\n23\n")
    shell.run("fg")
    shell.wait_for(lambda screen: screen.before_cursor() == f"{PROMPT}half a lin")
    shell.wait_for(lambda screen: screen.after_cursor() == "e")
    shell.type("\x03")
    shell.says("here again", anna)
    shell.type("\x1b[A\x1b[A")  # what was said before
    shell.wait_for(lambda screen: screen.before_cursor() == f"{PROMPT}hello")
    shell.type("\x15\x1a")
    shell.asks()
    shell.run("fg")
    shell.takes_desk()
    shell.says("and again", anna)
    shell.type("\x03\x03")
    assert anna.receive_all()[-1] == "BYE"
    anna.close()
    shell.asks()
    assert shell.has_its_terminal()


@pytest.mark.parametrize("tostop", [False, True])
@pytest.mark.slow
def test_started_in_the_background(tostop: bool, shell: Shell) -> None:
    """With `stty tostop` a job that writes to the terminal is stopped: termios(3), TOSTOP."""
    if tostop:
        shell.run("stty tostop")
        shell.asks()
        shell.settings = shell.terminal_settings()
    shell.start(behind="&")
    anna = shell.connect("anna")
    shell.wait_for("is now called anna")
    shell.run("read word; echo :$word:")
    shell.run("typed")
    shell.wait_for(":typed:")
    assert anna.hears_nothing()
    assert shell.has_its_terminal()
    assert b"\x1b" not in shell.written
    shell.run("fg")
    shell.takes_desk()
    shell.says("hello", anna)
    shell.type("\x1a")
    shell.wait_for("Stopped")
    shell.asks()
    shell.run("bg")
    anna.round_trip()
    shell.connect("bob")
    shell.wait_for("is now called bob")
    shell.run("kill %1")
    assert anna.receive_all()[-1] == "BYE"
    anna.close()
    shell.run("wait")
    shell.asks()
    assert shell.has_its_terminal()


@pytest.mark.parametrize("stop", [signal.SIGSTOP, signal.SIGTSTP])
@pytest.mark.slow
def test_stopped_from_outside_and_continued_in_front(stop: signal.Signals, shell: Shell) -> None:
    shell.start()
    shell.takes_desk()
    anna = shell.connect("anna")
    shell.type("half")
    shell.wait_for(lambda screen: screen.before_cursor() == f"{PROMPT}half")
    os.kill(shell.job(), stop)
    shell.wait_for("Stopped")
    shell.asks()
    wait_until(lambda: shell.terminal_settings() == shell.settings, "the shell has its terminal")
    shell.run("fg")
    shell.wait_for(lambda screen: screen.before_cursor() == f"{PROMPT}half")
    wait_until(shell.reads_single_keys, "the desk reads single keys")
    shell.type("\x03")
    shell.says("hello", anna)
    shell.type("\x1a")
    shell.asks()
    assert shell.has_its_terminal()


@pytest.mark.parametrize("stop", [signal.SIGSTOP, signal.SIGTSTP])
@pytest.mark.slow
def test_stopped_from_outside_and_continued_in_the_background(
    stop: signal.Signals, shell: Shell
) -> None:
    shell.start()
    shell.takes_desk()
    anna = shell.connect("anna")
    os.kill(shell.job(), stop)
    shell.wait_for("Stopped")
    shell.asks()
    wait_until(lambda: shell.terminal_settings() == shell.settings, "the shell has its terminal")
    # A line waits in the terminal when the server goes on: it is not for the desk to read.
    shell.type("bg; sleep 0.3\recho $((20 + 3))\r")
    shell.wait_for("23\n")
    anna.round_trip()
    shell.connect("bob")
    shell.wait_for("is now called bob")
    assert shell.terminal_settings() == shell.settings
    shell.run("fg")
    shell.takes_desk()
    shell.says("hello", anna)
    shell.type("\x1a")
    shell.asks()
    assert shell.has_its_terminal()


@pytest.mark.slow
def test_a_shell_that_does_not_set_the_terminal_back_gets_it_back_all_the_same() -> None:
    with Shell("dash", "-i") as shell:
        shell.start()
        shell.takes_desk()
        os.kill(shell.job(), signal.SIGSTOP)
        shell.wait_for("Stopped")
        shell.type("bg\n")
        anna = shell.connect("anna")
        shell.wait_for("is now called anna")
        shell.type("fg\n")
        shell.takes_desk()
        shell.says("hello", anna)
        shell.type("\x1a")
        shell.wait_for(shown_times("Stopped", 2))
        assert shell.has_its_terminal()


def test_what_is_typed_behind_ctrl_z_is_not_said() -> None:
    """Nobody continues this one, so that it goes on; a busy server reads both at once."""
    with Desk() as desk:
        anna = desk.connect("anna")
        desk.process.send_signal(signal.SIGSTOP)
        desk.type("\x1aecho to the shell\r")
        before = len(desk.written)
        desk.process.send_signal(signal.SIGCONT)
        desk.wait_for(lambda _: re.search(rb"2004l.*2004h", desk.written[before:], re.DOTALL))
        desk.enter("hello")
        anna.expect("INFO hello")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "behind", "looks"),
    [
        pytest.param("", "&", 3, id="background"),
        pytest.param("", "< /dev/null &", 0, id="no keys"),
        pytest.param("setsid", "", 0, id="another session"),
        pytest.param("trap '' HUP;", "&", 0, id="closed window"),
    ],
)
def test_in_the_background_it_looks_once_a_second_and_only_at_its_own_terminal(
    before: str, behind: str, looks: int, shell: Shell
) -> None:
    shell.start(f"{before} sh -c 'echo pid=$$; exec", f"' {behind}")
    anna = shell.connect("anna")
    found = re.search(r"pid=(\d+)", shell.screen.text())
    assert found
    server = int(found[1])
    if "HUP" in before:
        shell.process.kill()
        shell.vanish()
    try:
        assert quiet_for(1.2, anna)
        wakes, used = wake_ups(server), cpu_seconds(server)
        assert quiet_for(2.2, anna)
        assert wake_ups(server) - wakes <= looks
        assert cpu_seconds(server) - used < 0.05
        anna.round_trip()
    finally:
        os.kill(server, signal.SIGKILL)
