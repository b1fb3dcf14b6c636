"""Plugins that clash, that are broken or out of date, installed beside one that works."""

from pathlib import Path

import pytest

PROJECT = """
[project]
name = "{name}"
version = "2.0"
dependencies = ["qcos-core>=0.1,<1"]

[project.entry-points."qcos.providers"]
{key} = "{module}:Provider"
"""
PROVIDER = """
from qcos_core import NodeProvider, QPUNodeSpec

class Provider(NodeProvider):
    DISPLAY_NAME = "Provider"

    def build_nodes(self):
        return [QPUNodeSpec("provider-0", "other", 5)]
"""
OUTSIDER = Path(__file__).parent / "outsider"

TROUBLED = {
    "older-seam": (
        PROVIDER.replace("    DISPLAY_NAME", "    SEAM = 0\n    DISPLAY_NAME"),
        "it was written for version 0 of the provider interface, and this qcos-core has version 1",
    ),
    "newer-core": (
        PROVIDER.replace("QPUNodeSpec", "QPUNodeSpec, NotYetInvented", 1),
        "ImportError: cannot import name 'NotYetInvented' from 'qcos_core'",
    ),
    "no-vendor": ("import no_such_vendor\n", "ModuleNotFoundError: No module named"),
    "no-class": ("Provider = 'acme'\n", "'acme' is not a subclass of qcos_core.NodeProvider"),
}
TELL = """
import json
from qcos_core import NodeProviderRegistry as R
print(json.dumps([R.list(), [str(plugin) for plugin in R.broken()]]))
"""
KIT = """
from qcos_core.testing import DiscoveryTests, Profile

class TestKey(DiscoveryTests):
    profile = Profile(key={key!r})
"""


@pytest.fixture
def install(folder, tmp_path):
    """Install a plugin of one module."""

    def add(name, key, source):
        module = name.replace("-", "_")
        project = tmp_path / name
        project.mkdir()
        project.joinpath(f"{module}.py").write_text(source)
        project.joinpath("pyproject.toml").write_text(
            PROJECT.format(name=name, key=key, module=module)
        )
        folder.install(project)

    folder.install(OUTSIDER)
    for name, (source, _) in TROUBLED.items():
        add(name, name, source)
    add("acme-clone", "acme", PROVIDER)
    add("well", "well", PROVIDER)
    return folder


def test_each_is_one_line_with_its_package_and_its_cause(install):
    names, broken = install.run(TELL)
    assert names["well"] == "Provider"
    assert "acme" not in names
    lines = dict(line.split(" ", 1) for line in broken)
    assert lines.keys() == {"acme", *TROUBLED}
    for name, (_, cause) in TROUBLED.items():
        assert lines[name].startswith(f"({name} 2.0): ")
        assert cause in lines[name]
    assert lines["acme"] == (
        "(acme-clone 2.0 and acme-qcos 0.3): the key is claimed by acme-clone 2.0 and "
        "acme-qcos 0.3: uninstall one of them"
    )


@pytest.mark.parametrize("key", ["acme", "older-seam", "newer-core"])
def test_kit_says_the_same_of_them(install, tmp_path, key):
    tests = tmp_path / "tests-of-key"
    tests.mkdir()
    tests.joinpath("test_key.py").write_text(KIT.format(key=key))
    printed = install.test(tests, "-q", code=1)
    cause = "uninstall one of them" if key == "acme" else TROUBLED[key][1]
    assert f"the provider '{key}' of" in printed
    assert cause in printed
