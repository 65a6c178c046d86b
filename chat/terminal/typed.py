"""A line that a person has typed: a command with a slash, or a text.

Knows how people write; knows no command, and not what a line means.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping

from chat.terminal.text import clusters


def without_controls(line: str) -> str:
    """Return a line without its control characters (category Cc); a tab becomes a space."""
    return "".join(c for c in line.replace("\t", " ") if unicodedata.category(c) != "Cc")


def first_word(line: str) -> str:
    """Return the first word of a line; a blank before a command does not make it a text."""
    return line.split(maxsplit=1)[0] if line.strip() else ""


def is_command(line: str) -> bool:
    """Whether a line is a command, known or not. Two slashes begin a text that begins with one."""
    return line.startswith("/") and not line.startswith("//")


def without_marks(name: str) -> str:
    """Return a name as people write it, `@bob` or `bob,` or `bob:`, without what is not in it."""
    return name.removeprefix("@").rstrip(",:") or name


def no_such_command(word: str, known: Collection[str], elsewhere: Mapping[str, str]) -> str:
    """Return a sentence: there is no such command, but perhaps one that is nearly called so.

    `elsewhere` says what is called so in other chats.
    """
    import difflib  # takes its time, and is there for a slip of the finger

    nearly = difflib.get_close_matches(word, known, 1, cutoff=0.7)
    nearly = [elsewhere[word]] if word in elsewhere else nearly
    return f"There is no command {word}; {f'is it {nearly[0]}?' if nearly else 'try /help.'}"


def split_text(text: str, size: int) -> list[str]:
    """Split `text` into parts of at most `size` bytes, between words where that is possible."""
    parts: list[str] = []
    rest = clusters(text)
    start = 0
    while start < len(rest):
        cut, used = start, 0
        while cut < len(rest) and (used := used + len(rest[cut].encode())) <= size:
            cut += 1
        cut = max(cut, start + 1)
        if cut < len(rest):
            cut = next((end for end in range(cut, start, -1) if rest[end] == " "), cut)
        parts.append("".join(rest[start:cut]))
        # The space at which a text is split is the split itself; none is sent for it.
        start = cut + 1 if rest[cut : cut + 1] == [" "] else cut
    return parts
