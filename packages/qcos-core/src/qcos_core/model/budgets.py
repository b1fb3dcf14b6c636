"""Budgets: what a job may cost, and what is set aside for it before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from qcos_core.errors import InvalidArguments
from qcos_core.model.amounts import Amount, is_sound, total

ANY = "any"
"""A budget that accepts any cost, also one that nobody knows before."""

EVERYWHERE = "*"
"""A cap of this provider is one for all providers together."""

Period = Literal["job", "day", "month", "total"]
"""``job``: each job by itself. ``day`` and ``month``: since they began, in UTC."""

_AMOUNT = re.compile(r"([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z][\w-]*)", re.ASCII)
_HINT = 'Write it like "12 QPU-s", or "12 QPU-s, 5 USD" for several units.'


@dataclass(frozen=True, slots=True)
class Budget:
    """What a job may cost.

    Attributes:
        amounts: the most it may cost in each unit; other units may not be charged at all. Nothing
            here is no limit.
        accepts_unknown: nodes may be used whose price nobody knows before.
    """

    amounts: tuple[Amount, ...] = ()
    accepts_unknown: bool = False

    @classmethod
    def of(cls, value: Any) -> Budget:
        """A budget as ``run`` takes it.

        Args:
            value: ``None`` for no limit; ``"any"`` for no limit and no question; or the most that
                it may cost, as text like ``"12 QPU-s, 5 USD"``, an :class:`Amount` or a list of
                them.

        Raises:
            InvalidArguments: none of these, or a unit that comes twice.
        """
        if value is None or isinstance(value, Budget):
            return value or cls()
        if isinstance(value, str):
            if value.strip().lower() == ANY:
                return cls(accepts_unknown=True)
            amounts = [parse_amount(part) for part in value.split(",")]
        elif isinstance(value, Amount):
            amounts = [value]
        elif isinstance(value, (list, tuple)) and all(isinstance(one, Amount) for one in value):
            amounts = list(value)
        else:
            message = f"budget must be an amount or a list of them, not {value!r}."
            raise InvalidArguments(message, hint=_HINT)
        if not amounts or len({one.unit for one in amounts}) < len(amounts):
            message = f"budget {value!r} names no unit, or one twice."
            raise InvalidArguments(message, hint=_HINT)
        for one in amounts:
            _check(one)
        return cls(tuple(amounts))

    def limit(self, unit: str) -> float | None:
        """The most that may be charged in a unit; ``None`` where the budget does not say."""
        return next((one.value for one in self.amounts if one.unit == unit), None)

    def __str__(self) -> str:
        return amounts_text(self.amounts) or (ANY if self.accepts_unknown else "none")


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is set aside for one task, until it is known what it cost.

    Attributes:
        task_id: the task.
        provider: key of the provider of its node.
        amounts: how much, unit by unit; nothing where nobody knows what it costs.
    """

    task_id: str
    provider: str
    amounts: tuple[Amount, ...]


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that all jobs of a user may cost.

    Attributes:
        provider: key of a provider, or ``"*"`` for all together.
        period: over which time.
        amount: how much, in its unit.
    """

    provider: str
    period: Period
    amount: Amount

    def __post_init__(self) -> None:
        if self.period not in get_args(Period):
            message = f"a cap is per {', '.join(get_args(Period))}, not per {self.period!r}."
            raise InvalidArguments(message)
        _check(self.amount)

    def __str__(self) -> str:
        where = "all providers" if self.provider == EVERYWHERE else self.provider
        when = "in all" if self.period == "total" else f"per {self.period}"
        return f"{self.amount} {when} for {where}"


@dataclass(frozen=True, slots=True)
class Rate:
    """What the user says that one of a unit is worth in another: ``Rate("QPU-s", 1.6 USD)``."""

    unit: str
    worth: Amount

    def __post_init__(self) -> None:
        _check(self.worth)
        if self.unit == self.worth.unit or not self.worth.value:
            message = f"1 {self.unit} = {self.worth} is no rate."
            raise InvalidArguments(message, hint="Write it like: 1 QPU-s = 1.6 USD.")

    @classmethod
    def parse(cls, text: str) -> Rate:
        """A rate as people write it: ``"1 QPU-s = 1.6 USD"``.

        Raises:
            InvalidArguments: text that cannot be read so.
        """
        left, _, right = text.partition("=")
        one, worth = parse_amount(left), parse_amount(right)
        if not one.value:
            message = f"cannot read {text!r} as a rate."
            raise InvalidArguments(message, hint="Write it like: 1 QPU-s = 1.6 USD.")
        return cls(one.unit, Amount(worth.value / one.value, worth.unit))

    def __str__(self) -> str:
        return f"1 {self.unit} = {self.worth}"


def worth_of(rates: Iterable[Rate]) -> dict[tuple[str, str], float]:
    """How much one of a unit is worth in another, by both units: rates go both ways."""
    found: dict[tuple[str, str], float] = {}
    for rate in rates:
        found[rate.unit, rate.worth.unit] = rate.worth.value
        found[rate.worth.unit, rate.unit] = 1 / rate.worth.value
    return found


def parse_amount(text: str) -> Amount:
    """An amount as people write it, such as ``"12 QPU-s"``.

    Raises:
        InvalidArguments: text that cannot be read so.
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        message = f"cannot read {text.strip()!r} as an amount."
        raise InvalidArguments(message, hint=_HINT)
    amount = Amount(float(found[1]), found[2])
    _check(amount)
    return amount


def amounts_text(amounts: Iterable[Amount]) -> str:
    """``"12 QPU-s + 5 USD"``; empty if there are none."""
    return " + ".join(map(str, total(amounts)))


def _check(amount: Amount) -> None:
    if not is_sound(amount):
        message = f"an amount is a number from 0 and its unit, not {amount}."
        raise InvalidArguments(message, hint=_HINT)
