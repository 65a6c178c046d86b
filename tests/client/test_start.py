"""The start of the programs: an early Ctrl+C, and more open files than select() can watch."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from harness import ROOT, posix_only
from interrupted import interrupted_at

from client.person import prepared_client
from client.piped import assert_one_sentence, free_port, piped
from client.played import PlayedServer


@posix_only
@pytest.mark.parametrize(
    "module",
    [
        "argparse",
        pytest.param("socket", marks=pytest.mark.slow),
        pytest.param("typing", marks=pytest.mark.slow),
        "chat_protocol",
        pytest.param("chat.client.lines", marks=pytest.mark.slow),
        pytest.param("chat.sockets", marks=pytest.mark.slow),
        "chat.client.options",
        pytest.param("chat.terminal.keys", marks=pytest.mark.slow),
        "chat.terminal.screen",
    ],
)
def test_an_early_interrupt_ends_the_client_without_a_traceback(
    module: str, played: PlayedServer
) -> None:
    code, said = interrupted_at(module, "chat_client.py", "127.0.0.1", str(played.port))
    assert code in (-signal.SIGINT, 0, 1)
    assert "Traceback" not in said


@posix_only
@pytest.mark.parametrize("module", ["argparse", "chat.client.options", "_tkinter"])
def test_an_early_interrupt_ends_the_window_without_a_traceback(module: str) -> None:
    if module == "_tkinter":
        pytest.importorskip("tkinter", reason="this Python has no Tk")
    code, said = interrupted_at(module, "chat_gui.py", "127.0.0.1", str(free_port()))
    assert code in (-signal.SIGINT, 0, 1)
    assert "Traceback" not in said


@posix_only
def test_who_ignores_interrupts_goes_on_doing_so(played: PlayedServer) -> None:
    """As a shell has it for what it starts in the background."""
    shell = f"trap '' INT; exec '{sys.executable}' chat_client.py 127.0.0.1 {played.port}"
    with subprocess.Popen(
        ["sh", "-c", f"{shell} --name me"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        connection = played.accept()
        connection.expect("NAME me")
        process.send_signal(signal.SIGINT)
        connection.send("HELLO me")
        assert process.stdin
        process.stdin.write(b"hello\n")
        process.stdin.close()
        connection.expect("MSG BROADCAST hello")
        connection.end()


@posix_only
@pytest.mark.parametrize("number", [1_022, 1_023, 1_100])
def test_more_open_files_than_select_can_watch_are_said_in_a_sentence(
    played: PlayedServer, number: int
) -> None:
    """All descriptors up to this number are taken; 1,023 is the last that select() can watch.

    Where it is 1,022 there is one for the connection, and none for the signals.
    """
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < 1_200:
        pytest.skip("a process may not have so many descriptors here")
    crowded = prepared_client(
        "import os, resource\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, (1_200, {hard}))\n"
        f"while os.open(os.devnull, os.O_RDONLY) < {number}: pass"
    )
    done = piped(played.port, "--name", "me", typed="hi\n", program=crowded)
    assert_one_sentence(done, "So many files were open")
