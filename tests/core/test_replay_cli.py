"""``qcos run --manifest`` and ``qcos replay``: what a person types and sees."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from qiskit import qasm2

from qcos_core import Limits, NodeProviderRegistry, replay
from qcos_core.circuits import files
from qcos_core.qvm import recorded

pytestmark = pytest.mark.optional_part("click")

WRITTEN = Path(__file__).with_name("bell.manifest.json")
NUMPY = ("--on", "local_numpy")


@pytest.fixture
def qcos(bell, tmp_path, monkeypatch, capsys):
    """Run a command in this process, in a folder with a circuit: exit code, output, errors."""
    from qcos_core.cli.app import app

    monkeypatch.chdir(tmp_path)
    Path("bell.qasm").write_text(qasm2.dumps(bell))
    read = lambda contents: [files.parse_circuits(one)[0] for one in contents]  # noqa: E731
    monkeypatch.setattr(recorded, "read_untrusted", read)  # it has tests of its own

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ending:
            app.main([str(argument) for argument in arguments], prog_name="qcos")
        out, err = capsys.readouterr()
        return ending.value.code, out, err

    return run


@pytest.fixture
def written(qcos):
    code, out, _ = qcos("run", "bell.qasm", *NUMPY, "--seed", 7, "--manifest", "run.json")
    assert code == 0
    assert out.splitlines()[-1] == " manifest: run.json"
    return Path("run.json")


def test_run_and_replay_print_the_same_counts(qcos, written):
    _, ran, _ = qcos("run", "bell.qasm", *NUMPY, "--seed", 7)
    code, again, err = qcos("replay", written)
    assert (code, err) == (0, "")
    counts = ran[ran.index("COUNTS") : ran.index("SHARDS")]
    assert counts in again
    assert again.startswith("PLAN  1 circuit, 1,024 shots")


def test_check(qcos, written):
    code, out, err = qcos("replay", written, "--check")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "circuit, options, method, nodes, seeds, versions, platform: match",
        "simulators with seeds: the counts are equal",
    ]


def test_check_that_fails(qcos, written):
    document = json.loads(written.read_text())
    document["runs"][0]["seed"] = 8
    written.write_text(json.dumps(document))
    code, out, _ = qcos("replay", written, "--check")
    assert code == 1
    assert "simulators with seeds: bell: the counts differ; marginals within" in out
    code, out, _ = qcos("replay", written)
    assert code == 0


def test_json(qcos, written):
    code, out, _ = qcos("replay", written, "--json")
    assert (code, json.loads(out)["schema"]) == (0, "qcos.result/1")
    code, out, _ = qcos("replay", written, "--check", "--json")
    document = json.loads(out)
    assert (code, document["schema"], document["agrees"]) == (0, "qcos.replay/1", True)
    assert (
        document["outcome"]["counts"]
        == json.loads(written.read_text())["runs"][0]["result"]["counts"]
    )
    code, out, err = qcos("run", "bell.qasm", *NUMPY, "--json", "--manifest", "other.json")
    assert json.loads(out)["schema"] == "qcos.result/1"
    assert err == " manifest: other.json\n"


def test_another_cluster(qcos, written):
    code, out, _ = qcos("replay", written, "--check", "--on", "local_numpy:node_prefix=mine")
    assert code == 0
    assert "nodes: local-numpy-0 -> mine-0" in out
    Path("c.toml").write_text('[[slot]]\nprovider = "local_numpy"\n')
    assert qcos("replay", written, "--check", "--cluster", "c.toml")[0] == 0
    code, _, err = qcos("replay", written, *NUMPY, "--cluster", "c.toml")
    assert (code, err) == (
        2,
        "error: --on and --cluster exclude each other. See: qcos replay --help\n",
    )


def test_trust(qcos, written, zeros_provider):
    class Far(zeros_provider):
        def limits(self, node):
            return Limits(simulated=True, seeded=True)

    NodeProviderRegistry.register("far", Far)
    assert qcos("run", "bell.qasm", "--on", "far", "--manifest", "far.json")[0] == 0
    code, out, err = qcos("replay", "far.json", "--check")
    assert (code, out) == (2, "")
    assert "may reach other machines" in err
    assert "--trust" in err
    assert qcos("replay", "far.json", "--check", "--trust")[0] == 0


@pytest.mark.parametrize("name", ["missing/run.json", "."])
def test_a_manifest_that_could_not_be_written_stops_before_the_run(qcos, name):
    code, out, err = qcos("run", "bell.qasm", *NUMPY, "--manifest", name)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: cannot write {name}.")


def test_files_that_are_none(qcos):
    code, _, err = qcos("replay", "nowhere.json")
    assert (code, err) == (2, "error: cannot read nowhere.json: No such file or directory.\n")
    Path("torn.json").write_text('{"schema": ')
    code, _, err = qcos("replay", "torn.json")
    assert code == 2
    assert err.startswith("error: torn.json: not a JSON document")


def test_nothing_in_a_file_steers_the_terminal(qcos, written):
    document = json.loads(written.read_text())
    document["runs"][0] |= {"name": "\x1b[2Jevil\nname", "seed": 8, "options": {}}
    document["versions"] |= {"\x1b[31mred": "\x07"}
    document["runs"][0]["result"]["shards"][0]["node_id"] = "\x1b]0;x\x07"
    written.write_text(json.dumps(document))
    for arguments in (("--check",), ()):
        code, out, err = qcos("replay", written, *arguments)
        assert code in (0, 1)
        assert not {"\x1b", "\x07"} & set(out + err)
        assert max(map(len, out.splitlines())) <= 80


def test_a_manifest_of_another_machine_is_replayed_by_a_fresh_process(tmp_path):
    """``nox -s alone`` runs this with wheels, in an environment far from the checkout."""
    shutil.copy(WRITTEN, tmp_path)
    done = subprocess.run(
        [Path(sys.executable).with_name("qcos"), "replay", WRITTEN.name, "--check"],
        cwd=tmp_path,
        env={**os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("circuit, options, ")
    same_versions = "versions" in done.stdout.splitlines()[0]
    assert done.returncode == 0 or not same_versions
    assert "marginals" in done.stdout or "the counts are equal" in done.stdout


def test_the_same_file_from_python():
    again = replay(WRITTEN)
    assert sum(again.results[0].counts.values()) == 500
    assert again.comparison.verdicts[0].kind == "simulators with seeds"
