"""How pytest comes by the programs under test, their rooms, and the report at the end."""

from __future__ import annotations

import itertools
import random
import re
import signal
import sys
from collections.abc import Generator, Iterator

import pytest

from . import options, report
from .experience import BEHIND_AN_ERROR
from .judging import Judge, is_rule, new_result, paragraphs, rules_of_each_level, submission_of
from .options import LEVELS, Submission
from .program import ClientCommand, RunningServer, Server
from .room import Room
from .sleeper import Sleepers, sleeping_beside
from .terminal import Terminal
from .wire import RuleBroken

MISTAKE = "Probable mistake: "
QUOTED = r"'[^']*'"  # in last words: what differs from rule to rule
ENDING_SECONDS = 0.2  # for a server that has closed a connection and may be about to end
SOURCES = itertools.cycle(f"127.0.{third}.{fourth}" for third in (1, 2) for fourth in range(1, 255))
JUDGE = pytest.StashKey[Judge]()
SERVERS = pytest.StashKey[list[Submission]]()
CLIENTS = pytest.StashKey[list[Submission]]()

# ----------------------------------------------------------------------------- what is under test


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    for level in LEVELS:
        config.addinivalue_line("markers", f"{level}: rules of the level {level!r}")
    for option in ("report", "gradescope"):
        if path := options.output_file(config, option):
            path.unlink(missing_ok=True)  # what an earlier run wrote is no result of this one
    config.stash[SERVERS], config.stash[CLIENTS] = options.submissions(config)
    config.stash[JUDGE] = Judge(config)
    config.pluginmanager.register(config.stash[JUDGE], "conformance-judge")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the servers, like Ctrl-C
    options.patience(config)
    options.points_per_level(config)


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


# --------------------------------------------------------------------------------------- fixtures


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[Server | RunningServer]:
    """The server under test; it ends when its last rule has been judged."""
    program: Server | RunningServer = request.param.program
    yield program
    program.stop()


@pytest.fixture(scope="session")
def sleepers(
    server: Server | RunningServer, request: pytest.FixtureRequest
) -> Iterator[Sleepers | None]:
    """People who take their time from the first rule to the last, where a rule looks at them."""
    wanted = any(item.path.stem == "test_staying" for item in request.session.items)
    wanted = wanted and not request.config.stash[JUDGE].is_patient
    if isinstance(server, RunningServer) or not wanted:
        yield None
        return
    with sleeping_beside(server, request.config.getoption("password", "")) as sleepers:
        yield sleepers


@pytest.fixture
def room(
    server: Server | RunningServer, sleepers: Sleepers | None, pytestconfig: pytest.Config
) -> Iterator[Room]:
    """A room for one rule; afterwards everybody leaves, and a server that cannot clean up ends."""
    server.make_ready()
    tag = "" if server.own_room else f"{random.randrange(10**5):05}"
    password: str = pytestconfig.getoption("password", "")
    patience = options.patience(pytestconfig)
    # What a server holds against an address for one rule is not to be in the way of the next; all
    # of 127.0.0.0/8 is this machine (RFC 1122, 3.2.1.3), for Linux at least.
    source = next(SOURCES) if server.own_room and sys.platform == "linux" else ""
    room = Room(server.address, patience, tag, password, source, server.experience)
    yield room
    room.leave()
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
    judge = item.config.stash[JUDGE]
    result = judge.results.setdefault(item.nodeid, new_result(item))
    if outcome.failed:
        assert call.excinfo
        result.outcome = "failed"
        error = call.excinfo.value
        explain(result, item, submission, error)
        if isinstance(error, RuleBroken):
            outcome.longrepr = f"{result.seen}\n\nThe rule: {result.rule}"
        if call.when == "call":
            judge.may_postpone(item, outcome)
    elif outcome.skipped and isinstance(outcome.longrepr, tuple):
        result.outcome = "skipped"
        result.seen = outcome.longrepr[2].removeprefix("Skipped: ")
    return outcome


def explain(
    result: report.Result, item: pytest.Item, submission: Submission, error: BaseException
) -> None:
    """Write down in what situation what happened, and the mistake that probably does it."""
    if not isinstance(error, RuleBroken):
        result.seen = f"{type(error).__name__}: {error}"
        return
    assert isinstance(item, pytest.Function)
    scene = item.funcargs.get("room") or item.funcargs.get("terminal")
    situation = scene.situation if isinstance(scene, (Room, Terminal)) else ""
    sentence = f"{situation}, {error}" if situation else str(error)
    cut_off = isinstance(scene, Room) and scene.was_cut_off
    if ended := submission.program.last_words(ENDING_SECONDS if cut_off else 0):
        sentence += ended  # which says more than we could guess
        result.about = f"The server ended{re.sub(QUOTED, '…', ended)}"
    elif scene is None:  # it did not even start
        result.about = f"The server did not start: {error}"
    else:
        result.guess = error.mistake or paragraphs(item)[-1].removeprefix(MISTAKE)
        came_back = submission.program.experience.came_back
        result.about = BEHIND_AN_ERROR if came_back else error.about
    result.seen = sentence[0].upper() + sentence[1:]


# ------------------------------------------------------------------------------------- the report


def results_in_order(config: pytest.Config) -> list[report.Result]:
    """Return all results, those of the submission first that was named first."""
    order = [submission.label for key in (SERVERS, CLIENTS) for submission in config.stash[key]]
    results = config.stash[JUDGE].results.values()
    return sorted(results, key=lambda result: order.index(result.submission))


def is_whole(session: pytest.Session) -> bool:
    """Return whether every rule that was to be judged has its verdict, and there are some."""
    judge = session.config.stash[JUDGE]
    rules = [item for item in session.items if is_rule(item)]
    whole = all(item.nodeid in judge.results for item in rules)
    wanted = {submission.label for item in rules if (submission := submission_of(item))}
    return bool(rules) and whole and wanted <= judge.finished


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the results: last, when every program that was judged has ended, and whole."""
    config = session.config
    results = results_in_order(config)
    points = options.points_per_level(config)
    for own in report.by_submission(results).values():
        of_a_client = any(own[0].submission == one.label for one in config.stash[CLIENTS])
        sizes = rules_of_each_level(of_a_client, bool(config.getoption("password")))
        report.give_points(own, points, sizes)
    if not is_whole(session):  # broken off: what there is would say too much or too little
        return
    if page := options.output_file(config, "report"):
        report.write_whole(page, report.html_page(results))
    if grades := options.output_file(config, "gradescope"):
        report.write_gradescope(grades, results)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for submission, results in report.by_submission(results_in_order(config)).items():
        terminalreporter.section(f"conformance of {submission}")
        for line in report.terminal_lines(results):
            terminalreporter.write_line(line)
    for option in ("report", "gradescope"):
        path = options.output_file(config, option)
        if path and not path.exists():
            terminalreporter.write_line(f"{path} was not written: not every rule was judged")
