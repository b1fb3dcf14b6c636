"""Results of a sweep: one circuit at many values of its parameters."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from qcos_core.errors import InvalidArguments
from qcos_core.model.amounts import Amount, total
from qcos_core.model.origin import origin_of
from qcos_core.model.plans import ShardPlan, varying
from qcos_core.model.results import QVMResult, ShardRecord, all_of
from qcos_core.model.schema import parse_document, read_document
from qcos_core.model.shots import PackedShots
from qcos_core.model.text import plural

if TYPE_CHECKING:
    from os import PathLike

    import numpy as np
    import numpy.typing as npt
    from matplotlib.figure import Figure
    from qiskit.primitives import BitArray

    from qcos_core.model.timing import Timing

SCHEMA = "qcos.sweep/1"


@dataclass(frozen=True)
class SweepResult:
    """One result for each point of a sweep.

    ``sweep[3]`` is the :class:`QVMResult` of a point, ``sweep[1, 2]`` that of a point of a grid,
    and a slice gives a smaller sweep of at least one point; indices are those of numpy.

    Attributes:
        name: the circuit's name.
        parameters: names of the parameters, in the order of ``circuit.parameters``.
        shape: of the sweep.
        results: the results of all points, the last axis varying fastest; ``None`` for a point
            of which nothing came back, in a ``PartialResult``.
        points: the values of the parameters at each of them.
        plan: the plan they ran by.
        warnings: what a reader of the counts must know.
        seconds: wall time of the whole call, planning included.
        tags: the user's tags.
        origin: what :meth:`manifest` is made from; neither JSON nor pickles keep it.
    """

    name: str
    parameters: tuple[str, ...]
    shape: tuple[int, ...]
    results: tuple[QVMResult | None, ...]
    points: tuple[tuple[float, ...], ...]
    plan: ShardPlan | None = None
    warnings: tuple[str, ...] = ()
    seconds: float | None = None
    tags: tuple[str, ...] = ()
    plan_data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    origin: Any = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        import numpy as np

        if isinstance(index, int) and len(self.shape) == 1:
            return self.results[index]
        chosen = np.arange(len(self.results)).reshape(self.shape)[index]
        if chosen.ndim == 0:
            return self.results[int(chosen)]
        flat = chosen.ravel().tolist()
        if not flat:
            message = f"{index!r} selects no point of a sweep of shape {self.shape}."
            raise InvalidArguments(message)
        return replace(
            self,
            shape=chosen.shape,
            results=tuple(self.results[place] for place in flat),
            points=tuple(self.points[place] for place in flat),
        )

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        names = ", ".join(self.parameters[place] for place in self.varying) or "one value"
        points = f"{plural(len(self.results), 'point')} of {names}"
        return f"<SweepResult {self.name!r}: {points}, {plural(self.shots, 'shot')}>"

    @property
    def came_back(self) -> list[QVMResult]:
        """The results that there are, which is all of them outside of a ``PartialResult``."""
        return [result for result in self.results if result is not None]

    @property
    def apart(self) -> bool:
        """Whether the counts of its nodes cannot be added up, so that there are those of each."""
        return any(result.apart for result in self.came_back)

    def by_device(self) -> dict[str, SweepResult]:
        """A sweep for each node by its id, as if that node alone had run the circuit."""
        parts = [{} if one is None else one.by_device() for one in self.results]
        return {
            node_id: replace(self, results=tuple(part.get(node_id) for part in parts), origin=None)
            for node_id in dict.fromkeys(chain.from_iterable(parts))
        }

    @property
    def shards(self) -> tuple[ShardRecord, ...]:
        """One record for each shard of each point."""
        return tuple(record for result in self.came_back for record in result.shards)

    @property
    def timing(self) -> Timing:
        """The time that the plan expected its shards to take, beside what they took."""
        from qcos_core.model.timing import timing_of

        return timing_of(self.shards, self.plan, self.plan_data)

    @property
    def shots(self) -> int:
        """The shots of all points together."""
        return sum(result.shots for result in self.came_back)

    @property
    def parameter_values(self) -> npt.NDArray[np.float64]:
        """The values of the parameters, of shape ``(*shape, len(parameters))``."""
        import numpy as np

        return np.array(self.points).reshape((*self.shape, len(self.parameters)))

    @cached_property
    def counts(self) -> list[dict[str, int]]:
        """The counts of each point, in the order of ``results``.

        Raises:
            InvalidArguments: nothing came back of some point, or the counts of its nodes cannot be
                added up; see :meth:`by_device`.
        """
        return [result.counts for result in self._all()]

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """Shots by classical register and saved data by label, over the whole sweep.

        A register's is a ``qiskit.primitives.BitArray`` of the sweep's shape. Saved data are
        numpy arrays whose first axes are the sweep's: of numbers, where every point saved numbers
        in one shape, and of objects otherwise.

        Raises:
            InvalidArguments: nothing came back of some point.
        """
        results = self._all()
        return {name: self._stack([one.data[name] for one in results]) for name in results[0].data}

    def expectation_values(self, observable: Any, register: str | None = None) -> Any:
        """The mean of a diagonal observable over the shots of each point.

        Args:
            observable: of ``Z`` and ``I``, as ``BitArray.expectation_values`` takes it, for
                example ``"ZZ"`` or ``{"ZI": 0.5, "IZ": 0.5}``.
            register: which classical register; the only one, if there is one.

        Returns:
            float64 of the sweep's shape.

        Raises:
            InvalidArguments: several registers and none named, or an unknown one.
        """
        registers = self._all()[0].registers
        names = [name for name, size in registers.sizes if size]
        if register is None and len(names) == 1:
            register = names[0]
        if register not in names:
            message = f"register must be one of {', '.join(names)}, not {register!r}."
            raise InvalidArguments(message)
        places = registers.bits()[register]
        # of a mean the order of the shots is no matter, so none is drawn
        shots = [PackedShots.sorted(one.counted).bits(places) for one in self._all()]
        return self._bit_array(shots, len(places)).expectation_values(observable)

    @property
    def varying(self) -> tuple[int, ...]:
        """Which parameters have more than one value in the sweep, by place."""
        return varying(self.points)

    @property
    def exact(self) -> bool | None:
        """Whether every shard sampled the circuit's own distribution; ``None`` if not known."""
        return all_of(result.exact for result in self.came_back)

    @property
    def simulated(self) -> bool | None:
        """``True`` if simulators alone made the counts, ``False`` if hardware took part."""
        return all_of(result.simulated for result in self.came_back)

    @property
    def charges(self) -> tuple[Amount, ...]:
        """What it cost, unit by unit."""
        return total(amount for result in self.came_back for amount in result.charges)

    def plot(self, path: str | PathLike[str] | None = None, *, most: int | None = None) -> Figure:
        """Draw how often each outcome was seen at each point; needs matplotlib.

        Args:
            path: where to write the picture; .png, .svg or .pdf.
            most: how many outcomes get a line of their own at most; 8 if not given. The others
                are drawn as one.

        Returns:
            A ``matplotlib.figure.Figure``.

        Raises:
            InvalidArguments: no matplotlib, a path that cannot be written to, or points without
                counts.
        """
        from qcos_core.model.pictures import sweep

        return sweep(self, path, most=most)

    def timeline(self, path: str | PathLike[str] | None = None) -> Figure:
        """Draw when each shard ran, and where; see :meth:`QVMResult.timeline`."""
        from qcos_core.model.pictures import timeline

        return timeline(list(self.results), path)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from qcos_core.model.html import sweep_html

        return sweep_html(self)

    def to_dict(self) -> dict[str, Any]:
        """The sweep as JSON-able data; the plan stands once, not in each point's result."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "parameters": list(self.parameters),
            "shape": list(self.shape),
            "points": [list(values) for values in self.points],
            "results": [
                None if result is None else replace(result, plan=None, plan_data={}).to_dict()
                for result in self.results
            ],
            "plan": self.plan.to_dict() if self.plan else dict(self.plan_data),
            "warnings": list(self.warnings),
            "seconds": self.seconds,
            "timing": self.timing.to_dict(),
            "tags": list(self.tags),
        }

    def to_json(self) -> str:
        """:meth:`to_dict` as text."""
        return json.dumps(self.to_dict())

    def manifest(self) -> dict[str, Any]:
        """All that it takes to run the sweep again; see :meth:`QVMResult.manifest`.

        That of a slice runs the slice's points again.
        """
        document: dict[str, Any] = origin_of(self).manifest([self])
        return document

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SweepResult:
        """Read what :meth:`to_dict` wrote. The plan comes back as data, in ``plan_data``.

        Raises:
            InvalidArguments: a document of another schema, or a damaged one.
        """
        return read_document(data, SCHEMA, cls._read)

    @classmethod
    def _read(cls, data: Mapping[str, Any]) -> SweepResult:
        results, points, shape = data["results"], data["points"], tuple(data["shape"])
        if not len(results) == len(points) == math.prod(shape):
            message = f"{len(results)} results, {len(points)} points and the shape {shape}"
            raise ValueError(message)
        return cls(
            name=data["name"],
            parameters=tuple(data["parameters"]),
            shape=shape,
            results=tuple(None if one is None else QVMResult.from_dict(one) for one in results),
            points=tuple(tuple(values) for values in points),
            warnings=tuple(data["warnings"]),
            seconds=data["seconds"],
            tags=tuple(data["tags"]),
            plan_data=data["plan"],
        )

    @classmethod
    def from_json(cls, text: str) -> SweepResult:
        """Read what :meth:`to_json` wrote.

        Raises:
            InvalidArguments: not JSON, or a document of another schema, or a damaged one.
        """
        return cls.from_dict(parse_document(text))

    def _all(self) -> list[QVMResult]:
        if None in self.results:
            missing = self.results.count(None)
            message = f"nothing came back of {missing} of {plural(len(self.results), 'point')}."
            raise InvalidArguments(message, hint="The others are in `came_back`.")
        return self.came_back

    def _bit_array(self, points: Sequence[npt.NDArray[np.uint8]], num_bits: int) -> BitArray:
        import numpy as np
        from qiskit.primitives import BitArray

        stacked = np.stack(points)
        return BitArray(stacked.reshape(*self.shape, *stacked.shape[1:]), num_bits)

    def _stack(self, values: Sequence[Any]) -> Any:
        import numpy as np
        from qiskit.primitives import BitArray

        if isinstance(values[0], BitArray):
            return self._bit_array([bits.array for bits in values], values[0].num_bits)
        numbers = all(isinstance(one, (int, float, complex, np.ndarray)) for one in values)
        if numbers and len({np.shape(one) for one in values}) == 1:
            array = np.array(values)
        else:
            array = np.empty(len(values), dtype=object)
            for place, one in enumerate(values):
                array[place] = one
        return array.reshape(self.shape + array.shape[1:])
