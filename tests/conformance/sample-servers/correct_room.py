"""The chat without a socket: who is here, who blocks whom, what every request does.

The servers of this directory share it: one gives every person two threads, one has a select()
loop, and the wrong ones make one mistake at a time. It is written from the protocol's text and
knows nothing of chat_server.py, so that a mistake in one of them is not a mistake in both.
"""

from __future__ import annotations

import unicodedata

LARGEST_PAYLOAD = 9999  # bytes: what four digits can say
# What Unicode calls default-ignorable, of the categories that a name may hold.
INVISIBLE = {"\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u3164", "\uffa0"} | {
    chr(code)
    for first, last in ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
    for code in range(first, last + 1)
}
LONGEST_NAME = 20  # characters


def encode(payload: str) -> bytes:
    """One frame: four digits, then as many bytes of UTF-8."""
    data = payload.encode()
    return b"%04d" % len(data) + data


class Refusal(Exception):  # noqa: N818 - an answer, and nobody's error
    """A request that is answered `ERROR <CODE> <text>`."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"ERROR {code} {text}")


class Person:
    """One connection. A server says how its bytes travel."""

    def __init__(self) -> None:
        self.name = ""  # as its owner spells it; empty until it is chosen
        self.blocks: set[str] = set()  # folded names

    def send(self, data: bytes) -> None:
        """Queue whole frames; never wait for them to be taken."""
        raise NotImplementedError

    def finish(self) -> None:
        """Close once all that was sent before has gone out."""
        raise NotImplementedError


class Room:
    """Everybody who is here. One request at a time: a server with threads holds a lock."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}  # by folded name

    # ------------------------------------------------------------------------ requests come in

    def request(self, person: Person, payload: bytes) -> None:
        """Do what one whole payload asks for."""
        try:
            verb, separator, rest = self.read_text(payload).partition(" ")
            self.act(person, verb.upper(), rest if separator else None)
        except Refusal as refusal:
            person.send(encode(self.refusal(refusal)))

    def refusal(self, refusal: Refusal) -> str:
        return str(refusal)

    def read_text(self, payload: bytes) -> str:
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            raise Refusal("BAD_TEXT", "This is not UTF-8.") from None
        text = self.without_enter_key(text)
        if any(unicodedata.category(character) == "Cc" for character in text):
            raise Refusal("BAD_TEXT", "Control characters are not text.")
        return text

    def without_enter_key(self, text: str) -> str:
        for ending in ("\r\n", "\n", "\r"):
            if text.endswith(ending):
                return text[: -len(ending)]
        return text

    def act(self, person: Person, verb: str, rest: str | None) -> None:
        match verb:
            case "NAME":
                self.take_name(person, self.one_argument(rest, "NAME <name>"))
            case "GET_NAMES":
                self.no_argument(rest, "GET_NAMES")
                self.list_names(person)
            case "MSG":
                self.message(person, rest)
            case "BLOCK":
                self.block(person, self.one_argument(rest, "BLOCK <name>"))
            case "UNBLOCK":
                self.unblock(person, self.one_argument(rest, "UNBLOCK <name>"))
            case "PASS":
                self.one_argument(rest, "PASS <password>")
                person.send(encode("ACCEPTED"))
            case "EXIT":
                self.no_argument(rest, "EXIT")
                self.leave(person)
                person.send(encode("BYE"))
                person.finish()
            case _:
                raise Refusal("UNKNOWN_COMMAND", "There is no such request.")

    def one_argument(self, rest: str | None, usage: str) -> str:
        if not rest:
            raise Refusal("BAD_ARGUMENTS", f"Usage: {usage}")
        return rest

    def no_argument(self, rest: str | None, usage: str) -> None:
        if rest is not None:
            raise Refusal("BAD_ARGUMENTS", f"Usage: {usage}")

    # ------------------------------------------------------------------------------------ names

    def shown(self, name: str) -> str:
        return unicodedata.normalize("NFKC", name)

    def folded(self, name: str) -> str:
        return self.shown(self.shown(name).casefold())

    def is_name(self, name: str) -> bool:
        return (
            1 <= len(name) <= LONGEST_NAME
            and all(unicodedata.category(c)[0] in "LMN" or c in "_-" for c in name)
            and unicodedata.category(name[0])[0] in "LN"
            and not INVISIBLE & set(name)
            and self.folded(name) != "broadcast"
        )

    def take_name(self, person: Person, wanted: str) -> None:
        old, new = person.name, self.shown(wanted)
        if not self.is_name(new):
            raise Refusal("BAD_NAME", "1 to 20 letters, marks, numbers, _ or -, letter first.")
        if self.people.get(self.folded(new), person) is not person:
            raise Refusal("NAME_TAKEN", "Somebody else has this name.")
        if old:
            del self.people[self.folded(old)]
        self.people[self.folded(new)] = person
        person.name = new
        if old and old != new:
            self.follow_in_block_lists(self.folded(old), self.folded(new))
        person.send(encode(f"HELLO {new}"))
        if not old:
            self.tell_others(person, f"JOINED {new}")
        elif old != new:
            self.tell_others(person, f"RENAMED {old} {new}")

    def follow_in_block_lists(self, old: str, new: str) -> None:
        for other in self.people.values():
            if old in other.blocks:
                other.blocks.remove(old)
                other.blocks.add(new)

    def listed(self) -> list[str]:
        return [person.name for _, person in sorted(self.people.items())]

    def list_names(self, person: Person) -> None:
        names = self.listed()
        line = head = self.head_of_list(person)
        for name in names:
            if len(f"{line} {name}".encode()) > LARGEST_PAYLOAD:
                person.send(encode(line))
                line = head
            line += f" {name}"
        person.send(encode(line))

    def head_of_list(self, person: Person) -> str:
        return f"NAMES {len(self.listed())}"

    def present(self, name: str) -> Person:
        person = self.people.get(self.folded(name))
        if person is None:
            raise Refusal("NO_SUCH_NAME", "Nobody here is called that.")
        return person

    def must_be_named(self, person: Person) -> None:
        if not person.name:
            raise Refusal("NAME_REQUIRED", "Choose a name first: NAME <name>")

    # --------------------------------------------------------------------------------- messages

    def message(self, sender: Person, rest: str | None) -> None:
        name, separator, text = (rest or "").partition(" ")
        if not name or not separator or not text:
            raise Refusal("BAD_ARGUMENTS", "Usage: MSG <name or BROADCAST> <text>")
        if not self.is_visible(text):
            raise Refusal("BAD_ARGUMENTS", "Usage: MSG <name> <text>, with something to see in it")
        self.must_be_named(sender)
        if self.folded(name) == "broadcast":
            data = self.message_frame(f"MSG {sender.name} BROADCAST {text}")
            for person in self.listeners(sender):
                person.send(data)
            return
        addressee = self.present(name)
        if addressee is not sender and self.folded(sender.name) in addressee.blocks:
            raise Refusal("BLOCKED", f"{addressee.name} blocks you.")
        addressee.send(self.message_frame(f"MSG {sender.name} {addressee.name} {text}"))

    def is_visible(self, text: str) -> bool:
        return any(
            unicodedata.category(c)[0] not in "ZC" and c not in INVISIBLE and c != "\u2800"
            for c in text
        )

    def listeners(self, sender: Person) -> list[Person]:
        name = self.folded(sender.name)
        people = list(self.people.values())
        return [person for person in people if person is not sender and name not in person.blocks]

    def message_frame(self, payload: str) -> bytes:
        if len(payload.encode()) > LARGEST_PAYLOAD:
            raise Refusal("TOO_LONG", "The message does not fit one frame.")
        return encode(payload)

    def tell_others(self, about: Person, event: str) -> None:
        data = encode(event)
        for person in list(self.people.values()):
            if person is not about:
                person.send(data)

    # --------------------------------------------------------------------------------- blocking

    def block(self, person: Person, name: str) -> None:
        self.must_be_named(person)
        blocked = self.present(name)
        if blocked is person:
            raise Refusal("BAD_ARGUMENTS", "Nobody blocks oneself.")
        person.blocks.add(self.folded(blocked.name))
        person.send(encode(f"BLOCKED {blocked.name}"))

    def unblock(self, person: Person, name: str) -> None:
        self.must_be_named(person)
        folded = self.folded(name)
        if folded not in person.blocks:
            raise Refusal("NOT_BLOCKED", "This name is not on your list.")
        person.blocks.remove(folded)
        owner = self.people.get(folded)
        person.send(encode(f"UNBLOCKED {owner.name if owner else self.shown(name)}"))

    # ---------------------------------------------------------------------------------- leaving

    def leave(self, person: Person) -> None:
        """Forget somebody, with or without a name, and tell the others. Twice does no harm."""
        if person.name:
            del self.people[self.folded(person.name)]
            self.tell_others(person, f"LEFT {person.name}")
            person.name = ""
