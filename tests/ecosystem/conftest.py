"""Installs packages into folders of their own, as an installer would, without a network."""

import json
import os
import shutil
import subprocess
import sys
import tomllib

import pytest

collect_ignore = ["outsider"]  # has tests of its own, which need it installed


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
        return json.loads(self.python("-c", code).splitlines()[-1])

    def test(self, tests, *options, code=0):
        """Run a package's own tests, out of reach of this project's settings; what they print."""
        shutil.copytree(tests, self.path / "tests")
        away = ["-c", os.devnull, "--rootdir", str(self.path), "-p", "no:cacheprovider"]
        return self.python("-m", "pytest", *away, *options, str(self.path / "tests"), code=code)

    def python(self, *arguments, code=0):
        """What a fresh interpreter prints that has this folder on its path."""
        path = os.pathsep.join([str(self.path), *filter(None, [os.environ.get("PYTHONPATH")])])
        done = subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=self.path,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "packages")
