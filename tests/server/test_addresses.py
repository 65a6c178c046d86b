"""The addresses that a server shows: which, and in which order; each in a network of its own."""

from __future__ import annotations

import re
import socket

import pytest
from harness import ServerProcess, StartServer, slow_beyond

from chat.server.addresses import addresses_for_others, addresses_of_our_name

from .network import UNPLUGGED, Interfaces, within

LAN, LAN_6 = "192.168.7.7/24", "fd07::7/64"
OTHER_LAN, VPN, LINK_LOCAL = "10.1.2.3/8", "10.8.0.2/24", "169.254.7.7/16"
# What a server shows: hosts, behind the words that tell who is to type them.
OTHERS, OTHERS_SOME, HERE = (
    "On the other machines:",
    "On the other machines, the likeliest first:",
    "On this machine:",
)


def shown(server: ServerProcess) -> tuple[str, list[str]]:
    """Return whom a server tells what to type, and the hosts there."""
    start = next(number for number, line in enumerate(server.lines) if line.startswith("On "))
    hosts = []
    for line in server.lines[start + 1 :]:
        if not (command := re.fullmatch(rf"    \S+ chat_client\.py (\S+) {server.port}", line)):
            break
        hosts.append(command[1])
    return server.lines[start], hosts


@pytest.mark.parametrize(
    ("interfaces", "routes", "whom", "hosts"),
    slow_beyond(
        0,
        [
            # Without a default route, and the tunnel made first.
            ({"tun3": [VPN], "eth7": [LAN]}, [], OTHERS_SOME, ["192.168.7.7", "10.8.0.2"]),
            # The way out of this machine first; but not a tunnel's.
            (
                {"eth7": [LAN], "eth8": [OTHER_LAN], "tun3": [VPN]},
                ["default via 10.0.0.1"],
                OTHERS_SOME,
                ["10.1.2.3", "192.168.7.7", "10.8.0.2"],
            ),
            (
                {"eth7": [LAN], "eth8": [OTHER_LAN], "tun3": [VPN]},
                ["default dev tun3"],
                OTHERS_SOME,
                ["192.168.7.7", "10.1.2.3", "10.8.0.2"],
            ),
            # A VPN's interface that looks like a card, and one that nobody but containers reaches.
            (
                {"tap0": [VPN], "docker0": ["172.17.0.1/16"], "eth7": [LAN]},
                [],
                OTHERS_SOME,
                ["192.168.7.7", "172.17.0.1", "10.8.0.2"],
            ),
            # IPv4 before IPv6, all addresses of an interface, three at most.
            (
                {"eth7": [LAN_6, LAN, "192.168.9.9/24", "192.168.9.10/24"]},
                [],
                OTHERS_SOME,
                ["192.168.7.7", "192.168.9.9", "192.168.9.10"],
            ),
            # IPv6 alone, one address of it not to be used any more (RFC 4862, 5.5.4).
            (
                {"eth7": ["fd07::9/64 preferred_lft 0", LAN_6], "eth8": [LINK_LOCAL]},
                [],
                OTHERS,
                ["fd07::7"],
            ),
            ({"eth7": [LAN], "eth8": [OTHER_LAN, UNPLUGGED]}, [], OTHERS, ["192.168.7.7"]),
            ({"tun3": [VPN]}, [], OTHERS, ["10.8.0.2"]),
            # Nothing but link-local addresses, nothing but this machine.
            ({"eth7": [LINK_LOCAL]}, ["default via 169.254.0.1"], HERE, ["127.0.0.1"]),
            ({"lo": ["10.255.255.254/32"]}, [], HERE, ["127.0.0.1"]),
        ],
    ),
)
def test_the_likeliest_address_stands_first(
    start_server: StartServer,
    interfaces: Interfaces,
    routes: list[str],
    whom: str,
    hosts: list[str],
) -> None:
    server = start_server(host=None, prefix=within(interfaces, *routes))
    assert shown(server) == (whom, hosts)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "whom", "hosts"),
    [
        ("10.1.2.3", OTHERS, ["10.1.2.3"]),
        ("0.0.0.0", OTHERS_SOME, ["192.168.7.7", "10.1.2.3"]),
        ("::", OTHERS, ["fd07::7"]),
        ("169.254.7.7", OTHERS, ["169.254.7.7"]),
        ("127.0.0.2", HERE, ["127.0.0.2"]),
        ("localhost", HERE, ["127.0.0.1"]),
    ],
)
def test_a_server_for_one_address_shows_that_alone(
    start_server: StartServer, host: str, whom: str, hosts: list[str]
) -> None:
    interfaces = {"eth7": [LAN, LAN_6], "eth8": [OTHER_LAN], "eth9": [LINK_LOCAL]}
    server = start_server(host=host, prefix=within(interfaces))
    assert shown(server) == (whom, hosts)


def test_a_system_that_tells_no_interfaces_knows_its_name() -> None:
    for address in addresses_of_our_name():
        family = socket.AF_INET6 if ":" in address.text else socket.AF_INET
        with socket.socket(family) as probe:
            probe.bind((address.text.partition("%")[0], 0))  # or it were none of this machine's


def test_each_address_is_one_of_this_machine() -> None:
    for family in (socket.AF_INET, socket.AF_INET6):
        for address in addresses_for_others([family]):
            with socket.socket(family) as probe:
                probe.bind((address, 0))
