"""The deadlines: done in the order in which people came, shared fairly, forgotten when asked to."""

from __future__ import annotations

import math
import time
from collections.abc import Hashable

import pytest
from harness import wait_until

from chat.server.deadlines import LONGEST_SLEEP_SECONDS, SHARE_SECONDS, Deadlines

MINUTE = 60.0


def greet(_whom: Hashable) -> None:
    """What may be due: which of them it is, is all that the deadlines know of a deed."""


def scold(_whom: Hashable) -> None:
    """Something else that may be due."""


@pytest.fixture
def deadlines() -> Deadlines:
    return Deadlines()


def due(deadlines: Deadlines) -> list[tuple[object, Hashable]]:
    """Return what is to be done now, as quickly as it can be taken."""
    return list(deadlines.take_due())


def let_pass(seconds: float) -> None:
    """Wait until the clock has gone on by more than this."""
    start = time.monotonic()
    wait_until(lambda: time.monotonic() > start + seconds, "the clock goes on")


# ----------------------------------------------------------------------------------------- order


def test_who_came_first_is_due_first(deadlines: Deadlines) -> None:
    for whom in ("bob", "alice", "dora", "carol"):
        deadlines.later(0, whom, greet)
    assert due(deadlines) == [(greet, whom) for whom in ("bob", "alice", "dora", "carol")]
    assert due(deadlines) == [], "once each"


def test_who_waits_already_keeps_their_place(deadlines: Deadlines) -> None:
    for whom in ("alice", "bob", "alice"):
        deadlines.later(0, whom, greet)
    assert due(deadlines) == [(greet, "alice"), (greet, "bob")]


def test_asking_again_puts_nothing_off(deadlines: Deadlines) -> None:
    deadlines.later(MINUTE, "alice", greet)
    let_pass(0.01)
    before = deadlines.patience()
    assert before is not None
    deadlines.later(MINUTE, "alice", greet)
    after = deadlines.patience()
    assert after is not None
    assert after <= before


def test_what_is_due_later_holds_up_nothing(deadlines: Deadlines) -> None:
    deadlines.later(MINUTE, "alice", greet)
    deadlines.later(0, "bob", greet)
    deadlines.later(0, "alice", scold)
    assert due(deadlines) == [(greet, "bob"), (scold, "alice")]
    assert due(deadlines) == []
    assert deadlines.forget("alice"), "she is still to be greeted"


def test_what_is_not_due_yet_is_done_in_time(deadlines: Deadlines) -> None:
    deadlines.later(0.01, "alice", greet)
    assert due(deadlines) == []
    wait_until(lambda: deadlines.patience() == 0, "the time has come")
    assert due(deadlines) == [(greet, "alice")]


# ------------------------------------------------------------------------------- shares of a turn


def test_what_takes_long_leaves_the_rest_for_the_next_turns(deadlines: Deadlines) -> None:
    for number in range(3):
        deadlines.later(0, number, greet)
        deadlines.later(0, number, scold)
    for number in range(3):
        for deed in (greet, scold):
            turn = []
            for found in deadlines.take_due():
                turn.append(found)
                let_pass(SHARE_SECONDS)
            assert turn == [(deed, number)], "whatever is due, the longest due comes first"
    assert deadlines.patience() is None


def test_a_long_line_holds_up_nobody_who_stands_in_another(deadlines: Deadlines) -> None:
    for number in range(1000):
        deadlines.later(0, number, greet)
    deadlines.later(0, "alice", scold)
    turns = [deadlines.take_due() for _ in range(2)]
    assert [next(turn) for turn in turns] == [(greet, 0), (scold, "alice")], "the next turn too"


def test_who_asks_again_within_a_turn_is_due_in_the_next(deadlines: Deadlines) -> None:
    """Or one who goes on and on would have the turn to themselves."""
    for name in ("alice", "bob"):
        deadlines.later(0, name, greet)
    for _ in range(2):
        turn = []
        for deed, whom in deadlines.take_due():
            let_pass(0)
            turn.append(whom)
            deadlines.later(0, whom, greet)
            assert deed == greet
        assert turn == ["alice", "bob"]


# -------------------------------------------------------------------------------------- forgetting


def test_who_is_forgotten_is_left_alone(deadlines: Deadlines) -> None:
    for whom in ("alice", "bob", "carol"):
        deadlines.later(0, whom, greet)
        deadlines.later(0, whom, scold)
    assert deadlines.forget("bob")
    left = [(deed, whom) for whom in ("alice", "carol") for deed in (greet, scold)]
    assert due(deadlines) == left
    assert not deadlines.forget("bob"), "nothing was due any more"
    assert not deadlines.forget("nobody")


def test_one_deed_can_be_forgotten_alone(deadlines: Deadlines) -> None:
    for seconds in (0, MINUTE):
        deadlines.later(seconds, "alice", greet)
    deadlines.later(0, "alice", scold)
    assert deadlines.forget("alice", greet), "whenever it was due"
    assert due(deadlines) == [(scold, "alice")]
    assert deadlines.patience() is None


def test_who_is_forgotten_within_a_turn_is_left_alone_in_it(deadlines: Deadlines) -> None:
    for name in ("alice", "bob"):
        deadlines.later(0, name, greet)
        deadlines.later(0, name, scold)
    turn = []
    for deed, whom in deadlines.take_due():
        turn.append((deed, whom))
        deadlines.forget("bob")
    assert turn == [(greet, "alice"), (scold, "alice")]


# ---------------------------------------------------------------------------------------- patience


def test_with_nothing_to_come_select_sleeps_for_good(deadlines: Deadlines) -> None:
    assert deadlines.patience() is None
    deadlines.later(math.inf, "alice", greet)
    assert deadlines.patience() is None, "infinity is as good as never"
    deadlines.later(MINUTE, "bob", greet)
    deadlines.forget("bob")
    assert deadlines.patience() is None, "and so is what was forgotten"


def test_select_sleeps_until_the_first_is_due(deadlines: Deadlines) -> None:
    deadlines.later(2 * MINUTE, "alice", greet)
    deadlines.later(MINUTE, "bob", scold)
    patience = deadlines.patience()
    assert patience is not None
    assert MINUTE / 2 < patience <= MINUTE
    deadlines.later(0, "carol", greet)
    let_pass(0)
    assert deadlines.patience() == 0, "never less: select() refuses to sleep backwards"


def test_select_never_sleeps_for_longer_than_it_can(deadlines: Deadlines) -> None:
    deadlines.later(1e10, "alice", greet)
    assert deadlines.patience() == LONGEST_SLEEP_SECONDS
