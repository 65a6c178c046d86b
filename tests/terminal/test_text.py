"""Text as a terminal shows it: what is harmless, what is one character, and how wide it is."""

from __future__ import annotations

import unicodedata

import pytest

from chat.terminal.text import clusters, columns, harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [("\x1b[2J", "␛[2J"), ("a\tb\r\n", "a␉b␍␊"), ("\x00", "␀"), ("\x7f", "␡"), ("\x9b31m", "�31m"),
     ("a\u2028b\u2029", "a␤b␤"), ("\u202ab\u202b\u202c\u202d\u202e", "⇄b⇄⇄⇄⇄"),
     ("\u2066b\u2067\u2068\u2069", "⇄b⇄⇄⇄"),
     ("\u200fא\u200e", "\u200fא\u200e"), ("\ud83d", "�"), ("שלום 👋 é", "שלום 👋 é")],
)  # fmt: skip
def test_what_could_drive_a_terminal_is_shown_instead(text: str, shown: str) -> None:
    assert harmless(text) == shown


@pytest.mark.slow
def test_whatever_is_made_harmless_can_be_printed() -> None:
    shown = harmless("".join(map(chr, range(0x110000))))
    assert len(shown) == 0x110000
    assert shown.encode()
    assert not any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in shown
    )


@pytest.mark.parametrize(
    ("text", "count", "width"),
    [
        ("", 0, 0),
        ("abc", 3, 3),
        ("שלום", 4, 4),
        ("漢字", 2, 4),
        ("cafe\u0301", 4, 4),
        ("\u1100\u1161\u11a8", 1, 2),  # a Hangul syllable of three letters
        ("🇮🇱🇩🇪", 2, 4),
        ("👍🏽", 1, 4),  # counted by its parts: better too wide than too narrow
        ("👩\u200d👩\u200d👧\u200d👦", 1, 8),
        ("❤\ufe0f", 1, 2),
        ("\u00ad", 1, 1),  # a soft hyphen is seen
        ("\u0600", 1, 1),  # and so is the sign that stands below a number
        ("a\u200bb\u2060c", 5, 3),
        ("\u0378", 1, 2),  # what is not assigned yet may be an emoji
        ("🏽🏽", 1, 4),
        ("\u3000\u00a0\u2800", 3, 4),
    ],
)
def test_characters_and_columns_are_those_that_a_person_sees(
    text: str, count: int, width: int
) -> None:
    assert len(clusters(text)) == count
    assert "".join(clusters(text)) == text
    assert columns(text) == width
