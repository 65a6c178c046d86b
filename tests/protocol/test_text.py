"""Text: what may be said at all, and what there is to see of it."""

from __future__ import annotations

import unicodedata

import pytest

import chat_protocol as protocol
from chat_protocol import ErrorCode
from protocol.outcomes import code_of


@pytest.mark.parametrize(
    "text", ["", " ", "hi", "שלום עולם", "👩‍👩‍👧", "e\u0301", "\u202eabc", "a\u2028b", "\ufeffhi"]
)
def test_text_passes_through_untouched(text: str) -> None:
    assert protocol.decode(text.encode()) == text


@pytest.mark.parametrize("number", [*range(0x20), *range(0x7F, 0xA0)])
def test_a_control_character_is_bad_text(number: int) -> None:
    assert code_of(protocol.decode, f"MSG bob a{chr(number)}b".encode()) is ErrorCode.BAD_TEXT


@pytest.mark.slow
def test_control_characters_are_those_of_unicode() -> None:
    for number in set(range(0x110000)) - set(range(0xD800, 0xE000)):
        if unicodedata.category(chr(number)) == "Cc":
            assert code_of(protocol.decode, chr(number).encode()) is ErrorCode.BAD_TEXT
        elif number < 0x300:
            assert protocol.decode(chr(number).encode()) == chr(number)


@pytest.mark.parametrize(
    "data",
    [b"\xff", b"\xc3", b"\xc0\x80", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
     b"ab\x80", b"\xfe\xff\x00a", "é".encode("latin-1")],
)  # fmt: skip
def test_what_is_not_utf_8_is_bad_text(data: bytes) -> None:
    assert code_of(protocol.decode, data) is ErrorCode.BAD_TEXT


@pytest.mark.parametrize("text", ["a", " a ", ".", "\u0301", "🙂", "א", "\u200ba"])
def test_this_is_something_to_see(text: str) -> None:
    assert protocol.has_visible_text(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "\u00a0\u3000", "\u200b\u202e\ufeff", "\u2028", "\ue000", "\u3164", "\u115f\u1160",
     "\u2800", " \u2800\u034f \ufe0f", "\uffa0\u17b4\u17b5", "\u180b\u180c\u180d\u180f",
     "\U000e0100\U000e01ef", "\u2065\ufff0\U000e0fff"],
)  # fmt: skip
def test_this_is_nothing_to_see(text: str) -> None:
    assert not protocol.has_visible_text(text)
    assert protocol.has_visible_text(f"{text}a{text}")
