"""QPY from strangers: what is refused by its header, and what only another process may try."""

import io
import struct
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from qiskit import QuantumCircuit, qpy

from qcos_core import InvalidArguments
from qcos_core.circuits import trial, untrusted
from qcos_core.circuits.untrusted import read_untrusted, version_of_qpy


def packed(*circuits, version=qpy.QPY_VERSION):
    buffer = io.BytesIO()
    qpy.dump(circuits, buffer, version=version)
    return buffer.getvalue()


@pytest.fixture
def content(bell):
    return packed(bell)


@pytest.mark.parametrize("version", range(untrusted.OLDEST_VERSION, qpy.QPY_VERSION + 1))
def test_every_version_that_is_data(bell, version):
    content = packed(bell, version=version)
    assert version_of_qpy(content) == version
    assert read_untrusted([content, content]) == [bell, bell]


def test_nothing_to_read():
    assert read_untrusted([]) == []


def with_version(content, version):
    return content[:6] + bytes([version]) + content[7:]


@pytest.mark.parametrize(
    "damage, text",
    [
        (lambda content: b"", "it is no QPY"),
        (lambda content: b"QISKIT", "it is no QPY"),
        (lambda content: b"OPENQASM 2.0;", "it is no QPY"),
        (
            lambda content: with_version(content, 12),
            "it is QPY 12, and before 13 QPY can hold code",
        ),
        (lambda content: with_version(content, 1), "it is QPY 1, and before 13"),
        (lambda content: with_version(content, 200), r"it is QPY 200, .* reads up to .* Upgrade"),
        (lambda content: content[:-3], "its QPY is damaged"),
        (lambda content: content[:40], "its QPY is damaged"),
        (
            lambda content: packed(QuantumCircuit(1), QuantumCircuit(1)),
            "it holds 2 circuits, not one",
        ),
    ],
)
def test_what_is_refused(content, damage, text):
    with pytest.raises(InvalidArguments, match=rf"circuit \[1\] cannot be read: {text}"):
        read_untrusted([content, damage(content)])


def test_old_qpy_is_refused_before_anything_parses_it(content, monkeypatch):
    def fail(*arguments, **names):
        raise AssertionError

    monkeypatch.setattr(subprocess, "run", fail)
    monkeypatch.setattr(untrusted, "parse_circuits", fail)
    with pytest.raises(InvalidArguments, match="can hold code"):
        read_untrusted([with_version(content, 12)])


def test_too_large(content, monkeypatch):
    monkeypatch.setattr(untrusted, "MOST_BYTES", len(content))
    assert read_untrusted([content])
    with pytest.raises(InvalidArguments, match="its circuits have more than"):
        read_untrusted([content, content])


def test_one_that_asks_for_too_much_memory_ends_another_process(content):
    """The header says that there are four million qubits, and the reader makes them."""
    assert content[28:33] == struct.pack("!HcH", len("bell"), b"f", 8)
    hostile = bytearray(content)
    struct.pack_into("!I", hostile, 33, 1 << 22)
    with pytest.raises(InvalidArguments, match=r"\[0\] cannot be read: .* memory"):
        read_untrusted([bytes(hostile)])


def test_one_that_takes_too_long(content, monkeypatch):
    monkeypatch.setattr(untrusted, "_WALL_SECONDS", 0.01)
    with pytest.raises(InvalidArguments, match="more memory or time than a circuit may"):
        read_untrusted([content])


def test_the_other_process_is_bounded(content):
    code = """
import sys
import qiskit.circuit.library
import qiskit.qpy
from qcos_core.circuits import trial
content = sys.stdin.buffer.read()
trial.bound_memory(len(content))
print(trial.problem_of(content) or "read")
try:
    bytearray(2 * trial.MEMORY_BYTES)
except MemoryError:
    print("no more")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], input=content, capture_output=True, check=True
    )
    assert done.stdout.split() == [b"read", b"no", b"more"]


def test_a_large_circuit_is_read():
    circuit = QuantumCircuit(50, 50)
    for index in range(50_000):
        circuit.rx(index, index % 50)
        circuit.cx(index % 50, (index + 1) % 50)
    assert read_untrusted([packed(circuit)])[0].size() == 100_000


def test_it_reads_nothing_of_the_current_folder(content, tmp_path, monkeypatch):
    (tmp_path / "qiskit.py").write_text("raise SystemExit('mine')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert len(read_untrusted([content])) == 1


@given(st.data())
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_does_more_than_be_found(content, data):
    """What the other process does with damaged bytes, without the process."""
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(7, len(damaged) - 1))
        damaged[place] = data.draw(st.sampled_from([0, 1, damaged[place] ^ 1]))
    found = trial.problem_of(bytes(damaged))
    assert found == "" or found.startswith(("its QPY is damaged", "it holds "))
