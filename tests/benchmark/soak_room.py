"""The room of the soak: random people, phase by phase, and a model of what each must hear.

In each phase every person gets a role and a script; all the scripts run at the same time, cut
into packets anywhere. Scripts of one phase are drawn so that it does not matter in which order the
server takes them: no name changes hands, nobody writes to somebody who comes, goes or changes their
name, nobody blocks somebody who talks. So the model knows for every listener and every source
exactly what must arrive and in which order, although it does not know how the sources mix. Then
everyone sends a fence, a request whose answer shows that all before it has been dealt with, and
what arrived is compared.
"""

from __future__ import annotations

import random
import time
from itertools import islice

from soak_names import GARBAGE, MISTAKES, SEEN, WORDS, falling_marks, fold, shown, spellings
from soak_people import BrokenPromiseError, Event, Person, shorten, source_name
from soak_wire import PATIENCE, Wire

LONGEST_RUN = 150  # messages of somebody who says them all at once and is gone


class Room:
    """All the people, the model of the room, and the phases."""

    def __init__(self, wire: Wire, size: int, seed: int) -> None:
        self.wire = wire
        self.size = size  # people
        self.dice = random.Random(seed)  # who does what: the same for the same seed
        self.people: list[Person] = []
        self.phases = self.checked = 0
        self.names = [f"{word}{number}" for word in WORDS for number in range(max(4, size // 8))]
        self.begin()

    def begin(self) -> None:
        """Forget the last phase."""
        self.owners = {fold(person.name): person for person in self.people}
        self.events: dict[Person, list[Event]] = {}
        self.newcomers: list[Person] = []
        self.leavers: list[Person] = []
        self.returners: list[Person] = []
        self.strangers: list[Person] = []  # who never take a name
        for person in self.people:
            person.heard.clear()
            person.answers.clear()
            person.answered = 0

    # -- who does what

    def phase(self) -> None:
        """Let everybody do something, and check what came of it."""
        self.begin()
        self.phases += 1
        cast = iter(self.dice.sample(self.people, len(self.people)))
        few = max(1, len(self.people) // 20)
        leavers, movers, returners, blockers, silent, talkers = (
            list(islice(cast, count)) for count in (few, 2 * few, few, 2 * few, 5 * few, None)
        )
        steady = blockers + silent + talkers
        for person in returners:
            self.come_and_go(person)
        for person in movers:
            self.move(person)
        for _ in range(min(self.size - len(self.people), 4 * few)):
            self.join()
        for _ in range(few):
            self.hit_and_run()
        for person in blockers:  # when all names are drawn: what they unblock is nobody's
            self.block(person, silent)
        for person in talkers:
            self.talk(person, steady)
        for person in leavers:
            self.leave(person)
        self.people = [person for person in self.people if person not in leavers]
        for _ in range(self.dice.randrange(3)):
            self.stranger()
        for person in self.dice.sample(steady, few):
            self.wire.stall(person)
        self.run_scripts(steady)
        self.compare()

    def tell(self, source: Person, payload: str, to: Person | None = None) -> None:
        """Expect that everybody (or one) hears of something that `source` does."""
        event = Event(payload, {source.number}, to.number if to else None)
        if payload.startswith("MSG "):
            event.deaf |= {person.number for person in self.blockers_of(source)}
        self.events.setdefault(source, []).append(event)

    def blockers_of(self, sender: Person) -> list[Person]:
        folded = fold(sender.name)
        return [person for person in self.people if folded in person.blocked]

    def spell(self, name: str) -> str:
        """One of the ways to write a name that all count as the same."""
        return self.dice.choice(spellings(name))

    def new_name(self, person: Person) -> str:
        """Draw a name that nobody has had in this phase, and give it to them."""
        while fold(name := self.dice.choice(self.names)) in self.owners:
            pass
        self.owners[fold(name)] = person
        return self.spell(name)

    def text(self, person: Person) -> str:
        """A text that no other message has."""
        person.said += 1
        words = self.dice.choices(SEEN, k=self.dice.choice([1, 3, 3, 3, 100]))
        if self.dice.random() < 0.005:
            words = [falling_marks(self.dice)]
        return f"{person.number}.{person.said} {' '.join(words)}"

    def say_to_all(self, person: Person) -> None:
        text = self.text(person)
        word = self.dice.choice(["BROADCAST", "broadcast", "Broadcast"])
        end = self.dice.choice(["", "", "\n", "\r\n"])
        person.ask(f"MSG {word} {text}{end}")
        self.tell(person, f"MSG {person.name} BROADCAST {text}")

    def say_to_one(self, person: Person, other: Person) -> None:
        text = self.text(person)
        # One's own name may come to stand on one's list; a message to oneself is delivered.
        blocked = fold(person.name) in other.blocked and other is not person
        person.ask(f"MSG {self.spell(other.name)} {text}", "ERROR BLOCKED" if blocked else "")
        if not blocked:
            self.tell(person, f"MSG {person.name} {other.name} {text}", other)

    def talk(self, person: Person, steady: list[Person]) -> None:
        for _ in range(self.dice.choice([0, 1, 2, 5])):
            match self.dice.randrange(10):
                case 0:
                    payload, code = self.dice.choice(MISTAKES)
                    person.ask(payload, f"ERROR {code}")
                case 1:
                    person.ask("get_names", "NAMES")
                case 2:
                    other = self.dice.choice(steady)
                    if other is not person:
                        person.ask(f"NAME {self.spell(other.name)}", "ERROR NAME_TAKEN")
                case 3 | 4 | 5:
                    self.say_to_one(person, self.dice.choice(steady))
                case _:
                    self.say_to_all(person)

    def take_name(self, person: Person, name: str) -> None:
        """Change a name as the server must: every block goes along."""
        old, new = person.name, shown(name)
        person.ask(f"NAME {name}", f"HELLO {new}")
        if not old:
            self.tell(person, f"JOINED {new}")
        elif old != new:
            self.tell(person, f"RENAMED {old} {new}")
            for other in self.blockers_of(person):
                other.blocked.remove(fold(old))
                other.blocked.add(fold(new))
        person.name = new

    def move(self, person: Person) -> None:
        """Change the name, or only its capitals, talk in between, and ask who is here."""
        for _ in range(self.dice.randint(1, 3)):
            if self.dice.random() < 0.3:
                self.take_name(person, self.spell(person.name))
            else:
                self.take_name(person, self.new_name(person))
            if self.dice.random() < 0.7:
                self.say_to_all(person)
            if self.dice.random() < 0.5:
                person.ask("GET_NAMES", "NAMES")

    def come_and_go(self, person: Person) -> None:
        """Leave and come back at once, under the same name, more than once perhaps."""
        self.returners.append(person)
        for _ in range(self.dice.randint(1, 3)):
            for _ in range(self.dice.randrange(3)):
                self.say_to_all(person)
            self.tell(person, f"LEFT {person.name}")
            person.come_back()
            name, person.name = person.name, ""
            person.blocked.clear()
            self.take_name(person, self.spell(name))

    def block(self, person: Person, silent: list[Person]) -> None:
        """Block and unblock people who say nothing now, or names that nobody has."""
        for _ in range(self.dice.randint(1, 4)):
            other = self.dice.choice(silent)
            absent = [name for name in person.blocked if name not in self.owners]
            match self.dice.randrange(5):
                case 0:
                    person.ask(f"BLOCK {self.spell(person.name)}", "ERROR BAD_ARGUMENTS")
                case 1 if absent:
                    name = self.dice.choice(sorted(absent))
                    person.ask(f"UNBLOCK {name}", f"UNBLOCKED {name}")
                    person.blocked.remove(name)
                case 2 if fold(other.name) in person.blocked:
                    person.ask(f"UNBLOCK {self.spell(other.name)}", f"UNBLOCKED {other.name}")
                    person.blocked.remove(fold(other.name))
                case 2:
                    person.ask(f"UNBLOCK {other.name}", "ERROR NOT_BLOCKED")
                case _:
                    person.ask(f"BLOCK {self.spell(other.name)}", f"BLOCKED {other.name}")
                    person.blocked.add(fold(other.name))

    def join(self) -> None:
        """Let somebody in who first tries what needs a name."""
        person = self.wire.connect()
        if self.dice.random() < 0.3:
            person.ask("MSG BROADCAST hello?", "ERROR NAME_REQUIRED")
            person.ask("GET_NAMES", "NAMES")
        self.take_name(person, self.new_name(person))
        self.newcomers.append(person)
        self.people.append(person)
        if self.dice.random() < 0.5:
            self.say_to_all(person)

    def leave(self, person: Person) -> None:
        for _ in range(self.dice.randrange(3)):
            self.say_to_all(person)
        person.farewell = self.dice.choice(["EXIT", "half-close", "reset", "garbage"])
        if person.farewell == "EXIT":
            person.ask("EXIT", "BYE")
            person.ask("MSG BROADCAST nobody reads this any more")
        elif person.farewell == "garbage":
            person.unsent.extend(self.dice.choice(GARBAGE))
            person.answers.append("ERROR BAD_FRAME")
        elif person.farewell == "reset":
            person.reset_at = self.dice.choice([0, self.dice.randint(0, len(person.unsent))])
        self.tell(person, f"LEFT {person.name}")
        self.leavers.append(person)

    def hit_and_run(self) -> None:
        """Somebody comes, says everything at once, and closes without reading a word.

        It is little enough for one segment (tcp(7)): an answer shows that the server has read it
        whole, so all of it must be dealt with.
        """
        person = self.wire.connect()
        self.take_name(person, self.new_name(person))
        for _ in range(self.dice.randint(1, LONGEST_RUN)):
            person.said += 1
            text = f"{person.number}.{person.said}"
            person.ask(f"MSG BROADCAST {text}")
            self.tell(person, f"MSG {person.name} BROADCAST {text}")
        person.farewell = "run"
        self.tell(person, f"LEFT {person.name}")
        self.leavers.append(person)

    def stranger(self) -> None:
        """Somebody comes who never takes a name, so that nobody hears of them."""
        person = self.wire.connect()
        person.farewell = self.dice.choice(["half-close", "reset", "garbage"])
        if person.farewell == "garbage":
            person.unsent.extend(self.dice.choice(GARBAGE))
            person.answers.append("ERROR BAD_FRAME")
        self.strangers.append(person)

    def gather(self) -> None:
        """Let everybody come at once."""
        self.begin()
        for _ in range(self.size):
            self.join()
        self.run_scripts(self.people)
        self.compare()

    def cut_off(self) -> None:
        """Let somebody stop reading for good while another one sends them more and more."""
        self.begin()
        sleeper = self.wire.connect(receive_buffer=4096)
        self.newcomers.append(sleeper)
        self.people.append(sleeper)
        self.take_name(sleeper, self.new_name(sleeper))
        talker = self.dice.choice(self.people[:-1])
        self.run_scripts(self.people[:-1])
        self.compare()
        self.begin()
        self.wire.stall(sleeper)
        text = f"MSG {sleeper.name} {'x' * 9900}"
        left = f"LEFT {sleeper.name}"
        deadline = time.monotonic() + PATIENCE
        while left not in talker.heard:
            if not talker.unsent:
                talker.ask(text)
            self.wire.send_some(talker)
            self.wire.read_all(0)
            if time.monotonic() > deadline:
                raise BrokenPromiseError(f"{sleeper} does not read, and is not cut off")
        self.people.remove(sleeper)
        self.wire.disconnect(sleeper)
        self.events[sleeper] = [Event(left)]
        talker.ask("GET_NAMES", "NAMES")
        self.wire.exchange([talker], lambda: any(p.startswith("NAMES") for p in talker.heard))
        # What was sent too late was answered with errors: how many, nobody can know.
        talker.heard = [p for p in talker.heard if not p.startswith("ERROR NO_SUCH_NAME")]
        talker.answered = 1
        self.run_scripts(self.people)
        self.compare()

    def all_leave(self) -> None:
        """Let everyone go, and wait until the server has seen them off."""
        self.begin()
        for person in self.people:
            person.farewell = "half-close"
        self.wire.exchange(self.people)
        self.people.clear()

    # -- all at once

    def run_scripts(self, steady: list[Person]) -> None:
        """Send all the scripts, with two fences behind them, until everything is answered."""
        observer = self.dice.choice([person for person in steady if not person.stalled])
        farewells = {f"LEFT {person.name}" for person in self.leavers}
        for person in self.people:
            person.ask("PASS fence", "ACCEPTED")
        self.wire.exchange(self.everyone(), lambda: farewells <= set(observer.heard))
        # All has been dealt with by now. What comes before a second answer has been caused.
        for person in self.people:
            self.wire.stall(person, stalled=False)
            if self.dice.random() < 0.1:
                person.ask("GET_NAMES", self.all_names())
            else:
                person.ask("PASS fence", "ACCEPTED")
        self.wire.exchange(self.everyone())

    def everyone(self) -> list[Person]:
        return [*self.people, *self.leavers, *self.strangers]

    def all_names(self) -> str:
        names = sorted((person.name for person in self.people), key=fold)
        return f"NAMES {len(names)} {' '.join(names)}"

    # -- what came

    def compare(self) -> None:
        """Check what everybody heard in this phase: answers, then source by source."""
        self.settle_resets()
        for person in self.everyone():
            heard = self.sort_by_source(person)
            if person.farewell not in ("reset", "run"):
                person.check_answers()
            for source in heard.keys() | self.events.keys():
                got = heard.get(source, [])
                due = self.due(person, source, got)
                if got != due:
                    raise BrokenPromiseError(
                        f"{person} should have heard of {source}\n  {[*map(shorten, due)]}\n"
                        f"and heard\n  {[*map(shorten, got)]}"
                    )
                self.checked += len(got)

    def due(self, person: Person, source: Person, got: list[str]) -> list[str]:
        """What a person must have heard of one source, given that it was as many frames."""
        if person in self.strangers:
            return []
        events = self.events.get(source, [])
        if person in self.returners and person is not source:
            # They were away now and then, and of a block list the end is not known.
            rest = iter([event.payload for event in events if event.only is None])
            return [payload for payload in got if payload in rest]
        due = [event.payload for event in events if event.reaches(person)]
        if person in self.leavers:
            return due[: len(got)]  # they left before the rest
        if person in self.newcomers:
            return due[max(0, len(due) - len(got)) :]  # they came after the beginning
        return due

    def sort_by_source(self, person: Person) -> dict[Person, list[str]]:
        heard: dict[Person, list[str]] = {}
        for payload in person.heard:
            if name := source_name(payload):
                source = self.owners.get(fold(name))
                if source is None:
                    raise BrokenPromiseError(
                        f"{person} heard of somebody who is not here: {shorten(payload)}"
                    )
                heard.setdefault(source, []).append(payload)
        return heard

    def settle_resets(self) -> None:
        """A reset overtakes what was sent before it: see how far the server came.

        Whoever had their messages dealt with, had it done for everyone. So what one listener
        heard is what all others must have heard.
        """
        for leaver in self.leavers:
            *messages, left = self.events[leaver]
            if leaver.farewell != "reset" or not messages:
                continue
            for listener in self.people:
                is_there = listener not in [*self.newcomers, *self.returners]
                if is_there and messages[0].reaches(listener):
                    count = len(self.sort_by_source(listener).get(leaver, [])) - 1
                    self.events[leaver] = [*messages[: max(0, count)], left]
                    break
