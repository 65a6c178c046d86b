"""The server's wire view: every frame as it travels, and what a read really returned."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from encrypted import TLSClient, trusting
from harness import Certificate, ServerProcess, StartServer

from .logged import SIGNS, TIME, Log


@pytest.fixture(scope="module")
def shared_wire_server() -> Iterator[ServerProcess]:
    server = ServerProcess("--rate", "0", "--wire")
    yield server
    server.close()


@pytest.fixture
def wire_server(shared_wire_server: ServerProcess) -> Iterator[ServerProcess]:
    """A server that shows the wire, empty at first."""
    yield shared_wire_server
    shared_wire_server.send_home()


@pytest.fixture
def log(wire_server: ServerProcess) -> Log:
    return Log(wire_server)


def test_the_log_shows_direction_peer_length_and_payload(
    wire_server: ServerProcess, log: Log
) -> None:
    alice = wire_server.connect("alice")
    host, port = alice.socket.getsockname()[:2]
    log.wait_for(f"← {host}:{port} 0010│NAME alice", "→ alice 0011│HELLO alice")
    alice.send("GET_NAMES")
    alice.expect("NAMES 1 alice")
    log.wait_for("← alice 0009│GET_NAMES", "→ alice 0013│NAMES 1 alice")
    alice.send("EXIT")
    assert alice.receive_all() == ["BYE"]
    log.wait_for("← alice 0004│EXIT", "→ alice 0003│BYE")


def test_every_line_of_the_wire_has_its_time(wire_server: ServerProcess) -> None:
    wire_server.connect("alice")
    wire_server.wait_for_line("→ alice")
    lines = [line for line in wire_server.lines if SIGNS.search(line)]
    assert lines
    assert all(re.match(rf"{TIME}[←→] \S+", line) for line in lines)


def test_the_length_counts_bytes(wire_server: ServerProcess, log: Log) -> None:
    wire_server.connect("José")
    log.wait_for("0010│NAME José", "→ José 0011│HELLO José")


def test_what_several_hear_is_one_line_with_all_their_names(
    wire_server: ServerProcess, log: Log
) -> None:
    alice, bob, carl = wire_server.people("alice", "bob", "carl")
    assert bob.ask("BLOCK alice") == "BLOCKED alice"
    alice.send("MSG BROADCAST hi")
    log.wait_for(
        "→ alice, bob 0011│JOINED carl",
        "← alice 0016│MSG BROADCAST hi",
        "→ carl 0022│MSG alice BROADCAST hi",
    )
    carl.send("MSG bob psst")
    log.wait_for("← carl 0012│MSG bob psst", "→ bob 0017│MSG carl bob psst")


def test_errors_are_frames_too(wire_server: ServerProcess, log: Log) -> None:
    alice = wire_server.connect("alice")
    alice.send("NONSENSE")
    alice.expect_error("UNKNOWN_COMMAND")
    log.wait_for("← alice 0008│NONSENSE")
    log.wait_for_error("UNKNOWN_COMMAND", "alice")


def test_a_refusal_is_a_frame_too(start_server: StartServer) -> None:
    server = start_server("--wire", "--max-clients", "1")
    server.connect("alice")
    host, port = server.connect().socket.getsockname()[:2]
    server.wait_for_line(rf"→ {host}:{port} \d{{4}}│ERROR SERVER_FULL \S")


def test_a_read_that_was_cut_shows_what_it_really_returned(
    wire_server: ServerProcess, log: Log
) -> None:
    alice = wire_server.connect("alice")
    for part, shown in (
        (b"0", "a read returned 1 bytes: 0"),
        (b"009GET", "a read returned 6 bytes: 009GET"),
        (b"_NAMES0009", "a read returned 10 bytes: _NAMES0009"),
    ):
        alice.send_bytes(part)
        log.wait_for(f"← alice {shown}")
    alice.expect("NAMES 1 alice")
    alice.send_bytes(b"GET_NAMES")
    alice.expect("NAMES 1 alice")
    log.wait_for("← alice a read returned 9 bytes: GET_NAMES", "← alice 0009│GET_NAMES")


def test_reads_of_whole_frames_are_shown_as_frames_only(
    wire_server: ServerProcess, log: Log
) -> None:
    alice = wire_server.connect("alice")
    alice.send("GET_NAMES", "NAME anna", "GET_NAMES")
    alice.expect("NAMES 1 alice", "HELLO anna", "NAMES 1 anna")
    log.wait_for("← alice 0009│GET_NAMES", "← alice 0009│NAME anna", "← anna 0009│GET_NAMES")
    assert not any(line.startswith("← alice a read returned") for line in log.lines())


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b"\xff\xfe", "ff fe"),
        (b"MSG bob \x1b[2J", "4d 53 47 20 62 6f 62 20 1b 5b 32 4a"),
        (b"NAME alice\n", "4e 41 4d 45 20 61 6c 69 63 65 0a"),
        ("é".encode()[:1], "c3"),
    ],
)
def test_bytes_that_are_no_text_are_shown_in_hex(
    wire_server: ServerProcess, log: Log, payload: bytes, shown: str
) -> None:
    alice = wire_server.connect("alice")
    alice.send_bytes(b"%04d%b" % (len(payload), payload))
    alice.receive()
    log.wait_for(f"← alice {len(payload):04}│{shown}")
    assert "\x1b" not in "\n".join(log.lines())


def test_a_character_cut_in_two_is_shown_in_hex(wire_server: ServerProcess, log: Log) -> None:
    alice = wire_server.connect("alice")
    alice.send_bytes(b"0013MSG alice \xc3")
    log.wait_for("← alice a read returned 15 bytes: 30 30 31 33 4d 53 47 20 61 6c 69 63 65 20 c3")
    alice.send_bytes(b"\xa9!")
    alice.expect("MSG alice alice é!")
    log.wait_for("← alice a read returned 2 bytes: a9 21", "← alice 0013│MSG alice é!")


def test_what_is_no_frame_is_shown_as_it_came(wire_server: ServerProcess, log: Log) -> None:
    alice = wire_server.connect("alice")
    alice.send_bytes(b"GET / HTTP/1.1")
    alice.expect_error("BAD_FRAME")
    log.wait_for("← alice a read returned 14 bytes: GET / HTTP/1.1")
    log.wait_for_error("BAD_FRAME", "alice")


def test_without_wire_the_log_shows_none_of_it(server: ServerProcess) -> None:
    alice, bob = server.people("alice", "bob")
    alice.send("MSG bob between us")
    bob.expect("MSG alice bob between us")
    alice.send_bytes(b"0004EX")
    bob.round_trip()
    alice.send_bytes(b"IT")
    assert alice.receive_all()[-1] == "BYE"
    server.wait_for_line("alice gone")
    output = "\n".join(server.lines)
    assert not SIGNS.search(output)
    assert "between us" not in output
    assert "a read returned" not in output


def test_tls_is_shown_as_the_frames_inside_it(
    start_server: StartServer, certificate: Certificate
) -> None:
    server = start_server("--wire", *certificate.for_server)
    pia = TLSClient((server.host, server.port), trusting(certificate)).name("pia")
    server.wait_for_line(r"← \S+ 0008│NAME pia")
    server.wait_for_line(r"→ pia 0009│HELLO pia")
    pia.close()
