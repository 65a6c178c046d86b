"""Names: which there are, how they are shown, and which count as the same."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable

import pytest

import chat_protocol as protocol
from chat_protocol import ErrorCode
from protocol.outcomes import code_of, outcome


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


def test_every_character_counts_by_its_category() -> None:
    for number in range(0x11000):
        character = chr(number)
        shown = unicodedata.normalize("NFKC", "a" + character)
        good = len(shown) <= 20 and all(
            unicodedata.category(c)[0] in "LMN" or c in "-_" for c in shown
        )
        result = outcome(protocol.check_name, "a" + character)
        assert result == (shown if good else ErrorCode.BAD_NAME), hex(number)


def test_a_name_is_shown_in_nfkc_with_its_capitals() -> None:
    assert protocol.check_name("Jose\u0301") == "Jos\u00e9"
    assert protocol.check_name("Ｂｏｂ") == "Bob"
    assert protocol.check_name("ﬁsh") == "fish"
    assert protocol.check_name("McDonald") == "McDonald"


@pytest.mark.parametrize(
    ("one", "other"),
    [("Bob", "bob"), ("JOSÉ", "jose\u0301"), ("straße", "STRASSE"), ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
     ("Ｂｏｂ", "bob"), ("x²", "X2"), ("\u212aelvin", "kelvin")],
)  # fmt: skip
def test_names_are_the_same_when_their_folded_forms_are(one: str, other: str) -> None:
    assert protocol.fold(one) == protocol.fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("bob", "rob"), ("jose", "josé"), ("ı", "i"), ("a-b", "a_b"), ("o", "0")]
)
def test_names_that_only_look_alike_are_different(one: str, other: str) -> None:
    assert protocol.fold(one) != protocol.fold(other)


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


def test_a_name_too_long_to_become_short_is_not_normalised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def normalize(form: str, text: str) -> str:
        assert len(text) <= 80, "this takes too long"
        return text

    monkeypatch.setattr(unicodedata, "normalize", normalize)
    assert code_of(protocol.check_name, "a" + "\u0300" * 5000) is ErrorCode.BAD_NAME
