"""Runs the kit as an author would: pytest in a process and a folder of its own."""

import os
import subprocess
import sys

import pytest


@pytest.fixture
def author(tmp_path):
    """Run a file of tests with options; what pytest prints."""

    def run(source, *options, code=0):
        tmp_path.joinpath("test_mine.py").write_text(source)
        tool = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(tmp_path)]
        common = ["-q", "-rs", "-W", "error", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*tool, *common, *options, "test_mine.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return run
