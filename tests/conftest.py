"""In CI nothing is skipped by accident.

A skip is meant for a person's machine, where a part may be missing. In CI (``CI=true``) all parts
were to be installed, so there every skip is a failure, but for two kinds:

- ``@pytest.mark.optional_part()`` on a test that needs hardware, such as a GPU;
- ``@pytest.mark.optional_part("click")`` on a test that needs a module of an extra. It is skipped
  where that module is missing, which is excused only where extras were left out on purpose
  (``QCOS_WITHOUT_EXTRAS=1``, set by ``nox -s alone``).
"""

import os
from importlib.util import find_spec

import pytest

IN_CI = os.environ.get("CI") == "true"
WITHOUT_EXTRAS = os.environ.get("QCOS_WITHOUT_EXTRAS") == "1"


def is_there(module):
    """Whether a module could be imported; it is not."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even its parent is there
        return False


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory, monkeypatch):
    """What a test writes down is its own."""
    monkeypatch.setenv("QCOS_STATE", str(tmp_path_factory.getbasetemp() / "state"))


@pytest.fixture(autouse=True)
def _not_calibrated(tmp_path_factory, monkeypatch):
    """Plans expect the same on every machine: a developer's own calibration is not read."""
    monkeypatch.setenv("QCOS_CACHE", str(tmp_path_factory.getbasetemp() / "no-cache"))


@pytest.fixture(autouse=True)
def _no_login_node(monkeypatch):
    """A machine that has Slurm is taken for a login node, but not inside a batch job."""
    monkeypatch.setenv("SLURM_JOB_ID", "1")


def pytest_runtest_setup(item):
    for marker in item.iter_markers("optional_part"):
        missing = [module for module in marker.args if not is_there(module)]
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)}")


def fail_if_skipped(report, *, excused):
    """Turn a skip into a failure in CI; an expected failure counts as skipped, and is none."""
    if IN_CI and report.skipped and not excused and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI takes for a failure: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    parts = item.iter_markers("optional_part")
    excused = any(WITHOUT_EXTRAS or not part.args for part in parts)
    return fail_if_skipped((yield), excused=excused)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return fail_if_skipped((yield), excused=WITHOUT_EXTRAS)
