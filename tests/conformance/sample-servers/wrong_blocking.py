"""Mistakes with block lists."""

from __future__ import annotations

from correct_room import Person, Refusal, Room, encode


class BlockBySocket(Room):
    """The list holds connections: it follows a person, and ends with that person's leaving."""

    def leave(self, person: Person) -> None:
        for other in self.people.values():
            other.blocks.discard(self.folded(person.name))
        super().leave(person)


class BlockByNameOnly(Room):
    """The list holds names and does not follow anybody who takes another."""

    def follow_in_block_lists(self, old: str, new: str) -> None:
        pass


class BlockKeepsOldName(Room):
    """The list follows a person and keeps every name that the person ever had."""

    def follow_in_block_lists(self, old: str, new: str) -> None:
        for other in self.people.values():
            if old in other.blocks:
                other.blocks.add(new)


class BlockedHearBroadcasts(Room):
    """Block lists are looked into for private messages alone."""

    def listeners(self, sender: Person) -> list[Person]:
        return [person for person in self.people.values() if person is not sender]


class BlockOneself(Room):
    """Nobody looks whether one blocks oneself."""

    def block(self, person: Person, name: str) -> None:
        self.must_be_named(person)
        person.blocks.add(self.folded(self.present(name).name))
        person.send(encode(f"BLOCKED {self.present(name).name}"))


class OnePersonBlocked(Room):
    """The second BLOCK replaces the first."""

    def block(self, person: Person, name: str) -> None:
        blocked, person.blocks = person.blocks, set()
        try:
            super().block(person, name)
        except Refusal:
            person.blocks = blocked
            raise


class UnblockLiftsAll(Room):
    """UNBLOCK clears the list."""

    def unblock(self, person: Person, name: str) -> None:
        super().unblock(person, name)
        person.blocks.clear()


class FirstListOnly(Room):
    """A change of name is followed in the first list that holds the name."""

    def follow_in_block_lists(self, old: str, new: str) -> None:
        for other in self.people.values():
            if old in other.blocks:
                other.blocks.remove(old)
                other.blocks.add(new)
                return


class FollowedBeforeChecked(Room):
    """The lists are changed before the new name has been checked."""

    def take_name(self, person: Person, wanted: str) -> None:
        if person.name:
            self.follow_in_block_lists(self.folded(person.name), self.folded(wanted))
        super().take_name(person, wanted)


class BlockLostAtABreak(Room):
    """A list forgets whose connection ended without EXIT."""

    exiting = False

    def act(self, person: Person, verb: str, rest: str | None) -> None:
        self.exiting = verb == "EXIT"
        super().act(person, verb, rest)
        self.exiting = False

    def leave(self, person: Person) -> None:
        for other in self.people.values():
            if not self.exiting and person.name:
                other.blocks.discard(self.folded(person.name))
        super().leave(person)


class WritingLiftsABlock(Room):
    """Who writes to somebody is believed to want an answer."""

    def message(self, sender: Person, rest: str | None) -> None:
        super().message(sender, rest)
        sender.blocks.discard(self.folded((rest or "").partition(" ")[0]))


class NameTakenOverBlockers(Room):
    """Who blocked the last owner of a name is forgotten once a blocked person takes it."""

    def follow_in_block_lists(self, old: str, new: str) -> None:
        if old != new and any(old in other.blocks for other in self.people.values()):
            for other in self.people.values():
                other.blocks.discard(new)
        super().follow_in_block_lists(old, new)


class BlockedBeforeLookedUp(Room):
    """BLOCK puts a name on the list and then looks whether it is anybody's."""

    def block(self, person: Person, name: str) -> None:
        self.must_be_named(person)
        person.blocks.add(self.folded(name))
        super().block(person, name)


class ListsByName(Room):
    """Lists are kept by their owners' names: whoever comes back finds the old one."""

    def __init__(self) -> None:
        super().__init__()
        self.lists: dict[str, set[str]] = {}

    def take_name(self, person: Person, wanted: str) -> None:
        super().take_name(person, wanted)
        person.blocks |= self.lists.pop(self.folded(person.name), set())

    def leave(self, person: Person) -> None:
        if person.name:
            self.lists[self.folded(person.name)] = person.blocks
        super().leave(person)


class CapitalsLoseABlock(Room):
    """The new name is put on the list, and then the old one taken off: the same, once folded."""

    def follow_in_block_lists(self, old: str, new: str) -> None:
        for other in self.people.values():
            if old in other.blocks:
                other.blocks.add(new)
                other.blocks.remove(old)


class FoldedUnblocked(Room):
    """UNBLOCKED shows what stands on the list, which is a folded name."""

    def unblock(self, person: Person, name: str) -> None:
        if self.folded(name) in person.blocks and self.folded(name) not in self.people:
            name = self.folded(name)
        super().unblock(person, name)


class BlockedByOneself(Room):
    """The list is looked into, also by who writes to oneself."""

    def message(self, sender: Person, rest: str | None) -> None:
        name = self.folded((rest or "").partition(" ")[0])
        if sender.name and name == self.folded(sender.name) and name in sender.blocks:
            raise Refusal("BLOCKED", f"{sender.name} blocks you.")
        super().message(sender, rest)
