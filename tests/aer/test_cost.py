"""The cost model: what it depends on, how it is fitted, and that it decides nothing."""

import math
import subprocess
import sys
from dataclasses import fields, replace

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import QFTGate

from qcos_aer import calibrate, cost
from qcos_aer.cost import BUILT_IN, CostModel, Work, by_hand_seconds, run_seconds
from qcos_aer.estimates import estimate
from qcos_aer.providers import LocalCPUProvider, LocalGPUMPSProvider
from qcos_aer.unroll import basis_of
from qcos_core import ClusterBuilder, DistributedQVM
from qcos_core.circuits.profile import profile
from qcos_core.providers import calibration

NAMES = [field.name for field in fields(CostModel)]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("QCOS_CACHE", str(tmp_path / "cache"))


def facts(width=4, size=40, **kinds):
    return profile(calibrate.layers(width, size, **kinds))


def work(width=4, size=40, shots=1000, method="statevector", sampling="once", **changes):
    return Work(facts(width, size), shots, method, sampling, **changes)


def middle(span):
    return math.sqrt(span[0] * span[1])


WORKS = {
    "run": work(),
    "operation": work(),
    "amplitude": work(12),
    "threads": work(16),
    "shared": work(16),
    "outcome": work(10),
    "shot": work(method="unitary"),
    "step": work(sampling="per_shot"),
    "error": work(sampling="per_shot", noisy=True),
    "noise": work(method="density_matrix", noisy=True),
    "superoperator": work(8, method="density_matrix", noisy=True),
    "tableau": work(30, method="stabilizer"),
    "tensor": work(20, 200, method="matrix_product_state"),
    "sample": work(20, method="matrix_product_state"),
    "transpile": work(like_qubits=5),
    "device_qubit": work(like_qubits=5),
}


@pytest.mark.parametrize("name", NAMES)
def test_every_coefficient_makes_something_dearer(name):
    dearer = replace(BUILT_IN, **{name: 10 * getattr(BUILT_IN, name)})
    assert run_seconds(WORKS[name], dearer)[1] > run_seconds(WORKS[name], BUILT_IN)[1]


@pytest.mark.parametrize("made", WORKS.values(), ids=WORKS)
@pytest.mark.parametrize("seconds", [run_seconds, by_hand_seconds])
def test_ranges_are_ranges_and_grow_with_the_work(made, seconds):
    low, high = seconds(made, BUILT_IN)
    assert 0 < low < high < math.inf
    more = replace(made, profile=facts(made.width, 4 * made.profile.size), shots=2 * made.shots)
    assert seconds(more, BUILT_IN) > (low, high)


def test_shots_that_are_drawn_at_once_cost_nothing_but_by_hand_they_do():
    few, many = work(shots=1000), work(shots=10**6)
    assert run_seconds(many, BUILT_IN) == run_seconds(few, BUILT_IN)
    assert middle(by_hand_seconds(many, BUILT_IN)) > 10 * middle(by_hand_seconds(few, BUILT_IN))


def test_shots_that_branch_cost_less_than_those_by_hand():
    branching = work(12, sampling="per_shot", noisy=True, way="aer")
    assert middle(run_seconds(branching, BUILT_IN)) < middle(by_hand_seconds(branching, BUILT_IN))
    alone = replace(branching, profile=facts(9))
    assert run_seconds(alone, BUILT_IN) == by_hand_seconds(alone, BUILT_IN)


def test_what_a_profile_cannot_tell_widens_the_range():
    def width(made):
        low, high = run_seconds(made, BUILT_IN)
        return high / low

    custom = QuantumCircuit(8)
    custom.append(QFTGate(8), range(8))
    custom.measure_all()
    plain = work(8)
    swept = QuantumCircuit(8)
    swept.rx(Parameter("x"), range(8))
    swept.measure_all()
    for made in (
        replace(plain, profile=profile(custom)),
        replace(plain, profile=profile(swept)),
        replace(plain, method="matrix_product_state", profile=facts(8, 200)),
        work(12, sampling="per_shot", noisy=True, way="aer"),
        work(like_qubits=127, like_known=True),
    ):
        assert width(made) > 1.2 * width(plain)


def test_it_knows_what_aer_runs_as_it_is():
    names = basis_of("automatic").names
    state = {name for name in names if name.startswith(("save_", "set_"))}
    assert names - state == cost._NATIVE


@pytest.mark.parametrize("method", ["statevector", "density_matrix", "superop", "unitary"])
def test_a_circuit_wider_than_any_machine_has_a_time(method):
    low, high = run_seconds(work(2000, 2000, method=method), BUILT_IN)
    assert 0 < low < high


# calibration


def test_the_fit_finds_the_coefficients_that_it_was_made_from():
    truth = CostModel(
        run=2e-3,
        operation=5e-5,
        amplitude=1e-9,
        threads=1e-4,
        shared=7e-10,
        outcome=9e-8,
        shot=3e-7,
        step=4e-7,
        error=2e-6,
        noise=8e-3,
        superoperator=2e-9,
        tableau=4e-10,
        sample=5e-6,
    )
    found = calibrate.fitted(expected_times(truth))
    for name in NAMES:
        if name not in {"tensor", "transpile", "device_qubit"}:
            assert getattr(found, name) == pytest.approx(getattr(truth, name), rel=0.05), name
    assert found.transpile / BUILT_IN.transpile == pytest.approx(5 / 3, rel=0.05)
    assert found.tensor / BUILT_IN.tensor == pytest.approx(1 / 2.5, rel=0.05)


def expected_times(costs):
    """What each experiment takes by the model, without what it allows for on either side."""
    noisy = {"noisy": True}
    experiments = {
        "bell": work(2, 4, 100),
        "many operations": work(2, 200, 100),
        **{f"{width} qubits": work(width, size, 100) for width, size in calibrate._LAYERS.items()},
        "a shot": work(8, 16, 1, "unitary"),
        "shots": work(8, 16, 4000, "unitary"),
        "steps": work(2, 40, 300, sampling="per_shot"),
        "noisy bell": work(2, 4, 4, "density_matrix", **noisy),
        "errors": work(2, 40, 100, sampling="per_shot", **noisy),
        "dense": work(8, 24, 100, "density_matrix", **noisy),
        "clifford": Work(profile(calibrate.chain(40)), 60, "stabilizer", "once"),
        "product": work(8, 32, 200, "matrix_product_state"),
    }
    times = {
        name: run_seconds(made, costs)[0] / made.likely[0] for name, made in experiments.items()
    }
    return {**times, "drawing": costs.outcome * 2**14}


def test_a_fit_of_noise_has_no_coefficient_of_nothing():
    times = dict.fromkeys(expected_times(BUILT_IN), 1e-3)
    assert all(value > 0 for value in calibrate.fitted(times).to_dict().values())


def test_measuring_gives_every_coefficient(monkeypatch):
    monkeypatch.setattr(calibrate, "ROUNDS", 2)
    found = LocalCPUProvider.calibrate()
    assert list(found) == NAMES
    assert all(value > 0 for value in found.values())


def test_plans_expect_what_was_measured():
    def expected():
        provider = LocalCPUProvider()
        return provider.estimate_run(facts(), 1000, provider.build_nodes()[0], {})

    before = expected()
    slow = {name: 10 * value for name, value in BUILT_IN.to_dict().items()}
    versions = LocalCPUProvider.calibrated_for()
    calibration.store("local_cpu", versions, slow)
    after = expected()
    assert after.seconds == pytest.approx([10 * bound for bound in before.seconds])
    assert after.by_hand_seconds == pytest.approx([10 * bound for bound in before.by_hand_seconds])
    assert after.reference_seconds == before.seconds
    assert before.reference_seconds is None
    assert after.seconds_more == pytest.approx(10 * before.seconds_more)
    times = ("seconds", "by_hand_seconds", "reference_seconds", "seconds_more")
    assert replace(after, **{name: getattr(before, name) for name in times}) == before
    mps = LocalGPUMPSProvider()
    node = mps.build_nodes()[0]
    assert mps.estimate_run(facts(), 10, node, {}).seconds[0] > BUILT_IN.run * 5
    calibration.store("local_cpu", versions, {"another": 1.0})
    assert expected() == before


@pytest.mark.parametrize("noisy", [False, True])
def test_the_method_and_the_counts_do_not_depend_on_what_was_measured(noisy):
    options = {"noise_model": calibrate._noise()} if noisy else {}
    circuit = calibrate.layers(5, 30)

    def run():
        with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as qvm:
            result = qvm.run(circuit, 500, seed=5, options=options)
        return result.counts, result.shards[0].method, result.shards[0].blocks

    before, items = run(), BUILT_IN.to_dict().items()
    odd = {name: value * 10 ** ((-1) ** place) for place, (name, value) in enumerate(items)}
    calibration.store("local_cpu", LocalCPUProvider.calibrated_for(), odd)
    assert run() == before


def test_the_line_by_hand_brings_custom_gates_to_aer():
    custom = QuantumCircuit(3)
    custom.append(QFTGate(3), range(3))
    custom.measure_all()
    line = estimate(profile(custom), 10, "automatic", "CPU").by_hand
    assert line == (
        "AerSimulator(max_parallel_threads=1).run(transpile(circuit, AerSimulator()), shots=10)"
    )


def test_planning_with_a_calibration_imports_no_aer():
    calibration.store("local_cpu", LocalCPUProvider.calibrated_for(), BUILT_IN.to_dict())
    code = """
import sys
from qcos_aer.providers import LocalCPUProvider
from qcos_core import CircuitProfile, Registers
from qcos_core.providers import calibration
provider = LocalCPUProvider()
facts = CircuitProfile("c", 2, (0, 1), Registers(2), {"h": 1, "measure": 2})
assert provider.estimate_run(facts, 10, provider.build_nodes()[0], {}).seconds
assert calibration.stored("local_cpu", provider.calibrated_for())
assert not {"qiskit", "qiskit_aer", "numpy"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
