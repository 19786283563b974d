"""Group clients' IP addresses into peers, so that limits hold per peer.

All addresses of a host are one peer. Pure functions.
"""

import ipaddress


def peer_of(host: str) -> str:
    """Return the peer that an address belongs to.

    An IPv6 host can use any address of its /64 network, so that network is the peer. All addresses of this machine are
    one peer. An IPv4 address that arrives through an IPv6 socket is treated as the IPv4 address.
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
    """Return True if a peer is this machine.

    This machine may be the proxy or the end of an SSH tunnel of many users.
    """
    return peer == "loopback"
