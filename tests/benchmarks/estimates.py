"""What runs were expected to take beside what they took, on local_cpu, local_gpu_mps, local_numpy.

Each circuit is run by its provider as a plan would run it, warm, and the line `by hand` as a
person would. The same times are held against the built-in coefficients and against those that are
measured first. Nothing is kept: a calibration of this machine is neither read nor written.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from mqt.bench import BenchmarkLevel, get_benchmark
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import efficient_su2
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

from qcos_aer import calibrate, estimates
from qcos_aer.cost import CostModel
from qcos_aer.likeness import device_named
from qcos_aer.providers import LocalCPUProvider, LocalGPUMPSProvider
from qcos_core import Block, Estimate, InvalidArguments, Task
from qcos_core.circuits.profile import profile
from qcos_core.providers import numpy_cost
from qcos_core.providers.local_numpy import LocalNumpyProvider

PATIENCE_S = 0.5
"""A circuit is run again until so much time is spent on it, or it ran `MOST` times."""

MOST = 15
HAND_S = 0.7
"""Lines that a plan expects to take longer at the most are not run."""


@dataclass(frozen=True)
class Case:
    """A circuit and how it is run.

    Attributes:
        name: what is told about it.
        circuit: the circuit.
        shots: how many.
        provider: what runs it.
        options: as for `run`.
    """

    name: str
    circuit: QuantumCircuit
    shots: int
    provider: type = LocalCPUProvider
    options: tuple = ()

    def estimate(self, costs: CostModel, numpy_costs: numpy_cost.NumpyCosts) -> Estimate:
        """What a plan would say with these coefficients."""
        facts, options = profile(self.circuit), dict(self.options)
        if self.provider is LocalNumpyProvider:
            return Estimate(numpy_costs.seconds(facts, self.shots))
        return estimates.estimate(
            facts, self.shots, self.provider.METHOD, self.provider.DEVICE, options, costs
        )

    def work(self, estimate: Estimate) -> Callable[[], object]:
        """What is measured."""
        provider = self.provider()
        node = provider.build_nodes()[0]
        if self.provider is LocalNumpyProvider:
            return lambda: provider.execute(self.circuit, self.shots, node, seed=1)
        blocks, options = (Block(0, self.shots, 1),), dict(self.options)
        task = Task("t", "c", blocks, estimate.task_method, options)
        return lambda: provider.run_task(task, self.circuit, node)

    def by_hand(self, estimate: Estimate) -> Callable[[], object]:
        """The line that a person could have typed."""
        like = dict(self.options).get("like")
        names = {
            "AerSimulator": AerSimulator,
            "NoiseModel": NoiseModel,
            "circuit": self.circuit,
            "device": device_named(like) if like else None,
            "noise_model": dict(self.options).get("noise_model"),
            "transpile": transpile,
        }
        line = compile(estimate.by_hand, "by hand", "eval")
        return lambda: eval(line, names).result()


@dataclass(frozen=True)
class Row:
    """One thing that was measured.

    Attributes:
        name: what it was.
        took: median, in seconds.
        built_in: least and most seconds by the built-in coefficients.
        calibrated: by those that were measured here.
    """

    name: str
    took: float
    built_in: tuple[float, float]
    calibrated: tuple[float, float]


def cases() -> Iterator[Case]:
    """Circuits of telling kinds and sizes."""
    for width in (2, 5, 8, 10, 12, 14, 16, 18, 20):
        yield Case(f"ansatz {width}", ansatz(width, 2), 1000)
    yield Case("ansatz 5, deep", ansatz(5, 30), 1000)
    yield Case("ansatz 13, deep", ansatz(13, 12), 1000)
    yield Case("ansatz 5, many shots", ansatz(5, 2), 10**6)
    yield Case("ansatz 16, many shots", ansatz(16, 2), 10**6)
    for name, width in (("qft", 12), ("wstate", 16), ("ae", 8), ("qpeexact", 11), ("dj", 18)):
        yield Case(f"{name} {width}", library(name, width), 1000)
    yield Case("qft 10, custom gates", library("qft", 10, BenchmarkLevel.ALG), 1000)
    yield Case("ghz 14, clifford", library("ghz", 14), 2000)
    yield Case("graph state 20, clifford", library("graphstate", 20), 1000)
    yield Case("ghz 60, clifford", library("ghz", 60), 300)
    for width, rounds, shots in ((2, 1, 2000), (5, 6, 500), (9, 2, 200), (12, 2, 50)):
        yield Case(f"dynamic {width}", dynamic(width, rounds), shots)
    noise = (("noise_model", weak_noise()),)
    for width in (2, 5, 8):
        yield Case(f"noisy {width}, dense", ansatz(width, 2), 2000, options=noise)
    yield Case("noisy 9, few shots", ansatz(9, 2), 100, options=noise)
    for width, shots in ((11, 300), (14, 100)):
        yield Case(f"noisy {width}, branching", ansatz(width, 2), shots, options=noise)
    try:
        device_named("fake_manila")
    except InvalidArguments:
        print("(no snapshots of devices here: pip install 'qcos-aer[fake]')")
    else:
        yield Case("like fake_manila 4", ansatz(4, 1), 1000, options=(("like", "fake_manila"),))
    for width, reps in ((6, 2), (12, 3), (30, 1)):
        yield Case(f"mps {width}", ansatz(width, reps), 200, LocalGPUMPSProvider)
    for width in (2, 6, 12):
        yield Case(f"numpy {width}", ansatz(width, 2), 1000, LocalNumpyProvider)
    yield Case("numpy 4, dynamic", dynamic(4, 2), 1000, LocalNumpyProvider)


def ansatz(width: int, reps: int) -> QuantumCircuit:
    """Turns and entangling gates, with angles drawn from a fixed seed."""
    circuit = efficient_su2(width, reps=reps, entanglement="linear")
    circuit.measure_all()
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, circuit.num_parameters)
    return circuit.assign_parameters(angles)


def library(name: str, width: int, level: BenchmarkLevel = BenchmarkLevel.INDEP) -> QuantumCircuit:
    """A circuit of MQT Bench."""
    return get_benchmark(name, level, width)


def dynamic(width: int, rounds: int) -> QuantumCircuit:
    """In each round a qubit is measured, and another turned if it was 1."""
    circuit = QuantumCircuit(width, width)
    for _ in range(rounds):
        for qubit in range(width):
            circuit.rx(0.3 + qubit, qubit)
        for qubit in range(width - 1):
            circuit.cx(qubit, qubit + 1)
        circuit.measure(0, 0)
        with circuit.if_test((circuit.clbits[0], 1)):
            circuit.x(1)
    circuit.measure(range(width), range(width))
    return circuit


def weak_noise() -> NoiseModel:
    """A mistake in a hundred entangling gates, and in a thousand of the others."""
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(1e-3, 1), ["rx", "ry", "rz", "u"])
    noise.add_all_qubit_quantum_error(depolarizing_error(1e-2, 2), ["cx"])
    return noise


def median_s(work: Callable[[], object]) -> float:
    """Median of some runs, the first left out."""
    work()
    times: list[float] = []
    while len(times) < 3 or (len(times) < MOST and sum(times) < PATIENCE_S):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
        if times[0] > PATIENCE_S:
            break
    return statistics.median(times)


def rows() -> Iterator[Row]:
    """Everything that is measured, after the coefficients."""
    built_in = CostModel(), numpy_cost.NumpyCosts()
    measured = calibrate.measured(), numpy_cost.measured()
    for case in cases():
        first, second = case.estimate(*built_in), case.estimate(*measured)
        took = median_s(case.work(first))
        yield Row(case.name, took, first.seconds, second.seconds)
        if first.by_hand and first.by_hand_seconds[1] < HAND_S:
            took = median_s(case.by_hand(first))
            name = f"{case.name}, by hand"
            yield Row(name, took, first.by_hand_seconds, second.by_hand_seconds)


def report() -> list[Row]:
    """Print each row as it is measured, and what comes of them all."""
    print(f"{'ms':32} {'took':>9} {'built in':>19} {'calibrated':>19}")
    found = []
    for row in rows():
        found.append(row)
        spans = [f"{_span(span):>18}{_mark(row.took, span)}" for span in _spans(row)]
        print(f"{row.name:32} {row.took * 1e3:9.3g} {' '.join(spans)}", flush=True)
    took = [row.took for row in found]
    for place, name in enumerate(("built in", "calibrated")):
        spans = [_spans(row)[place] for row in found]
        misses = [_miss(seconds, span) for seconds, span in zip(took, spans, strict=True)]
        middles = [(low * high) ** 0.5 for low, high in spans]
        inside = sum(miss == 1 for miss in misses)
        worst = max(range(len(found)), key=misses.__getitem__)
        print(
            f"{name}: rank correlation {rank_correlation(middles, took):.3f};"
            f" {inside} of {len(found)} within the range;"
            f" worst miss {misses[worst]:.1f}x ({found[worst].name});"
            f" typical range {statistics.median(high / low for low, high in spans):.1f}x wide"
        )
    return found


def rank_correlation(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Spearman's, of numbers that all differ."""
    ranks = [np.argsort(np.argsort(values)) for values in (xs, ys)]
    return float(np.corrcoef(*ranks)[0, 1])


def _spans(row: Row) -> tuple[tuple[float, float], tuple[float, float]]:
    return row.built_in, row.calibrated


def _span(span: tuple[float, float]) -> str:
    return f"{span[0] * 1e3:.3g} to {span[1] * 1e3:.3g}"


def _mark(took: float, span: tuple[float, float]) -> str:
    """On which side of the range it fell."""
    return "<" if took < span[0] else ">" if took > span[1] else " "


def _miss(took: float, span: tuple[float, float]) -> float:
    """By which factor it fell outside of the range; 1 within."""
    return max(1.0, took / span[1], span[0] / took)
