"""The conformance suite is tested too: how it runs. What it finds: test_conformance_samples.py."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from judged import (
    CLIENTS,
    SUITE,
    command,
    judge,
    rules,
    still_running,
    threads,
    with_pid_file,
    wrong,
)

# ----------------------------------------------------------------- hanging, flooding, falling over


@pytest.mark.parametrize("mistake", ["Hangs", "Floods", "EndsItself"])
@pytest.mark.slow
def test_a_server_that_misbehaves_ends_by_a_deadline(mistake: str, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    several = rules("test_names.py::test_nobody_here", "test_names.py::test_names_are_sorted")
    server = with_pid_file(wrong(mistake), pids)
    started = time.monotonic()
    verdict = judge(tmp_path, "--patience", "0.5", "--server", server, *several)
    assert time.monotonic() - started < 20
    assert len(verdict.broken()) == 2, verdict.output
    assert len(pids.read_text().split()) == 2, "a server that hangs is started anew"
    assert not still_running(pids)
    if mistake == "EndsItself":
        assert "its last words: ZeroDivisionError" in verdict.output


@pytest.mark.slow
def test_a_server_that_does_not_start_is_said_once(tmp_path: Path) -> None:
    verdict = judge(tmp_path, "--server", "no-such-program {port}", "-m", "core")
    assert len(verdict.broken()) == 19
    assert verdict.score == 0
    assert verdict.output.count("rules are broken by one thing: The server did not start") == 1


# ---------------------------------------------------------------------------------------- address


@pytest.fixture
def running_server() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = subprocess.Popen(shlex.split(threads(str(port))))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except ConnectionRefusedError:
            time.sleep(0.02)
    yield f"127.0.0.1:{port}"
    process.kill()
    process.wait()


@pytest.mark.slow
def test_a_running_server_is_judged_beside_strangers(running_server: str, tmp_path: Path) -> None:
    host, _, port = running_server.partition(":")
    with socket.create_connection((host, int(port))) as stranger:
        stranger.sendall(b"0010NAME alice")
        assert stranger.recv(100) == b"0011HELLO alice"
        verdict = judge(tmp_path, "--address", running_server)
        stranger.sendall(b"0009GET_NAMES")
    assert verdict.broken() == set(), verdict.output
    assert re.search(r"skipped +\d+ rules: needs a room of its own", verdict.output)


# ---------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--points", "core=10,hard=10"], "'hard=10' is not a level"),
        (["--points", "core=-1"], "'core=-1' is not a level"),
        (["--server", "python my_server.py"], "write {port} where the port number belongs"),
        (["--address", "localhost:0"], "HOST:PORT is wanted"),
        (["--patience", "0"], "a number of seconds above 0"),
        (["--report", "no/such/directory/x.html"], "there is no such directory"),
    ],
)
@pytest.mark.slow
def test_a_wrong_option_is_explained(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    verdict = judge(tmp_path, *arguments)
    assert verdict.code == pytest.ExitCode.USAGE_ERROR
    assert sentence in verdict.output


# ----------------------------------------------------------------------------------------- clients


@pytest.mark.slow
def test_a_client_is_judged_in_a_terminal(tmp_path: Path) -> None:
    words = ("{host}", "{port}", "--mistake", "characters")
    client = command(CLIENTS / "threads_client.py", *words)
    some = ("test_a_message_is_shown", "test_the_length_counts_bytes")
    ids = rules(*(f"test_client.py::{rule}" for rule in some))
    verdict = judge(tmp_path, "--client", client, *ids)
    assert len(verdict.tests) == 2
    assert verdict.broken() == {"the length counts bytes"}, verdict.output


# ------------------------------------------------------------------------------------ the rules


def test_every_rule_has_a_text_and_a_probable_mistake() -> None:
    for file in SUITE.glob("test_*.py"):
        source = file.read_text(encoding="utf-8")
        texts = source.split("\ndef test_")[1:]
        levelled = "pytestmark = " in source
        for rule in texts:
            name = rule.partition("(")[0]
            assert "Probable mistake: " in rule, f"{file.name}: {name}"
        marks = len(re.findall(r"^@pytest\.mark\.(core|chat|robust)$", source, re.MULTILINE))
        assert levelled or marks == len(texts), f"{file.name}: a rule has no level, or two"


def test_the_suite_imports_nothing_of_the_implementation() -> None:
    for file in SUITE.rglob("*.py"):
        imports = re.findall(r"^\s*(?:from|import) (\S+)", file.read_text("utf-8"), re.MULTILINE)
        assert not [name for name in imports if name.startswith("chat_")], file.name
