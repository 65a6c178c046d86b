"""What may be a name, and which names are the same."""

from __future__ import annotations

import unicodedata

import pytest

from .room import Room
from .wire import require

pytestmark = pytest.mark.chat


def test_a_taken_name_is_taken_in_any_capitals(room: Room) -> None:
    """Two names are the same when they are equal after case folding: `Bob` is taken once `bob` is
    here.

    Probable mistake: names are compared as they are written?
    """
    room.join("bob")
    for name in ("Bob", "BOB", "bob"):
        room.connect("a second one").is_refused(f"NAME {room.name(name)}", "NAME_TAKEN")


def test_case_folding_is_more_than_lower(room: Room) -> None:
    """Names are compared after case folding, which knows more letters than lower(): `STRASSE` is
    taken once `straße` is here, and a final sigma is a sigma.

    Probable mistake: lower() where casefold() is meant?
    """
    for first, second in (("straße", "STRASSE"), ("Νίκος", "ΝΊΚΟσ"), ("ﬀoo", "FFOO")):
        room.join(first)
        room.connect("a second one").is_refused(f"NAME {room.name(second)}", "NAME_TAKEN")


def test_names_are_normalised_again_once_folded(room: Room) -> None:
    """Two names are the same when they are equal once folded: NFKC, case folding, and NFKC again,
    because case folding leaves some letters taken apart.

    Probable mistake: casefold() is the last step, where one more normalize("NFKC", …) belongs?
    """
    for first, second in (("μαΐου", "ΜΑΪ\u0301ΟΥ"), ("ǰames", "J\u030cAMES")):
        room.join(first)
        room.connect("a second one").is_refused(f"NAME {room.name(second)}", "NAME_TAKEN")


NFKC_FORMS = {"Jose\u0301": "José", "Ａｎｎａ": "Anna", "ﬁlip": "filip", "x²": "x2", "Ⅷ": "VIII"}


def test_a_name_is_shown_in_its_nfkc_form(room: Room) -> None:
    """Names are taken and shown in Unicode's normalisation form NFKC: one spelling for what looks
    the same.

    Probable mistake: unicodedata.normalize("NFKC", name) is missing, or only used to compare?
    """
    other = room.join("other")
    for typed, form in NFKC_FORMS.items():
        person, shown = room.connect(form), room.name(form)
        person.is_told(f"HELLO {shown}", f"NAME {room.name(typed)}")
        require(shown in other.names(), f"{shown} is here, and NAMES lists it otherwise")
        for spelling in (room.name(typed), shown):
            other.is_refused(f"NAME {spelling}", "NAME_TAKEN")
            other.send(f"MSG {spelling} hi")
            person.gets(f"MSG {other} {shown} hi")


def test_the_longest_name(room: Room) -> None:
    """A name has up to 20 characters after NFKC; characters, whatever bytes they take.

    Probable mistake: bytes are counted, or the name is measured before it is normalised?
    """
    pad = 20 - len(room.tag)
    for stem in ("x" * pad, "ж" * pad, "𐐨" * pad, "ß" * pad, "x" * (pad - 1) + "e\u0301", "x"):
        name = unicodedata.normalize("NFKC", room.name(stem))
        room.connect("a client").is_told(f"HELLO {name}", f"NAME {room.name(stem)}")


def test_a_name_too_long(room: Room) -> None:
    """A name of more than 20 characters after NFKC is refused: BAD_NAME.

    Probable mistake: the limit is one off, or the name is measured before it is normalised?
    """
    client = room.connect()
    for name in ("x" * 21, "ж" * 21, "ﬃ" * 7, "x" * 9000):
        client.is_refused(f"NAME {name}", "BAD_NAME")


def test_letters_marks_and_numbers_of_every_script(room: Room) -> None:
    """A name consists of letters, marks and numbers of any script, `_` and `-`.

    Probable mistake: isalnum() refuses marks, or only a to z are allowed?
    """
    for stem in (
        "3com",
        "a_b-c",
        "עברית",
        "हिन्दी",
        "李小龍",
        "ไทย",
        "٣x",
        "Ωμέγα",
        "ʰǅª",
        "x-",
        "x_",
        "7",
        "ᛮ",
    ):
        name = unicodedata.normalize("NFKC", room.name(stem))
        room.connect(stem).is_told(f"HELLO {name}", f"NAME {room.name(stem)}")


# Signs that nobody takes for letters, emoji, spaces of all kinds, and what cannot be seen at all.
NOT_IN_A_NAME = (
    " .,:;!?@#$%&*+=/\\|<>()[]{}'\"`^~€–‿½🦓\u00a0\u200b\u200d\u2028\u202e\u2060\u3000\ue000\ufeff"
)


def test_no_other_characters_in_a_name(room: Room) -> None:
    """Each character of a name is a letter, a mark or a number (Unicode L*, M*, N*), `_` or `-`.

    Probable mistake: only a few characters are refused, and not all that are not allowed?
    """
    for character in NOT_IN_A_NAME:
        client = room.connect()
        for name in (f"al{character}ice", f"alice{character}", f"{character}alice"):
            client.is_refused(f"NAME {name}", "BAD_NAME")


# Marks and letters that show nothing by themselves: Unicode calls them default-ignorable.
INVISIBLE = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\ufe00\ufe0f\uffa0"
    "\U000e0100\U000e01ef"
)


def test_no_invisible_characters_in_a_name(room: Room) -> None:
    """No character of a name is invisible (default-ignorable), though it be a letter or a mark:
    `alice` and one of these would be a second alice.

    Probable mistake: the Unicode category is all that is looked at?
    """
    client = room.connect()
    for character in INVISIBLE:
        for name in (f"al{character}ice", f"alice{character}"):
            client.is_refused(f"NAME {name}", "BAD_NAME")


def test_a_name_begins_with_a_letter_or_a_number(room: Room) -> None:
    """The first character of a name is a letter or a number.

    Probable mistake: all characters are checked by the same rule, the first one too?
    """
    client = room.connect()
    for name in ("_alice", "-alice", "\u0301alice", "_", "-", "ิx"):
        client.is_refused(f"NAME {name}", "BAD_NAME")


def test_broadcast_is_nobodys_name(room: Room) -> None:
    """`BROADCAST` is nobody's name, in any capitals.

    Probable mistake: the word is not reserved, or only in capitals, or before NFKC?
    """
    for client in (room.join("alice"), room.connect()):
        for name in ("BROADCAST", "broadcast", "Broadcast", "ＢＲＯＡＤＣＡＳＴ", "BROADCAſT"):
            client.is_refused(f"NAME {name}", "BAD_NAME")


def test_a_name_with_a_space_is_bad(room: Room) -> None:
    """`NAME` takes all that follows the space as the name, so one with a space in it is BAD_NAME,
    not a surplus argument and not its first word.

    Probable mistake: split() takes the arguments apart, or strip() mends them?
    """
    client = room.connect()
    for request in ("NAME alice smith", "NAME  alice", "NAME alice ", "NAME alice  x"):
        client.is_refused(request, "BAD_NAME")
