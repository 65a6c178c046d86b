"""The start of the program: without Tk, without a display, and as it should be."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from harness import DEADLINE, ROOT, ServerProcess, cpu_seconds, needs_proc, quiet_for

PROGRAM = str(ROOT / "chat_gui.py")


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def test_help_needs_no_tk() -> None:
    code = (
        "import runpy, sys; sys.modules['_tkinter'] = None; sys.path.insert(0, '.'); "
        "sys.argv = ['chat_gui.py', '--help']; runpy.run_path('chat_gui.py', run_name='__main__')"
    )
    result = run("-I", "-S", "-c", code)
    assert result.returncode == 0, result.stderr
    assert "--name" in result.stdout


def test_without_tk_says_how_to_get_it() -> None:
    code = (
        "import runpy, sys; sys.modules['_tkinter'] = None; sys.path.insert(0, '.'); "
        "sys.argv = ['chat_gui.py']; runpy.run_path('chat_gui.py', run_name='__main__')"
    )
    result = run("-c", code)
    assert result.returncode == 1
    assert re.fullmatch("chat_gui: .*python3-tk.*chat_client.py.\n", result.stderr)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a display there")
def test_without_display_says_what_to_do() -> None:
    pytest.importorskip("tkinter", reason="this Python has no Tk")
    result = run(PROGRAM, DISPLAY="")
    assert result.returncode == 1
    assert re.fullmatch("chat_gui: .*display.*chat_client.py.\n", result.stderr)


def test_program_joins_and_leaves_at_a_signal(display: None, server: ServerProcess) -> None:
    bob = server.connect("bob")
    command = [sys.executable, PROGRAM, server.host, str(server.port), "--name", "alice"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as program:
        bob.expect("JOINED alice")
        program.terminate()
        bob.expect("LEFT alice")
        # On Windows that is no signal: it ends the program at once, with 1.
        assert program.wait(DEADLINE) == (1 if sys.platform == "win32" else 0)
        assert program.stderr
        assert program.stderr.read() == b""


@pytest.mark.slow
@needs_proc
def test_idle_window_costs_next_to_nothing(display: None, server: ServerProcess) -> None:
    bob = server.connect("bob")
    command = [sys.executable, PROGRAM, server.host, str(server.port), "--name", "alice"]
    with subprocess.Popen(command, cwd=ROOT) as program:
        bob.expect("JOINED alice")
        assert quiet_for(1.0, bob)  # until it is built
        before = cpu_seconds(program.pid)
        assert quiet_for(4.0, bob)
        assert (cpu_seconds(program.pid) - before) / 4.0 < 0.05
        program.terminate()
        assert program.wait(DEADLINE) == 0
