"""Amounts of money, machine time and vendor credits, each in its own unit."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Amount:
    """So much of one unit: ``Amount(0.3, "USD")``, ``Amount(12.0, "QPU-s")``.

    Units are never converted by QCOS itself; only the user knows the rate.
    """

    value: float
    unit: str

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}"


def sound(amounts: Any) -> tuple[Amount, ...]:
    """Those of a provider's amounts that are amounts; the rest is worth nothing."""
    if not isinstance(amounts, (list, tuple)):
        return ()
    return tuple(one for one in amounts if isinstance(one, Amount) and is_sound(one))


def is_sound(amount: Amount) -> bool:
    """Whether it is a finite number from 0, of a unit."""
    value, unit = amount.value, amount.unit
    number = type(value) in (int, float) and math.isfinite(value) and value >= 0
    return number and isinstance(unit, str) and bool(unit)


def total(amounts: Iterable[Amount]) -> tuple[Amount, ...]:
    """Sum amounts unit by unit, units in order of first appearance."""
    sums: dict[str, float] = {}
    for amount in amounts:
        sums[amount.unit] = sums.get(amount.unit, 0.0) + amount.value
    return tuple(Amount(value, unit) for unit, value in sums.items())
