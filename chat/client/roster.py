"""The room as one person knows it: who is here, whom we block, who spoke last.

Knows what the news of the room mean and how they are told; knows no connection.
"""

from __future__ import annotations

from collections.abc import Callable

from chat.client.lines import Kind, Lines, mentions
from chat_protocol import fold, is_broadcast

# What a server tells is remembered up to here; beyond, it is shown and forgotten. A server of ours
# has a place for each descriptor, some 1,000 with select(); one that makes people up has no end.
MAX_PEOPLE = 10_000
MAX_NAME_LENGTH = 80  # characters: what may normalise to the protocol's 20 (Unicode annex #15)
MAX_SPEAKERS = 1_000  # of whom Tab knows who spoke last


def is_count(word: str) -> bool:
    """Whether a word of a frame is a number, and no absurd one."""
    return word.isascii() and word.isdigit() and len(word) < 10


class Roster:
    """What the server has told of the room.

    Names are kept by their folded form. `came(name)` is called when somebody comes or takes
    another name.
    """

    def __init__(self, lines: Lines, came: Callable[[str], None]) -> None:
        self.name = ""  # ours, as the server keeps it; empty until it said HELLO
        self.people: dict[str, str] = {}
        self.blocked: dict[str, str] = {}
        self.to_block: set[str] = set()  # whom we blocked before a break; the server forgot it
        self.last_private = ""  # who wrote to us privately last
        self._speakers: dict[str, str] = {}  # who spoke last stands last
        self._listed: dict[str, str] = {}  # as told by NAMES frames, until all of them are here
        self._total = self._counted = 0  # names that this list has, and that have come so far
        self._lines = lines
        self._came = came

    def enter(self, name: str) -> None:
        """We are in the room under this name, be it our first or another."""
        self.people.pop(fold(self.name), None)
        self.people[fold(name)] = name
        self.name = name

    def forget_list(self) -> None:
        """The rest of a list that has begun does not come."""
        self._listed = {}
        self._total = self._counted = 0

    def list_people(self, total: int, names: list[str]) -> bool:
        """Take the names of one frame of a list; return whether the list is complete with them."""
        if total != self._total:  # the one that had begun is not gone on with
            self.forget_list()
            self._total = total
        for name in filter(None, names):
            _remember(self._listed, name)
            self._counted += 1
        if self._counted < total:
            return False
        self.people = self._listed
        self.forget_list()
        return True

    def news(self, verb: str, words: list[str]) -> bool:
        """Take a frame that tells what happened, and show it; return whether it was one."""
        match verb, words:
            case "MSG", [sender, addressee, *text] if text:
                self._said(sender, addressee, " ".join(text))
            case "JOINED", [name] if name:
                self._lines.tell(f"{name} joined", name)
                if _remember(self.people, name) and len(self.people) == MAX_PEOPLE:
                    self._lines.tell(f"{MAX_PEOPLE} people are here; no more are listed")
                self._came(name)
            case "LEFT", [name] if name:
                self.people.pop(fold(name), None)
                self._lines.tell(f"{name} left", name)
            case "RENAMED", [old, new]:
                self._renamed(old, new)
            case "BLOCKED", [name] if name:
                _remember(self.blocked, name)
                self.to_block.discard(fold(name))
                self._lines.tell(f"you block {name}", name)
            case "UNBLOCKED", [name] if name:
                self.unblocked(name)
            case _:
                return False
        return True

    def _said(self, sender: str, addressee: str, text: str) -> None:
        self._speakers.pop(fold(sender), None)
        if _remember(self._speakers, sender) and len(self._speakers) > MAX_SPEAKERS:
            del self._speakers[next(iter(self._speakers))]
        if is_broadcast(addressee):
            self._lines.show(Kind.SAID, text, sender, sender, mentions(text, self.name))
        else:
            self.last_private = sender
            self._lines.show(Kind.PRIVATE, text, f"{sender} → you", sender)

    def _renamed(self, old: str, new: str) -> None:
        for names in (self.people, self.blocked):
            if names.pop(fold(old), None) is not None:
                _remember(names, new)
        if fold(self.last_private) == fold(old):
            self.last_private = new
        self._lines.tell(f"{old} is now {new}", new)
        self._came(new)

    def unblocked(self, name: str) -> None:
        """We do not block somebody any longer."""
        self.blocked.pop(fold(name), None)
        self.to_block.discard(fold(name))
        self._lines.tell(f"you no longer block {name}", name)

    def names_like(self, start: str) -> list[str]:
        """Names that begin with `start`, folded as the protocol folds, last speakers first."""
        last = {folded: position for position, folded in enumerate(self._speakers)}
        start, mine = fold(start), fold(self.name)
        others = [folded for folded in self.people if folded.startswith(start)]
        others.sort(key=lambda folded: (-last.get(folded, -1), folded))
        return [self.people[folded] for folded in others if folded != mine]


def _remember(names: dict[str, str], name: str) -> bool:
    """Put `name` among `names`, by its folded form; return whether there is a place for it."""
    folded = fold(name)
    fits = len(name) <= MAX_NAME_LENGTH and (folded in names or len(names) < MAX_PEOPLE)
    if fits:
        names[folded] = name
    return fits
