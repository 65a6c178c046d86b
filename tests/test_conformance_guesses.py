"""The conformance suite's guesses: one mistake costs few rules, and its name is said first.

Behind them stands what a whole run has seen: what is waited for in vain is given up, and looked at
again at the end.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from judged import SERVERS, Verdict, command, judge, rules, sample, servers, wrong

QUICK = ("--patience", "0.5")

# Each fault shows in many rules and breaks these alone; what is said of it, and how a guess ends.
EVERYWHERE = {
    "TotalWithoutOneself": (
        {"the total is the number of names"},
        "GET_NAMES was answered 'NAMES 1 alice bob', where the total and as many names belong",
        "does it count those who have no name, or not the one who asks?",
    ),
    "NoTotal": (
        {"the total is the number of names", "nobody here"},
        "GET_NAMES was answered 'NAMES alice bob', where the total and as many names belong",
        "is it missing, does it count those who have no name, or not the one who asks?",
    ),
    "NoText": (
        {"an error has a text"},
        "'HELP' was answered 'ERROR UNKNOWN_COMMAND', without a text for people",
        "the code alone is sent?",
    ),
    "SmallCodes": (
        {"an error has a code in capitals"},
        "HELP was answered 'ERROR unknown_command",
        "another spelling of the codes?",
    ),
    "NoAddressee": (
        {"a message arrives", "a broadcast reaches everybody"},
        "Bob got 'MSG alice hi' instead of 'MSG alice bob hi'",
        "is the addressee's name missing, or the text put into a sentence?",
    ),
    "Newlines": (
        {"an answer is one frame"},
        "The server sent line ends between its frames",
        "is nothing sent after the payload?",
    ),
}


@pytest.fixture(scope="module")
def a_class(tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    """What they get who have one mistake each, which shows everywhere."""
    directory = tmp_path_factory.mktemp("class")
    programs = servers(*map(wrong, EVERYWHERE))
    return judge(directory, *programs, "-m", "core or chat")


@pytest.mark.slow
@pytest.mark.parametrize("mistake", EVERYWHERE)
def test_a_fault_everywhere_breaks_one_rule_or_two(mistake: str, a_class: Verdict) -> None:
    broken, seen, guess = EVERYWHERE[mistake]
    own = a_class.of(mistake)
    assert own.broken() == broken, own.output
    assert seen in own.output
    assert re.search(rf"^ +Perhaps: .*{re.escape(guess)}$", own.output, re.MULTILINE), own.output


@pytest.mark.slow
def test_a_failure_reads_as_an_explanation(tmp_path: Path) -> None:
    rule = rules("test_frames.py::test_half_a_payload_stops_nobody")
    verdict = judge(tmp_path, *QUICK, "--server", wrong("BlockingPayload"), *rule)
    assert re.search(
        r": While one client had sent half a frame, alice waited 0.5 s in vain for the answer to"
        r" 'GET_NAMES'\n +Perhaps: a blocking recv\(\) in your loop",
        verdict.output,
    ), verdict.output
    assert "The rule: A read can hold half a frame" in verdict.output
    assert "Traceback" not in verdict.output
    assert "wire.py" not in verdict.output


# ----------------------------------------------------------------------- what explains many rules

FRAMES = """
    an_answer_is_one_frame an_empty_payload many_frames_in_one_packet a_frame_cut_anywhere
    one_byte_at_a_time a_character_cut_in_two
"""


@pytest.mark.slow
def test_one_thing_that_breaks_many_rules_is_said_first_and_once(tmp_path: Path) -> None:
    some = [f"test_frames.py::test_{rule}" for rule in FRAMES.split()]
    verdict = judge(tmp_path, *QUICK, *servers(wrong("OneRecvIsOneMessage")), *rules(*some))
    first, guess, titles = explanation(verdict)
    assert first == "frames that came joined, or cut in two, were not understood"
    assert guess.startswith("Perhaps: is one recv() taken for one frame? Keep a buffer")
    assert {"many frames in one packet", "one byte at a time"} <= titles <= verdict.broken()
    assert verdict.output.count(first) == verdict.output.count(guess) == 1
    for title in titles:
        assert not re.search(rf"^(core|chat|robust) +{title}: ", verdict.output, re.MULTILINE)
    for test in verdict.tests:
        if test["name"].partition(": ")[2] in titles:
            assert (
                f"\n\nBroken by one thing, like other rules: {first}\n\n{guess}" in test["output"]
            )


def explanation(verdict: Verdict) -> tuple[str, str, set[str]]:
    """Return what stands behind the points: what was seen, the guess, the rules' titles."""
    found = re.search(
        r" points\n(\d+) rules are broken by one thing: (.*)\n +(.*)\n +(.*)", verdict.output
    )
    assert found, verdict.output
    titles = set(found[4].split(" · "))
    assert len(titles) == int(found[1])
    return found[2], found[3], titles


@pytest.mark.slow
def test_a_verb_that_is_not_there_yet_is_what_is_asked_for(tmp_path: Path) -> None:
    """The first solution knows no BLOCK, and the errors that it answers have no codes."""
    first_steps = command(SERVERS / "first_steps.py", "{port}")
    verdict = judge(tmp_path, *QUICK, "--server", first_steps, *rules("test_blocking.py"))
    seen, guess, titles = explanation(verdict)
    assert re.fullmatch(r"BLOCK was asked \d+ times in the whole run, and BLOCKED never .*", seen)
    assert guess == "Perhaps: is BLOCK there yet?"
    assert "block is answered" in titles
    assert len(titles) > len(verdict.tests) / 2


# Only a few errors are the end of a connection.
EVERY_ERROR_CLOSES = """
class Closes(Room):
    def request(self, person, payload):
        try:
            verb, separator, rest = payload.decode().partition(" ")
            self.act(person, verb.upper(), rest if separator else None)
        except Refusal as refusal:
            self.leave(person)
            person.send(encode(str(refusal)))
            person.finish()

serve(int(sys.argv[1]), Closes())
"""


@pytest.mark.slow
def test_errors_that_end_connections_are_said_first(tmp_path: Path) -> None:
    program = sample(tmp_path / "closes.py", EVERY_ERROR_CLOSES)
    some = rules("test_leaving.py", "test_blocking.py")
    verdict = judge(tmp_path, *QUICK, "--server", program, "-m", "core or chat", *some)
    seen, guess, _ = explanation(verdict)
    assert seen == "behind an ERROR, the connection was closed"
    assert guess == "Perhaps: does every error end it? Only BAD_FRAME and BAD_PASSWORD do"
    assert len(verdict.broken()) < len(verdict.tests) / 3, verdict.output


# ------------------------------------------------------------------------- the second look

# Three answers to BLOCK come too late for any patience; the others too late for a hurry.
LATE = """
class Late(Room):
    def block(self, person, name):
        note("late")
        time.sleep(1.2 if len((HERE / "late").read_text().split()) < 4 else 0.1)
        super().block(person, name)

serve(int(sys.argv[1]), Late())
"""
NEVER = """
class Never(Room):
    def block(self, person, name):
        note("asked")

serve(int(sys.argv[1]), Never())
"""


@pytest.mark.slow
def test_a_slow_start_costs_what_came_late_and_nothing_else(tmp_path: Path) -> None:
    program = sample(tmp_path / "late.py", LATE)
    some = rules("test_blocking.py")
    verdict = judge(tmp_path, *QUICK, "--server", program, *some)
    assert 1 <= len(verdict.broken()) <= 3, verdict.output
    for test in verdict.tests:
        if not test["score"]:
            assert "waited 0.5 s in vain for the answer to 'BLOCK" in test["output"]


# One kind of error never comes; the others do, too late for a hurry.
SLOW_AND_SILENT = """
class Silent(Room):
    def request(self, person, payload):
        time.sleep(0.05)
        try:
            verb, separator, rest = self.read_text(payload).partition(" ")
            self.act(person, verb.upper(), rest if separator else None)
        except Refusal as refusal:
            if "BAD_ARGUMENTS" not in str(refusal):
                person.send(encode(str(refusal)))

serve(int(sys.argv[1]), Silent())
"""


@pytest.mark.slow
def test_what_never_comes_costs_nothing_that_does(tmp_path: Path) -> None:
    program = sample(tmp_path / "silent.py", SLOW_AND_SILENT)
    verdict = judge(tmp_path, *QUICK, "--server", program, *rules("test_errors.py"))
    assert "a missing argument" in verdict.broken()
    came = {"a payload that is not utf8", "control characters", "bad text goes before everything"}
    assert not verdict.broken() & came, verdict.output


@pytest.mark.slow
def test_what_never_comes_is_waited_for_a_few_times_and_once_more_at_the_end(
    tmp_path: Path,
) -> None:
    program = sample(tmp_path / "never.py", NEVER)
    verdict = judge(tmp_path, *QUICK, "--server", program, *rules("test_block_lists.py"))
    waits = [test["output"] for test in verdict.tests if "in vain for" in test["output"]]
    patient = [output for output in waits if "waited 0.5 s in vain" in output]
    assert len(waits) > 10, verdict.output
    assert len(patient) == 3 + 1, verdict.output
    assert all(", like others before" in output for output in waits if output not in patient)
    processes = (tmp_path / "asked").read_text().split()
    assert processes.count(processes[-1]) == 1, "the last look is at a server started anew"
    assert explanation(verdict)[1] == "Perhaps: is BLOCK there yet?"
