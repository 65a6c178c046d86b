"""docs/chat.lua: what Wireshark shows of a conversation with the real server.

The conversation is held twice. Once dumpcap captures it on the loopback, which a system may allow
to few; once the sockets note their own bytes, which are then written as a capture. tshark, which
is Wireshark without a window, reads both.
"""

from __future__ import annotations

import os
import shutil
import ssl
import struct
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from harness import DEADLINE, ROOT, Client, ServerProcess, frames, wait_until

import chat_protocol as protocol

TSHARK = shutil.which("tshark")
DUMPCAP = shutil.which("dumpcap")
LOOPBACK = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)
DISSECTOR = ROOT / "docs" / "chat.lua"
HOMES = ("HOME", "APPDATA", "WIRESHARK_CONFIG_DIR")  # where it looks for settings and plugins
RAW_IP = 101  # the link type of a capture whose packets begin with their IP header
BROWSER_REQUEST = b"GET / HTTP/1.1\r\n\r\n"
LAST_WORDS = "that was all"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(TSHARK is None, reason="needs tshark")]

Fields = list[tuple[str, str]]  # name and value; a name may come several times
Frames = dict[int, list[Fields]]  # by the client's port


# ------------------------------------------------------------------------------ the conversation


@dataclass
class Conversation:
    """What was said, as the dissector should find it."""

    connect: Callable[[], Client]
    requests: Frames = field(default_factory=lambda: defaultdict(list))
    answers: Frames = field(default_factory=lambda: defaultdict(list))

    def says(self, client: Client, payload: str, shape: str) -> None:
        """Send a request; `shape` names its fields."""
        client.send(payload)
        self.said(client, payload, shape)

    def said(self, client: Client, payload: str, shape: str) -> None:
        self.requests[port_of(client)].append(fields_of(payload, shape))

    def hears(self, client: Client, payload: str, shape: str) -> None:
        """Receive exactly this; `shape` names its fields."""
        client.expect(payload)
        self.answers[port_of(client)].append(fields_of(payload, shape))

    def hears_error(self, client: Client, code: str) -> None:
        answer = client.receive()
        assert answer.startswith(f"ERROR {code} "), answer
        self.answers[port_of(client)].append(fields_of(answer, "verb error_code text"))


def port_of(client: Client) -> int:
    return int(client.socket.getsockname()[1])


def fields_of(payload: str, shape: str) -> Fields:
    """Take a payload apart: one word for each field, and the last field takes the rest."""
    size = ("length", str(len(payload.encode())))
    if not payload:
        return [size]
    names = shape.split()
    words = payload.rstrip("\r\n").split(" ", len(names) - 1)
    return [size, ("payload", payload), *zip(names, [words[0].upper(), *words[1:]], strict=True)]


def converse(conversation: Conversation) -> None:
    """Say everything that a dissector can stumble over."""
    says, said, hears = conversation.says, conversation.said, conversation.hears
    alice, bob = conversation.connect(), conversation.connect()
    says(alice, "NAME alice", "verb name")
    hears(alice, "HELLO alice", "verb name")
    says(bob, "name bob\r\n", "verb name")  # as many first clients send it
    hears(bob, "HELLO bob", "verb name")
    hears(alice, "JOINED bob", "verb name")

    # One frame in three segments: cut within the length field, and within a character.
    data = frames("MSG bob žluťoučký  kůň")
    for part in (data[:2], data[2:13], data[13:]):
        alice.send_bytes(part)
    said(alice, "MSG bob žluťoučký  kůň", "verb addressee text")
    hears(bob, "MSG alice bob žluťoučký  kůň", "verb sender addressee text")

    # In one segment the end of a frame, two whole ones and the beginning of the next.
    data = frames("MSG bob one", "MSG bob two", "GET_NAMES", "MSG BROADCAST three")
    for part in (data[:9], data[9:-4], data[-4:]):
        alice.send_bytes(part)
    said(alice, "MSG bob one", "verb addressee text")
    said(alice, "MSG bob two", "verb addressee text")
    said(alice, "GET_NAMES", "verb")
    said(alice, "MSG BROADCAST three", "verb addressee text")
    hears(alice, "NAMES 2 alice bob", "verb total name name")
    hears(bob, "MSG alice bob one", "verb sender addressee text")
    hears(bob, "MSG alice bob two", "verb sender addressee text")
    hears(bob, "MSG alice BROADCAST three", "verb sender addressee text")

    says(bob, "NAME José", "verb name")
    hears(bob, "HELLO José", "verb name")
    hears(alice, "RENAMED bob José", "verb old_name new_name")
    says(bob, "BLOCK alice", "verb name")
    hears(bob, "BLOCKED alice", "verb name")
    says(bob, "UNBLOCK alice", "verb name")
    hears(bob, "UNBLOCKED alice", "verb name")
    says(bob, "PASS open sesame", "verb password")
    hears(bob, "ACCEPTED", "verb")

    says(bob, "NAME alice", "verb name")
    conversation.hears_error(bob, "NAME_TAKEN")
    says(bob, "WAVE", "verb")
    conversation.hears_error(bob, "UNKNOWN_COMMAND")
    says(bob, "", "")
    conversation.hears_error(bob, "UNKNOWN_COMMAND")
    bob.send_bytes(b"0003W\xffE")
    conversation.requests[port_of(bob)].append(
        [("length", "3"), ("payload", "W�E"), ("verb", "W�E")]
    )
    conversation.hears_error(bob, "BAD_TEXT")
    says(bob, "EXIT", "verb")
    hears(bob, "BYE", "verb")
    assert bob.receive_all() == []
    hears(alice, "LEFT José", "verb name")

    browser, tls_client = conversation.connect(), conversation.connect()
    browser.send_bytes(BROWSER_REQUEST)
    conversation.requests[port_of(browser)].append([("rest", BROWSER_REQUEST.hex(":"))])
    data = tls_hello()
    for part in (data[:100], data[100:]):
        tls_client.send_bytes(part)
    for stranger in (browser, tls_client):
        conversation.hears_error(stranger, "BAD_FRAME")
        stranger.end_input()
        assert stranger.receive_all() == []

    says(alice, f"MSG alice {LAST_WORDS}", "verb addressee text")
    hears(alice, f"MSG alice alice {LAST_WORDS}", "verb sender addressee text")


def tls_hello() -> bytes:
    """Return what a client of a server with TLS sends first."""
    outgoing = ssl.MemoryBIO()
    connection = ssl.create_default_context().wrap_bio(
        ssl.MemoryBIO(), outgoing, server_hostname="chat"
    )
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


# ----------------------------------------------------------------------------------- the captures


@dataclass
class Capture:
    """A capture file, and what should be found in it."""

    path: Path
    server_port: int
    conversation: Conversation


@pytest.fixture(scope="module", params=[pytest.param("live", marks=pytest.mark.slow), "recorded"])
def capture(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """One real conversation, captured on the loopback or recorded at the sockets."""
    path = tmp_path_factory.mktemp(request.param) / "chat.pcap"
    server = ServerProcess("--rate", "0")
    try:
        return (capture_live if request.param == "live" else record)(server, path)
    finally:
        server.close()


def capture_live(server: ServerProcess, path: Path) -> Capture:
    """Converse while dumpcap captures."""
    if DUMPCAP is None or LOOPBACK is None:
        pytest.skip("needs dumpcap, and a loopback interface whose name we know")
    conversation = Conversation(server.connect)
    log = path.with_name("dumpcap.log")
    filter_ = f"tcp port {server.port}"
    with log.open("w") as output:
        dumpcap = subprocess.Popen(
            [DUMPCAP, "-P", "-i", LOOPBACK, "-f", filter_, "-w", str(path)], stderr=output
        )
    try:
        # dumpcap tells the file's name once it captures, and not before.
        wait_until(lambda: "File:" in log.read_text() or dumpcap.poll() is not None, "capturing")
        if dumpcap.poll() is not None:
            complaints = [line for line in log.read_text().splitlines() if "dumpcap: " in line]
            pytest.skip(f"may not capture here: {complaints[-1] if complaints else 'no reason'}")
        converse(conversation)
        asked_and_answered = 2
        wait_until(
            lambda: path.read_bytes().count(LAST_WORDS.encode()) == asked_and_answered,
            "the last words are in the capture",
        )
    finally:
        dumpcap.terminate()
        dumpcap.wait(DEADLINE)
    return Capture(path, server.port, conversation)


class RecordedSocket:
    """A socket that notes what it sends and receives."""

    def __init__(self, socket: Any, note: Callable[[bool, bytes], None]) -> None:
        self._socket = socket
        self._note = note

    def sendall(self, data: bytes) -> None:
        self._note(True, data)
        self._socket.sendall(data)

    def recv(self, size: int) -> bytes:
        data: bytes = self._socket.recv(size)
        if data:
            self._note(False, data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


def record(server: ServerProcess, path: Path) -> Capture:
    """Converse, and write what the sockets sent and received as if to and from port 8820."""
    segments: list[tuple[int, bool, bytes]] = []

    def connect() -> Client:
        client = server.connect()
        port = port_of(client)
        client.socket = RecordedSocket(  # type: ignore[assignment]
            client.socket, lambda request, data: segments.append((port, request, data))
        )
        return client

    conversation = Conversation(connect)
    converse(conversation)
    write_capture(path, protocol.PORT, segments)
    return Capture(path, protocol.PORT, conversation)


def write_capture(path: Path, server: int, segments: list[tuple[int, bool, bytes]]) -> None:
    """Write a file as libpcap does (pcap-savefile(5)), of IPv4 (RFC 791) and TCP (RFC 9293)."""
    loopback = bytes([127, 0, 0, 1])
    sent: Counter[tuple[int, bool]] = Counter()  # bytes of each client and direction so far
    records = [struct.pack("!IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, RAW_IP)]
    for second, (client, request, data) in enumerate(segments):
        ports = (client, server) if request else (server, client)
        numbers = 1 + sent[client, request], 1 + sent[client, not request]
        tcp = struct.pack("!HHIIBBHHH", *ports, *numbers, 5 << 4, 0x18, 65535, 0, 0) + data
        ip = struct.pack("!BxHIBBH", 0x45, 20 + len(tcp), 0, 64, 6, 0) + loopback + loopback
        records.append(struct.pack("!IIII", second, 0, 20 + len(tcp), 20 + len(tcp)) + ip + tcp)
        sent[client, request] += len(data)
    path.write_bytes(b"".join(records))


# ------------------------------------------------------------------------------- what tshark reads


def tshark(path: Path, *options: str) -> str:
    """Read a capture with the dissector, and without the settings of whoever runs the tests."""
    assert TSHARK
    result = subprocess.run(
        [TSHARK, "-n", "-X", f"lua_script:{DISSECTOR}", "-r", str(path), *options],
        env={**os.environ, **dict.fromkeys(HOMES, str(path.parent / "no-settings"))},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert "Lua" not in result.stderr, result.stderr
    assert "Lua Error" not in result.stdout, result.stdout
    return result.stdout


@dataclass
class Reading:
    """What tshark found in a capture."""

    requests: Frames = field(default_factory=lambda: defaultdict(list))
    answers: Frames = field(default_factory=lambda: defaultdict(list))
    experts: list[str] = field(default_factory=list)
    segment_counts: list[int] = field(default_factory=list)  # of frames that came in several
    tls_handshakes: list[str] = field(default_factory=list)  # by their types, RFC 8446, 4


def read(path: Path, server_port: int, *options: str) -> Reading:
    reading = Reading()
    root = ElementTree.fromstring(tshark(path, *options, "-T", "pdml", "-Y", "tcp.len > 0"))
    for packet in root.iter("packet"):
        show = {item.get("name"): item.get("show") for item in packet.iter("field")}
        source, target = int(show["tcp.srcport"] or 0), int(show["tcp.dstport"] or 0)
        is_request = target == server_port
        if "tcp.segment.count" in show:
            reading.segment_counts.append(int(show["tcp.segment.count"] or 0))
        reading.tls_handshakes += filter(None, [show.get("tls.handshake.type")])
        for layer in packet.findall("proto[@name='chat']"):
            told, *fields = [name_and_value(item) for item in layer.findall("field")]
            assert told in [("request", "1" if is_request else "0"), ("request", str(is_request))]
            (reading.requests[source] if is_request else reading.answers[target]).append(fields)
            reading.experts += [
                name for item in layer.iter("field") if "bad_" in (name := item.get("name") or "")
            ]
    return reading


def name_and_value(item: ElementTree.Element) -> tuple[str, str]:
    """Return a field as tshark shows it; a payload by its bytes, for XML keeps no line ends."""
    name = (item.get("name") or "").removeprefix("chat.")
    if name == "payload":
        return name, bytes.fromhex(item.get("value") or "").decode(errors="replace")
    return name, item.get("show") or ""


def info_column(path: Path, *options: str) -> list[str]:
    listing = tshark(path, *options, "-T", "psml", "-o", 'gui.column.format:"Info","%i"')
    packets = ElementTree.fromstring(listing).iter("packet")
    return [packet.findtext("section") or "" for packet in packets]


@pytest.fixture(scope="module")
def reading(capture: Capture) -> Reading:
    """The capture as tshark reads it, told by Decode As where the server listened."""
    return read(capture.path, capture.server_port, *decode_as(capture))


def decode_as(capture: Capture) -> list[str]:
    if capture.server_port == protocol.PORT:
        return []
    return ["-d", f"tcp.port=={capture.server_port},chat"]


# -------------------------------------------------------------------------------------- the tests


def test_every_frame_is_decoded_into_its_fields(capture: Capture, reading: Reading) -> None:
    assert reading.requests == capture.conversation.requests
    assert reading.answers == capture.conversation.answers


def test_a_frame_cut_into_three_segments_is_put_together(reading: Reading) -> None:
    assert 3 in reading.segment_counts


def test_a_bad_length_field_and_text_that_is_not_utf8_are_marked(reading: Reading) -> None:
    assert sorted(reading.experts) == ["chat.bad_frame", "chat.bad_text"]


def test_tls_is_left_to_those_who_know_it(reading: Reading) -> None:
    client_hello = "1"
    assert reading.tls_handshakes == [client_hello]


def test_the_info_column_can_be_read_like_a_conversation(capture: Capture) -> None:
    lines = info_column(capture.path, *decode_as(capture))
    for line in (
        "NAME alice",
        "HELLO alice",
        "MSG → bob: žluťoučký  kůň",
        "MSG alice → bob: žluťoučký  kůň",
        "MSG → bob: one  ·  MSG → bob: two  ·  GET_NAMES",
        "RENAMED bob → José",
        "PASS (not shown)",
        "ERROR NAME_TAKEN alice is taken; choose another name.",
        "not a frame: GET / HTTP/1.1··…",
        f"MSG alice → alice: {LAST_WORDS}",
    ):
        assert line in lines
    assert not any("sesame" in line for line in lines)


@pytest.mark.slow
def test_the_ports_are_a_preference(tmp_path: Path) -> None:
    path = tmp_path / "chat.pcap"
    write_capture(path, 9123, [(50000, True, frames("NAME alice"))])
    told = read(path, 9123, "-o", "chat.ports:8820,9100-9200")
    assert told.requests == {50000: [fields_of("NAME alice", "verb name")]}
    assert read(path, 9123).requests == {}


def test_what_a_message_carries_cannot_drive_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "chat.pcap"
    write_capture(path, protocol.PORT, [(50000, True, frames("MSG bob \x1b[31mred\x07\x9b1m"))])
    assert info_column(path) == ["MSG → bob: ·[31mred··1m"]
