"""Rows of a text: words stay whole, nothing is lost, whatever the text holds and however wide."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from chat.terminal.text import most_sizes, sizes
from chat.terminal.wrap import wrap
from terminal.nasty import nasty_text

WIDTHS = (*range(14, 42), 79, 80, 81, 120)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", [""]),
        ("short", ["short"]),
        ("one two three", ["one two ", "three"]),
        ("a row of ten", ["a row of ", "ten"]),
        ("exactly 10 and", ["exactly 10 ", "and"]),  # the space hangs over the edge
        ("exactly 10 ", ["exactly 10 "]),
        ("onewordoftwentylong", ["onewordoft", "wentylong"]),
        ("an onewordoftwentylong", ["an ", "onewordoft", "wentylong"]),
        ("one      two", ["one      ", "two"]),
        ("one          two", ["one        ", "  two"]),  # a run of spaces is kept
        (" " * 12 + "x", [" " * 11, " x"]),
        ("漢字漢字漢字", ["漢字漢字漢", "字"]),
        ("漢字漢字漢。字", ["漢字漢字", "漢。字"]),  # a full stop begins no row
        ("漢字漢字「漢字", ["漢字漢字", "「漢字"]),  # and what opens ends none
        ("abc한국어 말", ["abc한국어 ", "말"]),  # Hangul has spaces
        ("cafe\u0301 cafe\u0301 cafe\u0301", ["cafe\u0301 cafe\u0301 ", "cafe\u0301"]),
        ("a\u00a0b\u00a0c\u00a0d e f g", ["a\u00a0b\u00a0c\u00a0d e ", "f g"]),
        ("one a\u00a0b\u00a0c\u00a0d", ["one ", "a\u00a0b\u00a0c\u00a0d"]),  # stays together
    ],
)
def test_a_row_ends_between_words(text: str, rows: list[str]) -> None:
    assert wrap(text, 10) == rows


def test_further_rows_are_shorter_by_the_indent() -> None:
    assert wrap("bob: one two three", 10, 5, head=5) == ["bob: one ", "two ", "three"]


def test_no_row_ends_within_the_head_for_the_sake_of_a_word() -> None:
    head = "alice → bob: "
    assert wrap(head + "endless" * 3, 20, 13, head=13)[0] == head + "endless"


@pytest.mark.parametrize("measure", [sizes, most_sizes])
def test_whatever_the_text_no_row_is_too_wide_and_all_rows_joined_are_the_text(
    measure: Callable[[str], Sequence[int]],
) -> None:
    dice = random.Random(f"wrap {measure.__name__}")
    for _ in range(1_500):
        text, width = nasty_text(dice), dice.choice(WIDTHS)
        indent = dice.choice((0, 0, 6, width // 2))
        head = dice.choice((0, min(len(text), indent)))
        rows = wrap(text, width, indent, head=head, sizes=measure)
        said = f"{text!r} in {width} columns with an indent of {indent}"
        assert "".join(rows) == text, said
        assert all(rows), said
        for number, row in enumerate(rows):
            most = width - indent * (number > 0)
            assert sum(measure(row.rstrip(" "))) <= most, said
            assert sum(measure(row)) <= most + 1, f"more than one space hangs over: {said}"


def test_a_long_text_takes_no_longer_than_it_is() -> None:
    for piece in ("word ", "x", "漢", "é ", "\u0301", " ", "\u200b"):
        text = piece * (200_000 // len(piece))
        assert sum(map(len, wrap(text, 80, 6))) == len(text)
