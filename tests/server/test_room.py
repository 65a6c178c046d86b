"""The room by itself, with plain strings for people: names, blocking, and who hears what."""

from __future__ import annotations

from collections.abc import Collection

import pytest

import chat_protocol as protocol
from chat_protocol import ProtocolError
from chat_server import Room


class Chat:
    """A room whose members are words, and what each of them was given since they last asked."""

    def __init__(self, *members: str) -> None:
        """Let in `members`, each with its own name."""
        self.muted: set[str] = set()
        self.room = Room[str]({}, self.muted, self._deliver, self._announce)
        self.heard: dict[str, list[str]] = {}
        for member in members:
            self.does(member, f"NAME {member}")
        self.heard.clear()

    def _deliver(self, member: str, frame: bytes) -> None:
        reader = protocol.FrameReader()
        reader.feed(frame)
        self.heard.setdefault(member, []).extend(payload.decode() for payload in reader)

    def _announce(self, frame: bytes, deaf: Collection[str]) -> None:
        for member in self.room.names:
            if member not in deaf:
                self._deliver(member, frame)

    def _ask(self, member: str, line: str) -> None:
        request = protocol.parse_request(line)
        self.room.handlers[request.verb](member, request)

    def does(self, member: str, line: str) -> dict[str, list[str]]:
        """Let `member` ask for something; return who hears what of it."""
        self.heard = {}
        self._ask(member, line)
        return self.heard

    def error(self, member: str, line: str) -> str:
        """Let `member` ask for something that cannot be done; return the error's code."""
        self.heard = {}
        with pytest.raises(ProtocolError) as caught:
            self._ask(member, line)
        assert not self.heard, "an error is told to nobody else"
        return caught.value.code.value

    def leaves(self, member: str) -> dict[str, list[str]]:
        self.heard = {}
        self.room.leave(member)
        return self.heard

    def hears(self, listener: str, speaker: str) -> bool:
        """Whether what `speaker` says reaches `listener`: to all, and to them alone alike."""
        everyone = listener in self.does(speaker, "MSG BROADCAST hi")
        name = self.room.names[listener]
        if everyone:
            assert listener in self.does(speaker, f"MSG {name} hi")
        else:
            assert self.error(speaker, f"MSG {name} hi") == "BLOCKED"
        return everyone


# ----------------------------------------------------------------------------------------- names


def test_a_first_name_is_told_to_the_others() -> None:
    assert Chat("alice", "bob").does("new", "NAME Carol") == {
        "new": ["HELLO Carol"],
        "alice": ["JOINED Carol"],
        "bob": ["JOINED Carol"],
    }


def test_a_new_name_is_told_to_the_others() -> None:
    chat = Chat("alice", "bob")
    assert chat.does("bob", "NAME Robert") == {
        "bob": ["HELLO Robert"],
        "alice": ["RENAMED bob Robert"],
    }
    assert chat.does("alice", "GET_NAMES") == {"alice": ["NAMES 2 alice Robert"]}


def test_a_change_of_capitals_is_a_new_name() -> None:
    assert Chat("alice", "bob").does("bob", "NAME BOB") == {
        "bob": ["HELLO BOB"],
        "alice": ["RENAMED bob BOB"],
    }


def test_the_same_name_again_is_told_to_nobody() -> None:
    assert Chat("alice", "José").does("José", "NAME Jose\u0301") == {"José": ["HELLO José"]}


@pytest.mark.parametrize("name", ["bob", "BOB", "ｂｏｂ"])
def test_a_name_is_taken_whatever_its_capitals_and_forms(name: str) -> None:
    chat = Chat("alice", "bob")
    assert chat.error("new", f"NAME {name}") == "NAME_TAKEN"
    assert chat.error("alice", f"NAME {name}") == "NAME_TAKEN"
    assert chat.room.names == {"alice": "alice", "bob": "bob"}


def test_an_old_name_is_free_at_once() -> None:
    chat = Chat("alice", "bob")
    chat.does("bob", "NAME robert")
    assert chat.does("new", "NAME bob")["new"] == ["HELLO bob"]


def test_a_bad_name_changes_nothing() -> None:
    chat = Chat("alice", "bob")
    assert chat.error("bob", "NAME two words") == "BAD_NAME"
    assert chat.error("bob", "NAME broadcast") == "BAD_NAME"
    assert chat.room.names["bob"] == "bob"


def test_who_leaves_is_missed_by_the_others_and_their_name_is_free() -> None:
    chat = Chat("alice", "bob", "carol")
    assert chat.leaves("bob") == {"alice": ["LEFT bob"], "carol": ["LEFT bob"]}
    assert chat.error("alice", "MSG bob hi") == "NO_SUCH_NAME"
    assert chat.does("new", "NAME Bob")["new"] == ["HELLO Bob"]


def test_who_has_no_name_leaves_without_a_word() -> None:
    chat = Chat("alice")
    chat.does("nobody", "GET_NAMES")
    assert chat.leaves("nobody") == {}


def test_the_list_is_sorted_and_open_to_those_without_a_name() -> None:
    chat = Chat("bob", "Zoe", "alice")
    assert chat.does("nobody", "GET_NAMES") == {"nobody": ["NAMES 3 alice bob Zoe"]}
    assert Chat().does("nobody", "GET_NAMES") == {"nobody": ["NAMES 0"]}


# -------------------------------------------------------------------------------------- messages


def test_a_private_message_reaches_that_person_alone() -> None:
    chat = Chat("alice", "Bob", "carol")
    assert chat.does("alice", "MSG bob  hi there ") == {"Bob": ["MSG alice Bob  hi there "]}


@pytest.mark.parametrize("word", ["BROADCAST", "broadcast", "Broadcast"])
def test_a_broadcast_reaches_all_who_have_a_name_but_its_sender(word: str) -> None:
    chat = Chat("alice", "bob", "carol")
    chat.does("nobody", "GET_NAMES")
    assert chat.does("alice", f"MSG {word} hi") == {
        "bob": ["MSG alice BROADCAST hi"],
        "carol": ["MSG alice BROADCAST hi"],
    }


def test_a_message_to_oneself_is_delivered() -> None:
    assert Chat("alice").does("alice", "MSG ALICE hi") == {"alice": ["MSG alice alice hi"]}


def test_a_message_that_does_not_fit_reaches_nobody() -> None:
    chat = Chat("alice", "bob")
    text = "x" * (9999 - len("MSG alice BROADCAST "))
    assert chat.does("alice", f"MSG BROADCAST {text}") == {"bob": [f"MSG alice BROADCAST {text}"]}
    assert chat.error("alice", f"MSG BROADCAST {text}x") == "TOO_LONG"


def test_the_frame_is_measured_with_the_addressees_own_spelling() -> None:
    chat = Chat("alice", "é")
    text = "x" * (9999 - len("MSG alice é ".encode()))
    assert chat.does("alice", f"MSG e\u0301 {text}") == {"é": [f"MSG alice é {text}"]}
    assert chat.error("alice", f"MSG e\u0301 {text}x") == "TOO_LONG"


# -------------------------------------------------------------------------------------- blocking


def test_a_blocked_person_is_not_heard_and_everyone_else_is() -> None:
    chat = Chat("alice", "Bob", "carol")
    assert chat.does("alice", "BLOCK bob") == {"alice": ["BLOCKED Bob"]}
    assert chat.does("Bob", "MSG BROADCAST hi") == {"carol": ["MSG Bob BROADCAST hi"]}
    assert chat.error("Bob", "MSG alice hi") == "BLOCKED"
    assert chat.hears("alice", speaker="carol")
    assert chat.hears("Bob", speaker="alice"), "blocking works one way"


def test_unblocking_lets_a_person_be_heard_again() -> None:
    chat = Chat("alice", "Bob")
    chat.does("alice", "BLOCK bob")
    assert chat.does("alice", "UNBLOCK BOB") == {"alice": ["UNBLOCKED Bob"]}
    assert chat.hears("alice", speaker="Bob")
    assert chat.error("alice", "UNBLOCK bob") == "NOT_BLOCKED"


def test_blocking_twice_needs_unblocking_once() -> None:
    chat = Chat("alice", "bob")
    for _ in range(2):
        assert chat.does("alice", "BLOCK bob") == {"alice": ["BLOCKED bob"]}
    chat.does("alice", "UNBLOCK bob")
    assert chat.hears("alice", speaker="bob")


def test_comings_and_goings_are_not_blocked() -> None:
    chat = Chat("alice", "bob")
    chat.does("alice", "BLOCK bob")
    assert chat.does("bob", "NAME rob")["alice"] == ["RENAMED bob rob"]
    assert chat.leaves("bob")["alice"] == ["LEFT rob"]
    assert chat.does("bob", "NAME rob")["alice"] == ["JOINED rob"]


def test_a_block_follows_a_person_through_their_names() -> None:
    chat = Chat("alice", "bob")
    chat.does("alice", "BLOCK bob")
    for name in ("BOB", "robert", "rob"):
        chat.does("bob", f"NAME {name}")
        assert not chat.hears("alice", speaker="bob")
    assert chat.error("alice", "UNBLOCK bob") == "NOT_BLOCKED"
    assert chat.does("alice", "UNBLOCK ROB") == {"alice": ["UNBLOCKED rob"]}
    assert chat.hears("alice", speaker="bob")


def test_a_block_that_moved_on_leaves_the_old_name_free() -> None:
    chat = Chat("alice", "bob")
    chat.does("alice", "BLOCK bob")
    chat.does("bob", "NAME rob")
    chat.does("new", "NAME bob")
    assert chat.hears("alice", speaker="new")


def test_a_block_stays_under_the_last_name_with_its_last_spelling() -> None:
    chat = Chat("alice", "bob")
    chat.does("alice", "BLOCK bob")
    chat.does("bob", "NAME ROB")
    chat.leaves("bob")
    assert chat.error("alice", "UNBLOCK bob") == "NOT_BLOCKED"
    assert chat.does("alice", "UNBLOCK rob") == {"alice": ["UNBLOCKED ROB"]}


def test_the_next_owner_of_a_blocked_name_is_blocked_and_then_followed() -> None:
    chat = Chat("alice", "bob")
    chat.does("alice", "BLOCK bob")
    chat.leaves("bob")
    chat.does("next", "NAME BoB")
    assert not chat.hears("alice", speaker="next")
    chat.does("next", "NAME innocent")
    assert not chat.hears("alice", speaker="next")
    assert chat.does("alice", "UNBLOCK INNOCENT") == {"alice": ["UNBLOCKED innocent"]}
    assert chat.hears("alice", speaker="next")


def test_the_next_owner_by_rename_is_blocked_too() -> None:
    chat = Chat("alice", "bob", "carol")
    chat.does("alice", "BLOCK bob")
    chat.leaves("bob")
    chat.does("carol", "NAME Bob")
    assert not chat.hears("alice", speaker="carol")
    assert chat.does("alice", "UNBLOCK bob") == {"alice": ["UNBLOCKED Bob"]}
    assert chat.hears("alice", speaker="carol")


def test_blocks_of_two_names_merge_when_one_person_has_had_both() -> None:
    chat = Chat("alice", "dora", "bob", "carol")
    chat.does("alice", "BLOCK bob")
    chat.does("dora", "BLOCK carol")
    chat.leaves("carol")
    chat.does("bob", "NAME Carol")
    assert not chat.hears("alice", speaker="bob")
    assert not chat.hears("dora", speaker="bob")
    assert chat.does("alice", "UNBLOCK carol") == {"alice": ["UNBLOCKED Carol"]}
    assert chat.hears("alice", speaker="bob")
    assert not chat.hears("dora", speaker="bob"), "each lifts their own block only"


def test_two_blocks_of_one_person_that_merge_are_lifted_by_one_unblock() -> None:
    chat = Chat("alice", "bob", "carol")
    chat.does("alice", "BLOCK bob")
    chat.does("alice", "BLOCK carol")
    chat.leaves("carol")
    chat.does("bob", "NAME carol")
    assert chat.does("alice", "UNBLOCK carol") == {"alice": ["UNBLOCKED carol"]}
    assert chat.hears("alice", speaker="bob")
    assert chat.error("alice", "UNBLOCK carol") == "NOT_BLOCKED"
    assert chat.error("alice", "UNBLOCK bob") == "NOT_BLOCKED"


def test_a_list_ends_with_its_owners_connection() -> None:
    chat = Chat("alice", "bob")
    chat.does("alice", "BLOCK bob")
    chat.leaves("alice")
    chat.does("alice", "NAME alice")
    assert chat.hears("alice", speaker="bob")
    assert chat.error("alice", "UNBLOCK bob") == "NOT_BLOCKED"


def test_the_list_of_one_who_leaves_takes_nobody_elses_with_it() -> None:
    chat = Chat("alice", "carol", "bob")
    chat.does("alice", "BLOCK bob")
    chat.does("carol", "BLOCK bob")
    chat.leaves("alice")
    assert not chat.hears("carol", speaker="bob")


def test_a_list_belongs_to_a_person_not_to_their_name() -> None:
    chat = Chat("alice", "bob")
    chat.does("alice", "BLOCK bob")
    chat.does("alice", "NAME eve")
    assert not chat.hears("alice", speaker="bob")
    chat.does("new", "NAME alice")
    assert chat.hears("new", speaker="bob")


def test_a_blocker_may_take_a_name_on_their_own_list() -> None:
    chat = Chat("alice", "bob", "carol")
    chat.does("alice", "BLOCK bob")
    chat.leaves("bob")
    chat.does("alice", "NAME bob")
    assert chat.hears("carol", speaker="alice")
    assert chat.hears("alice", speaker="carol")
    assert chat.does("alice", "MSG bob hi") == {"alice": ["MSG bob bob hi"]}
    chat.does("alice", "NAME alice")
    assert chat.does("alice", "UNBLOCK alice") == {"alice": ["UNBLOCKED alice"]}
    assert chat.error("alice", "UNBLOCK bob") == "NOT_BLOCKED"


def test_one_cannot_block_oneself_in_any_capitals() -> None:
    chat = Chat("alice")
    assert chat.error("alice", "BLOCK alice") == "BAD_ARGUMENTS"
    assert chat.error("alice", "BLOCK ALICE") == "BAD_ARGUMENTS"


def test_blocking_needs_the_person_here_and_unblocking_does_not() -> None:
    chat = Chat("alice", "bob")
    assert chat.error("alice", "BLOCK carol") == "NO_SUCH_NAME"
    assert chat.error("alice", "UNBLOCK carol") == "NOT_BLOCKED"
    chat.does("alice", "BLOCK bob")
    chat.leaves("bob")
    assert chat.does("alice", "UNBLOCK bob") == {"alice": ["UNBLOCKED bob"]}


@pytest.mark.parametrize("name", ["BROADCAST", "two words", "no.name", "x" * 9000])
def test_what_is_no_name_is_nobody_here(name: str) -> None:
    chat = Chat("alice")
    assert chat.error("alice", f"BLOCK {name}") == "NO_SUCH_NAME"
    assert chat.error("alice", f"UNBLOCK {name}") == "NOT_BLOCKED"
    if name != "BROADCAST":
        assert chat.error("alice", f"MSG {name} hi") == "NO_SUCH_NAME"


def test_nothing_is_left_of_lists_when_everyone_has_left() -> None:
    chat = Chat("alice", "bob", "carol")
    chat.does("alice", "BLOCK bob")
    chat.does("carol", "BLOCK bob")
    chat.does("bob", "BLOCK carol")
    for member in ("alice", "bob", "carol"):
        chat.leaves(member)
    assert not chat.room.names
    assert not chat.room._members
    assert not chat.room._blockers
    assert not chat.room._lists


# ---------------------------------------------------------------------------- the order of errors


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("MSG carol hi", "NAME_REQUIRED"),
        ("MSG BROADCAST hi", "NAME_REQUIRED"),
        (f"MSG alice {'x' * 9985}", "NAME_REQUIRED"),
        ("BLOCK carol", "NAME_REQUIRED"),
        ("BLOCK two words", "NAME_REQUIRED"),
        ("UNBLOCK carol", "NAME_REQUIRED"),
    ],
)
def test_a_name_is_required_before_anything_about_others(line: str, code: str) -> None:
    assert Chat("alice").error("nobody", line) == code


def test_no_such_name_comes_before_too_long() -> None:
    assert Chat("alice").error("alice", f"MSG x {'x' * 9993}") == "NO_SUCH_NAME"


def test_blocked_comes_before_too_long() -> None:
    chat = Chat("alice", "bob")
    chat.does("alice", "BLOCK bob")
    assert chat.error("bob", f"MSG alice {'x' * 9985}") == "BLOCKED"
    assert chat.error("bob", f"MSG BROADCAST {'x' * 9985}") == "TOO_LONG"


def test_a_block_list_ends_at_a_thousand_names() -> None:
    chat = Chat("alice", "bob")
    for number in range(1000):
        chat.does("bob", f"NAME b{number}")
        chat.does("alice", f"BLOCK b{number}")
        chat.room.leave("bob")
    chat.does("bob", "NAME one_more")
    with pytest.raises(ProtocolError, match="1000 names") as refused:
        chat.does("alice", "BLOCK one_more")
    assert refused.value.code == "BAD_ARGUMENTS"
    chat.does("bob", "NAME b7")
    assert chat.does("alice", "BLOCK B7")["alice"] == ["BLOCKED b7"], "who is on it already"
    chat.does("alice", "UNBLOCK b8")
    chat.does("bob", "NAME one_more")
    assert chat.does("alice", "BLOCK one_more")["alice"] == ["BLOCKED one_more"]


# --------------------------------------------------------------------------------------- the muted


def test_a_muted_person_is_heard_by_nobody_not_even_themselves() -> None:
    chat = Chat("alice", "bob", "carol")
    chat.does("carol", "BLOCK bob")
    chat.muted.add("bob")
    long = f"MSG BROADCAST {'x' * 9985}"
    for line in ("MSG alice hi", "MSG bob hi", "MSG carol hi", "MSG nobody hi", long):
        assert chat.error("bob", line) == "MUTED"
    assert chat.error("bob", "MSG alice") == "BAD_ARGUMENTS"
    assert chat.does("bob", "BLOCK alice") == {"bob": ["BLOCKED alice"]}
    assert chat.does("alice", "NAME bobby")["bob"] == ["RENAMED alice bobby"]
    chat.does("bob", "NAME Robert")
    assert chat.error("bob", "MSG BROADCAST hi") == "MUTED", "it is the person, not the name"
    chat.muted.clear()
    assert set(chat.does("bob", "MSG BROADCAST hi")) == {"alice"}


def test_who_has_no_name_is_asked_for_one_first() -> None:
    chat = Chat("alice")
    chat.muted.add("new")
    assert chat.error("new", "MSG alice hi") == "NAME_REQUIRED"
