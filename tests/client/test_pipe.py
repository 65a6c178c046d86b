"""Input or output that is no terminal: every line counts as typed, and no escape code goes out."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from harness import DEADLINE, posix_only, slow_beyond
from terminal.pseudo import clean_environment

import chat_protocol as protocol
from client.person import CLIENT, Person, Room, assert_given_back
from client.piped import PipedClient, piped
from client.played import PlayedServer


def test_piped_lines_are_taken_as_typed(room: Room) -> None:
    bob = room.raw("bob")
    done = piped(room.port, typed="NAME eve\nhello\n/msg bob psst\n\nGET_NAMES\na\tb\n")
    assert done.returncode == 0, done.stderr
    bob.expect(
        "JOINED eve",
        "MSG eve BROADCAST hello",
        "MSG eve bob psst",
        "MSG eve BROADCAST a b",
        "LEFT eve",
    )
    assert re.search(r"^\d\d:\d\d \* here \(2\): bob, eve$", done.stdout, re.MULTILINE)
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    "typed", slow_beyond(1, ["NAME eve\nhi", "NAME eve\r\nhi\r\n", b"NAME eve\nhi\x00\n"])
)
def test_the_last_line_may_end_anyhow(typed: str | bytes, room: Room) -> None:
    bob = room.raw("bob")
    assert piped(room.port, typed=typed).returncode == 0
    bob.expect("JOINED eve", "MSG eve BROADCAST hi", "LEFT eve")


def test_a_name_on_the_command_line_serves_a_pipe_too(room: Room) -> None:
    bob = room.raw("bob")
    assert piped(room.port, "--name", "eve", typed="hi\n").returncode == 0
    bob.expect("JOINED eve", "MSG eve BROADCAST hi", "LEFT eve")


def test_piped_input_that_is_no_text_does_no_harm(room: Room) -> None:
    bob = room.raw("bob")
    done = piped(room.port, typed=b"NAME eve\na\xffb\nlast\n")
    assert done.returncode == 0, done.stderr
    bob.expect("JOINED eve")
    assert bob.receive().startswith("MSG eve BROADCAST a")
    bob.expect("MSG eve BROADCAST last", "LEFT eve")


def test_no_input_at_all_is_fine(room: Room) -> None:
    assert piped(room.port, typed="").returncode == 0


def test_a_file_is_taken_as_typed(room: Room, tmp_path: Path) -> None:
    bob = room.raw("bob")
    script = tmp_path / "lines.txt"
    script.write_text("NAME eve\nfrom a file: שלום\n", encoding="utf-8")
    with script.open("rb") as file:
        done = subprocess.run(
            [sys.executable, CLIENT, "127.0.0.1", str(room.port)],
            stdin=file,
            capture_output=True,
            env={**clean_environment(), "PYTHONUTF8": "1"},
            timeout=DEADLINE,
        )
    assert done.returncode == 0, done.stderr
    bob.expect("JOINED eve", "MSG eve BROADCAST from a file: שלום", "LEFT eve")


@pytest.mark.slow
def test_a_long_file_arrives_whole_and_in_order(room: Room) -> None:
    bob = room.raw("bob")
    lines = [f"line {number} " + "x" * 100 for number in range(2000)]
    done = piped(room.port, typed="NAME eve\n" + "\n".join(lines) + "\n")
    assert done.returncode == 0, done.stderr
    bob.expect("JOINED eve", *(f"MSG eve BROADCAST {line}" for line in lines), "LEFT eve")


def test_all_that_is_still_coming_is_printed(played: PlayedServer) -> None:
    with PipedClient("--port", str(played.port)) as client:
        client.type("", is_all=True)
        connection = played.accept()
        connection.expect("EXIT")
        connection.send(*(f"MSG alice BROADCAST {number}" for number in range(3000)), "BYE")
        output = client.last_words()
        assert client.wait_exit() == 0
    said = re.findall(r"^\d\d:\d\d alice: (\d+)$", output, re.MULTILINE)
    assert said == [str(number) for number in range(3000)]


def test_a_line_of_a_pipe_is_sent_while_the_pipe_stays_open(played: PlayedServer) -> None:
    with PipedClient("--port", str(played.port)) as client:
        connection = played.accept()
        client.type("NAME eve\n")
        connection.expect("NAME eve")
        connection.send("HELLO eve", "MSG bob eve hi")
        client.prints("bob → eve: hi")
        connection.send("BYE")
        assert client.wait_exit() == 0  # although its input goes on


@posix_only
@pytest.mark.parametrize(
    ("said", "typed"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ""),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "GET_NAMES\n"),
        (protocol.encode("ERROR SERVER_FULL Every place here is taken."), "hi\n"),
    ],
    ids=["no-chat-and-no-input", "no-chat-and-a-request", "full-and-a-line"],
)
def test_a_failure_stays_one_though_the_input_ends_with_it(
    said: bytes, typed: str, played: PlayedServer
) -> None:
    """The client stands still meanwhile, so that it finds both in the same turn."""
    with PipedClient("--port", str(played.port)) as client:
        connection = played.accept()
        client.process.send_signal(signal.SIGSTOP)
        connection.send_bytes(said)
        connection.close()
        client.type(typed, is_all=True)
        client.process.send_signal(signal.SIGCONT)
        assert client.wait_exit() == 1
        assert "waiting" not in client.last_words()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX shells can close a stream")
@pytest.mark.parametrize("closed", slow_beyond(2, ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]))
def test_a_closed_stream_ends_in_no_traceback(closed: str, room: Room) -> None:
    client = [sys.executable, CLIENT, "127.0.0.1", str(room.port), "--name", "eve"]
    done = subprocess.run(
        ["sh", "-c", f'echo hi | "$@" {closed}', "sh", *client],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert "Exception" not in done.stdout + done.stderr
    assert done.returncode in (0, 1)


def test_a_reader_that_stops_reading_ends_it_without_a_traceback(played: PlayedServer) -> None:
    with PipedClient("--port", str(played.port)) as client:
        connection = played.accept()
        client.stop_reading()
        connection.send_meanwhile(protocol.encode("INFO " + "x" * 1000) * 200)
        client.wait_exit()
        client.last_words()


def test_output_into_a_file_has_no_escape_codes(played: PlayedServer, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with (
        log.open("wb") as file,
        Person(played.port, "me", streams={"stdout": file}) as person,
    ):
        connection = played.accept()
        connection.expect("NAME me")
        connection.send("HELLO me", "MSG bob BROADCAST good morning")
        person.type("hello\n")
        connection.expect("MSG BROADCAST hello")
        person.type("/quit\n")
        connection.end()
        assert person.wait_exit() == 0
        assert person.terminal_settings() == person.settings
    text = log.read_text(encoding="utf-8")
    assert re.search(r"^\d\d:\d\d bob: good morning$", text, re.MULTILINE)
    assert re.search(r"^\d\d:\d\d me: hello$", text, re.MULTILINE)
    assert "\x1b" not in text
    assert "\r" not in text


def test_a_pipe_as_input_prints_plain_lines_on_a_terminal(played: PlayedServer) -> None:
    streams = {"stdin": subprocess.PIPE}
    with Person(played.port, streams=streams) as person:
        connection = played.accept()
        connection.send("MSG bob BROADCAST good morning")
        person.sees("bob: good morning")
        assert person.process.stdin
        person.process.stdin.close()
        connection.end()
        assert person.wait_exit() == 0
        assert_given_back(person)


def test_names_that_the_output_cannot_encode_end_nothing(played: PlayedServer) -> None:
    with subprocess.Popen(
        [sys.executable, CLIENT, "127.0.0.1", str(played.port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**clean_environment(), "PYTHONIOENCODING": "ascii"},
    ) as process:
        connection = played.accept()
        connection.send("MSG דנה BROADCAST שלום", "MSG bob me plain", "BYE")
        assert process.stdout
        output = process.stdout.read()
        assert process.wait(DEADLINE) == 0
    assert b"plain" in output
    assert b"Traceback" not in output
