"""Who counts as one visitor: an address, or all addresses that one visitor has anyway. Pure functions."""

import ipaddress


def peer_of(host: str) -> str:
    """The peer that an address belongs to.

    An IPv6 host has a whole /64 network to choose addresses from, so that network is the peer. All addresses of this
    machine are one peer, and an IPv4 address that comes through an IPv6 socket is that IPv4 address.
    """
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback:
        return "loopback"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def is_this_machine(peer: str) -> bool:
    """Whether a peer, as `peer_of` gives it, is this machine: a proxy or an SSH tunnel with many users behind it."""
    return peer == "loopback"
