"""The password: who is let in, how fast it can be guessed, and that it never shows."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from encrypted import TLSClient, trusting
from harness import (
    DEADLINE,
    Certificate,
    ServerProcess,
    StartServer,
    frames,
    not_under_wine,
    wait_until,
)
from locked import PASSWORD, REST_SECONDS, WARNING, WRONG, Door, Visitor, leaks, new_address

from .pressure import NOTICEABLE_SECONDS

# ------------------------------------------------------------------------------------ who is let in


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


# ----------------------------------------------------------------------------------------- guessing


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_wrong_password_slows_its_address_and_nobody_elses(door: Door, address: str) -> None:
    door.visitor(address).guess_wrong()
    start = time.monotonic()
    neighbours = [door.visitor(address) for _ in range(10)]
    for neighbour in neighbours:
        neighbour.send(f"PASS {WRONG}")
    elsewhere = door.visitor(new_address()).enter("elsewhere")
    assert not neighbours[-1].has_heard_something(), "who came later was answered first"
    neighbours[0].expect_error("BAD_PASSWORD")
    assert time.monotonic() - start > REST_SECONDS * 0.9
    assert elsewhere.ask("GET_NAMES") == "NAMES 1 elsewhere"


def how_many_heard(guessers: list[Visitor]) -> int:
    """Return how many have an answer; who comes first of a turn is select()'s affair."""
    return sum(guesser.has_heard_something() for guesser in guessers)


def wait_until_answered(guessers: list[Visitor], count: int) -> None:
    wait_until(lambda: how_many_heard(guessers) >= count, f"{count} guesses are answered")


def test_a_wrong_password_slows_nobody_who_is_in(door: Door, address: str) -> None:
    alice = door.visitor(address).enter("alice")
    door.visitor(address).guess_wrong()
    guessers = [door.visitor(address) for _ in range(20)]
    for guesser in guessers:
        guesser.send(f"PASS {WRONG}")
    waits = [alice.round_trip() for _ in range(20)]
    assert how_many_heard(guessers) < 20, "so all that happened while they waited"
    assert max(waits) < NOTICEABLE_SECONDS


@pytest.mark.slow
def test_who_guesses_over_many_connections_gets_one_try_at_a_time(door: Door, address: str) -> None:
    guessers = [door.visitor(address) for _ in range(20)]
    start = time.monotonic()
    for guesser in guessers:
        guesser.send(f"PASS {WRONG}")
    wait_until_answered(guessers, 5)
    assert time.monotonic() - start > 4 * REST_SECONDS * 0.9


@pytest.mark.slow
def test_an_address_has_one_guess_a_second(start_server: StartServer, password_file: str) -> None:
    server = start_server("--password-file", password_file)
    guessers = [Visitor((server.host, server.port)) for _ in range(20)]
    start = time.monotonic()
    for guesser in guessers:
        guesser.send(f"PASS {WRONG}")
    wait_until_answered(guessers, 4)
    assert 2.9 < time.monotonic() - start < 6
    for guesser in guessers:
        guesser.close()


@pytest.mark.slow
def test_whoever_closes_the_sending_side_while_the_password_is_held_is_answered(
    door: Door, address: str
) -> None:
    door.visitor(address).guess_wrong()
    hasty = door.visitor(address)
    hasty.send(f"PASS {PASSWORD}", "NAME hasty", "GET_NAMES", "EXIT")
    hasty.end_input()
    assert hasty.receive_all() == ["ACCEPTED", "HELLO hasty", "NAMES 1 hasty", "BYE"]


@pytest.mark.slow
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


@pytest.mark.slow
def test_all_addresses_together_have_a_hundred_guesses_a_second(
    start_server: StartServer, password_file: str
) -> None:
    server = start_server("--password-file", password_file)
    guessers = [Visitor((server.host, server.port), source=new_address()) for _ in range(400)]
    for guesser in guessers:
        guesser.send("EXIT now")
        guesser.expect_error("BAD_ARGUMENTS")
    start = time.monotonic()
    for guesser in guessers:
        guesser.send(f"PASS {WRONG}")
    honest = Visitor((server.host, server.port), source=new_address()).enter("alice")
    assert 3.5 < time.monotonic() - start < 10, "behind 400 guesses"
    for guesser in guessers:
        guesser.expect_error("BAD_PASSWORD")
        guesser.close()
    honest.close()


@pytest.mark.slow
def test_one_address_with_many_guessers_is_one_in_the_line(door: Door) -> None:
    """Whoever comes from another waits for one of them at most, not for all."""
    many, other = new_address(), new_address()
    crowd = [door.visitor(many) for _ in range(50)]
    for visitor in crowd:
        visitor.send(f"PASS {PASSWORD}")
    honest = door.visitor(other)
    honest.send(f"PASS {PASSWORD}")
    honest.expect("ACCEPTED")
    assert sum(visitor.has_heard_something() for visitor in crowd) < 25
    for visitor in crowd:
        visitor.expect("ACCEPTED")


@pytest.mark.slow
def test_whose_turn_comes_though_the_one_before_has_gone(door: Door, address: str) -> None:
    crowd = [door.visitor(address) for _ in range(30)]
    for visitor in crowd:
        visitor.send(f"PASS {PASSWORD}")
    for visitor in crowd[1::2]:
        visitor.reset()
    for visitor in crowd[::2]:
        visitor.expect("ACCEPTED")


GUESSER = f"""
import socket, sys
guess = b"0010PASS wrong"
lines = [socket.socket() for _ in range(50)]
while True:
    lines.pop(0).close()
    lines.append(socket.create_connection(("127.0.0.1", {{port}}), {DEADLINE}, ("{{address}}", 0)))
    lines[-1].sendall(guess * 100)
"""


@not_under_wine("every connection of every program goes through one process")
@pytest.mark.slow
def test_a_guesser_at_full_speed_delays_no_conversation(
    start_server: StartServer, password_file: str, address: str
) -> None:
    server = start_server("--rate", "0", "--password-file", password_file)
    alice, bob = (Visitor((server.host, server.port)).enter(name) for name in ("alice", "bob"))
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


# ---------------------------------------------------------------------------- what the server shows


@pytest.mark.slow
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
    locked_server: ServerProcess, fresh_server: ServerProcess
) -> None:
    Visitor((locked_server.host, locked_server.port)).enter().close()
    assert sum(WARNING in line for line in locked_server.lines) == 1
    fresh_server.connect("alice")
    assert WARNING not in "\n".join(fresh_server.lines)


def test_nobody_warns_where_tls_hides_the_password(
    start_server: StartServer, certificate: Certificate, password_file: str
) -> None:
    server = start_server("--password-file", password_file, *certificate.for_server)
    ann = TLSClient((server.host, server.port), trusting(certificate))
    ann.send(f"PASS {PASSWORD}", "NAME ann", "EXIT")
    assert ann.receive_all() == ["ACCEPTED", "HELLO ann", "BYE"]
    ann.close()
    server.wait_for_line("ann gone: left")
    assert "readable" not in "\n".join(server.lines)
