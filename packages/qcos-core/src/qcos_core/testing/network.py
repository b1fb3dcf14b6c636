"""A guard that keeps a piece of code off the network, and tells whether it tried."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_OF_SOCKETS = ("connect", "connect_ex", "sendto", "sendmsg")
_OF_NAMES = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")
_NETWORKS = (socket.AF_INET, socket.AF_INET6)
_LONGEST = 200


@contextmanager
def no_network() -> Iterator[list[str]]:
    """Refuse connections and name look-ups of this process, and list those that were tried.

    They raise ``OSError``, as a machine without a network would make them. Sockets within the
    machine (``AF_UNIX``) are left alone. What does not go through Python's ``socket`` module, such
    as gRPC, is not seen.

    Yields:
        What was tried so far, for example ``"getaddrinfo('api.example', 443)"``.
    """
    tried: list[str] = []

    def refuse(name: str, arguments: tuple[Any, ...]) -> None:
        tried.append(f"{name}({', '.join(map(repr, arguments))})"[:_LONGEST])
        message = f"the conformance kit allows no network here: {tried[-1]}"
        raise OSError(message)

    def of_socket(name: str) -> Callable[..., Any]:
        real = getattr(socket.socket, name)

        def guarded(self: socket.socket, *arguments: Any) -> Any:
            if self.family in _NETWORKS:
                refuse(name, arguments)
            return real(self, *arguments)

        return guarded

    def of_names(name: str) -> Callable[..., Any]:
        return lambda *arguments, **named: refuse(name, arguments)

    with pytest.MonkeyPatch.context() as patch:
        for name in _OF_SOCKETS:
            patch.setattr(socket.socket, name, of_socket(name))
        for name in _OF_NAMES:
            patch.setattr(socket, name, of_names(name))
        yield tried
