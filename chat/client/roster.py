"""The room as one person knows it: who is here, whom we block and write to, who spoke last.

Knows what the news of the room mean and how they are told; knows no connection.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, islice

import chat_protocol as protocol
from chat.client.lines import PERSON_COLOURS, Kind, Lines, colour_number, mentions
from chat.terminal.text import harmless
from chat_protocol import fold, is_broadcast

# What a server tells is remembered up to here; beyond, it is shown and forgotten. A server of ours
# has a place for each descriptor, some 1,000 with select(); one that makes people up has no end.
MAX_PEOPLE = 10_000
MAX_NAME_LENGTH = 80  # characters: what may normalise to the protocol's 20 (Unicode annex #15)
NAMES_SHOWN = 1_000  # of a list, which nobody reads to its end
MAX_SPEAKERS = 1_000  # of whom Tab knows who spoke last
MANY = 100  # people: of the few colours hardly one is left that nobody has


def is_count(word: str) -> bool:
    """Whether a word of a frame is a number, and no absurd one."""
    return word.isascii() and word.isdigit() and len(word) < 10


class Roster:
    """What the server has told of the room.

    Names are kept by their folded form. `came(name)` is called when somebody comes or takes
    another name.
    """

    def __init__(self, lines: Lines, came: Callable[[str], None], *, interactive: bool) -> None:
        self.name = ""  # ours, as the server keeps it; empty until it said HELLO
        self.people: dict[str, str] = {}
        self.blocked: dict[str, str] = {}
        self.to_block: set[str] = set()  # whom we blocked before a break; the server forgot it
        self.last_private = ""  # who wrote to us privately last
        self.addressee = ""  # to whom alone what is typed goes; empty: to everyone
        self.lost_addressee = ""  # who is not here, while what is typed may be meant for them
        self.is_complete = False  # all who are here were listed; a script is told of nobody
        self._speakers: dict[str, str] = {}  # who spoke last stands last
        self._colours: dict[str, int] = {}  # of those who were seen somewhere, while they are here
        self._listed: dict[str, str] = {}  # as told by NAMES frames, until all of them are here
        self._total = self._counted = 0  # names that this list has, and that have come so far
        self._lines = lines
        self._came = came
        self._interactive = interactive  # somebody sees that an addressee is gone

    def enter(self, name: str) -> None:
        """We are in the room under this name, be it our first or another."""
        self.people.pop(fold(self.name), None)
        self.people[fold(name)] = name
        if self.addressee and fold(self.addressee) == fold(self.name):
            self.addressee = name
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
        self._colours = {who: c for who, c in self._colours.items() if who in self.people}
        self.is_complete = self.name != "" and self._interactive
        self.forget_list()
        return True

    def show_list(self, total: int) -> None:
        """Show who is here, of `total` people."""
        names = [*self.people.values()][:NAMES_SHOWN]
        self._lines.tell(f"here ({total}):", items=names or ["nobody"])
        if total > len(names):
            self._lines.tell(f"and {total - len(names)} more")

    def news(self, verb: str, words: list[str]) -> bool:
        """Take a frame that tells what happened, and show it; return whether it was one."""
        match verb, words:
            case "MSG", [sender, addressee, *text] if text:
                self._said(sender, addressee, " ".join(text))
            case "JOINED", [name] if name:
                self._lines.came_or_went(name, "joined")
                if _remember(self.people, name) and len(self.people) == MAX_PEOPLE:
                    self._lines.tell(f"{MAX_PEOPLE} people are here; no more are listed")
                self._came(name)
            case "LEFT", [name] if name:
                self.people.pop(fold(name), None)
                self._colours.pop(fold(name), None)
                self._lines.came_or_went(name, "left")
                if fold(name) == fold(self.addressee):
                    self.check_addressee()
            case "RENAMED", [old, new]:
                self._renamed(old, new)
            case "BLOCKED", [name] if name:
                _remember(self.blocked, name)
                self.to_block.discard(fold(name))
                self._lines.tell(f"you block {name}")
            case "UNBLOCKED", [name] if name:
                self.unblocked(name)
            case _:
                return False
        return True

    def _said(self, sender: str, addressee: str, text: str) -> None:
        self._speakers.pop(fold(sender), None)
        if _remember(self._speakers, sender) and len(self._speakers) > MAX_SPEAKERS:
            del self._speakers[next(iter(self._speakers))]
        kind, speaker, for_me = Kind.SAID, sender, True
        if is_broadcast(addressee):
            for_me = mentions(text, self.name)
        else:
            self.last_private = sender
            kind, speaker = Kind.PRIVATE, f"{sender} → {addressee}"
        colour = self.colour(sender)
        self._lines.show(kind, text, speaker, sender, for_me=for_me, colour=colour)

    def colour(self, name: str) -> int:
        """Return which of the PERSON_COLOURS a person has as long as they are here: their own, or
        the next that nobody here has.
        """
        folded, own, count = fold(name), colour_number(name), len(PERSON_COLOURS)
        if len(name) > MAX_NAME_LENGTH or len(self._colours) >= MAX_PEOPLE:
            return self._colours.get(folded, own)
        if folded not in self._colours:
            taken = self._colours.values() if len(self._colours) < MANY else ()
            turn = ((own + step) % count for step in range(count))
            self._colours[folded] = next((some for some in turn if some not in taken), own)
        return self._colours[folded]

    def said_myself(self, me: str, to: str, text: str, note: str = "") -> None:
        """Show what we say to somebody or to everyone, for no server sends it back."""
        kind = Kind.SAID
        if not is_broadcast(to):
            me, kind = f"{me} → {self.people.get(fold(to), to)}", Kind.PRIVATE
        self._lines.show(kind, text, me + note)

    def write_to(self, name: str) -> None:
        """Have what is typed go to one person alone, or to everyone where the name is empty."""
        self.addressee, self.lost_addressee = name, ""
        if name:
            self._lines.tell(f"you write to {name} alone, until /all")
        else:
            self._lines.tell("you write to everyone")

    def check_addressee(self) -> None:
        """Find out whether the one to whom alone we write is still here."""
        gone = self.addressee
        if gone and self._interactive and fold(gone) not in self.people:
            self.addressee, self.lost_addressee = "", gone
            self._lines.show(Kind.ERROR, f"{gone} is gone; you write to everyone again.")

    def _renamed(self, old: str, new: str) -> None:
        for names in (self.people, self.blocked):
            if names.pop(fold(old), None) is not None:
                _remember(names, new)
        if fold(old) in self._colours and fold(new) in self.people:
            self._colours[fold(new)] = self._colours.pop(fold(old))
        if fold(self.last_private) == fold(old):
            self.last_private = new
        if self.addressee and fold(self.addressee) == fold(old):
            self.addressee = self.people.get(fold(new), old)  # none of an absurd length
        self._lines.tell(f"{old} is now {new}")
        self._came(new)

    def unblocked(self, name: str) -> None:
        """We do not block somebody any longer."""
        self.blocked.pop(fold(name), None)
        self.to_block.discard(fold(name))
        self._lines.tell(f"you no longer block {name}")

    def names_like(self, start: str) -> list[str]:
        """Names that begin with `start`, folded as the protocol folds, last speakers first."""
        last = {folded: position for position, folded in enumerate(self._speakers)}
        start, mine = fold(start), fold(self.name)
        others = [folded for folded in self.people if folded.startswith(start)]
        others.sort(key=lambda folded: (-last.get(folded, -1), folded))
        return [self.people[folded] for folded in others if folded != mine]

    def nobody_called(self, name: str) -> str:
        """Return a sentence: nobody here is called so, but perhaps nearly so."""
        import difflib  # takes its time, and is there for a slip of the finger

        near = range(len(name) - 3, len(name) + 4)  # characters; difflib takes its time
        some = [folded for folded in islice(self.people, NAMES_SHOWN) if len(folded) in near]
        nearly = difflib.get_close_matches(fold(name), some, n=1)
        others = self.names_like(name) + [
            self.people[folded] for folded in nearly if folded != fold(self.name)
        ]
        return f"Nobody here is called {name}{f'; is it {others[0]}?' if others else '.'}"

    def is_here(self, name: str) -> bool:
        """Whether somebody reads what is said to `name`, or everybody does."""
        return is_broadcast(name) or fold(name) in self.people

    def is_taken(self, name: str) -> None:
        """Somebody has this name, whether we had heard of them or not."""
        _remember(self.people, name)

    def free_name(self, name: str) -> str:
        """Return `name`, or the next that nobody here has: pupil2 for pupil, pupil8 for pupil7."""
        name = name[: protocol.MAX_NAME_LENGTH]  # int() takes no number of any length
        stem = name.rstrip("0123456789")
        digits = name[len(stem) :]
        for number in count(int(digits or 1) + 1):
            if fold(name) not in self.people:
                break
            end = f"{number:0{max(1, len(digits))}}"  # pupil02 for pupil01
            name = stem[: protocol.MAX_NAME_LENGTH - len(end)] + end
        return name


def _remember(names: dict[str, str], name: str) -> bool:
    """Put `name` among `names`, by its folded form; return whether there is a place for it."""
    folded = fold(name)
    fits = len(name) <= MAX_NAME_LENGTH and (folded in names or len(names) < MAX_PEOPLE)
    if fits and harmless(name) == name:  # Tab may put it into the line
        names[folded] = name
    return fits
