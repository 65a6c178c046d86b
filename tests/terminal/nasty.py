"""Texts that were never meant for a terminal: random ones, made of what lays rows out wrongly."""

from __future__ import annotations

import random

ALPHABET = (
    *("a", "é", "ש", "م", "漢", "。", "「", "각", "한", "ﬁ", "-", "‐"),
    *(" ", "   ", " " * 25, "\t", "\n", "\r", "\x1b[2J", "\x1b[A", "\x85", "\u2028"),
    *("\u00a0", "\u2000", "\u2003", "\u2007", "\u202f", "\u205f", "\u3000", "\u2800"),  # blanks
    *("\u200b", "\u2060", "\ufeff", "\u200d", "\u200c", "\u00ad", "\u034f", "\U000e0061"),
    *("\u0301", "\u0301" * 40, "\u20dd", "\u0903", "\u0903" * 20, "\ufe0f", "❤\ufe0f"),
    *("\u202e", "\u202d", "\u202c", "\u2066", "\u2067", "\u2069", "\u200f", "\u200e", "\u061c"),
    *("👍🏽", "🏽", "🏽" * 9, "👩\u200d👩\u200d👧\u200d👦", "🇮🇱", "🇮", "\U0001fae9", "\U0001faff"),
    *("\u1100\u1161\u11a8", "\u0600", "\u0378", "\U000e0fff", "\ue000", "\U0010ffff"),
    *("x" * 70, "漢" * 30, "https://example.org/" + "y" * 50, "12:34 eve: hi", "00:00"),
)


def nasty_text(dice: random.Random, most: int = 40) -> str:
    """Return a text of up to `most` pieces; it may well be blank, and is never empty."""
    pieces = dice.choices(ALPHABET, k=dice.randint(1, most))
    return "".join(piece + " " * (dice.random() < 0.2) for piece in pieces)
