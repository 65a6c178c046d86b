"""What the soak knows of names, texts and mistakes: the rules of protocol.md, told once more.

On purpose it asks nothing of the code under test.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterable
from functools import cache

# protocol.md, Names: what Unicode calls default-ignorable among letters, marks and numbers.
INVISIBLE = frozenset(
    map(
        chr,
        [
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x3164),
            *(*range(0xFE00, 0xFE10), 0xFFA0, *range(0xE0100, 0xE01F0)),
        ],
    )
)
ALPHABETS = {"LATIN", "GREEK", "CYRILLIC"}  # of which a name has one
# Names that fold in every way there is: capitals of two letters, of none, of another alphabet's
# block; marks to be put in order; letters that fall apart, in case folding or in NFKC.
WORDS = (
    *("anna", "Bob-", "zoë_", "straße", "ﬁona", "ⅳan", "İnci", "ısıl", "ŉdiaye", "ǰana", "ẖaim"),
    *("ẚda", "ſusan", "Åsa", "Kim", "ĳsbrand", "Ǆemal", "ﬅella", "ẞ", "ª", "ꞵeta", "ȷon"),
    *("μαΐου", "ΰδρα", "οδός", "ᾳδης", "ῷα", "ᾨδή", "ῗρις", "Ὀδυσσεύς", "µελι"),
    *("Настя", "їжак", "ѐва", "ӑнтон", "Ꙋльяна"),
    *("דנה", "שָׁלוֹם", "محمد", "مُحَمَّد", "ﷲ", "अनिता", "क़मर", "สมชาย", "น้ำ", "நிலா", "ခင်"),
    *("ნინო", "Ⴀნა", "ᏣᎳᎩ", "ꭰma", "Արև", "𐐔𐐯", "𞤢𞤣", "ⴰⵎⵉⵏ", "አበበ", "བོད"),
    *("田中", "ﾊﾅｺ", "ガク", "김민수", "ﾡﾢ", "𝓔𝓿𝓪", "①", "٣رقم", "田中Bob", "דנהX", "김Анна"),
)
# Nobody may be called so. The first few each pose as a name that looks the same.
REFUSED = (
    *("аlice", "bоb", "teаcher", "Αlice", "zoé\u0430", "Анна\u03bf", "\uff41нна", "µas", "εva"),
    *("alice\u3164", "\u3164", "\u115f", "\u1160", "\uffa0", "bob\ufe0f", "a\u034f", "x\U000e0100"),
    *("ק\u17b4", "a\u180b", "\u0301a", "_bob", "a\u200bb", "a.b", "two words", "x" * 21, "ﷺ" * 2),
    *("broadcast", "BroadCast", "ＢＲＯＡＤＣＡＳＴ", "ﬀ" * 11, "\u2800", "😀"),
)
# There is nothing to see in these.
UNSEEN = ("", " ", "\u2800", "\u3164\u115f", "\u200b", "\u00a0\u034f", "\u2028", "\ufe0f\U000e0100")
SEEN = ("hello", "שלום", "مرحبا", "naïve", "😀", "two  spaces", "0004", "e\u0301", "MSG", "%s {}")
MARKS_SIZE = 9800  # bytes: they fit a message, whatever its sender is called

LONGEST_TEXT = "x" * 9985  # fits a request, and no message once a sender stands in front of it
GARBAGE = (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"+123", b"12 4HI", b"\xff" * 5000)
# What each of these must be answered with; none of it reaches anybody else.
MISTAKES = (
    (b"", "UNKNOWN_COMMAND"),
    (b"DANCE now", "UNKNOWN_COMMAND"),
    (b"GET_NAMES please", "BAD_ARGUMENTS"),
    (b"MSG BROADCAST", "BAD_ARGUMENTS"),
    *((f"MSG BROADCAST {text}".encode(), "BAD_ARGUMENTS") for text in UNSEEN),
    (b"MSG BROADCAST \xff\xfe", "BAD_TEXT"),
    (b"MSG BROADCAST \x1b[2J", "BAD_TEXT"),
    *((f"NAME {name}".encode(), "BAD_NAME") for name in REFUSED),
    (b"BLOCK nobody-at-all", "NO_SUCH_NAME"),
    (b"UNBLOCK nobody-at-all", "NOT_BLOCKED"),
    (b"MSG nobody-at-all hello", "NO_SUCH_NAME"),
    (b"MSG BROADCAST " + LONGEST_TEXT.encode(), "TOO_LONG"),
)


def shown(name: str) -> str:
    """Return a name as the server shows it."""
    return unicodedata.normalize("NFKC", name)


def fold(name: str) -> str:
    """Return what two names have in common when they count as the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def alphabets(text: str) -> set[str]:
    """Return which of the alphabets that look alike the letters of a text are from."""
    letters = (c for c in text if unicodedata.category(c)[0] == "L")
    return {unicodedata.name(c).partition(" ")[0] for c in letters} & ALPHABETS


def is_name(name: str) -> bool:
    """Whether somebody may be called so."""
    name = shown(name)
    return (
        1 <= len(name) <= 20
        and all(unicodedata.category(c)[0] in "LMN" or c in "_-" for c in name)
        and unicodedata.category(name[0])[0] in "LN"
        and not INVISIBLE & set(name)
        and len(alphabets(name)) <= 1
        and fold(name) != "broadcast"
    )


@cache
def spellings(name: str) -> list[str]:
    """Return ways to write a name that all count as the same."""
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name)
    cases = [name, name.upper(), name.title(), name.swapcase(), name.casefold(), wide]
    forms = [unicodedata.normalize(form, c) for c in cases for form in ("NFC", "NFD", "NFKD")]
    return [way for way in (*cases, *forms) if fold(way) == fold(name) and is_name(way)]


def falling_marks(dice: random.Random) -> str:
    """Return a text of combining marks whose classes fall: normalising it is quadratic."""
    marks = [chr(c) for c in range(0x0300, 0x0370) if unicodedata.combining(chr(c))]
    chosen = sorted(dice.sample(marks, dice.randint(2, 40)), key=unicodedata.combining)
    each = (MARKS_SIZE - 1) // (2 * len(chosen))  # of two bytes
    return "a" + "".join(mark * each for mark in reversed(chosen))


def is_list_of_names(names: Iterable[str]) -> bool:
    """Whether these can be the names of a room: each once, and in order."""
    folded = [fold(name) for name in names]
    return folded == sorted(set(folded))


for _name in WORDS:
    assert is_name(f"{_name}0"), f"no name: {_name}"
for _name in REFUSED:
    assert not is_name(_name), f"a name: {_name}"
