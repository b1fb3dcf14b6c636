"""How long a run on Aer takes, from a few coefficients that :mod:`qcos_aer.calibrate` measures.

Each function gives the least and the most time to expect. They are far apart where a circuit's
profile cannot tell: what is inside custom gates, how entangled a state becomes, how often noise
strikes. Nothing here chooses anything, so that results do not depend on what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

from qcos_core import CircuitProfile
from qcos_core.model.plans import Sampling

FEW_QUBITS = 10
"""Up to this width one thread is fastest: starting more costs more than they save."""

NARROW = 22
"""Up to so many qubits numpy evolves states faster than Aer, and narrow ones many at once."""

QUBITS_FOLD: Mapping[str, int] = {"density_matrix": 2, "unitary": 2, "superop": 4}
"""How many qubits' amplitudes a method keeps for each qubit, where that is more than one."""

MODEL = "1"
"""Version of the model: coefficients that were measured for another one mean something else."""

Span = tuple[float, float]
"""Least and most seconds."""

_SHARED_QUBITS = 15
"""From this width on all threads work on one state."""

_OF_ONE_THREAD = frozenset({"matrix_product_state", "stabilizer"})

_NATIVE = frozenset(
    {"barrier", "ccx", "ccz", "cp", "crx", "cry", "crz", "cswap", "csx", "cu", "cu1", "cu2", "cu3"}
    | {"cx", "cy", "cz", "delay", "diagonal", "ecr", "h", "id", "initialize", "kraus", "mcp"}
    | {"mcphase", "mcr", "mcrx", "mcry", "mcrz", "mcswap", "mcsx", "mcu", "mcu1", "mcu2", "mcu3"}
    | {"mcx", "mcx_gray", "mcy", "mcz", "measure", "multiplexer", "p", "pauli", "r", "reset", "rx"}
    | {"rxx", "ry", "ryy", "rz", "rzx", "rzz", "s", "sdg", "superop", "swap", "sx", "sxdg", "t"}
    | {"tdg", "u", "u1", "u2", "u3", "unitary", "x", "y", "z", "quantum_channel", "store"}
    | {"break_loop", "continue_loop", "for_loop", "if_else", "switch_case", "while_loop"}
    | {"qerror_loc", "roerror"}
)
"""Operations that Aer runs as they are, beside those that save or set a state."""

_CONTROLLED = frozenset({"cp", "crx", "cry", "crz", "csx", "cu", "cu1", "cu3", "mcp"})
"""Gates with a control and an angle, which Qiskit makes anew each time it is asked for one."""

_MAKING = 4
"""Operations that take as long to be handled as one of them to be made."""

_NOT_UNITARY = frozenset({"initialize", "kraus", "quantum_channel", "superop"})

_MOST_AT_ONCE = 24
"""Most bits measured where numpy draws the shots, as in :mod:`qcos_aer.evolve`."""

_MOST_QUBITS = 500
"""More than any machine holds, and few enough for the number of amplitudes to be a float."""

_INSIDE = 20
"""Most operations that one stands for which Aer does not have, unless its qubits ask for more."""

_FROM_SCRATCH = (4, 20)
"""How many times what it takes QCOS a person's `transpile` for Aer takes, which keeps nothing."""

_TRANSPILED = 50
"""Operations whose transpiling takes as long as starting to transpile."""

_TRANSLATED = 8
"""Operations whose translation takes as long as starting to translate."""

_SHARED = (0.03, 0.5)
"""Part of the work on states that shots which branch still do each for itself."""

_POINTS = 8.0
"""How many times less than alone a point of a sweep takes, at best."""

_FUSED = 0.3
"""Part of the work on states that fused gates leave, at best."""

_PATTERN = (0.04, 0.3)
"""Part of the work on states that a pattern of errors leaves, which departs somewhere midway."""

_ALIKE = 20.0
"""How many times less the handling of a circuit takes among many that are built alike."""

_GPU = 30.0
"""How many times faster than a processor a GPU works on a state, at best."""

_WIDEST_BOND = 10
"""Binary logarithm of the widest bond of a matrix product state that anybody would wait for."""

RESTART = 20
"""Operations that take as long as it takes to start a shot."""

_LIKELY = (0.5, 3.0)
"""What else may make a run shorter or longer: other programs, above all."""

_LIKELY_SHARED = (0.3, 4.0)
"""The same where all threads work on one state: each step waits for the last of them."""


@dataclass(frozen=True)
class CostModel:
    """What the steps of a run take, in seconds; the defaults were measured on two shared cores.

    Attributes:
        run: a run without operations.
        operation: an operation, to be looked at by QCOS and Qiskit and handed to Aer.
        amplitude: an operation on one amplitude, by one thread.
        threads: an operation on a state that all threads share, beside what the amplitudes take.
        shared: an operation on one amplitude of such a state.
        outcome: one possible outcome, where all shots are drawn at once.
        shot: one bit of one shot, where Aer draws it from a final state.
        step: an operation in one shot that is evolved by itself, beside its amplitudes.
        error: what noise adds to that.
        noise: making ready for a noise model.
        superoperator: an operation on one element of a density matrix.
        tableau: measuring a qubit of a stabilizer state in one shot, per ``(qubits + 50)**2``.
        tensor: a gate of a matrix product state, per cube of twice its bond's width.
        sample: measuring a qubit of a matrix product state in one shot.
        transpile: an operation to be transpiled for a device.
        device_qubit: reading the noise of a qubit of a device.
    """

    run: float = 9e-4
    operation: float = 3e-5
    amplitude: float = 2.5e-9
    threads: float = 5e-5
    shared: float = 2e-9
    outcome: float = 1.2e-7
    shot: float = 1.6e-7
    step: float = 5e-7
    error: float = 2.7e-6
    noise: float = 5e-3
    superoperator: float = 5e-9
    tableau: float = 1.4e-10
    tensor: float = 5e-9
    sample: float = 3.5e-6
    transpile: float = 2.5e-4
    device_qubit: float = 0.028

    @classmethod
    def of(cls, coefficients: Mapping[str, float] | None) -> CostModel:
        """The model with these coefficients; the built-in one if they are not those of this one."""
        if coefficients is None or coefficients.keys() != cls.__dataclass_fields__.keys():
            return BUILT_IN
        return cls(**coefficients)

    def to_dict(self) -> dict[str, float]:
        """The coefficients by name."""
        return asdict(self)


BUILT_IN = CostModel()
"""What stands where nothing was measured."""


@dataclass(frozen=True)
class Work:
    """What a cost depends on.

    Attributes:
        profile: the circuit, as a device runs it where it shall run as on one.
        shots: how many.
        method: the Aer method that runs.
        sampling: how its shots are made.
        noisy: whether there is a noise model.
        device: an Aer device.
        like_qubits: qubits of the device that it shall run as on; 0 if there is none.
        like_known: whether that device's noise is read once for all runs.
        way: who makes the shots, see :data:`qcos_aer.estimates.Way`.
        struck: how many of them an error is expected to strike, where errors are drawn first.
    """

    profile: CircuitProfile
    shots: int
    method: str
    sampling: Sampling
    noisy: bool = False
    device: str = "CPU"
    like_qubits: int = 0
    like_known: bool = False
    way: str = "state"
    struck: float = 0.0

    @property
    def width(self) -> int:
        """Qubits that are simulated."""
        return self.profile.width

    @cached_property
    def draws(self) -> bool:
        """Whether numpy draws all shots from one final state, see :mod:`qcos_aer.evolve`."""
        if self.noisy or self.way != "state" or self.method != "statevector":
            return False
        return (
            self.device == "CPU"
            and not self.profile.saves
            and self.measured <= _MOST_AT_ONCE
            and _NOT_UNITARY.isdisjoint(self.profile.operations)
        )

    @property
    def narrow(self) -> bool:
        """Whether numpy evolves it, see :mod:`qcos_aer.vectors`."""
        return self.draws and self.width <= NARROW

    @property
    def branches(self) -> bool:
        """Whether noisy shots share what they have in common."""
        wide = self.width > FEW_QUBITS and not self.profile.saves
        return self.noisy and self.sampling != "once" and self.way == "aer" and wide

    @property
    def leaves(self) -> int:
        """Branches of a tree at the most."""
        if not self.profile.operations.keys().isdisjoint(("for_loop", "while_loop")):
            return self.shots
        return min(self.shots, 1 << min(self.profile.branchings, _MOST_QUBITS))

    @property
    def measured(self) -> int:
        """Bits that a shot has."""
        return self.profile.operations.get("measure", 0)

    @cached_property
    def slow(self) -> int:
        """Operations that Qiskit is slow to hand over."""
        return sum(n for name, n in self.profile.operations.items() if name in _CONTROLLED)

    @property
    def likely(self) -> Span:
        """How much shorter or longer a run may be than reckoned."""
        alone = self.method in _OF_ONE_THREAD or self.width <= FEW_QUBITS
        return _LIKELY if alone else _LIKELY_SHARED

    @cached_property
    def foreign(self) -> int:
        """Operations that Aer does not have."""
        return sum(
            number
            for name, number in self.profile.operations.items()
            if name not in _NATIVE and not name.startswith(("save_", "set_"))
        )


def run_seconds(work: Work, costs: CostModel) -> Span:
    """What a run by QCOS takes, the circuit's translation included."""
    if work.way == "tree":
        low, high = _tree_seconds(work, costs)
    elif work.way == "patterns":
        low, high = _pattern_seconds(work, costs)
    else:
        low, high = _seconds(work, costs, branches=work.branches, draws=work.draws)
    if work.like_qubits:
        ready, read = _ready_seconds(work, costs), costs.device_qubit * work.like_qubits
        low, high = low + ready + (0.0 if work.like_known else read), high + ready + read
    if work.profile.unbound:
        low /= _POINTS
    return low * work.likely[0], high * work.likely[1]


def more_seconds(work: Work, costs: CostModel) -> float | None:
    """What one more circuit takes beside others that are built alike; ``None`` if as much."""
    if not work.narrow:
        return None
    handling = (costs.run + costs.operation * work.profile.size) / _ALIKE
    evolving = costs.amplitude * work.profile.size * 2.0**work.width
    return handling + evolving + _reading_seconds(work, costs, draws=True)


def by_hand_seconds(work: Work, costs: CostModel) -> Span:
    """What the line takes that a user could have typed: Aer draws each shot, and none branch."""
    low, high = _seconds(work, costs, branches=False, draws=False)
    if work.like_qubits:
        ready, read = _ready_seconds(work, costs), costs.device_qubit * work.like_qubits
        # Aer cuts the device's noise down to the circuit's qubits in each run
        low, high = low + ready + read, high + ready + 2 * read
    elif work.foreign:
        ready = _ready_seconds(work, costs)
        low, high = low + _FROM_SCRATCH[0] * ready, high + _FROM_SCRATCH[1] * ready
    return low * work.likely[0], high * work.likely[1]


def _ready_seconds(work: Work, costs: CostModel) -> float:
    """What it takes to transpile a circuit for a device."""
    return costs.transpile * (work.profile.size + _TRANSPILED)


def _seconds(work: Work, costs: CostModel, *, branches: bool, draws: bool) -> Span:
    fewest, most = _operations(work)
    least, longest = _state_seconds(work, costs)
    low = high = _run_seconds(work, costs, most, longest, draws=draws)
    if work.device != "CPU":
        least /= _GPU
    if branches:
        low = _run_seconds(work, costs, fewest, _SHARED[0] * least, draws=draws)
        high = _run_seconds(work, costs, most, _SHARED[1] * longest, draws=draws)
    elif (fewest, least) != (most, longest):
        low = _run_seconds(work, costs, fewest, least, draws=draws)
    return low, high


def _tree_seconds(work: Work, costs: CostModel) -> Span:
    """What shots take that go together for as long as they agree."""
    _, most = _operations(work)
    _, state = _state_seconds(work, costs)
    handling = costs.run + costs.operation * (most + work.foreign * _TRANSLATED)
    reading = costs.outcome * min(2.0 ** min(work.measured, _MOST_AT_ONCE), 3.0 * work.shots)
    if work.foreign:
        handling += costs.transpile * (work.foreign + _TRANSLATED)
    low = handling + _FUSED * most * state + reading
    high = handling + work.leaves * (most * state + reading)
    return low, high


def _pattern_seconds(work: Work, costs: CostModel) -> Span:
    """What shots take of which those with the same errors go together."""
    fewest, most = _operations(work)
    _, state = _state_seconds(work, costs)
    handling = costs.run + costs.noise + 3 * costs.operation * most
    if work.foreign:
        handling += costs.transpile * (work.foreign + _TRANSLATED)
    handling += _reading_seconds(work, costs, draws=True)
    low = handling + fewest * state * (_FUSED + _PATTERN[0] * work.struck)
    high = (
        handling + most * state * (1 + _PATTERN[1] * work.struck) + costs.noise * work.struck / 20
    )
    return low, high


def _run_seconds(
    work: Work, costs: CostModel, operations: float, state: float, *, draws: bool
) -> float:
    """What a run takes.

    Args:
        work: what is run.
        costs: the coefficients.
        operations: how many Aer runs.
        state: what one of them takes on the state.
        draws: whether numpy draws the shots.
    """
    each = 3 * costs.operation if work.noisy else costs.operation
    seconds = costs.run + each * (operations + _MAKING * work.slow)
    if work.foreign:
        seconds += costs.transpile * (work.foreign + _TRANSLATED)
    if work.noisy:
        seconds += costs.noise
    if work.sampling == "once":
        return seconds + operations * state + _reading_seconds(work, costs, draws=draws)
    # measuring and starting again go over the state more often than gates do
    shot = costs.step * (operations + RESTART) + 2 * state * operations
    if work.noisy:
        shot += costs.error * operations
    return seconds + work.shots * (shot + work.measured * _collapse_seconds(work, costs))


def _operations(work: Work) -> Span:
    """How many operations Aer runs, at the least and at the most."""
    low = work.profile.size
    high = low + work.foreign * (max(_INSIDE, work.width**2) - 1)
    return low, high


def _state_seconds(work: Work, costs: CostModel) -> Span:
    """What one operation on the state takes."""
    if work.method == "stabilizer":
        return 0.0, 0.0
    if work.method == "matrix_product_state":
        layers = work.profile.size / (3 * max(1, work.width))
        bond = 2.0 ** min(work.width // 2, layers, _WIDEST_BOND)
        gate = costs.operation if work.sampling == "once" else costs.sample
        return gate, gate + costs.tensor * (2 * bond) ** 3
    width = work.width * QUBITS_FOLD.get(work.method, 1)
    amplitudes = 2.0 ** min(width, _MOST_QUBITS)
    if work.method == "density_matrix":
        seconds = costs.superoperator * amplitudes
    elif width < _SHARED_QUBITS:
        seconds = costs.amplitude * amplitudes
    else:
        seconds = costs.threads + costs.shared * amplitudes
    return seconds, seconds


def _reading_seconds(work: Work, costs: CostModel, *, draws: bool) -> float:
    """What all shots take to be read from one final state."""
    if draws:
        return costs.outcome * min(2.0 ** min(work.measured, _MOST_QUBITS), 3.0 * work.shots)
    if work.method in ("matrix_product_state", "stabilizer"):
        return work.shots * work.measured * _collapse_seconds(work, costs)
    return work.shots * costs.shot * (work.measured + 4) if work.measured else 0.0


def _collapse_seconds(work: Work, costs: CostModel) -> float:
    """What measuring one qubit takes, where that is more than an operation on the state."""
    if work.method == "stabilizer":
        return costs.tableau * (work.width + 50) ** 2
    return costs.sample if work.method == "matrix_product_state" else 0.0
