"""The order of judging: submissions side by side, and a second look at what was judged in a hurry.

Every submission of a class has a process of its own to judge it, some at a time, because most of
the time is spent waiting. Within one, a rule that broke when something was waited for in a hurry
(experience.py) has no verdict yet: behind the last rule, one of these for each thing that was given
up is tried with all patience, at a server started anew. If it comes this time, all of them are.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import os
import selectors
import signal
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from . import causes
from .family import adopt_orphans, end_all, end_children, end_with_parent, our_children
from .options import LEVELS, Submission
from .program import ClientCommand
from .report import Result

HERE = Path(__file__).parent
POSTPONED = "postponed"  # a report's outcome, beside pytest's own
SIDE_BY_SIDE = 4  # submissions that are judged at the same time, for each core
KILLED = "not judged: the process that judged this submission was killed"


def is_rule(item: pytest.Item) -> bool:
    """Return whether this is a rule of the kit and not somebody's test."""
    return item.path.parent == HERE


def submission_of(item: pytest.Item) -> Submission | None:
    """Return the program that this rule is to judge."""
    if not is_rule(item):
        return None
    assert isinstance(item, pytest.Function)
    params = item.callspec.params
    found = params.get("server") or params.get("client_command")
    return found if isinstance(found, Submission) else None


def new_result(item: pytest.Item, outcome: str = "passed", seen: str = "") -> Result:
    """Return what became of a rule."""
    submission = submission_of(item)
    assert submission is not None
    assert isinstance(item, pytest.Function)
    level = next(mark.name for mark in item.iter_markers() if mark.name in LEVELS)
    title = item.originalname.removeprefix("test_").replace("_", " ")
    return Result(submission.label, level, title, paragraphs(item)[0], outcome, seen)


def paragraphs(item: pytest.Item) -> list[str]:
    """Return the docstring's paragraphs, each in one line: the rule, then the probable mistake."""
    assert isinstance(item, pytest.Function)
    text = inspect.getdoc(item.function) or ""
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def rules_of_each_level(of_a_client: bool, with_password: bool) -> dict[str, int]:
    """Return how many rules each level has, whatever was chosen for this run."""
    sizes = dict.fromkeys(LEVELS, 0)
    for file in HERE.glob("test_*.py"):
        if file.stem == "test_password" and not with_password:
            continue
        module = importlib.import_module(f"{__package__}.{file.stem}")
        for name, rule in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and of_a_client == ("terminal" in signature_of(rule)):
                sizes[level_of(module, rule)] += 1
    return sizes


def signature_of(rule: Callable[..., None]) -> Collection[str]:
    return inspect.signature(rule).parameters


def level_of(*marked: object) -> str:
    """Return the level that a rule, or the whole file of it, is marked with."""
    for one in marked:
        marks = getattr(one, "pytestmark", [])
        for mark in marks if isinstance(marks, list) else [marks]:
            if mark.name in LEVELS:
                return str(mark.name)
    raise AssertionError(f"no level: {marked}")


@dataclass
class Postponed:
    """A rule that broke in a hurry."""

    item: pytest.Item
    report: pytest.TestReport
    kinds: list[str]  # what was waited for


class Judge:
    """The pytest plugin that runs the rules and knows their results."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.results: dict[str, Result] = {}  # by the rule's number in pytest
        self.postponed: list[Postponed] = []
        self.finished: set[str] = set()  # submissions of whose rules every one is decided
        self.is_patient = False  # in a second look, where nothing is postponed any more
        self.kept: dict[str, list[object]] | None = None  # reports, by rule, in a process apart

    # ---------------------------------------------------------------------------------- one rule

    def may_postpone(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """Take a broken rule's verdict back, where it was judged in a hurry."""
        submission = submission_of(item)
        assert submission is not None
        if (kinds := submission.program.experience.too_short) and not self.is_patient:
            report.outcome = POSTPONED  # type: ignore[assignment] # pytest knows three others
            self.postponed.append(Postponed(item, report, list(kinds)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Say nothing about what is not decided."""
        return ("", "", "") if report.outcome == POSTPONED else None

    def run(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Run one test, be it a rule or not; `nextitem` says what pytest need not tear down."""
        if submission := submission_of(item):
            submission.program.experience.begin_rule()
            self.results.pop(item.nodeid, None)
        item.ihook.pytest_runtest_protocol(item=item, nextitem=nextitem)
        if item.session.shouldfail:
            raise item.session.Failed(item.session.shouldfail)
        if item.session.shouldstop:
            raise item.session.Interrupted(item.session.shouldstop)

    # --------------------------------------------------------------------------- one submission

    def run_all(self, items: Sequence[pytest.Item]) -> None:
        """Run these tests in their order, and behind a submission's last one its second look."""
        for item, nextitem in zip_longest(items, items[1:]):
            submission = submission_of(item)
            if nextitem and submission_of(nextitem) is submission:
                self.run(item, nextitem)
            else:
                self.run(item, None)
                if submission:
                    self.finish(submission)

    def finish(self, submission: Submission) -> None:
        """Decide what was postponed, end the program, and look for what explains the whole."""
        self.is_patient = True
        self._second_look(submission)
        self.is_patient = False
        submission.program.stop()
        own = [result for result in self.results.values() if result.submission == submission.label]
        if not isinstance(submission.program, ClientCommand):
            causes.find(own, submission.program.experience)
        self.finished.add(submission.label)

    def _second_look(self, submission: Submission) -> None:
        postponed, self.postponed = self.postponed, []
        experience = submission.program.experience
        tried: set[str] = set()
        came: set[str] = set()
        later: list[Postponed] = []
        for one in postponed:
            if tried.issuperset(one.kinds):
                later.append(one)
                continue
            tried.update(one.kinds)
            submission.program.stop()
            experience.begin_anew()
            self.run(one.item, None)
            came.update(kind for kind in one.kinds if not experience.in_vain[kind])
        experience.begin_anew()
        for one in later:
            if came.intersection(one.kinds):
                self.run(one.item, None)
            else:
                one.report.outcome = "failed"
                one.item.ihook.pytest_runtest_logreport(report=one.report)

    # ------------------------------------------------------------------------- several of them

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run everything; None where pytest itself knows what to do."""
        broken_files = session.testsfailed and not self.config.option.continue_on_collection_errors
        if broken_files or self.config.option.collectonly:
            return None
        shares: dict[str, list[pytest.Item]] = {}
        for item in session.items:
            if submission := submission_of(item):
                shares.setdefault(submission.label, []).append(item)
        if len(shares) < 2 or not hasattr(os, "fork"):
            self.run_all(session.items)
        else:
            self.run_all([item for item in session.items if submission_of(item) is None])
            self._run_side_by_side(session, list(shares.values()))
        return True

    def _run_side_by_side(self, session: pytest.Session, shares: list[list[pytest.Item]]) -> None:
        adopt_orphans()  # of a process apart that was killed
        others = our_children()
        with selectors.DefaultSelector() as running:
            try:
                while shares or running.get_map():
                    while shares and len(running.get_map()) < SIDE_BY_SIDE * cores():
                        apart = Apart(self, shares.pop(0))
                        running.register(apart.pipe, selectors.EVENT_READ, apart)
                    for key, _ in running.select():
                        if not key.data.read():
                            running.unregister(key.fileobj)
                            key.data.wait()
                            end_children(but=others | apart_numbers(running))
                            self._take_over(session, key.data)
            finally:
                for key in running.get_map().values():
                    key.data.end()

    def _take_over(self, session: pytest.Session, apart: Apart) -> None:
        """Report what another process has found out."""
        found = apart.found() or self._not_judged(apart.items)
        self.results.update((nodeid, Result(**result)) for nodeid, result in found["results"])
        self.finished.update(found["finished"])
        for item in apart.items:
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            for report in found["reports"].get(item.nodeid, []):
                item.ihook.pytest_runtest_logreport(
                    report=item.ihook.pytest_report_from_serializable(
                        config=self.config, data=report
                    )
                )
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)

    def _not_judged(self, items: Sequence[pytest.Item]) -> dict[str, Any]:
        """Return what a process would have told that was killed before it could."""
        results = [(item.nodeid, asdict(new_result(item, "failed", KILLED))) for item in items]
        reports = {
            item.nodeid: [
                self.config.hook.pytest_report_to_serializable(
                    config=self.config,
                    report=pytest.TestReport(
                        item.nodeid, item.location, {}, "failed", KILLED, "call"
                    ),
                )
            ]
            for item in items
        }
        finished = [result["submission"] for _, result in results]
        return {"results": results, "reports": reports, "finished": finished}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """In a process apart, keep the report for the one that started it."""
        if self.kept is not None and report.outcome != POSTPONED:
            data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
            self.kept.setdefault(report.nodeid, []).append(data)


class Apart:
    """A process that judges one submission, and tells the result in one piece at its end."""

    def __init__(self, judge: Judge, items: list[pytest.Item]) -> None:
        self.items = items
        self.told = bytearray()
        self.pipe, inner = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            os.close(self.pipe)
            try:
                be_apart(judge, items, inner)
            finally:
                os._exit(0)
        os.close(inner)

    def read(self) -> bool:
        """Take what has been told; False at the end."""
        data = os.read(self.pipe, 65536)
        self.told += data
        return bool(data)

    def found(self) -> dict[str, Any]:
        """Return the results and reports; nothing where the process was killed before the end."""
        found: dict[str, Any] = {}
        with contextlib.suppress(ValueError):
            found = json.loads(self.told)
        return found

    def wait(self) -> None:
        """See it off."""
        os.close(self.pipe)
        os.waitpid(self.process, 0)

    def end(self) -> None:
        """End it before it has told anything."""
        os.kill(self.process, signal.SIGTERM)
        self.wait()


def be_apart(judge: Judge, items: list[pytest.Item], pipe: int) -> None:
    """Judge one submission in this process, and write the result into the pipe."""
    end_with_parent()
    plugins = judge.config.pluginmanager
    plugins.unregister(name="terminalreporter")
    if capture := plugins.getplugin("capturemanager"):  # what we print goes to a place of our own
        capture.stop_global_capturing()
        capture.start_global_capturing()
    judge.kept = {}
    try:
        with contextlib.suppress(pytest.Session.Failed, pytest.Session.Interrupted):
            judge.run_all(items)
        results = [(nodeid, asdict(result)) for nodeid, result in judge.results.items()]
        with open(pipe, "w", encoding="ascii") as told:
            finished = list(judge.finished)
            json.dump({"results": results, "reports": judge.kept, "finished": finished}, told)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):  # not in the middle of this
            signal.signal(number, signal.SIG_IGN)
        end_all()


def apart_numbers(running: selectors.BaseSelector) -> set[int]:
    return {key.data.process for key in running.get_map().values()}


def cores() -> int:
    """Return how many processors we may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
