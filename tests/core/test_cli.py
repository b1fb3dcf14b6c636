import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given, settings, strategies as st
from qiskit import QuantumCircuit, qasm2, qasm3, qpy

from qcos_core import (
    Amount,
    DistributedQVM,
    Event,
    JobFailed,
    Limits,
    NodeProvider,
    NodeProviderRegistry,
    PackedCounts,
    QPUNodeSpec,
    TaskResult,
    __version__,
)
from qcos_core.cli import main
from qcos_core.model.plans import Estimate

QCOS = Path(sys.executable).with_name("qcos")
NUMPY = ("--on", "local_numpy")

needs_click = pytest.mark.optional_part("click")
needs_qasm3 = pytest.mark.optional_part("click", "qiskit_qasm3_import")


def ghz(size, name):
    circuit = QuantumCircuit(size, name=name)
    circuit.h(0)
    for qubit in range(size - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with circuits, and the current one."""
    monkeypatch.chdir(tmp_path)
    bell = ghz(2, "bell")
    Path("bell.qasm").write_text(qasm2.dumps(bell))
    Path("bell.qasm3").write_text(qasm3.dumps(bell))
    with Path("three.qpy").open("wb") as file:
        qpy.dump([ghz(3, "a"), ghz(4, "b"), ghz(5, "c")], file)
    wide = QuantumCircuit(3, 127, name="wide")
    wide.h([0, 1, 2])
    wide.measure([0, 1, 2], [0, 60, 126])
    many = QuantumCircuit(6, name="many" * 40)
    many.h(range(6))
    many.measure_all()
    with Path("wide.qpy").open("wb") as file:
        qpy.dump([wide, many], file)
    return tmp_path


@pytest.fixture
def qcos(folder, capsys):
    """Run a command in this process: its exit code, output and errors."""
    from qcos_core.cli.app import app

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ending:
            app.main([str(argument) for argument in arguments], prog_name="qcos")
        out, err = capsys.readouterr()
        return ending.value.code, out, err

    return run


def process(*arguments, stdin=None, site=None, **environment):
    """Run the installed command: the finished process, its streams as bytes."""
    if site is not None:
        environment["PYTHONPATH"] = str(site.folder)
    return subprocess.run(
        [QCOS, *arguments],
        input=b"" if stdin is None else stdin,
        capture_output=True,
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )


def in_terminal(*arguments, interrupt_at=None, stdout=None, **environment):
    """Run the command in a terminal: its exit code and what the terminal got.

    Ctrl-C is typed when the terminal has shown ``interrupt_at``.
    """
    ours, theirs = pty.openpty()
    # opening a terminal makes it the session's own, so that Ctrl-C is sent to the session
    own_it = (
        "import os, sys; os.open(os.ttyname(0), os.O_RDWR); os.execv(sys.argv[1], sys.argv[1:])"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", own_it, QCOS, *arguments],
        stdin=theirs,
        stdout=theirs if stdout is None else stdout,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", **environment},
        start_new_session=True,
    )
    os.close(theirs)
    shown, deadline = b"", time.monotonic() + 120
    with child:
        while part := _read(ours, deadline - time.monotonic()):
            shown += part
            if interrupt_at and interrupt_at in shown:
                os.write(ours, b"\x03")
                interrupt_at = None
        if time.monotonic() > deadline:
            child.kill()
    os.close(ours)
    return child.returncode, shown.decode()


def _read(terminal, seconds):
    """What the terminal gets next; nothing when its programs have ended, or time is up."""
    if not select.select([terminal], [], [], max(0, seconds))[0]:
        return b""
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that nobody has the other end any more
        return b""


# without the extra


def test_without_click_one_line_names_the_extra():
    code = "import sys; sys.modules['click'] = None; from qcos_core.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert not done.stdout
    assert done.stderr.count("\n") == 1
    assert "pip install 'qcos-core[cli]'" in done.stderr


def test_interrupt_while_importing_is_quiet(monkeypatch):
    class Interrupts:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "click":
                raise KeyboardInterrupt

    for name in [name for name in sys.modules if name.partition(".")[0] == "click"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Interrupts, *sys.meta_path])
    with pytest.raises(SystemExit) as ending:
        main()
    assert ending.value.code == 130


# qcos providers


FIFTY = {f"outsider_{number:02}": f"outsider_{number:02}:Provider" for number in range(50)}
OUTSIDER = """
from qcos_core import NodeProvider, QPUNodeSpec
class Provider(NodeProvider):
    DISPLAY_NAME = "An outsider"
    def build_nodes(self):
        return [QPUNodeSpec("outside", "other", 5)]
"""


@needs_click
def test_providers_imports_nothing_heavy_for_fifty_plugins(site):
    site.add("outsiders", modules=dict.fromkeys(FIFTY, OUTSIDER), providers=FIFTY)
    code = """
import json, sys
sys.argv = ["qcos", "providers", "--json"]
from qcos_core.cli import main
try:
    main()
except SystemExit as ending:
    print(json.dumps([ending.code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
    exit_code, modules = site.run(code)
    assert exit_code == 0
    assert {"click", "outsider_49"} <= set(modules)
    assert not {"qiskit", "qiskit_aer", "numpy", "rich", "ctypes"} & set(modules)


@needs_click
def test_broken_plugins_are_one_line_each(site):
    modules = {"fine": OUTSIDER, "bad": "raise RuntimeError('no ' * 80 + '\\x1b[31m')"}
    keys = {"fine": "fine:Provider", "bad": "bad:Provider", "gone": "nowhere:Provider"}
    site.add("mixed", modules=modules, providers=keys, version="2.1")
    done = process("providers", site=site)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0
    assert not done.stderr
    assert ["fine", "An outsider", "mixed 2.1"] in [re.split(r"\s{2,}", s.strip()) for s in lines]
    broken = [line for line in lines if line.startswith(" broken: ")]
    assert [line.split()[1] for line in broken] == ["bad", "gone"]
    assert broken[0].startswith(" broken: bad (mixed 2.1): RuntimeError: no no no")
    assert broken[0].endswith("...")
    assert "No module named 'nowhere'" in broken[1]
    assert "qcos doctor" in lines[-1]
    assert max(map(len, lines)) <= 80
    assert b"\x1b" not in done.stdout


@needs_click
def test_providers_as_json(site):
    site.add("mixed", providers={"gone": "nowhere:Provider"}, version="2.1")
    document = json.loads(process("providers", "--json", site=site).stdout)
    assert set(document) == {"schema", "providers", "broken"}
    assert document["schema"] == "qcos.providers/1"
    reference = {
        "key": "local_numpy",
        "name": "Local numpy (reference)",
        "origin": f"qcos-core {__version__}",
    }
    assert reference in document["providers"]
    (broken,) = document["broken"]
    cause = "ModuleNotFoundError: No module named 'nowhere'"
    assert broken == {"key": "gone", "distribution": "mixed", "version": "2.1", "cause": cause}


# qcos plan


@needs_click
def test_plan_explains_and_runs_nothing(qcos, zeros_provider):
    class Untouchable(zeros_provider):
        def execute(self, circuit, shots, node_spec):
            raise AssertionError

    NodeProviderRegistry.register("untouchable", Untouchable)
    code, out, err = qcos("plan", "bell.qasm", "--on", "untouchable", "--shots", "50")
    assert (code, err) == (0, "")
    assert out.startswith("PLAN  1 circuit, 50 shots")
    assert "chosen    zeros-0" in out


@needs_click
def test_plan_as_json(qcos):
    code, out, err = qcos("plan", "three.qpy", *NUMPY, "--seed", "5", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["schema"] == "qcos.plan/1"
    assert [circuit["name"] for circuit in document["circuits"]] == ["a", "b", "c"]
    assert {circuit["seed"] for circuit in document["circuits"]} == {5}


# qcos calibrate


class Measures(NodeProvider):
    DISPLAY_NAME = "Measures"
    found: ClassVar = {"run": 1.5e-3, "amplitude": 2.5e-9}

    def build_nodes(self):
        return [QPUNodeSpec("m", "other", 5)]

    @classmethod
    def calibrate(cls):
        print("measuring")
        return cls.found

    @classmethod
    def calibrated_for(cls):
        return {"model": "1"}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("QCOS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@needs_click
def test_calibrate_says_what_was_measured_before_and_now(qcos, cache, monkeypatch):
    NodeProviderRegistry.register("measures", Measures)
    code, out, err = qcos("calibrate", "--on", "measures")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "measuring"
    assert re.fullmatch(r"CALIBRATION  measures: measured in \d+\.\d s", lines[1])
    assert [line.split() for line in lines[2:5]] == [
        ["COEFFICIENT", "BEFORE", "NOW"],
        ["run", "built", "in", "1.5", "ms"],
        ["amplitude", "built", "in", "2.5", "ns"],
    ]
    (kept,) = cache.iterdir()
    assert "".join(line.strip() for line in lines[5:]).removeprefix("kept in").strip() == str(kept)
    monkeypatch.setattr(Measures, "found", {"run": 2e-3, "amplitude": 2.5e-9})
    again = qcos("calibrate", "--on", "measures")[1].splitlines()
    assert again[3].split() == ["run", "1.5", "ms", "2", "ms"]


@needs_click
def test_calibrate_as_json(qcos, cache):
    NodeProviderRegistry.register("measures", Measures)
    code, out, err = qcos("calibrate", "--on", "measures", "--json")
    assert (code, err) == (0, "measuring\n")
    document = json.loads(out)
    assert document["schema"] == "qcos.calibrate/1"
    (one,) = document["providers"]
    assert one == {
        "key": "measures",
        "before": None,
        "coefficients": Measures.found,
        "seconds": one["seconds"],
        "file": str(next(cache.iterdir())),
        "problem": None,
    }


@needs_click
def test_calibrate_takes_the_providers_of_a_cluster(qcos, cache, zeros_provider):
    Path("cluster.toml").write_text('[[slot]]\nprovider = "plain"\n' * 2)
    NodeProviderRegistry.register("plain", zeros_provider)
    code, out, _ = qcos("calibrate", "--cluster", "cluster.toml")
    assert (code, out) == (0, "CALIBRATION  plain: there is nothing to measure\n")
    assert not cache.exists()
    assert qcos("calibrate", "--on", "plain", "--cluster", "cluster.toml")[0] == 2
    assert qcos("calibrate", "--on", "no_such")[0] == 2


@needs_click
@pytest.mark.parametrize("found", [{"run": -1.0}, {"run": "fast"}, 5])
def test_calibrate_keeps_no_nonsense(qcos, cache, monkeypatch, found):
    NodeProviderRegistry.register("measures", Measures)
    monkeypatch.setattr(Measures, "found", found)
    code, out, _ = qcos("calibrate", "--on", "measures")
    assert code == 1
    assert "numbers above 0 by name" in " ".join(out.split())
    assert not cache.exists()


@needs_click
def test_calibrate_goes_on_after_a_provider_that_fails(qcos, cache):
    class Fails(Measures):
        @classmethod
        def calibrate(cls):
            raise RuntimeError("no counter")

    NodeProviderRegistry.register("fails", Fails)
    NodeProviderRegistry.register("measures", Measures)
    code, out, _ = qcos("calibrate", "--on", "fails", "--on", "measures")
    assert code == 1
    assert "CALIBRATION  fails: measuring failed: RuntimeError: no counter\n" in out
    assert "CALIBRATION  measures: measured in" in out


@needs_click
def test_doctor_says_whether_this_machine_is_calibrated(qcos, cache, only_core):
    def line():
        out = qcos("doctor")[1]
        return next(one.split(None, 1)[1] for one in out.splitlines() if "calibrated" in one)

    assert line() == "not; for local_numpy type: qcos calibrate"
    assert qcos("calibrate")[0] == 0
    assert line() == "local_numpy"
    assert json.loads(qcos("doctor", "--json")[1])["calibrated"] == {"local_numpy": True}


# qcos run: circuits


RESULT_KEYS = {
    *("schema", "name", "shots", "seed", "width", "registers", "counts", "exact", "simulated"),
    *("charges", "shards", "plan", "warnings", "versions", "seconds", "timing", "tags"),
    *("register_bits", "parameters", "memory", "data", "per_device"),
}


@needs_click
@pytest.mark.parametrize(
    "file", ["bell.qasm", pytest.param("bell.qasm3", marks=needs_qasm3), "bell.qpy"]
)
def test_run_as_json(qcos, file):
    with Path("bell.qpy").open("wb") as handle:
        qpy.dump(ghz(2, "bell"), handle)
    code, out, err = qcos("run", file, *NUMPY, "--shots", "500", "--seed", "3", "--json")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    document = json.loads(out)
    assert set(document) == RESULT_KEYS
    assert document["schema"] == "qcos.result/1"
    assert (document["name"], document["shots"], document["seed"]) == ("bell", 500, 3)
    assert set(document["counts"]) == {"00", "11"}
    assert sum(document["counts"].values()) == 500
    assert [shard["node_id"] for shard in document["shards"]] == ["local-numpy-0"]
    assert document["plan"]["circuits"][0]["name"] == "bell"


@needs_click
def test_names_and_tags_are_kept(qcos):
    labels = ("--name", "mine", "--tag", "a", "--tag", "b")
    code, out, _ = qcos("run", "bell.qasm", *NUMPY, *labels, "--json")
    document = json.loads(out)
    assert code == 0
    assert (document["name"], document["tags"]) == ("mine", ["a", "b"])
    _, out, _ = qcos("run", "bell.qasm", *NUMPY, *labels, "--seed", "3")
    again = out.rpartition("to run the same again:")[2]
    assert "--name mine --tag a --tag b" in " ".join(again.replace("\\", "").split())


@needs_click
def test_several_circuits_give_a_list_in_order(qcos):
    code, out, _ = qcos("run", "bell.qasm", "three.qpy", *NUMPY, "--json")
    document = json.loads(out)
    assert code == 0
    assert set(document) == {"schema", "results"}
    assert document["schema"] == "qcos.results/1"
    assert [result["name"] for result in document["results"]] == ["bell", "a", "b", "c"]
    assert {frozenset(result) for result in document["results"]} == {frozenset(RESULT_KEYS)}


@needs_click
@pytest.mark.parametrize("file", ["bell.qasm", "three.qpy"])
def test_circuits_from_standard_input(folder, file):
    content = Path(file).read_bytes()
    done = process("run", "-", *NUMPY, "--json", stdin=content)
    document = json.loads(done.stdout)
    results = document.get("results", [document])
    assert [result["name"] for result in results] == (["stdin"], ["a", "b", "c"])[len(results) > 1]


@needs_click
def test_run_as_text(qcos):
    code, out, err = qcos("run", "bell.qasm", *NUMPY, "--shots", "2000", "--seed", "7")
    assert (code, err) == (0, "")
    sections = out.split("\n\n")
    plan, counts, shards, facts = sections
    assert plan.splitlines()[0] == "PLAN  1 circuit, 2,000 shots, 1 shard on 1 node"
    assert re.search(r"^ bell +local-numpy-0 +2,000 +statevector", plan, re.MULTILINE)
    assert counts.startswith("COUNTS  bell: 2,000 shots, 2 outcomes\n")
    assert re.search(r"^ 00 +[\d,]+ +\d+\.\d\d%  #+$", counts, re.MULTILINE)
    assert shards.splitlines()[1].split() == ["NODE", "RAN", "ON", "METHOD", "SHOTS", "TIME"]
    assert re.search(r"local-numpy-0 +local_numpy +statevector +2,000", shards)
    assert re.search(
        r"^ expected [\d.]+ us to [\d.]+ ms, took [\d.]+ [um]?s$", shards, re.MULTILINE
    )
    assert facts.startswith(" exact; simulated; ")
    assert " seed 7; to run the same again:" in facts


@needs_click
def test_only_the_top_outcomes_are_shown(qcos):
    code, out, _ = qcos("run", "wide.qpy", *NUMPY, "--shots", "4000")
    assert code == 0
    assert " ... and 4 more outcomes with " in out  # of 8; one of several circuits shows 4
    assert " ... and 60 more outcomes with " in out
    one = out.split("COUNTS  ")[2]
    shown = [int(row.split()[1]) for row in one.splitlines()[1:5]]
    assert shown == sorted(shown, reverse=True)
    assert f"with {4000 - sum(shown):,} shots" in one


@needs_click
def test_each_of_several_results_says_what_it_took(qcos):
    _, out, _ = qcos("run", "bell.qasm", "wide.qpy", *NUMPY)
    timings = re.findall(r"^ \[(\d)\] expected .*, took .*$", out, re.MULTILINE)
    assert timings == [str(place) for place in range(out.count("COUNTS"))]


@needs_click
def test_printed_command_runs_the_same_again(folder):
    name = "a 'long' name; with $HOME & more " + "x" * 90 + ".qasm"
    Path(name).write_bytes(Path("bell.qasm").read_bytes())
    first = process("run", name, *NUMPY, "--shots", "999").stdout.decode()
    command = first.partition("to run the same again:\n")[2]
    assert max(map(len, command.splitlines())) <= 80
    path = f"{QCOS.parent}{os.pathsep}{os.environ['PATH']}"
    again = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        env={**os.environ, "PATH": path},
        text=True,
        check=True,
        timeout=120,
    ).stdout
    counts = re.compile(r"COUNTS.*?\n\n", re.DOTALL)
    assert counts.findall(first) == counts.findall(again) != []


@needs_click
def test_tags_and_exclusions_choose_nodes(qcos):
    two = ("--on", "local_numpy", "--on", "local_numpy:node_prefix=other")
    _, out, _ = qcos("run", "bell.qasm", *two, "--exclude", "local-numpy-0", "--json")
    assert [shard["node_id"] for shard in json.loads(out)["shards"]] == ["other-0"]
    code, _, err = qcos("run", "bell.qasm", *two, "--require-tag", "gpu")
    assert code == 3
    assert "lacks the tag gpu" in err
    _, out, _ = qcos("run", "bell.qasm", *two, "--min-fidelity", "1")
    assert "--min-fidelity 1.0" in out


@needs_click
def test_cluster_file(qcos):
    Path("cluster.toml").write_text('[[slot]]\nprovider = "local_numpy"\nn_nodes = 2\n')
    arguments = ("run", "three.qpy", "--cluster", "cluster.toml", "--policy", "round_robin")
    code, out, _ = qcos(*arguments, "--json")
    results = json.loads(out)["results"]
    assert code == 0
    assert {r["shards"][0]["node_id"] for r in results} == {"local-numpy-0", "local-numpy-1"}
    assert "--cluster cluster.toml" in qcos(*arguments)[1].replace("\\\n", "")


@needs_click
def test_default_cluster(qcos, only_core):
    code, out, _ = qcos("run", "bell.qasm", "--json")
    assert code == 0
    assert json.loads(out)["shards"][0]["provider"] == "local_numpy"


# qcos run: where shots came from


@needs_click
def test_fallback_is_shown_and_may_use_seeds(qcos, zeros_provider):
    class Silent(zeros_provider):
        def execute(self, circuit, shots, node_spec):
            return None

    NodeProviderRegistry.register("silent", Silent)
    code, out, _ = qcos("run", "bell.qasm", "--on", "silent")
    assert code == 0
    assert re.search(r"zeros-0 +\S+ \(fallback\)", out)
    assert "may give other counts" not in out


@needs_click
def test_unseeded_nodes_and_charges_are_shown(qcos, zeros_provider):
    class Paid(zeros_provider):
        def limits(self, node):
            return Limits(simulated=False, paid=True)

        def run_task(self, task, circuit, node):
            counts = PackedCounts.from_ints({0: task.shots}, circuit.num_clbits)
            charges = (Amount(0.3, "USD"), Amount(2.0, "QPU-s"))
            return TaskResult(task.id, counts, charges=charges, method="pulses", exact=False)

    NodeProviderRegistry.register("paid", Paid)
    code, out, _ = qcos("run", "three.qpy", "--on", "paid", "--budget", "any")
    assert code == 0
    assert "0.3 USD + 2 QPU-s" in out
    assert "charges: 0.9 USD + 6 QPU-s" in out
    assert "NOT exact" in out
    assert "run on hardware" in out
    assert "zeros-0 may give other counts" in out


@needs_click
def test_many_shards_are_summed_up_by_node(qcos):
    with Path("many.qpy").open("wb") as file:
        qpy.dump([ghz(2, f"c{i}") for i in range(30)], file)
    arguments = ("--on", "local_numpy:n_nodes=2", "--policy", "round_robin", "--shots", "10")
    code, out, _ = qcos("run", "many.qpy", *arguments)
    assert code == 0
    assert " ... and 22 more shards" in out
    table = out.partition("SHARDS\n")[2].splitlines()
    assert table[0].split()[-3:] == ["SHARDS", "SHOTS", "TIME"]
    assert [row.split()[0] for row in table[1:3]] == ["local-numpy-0", "local-numpy-1"]
    assert re.search(r" 15 +150 ", table[1])


@needs_click
def test_what_plugins_print_stays_out_of_the_document(site, folder):
    source = """
import os
from qcos_core import NodeProvider, QPUNodeSpec
print("printed on import")
class Provider(NodeProvider):
    DISPLAY_NAME = "Noisy"
    def build_nodes(self):
        return [QPUNodeSpec("noisy", "other", 5)]
    def execute(self, circuit, shots, node_spec):
        print("printed by a plugin")
        os.system("echo printed by a program")
        return {"0" * circuit.num_clbits: shots}
"""
    site.add("noisy", modules={"noisy": source}, providers={"noisy": "noisy:Provider"})
    done = process("run", "bell.qasm", "--on", "noisy", "--json", site=site)
    assert done.returncode == 0
    assert json.loads(done.stdout)["counts"] == {"00": 1024}
    assert sorted(done.stderr.decode().splitlines()) == [
        "printed by a plugin",
        "printed by a program",
        "printed on import",
    ]


@needs_click
def test_a_document_is_json_whatever_a_provider_puts_into_it(qcos, zeros_provider):
    class Odd(zeros_provider):
        def estimate_run(self, profile, shots, node, options):
            return Estimate(seconds=(1.0, float("inf")))

        def run_task(self, task, circuit, node):
            counts = PackedCounts.from_ints({0: task.shots}, circuit.num_clbits)
            return TaskResult(task.id, counts, metadata={"at": Path("there"), "x": float("nan")})

    NodeProviderRegistry.register("odd", Odd)
    code, out, _ = qcos("run", "bell.qasm", "--on", "odd", "--json")
    document = json.loads(out, parse_constant=pytest.fail)
    assert code == 0
    assert document["counts"] == {"00": 1024}
    assert document["shards"][0]["metadata"] == {"at": "there", "x": None}


# what goes wrong


@pytest.fixture
def bad_files(folder):
    Path("junk").write_bytes(bytes(range(256)))
    Path("empty").touch()
    Path("folder").mkdir()
    Path("cut.qpy").write_bytes(Path("three.qpy").read_bytes()[:900])
    Path("quiet.qasm").write_text('OPENQASM 2.0; include "qelib1.inc"; qreg q[1]; h q[0];')
    Path("nonsense.qasm").write_text("OPENQASM 2.0; qreg q[1]; nonsense q[0];")
    Path("not.toml").write_text("[[slot]\n")


@needs_click
@pytest.mark.parametrize(
    "arguments, code, text",
    [
        (["run"], 2, "Missing argument 'FILE...'"),
        (["run", "missing"], 2, "No such file"),
        (["run", "junk"], 2, "junk"),
        (["run", "empty"], 2, "no circuit"),
        (["run", "folder"], 2, "directory"),
        (["run", "cut.qpy"], 2, "QPY"),
        (["run", "quiet.qasm"], 2, "measures nothing"),
        (["run", "nonsense.qasm"], 2, "'nonsense' is not defined"),
        (["run", "-", "-"], 2, "only once"),
        (["run", "bell.qasm", "--shots", "0"], 2, "at least 1"),
        (["run", "bell.qasm", "--shots", "-7"], 2, "at least 1"),
        (["run", "bell.qasm", "--shots", str(10**30)], 2, "at most"),
        (["run", "bell.qasm", "--shots", "many"], 2, "not a valid integer"),
        (["run", "bell.qasm", "--seed", "-1"], 2, "seed"),
        (["run", "bell.qasm", "--seed", str(2**63)], 2, "seed"),
        (["run", "bell.qasm", *NUMPY, "--policy", "luck"], 2, "'luck' is not one of"),
        (["run", "bell.qasm", *NUMPY, "--min-fidelity", "nan"], 2, "must be from 0 to 1, not nan"),
        (["run", "bell.qasm", *NUMPY, "--strategy", "luck"], 2, "'luck' is not one of"),
        (["run", "bell.qasm", "--on", "nobody"], 2, "no provider 'nobody'"),
        (["run", "bell.qasm", "--on", "lumi_amd_gpu"], 2, "pip install qcos-lumi"),
        (["run", "bell.qasm", "--on", "local_numpy:n_nodes=x"], 2, "n_nodes must be"),
        (["run", "bell.qasm", "--on", "local_numpy:n_nodes"], 2, "n_nodes"),
        (["run", "bell.qasm", "--on", "local_numpy:colour=red"], 2, "colour"),
        (["run", "bell.qasm", *NUMPY, *NUMPY], 2, "two nodes are called"),
        (["run", "bell.qasm", *NUMPY, "--cluster", "c"], 2, "exclude each other"),
        (["run", "bell.qasm", "--cluster", "missing.toml"], 2, "missing.toml"),
        (["run", "bell.qasm", "--cluster", "not.toml"], 2, "not TOML"),
        (["run", "bell.qasm", "--shto", "5"], 2, "No such option"),
        (["fly"], 2, "No such command 'fly'"),
        (["plan", "bell.qasm", "--on", "local_numpy:max_qubits=1"], 3, "needs 2 qubits"),
        (["run", "bell.qasm", "--on", "local_numpy:max_qubits=1"], 3, "needs 2 qubits"),
    ],
)
def test_failures_are_one_paragraph_and_have_a_code(qcos, bad_files, arguments, code, text):
    for more in ([], ["--json"]):
        found, out, err = qcos(*arguments, *(more if len(arguments) > 1 else []))
        assert (found, out) == (code, "")
        assert err.startswith("error: ")
        assert text.lower() in " ".join(err.split()).lower()
        assert "Traceback" not in err
        assert "QCOS did not expect" not in err
        assert max(map(len, err.splitlines())) <= 80


@needs_click
def test_all_shows_the_counts_of_each_node(qcos):
    two = ("--on", "local_numpy", "--on", "local_numpy:node_prefix=other", "--policy", "all")
    code, out, _ = qcos("run", "bell.qasm", *two, "--shots", "100", "--seed", "1")
    assert code == 0
    assert "COUNTS  bell on local-numpy-0: 100 shots, 2 outcomes" in out
    assert "COUNTS  bell on other-0: 100 shots, 2 outcomes" in out
    assert "1 circuit, 200 shots, 2 shards on 2 nodes" in out


@needs_click
def test_a_failed_run_exits_with_1(qcos, zeros_provider):
    class Closed(zeros_provider):
        def execute(self, circuit, shots, node_spec):
            message = "the queue is closed."
            raise JobFailed(message, hint="Try again tomorrow.")

    NodeProviderRegistry.register("closed", Closed)
    code, out, err = qcos("run", "bell.qasm", "--on", "closed", "--json")
    assert (code, out) == (1, "")
    assert err == "error: node zeros-0: the queue is closed. Try again tomorrow.\n"
    code, out, err = qcos("run", "three.qpy", "--on", "closed", "--json")
    assert (code, out) == (1, "")  # PartialResult, of which no part came back
    assert err.startswith("error: 3 of 3 shards failed.\n  [0] a: node zeros-0: ")


@pytest.fixture
def half(zeros_provider):
    class Half(zeros_provider):
        def execute(self, circuit, shots, node_spec):
            if node_spec.node_id == "zeros-1":
                message = "the queue is closed."
                raise JobFailed(message)
            return super().execute(circuit, shots, node_spec)

    NodeProviderRegistry.register("half", Half)
    return ("three.qpy", "--on", "half:n_nodes=2", "--policy", "round_robin")


@needs_click
def test_a_partial_result_exits_with_4(qcos, half):
    code, out, err = qcos("run", *half)
    assert code == 4
    assert "COUNTS  [0] a: 1,024 shots" in out
    assert "COUNTS  [1] b: nothing came back" in out
    assert err == "error: 1 of 3 shards failed.\n  [1] b: node zeros-1: the queue is closed.\n"


@needs_click
def test_a_partial_result_as_json_has_the_errors(qcos, half):
    code, out, _ = qcos("run", *half, "--json")
    document = json.loads(out)
    assert code == 4
    assert set(document) == {"schema", "results", "errors"}
    assert [r and r["name"] for r in document["results"]] == ["a", None, "c"]
    assert document["errors"] == {
        "c1.0": {
            "error": "JobFailed",
            "message": "the queue is closed.",
            "node": "zeros-1",
            "hint": None,
        }
    }


@needs_click
@pytest.mark.parametrize(
    "error, code, text",
    [
        (ValueError("host must be an address"), 2, "error: odd: host must be an address"),
        (RuntimeError("kaboom"), 1, "error: odd: building the nodes failed: RuntimeError: kaboom."),
    ],
)
def test_providers_that_cannot_be_built(qcos, zeros_provider, error, code, text):
    class Odd(zeros_provider):
        def build_nodes(self):
            raise error

    NodeProviderRegistry.register("odd", Odd)
    assert qcos("run", "bell.qasm", "--on", "odd") == (code, "", f"{text}\n")


@needs_click
def test_secrets_are_refused_and_not_repeated(qcos):
    code, out, err = qcos("run", "bell.qasm", "--on", "local_numpy:api_key=hunter2")
    assert (code, out) == (2, "")
    assert "api_key is a secret" in err
    assert "hunter2" not in err


@needs_click
@pytest.mark.parametrize("version", ["2.0", pytest.param("3.0", marks=needs_qasm3)])
def test_a_circuit_cannot_read_files(qcos, version):
    Path("spy.qasm").write_text(f'OPENQASM {version};\ninclude "/etc/passwd";\n')
    code, out, err = qcos("run", "spy.qasm", *NUMPY)
    assert (code, out) == (2, "")
    assert "spy.qasm" in err
    assert "root" not in err


@needs_click
def test_debugging_shows_the_traceback(qcos, monkeypatch):
    monkeypatch.setenv("QCOS_DEBUG", "1")
    code, _, err = qcos("run", "missing")
    assert code == 2
    assert err.startswith("Traceback (most recent call last):\n")
    assert "\nerror: cannot read missing" in err


@needs_click
def test_the_unexpected_is_told_in_plain_words(qcos, monkeypatch):
    def surprise(self, *args, **kwargs):
        message = "two\nlines"
        raise TypeError(message)

    monkeypatch.setattr(DistributedQVM, "plan", surprise)
    code, out, err = qcos("run", "bell.qasm", *NUMPY)
    assert (code, out) == (1, "")
    assert err.startswith("error: TypeError: two lines. QCOS did not expect this; QCOS_DEBUG=1")


@needs_click
def test_a_full_disk_is_told_in_plain_words(folder):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([QCOS, "providers"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (1, b"error: No space left on device.\n")


@needs_click
@pytest.mark.parametrize("redirection", ["| true", ">&-", "<&-", "--json >&-"])
def test_streams_that_nobody_holds_do_no_harm(folder, redirection):
    command = f"'{QCOS}' run bell.qasm {' '.join(NUMPY)} {redirection}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


# what a person sees


@needs_click
def test_everything_fits_80_columns(qcos, half):
    commands = [
        [],
        ["--version"],
        ["--help"],
        ["providers"],
        ["providers", "--help"],
        ["doctor"],
        ["doctor", "--help"],
        ["plan", "--help"],
        ["plan", "bell.qasm"],
        ["plan", "wide.qpy", "three.qpy", "--on", "local_numpy:n_nodes=3"],
        ["run", "--help"],
        ["run", "bell.qasm", "--on", f"local_numpy:node_prefix={'long-' * 20}"],
        ["run", "wide.qpy", "three.qpy", "--on", "local_numpy:n_nodes=3"],
        ["run", *half],
        ["run", "wide.qpy", "--on", "local_numpy:max_qubits=1,n_nodes=30"],
    ]
    for command in commands:
        code, out, err = qcos(*command)
        assert code in {0, 3, 4}, err
        assert out + err
        too_long = [line for line in (out + err).splitlines() if len(line) > 80]
        assert not too_long, command


@needs_click
def test_long_keys_are_shortened_in_the_middle_and_whole_in_json(qcos):
    _, out, _ = qcos("run", "wide.qpy", *NUMPY)
    assert re.search(r"^ [01]{17}\.\.\.[01]{16}  ", out, re.MULTILINE)
    _, out, _ = qcos("run", "wide.qpy", *NUMPY, "--json")
    assert {len(key) for key in json.loads(out)["results"][0]["counts"]} == {127}


@needs_click
def test_names_cannot_steer_the_terminal(folder):
    circuit = ghz(2, "\x1b[31mred\x1b[0m\r\n\u202e漢字" * 9)
    with Path("evil.qpy").open("wb") as file:
        qpy.dump(circuit, file)
    for command in ("plan", "run"):
        done = process(command, "evil.qpy", *NUMPY)
        assert done.returncode == 0
        assert not set(done.stdout.decode()) & set("\x1b\r\u202e")


@needs_click
def test_output_that_is_piped_has_no_colour(folder):
    done = process("run", "three.qpy", *NUMPY, TERM="xterm-256color")
    assert done.stdout.isascii()
    assert b"\x1b" not in done.stdout + done.stderr


@needs_click
def test_output_survives_an_encoding_that_lacks_its_characters(folder):
    with Path("named.qpy").open("wb") as file:
        qpy.dump(ghz(2, "Schrödinger 漢"), file)
    done = process("run", "named.qpy", *NUMPY, PYTHONIOENCODING="latin-1")
    assert done.returncode == 0
    assert b"COUNTS  Schr\xf6dinger ?: " in done.stdout


@needs_click
def test_a_terminal_gets_colour_unless_it_says_no(folder):
    command = ("run", "bell.qasm", *NUMPY)
    code, shown = in_terminal(*command)
    assert code == 0
    assert "\x1b[1mCOUNTS\x1b[0m" in shown
    assert "█" in shown
    assert "\x1b[1m" not in in_terminal(*command, NO_COLOR="1")[1]


@needs_click
def test_version_and_help(qcos):
    assert qcos("--version") == (0, f"qcos {__version__}\n", "")
    code, out, _ = qcos()
    assert code == 0
    for command in ("providers", "plan", "run", "doctor"):
        assert f"\n  {command} " in out
        assert f"qcos {command}" in out
        assert f"Example: qcos {command}" in qcos(command, "--help")[1]


@needs_click
def test_help_names_what_the_planner_knows(qcos):
    from qcos_core.cli import arguments
    from qcos_core.model.strategies import BUILT_IN
    from qcos_core.qvm.machine import DEFAULT_SHOTS
    from qcos_core.qvm.routing import POLICIES

    words = set(re.findall(r"\w+", qcos("run", "--help")[1]))
    assert words >= {*POLICIES, *BUILT_IN, str(DEFAULT_SHOTS)}
    assert arguments.SHOTS == DEFAULT_SHOTS


# progress, and the end of patience


@pytest.fixture
def slow(folder):
    """A circuit that takes local_numpy a minute or so."""
    circuit = QuantumCircuit(20, name="slow")
    for layer in range(60):
        for qubit in range(20):
            circuit.rx(0.1 * layer, qubit)
        for qubit in range(19):
            circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    with Path("slow.qpy").open("wb") as file:
        qpy.dump(circuit, file)


@pytest.mark.optional_part("click", "rich")
def test_ctrl_c_ends_the_run_with_one_sentence(slow):
    code, shown = in_terminal("run", "slow.qpy", *NUMPY, interrupt_at=b"1 of 1 node busy")
    assert code == 130
    assert "interrupted: 0 of 1,024 shots had come back" in shown
    assert "Traceback" not in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")  # the cursor is back


def has_begun(child):
    """Whether a run has a worker: a process whose parent it is."""
    assert child.poll() is None
    parents = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            parents.add(int(stat.read_text().rpartition(")")[2].split()[1]))
    return child.pid in parents


@needs_click
def test_interrupt_without_a_terminal(slow):
    arguments = [QCOS, "run", "slow.qpy", *NUMPY, "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(arguments, **pipes) as child:
        while not has_begun(child):
            time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
    assert (child.returncode, out) == (130, b"")
    assert err.strip().startswith(b"interrupted")


@pytest.mark.optional_part("click", "rich")
def test_progress_is_drawn_on_the_terminal_alone(folder, site):
    source = (
        OUTSIDER
        + """
    def execute(self, circuit, shots, node_spec):
        import time
        time.sleep(0.6)
        return {"0" * circuit.num_clbits: shots}
"""
    )
    site.add("slow", modules={"slow": source}, providers={"slow": "slow:Provider"})
    arguments = ("run", "three.qpy", "--on", "slow", "--json")
    with Path("out").open("wb") as out:
        code, shown = in_terminal(*arguments, stdout=out, PYTHONPATH=str(site.folder))
    assert code == 0
    assert len(json.loads(Path("out").read_text())["results"]) == 3
    assert "1,024/3,072 shots  1 of 1 node busy  ETA 0:01" in shown
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n", shown)
    assert max(map(len, re.split(r"[\r\n]+", text))) <= 80


@needs_click
def test_time_left_follows_what_shards_really_took(machine, zeros_provider):
    from qcos_core.cli.progress import Tracker

    class Estimated(zeros_provider):
        def estimate_run(self, profile, shots, node, options):
            return Estimate(seconds=(10.0, 10.0))

    qvm = machine(Estimated(), Estimated())
    plan = qvm.plan([ghz(2, "a")] * 4, shots=100, policy="round_robin")
    tasks = [(shard.task.id, shard.node_id) for shard in plan.shards]
    tracker = Tracker(plan)
    assert tracker.remaining(0.0) == 20.0  # two nodes, each with two shards of 10 s
    for task_id, node_id in tasks[:2]:
        tracker.observe(Event("shard_started", 100.0, node_id, task_id, 100))
    assert tracker.remaining(104.0) == pytest.approx(16.0)
    assert tracker.line(104.0) == "0/400 shots  2 of 2 nodes busy  ETA 0:16"
    tracker.observe(Event("shard_done", 120.0, tasks[0][1], tasks[0][0], 100))
    assert tracker.done == 100
    assert tracker.remaining(120.0) == 20.0  # it took twice as long, and the others will
    tracker.observe(Event("shard_failed", 120.0, tasks[1][1], tasks[1][0], 100))
    assert tracker.line(120.0) == "100/400 shots  0 of 2 nodes busy  ETA 0:20"
    for task_id, node_id in tasks[2:]:
        tracker.observe(Event("shard_done", 121.0, node_id, task_id, 100))
    assert tracker.remaining(121.0) == 0.0


@needs_click
def test_time_left_is_unknown_until_something_is_known(machine, zeros_provider):
    from qcos_core.cli.progress import Tracker

    plan = machine(zeros_provider()).plan([ghz(2, "a")] * 2)
    first, second = (shard.task.id for shard in plan.shards)
    tracker = Tracker(plan)
    assert tracker.line(0.0) == "0/2,048 shots  0 of 1 node busy  ETA unknown"
    tracker.observe(Event("shard_started", 10.0, "zeros-0", first, 1024))
    tracker.observe(Event("shard_done", 100.0, "zeros-0", first, 1024))
    assert tracker.line(100.0).endswith("ETA 1:30")
    tracker.observe(Event("shard_failed", 101.0, "zeros-0", second, 1024))
    assert tracker.remaining(101.0) == 0.0


# qcos doctor


@needs_click
def test_doctor_reports_nodes_and_reasons(qcos, only_core, zeros_provider, monkeypatch):
    from qcos_core.cli import doctor

    class Offline(zeros_provider):
        def health_check(self):
            return False

    class Fussy(zeros_provider):
        def build_nodes(self, host):
            raise AssertionError

    class Crash(zeros_provider):
        def build_nodes(self):
            raise SystemExit(3)

    class Hang(zeros_provider):
        def health_check(self):
            time.sleep(60)

    monkeypatch.setattr(doctor, "PATIENCE_SECONDS", 2.0)
    for provider in (Offline, Fussy, Crash, Hang):
        NodeProviderRegistry.register(provider.__name__.lower(), provider)
    code, out, err = qcos("doctor")
    assert (code, err) == (0, "")
    text = " ".join(out.split())
    assert "python CPython 3." in text
    assert "local-numpy-0: online; " in text
    assert "zeros-0: offline: its provider's health check says no; 30 qubits" in text
    assert "needs arguments: fussy: missing a required argument: 'host'" in text
    assert "cannot be built: SystemExit: 3" in text
    assert "gave no answer within 2 s" in text


@needs_click
def test_doctor_shows_tracebacks_of_broken_plugins(site):
    modules = {"bad": "raise RuntimeError('out of order')"}
    site.add("bad", modules=modules, providers={"bad": "bad:P"}, plugins={"worse": "bad:Q"})
    done = process("doctor", site=site)
    out = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert "BROKEN PROVIDERS\n bad (bad 1.0): RuntimeError: out of order\n   Traceback" in out
    assert "BROKEN PLUGINS\n worse (bad 1.0): RuntimeError: out of order\n   Traceback" in out
    document = json.loads(process("doctor", "--json", site=site).stdout)
    assert set(document) == {
        *("schema", "python", "platform", "cores", "memory_bytes", "packages", "providers"),
        *("broken", "plugins", "advice", "calibrated"),
    }
    assert document["schema"] == "qcos.doctor/1"
    assert document["packages"]["qcos-core"] == __version__
    (broken,) = document["broken"]
    assert broken["key"] == "bad"
    assert broken["traceback"].endswith("RuntimeError: out of order\n")


@needs_click
def test_doctor_warns_of_two_aers(site):
    site.add("qiskit-aer", version="0.18.2")
    site.add("qiskit-aer-gpu", version="0.18.1")
    (advice,) = json.loads(process("doctor", "--json", site=site).stdout)["advice"]
    assert "qiskit-aer and qiskit-aer-gpu are both installed" in advice
    assert "pip uninstall qiskit-aer qiskit-aer-gpu" in advice
    assert b"\nwarning: qiskit-aer and" in process("doctor", site=site).stdout


# text


@needs_click
@settings(deadline=None, max_examples=40)
@given(
    words=st.lists(
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200), max_size=6
    )
)
def test_commands_over_several_lines_mean_what_they_say(words):
    from qcos_core.cli.arguments import shell_lines

    lines = shell_lines([["printf", "%s\\0"], *([word] for word in words), words])
    assert max(map(len, lines)) <= 80
    printed = subprocess.run(["sh", "-c", "\n".join(lines)], capture_output=True, check=True)
    expected = "".join(f"{word}\0" for word in words + words) or "\0"
    assert printed.stdout.decode() == expected


@needs_click
@settings(deadline=None)
@given(rows=st.lists(st.lists(st.text(max_size=90), min_size=6, max_size=6), min_size=1))
def test_tables_fit_whatever_is_in_them(rows):
    from qcos_core.cli.console import columns, table

    for line in table(rows, right=(1, 2)):
        assert columns(line) <= 80


@needs_click
def test_libraries_warnings_are_lines_too(site, folder):
    source = (
        OUTSIDER
        + """
    def execute(self, circuit, shots, node_spec):
        import logging
        logging.getLogger("vendor").warning("the machine closes at %s", "five")
        logging.getLogger("vendor").info("nobody needs to know")
        return {"0" * circuit.num_clbits: shots}
"""
    )
    site.add("vendor", modules={"vendor": source}, providers={"vendor": "vendor:Provider"})
    done = process("run", "bell.qasm", "--on", "vendor", "--json", site=site)
    assert done.stderr == b"warning: the machine closes at five\n"
