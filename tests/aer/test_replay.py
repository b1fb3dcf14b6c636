"""Manifests of runs on Aer: noise by name travels, noise as an object does not."""

import json

import pytest
from qiskit import QuantumCircuit
from qiskit_aer.noise import NoiseModel, depolarizing_error

from qcos_core import ClusterBuilder, DistributedQVM, InvalidArguments, replay


@pytest.fixture(scope="module")
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_cpu", n_nodes=2).build()) as made:
        yield made


@pytest.fixture
def circuit():
    made = QuantumCircuit(3, 3, name="dynamic")
    made.h(0)
    made.measure(0, 0)
    with made.if_test((made.clbits[0], 1)):
        made.x(1)
    made.cx(1, 2)
    made.measure([1, 2], [1, 2])
    return made


def test_many_blocks_on_two_nodes_come_back_equal(qvm, circuit):
    by_aer = {"method": "density_matrix"}
    result = qvm.run(circuit, 9000, seed=11, strategy="shots", options=by_aer)
    assert len(result.shards) == 2
    again = replay(json.loads(json.dumps(result.manifest())))
    assert again.agrees
    one = ClusterBuilder().add("local_cpu").build()
    with one:
        assert replay(result.manifest(), cluster=one).agrees


@pytest.mark.optional_part("qiskit_ibm_runtime")
def test_a_device_travels_by_its_name_and_its_layout_is_compared(qvm, circuit):
    options = {"like": "fake_torino", "initial_layout": [4, 5, 6]}
    again = replay(qvm.run(circuit, 500, seed=1, options=options).manifest())
    assert again.agrees
    assert again.comparison.lines()[0] == (
        "circuit, options, layout, method, nodes, seeds, versions, platform: match"
    )


def test_a_noise_model_does_not_travel(qvm, circuit):
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), ["h"])
    result = qvm.run(circuit, 50, options={"noise_model": noise})
    with pytest.raises(InvalidArguments, match=r"noise_model holds a .*NoiseModel.*by name"):
        result.manifest()
