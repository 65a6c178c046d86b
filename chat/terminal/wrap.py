"""A text becomes rows: words stay whole, and nothing of the text is lost or added.

Knows columns and clusters; knows no escape sequence, and not how far a row is indented.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from chat.terminal.text import LONGEST_CLUSTER, clusters, sizes
from chat.terminal.text import ZERO_WIDTH_JOINER as JOINER

UNSEEN = ("Zs", "Cf", "Cn", "Mn", "Me")  # categories; some only by themselves
OPENING, CLOSING = "（［｛「『【〈《〔", "）］｝」』】〉》〕、。，．・：；？！ー々〜"


def wrap(
    text: str,
    width: int,
    indent: int = 0,
    *,
    head: int = 0,
    sizes: Callable[[str], Sequence[int]] = sizes,
) -> list[str]:
    """Cut `text` into a row of at most `width` columns, and others `indent` columns shorter.

    All rows joined are the text. Each ends behind a space, the one that may hang over the edge, or
    between wide characters; only a word longer than a row is cut at the edge. Within the first
    `head` characters, which take `indent` columns or more, no row ends for the sake of a word.
    `sizes` tells how many columns each character takes.
    """
    if text.isascii():
        return _wrap_ascii(text, width, indent, head)
    ends = [*accumulate(sizes(text))]
    rows: list[str] = []
    start, used, free = 0, 0, width  # where this row begins; columns before it, and free in it
    while start < len(text) and ends[-1] - used > free:
        edge = bisect_right(ends, used + free, start)  # the first character that does not fit
        end = _last_end(text, max(start, head), edge)
        if not end:
            end = start + _longest_start(text[start : edge + LONGEST_CLUSTER], edge - start)
        rows.append(text[start:end])
        start, used, free = end, ends[end - 1], width - indent
    if start < len(text) or not rows:
        rows.append(text[start:])
    return rows


def trimmed(row: str) -> str:
    """Return a row without what nobody sees at its end: to a joiner there, some terminals join what
    they show next, in the row below.
    """
    row = row.rstrip(" ")
    if row.isascii() or JOINER not in row[-LONGEST_CLUSTER:]:
        return row
    end = len(row)
    while end and unicodedata.category(row[end - 1]) in UNSEEN:
        end -= 1
    return row[:end] if JOINER in row[end:] else row


def _wrap_ascii(text: str, width: int, indent: int, head: int) -> list[str]:
    """The same where each character is a cluster and has a column: most of what is written."""
    rows: list[str] = []
    start, free, end_of_text = 0, width, len(text)
    while end_of_text - start > free:
        edge = start + max(1, free)
        end = text.rfind(" ", start if start > head else head, edge + 1) + 1 or edge
        rows.append(text[start:end])
        start, free = end, width - indent
    if start < end_of_text or not rows:
        rows.append(text[start:])
    return rows


def _last_end(text: str, start: int, edge: int) -> int:
    """Return the last place from `start` to `edge` where a row may end; 0 where none is."""
    if text[edge] == " ":
        return edge + 1 if edge >= start else 0  # nobody sees it over the edge
    behind_space = text.rfind(" ", start, edge) + 1
    for place in range(edge, max(start, behind_space), -1):
        if _may_part(text[place - 1], text[place]):
            return place
    return behind_space


def _may_part(before: str, behind: str) -> bool:
    """Whether a row may end between two characters without a space: where scripts set none and
    between emoji, save behind what opens and before what closes (Unicode annex #14: ID, OP, CL).
    """
    apart = _is_unspaced(behind) and _is_unspaced(before)
    return apart and before not in OPENING and behind not in CLOSING


def _is_unspaced(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF" and not (
        "\u1100" <= character <= "\u11ff"  # Korean, as wide as they are, has spaces
        or "\uac00" <= character <= "\ud7ff"
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones belong to what is before them
    )


def _longest_start(word: str, edge: int) -> int:
    """Return how many characters of a word fit before the edge, in whole clusters if they do."""
    end = 0
    for cluster in clusters(word):
        if end + len(cluster) > edge:
            break
        end += len(cluster)
    return end or edge or 1
