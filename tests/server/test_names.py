"""Names by way of the server: one spelling is one person, and nobody poses as somebody else."""

from __future__ import annotations

import pytest
from harness import Client, ServerProcess


@pytest.mark.parametrize(
    ("name", "capitals"),
    [("μαΐου", "ΜΑΪ́ΟΥ"), ("straße", "STRASSE"), ("ǰan", "J̌AN"), ("Νίκος", "ΝΊΚΟΣ"),
     ("ваня", "ВАНЯ")],
)  # fmt: skip
def test_a_name_and_its_capitals_are_one_name(
    server: ServerProcess, name: str, capitals: str
) -> None:
    server.connect().name(name)
    second = server.connect()
    second.send(f"NAME {capitals}")
    second.expect_error("NAME_TAKEN")
    assert second.ask("GET_NAMES") == f"NAMES 1 {name}"


def why_refused(client: Client, name: str) -> str:
    """Ask for a name that breaks the rules; return the sentence of the error."""
    code, _, sentence = client.ask(f"NAME {name}").removeprefix("ERROR ").partition(" ")
    assert code == "BAD_NAME"
    return sentence


def test_nobody_poses_as_somebody_by_a_letter_of_another_alphabet(server: ServerProcess) -> None:
    teacher, pupil = server.connect().name("teacher"), server.connect()
    assert why_refused(pupil, "teаcher").startswith("а (U+0430) is Cyrillic ")
    assert why_refused(pupil, "Τeacher").startswith("Τ (U+03A4) is Greek ")
    pupil.name("учитель")
    teacher.expect("JOINED учитель")


@pytest.mark.parametrize("invisible", ["\u3164", "\u115f", "\u1160", "\uffa0", "\u034f", "\ufe0f"])
def test_nobody_is_invisible_nor_a_second_alice(server: ServerProcess, invisible: str) -> None:
    server.connect().name("alice")
    client = server.connect()
    assert f"U+{ord(invisible):04X} " in why_refused(client, f"alice{invisible}")
    client.send(f"NAME {invisible}")
    client.expect_error("BAD_NAME")
    assert client.ask("GET_NAMES") == "NAMES 1 alice"


@pytest.mark.parametrize("text", ["\u3164", "\u2800", "\u2800 \u034f\ufe0f\U000e0100", "\u200b"])
def test_nobody_says_nothing(server: ServerProcess, text: str) -> None:
    alice, bob = server.connect().name("alice"), server.connect().name("bob")
    alice.expect("JOINED bob")
    for addressee in ("BROADCAST", "alice"):
        bob.send(f"MSG {addressee} {text}")
        bob.expect_error("BAD_ARGUMENTS")
    assert alice.hears_nothing()


def test_the_list_is_sorted_by_the_folded_names(server: ServerProcess) -> None:
    names = ["bob", "Zoe", "alice", "Émile", "Carol", "zack", "straßf", "STRASSE", "μαΐου", "ΜΑΪΟΣ"]
    people = [server.connect().name(name) for name in names]
    assert people[-1].ask("GET_NAMES") == (
        "NAMES 10 alice bob Carol STRASSE straßf zack Zoe Émile μαΐου ΜΑΪΟΣ"
    )
