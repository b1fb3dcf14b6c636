"""What a run on Aer would take: memory exactly, time as :mod:`qcos_aer.cost` reckons it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from qcos_aer import saves
from qcos_aer.cost import (
    BUILT_IN,
    FEW_QUBITS,
    QUBITS_FOLD,
    CostModel,
    Work,
    by_hand_seconds,
    more_seconds,
    run_seconds,
)
from qcos_aer.likeness import check_fits, device_named
from qcos_aer.patterns.errors import may_be_drawn
from qcos_aer.patterns.rule import (
    SIDE_BY_SIDE,
    WIDEST as WIDEST_PATTERNS,
    WIDEST_SEVERAL,
    pays,
    struck,
)
from qcos_core import CircuitProfile, CircuitRejected, Estimate
from qcos_core.model.plans import Sampling
from qcos_core.providers import host

MOST_REMEMBERED = 10**7
"""Most shots whose order is kept; Aer returns each as a string."""

SHORT_SECONDS = 0.05
"""Below this a fallback runs in the caller's process."""

_GROVE = 1 << 28
"""Most amplitudes of all branches of a tree that may be kept at one time, which are 4 GiB."""

_CHUNKED, _ONE_BY_ONE = 13, 4
"""States that patterns of errors need: each thread works on several of them, or they take turns."""

_ON_THE_WAY = 4
"""States that numpy holds for one that it evolves: before and after a move, and the product."""

_DOUBLINGS = 60
"""After so many partings there are more branches than anybody asks for shots."""

_WORTH = 4
"""To evolve a branch takes so many times what a shot by Aer takes at the most."""

_CLIFFORD = frozenset(
    {"barrier", "cx", "cy", "cz", "delay", "ecr", "h", "id", "measure", "pauli", "reset"}
    | {"s", "sdg", "swap", "sx", "sxdg", "x", "y", "z"}
)


Way = Literal["state", "tree", "patterns", "aer"]
"""How shots are made.

``state``: all from one final state, see :mod:`qcos_aer.evolve`. ``tree``: those that agree
together, see :mod:`qcos_aer.tree`. ``patterns``: those with the same errors together, see
:mod:`qcos_aer.patterns`. ``aer``: by Aer.
"""


_FLOW = frozenset(
    {"break_loop", "continue_loop", "for_loop", "if_else", "switch_case", "while_loop"}
)


@dataclass(frozen=True)
class Choice:
    """How a circuit is simulated.

    Attributes:
        method: the Aer method to set; ``"automatic"`` where Aer cannot choose but one.
        likely: the method that then runs.
        sampling: how its shots are made, which decides the layout of blocks.
        way: who makes them, if the circuit turns out to be one for it; Aer makes them else.
    """

    method: str
    likely: str
    sampling: Sampling
    way: Way = "aer"


def choose(
    profile: CircuitProfile,
    shots: int,
    method: str,
    *,
    noisy: bool,
    drawn: bool = False,
    pays: bool = False,
    own: bool = True,
) -> Choice:
    """How to simulate a circuit; a function of the job alone, because the blocks follow from it.

    Args:
        profile: the circuit.
        shots: shots of the whole circuit; the way does not depend on them, so that a part of the
            shots goes the same way.
        method: the method that the user or the provider asks for.
        noisy: whether there is a noise model.
        drawn: whether its errors can be drawn before the state is known.
        pays: whether that is faster than a density matrix, where there is one.
        own: whether other ways than Aer's own are open: on a processor, in double precision.
    """
    if profile.saves and method == "automatic":
        return _choice_that_saves(profile, noisy=noisy)
    if not noisy:
        likely = likely_method(profile, method)
        if own and _grows_a_tree(profile, method):
            sampling: Sampling = "once" if _parts_rarely(profile, shots) else "per_shot"
            return Choice(method, "statevector", sampling, "tree")
        evolves = own and likely == "statevector" and not profile.dynamic and not profile.saves
        way: Way = "state" if evolves else "aer"
        return Choice(method, likely, _sampling(profile.dynamic), way)
    drawn = drawn and own and not profile.dynamic and not profile.saves
    drawn = drawn and profile.width <= WIDEST_PATTERNS
    if method == "automatic":
        dense = not profile.dynamic and profile.width <= FEW_QUBITS and shots >= 1 << profile.width
        dense = dense and not (drawn and pays)
        method = "density_matrix" if dense else "statevector"
    if method == "density_matrix" and not profile.dynamic:
        return Choice(method, method, "once")
    if drawn and method == "statevector":
        return Choice(method, method, "branching", "patterns")
    return Choice(method, method, "per_shot")


def patterns_of(profile: CircuitProfile, shots: int, options: Mapping[str, Any]) -> dict[str, bool]:
    """What :func:`choose` needs to know of errors that can be drawn."""
    noise = options.get("noise_model")
    if noise is None or not may_be_drawn(noise):
        return {}
    return {"drawn": True, "pays": pays(profile, noise, shots)}


def _grows_a_tree(profile: CircuitProfile, method: str) -> bool:
    """Whether to let the shots of a dynamic circuit go together for as long as they agree."""
    if not profile.dynamic or profile.saves or method not in ("automatic", "statevector"):
        return False
    tableau = method == "automatic" and (_CLIFFORD | _FLOW).issuperset(profile.operations)
    if tableau and profile.width > FEW_QUBITS:
        return False  # Aer's stabilizers are faster, unless nothing parts the shots
    return _kept_states(profile) << profile.width <= _GROVE


def _kept_states(profile: CircuitProfile) -> int:
    """States of a tree: those of the one on its way, and one that waits at each parting."""
    return profile.branchings + _ON_THE_WAY


def _parts_rarely(profile: CircuitProfile, shots: int) -> bool:
    """Whether shots go together for most of the way, even if each outcome is as likely as not."""
    if not profile.operations.keys().isdisjoint(("for_loop", "while_loop")):
        return False
    steps = range(profile.branchings + 1)
    branches = sum(min(1 << min(step, _DOUBLINGS), shots) for step in steps)
    return branches * _WORTH <= shots * len(steps)


def _choice_that_saves(profile: CircuitProfile, *, noisy: bool) -> Choice:
    asked = saves.names(profile)
    by_one = [saves.BY_METHOD[name] for name in asked if name in saves.BY_METHOD]
    if by_one:
        return Choice(by_one[0], by_one[0], _sampling(profile.dynamic))
    narrow = not profile.dynamic and profile.width <= FEW_QUBITS
    if noisy and narrow and saves.OF_MIXED_STATES.issuperset(asked):
        return Choice("density_matrix", "density_matrix", "once")
    method = "statevector" if noisy else "automatic"
    return Choice(method, "statevector", _sampling(noisy or profile.dynamic))


def estimate(
    profile: CircuitProfile,
    shots: int,
    method: str,
    device: str,
    options: Mapping[str, Any] | None = None,
    costs: CostModel | None = None,
) -> Estimate:
    """Time, memory, method and the line a user could have typed.

    Args:
        profile: the circuit.
        shots: shots of the whole circuit.
        method: the provider's method, which the option ``method`` overrides.
        device: an Aer device.
        options: as :func:`qcos_aer.options.checked` returns them.
        costs: what was measured on this machine; the built-in coefficients if left out.

    Raises:
        CircuitRejected: the circuit uses classical variables, on which Aer stops the process, or
            is too wide for the device it shall run as on, saves what would come back in another
            order, or asks for more shots one by one than can be kept.
    """
    if profile.variables:
        message = "it uses classical variables, which Aer does not support"
        raise CircuitRejected(message)
    options, costs = options or {}, costs or BUILT_IN
    if "like" in options:
        check_fits(profile, options["like"])
    elif "noise_model" in options and options.get("optimization_level", 0) > 1:
        saves.check_kept_in_order(profile, "optimization_level 2 and above")
    if options.get("memory") and shots > MOST_REMEMBERED:
        message = f"the option memory keeps {MOST_REMEMBERED:,} shots at most, not {shots:,}"
        raise CircuitRejected(message)
    noisy = "noise_model" in options or "like" in options
    choice = choose(
        profile,
        shots,
        options.get("method", method),
        noisy=noisy,
        **patterns_of(profile, shots, options),
        own=device == "CPU" and options.get("precision") != "single",
    )
    work = Work(
        profile,
        shots,
        choice.likely,
        choice.sampling,
        noisy=noisy,
        device=device,
        way=choice.way,
        struck=struck(profile, options["noise_model"], shots) if choice.way == "patterns" else 0.0,
        **_like(options),
    )
    return Estimate(
        seconds=run_seconds(work, costs),
        memory_bytes=_memory(work),
        method=_described(work),
        exact=True,
        sampling=choice.sampling,
        cores=threads_for(profile.width),
        task_method=choice.method,
        by_hand=_by_hand(work, choice.method, options),
        by_hand_seconds=by_hand_seconds(work, costs),
        seconds_more=more_seconds(work, costs),
        reference_seconds=None if costs is BUILT_IN else run_seconds(work, BUILT_IN),
    )


def likely_method(profile: CircuitProfile, method: str) -> str:
    """The method that runs a circuit without noise; beyond few qubits Aer's ``automatic``."""
    if method != "automatic":
        return method
    if profile.width <= FEW_QUBITS and not profile.dynamic:
        return "statevector"  # all shots from one evolution, see qcos_aer.evolve
    return "stabilizer" if _CLIFFORD.issuperset(profile.operations) else "statevector"


def _sampling(repeats: bool) -> Sampling:
    return "per_shot" if repeats else "once"


def threads_for(width: int) -> int:
    """Aer's ``max_parallel_threads`` for a circuit of this many active qubits; 0 means all."""
    return 1 if width <= FEW_QUBITS else 0


def _like(options: Mapping[str, Any]) -> dict[str, Any]:
    """How many qubits the device to run as on has, and whether its noise is kept."""
    if "like" not in options:
        return {}
    like = options["like"]
    return {
        "like_qubits": device_named(like).num_qubits,
        "like_known": isinstance(like, str),
    }


def _described(work: Work) -> str:
    """The method as people read it, and what runs it."""
    if work.way == "tree":
        return f"branch tree ({work.method}, numpy, {work.device})"
    if work.way == "patterns":
        return f"error patterns ({work.method}, numpy, {work.device})"
    noise = "noisy " if work.noisy else ""
    engine = "numpy" if work.narrow else "Aer"
    branching = ", shot branching" if work.branches else ""
    return f"{noise}{work.method}{branching} ({engine}, {work.device})"


def _memory(work: Work) -> int | None:
    """Bytes that states take."""
    width, method = work.width, work.method
    if method == "statevector" or method in QUBITS_FOLD:
        states = _ON_THE_WAY if work.narrow else 1
        if work.way == "tree":
            states = _kept_states(work.profile)
        elif work.way == "patterns":
            states = _CHUNKED if width <= WIDEST_SEVERAL else _ONE_BY_ONE
            width = max(width, SIDE_BY_SIDE)
        return states * host.statevector_bytes(QUBITS_FOLD.get(method, 1) * width)
    return width * width if method == "stabilizer" else None


def _by_hand(work: Work, method: str, options: Mapping[str, Any]) -> str:
    settings, circuit = [], "circuit"
    if "like" in options:
        settings.append("noise_model=NoiseModel.from_backend(device)")
        circuit = "transpile(circuit, device)"
    elif "noise_model" in options:
        settings.append("noise_model=noise_model")
        circuit = (
            "transpile(circuit, basis_gates=noise_model.basis_gates, "
            f"optimization_level={options.get('optimization_level', 0)})"
        )
    elif work.foreign:
        circuit = "transpile(circuit, AerSimulator())"
    if method != "automatic":
        settings.append(f"method={method!r}")
    if work.device != "CPU":
        settings.append(f"device={work.device!r}")
    if threads_for(work.width):
        settings.append(f"max_parallel_threads={threads_for(work.width)}")
    return f"AerSimulator({', '.join(settings)}).run({circuit}, shots={work.shots})"
