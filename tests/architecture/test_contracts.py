"""What holds for every package alike, read from the workspace."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for path in ROOT.glob("packages/*/pyproject.toml"))
PROJECTS = {
    folder: tomllib.loads((folder / "pyproject.toml").read_text())["project"] for folder in FOLDERS
}
ENTRY_POINTS = [
    EntryPoint(name, value, group)
    for project in PROJECTS.values()
    for group, entries in {
        "console_scripts": project.get("scripts", {}),
        **project.get("entry-points", {}),
    }.items()
    for name, value in entries.items()
]
PROVIDER_MODULES = sorted({e.module for e in ENTRY_POINTS if e.group == "qcos.providers"})

each_package = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def import_package(folder):
    """The folder of the one import package that a distribution installs."""
    (init,) = folder.glob("src/*/__init__.py")
    return init.parent


def loaded_by(module):
    """The top-level modules that a fresh interpreter has loaded after importing this one."""
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    printed = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True
    ).stdout
    return {name.partition(".")[0] for name in json.loads(printed)}


def test_all_packages_share_one_version():
    assert len({project["version"] for project in PROJECTS.values()}) == 1


@each_package
def test_distribution_is_named_as_its_folder(folder):
    assert PROJECTS[folder]["name"] == folder.name


@each_package
def test_import_package_is_named_as_its_distribution(folder):
    exceptions = {"qcos-network": "network"}
    expected = exceptions.get(folder.name, folder.name.replace("-", "_"))
    assert import_package(folder).name == expected


@each_package
def test_package_is_typed_licensed_and_described(folder):
    assert (import_package(folder) / "py.typed").is_file()
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert (folder / PROJECTS[folder]["readme"]).read_text().startswith(f"# {folder.name}\n")


@each_package
def test_package_knows_the_bounds_of_the_core(folder):
    needs = [need for need in PROJECTS[folder]["dependencies"] if need.startswith("qcos-")]
    assert needs == ([] if folder.name == "qcos-core" else ["qcos-core>=0.1,<1"])


@each_package
def test_extras_that_messages_name_exist(folder):
    extras = {
        f"{project['name']}[{extra}]"
        for project in PROJECTS.values()
        for extra in project.get("optional-dependencies", {})
    }
    sources = "".join(path.read_text() for path in folder.glob("src/**/*.py"))
    assert set(re.findall(r"qcos-[a-z]+\[[a-z]+\]", sources)) <= extras


def test_contracts_of_imports_cover_every_package():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert sorted(settings["root_packages"]) == sorted(import_package(f).name for f in FOLDERS)


@pytest.mark.parametrize("entry", ENTRY_POINTS, ids=lambda entry: f"{entry.group}:{entry.name}")
def test_entry_point_resolves(entry):
    found = entry.load()
    assert callable(found) or (entry.group == "pytest11" and isinstance(found, ModuleType))


def test_core_imports_nothing_heavy():
    assert loaded_by("qcos_core") & {"qiskit", "numpy"} == set()


def test_pytest_plugin_imports_nothing_heavy():
    assert loaded_by("qcos_core.testing.plugin") & {"qiskit", "numpy", "pluggy", "pytest"} == set()


@pytest.mark.parametrize("module", PROVIDER_MODULES)
def test_provider_module_imports_no_vendor(module):
    assert loaded_by(module) & {"qiskit", "qiskit_aer"} == set()
