"""Base class of every provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from qcos_core.errors import InvalidArguments
from qcos_core.model.nodes import Limits, QPUNodeSpec

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from qcos_core.model.amounts import Amount
    from qcos_core.model.circuits import CircuitProfile
    from qcos_core.model.plans import Estimate
    from qcos_core.model.seam import (
        Execution,
        Handle,
        Recovery,
        State,
        Status,
        Submission,
        Task,
        TaskResult,
    )

SEAM_VERSION = 1
"""Version of this interface. A provider written for another one says so in ``SEAM``."""


class NodeProvider(ABC):
    """A source of nodes: a laptop, a GPU box, an allocation, an account at a vendor.

    A provider needs a ``DISPLAY_NAME`` and ``build_nodes``. Everything else has a default that
    a small provider never thinks about::

        class MyGPUProvider(NodeProvider):
            DISPLAY_NAME = "My DGX Cluster"

            def build_nodes(self, **kwargs):
                return [QPUNodeSpec(node_id="dgx-0", node_type=NodeType.GPU_AER, max_qubits=30)]

    A provider without ``execute`` describes nodes whose circuits run on the fallback executors.
    Its module must be light: import a vendor's SDK inside methods only. Its methods are called
    from several threads at once, unless ``limits`` says ``max_in_flight=1``.
    """

    DISPLAY_NAME: ClassVar[str] = ""
    """The name shown to people."""

    SECRETS: ClassVar[frozenset[str]] = frozenset()
    """Keyword arguments that must never be shown or stored.

    Names like ``token``, ``api_key``, ``secret`` and ``password`` always count.
    """

    RUNS_IN: ClassVar[Literal["thread", "worker"]] = "thread"
    """Where circuits run, which is a thread of the coordinator or a worker process.

    ``"worker"`` is for simulators: the class must be importable by name and keep no live state;
    a worker makes its own instance and calls ``configure`` with the non-secret arguments. There a
    deadline is kept by killing the process, and a crash takes nothing with it.
    """

    SEAM: ClassVar[int] = 1
    """The version of the interface that the provider was written for."""

    @abstractmethod
    def build_nodes(self, *args: Any, **kwargs: Any) -> list[QPUNodeSpec]:
        """The nodes this provider manages; at least one.

        Args:
            *args: none are passed; accepted so that overrides may name their own parameters.
            **kwargs: what the user gave to ``ClusterBuilder.add``.

        Raises:
            ValueError: keyword arguments are missing or wrong; before any network call.
        """

    def configure(self, **kwargs: Any) -> None:
        """Check and keep the user's arguments, without touching a network.

        Called once, before ``health_check``, with the same arguments as ``build_nodes``.

        Raises:
            ValueError: keyword arguments are missing or wrong.
        """

    def health_check(self) -> bool:
        """Whether the provider can be reached; ``False`` takes all its nodes offline."""
        return True

    def node_health(self, nodes: Sequence[QPUNodeSpec]) -> Mapping[str, str | None]:
        """Why each node is offline, by node id; ``None`` or no entry where it is not."""
        return {}

    def limits(self, node: QPUNodeSpec) -> Limits:
        """What the planner may assume about one node."""
        return Limits()

    def balances(self) -> Sequence[Amount]:
        """What is left of the account at the vendor, unit by unit; nothing if it does not tell."""
        return ()

    @classmethod
    def estimate_nodes(cls, **kwargs: Any) -> Mapping[str, int] | None:
        """How many nodes ``build_nodes(**kwargs)`` would return, by label, as pure arithmetic.

        Labels are shown to people, for example ``{"SV": 16, "MPS": 2}``. ``None`` means that
        only the network knows.
        """
        return None

    def check_options(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Validate and normalise the options of a run; the result must be JSON-able.

        Raises:
            InvalidArguments: an option this provider does not know, or a wrong value.
        """
        if options:
            message = f"{self.DISPLAY_NAME} takes no options; got {', '.join(sorted(options))}."
            raise InvalidArguments(message)
        return {}

    def restrict_options(
        self, options: Mapping[str, Any], part: CircuitProfile, qubits: Sequence[int]
    ) -> Mapping[str, Any] | None:
        """The options for a part of a circuit that runs by itself.

        Override it where there are options.

        Args:
            options: for the whole circuit, as :meth:`check_options` returned them.
            part: the part.
            qubits: qubit *i* of the part is qubit ``qubits[i]`` of the whole.

        Returns:
            ``None`` where the part must not be taken out, because an option joins its qubits with
            others, or says what it says of the whole alone.
        """
        return None if options else {}

    def profile_run(
        self,
        circuit: QuantumCircuit,
        profile: CircuitProfile,
        node: QPUNodeSpec,
        options: Mapping[str, Any],
    ) -> CircuitProfile:
        """The facts about what the node would run, for :meth:`estimate_run`.

        Override it where circuits are transpiled for a device, so that a plan knows of the qubits
        and operations that this takes. It is called for each plan, so keep what is dear.

        Args:
            circuit: the circuit as the user wrote it.
            profile: its facts, which are returned where they hold of what is run.
            node: the node.
            options: as :meth:`check_options` returned them.

        Raises:
            CircuitRejected: this node cannot run such a circuit; the message says why.
        """
        return profile

    def estimate_run(
        self,
        profile: CircuitProfile,
        shots: int,
        node: QPUNodeSpec,
        options: Mapping[str, Any],
    ) -> Estimate | None:
        """What running a circuit would take, without running it; ``None`` if nobody can tell.

        Raises:
            CircuitRejected: this node cannot run such a circuit; the message says why.
        """
        return None

    @classmethod
    def calibrate(cls) -> Mapping[str, float] | None:
        """Measure this machine for ``estimate_run``, in about two seconds; `qcos calibrate` asks.

        Returns:
            Coefficients above 0 by name, which ``qcos_core.providers.calibration`` keeps. ``None``
            means that there is nothing to measure.
        """
        return None

    @classmethod
    def calibrated_for(cls) -> Mapping[str, str]:
        """What those coefficients hold for, beside this machine: versions, by name.

        Those of the simulator, and of the model that the coefficients are for. Must import
        neither.
        """
        return {}

    def execute(
        self, circuit: QuantumCircuit, shots: int, node_spec: QPUNodeSpec
    ) -> Mapping[str, int] | Execution | None:
        """Run a circuit and return its counts.

        An override may also name ``seed`` and ``options``, which are then passed.

        Args:
            circuit: the circuit as the user wrote it.
            shots: how many shots must come back.
            node_spec: the node to run on.

        Returns:
            Bitstrings of one bit for each classical bit, bit 0 on the right, spaces between
            registers allowed, to numbers that sum to ``shots``; an :class:`Execution` says more.
            ``None``, or raising ``NotImplementedError``, leaves the circuit to the fallback
            executors.
        """
        return None

    def run_task(self, task: Task, circuit: QuantumCircuit, node: QPUNodeSpec) -> TaskResult | None:
        """Run all blocks of a task in one call.

        Override it to return data beside counts, to say which method ran, or because one call
        is cheaper than one for each block. ``None`` means: call ``execute`` block by block.
        """
        return None

    def run_tasks(
        self, tasks: Sequence[Task], circuit: QuantumCircuit, node: QPUNodeSpec
    ) -> Sequence[TaskResult] | None:
        """Run several points of a sweep in one call.

        Override it where that is cheaper than a call for each. The tasks are of one circuit and
        carry the values of its parameters in ``Task.parameters``. ``None`` means: bind the values
        and call ``run_task`` for each.

        Args:
            tasks: at least one; their ids differ.
            circuit: the circuit with its parameters.
            node: the node to run on.

        Returns:
            One result for each task, in any order.
        """
        return None

    def run_batch(
        self,
        tasks: Sequence[Task],
        circuits: Mapping[str, QuantumCircuit],
        node: QPUNodeSpec,
    ) -> Sequence[TaskResult] | None:
        """Run several circuits that are built alike in one call.

        Override it where that is cheaper than a call for each. They have the same standard gates,
        measurements, resets and barriers on the same bits in the same order, without parameters,
        and their tasks have the same options and method; angles, shots and seeds may differ.
        ``None`` means: call ``run_task`` for each.

        Args:
            tasks: of at least two circuits; their ids differ.
            circuits: the circuits by the tasks' ``circuit_id``.
            node: the node to run on.

        Returns:
            One result for each task, in any order.
        """
        return None

    def close(self) -> None:
        """Give back what the provider holds: connections, processes, sessions."""


class JobNodeProvider(NodeProvider):
    """A provider whose work outlives a call: a queue, a batch system, a vendor's cloud.

    The executor stores a submission before it calls ``submit`` and the handle after. If it dies
    in between, ``RECOVERY`` says what a new process may do. All methods may be called from
    another process than the one that submitted, after ``configure`` with the same arguments.
    """

    RECOVERY: ClassVar[Recovery]
    """What can be done about a submission whose outcome is unknown."""

    SETTLE_S: ClassVar[float] = 0.0
    """How many seconds ``find`` may miss a job that exists."""

    @abstractmethod
    def submit(
        self, submission: Submission, load: Callable[[str], bytes], node: QPUNodeSpec
    ) -> Handle:
        """Send one submission; bound the request to well below 300 seconds.

        Args:
            submission: what to send; its key goes along.
            load: the circuit of a ``circuit_id``, as QPY.
            node: where to.

        Raises:
            OutcomeUnknown: a time-out or a server error after the request may have been read.
            QCOSError: another one means that certainly nothing was accepted this time. An
                exception of any other kind counts as an unknown outcome.
        """

    @abstractmethod
    def poll(self, handles: Sequence[Handle]) -> Mapping[str, Status]:
        """The status of many submissions at once, by key; one that is missing is unknown."""

    @abstractmethod
    def fetch(self, handle: Handle) -> Sequence[TaskResult]:
        """The results of a submission that is done, matched by task id; can be repeated."""

    @abstractmethod
    def cancel(self, handle: Handle) -> State:
        """Ask for a submission to be cancelled; the state it is in then."""

    def find(self, key: str) -> Handle | Literal["absent", "unknown"]:
        """Look a submission up by its key.

        ``"absent"`` only if it is certain, ``SETTLE_S`` after it was sent, that nothing was
        accepted. Only asked where ``RECOVERY`` is ``FIND``.
        """
        return "unknown"
