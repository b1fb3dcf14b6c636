"""A coordinator may be killed at any instant; another goes on, and nothing is done twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qcos_core import Recovery

FULL = os.environ.get("QCOS_FULL")
KILLS = 500 if FULL else 5
SEED = 2026
SCRIPT = Path(__file__).with_name("kills.py")
PROFILES = ("plain", "created then 503", "list lag")
"""Far sides as they should be, that answer 503 after making a job, and whose lists lag 0.05 s."""


def call(*arguments):
    done = subprocess.run(
        [sys.executable, "-W", "error", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=3000,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def template_of(kind, folder):
    return folder, call(folder, "template", kind).strip()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return template_of("circuits", tmp_path_factory.mktemp("kills"))


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return template_of("parts", tmp_path_factory.mktemp("kills-parts"))


def run(template, *arguments):
    return json.loads(call(*template, *arguments))


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("recovery", [one.value for one in Recovery])
def test_killed_at_every_step(template, recovery, profile):
    found = run(template, recovery, profile, "every")
    assert found["wrong"] == []
    assert found["kills"] >= 6


@pytest.mark.parametrize("recovery", [one.value for one in Recovery])
def test_killed_at_every_step_of_a_circuit_in_parts(parts, recovery):
    found = run(parts, recovery, PROFILES[1], "every")
    assert found["wrong"] == []
    assert found["kills"] >= 6


@pytest.mark.parametrize("profile", PROFILES[1:])
@pytest.mark.parametrize("recovery", [one.value for one in Recovery])
def test_killed_at_random_instants(template, recovery, profile):
    found = run(template, recovery, profile, "random", str(KILLS), str(SEED))
    print(f"{recovery}, {profile}: {len(found['wrong'])} wrong of {found['kills']} (seed {SEED})")
    assert found["wrong"] == []
