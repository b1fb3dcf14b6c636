"""What an author states about a provider, so that the kit knows what to hold it to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from qcos_core.errors import InvalidArguments

Fault = Callable[[], AbstractContextManager[Any]]
"""Makes a context manager; while it is entered, the far side misbehaves in one way."""

FEWEST_SHOTS = 100


@dataclass(frozen=True)
class Profile:
    """What an author states about a provider.

    Three more claims are not made here, because the planner relies on what the provider itself
    says: ``limits().seeded`` is the claim that seeds hold, ``limits().max_in_flight`` other than 1
    the claim of concurrency, and ``JobNodeProvider.RECOVERY`` what can be done about a lost answer.

    Attributes:
        key: the provider's key.
        kwargs: arguments for ``ClusterBuilder.add``, JSON-able, because a fresh process is given
            them too. Two nodes or more let the kit compare nodes.
        bad_kwargs: arguments that must be refused with ``ValueError`` before any network call,
            each set of them whole.
        secrets: made-up values, of at least 8 characters, for the secrets that are not in
            ``kwargs``. An instance of its own is configured with them, and runs nothing.
        sdk_modules: modules, with all below them, that importing the provider must not import.
        shots: shots of most circuits, at least 100; the more, the smaller the errors that show.
        max_qubits: width of the widest circuit to run; all other circuits have at most 5 qubits.
        tolerance: how far counts may be from the ideal distribution, in total variation, beyond
            what chance explains; 0 for an exact simulator, more for hardware.
        timeout_s: how long one answer may take.
        offline: words of the reason that the nodes give where they are offline, because the
            machine lacks what they need; left empty, being offline is a failure.
        executes: its nodes run circuits themselves and do not leave them to the fallback.
        mid_circuit: its nodes measure in the middle of a circuit, and reset.
        conditionals: its nodes do ``if_test`` on what was measured.
        cancels: jobs that have not begun can be cancelled.
        deadline_s: a ``Submission.deadline_s`` that the far side keeps, in seconds; ``None`` if it
            keeps none.
        held: while it is entered, jobs that are submitted wait; leaving it lets them go.
        lost_answers: ways, by name, for a submission to be accepted and its answer to be lost.
        refusals: ways, by name, for a submission to be refused, so that certainly nothing runs.
        remote_jobs: how many jobs the far side ever accepted under a submission's key, as the far
            side counts them.
    """

    key: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    bad_kwargs: Sequence[Mapping[str, Any]] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    sdk_modules: Sequence[str] = ("qiskit",)
    shots: int = 1000
    max_qubits: int | None = None
    tolerance: float = 0.0
    timeout_s: float = 60.0
    offline: str = ""
    executes: bool = True
    mid_circuit: bool = False
    conditionals: bool = False
    cancels: bool = True
    deadline_s: float | None = None
    held: Fault | None = None
    lost_answers: Mapping[str, Fault] = field(default_factory=dict)
    refusals: Mapping[str, Fault] = field(default_factory=dict)
    remote_jobs: Callable[[str], int] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.key, str) or not self.key:
            message = f"Profile.key must be the provider's key, not {self.key!r}."
            raise InvalidArguments(message)
        for name in ("kwargs", "secrets", "lost_answers", "refusals"):
            self._check(name, Mapping)
        for name in ("bad_kwargs", "sdk_modules"):
            self._check(name, (list, tuple))
        if self.shots < FEWEST_SHOTS:
            message = f"Profile.shots must be at least {FEWEST_SHOTS}, not {self.shots}."
            raise InvalidArguments(message, hint="With fewer, wrong counts pass for chance.")
        if not 0 <= self.tolerance < 1:
            message = f"Profile.tolerance must be from 0 to below 1, not {self.tolerance}."
            raise InvalidArguments(message)

    def claims(self) -> dict[str, str]:
        """What is claimed, by name, as words for people."""
        claimed = {
            name: "yes"
            for name in ("executes", "mid_circuit", "conditionals", "held", "remote_jobs")
            if getattr(self, name)
        }
        for name in ("max_qubits", "tolerance", "deadline_s", "offline"):
            if getattr(self, name):
                claimed[name] = f"{getattr(self, name)}"
        for name in ("lost_answers", "refusals"):
            if getattr(self, name):
                claimed[name] = ", ".join(getattr(self, name))
        return claimed

    def _check(self, name: str, kind: Any) -> None:
        value = getattr(self, name)
        if not isinstance(value, kind):
            wanted = "a mapping" if kind is Mapping else "a list"
            message = f"Profile.{name} must be {wanted}, not {value!r}."
            raise InvalidArguments(message)
