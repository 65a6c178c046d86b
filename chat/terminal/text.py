"""Text as a terminal shows it: characters as people see them, their columns, what is harmless.

Knows Unicode; knows no terminal and no escape sequence.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

ZERO_WIDTH_JOINER = "\N{ZERO WIDTH JOINER}"
EMOJI_STYLE = "\N{VARIATION SELECTOR-16}"
# Characters: a letter and 30 marks, which is more than any language has (Unicode annex #15, Stream-
# Safe Text Format). Without an end, a key beside a letter with 10,000 marks would draw all of them.
LONGEST_CLUSTER = 31
DIRECTION_MARK = "\N{RIGHTWARDS ARROW OVER LEFTWARDS ARROW}"


def clusters(text: str) -> list[str]:
    """Split `text` into what a person takes for one character, after Unicode annex #29.

    A letter with its combining marks, a flag of two letters, a family of four emoji: the cursor
    never stops inside one, and a long message is never cut there. None has more than
    LONGEST_CLUSTER characters.
    """
    if text.isascii():
        return list(text)
    found: list[str] = []
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or not _continues(text, start, place):
            found.append(text[start:place])
            start = place
    return found


def _continues(text: str, start: int, place: int) -> bool:
    """Whether the character at `place` goes on with the cluster that begins at `start`."""
    if place - start == LONGEST_CLUSTER:
        return False
    character = text[place]
    code = ord(character)
    if (
        unicodedata.category(character) in ("Mn", "Me", "Mc")
        or character in (ZERO_WIDTH_JOINER, "\N{ZERO WIDTH NON-JOINER}")
        or 0x1F3FB <= code <= 0x1F3FF  # skin tones
        or 0xE0020 <= code <= 0xE007F  # tags, in the flags of regions
        or 0x1160 <= code <= 0x11FF  # vowels and finals of a Hangul syllable
    ):
        return True
    if text[place - 1] == ZERO_WIDTH_JOINER:
        return unicodedata.category(character) == "So"  # emoji
    regional = range(0x1F1E6, 0x1F200)  # two such letters make a flag
    return code in regional and place - start == 1 and ord(text[start]) in regional


def columns(text: str) -> int:
    """Return how many columns of a terminal `text` takes, rather too many than too few.

    Wide characters after Unicode annex #11. Terminals differ in emoji made of several; those
    are counted by their parts.
    """
    return len(text) if text.isascii() else sum(sizes(text))


def sizes(text: str) -> list[int]:
    """Return how many columns each character of `text` takes."""
    return list(map(_size, text))


def most_sizes(text: str) -> list[int]:
    """Return how many columns each takes at most, whatever a terminal thinks of it."""
    return [1 if character.isascii() else 2 for character in text]


@lru_cache(10_000)  # characters: those of a conversation in many scripts
def _size(character: str) -> int:
    if character == EMOJI_STYLE:
        return 1  # it makes the narrow symbol before it a wide one
    category = unicodedata.category(character)
    if category in ("Mn", "Me") or "\u1160" <= character <= "\u11ff":
        return 0
    if category == "Cf":
        # A soft hyphen, and signs that stand below or before a number, are seen; others are not.
        return int(character == "\u00ad" or unicodedata.bidirectional(character) in ("AN", "AL"))
    # What this Python's Unicode does not know yet may well be an emoji.
    return 2 if unicodedata.east_asian_width(character) in "WF" or category == "Cn" else 1


_VISIBLE_CONTROLS = {
    **{code: chr(0x2400 + code) for code in range(0x20)},  # the block "Control Pictures"
    0x7F: "\N{SYMBOL FOR DELETE}",
    **dict.fromkeys(range(0x80, 0xA0), "\N{REPLACEMENT CHARACTER}"),
    **dict.fromkeys((0x2028, 0x2029), "\N{SYMBOL FOR NEWLINE}"),  # line, paragraph separator
    **dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}"),  # halves no UTF-8 has
    # Embeddings, overrides and isolates would turn what stands behind them (Unicode annex #9).
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), DIRECTION_MARK),
}


def harmless(text: str) -> str:
    """Return `text` with all that could drive a terminal made visible instead: ESC becomes ␛.

    What comes from elsewhere may have been written for that very purpose.
    """
    # What is printable throughout, as nearly all is, needs no look at each character.
    return text if text.isprintable() else text.translate(_VISIBLE_CONTROLS)
