"""The welcome: what the server says at its start, and with it what others type to get here.

Knows the listeners, the settings, and what this machine calls Python.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import sys
from collections.abc import Sequence
from ipaddress import ip_address

from chat.server.addresses import addresses_for_others
from chat.server.certificate import try_certificate
from chat.server.options import Settings
from chat.sockets import endpoint
from chat_protocol import PORT

MOST_COMMANDS = 3
HOST_NAME = re.compile(r"(?!localhost$)(?=.*[a-z])[a-z0-9._-]+")  # neither an address nor *.name


def welcome(listeners: Sequence[socket.socket], settings: Settings) -> list[str]:
    """Return what to say at the start: where the server listens, and what to type to get there."""
    lines = [
        f"Chat server listening on {endpoint(listeners[0].getsockname())}",
        *how_to_get_there(listeners, settings),
        f"Room for {settings.places} people. Ctrl+C stops the server.",
    ]
    if settings.password and not settings.tls:
        lines.append("Without TLS the password travels readable for everyone on the network.")
    return lines


def how_to_get_there(listeners: Sequence[socket.socket], settings: Settings) -> list[str]:
    """Return what to type, each command alone in its row, and what to do where none gets here."""
    others, here = hosts_of(listeners)
    start, remarks = f"{python_here()} chat_client.py", []
    if settings.tls and settings.certificate:
        verdict = try_certificate(settings.tls, settings.certificate)
        start += (
            f" --tls --tls-ca {quoted(settings.certificate)}" if verdict.needs_file else " --tls"
        )
        if verdict.complaint:
            remarks = [verdict.complaint]
        else:
            remarks = missing_in_certificate(others, verdict.hosts)
            others = in_certificate(others, verdict.hosts)
            here = [host for host in here if host in verdict.hosts]
    port = listeners[0].getsockname()[1]
    end = "" if port == PORT else f" {port}"
    hosts = (others or here[:1])[:MOST_COMMANDS]
    if hosts:
        where = "the other machines" if others else "this machine"
        order = ", the likeliest first" if len(hosts) > 1 else ""
        remarks = [f"On {where}{order}:", *(f"    {start} {host}{end}" for host in hosts), *remarks]
    return remarks


# ------------------------------------------------------------------------------ where that is


def hosts_of(listeners: Sequence[socket.socket]) -> tuple[list[str], list[str]]:
    """Return the hosts by which others reach these listeners, and those by which this machine does.

    Each the likeliest first.
    """
    everywhere, others, here = [], [], []
    for listener in listeners:
        # With its zone, without which a link-local address leads nowhere (RFC 4007), and which
        # has another name on each machine.
        host = socket.getnameinfo(listener.getsockname(), socket.NI_NUMERICHOST)[0]
        if ip_address(host).is_unspecified:
            everywhere.append(listener.family)
            here.append("127.0.0.1" if listener.family == socket.AF_INET else "::1")
        elif ip_address(host).is_loopback or "%" in host:
            here.append(host)
        else:
            others.append(host)
    if everywhere:
        others += addresses_for_others(everywhere)
    return others, [*here, "localhost"]


def in_certificate(hosts: Sequence[str], certified: Sequence[str]) -> list[str]:
    """Return those hosts for which a certificate was made; if for none, the names that it bears."""
    fitting = [host for host in hosts if host in certified]
    return fitting or [name for name in certified if hosts and HOST_NAME.fullmatch(name)]


def missing_in_certificate(hosts: Sequence[str], certified: Sequence[str]) -> list[str]:
    """Say what to do where a certificate lets nobody in from another machine."""
    if not hosts or in_certificate(hosts, certified):
        return []
    where = " or ".join(hosts[:MOST_COMMANDS])
    return [f"The certificate is not for {where}: clients refuse it there. See README.md."]


# ------------------------------------------------------------------------------ what is typed


def python_here() -> str:
    """Return what Python is called on this machine, and so most likely on others of its kind.

    That is a name by which a shell finds the very interpreter that runs here.
    """
    if sys.platform == "win32":
        interpreter, names = os.path.join(sys.base_prefix, "python.exe"), ["python"]
    else:
        interpreter, names = sys.executable, ["python", "python3", f"python3.{sys.version_info[1]}"]
    folders = os.get_exec_path()
    if sys.prefix != sys.base_prefix:  # a virtual environment, whose names are no other machine's
        folders = [folder for folder in folders if os.path.dirname(folder) != sys.prefix]
    for name in names:
        found = shutil.which(name, path=os.pathsep.join(folders))
        if found and is_same_file(found, interpreter):
            return name
    if sys.platform == "win32":
        # The launcher (PEP 397). Without it, "python" is Python, or Windows tells where to get it.
        return "py" if shutil.which("py") else "python"
    # Found under no name of its own, or behind a script such as pyenv's: by PEP 394 it is this.
    return "python" if shutil.which("python") and not shutil.which("python3") else "python3"


def is_same_file(path: str, other: str) -> bool:
    """Whether both lead to the same file, and there is one."""
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def quoted(word: str) -> str:
    """Return a word as a shell wants it typed; where that can be, as any shell does."""
    if shlex.quote(word) == word:
        return word
    if sys.platform != "win32" and re.search(r'["$`\\!]', word):
        return shlex.quote(word)
    return f'"{word}"'  # cmd.exe knows no other quotes
