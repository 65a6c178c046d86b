"""The looks: what can be read, and the side at which a paragraph begins."""

from __future__ import annotations

import pytest

from chat.client.lines import PERSON_COLOURS

pytest.importorskip("tkinter", reason="this Python has no Tk")

from chat.client.window.looks import (
    ALARM,
    CALM,
    FOCUS,
    FRAME,
    INK,
    MENTION_PAPER,
    PAPER,
    PRIVATE_PAPER,
    QUIET,
    SERVER_PAPER,
    person_colour,
    runs_right_to_left,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello שלום", False),
        ("שלום hello", True),
        ("... 12 שלום", True),
        ("مرحبا", True),
        ("12 !", False),
        ("", False),
        ("\N{RIGHT-TO-LEFT ISOLATE}שלום\N{POP DIRECTIONAL ISOLATE} hello", False),
        ("\N{LEFT-TO-RIGHT ISOLATE}hello\N{POP DIRECTIONAL ISOLATE} שלום", True),
        ("\N{LEFT-TO-RIGHT ISOLATE}hello", False),
        ("\N{RIGHT-TO-LEFT MARK}hello", True),
    ],
)
def test_direction_is_that_of_the_first_strong_character(text: str, expected: bool) -> None:
    """Unicode annex #9, rules P2 and P3."""
    assert runs_right_to_left(text) is expected


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_ink_can_be_read_on_every_paper() -> None:
    """Contrast 4.5 to 1, WCAG 2.1 success criterion 1.4.3."""
    inks = [INK, QUIET, ALARM, CALM]
    inks += map(person_colour, PERSON_COLOURS)
    papers = [PAPER, PRIVATE_PAPER, MENTION_PAPER, SERVER_PAPER, FRAME]
    pairs = [(ink, paper) for ink in inks for paper in papers]
    pairs.append((FOCUS, PAPER))
    for ink, paper in pairs:
        contrast = (luminance(paper) + 0.05) / (luminance(ink) + 0.05)
        assert contrast >= 4.5, f"{ink} on {paper}: {contrast:.2f}"
