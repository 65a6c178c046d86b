"""A line as rows of a terminal: words whole, further rows indented, so that none can be forged.

Knows escape sequences for looks; knows not where the rows go.
"""

from __future__ import annotations

import re
import string
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from chat.client.lines import PERSON_COLOURS, Kind, Line, clock
from chat.terminal.console import Abilities
from chat.terminal.text import most_sizes, sizes
from chat.terminal.wrap import trimmed, wrap

CLOCK_COLUMNS = len("12:34 ")  # no row of a text begins left of here, where a time stands
LINK = re.compile(r"https?://\S+")
LINK_END = ".,;:!?'\")]}>"  # belongs to the sentence rather than to the address before it
LINKS_IN_A_LINE = 20  # and the others are read like any word
LONGEST_LINK = 2_000  # characters; some terminals take no longer ones (OSC 8)
HELP_INDENT = 2  # columns: what goes on does not stand where commands do
BETWEEN_NAMES = 2  # columns
RESET = "\x1b[0m"


class Looks(NamedTuple):
    """The escape sequences before the parts of a line; none where a part looks like any text."""

    name_end: int  # characters: to here it is a mark and who said it
    name: str = ""
    text: str = ""


class Link(NamedTuple):
    """An address in a line."""

    start: int  # characters of the line
    end: int
    opened: str  # the escape sequence before it


def rows(line: Line, width: int | None, abilities: Abilities) -> list[str]:
    """Return a line as a terminal of `width` columns shows it now, behind the time of day.

    None stands for a pipe or a file: there a line stays one row.
    """
    start_of_first = " " * CLOCK_COLUMNS if line.kind is Kind.HELP else clock()
    if width is None:
        return [f"{start_of_first}{line}"]
    # Without escape sequences autowrap stays on, and no row may be wider than we think.
    measure = sizes if abilities.escapes else most_sizes
    margin = CLOCK_COLUMNS if width >= 2 * CLOCK_COLUMNS else 0
    head = line.head
    head_end, indent = len(head), _columns(head, measure)
    text, names = head + line.text, line.items
    looks = _looks(line, head_end, abilities)
    if line.text.isascii() and margin + indent + len(line.text) <= width and not names:
        links = _links(text, head_end) if abilities.links else []
        return [start_of_first[:margin] + _painted(text, 0, looks, links)]  # as most are
    if names and margin + sum(measure(str(line))) <= width:
        text, names = str(line), ()
    links = _links(text, head_end) if abilities.links else []
    if margin + indent > width // 2:
        head_end = indent = 0
    if line.kind is Kind.HELP:
        indent = HELP_INDENT
    hang = " " * (margin + indent)
    found = []
    start = 0
    for piece in wrap(text, width - margin, indent, head=head_end, sizes=measure):
        row = trimmed(piece)
        if start < looks.name_end or links or looks.text:
            row = _painted(row, start, looks, links)
        found.append((hang if start else start_of_first[:margin]) + row)
        start += len(piece)
    if names:
        found += [hang + row for row in in_columns(names, width - len(hang), measure)]
    return found


@lru_cache(100)  # who talks just now
def _columns(head: str, measure: Callable[[str], Sequence[int]]) -> int:
    return sum(measure(head))


def in_columns(
    names: tuple[str, ...], width: int, measure: Callable[[str], Sequence[int]]
) -> list[str]:
    """Return names in columns that fit into `width`, down each of them, as ls(1) shows files."""
    used = {name: sum(measure(name)) for name in names}
    most = (width - BETWEEN_NAMES) // 2  # one that is wider has rows of its own, behind the others
    narrow = [name for name in names if used[name] <= most]
    size = max(map(used.__getitem__, narrow), default=0) + BETWEEN_NAMES
    down = -(-len(narrow) // ((width + BETWEEN_NAMES) // size))
    padded = [name + " " * (size - used[name]) for name in narrow]
    found = ["".join(padded[place::down]).rstrip(" ") for place in range(down)]
    for name in names:
        found += wrap(name, width, sizes=measure) if used[name] > most else []
    return found


def _looks(line: Line, head: int, abilities: Abilities) -> Looks:
    """Return what the parts of a line look like, of which the head has so many characters."""
    if not (abilities.escapes or abilities.colours):
        return Looks(0)
    name_end = head - len(": ") if line.speaker else head
    colour = ""
    if line.person and abilities.colours:  # weight and mark are there without
        colour = f"38;5;{PERSON_COLOURS[line.colour]}"
    if line.kind is Kind.WIRE:
        return Looks(0, text="\x1b[2m")
    if line.for_me:
        return Looks(name_end, f"\x1b[1;{colour}m" if colour else "\x1b[1m", "\x1b[1m")
    if colour:
        return Looks(name_end, f"\x1b[{colour}m")
    is_mine = line.speaker and not line.person
    return Looks(name_end, "\x1b[1m" if is_mine or line.kind is Kind.ERROR else "")


def _links(text: str, head: int) -> list[Link]:
    """Return the addresses in a line, behind its head, with what makes a terminal know each whole:
    OSC 8, of which those with the same id are one, though a row may show a part.
    """
    from urllib.parse import quote  # takes its time, and few terminals know links

    found = []
    for link in islice(LINK.finditer(text, head), LINKS_IN_A_LINE):
        address = link[0].rstrip(LINK_END)
        target = quote(address, safe=string.punctuation)
        if len(target) <= LONGEST_LINK:
            opened = f"\x1b]8;id={zlib.crc32(target.encode())};{target}\x1b\\"
            found.append(Link(link.start(), link.start() + len(address), opened))
    return found


def _painted(row: str, start: int, looks: Looks, links: list[Link]) -> str:
    """Return a row that begins at `start` in its line, with what makes it look so."""
    cut = max(0, looks.name_end - start)
    name, text = row[:cut], row[cut:]
    for link in reversed(links):
        begin, end = max(link.start - start - cut, 0), min(link.end - start - cut, len(text))
        if begin < end:
            linked = f"{link.opened}{text[begin:end]}\x1b]8;;\x1b\\"
            text = text[:begin] + linked + text[end:]
    if name and looks.name:
        name = f"{looks.name}{name}{RESET}"
    if text and looks.text:
        text = f"{looks.text}{text}{RESET}"
    return name + text
