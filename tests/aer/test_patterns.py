"""Noise by error patterns against density matrices, and against Aer's own trajectories."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import (
    CPhaseGate,
    CXGate,
    DiagonalGate,
    PauliGate,
    RXXGate,
    RYGate,
    UnitaryGate,
    get_standard_gate_name_mapping,
)
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import (
    Clifford,
    DensityMatrix,
    Operator,
    Pauli,
    Statevector,
    random_unitary,
)
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (
    NoiseModel,
    QuantumError,
    ReadoutError,
    RelaxationNoisePass,
    amplitude_damping_error,
    coherent_unitary_error,
    depolarizing_error,
    mixed_unitary_error,
    pauli_error,
    reset_error,
    thermal_relaxation_error,
)

from qcos_aer.patterns import Patterns, applies, blocks, evolution
from qcos_aer.patterns.compiled import compiled
from qcos_aer.patterns.draws import Table, groups
from qcos_aer.patterns.paulis import Action, pauli_of_letters
from qcos_aer.patterns.rule import WIDEST_SEVERAL, pays, struck
from qcos_aer.vectors import fusion
from qcos_aer.vectors.states import Move, natural
from qcos_core.circuits.profile import profile, registers
from qcos_core.testing.statistics import (
    total_variation,
    total_variation_bound,
    two_sample_bound,
)

SHOTS = 20_000
ONE_QUBIT = ["h", "s", "sx", "t", "x", "ry", "rz", "u"]
TWO_QUBIT = ["cx", "cz", "swap", "rxx", "cp", "ecr"]


def circuit_of(rng, width, gates):
    """Gates of many kinds, in two registers, then some qubits measured into any bits."""
    bits = int(rng.integers(1, width + 1))
    low, high = ClassicalRegister(bits, "low"), ClassicalRegister(2, "high")
    circuit = QuantumCircuit(QuantumRegister(width, "q"), low, high)
    for _ in range(gates):
        if width == 1 or rng.random() < 0.6:
            name = str(rng.choice([*ONE_QUBIT, "delay", "unitary"]))
            qubits = [int(rng.integers(width))]
        else:
            name = str(rng.choice([*TWO_QUBIT, "unitary", "diagonal", "pauli"]))
            qubits = [int(one) for one in rng.permutation(width)[:2]]
        angles = rng.uniform(0, 6, 3).tolist()
        match name:
            case "ry" | "rz" | "rxx" | "cp":
                getattr(circuit, name)(angles[0], *qubits)
            case "u":
                circuit.u(*angles, *qubits)
            case "delay":
                circuit.delay(10, *qubits)
            case "unitary":
                label = str(rng.choice(["unitary", "mine"]))
                matrix = random_unitary(1 << len(qubits), seed=int(rng.integers(2**31)))
                circuit.append(UnitaryGate(matrix, label=f"{label}{len(qubits)}"), qubits)
            case "diagonal":
                circuit.append(DiagonalGate(np.exp(1j * rng.uniform(0, 6, 4))), qubits)
            case "pauli":
                circuit.append(PauliGate(str(rng.choice(["XZ", "YI"]))), qubits)
            case _:
                getattr(circuit, name)(*qubits)
        if rng.random() < 0.1:
            circuit.barrier()
    places = rng.permutation(bits + 2)[:bits]
    for qubit, place in zip(rng.permutation(width)[:bits], places, strict=True):
        circuit.measure(int(qubit), int(place))
    return circuit


def error_of(rng, count):
    """A mixture of unitaries on one or two qubits, strong enough to be seen."""
    chance = float(rng.choice([0.02, 0.2, 0.7]))
    kind = int(rng.integers(5))
    if kind == 0:
        return depolarizing_error(chance, count)
    if kind == 1:
        letters = ["".join(pair) for pair in product("IXYZ", repeat=count)]
        chances = rng.dirichlet(np.full(len(letters), 0.3))
        return pauli_error(list(zip(letters, chances, strict=True)))
    matrix = random_unitary(1 << count, seed=int(rng.integers(2**31))).data
    if kind == 2:
        return coherent_unitary_error(matrix)
    if kind == 3:
        flip = QuantumCircuit(count)
        flip.y(count - 1)
        flip.h(0)
        turn = QuantumCircuit(count)
        turn.rx(0.4, 0)
        return QuantumError(
            [(flip, chance / 2), (turn, chance / 2), (QuantumCircuit(count), 1 - chance)]
        )
    mixed = mixed_unitary_error([(matrix, chance), (np.eye(1 << count), 1 - chance)])
    return mixed.compose(depolarizing_error(chance, count))


def noise_of(rng, circuit):
    """Errors of most kinds of gates that the circuit has, of some on certain qubits."""
    noise, width = NoiseModel(), circuit.num_qubits
    there = {one.label or one.name for one in circuit.data} | {"XZ", "pauli"}
    for name in (*ONE_QUBIT, "delay", "unitary1", "mine1", "measure"):
        if name not in there:
            continue
        if rng.random() < 0.5:
            noise.add_all_qubit_quantum_error(error_of(rng, 1), name, warnings=False)
        if rng.random() < 0.3:
            qubit = int(rng.integers(width))
            noise.add_quantum_error(error_of(rng, 1), name, [qubit], warnings=False)
    for name in (*TWO_QUBIT, "unitary2", "mine2", "diagonal", "XZ", "pauli"):
        if name not in there:
            continue
        if rng.random() < 0.5:
            noise.add_all_qubit_quantum_error(error_of(rng, 2), name, warnings=False)
        if width > 1 and rng.random() < 0.3:
            pair = [int(one) for one in rng.permutation(width)[:2]]
            noise.add_quantum_error(error_of(rng, 2), name, pair, warnings=False)
    if rng.random() < 0.5:
        noise.add_all_qubit_readout_error(readout_of(rng), warnings=False)
    if rng.random() < 0.5:
        noise.add_readout_error(readout_of(rng), [int(rng.integers(width))], warnings=False)
    return noise


def readout_of(rng):
    wrong = rng.uniform(0, 0.3, 2)
    return ReadoutError([[1 - wrong[0], wrong[0]], [wrong[1], 1 - wrong[1]]])


class Channels(dict):
    """The channel of each error, by the error's identity; making one takes milliseconds."""

    def __call__(self, error):
        if id(error) not in self:
            self[id(error)] = (error, error.to_quantumchannel())
        return self[id(error)][1]


def exact(circuit, noise):
    """The distribution by a density matrix: channel after gate, and readout by its own matrix."""
    state, channel_of = DensityMatrix.from_int(0, 1 << circuit.num_qubits), Channels()
    measured = []
    for instruction in circuit.data:
        qubits = tuple(circuit.find_bit(bit).index for bit in instruction.qubits)
        label = instruction.label or instruction.name
        if instruction.name == "pauli":
            label = instruction.params[0]
        if instruction.name in ("delay", "barrier", "measure"):
            label = instruction.name
        else:
            state = state.evolve(instruction.operation, qubits)
        local = noise._local_quantum_errors.get(label, {})
        error = local.get(qubits, noise._default_quantum_errors.get(label))
        if error is not None:
            state = state.evolve(channel_of(error), qubits)
        if instruction.name == "measure":
            measured.append((qubits[0], circuit.find_bit(instruction.clbits[0]).index))
    probabilities = state.probabilities([qubit for qubit, _ in measured])
    for index, (qubit, _) in enumerate(measured):
        error = noise._local_readout_errors.get((qubit,), noise._default_readout_error)
        if error is not None:
            split = probabilities.reshape(-1, 2, 1 << index)
            probabilities = np.einsum("amb,mn->anb", split, error.probabilities).ravel()
    layout, found = registers(circuit), {}
    for index, probability in enumerate(probabilities):
        outcome = sum((index >> j & 1) << bit for j, (_, bit) in enumerate(measured))
        found[layout.key(outcome)] = max(0.0, float(probability))
    return found


def counts_of(circuit, noise, shots=SHOTS, seed=1, threads=1):
    return Patterns(circuit, noise, threads).draw(shots, seed).to_dict(registers(circuit))


@settings(max_examples=150, deadline=None)
@given(
    width=st.integers(1, 4),
    gates=st.integers(0, 14),
    most=st.sampled_from([1, 2, 5]),
    small=st.sampled_from([0, 1 << 10]),
    together=st.sampled_from([1, 1 << 18]),
    threads=st.integers(1, 3),
    seed=st.integers(0, 2**31),
)
def test_counts_are_those_of_density_matrices(width, gates, most, small, together, threads, seed):
    """However the work is cut: into blocks, by the size of a state, into chunks, onto threads."""
    rng = np.random.default_rng(seed)
    circuit = circuit_of(rng, width, gates)
    noise = noise_of(rng, circuit)
    assert applies(circuit, noise)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "MOST_FUSED", most)
        patch.setattr(evolution, "_SMALL", small)
        patch.setattr(evolution, "TOGETHER", together)
        counts = counts_of(circuit, noise, threads=threads)
    expected = exact(circuit, noise)
    assert sum(counts.values()) == SHOTS
    assert total_variation(counts, expected) <= total_variation_bound(expected, SHOTS)


@pytest.mark.parametrize("seed", range(30))
def test_counts_are_those_of_aer(seed):
    """What strikes where is Aer's to say: by label, by qubits, before measurements."""
    rng = np.random.default_rng(seed)
    circuit = circuit_of(rng, 4, 25)
    noise = noise_of(rng, circuit)
    simulator = AerSimulator(method="density_matrix", noise_model=noise)
    theirs = simulator.run(circuit, shots=SHOTS, seed_simulator=seed).result().get_counts()
    counts = counts_of(circuit, noise)
    assert total_variation(counts, theirs) <= two_sample_bound(counts, theirs)


def ladder_of(width, layers=2, seed=0):
    """Layers of rotations and a chain of CX; all qubits measured."""
    angles = iter(np.random.default_rng(seed).uniform(0, 6, 2 * width * layers).tolist())
    circuit = QuantumCircuit(width, width)
    for layer in range(layers):
        for qubit in range(width):
            circuit.ry(next(angles), qubit)
            circuit.rz(next(angles), qubit)
        for qubit in range(width - 1) if layer < layers - 1 else ():
            circuit.cx(qubit, qubit + 1)
    circuit.measure(range(width), range(width))
    return circuit


def depolarizing(one, two):
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(one, 1), ["h", "ry", "rz", "sx", "x"])
    noise.add_all_qubit_quantum_error(depolarizing_error(two, 2), ["cx", "cz"])
    return noise


def test_counts_of_a_wide_circuit_are_those_of_aer():
    circuit, noise = ladder_of(12), depolarizing(0.02, 0.1)
    circuit.remove_final_measurements()
    circuit.add_register(ClassicalRegister(4))
    circuit.measure([1, 3, 8, 11], [2, 0, 3, 1])
    simulator = AerSimulator(method="statevector", noise_model=noise)
    options = {"shot_branching_enable": True, "shot_branching_sampling_enable": True}
    theirs = simulator.run(circuit, shots=4000, seed_simulator=1, **options).result().get_counts()
    counts = counts_of(circuit, noise, 4000, threads=2)
    assert total_variation(counts, theirs) <= two_sample_bound(counts, theirs)


def test_counts_scatter_as_those_of_independent_shots_do():
    """Their covariances over many seeds are multinomial; counts that are too regular are not."""
    circuit, noise, shots, seeds = ladder_of(3), depolarizing(0.2, 0.5), 60, 2000
    noise.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]))
    probabilities = exact(circuit, noise)
    keys = sorted(probabilities)
    p = np.array([probabilities[key] for key in keys])
    patterns = Patterns(circuit, noise, 1)
    found = np.zeros((seeds, len(keys)))
    for seed in range(seeds):
        for outcome, number in patterns.draw(shots, seed).items():
            found[seed, outcome] = number
    off = found - shots * p
    multinomial = shots * (np.diag(p) - np.outer(p, p))
    spread = np.sqrt(np.outer(multinomial.diagonal(), multinomial.diagonal()) * 3 / seeds)
    assert np.all(np.abs(off.T @ off / seeds - multinomial) < 6 * spread)
    # Pearson's statistic has the mean of its degrees of freedom, and twice that as its variance
    pearson = np.mean(np.sum(off**2 / (shots * p), axis=1))
    assert abs(pearson - (len(keys) - 1)) < 6 * np.sqrt(3 * (len(keys) - 1) / seeds)
    assert np.all(np.abs(off.mean(axis=0)) < 6 * np.sqrt(multinomial.diagonal() / seeds))


def test_counts_depend_on_the_seed_and_on_nothing_else(monkeypatch):
    circuit, noise = ladder_of(11), depolarizing(0.02, 0.1)
    noise.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]))
    patterns = Patterns(circuit, noise, 1)
    once = patterns.draw(500, 7)
    assert once.shots == 500
    assert patterns.draw(500, 7) == once
    assert patterns.draw(500, 8) != once
    for threads, together, alone in [(2, 1 << 18, 22), (5, 1 << 12, 22), (1, 1, 22), (2, 1, 1)]:
        monkeypatch.setattr(evolution, "TOGETHER", together)
        monkeypatch.setattr(evolution, "WIDEST_SEVERAL", alone)
        assert Patterns(circuit, noise, threads).draw(500, 7) == once


def test_wide_states_take_turns():
    """So that no more of them are held; all threads work on one."""
    circuit, noise = ladder_of(WIDEST_SEVERAL + 1), depolarizing(0.02, 0.1)
    once = Patterns(circuit, noise, 1).draw(12, 7)
    assert once.shots == 12
    assert Patterns(circuit, noise, 2).draw(12, 7) == once


def test_many_shots_and_none():
    circuit, noise = ladder_of(4), depolarizing(0.01, 0.05)
    expected = exact(circuit, noise)
    counts = counts_of(circuit, noise, 1_000_000)
    assert total_variation(counts, expected) <= total_variation_bound(expected, 1_000_000)
    assert counts_of(circuit, noise, 0) == {}


def test_patterns_of_clifford_circuits_only_flip_bits():
    circuit, noise = QuantumCircuit(3, 3), depolarizing(0.3, 0.3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.sx(1)
    circuit.cx(1, 2)
    circuit.measure(range(3), range(3))
    sites = compiled(circuit, noise, {0: 0, 1: 1, 2: 2}).sites
    assert len(sites) == 4
    (alone,) = groups(Table.of(sites), 1000, np.random.default_rng(1))
    assert alone.shots.sum() == 1000
    assert alone.shots[alone.flips == 0].sum() < 900


def test_patterns_that_come_to_the_same_are_one():
    """An X and a Z before a rotation about Y turn its sign; a Y does nothing."""
    circuit, noise = QuantumCircuit(1, 1), NoiseModel()
    circuit.sx(0)
    circuit.t(0)
    circuit.h(0)
    circuit.ry(0.3, 0)
    circuit.measure(0, 0)
    noise.add_all_qubit_quantum_error(depolarizing_error(0.6, 1), "h")
    (site,) = compiled(circuit, noise, {0: 0}).sites
    alone, turned = groups(Table.of([site]), 1000, np.random.default_rng(1))
    assert (len(alone.rows), len(turned.rows)) == (0, 1)
    assert sorted(turned.flips) == [0, 1]
    assert sorted(alone.flips) == [0, 1]


def test_what_no_measurement_depends_on_takes_no_state():
    circuit, noise = QuantumCircuit(40, 1), depolarizing(0.1, 0.1)
    for qubit in range(39):
        circuit.ry(0.3, qubit)
    circuit.cx(3, 5)
    for qubit in range(20, 38):
        circuit.cx(qubit, qubit + 1)
    circuit.rz(0.2, 5)
    circuit.cz(5, 6)
    circuit.measure(5, 0)
    made = compiled(circuit, noise, {5: 0})
    assert made.active == (3, 5)
    assert len(made.items) == 3  # two rotations and CX; errors only flip the bit
    few = QuantumCircuit(3, 1)
    few.ry(0.3, [0, 1, 2])
    few.cx(0, 1)
    few.rz(0.2, 1)
    few.cz(1, 2)
    few.measure(1, 0)
    counts, expected = counts_of(circuit, noise), exact(few, noise)
    assert total_variation(counts, expected) <= total_variation_bound(expected, SHOTS)


@pytest.mark.parametrize("seed", range(5))
def test_errors_in_one_block_act_in_their_order(seed):
    """The matrix of a struck block against its gates and terms, one after the other."""
    rng = np.random.default_rng(seed)
    circuit = circuit_of(rng, 3, 12)
    noise = noise_of(rng, circuit)
    circuit.remove_final_measurements()
    circuit.append(UnitaryGate(random_unitary(8, seed=seed), label="all"), range(3))
    turns = [(random_unitary(8, seed=seed + k).data, 0.3) for k in range(3)]
    noise.add_all_qubit_quantum_error(mixed_unitary_error([*turns, (np.eye(8), 0.1)]), "all")
    circuit.append(UnitaryGate(random_unitary(8, seed=seed + 9), label="all"), range(3))
    made = compiled(circuit, noise, {0: 0, 1: 1, 2: 2})
    numbers = {site: number for number, site in enumerate(made.sites)}
    (block,), order = blocks.blocks_of(made.items, numbers)
    assert len(block.sites) > 2
    errors = [(number, int(rng.integers(len(made.sites[number].terms)))) for number in block.sites]
    terms, state = dict(errors), Statevector.from_int(0, 8)
    for item in made.items:
        matrix = item.matrix if isinstance(item, fusion.Gate) else None
        if matrix is None:
            matrix = item.terms[terms[numbers[item]]].matrix_on(len(item.qubits))
        state = state.evolve(Operator(matrix), item.qubits)
    found = block.struck([errors, []])[:, 0]  # from the state with all qubits in zero
    back = Move.between(order, natural(3))
    found = found if back is None else back(found)
    assert found[0] == pytest.approx(state.data)
    assert found[1] != pytest.approx(state.data)


def test_qubits_are_measured_as_soon_as_they_are_finished():
    """States are at their full width in few blocks, and in none before all qubits are touched."""
    circuit, noise = ladder_of(14, 3), depolarizing(0.01, 0.01)
    made = compiled(circuit, noise, {qubit: qubit for qubit in range(14)})
    found, _ = blocks.blocks_of(made.items, {site: k for k, site in enumerate(made.sites)})
    assert sum(block.fresh for block in found) == 14
    assert sum(len(block.finished) for block in found) == 14
    widths = [len(block.order) - len(block.gone) for block in found]
    assert widths[0] == widths[-1] == 5
    assert widths.count(max(widths)) <= 2


@pytest.mark.parametrize(
    "width, shots, chance, expected",
    [
        (4, 1000, 0.01, False),
        (8, 100, 0.5, True),
        (8, 1000, 0.0005, True),
        (8, 1000, 0.05, False),
        (10, 2000, 0.01, True),
        (10, 10_000, 0.1, False),
        (14, 10_000, 0.1, True),
        (27, 10, 0.01, False),
    ],
)
def test_when_patterns_pay(width, shots, chance, expected):
    facts = profile(ladder_of(width))
    assert pays(facts, depolarizing(chance / 10, chance), shots) is expected


def test_the_worst_error_of_a_name_counts():
    noise = depolarizing(0.0, 0.01)
    noise.add_quantum_error(depolarizing_error(0.02, 2), "cx", [0, 1])
    expected = 1000 * (1 - np.exp(-3 * 0.02 * 15 / 16))
    assert struck(profile(ladder_of(4)), noise, 1000) == pytest.approx(expected)


def test_a_pauli_error_before_one_that_is_none_matters():
    """A Z before a measurement does nothing, unless a Hadamard strikes in between."""
    circuit, noise = QuantumCircuit(1, 1), NoiseModel()
    circuit.h(0)
    circuit.id(0)
    circuit.delay(10, 0)
    circuit.measure(0, 0)
    turn = QuantumCircuit(1)
    turn.h(0)
    noise.add_all_qubit_quantum_error(pauli_error([("Z", 0.5), ("I", 0.5)]), "id")
    noise.add_all_qubit_quantum_error(
        QuantumError([(turn, 0.4), (QuantumCircuit(1), 0.6)]), "delay"
    )
    counts, expected = counts_of(circuit, noise), exact(circuit, noise)
    assert expected["1"] == pytest.approx(0.5)
    assert total_variation(counts, expected) <= total_variation_bound(expected, SHOTS)


@pytest.mark.parametrize(
    "gate", get_standard_gate_name_mapping().values(), ids=lambda one: one.name
)
def test_gates_do_to_paulis_what_qiskit_says(gate):
    if not isinstance(gate, Gate) or gate.num_qubits == 0:
        return
    if gate.params:
        gate = type(gate)(*np.linspace(0.3, 0.8, len(gate.params)))
    action, count = Action.of(Operator(gate).data), gate.num_qubits
    try:
        clifford = Clifford(gate)
    except QiskitError:
        assert action.images is None
        return
    for index, image in enumerate(action.images):
        letters = ["I"] * count
        letters[count - 1 - index % count] = "X" if index < count else "Z"
        evolved = Pauli("".join(letters)).evolve(clifford, frame="s")
        assert image == pauli_of_letters(evolved.to_label().lstrip("-i"), range(count), count)


def test_rotations_about_one_axis_leave_one_mark():
    for gate, axis in [(RYGate(0.3), "Y"), (RXXGate(0.3), "XX"), (CPhaseGate(0.3), None)]:
        between = Action.of(Operator(gate).data).between
        if axis is None:
            assert len(between) == 2
        else:
            assert between == (pauli_of_letters(axis, range(len(axis)), len(axis)),)


def kraus():
    return amplitude_damping_error(0.1)


def relaxation():
    return thermal_relaxation_error(50, 70, 10)


def fewer_qubits_than_the_error():
    return depolarizing_error(0.1, 2)


def resets():
    return reset_error(0.1)


@pytest.mark.parametrize("error", [kraus, relaxation, fewer_qubits_than_the_error, resets])
def test_errors_that_depend_on_the_state_are_refused(error):
    circuit = QuantumCircuit(2, 1)
    circuit.append(UnitaryGate(np.eye(2), label="odd"), [0])
    circuit.measure(0, 0)
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(error(), "odd")
    assert not applies(circuit, noise)
    circuit.data.pop(0)
    assert applies(circuit, noise)  # where it does not strike, it does no harm


def gate_after_a_measurement(circuit):
    circuit.measure(0, 0)
    circuit.x(0)


def reset_of_a_qubit(circuit):
    circuit.reset(0)
    circuit.measure(0, 0)


def nothing_measured(circuit):
    circuit.x(0)


def branch(circuit):
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.x(1)


def unknown_angle(circuit):
    circuit.rx(Parameter("angle"), 0)
    circuit.measure(0, 0)


def state_set(circuit):
    circuit.initialize([0, 1], 0)
    circuit.measure(0, 0)


def channel(circuit):
    circuit.append(kraus().to_instruction(), [0])
    circuit.measure(0, 0)


def control_by_zero(circuit):
    circuit.append(CXGate(ctrl_state=0), [0, 1])
    circuit.measure(0, 0)


def saved(circuit):
    circuit.save_statevector()
    circuit.measure(0, 0)


@pytest.mark.parametrize(
    "spoil",
    [
        gate_after_a_measurement,
        reset_of_a_qubit,
        nothing_measured,
        branch,
        unknown_angle,
        state_set,
        channel,
        control_by_zero,
        saved,
    ],
    ids=lambda spoil: spoil.__name__,
)
def test_circuits_that_are_refused(spoil):
    circuit = QuantumCircuit(2, 2)
    spoil(circuit)
    assert not applies(circuit, depolarizing(0.1, 0.1))


def test_noise_of_several_measurements_together_is_refused():
    circuit = QuantumCircuit(2, 2)
    circuit.measure([0, 1], [0, 1])
    readout, before = NoiseModel(), NoiseModel()
    readout.add_readout_error(ReadoutError(np.eye(4)[::-1]), [0, 1])
    before.add_quantum_error(depolarizing_error(0.1, 2), "measure", [0, 1])
    assert not applies(circuit, readout)
    assert not applies(circuit, before)


def test_noise_of_the_time_of_delays_is_refused():
    noise = depolarizing(0.1, 0.1)
    noise._custom_noise_passes.append(RelaxationNoisePass([50.0], [70.0], dt=1e-9))
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    assert applies(circuit, noise)
    circuit.delay(100, 0)
    assert not applies(circuit, noise)
