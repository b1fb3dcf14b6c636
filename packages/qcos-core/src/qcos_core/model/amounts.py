"""Amounts of money, machine time and vendor credits, each in its own unit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Amount:
    """So much of one unit: ``Amount(0.3, "USD")``, ``Amount(12.0, "QPU-s")``.

    Units are never converted by QCOS itself; only the user knows the rate.
    """

    value: float
    unit: str

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}"


def total(amounts: Iterable[Amount]) -> tuple[Amount, ...]:
    """Sum amounts unit by unit, units in order of first appearance."""
    sums: dict[str, float] = {}
    for amount in amounts:
        sums[amount.unit] = sums.get(amount.unit, 0.0) + amount.value
    return tuple(Amount(value, unit) for unit, value in sums.items())
