"""The conformance suite's results: points that hold, whatever stops the run, whatever is judged."""

from __future__ import annotations

import html
import signal
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from judged import (
    RESULTS,
    ROOT,
    SUITE,
    comes_true,
    command,
    end_noted,
    judge,
    rules,
    sample,
    servers,
    still_running,
    suite_command,
    threads,
    usual_environment,
    with_pid_file,
    wrong,
)

QUICK = ("--patience", "0.5")
NOT_SORTED = "test_names.py::test_names_are_sorted"
ECHO = "test_messages.py::test_a_broadcast_does_not_come_back"
ARRIVES = "test_messages.py::test_a_message_arrives"
SHARE_OF_CORE = Decimal("3.16")  # of 60 points for 19 rules: the first rules get what is left over
NOT_JUDGED = "not judged: the process that judged this submission was killed"


def older_result(directory: Path) -> Path:
    """Write what an earlier run could have left."""
    results = directory / RESULTS
    results.write_text('{"score": 100, "tests": []}')
    return results


# --------------------------------------------------------------------------------- interruption

HANGS_AT_MSG = """
class Hanging(Room):
    def message(self, sender, rest):
        note("hanging")
        time.sleep(3600)

serve(int(sys.argv[1]), Hanging())
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("submissions", [1, 2])
def test_an_interrupted_run_pays_nothing_and_leaves_nobody_behind(
    number: signal.Signals, submissions: int, tmp_path: Path
) -> None:
    results, hanging = older_result(tmp_path), tmp_path / "hanging"
    program = sample(tmp_path / "server.py", HANGS_AT_MSG)
    output = ("--gradescope", str(results), "--report", str(tmp_path / "page.html"))
    files = rules("test_frames.py", "test_messages.py")
    run = subprocess.Popen(
        suite_command(*output, "--patience", "60", *servers(*[program] * submissions), *files),
        cwd=ROOT,
        env=usual_environment(),
        stdout=subprocess.DEVNULL,
        # Whoever runs in the background ignores SIGINT, and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert comes_true(lambda: hanging.exists() and len(hanging.read_text().split()) > 0)
        run.send_signal(number)
        run.wait(20)
        assert [file.name for file in tmp_path.iterdir() if file.suffix != ".py"] == ["hanging"]
        if number != signal.SIGKILL:
            assert run.returncode == pytest.ExitCode.INTERRUPTED
        if number != signal.SIGKILL or submissions > 1:  # the judges of several are told
            assert not still_running(hanging)
    finally:
        run.kill()
        run.wait()
        end_noted(hanging)


@pytest.mark.slow
def test_a_run_that_stops_at_a_failure_pays_nothing(tmp_path: Path) -> None:
    results = older_result(tmp_path)
    verdict = judge(tmp_path, "-x", "--server", wrong("BroadcastEcho"), *rules(ECHO, ARRIVES))
    assert not results.exists(), verdict.tests
    assert f"{results} was not written: not every rule was judged" in verdict.output


# Three answers come late, and no name is sorted: the last rule of four that fail at once.
LATE_AND_UNSORTED = """
class Late(Room):
    def block(self, person, name):
        note("late")
        time.sleep(0.8 if len((HERE / "late").read_text().split()) < 4 else 0.1)
        super().block(person, name)

    def listed(self):
        return [person.name for person in self.people.values()]

serve(int(sys.argv[1]), Late())
"""


@pytest.mark.slow
def test_a_run_that_stops_before_its_second_look_pays_nothing(tmp_path: Path) -> None:
    results = older_result(tmp_path)
    program = sample(tmp_path / "server.py", LATE_AND_UNSORTED)
    last = rules("test_blocking.py", NOT_SORTED)
    verdict = judge(tmp_path, "--maxfail", "4", *QUICK, "--server", program, *last)
    assert "stopping after 4 failures" in verdict.output
    assert not results.exists(), verdict.tests


@pytest.mark.slow
def test_a_wrong_option_leaves_no_older_result(tmp_path: Path) -> None:
    results = older_result(tmp_path)
    verdict = judge(tmp_path, "--points", "core=ten")
    assert verdict.code == pytest.ExitCode.USAGE_ERROR
    assert not results.exists()


# ---------------------------------------------------------------------------------------- points


@pytest.mark.slow
def test_one_level_gives_the_points_of_this_level(tmp_path: Path) -> None:
    verdict = judge(tmp_path, "--server", threads(), "-m", "core")
    assert verdict.score == verdict.total("score") == verdict.total("max_score") == 60
    decimals = {-int(Decimal(test["max_score"]).as_tuple().exponent) for test in verdict.tests}
    assert decimals <= {0, 1, 2}, "two decimals say enough"
    assert "60.00 of 60.00 points" in verdict.output


@pytest.mark.slow
def test_a_choice_of_rules_gives_shares_of_all_rules_of_the_level(tmp_path: Path) -> None:
    verdict = judge(tmp_path, *servers(threads(), wrong("BroadcastEcho")), *rules(ARRIVES, ECHO))
    right, echo = verdict.of("threads_server.py"), verdict.of("wrong_servers.py")
    assert right.total("score", "core") == echo.total("score", "core") == SHARE_OF_CORE
    assert 0 < right.total("max_score", "chat") == right.total("score", "chat") < Decimal("0.5")
    assert echo.total("max_score", "chat") > echo.total("score", "chat") == 0
    assert "  1 of   1 rules passed    3.16 of 3.16 points" in right.output


# No request is refused: whatever is wrong with it, the connection is closed.
CLOSES = """
class Closes(Room):
    def request(self, person, payload):
        try:
            super().request(person, payload)
        except UnicodeError:
            self.leave(person)
            person.finish()

    def refusal(self, refusal):
        raise UnicodeError

serve(int(sys.argv[1]), Closes())
"""


@pytest.mark.slow
def test_one_mistake_costs_a_fifth_of_a_level_at_most(tmp_path: Path) -> None:
    program = sample(tmp_path / "server.py", CLOSES)
    some = rules("test_errors.py", "test_blocking.py")
    verdict = judge(tmp_path, *QUICK, "--server", program, *some)
    mistake = "where an ERROR should come, the connection was closed without a word"
    own = [test for test in verdict.tests if mistake in test["output"] and "chat" in test["name"]]
    assert sum(test["max_score"] for test in own) > 25 / 5, verdict.output
    assert sum(test["max_score"] - test["score"] for test in own) == 25 / 5


@pytest.mark.slow
def test_what_is_missing_costs_all_its_rules(tmp_path: Path) -> None:
    program = command(SUITE / "sample-servers" / "first_steps.py", "{port}")
    some = rules("test_blocking.py", "test_block_lists.py")
    verdict = judge(tmp_path, *QUICK, "--server", program, *some)
    lost = [test for test in verdict.tests if "is BLOCK there yet?" in test["output"]]
    assert sum(test["max_score"] for test in lost) > 25 / 5, verdict.output
    assert not any(test["score"] for test in lost)


# ------------------------------------------------------------------------- submissions that cheat

WRITES_ITS_OWN_RESULT = """
def escape(pause):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            note("escaped")
            while True:
                time.sleep(pause)
                (HERE / "results.json").write_text('{"score": 100}')
        os._exit(0)

escape(0.001)
escape(2)
serve(int(sys.argv[1]), Room())
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux gives us orphans")
@pytest.mark.parametrize("others", [0, 1])
def test_nobody_is_left_to_write_another_result(others: int, tmp_path: Path) -> None:
    cheat = sample(tmp_path / "cheat.py", WRITES_ITS_OWN_RESULT)
    verdict = judge(tmp_path, *servers(cheat, *[threads()] * others), *rules(ARRIVES, NOT_SORTED))
    written = (tmp_path / RESULTS).read_text()
    assert len((tmp_path / "escaped").read_text().split()) >= 2
    assert not still_running(tmp_path / "escaped")
    assert (tmp_path / RESULTS).read_text() == written
    assert len(verdict.tests) == 2 * (1 + others)
    assert verdict.code == 0
    assert verdict.score != 100


KILLS_ITS_JUDGE = """
note("killers")
os.kill(os.getppid(), signal.SIGKILL)
serve(int(sys.argv[1]), Room())
"""
KILLS_ALL_JUDGES = """
note("killers")
for process in Path("/proc").glob("[0-9]*"):
    if str(HERE / "results.json").encode() in (process / "cmdline").read_bytes():
        os.kill(int(process.name), signal.SIGKILL)
serve(int(sys.argv[1]), Room())
"""


@pytest.mark.slow
@pytest.mark.parametrize(("source", "others"), [(KILLS_ITS_JUDGE, 0), (KILLS_ALL_JUDGES, 1)])
def test_a_killed_grader_leaves_no_result(source: str, others: int, tmp_path: Path) -> None:
    results = older_result(tmp_path)
    killer = sample(tmp_path / "killer.py", source)
    other = with_pid_file(threads(), tmp_path / "killers")
    try:
        verdict = judge(tmp_path, *servers(killer, *[other] * others), *rules(ARRIVES))
        assert verdict.code == -signal.SIGKILL
        assert not results.exists()
    finally:
        end_noted(tmp_path / "killers")


@pytest.mark.slow
def test_who_kills_its_judge_is_not_judged_and_the_others_are(tmp_path: Path) -> None:
    killer = sample(tmp_path / "killer.py", KILLS_ITS_JUDGE)
    verdict = judge(
        tmp_path, *servers(threads(), killer, wrong("BroadcastEcho")), *rules(ARRIVES, ECHO)
    )
    assert not still_running(tmp_path / "killers")
    assert verdict.of("threads_server.py").broken() == set()
    assert verdict.of("wrong_servers.py").broken() == {"a broadcast does not come back"}
    own = verdict.of("killer.py").tests
    assert [test["output"].partition("\n")[0] for test in own] == 2 * [NOT_JUDGED]
    assert not any(test["score"] for test in own)
    assert verdict.code == 1


# ----------------------------------------------------------------------------- several submissions


STARTS_LATE = "time.sleep(1); serve(int(sys.argv[1]), Room())"


@pytest.mark.slow
def test_side_by_side_gives_what_each_gets_alone(tmp_path: Path) -> None:
    programs = {
        "late.py": sample(tmp_path / "late.py", STARTS_LATE),  # the slowest is named first
        "wrong_servers.py": wrong("SortedAsWritten"),
    }
    some = [*QUICK, *rules(ARRIVES, ECHO, "test_names.py::test_nobody_here", NOT_SORTED)]
    page = tmp_path / "page.html"
    verdict = judge(tmp_path, *servers(*programs.values()), *some, "--report", str(page))
    for text in (verdict.output.partition("= conformance of")[2], page.read_text()):
        at = [text.index(name) for name in programs]
        assert at == sorted(at), "in the order in which they were named"
    for name, program in programs.items():
        alone = judge(tmp_path, "--server", program, *some)
        assert verdict.of(name).tests == alone.tests
        assert verdict.of(name).output in alone.output


CHAT = f"""
import runpy
sys.argv[0] = {str(SUITE / "sample-clients" / "threads_client.py")!r}
serve(int(sys.argv[1]), Room()) if len(sys.argv) == 2 else runpy.run_path(
    sys.argv[0], run_name="__main__")
"""


@pytest.mark.slow
def test_a_server_and_a_client_in_one_file_are_two_submissions(tmp_path: Path) -> None:
    both = sample(tmp_path / "chat.py", CHAT)
    client = both.replace("{port}", "{host} {port}")
    some = rules(ARRIVES, "test_client.py::test_a_message_is_shown")
    verdict = judge(tmp_path, "--server", both, "--client", client, *some)
    assert "chat.py =" in verdict.output
    assert "chat.py #2 =" in verdict.output
    assert verdict.of("chat.py").total("max_score") == SHARE_OF_CORE


# ---------------------------------------------------------------------------------------- reports

FALLS = """
class Falls(Room):
    def message(self, sender, rest):
        raise ValueError({words!r})

    def list_names(self, person):
        import json
        json.loads("{{")

serve(int(sys.argv[1]), Falls())
"""


@pytest.mark.slow
def test_last_words_are_whole_or_say_that_they_are_not(tmp_path: Path) -> None:
    """A page of them stays in its window: the table is as wide as that, and words are broken."""
    long = sample(tmp_path / "long.py", FALLS.format(words="x" * 5000))
    short = sample(tmp_path / "short.py", FALLS.format(words="y" * 250))
    page = tmp_path / "page.html"
    some = [*rules(ARRIVES, "test_names.py::test_nobody_here"), "--report", str(page)]
    verdict = judge(tmp_path, *servers(long, short), *some)
    line = (tmp_path / "long.py").read_text().partition("raise")[0].count("\n") + 1
    said = verdict.of("long.py").output
    assert "x … xxx" in said
    assert f"x (5012 characters) (long.py, line {line})" in said
    assert f"ValueError: {'y' * 250} (short.py, line {line})" in verdict.of("short.py").output
    assert f"(short.py, line {line + 4})" in verdict.of("short.py").output, (
        "not one of Python's own"
    )
    text = page.read_text()
    assert "overflow-wrap: anywhere" in text
    assert "table-layout: fixed" in text


@pytest.mark.slow
def test_a_page_for_a_class(tmp_path: Path) -> None:
    page = tmp_path / "class.html"
    some = rules("test_robustness.py::test_garbage_is_answered_in_order", ECHO, ARRIVES)
    names = ("BroadcastEcho", "SortedAsWritten")
    arguments = [*servers(*map(wrong, names)), *some, "--report", str(page)]
    verdict = judge(tmp_path, *arguments, "--points", "core=38")
    text = page.read_text(encoding="utf-8")
    assert text.count("<tr>") == 3, "a head and a row for each submission"
    assert [text.index(f"<th>{level}<br>") for level in ("core", "chat", "robust")] == sorted(
        text.index(f"<th>{level}<br>") for level in ("core", "chat", "robust")
    )
    cells = "".join(
        f'<td class="{style}">{rule} of 1<br>{points} points</td>'
        for style, rule, points in (("all", 1, "2.00"), ("some", 0, "0.00"), ("all", 1, "0.00"))
    )
    assert f"<tr><th>BroadcastEcho</th><td>2.00 of 2.00</td>{cells}" in text
    assert "http" not in text, "the page needs nothing from elsewhere"
    assert "Alice should have got nothing" in html.unescape(text)
    for test in verdict.tests:
        assert set(test) == {"name", "score", "max_score", "output", "visibility"}
        assert test["visibility"] == "visible"
        assert test["score"] in (0, test["max_score"])


def test_a_page_escapes_what_servers_say() -> None:
    from conformance import report

    nasty = "<script>alert('&')</script>"
    page = report.html_page([report.Result(nasty, "core", nasty, nasty, "failed", nasty, nasty)])
    assert "<script>" not in page
    assert page.count(html.escape(nasty)) == 5
