"""The server as its users meet it: the process, its options, its output, its connections."""

from __future__ import annotations

import os
import random
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
from conftest import StartServer
from harness import (
    DEADLINE,
    ROOT,
    SERVER,
    Client,
    ServerProcess,
    frames,
    overfill,
    posix_only,
    wait_until,
)

from chat_protocol import VERSION
from chat_server import SELECTORS, parse_arguments

TIME = r"^\d\d:\d\d:\d\d "


def run_server(*options: str, program: tuple[str, ...] = (SERVER,)) -> tuple[int, str, str]:
    """Run a server that ends by itself; return its exit code, output and error output."""
    done = subprocess.run(
        [sys.executable, *program, *options],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )
    return done.returncode, done.stdout, done.stderr


# ------------------------------------------------------------------------------------ the options


def test_the_first_line_tells_the_address_and_the_next_what_to_type(
    start_server: StartServer,
) -> None:
    server = start_server()
    assert server.lines[0] == f"Chat server listening on 127.0.0.1:{server.port}"
    assert server.lines[1].endswith(f"python chat_client.py 127.0.0.1 {server.port}")
    assert re.match(r"Room for \d+ people\. Ctrl\+C stops the server\.", server.lines[2])


def test_a_server_for_everyone_shows_this_machines_address(start_server: StartServer) -> None:
    server = start_server(host=None)
    assert re.fullmatch(rf"Chat server listening on 0\.0\.0\.0:{server.port}", server.lines[0])
    command = rf"python chat_client\.py (\d+\.\d+\.\d+\.\d+) {server.port}"
    shown = re.search(command, server.lines[1])
    assert shown
    assert shown[1] != "0.0.0.0", "nobody can connect to that"


def test_port_0_takes_a_free_port_for_each(start_server: StartServer) -> None:
    ports = {start_server().port for _ in range(2)}
    assert len(ports) == 2
    assert 0 not in ports


def test_a_port_is_taken_as_it_is_given(start_server: StartServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert start_server("--port", str(port)).port == port


@posix_only
def test_a_port_is_free_again_as_soon_as_its_server_has_ended(start_server: StartServer) -> None:
    first = start_server()
    client = first.connect("alice")
    first.interrupt()
    client.receive_all()
    client.close()
    assert first.wait_for_exit() == 0
    assert start_server("--port", str(first.port)).port == first.port


def test_one_port_serves_ipv4_and_ipv6(start_server: StartServer, ipv6: None) -> None:
    server = start_server(host=None)
    alice = server.connect("alice", host="127.0.0.1")
    bob = server.connect("bob", host="::1")
    alice.expect("JOINED bob")
    bob.send("MSG alice hi")
    alice.expect("MSG bob alice hi")
    server.wait_for_line(rf"{TIME}\[::1\]:\d+ is now called bob")


def test_a_server_may_be_for_ipv6_alone(start_server: StartServer, ipv6: None) -> None:
    server = start_server(host="::1")
    assert server.lines[0] == f"Chat server listening on [::1]:{server.port}"
    assert server.connect("alice").ask("GET_NAMES") == "NAMES 1 alice"


@posix_only
@pytest.mark.parametrize("selector", sorted(SELECTORS))
def test_every_selector_of_this_system_serves(start_server: StartServer, selector: str) -> None:
    server = start_server("--selector", selector)
    alice, bob = server.people("alice", "bob")
    bob.send("MSG alice hi", "EXIT")
    alice.expect("MSG bob alice hi", "LEFT bob")
    assert bob.receive_all() == ["BYE"]
    bob.close()
    server.interrupt()
    assert alice.receive_all()[-1] == "BYE"
    alice.close()
    assert server.wait_for_exit() == 0


def test_help_explains_each_option_with_its_default() -> None:
    code, text, errors = run_server("--help")
    assert (code, errors) == (0, "")
    explanations = dict(
        re.findall(r"^  (--[a-z-]+)(.*?)(?=^  -|^$)", text, re.DOTALL | re.MULTILINE)
    )
    for option, default in {
        "--host": "all that this machine has, IPv4 and IPv6",
        "--port": "8820",
        "--max-clients": "as many as the selector and the process's file limit allow",
        "--max-per-address": "no limit",
        "--rate": "50",
        "--max-backlog": "1024",
        "--login-timeout": "300",
        "--selector": "select",
        "--verbose": "off",
    }.items():
        assert f"(default: {default})" in " ".join(explanations[option].split())
    del explanations["--version"]
    for option, explanation in explanations.items():
        assert "(default:" in explanation, option


def test_version_is_told() -> None:
    assert run_server("--version") == (0, f"chat_server {VERSION}\n", "")


@pytest.mark.parametrize(
    "options",
    ["--nonsense", "extra", "--port", "--port http", "--port -1", "--port 65536", "--port 80.5",
     "--max-clients 0", "--max-clients some", "--max-per-address 0", "--rate -1", "--rate fast",
     "--rate nan", "--max-backlog 0", "--login-timeout -1", "--selector none"],
)  # fmt: skip
def test_a_wrong_option_is_not_taken(options: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments(options.split())
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: chat_server.py")


def test_a_wrong_option_shows_the_usage_and_ends_with_2() -> None:
    code, output, errors = run_server("--port", "65536")
    assert (code, output) == (2, "")
    assert errors.startswith("usage: chat_server.py")
    assert "Traceback" not in errors


@pytest.mark.parametrize("options", ["--login-timeout 1e10", "--rate 1e-10"])
def test_no_wait_is_too_long_for_select(start_server: StartServer, options: str) -> None:
    # 292 years are the most that select() takes, 24 days the most of poll() and epoll.
    code, _, errors = run_server(*options.split(), "--host", "no-such-host.invalid")
    if code == 2:
        assert "usage" in errors
        return  # out of range, it says, and that is as good
    server = start_server(*options.split())
    server.connect("alice").send("GET_NAMES", "GET_NAMES")
    server.connect("bob")  # now nothing but the long wait is left to wait for
    assert server.connect().ask("GET_NAMES") == "NAMES 2 alice bob"


def assert_one_sentence(result: tuple[int, str, str], *words: str) -> None:
    """Check that a server could not start and said why, in one line with these words in it."""
    code, output, errors = result
    assert (code, output) == (1, "")
    assert len(errors.splitlines()) == 1, errors
    for word in words:
        assert word in errors


def test_a_port_in_use_is_told_in_a_sentence(start_server: StartServer) -> None:
    port = str(start_server().port)
    result = run_server("--host", "127.0.0.1", "--port", port)
    assert_one_sentence(result, port, "in use", "--port")


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "x" * 70, "a..b", ""])
def test_a_host_that_is_not_ours_is_told_in_a_sentence(host: str) -> None:
    assert_one_sentence(run_server("--host", host, "--port", "0"), host)


@posix_only
def test_a_port_without_permission_is_told_in_a_sentence() -> None:
    unprivileged = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if not unprivileged.exists() or int(unprivileged.read_text()) < 2:
        pytest.skip("this system asks no permission for port 1")
    # Root may have any port, so it becomes nobody at the last moment.
    as_nobody = (
        "import os, socket, sys, chat_server\n"
        "bind = socket.socket.bind\n"
        "def bind_as_nobody(self, address):\n"
        "    if os.geteuid() == 0: os.seteuid(65534)\n"
        "    bind(self, address)\n"
        "socket.socket.bind = bind_as_nobody\n"
        "sys.exit(chat_server.main())"
    )
    result = run_server("--host", "127.0.0.1", "--port", "1", program=("-c", as_nobody))
    assert_one_sentence(result, "permission", "port 1;", "--port")


# ------------------------------------------------------------------------------------- the output


@posix_only
def test_the_log_tells_who_comes_and_goes_and_why(server: ServerProcess) -> None:
    alice, bob, carol = server.people("alice", "bob", "carol")
    place = rf"127\.0\.0\.1:{alice.socket.getsockname()[1]}"
    server.wait_for_line(rf"{TIME}{place} connected \(1 of \d+\)$")
    server.wait_for_line(rf"{TIME}{place} is now called alice$")
    bob.send("NAME robert")
    server.wait_for_line(rf"{TIME}bob is now called robert$")
    bob.send("EXIT")
    server.wait_for_line(rf"{TIME}robert gone: left$")
    alice.reset()
    server.wait_for_line(rf"{TIME}alice gone: connection lost \(.+\)$")
    carol.end_input()
    server.wait_for_line(rf"{TIME}carol gone: closed the connection$")
    server.connect().send_bytes(b"oops")
    server.wait_for_line(rf"{TIME}127\.0\.0\.1:\d+ gone: sent something that is no frame$")


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


def test_a_name_that_the_output_cannot_show_stops_nothing(start_server: StartServer) -> None:
    server = start_server(environment={"PYTHONIOENCODING": "ascii"})
    server.connect("דני")
    server.wait_for_line(r"is now called \\u05d3\\u05e0\\u05d9")
    assert server.connect().ask("GET_NAMES") == "NAMES 1 דני"


@posix_only
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


@posix_only
@pytest.mark.parametrize("kind", ["an unread pipe", "a held window", "an unread terminal"])
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
        while not (found := re.search(rb"\((\d+) lines are left out: nobody read them\)", shown)):
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


@posix_only
def test_output_that_is_read_slowly_slows_nobody_down() -> None:
    reader, output = os.pipe()
    options = ("--host", "127.0.0.1", "--port", "0", "--verbose")
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


@posix_only
@pytest.mark.parametrize("kind", ["a pipe without a reader", "a full disk", "nothing at all"])
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


# ------------------------------------------------------------------------------------ the shutdown


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_says_goodbye_to_everyone_and_ends_well(
    server: ServerProcess, number: signal.Signals
) -> None:
    people = [*server.people("alice", "bob"), server.connect()]
    people[-1].round_trip()
    server.interrupt(number)
    for client in people:
        notice, bye = client.receive_all()
        assert notice.startswith("INFO The server is being shut down")
        assert bye == "BYE"
        client.close()
    assert server.wait_for_exit() == 0
    server.wait_for_line(f"{TIME}The server is being shut down")


@posix_only
def test_a_server_with_nobody_ends_at_once(server: ServerProcess) -> None:
    start = time.monotonic()
    server.interrupt()
    assert server.wait_for_exit() == 0
    assert time.monotonic() - start < 1.5


@posix_only
def test_what_is_queued_still_arrives_before_the_end(start_server: StartServer) -> None:
    server = start_server("--rate", "0", "--max-backlog", "100000")
    alice, bob = server.people("alice", "bob")
    count = overfill(alice, "bob", 1024 * 1024)
    server.interrupt()
    alice.receive_all()
    alice.close()
    for number in range(count):
        assert bob.receive().startswith(f"MSG alice bob {number} ")
    notice, bye = bob.receive_all()
    assert (notice[:5], bye) == ("INFO ", "BYE")


@posix_only
@pytest.mark.parametrize("again", [False, True])
@pytest.mark.slow
def test_one_who_does_not_read_holds_up_the_end_for_two_seconds(
    start_server: StartServer, again: bool
) -> None:
    server = start_server("--rate", "0", "--max-backlog", "100000")
    speaker = server.connect("speaker")
    server.connect("lazy", receive_buffer=4096)
    speaker.expect("JOINED lazy")
    overfill(speaker, "lazy", 256 * 1024)
    start = time.monotonic()
    server.interrupt()
    assert speaker.receive_all()[-1] == "BYE"
    speaker.close()
    if again:
        server.wait_for_line("is being shut down")
        server.interrupt()
    assert server.wait_for_exit() == 0
    seconds = time.monotonic() - start
    assert seconds < 1.5 if again else 1.8 < seconds < 5


@posix_only
def test_nobody_gets_in_during_the_shutdown(server: ServerProcess) -> None:
    alice = server.connect("alice")
    server.interrupt()
    assert alice.receive_until("BYE")
    with pytest.raises(ConnectionRefusedError):
        Client(("127.0.0.1", server.port))


# --------------------------------------------------------------------------------- the connections


@pytest.mark.parametrize("texts", [["é ✓ 👋"], ["1", "2"]])
def test_a_frame_may_be_cut_at_any_byte(server: ServerProcess, texts: list[str]) -> None:
    alice, bob, carol = server.people("alice", "bob", "carol")
    stream = frames(*(f"MSG bob {text}" for text in texts))
    for cut in range(1, len(stream)):
        alice.send_bytes(stream[:cut])
        carol.round_trip()  # the server has read the first part by now
        alice.send_bytes(stream[cut:])
        bob.expect(*(f"MSG alice bob {text}" for text in texts))


def test_a_frame_may_come_one_byte_at_a_time(server: ServerProcess) -> None:
    alice, bob = server.people("alice", "bob")
    for byte in frames("MSG bob שלום", "GET_NAMES"):
        alice.send_bytes(bytes([byte]))
    bob.expect("MSG alice bob שלום")
    alice.expect("NAMES 2 alice bob")


def test_many_frames_may_come_at_once_and_keep_their_order(server: ServerProcess) -> None:
    alice, bob = server.people("alice", "bob")
    alice.send(*(f"MSG bob {number}" for number in range(5000)))
    bob.expect(*(f"MSG alice bob {number}" for number in range(5000)))
    alice.send(*(f"MSG {'alice' if number % 2 else 'nobody'} {number}" for number in range(500)))
    for number in range(500):
        if number % 2:
            alice.expect(f"MSG alice alice {number}")
        else:
            alice.expect_error("NO_SUCH_NAME")


def test_a_whole_conversation(server: ServerProcess) -> None:
    alice, bob = server.people("alice", "Bob")
    alice.send("get_names", "Msg bob hi\n", "msg Broadcast  two  spaces ", "Block BOB\r\n")
    alice.expect("NAMES 2 alice Bob", "BLOCKED Bob")
    bob.expect("MSG alice Bob hi", "MSG alice BROADCAST  two  spaces ")
    bob.send("MSG alice hi", "MSG broadcast hi", "NAME Robert", "PASS anything")
    bob.expect_error("BLOCKED")
    bob.expect("HELLO Robert", "ACCEPTED")
    alice.expect("RENAMED Bob Robert")
    alice.send("UNBLOCK robert", "NONSENSE", "exit")
    alice.expect("UNBLOCKED Robert")
    alice.expect_error("UNKNOWN_COMMAND")
    assert alice.receive_all() == ["BYE"]
    bob.expect("LEFT alice")
    assert bob.hears_nothing()


def test_what_follows_an_exit_is_not_read(server: ServerProcess) -> None:
    alice, bob = server.people("alice", "bob")
    alice.send("MSG bob 1", "EXIT", "MSG bob 2", "GET_NAMES")
    assert alice.receive_all() == ["BYE"]
    bob.expect("MSG alice bob 1", "LEFT alice")
    assert bob.hears_nothing()


def test_two_speakers_are_heard_by_all_in_the_same_order(server: ServerProcess) -> None:
    alice, bob, carol, dora = server.people("alice", "bob", "carol", "dora")
    for speaker in (alice, bob):
        speaker.send_meanwhile(frames(*(f"MSG BROADCAST {number}" for number in range(500))))
    heard = [[listener.receive() for _ in range(1000)] for listener in (carol, dora)]
    assert heard[0] == heard[1]
    for name in ("alice", "bob"):
        own = [line for line in heard[0] if line.startswith(f"MSG {name} ")]
        assert own == [f"MSG {name} BROADCAST {number}" for number in range(500)]


def test_what_happens_in_one_turn_is_heard_in_its_order(server: ServerProcess) -> None:
    alice, bob, carol = server.people("alice", "bob", "carol")
    new = server.connect()
    alice.send("MSG BROADCAST 1", "MSG bob 2", "MSG BROADCAST 3", "GET_NAMES", "MSG alice 4")
    alice.expect("NAMES 3 alice bob carol", "MSG alice alice 4")
    bob.expect("MSG alice BROADCAST 1", "MSG alice bob 2", "MSG alice BROADCAST 3")
    carol.expect("MSG alice BROADCAST 1", "MSG alice BROADCAST 3")
    bob.send("BLOCK alice", "MSG BROADCAST 5", "NAME rob", "MSG carol 6", "MSG BROADCAST 7", "EXIT")
    assert bob.receive_all() == ["BLOCKED alice", "HELLO rob", "BYE"]
    news = ["MSG bob BROADCAST 5", "RENAMED bob rob", "MSG rob BROADCAST 7", "LEFT rob"]
    alice.expect(*news)
    carol.expect(*news[:2], "MSG rob carol 6", *news[2:])
    new.send("NAME new", "NAME NEW", "MSG BROADCAST 8", "GET_NAMES", "EXIT")
    assert new.receive_all() == ["HELLO new", "HELLO NEW", "NAMES 3 alice carol NEW", "BYE"]
    for client in (alice, carol):
        client.expect("JOINED new", "RENAMED new NEW", "MSG NEW BROADCAST 8", "LEFT NEW")


@posix_only
def test_one_without_a_name_hears_nothing_of_the_turn_in_which_it_asks(
    server: ServerProcess,
) -> None:
    early = [server.connect() for _ in range(5)]
    alice = server.connect("alice")
    late = [server.connect() for _ in range(5)]
    for client in early + late:
        client.round_trip()
    with server.paused():
        alice.send("MSG BROADCAST hi", "NAME alicia")
        for client in early + late:
            client.send("GET_NAMES")
    for client in early + late:
        assert client.receive() in ("NAMES 1 alice", "NAMES 1 alicia")
        assert client.hears_nothing()


@posix_only
def test_a_crowd_that_talks_in_one_turn_is_heard_exactly_once_in_order(
    server: ServerProcess,
) -> None:
    names = [f"n{number}" for number in range(6)]
    people = dict(zip(names, server.people(*names), strict=True))
    for listener, blocked in (("n0", "n1"), ("n2", "n3")):
        assert people[listener].ask(f"BLOCK {blocked}") == f"BLOCKED {blocked}"
    chance = random.Random(8820)
    expected: dict[tuple[str, str], list[str]] = {}  # what each listener hears of each speaker
    blocked_pairs = {("n0", "n1"), ("n2", "n3")}
    with server.paused():
        for speaker, client in people.items():
            said = []
            for number in range(60):  # fewer than one turn takes
                addressee = chance.choice([*names, "BROADCAST", "BROADCAST"])
                listeners = set(names) - {speaker} if addressee == "BROADCAST" else {addressee}
                said.append(f"MSG {addressee} {number}")
                for listener in listeners:
                    if (listener, speaker) not in blocked_pairs:
                        line = f"MSG {speaker} {addressee} {number}"
                        expected.setdefault((listener, speaker), []).append(line)
            client.send(*said, f"MSG {speaker} end")
    for listener, client in people.items():
        everything = client.receive_until(f"MSG {listener} {listener} end")
        client.send("GET_NAMES")
        everything += client.receive_until(f"NAMES 6 {' '.join(names)}")
        for speaker in names:
            heard = [line for line in everything if line.startswith(f"MSG {speaker} ")]
            assert heard == expected.get((listener, speaker), []), (listener, speaker)


def test_requests_before_a_half_close_are_answered(server: ServerProcess) -> None:
    alice, bob = server.people("alice", "bob")
    alice.send("MSG bob 1", "GET_NAMES", "MSG bob 2")
    alice.send_bytes(b"0009GET_")
    alice.end_input()
    assert alice.receive_all() == ["NAMES 2 alice bob"]
    bob.expect("MSG alice bob 1", "MSG alice bob 2", "LEFT alice")


def test_a_half_closed_connection_is_answered_though_it_is_slowed_down(
    start_server: StartServer,
) -> None:
    client = start_server("--rate", "100").connect("alice")
    client.send(*(f"MSG alice {number}" for number in range(250)))
    client.end_input()
    assert client.receive_all() == [f"MSG alice alice {number}" for number in range(250)]


def test_the_reason_arrives_though_the_client_keeps_sending(server: ServerProcess) -> None:
    client, watcher = server.connect(), server.connect()
    client.send_meanwhile(b"x" * 3_000_000)
    client.expect_error("BAD_FRAME")
    assert client.receive_all() == [], "and then an orderly end, not a reset"
    for _ in range(3):
        client.send_bytes(b"more")  # is dropped: a reset would make the next of them fail
        watcher.round_trip()


@posix_only
def test_a_hundred_clients_connect_at_once(server: ServerProcess) -> None:
    with server.paused():
        clients = [server.connect() for _ in range(100)]
        for number, client in enumerate(clients):
            client.send(f"NAME n{number}")
    for number, client in enumerate(clients):
        client.receive_until(f"HELLO n{number}")
    watcher = server.connect()
    assert sorted(watcher.ask("GET_NAMES").split()) == sorted(
        ["NAMES", "100", *(f"n{number}" for number in range(100))]
    )


def test_a_crowd_is_listed_in_several_frames(server: ServerProcess) -> None:
    names = [f"{'𠀀' * 16}{number:04}" for number in range(150)]
    clients = [server.connect() for _ in names]
    for client, name in zip(clients, names, strict=True):
        client.name(name)
    watcher = server.connect()
    watcher.send("GET_NAMES")
    listed: list[str] = []
    while len(listed) < len(names):
        verb, total, *some = watcher.receive().split(" ")
        assert (verb, total) == ("NAMES", "150")
        assert len(some) < len(names)
        listed += some
    assert listed == names
    assert watcher.hears_nothing()
