"""What several tests of the core share. Nothing here needs more than qcos-core itself."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import settings
from qiskit import QuantumCircuit

from qcos_core import DistributedQVM, NodeProvider, NodeProviderRegistry, QPUNodeSpec, QPURegistry
from qcos_core.providers import discovery
from qcos_core.qvm import failover

settings.register_profile("qcos", deadline=None)  # no test depends on how busy a machine is
settings.load_profile("qcos")


@pytest.fixture(autouse=True)
def _forget_registrations(monkeypatch):
    """Each test starts with the installed providers alone, none of them loaded."""
    monkeypatch.setattr(NodeProviderRegistry, "_registered", {})
    monkeypatch.setattr(NodeProviderRegistry, "_loaded", {})


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    """Nodes that fail are tried again at once."""
    monkeypatch.setattr(failover, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(failover, "FIRST_REST_S", 0.0)


@pytest.fixture
def only_core(monkeypatch):
    """As if qcos-core were all of QCOS that is installed."""
    found = discovery.entry_points

    def of_core(group):
        return tuple(point for point in found(group) if point.distribution == "qcos-core")

    monkeypatch.setattr(discovery, "entry_points", of_core)


class Site:
    """A folder like site-packages, with tiny distributions in it."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def add(self, name, *, modules=None, providers=None, plugins=None, version="1.0"):
        """Install a distribution, as an installer would leave it."""
        for module, source in (modules or {}).items():
            (self.folder / f"{module}.py").write_text(source)
        lines = []
        for group, entries in (("qcos.providers", providers), ("qcos.plugins", plugins)):
            if entries:
                lines += [f"[{group}]", *(f"{key} = {value}" for key, value in entries.items())]
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        info.joinpath("entry_points.txt").write_text("\n".join(lines))
        return info

    def run(self, code):
        """Run code in a fresh interpreter that has this site; what it prints is read as JSON."""
        path = os.pathsep.join([str(self.folder), *filter(None, [os.environ.get("PYTHONPATH")])])
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path / "site")


class ZerosProvider(NodeProvider):
    """Answers every circuit with zeros; tests derive from it what goes wrong."""

    DISPLAY_NAME = "Zeros"

    def build_nodes(self, n_nodes=1, max_qubits=30, node_prefix="zeros"):
        return [QPUNodeSpec(f"{node_prefix}-{i}", "other", max_qubits) for i in range(n_nodes)]

    def execute(self, circuit, shots, node_spec):
        return {"0" * circuit.num_clbits: shots}


@pytest.fixture
def zeros_provider():
    return ZerosProvider


@pytest.fixture
def machine():
    """Make a DistributedQVM of provider instances, each with nodes of its own ids."""
    made = []

    def make(*providers, **arguments):
        registry = QPURegistry()
        for index, provider in enumerate(providers):
            for spec in provider.build_nodes():
                spec.node_id = f"node-{index}" if len(providers) > 1 else spec.node_id
                registry.register(spec, provider)
        made.append(DistributedQVM(registry, **arguments))
        return made[-1]

    yield make
    for qvm in made:
        qvm.close()


@pytest.fixture
def bell():
    circuit = QuantumCircuit(2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


class Clock:
    """A clock that the test turns."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()
