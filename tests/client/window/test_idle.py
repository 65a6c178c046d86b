"""The programs in IDLE, whose standard streams are no files: the window it shows is its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from harness import (
    DEADLINE,
    ROOT,
    Client,
    ServerProcess,
    StartServer,
    posix_only,
    prepared_server,
    run_piped,
)

from client.person import prepared_client

pytest.importorskip("tkinter", reason="this Python has no Tk")
pytest.importorskip("idlelib", reason="this Python has no IDLE")

# The streams that a program finds in IDLE; what is written into them goes to our own output.
STREAMS = """
import sys
from idlelib.run import StdInputFile, StdOutputFile

class Shell:
    def write(self, text, tags):
        return sys.__stdout__.write(text) and sys.__stdout__.flush()
    def readline(self):
        return ""
    def close(self):
        pass

shell = Shell()
sys.stdin = StdInputFile(shell, "stdin")
sys.stdout = StdOutputFile(shell, "stdout")
sys.stderr = StdOutputFile(shell, "stderr", errors="backslashreplace")
"""

# The real IDLE, with a copy of all that its shell shows. It runs a program as Run Module does;
# a signal stands for Ctrl+C pressed in the shell.
IDLE = f"""
import os, signal, sys
from idlelib import pyshell

class Shell(pyshell.PyShell):
    def write(self, text, tags=()):
        print(text, end="", flush=True)
        return super().write(text, tags)
    def begin(self):
        signal.signal(signal.SIGINT, lambda *_: self.cancel_callback())
        return super().begin()
    def endexecuting(self):
        super().endexecuting()
        print("it has ended", flush=True)

pyshell.PyShell = Shell
command = f'''
import os, runpy, sys
os.chdir({str(ROOT)!r})
sys.path[0] = {str(ROOT)!r}
sys.argv = {{sys.argv[1:]!r}}
runpy.run_path(sys.argv[0], run_name="__main__")
'''
sys.argv[1:] = ["-c", command]
pyshell.main()
"""


@pytest.mark.slow
def test_the_client_names_the_window() -> None:
    done = run_piped(*prepared_client(STREAMS))
    assert done.returncode == 1
    (line,) = (done.stdout + done.stderr).splitlines()
    assert "IDLE" in line
    assert "chat_gui.py" in line


@posix_only
@pytest.mark.slow
def test_the_server_runs(start_server: StartServer) -> None:
    server = start_server(program=prepared_server(STREAMS))
    alice, bob = server.people("alice", "bob")
    alice.send("MSG BROADCAST hello")
    bob.expect("MSG alice BROADCAST hello")
    server.wait_for_line("is now called bob")
    alice.close()
    bob.close()
    server.interrupt()
    assert server.wait_for_exit() == 0


# -------------------------------------------------------------------------------- the real IDLE


@pytest.fixture
def home(tmp_path: Path, display: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen, and a place for the settings that IDLE keeps."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONUTF8", "1")


class Idle:
    """The real IDLE, with a program in its shell; see IDLE above."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", IDLE, *command],
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,  # it starts a process for the program, which outlives it
        )
        self._too_late = threading.Timer(DEADLINE, self._kill)
        self._too_late.start()
        self.shown = ""

    def _kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until what the shell has shown matches."""
        assert self.process.stdout
        while not (found := re.search(pattern, self.shown)):
            line = self.process.stdout.readline()
            assert line, f"no {pattern!r} in:\n{self.shown}"
            self.shown += line
        return found

    def press_ctrl_c(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def __enter__(self) -> Idle:
        return self

    def __exit__(self, *_: object) -> None:
        self._too_late.cancel()
        self._kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


@posix_only
@pytest.mark.slow
def test_the_client_in_idle(home: None) -> None:
    with Idle("chat_client.py") as idle:
        idle.wait_for("\nchat_client: .*IDLE.* chat_gui.py.*\n")
        idle.wait_for("it has ended")
        assert "Traceback" not in idle.shown


@posix_only
@pytest.mark.slow
def test_the_server_in_idle(home: None) -> None:
    with Idle("chat_server.py", "--host", "127.0.0.1", "--port", "0") as idle:
        port = int(idle.wait_for(r"listening on 127.0.0.1:(\d+)\n")[1])
        alice = Client(("127.0.0.1", port)).name("alice")
        idle.wait_for("is now called alice\n")
        idle.press_ctrl_c()
        alice.expect("INFO The server is being shut down from its keyboard.", "BYE")
        alice.close()
        idle.wait_for("it has ended")
        assert "Traceback" not in idle.shown


@posix_only
@pytest.mark.slow
def test_the_window_in_idle(home: None, server: ServerProcess) -> None:
    bob = server.connect("bob")
    with Idle("chat_gui.py", server.host, str(server.port), "--name", "alice") as idle:
        bob.expect("JOINED alice")
        assert "Traceback" not in idle.shown
    bob.expect("LEFT alice")
