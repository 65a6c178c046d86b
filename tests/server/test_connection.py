"""One connection's requests: however they are cut or joined, each is answered, in order."""

from __future__ import annotations

import os
import random

import pytest
from encrypted import TLSClient, trusting
from harness import (
    Certificate,
    ServerProcess,
    StartServer,
    frames,
    needs_proc,
    peak_bytes,
    resident_bytes,
)

from .pressure import MIB, assert_served_promptly

# ---------------------------------------------------------------------------- whole, cut and joined


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


@pytest.mark.parametrize("part", [b"0", b"001", b"0010NAME", b"9999" + b"x" * 9998])
def test_half_a_frame_holds_up_nobody(server: ServerProcess, part: bytes) -> None:
    alice, bob = server.people("alice", "bob")
    for _ in range(20):
        server.connect().send_bytes(part)
    assert_served_promptly(alice)
    alice.send("MSG bob hi")
    bob.expect("MSG alice bob hi")


def test_one_byte_at_a_time_holds_up_nobody_and_is_understood(server: ServerProcess) -> None:
    alice, slow = server.people("alice", "slow")
    for byte in frames("MSG alice at last"):
        assert_served_promptly(alice, rounds=3)
        slow.send_bytes(bytes([byte]))
    alice.expect("MSG slow alice at last")


@needs_proc
def test_frames_that_never_end_take_no_more_than_their_bytes(fresh_server: ServerProcess) -> None:
    alice = fresh_server.connect("alice")
    before = resident_bytes(fresh_server.pid)
    for _ in range(200):
        fresh_server.connect().send_bytes(b"9999" + b"x" * 9998)
    alice.round_trip()
    assert resident_bytes(fresh_server.pid) - before < 8 * MIB


# ----------------------------------------------------------------------- what is asked and answered


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


def test_requests_before_a_half_close_are_answered(server: ServerProcess) -> None:
    alice, bob = server.people("alice", "bob")
    alice.send("MSG bob 1", "GET_NAMES", "MSG bob 2")
    alice.send_bytes(b"0009GET_")
    alice.end_input()
    assert alice.receive_all() == ["NAMES 2 alice bob"]
    bob.expect("MSG alice bob 1", "MSG alice bob 2", "LEFT alice")


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


# --------------------------------------------------------------------- what is no frame, or no text


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xa5" * 500,
        b"\x00" * 1000,
        b"\xff\xfe" * 50,
        b"NAME alice\n",
        b"-001NAME alice",
        b"0004EXIT"[:2] + b"\r\n",
        random.Random(8820).randbytes(100_000),
    ],
)
def test_what_is_no_frame_is_answered_and_closed(server: ServerProcess, garbage: bytes) -> None:
    alice, bob = server.people("alice", "bob")
    bob.send_meanwhile(garbage)
    bob.expect_error("BAD_FRAME")
    assert bob.receive_all() == []
    alice.expect("LEFT bob")
    assert_served_promptly(alice)


def test_bad_text_reaches_nobody_and_its_sender_goes_on(server: ServerProcess) -> None:
    alice, bob = server.people("alice", "bob")
    for payload in (b"MSG alice \xff", b"\xc3", b"MSG alice \x1b[2J", b"NAME a\x07", b"\n\n"):
        bob.send_bytes(b"%04d%b" % (len(payload), payload))
        bob.expect_error("BAD_TEXT")
    bob.send("MSG alice hi")
    alice.expect("MSG bob alice hi")


@needs_proc
@pytest.mark.parametrize("piece", [b"x", b"\x00", b"0004NOPE"])
def test_ten_megabytes_of_nonsense_take_no_memory(
    fresh_server: ServerProcess, piece: bytes
) -> None:
    alice = fresh_server.connect("alice")
    before = peak_bytes(fresh_server.pid)
    loud = fresh_server.connect()
    loud.send_meanwhile(piece * (10 * MIB // len(piece)))
    loud.expect_error("BAD_FRAME" if len(piece) == 1 else "UNKNOWN_COMMAND")
    assert_served_promptly(alice)
    if len(piece) == 1:
        assert loud.receive_all() == []
    assert peak_bytes(fresh_server.pid) - before < 4 * MIB


# ------------------------------------------------------------------------- whatever happens to it


@pytest.mark.parametrize(
    "options",
    [
        pytest.param("--rate 0", id="at-once"),
        pytest.param("--rate 200", id="slowed-down", marks=pytest.mark.slow),
    ],
)
def test_what_was_read_whole_is_dealt_with_though_nobody_reads_the_answers(
    start_server: StartServer, options: str
) -> None:
    server = start_server(*options.split())
    alice, bob = server.people("alice", "bob")
    hasty = server.connect("hasty")
    for hearer in (alice, bob):
        hearer.expect("JOINED hasty")
    said = [f"MSG BROADCAST {number}" for number in range(500)]
    with server.paused():
        bob.send("MSG hasty a word")  # it is answered with a reset, for what it has left unread
        hasty.send(*said)
        hasty.reset()
    for number in range(500):
        if options == "--rate 200" and number == 450:
            bob.send("NAME hasty")
            bob.receive_until("ERROR NAME_TAKEN hasty is taken; choose another name.")
        alice.expect(f"MSG hasty BROADCAST {number}")
    alice.expect("LEFT hasty")


def test_what_was_read_whole_is_dealt_with_though_a_broken_tls_record_follows(
    start_server: StartServer, certificate: Certificate
) -> None:
    server = start_server("--rate", "0", *certificate.for_server)
    address, context = (server.host, server.port), trusting(certificate)
    alice, hasty = (TLSClient(address, context) for _ in range(2))
    assert alice.ask("NAME alice") == "HELLO alice"
    assert hasty.ask("NAME hasty") == "HELLO hasty"
    with server.paused():
        hasty.send(*(f"MSG BROADCAST {number}" for number in range(5)))
        # Past our own OpenSSL: a record that cannot be decrypted (RFC 8446, 5.2).
        os.write(hasty.tls.fileno(), b"\x17\x03\x03\x00\x20" + bytes(32))
    alice.expect("JOINED hasty", *(f"MSG hasty BROADCAST {number}" for number in range(5)))
    alice.expect("LEFT hasty")
    alice.close()
    hasty.close()
