"""The provider under test, made once and then called as the executor calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from qcos_core.model.counts import PackedCounts
from qcos_core.model.nodes import Limits, QPUNodeSpec
from qcos_core.model.redaction import is_secret_name
from qcos_core.model.seam import Block, Execution, Recovery, Task, TaskResult
from qcos_core.providers.adapter import adapt
from qcos_core.providers.base import JobNodeProvider, NodeProvider
from qcos_core.providers.registry import NodeProviderRegistry, built, configured
from qcos_core.testing import submissions
from qcos_core.testing.patience import side_by_side, within
from qcos_core.testing.profile import Profile
from qcos_core.testing.trial import Trial
from qcos_core.testing.verdict import fail, not_claimed, not_reached

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_T = TypeVar("_T")


class Subject:
    """A provider under test.

    What it answers is handed on unchecked, unlike by the executor, so that each check can say
    for itself what is wrong. Once an answer did not come in time nothing else is asked.

    Args:
        profile: what its author states.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._hung = ""
        self._said: Limits | None = None

    @property
    def kind(self) -> type[NodeProvider]:
        """The provider's class."""
        return NodeProviderRegistry.get(self.profile.key)

    @cached_property
    def provider(self) -> NodeProvider:
        """The instance that the kit calls."""
        return self.another()

    @cached_property
    def nodes(self) -> list[QPUNodeSpec]:
        """The nodes that it built."""
        return self.build(self.provider)

    @cached_property
    def offline(self) -> dict[str, str]:
        """The reason of each node that is offline, by id, found as ``ClusterBuilder`` finds it."""
        healthy, why = True, "its provider's health check says no"
        try:
            healthy = self.call("health_check", self.provider.health_check)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as ClusterBuilder takes it
            healthy, why = False, f"its health check failed: {type(error).__name__}: {error}"
        said = self.call("node_health", lambda: dict(self.provider.node_health(self.nodes)))
        reasons = {
            node.node_id: said.get(node.node_id) or node.offline_reason or ("" if healthy else why)
            for node in self.nodes
        }
        return {node_id: reason for node_id, reason in reasons.items() if reason}

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets among the profile's arguments, by name."""
        given, declared = self.profile.kwargs, self.kind.SECRETS
        named = {name: str(given[name]) for name in given if is_secret_name(name, declared)}
        return {**named, **self.profile.secrets}

    @property
    def node(self) -> QPUNodeSpec:
        """The first node that is online; skips the check where there is none."""
        return self.online[0]

    @property
    def online(self) -> list[QPUNodeSpec]:
        """The nodes that are online; skips the check where there is none."""
        online = [node for node in self.nodes if node.node_id not in self.offline]
        if not online:
            pytest.skip(f"offline here: {next(iter(self.offline.values()))}")
        return online

    @property
    def jobs(self) -> JobNodeProvider:
        """The instance as a provider of jobs; fails the check if it is none."""
        if not isinstance(self.provider, JobNodeProvider):
            fail(f"{self.kind.__name__} is no JobNodeProvider; test it with ProviderTests.")
        return self.provider

    @cached_property
    def trial(self) -> Trial:
        """Its first answers."""
        return Trial(self)

    @cached_property
    def options(self) -> Mapping[str, Any]:
        """No options, as ``check_options`` normalises them."""
        return self.call("check_options", lambda: self.provider.check_options({}))

    def another(self, kwargs: Mapping[str, Any] | None = None) -> NodeProvider:
        """A new instance, configured."""
        arguments = dict(self.profile.kwargs if kwargs is None else kwargs)
        return self.call("configure", lambda: configured(self.profile.key, self.kind, arguments))

    def build(
        self, provider: NodeProvider, kwargs: Mapping[str, Any] | None = None
    ) -> list[QPUNodeSpec]:
        """The nodes that an instance builds."""
        arguments = dict(self.profile.kwargs if kwargs is None else kwargs)
        return self.call("build_nodes", lambda: built(self.profile.key, provider, arguments))

    def limits(self, node: QPUNodeSpec | None = None) -> Limits:
        """What it says of a node, by default of the one that circuits run on."""
        spec = node or self.node
        self._said = self.call("limits", lambda: self.provider.limits(spec))
        return self._said

    def claims(self) -> dict[str, str]:
        """What its author claims, and what the provider itself said of its nodes so far."""
        claims = self.profile.claims()
        if isinstance(self._said, Limits):
            claims |= {"seeded": "yes"} if self._said.seeded else {}
            claims |= {"concurrency": "yes"} if self._said.max_in_flight != 1 else {}
        recovery = getattr(self.kind, "RECOVERY", None)
        return claims | ({"RECOVERY": recovery.name} if isinstance(recovery, Recovery) else {})

    def call(self, what: str, call: Callable[[], _T]) -> _T:
        """Call the provider and wait for as long as the profile allows; fails if that is over."""
        answers: list[_T] = self.call_all(what, [call])
        return answers[0]

    def call_all(self, what: str, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Call the provider several times at the same moment, as :meth:`call` does once."""
        if self._hung:
            not_reached(self._hung)
        try:
            return side_by_side(self.profile.timeout_s, what, calls)
        except TimeoutError as error:
            self._hung = str(error)
            fail(str(error))

    def needs(self, qubits: int) -> None:
        """Skip the check where the node is narrower than its circuit."""
        if self.node.max_qubits < qubits:
            not_claimed(f"{qubits} qubits ({self.node.node_id} has {self.node.max_qubits})")

    def counts(
        self,
        circuit: QuantumCircuit,
        shots: int | None = None,
        *,
        seed: int = 7,
        node: QPUNodeSpec | None = None,
    ) -> Mapping[Any, Any]:
        """The counts of a circuit as the provider returned them."""
        return self.run(circuit, [Block(0, shots or self.profile.shots, seed)], node=node)

    def run(
        self, circuit: QuantumCircuit, blocks: Sequence[Block], *, node: QPUNodeSpec | None = None
    ) -> Mapping[Any, Any]:
        """The counts of a task of several blocks, as the provider returned them."""
        self.needs(circuit.num_qubits)
        task, spec = self.task(circuit, blocks), node or self.node
        return self.call(circuit.name, lambda: self.answer(task, circuit, spec))

    def task(self, circuit: QuantumCircuit, blocks: Sequence[Block], name: str = "") -> Task:
        """A task for the provider, with the options it gives to a run without any."""
        return submissions.make_task(circuit, blocks, self.options, name)

    def answer(self, task: Task, circuit: QuantumCircuit, node: QPUNodeSpec) -> Mapping[Any, Any]:
        """The counts of a task, in the calling thread and for as long as it takes."""
        if isinstance(self.provider, JobNodeProvider):
            return self._by_job(self.provider, task, circuit, node)
        result = self.provider.run_task(task, circuit, node)
        if result is not None:
            return counts_of(result, task.id)
        execute = adapt(self.provider.execute)
        merged: dict[Any, Any] = {}
        for block in task.blocks:
            found = counts_of(execute(circuit, block.shots, node, block.seed, task.options))
            for key, shots in found.items():
                merged[key] = merged.get(key, 0) + shots
        return merged

    def close(self) -> None:
        """Give back what the instance holds, if one was made; a check of its own tests that."""
        provider = self.__dict__.get("provider")
        if provider is not None and not self._hung:
            with suppress(Exception):
                within(self.profile.timeout_s, "close", provider.close)

    def _by_job(
        self, provider: JobNodeProvider, task: Task, circuit: QuantumCircuit, node: QPUNodeSpec
    ) -> Mapping[Any, Any]:
        submission = submissions.make_submission(node.node_id, [task])
        handle = provider.submit(submission, submissions.loader([circuit]), node)
        found = submissions.results(provider, handle, self.profile.timeout_s)
        if task.id not in found:
            fail(f"no result answers the task {task.id!r}; there are {sorted(found)}.")
        return counts_of(found[task.id], task.id)


def counts_of(answer: Any, task_id: str = "") -> Mapping[Any, Any]:
    """The counts in whatever a provider answered; fails where it has none."""
    if answer is None:
        fail(
            "it leaves the circuit to the fallback executors. If its nodes run none themselves, "
            "say so: Profile(executes=False)."
        )
    if isinstance(answer, TaskResult):
        if answer.error is not None:
            raise answer.error
        if answer.task_id != task_id:
            fail(f"it answered for task {answer.task_id!r} when asked for {task_id!r}.")
        answer = answer.counts
    if isinstance(answer, Execution):
        answer = answer.counts
    if isinstance(answer, PackedCounts):
        return {format(outcome, f"0{answer.width}b"): shots for outcome, shots in answer.items()}
    if not isinstance(answer, Mapping):
        fail(f"counts must map bitstrings to shots; it returned {type(answer).__name__}.")
    return answer
