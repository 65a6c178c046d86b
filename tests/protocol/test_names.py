"""Names: which there are, how they are shown, and which count as the same."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Callable
from functools import cache

import pytest

import chat_protocol as protocol
from chat_protocol import ErrorCode, ProtocolError
from protocol.outcomes import code_of, outcome

# Default_Ignorable_Code_Point in DerivedCoreProperties.txt of Unicode 15.1, all of it.
DEFAULT_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


@cache
def characters(categories: str) -> list[str]:
    """Return the characters of all scripts that are of these categories, by their first letter."""
    # Planes 4 to 13 are empty, 15 and 16 are for private use.
    planes = [*range(0xD800), *range(0xE000, 0x40000), *range(0xE0000, 0xF0000)]
    return [c for c in map(chr, planes) if unicodedata.category(c)[0] in categories]


@cache
def one_character_names() -> list[str]:
    """Return every name of one character, as the server would show it, and each once."""
    shown = (outcome(protocol.check_name, character) for character in characters("LN"))
    return [*dict.fromkeys(name for name in shown if not isinstance(name, ErrorCode))]


def alphabets(name: str) -> set[str]:
    """Return which of the alphabets that look alike the letters of a name are of."""
    letters = [c for c in name if unicodedata.category(c) in ("Lu", "Ll", "Lt", "Lm", "Lo")]
    return {unicodedata.name(c).split(" ")[0] for c in letters} & {"LATIN", "GREEK", "CYRILLIC"}


@pytest.mark.parametrize(
    "name",
    ["a", "alice", "Bob-2", "under_score", "7up", "x" * 20, "José", "דני", "محمد", "李雷", "Ωμέγα",
     "नमस्ते", "한국어", "é" * 20, "𐐀" * 20, "Ⅷ", "a-", "a_", "broadcasts", "e\u0301\u0302"],
)  # fmt: skip
def test_a_name_may_be(name: str) -> None:
    assert protocol.check_name(name) == unicodedata.normalize("NFKC", name)


@pytest.mark.parametrize(
    "name",
    ["", "x" * 21, "é" * 21, "two words", " a", "a ", "-a", "_a", "\u0301a", "a.b", "a,b", "a@b",
     "a/b", "a\u00a0b", "a\u200bb", "a\u202eb", "a\ufeff", "a\x1bb", "a\nb", "😀", "a😀", "\u0378",
     "\ue000", "a\u2028b", "ﷺ", "①.", "\ud800"],
)  # fmt: skip
def test_a_name_may_not_be(name: str) -> None:
    assert code_of(protocol.check_name, name) is ErrorCode.BAD_NAME


@pytest.mark.parametrize(
    "name", ["BROADCAST", "broadcast", "BroadCast", "ＢＲＯＡＤＣＡＳＴ", "broadcaſt"]
)
def test_broadcast_is_nobodys_name(name: str) -> None:
    assert code_of(protocol.check_name, name) is ErrorCode.BAD_NAME
    assert protocol.is_broadcast(name)


@pytest.mark.slow
def test_every_character_counts_by_its_category() -> None:
    for number in [*range(0x11000), *range(0x1D000, 0x1E100), *range(0xE0000, 0xE0200)]:
        character = chr(number)
        shown = unicodedata.normalize("NFKC", "a" + character)
        good = (
            len(shown) <= 20
            and all(unicodedata.category(c)[0] in "LMN" or c in "-_" for c in shown)
            and not DEFAULT_IGNORABLE.search(shown)
            and alphabets(shown) == {"LATIN"}
        )
        result = outcome(protocol.check_name, "a" + character)
        assert result == (shown if good else ErrorCode.BAD_NAME), hex(number)


@pytest.mark.parametrize(
    ("name", "invisible"),
    [("alice\u3164", "U+3164"), ("\u3164", "U+3164"), ("\u115f", "U+115F"), ("\u1160", "U+1160"),
     ("\uffa0", "U+FFA0"), ("al\u034fice", "U+034F"), ("葛\U000e0100", "U+E0100"),
     ("1\ufe0f\u20e3", "U+FE0F"), ("\u1820\u180b", "U+180B")],
)  # fmt: skip
def test_an_invisible_character_is_no_part_of_a_name(name: str, invisible: str) -> None:
    with pytest.raises(ProtocolError, match=re.escape(invisible)) as caught:
        protocol.check_name(name)
    assert caught.value.code is ErrorCode.BAD_NAME


@pytest.mark.slow
def test_what_unicode_says_to_ignore_is_not_seen() -> None:
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    ignorable = DEFAULT_IGNORABLE.findall(every)
    assert len(ignorable) == 4174, "so says the file"
    for character in ignorable:
        assert code_of(protocol.check_name, f"a{character}") is ErrorCode.BAD_NAME
        assert not protocol.has_visible_text(character), hex(ord(character))


@pytest.mark.slow
def test_the_table_of_what_to_ignore_is_that_of_unicode() -> None:
    # As far as Python knows: all of category Cf but what shows (the prepended concatenation marks,
    # the annotations, the Egyptian joiners), and of the letters and marks those that say so.
    shows = "ARABIC|SYRIAC ABBR|KAITHI|INTERLINEAR|EGYPTIAN"
    hidden = "VARIATION SELECTOR|HANGUL.* FILLER|VOWEL INHERENT|GRAPHEME JOINER"
    for character in characters("LMNPSZC"):
        name = unicodedata.name(character, "")
        if unicodedata.category(character) == "Cf":
            told = name == "ARABIC LETTER MARK" or not re.match(shows, name)
        elif name:
            told = bool(re.search(hidden, name))
        else:
            continue  # not in this version of Unicode, or for private use
        assert told == bool(DEFAULT_IGNORABLE.match(character)), hex(ord(character))


@pytest.mark.slow
def test_what_is_let_in_is_visible_and_stays_as_it_is() -> None:
    names = one_character_names()
    assert len(names) > 100_000, "too few to prove anything"
    for name in names:
        assert not DEFAULT_IGNORABLE.search(name), hex(ord(name[0]))
        assert protocol.check_name(name) == name


@pytest.mark.parametrize(
    ("name", "letter"),
    [("teаcher", "а (U+0430) is Cyrillic"), ("аlice", "а (U+0430) is Cyrillic"),
     ("Αlice", "Α (U+0391) is Greek"), ("cаrοl", "ο (U+03BF) is Greek"),
     ("Иvан", "v (U+0076) is Latin"), ("Νikος", "i (U+0069) is Latin"),
     ("аx", "x (U+0078) is Latin"), ("xа", "а (U+0430) is Cyrillic"),
     ("xаΩΩ", "а (U+0430) is Cyrillic"), ("µm", "m (U+006D) is Latin"),
     ("ИванⅡ", "I (U+0049) is Latin"), ("a\u0301б-2", "б (U+0431) is Cyrillic")],
)  # fmt: skip
def test_letters_that_look_alike_do_not_mix(name: str, letter: str) -> None:
    with pytest.raises(ProtocolError, match=f"^{re.escape(letter)} ") as caught:
        protocol.check_name(name)
    assert caught.value.code is ErrorCode.BAD_NAME


@pytest.mark.parametrize(
    "name",
    ["teacher", "учитель", "δάσκαλος", "Иван_2-й", "\u212aelvin", "ªnnº", "Ａnna",
     "𝐁ob", "\u02bcаня", "аня\u02bc", "x\u0363", "и\u0306ван", "山田taro", "דניx", "王Иван", "ʰaɑ",
     "π٣", "д\u0483", "ⲁlice"],
)  # fmt: skip
def test_one_alphabet_goes_with_whatever_does_not_look_like_it(name: str) -> None:
    assert protocol.check_name(name) == unicodedata.normalize("NFKC", name)


def test_a_name_is_shown_in_nfkc_with_its_capitals() -> None:
    assert protocol.check_name("Jose\u0301") == "Jos\u00e9"
    assert protocol.check_name("Ｂｏｂ") == "Bob"
    assert protocol.check_name("ﬁsh") == "fish"
    assert protocol.check_name("McDonald") == "McDonald"


@pytest.mark.parametrize(
    ("one", "other"),
    [("Bob", "bob"), ("JOSÉ", "jose\u0301"), ("straße", "STRASSE"), ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
     ("Ｂｏｂ", "bob"), ("x²", "X2"), ("\u212aelvin", "kelvin"), ("μαΐου", "ΜΑΪ́ΟΥ"),
     ("ϋ\u0301", "Ϋ\u0301"), ("ǰan", "J\u030cAN"), ("ẖab", "H\u0331AB"), ("ᾷδω", "Α\u0342ΙΔΩ"),
     ("𝐁ob", "bob"), ("ΐ" * 20, "Ι\u0308\u0301" * 20)],
)  # fmt: skip
def test_names_are_the_same_when_their_folded_forms_are(one: str, other: str) -> None:
    assert protocol.fold(one) == protocol.fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("bob", "rob"), ("jose", "josé"), ("ı", "i"), ("a-b", "a_b"), ("o", "0")]
)
def test_names_that_only_look_alike_are_different(one: str, other: str) -> None:
    assert protocol.fold(one) != protocol.fold(other)


@pytest.mark.slow
def test_a_name_in_other_capitals_is_the_same_name() -> None:
    for name in one_character_names():
        for other in {name.upper(), name.lower(), name.swapcase()} - {name}:
            # The dotless i has its capital in common with the dotted one.
            assert name == "ı" or protocol.fold(other) == protocol.fold(name), hex(ord(name[0]))


@pytest.mark.slow
def test_what_is_folded_is_normalised_and_stays_as_it_is() -> None:
    marks = ["", *map(chr, range(0x300, 0x346))]
    cased = [name for name in one_character_names() if name.upper() != name.lower()]
    for name in [*one_character_names(), *(name + mark for name in cased for mark in marks)]:
        folded = protocol.fold(name)
        assert unicodedata.is_normalized("NFKC", folded), ascii(name)
        assert protocol.fold(folded) == folded, ascii(name)


def test_the_length_of_a_name_is_counted_after_normalisation() -> None:
    assert protocol.check_name("e\u0301" * 20) == "é" * 20
    assert protocol.check_name("ω\u0313\u0342\u0345" * 20) == "ᾦ" * 20  # four to one, no more
    assert code_of(protocol.check_name, "ﬁ" * 11) is ErrorCode.BAD_NAME


@pytest.mark.parametrize("function", [protocol.check_name, protocol.fold, protocol.is_broadcast])
def test_thousands_of_combining_marks_cost_no_time(function: Callable[[str], object]) -> None:
    # Sorting them as normalisation has to takes time that grows with their square.
    name = "a" + "\u0315\u0300" * 2_500
    start = time.process_time()
    for _ in range(20):
        outcome(function, name)
    assert time.process_time() - start < 0.2
