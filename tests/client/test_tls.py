"""TLS at the client: whom it trusts, what it says where it does not, people who talk over it."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from encrypted import TLSRoom, large_texts
from harness import (
    DEADLINE,
    Certificate,
    ServerProcess,
    StartServer,
    make_certificate,
    openssl,
    posix_only,
    run_piped,
)

import chat_client
from chat.client.session import Session
from chat.client.tls import load_tls
from client.person import AT_ONCE, CLIENT, Person, prepared_client
from client.piped import assert_one_sentence, piped

# A client whose kernel takes a few KiB at a time and which reads less than one TLS record (16
# KiB) at a time: every write is a partial one, and decrypted bytes are left in OpenSSL.
CRAMPED_CLIENT = """
import socket
from chat.client import link
link.RECEIVE_SIZE = 1000
prepare = link.prepare
def prepare_cramped(connection):
    prepare(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
link.prepare = prepare_cramped
"""


def person_in(tls_room: TLSRoom, **settings: Any) -> Person:
    """Start the client of somebody called ann, in the room and ready for keys."""
    person = Person(tls_room.server.port, "ann", *tls_room.certificate.for_client, **settings)
    person.wait_for("* here (")
    person.get_ready()
    return person


def test_a_person_talks_over_tls(tls_room: TLSRoom) -> None:
    alice = tls_room.connect("alice")
    with person_in(tls_room) as person:
        alice.expect("JOINED ann")
        person.type("hello over TLS\r")
        alice.expect("MSG ann BROADCAST hello over TLS")
        alice.send("MSG ann hello back")
        person.sees("» alice → ann: hello back")
        person.type("/quit\r")
        assert person.wait_exit() == 0
        assert "* goodbye" in person.screen.text()
        alice.expect("LEFT ann")


def test_a_piped_client_talks_over_tls_by_the_servers_name(tls_room: TLSRoom) -> None:
    alice = tls_room.connect("alice")
    options = ("--name", "pia", *tls_room.certificate.for_client)
    done = run_piped(CLIENT, "localhost", str(tls_room.server.port), *options, typed="hi\n/names\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "* here (2): alice, pia" in done.stdout
    alice.expect("JOINED pia", "MSG pia BROADCAST hi", "LEFT pia")


def test_a_client_leaves_nothing_decrypted_lying(tls_room: TLSRoom) -> None:
    """One record arrives, and it reads less than that at a time."""
    alice = tls_room.connect("alice")
    with person_in(tls_room, program=prepared_client(CRAMPED_CLIENT)) as person:
        alice.expect("JOINED ann")
        alice.send(*(f"MSG ann {number} {'x' * 500}" for number in range(20)))
        person.wait_for("alice → ann: 19")


@pytest.mark.slow
def test_a_client_finishes_what_it_began_to_write(tls_room: TLSRoom) -> None:
    """It talks to itself, and its kernel takes a few KiB at a time."""
    texts = large_texts(50, "MSG ann ann " + "room for a name that is not yet ours" * 3)
    done = piped(
        tls_room.server.port,
        *("--name", "ann", *tls_room.certificate.for_client),
        typed="".join(f"MSG ann {text}\n" for text in texts),
        program=prepared_client(CRAMPED_CLIENT),
    )
    assert (done.returncode, done.stderr) == (0, "")
    heard = [line[6:] for line in done.stdout.splitlines() if line[6:].startswith("» ")]
    assert heard == [f"» ann → ann: {text}" for text in texts]


@posix_only
@pytest.mark.slow
def test_a_person_is_back_over_tls_after_the_connection_broke(
    start_server: StartServer, certificate: Certificate
) -> None:
    first = start_server(*certificate.for_server)
    at_once = prepared_client(AT_ONCE)
    with Person(first.port, "ann", *certificate.for_client, program=at_once) as person:
        person.wait_for("* here (")
        first.may_end = True
        first.process.kill()
        person.wait_for("* calling again")
        start_server("--port", str(first.port), *certificate.for_server)
        person.wait_for("* you are back as ann")


def test_a_plain_terminal_client_says_that_the_server_wants_tls(tls_room: TLSRoom) -> None:
    done = piped(tls_room.server.port, "--name", "plain", typed="hi\n")
    assert done.returncode == 1
    assert "--tls" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_an_authority_of_ones_own_is_trusted(start_server: StartServer, tmp_path: Path) -> None:
    """The school signs the server's certificate; the clients know only the school's."""
    may_sign = "keyUsage=critical,keyCertSign"
    school = make_certificate(tmp_path, "school", "DNS:school.example", may_sign)
    made = Certificate(str(tmp_path / "room12.pem"), str(tmp_path / "room12.key"))
    (tmp_path / "names").write_text(
        "subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
    )
    openssl(
        tmp_path,
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", made.key, "-out", "request", "-subj", "/CN=room12"),
    )
    openssl(
        tmp_path,
        *("x509", "-req", "-in", "request", "-out", made.file, "-days", "2", "-CA", school.file),
        *("-CAkey", school.key, "-CAcreateserial", "-extfile", "names"),
    )
    server = start_server(*made.for_server)
    done = piped(server.port, "--name", "ann", *school.for_client)
    assert (done.returncode, done.stderr) == (0, "")
    assert "* you are ann" in done.stdout


@contextmanager
def showing(certificate: Certificate) -> Iterator[int]:
    """Listen, and shake hands with one caller, showing this certificate; yields the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.file, certificate.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)

        def shake_hands() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(DEADLINE)
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    pass  # the caller does not trust us, as it should

        thread = threading.Thread(target=shake_hands, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(DEADLINE)


def dated_certificate(folder: Path, name: str, first: str, last: str) -> Certificate:
    """Make a certificate that is valid between two days (YYYYMMDD)."""
    made = Certificate(str(folder / f"{name}.pem"), str(folder / f"{name}.key"))
    rules = (
        "database = index\nserial = serial\nnew_certs_dir = .\npolicy = any\ndefault_md = sha256"
    )
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca = this\n[this]\n{rules}\ncopy_extensions = copy\nunique_subject = no\n"
        "[any]\ncommonName = supplied\n"
    )
    (folder / "index").write_text("")
    (folder / "serial").write_text("01")
    openssl(
        folder,
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", made.key, "-out", "request", "-subj", f"/CN={name}"),
        *("-addext", "subjectAltName=IP:127.0.0.1"),
    )
    openssl(
        folder,
        *("ca", "-batch", "-config", "ca.cnf", "-selfsign", "-keyfile", made.key, "-notext"),
        *("-in", "request", "-out", made.file),
        *("-startdate", f"{first}000000Z", "-enddate", f"{last}000000Z"),
    )
    return made


# What is wrong with the certificate: words of the sentence that the person reads.
REFUSALS = {
    "nobody's": "trusted by nobody",
    "another authority's": "trusted by nobody",
    "another address's": "for another address",
    "another name's": "for another name",
    "expired": "expired",
    "not valid yet": "not valid yet",
}


@pytest.fixture(scope="module")
def refusals(
    certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, subprocess.CompletedProcess[str]]:
    """What the client says to each certificate that it must refuse. All at once: it takes time."""
    folder = tmp_path_factory.mktemp("refused")
    elsewhere = make_certificate(folder, "elsewhere", "DNS:other.example,IP:127.0.0.9")
    numbered = make_certificate(folder, "numbered", "IP:127.0.0.1")
    expired = dated_certificate(folder, "expired", "20200101", "20210101")
    early = dated_certificate(folder, "early", "20900101", "20910101")
    cases = {
        "nobody's": (certificate, "127.0.0.1", ["--tls"]),
        "another authority's": (certificate, "127.0.0.1", ["--tls", "--tls-ca", elsewhere.file]),
        "another address's": (elsewhere, "127.0.0.1", elsewhere.for_client),
        "another name's": (numbered, "localhost", numbered.for_client),
        "expired": (expired, "127.0.0.1", expired.for_client),
        "not valid yet": (early, "127.0.0.1", early.for_client),
    }
    said: dict[str, subprocess.CompletedProcess[str]] = {}

    def try_it(case: str) -> None:
        shown, host, options = cases[case]
        with showing(shown) as port:
            said[case] = run_piped(CLIENT, host, str(port), "--name", "alice", *options)

    threads = [threading.Thread(target=try_it, args=(case,)) for case in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_wrong_with_a_certificate_is_said_in_a_sentence(
    refusals: dict[str, subprocess.CompletedProcess[str]], case: str
) -> None:
    assert_one_sentence(refusals[case], REFUSALS[case])


def test_a_server_that_does_not_speak_tls_is_said_in_a_sentence(server: ServerProcess) -> None:
    done = piped(server.port, "--tls", "--name", "alice")
    assert_one_sentence(done, "does not speak TLS")
    assert server.connect("alice"), "the server goes on"


def test_a_handshake_broken_off_by_the_server_is_said_in_a_sentence(
    certificate: Certificate,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        trusted = load_tls(certificate.file)
        session = Session("127.0.0.1", listener.getsockname()[1], tls=trusted)
        closer = threading.Thread(target=lambda: listener.accept()[0].close())
        closer.start()
        assert not chat_client.wait_until_connected(session)
        closer.join()
    (line,) = session.lines.take()
    assert str(line).startswith("! No TLS connection to 127.0.0.1: ")
    assert session.exit_code == 1
