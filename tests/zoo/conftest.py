"""Holds the animals of the zoo to the kit, once."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

MODULES = Path(__file__).parent / "modules"

METADATA = "Metadata-Version: 2.1\nName: qcos-zoo\nVersion: 1.0\nRequires-Dist: qcos-core\n"


def install(folder):
    """Install the zoo's entry points, as an installer would leave them."""
    from zoo_all import ENTRY_POINTS

    info = folder / "qcos_zoo-1.0.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text(METADATA)
    lines = [f"{key} = {value}" for key, value in ENTRY_POINTS.items()]
    info.joinpath("entry_points.txt").write_text("\n".join(["[qcos.providers]", *lines]))


def start(site, part):
    """Start pytest on a part of the zoo, such as ``"0/2"``, away from this project's settings."""
    name = part.replace("/", "-")
    path = os.pathsep.join(filter(None, [str(site), str(MODULES), os.environ.get("PYTHONPATH")]))
    tool = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(site)]
    away = ["--noconftest", "-p", "no:cacheprovider", "-W", "error"]
    told = ["-q", "--tb=short", f"--junitxml={site / name}.xml"]
    return subprocess.Popen(
        [*tool, *away, *told, str(MODULES / "zoo_checks.py")],
        env={**os.environ, "PYTHONPATH": path, "ZOO": part},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read(report):
    """What became of each check, by animal: ``"passed"``, or its failure's or skip's text."""
    verdicts = {}
    for case in ET.parse(report).iter("testcase"):
        animal = case.get("classname").rpartition(".")[2].removeprefix("Test_")
        problem = case.find("failure") if case.find("error") is None else case.find("error")
        skipped = case.find("skipped")
        verdict = ("passed", "")
        if problem is not None:
            verdict = ("failed", problem.get("message"))
        elif skipped is not None:
            verdict = ("skipped", skipped.get("message"))
        verdicts.setdefault(animal, {})[case.get("name")] = verdict
    return verdicts


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory):
    """What the kit says of every animal and of every right provider, check by check."""
    site = tmp_path_factory.mktemp("zoo")
    install(site)
    found = {}
    for part, process in [(part, start(site, part)) for part in ("0/2", "1/2")]:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 1, output
        found |= read(site / f"{part.replace('/', '-')}.xml")
    return found
