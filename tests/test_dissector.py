"""docs/chat.lua: what Wireshark shows of a conversation with the real server.

The conversation is held twice. Once dumpcap captures it on the loopback, which a system may allow
to few; once the sockets note their own bytes, which are then written as a capture. tshark, which
is Wireshark without a window, reads both.
"""

from __future__ import annotations

import os
import re
import shutil
import ssl
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from harness import DEADLINE, ROOT, Client, ServerProcess, frames, wait_until

TSHARK = shutil.which("tshark")
DUMPCAP = shutil.which("dumpcap")
LOOPBACK = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)
LAST_WORDS = "that was all"

pytestmark = pytest.mark.skipif(TSHARK is None, reason="needs tshark")

Fields = list[tuple[str, str]]  # name and value; a name may come several times


# ------------------------------------------------------------------------------ the conversation


@dataclass
class Conversation:
    """What was said, as the dissector should find it: by client port, requests and answers."""

    connect: Callable[[], Client]
    requests: dict[int, list[Fields]] = field(default_factory=dict)
    answers: dict[int, list[Fields]] = field(default_factory=dict)

    def says(self, client: Client, payload: str, shape: str) -> None:
        """Send a request; `shape` names its fields."""
        client.send(payload)
        self.said(client, payload, shape)

    def said(self, client: Client, payload: str, shape: str) -> None:
        self.requests.setdefault(port_of(client), []).append(fields_of(payload, shape))

    def hears(self, client: Client, payload: str, shape: str) -> None:
        """Receive exactly this; `shape` names its fields."""
        client.expect(payload)
        self.answers.setdefault(port_of(client), []).append(fields_of(payload, shape))

    def hears_error(self, client: Client, code: str) -> None:
        answer = client.receive()
        assert answer.startswith(f"ERROR {code} "), answer
        fields = fields_of(answer, "verb error_code text")
        self.answers.setdefault(port_of(client), []).append(fields)


def port_of(client: Client) -> int:
    return int(client.socket.getsockname()[1])


def fields_of(payload: str, shape: str) -> Fields:
    """Take a payload apart: one word for each field, and the last field takes the rest."""
    names = shape.split()
    fields = [("length", str(len(payload.encode()))), ("payload", payload)]
    return fields + list(zip(names, payload.split(" ", len(names) - 1), strict=True))


def converse(conversation: Conversation) -> None:
    """Say everything that a dissector can stumble over."""
    says, said, hears = conversation.says, conversation.said, conversation.hears
    alice, bob = conversation.connect(), conversation.connect()
    says(alice, "NAME alice", "verb name")
    hears(alice, "HELLO alice", "verb name")
    says(bob, "NAME bob", "verb name")
    hears(bob, "HELLO bob", "verb name")
    hears(alice, "JOINED bob", "verb name")

    # One frame in three segments: cut within the length field, and within a character.
    data = frames("MSG bob žluťoučký  kůň")
    for part in (data[:2], data[2:14], data[14:]):
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
    says(bob, "EXIT", "verb")
    hears(bob, "BYE", "verb")
    assert bob.receive_all() == []
    hears(alice, "LEFT José", "verb name")

    for garbage in (b"GET / HTTP/1.1\r\n\r\n", tls_hello()):
        stranger = conversation.connect()
        stranger.send_bytes(garbage[:100])
        conversation.hears_error(stranger, "BAD_FRAME")
        stranger.end_input()
        assert stranger.receive_all() == []
    says(alice, f"MSG alice {LAST_WORDS}", "verb addressee text")
    hears(alice, f"MSG alice alice {LAST_WORDS}", "verb sender addressee text")


def tls_hello() -> bytes:
    """Return what a client of a server with TLS sends first."""
    outgoing = ssl.MemoryBIO()
    connection = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, False, "chat")
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


# ----------------------------------------------------------------------------------- the captures
