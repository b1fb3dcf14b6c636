"""Checks of keyword arguments that most providers share."""

from __future__ import annotations

from typing import Any

from qcos_core.errors import InvalidArguments


def check_positive(**values: Any) -> None:
    """Check arguments that must be whole numbers of at least 1.

    Raises:
        InvalidArguments: one is not; the message names it.
    """
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int):
            message = f"{name} must be an integer, not {value!r}."
            raise InvalidArguments(message)
        if value < 1:
            message = f"{name} must be at least 1, not {value}."
            raise InvalidArguments(message)
