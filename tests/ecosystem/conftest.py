"""Installs packages into folders of their own, as an installer would, without a network."""

import json
import os
import shutil
import subprocess
import sys
import tomllib

import pytest


class Folder:
    """A folder for packages, and interpreters that have it on their path."""

    def __init__(self, path):
        self.path = path

    def install(self, project):
        """Install a project of plain modules: what a wheel of it would unpack to."""
        facts = tomllib.loads((project / "pyproject.toml").read_text())["project"]
        self.path.mkdir(exist_ok=True)
        for module in project.glob("*.py"):
            shutil.copy(module, self.path)
        info = self.path / f"{facts['name'].replace('-', '_')}-{facts['version']}.dist-info"
        info.mkdir()
        needs = "".join(f"Requires-Dist: {need}\n" for need in facts.get("dependencies", ()))
        info.joinpath("METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {facts['name']}\nVersion: {facts['version']}\n{needs}"
        )
        lines = []
        for group, entries in facts["entry-points"].items():
            lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
        info.joinpath("entry_points.txt").write_text("\n".join(lines))

    def run(self, code):
        """Run code in a fresh interpreter; what it prints is read as JSON."""
        path = os.pathsep.join([str(self.path), *filter(None, [os.environ.get("PYTHONPATH")])])
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
def folder(tmp_path):
    return Folder(tmp_path / "packages")
