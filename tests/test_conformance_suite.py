"""The conformance suite is tested too: right servers pass it, each wrong one fails what it breaks.

The bare run takes a few of the wrong servers and one rule for each; `-m slow` holds every wrong
server against every rule, which takes some minutes.
"""

from __future__ import annotations

import html
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SUITE = ROOT / "tests" / "conformance"
SERVERS = SUITE / "sample-servers"
CLIENTS = SUITE / "sample-clients"
OWN_CLIENT = ROOT / "chat_client.py"
LEVELS = "core or chat or robust"

if sys.platform == "win32":
    pytest.skip("the sample programs are run with POSIX process groups", allow_module_level=True)

# The wrong servers of sample-servers/wrong_servers.py, and the rules that each of them breaks.
BROKEN = {
    "CrashOnBadText": """
        a_payload_that_is_not_utf8
        invalid_utf8_harms_nobody
    """,
    "ControlCharactersPass": """
        control_characters
        bad_text_goes_before_everything
        only_one_line_end_is_dropped
    """,
    "StripsEverything": """
        block_needs_somebody_of_that_name
        an_empty_payload_is_no_command
        only_one_line_end_is_dropped
        spaces_are_kept
        no_other_characters_in_a_name
        a_name_with_a_space_is_bad
    """,
    "EnterKeyKept": """
        the_enter_key_is_dropped
    """,
    "VerbsInCapitalsOnly": """
        verbs_in_any_case
    """,
    "CaseSensitiveNames": """
        nobody_blocks_oneself
        a_block_holds_a_name_in_any_form
        a_name_finds_its_owner_in_any_form
        names_are_sorted
        a_name_keeps_its_capitals
        a_taken_name_is_taken_in_any_capitals
        case_folding_is_more_than_lower
        a_change_of_capitals_alone
    """,
    "LowerForCasefold": """
        names_are_sorted
        case_folding_is_more_than_lower
    """,
    "NotNormalised": """
        a_block_holds_a_name_in_any_form
        a_name_finds_its_owner_in_any_form
        a_name_is_shown_in_its_nfkc_form
        the_longest_name
        a_name_too_long
        letters_marks_and_numbers_of_every_script
        no_other_characters_in_a_name
        broadcast_is_nobodys_name
    """,
    "BytesOfAName": """
        the_longest_name
        names_that_do_not_fit_one_frame
    """,
    "MarksForbidden": """
        letters_marks_and_numbers_of_every_script
    """,
    "TakenNameGiven": """
        a_refused_name_is_not_told
        a_name_is_given_once
        a_taken_name_is_taken_in_any_capitals
        case_folding_is_more_than_lower
        a_name_is_shown_in_its_nfkc_form
        a_refused_change_changes_nothing
        a_name_that_many_want_at_once
    """,
    "SortedAsWritten": """
        names_are_sorted
    """,
    "OneFrameForAllNames": """
        names_that_do_not_fit_one_frame
    """,
    "UnnamedListed": """
        who_has_no_name_is_not_listed
        nobody_here
    """,
    "OldNameKept": """
        a_block_leaves_the_old_name_behind
        who_takes_a_blocked_name_is_followed
        a_block_outlives_the_blockers_change_of_name
        a_change_of_name
    """,
    "RenameIsJoin": """
        events_are_not_blocked
        renamed_is_told_to_the_others
        cause_before_effect
        a_change_of_capitals_alone
    """,
    "SameNameIsNews": """
        the_same_name_again
    """,
    "BroadcastEcho": """
        a_broadcast_does_not_come_back
    """,
    "UnnamedHear": """
        who_has_no_name_hears_nothing
    """,
    "ListChangedWhileIterated": """
        nothing_is_read_after_exit
        what_came_before_exit_is_done
        a_half_closed_connection_leaves
        many_leave_at_once
        cause_before_effect
    """,
    "MessageConfirmed": """
        a_message_is_not_answered
    """,
    "FirstWordOnly": """
        the_whole_text_arrives
        spaces_are_kept
        text_passes_untouched
    """,
    "SpacesJoined": """
        spaces_are_kept
        text_passes_untouched
    """,
    "CharactersForTooLong": """
        a_message_too_long
    """,
    "TooLongCutShort": """
        a_message_too_long
    """,
    "BlockBySocket": """
        a_block_stays_when_the_blocked_leave
        who_takes_a_blocked_name_is_followed
        who_left_can_be_unblocked
    """,
    "BlockByNameOnly": """
        a_block_follows_a_change_of_name
        a_block_leaves_the_old_name_behind
        a_block_stays_when_the_blocked_leave
        who_takes_a_blocked_name_is_followed
    """,
    "BlockKeepsOldName": """
        a_block_leaves_the_old_name_behind
        who_takes_a_blocked_name_is_followed
    """,
    "UnblockNeedsThePerson": """
        unblock_needs_the_name_on_the_list
        who_left_can_be_unblocked
    """,
    "BlockedHearBroadcasts": """
        a_blocked_broadcast_skips_the_blocker
        a_block_follows_a_change_of_name
        a_block_stays_when_the_blocked_leave
    """,
    "BlockOneself": """
        nobody_blocks_oneself
    """,
    "NameAskedFirst": """
        bad_arguments_go_before_name_required
    """,
    "TooLongFirst": """
        too_long_goes_last
    """,
    "LeftBeforeBye": """
        bye_is_the_last_frame
        nothing_is_read_after_exit
    """,
    "OneRecvIsOneMessage": """
        a_payload_of_some_thousand_bytes
        an_empty_payload
        a_frame_cut_anywhere
        one_byte_at_a_time
        a_character_cut_in_two
        many_frames_in_one_packet
        a_name_and_more_in_one_packet
        several_frames_and_a_bit
        a_frame_of_a_round_size
        more_than_one_read_can_hold
        half_a_length_field_stops_nobody
        half_a_payload_stops_nobody
        half_frames_of_many
        nothing_is_read_after_exit
        what_came_before_exit_is_done
        half_closed_connections_are_answered
        who_says_something_and_closes
        all_that_waits_comes_before_bye
        the_longest_message
        a_message_too_long
        two_messages_never_change_places
        many_reset_at_once
        a_slow_reader_gets_everything
        a_slow_reader_stops_nobody
        a_slow_listener_stops_no_broadcast
        no_reset_overtakes_the_reason
        what_came_before_a_bad_frame_is_answered
        wrong_requests_of_any_length
        a_sender_too_fast_is_slowed_down_and_loses_nothing
        a_sender_too_fast_may_leave
        all_talk_at_once
    """,
    "LeftoverLost": """
        a_frame_cut_anywhere
        one_byte_at_a_time
        a_character_cut_in_two
        several_frames_and_a_bit
        more_than_one_read_can_hold
        half_a_payload_stops_nobody
        half_frames_of_many
        all_that_waits_comes_before_bye
        a_slow_reader_gets_everything
        a_slow_reader_stops_nobody
    """,
    "OnlyTheFirstFrame": """
        an_empty_payload
        many_frames_in_one_packet
        a_name_and_more_in_one_packet
        several_frames_and_a_bit
        more_than_one_read_can_hold
        what_came_before_exit_is_done
        half_closed_connections_are_answered
        who_says_something_and_closes
        all_that_waits_comes_before_bye
        two_messages_never_change_places
        many_reset_at_once
        a_slow_reader_gets_everything
        a_slow_reader_stops_nobody
        what_came_before_a_bad_frame_is_answered
        a_sender_too_fast_is_slowed_down_and_loses_nothing
        a_sender_too_fast_may_leave
        all_talk_at_once
    """,
    "LengthByInt": """
        a_length_that_is_no_number
        a_length_that_only_int_understands
        digits_of_other_scripts
    """,
    "DigitsOfAllScripts": """
        digits_of_other_scripts
    """,
    "BlockingPayload": """
        half_a_length_field_stops_nobody
        half_a_payload_stops_nobody
    """,
    "SendForSendall": """
        all_that_waits_comes_before_bye
        a_slow_reader_gets_everything
    """,
    "BlockingSend": """
        a_slow_reader_stops_nobody
        a_slow_listener_stops_no_broadcast
        who_does_not_read_its_answers_stops_nobody
    """,
    "CrashOnReset": """
        left_is_told_when_a_connection_breaks
        a_reset_at_any_moment
        many_reset_at_once
    """,
    "CloseAtOnce": """
        all_that_waits_comes_before_bye
        no_reset_overtakes_the_reason
    """,
    "ReasonLost": """
        a_length_that_is_no_number
        a_length_that_only_int_understands
        digits_of_other_scripts
        garbage_is_answered_in_order
        no_reset_overtakes_the_reason
        what_came_before_a_bad_frame_is_answered
    """,
    "EmptyPayloadIsTheEnd": """
        an_empty_payload_is_no_command
        an_empty_payload
    """,
    "DeafAtTheEnd": """
        half_closed_connections_are_answered
        a_sender_too_fast_may_leave
        who_says_something_and_closes
    """,
    "ReadsBehindExit": """
        nothing_is_read_after_exit
    """,
    "NameFreedAtExitOnly": """
        a_name_is_free_after_a_break
    """,
    "SilentBreak": """
        left_is_told_when_a_connection_ends
        left_is_told_when_a_connection_breaks
        a_half_closed_connection_leaves
        leaving_within_a_frame
        many_leave_at_once
    """,
    "LengthInCharacters": """
        a_request_counts_bytes
        an_answer_counts_bytes
        a_character_cut_in_two
        a_name_finds_its_owner_in_any_form
        spaces_are_kept
        text_passes_untouched
        the_longest_message
        a_message_too_long
        names_are_sorted
        case_folding_is_more_than_lower
        a_name_is_shown_in_its_nfkc_form
        the_longest_name
        letters_marks_and_numbers_of_every_script
        names_that_do_not_fit_one_frame
    """,
    "Newlines": """
        an_answer_is_one_frame
    """,
}

# A few of them for the bare run: one rule each, from different corners.
REPRESENTATIVES = {
    "OneRecvIsOneMessage": "test_frames.py::test_many_frames_in_one_packet",
    "LengthByInt": "test_errors.py::test_a_length_that_only_int_understands",
    "BlockingPayload": "test_frames.py::test_half_a_payload_stops_nobody",
    "CloseAtOnce": "test_robustness.py::test_no_reset_overtakes_the_reason",
    "NameFreedAtExitOnly": "test_leaving.py::test_a_name_is_free_after_a_break",
    "BlockBySocket": "test_blocking.py::test_a_block_stays_when_the_blocked_leave",
    "BroadcastEcho": "test_messages.py::test_a_broadcast_does_not_come_back",
}

# The mistakes of sample-clients/threads_client.py, and the rules that each of them breaks.
BROKEN_BY_CLIENTS = {
    "characters": "the_length_counts_bytes",
    "one_recv": "cut_frames_are_shown_whole half_a_frame_does_not_stop_the_keyboard",
    "unknown_verb": "an_unknown_frame_is_survived",
    "words": "spaces_are_sent_as_typed",
    "silent_exit": "a_typed_exit_is_sent",
    "after_enter": """
        a_typed_request_is_sent_as_it_is
        a_message_is_shown
        a_broadcast_is_shown
        any_script_is_shown
        a_message_does_not_wait_for_the_line_being_typed
        an_error_is_survived
        an_unknown_frame_is_survived
        joined_frames_are_all_shown
        cut_frames_are_shown_whole
        half_a_frame_does_not_stop_the_keyboard
        the_longest_message_is_shown
    """,
}


@dataclass
class Verdict:
    """What one run of the suite said."""

    code: int
    output: str
    tests: list[dict[str, object]]

    def broken(self) -> set[str]:
        """Return the broken rules' names, behind a submission's label where there are several."""
        return {re.sub(r"\w+: ", "", str(test["name"])) for test in self.tests if not test["score"]}


def judge(directory: Path, *arguments: str) -> Verdict:
    """Run the suite as a teacher does and read what it says and writes."""
    results = directory / "results.json"
    environment = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", LEVELS]
    if not any("::" in argument for argument in arguments):
        command.append(str(SUITE))
    run = subprocess.run(
        [*command, "--gradescope", str(results), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    tests = json.loads(results.read_text())["tests"] if results.exists() else []
    return Verdict(run.returncode, run.stdout + run.stderr, tests)


def command(file: Path, *arguments: str) -> str:
    return shlex.join([sys.executable, str(file), *arguments])


def wrong(mistake: str) -> str:
    return command(SERVERS / "wrong_servers.py", "--port", "{port}", "--mistake", mistake)


def threads(port: str = "{port}") -> str:
    return command(SERVERS / "threads_server.py", "--port", port)


# ---------------------------------------------------------------------------------- right servers


@pytest.mark.slow
def test_a_second_correct_server_passes_everything(tmp_path: Path) -> None:
    verdict = judge(tmp_path, "--server", threads())
    assert verdict.broken() == set(), verdict.output
    assert verdict.code == 0


def test_a_first_solution_passes_core(tmp_path: Path) -> None:
    verdict = judge(
        tmp_path, "--server", command(SERVERS / "first_steps.py", "{port}"), "-m", "core"
    )
    assert verdict.broken() == set(), verdict.output
    assert "core     18 of  18 rules passed" in verdict.output


@pytest.mark.slow
def test_the_server_without_a_mistake_passes_everything(tmp_path: Path) -> None:
    right = command(SERVERS / "wrong_servers.py", "--port", "{port}")
    assert judge(tmp_path, "--server", right).broken() == set()


# ---------------------------------------------------------------------------------- wrong servers


@pytest.mark.slow
def test_some_wrong_servers_break_a_rule(tmp_path: Path) -> None:
    servers = [part for mistake in REPRESENTATIVES for part in ("--server", wrong(mistake))]
    rules = [f"{SUITE}/{rule}[{mistake}]" for mistake, rule in REPRESENTATIVES.items()]
    verdict = judge(tmp_path, "--patience", "0.5", *servers, *rules)
    names = {name.partition(" · ")[0] for name in verdict.broken()}
    assert names == set(REPRESENTATIVES), verdict.output
    for mistake, rule in REPRESENTATIVES.items():
        assert rule.partition("::test_")[2] in BROKEN[mistake].split()


@pytest.mark.slow
@pytest.mark.parametrize("mistake", BROKEN)
def test_a_wrong_server_breaks_its_rules_and_no_others(mistake: str, tmp_path: Path) -> None:
    verdict = judge(tmp_path, "--server", wrong(mistake))
    wanted = {rule.replace("_", " ") for rule in BROKEN[mistake].split()}
    if mistake in ("SendForSendall", "CloseAtOnce"):
        # How much a kernel takes at once is its own affair: perhaps all that a rule sends.
        assert verdict.broken(), verdict.output
        assert verdict.broken() <= wanted, verdict.output
    else:
        assert verdict.broken() == wanted, verdict.output
    assert verdict.code == 1


@pytest.mark.slow
def test_a_failure_reads_as_an_explanation(tmp_path: Path) -> None:
    rule = f"{SUITE}/test_frames.py::test_half_a_payload_stops_nobody"
    verdict = judge(tmp_path, "--patience", "0.5", "--server", wrong("BlockingPayload"), rule)
    assert (
        "While one client had sent half a frame, alice waited 0.5 s in vain for the answer to"
        " 'GET_NAMES': a blocking recv() in your loop?"
    ) in verdict.output
    assert "The rule: A read can hold half a frame" in verdict.output
    assert "Traceback" not in verdict.output
    assert "wire.py" not in verdict.output


# ----------------------------------------------------------------- hanging, flooding, falling over


def still_running(file: Path) -> list[str]:
    """Return which of the processes noted in the file run on; one that was killed may take a while.

    A dead process that nobody has asked about yet is in state Z, and dead.
    """
    deadline = time.monotonic() + 5
    while True:
        running = [pid for pid in file.read_text().split() if state(pid) not in ("", "Z")]
        if not running or time.monotonic() > deadline:
            return running
        time.sleep(0.05)


def state(pid: str) -> str:
    answer = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, check=False)
    return answer.stdout.decode().strip()[:1]


def with_pid_file(server: str, file: Path) -> str:
    """Wrap a server's command in a shell that has it as a child and notes its process number."""
    return shlex.join(["sh", "-c", f"{server} & echo $! >> {shlex.quote(str(file))}; wait"])


@pytest.mark.parametrize(
    "mistake", ["Hangs", pytest.param("Floods", marks=pytest.mark.slow), "EndsItself"]
)
@pytest.mark.slow
def test_a_server_that_misbehaves_ends_by_a_deadline(mistake: str, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    rules = [f"{SUITE}/test_names.py::test_{rule}" for rule in ("nobody_here", "names_are_sorted")]
    server = with_pid_file(wrong(mistake), pids)
    started = time.monotonic()
    verdict = judge(tmp_path, "--patience", "0.5", "--server", server, *rules)
    assert time.monotonic() - started < 20
    assert len(verdict.broken()) == 2, verdict.output
    assert len(pids.read_text().split()) == 2, "a server that hangs is started anew"
    assert not still_running(pids)
    if mistake == "EndsItself":
        assert "its last words: ZeroDivisionError" in verdict.output


@pytest.mark.slow
def test_an_interrupted_run_leaves_no_server_behind(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    arguments = ["--patience", "60", "--server", with_pid_file(wrong("Hangs"), pids), str(SUITE)]
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while not (pids.exists() and pids.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    run.send_signal(signal.SIGTERM)
    run.wait(20)
    assert not still_running(pids)


@pytest.mark.slow
def test_a_server_that_does_not_start_is_said_once(tmp_path: Path) -> None:
    verdict = judge(tmp_path, "--server", "no-such-program {port}", "-m", "core")
    assert len(verdict.broken()) == 18
    assert "The server cannot be started" in verdict.output


# ---------------------------------------------------------------------------------------- address


@pytest.fixture
def running_server() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = subprocess.Popen(shlex.split(threads(str(port))))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except ConnectionRefusedError:
            time.sleep(0.02)
    yield f"127.0.0.1:{port}"
    process.kill()
    process.wait()


@pytest.mark.slow
def test_a_running_server_is_judged_beside_strangers(running_server: str, tmp_path: Path) -> None:
    host, _, port = running_server.partition(":")
    with socket.create_connection((host, int(port))) as stranger:
        stranger.sendall(b"0010NAME alice")
        assert stranger.recv(100) == b"0011HELLO alice"
        verdict = judge(tmp_path, "--address", running_server)
        stranger.sendall(b"0009GET_NAMES")
    assert verdict.broken() == set(), verdict.output
    assert re.search(r"skipped +\d+ rules: needs a room of its own", verdict.output)


# ---------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--points", "core=10,hard=10"], "'hard=10' is not a level"),
        (["--points", "core=-1"], "'core=-1' is not a level"),
        (["--server", "python my_server.py"], "write {port} where the port number belongs"),
        (["--address", "localhost:0"], "HOST:PORT is wanted"),
        (["--patience", "0"], "a number of seconds above 0"),
        (["--report", "no/such/directory/x.html"], "there is no such directory"),
    ],
)
@pytest.mark.slow
def test_a_wrong_option_is_explained(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    verdict = judge(tmp_path, *arguments)
    assert verdict.code == pytest.ExitCode.USAGE_ERROR
    assert sentence in verdict.output


# ---------------------------------------------------------------------------------------- reports


@pytest.mark.slow
def test_reports_of_a_class(tmp_path: Path) -> None:
    page = tmp_path / "class.html"
    rules = [
        f"{SUITE}/test_messages.py::test_a_broadcast_does_not_come_back",
        f"{SUITE}/test_messages.py::test_a_message_arrives",
        f"{SUITE}/test_names.py::test_names_are_sorted",
    ]
    servers = [
        part for name in ("BroadcastEcho", "SortedAsWritten") for part in ("--server", wrong(name))
    ]
    verdict = judge(tmp_path, *servers, *rules, "--report", str(page), "--points", "core=10,chat=5")
    text = page.read_text(encoding="utf-8")
    assert text.count("<tr>") == 3, "a head and a row for each submission"
    assert "1 of 1" in text
    assert "1 of 2" in text
    assert "http" not in text, "the page needs nothing from elsewhere"
    assert "Alice should have got nothing" in html.unescape(text)
    worth = sorted(float(str(test["max_score"])) for test in verdict.tests)
    assert worth == [2.5, 2.5, 2.5, 2.5, 10, 10], "a level's points, shared by its rules"
    for test in verdict.tests:
        assert set(test) == {"name", "score", "max_score", "output", "visibility"}
        assert test["visibility"] == "visible"
        assert test["score"] in (0, test["max_score"])
    assert "conformance of BroadcastEcho" in verdict.output


def test_a_page_escapes_what_servers_say() -> None:
    sys.path.insert(0, str(SUITE.parent))
    try:
        from conformance import report
    finally:
        sys.path.remove(str(SUITE.parent))
    nasty = "<script>alert('&')</script>"
    page = report.html_page([report.Result(nasty, "core", nasty, nasty, "failed", nasty)])
    assert "<script>" not in page
    assert page.count(html.escape(nasty)) == 4


# ----------------------------------------------------------------------------------------- clients


@pytest.mark.slow
def test_a_client_is_judged_in_a_terminal(tmp_path: Path) -> None:
    words = ("{host}", "{port}", "--mistake", "characters")
    client = command(CLIENTS / "threads_client.py", *words)
    rules = ("test_a_message_is_shown", "test_the_length_counts_bytes")
    ids = [f"{SUITE}/test_client.py::{rule}" for rule in rules]
    verdict = judge(tmp_path, "--client", client, *ids)
    assert len(verdict.tests) == 2
    assert verdict.broken() == {"the length counts bytes"}, verdict.output


@pytest.mark.slow
def test_a_correct_client_passes_everything(tmp_path: Path) -> None:
    client = command(CLIENTS / "threads_client.py", "{host}", "{port}")
    assert judge(tmp_path, "--client", client).broken() == set()


@pytest.mark.slow
@pytest.mark.skipif(not OWN_CLIENT.exists(), reason="there is no chat_client.py here")
def test_this_projects_client_passes_everything(tmp_path: Path) -> None:
    verdict = judge(tmp_path, "--client", command(OWN_CLIENT, "{host}", "{port}"))
    assert verdict.broken() == set(), verdict.output


@pytest.mark.slow
@pytest.mark.parametrize("mistake", BROKEN_BY_CLIENTS)
def test_a_wrong_client_breaks_its_rules_and_no_others(mistake: str, tmp_path: Path) -> None:
    client = command(CLIENTS / "threads_client.py", "{host}", "{port}", "--mistake", mistake)
    verdict = judge(tmp_path, "--patience", "5", "--client", client)
    wanted = {rule.replace("_", " ") for rule in BROKEN_BY_CLIENTS[mistake].split()}
    # Nobody can make a client read before the second half comes; a busy machine may join the two.
    # One that reads only after Enter is stopped or not by where it stands at that moment.
    chancy = mistake in ("one_recv", "after_enter")
    by_chance = {"half a frame does not stop the keyboard"} if chancy else set()
    assert wanted - by_chance <= verdict.broken() <= wanted | by_chance, verdict.output


# ------------------------------------------------------------------------------------ the rules


def test_every_rule_has_a_text_and_a_probable_mistake() -> None:
    for file in SUITE.glob("test_*.py"):
        source = file.read_text(encoding="utf-8")
        rules = source.split("\ndef test_")[1:]
        levelled = "pytestmark = pytest.mark." in source
        for rule in rules:
            name = rule.partition("(")[0]
            assert "Probable mistake: " in rule, f"{file.name}: {name}"
        marks = len(re.findall(r"^@pytest\.mark\.(core|chat|robust)$", source, re.MULTILINE))
        assert levelled or marks == len(rules), f"{file.name}: a rule has no level, or two"


def test_the_suite_imports_nothing_of_the_implementation() -> None:
    for file in SUITE.rglob("*.py"):
        imports = re.findall(r"^\s*(?:from|import) (\S+)", file.read_text("utf-8"), re.MULTILINE)
        assert not [name for name in imports if name.startswith("chat_")], file.name
