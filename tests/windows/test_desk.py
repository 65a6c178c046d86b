"""The teacher's desk in a Windows console, where select() knows nothing of keys."""

from __future__ import annotations

import pytest

from windows.machine import on_windows
from windows.service import StartService

pytestmark = [on_windows, pytest.mark.slow]


def test_what_is_typed_is_said_and_a_half_typed_line_stays(start_service: StartService) -> None:
    service = start_service()
    anna, seat = service.connect("anna"), service.seat
    seat.put("là-bas voila", "left")
    seat.shows_line("là-bas voil", "a")
    bob = service.connect("bob")
    anna.expect("JOINED bob")
    seat.shows("is now called bob")
    seat.shows_line("là-bas voil", "a")
    seat.put("delete", "à", "enter")
    for client in (anna, bob):
        client.expect("INFO là-bas voilà")
    seat.shows("[server] là-bas voilà")
    seat.shows_line("")


def test_several_pasted_lines_wait_for_enter(start_service: StartService) -> None:
    service = start_service()
    anna = service.connect("anna")
    service.seat.paste("one\n/two\n")
    service.seat.shows("2 lines pasted: Enter says them, Ctrl+C drops them.")
    assert anna.hears_nothing()
    service.seat.put("enter")
    anna.expect("INFO one", "INFO /two")


def test_somebody_is_sent_away_by_completed_words(start_service: StartService) -> None:
    service = start_service()
    anna, bob = service.connect("anna"), service.connect("bob")
    anna.expect("JOINED bob")
    service.seat.put("/ki", "tab")
    service.seat.shows_line("/kick ")
    service.seat.put("b", "tab")
    service.seat.shows_line("/kick bob ")
    service.seat.put("enough", "enter")
    assert bob.receive_all() == ["ERROR REMOVED enough"]
    anna.expect("LEFT bob")


def test_ctrl_c_clears_the_line_and_asks_before_it_ends_the_chat(
    start_service: StartService,
) -> None:
    service = start_service()
    anna, seat = service.connect("anna"), service.seat
    seat.put("half a line")
    seat.shows_line("half a line")
    seat.ctrl_c()
    seat.shows_line("")
    seat.ctrl_c()
    seat.shows("Ctrl+C again ends the chat for 1 person.")
    assert anna.hears_nothing()
    seat.ctrl_c()
    notice, goodbye = anna.receive_all()
    assert notice.startswith("INFO The server is being shut down")
    assert goodbye == "BYE"
    service.ends_well()
