"""The server's certificate: whether clients trust it, and for which hosts it was made.

Knows OpenSSL and the certificate's file; knows no connection.
"""

from __future__ import annotations

import os
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import ssl  # at run time try_certificate() imports it, for those servers that need it

UNKNOWN_ISSUER = (18, 19, 20, 21)  # what OpenSSL's verification says: x509_vfy.h, X509_V_ERR_…


class Verdict(NamedTuple):
    """What clients say of a certificate."""

    needs_file: bool  # only those trust it who are handed its file
    hosts: tuple[str, ...]  # names and addresses that it was made for
    complaint: str  # a sentence, where nobody trusts it


def try_certificate(context: ssl.SSLContext, file: str) -> Verdict:
    """Return what clients say of the certificate in `file`, which a server with `context` shows.

    Both shake hands here, in memory, as they will over the network: first a client that trusts
    this file alone, then one that trusts what this system does.
    """
    import ssl

    complaint = ""
    # A pipe (a shell's <(…), say) can be read once only, and was.
    for trusted in (file, None) if os.path.isfile(file) else (None,):
        client = ssl.create_default_context(cafile=trusted)
        client.check_hostname = False  # for which hosts it is, we want to know
        # Python 3.13 takes any certificate in the file for a root, those before it do not.
        client.verify_flags &= ~ssl.VERIFY_X509_PARTIAL_CHAIN
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        caller = client.wrap_bio(to_client, to_server)
        called = context.wrap_bio(to_server, to_client, server_side=True)
        try:
            for end in (caller, called) * 3:  # as many flights as TLS 1.2 takes
                with suppress(ssl.SSLWantReadError):
                    end.do_handshake()
        except ssl.SSLCertVerificationError as error:
            if not complaint or error.verify_code not in UNKNOWN_ISSUER:
                complaint = why_refused(error, file)
        else:
            return Verdict(trusted is not None, hosts_in(caller), "")
    return Verdict(False, (), complaint)


def hosts_in(caller: ssl.SSLObject) -> tuple[str, ...]:
    """Return the names and addresses in the certificate that a caller was shown."""
    certificate: dict[str, Any] = caller.getpeercert() or {}
    return tuple(
        # OpenSSL writes an address of IPv6 out in full.
        str(ip_address(value.strip())) if kind == "IP Address" else value.lower()
        for kind, value in certificate.get("subjectAltName", ())
        if kind in ("IP Address", "DNS")
    )


def why_refused(error: ssl.SSLCertVerificationError, file: str) -> str:
    """Say in a sentence what to do where clients do not trust a certificate."""
    if error.verify_code in UNKNOWN_ISSUER:
        return f"{file} is signed by somebody else: clients need theirs with --tls-ca."
    return f"Clients refuse {file} ({error.verify_message}); README.md shows how to make one."
