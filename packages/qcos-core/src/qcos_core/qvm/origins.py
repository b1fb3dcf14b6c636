"""What a result came from, kept beside it; nothing is written until a manifest is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_core.circuits.profile import profile
from qcos_core.errors import CircuitRejected, InvalidArguments
from qcos_core.model.circuits import CircuitProfile

if TYPE_CHECKING:
    from qcos_core.model.scrubber import Scrubber
    from qcos_core.qvm.load import Circuits


@dataclass(frozen=True, eq=False)
class Run:
    """What the results of one call have in common.

    Attributes:
        circuits: its circuits.
        request: makes how it was asked for, as JSON-able data.
        cluster: makes the cluster's document.
        versions: makes the versions of what took part.
        scrubber: knows the cluster's secrets.
    """

    circuits: Circuits
    request: Callable[[], Mapping[str, Any]]
    cluster: Callable[[], Mapping[str, Any]]
    versions: Callable[[], Mapping[str, str]]
    scrubber: Callable[[], Scrubber]

    def qpy(self, circuit_id: str, planned: CircuitProfile) -> bytes:
        """A circuit as it ran.

        Args:
            circuit_id: its id in the plan.
            planned: what the plan knows of it.

        Raises:
            CircuitRejected: QPY would lose a part of it.
            InvalidArguments: somebody has changed it since.
        """
        kept = self.circuits.kept(circuit_id)
        if kept is None and profile(self.circuits[circuit_id]) != planned:
            message = f"{planned.name} was changed after it ran, so it has no manifest."
            raise InvalidArguments(message, hint="Run a copy of it: run(circuit.copy(), ...).")
        try:
            return self.circuits.qpy(circuit_id) if kept is None else kept
        except CircuitRejected as error:
            message = f"there is no manifest of a circuit that QPY does not keep: {error.message}"
            raise CircuitRejected(message) from None


@dataclass(frozen=True, eq=False)
class Origin:
    """Where one result belongs.

    Attributes:
        run: the call.
        circuit_id: the circuit's id in its plan.
        point: which point of a sweep; ``None`` for a whole sweep, and for what is none.
    """

    run: Run
    circuit_id: str
    point: int | None = None

    def manifest(self, results: Sequence[Any]) -> dict[str, Any]:
        """The manifest of such results."""
        from qcos_core.qvm.manifest import of

        return of(results)

    def __deepcopy__(self, memo: dict[int, Any]) -> Origin:
        return self

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        """Nothing of it is pickled: it holds circuits, providers and what they hold."""
        return type(None), ()
