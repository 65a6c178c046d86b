"""The welcome: what is typed to get to a server works as it stands there, copied into a shell."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest
from harness import (
    DEADLINE,
    ROOT,
    Certificate,
    ServerProcess,
    StartServer,
    make_certificate,
    openssl,
    posix_only,
    slow_beyond,
)

from .network import beside, within

NETWORK = {"eth7": ["192.168.7.7/24", "fd07::7/64"], "tun3": ["10.8.0.2/24"]}


def commands(server: ServerProcess) -> list[str]:
    """Return what a server says that others are to type, as it stands there."""
    return [line for line in server.lines if "chat_client.py" in line]


def copy_each(server: ServerProcess, among: Sequence[str] = ()) -> None:
    """Copy each command into a shell, and see that who is there gets in and is heard."""
    assert commands(server), server.lines
    for number, command in enumerate(commands(server)):
        done = subprocess.run(
            [*among, "sh", "-c", command],
            cwd=ROOT,
            input=f"NAME copied{number}\nhello\n",
            env={**os.environ, "PYTHONUTF8": "1"},
            capture_output=True,
            encoding="utf-8",
            timeout=DEADLINE,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        server.wait_for_line(f"is now called copied{number}")


def words_before_the_host(server: ServerProcess) -> str:
    """Return how the commands begin, which is the same for all."""
    (start,) = {
        command.rpartition(f" {server.port}")[0].rpartition(" ")[0] for command in commands(server)
    }
    return str(start).strip()


# ------------------------------------------------------------------------------------ the command


@posix_only
@pytest.mark.parametrize("host", slow_beyond(1, [None, "127.0.0.1", "localhost"]))
def test_each_command_works_as_it_stands_there(start_server: StartServer, host: str | None) -> None:
    copy_each(start_server(host=host))


@pytest.mark.slow
def test_each_command_works_over_ipv6_and_in_a_tunnel(start_server: StartServer) -> None:
    server = start_server(host=None, prefix=within(NETWORK))
    assert len(commands(server)) == 3
    copy_each(server, beside(server.pid))


@pytest.mark.slow
def test_the_usual_port_is_not_told(start_server: StartServer) -> None:
    server = start_server("--port", "8820", host=None, prefix=within({"eth7": ["192.168.7.7/24"]}))
    assert [command.split()[-1] for command in commands(server)] == ["192.168.7.7"]
    copy_each(server, beside(server.pid))


# -------------------------------------------------------------------------- what Python is called


def folder_of(folder: Path, *names: str) -> str:
    """Make a folder in which this Python is called by these names; return it."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(os.path.realpath(sys.executable))
    return str(folder)


@posix_only
@pytest.mark.parametrize(
    ("names", "shown"),
    slow_beyond(
        1,
        [
            (["python3"], "python3"),  # Debian
            (["python", "python3"], "python"),
            ([f"python3.{sys.version_info[1]}"], f"python3.{sys.version_info[1]}"),
            ([], "python3"),  # not to be found: PEP 394
        ],
    ),
)
def test_python_is_called_as_a_shell_here_calls_it(
    start_server: StartServer, tmp_path: Path, names: list[str], shown: str
) -> None:
    folder = folder_of(tmp_path / "bin", *names)
    server = start_server(environment={"PATH": folder})
    assert words_before_the_host(server) == f"{shown} chat_client.py"


@posix_only
@pytest.mark.slow
def test_what_a_shell_calls_python_may_be_another_one(
    start_server: StartServer, tmp_path: Path
) -> None:
    """Such as Windows' or macOS' stub, or a Python 2."""
    folder = folder_of(tmp_path / "bin", "python3")
    (tmp_path / "stub").mkdir()
    stub = tmp_path / "stub" / "python"
    stub.write_text("#!/bin/sh\nexit 1\n")
    stub.chmod(0o755)
    server = start_server(environment={"PATH": f"{stub.parent}:{folder}"})
    assert words_before_the_host(server) == "python3 chat_client.py"


@posix_only
@pytest.mark.slow
def test_a_virtual_environments_names_are_its_own(
    start_server: StartServer, tmp_path: Path
) -> None:
    """Others have made none: there Python is called what it is called outside."""
    folder = folder_of(tmp_path / "bin", "python3")
    venv.create(tmp_path / "env", symlinks=True)
    inside = tmp_path / "env" / "bin"
    # Of the words behind the prefix the first is the Python that runs the tests.
    start = "import os, sys; os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
    server = start_server(
        environment={"PATH": f"{inside}:{folder}"}, prefix=(str(inside / "python"), "-c", start)
    )
    assert words_before_the_host(server) == "python3 chat_client.py"


# ------------------------------------------------------------------------------------------- TLS


@posix_only
@pytest.mark.parametrize("name", slow_beyond(1, ["cert.pem", "our cert.pem", "$a'b"]))
@pytest.mark.slow
def test_each_command_works_over_tls(
    start_server: StartServer, tmp_path: Path, certificate: Certificate, name: str
) -> None:
    file = tmp_path / name
    file.write_bytes(Path(certificate.file).read_bytes())
    server = start_server("--tls-cert", str(file), "--tls-key", certificate.key)
    assert shlex.split(commands(server)[0])[2:5] == ["--tls", "--tls-ca", str(file)]
    copy_each(server)


def test_a_name_with_a_blank_is_quoted_as_any_shell_knows_it(
    start_server: StartServer, tmp_path: Path, certificate: Certificate
) -> None:
    file = tmp_path / "our cert.pem"
    file.write_bytes(Path(certificate.file).read_bytes())
    server = start_server("--tls-cert", str(file), "--tls-key", certificate.key)
    assert f'--tls-ca "{file}" 127.0.0.1' in commands(server)[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("subject_names", "hosts", "remark"),
    [
        ("IP:192.168.7.7,IP:fd07::7,IP:10.8.0.2", ["192.168.7.7", "fd07::7", "10.8.0.2"], ""),
        ("DNS:localhost,IP:127.0.0.1,IP:10.8.0.2", ["10.8.0.2"], ""),
        # For a name: whoever has made it for that one knows that it leads here.
        ("DNS:localhost,DNS:*.school.example,DNS:chat.school.example", ["chat.school.example"], ""),
        # The README's example, its address not replaced.
        (
            "DNS:localhost,IP:127.0.0.1,IP:192.168.1.20",
            ["127.0.0.1"],
            "The certificate is not for 192.168.7.7 or fd07::7 or 10.8.0.2: clients refuse it",
        ),
        (
            "IP:192.168.1.20",
            [],
            "The certificate is not for 192.168.7.7 or fd07::7 or 10.8.0.2: clients refuse it",
        ),
    ],
)
def test_only_hosts_that_the_certificate_is_for_are_shown(
    start_server: StartServer,
    tmp_path: Path,
    subject_names: str,
    hosts: list[str],
    remark: str,
) -> None:
    made = make_certificate(tmp_path, "cert", subject_names)
    server = start_server(*made.for_server, host=None, prefix=within(NETWORK))
    assert [command.split()[-2] for command in commands(server)] == hosts
    assert any(line.startswith(remark) for line in server.lines)
    assert any("refuse" in line for line in server.lines) == bool(remark)
    if hosts and "example" not in hosts[0]:
        copy_each(server, beside(server.pid))


@posix_only
@pytest.mark.slow
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_certificate_that_the_system_trusts_needs_no_file(
    start_server: StartServer, tmp_path: Path, version: str
) -> None:
    signed = signed_by_a_school(tmp_path)
    trusted = {"SSL_CERT_FILE": str(tmp_path / "school.pem")}  # openssl-env(7)
    (tmp_path / "openssl.cnf").write_text(
        "openssl_conf = main\n[main]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n"
        f"[tls]\nMaxProtocol = {version}\n"
    )
    settings = {**trusted, "OPENSSL_CONF": str(tmp_path / "openssl.cnf")}
    server = start_server(*signed.for_server, environment=settings)
    assert words_before_the_host(server).endswith("chat_client.py --tls")
    assert "signed by somebody else" not in "\n".join(server.lines)
    copy_each(server, ("env", f"SSL_CERT_FILE={tmp_path / 'school.pem'}"))


@pytest.mark.slow
def test_a_certificate_that_nobody_trusts_says_what_clients_need(
    start_server: StartServer, tmp_path: Path
) -> None:
    signed = signed_by_a_school(tmp_path)
    server = start_server(*signed.for_server)
    assert f"{signed.file} is signed by somebody else: clients need theirs" in server.lines[3]


@pytest.mark.slow
def test_a_certificate_that_clients_refuse_is_told(
    start_server: StartServer, tmp_path: Path
) -> None:
    made = make_certificate(tmp_path, "made", "IP:127.0.0.1", "extendedKeyUsage=clientAuth")
    server = start_server(*made.for_server)
    assert re.match(rf"Clients refuse {made.file} \(.*purpose.*\); README", server.lines[3])


def signed_by_a_school(folder: Path) -> Certificate:
    """Make a certificate for 127.0.0.1 that another has signed, in school.pem."""
    school = make_certificate(folder, "school", "DNS:school", "keyUsage=keyCertSign")
    signed = Certificate(str(folder / "server.pem"), str(folder / "server.key"))
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
    request = ("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=server", "-out", "request")
    openssl(folder, *request, "-keyout", signed.key)
    openssl(
        folder,
        *("x509", "-req", "-in", "request", "-out", signed.file, "-days", "2"),
        *("-CA", school.file, "-CAkey", school.key, "-CAcreateserial", "-extfile", "names"),
    )
    return signed
