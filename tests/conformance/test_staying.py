"""Staying: people read and think, stop in the middle of a word, and take long to read.

The name of this file makes it the last one, so that there is little left to wait.
"""

from __future__ import annotations

import pytest

from .room import Room
from .sleeper import Sleeper, Sleepers

pytestmark = [pytest.mark.robust, pytest.mark.usefixtures("room")]


@pytest.fixture
def sleeper(request: pytest.FixtureRequest, sleepers: Sleepers | None) -> Sleeper:
    """Whoever this rule is about, since the first rule."""
    if sleepers is None:
        pytest.skip("needs a second server, which cannot be started at --address")
    return sleepers[request.function.__name__]


@pytest.fixture
def room(sleeper: Sleeper) -> Room:
    """The room of a server of its own."""
    return sleeper.room


def test_who_says_nothing_stays(sleeper: Sleeper) -> None:
    """Nobody has to say something to stay: who was silent for seconds is as much here as any other.

    Probable mistake: settimeout() on the socket, and its TimeoutError taken for the end?
    """
    sleeper.wait()


def test_who_stops_within_a_frame_stays(sleeper: Sleeper) -> None:
    """Nobody has to be quick: half a frame may wait for its rest for seconds.

    Probable mistake: a deadline for the rest of a frame?
    """
    sleeper.wait()


def test_who_has_left_reads_on(sleeper: Sleeper) -> None:
    """What waits for somebody who has left is sent for five seconds, as long as that client reads.

    Probable mistake: a connection is closed a moment after EXIT, whatever still waits for it?
    """
    sleeper.wait()
