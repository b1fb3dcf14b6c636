"""Measure the coefficients of :mod:`qcos_aer.cost` on this machine.

A handful of small circuits run in turn, several times over, so that what else the machine does
meanwhile strikes all of them alike. Of each the median counts. What the coefficients found so far
explain is taken off, step by step, and the rest is the next coefficient.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from qcos_aer.cost import MODEL, RESTART, CostModel
from qcos_core.providers import calibration

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

KEY = "local_cpu"
"""The provider that measures, for itself and for the others of this package."""

ROUNDS = 12
"""How often each circuit runs; the first time does not count."""

_FEWEST = 0.1
"""The least a coefficient may be, as a part of the built-in one: noise may explain all of it."""

# the sizes of the experiments: qubits, operations with the measurements, shots
_BELL = 4
_MANY = 200
_LAYERS = {14: 112, 15: 45, 18: 36}
_DRAWN = 14
_SHOTS, _MEASURED = 4_000, 8
_STEPS, _STEP_SHOTS, _ERROR_SHOTS = 40, 300, 100
_DENSE, _DENSE_LAYERS, _DENSE_SHOTS = 8, 24, 100
_CLIFFORD, _CLIFFORD_SHOTS = 40, 60
_PRODUCT, _PRODUCT_SHOTS = 8, 200


@cache
def versions() -> Mapping[str, str]:
    """What coefficients hold for; read from metadata, for nothing is imported here."""
    packages = calibration.installed(
        "qiskit", "qiskit-aer", "qiskit-aer-gpu", "qiskit-aer-gpu-cu11"
    )
    return MappingProxyType({"model": MODEL, **packages})


def kept_costs() -> CostModel:
    """The costs that were measured on this machine, or else the built-in ones."""
    return CostModel.of(calibration.stored(KEY, versions()))


def measured() -> CostModel:
    """Measure this machine; about two seconds where little else runs."""
    return fitted(_medians(_experiments()))


def fitted(seconds: Mapping[str, float]) -> CostModel:
    """The coefficients that explain what the experiments took.

    Args:
        seconds: what each of them took, by name.
    """
    usual = CostModel()
    costs = usual

    def learn(name: str, rest: float, times: float) -> None:
        nonlocal costs
        least = _FEWEST * getattr(usual, name)
        costs = replace(costs, **{name: max(least, rest / times)})

    learn("operation", seconds["many operations"] - seconds["bell"], _MANY - _BELL)
    learn("run", seconds["bell"] - _BELL * costs.operation, 1)

    def rest(name: str, operations: int) -> float:
        return seconds[name] - costs.run - operations * costs.operation

    learn("amplitude", rest("14 qubits", _LAYERS[14]), _LAYERS[14] * 2**14)
    narrow, wide = (rest(f"{n} qubits", _LAYERS[n]) / _LAYERS[n] for n in (15, 18))
    learn("shared", wide - narrow, 2**18 - 2**15)
    learn("threads", narrow - costs.shared * 2**15, 1)
    learn("outcome", seconds["drawing"], 2**_DRAWN)
    learn("shot", seconds["shots"] - seconds["a shot"], _SHOTS * (_MEASURED + 4))
    learn("step", rest("steps", _STEPS), _STEP_SHOTS * (_STEPS + RESTART))
    learn("noise", seconds["noisy bell"] - costs.run - 3 * _BELL * costs.operation, 1)
    noisy = costs.noise + 2 * _STEPS * costs.operation
    errors = rest("errors", _STEPS) - noisy
    errors -= _ERROR_SHOTS * (_STEPS + RESTART) * costs.step
    learn("error", errors, _ERROR_SHOTS * _STEPS)
    elements = rest("dense", _DENSE_LAYERS) - costs.noise - 2 * _DENSE_LAYERS * costs.operation
    elements -= _DENSE_SHOTS * (_DENSE + 4) * costs.shot
    learn("superoperator", elements, _DENSE_LAYERS * 4**_DENSE)
    clifford = rest("clifford", 2 * _CLIFFORD)
    learn("tableau", clifford, _CLIFFORD_SHOTS * _CLIFFORD * (_CLIFFORD + 50) ** 2)
    product = rest("product", 4 * _PRODUCT)
    learn("sample", product - 4 * _PRODUCT * costs.operation, _PRODUCT_SHOTS * _PRODUCT)
    return replace(
        costs,
        tensor=usual.tensor * costs.amplitude / usual.amplitude,
        transpile=usual.transpile * costs.operation / usual.operation,
        device_qubit=usual.device_qubit * costs.operation / usual.operation,
    )


def _experiments() -> dict[str, Callable[[], object]]:
    """What is measured, by name; each runs as QCOS runs it."""
    import numpy as np

    from qcos_aer.evolve import Probabilities
    from qcos_aer.prepare import prepared
    from qcos_aer.simulate import Sampler

    noise = _noise()

    def run(
        circuit: QuantumCircuit, shots: int, method: str = "automatic", **options: Any
    ) -> Callable[[], object]:
        task = _task(shots)

        def once() -> object:
            ready = prepared(circuit, shots, method=method, device="CPU", options=options)
            sampler = Sampler(ready, device="CPU", options=options)
            return list(sampler.run_tasks([task]))

        return once

    drawn = Probabilities(np.full(2**_DRAWN, 2.0**-_DRAWN), range(_DRAWN), _DRAWN)
    bell = layers(2, _BELL)
    final = layers(_MEASURED, 2 * _MEASURED, start=True)
    return {
        "bell": run(bell, 100),
        "many operations": run(layers(2, _MANY), 100),
        **{f"{width} qubits": run(layers(width, size), 100) for width, size in _LAYERS.items()},
        "drawing": lambda: drawn.draw(10**7, 1),
        "a shot": run(final, 1, "statevector"),
        "shots": run(final, _SHOTS, "statevector"),
        "steps": run(layers(2, _STEPS, midway=True), _STEP_SHOTS),
        "noisy bell": run(bell, 4, "density_matrix", noise_model=noise),
        "errors": run(layers(2, _STEPS), _ERROR_SHOTS, "statevector", noise_model=noise),
        "dense": run(
            layers(_DENSE, _DENSE_LAYERS), _DENSE_SHOTS, "density_matrix", noise_model=noise
        ),
        "clifford": run(chain(_CLIFFORD), _CLIFFORD_SHOTS, "stabilizer"),
        "product": run(layers(_PRODUCT, 4 * _PRODUCT), _PRODUCT_SHOTS, "matrix_product_state"),
    }


def _medians(experiments: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in experiments}
    for _ in range(ROUNDS):
        for name, work in experiments.items():
            began = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - began)
    return {name: statistics.median(found[1:]) for name, found in times.items()}


def layers(width: int, size: int, *, start: bool = False, midway: bool = False) -> QuantumCircuit:
    """A circuit of turns and entangling gates in turn, whose qubits are all measured.

    Args:
        width: qubits, at least 2.
        size: how many operations, the measurements included.
        start: whether it begins from a state that is given, which Aer draws shots from itself.
        midway: whether a qubit is measured and used again, so that shots run one by one.
    """
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(width, width)
    if start:
        circuit.initialize([1] + [0] * (2**width - 1), range(width))
    if midway:
        circuit.measure(0, 0)
    for place in range(size - width - start - midway):
        layer, qubit = divmod(place, width)
        if layer % 2:
            circuit.cx(qubit, (qubit + 1) % width)
        else:
            circuit.ry(0.1 + 0.7 * place, qubit)
    circuit.measure(range(width), range(width))
    return circuit


def chain(width: int) -> QuantumCircuit:
    """A Clifford circuit that entangles all of its qubits and measures them."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(width, width)
    circuit.h(0)
    for qubit in range(width - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.measure(range(width), range(width))
    return circuit


def _noise() -> Any:
    from qiskit_aer.noise import NoiseModel, depolarizing_error

    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(1e-3, 1), ["ry"])
    noise.add_all_qubit_quantum_error(depolarizing_error(1e-2, 2), ["cx"])
    return noise


def _task(shots: int) -> Any:
    from qcos_core import Block, Task

    return Task("calibrate", "circuit", (Block(0, shots, 1),))
