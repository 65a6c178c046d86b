"""What was measured, what must be reached, and whether it was; as text and as JSON."""

from __future__ import annotations

import os
import platform
import resource
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

TARGETS = {
    1: "one message at a time: a bare select() loop's speed",
    2: "many messages in flight: each listener gets them in one send",
    3: "private round trips: no slower however many people are idle",
    4: "memory and start-up",
    5: "nobody suffers from a slow reader or a flooder",
    6: "the terminal client keeps up, and sleeps",
}


@dataclass
class Series:
    """One contender in one measurement: a figure a round."""

    title: str
    unit: str
    contender: str
    ours: bool = True  # else what it is compared with
    values: list[float] = field(default_factory=list)
    # Of one core, in each round; none where it tells nothing.
    server_cpu: list[float] = field(default_factory=list)
    load_cpu: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        return quartiles(self.values)

    @property
    def load_is_the_limit(self) -> bool:
        """Whether the load took more CPU time than the server: a quicker load, a better figure."""
        return bool(self.load_cpu) and sum(self.load_cpu) > sum(self.server_cpu)


@dataclass
class Check:
    """One figure that has a limit; no value where it could not be measured."""

    target: int
    what: str
    value: float | None
    limit: float
    at_least: bool = False  # else: at most
    unit: str = ""
    spread: tuple[float, float] | None = None
    why: str = "a contender is missing, see below"  # where it was not measured

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "NOT MEASURED"
        met = self.value >= self.limit if self.at_least else self.value <= self.limit
        return "MET" if met else "MISSED"


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


def ratio(
    target: int, what: str, upper: Series | None, lower: Series | None, limit: float, **more: Any
) -> Check:
    """Check the ratio of two contenders: the median over pairs of rounds, one after the other."""
    if not upper or not lower or not upper.values or not lower.values:
        return Check(target, what, None, limit, **more)
    ratios = [a / b for a, b in zip(upper.values, lower.values, strict=False)]
    return Check(target, what, statistics.median(ratios), limit, spread=quartiles(ratios), **more)


@dataclass
class Report:
    machine: str
    series: list[Series] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def remark(self, text: str) -> None:
        if text not in self.remarks:
            self.remarks.append(text)

    def verdict(self, target: int) -> str:
        """A target is met when all its checks are, and missed when one is."""
        verdicts = {check.verdict for check in self.checks if check.target == target}
        if "MISSED" in verdicts:
            return "MISSED"
        return "MET" if verdicts == {"MET"} else "NOT MEASURED"

    def lines(self) -> Iterator[str]:
        yield self.machine
        for title, group in groupby(self.series, lambda series: series.title):
            yield from series_table(title, list(group))
        yield ""
        yield "What must be reached (median of the rounds, quartiles in brackets)"
        for target, title in TARGETS.items():
            yield f"\n{target}. {title}: {self.verdict(target)}"
            for check in self.checks:
                if check.target == target:
                    yield check_line(check)
        if self.remarks:
            yield ""
        yield from (f"* {remark}" for remark in self.remarks)

    def as_json(self) -> dict[str, Any]:
        return {
            "machine": self.machine,
            "series": [
                vars(series) | {"median": series.median, "spread": series.spread}
                for series in self.series
            ],
            "checks": [vars(check) | {"verdict": check.verdict} for check in self.checks],
            "targets": {
                str(target): {"title": title, "verdict": self.verdict(target)}
                for target, title in TARGETS.items()
            },
            "remarks": self.remarks,
        }


def series_table(title: str, group: list[Series]) -> Iterator[str]:
    yield ""
    yield f"{title} ({group[0].unit})"
    yield f"  {'':22} {'median':>12}  {'quartiles':>23}  server CPU  load CPU"
    for series in group:
        low, high = (figure(value) for value in series.spread)
        shares = [
            f"{statistics.mean(cpu):9.0%}" if cpu else f"{'':9}"
            for cpu in (series.server_cpu, series.load_cpu)
        ]
        limit = "  the load is the limit" if series.load_is_the_limit else ""
        yield (
            f"  {series.contender:22} {figure(series.median):>12}  {low:>10} – {high:>10}"
            f"  {shares[0]} {shares[1]}{limit}"
        )


def check_line(check: Check) -> str:
    limit = f"{'at least' if check.at_least else 'at most'} {figure(check.limit)}{check.unit}"
    if check.value is None:
        return f"   {check.verdict:12} {check.what}: {limit} ({check.why})"
    value = figure(check.value) + check.unit
    if check.spread:
        value += " ({} – {})".format(*(figure(bound) for bound in check.spread))
    return f"   {check.verdict:12} {check.what}: {value}, {limit}"


def figure(value: float) -> str:
    """A number with three or more significant digits, as people write it."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def busy_seconds() -> float:
    """CPU time that this machine has spent so far on anything, or lost to other guests."""
    user, nice, system, _idle, _wait, irq, soft_irq, steal, *_ = (
        int(ticks) for ticks in Path("/proc/stat").read_text().split()[1:11]
    )
    return (user + nice + system + irq + soft_irq + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """CPU time of this process and of all its children that have ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def machine() -> str:
    """This machine in a line: a figure means little without it."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return (
        f"{os.cpu_count()} × {model}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )
