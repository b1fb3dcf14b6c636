"""What circuits would cost, and which of several costs is the least."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import attrgetter

from qcos_core.errors import InvalidArguments
from qcos_core.model.amounts import Amount, total
from qcos_core.model.budgets import Rate, amounts_text, worth_of
from qcos_core.model.plans import Candidate, Shard
from qcos_core.model.policies import Choice

Charges = tuple[Amount, ...]
"""Amounts above 0, one for each unit, by unit."""

_ROUNDING = 1e-9


def charges_of(
    shards: Sequence[Shard],
    candidates: Mapping[str, Candidate],
    priced: Callable[[Shard], Shard],
) -> Charges | None:
    """What shards of one circuit cost together; ``None`` where nobody knows.

    Args:
        shards: the shards.
        candidates: the nodes that can run the circuit, by their ids.
        priced: a shard with what it costs by itself; asked once for all that are alike.
    """
    alike = {(shard.node_id, shard.task.shots): shard for shard in shards}
    numbers = Counter((shard.node_id, shard.task.shots) for shard in shards)
    amounts: list[Amount] = []
    for key, shard in alike.items():
        estimate = priced(shard).estimate
        each = estimate.charges if estimate else ()
        if not each and candidates[shard.node_id].limits.paid:
            return None
        amounts += [Amount(one.value * numbers[key], one.unit) for one in each if one.value]
    return tuple(sorted(total(amounts), key=attrgetter("unit")))


def cheapest(choice: Choice) -> list[Candidate]:
    """The candidates that cost the least: those that are free, else those with the lowest price.

    A price that nobody knows is above all others.

    Raises:
        InvalidArguments: they cost amounts of different units, and no rate of the user's compares
            them.
    """
    prices = {one.node_id: choice.charges[one.node_id] for one in choice.candidates}
    known = {price for price in prices.values() if price is not None}
    if not known:
        return list(choice.candidates)
    least = _least(known, prices, choice.rates)
    return [one for one in choice.candidates if prices[one.node_id] in least]


def _least(
    known: set[Charges],
    prices: Mapping[str, Charges | None],
    rates: Callable[[], Sequence[Rate]],
) -> Collection[Charges]:
    units = {amount.unit for price in known for amount in price}
    if len(units) == 1:
        return _lowest(known, dict.fromkeys(units, 1.0))
    front = _front(known)
    if all(_no_dearer(one, other) for one in front for other in front):
        return front
    units = {amount.unit for price in front for amount in price}
    worth = _in_one_unit(units, rates())
    if worth is None:
        raise _incomparable(units, front, prices)
    return _lowest(front, worth)


def _front(known: Collection[Charges]) -> list[Charges]:
    """The prices than which no other is lower, whatever a unit is worth."""
    return [
        one
        for one in known
        if all(_no_dearer(one, other) or not _no_dearer(other, one) for other in known)
    ]


def _no_dearer(one: Charges, other: Charges) -> bool:
    """Whether a price is at most the other in each unit."""
    most = {amount.unit: amount.value for amount in other}
    return all(amount.value <= most.get(amount.unit, 0.0) * (1 + _ROUNDING) for amount in one)


def _in_one_unit(units: Collection[str], rates: Sequence[Rate]) -> Mapping[str, float] | None:
    """What each unit is worth in one that all of them have a rate to; ``None`` if none is such."""
    worth = worth_of(rates)
    for common in sorted({*units, *(unit for pair in worth for unit in pair)}):
        found = {unit: 1.0 if unit == common else worth.get((unit, common)) for unit in units}
        known = {unit: value for unit, value in found.items() if value is not None}
        if len(known) == len(found):
            return known
    return None


def _lowest(prices: Collection[Charges], worth: Mapping[str, float]) -> list[Charges]:
    values = {price: sum(one.value * worth[one.unit] for one in price) for price in prices}
    most = min(values.values()) * (1 + _ROUNDING)
    return [price for price, value in values.items() if value <= most]


def _incomparable(
    units: Collection[str], front: Collection[Charges], prices: Mapping[str, Charges | None]
) -> InvalidArguments:
    names = {price: name for name, price in prices.items() if price is not None and price in front}
    said = ", ".join(f"{name} costs {amounts_text(price)}" for price, name in names.items())
    one, other = sorted(units)[:2]
    return InvalidArguments(
        f"policy 'cost_optimized' cannot compare {' with '.join(sorted(units))}: {said}.",
        hint=f"Write down what it is worth to you: `qcos budget --rate '1 {one} = X {other}'`, "
        "or leave nodes out by require.",
    )
