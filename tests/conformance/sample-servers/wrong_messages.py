"""Mistakes with requests, texts, errors and events."""

from __future__ import annotations

import unicodedata

from correct_room import LARGEST_PAYLOAD, Person, Refusal, Room, encode


class CrashOnBadText(Room):
    """decode() is believed to succeed."""

    def read_text(self, payload: bytes) -> str:
        payload.decode()
        return super().read_text(payload)


class ControlCharactersPass(Room):
    """What is UTF-8 is believed to be text."""

    def read_text(self, payload: bytes) -> str:
        try:
            return self.without_enter_key(payload.decode())
        except UnicodeDecodeError:
            raise Refusal("BAD_TEXT", "This is not UTF-8.") from None


class StripsEverything(Room):
    """strip() is meant for the Enter key and takes the spaces as well."""

    def without_enter_key(self, text: str) -> str:
        return text.strip()


class EnterKeyKept(Room):
    """The Enter key is taken for a part of the request."""

    def without_enter_key(self, text: str) -> str:
        return text


class VerbsInCapitalsOnly(Room):
    """The verb is compared as it came."""

    def read_text(self, payload: bytes) -> str:
        text = super().read_text(payload)
        if not text.partition(" ")[0].isupper():
            raise Refusal("UNKNOWN_COMMAND", "There is no such request.")
        return text


class RenameIsJoin(Room):
    """A change of name is told as if somebody new had come."""

    def tell_others(self, about: Person, event: str) -> None:
        verb, *names = event.split(" ")
        super().tell_others(about, f"JOINED {names[1]}" if verb == "RENAMED" else event)


class BroadcastEcho(Room):
    """A broadcast comes back to the one who sent it."""

    def listeners(self, sender: Person) -> list[Person]:
        return [*super().listeners(sender), sender]


class UnnamedHear(Room):
    """Messages to all and events go to all connections, with a name or without."""

    def __init__(self) -> None:
        super().__init__()
        self.unnamed: set[Person] = set()

    def request(self, person: Person, payload: bytes) -> None:
        self.unnamed.add(person)
        super().request(person, payload)

    def leave(self, person: Person) -> None:
        self.unnamed.discard(person)
        super().leave(person)

    def tell_others(self, about: Person, event: str) -> None:
        super().tell_others(about, event)
        for person in self.unnamed:
            if not person.name and person is not about:
                person.send(encode(event))


class ListChangedWhileIterated(Room):
    """The loop that tells the others forgets the one behind everybody who has left meanwhile."""

    def leave(self, person: Person) -> None:
        skipped = None
        if person.name:
            names = sorted(self.people)
            behind = names[names.index(self.folded(person.name)) + 1 :]
            skipped = self.people[behind[0]] if behind else None
        name, person.name = person.name, ""
        if name:
            del self.people[self.folded(name)]
            for other in self.people.values():
                if other is not skipped:
                    other.send(encode(f"LEFT {name}"))


class MessageConfirmed(Room):
    """The sender of a message is told that it was sent."""

    def message(self, sender: Person, rest: str | None) -> None:
        super().message(sender, rest)
        sender.send(encode("SENT"))


class FirstWordOnly(Room):
    """split() takes a message's text apart, and its first word is what is sent."""

    def message(self, sender: Person, rest: str | None) -> None:
        words = (rest or "").split()
        super().message(sender, " ".join(words[:2]) if len(words) > 2 else rest)


class SpacesJoined(Room):
    """split() and join() turn two spaces into one."""

    def message(self, sender: Person, rest: str | None) -> None:
        words = (rest or "").split()
        super().message(sender, " ".join(words) if len(words) > 2 else rest)


class CharactersForTooLong(Room):
    """TOO_LONG counts characters, and the length field does not fit what follows it."""

    def message_frame(self, payload: str) -> bytes:
        if len(payload) > LARGEST_PAYLOAD:
            raise Refusal("TOO_LONG", "The message does not fit one frame.")
        return encode(payload)


class TooLongCutShort(Room):
    """A message that does not fit is cut, and nobody is told."""

    def message_frame(self, payload: str) -> bytes:
        return encode(payload.encode()[:LARGEST_PAYLOAD].decode(errors="ignore"))


class UnblockNeedsThePerson(Room):
    """UNBLOCK looks up the person first."""

    def unblock(self, person: Person, name: str) -> None:
        self.must_be_named(person)
        self.present(name)
        super().unblock(person, name)


class NameAskedFirst(Room):
    """NAME_REQUIRED is answered before the request is taken apart."""

    def act(self, person: Person, verb: str, rest: str | None) -> None:
        if verb in ("MSG", "BLOCK", "UNBLOCK"):
            self.must_be_named(person)
        super().act(person, verb, rest)


class TooLongFirst(Room):
    """The length of a message is looked at before anything else."""

    def message(self, sender: Person, rest: str | None) -> None:
        if rest and sender.name:
            self.message_frame(f"MSG {sender.name} {rest}")
        super().message(sender, rest)


class LeftBeforeBye(Room):
    """Who says EXIT is still in the list when the others are told."""

    def tell_others(self, about: Person, event: str) -> None:
        super().tell_others(about, event)
        if event.startswith("LEFT"):
            about.send(encode(event))


class InvisibleTexts(Room):
    """The Unicode category is all that is looked at."""

    def is_visible(self, text: str) -> bool:
        return any(unicodedata.category(character)[0] not in "ZC" for character in text)


class TextSeenLast(Room):
    """A text with nothing visible in it is noticed when it is about to be sent."""

    def message(self, sender: Person, rest: str | None) -> None:
        name, _, text = (rest or "").partition(" ")
        if text and not self.is_visible(text):
            self.must_be_named(sender)
            if self.folded(name) != "broadcast":
                self.present(name)
        super().message(sender, rest)


class MarkTakenOff(Room):
    """A byte order mark is taken off a text."""

    def message(self, sender: Person, rest: str | None) -> None:
        super().message(sender, (rest or "").replace(" \ufeff", " ", 1))


class Utf8Sig(Room):
    """decode("utf-8-sig") takes a byte order mark off a request."""

    def read_text(self, payload: bytes) -> str:
        return super().read_text(payload.removeprefix("\ufeff".encode()))


class PasswordMayBeMissing(Room):
    """PASS is accepted, whatever follows it."""

    def act(self, person: Person, verb: str, rest: str | None) -> None:
        super().act(person, verb, rest or "any" if verb == "PASS" else rest)


class EmptyArgumentIsNone(Room):
    """A space behind EXIT or GET_NAMES is not noticed."""

    def no_argument(self, rest: str | None, usage: str) -> None:
        super().no_argument(rest or None, usage)


class LeftNone(Room):
    """The others are told of everybody who leaves, with a name or without."""

    def __init__(self) -> None:
        super().__init__()
        self.unnamed: set[Person] = set()

    def request(self, person: Person, payload: bytes) -> None:
        self.unnamed.add(person)
        super().request(person, payload)

    def leave(self, person: Person) -> None:
        if not person.name and person in self.unnamed:
            self.tell_others(person, "LEFT None")
        self.unnamed.discard(person)
        super().leave(person)


class NoText(Room):
    """An error is its code alone."""

    def refusal(self, refusal: Refusal) -> str:
        return " ".join(super().refusal(refusal).split(" ")[:2])


class SmallCodes(Room):
    """The codes of errors are in small letters."""

    def refusal(self, refusal: Refusal) -> str:
        verb, code, text = super().refusal(refusal).split(" ", 2)
        return f"{verb} {code.lower()} {text}"


class NoAddressee(Room):
    """A message carries its sender and its text alone."""

    def message_frame(self, payload: str) -> bytes:
        super().message_frame(payload)
        verb, sender, _, text = payload.split(" ", 3)
        return encode(f"{verb} {sender} {text}")


class NoUsage(Room):
    """BAD_ARGUMENTS does not say what would be right."""

    def refusal(self, refusal: Refusal) -> str:
        text = super().refusal(refusal)
        return "ERROR BAD_ARGUMENTS That is wrong." if "BAD_ARGUMENTS" in text else text
