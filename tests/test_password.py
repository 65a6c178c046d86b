"""The room password: who is let in, what everyone else learns (nothing), and where it never shows.

Somebody who guesses slows down their own address only, so tests that guess come from addresses
of their own: all of 127.0.0.0/8 is this machine (RFC 1122, 3.2.1.3).
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import StartServer
from harness import (
    DEADLINE,
    SERVER,
    Certificate,
    Client,
    ServerProcess,
    frames,
    posix_only,
    prepared_server,
    run_piped,
    wait_until,
)
from terminal import CLIENT, Person, PlayedServer, Screen, prepared_client

import chat_client
import chat_protocol as protocol
import chat_server

# Spaces inside, and letters of which not one may be found in any output, as text or in hex.
PASSWORD = "Жук  § ♞ þæð"
WRONG = "Щит  ¶ ♜ œħŋ"
REST_SECONDS = 0.2  # between two tries from an address, where a test does not want to wait 1 s
NOTICEABLE_SECONDS = 1.0  # an answer that takes longer has waited for somebody else
WARNING = "Without TLS the password travels readable"
CLIENT_WARNING = "* without TLS the password travels readable"
RECONNECT_AT_ONCE = "import random; random.uniform = lambda low, high: 0.05"


# ------------------------------------------------------------------------------- what tests share


@pytest.fixture(scope="session")
def password_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("password") / "password.txt"
    file.write_text(f"{PASSWORD}\nsecond lines are no password\n", encoding="utf-8")
    return str(file)


@pytest.fixture
def wrong_file(tmp_path: Path) -> str:
    (tmp_path / "wrong.txt").write_text(f"{WRONG}\n", encoding="utf-8")
    return str(tmp_path / "wrong.txt")


@pytest.fixture(scope="module")
def locked_server(password_file: str) -> Iterator[ServerProcess]:
    """A server with a password, where wrong tries cost REST_SECONDS."""
    server = ServerProcess(
        *("--rate", "0", "--password-file", password_file, "--verbose", "--wire"),
        program=prepared_server(
            f"import chat_server; chat_server.PASSWORD_REST_SECONDS = {REST_SECONDS}"
        ),
    )
    yield server
    server.close()


ADDRESSES = (f"127.0.{third}.{fourth}" for third in range(1, 250) for fourth in range(1, 250))


@pytest.fixture
def address() -> str:
    """An address of this machine from which nobody has guessed yet."""
    address = next(ADDRESSES)
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            pytest.skip("this system has one loopback address only; see ifconfig(8), alias")
    return address


class Visitor(Client):
    """A raw socket that calls from a certain address of this machine."""

    def __init__(self, server: ServerProcess, address: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(
            (server.host, server.port), DEADLINE, source_address=(address, 0)
        )
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = protocol.FrameReader()
        self._sending = []

    def enter(self, name: str = "") -> Visitor:
        """Say the password, and take a name if one is given."""
        assert self.ask(f"PASS {PASSWORD}") == "ACCEPTED"
        if name:
            self.name(name)
        return self

    def guess_wrong(self) -> None:
        """Try a wrong password."""
        self.send(f"PASS {WRONG}")
        self.expect_error("BAD_PASSWORD")

    def has_heard_something(self) -> bool:
        """Whether anything waits to be received."""
        self.socket.setblocking(False)
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        finally:
            self.socket.settimeout(DEADLINE)


@pytest.fixture
def door(locked_server: ServerProcess) -> Iterator[Door]:
    """The server with a password, with nobody in it at first."""
    door = Door(locked_server)
    yield door
    door.clear()


class Door:
    """A server with a password, and the visitors of one test."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self._visitors: list[Visitor] = []
        self._observer = Visitor(server).enter()

    def visitor(self, address: str = "127.0.0.1") -> Visitor:
        """Connect somebody who has said nothing yet."""
        self._visitors.append(Visitor(self.server, address))
        return self._visitors[-1]

    def let_read(self, visitor: Visitor, part: bytes) -> None:
        """Send a part of a frame, and wait until the server has read just that."""
        shown = f":{visitor.socket.getsockname()[1]} a read returned"
        reads = sum(shown in line for line in self.server.lines)
        visitor.send_bytes(part)
        self.server.wait_for_line(shown, count=reads + 1)

    def clear(self) -> None:
        """Send everyone home, and wait until the server has noticed."""
        for visitor in self._visitors:
            visitor.close()
        wait_until(lambda: self._observer.ask("GET_NAMES") == "NAMES 0", "everyone has left")
        self._observer.close()


def leaks(output: str) -> list[str]:
    """Return what an output shows of the passwords: letters, or their bytes in hex."""
    secret = {character for character in PASSWORD + WRONG if not character.isascii()}
    found = [character for character in secret if character in output]
    for character in secret:
        found += re.findall(rf"\b{character.encode().hex(' ')}\b", output)
        found += re.findall(re.escape(ascii(character.encode())[2:-1]), output)
    return found


# ------------------------------------------------------------------------------ who is let in


@pytest.mark.parametrize(
    "payload",
    [
        *("NAME alice", "GET_NAMES", "MSG bob hi", "MSG BROADCAST hi", "BLOCK bob", "UNBLOCK bob"),
        *("NONSENSE", "", " ", "PASSWORD x", "EXITS", "NAME", "GET_NAMES now", "MSG bob", "NAME !"),
        *("name alice", "get_names", "exıt", "paß x", " EXIT"),
    ],
)
def test_all_else_wants_the_password_first(door: Door, payload: str) -> None:
    stranger = door.visitor()
    stranger.send(payload)
    stranger.expect_error("PASSWORD_REQUIRED")
    stranger.enter("alice")


@pytest.mark.parametrize("payload", [b"\xff\xfe", b"GET_NAMES\xff", b"NAME \x1b[2J", b"PASS \x07"])
def test_bad_text_is_named_before_the_missing_password(door: Door, payload: bytes) -> None:
    stranger = door.visitor()
    stranger.send_bytes(b"%04d%b" % (len(payload), payload))
    stranger.expect_error("BAD_TEXT")


def test_a_bad_frame_is_named_before_the_missing_password(door: Door) -> None:
    stranger = door.visitor()
    stranger.send_bytes(f"PASS {PASSWORD}".encode())
    stranger.expect_error("BAD_FRAME")
    assert stranger.receive_all() == []


@pytest.mark.parametrize("payload", ["PASS", "PASS ", "EXIT now"])
def test_pass_and_exit_have_their_own_mistakes(door: Door, payload: str) -> None:
    stranger = door.visitor()
    stranger.send(payload)
    stranger.expect_error("BAD_ARGUMENTS")
    stranger.enter("alice")


def test_exit_needs_no_password(door: Door) -> None:
    stranger = door.visitor()
    stranger.send("EXIT")
    assert stranger.receive_all() == ["BYE"]


@pytest.mark.parametrize("form", ["PASS {}", "pass {}", "Pass {}\n", "PASS {}\r\n"])
def test_the_password_is_accepted_in_every_form_of_a_request(door: Door, form: str) -> None:
    assert door.visitor().ask(form.format(PASSWORD)) == "ACCEPTED"


@pytest.mark.parametrize(
    "near", [PASSWORD + " ", " " + PASSWORD, PASSWORD[:-1], PASSWORD.replace("  ", " "), "x"]
)
def test_nearly_the_password_is_wrong(door: Door, address: str, near: str) -> None:
    stranger = door.visitor(address)
    stranger.send(f"PASS {near}", "GET_NAMES")
    stranger.expect_error("BAD_PASSWORD")
    stranger.expect_error("PASSWORD_REQUIRED")


def test_once_accepted_pass_is_not_looked_at(door: Door, address: str) -> None:
    alice = door.visitor(address).enter("alice")
    assert alice.ask("PASS whatever") == "ACCEPTED"
    door.visitor(address).guess_wrong()
    assert alice.ask(f"PASS {WRONG}") == "ACCEPTED", "nor has it to wait"
    assert alice.ask("GET_NAMES") == "NAMES 1 alice"


def test_a_server_without_a_password_accepts_any(server: ServerProcess) -> None:
    alice = server.connect()
    assert alice.ask("PASS whatever it is") == "ACCEPTED"
    assert alice.ask("NAME alice") == "HELLO alice"
    assert alice.ask("PASS again") == "ACCEPTED"


def test_whoever_is_not_let_in_learns_nothing(door: Door) -> None:
    stranger = door.visitor()
    alice, bob = door.visitor().enter("alice"), door.visitor().enter("bob")
    for happening in (
        "MSG BROADCAST a secret",
        "MSG bob a secret",
        "NAME alicia",
        "BLOCK bob",
        "UNBLOCK bob",
        "GET_NAMES",
    ):
        alice.send(happening, "PASS once more")
        alice.receive_until("ACCEPTED")  # so what happened has happened
        stranger.send("GET_NAMES")
        stranger.expect_error("PASSWORD_REQUIRED")
        stranger.send("NAME alicia")
        stranger.expect_error("PASSWORD_REQUIRED")  # not NAME_TAKEN
    bob.send("EXIT")
    assert bob.receive_all()[-1] == "BYE"
    alice.receive_until("LEFT bob")
    stranger.send("EXIT")
    assert stranger.receive_all() == ["BYE"]


# -------------------------------------------------------------------------------------- guessing


def test_the_third_wrong_password_closes_and_the_reason_arrives(door: Door, address: str) -> None:
    stranger = door.visitor(address)
    stranger.send_meanwhile(frames(*[f"PASS {WRONG}"] * 3) + frames("GET_NAMES") * 200_000)
    for _ in range(3):
        stranger.expect_error("BAD_PASSWORD")
    assert stranger.receive_all() == []


def test_a_wrong_password_and_then_the_right_one(door: Door, address: str) -> None:
    stranger = door.visitor(address)
    stranger.send(f"PASS {WRONG}", f"PASS {WRONG}", f"PASS {PASSWORD}", "NAME alice", "GET_NAMES")
    stranger.expect_error("BAD_PASSWORD")
    stranger.expect_error("BAD_PASSWORD")
    stranger.expect("ACCEPTED", "HELLO alice", "NAMES 1 alice")


def test_a_wrong_password_slows_its_address_and_nobody_elses(door: Door, address: str) -> None:
    door.visitor(address).guess_wrong()
    start = time.monotonic()
    neighbours = [door.visitor(address) for _ in range(10)]
    for neighbour in neighbours:
        neighbour.send(f"PASS {WRONG}")
    elsewhere = door.visitor(next(ADDRESSES)).enter("elsewhere")
    assert not neighbours[-1].has_heard_something(), "who came later was answered first"
    neighbours[0].expect_error("BAD_PASSWORD")
    assert time.monotonic() - start > REST_SECONDS * 0.9
    assert elsewhere.ask("GET_NAMES") == "NAMES 1 elsewhere"


def test_a_wrong_password_slows_nobody_who_is_in(door: Door, address: str) -> None:
    alice = door.visitor(address).enter("alice")
    guessers = [door.visitor(address) for _ in range(20)]
    for guesser in guessers:
        guesser.send(f"PASS {WRONG}")
    guessers[0].expect_error("BAD_PASSWORD")
    waits = [alice.round_trip() for _ in range(20)]
    assert not guessers[-1].has_heard_something(), "so all that happened while they waited"
    assert max(waits) < NOTICEABLE_SECONDS


@pytest.mark.slow
def test_who_guesses_over_many_connections_gets_one_try_at_a_time(door: Door, address: str) -> None:
    guessers = [door.visitor(address) for _ in range(20)]
    start = time.monotonic()
    for guesser in guessers:
        guesser.send(f"PASS {WRONG}")
    for guesser in guessers[:5]:
        guesser.expect_error("BAD_PASSWORD")
    assert time.monotonic() - start > 4 * REST_SECONDS * 0.9


@pytest.mark.slow
def test_an_address_has_one_guess_a_second(start_server: StartServer, password_file: str) -> None:
    server = start_server("--password-file", password_file)
    guessers = [Visitor(server) for _ in range(20)]
    start = time.monotonic()
    for guesser in guessers:
        guesser.send(f"PASS {WRONG}")
    for guesser in guessers[:4]:
        guesser.expect_error("BAD_PASSWORD")
    assert 2.9 < time.monotonic() - start < 6
    for guesser in guessers:
        guesser.close()


def test_whoever_closes_the_sending_side_while_the_password_is_held_is_answered(
    door: Door, address: str
) -> None:
    door.visitor(address).guess_wrong()
    hasty = door.visitor(address)
    hasty.send(f"PASS {PASSWORD}", "NAME hasty", "GET_NAMES", "EXIT")
    hasty.end_input()
    assert hasty.receive_all() == ["ACCEPTED", "HELLO hasty", "NAMES 1 hasty", "BYE"]


def test_whoever_goes_while_the_password_is_held_is_forgotten(door: Door, address: str) -> None:
    door.visitor(address).guess_wrong()
    gone = [door.visitor(address) for _ in range(4)]
    for number, visitor in enumerate(gone):
        visitor.send(f"PASS {PASSWORD}", f"NAME gone{number}")
    last = door.visitor(address)
    last.send(f"PASS {PASSWORD}", "NAME last")
    door.server.wait_for_line(rf":{last.socket.getsockname()[1]} asks: PASS")
    unheld = door.visitor(address)
    unheld.send("EXIT")
    assert unheld.receive_all() == ["BYE"]
    for visitor in gone[::2]:
        visitor.reset()
    for visitor in gone[1::2]:
        visitor.close()
    last.expect("ACCEPTED")
    wait_until(lambda: last.ask("GET_NAMES").endswith(" 1 last"), "the others are forgotten")


GUESSER = f"""
import socket, sys
guess = b"0010PASS wrong"
lines = [socket.socket() for _ in range(50)]
while True:
    lines.pop(0).close()
    lines.append(socket.create_connection(("127.0.0.1", {{port}}), {DEADLINE}, ("{{address}}", 0)))
    lines[-1].sendall(guess * 100)
"""


@posix_only
@pytest.mark.slow
def test_a_guesser_at_full_speed_delays_no_conversation(
    start_server: StartServer, password_file: str, address: str
) -> None:
    server = start_server("--rate", "0", "--password-file", password_file)
    alice, bob = Visitor(server).enter("alice"), Visitor(server).enter("bob")
    alice.expect("JOINED bob")

    def latencies() -> list[float]:
        """How many seconds each of 300 messages takes, sorted."""
        seconds = []
        for number in range(300):
            start = time.monotonic()
            bob.send(f"MSG alice {number}")
            alice.expect(f"MSG bob alice {number}")
            seconds.append(time.monotonic() - start)
        return sorted(seconds)

    before = latencies()
    guesser = subprocess.Popen(
        [sys.executable, "-c", GUESSER.format(port=server.port, address=address)]
    )
    try:
        server.wait_for_line(rf"{address}:\d+ connected", count=20)
        during = latencies()
    finally:
        guesser.kill()
        guesser.wait()
    for visitor in (alice, bob):
        visitor.close()
    print(f"99th percentile: {before[296] * 1e3:.2f} ms alone, {during[296] * 1e3:.2f} ms beside")
    assert during[296] < 0.25, "seconds"


# -------------------------------------------------------------------------- what the server shows


def test_the_servers_log_never_shows_the_password(door: Door, address: str) -> None:
    """With --verbose and --wire, whole, joined, and cut at every byte; right and wrong."""
    whole = frames(f"PASS {PASSWORD}")
    door.visitor().send_bytes(whole + frames("NAME alice"))
    for cut in range(1, len(whole)):
        visitor = door.visitor()
        door.let_read(visitor, whole[:cut])
        door.let_read(visitor, whole[cut:])
        visitor.expect("ACCEPTED")
    dripping = door.visitor()
    for byte in whole:
        door.let_read(dripping, bytes([byte]))
    dripping.expect("ACCEPTED")
    wrong = b"%04d" % (len(whole) - 8) + whole[4:]  # two letters are left over
    for cut in (len(wrong), len(wrong) - 4):
        counts_wrong = door.visitor()
        counts_wrong.send_bytes(wrong[:cut])
        counts_wrong.expect_error("BAD_PASSWORD")
        counts_wrong.send_bytes(wrong[cut:])
        assert counts_wrong.receive_all()[-1].startswith("ERROR BAD_FRAME ")
    stranger = door.visitor(address)
    stranger.guess_wrong()
    stranger.send(f"pass {PASSWORD}\n")
    stranger.expect("ACCEPTED")
    door.server.wait_for_line(r"asks: PASS \(not shown\)")
    door.server.wait_for_line("····│PASS ····")
    assert leaks("\n".join(door.server.lines)) == []


def test_leaks_are_found_by_these_tests() -> None:
    assert leaks(PASSWORD)
    assert leaks("0003│" + "♞".encode().hex(" "))
    assert leaks(repr("Ж".encode()))
    assert leaks("0010│NAME alice") == []


def test_the_server_warns_once_that_the_password_travels_readable(
    locked_server: ServerProcess, start_server: StartServer, server: ServerProcess
) -> None:
    with Visitor(locked_server).enter().socket:
        pass
    assert sum(WARNING in line for line in locked_server.lines) == 1
    server.connect("alice")
    assert WARNING not in "\n".join(server.lines)


def test_nobody_warns_where_tls_hides_the_password(
    start_server: StartServer, certificate: Certificate, password_file: str
) -> None:
    server = start_server("--password-file", password_file, *certificate.for_server)
    options = ("--password-file", password_file, "--name", "ann", *certificate.for_client)
    done = run_piped(CLIENT, "127.0.0.1", str(server.port), *options, typed="/names\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "* here (1): ann" in done.stdout
    assert "readable" not in done.stdout + "\n".join(server.lines)


# -------------------------------------------------------------------------- what the person sees


def person_at(server: ServerProcess, name: str, *options: str, program: str = "") -> Person:
    """Start the client in a terminal, from 127.0.0.1."""
    prepared = {"program": prepared_client(program)} if program else {}
    return Person(server.port, name, *options, **prepared)


def shown(text: str, times: int) -> Callable[[Screen], bool]:
    """Return a test of whether a screen has shown a text so many times."""
    return lambda screen: screen.text().count(text) == times


def test_the_person_is_asked_without_showing_until_the_password_is_right(door: Door) -> None:
    """Wrong, then right; then the name goes through. With the wire view, which shows the rest."""
    with person_at(door.server, "ann", "--wire") as person:
        person.wait_for(lambda screen: screen.before_cursor() == "Password: ")
        person.type(WRONG)
        person.wait_for(lambda screen: screen.before_cursor().startswith("Password: •••"))
        person.type("\r")
        person.wait_for("! That is not the password")
        person.wait_for(lambda screen: screen.before_cursor() == "Password: ")
        person.type(f"{PASSWORD}\r")
        person.wait_for("* the password is accepted")
        person.wait_for("* you are ann")
        person.wait_for("* here (1): ann")
        person.get_ready()
        person.type("one line\r")
        person.sees("you: one line")
        person.type("\x1b[A\x1b[A!")
        person.shows_line("one line!")
        assert leaks(person.written.decode()) == []
        assert person.screen.text().count(CLIENT_WARNING) == 1


def test_the_password_is_asked_for_before_the_name(door: Door) -> None:
    with person_at(door.server, "") as person:
        person.wait_for(lambda screen: screen.before_cursor() == "Password: ")
        person.type(f"{PASSWORD}\r")
        person.wait_for("Your name")
        person.type("ann\r")
        person.wait_for("* here (1): ann")


def test_a_password_that_looks_like_a_command_is_not_shown_either(door: Door) -> None:
    with person_at(door.server, "ann") as person:
        person.wait_for(lambda screen: screen.before_cursor() == "Password: ")
        person.type(f"/{WRONG}\r")
        person.wait_for(lambda screen: screen.text().count("\n") > 2)
        person.wait_for(lambda screen: screen.before_cursor() == "Password: ")
        assert leaks(person.written.decode()) == []


def test_no_name_is_asked_for_while_the_password_is_looked_at() -> None:
    """It was given already; and whoever types the password again would see it there."""
    with PlayedServer() as played, Person(played.port, "me") as person:
        connection = played.accept()
        connection.expect("NAME me")
        connection.send("ERROR PASSWORD_REQUIRED a password first")
        person.wait_for(lambda screen: screen.before_cursor() == "Password: ")
        person.type(f"{PASSWORD}\r")
        connection.expect(f"PASS {PASSWORD}")
        connection.send("INFO wait a moment")
        person.wait_for("* wait a moment")
        assert "Your name" not in person.screen.text()


def test_a_connection_that_breaks_at_the_password_prompt_says_so() -> None:
    with PlayedServer() as played, Person(played.port, "me") as person:
        connection = played.accept()
        connection.expect("NAME me")
        connection.send("ERROR BAD_PASSWORD That is not the password.")
        person.wait_for(lambda screen: screen.before_cursor() == "Password: ")
        connection.reset()
        person.wait_for("! The server has gone: ")
        assert person.wait_exit() == 1


@pytest.mark.parametrize("keys", ["PASS {}\r", "\x1b[200~PASS {}\x1b[201~\r"])
def test_a_typed_pass_is_neither_shown_nor_kept(door: Door, keys: str) -> None:
    with person_at(door.server, "ann", "--wire") as person:
        person.wait_for(lambda screen: screen.before_cursor() == "Password: ")
        person.type(keys.format(PASSWORD))
        person.wait_for("* you are ann")
        person.wait_for("* here (1): ann")
        person.get_ready()
        person.type("\x1b[A!")
        person.shows_line("!")
        person.type(f"\x7fPASS {PASSWORD}")
        person.wait_for(lambda screen: screen.before_cursor().endswith("••••"))
        person.type("\x1b[D\x1b[D\x1b[H\x1b[F\x1b[A\x1b[B\r")
        person.wait_for(shown("* the password is accepted", 2))
        person.type("\x1b[A!")
        person.shows_line("!")
        assert leaks(person.written.decode()) == []


def test_a_pass_on_a_later_line_of_a_paste_is_neither_shown_nor_kept(door: Door) -> None:
    with person_at(door.server, "") as person:
        person.wait_for(lambda screen: screen.before_cursor() == "Password: ")
        person.type(f"\x1b[200~NAME ann\nPASS {PASSWORD}\nNAME ann\x1b[201~\r")
        person.wait_for("* you are ann")
        person.type("\x1b[A")
        person.type("\x05!")
        person.wait_for(lambda screen: screen.before_cursor().endswith("!"))
        assert leaks(person.written.decode()) == []


def test_the_password_of_a_file_is_sent_before_the_name(door: Door, password_file: str) -> None:
    with person_at(door.server, "ann", "--wire", "--password-file", password_file) as person:
        person.wait_for("* here (1): ann")
        text = person.screen.text()
        assert text.index("→ ····│PASS ····") < text.index("→ 0008│NAME ann")
        assert "Password:" not in text
        assert leaks(person.written.decode()) == []


def test_a_client_warns_once_also_when_the_password_came_from_a_file(
    door: Door, password_file: str
) -> None:
    with person_at(door.server, "ann", "--password-file", password_file) as person:
        person.wait_for("* here (1): ann")
        assert person.screen.text().count(CLIENT_WARNING) == 1


def test_a_wrong_password_in_a_file_is_asked_for_again(door: Door, wrong_file: str) -> None:
    with person_at(door.server, "ann", "--password-file", wrong_file) as person:
        person.wait_for("! That is not the password")
        person.wait_for(lambda screen: screen.before_cursor() == "Password: ")
        person.type(f"{PASSWORD}\r")
        person.wait_for("* you are ann")


def test_the_third_wrong_password_ends_the_client_with_the_reason(door: Door) -> None:
    with person_at(door.server, "ann") as person:
        for tries in (1, 2, 3):
            person.wait_for(lambda screen: screen.before_cursor() == "Password: ")
            person.type(f"{WRONG}\r")
            person.wait_for(shown("! That is not the password", tries))
        assert person.wait_exit() == 1
        assert "Traceback" not in person.screen.text()


def test_the_password_is_sent_again_after_a_reconnect(password_file: str) -> None:
    options = ("--password-file", password_file)
    program = prepared_client(RECONNECT_AT_ONCE)
    with PlayedServer() as played, Person(played.port, "me", *options, program=program) as person:
        for _ in range(2):
            connection = played.accept()
            connection.expect(f"PASS {PASSWORD}")
            connection.send("ACCEPTED")
            connection.welcome("me")
            person.wait_for("* here (")
            connection.close()


def test_a_typed_password_is_sent_again_after_a_reconnect() -> None:
    program = prepared_client(RECONNECT_AT_ONCE)
    with PlayedServer() as played, Person(played.port, "me", program=program) as person:
        connection = played.accept()
        connection.expect("NAME me")
        connection.send("ERROR PASSWORD_REQUIRED a password first")
        person.wait_for(lambda screen: screen.before_cursor() == "Password: ")
        person.type(f"{PASSWORD}\r")
        connection.expect(f"PASS {PASSWORD}")
        connection.send("ACCEPTED")
        connection.welcome("me")
        person.wait_for("* here (1)")
        connection.close()
        connection = played.accept()
        connection.expect(f"PASS {PASSWORD}")
        connection.send("ACCEPTED")
        connection.welcome("me")
        person.wait_for("* you are back as me")
        assert leaks(person.written.decode()) == []


def test_a_server_that_has_another_password_since_asks_and_lets_the_person_back_in() -> None:
    program = prepared_client(RECONNECT_AT_ONCE)
    with PlayedServer() as played, Person(played.port, "me", program=program) as person:
        connection = played.accept()
        connection.welcome("me")
        person.wait_for("* here (1)")
        connection.close()
        connection = played.accept()
        connection.expect("NAME me")
        connection.send("ERROR PASSWORD_REQUIRED a password first")
        person.wait_for(lambda screen: screen.before_cursor() == "Password: ")
        person.type(f"{PASSWORD}\r")
        connection.expect(f"PASS {PASSWORD}")
        connection.send("ACCEPTED")
        connection.socket.settimeout(5)
        connection.welcome("me")
        person.wait_for("* you are back as me")


def test_a_piped_client_takes_the_password_from_a_file(door: Door, password_file: str) -> None:
    options = ("--name", "pia", "--wire", "--password-file", password_file)
    done = run_piped(CLIENT, "127.0.0.1", str(door.server.port), *options, typed="/names\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "* here (1): pia" in done.stdout
    assert leaks(done.stdout) == []


def test_a_piped_client_without_the_password_is_told(door: Door) -> None:
    done = run_piped(CLIENT, "127.0.0.1", str(door.server.port), "--name", "pia", typed="hi\n")
    assert "! This server wants a password first" in done.stdout
    assert "Traceback" not in done.stderr


# ----------------------------------------------------------------------------------- the options

BAD_FILES = {
    "missing": None,
    "empty": b"",
    "an empty first line": b"\nsecret\n",
    "a control character": b"se\x1bcret\n",
    "a tab": b"se\tcret\n",
    "no UTF-8": b"\xff\xfe\n",
    "too long": b"x" * 10_000,
}


@pytest.fixture(params=BAD_FILES)
def bad_file(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    content: bytes | None = BAD_FILES[request.param]
    if content is not None:
        (tmp_path / "bad.txt").write_bytes(content)
    return str(tmp_path / "bad.txt")


@pytest.mark.parametrize("program", [chat_server, chat_client])
def test_a_file_without_a_usable_password_is_named_in_a_sentence(
    program: object, bad_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main = program.main  # type: ignore[attr-defined]
    assert main(["--port", "1", "--password-file", bad_file]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert bad_file in line
    assert line.endswith(".")
    assert "secret" not in line


@pytest.mark.parametrize("program", [SERVER, CLIENT])
def test_a_missing_password_file_ends_the_program_with_one_line(
    program: str, tmp_path: Path
) -> None:
    missing = str(tmp_path / "missing")
    done = run_piped(program, "--port", "1", "--password-file", missing)
    assert done.returncode == 1
    assert len((done.stdout + done.stderr).splitlines()) == 1
    assert missing in done.stderr


def test_line_ends_of_every_system_end_the_password(tmp_path: Path) -> None:
    for ending in ("", "\n", "\r\n", "\nmore\n"):
        file = tmp_path / "password"
        file.write_bytes(f"{PASSWORD}{ending}".encode())
        assert chat_client.load_password(str(file)) == PASSWORD
        assert chat_server.load_password(str(file))(PASSWORD.encode())
        assert not chat_server.load_password(str(file))(b"")


@pytest.mark.parametrize("program", [chat_server, chat_client])
def test_no_option_takes_the_password_itself(
    program: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everyone on a machine can read the command lines of its programs: ps(1)."""
    with pytest.raises(SystemExit):
        program.main(["--help"])  # type: ignore[attr-defined]
    options = re.findall(r"--[a-z-]*pass[a-z-]*", capsys.readouterr().out)
    assert set(options) == {"--password-file"}
