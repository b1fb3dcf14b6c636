"""What was measured on this machine: kept, read, and believed only where it holds."""

import json
import stat
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from qiskit import QuantumCircuit

from qcos_core import InvalidArguments, NodeProviderRegistry
from qcos_core.circuits.profile import profile
from qcos_core.providers import calibration, host, numpy_cost
from qcos_core.providers.local_numpy import LocalNumpyProvider
from qcos_core.providers.numpy_cost import NumpyCosts

VERSIONS = {"model": "1", "simulator": "2.0"}
FOUND = {"run": 1e-3, "operation": 2.5e-9}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own, not there yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("QCOS_CACHE", str(folder))
    return folder


def test_what_was_measured_is_read_again(cache):
    assert calibration.stored("p", VERSIONS) is None
    path = calibration.store("p", VERSIONS, FOUND)
    assert calibration.stored("p", VERSIONS) == FOUND
    assert path.parent == cache
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in cache.iterdir()] == [path.name]


def test_measuring_again_replaces_it():
    calibration.store("p", VERSIONS, FOUND)
    calibration.store("p", VERSIONS, {"run": 5.0})
    assert calibration.stored("p", VERSIONS) == {"run": 5.0}


def test_another_process_reads_it():
    calibration.store("p", VERSIONS, FOUND)
    code = (
        "import sys; from qcos_core.providers import calibration;"
        f"assert calibration.stored('p', {VERSIONS!r}) == {FOUND!r};"
        "assert not {'qiskit', 'qiskit_aer', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.parametrize(
    "key, versions", [("q", VERSIONS), ("p", {**VERSIONS, "model": "2"}), ("p", {"model": "1"})]
)
def test_it_holds_for_one_provider_and_its_versions(key, versions):
    calibration.store("p", VERSIONS, FOUND)
    assert calibration.stored(key, versions) is None


@pytest.mark.parametrize("what, value", [("processor", "another"), ("cores", 1000)])
def test_it_holds_for_one_machine(monkeypatch, what, value):
    calibration.store("p", VERSIONS, FOUND)
    monkeypatch.setattr(host, what, lambda: value)
    calibration.store("other", VERSIONS, FOUND)  # what a process has read, it keeps until it writes
    assert calibration.stored("p", VERSIONS) is None


def test_machines_that_share_a_home_have_a_file_each(cache, monkeypatch):
    calibration.store("p", VERSIONS, FOUND)
    monkeypatch.setattr(host, "processor", lambda: "another")
    calibration.store("p", VERSIONS, {"run": 5.0})
    monkeypatch.undo()
    monkeypatch.setenv("QCOS_CACHE", str(cache))
    calibration._read.cache_clear()
    assert calibration.stored("p", VERSIONS) == FOUND


def damage(content):
    def write(path):
        path.write_bytes(content)

    return write


def change(**fields):
    def write(path):
        path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))

    return write


@pytest.mark.parametrize(
    "spoil",
    [
        damage(b""),
        damage(b"{"),
        damage(b"\xff\xfe"),
        damage(b"5"),
        damage(b"[" * 100_000),
        change(schema="qcos.calibration/2"),
        change(key="q"),
        change(fingerprint={}),
        change(coefficients=None),
        change(coefficients=[1.0]),
        change(coefficients={"run": "1"}),
        change(coefficients={"run": True}),
        change(coefficients={"run": -1.0}),
        change(coefficients={"run": 0.0}),
        change(coefficients={"run": float("nan")}),
        change(coefficients={"run": float("inf")}),
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_a_damaged_file_counts_as_absent(spoil):
    path = calibration.store("p", VERSIONS, FOUND)
    spoil(path)
    calibration._read.cache_clear()
    assert calibration.stored("p", VERSIONS) is None


@pytest.mark.parametrize("key", ["../../up", "a/b", "..", ".", "ü ☃", "x" * 60])
def test_any_key_has_a_file_in_the_folder(cache, key):
    path = calibration.store(key, VERSIONS, FOUND)
    assert path.resolve().parent == cache.resolve()
    assert calibration.stored(key, VERSIONS) == FOUND


@pytest.mark.parametrize("found", [None, 5, {"run": 0}, {"run": -1.0}, {1: 1.0}, {"run": "fast"}])
def test_what_cannot_be_right_is_not_kept(cache, found):
    with pytest.raises(InvalidArguments, match="numbers above 0 by name"):
        calibration.store("p", VERSIONS, found)
    assert not cache.exists()


def test_a_folder_that_cannot_be_written_to_is_told(cache):
    cache.write_text("a file")
    with pytest.raises(InvalidArguments, match="cannot be kept") as caught:
        calibration.store("p", VERSIONS, FOUND)
    assert "QCOS_CACHE" in caught.value.hint
    assert calibration.stored("p", VERSIONS) is None


FULL = """
import resource, sys
from qcos_core import InvalidArguments
from qcos_core.providers import calibration
resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))
try:
    calibration.store("p", {"model": "1", "simulator": "2.0"}, {"run": 5.0})
except InvalidArguments as error:
    sys.exit(0 if "File too large" in str(error) else 2)
"""


def test_nothing_half_written_stays_behind(cache):
    """In a process that cannot write more than 16 bytes."""
    calibration.store("p", VERSIONS, FOUND)
    subprocess.run([sys.executable, "-c", FULL], check=True)
    assert len(list(cache.iterdir())) == 1
    assert calibration.stored("p", VERSIONS) == FOUND


def test_the_folder_is_the_user_s_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("QCOS_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert calibration.cache_folder() == tmp_path / ".cache" / "qcos"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert calibration.cache_folder() == tmp_path / ".cache" / "qcos"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert calibration.cache_folder() == tmp_path / "xdg" / "qcos"
    monkeypatch.setenv("QCOS_CACHE", "~/mine")
    assert calibration.cache_folder() == tmp_path / "mine"


def _write_and_read(number):
    calibration.store("p", VERSIONS, {f"c{index}": float(number) for index in range(1, 200)})
    return set(calibration.stored("p", VERSIONS).values())


def test_processes_that_calibrate_at_once_leave_one_whole_file(cache):
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        seen = list(pool.map(_write_and_read, range(1, 81)))
    assert all(len(values) == 1 for values in seen)
    assert len(list(cache.iterdir())) == 1


# the reference node


def gates(width, size):
    circuit = QuantumCircuit(width, width)
    for place in range(size):
        circuit.ry(0.1, place % width)
    circuit.measure(range(width), range(width))
    return profile(circuit)


def test_the_reference_node_expects_what_was_measured():
    provider = LocalNumpyProvider()
    node = provider.build_nodes()[0]
    facts = gates(3, 10)
    before = provider.estimate_run(facts, 100, node, {}).seconds
    slow = {name: 10 * value for name, value in NumpyCosts().to_dict().items()}
    calibration.store("local_numpy", provider.calibrated_for(), slow)
    after = provider.estimate_run(facts, 100, node, {}).seconds
    assert after == pytest.approx([10 * bound for bound in before])
    calibration.store("local_numpy", provider.calibrated_for(), {"another": 1.0})
    assert provider.estimate_run(facts, 100, node, {}).seconds == before


def test_measuring_the_reference_node_gives_its_coefficients():
    found = LocalNumpyProvider.calibrate()
    assert found.keys() == NumpyCosts().to_dict().keys()
    assert all(value > 0 for value in found.values())


def test_the_fit_finds_the_coefficients_that_it_was_made_from():
    truth = NumpyCosts(3e-4, 7e-5, 2e-9)
    circuits = {"empty": (2, 2), "many operations": (2, 100), "wide": (13, 100)}
    times = {
        name: truth.run + size * (truth.operation + truth.amplitude * 2**width)
        for name, (width, size) in circuits.items()
    }
    # the amplitudes of narrow circuits are put down to operations
    assert numpy_cost.fitted(times).to_dict() == pytest.approx(truth.to_dict(), rel=1e-2)


def test_a_fit_of_noise_has_no_coefficient_of_nothing():
    found = numpy_cost.fitted({"empty": 1.0, "many operations": 0.5, "wide": 0.1})
    assert all(value > 0 for value in found.to_dict().values())


def test_who_measures_is_known_without_measuring(zeros_provider):
    class Measures(zeros_provider):
        @classmethod
        def calibrate(cls):
            raise AssertionError

        @classmethod
        def calibrated_for(cls):
            return VERSIONS

    class Moody(Measures):
        @classmethod
        def calibrated_for(cls):
            raise OSError

    for key, provider in (("measures", Measures), ("moody", Moody), ("plain", zeros_provider)):
        NodeProviderRegistry.register(key, provider)
    calibration.store("measures", VERSIONS, FOUND)
    found = calibration.measurable()
    assert found["measures"] is True
    assert found["moody"] is found["local_numpy"] is False
    assert "plain" not in found
