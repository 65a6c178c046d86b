"""A network of its own for one program: interfaces as the test wants them, that lead nowhere.

In a namespace, so that the machine's own network stays as it is; see network_namespaces(7). Also
the program that is started there, lays the network and then becomes the one to be tested.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache

import pytest

DEADLINE_SECONDS = 20.0
# tuntap.rst of the kernel; linux/if_tun.h
TUN, TUNSETIFF, IFF_TUN, IFF_TAP = "/dev/net/tun", 0x400454CA, 0x0001, 0x0002
UNPLUGGED = "unplugged"

Interfaces = Mapping[str, Sequence[str]]  # what ip-address(8) is to add to each


def within(interfaces: Interfaces, *routes: str) -> tuple[str, ...]:
    """Return what stands before a command that is to run in a network of these interfaces alone.

    One called tun… is a tunnel, any other a network card; UNPLUGGED among its addresses pulls its
    cable. `routes` are what ip-route(8) is to add. Skips the test where no such network can be.
    """
    if not can_be_laid():
        pytest.skip("no network of one's own here: needs Linux, unshare, ip and /dev/net/tun")
    return command_within(interfaces, *routes)


def command_within(interfaces: Interfaces, *routes: str) -> tuple[str, ...]:
    network = json.dumps([interfaces, routes])
    return ("unshare", "--map-root-user", "--net", sys.executable, __file__, network)


@cache
def can_be_laid() -> bool:
    """Whether this system lets us make a network."""
    if not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
        return False
    command = [*command_within({"eth7": ["192.168.7.7/24"], "tun7": ["10.7.0.7/24"]}), "true"]
    done = subprocess.run(command, capture_output=True, timeout=DEADLINE_SECONDS, check=False)
    return done.returncode == 0


def beside(process: int) -> tuple[str, ...]:
    """Return what stands before a command that is to run in the network of this process."""
    return ("nsenter", f"--target={process}", "--user", "--net", "--preserve-credentials")


# ------------------------------------------------------------------------------- in the namespace


def plug_in(name: str) -> None:
    """Make an interface, connected for as long as this process lives, whatever it becomes."""
    import fcntl

    descriptor = os.open(TUN, os.O_RDWR)
    os.set_inheritable(descriptor, True)
    kind = IFF_TUN if name.startswith("tun") else IFF_TAP
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), kind))


def ip(command: str) -> None:
    subprocess.run(["ip", *shlex.split(command)], check=True)


def main() -> None:
    """Lay the network, then run the command."""
    interfaces, routes = json.loads(sys.argv[1])
    ip("link set lo up")
    for name, addresses in interfaces.items():
        if UNPLUGGED in addresses:
            ip(f"tuntap add dev {name} mode tap")
        elif name != "lo":
            plug_in(name)
        ip(f"link set {name} up")
        for address in addresses:
            if address != UNPLUGGED:
                # IPv6 asks round whether somebody has it, for a second; not here.
                ip(f"address add {address} dev {name} {'nodad' if ':' in address else ''}")
    for route in routes:
        ip(f"route add {route}")
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
