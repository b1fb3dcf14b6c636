"""One distribution made of what several devices measured, labelled with how it was made.

Counts of unlike devices cannot be added up: the sum is a sample of no device. What can be done with
them are estimates, and these functions return them as what they are, floats that sum to 1. Below,
``n(d, x)`` is how often device *d* gave outcome *x*, ``N(d)`` is the sum of its shots, and
``f(d, x) = n(d, x) / N(d)`` is the share that it saw.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from statistics import median
from typing import Any, TypeAlias

from qcos_core.errors import CountsInvalid, InvalidArguments
from qcos_core.model.counts import PackedCounts, Registers
from qcos_core.model.results import QVMResult
from qcos_core.model.schema import read_document
from qcos_core.model.text import plural

SCHEMA = "qcos.aggregate/1"

Devices: TypeAlias = (
    QVMResult | Sequence[QVMResult] | Mapping[str, Mapping[str, int] | PackedCounts]
)
"""What several devices measured: a result, results of one circuit, or counts by device."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Aggregate:
    """A distribution made of several devices' counts. It is an estimate, and holds no counts.

    Attributes:
        label: the function that made it, and its parameters.
        weights: how much each device weighs; they sum to 1.
        probabilities: the distribution, with the keys of ``get_counts()``; floats that sum to 1.
        shots: the shots of each device that went in.
        left_out: devices of a result whose shots it does not count, because they disagreed with
            the others (see ``cross_check``); they did not go in.
    """

    label: str
    weights: Mapping[str, float]
    probabilities: Mapping[str, float] = field(repr=False)
    shots: Mapping[str, int]
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The aggregate as JSON-able data; :meth:`from_dict` reads it back."""
        return {
            "schema": SCHEMA,
            "label": self.label,
            "weights": dict(self.weights),
            "probabilities": dict(self.probabilities),
            "shots": dict(self.shots),
            "left_out": list(self.left_out),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Aggregate:
        """Read what :meth:`to_dict` wrote.

        Raises:
            InvalidArguments: a document of another schema, or a damaged one.
        """
        return read_document(data, SCHEMA, cls._read)

    @classmethod
    def _read(cls, data: Mapping[str, Any]) -> Aggregate:
        for name in ("weights", "probabilities"):
            shares = [_number(f"{name}[{key!r}]", value) for key, value in data[name].items()]
            if abs(math.fsum(shares) - 1) > _ROUNDING:
                message = f"the {name} do not sum to 1"
                raise ValueError(message)
        if set(data["shots"]) != set(data["weights"]):
            message = "its shots and weights are of different devices"
            raise ValueError(message)
        return cls(
            label=str(data["label"]),
            weights={name: float(value) for name, value in data["weights"].items()},
            probabilities={key: float(value) for key, value in data["probabilities"].items()},
            shots={name: int(number) for name, number in data["shots"].items()},
            left_out=tuple(data["left_out"]),
        )


def weighted_average(devices: Devices, weights: Mapping[str, float] | None = None) -> Aggregate:
    """The mean of the devices' distributions.

    ``p(x) = sum over d of w(d) * f(d, x)``, where ``w(d)`` is the weight given for *d* over the sum
    of all weights. Without weights ``w(d) = N(d) / sum of N``, so that every shot counts the same.

    If all devices sample one distribution, the mean by shots is its maximum-likelihood estimate,
    and no other weights have a smaller variance. If they do not, the mean is a mixture: what
    somebody would see who picks a device anew for every shot, with the probability ``w(d)``. It
    is then the distribution of no device, and its sampling error says nothing of how far off
    they are.

    Args:
        devices: a result with several nodes, results of one circuit, or counts by device. Results
            that name the same device are added up. Of a result, the devices that disagreed are
            left out; give ``result.per_device`` to have them in.
        weights: a number of at least 0 for each device.

    Raises:
        InvalidArguments: no device, one without shots, different classical bits, or weights that
            are negative, not finite, all 0, missing, or of no such device.
        CountsInvalid: counts that cannot be right.
        CircuitRejected: the circuit measures nothing.
    """
    given = _Given.of(devices)
    if weights is None:
        return given.mean("weighted_average(weights=by shots)", given.shots)
    checked = _checked("weights", weights, given)
    return given.mean(f"weighted_average(weights={_written(checked)})", checked)


def majority_vote(devices: Devices) -> Aggregate:
    """The devices vote on the probability of each outcome, and the middle vote wins.

    ``v(x) = median over d of f(d, x)`` and ``p(x) = v(x) / v``, where ``v`` is the sum of all
    ``v(x)``. Each device has one vote for each outcome, however many shots it made. A tie, which
    an even number of devices may have, is the mean of the two votes in the middle; two devices
    are hence averaged. An outcome that more than half of the devices never saw gets 0.

    The vote is about outcomes, not about single bits: a majority of each bit by itself would make
    strings that no device saw.

    Whatever fewer than half of the devices say, ``v(x)`` stays within what the others say, so a
    device that is wrong cannot move it far. The price is a bias: a median of shares is none of
    means, outcomes that are rare for the shots made are lost, and what is left is scaled to sum to
    1. The label says ``v`` as ``agreed``: the further it is below 1, the less there was to agree
    on, as with circuits of so many outcomes that few are seen twice.

    Args:
        devices: see :func:`weighted_average`.

    Raises:
        InvalidArguments: as there; or no outcome was seen by half of the devices.
        CountsInvalid: counts that cannot be right.
        CircuitRejected: the circuit measures nothing.
    """
    given = _Given.of(devices)
    votes = {outcome: median(given.shares(seen)) for outcome, seen in given.seen.items()}
    whole = math.fsum(votes.values())
    if not whole:
        message = f"no outcome was seen by half of {plural(len(given.parts), 'device')}, so "
        message += "there is no majority."
        raise InvalidArguments(message, hint="Use weighted_average, or more shots.")
    equal = _normal(dict.fromkeys(given.parts, 1.0))
    ties = "mean of the two in the middle"
    label = f"majority_vote(on=each outcome, ties={ties}, agreed={whole:.6g})"
    return given.aggregate(label, equal, {o: vote / whole for o, vote in votes.items()})


def confidence_weighted(
    devices: Devices, confidences: Mapping[str, float] | None = None
) -> Aggregate:
    """The mean of the devices' distributions, weighted by how far each can be trusted.

    With ``confidences``, such as fidelities, ``w(d) = c(d) / sum of c``: what you say decides, and
    the shots do not matter. It is the mixture that :func:`weighted_average` describes.

    Without them the weights are inverse variances, estimated from the data (the random effects of
    DerSimonian and Laird, for distributions). With the pooled shares ``q(x)``, *D* devices and
    ``N`` shots in all::

        s = 1 - sum over x of q(x)**2                    variance of a shot
        Q = sum over d of N(d) * sum over x of (f(d, x) - q(x))**2
        t = max(0, (Q - (D - 1) * s) / (N - sum of N(d)**2 / N))
        w(d) = c / (s / N(d) + t)                        c makes them sum to 1

    ``t``, which the label says as ``between``, estimates the variance between devices, beyond what
    chance explains. Where they agree it is 0, and shots decide; the more they differ, the more
    equal are the weights, because more shots do not make a device less wrong. Data cannot tell
    which device is right: one that is stuck at one outcome is not trusted more for never varying,
    and none is trusted less for being alone.

    Args:
        devices: see :func:`weighted_average`.
        confidences: a number from 0 to 1 for each device.

    Raises:
        InvalidArguments: as there, with confidences instead of weights; or one is above 1.
        CountsInvalid: counts that cannot be right.
        CircuitRejected: the circuit measures nothing.
    """
    given = _Given.of(devices)
    if confidences is None:
        weights, between = given.inverse_variances()
        label = f"confidence_weighted(confidences=from the data, between={between:.6g})"
        return given.mean(label, weights)
    checked = _checked("confidences", confidences, given)
    above = [name for name, number in checked.items() if number > 1]
    if above:
        message = f"confidences[{above[0]!r}] must be from 0 to 1, not {checked[above[0]]!r}."
        raise InvalidArguments(message, hint="For other numbers there is weighted_average.")
    return given.mean(f"confidence_weighted(confidences={_written(checked)})", checked)


@dataclass(frozen=True)
class _Given:
    """Counts by device, and how their keys are written."""

    parts: Mapping[str, PackedCounts]
    registers: Registers
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, devices: Any) -> _Given:
        if isinstance(devices, Mapping):
            given = cls._of_mapping(devices)
        else:
            given = cls._of_results([devices] if isinstance(devices, QVMResult) else devices)
        if not given.parts:
            message = "there is no device to aggregate."
            hint = (
                "Those that disagree are left out; per_device has them." if given.left_out else None
            )
            raise InvalidArguments(message, hint=hint)
        for name, packed in given.parts.items():
            if not len(packed):
                message = f"the device {name!r} has no shots."
                raise InvalidArguments(message, hint="Leave it out.")
        return given

    @classmethod
    def _of_mapping(cls, devices: Mapping[Any, Any]) -> _Given:
        for name, counts in devices.items():
            if not isinstance(name, str):
                message = f"a device must be named by a string, not {name!r}."
                raise InvalidArguments(message)
            if not isinstance(counts, (Mapping, PackedCounts)):
                message = f"the counts of the device {name!r} must be a mapping or PackedCounts, "
                message += f"not {type(counts).__name__}."
                raise InvalidArguments(message)
        registers = _registers(devices)
        return cls(
            {name: _packed(name, counts, registers.width) for name, counts in devices.items()},
            registers,
        )

    @classmethod
    def _of_results(cls, results: Any) -> _Given:
        results = list(results) if isinstance(results, Iterable) else [results]
        for one in results:
            if not isinstance(one, QVMResult):
                message = "expected a QVMResult, a list of them, or counts by device, not "
                message += f"{type(one).__name__}."
                raise InvalidArguments(message, hint="Of a sweep, give the result of one point.")
        if len({result.registers for result in results}) > 1:
            message = "these results have different classical bits."
            raise InvalidArguments(message, hint="Give results of one circuit.")
        parts: dict[str, list[PackedCounts]] = {}
        left_out: list[str] = []
        for result in results:
            out = _disagreeing(result)
            left_out += out
            for name, packed in _by_device(result).items():
                if name not in out:
                    parts.setdefault(name, []).append(packed)
        merged = {name: PackedCounts.merge(found) for name, found in parts.items()}
        registers = results[0].registers if results else Registers(0)
        return cls(merged, registers, tuple(dict.fromkeys(left_out)))

    @cached_property
    def shots(self) -> dict[str, int]:
        """The shots of each device."""
        return {name: packed.shots for name, packed in self.parts.items()}

    @cached_property
    def seen(self) -> dict[int, dict[str, int]]:
        """How often each device saw each outcome; the outcomes ascend."""
        found: dict[int, dict[str, int]] = {}
        for name, packed in self.parts.items():
            for outcome, number in packed.items():
                found.setdefault(outcome, {})[name] = number
        return dict(sorted(found.items()))

    def shares(self, seen: Mapping[str, int]) -> list[float]:
        """The share of one outcome on each device."""
        return [seen.get(name, 0) / shots for name, shots in self.shots.items()]

    def mean(self, label: str, weights: Mapping[str, float]) -> Aggregate:
        """The weighted mean of the shares."""
        parts = _normal(weights)
        # fsum gives the same in whatever order the devices come
        shares = {
            outcome: math.fsum(parts[name] * (n / self.shots[name]) for name, n in seen.items())
            for outcome, seen in self.seen.items()
        }
        return self.aggregate(label, parts, shares)

    def aggregate(
        self, label: str, weights: Mapping[str, float], shares: Mapping[int, float]
    ) -> Aggregate:
        """The aggregate, with keys for the outcomes that there are."""
        key = self.registers.key
        # rounding may lift a share of all shots above 1
        probabilities = {key(one): min(share, 1.0) for one, share in shares.items() if share}
        return Aggregate(label, weights, probabilities, self.shots, self.left_out)

    def inverse_variances(self) -> tuple[dict[str, float], float]:
        """The weight of each device, and the variance between them."""
        whole = sum(self.shots.values())
        squares, apart = [], []
        for seen in self.seen.values():
            pooled = sum(seen.values()) / whole
            squares.append(pooled**2)
            apart += [
                shots * (share - pooled) ** 2
                for shots, share in zip(self.shots.values(), self.shares(seen), strict=True)
            ]
        one_shot = 1 - math.fsum(squares)
        beyond = math.fsum(apart) - (len(self.parts) - 1) * one_shot
        if beyond <= _ROUNDING:
            return {name: float(shots) for name, shots in self.shots.items()}, 0.0
        room = whole - math.fsum(shots * shots / whole for shots in self.shots.values())
        between = beyond / room
        weights = {name: 1 / (one_shot / n + between) for name, n in self.shots.items()}
        return weights, between


def _by_device(result: QVMResult) -> Mapping[str, PackedCounts]:
    if result.packed_by_node:
        return result.packed_by_node
    nodes = dict.fromkeys(record.node_id for record in result.shards if record.shots)
    return {" + ".join(nodes): result.counted}  # several where it ran in parts


def _disagreeing(result: QVMResult) -> list[str]:
    """The devices of a result whose shots it does not count."""
    counted = {record.node_id for record in result.shards if record.shots}
    ran = dict.fromkeys(record.node_id for record in result.shards)
    return [name for name in ran if name in result.packed_by_node and name not in counted]


def _registers(devices: Mapping[str, Mapping[str, int] | PackedCounts]) -> Registers:
    """The width of all keys, and the groups that their bits stand in."""
    widths: dict[int, str] = {}
    groups: dict[tuple[int, ...], str] = {}
    for name, counts in devices.items():
        if isinstance(counts, PackedCounts):
            widths.setdefault(counts.width, name)
            continue
        for key in counts:
            if isinstance(key, str):  # what else there is, from_bitstrings refuses
                sizes = tuple(map(len, key.split(" ")))
                widths.setdefault(sum(sizes), name)
                groups.setdefault(sizes, name)
    for what, found in (("numbers of bits", widths), ("groups of bits", _several(groups))):
        if len(found) > 1:
            one, other = list(found.values())[:2]
            message = f"the outcomes of {one!r} and {other!r} have different {what}."
            if one == other:
                message = f"the outcomes of {one!r} have different {what}."
            raise InvalidArguments(message, hint="Give counts of one circuit.")
    sizes = next(iter(_several(groups)), ())
    # the last register is written first
    names = ((f"c{place}", size) for place, size in enumerate(reversed(sizes)))
    return Registers(next(iter(widths), 0), tuple(names))


def _several(groups: Mapping[tuple[int, ...], str]) -> dict[tuple[int, ...], str]:
    return {sizes: name for sizes, name in groups.items() if len(sizes) > 1}


def _packed(name: str, counts: Mapping[str, int] | PackedCounts, width: int) -> PackedCounts:
    if isinstance(counts, PackedCounts):
        return counts
    try:
        return PackedCounts.from_bitstrings(counts, width)
    except CountsInvalid as error:
        raise CountsInvalid(error.message, node=name, hint=error.hint) from None


def _checked(what: str, numbers: Any, given: _Given) -> dict[str, float]:
    """A number of at least 0 for each device, in the order of the devices.

    Raises:
        InvalidArguments: it is not that.
    """
    known = ", ".join(map(repr, given.parts))
    if not isinstance(numbers, Mapping):
        message = f"{what} must map each device to a number, not {numbers!r}."
        raise InvalidArguments(message, hint=f"The devices are {known}.")
    unknown = [name for name in numbers if name not in given.parts]
    if unknown:
        message = f"{what} name {unknown[0]!r}, which is none of the devices."
        raise InvalidArguments(message, hint=f"They are {known}.")
    missing = [name for name in given.parts if name not in numbers]
    if missing:
        message = f"{what} say nothing of {missing[0]!r}."
        raise InvalidArguments(message, hint="Give one number for each device; 0 leaves it out.")
    found = {name: _number(f"{what}[{name!r}]", numbers[name]) for name in given.parts}
    if not any(found.values()):
        message = f"{what} are all 0."
        raise InvalidArguments(message)
    return found


def _number(what: str, value: Any) -> float:
    number = math.nan
    if isinstance(value, Real) and not isinstance(value, bool):
        with suppress(OverflowError):
            number = float(value)
    if not 0 <= number < math.inf:
        message = f"{what} must be a finite number of at least 0, not {value!r}."
        raise InvalidArguments(message)
    return number


def _normal(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights that sum to 1."""
    most = max(weights.values())
    scaled = {name: weight / most for name, weight in weights.items()}
    whole = math.fsum(scaled.values())
    return {name: weight / whole for name, weight in scaled.items()}


def _written(numbers: Mapping[str, float]) -> str:
    return "{" + ", ".join(f"{name!r}: {numbers[name]!r}" for name in sorted(numbers)) + "}"
