# /// script
# requires-python = ">=3.11"
# dependencies = ["nox[uv]>=2025.5.1", "packaging"]
# ///
"""Every check of the project: ``nox -l`` lists them, ``nox -s NAME`` runs one.

Packages, extras, dependency groups and pins are read from the workspace, never repeated here.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"

ROOT = Path(__file__).parent
WORKSPACE = nox.project.load_toml(ROOT / "pyproject.toml")
MEMBERS = [
    folder
    for pattern in WORKSPACE["tool"]["uv"]["workspace"]["members"]
    for folder in sorted(ROOT.glob(pattern))
    if (folder / "pyproject.toml").is_file()
]
PACKAGES: dict[str, dict[str, Any]] = {
    project["name"]: project | {"folder": folder}
    for folder in MEMBERS
    for project in [nox.project.load_toml(folder / "pyproject.toml")["project"]]
}
OLDEST_PYTHON = PACKAGES["qcos-core"]["requires-python"].removeprefix(">=")
PINS = {pin.partition("==")[0]: pin for pin in WORKSPACE["tool"]["uv"]["constraint-dependencies"]}
FOREIGN = re.compile(
    r"""(?:<(?:iframe|img|link|script|source)\b[^>]*?\b(?:href|src)=|url\(|@import)\s*["']?"""
    r"""((?:https?:)?//[^"'\s>)]+)"""
)
"""What a page or a style sheet loads from another host; links that a reader follows are not."""


def editable(package: str, *extras: str) -> list[str]:
    """Arguments that install a package from its folder."""
    folder = PACKAGES[package]["folder"]
    return ["-e", f"{folder}[{','.join(extras)}]" if extras else str(folder)]


def everything() -> list[str]:
    """Arguments that install all packages with all their extras."""
    return [
        argument
        for name, project in PACKAGES.items()
        for argument in editable(name, *project.get("optional-dependencies", {}))
    ]


def group(name: str) -> tuple[str, ...]:
    """The requirements of a dependency group."""
    return nox.project.dependency_groups(WORKSPACE, name)


def pins(session: nox.Session) -> str:
    """Write the workspace's pins to a file of the session and return its path."""
    path = Path(session.virtualenv.location, "pins.txt")
    path.write_text("\n".join(PINS.values()))
    return str(path)


def install(session: nox.Session, *arguments: str) -> None:
    """Install with the workspace's pins, whether uv or pip does it."""
    session.install("--constraint", pins(session), *arguments)


def run_tests(session: nox.Session, **env: str) -> None:
    """Install all there is and run the tests, or those that the command line names."""
    install(session, *everything(), *group("test"))
    session.run("pytest", *session.posargs, env=env)


def make_archives(session: nox.Session, target: Path) -> None:
    """Build the sdist of every package, and its wheel from that."""
    session.install("uv")
    session.run("uv", "build", "--quiet", "--all-packages", "--out-dir", str(target), str(ROOT))


def with_siblings(package: str) -> set[str]:
    """The package and those of the workspace that it declares, directly or not."""
    names = {Requirement(text).name for text in PACKAGES[package]["dependencies"]}
    return {package}.union(*(with_siblings(name) for name in names & PACKAGES.keys()))


def wheel_of(package: str) -> str:
    """The wheel of a package that was built into dist/ below the current folder."""
    return str(next(Path("dist").glob(f"{package.replace('-', '_')}-*.whl")))


def own_tests(package: str) -> str:
    """The folder of a package's own tests."""
    return f"tests/{package.removeprefix('qcos-')}"


@nox.session
def demo(session: nox.Session) -> None:
    """Five minutes with QCOS on this machine."""
    install(session, *editable("qcos-core", "cli"), *editable("qcos-aer"), "mqt.bench")
    session.run("python", "docs/examples/demo.py", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, with every package and extra installed."""
    run_tests(session)


@nox.session(default=False)
def full(session: nox.Session) -> None:
    """Run the tests with their full matrices."""
    run_tests(session, QCOS_FULL="1")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and who imports whom."""
    install(session, *group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    sources = ":".join(str(folder / "src") for folder in MEMBERS)
    session.run("lint-imports", env={"PYTHONPATH": sources})


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of every package."""
    install(session, *everything(), *group("types"))
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into build/docs, without a warning and free of other hosts."""
    install(session, *editable("qcos-core", "testing"), *editable("qcos-aer"), *group("docs"))
    target = ROOT / "build" / "docs"
    shutil.rmtree(target, ignore_errors=True)
    session.run("sphinx-build", "-W", "--keep-going", "-n", "docs", str(target))
    for path in [*target.rglob("*.html"), *target.rglob("*.css")]:
        for address in FOREIGN.findall(path.read_text()):
            session.error(f"{path.relative_to(target)} loads {address}")


@nox.session
@nox.parametrize("package", list(PACKAGES), ids=list(PACKAGES))
def alone(session: nox.Session, package: str) -> None:
    """Run a package's own tests where only what it declares is installed, far from here.

    First without its extras, then, if it has any, with them what was left out before.
    """
    with tempfile.TemporaryDirectory() as folder, session.chdir(folder):
        make_archives(session, Path("dist"))
        wheels = {name: wheel_of(name) for name in sorted(with_siblings(package))}
        tools = ["--constraint", pins(session), *group("test-alone")]
        session.run("uv", "venv", "--quiet", "--python", f"{session.bin}/python", "venv")
        session.run("uv", "pip", "install", "--python", "venv", *wheels.values(), *tools)

        shutil.copytree(ROOT / own_tests(package), own_tests(package))
        shutil.copy(ROOT / "tests/conftest.py", "tests")
        shutil.copy(ROOT / "pyproject.toml", ".")  # pytest's settings
        pytest = [f"{folder}/venv/bin/python", "-m", "pytest", own_tests(package)]
        session.run(*pytest, external=True, env={"QCOS_WITHOUT_EXTRAS": "1"})

        if extras := ",".join(PACKAGES[package].get("optional-dependencies", {})):
            wheels[package] += f"[{extras}]"
            session.run("uv", "pip", "install", "--python", "venv", *wheels.values(), *tools)
            session.run(*pytest, "-m", "optional_part", external=True)


@nox.session(python=OLDEST_PYTHON)
def minimums(session: nox.Session) -> None:
    """Run the packages' own tests with the oldest versions that they allow, Python's too."""
    session.install("uv")
    tools = [PINS.get(name, name) for name in group("test")]
    python = ["--python", session.virtualenv.location, "--resolution", "lowest-direct"]
    with tempfile.TemporaryDirectory() as folder, session.chdir(folder):  # there uv sees no pins
        session.run("uv", "pip", "install", *python, *everything(), *tools)
    session.run("pytest", *map(own_tests, PACKAGES))


@nox.session
def build(session: nox.Session) -> None:
    """Build every package into dist/ and look inside the wheels."""
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    make_archives(session, ROOT / "dist")
    wheels = list(ROOT.glob("dist/*.whl"))
    if len(wheels) != len(PACKAGES):
        session.error(f"{len(PACKAGES)} packages gave {len(wheels)} wheels")
    for wheel in wheels:
        names = zipfile.ZipFile(wheel).namelist()
        for wanted in ("/py.typed", ".dist-info/licenses/LICENSE"):
            if not any(name.endswith(wanted) for name in names):
                session.error(f"{wheel.name} holds no {wanted}")


@nox.session(default=False)
def benchmarks(session: nox.Session) -> None:
    """Print ratios against what a person would set by hand."""
    install(session, *everything(), *group("test"))
    session.run("python", "tests/benchmarks/run.py", *session.posargs)
