"""While a client comes back: whatever answers or does not, it calls again, and loses nothing."""

from __future__ import annotations

import signal

import pytest
from harness import Certificate, StartServer, posix_only, run_piped, slow_beyond
from terminal.pseudo import rung_times

from client.person import AT_ONCE, RINGING, Desk, OpenDesk, Person, prepared_client
from client.piped import assert_one_sentence, free_port
from client.played import PlayedServer


@pytest.fixture
def impatient(open_desk: OpenDesk) -> Desk:
    """A client that does not wait as long as others before it tries again."""
    return open_desk(program=prepared_client(AT_ONCE + RINGING))


@pytest.mark.parametrize(
    "refusal",
    slow_beyond(
        1,
        [
            "SERVER_FULL Every place here is taken; try again later.",
            "TIMEOUT You chose no name in time.",
            "BAD_PASSWORD That is not the password.",
        ],
    ),
)
def test_a_refusal_for_now_is_no_end_and_what_was_typed_is_kept(
    impatient: Desk, refusal: str
) -> None:
    impatient.connection.close()
    impatient.person.type("said meanwhile\r")
    for _ in range(3):
        connection = impatient.server.accept()
        connection.expect("NAME me")
        connection.send(f"ERROR {refusal}")
        connection.close()
    connection = impatient.server.accept()
    connection.welcome("me", "bob")
    connection.expect("MSG BROADCAST said meanwhile")
    impatient.person.wait_for("* you are back as me")
    impatient.person.sees(f"! {refusal.split(' ', 1)[1]}")


@pytest.mark.slow
def test_why_it_cannot_come_back_is_said_once(impatient: Desk) -> None:
    port = impatient.server.port
    impatient.connection.close()
    impatient.server.close()
    impatient.person.wait_for(f"! Nothing listens on port {port}")
    impatient.person.wait_for(rung_times(6))
    assert impatient.person.written.count(b"Nothing listens") == 1
    assert impatient.person.written.count(b"calling again until it answers") == 1


def test_what_speaks_another_protocol_there_is_no_end(impatient: Desk) -> None:
    impatient.connection.close()
    impatient.person.type("said meanwhile\r")
    impatient.server.accept().send_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    impatient.person.wait_for("! The server does not speak this protocol")
    connection = impatient.server.accept()
    connection.welcome("me", "bob")
    connection.expect("MSG BROADCAST said meanwhile")


SOON = "from chat.client import link\nlink.ANSWER_SECONDS = 0.1\n"


@pytest.mark.slow
def test_a_server_that_says_nothing_is_called_again(open_desk: OpenDesk) -> None:
    desk = open_desk(program=prepared_client(SOON + AT_ONCE))
    desk.connection.close()
    desk.person.type("said meanwhile\r")
    for _ in range(2):
        desk.server.accept().expect("NAME me")
    desk.person.wait_for("! 127.0.0.1 takes connections, but has not answered yet.")
    connection = desk.server.accept()
    connection.welcome("me", "bob")
    connection.expect("MSG BROADCAST said meanwhile")


def test_a_newcomer_is_told_that_the_server_says_nothing() -> None:
    program = prepared_client(SOON)
    with PlayedServer() as played, Person(played.port, "me", program=program) as person:
        connection = played.accept()
        connection.expect("NAME me")
        person.wait_for("! 127.0.0.1 takes connections, but has not answered yet.")
        connection.send("HELLO me")
        person.wait_for("* you are me")


def test_what_was_not_sent_is_counted_at_the_end(impatient: Desk) -> None:
    impatient.connection.close()
    impatient.person.type("one\rtwo\r")
    impatient.person.wait_for("two")
    connection = impatient.server.accept()
    connection.expect("NAME me")
    connection.send("BYE")
    impatient.person.wait_for("! Not sent, of what you typed meanwhile: 2.")


@pytest.mark.slow
def test_a_password_that_timed_out_is_asked_for_again(impatient: Desk) -> None:
    impatient.connection.close()
    impatient.person.type("said meanwhile\r")
    impatient.person.wait_for("waiting")
    for _ in range(2):
        connection = impatient.server.accept()
        connection.expect("NAME me")
        connection.send("ERROR PASSWORD_REQUIRED This server wants a password.")
        impatient.person.is_asked("Password: ")
        connection.send("ERROR TIMEOUT You gave no password in time.")
        connection.close()
    connection = impatient.server.accept()
    connection.expect("NAME me")
    connection.send("ERROR PASSWORD_REQUIRED This server wants a password.")
    impatient.person.is_asked("Password: ")
    impatient.person.type("sesame\r")
    connection.expect("PASS sesame")
    connection.send("ACCEPTED")
    connection.welcome("me", "bob")
    connection.expect("MSG BROADCAST said meanwhile")


@posix_only
@pytest.mark.slow
def test_a_full_server_is_called_again_over_tls_too(
    start_server: StartServer, certificate: Certificate
) -> None:
    """It says so as a plain frame, before the handshake."""
    first = start_server(*certificate.for_server)
    program = prepared_client(AT_ONCE)
    with Person(first.port, "ann", *certificate.for_client, program=program) as person:
        person.wait_for("* here (")
        first.interrupt(signal.SIGKILL)
        first.process.wait()
        with PlayedServer(port=first.port) as full:
            for _ in range(3):
                connection = full.accept()
                connection.send("ERROR SERVER_FULL Every place here is taken; try again later.")
                connection.close()
        start_server("--port", str(first.port), *certificate.for_server)
        person.wait_for("* you are back as ann")


@pytest.mark.slow
def test_a_night_alone(open_desk: OpenDesk) -> None:
    """More tries than a float has powers of two."""
    desk = open_desk(program=prepared_client(AT_ONCE.replace("0.05", "0.0") + RINGING))
    desk.server.close()
    desk.person.wait_for(rung_times(1_100))
    desk.person.type("/quit\r")
    assert desk.person.wait_exit() == 0


@pytest.mark.slow
def test_the_host_is_looked_up_anew(played: PlayedServer) -> None:
    """The server's machine has got another address; first the resolver is away, too."""
    with PlayedServer() as other:
        lookups = (
            f"{AT_ONCE}{RINGING}import socket\n"
            "find = socket.getaddrinfo\n"
            "numbers = iter([None, 0, 0])\n"
            "def look_up(host, port, **options):\n"
            f"    number = next(numbers, {other.port})\n"
            "    if number == 0: raise socket.gaierror(socket.EAI_AGAIN, 'try again')\n"
            "    return find(host, number or port, **options)\n"
            "socket.getaddrinfo = look_up"
        )
        with Person(played.port, "me", program=prepared_client(lookups)) as person:
            connection = played.accept()
            connection.welcome("me")
            person.wait_for("* here (")
            connection.close()
            person.wait_for(rung_times(3))
            other.accept().welcome("me")
            person.wait_for("* you are back as me")


@posix_only
@pytest.mark.slow
def test_a_host_with_very_many_addresses_is_tried_at_each() -> None:
    """Each fails at once: nobody may connect to 255.255.255.255."""
    many = prepared_client(
        "import socket\n"
        "found = socket.getaddrinfo('255.255.255.255', 8820, type=socket.SOCK_STREAM)\n"
        "socket.getaddrinfo = lambda *_, **__: found * 1500"
    )
    assert_one_sentence(run_piped(*many, "crowd.example", str(free_port())), "crowd.example")


@pytest.mark.slow
@pytest.mark.parametrize("breaks", [False, True])
def test_a_server_that_asks_and_does_not_read_is_not_answered_without_end(
    open_desk: OpenDesk, breaks: bool
) -> None:
    """It makes the client answer each frame. Once it reads, or breaks off, the client goes on."""
    few = "from chat.client import link; link.UNSENT_ENOUGH = 10_000"
    desk = open_desk(program=prepared_client(f"{AT_ONCE}\n{few}"))
    desk.connection.close()
    connection = desk.server.accept()
    connection.expect("NAME me")
    count = 500_000
    connection.send_meanwhile(b"0008HELLO me" * count)
    if breaks:
        connection.reset()
        connection = desk.server.accept()
        connection.welcome("me")
    else:
        connection.expect(*["GET_NAMES"] * count)
        connection.send("NAMES 1 me")
    desk.person.wait_for("* you are back as me")
