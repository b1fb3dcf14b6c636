"""Fifty plugins, one of them broken: the broken one is a line, and nothing else is the matter."""

import pytest

NUMBER = 50
BROKEN = 17

PROJECT = """
[project]
name = "plugin-{index:02}"
version = "1.{index}"

[project.entry-points."qcos.providers"]
plugin_{index:02} = "plugin_{index:02}:Provider"
"""
MODULE = """
from qcos_core import NodeProvider, QPUNodeSpec

class Provider(NodeProvider):
    DISPLAY_NAME = "Plugin {index}"

    def build_nodes(self):
        return [QPUNodeSpec("plugin-{index}", "other", 5)]
"""


@pytest.fixture
def crowd(folder, tmp_path):
    for index in range(NUMBER):
        project = tmp_path / f"project-{index}"
        project.mkdir()
        project.joinpath("pyproject.toml").write_text(PROJECT.format(index=index))
        source = "import no_such_vendor\n" if index == BROKEN else MODULE.format(index=index)
        project.joinpath(f"plugin_{index:02}.py").write_text(source)
        folder.install(project)
    return folder


def test_listing_shows_those_that_work_and_names_the_broken_one(crowd):
    names, broken = crowd.run("""
import json
from qcos_core import NodeProviderRegistry as R
print(json.dumps([R.list(), [str(plugin) for plugin in R.broken()]]))
""")
    ours = {key: name for key, name in names.items() if key.startswith("plugin_")}
    expected = {f"plugin_{i:02}": f"Plugin {i}" for i in range(NUMBER) if i != BROKEN}
    assert ours == expected
    (line,) = broken
    assert line == (
        "plugin_17 (plugin-17 1.17): ModuleNotFoundError: No module named 'no_such_vendor'"
    )


def test_using_one_imports_no_other(crowd):
    loaded = crowd.run("""
import json, sys
from qcos_core import ClusterBuilder, NodeProviderRegistry
NodeProviderRegistry.keys()
ClusterBuilder().add("plugin_03").add("plugin_44").build()
print(json.dumps([name for name in sys.modules if name.startswith("plugin_")]))
""")
    assert sorted(loaded) == ["plugin_03", "plugin_44"]


def test_names_alone_import_none_and_nothing_heavy(crowd):
    loaded = crowd.run("""
import json, sys
from qcos_core import NodeProviderRegistry
assert len(NodeProviderRegistry.keys()) > 50
print(json.dumps(sorted(sys.modules)))
""")
    assert not [name for name in loaded if name.startswith("plugin_")]
    assert not {"qiskit", "numpy", "qiskit_aer"} & set(loaded)


def test_display_names_of_all_load_nothing_heavy(crowd):
    loaded = crowd.run("""
import json, sys
from qcos_core import NodeProviderRegistry
NodeProviderRegistry.list()
print(json.dumps(sorted(sys.modules)))
""")
    assert not {"qiskit", "numpy", "qiskit_aer"} & set(loaded)


def test_broken_one_does_not_stop_a_run_on_another(crowd):
    counts = crowd.run("""
import json
from qiskit import QuantumCircuit
from qcos_core import ClusterBuilder, DistributedQVM
circuit = QuantumCircuit(1, 1)
circuit.x(0)
circuit.measure(0, 0)
with DistributedQVM(ClusterBuilder().add("plugin_03").build()) as qvm:
    print(json.dumps(qvm.run(circuit, 10).counts))
""")
    assert counts == {"1": 10}
