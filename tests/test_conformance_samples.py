"""The conformance suite and its samples: the right pass, each wrong one fails what it breaks."""

from __future__ import annotations

from pathlib import Path

import pytest
from broken_rules import BROKEN, BY_CHANCE
from judged import CLIENTS, ROOT, SERVERS, Verdict, command, judge, servers, threads, wrong

PORT = ("--port", "{port}")
HABITS = ("Greets", "CutsOff", "HundredPlaces", "Slow", "Uneven")
RIGHT_SERVERS = {  # by what a report calls them
    "threads_server.py": threads(),
    "asyncio_server.py": command(SERVERS / "asyncio_server.py", *PORT),
    "wrong_servers.py": command(SERVERS / "wrong_servers.py", *PORT),  # without a mistake
    **{kind: command(SERVERS / "unusual_servers.py", *PORT, "--habit", kind) for kind in HABITS},
}

# The mistakes of sample-clients/threads_client.py.
BROKEN_BY_CLIENTS = {
    "characters": """
        the_length_counts_bytes
    """,
    "one_recv": """
        cut_frames_are_shown_whole half_a_frame_does_not_stop_the_keyboard
    """,
    "unknown_verb": """
        an_unknown_frame_is_survived
    """,
    "words": """
        spaces_are_sent_as_typed a_text_is_not_stripped
    """,
    "silent_exit": """
        a_typed_exit_is_sent
    """,
    "after_enter": """
        a_typed_request_is_sent_as_it_is a_text_is_not_stripped a_message_is_shown
        a_broadcast_is_shown spaces_are_shown any_script_is_shown
        a_message_does_not_wait_for_the_line_being_typed lines_typed_at_once_are_all_sent
        an_error_is_survived an_unknown_frame_is_survived joined_frames_are_all_shown
        cut_frames_are_shown_whole half_a_frame_does_not_stop_the_keyboard
        the_longest_message_is_shown
    """,
    "words_shown": """
        spaces_are_shown
    """,
    "stripped": """
        a_text_is_not_stripped
    """,
    "no_pass": """
        a_typed_password_is_sent
    """,
    "one_line": """
        lines_typed_at_once_are_all_sent
    """,
    "reset": """
        exit_ends_in_order
    """,
}


def test_a_first_solution_passes_core(tmp_path: Path) -> None:
    verdict = judge(
        tmp_path, "--server", command(SERVERS / "first_steps.py", "{port}"), "-m", "core"
    )
    assert verdict.broken() == set(), verdict.output
    assert "core     19 of  19 rules passed" in verdict.output


# Each of the following judges many programs in one run, side by side: that is much quicker.


@pytest.fixture(scope="module")
def right_ones(tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    """What is said of all right servers."""
    return judge(tmp_path_factory.mktemp("right"), *servers(*RIGHT_SERVERS.values()))


@pytest.mark.slow
@pytest.mark.parametrize("kind", RIGHT_SERVERS)
def test_a_right_server_passes_everything(kind: str, right_ones: Verdict) -> None:
    own = right_ones.of(kind)
    assert own.broken() == set(), right_ones.output
    assert own.total("score") == own.total("max_score") == 100


@pytest.fixture(scope="module")
def wrong_ones(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    """What is said of all wrong servers that are asked for."""
    wanted = {
        str(item.callspec.params["mistake"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and "wrong_ones" in item.fixturenames
    }
    # Of one alone the results would not say which it is.
    commands = [wrong(mistake) for mistake in BROKEN if mistake in wanted] + [threads()]
    return judge(tmp_path_factory.mktemp("wrong"), *servers(*commands))


@pytest.mark.slow
@pytest.mark.parametrize("mistake", BROKEN)
def test_a_wrong_server_breaks_its_rules_and_no_others(mistake: str, wrong_ones: Verdict) -> None:
    own = wrong_ones.of(mistake)
    wanted = {rule.replace("_", " ") for rule in BROKEN[mistake].split()}
    if mistake in BY_CHANCE:
        assert own.broken(), own.output
        assert own.broken() <= wanted, own.output
    else:
        assert own.broken() == wanted, own.output
    assert wrong_ones.code == 1


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    """What is said of all clients."""
    place = ("{host}", "{port}")
    threaded = CLIENTS / "threads_client.py"
    commands = [command(threaded, *place), command(ROOT / "chat_client.py", *place)]
    commands += [command(threaded, *place, "--mistake", mistake) for mistake in BROKEN_BY_CLIENTS]
    options = [word for one in commands for word in ("--client", one)]
    return judge(tmp_path_factory.mktemp("clients"), "--patience", "5", *options)


@pytest.mark.slow
@pytest.mark.parametrize("client", ["threads_client.py", "chat_client.py"])
def test_a_right_client_passes_everything(client: str, clients: Verdict) -> None:
    assert clients.of(client).broken() == set(), clients.output


@pytest.mark.slow
@pytest.mark.parametrize("mistake", BROKEN_BY_CLIENTS)
def test_a_wrong_client_breaks_its_rules_and_no_others(mistake: str, clients: Verdict) -> None:
    own = clients.of(mistake)
    wanted = {rule.replace("_", " ") for rule in BROKEN_BY_CLIENTS[mistake].split()}
    # Nobody can make a client read before the second half comes; a busy machine may join the two.
    # One that reads only after Enter is stopped or not by where it stands at that moment.
    chancy = mistake in ("one_recv", "after_enter")
    by_chance = {"half a frame does not stop the keyboard"} if chancy else set()
    assert wanted - by_chance <= own.broken() <= wanted | by_chance, own.output
    assert "by one thing" not in own.output, "such causes are those of servers"
