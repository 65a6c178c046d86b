"""The terminal client, as its user meets it: in a terminal, behind a pipe, on a bad day."""

from __future__ import annotations

import re
import select
import signal
import socket
import subprocess
import sys
import time
import types
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from harness import DEADLINE, ServerProcess, needs_proc, quiet_for, wait_until, wake_ups
from terminal import (
    CLIENT,
    Desk,
    Person,
    PlayedServer,
    Room,
    Screen,
    Terminal,
    clean_environment,
    prepared_client,
    shown_times,
)

import chat_client
import chat_protocol as protocol

# ------------------------------------------------------------------------------- what tests share


@pytest.fixture(scope="module")
def module_server() -> Iterator[ServerProcess]:
    server = ServerProcess("--rate", "0")
    yield server
    server.close()


@pytest.fixture
def room(module_server: ServerProcess) -> Iterator[Room]:
    """The real server, empty at first."""
    room = Room(module_server)
    yield room
    room.clear()


@pytest.fixture
def played() -> Iterator[PlayedServer]:
    """A server that says what the test wants."""
    with PlayedServer() as server:
        yield server


@pytest.fixture(scope="module")
def desks() -> Iterator[list[Desk]]:
    desks: list[Desk] = []
    yield desks
    for desk in desks:
        desk.close()


@pytest.fixture
def desk(desks: list[Desk]) -> Desk:
    """A client that many tests use one after the other; a new one if it was spoiled."""
    if desks and not desks[-1].is_clean():
        desks.pop().close()
    if not desks:
        desks.append(Desk())
    return desks[-1]


@pytest.fixture
def own_desk() -> Iterator[Desk]:
    """A client for one test, which may end it."""
    with Desk() as desk:
        yield desk


def piped(
    port: int,
    typed: str | bytes,
    *options: str,
    environment: Mapping[str, str] | None = None,
    program: tuple[str, ...] = (CLIENT,),
) -> subprocess.CompletedProcess[str]:
    """Run the client behind pipes, with `typed` as its input."""
    done = subprocess.run(
        [sys.executable, *program, "127.0.0.1", str(port), *options],
        input=typed.encode() if isinstance(typed, str) else typed,
        capture_output=True,
        env={**clean_environment(), "PYTHONUTF8": "1", **(environment or {})},
        timeout=DEADLINE,
    )
    output, errors = done.stdout.decode(), done.stderr.decode()
    return subprocess.CompletedProcess(done.args, done.returncode, output, errors)


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def run(*arguments: str, program: tuple[str, ...] = (CLIENT,)) -> subprocess.CompletedProcess[str]:
    """Run the client with these arguments and no input."""
    return subprocess.run(
        [sys.executable, *program, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        env={**clean_environment(), "PYTHONUTF8": "1"},
        timeout=DEADLINE,
    )


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """The client gave up with one sentence for people, which holds these words."""
    said = (done.stdout + done.stderr).strip()
    assert done.returncode == 1, said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1, said
    for word in words:
        assert word in said


# ----------------------------------------------------------------------------------- its arguments


def test_version_and_help_are_answered() -> None:
    version = run("--version")
    assert version.returncode == 0
    assert protocol.VERSION in version.stdout
    usage = run("--help")
    assert usage.returncode == 0
    for word in ("--host", "--port", "--name", "--no-color", "127.0.0.1", "8820"):
        assert word in usage.stdout


@pytest.mark.parametrize(
    "arguments",
    [["--nonsense"], ["host", "port"], ["host", "65536"], ["--port", "-1"], ["a", "1", "b"]],
)
def test_wrong_arguments_show_the_usage(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage:" in done.stderr


@pytest.mark.parametrize("form", ["127.0.0.1 {}", "--host 127.0.0.1 --port {}", "--port {}"])
def test_host_and_port_are_given_by_place_or_by_name(form: str, played: PlayedServer) -> None:
    with subprocess.Popen(
        [sys.executable, CLIENT, *form.format(played.port).split()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:
        connection = played.accept()
        connection.expect("EXIT")
        connection.send("BYE")
        assert process.wait(DEADLINE) == 0


def test_a_host_with_ipv6_and_ipv4_is_tried_at_each(ipv6: None) -> None:
    try:
        found = socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)
    except OSError as error:
        pytest.skip(f"no localhost here: {error}")
    for host in sorted({str(entry[4][0]) for entry in found}):
        with PlayedServer(host) as played:
            command = [sys.executable, CLIENT, "localhost", str(played.port)]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            connection = played.accept()
            connection.expect("EXIT")
            connection.send("BYE")
            assert process.wait(DEADLINE) == 0


def test_an_ipv6_address_is_a_host_too(ipv6: None) -> None:
    with PlayedServer("::1") as played:
        command = [sys.executable, CLIENT, "::1", str(played.port)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        connection = played.accept()
        connection.expect("EXIT")
        connection.send("BYE")
        assert process.wait(DEADLINE) == 0


def test_nobody_listening_there_is_said_in_a_sentence() -> None:
    port = free_port()
    assert_one_sentence(run("127.0.0.1", str(port)), str(port), "server")


def test_an_unknown_host_is_said_in_a_sentence() -> None:
    # The resolver is replaced: a test asks no name server.
    unknown = prepared_client(
        "import socket\n"
        "def nobody(*_, **__): raise socket.gaierror(socket.EAI_NONAME, 'unknown')\n"
        "socket.getaddrinfo = nobody"
    )
    assert_one_sentence(run("clasroom", program=unknown), "clasroom", "spelling")


@pytest.mark.parametrize("host", ["a..b", "x" * 64, "sp ace", "\udcff", ""])
def test_what_can_be_no_host_is_said_in_a_sentence(host: str) -> None:
    nowhere = prepared_client(
        "import socket\n"
        "find = socket.getaddrinfo\n"
        "def only_numbers(host, *rest, **options):\n"
        "    return find(host, *rest, **{**options, 'flags': socket.AI_NUMERICHOST})\n"
        "socket.getaddrinfo = only_numbers"
    )
    done = run("--host", host, "--port", str(free_port()), program=nowhere)
    assert_one_sentence(done)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full backlog answers otherwise")
def test_a_host_that_does_not_answer_is_said_in_a_sentence() -> None:
    with socket.socket() as listener, socket.socket() as first:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        first.connect(listener.getsockname())  # the backlog has one place: now it is full
        impatient = prepared_client("import chat_client; chat_client.CONNECT_SECONDS = 0.2")
        port = str(listener.getsockname()[1])
        assert_one_sentence(run("127.0.0.1", port, program=impatient), "firewall")


def test_a_client_notices_a_dead_network_within_two_minutes(played: PlayedServer) -> None:
    session = chat_client.Session("127.0.0.1", played.port, "me")
    session.connect()
    connection = session.socket
    assert connection
    select.select([], [connection], [], DEADLINE)
    session.turn(readable=False, writable=True)
    assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    seconds = {
        option: connection.getsockopt(socket.IPPROTO_TCP, getattr(socket, option))
        for option in ("TCP_KEEPIDLE", "TCP_KEEPALIVE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
        if hasattr(socket, option)
    }
    idle = seconds.get("TCP_KEEPIDLE") or seconds.get("TCP_KEEPALIVE", 0)  # macOS has the second
    assert idle + seconds.get("TCP_KEEPINTVL", 0) * seconds.get("TCP_KEEPCNT", 0) <= 120
    connection.close()


# ------------------------------------------------------------------------------- choosing a name


def test_it_asks_for_a_name_and_offers_the_login_name(played: PlayedServer) -> None:
    login = dict.fromkeys(("LOGNAME", "USER", "LNAME", "USERNAME"), "ada")
    with Person(played.port, environment=login) as person:
        connection = played.accept()
        connection.expect("GET_NAMES")  # whether a password is wanted first
        connection.send("NAMES 0")
        person.wait_for(lambda screen: "ada" in screen.before_cursor())
        person.type("\r")
        connection.welcome("ada")
        person.sees("* here (1): ada")


def test_another_name_may_be_typed(room: Room) -> None:
    with Person(room.port, environment={"LOGNAME": "ada"}) as person:
        person.wait_for("ada")
        person.type("גדי\r")
        person.sees("* here (1): גדי")
        assert room.names() == ["גדי"]


def test_a_taken_or_bad_name_shows_why_and_asks_again(room: Room) -> None:
    room.raw("bob")
    with Person(room.port, environment={"LOGNAME": "ada"}) as person:
        person.wait_for("ada")
        asks = person.screen.before_cursor()
        person.type("Bob\r")
        person.sees("! Bob is taken; choose another name.")
        person.wait_for(lambda screen: screen.before_cursor() == asks)
        person.type("two words\r")
        person.sees("! A name has letters, digits, - and _ only, no spaces.")
        person.wait_for(lambda screen: screen.before_cursor() == asks)
        person.type("robert\r")
        person.sees("* here (2): bob, robert")


def test_a_taken_name_on_the_command_line_is_asked_again(room: Room) -> None:
    bob = room.raw("bob")
    with Person(room.port, "bob", environment={"LOGNAME": "ada"}) as person:
        person.sees("! bob is taken; choose another name.")
        person.wait_for(lambda screen: "ada" in screen.before_cursor())
        person.type("robert\r")
        bob.expect("JOINED robert")


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_one_can_leave_without_a_name(key: str, room: Room) -> None:
    with Person(room.port, environment={"LOGNAME": "ada"}) as person:
        person.wait_for("ada")
        person.type("x\x7f" + key)
        assert person.wait_exit() == 0
        assert_given_back(person)


def test_what_is_typed_before_it_is_ready_is_not_lost(played: PlayedServer) -> None:
    with Person(played.port, "me") as person:
        person.type("early\rbird")
        connection = played.accept()
        connection.expect("NAME me")
        connection.send("HELLO me")
        payloads = {connection.receive(), connection.receive()}
        assert payloads == {"GET_NAMES", "MSG BROADCAST early"}
        person.wait_for(lambda screen: screen.before_cursor().endswith("bird"))


# ------------------------------------------------------------------------ what a typed line means


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("NAME alice", "NAME alice"),
        ("GET_NAMES", "GET_NAMES"),
        ("MSG bob hi  there", "MSG bob hi  there"),
        ("MSG BROADCAST hi", "MSG BROADCAST hi"),
        ("BLOCK bob", "BLOCK bob"),
        ("UNBLOCK bob", "UNBLOCK bob"),
        ("PASS open sesame", "PASS open sesame"),
        ("/name alice", "NAME alice"),
        ("/names", "GET_NAMES"),
        ("/who", "GET_NAMES"),
        ("/info", "GET_NAMES"),
        ("/msg bob hi", "MSG bob hi"),
        ("/send bob hi", "MSG bob hi"),
        ("/msg zoë hi", "MSG zoë hi"),
        ("/all hi all", "MSG BROADCAST hi all"),
        ("/echo hi all", "MSG BROADCAST hi all"),
        ("/block bob", "BLOCK bob"),
        ("/unblock bob", "UNBLOCK bob"),
        ("hi all", "MSG BROADCAST hi all"),
        ("שלום לכולם 😀", "MSG BROADCAST שלום לכולם 😀"),
        ("//text", "MSG BROADCAST /text"),
        ("///", "MSG BROADCAST //"),
        ("name alice", "MSG BROADCAST name alice"),
        ("msg bob hi", "MSG BROADCAST msg bob hi"),
        ("NAMELY this", "MSG BROADCAST NAMELY this"),
        ("EXIT now", "EXIT now"),  # the server will explain it: EXIT takes no argument
        ("GET_NAMES please", "GET_NAMES please"),
        ("MSG bob", "MSG bob"),
        ("I said EXIT", "MSG BROADCAST I said EXIT"),
    ],
)
def test_a_typed_line_becomes_its_request(desk: Desk, typed: str, sent: str) -> None:
    desk.person.type(typed + "\r")
    desk.connection.expect(sent)
    desk.person.shows_line("")


@pytest.mark.parametrize("word", ["EXIT", "/quit", "/exit"])
def test_leaving_says_goodbye_to_the_server(word: str, room: Room) -> None:
    bob = room.raw("bob")
    me = room.person("me")
    bob.expect("JOINED me")
    me.type(word + "\r")
    assert me.wait_exit() == 0
    assert "Traceback" not in me.screen.text()
    bob.expect("LEFT me")


def test_help_shows_the_commands_and_sends_nothing(desk: Desk) -> None:
    desk.person.type("/help\r")
    desk.person.shows_line("")
    for command in ("/msg", "/names", "/name", "/block", "/unblock", "/quit"):
        desk.person.wait_for(command)
    desk.person.type("/who\r")
    desk.connection.expect("GET_NAMES")


def test_an_unknown_command_is_said_to_be_none(desk: Desk) -> None:
    desk.person.type("/dance wildly\r")
    desk.person.wait_for(
        lambda screen: re.search(r"^\d\d:\d\d ! .*/dance", screen.text(), re.MULTILINE)
    )
    desk.person.type("/who\r")
    desk.connection.expect("GET_NAMES")


def test_empty_lines_are_not_sent(desk: Desk) -> None:
    desk.person.type("\r\r   \rhello\r")
    desk.connection.expect("MSG BROADCAST hello")


# --------------------------------------------------------------------------------- what it shows


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        ("MSG alice BROADCAST good morning", "alice: good morning"),
        ("MSG alice BROADCAST two  spaces", "alice: two  spaces"),
        ("MSG alice me psst", "alice → you: psst"),
        ("MSG דנה BROADCAST שלום 😀", "דנה: שלום 😀"),
        ("JOINED carol", "* carol joined"),
        ("LEFT carol", "* carol left"),
        ("RENAMED bob robert", "* bob is now robert"),
        ("NAMES 3 alice bob carol", "* here (3): alice, bob, carol"),
        ("BLOCKED bob", "* you block bob"),
        ("ERROR NO_SUCH_NAME Nobody here has that name.", "! Nobody here has that name."),
        ("INFO The server is tired.", "* The server is tired."),
    ],
)
def test_a_frame_is_shown_as_a_line_with_the_time(desk: Desk, frame: str, shown: str) -> None:
    desk.connection.send(frame)
    desk.person.sees(shown)
    desk.person.shows_line("")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("good morning", "you: good morning"),
        ("/all to all", "you: to all"),
        ("/msg bob hi", "you → bob: hi"),
        ("MSG bob so it goes", "you → bob: so it goes"),
        ("MSG broadcast hi all", "you: hi all"),
        ("//help", "you: /help"),
    ],
)
def test_ones_own_words_are_shown(desk: Desk, typed: str, shown: str) -> None:
    desk.person.type(typed + "\r")
    desk.person.sees(shown)
    desk.connection.receive()


@pytest.mark.parametrize(
    "frame",
    [
        *("DANCE wildly", "hello me", "MSG", "MSG alice", "HELLO", "NAMES many", "JOINED", "LEFT"),
        *("RENAMED a", "BLOCKED", "UNBLOCKED", "BLOCKED two words"),
    ],
)
def test_frames_that_it_does_not_know_are_shown(desk: Desk, frame: str) -> None:
    desk.connection.send(frame)
    desk.person.sees(frame)


@pytest.mark.parametrize(
    "frame",
    [
        "",
        " ",
        "INFO",
        "ERROR",
        "ERROR ODD",
        "NAMES",
        "NAMES " + "9" * 5000,
        "NAMES ²",
        "LEFT nobody",
        "MSG  me hi",
    ],
)
def test_frames_that_make_no_sense_do_no_harm(desk: Desk, frame: str) -> None:
    desk.connection.send(frame)
    desk.wait_until_shown()
    desk.person.type("/all still here\r")
    desk.connection.expect("MSG BROADCAST still here")


def test_a_list_of_names_in_several_frames_is_shown_once(desk: Desk) -> None:
    desk.connection.send("NAMES 3 ada bert", "NAMES 3 cem")
    desk.person.sees("* here (3): ada, bert, cem")
    desk.wait_until_shown()
    assert desk.person.screen.text().count("ada, bert") == 1


def test_a_name_that_is_no_text_can_be_chosen_anew(played: PlayedServer) -> None:
    with Person(played.port, "\udcff") as person:
        person.wait_for("! That holds bytes that are no text; it was not sent.")
        person.wait_for("Your name")
        person.type("M\tme\r")  # Tab completes nothing yet: it is a space like any other
        played.accept().expect("NAME M me")


def test_the_time_is_the_one_on_the_wall(played: PlayedServer) -> None:
    with Person(played.port, "me", environment={"TZ": "IST-5:30"}) as person:
        played.accept().welcome("me")
        earliest = time.time()
        person.wait_for("here (1): me")
        shown = person.screen.text().splitlines()[-2][:5]
        moments = (earliest - 60, earliest, time.time())
        assert shown in [time.strftime("%H:%M", time.gmtime(m + 5.5 * 3600)) for m in moments]


def test_a_message_longer_than_a_row_is_shown_whole(own_desk: Desk) -> None:
    person = own_desk.person
    person.type("typing" + LEFT)
    text = " ".join(f"{number}漢字" for number in range(100))
    own_desk.connection.send(f"MSG bob BROADCAST {text}")
    own_desk.wait_until_shown()
    assert f"bob: {text}" in person.screen.text()
    person.shows_line("typin", "g")


def test_two_people_talk(room: Room) -> None:
    alice = room.person("alice")
    bob = room.person("bob")
    alice.sees("* bob joined")
    alice.type("good morning\r")
    alice.sees("you: good morning")
    bob.sees("alice: good morning")
    bob.type("/msg alice psst\r")
    bob.sees("you → alice: psst")
    alice.sees("bob → you: psst")
    bob.type("/name robert\r")
    alice.sees("* bob is now robert")
    alice.type("/block robert\r")
    alice.sees("* you block robert")
    bob.type("/msg alice hello?\r")
    bob.sees("! alice does not want your messages.")
    bob.type("/quit\r")
    alice.sees("* robert left")
    assert bob.wait_exit() == 0
    assert alice.screen.unknown == bob.screen.unknown == []


def test_control_characters_are_shown_and_never_sent_to_the_terminal(own_desk: Desk) -> None:
    attack = "\x1b]0;owned\x07\x1b[2J\r\b\n\t\x7f\x9b2J\x85\u2028"
    person = own_desk.person
    own_desk.connection.send(
        f"MSG eve{attack} BROADCAST {attack}",
        f"MSG eve{attack} me {attack}",
        f"JOINED {attack}",
        f"LEFT {attack}",
        f"RENAMED {attack} {attack}",
        f"NAMES 1 {attack}",
        f"UNBLOCKED {attack}",
        f"BLOCKED {attack}",
        f"INFO {attack}",
        f"ERROR ODD {attack}",
        f"ERROR {attack}",
        attack,
        f"HELLO {attack}",
    )
    person.type(f"/msg eve{attack[1:]} hi\r")
    for keys in (
        "/blocked\r",
        "/r\r",
        "/r hi\r",
        "/msg \t\t\t\t",
        CLEAR_LINE,
        "/msg eve\t",
        CLEAR_LINE,
    ):
        person.type(keys)
        own_desk.wait_until_shown()
    assert "␛]0;owned␇␛[2J␍␈␊" in person.screen.text()
    assert person.screen.unknown == []
    for harm in (b"\x1b]", b"\x1b[2J", b"\x07", b"\x9b2J".decode("latin-1").encode(), b"\xc2\x85"):
        assert harm not in person.written


def test_bytes_that_are_no_text_are_shown_harmlessly(desk: Desk) -> None:
    desk.connection.send_bytes(b"0022MSG alice BROADCAST \xff\xfe")
    desk.wait_until_shown()
    assert "alice: \ufffd\ufffd" in desk.person.screen.text()


def test_frames_cut_at_every_byte_are_put_together(desk: Desk) -> None:
    stream = b"".join(
        protocol.encode(payload)
        for payload in ("MSG דנה BROADCAST שלום 😀!", "JOINED zoë", "NAMES 2 me zoë")
    )
    for number in range(len(stream)):
        desk.connection.send_bytes(stream[number : number + 1])
    for shown in ("דנה: שלום 😀!", "* zoë joined", "* here (2): me, zoë"):
        desk.person.sees(shown)


def test_each_person_keeps_one_colour(desk: Desk) -> None:
    styles = []
    for text in ("one", "two"):
        desk.connection.send(f"MSG alice BROADCAST {text}", "MSG bob BROADCAST between")
        desk.wait_until_shown()
        styles.append(desk.person.screen.styles_of(f"alice: {text}")[:5])
    assert styles[0] == styles[1]
    assert any(styles[0])


# ---------------------------------------------------------------------------------- the line editor

LEFT, RIGHT, UP, DOWN = "\x1b[D", "\x1b[C", "\x1b[A", "\x1b[B"
CLEAR_LINE = "\x05\x15"
HOME, END, DELETE, BACKSPACE = "\x1b[H", "\x1b[F", "\x1b[3~", "\x7f"


@pytest.mark.parametrize(
    ("keys", "before", "after"),
    [
        ("hello", "hello", ""),
        ("helo" + LEFT + "l", "hell", "o"),
        ("ab" + "\x1bOD", "a", "b"),
        ("ab" + LEFT * 9 + "x", "x", "ab"),
        ("ab" + LEFT * 2 + RIGHT, "a", "b"),
        ("ab" + LEFT * 2 + "\x1bOC", "a", "b"),
        ("ab" + RIGHT * 9 + "c", "abc", ""),
        ("abc" + LEFT + BACKSPACE, "a", "c"),
        ("abc" + LEFT + "\x08", "a", "c"),
        ("ab" + HOME + BACKSPACE, "", "ab"),
        ("abc" + LEFT * 2 + DELETE, "a", "c"),
        ("abc" + DELETE, "abc", ""),
        ("abc" + HOME + "x", "x", "abc"),
        ("abc" + "\x1bOH" + "x", "x", "abc"),
        ("abc" + "\x1b[1~" + "x", "x", "abc"),
        ("abc" + "\x1b[7~" + "x", "x", "abc"),
        ("abc" + "\x01" + "x", "x", "abc"),
        ("abc" + HOME + END + "x", "abcx", ""),
        ("abc" + HOME + "\x1bOF" + "x", "abcx", ""),
        ("abc" + HOME + "\x1b[4~" + "x", "abcx", ""),
        ("abc" + HOME + "\x1b[8~" + "x", "abcx", ""),
        ("abc" + HOME + "\x05" + "x", "abcx", ""),
        ("one two" + LEFT * 3 + "\x15", "", "two"),
        ("one two" + LEFT * 3 + "\x0b", "one ", ""),
        ("one two" + "\x17", "one ", ""),
        ("one two  " + "\x17", "one ", ""),
        ("one two" + LEFT * 3 + "\x17", "", "two"),
        ("漢字" + LEFT, "漢", "字"),
        ("漢字" + LEFT + "x", "漢x", "字"),
        ("漢字" + BACKSPACE, "漢", ""),
        ("😀😀" + LEFT + "x", "😀x", "😀"),
        ("שלום" + LEFT, "שלו", "ם"),
        ("שלום" + HOME + DELETE, "", "לום"),
        ("cafe\u0301s" + LEFT, "cafe\u0301", "s"),
        ("cafe\u0301s" + LEFT * 2 + "x", "cafx", "e\u0301s"),
        ("e\u0301" + HOME + DELETE, "", ""),
        ("ab" + "\x1b[" + LEFT + "x", "ax", "b"),  # a sequence that another one breaks off
    ],
)
def test_keys_edit_the_line(desk: Desk, keys: str, before: str, after: str) -> None:
    desk.person.type(keys)
    desk.person.shows_line(before, after)
    desk.wait_until_shown()
    desk.person.shows_line(before, after)


def test_what_was_edited_is_what_is_sent(desk: Desk) -> None:
    desk.person.type("helo wörld" + LEFT * 7 + "l" + HOME + DELETE + "H" + "\r")
    desk.connection.expect("MSG BROADCAST Hello wörld")


@pytest.mark.parametrize(
    "key",
    [
        "\x1b[15~",
        "\x1b[1;5C",
        "\x1b[1;5D",
        "\x1b[24;2~",
        "\x1bOP",
        "\x1bO5P",
        "\x1b[[A",
        "\x1b[Z",
        "\x1b[2~",
        "\x1b[5~",
        "\x1b[6~",
        "\x1b[E",
        "\x1b[I",
        "\x1bx",
        "\x1b[38;5;1$y",
        "\x00",
        "\x1c",
        "\x1d",
        "\x1f",
    ],
)
def test_keys_that_mean_nothing_are_ignored_whole(desk: Desk, key: str) -> None:
    desk.person.type("one" + key + "two")
    desk.person.shows_line("onetwo")
    desk.wait_until_shown()
    desk.person.shows_line("onetwo")


def test_escape_alone_does_not_swallow_what_is_typed_later(desk: Desk) -> None:
    desk.person.type("one\x1b")
    desk.person.shows_line("one")
    # Escape with a key right behind it is Alt with that key, so here time itself is the event.
    later = time.monotonic() + 0.5
    wait_until(lambda: time.monotonic() > later, "half a second has passed")
    desk.person.type("two")
    desk.person.shows_line("onetwo")


def test_a_character_may_come_in_pieces(desk: Desk) -> None:
    for byte in "é漢😀ם".encode():
        desk.person.type(bytes([byte]))
        desk.wait_until_shown()
    desk.person.shows_line("é漢😀ם")
    desk.person.type("\r")
    desk.connection.expect("MSG BROADCAST é漢😀ם")


def test_bytes_that_are_no_characters_do_no_harm(desk: Desk) -> None:
    desk.person.type(b"a\xff\xc3(b")
    desk.person.wait_for(lambda screen: screen.before_cursor().endswith("b"))
    desk.person.type("\r")
    sent = desk.connection.receive()
    assert sent.startswith("MSG BROADCAST a")
    assert sent.endswith("(b")


def test_up_and_down_go_through_what_was_said_and_back_to_the_unfinished_line(desk: Desk) -> None:
    person = desk.person
    for text in ("first", "second"):
        person.type(text + "\r")
        desk.connection.expect(f"MSG BROADCAST {text}")
    person.type("unfinished" + LEFT)
    for key, line in [(UP, "second"), ("\x1bOA", "first"), ("\x1bOB", "second")]:
        person.type(key)
        person.shows_line(line)
    person.type(DOWN)
    person.wait_for(
        lambda screen: (
            screen.before_cursor() + screen.after_cursor() == person.prompt + "unfinished"
        )
    )
    person.type(DOWN + END + "!")
    person.shows_line("unfinished!")


def test_a_line_of_the_history_can_be_edited_and_said_again(desk: Desk) -> None:
    desk.person.type("good night\r")
    desk.connection.expect("MSG BROADCAST good night")
    desk.person.type(UP + "!\r")
    desk.connection.expect("MSG BROADCAST good night!")
    desk.person.type(UP)
    desk.person.shows_line("good night!")
    desk.person.type(UP)
    desk.person.shows_line("good night")


def test_ctrl_c_clears_a_line_that_has_text(desk: Desk) -> None:
    desk.person.type("never mind")
    desk.person.shows_line("never mind")
    desk.person.type("\x03")
    desk.person.shows_line("")
    desk.person.type("but this\r")
    desk.connection.expect("MSG BROADCAST but this")


def test_ctrl_d_does_not_leave_while_there_is_text(desk: Desk) -> None:
    desk.person.type("text" + HOME + "\x04")
    desk.wait_until_shown()
    assert desk.person.process.poll() is None


def test_ctrl_l_draws_the_line_again(desk: Desk) -> None:
    desk.person.type("hello" + LEFT)
    desk.person.shows_line("hell", "o")
    desk.person.screen.feed(b"\rgarbage")  # another program wrote over the line
    desk.person.type("\x0c")
    desk.person.shows_line("hell", "o")
    desk.connection.send("MSG alice BROADCAST still fine")
    desk.person.sees("alice: still fine")
    desk.person.shows_line("hell", "o")


# ---------------------------------------------------------------- the line while others are talking


def test_messages_that_arrive_meanwhile_do_not_tear_the_line(own_desk: Desk) -> None:
    person = own_desk.person
    person.type("this line is longer than all they say: wörld" + LEFT * 3)
    person.shows_line("this line is longer than all they say: wö", "rld")
    for number in range(60):
        own_desk.connection.send(f"MSG alice BROADCAST message {number}")
        if number % 10 == 0:
            person.type("!")
    person.sees("alice: message 59")
    person.shows_line("this line is longer than all they say: wö!!!!!!", "rld")
    lines = person.screen.text().splitlines()
    messages = [line[6:] for line in lines if "message" in line]
    assert messages == [f"alice: message {number}" for number in range(60)]
    assert sum("rld" in line for line in lines) == 1
    assert person.screen.unknown == []


def test_a_line_longer_than_the_window_stays_on_one_row(own_desk: Desk) -> None:
    person = own_desk.person
    above = person.screen.lines()[: person.screen.row]
    text = " ".join(f"word{number}" for number in range(40))
    person.type(text)
    person.wait_for(lambda screen: screen.before_cursor().endswith("word38 word39"))
    assert person.screen.lines()[: person.screen.row] == above
    person.type(HOME)
    person.wait_for(lambda screen: screen.before_cursor() == person.prompt)
    assert person.screen.after_cursor().startswith("word0 word1")
    person.type(RIGHT * 5 + "!")
    person.wait_for(lambda screen: screen.before_cursor() == person.prompt + "word0!")
    person.type(END)
    person.wait_for(lambda screen: screen.before_cursor().endswith("word38 word39"))
    assert person.screen.lines()[: person.screen.row] == above
    person.type("\r")
    own_desk.connection.expect("MSG BROADCAST " + text.replace("word0", "word0!", 1))


def test_every_step_through_a_long_line_shows_the_cursor_at_its_place(own_desk: Desk) -> None:
    person = own_desk.person
    text = "".join(f"{number:02}漢e\u0301😀ש" for number in range(20))  # 180 columns
    person.type(text)
    person.wait_for(lambda screen: screen.before_cursor().endswith("19漢e\u0301😀ש"))
    characters = re.findall("\\d|漢|e\u0301|😀|ש", text)
    assert "".join(characters) == text
    there = range(len(characters) - 1, -1, -1)
    back = range(1, len(characters))
    for key, place in [(LEFT, place) for place in there] + [(RIGHT, place) for place in back]:
        left, right = "".join(characters[:place]), "".join(characters[place:])

        def is_in_place(screen: Screen, left: str = left, right: str = right) -> bool:
            before, after = screen.before_cursor(), screen.after_cursor()
            shown = before.removeprefix(person.prompt)
            at_the_edge = screen.column >= screen.columns - 3  # no place for a wide character
            return left.endswith(shown) and right.startswith(after) and bool(after or at_the_edge)

        person.type(key)
        person.wait_for(is_in_place)
    assert not any(row.wrapped for row in person.screen.rows)


def test_the_size_of_the_window_is_followed(own_desk: Desk) -> None:
    person = own_desk.person
    text = "".join(chr(ord("a") + number % 26) for number in range(70))
    person.type(text)
    person.shows_line(text)
    person.resize(30, 10)
    person.type("!")
    person.wait_for(lambda screen: screen.before_cursor().endswith(text[-10:] + "!"))
    assert not any(row.wrapped for row in person.screen.rows)
    person.resize(100, 24)
    person.type("?")
    person.shows_line(text + "!?")
    person.type("\r")
    own_desk.connection.expect(f"MSG BROADCAST {text}!?")


# ------------------------------------------------------------------- the terminal is given back


def assert_given_back(terminal: Terminal) -> None:
    """The terminal is as it was, and whatever comes next begins in a row of its own."""
    assert terminal.terminal_settings() == terminal.settings
    assert terminal.screen.modes == {"7": True, "25": True, "2004": False}
    assert terminal.screen.column == 0
    assert terminal.screen.unknown == []
    assert terminal.screen.style == ""
    assert "Traceback" not in terminal.screen.text()


@pytest.mark.parametrize("keys", ["/quit\r", "\x03", "\x04", "text\x03\x03", "EXIT\r"])
def test_leaving_gives_the_terminal_back(keys: str, room: Room) -> None:
    me = room.person("me")
    me.type(keys)
    assert me.wait_exit() == 0
    assert_given_back(me)
    assert room.names() == []


def test_sigterm_ends_it_and_gives_the_terminal_back(room: Room) -> None:
    bob = room.raw("bob")
    me = room.person("me")
    bob.expect("JOINED me")
    me.type("unfinished")
    me.shows_line("unfinished")
    me.process.send_signal(signal.SIGTERM)
    me.wait_exit()
    bob.expect("LEFT me")
    assert_given_back(me)


def test_the_end_of_the_server_gives_the_terminal_back(own_desk: Desk) -> None:
    own_desk.connection.send("INFO The server is being shut down.", "BYE")
    assert own_desk.person.wait_exit() == 0
    own_desk.person.sees("* The server is being shut down.")
    assert_given_back(own_desk.person)


def test_a_server_that_turns_one_away_gives_the_terminal_back(played: PlayedServer) -> None:
    with Person(played.port, "me") as person:
        connection = played.accept()
        connection.send("ERROR SERVER_FULL Every place here is taken; try again later.")
        connection.close()
        assert person.wait_exit() == 1
        person.sees("! Every place here is taken; try again later.")
        assert_given_back(person)


def test_a_refused_connection_leaves_the_terminal_alone() -> None:
    with Person(free_port(), "me") as person:
        assert person.wait_exit() == 1
        assert_given_back(person)


def test_a_fault_in_the_client_gives_the_terminal_back(played: PlayedServer) -> None:
    faulty = prepared_client(
        "import chat_client\n"
        "def fail(*_): raise RuntimeError('a fault')\n"
        "chat_client.Session._on_info = fail\n"
        "chat_client.Session._HANDLERS['INFO'] = fail"
    )
    with Person(played.port, "me", program=faulty) as person:
        connection = played.accept()
        connection.welcome("me")
        person.get_ready()
        connection.send("INFO now")
        assert person.wait_exit() != 0
        assert person.terminal_settings() == person.settings
        assert person.screen.modes == {"7": True, "25": True, "2004": False}


SHELL = """
import os, signal, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # for tcsetpgrp() in the background
child = os.fork()
if not child:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
while True:
    _, status = os.waitpid(child, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
    os.tcsetpgrp(0, os.getpgrp())
    print("stopped", flush=True)
    if sys.stdin.readline() == "fg\\n":
        os.tcsetpgrp(0, child)
    os.killpg(child, signal.SIGCONT)
"""


def test_ctrl_z_gives_the_terminal_back_until_the_client_goes_on(played: PlayedServer) -> None:
    with Person(played.port, "me", program=("-c", SHELL, CLIENT)) as person:
        connection = played.accept()
        connection.welcome("me")
        person.get_ready()
        for turn in (1, 2):
            person.type("hello" + LEFT * turn)
            person.type("\x1a")
            person.wait_for(shown_times("stopped", turn))
            assert person.terminal_settings() == person.settings
            assert person.screen.modes == {"7": True, "25": True, "2004": False}
            connection.send(f"MSG alice BROADCAST meanwhile {turn}")
            person.type("fg\n")
            person.sees(f"alice: meanwhile {turn}")
            person.shows_line("hello"[:-turn], "hello"[-turn:])
            assert person.reads_single_keys()
            person.type("\x05\x15")
            person.shows_line("")
        person.type("\x04")
        connection.expect("EXIT")
        connection.send("BYE")
        assert person.wait_exit() == 0
        assert_given_back(person)


def test_a_client_sent_to_the_background_waits_there_for_its_terminal(
    played: PlayedServer,
) -> None:
    with Person(played.port, "me", program=("-c", SHELL, CLIENT)) as person:
        played.accept().welcome("me")
        person.get_ready()
        person.type("hello" + LEFT)
        person.type("\x1a")
        person.wait_for(shown_times("stopped", 1))
        person.type("bg\n")
        person.wait_for(shown_times("stopped", 2))
        assert person.terminal_settings() == person.settings
        person.type("fg\n")
        person.shows_line("hell", "o")
        assert person.reads_single_keys()
        assert "Traceback" not in person.screen.text()


def test_a_client_that_was_stopped_from_outside_takes_the_terminal_again(own_desk: Desk) -> None:
    person = own_desk.person
    person.type("hello" + LEFT)
    person.shows_line("hell", "o")
    person.process.send_signal(signal.SIGSTOP)
    person.set_back()
    person.screen.feed(b"\r\x1b[K$ fg\r\n")
    person.process.send_signal(signal.SIGCONT)
    wait_until(person.reads_single_keys, "the client reads single keys again")
    person.shows_line("hell", "o")


# ---------------------------------------------------------------------- input that is no terminal


def test_piped_lines_are_taken_as_typed(room: Room) -> None:
    bob = room.raw("bob")
    done = piped(room.port, "NAME eve\nhello\n/msg bob psst\n\nGET_NAMES\na\tb\n")
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


@pytest.mark.parametrize("typed", ["NAME eve\nhi", "NAME eve\r\nhi\r\n", b"NAME eve\nhi\x00\n"])
def test_the_last_line_may_end_anyhow(typed: str | bytes, room: Room) -> None:
    bob = room.raw("bob")
    assert piped(room.port, typed).returncode == 0
    bob.expect("JOINED eve", "MSG eve BROADCAST hi", "LEFT eve")


def test_a_name_on_the_command_line_serves_a_pipe_too(room: Room) -> None:
    bob = room.raw("bob")
    assert piped(room.port, "hi\n", "--name", "eve").returncode == 0
    bob.expect("JOINED eve", "MSG eve BROADCAST hi", "LEFT eve")


def test_piped_input_that_is_no_text_does_no_harm(room: Room) -> None:
    bob = room.raw("bob")
    done = piped(room.port, b"NAME eve\na\xffb\nlast\n")
    assert done.returncode == 0, done.stderr
    bob.expect("JOINED eve")
    assert bob.receive().startswith("MSG eve BROADCAST a")
    bob.expect("MSG eve BROADCAST last", "LEFT eve")


def test_no_input_at_all_is_fine(room: Room) -> None:
    assert piped(room.port, "").returncode == 0


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


def test_a_long_file_arrives_whole_and_in_order(room: Room) -> None:
    bob = room.raw("bob")
    lines = [f"line {number} " + "x" * 100 for number in range(2000)]
    done = piped(room.port, "NAME eve\n" + "\n".join(lines) + "\n")
    assert done.returncode == 0, done.stderr
    bob.expect("JOINED eve", *(f"MSG eve BROADCAST {line}" for line in lines), "LEFT eve")


def test_all_that_is_still_coming_is_printed(played: PlayedServer) -> None:
    with subprocess.Popen(
        [sys.executable, CLIENT, "127.0.0.1", str(played.port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**clean_environment(), "PYTHONUTF8": "1"},
    ) as process:
        connection = played.accept()
        connection.expect("EXIT")
        connection.send(*(f"MSG alice BROADCAST {number}" for number in range(3000)), "BYE")
        assert process.stdout
        output = process.stdout.read()
        assert process.wait(DEADLINE) == 0
    said = re.findall(r"^\d\d:\d\d alice: (\d+)$", output, re.MULTILINE)
    assert said == [str(number) for number in range(3000)]


def piped_process(port: int) -> subprocess.Popen[str]:
    """Start a client behind pipes that stay open."""
    return subprocess.Popen(
        [sys.executable, CLIENT, "127.0.0.1", str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        bufsize=1,
        env={**clean_environment(), "PYTHONUTF8": "1"},
    )


def last_words(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Wait for its end, with its input still open; return what it printed last."""
    process.wait(DEADLINE)
    assert process.stdout
    assert process.stderr
    return process.stdout.read(), process.stderr.read()


def test_a_line_of_a_pipe_is_sent_while_the_pipe_stays_open(played: PlayedServer) -> None:
    with piped_process(played.port) as process:
        connection = played.accept()
        assert process.stdin
        assert process.stdout
        process.stdin.write("NAME eve\n")
        connection.expect("NAME eve")
        connection.send("HELLO eve", "MSG bob eve hi")
        while "bob → you: hi" not in process.stdout.readline():
            assert process.poll() is None
        connection.send("BYE")
        assert process.wait(DEADLINE) == 0  # although its input goes on


def test_a_server_that_goes_away_ends_a_piped_client_with_1(played: PlayedServer) -> None:
    with piped_process(played.port) as process:
        connection = played.accept()
        assert process.stdin
        process.stdin.write("NAME eve\n")
        connection.expect("NAME eve")
        connection.send("HELLO eve")
        connection.close()
        output, errors = last_words(process)
        assert process.returncode == 1
        assert "server" in (output + errors).lower()
        assert "Traceback" not in errors


def test_a_server_that_resets_the_connection_is_told_in_a_sentence(played: PlayedServer) -> None:
    with piped_process(played.port) as process:
        connection = played.accept()
        connection.send("INFO soon")
        assert process.stdout
        while "soon" not in process.stdout.readline():
            assert process.poll() is None
        connection.reset()
        output, errors = last_words(process)
        assert process.returncode == 1
        assert "server" in (output + errors).lower()
        assert "Traceback" not in errors


@pytest.mark.parametrize("received", [["NAME eve"], ["NAME eve", "MSG BROADCAST hi", "EXIT"]])
def test_a_connection_that_breaks_before_the_goodbye_is_no_success(
    received: list[str], played: PlayedServer
) -> None:
    with piped_process(played.port) as process:
        connection = played.accept()
        assert process.stdin
        process.stdin.write("NAME eve\nhi\n")
        process.stdin.close()
        connection.expect(*received)
        connection.reset()
        output, errors = last_words(process)
        assert process.returncode == 1
        assert "server" in (output + errors).lower()


def test_a_server_that_speaks_something_else_is_told_in_a_sentence(played: PlayedServer) -> None:
    with piped_process(played.port) as process:
        played.accept().send_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        output, errors = last_words(process)
        assert process.returncode == 1
        assert "protocol" in output + errors
        assert "Traceback" not in errors


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX shells can close a stream")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
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
    with piped_process(played.port) as process:
        connection = played.accept()
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        connection.send_meanwhile(protocol.encode("INFO " + "x" * 1000) * 200)
        process.wait(DEADLINE)
        assert "Traceback" not in (errors := process.stderr.read())
        assert "Exception" not in errors


# --------------------------------------------------------------------- output that is no terminal


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
        connection.expect("EXIT")
        connection.send("BYE")
        assert person.wait_exit() == 0
        assert person.terminal_settings() == person.settings
    text = log.read_text(encoding="utf-8")
    assert re.search(r"^\d\d:\d\d bob: good morning$", text, re.MULTILINE)
    assert re.search(r"^\d\d:\d\d you: hello$", text, re.MULTILINE)
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
        connection.expect("EXIT")
        connection.send("BYE")
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


# ---------------------------------------------------------------------------------------- colours


def coloured(person: Person) -> list[bytes]:
    """Return the colours that the client asked the terminal for."""
    return re.findall(rb"\x1b\[[0-9;]*[1-9][0-9;]*m", person.written)


@pytest.mark.parametrize(
    ("options", "environment", "colours", "sequences"),
    [
        ([], {}, True, True),
        ([], {"NO_COLOR": "1"}, False, True),
        ([], {"NO_COLOR": ""}, True, True),  # no-color.org: when present and not empty
        (["--no-color"], {}, False, True),
        ([], {"TERM": "dumb"}, False, False),
    ],
)
def test_colours_and_escape_codes_are_used_where_they_are_wanted(
    options: list[str], environment: dict[str, str], colours: bool, sequences: bool, room: Room
) -> None:
    bob = room.raw("bob")
    me = Person(room.port, "me", *options, environment=environment)
    with me:
        me.wait_for("* here (")
        bob.expect("JOINED me")
        bob.send("MSG me hi", "MSG BROADCAST hi me")
        me.sees("bob → you: hi")
        me.type("hello\r")
        bob.expect("MSG me BROADCAST hello")
        me.sees("you: hello")
        me.type("\x04")
        assert me.wait_exit() == 0
        assert bool(coloured(me)) == colours
        assert (b"\x1b" in me.written) == sequences
        assert_given_back(me)


def test_it_works_without_colorama(room: Room) -> None:
    bob = room.raw("bob")
    program = prepared_client("sys.modules['colorama'] = None")
    me = room.person("me", program=program)
    bob.expect("JOINED me")
    me.type("hello\r")
    bob.expect("MSG me BROADCAST hello")
    me.type("/quit\r")
    assert me.wait_exit() == 0


@needs_proc
def test_it_sleeps_while_nothing_happens(own_desk: Desk) -> None:
    before = wake_ups(own_desk.person.process.pid)
    assert quiet_for(0.3, own_desk.connection)
    assert wake_ups(own_desk.person.process.pid) - before <= 1


# --------------------------------------------------------------- the Windows keyboard, played here


class PlayedMsvcrt(types.ModuleType):
    """Python's msvcrt, as far as a keyboard goes; each key waits as the halves it comes in."""

    def __init__(self) -> None:
        super().__init__("msvcrt")
        self.waiting: deque[str] = deque()

    def kbhit(self) -> bool:
        return bool(self.waiting)

    def getwch(self) -> str:
        assert self.waiting, "a real getwch() would wait here for good"
        return self.waiting.popleft()


@pytest.fixture
def msvcrt(monkeypatch: pytest.MonkeyPatch) -> PlayedMsvcrt:
    played = PlayedMsvcrt()
    monkeypatch.setitem(sys.modules, "msvcrt", played)
    return played


@pytest.mark.parametrize(
    ("halves", "keys"),
    [
        ("ab", ["a", "b"]),
        ("\xe0K", ["left"]),
        ("\xe0M", ["right"]),
        ("\xe0H", ["up"]),
        ("\xe0P", ["down"]),
        ("\xe0G", ["home"]),
        ("\xe0O", ["end"]),
        ("\xe0S", ["delete"]),
        ("\x00K", ["left"]),  # with the number pad
        ("\r", ["enter"]),
        ("\x08", ["backspace"]),
        ("\t", ["tab"]),
        ("\x01", ["ctrl-a"]),
        ("\x00;", []),  # F1
        ("\xe0\x86", []),  # F12
        ("a\xe0Kb", ["a", "left", "b"]),
        ("é漢ש", ["é", "漢", "ש"]),
        ("\ud83d\ude00!", ["😀", "!"]),
    ],
)
def test_keys_of_a_windows_console(msvcrt: PlayedMsvcrt, halves: str, keys: list[str]) -> None:
    keyboard = chat_client.WindowsKeyboard()
    msvcrt.waiting.extend(halves)
    assert [key for key in keyboard.read() if key != "unknown"] == keys
    assert not msvcrt.waiting


def test_a_typed_a_with_grave_is_a_letter(msvcrt: PlayedMsvcrt) -> None:
    keyboard = chat_client.WindowsKeyboard()
    msvcrt.waiting.append("\xe0")
    assert list(keyboard.read()) == ["à"]


def test_halves_of_a_character_may_come_one_after_the_other(msvcrt: PlayedMsvcrt) -> None:
    keyboard = chat_client.WindowsKeyboard()
    msvcrt.waiting.append("\ud83d")
    assert list(keyboard.read()) == []
    msvcrt.waiting.append("\ude00")
    assert list(keyboard.read()) == ["😀"]


def test_half_a_character_that_stays_alone_is_dropped(msvcrt: PlayedMsvcrt) -> None:
    keyboard = chat_client.WindowsKeyboard()
    msvcrt.waiting.extend("\ud83dab\ude00c")
    assert [key for key in keyboard.read() if len(key) == 1 and key.isalpha()] == ["a", "b", "c"]


def test_nothing_typed_is_no_key(msvcrt: PlayedMsvcrt) -> None:
    assert list(chat_client.WindowsKeyboard().read()) == []
