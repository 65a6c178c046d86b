"""The options: what may be given on the command line, and the settings that come of it.

Knows argparse and the files that are named there; does not know what the server does with it.
"""

from __future__ import annotations

import argparse
import math
import selectors
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from chat.password_file import read_password
from chat.server.descriptors import SELECTORS, places
from chat.server.tls import load_context
from chat_protocol import PORT, VERSION

if TYPE_CHECKING:
    import ssl


class CannotStartError(Exception):
    """The server cannot start as it was asked to; the text says why, in a sentence."""


class Settings(NamedTuple):
    """What the server is to do, and what one client may use up."""

    places: int  # connections at a time
    places_per_address: float  # connections from one address
    rate: float  # requests a second from one connection; 0 for no limit
    backlog: int  # bytes that may wait for a client that does not read
    login_seconds: float  # to choose a name in
    password: str | None  # None where everyone is let in
    tls: ssl.SSLContext | None
    certificate: str | None  # its file, as it was named
    verbose: bool  # log every request
    wire: bool  # log every frame


def number_between(
    convert: Callable[[str], float], low: float, high: float
) -> Callable[[str], float]:
    """Return an argparse type: a number from `low` to `high`."""

    def parse(text: str) -> float:
        try:
            value = convert(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            most = "up" if high == math.inf else f"to {high:g}"
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {low:g} {most}")
        return value

    return parse


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what one client may use up."""
    add = parser.add_argument
    add(
        "--max-clients",
        type=number_between(int, 1, math.inf),
        metavar="N",
        help="let in no more than this many (default: "
        "as many as the selector and the process's file limit allow)",
    )
    add(
        "--max-per-address",
        type=number_between(int, 1, math.inf),
        default=math.inf,
        metavar="N",
        help="let in no more than this many from one address (default: no limit)",
    )
    add(
        "--rate",
        type=number_between(float, 0, math.inf),
        default=50,
        metavar="N",
        help="requests a second that one client may send, with bursts of twice that, and ten times "
        "as many all those of one address together; 4,000 bytes count as much as a request; "
        "who sends faster is slowed down; 0 for no limit (default: %(default)s)",
    )
    add(
        "--max-backlog",
        type=number_between(int, 1, math.inf),
        default=1024,
        metavar="KIB",
        help="cut off a client that does not read once more than this many KiB wait for it "
        "(default: %(default)s)",
    )
    add(
        "--login-timeout",
        type=number_between(float, 0, math.inf),
        default=300,
        metavar="SECONDS",
        help="close a connection that has chosen no name by then, earlier where others want its "
        "place; 0 for never (default: %(default)s)",
    )


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options; where they are wrong, say so and end with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="chat_server.py",
        description="A chat for a classroom: start this on one machine, "
        "chat_client.py on the others.",
        epilog="In a terminal, what is typed goes to everyone; /help lists what else can be typed. "
        "Ctrl+C stops the server and says goodbye to everyone.",
    )
    add = parser.add_argument
    add(
        "--host",
        metavar="ADDRESS",
        help="listen on this address only (default: all that this machine has, IPv4 and IPv6)",
    )
    add(
        "--port",
        type=number_between(int, 0, 65535),
        default=PORT,
        metavar="N",
        help="listen on this port; 0 takes a free one (default: %(default)s)",
    )
    add_limits(parser)
    add(
        "--password-file",
        metavar="FILE",
        help="let in only those who know the password in this file (default: everyone)",
    )
    add("--tls-cert", metavar="FILE", help="speak TLS, with this certificate (default: none)")
    add("--tls-key", metavar="FILE", help="the certificate's private key (default: none)")
    add(
        "--selector",
        choices=SELECTORS,
        default="select",
        help="how to wait for the sockets; auto is the best that this system has, "
        "select() works everywhere (default: %(default)s)",
    )
    add(
        "--verbose",
        action="store_true",
        help="log every request too, and with it what people say (default: off)",
    )
    add(
        "--wire",
        action="store_true",
        help="log every frame as it travels, and with it what people say (default: off)",
    )
    add("--version", action="version", version=f"chat_server {VERSION}")
    options = parser.parse_args(arguments)
    if bool(options.tls_cert) != bool(options.tls_key):
        parser.error("--tls-cert and --tls-key go together")
    return options


def load_settings(options: argparse.Namespace, selector: selectors.BaseSelector) -> Settings:
    """Return the settings, with the files read that the options name.

    Raises CannotStartError.
    """
    most = places(selector)
    try:
        return Settings(
            places=min(most, options.max_clients or most),
            places_per_address=options.max_per_address,
            rate=options.rate,
            backlog=options.max_backlog * 1024,
            login_seconds=options.login_timeout or math.inf,
            password=read_password(options.password_file) if options.password_file else None,
            tls=load_context(options.tls_cert, options.tls_key) if options.tls_cert else None,
            certificate=options.tls_cert,
            verbose=options.verbose,
            wire=options.wire,
        )
    except (OSError, ValueError) as error:
        raise CannotStartError(why_not_loaded(error, options)) from None


def why_not_loaded(error: OSError | ValueError, options: argparse.Namespace) -> str:
    """Say in a sentence what is wrong with the password's or the certificate's file."""
    if not isinstance(error, OSError):  # a UnicodeError is a ValueError too
        return f"{options.password_file} holds no password: {error}."
    if error.filename:
        return f"cannot read {error.filename}: {error.strerror}."
    files = f"{options.tls_cert} and {options.tls_key}"
    return f"{files} are no certificate and its key: {error.strerror or error}."
