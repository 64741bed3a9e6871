"""Ports of this machine: is one free, which one to take."""

import socket
import time


def port_is_free(port: int, *, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        # As servers do: what a closed connection left behind doesn't make a port busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def port_wait(port: int, *, host: str = "127.0.0.1", timeout_s: float = 10.0) -> bool:
    """True once it is free. Where nobody listens, some outgoing connection has just borrowed it: that passes."""
    deadline = time.monotonic() + timeout_s
    while not (is_free := port_is_free(port, host=host)):
        if _is_served(port, host=host) or time.monotonic() >= deadline:
            break
        time.sleep(0.1)
    return is_free


def _is_served(port: int, *, host: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def port_pick(remembered: str | None) -> int:
    """The remembered port while it is free, else any free one."""
    if remembered is not None and remembered.isdigit() and port_is_free(int(remembered)):
        return int(remembered)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
