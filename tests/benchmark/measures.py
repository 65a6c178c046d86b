"""The measurements. Each starts its contenders, measures them in turn, and adds to the report."""

from __future__ import annotations

import fcntl
import os
import pty
import resource
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import load
from contenders import (
    HOST,
    Command,
    Contender,
    ContenderError,
    Running,
    bare_loop,
    chat_server,
    course,
    cpu_seconds,
    loaded,
    miniircd,
    ngircd,
    pin,
    running,
    serving,
    status_field,
)
from report import Check, Report, Series, ratio

SELECT = "chat_server, select"
AUTO = "chat_server, auto"
BARE = "bare loop"

# Limits of the targets.
FLOOR_SHARE = 0.95
TIMES_MINIIRCD, TIMES_NGIRCD, TIMES_FLOOR = 2, 5, 20
AIM_MILLIONS = 10
ROUND_TRIP_RATIO = 1.3
BYTES_PER_PERSON = 4096
START_RATIO = 2.2
TAIL_RATIO = 2
SECONDS_BEHIND = 0.5  # on the screen: too short to be noticed
REDRAWS_PER_MESSAGE = 0.1
WAKE_UPS = 0

KEPT_DESCRIPTORS = 100  # of a load process, for all but the people
SETTLE_SECONDS = 0.5  # after which nothing that was going on still goes on


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    short_rounds: int  # one message at a time: many and short
    short_seconds: float
    many_rounds: int
    many_seconds: float
    latency_rounds: int
    latency_seconds: float
    crowd: int  # connections to one server
    crowd_has_names: bool  # else only two of them do: naming ten thousand takes half a minute
    starts: int
    fairness_rounds: int
    fairness_seconds: float
    burst_messages: int
    burst_rounds: int
    idle_seconds: float


QUICK = Plan(5, 0.12, 3, 0.12, 5, 0.08, 10_000, False, 6, 3, 1.0, 10_000, 1, 1.0)
FULL = Plan(21, 0.25, 9, 0.5, 15, 0.3, 10_000, True, 30, 15, 1.5, 10_000, 5, 5.0)


@dataclass
class Bench:
    """What every measurement is given."""

    plan: Plan
    project: Path
    report: Report

    def chat_server(self, name: str, *options: str) -> Contender:
        return chat_server(name, self.project, *options)

    def progress(self, text: str) -> None:
        print(f"… {text}", file=sys.stderr, flush=True)


# ------------------------------------------------------------------------------------ in turn


@contextmanager
def all_loaded(
    bench: Bench, people: int, contestants: Sequence[Contender]
) -> Iterator[list[Running]]:
    """Start those that can be started, all with the same number of people."""
    with ExitStack() as stack:
        started = [loaded_or_none(stack, bench, people, contender) for contender in contestants]
        yield [room for room in started if room]


def loaded_or_none(
    stack: ExitStack, bench: Bench, people: int, contender: Contender
) -> Running | None:
    try:
        return stack.enter_context(loaded(contender, people))
    except ContenderError as error:
        bench.report.remark(f"{contender.name}, {people} people: {error}")
        return None


def in_turn(
    bench: Bench,
    title: str,
    unit: str,
    rooms: list[Running],
    rounds: int,
    measure: Callable[[Running], tuple[float, dict[str, Any]]],
) -> dict[str, Series]:
    """Measure the contenders round by round, so that a slow minute hits all of them alike.

    `measure` returns the figure and the answer of the load. Who fails is out of the race.
    """
    bench.progress(title)
    series = {room.name: Series(title, unit, room.name, room.contender.ours) for room in rooms}
    for number in range(rounds):
        for room in list(rooms)[:: -1 if number % 2 else 1]:
            result = series[room.name]
            cpu = cpu_seconds(room.pid)
            try:
                value, answer = measure(room)
            except ContenderError as error:
                bench.report.remark(f"{room.name}, {title}: {error}")
                rooms.remove(room)
                continue
            result.values.append(value)
            result.server_cpu.append((cpu_seconds(room.pid) - cpu) / answer["seconds"])
            result.load_cpu.append(answer["cpu"] / answer["seconds"])
    series = {name: result for name, result in series.items() if result.values}
    bench.report.series += series.values()
    return series


# --------------------------------------------------------------------- targets 1 and 2: throughput


def throughput(bench: Bench) -> None:
    """Deliveries (message × recipient) a second."""
    for listeners in (100, 500):
        contestants = [
            bench.chat_server(SELECT, "--rate", "0"),
            bench.chat_server(AUTO, "--rate", "0", "--selector", "auto"),
            bare_loop("broadcast"),
            course(),
            ngircd(),
            miniircd(),
        ]
        with all_loaded(bench, listeners + 1, contestants) as rooms:
            for room in rooms:
                pin(room.pid, core=1)
                pin(room.load.pid, core=0)
            one_at_a_time(bench, rooms, listeners)
            if listeners == 100:
                many_in_flight(bench, rooms, listeners, 1, 32)
            series = many_in_flight(bench, rooms, listeners, 10, 8)
            check_many(bench.report, f"{listeners} × 10 × 8", series)
            if listeners == 500 and SELECT in series:
                aim(bench.report, series[SELECT])


def deliveries(senders: int, in_flight: int, seconds: float) -> Callable[[Running], Any]:
    def measure(room: Running) -> tuple[float, dict[str, Any]]:
        answer = room.load.ask("throughput", senders=senders, in_flight=in_flight, seconds=seconds)
        return answer["deliveries"] / answer["seconds"], answer

    return measure


def one_at_a_time(bench: Bench, rooms: list[Running], listeners: int) -> None:
    plan = bench.plan
    title = f"{listeners} listeners, one message at a time"
    measure = deliveries(1, 1, plan.short_seconds)
    series = in_turn(bench, title, "deliveries/s", rooms, plan.short_rounds, measure)
    bench.report.checks.append(
        ratio(
            1,
            f"{listeners} listeners, × the bare loop",
            series.get(SELECT),
            series.get(BARE),
            FLOOR_SHARE,
            at_least=True,
        )
    )


def many_in_flight(
    bench: Bench, rooms: list[Running], listeners: int, senders: int, in_flight: int
) -> dict[str, Series]:
    plan = bench.plan
    who = "1 sender" if senders == 1 else f"{senders} senders"
    title = f"{listeners} listeners, {who}, {in_flight} in flight each"
    measure = deliveries(senders, in_flight, plan.many_seconds)
    return in_turn(bench, title, "deliveries/s", rooms, plan.many_rounds, measure)


def check_many(report: Report, load_name: str, series: dict[str, Series]) -> None:
    for other, limit in (
        ("miniircd", TIMES_MINIIRCD),
        ("ngircd", TIMES_NGIRCD),
        (BARE, TIMES_FLOOR),
    ):
        report.checks.append(
            ratio(
                2,
                f"{load_name}, × {other}",
                series.get(SELECT),
                series.get(other),
                limit,
                at_least=True,
            )
        )


def aim(report: Report, series: Series) -> None:
    """Tell how far the most deliveries a second are from what they ought to become one day."""
    millions = series.median / 1e6
    report.remark(f"{series.title}: {millions:.1f} of the {AIM_MILLIONS} million/s aimed at")


# ------------------------------------------------------------------------ target 3: round trips


def latency(bench: Bench) -> None:
    """Private messages between two people while many others are connected and silent."""
    for idle in (10, 100, 900):
        contestants = [
            bench.chat_server(SELECT, "--rate", "0"),
            bench.chat_server(AUTO, "--rate", "0", "--selector", "auto"),
            bare_loop("private"),
        ]
        title = f"{idle} idle people, private round trip"
        with all_loaded(bench, idle + 2, contestants) as rooms:
            series = round_trips(bench, title, rooms)
        what = f"{idle} idle, select, × a bare loop with select()"
        bench.report.checks.append(
            ratio(3, what, series.get(SELECT), series.get(BARE), ROUND_TRIP_RATIO)
        )


def round_trips(bench: Bench, title: str, rooms: list[Running]) -> dict[str, Series]:
    # On one core, for only one of the two has anything to do at a time, and how long another core
    # takes to wake up is no property of a server.
    for room in rooms:
        pin(room.pid, core=1)
        pin(room.load.pid, core=1)

    def measure(room: Running) -> tuple[float, dict[str, Any]]:
        answer = room.load.ask("round_trips", seconds=bench.plan.latency_seconds)
        return answer["median"] * 1e6, answer

    return in_turn(bench, title, "µs", rooms, bench.plan.latency_rounds, measure)


# ------------------------------------------------- targets 3 and 4: ten thousand, and their memory


def crowd(bench: Bench) -> None:
    """What a connected idle person costs, in time and in memory."""
    memory_per_person(bench, bench.chat_server(SELECT), 900)
    people = min(bench.plan.crowd, descriptor_limit() - KEPT_DESCRIPTORS)
    if people < bench.plan.crowd:
        bench.report.remark(f"{people} connections, not {bench.plan.crowd}: the file limit")
    title = "--selector auto, private round trip"
    few = bench.chat_server("10 connections", "--rate", "0", "--selector", "auto")
    many = bench.chat_server(f"{people:,} connections", "--rate", "0", "--selector", "auto")
    named = None if bench.plan.crowd_has_names else 2
    bench.progress(f"{people} connections")
    with loaded(few, 10) as small, loaded(many, 2) as large:
        before = status_field(large.pid, "VmRSS")
        large.load.ask("join", people=people, named=named)
        if named is None:
            add_memory(bench, people - 2, status_field(large.pid, "VmRSS") - before, "auto")
        series = round_trips(bench, title, [small, large])
    what = f"{people:,} connections, auto, × 10 connections"
    bench.report.checks.append(
        ratio(3, what, series.get(many.name), series.get(few.name), ROUND_TRIP_RATIO)
    )


def memory_per_person(bench: Bench, contender: Contender, people: int) -> None:
    bench.progress(f"memory of {people} people")
    with loaded(contender, 2) as room:
        before = status_field(room.pid, "VmRSS")
        room.load.ask("join", people=people + 2)
        add_memory(bench, people, status_field(room.pid, "VmRSS") - before, "select")


def add_memory(bench: Bench, people: int, kibibytes: int, selector: str) -> None:
    size = kibibytes * 1024 / people
    what = f"resident memory of an idle person, {people:,} people, {selector}"
    bench.report.checks.append(Check(4, what, size, BYTES_PER_PERSON, unit=" bytes"))


def descriptor_limit() -> int:
    """The hard limit: server and load raise their own limits to it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


# ------------------------------------------------------------------------------ target 4: start-up


def startup(bench: Bench) -> None:
    """How long the server takes to listen, next to a Python that only imports."""
    bench.progress("start-up")
    title = "start-up"
    server = Series(title, "ms", "chat_server listens")
    imports = Series(title, "ms", "python, three imports", ours=False)
    contender = bench.chat_server(SELECT)
    for number in range(bench.plan.starts + 1):
        started = time.perf_counter()
        with serving(contender):
            listens = time.perf_counter() - started
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import selectors, socket, argparse"], check=True)
        ended = time.perf_counter() - started
        if number:  # the first start compiles what later ones find compiled
            server.values.append(listens * 1e3)
            imports.values.append(ended * 1e3)
    bench.report.series += [server, imports]
    value = server.median / imports.median
    bench.report.checks.append(Check(4, "start-up, × the three imports", value, START_RATIO))


# ------------------------------------------------------------------------------ target 5: fairness

ALL_READ, ONE_ASLEEP, ONE_FLOODS = "all read", "one does not read", "one floods"
PEOPLE = 2 * load.PAIRS + 1 + load.TALKERS + load.AUDIENCE


def fairness(bench: Bench) -> None:
    """The slowest hundredth of private round trips while somebody behaves badly.

    The server has its default speed limit, and the same people talk in each situation.
    """
    bench.progress("a slow reader and a flooder")
    title = f"{PEOPLE} people, 99th percentile of private round trips"
    series = {name: Series(title, "µs", name) for name in (ALL_READ, ONE_ASLEEP, ONE_FLOODS)}
    cut_off = 0
    with ExitStack() as stack:
        contender = bench.chat_server(SELECT)
        rooms = {name: stack.enter_context(loaded(contender, PEOPLE)) for name in series}
        for room in rooms.values():
            pin(room.pid, core=1)
            pin(room.load.pid, core=0)
        for number in range(bench.plan.fairness_rounds):
            for name in list(series)[:: -1 if number % 2 else 1]:
                answer = rooms[name].load.ask(
                    "tail",
                    seconds=bench.plan.fairness_seconds,
                    asleep=name == ONE_ASLEEP,
                    flood=name == ONE_FLOODS,
                )
                series[name].values.append(answer["p99"] * 1e6)
                cut_off += answer["cut_off"]
    bench.report.series += series.values()
    bench.report.remark(
        f"who did not read was cut off in {cut_off} of {bench.plan.fairness_rounds} rounds"
    )
    for name in (ONE_ASLEEP, ONE_FLOODS):
        what = f"99th percentile, {name}, × {ALL_READ}"
        bench.report.checks.append(ratio(5, what, series[name], series[ALL_READ], TAIL_RATIO))


# ------------------------------------------------------------------------------ target 6: terminal

UNSENT_WORD = b"half-a-sentence"  # stands in the line being typed: each redraw prints it again
TERMINAL_SIZE = struct.pack("HHHH", 24, 100, 0, 0)  # rows, columns; see ioctl_tty(2)


class Screen:
    """A terminal that a program runs in, and what it has shown there."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.shown = b""

    def type(self, keys: bytes) -> None:
        os.write(self.descriptor, keys)

    def read(self, seconds: float) -> bool:
        """Read what comes next; returns whether anything did."""
        if not select.select([self.descriptor], [], [], seconds)[0]:
            return False
        try:
            self.shown += os.read(self.descriptor, load.RECEIVE_SIZE)
        except OSError:
            raise ContenderError("chat_client.py ended") from None  # EIO: nobody has it open
        return True

    def read_until(self, text: bytes, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.shown[-load.RECEIVE_SIZE - len(text) :]:
            if not self.read(max(0.0, deadline - time.monotonic())):
                raise ContenderError(f"{text.decode()!r} never came to the screen")

    def read_until_quiet(self) -> None:
        while self.read(SETTLE_SECONDS):
            pass


@contextmanager
def in_terminal(command: Command) -> Iterator[tuple[int, Screen]]:
    """Run a program in a terminal of its own; gives its process id and its screen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, TERMINAL_SIZE)
    environment = os.environ | {"TERM": "xterm", "PYTHONUTF8": "1"}
    ends = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    try:
        with running(command, env=environment, **ends) as process:
            os.close(theirs)
            yield process.pid, Screen(ours)
    finally:
        os.close(ours)


def client(bench: Bench) -> None:
    """A burst of messages to the terminal client, and what it costs while nothing happens."""
    limits = {
        "seconds from a plain reader's last message to the screen's": SECONDS_BEHIND,
        "redraws of the line being typed, per message": REDRAWS_PER_MESSAGE,
        "wake-ups while nothing happens": WAKE_UPS,
        "CPU time while nothing happens": 0.0,
    }
    values: list[float | None] = [None] * len(limits)
    why = ""
    bench.progress("the terminal client")
    try:
        values = list(burst_and_idle(bench))
    except ContenderError as error:
        why = str(error)
    for (what, limit), value in zip(limits.items(), values, strict=True):
        bench.report.checks.append(Check(6, what, value, limit, why=why))


def burst_and_idle(bench: Bench) -> tuple[float, float, float, float]:
    """Return the medians of the four figures above."""
    program = bench.project / "chat_client.py"
    if not program.exists():
        raise ContenderError("there is no chat_client.py yet")
    messages = bench.plan.burst_messages
    title = f"burst of {messages:,} messages"
    reader = Series(title, "ms", "plain reader", ours=False)
    screen_series = Series(title, "ms", "chat_client's screen")
    redraws = Series(title + ", redraws of the line being typed", "", "chat_client")
    with loaded(bench.chat_server(SELECT, "--rate", "0"), 2) as room:
        command: Command = [sys.executable, program, HOST, str(room.port), "--name", "screen"]
        with in_terminal(command) as (pid, screen):
            screen.read(SETTLE_SECONDS * 10)
            screen.read_until_quiet()
            screen.type(UNSENT_WORD)
            screen.read_until(UNSENT_WORD, 5)
            for _ in range(bench.plan.burst_rounds):
                screen.read_until_quiet()
                screen.shown = b""
                room.load.tell("burst", messages=messages)
                screen.read_until(load.BURST_TEXT % messages, 60)
                shown = time.clock_gettime(time.CLOCK_MONOTONIC)
                answer = room.load.answer()
                reader.values.append((answer["ended"] - answer["began"]) * 1e3)
                screen_series.values.append((shown - answer["began"]) * 1e3)
                screen.read_until_quiet()
                redraws.values.append(screen.shown.count(UNSENT_WORD))
            wake_ups, cpu = idle_cost(pid, bench.plan.idle_seconds)
    bench.report.series += [reader, screen_series, redraws]
    behind = (screen_series.median - reader.median) / 1e3
    return behind, redraws.median / messages, wake_ups, cpu


def idle_cost(pid: int, seconds: float) -> tuple[float, float]:
    """Return how often a process woke up meanwhile, and the CPU time that took."""
    wake_ups, cpu = status_field(pid, "voluntary_ctxt_switches"), cpu_seconds(pid)
    time.sleep(seconds)
    return (
        status_field(pid, "voluntary_ctxt_switches") - wake_ups,
        cpu_seconds(pid) - cpu,
    )


MEASURES: dict[str, Callable[[Bench], None]] = {
    "throughput": throughput,
    "latency": latency,
    "crowd": crowd,
    "startup": startup,
    "fairness": fairness,
    "client": client,
}
