"""Fixtures: consoles on Windows, and people and servers at them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from client.person import Room
from harness import Client

from windows.machine import Machine, Seat, Sit, StartThere, client_command
from windows.service import Service, StartService


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """The Windows to test on."""
    machine = Machine()
    yield machine
    machine.close()


@pytest.fixture
def start_there(machine: Machine) -> Iterator[StartThere]:
    """A function that starts a Python program in a console, without escape sequences; see Seat.

    They would be sent to a console that takes them: Wine's takes them, and shows nothing of them.
    """
    seats: list[Seat] = []

    def start(*command: str, **environment: str) -> Seat:
        seats.append(machine.seat(command, **{"TERM": "dumb", **environment}))
        return seats[-1]

    yield start
    for seat in seats:
        machine.leave(seat)


@pytest.fixture
def sit(room: Room, start_there: StartThere) -> Sit:
    """A function that seats somebody in the room, at a console on Windows."""

    def sit(name: str, *options: str, **environment: str) -> Seat:
        seat = start_there(*client_command(room.port, name, *options), **environment)
        seat.prompt = f"{name}> "
        seat.shows("* here (")  # the last that it says by itself
        seat.shows_line("")
        return seat

    return sit


@pytest.fixture
def bob(room: Room) -> Client:
    """Somebody in the room who hears what is said."""
    return room.raw("bob")


@pytest.fixture
def anna(bob: Client, sit: Sit) -> Seat:
    """Somebody who has come to bob's room, at a console on Windows."""
    seat = sit("anna")
    bob.expect("JOINED anna")
    return seat


@pytest.fixture
def start_service(start_there: StartThere) -> Iterator[StartService]:
    """A function that starts a server on Windows, on a free port, with the options given."""
    services: list[Service] = []

    def start(*options: str) -> Service:
        where = "--host", "127.0.0.1", "--port", "0"
        services.append(Service(start_there("chat_server.py", *where, *options)))
        return services[-1]

    yield start
    for service in services:
        service.close()
