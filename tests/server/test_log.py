"""The log: what it tells, what it never tells, and that no reader of it holds up the chat."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from harness import (
    DEADLINE,
    ROOT,
    SERVER,
    Client,
    ServerProcess,
    StartServer,
    descriptors,
    frames,
    posix_only,
    prepared_server,
    quiet_for,
    slow_beyond,
    tells_a_reset,
    wait_until,
)

from .logged import TIME
from .pressure import allow_descriptors, linux_only, set_descriptor_limit

# ------------------------------------------------------------------------------------ what it tells


@tells_a_reset
def test_the_log_tells_who_comes_and_goes_and_why(fresh_server: ServerProcess) -> None:
    alice, bob, carol = fresh_server.people("alice", "bob", "carol")
    place = rf"127\.0\.0\.1:{alice.socket.getsockname()[1]}"
    fresh_server.wait_for_line(rf"{TIME}{place} connected \(1 of \d+\)$")
    fresh_server.wait_for_line(rf"{TIME}{place} is now called alice$")
    bob.send("NAME robert")
    fresh_server.wait_for_line(rf"{TIME}bob is now called robert$")
    bob.send("EXIT")
    fresh_server.wait_for_line(rf"{TIME}robert gone: left$")
    alice.reset()
    fresh_server.wait_for_line(rf"{TIME}alice gone: connection lost \(.+\)$")
    carol.end_input()
    fresh_server.wait_for_line(rf"{TIME}carol gone: closed the connection$")
    fresh_server.connect().send_bytes(b"oops")
    fresh_server.wait_for_line(rf"{TIME}127\.0\.0\.1:\d+ gone: sent something that is no frame$")


@pytest.mark.parametrize("option", ["", "--verbose"])
def test_what_people_say_is_logged_only_when_asked_for(
    start_server: StartServer, option: str
) -> None:
    server = start_server(*option.split())
    alice, bob = server.people("alice", "bob")
    alice.send("MSG bob between us", "MSG BROADCAST for all", "msg nobody at all")
    bob.expect("MSG alice bob between us", "MSG alice BROADCAST for all")
    alice.expect_error("NO_SUCH_NAME")
    alice.send("EXIT")
    server.wait_for_line("alice gone")
    log = "\n".join(server.lines)
    for said in ("between us", "for all", "at all"):
        assert (said in log) == bool(option)
    assert ("alice asks: MSG bob between us" in log) == bool(option)


@pytest.mark.parametrize("request_", ["PASS secret", "pass secret", "PASS  secret words\r\n"])
def test_a_password_is_never_logged(start_server: StartServer, request_: str) -> None:
    server = start_server("--verbose")
    client = server.connect()
    assert client.ask(request_) == "ACCEPTED"
    client.send("EXIT")
    server.wait_for_line("gone: left")
    assert "PASS" in "\n".join(server.lines)
    assert "secret" not in "\n".join(server.lines)


def test_the_log_cannot_drive_a_terminal(start_server: StartServer) -> None:
    server = start_server("--verbose")
    alice = server.connect("alice")
    alice.send("MSG alice a\u2028b")
    server.wait_for_line("alice asks: MSG alice a␤b$")


@pytest.mark.slow
def test_a_name_that_the_output_cannot_show_stops_nothing(start_server: StartServer) -> None:
    server = start_server(environment={"PYTHONIOENCODING": "ascii"})
    server.connect("דני")
    server.wait_for_line(r"is now called (\\u05d3\\u05e0\\u05d9|דני)$")  # on Windows as UTF-8
    assert server.connect().ask("GET_NAMES") == "NAMES 1 דני"


# ---------------------------------------------------------------------------------- nobody reads it

LEFT_OUT = rb"\n\((\d+) lines are left out: nobody read them, or the disk was full\)\r?\n"


@posix_only
@pytest.mark.slow
def test_output_that_nobody_reads_any_more_stops_nothing() -> None:
    process = subprocess.Popen(
        [sys.executable, SERVER, "--host", "127.0.0.1", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert process.stdout
        port = int(process.stdout.readline().rpartition(":")[2])
        process.stdout.close()
        for name in ("alice", "bob"):
            client = Client(("127.0.0.1", port)).name(name)
            client.send("EXIT")
            client.receive_until("BYE")
            client.close()
        process.send_signal(signal.SIGTERM)
        errors = process.communicate(timeout=DEADLINE)[1]
        assert (process.returncode, errors) == (0, "")
    finally:
        process.kill()
        process.communicate()


KINDS_OF_OUTPUT = ["an unread pipe", "a held window", "an unread terminal"]


@posix_only
@pytest.mark.parametrize("kind", slow_beyond(0, KINDS_OF_OUTPUT))
def test_output_that_nobody_reads_for_now_holds_up_nobody(kind: str) -> None:
    """Ctrl+S stops a terminal's output, Ctrl+Q lets it go on: termios(3), IXON."""
    reader, output = os.pipe() if kind == "an unread pipe" else os.openpty()
    command = [sys.executable, SERVER, "--host", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--verbose", "--rate", "0"], stdout=output, stderr=subprocess.PIPE
    )
    os.close(output)
    try:
        shown = b""
        while b"Ctrl+C stops" not in shown:
            shown += os.read(reader, 65536)
        found = re.search(rb"listening on .*:(\d+)", shown)
        assert found
        alice = Client(("127.0.0.1", int(found[1])))
        if kind == "a held window":
            os.write(reader, b"\x13")
        alice.name("alice")
        for _ in range(2000):  # 80 kB of short lines, 300 kB of long ones; a pipe holds 64
            alice.round_trip()
        for number in range(300):
            alice.send(f"MSG alice {number} {'x' * 1000}")
            alice.expect(f"MSG alice alice {number} {'x' * 1000}")
        if kind == "a held window":
            os.write(reader, b"\x11")
        shown = b""
        end = time.monotonic() + DEADLINE
        while not (found := re.search(LEFT_OUT, shown)):
            assert time.monotonic() < end, shown
            alice.round_trip()  # one more line
            shown += os.read(reader, 65536) if select.select([reader], [], [], 0)[0] else b""
        assert int(found[1]) > 100
        alice.close()
        while b"alice gone: " not in shown:
            shown += os.read(reader, 65536)
        assert shown.count(b"left out") == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0
        assert process.stderr
        assert process.stderr.read() == b""
    finally:
        process.kill()
        process.communicate()
        os.close(reader)


def test_output_that_is_read_slowly_slows_nobody_down() -> None:
    reader, output = os.pipe()
    options = ("--host", "127.0.0.1", "--port", "0", "--verbose", "--rate", "0")
    process = subprocess.Popen([sys.executable, SERVER, *options], stdout=output)
    os.close(output)
    done = threading.Event()

    def read_slowly() -> None:
        while not done.wait(0.045):
            os.read(reader, 4096)

    try:
        found = re.search(rb"listening on .*:(\d+)", os.read(reader, 4096))
        assert found
        alice = Client(("127.0.0.1", int(found[1]))).name("alice")
        slow = threading.Thread(target=read_slowly)
        slow.start()
        start = time.monotonic()
        for _ in range(80):  # 800 kB of lines: nine seconds for this reader
            alice.send(f"MSG alice {'x' * 9900}")
            alice.expect(f"MSG alice alice {'x' * 9900}")
        assert time.monotonic() - start < 4.0
        alice.close()
    finally:
        process.kill()
        process.communicate()
        done.set()
        slow.join()
        os.close(reader)


@pytest.mark.parametrize(
    "kind",
    [
        "a pipe without a reader",
        pytest.param("a full disk", marks=posix_only),
        pytest.param("nothing at all", marks=posix_only),
    ],
)
def test_output_that_never_worked_shows_no_traceback(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, SERVER, "--host", "127.0.0.1", "--port", str(port)]
    if kind == "a full disk":
        if not Path("/dev/full").exists():
            pytest.skip("this system has no /dev/full")
        output = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, output = os.pipe()
        os.close(reader)
    if kind == "nothing at all":
        command = ["sh", "-c", 'exec "$0" "$@" >&-', *command]
    process = subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, encoding="utf-8")
    os.close(output)
    try:
        wait_until(lambda: serves(port) or process.poll() is not None, "it serves or ends")
    finally:
        process.terminate()
        errors = process.communicate(timeout=DEADLINE)[1]
    assert "Traceback" not in errors, "it may go on, or end with a sentence"
    assert "Exception" not in errors


def serves(port: int) -> bool:
    """Whether a chat server answers at this port."""
    try:
        client = Client(("127.0.0.1", port))
        assert client.ask("GET_NAMES") == "NAMES 0"
    except (OSError, EOFError):
        return False
    client.close()
    return True


# A file that may not grow any more is refused like a full disk: setrlimit(2), RLIMIT_FSIZE. The
# limit is the one that the tests may raise again, that of a running process.
DISK_SIZE = 8192  # bytes
SMALL_DISK = f"""
import resource
import chat_server  # first: Python may keep what it compiled, torn as well

hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, ({DISK_SIZE}, hard))
"""
WITH_THE_THREAD = """
import chat.server.log, chat.server.printers

chat.server.log.open_printer = chat.server.printers.Thread
"""


@linux_only
@pytest.mark.parametrize(
    "printer",
    [
        pytest.param("", id="descriptor"),
        pytest.param(WITH_THE_THREAD, id="thread", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("buffering", [(), ("-u",)], ids=["buffered", "unbuffered"])
def test_a_disk_that_was_full_once(
    tmp_path: Path, printer: str, buffering: tuple[str, ...]
) -> None:
    import resource

    log = tmp_path / "log"
    program = prepared_server(SMALL_DISK + printer)
    options = ("--host", "127.0.0.1", "--port", "0", "--verbose", "--rate", "0")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *buffering, *program, *options],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.PIPE,
        )
    try:
        listening = re.compile(rb"listening on .*:(\d+)\n.*\n.*\n")
        wait_until(lambda: bool(listening.search(log.read_bytes())), "it listens")
        found = listening.search(log.read_bytes())
        assert found
        alice = Client(("127.0.0.1", int(found[1]))).name("alice")
        texts = [f"MSG alice {number} {'x' * 30}" for number in range(3000)]
        # 60 bytes a line. A queue holds a thousand; it must not be full before the disk is.
        for part in (texts[:200], texts[200:]):
            alice.send_meanwhile(frames(*part))
            alice.expect(*(text.replace("MSG", "MSG alice", 1) for text in part))
            wait_until(lambda: log.stat().st_size == DISK_SIZE, "the disk is full")
        torn = log.read_bytes().rpartition(b"\n")[2]
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)

        def goes_on() -> bool:
            alice.round_trip()  # one more line
            return bool(re.search(LEFT_OUT, log.read_bytes()))

        wait_until(goes_on, "it says that lines are left out")
        alice.send("MSG alice the end", "EXIT")
        wait_until(lambda: log.read_bytes().endswith(b" alice gone: left\n"), "it goes on")
        alice.close()
        shown = log.read_bytes()
        found = re.search(LEFT_OUT, shown)
        assert found
        assert int(found[1]) > 1000
        assert shown.count(b"left out") == 1
        whole = rb"[\d:]{8} alice asks: (MSG alice (\d+ x{30}|the end)|GET_NAMES|EXIT)"
        for line in shown.splitlines():
            assert b" alice asks: " not in line or re.fullmatch(whole, line) or line == torn
        process.send_signal(signal.SIGTERM)
        errors = process.communicate(timeout=DEADLINE)[1]
        assert (process.returncode, errors) == (0, b"")
    finally:
        process.kill()
        process.communicate()


@posix_only
def test_a_terminal_beyond_the_descriptors_that_select_can_watch() -> None:
    allow_descriptors(1_300)
    reader, output = os.openpty()
    program = prepared_server("import os\nwhile os.dup(2) < 1_100: pass")  # as if inherited
    options = ("--host", "127.0.0.1", "--port", "0", "--selector", "auto")
    process = subprocess.Popen(
        [sys.executable, *program, *options], cwd=ROOT, stdout=output, stderr=subprocess.PIPE
    )
    os.close(output)
    try:
        shown = b""
        while b"Ctrl+C stops" not in shown:
            shown += os.read(reader, 65536)
        found = re.search(rb"listening on .*:(\d+)", shown)
        assert found
        alice = Client(("127.0.0.1", int(found[1]))).name("alice")
        alice.send("EXIT")
        assert alice.receive_all() == ["BYE"]
        alice.close()
        while b"alice gone: left" not in shown:
            shown += os.read(reader, 65536)
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0
        assert process.stderr
        assert process.stderr.read() == b""
    finally:
        process.kill()
        process.communicate()
        os.close(reader)


UNHEARD = """
import os
import sys
import chat_server

def serve_unheard(self, serve=chat_server.Server.serve):
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)
    os.close(writer)
    serve(self)

chat_server.Server.serve = serve_unheard
sys.exit(chat_server.main())
"""


@linux_only
@pytest.mark.slow
def test_no_descriptors_left_and_nobody_to_tell(start_server: StartServer) -> None:
    server = start_server(program=("-c", UNHEARD))
    output, errors = (Path(f"/proc/{server.pid}/fd/{number}") for number in (1, 2))
    wait_until(lambda: output.readlink() != errors.readlink(), "its output is gone")
    set_descriptor_limit(server.pid, max(descriptors(server.pid)) + 1)
    waiting = [server.connect() for _ in range(3)]
    assert quiet_for(0.1, *waiting)
    set_descriptor_limit(server.pid, 1000)
    for client in waiting:
        assert client.ask("GET_NAMES") == "NAMES 0"
