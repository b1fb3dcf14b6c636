"""Circuits of MQT Bench, and some dynamic ones, each made from a seed and an index alone.

``case(seed, index)`` gives the same circuit in every process. The index goes through all families,
and each family through five forms: as it is; on shuffled wires among idle ones; also some of its
bits, shuffled, in several registers; and, so treated, beside one or two other circuits.
"""

from dataclasses import dataclass
from random import Random
from warnings import catch_warnings

from dynamic_circuits import BUILT
from mqt.bench import BenchmarkLevel, get_benchmark
from mqt.bench.targets import get_target_for_gateset
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

UNITARY = {
    "ae": range(2, 13),
    "bmw_quark_cardinality": range(2, 15),
    "bmw_quark_copula": range(2, 15, 2),
    "bv": range(2, 17),
    "cdkm_ripple_carry_adder": range(4, 17, 2),
    "dj": range(2, 17),
    "draper_qft_adder": range(2, 15, 2),
    "full_adder": range(4, 15, 2),
    "ghz": range(2, 17),
    "graphstate": range(3, 17),
    "grover": range(2, 9),
    "half_adder": range(3, 12, 2),
    "hhl": range(3, 9),
    "hrs_cumulative_multiplier": range(5, 14, 4),
    "modular_adder": range(2, 13, 2),
    "multiplier": range(4, 13, 4),
    "qaoa": range(2, 13),
    "qft": range(2, 15),
    "qftentangled": range(2, 15),
    "qnn": range(2, 13),
    "qpeexact": range(2, 13),
    "qpeinexact": range(2, 13),
    "qwalk": range(3, 8),
    "randomcircuit": range(2, 11),
    "rg_qft_multiplier": range(4, 13, 4),
    "vbe_ripple_carry_adder": range(4, 14, 3),
    "vqe_real_amp": range(2, 13),
    "vqe_su2": range(2, 13),
    "vqe_two_local": range(2, 13),
    "wstate": range(2, 17),
}
"""Families that measure at the end, and the widths taken of them."""

CODES = {"seven_qubit_steane_code": range(13, 14), "shors_nine_qubit_code": range(17, 18)}
"""Clifford circuits, and kept so, without native gates: the stabilizer method makes them quick."""

DYNAMIC = {"dynamic_qft": range(2, 8), "ghz_dynamic": range(2, 11), "iqpe": range(2, 9)} | CODES
HAND_MADE = {make.__name__: make for make in BUILT}
FAMILIES = (*UNITARY, *DYNAMIC, *HAND_MADE)

HUGE = "shor"
"""24,000 gates and more, half a minute: one case in a thousand."""

WIDTHS = UNITARY | DYNAMIC | {HUGE: range(18, 19)}

LEVELS = tuple(level for level in BenchmarkLevel if level is not BenchmarkLevel.MAPPED)
GATE_SETS = (
    "clifford+t+rotations",
    "ibm_eagle",
    "ibm_falcon",
    "ibm_heron",
    "iqm",
    "quantinuum",
)
"""Those whose gates are Qiskit's own, so that Aer knows them too."""

FORMS = ("plain", "wires", "registers", "two", "three")
WIDEST = {"two": 8, "three": 5}
"""Qubits of each circuit where several are side by side; beside a dynamic one, 4."""

ONE_OF_EACH = len(FAMILIES) * len(FORMS)
"""So many cases, from index 0 on, have every family in every form."""

IDLE, SPARE = 2, 2
"""Wires on which nothing happens, and bits that nobody writes, where circuits are laid out anew."""

SHOTS = 20_000
DYNAMIC_SHOTS = 4_000


@dataclass(frozen=True)
class Part:
    """A circuit by itself, and where its bits are in the case.

    Attributes:
        circuit: what it does, on its own wires and bits.
        places: bit of ``circuit`` to bit of the case. A bit that is left out is not in the case.
    """

    circuit: QuantumCircuit
    places: dict[int, int]


@dataclass(frozen=True)
class Case:
    """A circuit, and what it is made of.

    Attributes:
        circuit: what a user would run; its name tells how it was made.
        shots: how many shots it is worth.
        family: of its first part.
        form: one of ``FORMS``.
        level: of its first part; ``None`` where that is not from MQT Bench.
        dynamic: something happens after a measurement, so that no state vector describes it.
        parts: what the counts of ``circuit`` are made of.
    """

    circuit: QuantumCircuit
    shots: int
    family: str
    form: str
    level: BenchmarkLevel | None
    dynamic: bool
    parts: tuple[Part, ...]


def case(seed, index):
    """The case of this number; the same for the same two numbers."""
    rng = Random(f"{seed} {index}")
    turn, place = divmod(index, len(FAMILIES))
    family, form = FAMILIES[place], FORMS[turn % len(FORMS)]
    if index % 1000 == 999:
        family, form = HUGE, "plain"
    elif family in CODES and form in WIDEST:
        form = "registers"
    dynamic = family in DYNAMIC or family in HAND_MADE
    widest = 4 if dynamic and form in WIDEST else WIDEST.get(form, 18)
    first, level = chosen(family, rng, widest)
    if form == "plain":
        circuit, parts = first.copy(), [Part(first, {bit: bit for bit in range(first.num_clbits)})]
    else:
        bodies = [turned(first, family, rng)]
        for _ in range(FORMS.index(form) - FORMS.index("registers")):
            other = rng.choice([name for name in UNITARY if WIDTHS[name].start <= widest])
            bodies.append(turned(chosen(other, rng, widest)[0], other, rng))
        circuit, parts = laid_out(bodies, form, rng)
    circuit.name = f"{index} {form}: {' beside '.join(part.circuit.name for part in parts)}"
    shots = DYNAMIC_SHOTS if dynamic else SHOTS
    return Case(circuit, shots, family, form, level, dynamic, tuple(parts))


def chosen(family, rng, widest):
    """A circuit of the family, of some width and level, narrow ones more often; and the level."""
    if family in HAND_MADE:
        circuit = HAND_MADE[family]()
        circuit.name = family
        return circuit, None
    level = rng.choice(LEVELS[:2] if family in CODES else LEVELS)
    widths = [width for width in WIDTHS[family] if width <= widest]
    width = min(rng.choices(widths, k=2))
    more = {"seed": rng.randrange(1000)} if family == "graphstate" else {}
    if level is BenchmarkLevel.NATIVEGATES:
        more["target"] = get_target_for_gateset(rng.choice(GATE_SETS), width)
    with catch_warnings(action="ignore", category=DeprecationWarning):  # how they build is theirs
        circuit = get_benchmark(family, level, width, **more)
    if not circuit.num_clbits:  # one family leaves measuring to its user
        circuit.measure_all()
    circuit.name = f"{family}-{level.name.lower()}-{width}"
    return circuit, level


def turned(circuit, family, rng):
    """The circuit after a turn of each wire by another angle, so that no two outcomes are alike.

    Of a unitary circuit this is without its measurements, and without bits.
    """
    inside = circuit.remove_final_measurements(inplace=False) if family in UNITARY else circuit
    result = inside.copy_empty_like(circuit.name)
    if family not in CODES:
        for wire in result.qubits:
            result.ry(rng.uniform(0.3, 1.2), wire)
    result.compose(inside, inplace=True)
    return result


def laid_out(bodies, form, rng):
    """The bodies on the wires and bits of one circuit, and these parts of it."""
    measured = [chosen_bits(body, form, rng) for body in bodies]
    width = sum(map(len, measured))
    if form == "wires":
        registers = bodies[0].cregs or [ClassicalRegister(width, "c")]
        free_bits = list(range(width))
    else:
        registers = several_registers(width + SPARE, rng)
        free_bits = rng.sample(range(width + SPARE), width)
    num_qubits = IDLE + sum(body.num_qubits for body in bodies)
    free_wires = rng.sample(range(num_qubits), num_qubits - IDLE)
    result = QuantumCircuit(QuantumRegister(num_qubits, "q"), *registers)
    parts = []
    for body, bits in zip(bodies, measured, strict=True):
        wires = [free_wires.pop(0) for _ in body.qubits]
        places = {bit: free_bits.pop(0) for bit in bits}
        if body.num_clbits:
            result.compose(body, wires, list(places.values()), inplace=True)
            parts.append(Part(body, places))
        else:
            result.compose(body, wires, inplace=True)
            result.measure([wires[bit] for bit in bits], [places[bit] for bit in bits])
            parts.append(Part(measured_in_full(body), places))
    return result, parts


def chosen_bits(body, form, rng):
    """Which bits of a body are kept: all of a dynamic one, else one for each qubit measured."""
    if body.num_clbits:
        return list(range(body.num_clbits))
    least = body.num_qubits if form == "wires" else min(2, body.num_qubits)
    number = rng.randint(least, body.num_qubits)
    return sorted(rng.sample(range(body.num_qubits), number))


def several_registers(width, rng):
    """Two to four classical registers of that many bits."""
    cuts = sorted(rng.sample(range(1, width), min(rng.randint(1, 3), width - 1)))
    sizes = [end - start for start, end in zip([0, *cuts], [*cuts, width], strict=True)]
    return [ClassicalRegister(size, f"part{place}") for place, size in enumerate(sizes)]


def measured_in_full(body):
    circuit = QuantumCircuit(body.num_qubits, body.num_qubits, name=body.name)
    circuit.compose(body, inplace=True)
    circuit.measure(circuit.qubits, circuit.clbits)
    return circuit
