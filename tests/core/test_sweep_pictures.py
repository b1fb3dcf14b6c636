"""Sweeps as curves."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qcos_core import CircuitRejected, ClusterBuilder, DistributedQVM, InvalidArguments
from qcos_core.model.pictures.sweep import percentages

pytestmark = pytest.mark.optional_part("matplotlib")

ANGLE = Parameter("$\\theta$")


@pytest.fixture(scope="module")
def sweep():
    circuit = QuantumCircuit(4, name="wave")
    for qubit in range(4):
        circuit.rx(ANGLE * (qubit + 1), qubit)
    circuit.measure_all()
    with DistributedQVM(ClusterBuilder().add("local_numpy").build()) as qvm:
        yield qvm.run((circuit, {ANGLE: np.linspace(0, 1, 7)}), 1000, seed=1)


def lines(figure):
    (axes,) = figure.axes
    return {line.get_label(): line for line in axes.lines}


def test_curves_are_the_counts(sweep):
    drawn = lines(sweep.plot())
    assert len(drawn) == 9
    for key, line in drawn.items():
        if key != "all others":
            percent = [one.get(key, 0) / 10 for one in sweep.counts]
            assert line.get_ydata() == pytest.approx(percent)
            assert line.get_xdata() == pytest.approx(np.linspace(0, 1, 7))
    total = sum(line.get_ydata() for line in drawn.values())
    assert total == pytest.approx(np.full(7, 100.0))


def test_the_most_frequent_are_shown(sweep):
    keys, shares, rest = percentages(sweep, 3)
    totals = {}
    for counts in sweep.counts:
        for key, number in counts.items():
            totals[key] = totals.get(key, 0) + number
    assert keys == sorted(sorted(totals, key=totals.get)[-3:])
    assert shares.shape == (3, 7)
    assert rest == pytest.approx(100 - shares.sum(axis=0))
    assert percentages(sweep, 16)[2] is None


def test_axis_is_the_parameter_as_it_is_called(sweep):
    (axes,) = sweep.plot().axes
    assert axes.get_xlabel() == "$\\theta$"


def test_grid_is_drawn_by_the_number_of_its_points(sweep):
    two = QuantumCircuit(1)
    two.rx(ANGLE, 0)
    two.rx(Parameter("b"), 0)
    two.measure_all()
    with DistributedQVM(ClusterBuilder().add("local_numpy").build()) as qvm:
        grid = qvm.run((two, np.random.default_rng(0).uniform(0, 3, (2, 3, 2))), 100)
    (axes,) = grid.plot().axes
    assert axes.get_xlabel() == "point of the sweep"
    assert all(line.get_linestyle() == "None" for line in axes.lines)
    assert list(axes.lines[0].get_xdata()) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "8"])
def test_most_must_be_a_number(sweep, most):
    with pytest.raises(InvalidArguments, match="most must be a positive integer"):
        sweep.plot(most=most)


def test_paths_are_checked(sweep, tmp_path):
    with pytest.raises(InvalidArguments, match=r"must end in \.png"):
        sweep.plot(tmp_path / "sweep.txt")
    sweep.plot(tmp_path / "sweep.png")
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")
    sweep.timeline(tmp_path / "when.svg")


def test_points_without_counts_cannot_be_drawn(sweep):
    from dataclasses import replace

    quiet = replace(sweep, results=tuple(replace(one, packed=None) for one in sweep.results))
    with pytest.raises(CircuitRejected, match="measures nothing"):
        quiet.plot()
