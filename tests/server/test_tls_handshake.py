"""Handshakes of TLS: stalled, broken, crowded, or with one who does not speak it."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest
from encrypted import Handshake, TLSClient, TLSRoom, trusting
from harness import (
    Certificate,
    Client,
    ServerProcess,
    StartServer,
    cpu_seconds,
    descriptors,
    frames,
    make_certificate,
    needs_proc,
    posix_only,
    prepared_server,
    quiet_for,
    wait_until,
)

from .cramped import cramped_program
from .pressure import NOTICEABLE_SECONDS

# ---------------------------------------------------------------------------- handshakes that stall


def test_a_handshake_byte_by_byte_beside_a_chat_that_goes_on(tls_room: TLSRoom) -> None:
    alice = tls_room.connect("alice")
    handshake = tls_room.handshake()
    for flight in handshake.flights():
        for byte in flight:
            handshake.client.send_bytes(bytes([byte]))
            assert alice.round_trip() < NOTICEABLE_SECONDS
    assert handshake.ask("NAME patient") == "HELLO patient"
    alice.expect("JOINED patient")


@needs_proc
@pytest.mark.slow
def test_a_handshake_that_waits_for_room_to_write_goes_on(
    start_server: StartServer, tmp_path: Path
) -> None:
    """A read that has to write: a certificate larger than what the kernel takes at once."""
    many = ",".join(f"DNS:{'x' * 40}{number}.example" for number in range(700))
    long = make_certificate(tmp_path, "long", f"IP:127.0.0.1,{many}")
    noting = """
import chat.server.tls
receive = chat.server.tls.TLSStream.recv
def receive_noting(self, size):
    try:
        return receive(self, size)
    finally:
        if self.unsent:
            print("a read waits for room to write", flush=True)
chat.server.tls.TLSStream.recv = receive_noting
"""
    server = start_server(*long.for_server, program=cramped_program(noting))
    context = trusting(long)
    handshake = Handshake((server.host, server.port), context, receive_buffer=4096)
    flights = handshake.flights()
    handshake.client.send_bytes(next(flights))
    server.wait_for_line("a read waits for room to write")
    for flight in flights:
        handshake.client.send_bytes(flight)
    assert handshake.ask("NAME slow") == "HELLO slow"
    used = cpu_seconds(server.pid)
    assert quiet_for(0.3, handshake.client)
    assert cpu_seconds(server.pid) - used < 0.1, "it goes on waiting for what has come"
    handshake.client.close()


@pytest.mark.parametrize("version", ["1.3", pytest.param("1.2", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_a_handshake_given_up_at_every_byte_leaves_nothing_behind(
    tls_room: TLSRoom, version: str
) -> None:
    """By turns with an orderly close and with a reset."""
    alice, bob = tls_room.people("alice", "bob")
    size = 0
    going_on = True
    while going_on:
        handshake = tls_room.handshake(version)
        going_on = handshake.send_only(size)
        # One that is reset before it was accepted never comes, on Windows.
        tls_room.server.wait_for_line(rf":{handshake.client.socket.getsockname()[1]} connected")
        if size % 2:
            handshake.client.reset()
        else:
            handshake.client.close()
        bob.send(f"MSG alice {size}")
        alice.expect(f"MSG bob alice {size}")
        size += 1
    assert size > 200, "a hello alone has more bytes than that"
    tls_room.server.wait_for_line("gone: ", count=size - 1)
    assert alice.ask("GET_NAMES") == "NAMES 2 alice bob"


@needs_proc
@pytest.mark.slow
def test_200_half_made_handshakes_delay_nobody_and_cost_nothing(tls_room: TLSRoom) -> None:
    alice, bob = tls_room.people("alice", "bob")
    before = descriptors(tls_room.server.pid)
    stalled = []
    for number in range(200):
        stalled.append(tls_room.handshake())
        assert stalled[-1].send_only(number * 3 % 500), "that was all of it"
    longest = 0.0
    for number in range(100):
        start = time.monotonic()
        bob.send(f"MSG alice {number}")
        alice.expect(f"MSG bob alice {number}")
        longest = max(longest, time.monotonic() - start)
    assert longest < NOTICEABLE_SECONDS
    used = cpu_seconds(tls_room.server.pid)
    assert quiet_for(0.3, alice, bob)
    assert cpu_seconds(tls_room.server.pid) - used < 0.1, "it spins"
    for handshake in stalled:
        handshake.client.close()
    wait_until(lambda: len(descriptors(tls_room.server.pid)) <= len(before), "all are forgotten")


@pytest.mark.slow
def test_a_class_that_begins_its_handshakes_at_once_holds_up_nobody(
    start_server: StartServer, certificate: Certificate
) -> None:
    """On a machine that computes 10 ms for each of them: those who talk come in between."""
    slow_machine = """
import time, chat.server.tls
receive = chat.server.tls.TLSStream.recv
def receive_slowly(stream, size):
    if not stream._begun:
        time.sleep(0.01)
    return receive(stream, size)
chat.server.tls.TLSStream.recv = receive_slowly
"""
    server = start_server(*certificate.for_server, program=prepared_server(slow_machine))
    room = TLSRoom(server, certificate)
    alice = room.connect("alice")
    newcomers = [room.handshake() for _ in range(70)]
    server.wait_for_line(" connected ", count=72)
    flights = [newcomer.flights() for newcomer in newcomers]
    for newcomer, hello in zip(newcomers, map(next, flights), strict=True):
        newcomer.client.send_bytes(hello)
    assert alice.ask("GET_NAMES") == "NAMES 1 alice"
    waiting = [newcomer for newcomer in newcomers if quiet_for(0, newcomer.client)]
    assert waiting, "all who began after her were answered first"
    for flight in flights[-1]:
        newcomers[-1].client.send_bytes(flight)
    assert newcomers[-1].ask("GET_NAMES") == "NAMES 1 alice"
    room.clear()


@needs_proc
@pytest.mark.slow
def test_a_half_made_handshake_falls_under_the_login_timeout(
    start_server: StartServer, certificate: Certificate
) -> None:
    """Nothing can be said to its owner: that must neither hold it longer nor make a loop spin."""
    hasty = prepared_server(
        "from chat.server import farewell\n"
        "farewell.LAST_WORDS_SECONDS = farewell.CLOSE_SECONDS = 0.5"
    )
    server = start_server("--login-timeout", "1", *certificate.for_server, program=hasty)
    address = (server.host, server.port)
    context = trusting(certificate)
    resident = TLSClient(address, context).name("resident")
    nameless = TLSClient(address, context)
    stalled = [Handshake(address, context) for _ in range(5)]
    for handshake, size in zip(stalled, (1, 5, 6, 100, 2000), strict=True):
        flight = next(handshake.flights())
        handshake.client.send_bytes(flight[:size])
    nameless.expect_error("TIMEOUT")
    used = cpu_seconds(server.pid)
    assert nameless.receive_all() == []
    for handshake in stalled:
        assert b"TIMEOUT" not in everything_from(handshake.client), "nothing plain goes into TLS"
    assert cpu_seconds(server.pid) - used < 0.1, "it spins"
    assert resident.ask("GET_NAMES") == "NAMES 1 resident"
    for client in (resident, nameless, *(handshake.client for handshake in stalled)):
        client.close()


def everything_from(client: Client) -> bytes:
    """Return all bytes that still come, up to the end, whichever way it comes."""
    data = b""
    try:
        while more := client.socket.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    return data


# ---------------------------------------------------------------------------- handshakes that break


@posix_only
def test_a_reset_before_the_server_has_looked_costs_it_nothing(tls_room: TLSRoom) -> None:
    alice = tls_room.connect("alice")
    with tls_room.server.paused():
        for size in (0, 1, 6, 600):
            client = tls_room.plain()
            client.send_bytes((b"\x16\x03\x01\x02\x00" + bytes(600))[:size])
            client.reset()
    assert alice.ask("GET_NAMES") == "NAMES 1 alice"


def test_garbage_that_begins_like_a_handshake_ends_only_its_sender(tls_room: TLSRoom) -> None:
    alice = tls_room.connect("alice")
    for garbage in (b"\x16" * 3000, b"\x16\x03\x01\x40\x00" + bytes(0x4000), b"\x16\x03\x01\0\0"):
        client = tls_room.plain()
        client.send_bytes(garbage)
        try:
            client.end_input()
        except OSError:
            pass  # the server was faster
        assert b"ERROR" not in everything_from(client), "nothing plain goes into TLS"
    assert alice.ask("GET_NAMES") == "NAMES 1 alice"


def test_a_refused_certificate_does_not_harm_the_server(tls_room: TLSRoom) -> None:
    alice = tls_room.connect("alice")
    with pytest.raises(ssl.SSLCertVerificationError):
        TLSClient(tls_room.address, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))  # trusts nobody
    assert alice.ask("GET_NAMES") == "NAMES 1 alice"


# --------------------------------------------------------------- one side speaks TLS, the other not


@pytest.mark.parametrize(
    "first_words",
    [b"0", frames("NAME alice"), frames("NAME alice", "GET_NAMES", "EXIT"), b"GET / HTTP/1.0\n\n"],
)
def test_a_plain_client_is_told_in_a_plain_frame(tls_room: TLSRoom, first_words: bytes) -> None:
    client = tls_room.plain()
    client.send_bytes(first_words)
    client.expect_error("TLS_REQUIRED")
    assert client.receive_all() == [], "nothing else, and the connection closes"


def test_a_plain_client_is_told_though_it_goes_on_sending(tls_room: TLSRoom) -> None:
    client = tls_room.plain()
    client.send_meanwhile(frames("NAME alice") * 500_000)
    client.expect_error("TLS_REQUIRED")
    assert client.receive_all() == []


def test_a_tls_client_at_a_plain_port_ends_only_itself(server: ServerProcess) -> None:
    alice = server.connect("alice")
    with pytest.raises(ssl.SSLError):
        TLSClient((server.host, server.port), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert alice.ask("GET_NAMES") == "NAMES 1 alice"
