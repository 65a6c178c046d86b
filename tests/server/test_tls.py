"""A conversation over TLS: whole records and cut ones, kernels that are full, and orderly ends.

The certificates are made for the test, with the openssl command.
"""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

import pytest
from encrypted import VERSIONS, TLSClient, TLSRoom, large_texts, trusting
from harness import DEADLINE, ROOT, Certificate, StartServer, frames, posix_only

from chat.server.descriptors import SELECTORS
from chat.server.tls import TLSStream, load_context

from .cramped import cramped_program


def talk_at_once(outgoing: Mapping[TLSClient, bytes], count: int) -> dict[TLSClient, list[str]]:
    """Let clients send bytes and slowly read at the same time, until each has `count` payloads."""
    heard: dict[TLSClient, list[str]] = {client: [] for client in outgoing}
    rest = {client: memoryview(data) for client, data in outgoing.items()}
    for client in outgoing:
        client.socket.setblocking(False)
    end = time.monotonic() + DEADLINE
    while any(len(payloads) < count for payloads in heard.values()):
        assert time.monotonic() < end, {c.tls: len(p) for c, p in heard.items()}
        writers = [client.tls for client in outgoing if rest[client]]
        patience = 0.0 if any(client.tls.pending() for client in outgoing) else DEADLINE
        select.select([client.tls for client in outgoing], writers, [], patience)
        for client in outgoing:
            if rest[client]:
                rest[client] = client.write_some(rest[client])
            heard[client] += client.read_some(3000)
    for client in outgoing:
        client.socket.settimeout(DEADLINE)
    return heard


# ----------------------------------------------------------------------------------- a conversation


@pytest.mark.parametrize("version", VERSIONS)
def test_a_conversation_over_tls(tls_room: TLSRoom, version: str) -> None:
    alice = tls_room.connect("alice", version)
    assert alice.tls.version() == f"TLSv{version}"
    bob = tls_room.connect("bob", version)
    alice.expect("JOINED bob")
    bob.send("MSG alice hi")
    alice.expect("MSG bob alice hi")
    alice.send("MSG BROADCAST guten Tag, Björn 🎈")
    bob.expect("MSG alice BROADCAST guten Tag, Björn 🎈")
    bob.close()
    alice.expect("LEFT bob")


def test_tls_1_1_is_refused(tls_room: TLSRoom) -> None:
    """A hello of TLS 1.1, written by hand (RFC 4346, 7.4.1.2), gets the alert protocol_version."""
    suites = bytes.fromhex("c013 c014 c009 c00a 002f 0035")
    body = b"\x03\x02" + bytes(32) + b"\0" + len(suites).to_bytes(2, "big") + suites + b"\x01\0"
    hello = b"\x01" + len(body).to_bytes(3, "big") + body
    client = tls_room.plain()
    client.send_bytes(b"\x16\x03\x01" + len(hello).to_bytes(2, "big") + hello)
    alert = client.socket.recv(100)
    assert (alert[0], alert[-2:]) == (21, bytes([2, 70])), "alert, fatal, protocol_version"
    assert client.socket.recv(100) == b""


@pytest.mark.slow
def test_a_broadcast_reaches_all_kinds_of_listeners(tls_room: TLSRoom) -> None:
    options = (str(tls_room.server.port), "--name", "ann", *tls_room.certificate.for_client)
    old = tls_room.connect("old", "1.2")
    new = tls_room.connect("new", "1.3")
    lazy = tls_room.connect("lazy", receive_buffer=4096)
    texts = [*(f"{number} {'x' * 1000}" for number in range(20)), "done"]
    with subprocess.Popen(
        [sys.executable, str(ROOT / "chat_client.py"), "127.0.0.1", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as ann:
        new.receive_until("JOINED ann")
        lazy.receive_until("JOINED ann")
        old.send(*(f"MSG BROADCAST {text}" for text in texts))
        for listener in (new, lazy):
            listener.expect(*(f"MSG old BROADCAST {text}" for text in texts))
        shown = ann.communicate(timeout=DEADLINE)[0].splitlines()
    assert [line[6:] for line in shown if "old: " in line] == [f"old: {text}" for text in texts]


# ---------------------------------------------------------------------- what TLS does to a select()


@pytest.mark.parametrize("kind", ["tls_room", "cramped_room"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.slow
def test_the_largest_frames_go_both_ways_at_once_between_slow_readers(
    kind: str, version: str, request: pytest.FixtureRequest
) -> None:
    room: TLSRoom = request.getfixturevalue(kind)
    alice = room.connect("alice", version, receive_buffer=4096)
    bob = room.connect("bob", version, receive_buffer=4096)
    alice.expect("JOINED bob")
    texts = large_texts(60, "MSG alice bob ")
    requests = {
        alice: frames(*(f"MSG bob {text}" for text in texts)),
        bob: frames(*(f"MSG alice {text}" for text in texts)),
    }
    heard = talk_at_once(requests, len(texts))
    assert heard[alice] == [f"MSG bob alice {text}" for text in texts]
    assert heard[bob] == [f"MSG alice bob {text}" for text in texts]


def test_who_reads_on_is_not_cut_off_however_much_comes(
    start_server: StartServer, certificate: Certificate
) -> None:
    """All that a turn has for somebody goes out in it; in all, three times what may wait."""
    server = start_server("--rate", "0", *certificate.for_server)
    room = TLSRoom(server, certificate)
    bob, *speakers = room.people("bob", "ann", "eve", "zoe")
    texts = large_texts(100, "MSG ann bob ")
    for speaker in speakers:
        speaker.send_meanwhile(frames(*(f"MSG bob {text}" for text in texts)))
    heard = [bob.receive() for _ in range(len(speakers) * len(texts))]
    for name in ("ann", "eve", "zoe"):
        own = [line for line in heard if line.startswith(f"MSG {name} ")]
        assert own == [f"MSG {name} bob {text}" for text in texts]
    room.clear()


@pytest.mark.slow
def test_megabytes_wait_for_a_slow_reader_and_arrive_whole(tls_room: TLSRoom) -> None:
    alice = tls_room.connect("alice")
    bob = tls_room.connect("bob", receive_buffer=4096)
    alice.expect("JOINED bob")
    texts = large_texts(1500, "MSG alice bob ")  # 15 MB: more than the kernels hold
    alice.send(*(f"MSG bob {text}" for text in texts))
    alice.round_trip()
    bob.expect(*(f"MSG alice bob {text}" for text in texts))


@pytest.mark.parametrize("kind", ["tls_room", "cramped_room"])
def test_no_decrypted_request_is_left_lying(kind: str, request: pytest.FixtureRequest) -> None:
    """All arrives in one go, several records of it; nothing follows that would wake select()."""
    client = request.getfixturevalue(kind).connect("alice")
    client.send(*(f"MSG alice {number} {'x' * 700}" for number in range(90)))  # 64 KB
    client.expect(*(f"MSG alice alice {number} {'x' * 700}" for number in range(90)))
    client.send(*["GET_NAMES"] * 1000)  # 13 KB: one record
    client.expect(*["NAMES 1 alice"] * 1000)


def test_a_request_cut_into_a_record_for_each_byte_is_one_request(tls_room: TLSRoom) -> None:
    alice = tls_room.connect("alice")
    for byte in frames("MSG alice ünteilbar"):
        alice.send_bytes(bytes([byte]))
    alice.expect("MSG alice alice ünteilbar")


@pytest.mark.parametrize("selector", sorted(SELECTORS.keys() - {"select", "auto"}))
@pytest.mark.slow
def test_every_selector_serves_tls(
    start_server: StartServer, certificate: Certificate, selector: str
) -> None:
    options = ("--selector", selector, "--rate", "0", *certificate.for_server)
    room = TLSRoom(start_server(*options, program=cramped_program()), certificate)
    alice, bob = room.people("alice", "bob")
    texts = large_texts(20, "MSG alice bob ")
    both = {
        alice: frames(*(f"MSG bob {text}" for text in texts)),
        bob: frames(*(f"MSG alice {text}" for text in texts)),
    }
    heard = talk_at_once(both, len(texts))
    assert [len(payloads) for payloads in heard.values()] == [20, 20]
    bob.send("EXIT")
    assert bob.receive_all() == ["BYE"]
    alice.expect("LEFT bob")
    room.clear()


# ----------------------------------------------------------------------------------------- the ends


@pytest.mark.parametrize("version", VERSIONS)
def test_the_reason_arrives_and_then_close_notify(tls_room: TLSRoom, version: str) -> None:
    """An end without close_notify would raise SSLEOFError here: it could be an attacker's cut."""
    leaver = tls_room.connect("leaver", version)
    leaver.send("EXIT")
    assert leaver.receive_all() == ["BYE"]
    stranger = tls_room.connect("stranger", version)
    stranger.send_bytes(b"GET / HTTP/1.1\r\n\r\n")
    stranger.expect_error("BAD_FRAME")
    assert stranger.receive_all() == []


def test_close_notify_waits_for_room(certificate: Certificate) -> None:
    server_side, client_side = socket.socketpair()
    server_side.setblocking(False)
    context = load_context(certificate.file, certificate.key)
    stream = TLSStream(server_side, context)
    heard: list[bytes] = []

    def listen() -> None:
        with trusting(certificate).wrap_socket(
            client_side, server_hostname="127.0.0.1", suppress_ragged_eofs=False
        ) as client:
            client.sendall(b"hello")
            assert slow.wait(DEADLINE)
            heard.extend(iter(partial(client.recv, 65536), b""))

    slow = threading.Event()
    listener = threading.Thread(target=listen)
    listener.start()
    while stream.is_opening or not heard:
        assert select.select([stream], [], [], DEADLINE)[0]
        with suppress(BlockingIOError):
            heard.append(stream.recv(65536))
    sent = 0
    with suppress(BlockingIOError):
        while True:
            sent += stream.send(bytes(65536))
    with pytest.raises(BlockingIOError):
        stream.end_output()
    slow.set()
    while stream.unsent:
        assert select.select([], [stream], [], DEADLINE)[1]
        stream.flush()
    stream.end_output()
    listener.join(DEADLINE)
    assert sent < len(b"".join(heard[1:])), "and what was on its way when there was no more room"
    stream.close()


@pytest.mark.parametrize("version", ["1.3", pytest.param("1.2", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_close_notify_follows_last_words_that_filled_the_kernel(
    cramped_room: TLSRoom, version: str
) -> None:
    """One of these many sizes leaves room for BYE, and none for what has to follow it."""
    for count in range(1, 200):
        name = f"alice{count}"
        client = cramped_room.connect(name, version, receive_buffer=4096)
        client.send(*(f"MSG {name} {'x' * 30}" for _ in range(count)), "EXIT")
        cramped_room.server.wait_for_line(f"{name} gone: left")
        assert client.receive_all()[-1] == "BYE"
        client.close()


def test_the_reason_overtakes_what_a_flooding_client_still_sends(tls_room: TLSRoom) -> None:
    client = tls_room.connect("alice")
    client.tls.setblocking(False)
    rest = memoryview(b"x" * 3_000_000)
    heard: list[str] = []
    while not heard:
        select.select([client.tls], [client.tls] if rest else [], [], DEADLINE)
        rest = client.write_some(rest) if rest else rest
        heard = client.read_some(3000)
    assert heard[0].startswith("ERROR BAD_FRAME ")
    client.tls.settimeout(DEADLINE)
    assert client.receive_all() == []


def test_a_client_that_ends_its_side_of_tls_is_still_answered(tls_room: TLSRoom) -> None:
    alice, bob = tls_room.people("alice", "bob")
    bob.send("MSG alice one", "MSG alice two")
    bob.tls.unwrap()  # sends close_notify, and waits for the server's
    alice.expect("MSG bob alice one", "MSG bob alice two", "LEFT bob")


@posix_only
def test_a_shutdown_of_the_server_is_told_over_tls(
    start_server: StartServer, certificate: Certificate
) -> None:
    server = start_server(*certificate.for_server)
    client = TLSClient((server.host, server.port), trusting(certificate)).name("alice")
    server.interrupt()
    notice, farewell = client.receive_all()
    assert notice.startswith("INFO ")
    assert farewell == "BYE"
    client.close()
    assert server.wait_for_exit() == 0
