"""Mistakes with names: what is one, which are the same, who is here."""

from __future__ import annotations

from correct_room import INVISIBLE, Person, Room, encode


class CaseSensitiveNames(Room):
    """Names are compared as they are written."""

    def folded(self, name: str) -> str:
        shown = self.shown(name)
        return shown.lower() if shown.lower() == "broadcast" else shown


class LowerForCasefold(Room):
    """lower() is believed to be enough."""

    def folded(self, name: str) -> str:
        return self.shown(name).lower()


class NotNormalised(Room):
    """Names are taken as the keyboard produced them."""

    def shown(self, name: str) -> str:
        return name


class BytesOfAName(Room):
    """A name's bytes are counted, not its characters."""

    def is_name(self, name: str) -> bool:
        return len(name.encode()) <= 20 and super().is_name(name)


class MarksForbidden(Room):
    """isalnum() is believed to know the letters of all scripts."""

    def is_name(self, name: str) -> bool:
        return super().is_name(name) and all(c.isalnum() or c in "_-" for c in name)


class TakenNameGiven(Room):
    """Nobody looks whether a name is in use; the last one has it."""

    def take_name(self, person: Person, wanted: str) -> None:
        other = self.people.get(self.folded(wanted))
        if other is not None and other is not person:
            other.name = ""
            del self.people[self.folded(wanted)]
        super().take_name(person, wanted)


class SortedAsWritten(Room):
    """sorted() without a key puts all capitals first."""

    def listed(self) -> list[str]:
        return sorted(super().listed())


class OneFrameForAllNames(Room):
    """All names are put into one frame, and its length field may well have five digits."""

    def list_names(self, person: Person) -> None:
        names = self.listed()
        person.send(encode(" ".join([f"NAMES {len(names)}", *names])))


class UnnamedListed(Room):
    """Every connection is counted as somebody."""

    def __init__(self) -> None:
        super().__init__()
        self.everybody: set[Person] = set()

    def request(self, person: Person, payload: bytes) -> None:
        self.everybody.add(person)
        super().request(person, payload)

    def leave(self, person: Person) -> None:
        self.everybody.discard(person)
        super().leave(person)

    def listed(self) -> list[str]:
        return super().listed() + ["None" for person in self.everybody if not person.name]


class OldNameKept(Room):
    """A change of name leaves the old one in the table."""

    def take_name(self, person: Person, wanted: str) -> None:
        old = person.name
        super().take_name(person, wanted)
        if old:
            self.people.setdefault(self.folded(old), person)


class SameNameIsNews(Room):
    """The name one already has is told to everybody once more."""

    def take_name(self, person: Person, wanted: str) -> None:
        same = person.name == self.shown(wanted)
        super().take_name(person, wanted)
        if same:
            self.tell_others(person, f"RENAMED {person.name} {person.name}")


class NamesRemembered(Room):
    """The list of names is made anew when somebody comes or leaves, and not at a change of name."""

    remembered: tuple[int, list[str]] = (0, [])

    def listed(self) -> list[str]:
        if self.remembered[0] != len(self.people):
            self.remembered = len(self.people), super().listed()
        return self.remembered[1]


class InvisibleNames(Room):
    """The Unicode category is all that is looked at."""

    def is_name(self, name: str) -> bool:
        return super().is_name("".join(c for c in name if c not in INVISIBLE) or name)


class FoldedOnce(Room):
    """Case folding is believed to leave a normalised text."""

    def folded(self, name: str) -> str:
        return self.shown(name).casefold()


class TotalWithoutOneself(Room):
    """The total does not count the one who asks."""

    def head_of_list(self, person: Person) -> str:
        return f"NAMES {len(self.listed()) - bool(person.name)}"


class NoTotal(Room):
    """The names follow the verb."""

    def head_of_list(self, person: Person) -> str:
        return "NAMES"


class AskedIsNamed(Room):
    """Who has asked for a name counts as one who has it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[Person] = set()

    def take_name(self, person: Person, wanted: str) -> None:
        self.asked.add(person)
        super().take_name(person, wanted)

    def must_be_named(self, person: Person) -> None:
        if person not in self.asked:
            super().must_be_named(person)
