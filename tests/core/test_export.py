"""Results as files: whole or not there, safe in a spreadsheet, and a text that is true."""

import csv
import io
import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qcos_core import (
    Amount,
    ClusterBuilder,
    DistributedQVM,
    Estimate,
    InvalidArguments,
    JobFailed,
    Limits,
    NodeProvider,
    NodeProviderRegistry,
    PackedCounts,
    PartialResult,
    QPUNodeSpec,
    QVMJob,
    QVMResult,
    Registers,
    SweepResult,
    TaskResult,
    VirtualCircuitSpec,
    export_results,
    methods_text,
)
from qcos_core.model import export as export_module, spreadsheets

pytestmark = pytest.mark.usefixtures("only_core")
needs_matplotlib = pytest.mark.optional_part("matplotlib")
needs_click = pytest.mark.optional_part("click")

EVIL = '=HYPERLINK("http://x")\n\x1b[31m\u202e;@1,-2'
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\uff0b", "\uff0d", "\uff1d", "\uff20")


@pytest.fixture(scope="module")
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_numpy", n_nodes=2).build()) as qvm:
        yield qvm


def bell_of(name):
    circuit = QuantumCircuit(2, name=name)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


@pytest.fixture(scope="module")
def result(qvm):
    return qvm.run(bell_of("bell"), 1000, seed=7)


@pytest.fixture(scope="module")
def swept(qvm):
    angle, own = Parameter("=theta"), Parameter("shots")
    circuit = QuantumCircuit(1, name=EVIL)
    circuit.ry(angle, 0)
    circuit.rz(own, 0)
    circuit.measure_all()
    values = [[0.0, 0.5], [0.0, 1.0], [0.0, 2.0]]
    return qvm.run(VirtualCircuitSpec(circuit, parameter_values=values), 100, seed=1)


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_text())))


def text_of(result, **arguments):
    return " ".join(methods_text(result, **arguments).split())


# files


@needs_matplotlib
def test_one_circuit_is_a_folder_of_files(result, tmp_path):
    done = export_results(result, tmp_path / "out")
    assert done.folder == tmp_path / "out"
    assert done.left_out == ()
    assert set(done.files) == {
        "result.json",
        "counts.csv",
        "shards.csv",
        "histogram.png",
        "timeline.png",
        "methods.txt",
    }
    assert sorted(path.name for path in done.folder.iterdir()) == sorted(done.files)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (done.folder / "histogram.png").read_bytes().startswith(b"\x89PNG")
    again = QVMResult.from_json((done.folder / "result.json").read_text())
    assert again.counts == result.counts


@needs_matplotlib
def test_several_circuits_have_a_folder_each(qvm, swept, tmp_path):
    results = qvm.run([bell_of("a/../b"), bell_of("")], 10, seed=1)
    done = export_results([*results, swept, None], tmp_path / "out")
    folders = sorted(path.name for path in done.folder.iterdir() if path.is_dir())
    assert folders[0] == "1-a-b"
    assert folders[2].startswith("3-HYPERLINK-http-x-31m-1-2")
    assert all(name.replace("-", "").isalnum() for name in folders)
    assert len(folders) == 3
    written = {str(p.relative_to(done.folder)) for p in done.folder.rglob("*") if p.is_file()}
    assert written == set(done.files)
    assert {name for name in written if "/" not in name} == {"result.json", "timeline.png"}
    document = json.loads((done.folder / "result.json").read_text())
    assert document["schema"] == "qcos.results/1"
    assert document["results"][3] is None
    assert done.left_out == ("circuit 4: nothing of it came back",)


def test_counts_and_shards_are_all_there(result, tmp_path):
    folder = export_results(result, tmp_path / "out").folder
    found = rows(folder / "counts.csv")
    assert {row["outcome"].removeprefix("0b"): int(row["shots"]) for row in found} == result.counts
    assert all(float(row["share"]) == int(row["shots"]) / 1000 for row in found)
    (shard,) = rows(folder / "shards.csv")
    (record,) = result.shards
    assert shard["node"] == record.node_id
    assert (shard["simulated"], shard["exact"], shard["fallback"]) == ("yes", "yes", "no")
    assert int(shard["shots"]) == record.shots
    assert datetime.fromisoformat(shard["started"]).timestamp() == pytest.approx(
        record.started, abs=0.001
    )


def test_a_sweep_says_at_which_point(swept, tmp_path):
    folder = export_results(swept, tmp_path / "out").folder
    found = rows(folder / "counts.csv")
    assert list(found[0]) == ["point", "'=theta", "parameter shots", "outcome", "shots", "share"]
    assert [(row["point"], row["parameter shots"], row["shots"]) for row in found] == [
        ("0", "0.5", "100"),
        ("1", "1.0", "100"),
        ("2", "2.0", "100"),
    ]
    assert [row["point"] for row in rows(folder / "shards.csv")] == ["0", "1", "2"]
    document = json.loads((folder / "result.json").read_text())
    assert SweepResult.from_dict(document).results[0].counts == {"0": 100}


def test_keys_stay_text_however_a_spreadsheet_reads_numbers(result, tmp_path):
    packed = PackedCounts.from_ints({1: 600, 1 << 59: 400}, 60)
    wide = replace(result, packed=packed, registers=Registers(60, (("meas", 60),)))
    for place, one in enumerate((result, wide)):
        folder = export_results(one, tmp_path / str(place)).folder
        for row in rows(folder / "counts.csv"):
            with pytest.raises(ValueError):
                float(row["outcome"])
            assert row["outcome"].removeprefix("0b") in one.counts


@given(st.text(st.sampled_from("=+-@;,|\"'\t\r\n 1a\uff1d\x00\u202e\udc80")))
def test_no_name_is_a_formula_wherever_a_spreadsheet_cuts(name):
    written = spreadsheets.cell(name)
    written.encode()
    assert written.isprintable()
    for separator in (",", ";", "|", "\t"):
        for part in written.split(separator):
            assert not part.lstrip(' "').startswith(FORMULAS)


def test_hostile_names_reach_no_file_as_they_are(result, tmp_path):
    record = replace(
        result.shards[0],
        node_id=EVIL,
        provider="+1",
        executor="@x",
        method="-2+3",
        charges=(Amount(-1.0, "=USD"),),
        metadata={"device": EVIL, "versions": {EVIL: EVIL}, "like": EVIL, "layout": [EVIL]},
    )
    evil = replace(result, name=EVIL, shards=(record,), warnings=(EVIL,))
    folder = export_results(evil, tmp_path / "out").folder
    (row,) = rows(folder / "shards.csv")
    assert row["provider"] == "'+1"
    assert row["ran_on"] == "'@x"
    assert row["charges"] == "'-1 =USD"
    assert row["node"].startswith("'=HYPERLINK(")
    for name in ("shards.csv", "methods.txt"):
        text = (folder / name).read_text()
        assert all(char.isprintable() for char in text.replace("\n", ""))
        assert EVIL not in text


@pytest.mark.parametrize(
    "strange",
    [
        {"started": float("nan")},
        {"started": None, "seconds": None},
        {"seconds": float("inf")},
        {"metadata": {"versions": 3, "layout": 4, "device": ["x"], "physical_qubits": ["a"]}},
        {"metadata": {"layout": [True], "like": object()}},
        {"simulated": None, "exact": None, "method": ""},
        {"charges": (Amount(float("nan"), "USD"),)},
    ],
)
def test_whatever_a_provider_tells(result, strange, tmp_path):
    told = replace(result, shards=(replace(result.shards[0], **strange),))
    folder = export_results(told, tmp_path / "out").folder
    json.loads((folder / "result.json").read_text())
    assert len(rows(folder / "shards.csv")) == 1


def test_times_that_no_calendar_has():
    assert [spreadsheets.utc(seconds) for seconds in (1e300, -1e20, "now", None)] == [None] * 4


def test_nothing_is_overwritten(result, tmp_path):
    for taken in ("file", "folder", "link"):
        path = tmp_path / taken
        if taken == "file":
            path.write_text("mine")
        elif taken == "folder":
            path.mkdir()
        else:
            path.symlink_to("nowhere")
        with pytest.raises(InvalidArguments, match=f"{taken}' is there already"):
            export_results(result, path)
    assert (tmp_path / "file").read_text() == "mine"
    assert not list((tmp_path / "folder").iterdir())


def test_a_folder_that_appears_meanwhile_is_left_alone(result, tmp_path, monkeypatch):
    target = tmp_path / "out"

    def meanwhile(*arguments, **more):
        target.mkdir()
        (target / "theirs").write_text("x")
        return methods_text(*arguments, **more)

    monkeypatch.setattr(export_module, "methods_text", meanwhile)
    with pytest.raises(InvalidArguments, match="is there already"):
        export_results(result, target)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "theirs"]


def test_what_goes_wrong_leaves_nothing(result, tmp_path, monkeypatch):
    def broken(*arguments, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(export_module, "methods_text", broken)
    with pytest.raises(KeyboardInterrupt):
        export_results(result, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_who_is_killed_leaves_no_folder_of_that_name(result, tmp_path):
    (tmp_path / "result").write_text(result.to_json())
    code = (
        "import os, signal\n"
        "from qcos_core import QVMResult\n"
        "from qcos_core.model import export\n"
        "export._put = lambda draft, target: os.kill(os.getpid(), signal.SIGKILL)\n"
        "export.export_results(QVMResult.from_json(open('result').read()), 'out')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    (left,) = tmp_path.glob(".qcos-export-*")
    assert (left / "methods.txt").exists()


@pytest.mark.parametrize("folder", ["no/where", "a\x00b", ".", "", "/"])
def test_folders_that_cannot_be(result, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArguments):
        export_results(result, folder)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that nobody can write to")
def test_a_folder_that_nobody_can_write_to(result):
    with pytest.raises(InvalidArguments, match="'/proc/out' cannot be made: "):
        export_results(result, "/proc/out")


@pytest.mark.parametrize("nothing", [[], [None], [None, None]])
def test_nothing_to_export(nothing, tmp_path):
    with pytest.raises(InvalidArguments, match="nothing came back"):
        export_results(nothing, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_result(tmp_path):
    for wrong in (["00"], [{}], "result", 3):
        with pytest.raises(InvalidArguments, match="can export"):
            export_results(wrong, tmp_path / "out")


def test_without_matplotlib_pictures_are_left_out_and_it_says_so(result, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = export_results(result, tmp_path / "out")
    assert set(done.files) == {"result.json", "counts.csv", "shards.csv", "methods.txt"}
    assert done.left_out == ("pictures need matplotlib: pip install 'qcos-core[plot]'.",)


def test_what_measures_nothing_has_no_counts(result, tmp_path):
    saved = replace(result, packed=None, saved={"energy": 1.5})
    done = export_results(saved, tmp_path / "out")
    assert "counts.csv" not in done.files
    assert done.left_out[-1] == "counts.csv and histogram.png: bell measures nothing"
    assert 'which measures nothing, also saved data, labelled "energy"' in text_of(saved)


def test_no_shot_that_counts_is_exported_too(result, tmp_path):
    none = replace(result, packed=PackedCounts.from_ints({}, 2), shots=0)
    folder = export_results(none, tmp_path / "out").folder
    assert rows(folder / "counts.csv") == []
    assert "Of 1,000 shots that were asked for, 0 came back and count." in text_of(none)


# the text


def test_it_says_what_was_run(result):
    text = text_of(result)
    assert 'The circuit "bell" has 2 qubits and 2 classical bits.' in text
    assert "Its operations are measure (2), cx (1) and h (1)." in text
    assert "It was run for 1,000 shots. The seed was 7." in text
    assert (
        '1,000 shots were simulated on the node "local-numpy-0" of the provider "local_numpy", '
        'with the method "statevector". No quantum hardware took part.' in text
    )
    day = datetime.fromtimestamp(result.shards[0].started, UTC)
    assert f"It ran on {day.day} {day:%B %Y} (UTC)." in text
    assert f"Qiskit {result.versions['qiskit']}" in text
    assert "Javadi-Abhari" in text


def test_it_is_the_same_from_the_document(result, swept):
    assert methods_text(QVMResult.from_json(result.to_json())) == methods_text(result)
    assert methods_text(SweepResult.from_json(swept.to_json())) == methods_text(swept)


def test_it_is_silent_on_what_is_not_known(result):
    record = replace(
        result.shards[0], simulated=None, exact=None, method="", started=None, metadata={}
    )
    text = text_of(replace(result, plan=None, shards=(record,), versions={}))
    assert text == (
        'The circuit "bell" was run. It was run for 1,000 shots. The seed was 7. 1,000 shots '
        'were made on the node "local-numpy-0" of the provider "local_numpy".'
    )


def test_hardware_is_called_hardware_and_is_not_exact(machine, zeros_provider, bell):
    class Device(zeros_provider):
        def run_task(self, task, circuit, node):
            return TaskResult(
                task.id,
                PackedCounts.from_ints({0: task.shots}, 2),
                simulated=False,
                exact=True,
                charges=(Amount(0.3, "USD"), Amount(2.0, "QPU-s")),
                metadata={"device": "ion-1", "layout": [4, 2], "physical_qubits": [2, 4]},
            )

    text = text_of(machine(Device()).run(bell, 10, seed=3))
    assert '10 shots were made by quantum hardware on the node "zeros-0"' in text
    assert 'on the device "ion-1"' in text
    assert "The seed was 3, of which hardware takes no notice." in text
    assert "in their order, were placed on the physical qubits 4 and 2." in text
    assert "The providers charged 0.3 USD and 2 QPU-s." in text
    assert "simulated" not in text
    assert "cut-off" not in text


def test_a_fallback_does_not_pass_for_the_node(machine, bell):
    class Described(NodeProvider):
        DISPLAY_NAME = "Described"

        def build_nodes(self):
            return [QPUNodeSpec("paper", "other", 5)]

    text = text_of(machine(Described()).run(bell, 10, seed=3))
    assert 'planned for the node "paper"' in text
    assert 'and simulated by "' in text
    assert 'simulated on the node "paper"' not in text


def test_a_method_that_was_cut_short_is_no_exact_one(result):
    text = text_of(replace(result, shards=(replace(result.shards[0], exact=False),)))
    assert "the shots only approximate the simulated distribution" in text
    assert "without a cut-off" not in text


def test_noise_and_other_options(result):
    data = result.to_dict()["plan"]
    model = {"type": "x.NoiseModel", "repr": "<NoiseModel on ['h']>"}
    (task,) = data["shards"]
    given = {"noise_model": model, "precision": "single", "memory": None}
    plan = {**data, "shards": [{**task, "options": given}, {**task, "options": {}}]}
    text = text_of(replace(result, plan=None, plan_data=plan))
    assert "The noise model is <NoiseModel on ['h']> (in 1 of 2 shards)." in text
    assert "Other options were precision = single (in 1 of 2 shards)." in text
    record = replace(result.shards[0], metadata={"like": "fake_torino"})
    text = text_of(replace(result, shards=(record,)))
    assert "The gates, wiring and noise are those of the device fake_torino." in text


def test_a_sweep_is_told_of_as_one(swept):
    text = text_of(swept)
    assert "It was run at 3 points of its parameters, shots from 0.5 to 2." in text
    assert "It was run for 300 shots, 100 at each of them." in text
    assert "100 shots were simulated on the node" in text


def test_retries_and_warnings_stand_in_it(result):
    record = replace(result.shards[0], attempts=2)
    text = text_of(replace(result, shards=(record,), warnings=("mind this", "and that!")))
    assert "Of 1 shard, 1 took more than one attempt." in text
    assert text.endswith("Note: mind this. Note: and that!")


# jobs


class Fleet(NodeProvider):
    """Exact simulators of one lopsided bit, of which some fail, lie, or answer when they may."""

    DISPLAY_NAME = "Fleet"
    FAILING, LYING, HELD, SECONDS = (), (), (), (1e-4, 1e-4)
    GO = threading.Event()

    def build_nodes(self, n_nodes=3):
        return [QPUNodeSpec(f"coin-{index}", "other", 2) for index in range(n_nodes)]

    def limits(self, node):
        return Limits(simulated=True, paid=False, seeded=True)

    def estimate_run(self, profile, shots, node, options):
        return Estimate(seconds=self.SECONDS, method="coin", exact=True, sampling="per_shot")

    def execute(self, circuit, shots, node_spec, *, seed):
        if node_spec.node_id in self.FAILING:
            message = "no coin today."
            raise JobFailed(message)
        if node_spec.node_id in self.HELD:
            assert self.GO.wait(60)
        ones = int(np.random.default_rng(seed).binomial(shots, 0.3))
        key = "10" if node_spec.node_id in self.LYING else "01"
        return Counter({"00": shots - ones, key: ones})


@pytest.fixture
def fleet(tmp_path, monkeypatch):
    monkeypatch.setenv("QCOS_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    made = []

    def make(n_nodes=3, **facts):
        facts["GO"] = threading.Event()
        kind = type("Own", (Fleet,), facts)
        NodeProviderRegistry.register("coin", kind, replace=True)
        made.append((kind, DistributedQVM(ClusterBuilder().add("coin", n_nodes=n_nodes).build())))
        return made[-1][1]

    yield make
    for kind, qvm in made:
        kind.GO.set()
        qvm.close()


@pytest.fixture
def qcos(capsys):
    """Run a command in this process: its exit code, output and errors."""
    from qcos_core.cli.app import app

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ending:
            app.main([str(argument) for argument in arguments], prog_name="qcos")
        out, err = capsys.readouterr()
        return ending.value.code, out, err

    return run


@needs_click
def test_a_job_is_exported(fleet, bell, qcos):
    job = fleet().submit(bell, 3000, seed=1, name="my\nbell", tags=["x"])
    expected = job.result(timeout=60)
    code, out, err = qcos("export", job.job_id())
    assert (code, err) == (0, "")
    folder = Path(f"qcos-{job.job_id()}")
    assert out.splitlines()[0].endswith(f"files in {folder}")
    assert QVMResult.from_json((folder / "result.json").read_text()).counts == expected.counts
    assert all((folder / line.strip()).exists() for line in out.splitlines()[1:])
    code, _, err = qcos("export", job.job_id())
    assert code == 2
    assert "is there already" in err
    assert qcos("export", job.job_id(), "--to", "other")[0] == 0
    assert (Path("other") / "counts.csv").read_text() == (folder / "counts.csv").read_text()


@needs_click
def test_what_disagreed_is_said(fleet, bell, qcos):
    job = fleet(LYING=("coin-1",)).submit(bell, 60_000, seed=1, cross_check=True)
    with pytest.raises(PartialResult) as caught:
        job.result(timeout=60)
    code, _, err = qcos("export", job.job_id(), "--to", "out")
    assert code == 4
    assert "coin-1: it disagrees with" in " ".join(err.split())
    text = Path("out/methods.txt").read_text()
    assert 'Shots of the node "coin-1" were left out' in text
    (result,) = caught.value.results
    assert f"Of 60,000 shots that were asked for, {result.shots:,} came back and count." in text
    document = json.loads(Path("out/result.json").read_text())
    assert {error["error"] for error in document["errors"].values()} == {"CountsInvalid"}
    assert "ended" not in document


@needs_click
def test_a_job_that_goes_on_is_exported_as_far_as_it_is(fleet, bell, qcos):
    qvm = fleet(HELD=("coin-2",), SECONDS=(1.0, 1.0))
    job = qvm.submit(bell, 60_000, seed=1, strategy="shots", cross_check=True)
    deadline = time.monotonic() + 60
    while sum(one.shots for one in job.so_far()[0] if one is not None) < 40_000:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    code, out, err = qcos("export", job.job_id(), "--to", "half")
    assert code == 4
    assert "has not ended; more may come back" in " ".join(err.split())
    assert "half" in out
    assert job.status().value == "RUNNING"
    document = json.loads(Path("half/result.json").read_text())
    assert document["ended"] is False
    assert (document["shots"], sum(document["counts"].values())) == (40_000, 40_000)
    assert "is not cross-checked yet" in document["warnings"][0]
    text = Path("half/methods.txt").read_text()
    assert "Of 60,000 shots that were asked for, 40,000 came back" in text
    assert "it had not ended when this was written" in text


@needs_click
def test_a_job_of_which_nothing_came_back(fleet, bell, qcos):
    job = fleet(FAILING=("coin-0",), n_nodes=1).submit(bell, 10, seed=1)
    with pytest.raises(JobFailed):
        job.result(timeout=60)
    code, out, err = qcos("export", job.job_id(), "--to", "out")
    assert (code, out) == (1, "")
    assert "has come back" in err
    assert "no coin today" in err
    assert not Path("out").exists()


@needs_click
def test_jobs_and_folders_that_are_not_there(fleet, qcos):
    fleet()
    assert qcos("export", "0123456789ab")[0] == 2
    assert qcos("export")[0] == 2
    code, _, err = qcos("export", "../../x", "--to", "y")
    assert code == 2
    assert "Traceback" not in err


def test_so_far_asks_nobody_and_agrees_with_the_result(fleet, bell):
    job = fleet().submit(bell, 3000, seed=1)
    expected = job.result(timeout=60)
    (found,), errors = QVMJob.load(job.job_id()).so_far()
    assert errors == {}
    assert found.to_dict() == expected.to_dict()
    assert [path.name for path in Path().iterdir()] == ["state"]
