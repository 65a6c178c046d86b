"""How pytest comes by the programs under test, their rooms, and the report at the end."""

from __future__ import annotations

import inspect
import itertools
import random
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from . import options, report
from .options import LEVELS, Submission
from .program import ClientCommand, RunningServer, Server
from .room import Room
from .terminal import Terminal
from .wire import RuleBroken

HERE = Path(__file__).parent
MISTAKE = "Probable mistake: "
HANGING_SECONDS = 0.3  # patience with a server that has not answered anything for some rules
SOURCES = itertools.cycle(f"127.0.{third}.{fourth}" for third in (1, 2) for fourth in range(1, 255))
RESULTS = pytest.StashKey[dict[str, report.Result]]()
SERVERS = pytest.StashKey[list[Submission]]()
CLIENTS = pytest.StashKey[list[Submission]]()

# ----------------------------------------------------------------------------- what is under test


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    for level in LEVELS:
        config.addinivalue_line("markers", f"{level}: rules of the level {level!r}")
    config.stash[SERVERS], config.stash[CLIENTS] = options.submissions(config)
    config.stash[RESULTS] = {}
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the servers, like Ctrl-C
    options.patience(config)
    options.points_per_level(config)
    options.output_file(config, "report")
    options.output_file(config, "gradescope")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Judge every submission by every rule; where there is none, the rule is deselected below."""
    for fixture, key in (("server", SERVERS), ("client_command", CLIENTS)):
        if fixture in metafunc.fixturenames:
            found = metafunc.config.stash[key]
            metafunc.parametrize(
                fixture,
                found or [None],
                ids=[submission.label for submission in found] or ["none"],
                indirect=True,
                scope="session",
            )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    without = [item for item in items if is_rule(item) and submission_of(item) is None]
    if without:
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in without]


def is_rule(item: pytest.Item) -> bool:
    return item.path.parent == HERE


def submission_of(item: pytest.Item) -> Submission | None:
    params = item.callspec.params if isinstance(item, pytest.Function) else {}
    found = params.get("server") or params.get("client_command")
    assert found is None or isinstance(found, Submission)
    return found


# --------------------------------------------------------------------------------------- fixtures


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[Server | RunningServer]:
    """The server under test; it ends when its last rule has been judged."""
    program: Server | RunningServer = request.param.program
    yield program
    program.stop()


@pytest.fixture
def room(server: Server | RunningServer, pytestconfig: pytest.Config) -> Iterator[Room]:
    """A room for one rule; afterwards everybody leaves, and a server that cannot clean up ends."""
    server.make_ready()
    tag = "" if server.own_room else f"{random.randrange(10**5):05}"
    password: str = pytestconfig.getoption("password", "")
    patience = options.patience(pytestconfig)
    if server.rules_without_answer >= 3:  # it hangs, and will hardly wake up for the next rule
        patience = min(patience, HANGING_SECONDS)
    # What a server holds against an address for one rule is not to be in the way of the next; all
    # of 127.0.0.0/8 is this machine (RFC 1122, 3.2.1.3), for Linux at least.
    source = next(SOURCES) if server.own_room and sys.platform == "linux" else ""
    room = Room(server.address, patience, tag, password, source)
    yield room
    room.leave()
    server.rules_without_answer = 0 if room.was_answered else server.rules_without_answer + 1
    if server.own_room and not (room.was_answered and room.is_empty_again()):
        server.stop()


@pytest.fixture
def empty_room(server: Server | RunningServer, room: Room) -> Room:
    """A room in which nobody else is."""
    if not server.own_room:
        pytest.skip("needs a room of its own, which a server at --address cannot promise")
    return room


@pytest.fixture(scope="session")
def client_command(request: pytest.FixtureRequest) -> ClientCommand:
    """The command of the client under test."""
    program: ClientCommand = request.param.program
    return program


@pytest.fixture
def terminal(client_command: ClientCommand, pytestconfig: pytest.Config) -> Iterator[Terminal]:
    """A client in a pseudo-terminal, connected to a server that the rule plays."""
    terminal = Terminal(client_command.command, options.patience(pytestconfig))
    try:
        terminal.start()
        yield terminal
    finally:
        terminal.stop()


# ----------------------------------------------------------------------------------- what came out


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a broken rule's traceback into an explanation, and remember what became of the rule."""
    outcome = yield
    submission = submission_of(item)
    if not is_rule(item) or submission is None:
        return outcome
    result = item.config.stash[RESULTS].setdefault(item.nodeid, new_result(item, submission))
    if outcome.failed:
        assert call.excinfo
        result.outcome = "failed"
        error = call.excinfo.value
        result.explanation = explanation(item, submission, error)
        if isinstance(error, RuleBroken):
            outcome.longrepr = f"{result.explanation}\n\nThe rule: {result.rule}"
    elif outcome.skipped and isinstance(outcome.longrepr, tuple):
        result.outcome = "skipped"
        result.explanation = outcome.longrepr[2].removeprefix("Skipped: ")
    return outcome


def new_result(item: pytest.Item, submission: Submission) -> report.Result:
    level = next(mark.name for mark in item.iter_markers() if mark.name in LEVELS)
    assert isinstance(item, pytest.Function)
    title = item.originalname.removeprefix("test_").replace("_", " ")
    return report.Result(submission.label, level, title, paragraphs(item)[0])


def paragraphs(item: pytest.Item) -> list[str]:
    """Return the docstring's paragraphs, each in one line: the rule, then the probable mistake."""
    assert isinstance(item, pytest.Function)
    text = inspect.getdoc(item.function) or ""
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def explanation(item: pytest.Item, submission: Submission, error: BaseException) -> str:
    """Return one sentence: in what situation what happened, and the mistake that does it."""
    if not isinstance(error, RuleBroken):
        return f"{type(error).__name__}: {error}"
    assert isinstance(item, pytest.Function)
    judge = item.funcargs.get("room") or item.funcargs.get("terminal")
    situation = judge.situation if isinstance(judge, (Room, Terminal)) else ""
    sentence = f"{situation}, {error}" if situation else str(error)
    if ended := submission.program.last_words():
        sentence += ended  # which says more than we could guess
    elif judge is not None:  # else it did not even start
        sentence += ": " + (error.mistake or paragraphs(item)[-1].removeprefix(MISTAKE))
    return sentence[0].upper() + sentence[1:]


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    results = list(config.stash[RESULTS].values())
    if page := options.output_file(config, "report"):
        page.write_text(report.html_page(results), encoding="utf-8")
    if grades := options.output_file(config, "gradescope"):
        report.write_gradescope(grades, results, options.points_per_level(config))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for submission, results in report.by_submission(config.stash[RESULTS].values()).items():
        terminalreporter.section(f"conformance of {submission}")
        for line in report.terminal_lines(results):
            terminalreporter.write_line(line)
