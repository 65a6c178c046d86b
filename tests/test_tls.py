"""TLS: real handshakes on real sockets, whole, cut, stalled and refused.

The certificates are made for the test, with the openssl command.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hmac
import os
import re
import select
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import StartServer
from harness import (
    DEADLINE,
    KERNEL_SIZE,
    SERVER,
    Certificate,
    Client,
    ServerProcess,
    cpu_seconds,
    descriptors,
    frames,
    make_certificate,
    needs_proc,
    openssl,
    posix_only,
    prepared_server,
    quiet_for,
    run_piped,
    wait_until,
)
from terminal import CLIENT, Person, prepared_client

import chat_client
import chat_server
from chat_protocol import MAX_PAYLOAD_SIZE
from chat_server import SELECTORS

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
PATIENT_BACKLOG = ("--max-backlog", "65536")  # KiB: a slow reader is waited for, not cut off
NOTICEABLE_SECONDS = 1.0  # an answer that takes longer has waited for somebody else

# A server whose kernel takes a few KiB at a time and which reads less than one TLS record (16
# KiB) at a time: every write is a partial one, and decrypted bytes are left in OpenSSL.
CRAMPED = """
import socket, chat_server
chat_server.RECEIVE_SIZE = 1000
prepare = chat_server.prepare
def prepare_cramped(client):
    prepare(client)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
chat_server.prepare = prepare_cramped
"""
# The same for a client.
CRAMPED_CLIENT = """
import socket, chat_client
chat_client.RECEIVE_SIZE = 1000
go_online = chat_client.Session._online
def go_online_cramped(session):
    session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    go_online(session)
chat_client.Session._online = go_online_cramped
"""


# --------------------------------------------------------------------------------- clients of TLS


def trusting(certificate: Certificate, version: str = "") -> ssl.SSLContext:
    """Return what a client needs that trusts this certificate, and speaks just this version."""
    context = ssl.create_default_context(cafile=certificate.file)
    if version:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


class TLSClient(Client):
    """A raw socket that speaks frames over TLS, and takes an end without close_notify for none."""

    def __init__(
        self, address: tuple[str, int], context: ssl.SSLContext, *, receive_buffer: int = 0
    ) -> None:
        super().__init__(address, receive_buffer=receive_buffer)
        self.tls = context.wrap_socket(
            self.socket, server_hostname=address[0], suppress_ragged_eofs=False
        )
        self.socket = self.tls

    def read_some(self, size: int) -> list[str]:
        """Return the payloads that are whole with the next `size` bytes, if any are there."""
        try:
            self._reader.feed(self.tls.recv(size))
        except ssl.SSLWantReadError:
            pass  # nothing there yet
        return [payload.decode() for payload in self._reader]

    def write_some(self, data: memoryview) -> memoryview:
        """Send as much of `data` as is taken; return the rest."""
        try:
            return data[self.tls.send(data[:20_000]) :]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return data


class Handshake:
    """A client's side of a TLS handshake whose bytes the test carries to the server itself."""

    def __init__(
        self, address: tuple[str, int], context: ssl.SSLContext, *, receive_buffer: int = 0
    ) -> None:
        self.client = Client(address, receive_buffer=receive_buffer)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=address[0])

    def flights(self) -> Iterator[bytes]:
        """Yield what the client says: first its hello, then what answers the server's."""
        done = False
        while not done:
            try:
                self._tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            if flight := self._outgoing.read():
                yield flight
            elif not done:
                self._incoming.write(self.client.socket.recv(65536))

    def send_only(self, size: int) -> bool:
        """Send the first `size` bytes of the handshake; return whether that was less than all."""
        for flight in self.flights():
            self.client.send_bytes(flight[:size])
            if size < len(flight):
                return True
            size -= len(flight)
        return False

    def ask(self, payload: str) -> str:
        """After the handshake: send a request, return the first payload of the answer."""
        self._tls.write(frames(payload))
        self.client.send_bytes(self._outgoing.read())
        while not (data := self._decrypted()):
            self._incoming.write(self.client.socket.recv(65536))
        return data.decode()[4:]

    def _decrypted(self) -> bytes:
        try:
            return self._tls.read()
        except ssl.SSLWantReadError:
            return b""


class Room:
    """A server that speaks TLS, and the people of one test."""

    def __init__(self, server: ServerProcess, certificate: Certificate) -> None:
        self.server = server
        self.certificate = certificate
        self.address = (server.host, server.port)
        self._clients: list[Client] = []
        self._observer = self.connect()

    def connect(self, name: str = "", version: str = "", *, receive_buffer: int = 0) -> TLSClient:
        """Connect somebody, who gets a name if one is given."""
        context = trusting(self.certificate, version)
        client = TLSClient(self.address, context, receive_buffer=receive_buffer)
        self._clients.append(client)
        if name:
            client.name(name)
        return client

    def people(self, *names: str) -> list[TLSClient]:
        """Connect people who have names and have heard of one another's coming."""
        people: list[TLSClient] = []
        for name in names:
            newcomer = self.connect(name)
            for earlier in people:
                earlier.expect(f"JOINED {name}")
            people.append(newcomer)
        return people

    def plain(self) -> Client:
        """Connect somebody who does not speak TLS."""
        self._clients.append(Client(self.address))
        return self._clients[-1]

    def handshake(self, version: str = "") -> Handshake:
        """Connect somebody whose handshake the test carries."""
        handshake = Handshake(self.address, trusting(self.certificate, version))
        self._clients.append(handshake.client)
        return handshake

    def person(self, name: str, **settings: Any) -> Person:
        """Start the terminal client, in the room and ready for keys."""
        options = self.certificate.for_client
        person = Person(self.server.port, name, *options, **settings)
        person.wait_for("* here (")
        person.get_ready()
        return person

    def clear(self) -> None:
        """Send everyone home, and wait until the server has noticed."""
        for client in self._clients:
            if client is not self._observer:
                client.close()
        wait_until(lambda: self._observer.ask("GET_NAMES") == "NAMES 0", "everyone has left")
        self._observer.close()


@pytest.fixture(scope="module")
def tls_server(certificate: Certificate) -> Iterator[ServerProcess]:
    server = ServerProcess("--rate", "0", *PATIENT_BACKLOG, *certificate.for_server)
    yield server
    server.close()


@pytest.fixture(scope="module")
def cramped_server(certificate: Certificate) -> Iterator[ServerProcess]:
    options = ("--rate", "0", *PATIENT_BACKLOG, *certificate.for_server)
    server = ServerProcess(*options, program=prepared_server(CRAMPED))
    yield server
    server.close()


@pytest.fixture
def room(tls_server: ServerProcess, certificate: Certificate) -> Iterator[Room]:
    """A TLS server, empty at first."""
    room = Room(tls_server, certificate)
    yield room
    room.clear()


@pytest.fixture
def cramped_room(cramped_server: ServerProcess, certificate: Certificate) -> Iterator[Room]:
    """A TLS server that reads and writes a little at a time, empty at first."""
    room = Room(cramped_server, certificate)
    yield room
    room.clear()


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


def large_texts(count: int, head: str) -> list[str]:
    """Return different texts of ASCII that fill a frame to its last byte, once `head` is there."""
    return [str(number).ljust(MAX_PAYLOAD_SIZE - len(head), "x") for number in range(count)]


# -------------------------------------------------------------------------------- a conversation


@pytest.mark.parametrize("version", VERSIONS)
def test_a_conversation_over_tls(room: Room, version: str) -> None:
    alice = room.connect("alice", version)
    assert alice.tls.version() == f"TLSv{version}"
    bob = room.connect("bob", version)
    alice.expect("JOINED bob")
    bob.send("MSG alice hi")
    alice.expect("MSG bob alice hi")
    alice.send("MSG BROADCAST guten Tag, Björn 🎈")
    bob.expect("MSG alice BROADCAST guten Tag, Björn 🎈")
    bob.close()
    alice.expect("LEFT bob")


def test_tls_1_1_is_refused(room: Room) -> None:
    """A hello of TLS 1.1, written by hand (RFC 4346, 7.4.1.2), gets the alert protocol_version."""
    suites = bytes.fromhex("c013 c014 c009 c00a 002f 0035")
    body = b"\x03\x02" + bytes(32) + b"\0" + len(suites).to_bytes(2, "big") + suites + b"\x01\0"
    hello = b"\x01" + len(body).to_bytes(3, "big") + body
    client = room.plain()
    client.send_bytes(b"\x16\x03\x01" + len(hello).to_bytes(2, "big") + hello)
    alert = client.socket.recv(100)
    assert (alert[0], alert[-2:]) == (21, bytes([2, 70])), "alert, fatal, protocol_version"
    assert client.socket.recv(100) == b""


def test_a_broadcast_reaches_all_kinds_of_listeners(room: Room) -> None:
    old = room.connect("old", "1.2")
    new = room.connect("new", "1.3")
    lazy = room.connect("lazy", receive_buffer=4096)
    with room.person("ann") as person:
        for number in range(20):
            old.send(f"MSG BROADCAST {number} {'x' * 1000}")
        old.send("MSG BROADCAST done")
        said = [f"MSG old BROADCAST {number} {'x' * 1000}" for number in range(20)]
        for listener in (new, lazy):
            before = listener.receive_until("MSG old BROADCAST done")
            assert [payload for payload in before if payload.startswith("MSG")] == said
        person.sees("old: done")


# ------------------------------------------------------------------- what TLS does to a select()


@pytest.mark.parametrize("kind", ["room", "cramped_room"])
@pytest.mark.parametrize("version", VERSIONS)
def test_the_largest_frames_go_both_ways_at_once_between_slow_readers(
    kind: str, version: str, request: pytest.FixtureRequest
) -> None:
    room: Room = request.getfixturevalue(kind)
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


@pytest.mark.slow
def test_megabytes_wait_for_a_slow_reader_and_arrive_whole(room: Room) -> None:
    alice = room.connect("alice")
    bob = room.connect("bob", receive_buffer=4096)
    alice.expect("JOINED bob")
    texts = large_texts(1500, "MSG alice bob ")  # 15 MB: more than the kernels hold
    alice.send(*(f"MSG bob {text}" for text in texts))
    alice.round_trip()
    bob.expect(*(f"MSG alice bob {text}" for text in texts))


@pytest.mark.parametrize("kind", ["room", "cramped_room"])
def test_no_decrypted_request_is_left_lying(kind: str, request: pytest.FixtureRequest) -> None:
    """All arrives in one go, several records of it; nothing follows that would wake select()."""
    client = request.getfixturevalue(kind).connect("alice")
    client.send(*(f"MSG alice {number} {'x' * 700}" for number in range(90)))  # 64 KB
    client.expect(*(f"MSG alice alice {number} {'x' * 700}" for number in range(90)))
    client.send(*["GET_NAMES"] * 1000)  # 13 KB: one record
    client.expect(*["NAMES 1 alice"] * 1000)


def test_a_request_cut_into_a_record_for_each_byte_is_one_request(room: Room) -> None:
    alice = room.connect("alice")
    for byte in frames("MSG alice ünteilbar"):
        alice.send_bytes(bytes([byte]))
    alice.expect("MSG alice alice ünteilbar")


@needs_proc
def test_a_handshake_that_waits_for_room_to_write_goes_on(
    start_server: StartServer, tmp_path: Path
) -> None:
    """A read that has to write: a certificate larger than what the kernel takes at once."""
    many = ",".join(f"DNS:{'x' * 40}{number}.example" for number in range(700))
    long = make_certificate(tmp_path, "long", f"IP:127.0.0.1,{many}")
    noting = """
receive = chat_server.TLSStream.recv
def receive_noting(self, size):
    try:
        return receive(self, size)
    finally:
        if self.unsent:
            print("a read waits for room to write", flush=True)
chat_server.TLSStream.recv = receive_noting
"""
    server = start_server(*long.for_server, program=prepared_server(CRAMPED + noting))
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


@pytest.mark.parametrize("selector", sorted(SELECTORS.keys() - {"select", "auto"}))
def test_every_selector_serves_tls(
    start_server: StartServer, certificate: Certificate, selector: str
) -> None:
    options = ("--selector", selector, "--rate", "0", *certificate.for_server)
    room = Room(start_server(*options, program=prepared_server(CRAMPED)), certificate)
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


# -------------------------------------------------------------------------------------- the ends


@pytest.mark.parametrize("version", VERSIONS)
def test_the_reason_arrives_and_then_close_notify(room: Room, version: str) -> None:
    """An end without close_notify would raise SSLEOFError here: it could be an attacker's cut."""
    leaver = room.connect("leaver", version)
    leaver.send("EXIT")
    assert leaver.receive_all() == ["BYE"]
    stranger = room.connect("stranger", version)
    stranger.send_bytes(b"GET / HTTP/1.1\r\n\r\n")
    stranger.expect_error("BAD_FRAME")
    assert stranger.receive_all() == []


def test_close_notify_waits_for_room(certificate: Certificate) -> None:
    server_side, client_side = socket.socketpair()
    server_side.setblocking(False)
    context = chat_server.load_tls(certificate.file, certificate.key)
    stream = chat_server.TLSStream(server_side, context)
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
    while stream.is_shaking_hands or not heard:
        assert select.select([stream], [], [], DEADLINE)[0]
        with suppress(BlockingIOError):
            heard.append(stream.recv(65536))
    sent = 0
    with suppress(BlockingIOError):
        while True:
            sent += stream.send(bytes(65536))
    with pytest.raises(BlockingIOError):
        stream.shutdown(socket.SHUT_WR)
    slow.set()
    while stream.unsent:
        assert select.select([], [stream], [], DEADLINE)[1]
        stream.flush()
    stream.shutdown(socket.SHUT_WR)
    listener.join(DEADLINE)
    assert sent < len(b"".join(heard[1:])), "and what was on its way when there was no more room"
    stream.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_close_notify_follows_last_words_that_filled_the_kernel(
    cramped_room: Room, version: str
) -> None:
    """One of these many sizes leaves room for BYE, and none for what has to follow it."""
    for count in range(1, 200):
        name = f"alice{count}"
        client = cramped_room.connect(name, version, receive_buffer=4096)
        client.send(*(f"MSG {name} {'x' * 30}" for _ in range(count)), "EXIT")
        cramped_room.server.wait_for_line(f"{name} gone: left")
        assert client.receive_all()[-1] == "BYE"
        client.close()


def test_the_reason_overtakes_what_a_flooding_client_still_sends(room: Room) -> None:
    client = room.connect("alice")
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


def test_a_client_that_ends_its_side_of_tls_is_still_answered(room: Room) -> None:
    alice, bob = room.people("alice", "bob")
    bob.send("MSG alice one", "MSG alice two")
    bob.tls.unwrap()  # sends close_notify, and waits for the server's
    alice.expect("MSG bob alice one", "MSG bob alice two", "LEFT bob")


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


# -------------------------------------------------------------------- records that carry nothing


def libraries_of_openssl() -> tuple[ctypes.CDLL, ctypes.CDLL]:
    found = ctypes.util.find_library("ssl"), ctypes.util.find_library("crypto")
    if None in found:
        pytest.skip("needs the libraries of openssl")
    return ctypes.CDLL(found[0]), ctypes.CDLL(found[1])


def key_updates(socket_: socket.socket, count: int, *, to_be_answered: bool) -> bytes:
    """Shake hands over a socket, and return many records that only announce new keys.

    RFC 8446, 4.6.3: the other side may be asked for new keys as well. The ssl module cannot make
    them; the library behind it can.
    """
    tls, crypto = libraries_of_openssl()
    for function in (tls.TLS_client_method, tls.SSL_CTX_new, tls.SSL_new):
        function.restype = ctypes.c_void_p
    for function in (crypto.BIO_new, crypto.BIO_s_mem):
        function.restype = ctypes.c_void_p
    pointer = ctypes.c_void_p
    stream = pointer(tls.SSL_new(pointer(tls.SSL_CTX_new(pointer(tls.TLS_client_method())))))
    arrived, produced = (pointer(crypto.BIO_new(pointer(crypto.BIO_s_mem()))) for _ in range(2))
    tls.SSL_set_bio(stream, arrived, produced)
    tls.SSL_set_connect_state(stream)
    buffer = ctypes.create_string_buffer(65536)

    def take() -> bytes:
        taken = bytearray()
        while (size := crypto.BIO_read(produced, buffer, len(buffer))) > 0:
            taken += buffer.raw[:size]
        return bytes(taken)

    while tls.SSL_do_handshake(stream) != 1:
        socket_.sendall(take())
        data = socket_.recv(65536)
        crypto.BIO_write(arrived, data, len(data))
    socket_.sendall(take())
    for _ in range(count):
        assert tls.SSL_key_update(stream, int(to_be_answered)) == 1
        assert tls.SSL_do_handshake(stream) == 1
    return take()


def sealed(secret: bytes, number: int, kind: int, data: bytes) -> bytes:
    """Return a client's `number`th record of any kind (RFC 8446, 5.2): AES-256 in GCM, SHA-384."""
    crypto = libraries_of_openssl()[1]
    crypto.EVP_CIPHER_CTX_new.restype = crypto.EVP_aes_256_gcm.restype = ctypes.c_void_p

    def derived(label: bytes, size: int) -> bytes:  # HKDF-Expand-Label, 7.1
        label = b"tls13 " + label
        info = size.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0" + b"\1"
        return hmac.digest(secret, info, "sha384")[:size]

    nonce = int.from_bytes(derived(b"iv", 12), "big") ^ number
    plain = data + bytes([kind])
    header = b"\x17\x03\x03" + (len(plain) + 16).to_bytes(2, "big")
    context = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    cipher = ctypes.c_void_p(crypto.EVP_aes_256_gcm())
    size = ctypes.byref(ctypes.c_int())
    text, tag = ctypes.create_string_buffer(len(plain)), ctypes.create_string_buffer(16)
    key = derived(b"key", 32)
    crypto.EVP_EncryptInit_ex(context, cipher, None, key, nonce.to_bytes(12, "big"))
    crypto.EVP_EncryptUpdate(context, None, size, header, len(header))
    crypto.EVP_EncryptUpdate(context, text, size, plain, len(plain))
    crypto.EVP_EncryptFinal_ex(context, tag, size)
    crypto.EVP_CIPHER_CTX_ctrl(context, 0x10, 16, tag)  # EVP_CTRL_AEAD_GET_TAG
    crypto.EVP_CIPHER_CTX_free(context)
    return header + text.raw + tag.raw


def test_who_goes_within_a_message_of_tls_itself_has_left(room: Room, tmp_path: Path) -> None:
    """Half a KeyUpdate: OpenSSL says nothing more until it has the rest."""
    alice = room.connect("alice")
    context = trusting(room.certificate, "1.3")
    context.keylog_filename = str(tmp_path / "keys")
    bob = TLSClient(room.address, context)
    bob.name("bob")  # the first record
    alice.expect("JOINED bob")
    assert bob.tls.cipher() == ("TLS_AES_256_GCM_SHA384", "TLSv1.3", 256)
    (found,) = re.findall(r"CLIENT_TRAFFIC_SECRET_0 \w+ (\w+)", (tmp_path / "keys").read_text())
    secret = bytes.fromhex(found)
    requests = sealed(secret, 1, 23, b"0000" * 800)  # answered with more than may wait for it
    os.write(bob.tls.fileno(), requests + sealed(secret, 2, 22, b"\x18\0\0\1"))
    alice.round_trip()
    bob.close()
    alice.expect("LEFT bob")


@pytest.mark.slow
def test_records_that_carry_nothing_hold_up_nobody(room: Room) -> None:
    """One read of OpenSSL's own would work all of them off before it returns: two seconds."""
    alice = room.connect("alice")
    flooder = room.plain().socket
    flooder.settimeout(DEADLINE)
    flood = key_updates(flooder, 300_000, to_be_answered=False)
    sending = threading.Thread(target=flooder.sendall, args=[flood])
    sending.start()
    longest = 0.0
    while sending.is_alive():
        longest = max(longest, alice.round_trip())
    assert longest < NOTICEABLE_SECONDS
    sending.join()


@pytest.mark.slow
def test_answers_that_nobody_reads_do_not_pile_up(room: Room) -> None:
    """A server that reads on would have an answer waiting for every record that came."""
    alice = room.connect("alice")
    flooder = room.plain().socket
    flooder.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    flood = key_updates(flooder, 300_000, to_be_answered=True)
    assert len(flood) > KERNEL_SIZE
    flooder.setblocking(False)
    while flood and select.select([], [flooder], [], 0.5)[1]:
        flood = flood[flooder.send(flood) :]
        alice.round_trip()
    assert flood, "it goes on reading"
    while not select.select([], [flooder], [], 0)[1]:  # once they are read, it goes on
        assert select.select([flooder], [], [], DEADLINE)[0]
        flooder.recv(65536)


# ------------------------------------------------------------------------- handshakes that stall


def test_a_handshake_byte_by_byte_beside_a_chat_that_goes_on(room: Room) -> None:
    alice = room.connect("alice")
    handshake = room.handshake()
    for flight in handshake.flights():
        for byte in flight:
            handshake.client.send_bytes(bytes([byte]))
            assert alice.round_trip() < NOTICEABLE_SECONDS
    assert handshake.ask("NAME patient") == "HELLO patient"
    alice.expect("JOINED patient")


@pytest.mark.parametrize("version", ["1.3", pytest.param("1.2", marks=pytest.mark.slow)])
def test_a_handshake_given_up_at_every_byte_leaves_nothing_behind(room: Room, version: str) -> None:
    """By turns with an orderly close and with a reset."""
    alice, bob = room.people("alice", "bob")
    size = 0
    going_on = True
    while going_on:
        handshake = room.handshake(version)
        going_on = handshake.send_only(size)
        if size % 2:
            handshake.client.reset()
        else:
            handshake.client.close()
        bob.send(f"MSG alice {size}")
        alice.expect(f"MSG bob alice {size}")
        size += 1
    assert size > 200, "a hello alone has more bytes than that"
    room.server.wait_for_line("gone: ", count=size - 1)
    assert alice.ask("GET_NAMES") == "NAMES 2 alice bob"


@needs_proc
def test_200_half_made_handshakes_delay_nobody_and_cost_nothing(room: Room) -> None:
    alice, bob = room.people("alice", "bob")
    before = descriptors(room.server.pid)
    stalled = []
    for number in range(200):
        stalled.append(room.handshake())
        assert stalled[-1].send_only(number * 3 % 500), "that was all of it"
    longest = 0.0
    for number in range(100):
        start = time.monotonic()
        bob.send(f"MSG alice {number}")
        alice.expect(f"MSG bob alice {number}")
        longest = max(longest, time.monotonic() - start)
    assert longest < NOTICEABLE_SECONDS
    used = cpu_seconds(room.server.pid)
    assert quiet_for(0.3, alice, bob)
    assert cpu_seconds(room.server.pid) - used < 0.1, "it spins"
    for handshake in stalled:
        handshake.client.close()
    wait_until(lambda: len(descriptors(room.server.pid)) <= len(before), "all are forgotten")


def test_a_class_that_begins_its_handshakes_at_once_holds_up_nobody(
    start_server: StartServer, certificate: Certificate
) -> None:
    """On a machine that computes 20 ms for each of them: more than a second in all."""
    slow_machine = """
import time, chat_server
receive = chat_server.TLSStream.recv
def receive_slowly(stream, size):
    if not stream._begun:
        time.sleep(0.02)
    return receive(stream, size)
chat_server.TLSStream.recv = receive_slowly
"""
    server = start_server(*certificate.for_server, program=prepared_server(slow_machine))
    room = Room(server, certificate)
    alice = room.connect("alice")
    newcomers = [room.handshake() for _ in range(70)]
    server.wait_for_line(" connected ", count=72)
    flights = [newcomer.flights() for newcomer in newcomers]
    for newcomer, hello in zip(newcomers, map(next, flights), strict=True):
        newcomer.client.send_bytes(hello)
    assert alice.round_trip() < NOTICEABLE_SECONDS
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
    hasty = prepared_server("import chat_server; chat_server.FAREWELL_SECONDS = 0.5")
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


@posix_only
def test_a_reset_before_the_server_has_looked_costs_it_nothing(room: Room) -> None:
    alice = room.connect("alice")
    with room.server.paused():
        for size in (0, 1, 6, 600):
            client = room.plain()
            client.send_bytes((b"\x16\x03\x01\x02\x00" + bytes(600))[:size])
            client.reset()
    assert alice.ask("GET_NAMES") == "NAMES 1 alice"


def test_garbage_that_begins_like_a_handshake_ends_only_its_sender(room: Room) -> None:
    alice = room.connect("alice")
    for garbage in (b"\x16" * 3000, b"\x16\x03\x01\x40\x00" + bytes(0x4000), b"\x16\x03\x01\0\0"):
        client = room.plain()
        client.send_bytes(garbage)
        try:
            client.end_input()
        except OSError:
            pass  # the server was faster
        assert b"ERROR" not in everything_from(client), "nothing plain goes into TLS"
    assert alice.ask("GET_NAMES") == "NAMES 1 alice"


@posix_only
def test_places_are_counted_as_ever(start_server: StartServer, certificate: Certificate) -> None:
    """A connection over TLS takes one descriptor, like any other."""
    few = ("sh", "-c", 'ulimit -n 64 && exec "$0" "$@"')
    server = start_server(*certificate.for_server, prefix=few)
    places = int(server.wait_for_line(r"Room for (\d+) people")[1])
    address, context = (server.host, server.port), trusting(certificate)
    clients = [TLSClient(address, context) for _ in range(places)]
    assert clients[-1].ask("NAME last") == "HELLO last"
    for _ in range(30):
        refused = Client(address)
        refused.expect_error("SERVER_FULL")
        assert refused.receive_all() == []
        refused.close()
    clients.pop(0).close()
    server.wait_for_line("gone: ")
    clients.append(TLSClient(address, context))
    assert clients[-1].ask("NAME late") == "HELLO late"
    for client in clients:
        client.close()


# ------------------------------------------------------------- one side speaks TLS, the other not


@pytest.mark.parametrize(
    "first_words",
    [b"0", frames("NAME alice"), frames("NAME alice", "GET_NAMES", "EXIT"), b"GET / HTTP/1.0\n\n"],
)
def test_a_plain_client_is_told_in_a_plain_frame(room: Room, first_words: bytes) -> None:
    client = room.plain()
    client.send_bytes(first_words)
    client.expect_error("TLS_REQUIRED")
    assert client.receive_all() == [], "nothing else, and the connection closes"


def test_a_plain_client_is_told_though_it_goes_on_sending(room: Room) -> None:
    client = room.plain()
    client.send_meanwhile(frames("NAME alice") * 500_000)
    client.expect_error("TLS_REQUIRED")
    assert client.receive_all() == []


def test_a_plain_terminal_client_says_that_the_server_wants_tls(room: Room) -> None:
    done = run_piped(CLIENT, "127.0.0.1", str(room.server.port), "--name", "plain", typed="hi\n")
    assert done.returncode == 1
    assert "--tls" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_tls_client_at_a_plain_port_ends_only_itself(server: ServerProcess) -> None:
    alice = server.connect("alice")
    with pytest.raises(ssl.SSLError):
        TLSClient((server.host, server.port), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert alice.ask("GET_NAMES") == "NAMES 1 alice"


# ------------------------------------------------------------------------------ what is not trusted


@contextmanager
def showing(certificate: Certificate) -> Iterator[int]:
    """Listen, and shake hands with one caller, showing this certificate; yields the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.file, certificate.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)

        def shake_hands() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(DEADLINE)
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    pass  # the caller does not trust us, as it should

        thread = threading.Thread(target=shake_hands, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(DEADLINE)


def dated_certificate(folder: Path, name: str, first: str, last: str) -> Certificate:
    """Make a certificate that is valid between two days (YYYYMMDD)."""
    made = Certificate(str(folder / f"{name}.pem"), str(folder / f"{name}.key"))
    rules = (
        "database = index\nserial = serial\nnew_certs_dir = .\npolicy = any\ndefault_md = sha256"
    )
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca = this\n[this]\n{rules}\ncopy_extensions = copy\nunique_subject = no\n"
        "[any]\ncommonName = supplied\n"
    )
    (folder / "index").write_text("")
    (folder / "serial").write_text("01")
    openssl(
        folder,
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", made.key, "-out", "request", "-subj", f"/CN={name}"),
        *("-addext", "subjectAltName=IP:127.0.0.1"),
    )
    openssl(
        folder,
        *("ca", "-batch", "-config", "ca.cnf", "-selfsign", "-keyfile", made.key, "-notext"),
        *("-in", "request", "-out", made.file),
        *("-startdate", f"{first}000000Z", "-enddate", f"{last}000000Z"),
    )
    return made


# What is wrong with the certificate: words of the sentence that the person reads.
REFUSALS = {
    "nobody's": "trusted by nobody",
    "another authority's": "trusted by nobody",
    "another address's": "for another address",
    "another name's": "for another name",
    "expired": "expired",
    "not valid yet": "not valid yet",
}


@pytest.fixture(scope="module")
def refusals(
    certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, subprocess.CompletedProcess[str]]:
    """What the client says to each certificate that it must refuse. All at once: it takes time."""
    folder = tmp_path_factory.mktemp("refused")
    elsewhere = make_certificate(folder, "elsewhere", "DNS:other.example,IP:127.0.0.9")
    numbered = make_certificate(folder, "numbered", "IP:127.0.0.1")
    expired = dated_certificate(folder, "expired", "20200101", "20210101")
    early = dated_certificate(folder, "early", "20900101", "20910101")
    cases = {
        "nobody's": (certificate, "127.0.0.1", ["--tls"]),
        "another authority's": (certificate, "127.0.0.1", ["--tls", "--tls-ca", elsewhere.file]),
        "another address's": (elsewhere, "127.0.0.1", elsewhere.for_client),
        "another name's": (numbered, "localhost", numbered.for_client),
        "expired": (expired, "127.0.0.1", expired.for_client),
        "not valid yet": (early, "127.0.0.1", early.for_client),
    }
    said: dict[str, subprocess.CompletedProcess[str]] = {}

    def try_it(case: str) -> None:
        shown, host, options = cases[case]
        with showing(shown) as port:
            said[case] = run_piped(CLIENT, host, str(port), "--name", "alice", *options)

    threads = [threading.Thread(target=try_it, args=(case,)) for case in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_wrong_with_a_certificate_is_said_in_a_sentence(
    refusals: dict[str, subprocess.CompletedProcess[str]], case: str
) -> None:
    assert_gave_up_with_a_sentence(refusals[case], REFUSALS[case])


def assert_gave_up_with_a_sentence(done: subprocess.CompletedProcess[str], words: str) -> None:
    """Exit code 1, and one line for people that holds these words."""
    assert done.returncode == 1
    (line,) = (done.stdout + done.stderr).splitlines()
    assert words in line
    assert line.endswith(".")


def test_a_server_that_does_not_speak_tls_is_said_in_a_sentence(server: ServerProcess) -> None:
    done = run_piped(CLIENT, "127.0.0.1", str(server.port), "--tls", "--name", "alice")
    assert_gave_up_with_a_sentence(done, "does not speak TLS")
    assert server.connect("alice"), "the server goes on"


def test_a_refused_certificate_does_not_harm_the_server(room: Room) -> None:
    alice = room.connect("alice")
    with pytest.raises(ssl.SSLCertVerificationError):
        TLSClient(room.address, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))  # trusts nobody
    assert alice.ask("GET_NAMES") == "NAMES 1 alice"


def test_a_handshake_broken_off_by_the_server_is_said_in_a_sentence(
    certificate: Certificate,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        trusted = chat_client.load_tls(certificate.file)
        session = chat_client.Session("127.0.0.1", listener.getsockname()[1], tls=trusted)
        closer = threading.Thread(target=lambda: listener.accept()[0].close())
        closer.start()
        assert not chat_client.wait_until_connected(session)
        closer.join()
    (line,) = session.take_lines()
    assert str(line).startswith("! No TLS connection to 127.0.0.1: ")
    assert session.exit_code == 1


# ------------------------------------------------------------------------- the terminal client


def test_a_person_talks_over_tls(room: Room) -> None:
    alice = room.connect("alice")
    with room.person("ann") as person:
        alice.expect("JOINED ann")
        person.type("hello over TLS\r")
        alice.expect("MSG ann BROADCAST hello over TLS")
        alice.send("MSG ann hello back")
        person.sees("alice → you: hello back")
        person.type("/quit\r")
        assert person.wait_exit() == 0
        assert "* goodbye" in person.screen.text()
        alice.expect("LEFT ann")


def test_a_piped_client_talks_over_tls_by_the_servers_name(room: Room) -> None:
    alice = room.connect("alice")
    options = ("--name", "pia", *room.certificate.for_client)
    done = run_piped(CLIENT, "localhost", str(room.server.port), *options, typed="hi\n/names\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "* here (2): alice, pia" in done.stdout
    alice.expect("JOINED pia", "MSG pia BROADCAST hi", "LEFT pia")


def test_an_authority_of_ones_own_is_trusted(start_server: StartServer, tmp_path: Path) -> None:
    """The school signs the server's certificate; the clients know only the school's."""
    may_sign = "keyUsage=critical,keyCertSign"
    school = make_certificate(tmp_path, "school", "DNS:school.example", may_sign)
    made = Certificate(str(tmp_path / "room12.pem"), str(tmp_path / "room12.key"))
    (tmp_path / "names").write_text(
        "subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
    )
    openssl(
        tmp_path,
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", made.key, "-out", "request", "-subj", "/CN=room12"),
    )
    openssl(
        tmp_path,
        *("x509", "-req", "-in", "request", "-out", made.file, "-days", "2", "-CA", school.file),
        *("-CAkey", school.key, "-CAcreateserial", "-extfile", "names"),
    )
    server = start_server(*made.for_server)
    done = run_piped(CLIENT, "127.0.0.1", str(server.port), "--name", "ann", *school.for_client)
    assert (done.returncode, done.stderr) == (0, "")
    assert "* you are ann" in done.stdout


def test_a_client_leaves_nothing_decrypted_lying(room: Room) -> None:
    """One record arrives, and it reads less than that at a time."""
    alice = room.connect("alice")
    with room.person("ann", program=prepared_client(CRAMPED_CLIENT)) as person:
        alice.expect("JOINED ann")
        alice.send(*(f"MSG ann {number} {'x' * 500}" for number in range(20)))
        person.wait_for("alice → you: 19 x")


def test_a_client_finishes_what_it_began_to_write(room: Room) -> None:
    """It talks to itself, and its kernel takes a few KiB at a time."""
    texts = large_texts(50, "MSG ann ann " + "room for a name that is not yet ours" * 3)
    done = run_piped(
        *prepared_client(CRAMPED_CLIENT),
        *("127.0.0.1", str(room.server.port), "--name", "ann", *room.certificate.for_client),
        typed="".join(f"MSG ann {text}\n" for text in texts),
    )
    assert (done.returncode, done.stderr) == (0, "")
    heard = [line[6:] for line in done.stdout.splitlines() if "ann → you: " in line]
    assert heard == [f"ann → you: {text}" for text in texts]


@posix_only
def test_a_person_is_back_over_tls_after_the_connection_broke(
    start_server: StartServer, certificate: Certificate
) -> None:
    first = start_server(*certificate.for_server)
    at_once = prepared_client("import random; random.uniform = lambda low, high: 0.05")
    with Person(first.port, "ann", *certificate.for_client, program=at_once) as person:
        person.wait_for("* here (")
        first.may_end = True
        first.process.kill()
        person.wait_for("* trying again in")
        start_server("--port", str(first.port), *certificate.for_server)
        person.wait_for("* you are back as ann")


# ----------------------------------------------------------------------------------- the options


@pytest.mark.parametrize("options", [["--tls-cert", "cert.pem"], ["--tls-key", "cert.key"]])
def test_a_certificate_without_its_key_shows_the_usage(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        chat_server.main(options)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_an_authority_without_tls_shows_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        chat_client.main(["--tls-ca", "cert.pem"])
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_no_option_turns_the_check_off(
    certificate: Certificate, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        chat_client.main(["--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert {option for option in options if "tls" in option} == {"--tls", "--tls-ca"}
    assert not [word for word in options if re.search("insecure|verify|unsafe|trust", word)]
    context = chat_client.load_tls(certificate.file)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.fixture
def bad_files(tmp_path: Path, certificate: Certificate) -> Path:
    """A folder with files that are no certificate."""
    (tmp_path / "garbage").write_text("Dear diary,\n")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "good.pem").write_bytes(Path(certificate.file).read_bytes())
    other = make_certificate(tmp_path, "other", "IP:127.0.0.1")
    (tmp_path / "good.key").write_bytes(Path(certificate.key).read_bytes())
    (tmp_path / "another.key").write_bytes(Path(other.key).read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("missing", "good.key"),
        ("good.pem", "missing"),
        ("garbage", "good.key"),
        ("good.pem", "garbage"),
        ("empty", "empty"),
        ("folder", "good.key"),
        ("good.pem", "another.key"),
    ],
)
def test_a_server_without_a_usable_certificate_says_so_in_a_sentence(
    bad_files: Path, file: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--tls-cert", str(bad_files / file), "--tls-key", str(bad_files / key))
    assert chat_server.main(list(options)) == 1
    said = capsys.readouterr()
    assert said.out == "", "it does not even begin to listen"
    (line,) = said.err.splitlines()
    assert str(bad_files) in line
    assert line.endswith(".")


@pytest.mark.parametrize("file", ["missing", "garbage", "empty", "folder"])
def test_a_client_without_usable_certificates_says_so_in_a_sentence(
    bad_files: Path, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chat_client.main(["--tls", "--tls-ca", str(bad_files / file)]) == 1
    said = capsys.readouterr()
    (line,) = (said.out + said.err).splitlines()
    assert str(bad_files / file) in line
    assert line.endswith(".")


def test_the_server_shows_the_command_that_gets_there_over_tls(tls_server: ServerProcess) -> None:
    assert f"python chat_client.py --tls 127.0.0.1 {tls_server.port}" in tls_server.lines[1]


def test_nobody_imports_ssl_who_does_not_ask_for_it() -> None:
    for program in (SERVER, CLIENT):
        code = (
            f"import runpy, sys\ntry:\n runpy.run_path({program!r}, run_name='__main__')\n"
            "except SystemExit: pass\nprint('ssl' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, "--version"],
            capture_output=True,
            encoding="utf-8",
            timeout=DEADLINE,
            env={"PYTHONPATH": str(Path(program).parent)},
        )
        assert done.stdout.splitlines()[-1] == "False", done.stderr
