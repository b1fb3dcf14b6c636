"""``--bind``: what it reads, what it makes of circuits, and what a person then sees."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Parameter

from qcos_core import InvalidArguments, SweepResult
from qcos_core.cli.binds import bound, parse_binds

needs_click = pytest.mark.optional_part("click")
needs_pictures = pytest.mark.optional_part("click", "matplotlib")


@pytest.mark.parametrize(
    "text, values",
    [
        ("a=0.3", [0.3]),
        ("a = -1e-3", [-1e-3]),
        ("a=0,0.5,1", [0, 0.5, 1]),
        ("a=pi", [math.pi]),
        ("a=-pi/2,2pi,0.5*pi,+3*pi/4", [-math.pi / 2, math.tau, math.pi / 2, 3 * math.pi / 4]),
        ("a=0:1:3", [0, 0.5, 1]),
        ("a=2pi:0:2", [math.tau, 0]),
    ],
)
def test_values_that_can_be_read(text, values):
    assert parse_binds([text]) == {"a": values}


def test_range_has_both_its_ends():
    values = parse_binds(["theta=0:6.28:50"])["theta"]
    assert len(values) == 50
    assert values[0] == 0
    assert values[-1] == 6.28
    assert np.allclose(values, np.linspace(0, 6.28, 50))


def test_vector_s_element_has_brackets_in_its_name():
    assert parse_binds(["th[0]=1", "th[1]=2"]) == {"th[0]": [1], "th[1]": [2]}


@pytest.mark.parametrize(
    "texts, reason",
    [
        (["theta"], "cannot read"),
        (["=3"], "cannot read"),
        (["a="], "cannot read"),
        (["a=0:1"], "cannot read"),
        (["a=0:1:2:3"], "cannot read"),
        (["a=0:1:x"], "cannot read"),
        (["a=0:1:1"], "COUNT must be from 2"),
        (["a=0:1:9999999"], "COUNT must be from 2"),
        (["a=x"], "'x' is not a number"),
        (["a=1,,2"], "'' is not a number"),
        (["a=nan"], "not a number"),
        (["a=1e999"], "not a number"),
        (["a=pi/0"], "not a number"),
        (["a=1", "a=2"], "names a twice"),
        (["a=0:1:1001", "b=0:1:1001"], "asks for 1,002,001 points"),
    ],
)
def test_values_that_cannot_be_read(texts, reason):
    with pytest.raises(InvalidArguments, match=reason):
        parse_binds(texts)


def two(name="two"):
    circuit = QuantumCircuit(2, name=name)
    circuit.rx(Parameter("a"), 0)
    circuit.rx(Parameter("b"), 1)
    circuit.measure_all()
    return circuit


def test_grid_has_its_axes_in_the_order_of_the_binds():
    (spec,) = bound([two()], {"b": [1, 2], "a": [3, 4, 5]})
    assert spec.parameter_values["b"].tolist() == [[1, 1, 1], [2, 2, 2]]
    assert spec.parameter_values["a"].tolist() == [[3, 4, 5], [3, 4, 5]]


def test_each_circuit_gets_its_own_parameters(bell):
    first, second = bound([two(), bell], {"a": [1], "b": [2]})
    assert first.parameter_values == {"a": 1, "b": 2}
    assert second is bell


def test_parameters_and_values_must_match(bell):
    with pytest.raises(InvalidArguments, match=r"names c, which no circuit has.*: a, b"):
        bound([two(), bell], {"a": [1], "b": [1], "c": [1]})
    with pytest.raises(InvalidArguments, match=r"two has parameters without a value: b\."):
        bound([two()], {"a": [1]})


@pytest.fixture
def qcos(tmp_path, monkeypatch, capsys):
    """Run a command beside a file of one circuit: its exit code, output and errors."""
    from qcos_core.cli.app import app

    monkeypatch.chdir(tmp_path)
    with Path("two.qpy").open("wb") as file:
        qpy.dump(two(), file)

    def run(command, *arguments):
        with pytest.raises(SystemExit) as ending:
            app.main([command, "two.qpy", "--on", "local_numpy", *arguments], prog_name="qcos")
        out, err = capsys.readouterr()
        return ending.value.code, out, err

    return run


@needs_click
def test_sweep_is_one_table(qcos):
    code, out, err = qcos(
        "run", "--bind", "a=0:pi:3", "--bind", "b=pi", "--shots", "100", "--seed", "1"
    )
    assert (code, err) == (0, "")
    assert "PLAN  1 circuit, 300 shots, 3 shards on 1 node" in out
    assert "3 x 100" in out
    assert "COUNTS  two: 3 points of a, 100 shots each" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["a", "10", "11"] in rows
    assert ["0", "100.00%", "0.00%"] in rows
    assert ["3.14159", "0.00%", "100.00%"] in rows
    assert "--bind a=0:pi:3" in out
    assert "--bind b=pi" in out
    assert max(map(len, out.splitlines())) <= 80


@needs_click
def test_long_sweep_says_what_it_leaves_out(qcos):
    _, out, _ = qcos("run", "--bind", "a=0:1:40", "--bind", "b=1,2", "--shots", "10")
    assert "... and 55 more points; --plot or --json has all" in out


@needs_click
def test_sweep_as_json(qcos):
    code, out, _ = qcos("run", "--bind", "a=0:pi:3", "--bind", "b=0", "--shots", "10", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["schema"] == "qcos.sweep/1"
    sweep = SweepResult.from_dict(document)
    assert sweep.shape == (3,)
    assert sweep[2].counts == {"01": 10}
    assert sweep[2].parameters == {"a": math.pi, "b": 0}


@needs_click
def test_single_point_is_no_sweep(qcos):
    _, out, _ = qcos("run", "--bind", "a=pi", "--bind", "b=0", "--shots", "10")
    assert "COUNTS  two: 10 shots, 1 outcome" in out


@needs_click
def test_plan_of_a_sweep(qcos):
    code, out, _ = qcos("plan", "--bind", "a=0:pi:3", "--bind", "b=0")
    assert code == 0
    assert "3 points of a, 1,024 shots each" in " ".join(out.split())


@needs_click
def test_wrong_binds_are_wrong_usage(qcos):
    code, out, err = qcos("run", "--bind", "a=0:pi")
    assert (code, out) == (2, "")
    assert "START:STOP:COUNT" in err
    code, _, err = qcos("run")
    assert code == 2
    assert "Give them with --bind" in err


@needs_pictures
def test_picture_of_a_sweep(qcos):
    code, out, _ = qcos("run", "--bind", "a=0:pi:9", "--bind", "b=0", "--plot", "sweep.svg")
    assert code == 0
    assert "picture: sweep.svg" in out
    drawing = Path("sweep.svg").read_text()
    assert drawing.count('<g id="line2d_') > 4
    assert Path("sweep.svg").stat().st_size > 5000
