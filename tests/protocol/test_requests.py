"""Requests: taken apart, or refused with the right code."""

from __future__ import annotations

import random
import re
import unicodedata

import pytest

import chat_protocol as protocol
from chat_protocol import ErrorCode, ProtocolError, Request
from protocol.outcomes import A_PART_OR_ALL, SEED, code_of, outcome


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("NAME alice", Request("NAME", name="alice")),
        ("NAME two words", Request("NAME", name="two words")),
        ("NAME  alice", Request("NAME", name=" alice")),
        ("GET_NAMES", Request("GET_NAMES")),
        ("MSG bob hi", Request("MSG", name="bob", text="hi")),
        ("MSG BROADCAST good morning", Request("MSG", name="BROADCAST", text="good morning")),
        ("MSG bob  two  spaces ", Request("MSG", name="bob", text=" two  spaces ")),
        ("BLOCK bob", Request("BLOCK", name="bob")),
        ("BLOCK bob ", Request("BLOCK", name="bob ")),
        ("UNBLOCK bob", Request("UNBLOCK", name="bob")),
        ("PASS word", Request("PASS", text="word")),
        ("PASS  pass words ", Request("PASS", text=" pass words ")),
        ("PASS \u200b", Request("PASS", text="\u200b")),
        ("EXIT", Request("EXIT")),
    ],
)
def test_a_request_is_taken_apart(line: str, request_: Request) -> None:
    assert protocol.parse_request(line) == request_
    verb, space, arguments = line.partition(" ")
    assert protocol.parse_request(verb.lower() + space + arguments) == request_
    assert protocol.parse_request(verb.capitalize() + space + arguments) == request_


@pytest.mark.parametrize(
    "line",
    ["", " ", " NAME alice", "HELLO", "NAMEalice", "NAME\u00a0alice", "GET NAMES", "GETNAMES",
     "exıt", "ＥＸＩＴ", "mſg bob hi", "unbloc\u212a bob", "MSG\u3000bob hi", "pa\u00df word"],
)  # fmt: skip
def test_there_is_no_such_command(line: str) -> None:
    assert code_of(protocol.parse_request, line) is ErrorCode.UNKNOWN_COMMAND


@pytest.mark.parametrize(
    "line",
    ["NAME", "NAME ", "GET_NAMES ", "GET_NAMES all", "MSG", "MSG ", "MSG bob", "MSG bob ",
     "MSG  bob hi", "MSG bob \u00a0", "MSG bob \u200b\u202e", "MSG bob \u3164 \u2800", "BLOCK",
     "BLOCK ", "UNBLOCK", "UNBLOCK ", "PASS", "PASS ", "EXIT ", "EXIT now"],
)  # fmt: skip
def test_these_arguments_are_not_what_the_command_takes(line: str) -> None:
    with pytest.raises(ProtocolError, match=re.escape(line.split(" ")[0])) as caught:
        protocol.parse_request(line)
    assert caught.value.code is ErrorCode.BAD_ARGUMENTS


@pytest.mark.parametrize("enter", [b"", b"\n", b"\r", b"\r\n"])
def test_one_enter_key_is_dropped(enter: bytes) -> None:
    assert protocol.read_request_text(b"MSG bob hi" + enter) == "MSG bob hi"
    assert protocol.read_request_text(enter) == ""


@pytest.mark.parametrize(
    "enter", [b"\n\n", b"\n\r", b"\r\r", b"\r\n\r\n", b"\n ", b"\x0b", b"\x00"]
)
def test_more_than_one_enter_key_is_bad_text(enter: bytes) -> None:
    assert code_of(protocol.read_request_text, b"EXIT" + enter) is ErrorCode.BAD_TEXT


def random_payload(chance: random.Random) -> bytes:
    """Return something like a request: words, odd characters, noise, in any order."""
    words = [
        *protocol.USAGE,
        "BROADCAST",
        "bob",
        "Ω",
        "e\u0301",
        "",
        " ",
        "\u200b",
        "\x1b",
        "ﷺ",
        "ΐ",
        "\u3164",
    ]
    parts = []
    for _ in range(chance.randrange(6)):
        kind = chance.random()
        if kind < 0.7:
            word = chance.choice(words)
            parts.append((word.lower() if chance.random() < 0.3 else word).encode())
        elif kind < 0.9:
            code = chance.choice([chance.randrange(0x300), chance.randrange(0xE000, 0x110000)])
            parts.append((chr(code) * chance.randrange(30)).encode())
        else:
            parts.append(chance.randbytes(chance.randrange(8)))
    end = chance.choice([b"", b"", b"\n", b"\r\n", b"\r", b"\n\n"])
    return chance.choice([b" ", b" ", b"  ", b""]).join(parts) + end


@pytest.mark.parametrize("cases", A_PART_OR_ALL)
def test_no_payload_confuses_the_request_parser(cases: int) -> None:
    chance = random.Random(SEED)
    understood = 0
    for _ in range(cases):
        payload = random_payload(chance)
        line = outcome(protocol.read_request_text, payload)
        if isinstance(line, ErrorCode):
            assert line is ErrorCode.BAD_TEXT
            continue
        assert payload in (line.encode() + end for end in (b"", b"\n", b"\r", b"\r\n"))
        assert not any(unicodedata.category(character) == "Cc" for character in line)
        request = outcome(protocol.parse_request, line)
        if isinstance(request, ErrorCode):
            assert request in (ErrorCode.UNKNOWN_COMMAND, ErrorCode.BAD_ARGUMENTS)
            continue
        understood += 1
        verb, space, arguments = line.partition(" ")
        assert request.verb == verb.upper()
        assert request.verb in protocol.USAGE
        assert bool(space) == bool(request.name or request.text)
        assert arguments == " ".join(filter(None, (request.name, request.text)))
        check_name_rules(request.name)
    assert understood > cases // 20, "too little of it was sense"


def check_name_rules(name: str) -> None:
    """Whatever a name is: it is refused, or shown in a form that stands."""
    shown = outcome(protocol.check_name, name)
    if isinstance(shown, ErrorCode):
        assert shown is ErrorCode.BAD_NAME
        return
    assert 1 <= len(shown) <= 20
    assert " " not in shown
    assert protocol.check_name(shown) == shown
    assert protocol.fold(shown) == protocol.fold(name)
