"""The addresses under which others reach this machine, the likeliest first.

Knows what the system tells of its network; knows no listener and no chat.
"""

from __future__ import annotations

import re
import socket
import struct
import sys
from array import array
from collections.abc import Collection, Iterator
from contextlib import suppress
from ipaddress import IPv4Network, ip_address
from typing import NamedTuple

# Whom an address reaches: the room; guests, which are containers and virtual machines on this very
# machine; or the far end of a tunnel (a VPN), where nobody of the class sits.
ROOM, GUESTS, TUNNEL = range(3)

# These belong to nobody (RFC 5737, RFC 3849); 224.0.0.1 is everyone on this link (RFC 1112), to
# whom some systems know a way where they know none into the world.
FAR_AWAY: dict[int, tuple[str, ...]] = {
    socket.AF_INET: ("192.0.2.1", "224.0.0.1"),
    socket.AF_INET6: ("2001:db8::1",),
}
DISCARD_PORT = 9  # RFC 863; any other does as well, for nothing is sent

# Where no interface tells whom an address reaches, two networks are known by their numbers.
KNOWN_NETWORKS = {
    IPv4Network("100.64.0.0/10"): TUNNEL,  # RFC 6598; Tailscale's
    IPv4Network("192.168.56.0/24"): GUESTS,  # VirtualBox's, unless somebody has changed it
}


class Address(NamedTuple):
    """An address of this machine."""

    text: str
    reach: int = ROOM
    is_temporary: bool = False  # changes within hours or days (RFC 8981)


def addresses_for_others(families: Collection[int]) -> list[str]:
    """Return the addresses of these families under which others reach this machine.

    None is link-local: those of IPv6 need another zone on each machine (RFC 4007), those of IPv4
    are what a machine takes that was given none (RFC 3927).
    """
    ways_out = [text for family in families for text in addresses_on_the_way_out(family)]
    known = list(addresses_of_interfaces() if sys.platform == "linux" else addresses_of_our_name())
    texts = {address.text for address in known}
    known += [address_without_interface(text) for text in ways_out if text not in texts]

    def unlikely(address: Address) -> tuple[int, int, bool, int]:
        version = ip_address(address.text).version  # IPv4 first, for somebody has to type it
        way = ways_out.index(address.text) if address.text in ways_out else len(ways_out)
        return address.reach, version, address.is_temporary, way

    likely = [address.text for address in sorted(known, key=unlikely)]
    return [text for text in dict.fromkeys(likely) if is_for_others(text, families)]


def is_for_others(text: str, families: Collection[int]) -> bool:
    """Whether this is an address for others, and of one of these families."""
    address = ip_address(text)
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    return family in families and not (
        address.is_loopback or address.is_link_local or address.is_unspecified
    )


def addresses_on_the_way_out(family: int) -> Iterator[str]:
    """Give the addresses that a packet from here into the world would bear."""
    for far_away in FAR_AWAY[family]:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            # Connecting a datagram socket sends nothing: the system only chooses the way.
            probe.connect((far_away, DISCARD_PORT))
            yield probe.getsockname()[0]


def address_without_interface(text: str) -> Address:
    """Return an address of which only the number is known."""
    number = ip_address(text)
    reaches = (reach for network, reach in KNOWN_NETWORKS.items() if number in network)
    return Address(text, next(reaches, ROOM))


def addresses_of_our_name() -> Iterator[Address]:
    """Give the addresses that this machine knows for its own name: on Windows all that it has."""
    with suppress(OSError, UnicodeError):  # nobody has to know that name
        for *_, address in socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_DGRAM):
            yield address_without_interface(str(address[0]))


if sys.platform == "linux":
    import fcntl

    # netdevice(7); the numbers are in linux/sockios.h and net/if.h.
    SIOCGIFCONF, SIOCGIFFLAGS = 0x8912, 0x8913
    IFF_UP, IFF_LOOPBACK, IFF_POINTOPOINT, IFF_RUNNING = 0x1, 0x8, 0x10, 0x40
    REQUEST = struct.Struct("16s LLHBBB3x")  # struct ifreq: a name, and its largest member, ifmap
    NAMES = "latin-1"  # an interface's name is any bytes, so an encoding that knows each
    MOST_ADDRESSES = 1000  # that are looked at: each takes 40 bytes
    # proc_net(5) has a table of IPv6; include/net/ipv6.h the scope, linux/if_addr.h the flags.
    IPV6_TABLE = "/proc/net/if_inet6"
    GLOBAL_SCOPE = 0x00
    IFA_F_TEMPORARY, IFA_F_DADFAILED, IFA_F_DEPRECATED, IFA_F_TENTATIVE = 0x01, 0x08, 0x20, 0x40

    GUESTS_INTERFACE = re.compile(
        "docker|podman|cni|veth|vnet|vmnet|vboxnet|virbr|lxcbr|lxdbr|incusbr|br-[0-9a-f]{12}$"
    )
    # Those that look like a network card; any other tunnel is a point-to-point interface.
    TUNNEL_INTERFACE = re.compile("tap|zt|ham")

    def addresses_of_interfaces() -> Iterator[Address]:
        """Give the addresses of all interfaces that are connected to something."""
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            for name, text in ipv4_addresses(asked):
                if (reach := reach_of(name, asked)) is not None:
                    yield Address(text, reach)
            for name, text, is_temporary in ipv6_addresses():
                if (reach := reach_of(name, asked)) is not None:
                    yield Address(text, reach, is_temporary)

    def ipv4_addresses(asked: socket.socket) -> Iterator[tuple[str, str]]:
        """Give name and address of each interface that has one, as often as it has. OSError."""
        table = array("B", bytes(REQUEST.size * MOST_ADDRESSES))
        place = struct.pack("iP", len(table), table.buffer_info()[0])  # struct ifconf
        used, _ = struct.unpack("iP", fcntl.ioctl(asked, SIOCGIFCONF, place))
        for start in range(0, used, REQUEST.size):
            # Behind the name a struct sockaddr_in: family and port, then the address; see ip(7).
            name, packed = struct.unpack_from("16s4x4s", table, start)
            yield name.rstrip(b"\0").decode(NAMES), socket.inet_ntoa(packed)

    def ipv6_addresses() -> Iterator[tuple[str, str, bool]]:
        """Give name and address of each interface, and whether it is a temporary one. OSError."""
        with open(IPV6_TABLE, encoding=NAMES) as table:
            for row in table:
                packed, _, _, scope, flags, name = row.split()
                state = int(flags, 16)
                if int(scope, 16) == GLOBAL_SCOPE and not state & (
                    IFA_F_DADFAILED | IFA_F_DEPRECATED | IFA_F_TENTATIVE
                ):
                    text = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(packed))
                    yield name, text, bool(state & IFA_F_TEMPORARY)

    def reach_of(name: str, asked: socket.socket) -> int | None:
        """Return whom an interface reaches, None for nobody. Raises OSError."""
        answer = fcntl.ioctl(asked, SIOCGIFFLAGS, name.encode(NAMES).ljust(REQUEST.size, b"\0"))
        (flags,) = struct.unpack_from("16xH", answer)
        if flags & IFF_LOOPBACK or not flags & IFF_UP or not flags & IFF_RUNNING:
            return None  # this machine itself; switched off; a cable that is not plugged in
        if flags & IFF_POINTOPOINT or TUNNEL_INTERFACE.match(name):
            return TUNNEL
        return GUESTS if GUESTS_INTERFACE.match(name) else ROOM
