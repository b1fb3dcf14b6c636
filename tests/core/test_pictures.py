"""Histograms, timelines, trees, and what notebooks show."""

import copy
import dataclasses
import json
import math
import pickle
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from qiskit import QuantumCircuit, qasm2, qpy

from qcos_core import (
    Amount,
    ClusterBuilder,
    DistributedQVM,
    Estimate,
    InvalidArguments,
    Limits,
    PackedCounts,
    QVMResult,
    Registers,
)
from qcos_core.model import pictures

needs_matplotlib = pytest.mark.optional_part("matplotlib")
needs_click = pytest.mark.optional_part("click", "matplotlib")

EVIL = "<script>alert('1')</script>&\x1b[31m\u202e"


def rotated(width, name="rotated", angle=math.pi / 2):
    circuit = QuantumCircuit(width, name=name)
    for qubit in range(width):
        circuit.ry(angle, qubit)
    circuit.measure_all()
    return circuit


@pytest.fixture(scope="module")
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_numpy", n_nodes=3).build()) as qvm:
        yield qvm


@pytest.fixture(scope="module")
def bell_result(qvm):
    circuit = QuantumCircuit(2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return qvm.run(circuit, 2000, seed=7)


def with_shards(result, *changes):
    """The result as if it came from shards like its first, but for these changes."""
    first = result.shards[0]
    return dataclasses.replace(
        result, shards=tuple(dataclasses.replace(first, **change) for change in changes)
    )


def shards_over(result, shards, nodes, **changes):
    """The result as if it came from so many shards, one second each, round-robin over nodes."""
    return with_shards(
        result,
        *(
            {"node_id": f"node-{i % nodes}", "started": 100.0 + i // nodes, "seconds": 0.9}
            | changes
            for i in range(shards)
        ),
    )


def bars(figure):
    """The bars of a picture from the left, or from the top: those of a legend are elsewhere."""
    return figure.axes[0].patches


def all_text(figure):
    from matplotlib.text import Text

    return "\n".join(text.get_text() for text in figure.findobj(Text))


def tick_labels(figure, which="x"):
    axis = figure.axes[0].xaxis if which == "x" else figure.axes[0].yaxis
    return [label.get_text() for label in axis.get_ticklabels()]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def overlapping(figure, labels):
    """Pairs of neighbouring labels that are drawn over each other."""
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in labels if label.get_text()]
    return sum(a.overlaps(b) for a, b in pairwise(boxes))


# the histogram


@needs_matplotlib
def test_two_outcomes(bell_result):
    figure = bell_result.plot()
    assert [bar.get_height() for bar in bars(figure)] == list(bell_result.counts.values())
    assert tick_labels(figure) == ["00", "11"]
    text = all_text(figure)
    assert "bell" in text
    assert "2,000 shots on local-numpy-0; exact; simulated" in text
    assert figure.axes[0].get_ylabel() == "shots"
    assert "percent of all shots" in text
    assert "Note" not in text
    assert not figure.get_supxlabel()


@needs_matplotlib
@pytest.mark.parametrize("width", [1, 4, 6, 7])
def test_every_shot_stands_in_a_bar(qvm, width):
    result = qvm.run(rotated(width), 20_000, seed=1)
    figure = result.plot()
    assert len(bars(figure)) == len(result.counts)
    assert sum(bar.get_height() for bar in bars(figure)) == 20_000


@needs_matplotlib
def test_left_and_right_axes_agree(bell_result):
    figure = bell_result.plot()
    figure.draw_without_rendering()
    (percent,) = figure.axes[0].child_axes
    low, high = figure.axes[0].get_ylim()
    assert percent.get_ylim() == pytest.approx((low / 20, high / 20))


@needs_matplotlib
@pytest.mark.parametrize("width", [1, 4, 5, 6, 7, 9])
def test_labels_do_not_touch(qvm, width):
    figure = qvm.run(rotated(width), 20_000, seed=1).plot()
    assert overlapping(figure, figure.axes[0].get_xticklabels()) == 0
    assert len([label for label in tick_labels(figure) if label]) <= 40


@needs_matplotlib
def test_of_many_outcomes_the_most_frequent_and_the_rest(qvm):
    result = qvm.run(rotated(10, angle=0.9), 50_000, seed=1)
    assert len(result.counts) > 300
    figure = result.plot()
    *shown, rest = (bar.get_height() for bar in bars(figure))
    best = sorted(result.counts.values(), reverse=True)
    assert shown == best[:200]
    assert rest == min(sum(best[200:]), 1.12 * best[0])
    text = all_text(figure)
    assert f"the 200 most frequent of {len(best)} outcomes" in text
    assert f"{len(best) - 200} others" in tick_labels(figure)
    assert f"{sum(best[200:]):,}" in text


@needs_matplotlib
def test_a_rest_that_would_dwarf_the_others_is_cut_off(qvm):
    result = qvm.run(rotated(8), 10_000, seed=1)
    figure = result.plot(most=3)
    *shown, rest = (bar.get_height() for bar in bars(figure))
    assert len(shown) == 3
    hidden = 10_000 - sum(shown)
    assert rest < 1.2 * shown[0] < hidden
    assert f"{hidden:,} ↑" in all_text(figure)


@needs_matplotlib
def test_most_may_be_as_many_as_there_are(qvm):
    result = qvm.run(rotated(8), 50_000, seed=1)
    assert len(result.counts) == 256
    assert len(bars(result.plot(most=256))) == 256
    assert len(bars(result.plot(most=255))) == 256
    assert "1 other" in tick_labels(result.plot(most=255))


@needs_matplotlib
@pytest.mark.parametrize("most", [0, -1, 1.5, True, "3"])
def test_most_must_be_a_positive_integer(bell_result, most):
    with pytest.raises(InvalidArguments, match="most must be a positive integer"):
        bell_result.plot(most=most)


@needs_matplotlib
def test_a_million_outcomes(bell_result):
    import numpy as np

    words = np.arange(2**20, dtype=np.uint64).reshape(-1, 1)
    packed = PackedCounts(20, words, np.ones(2**20, dtype=np.int64))
    result = dataclasses.replace(
        bell_result, packed=packed, shots=2**20, registers=Registers(20, (("m", 20),))
    )
    figure = result.plot()
    assert len(bars(figure)) == 201
    assert tick_labels(figure)[0] == "0" * 20
    assert "1,048,376 ↑" in all_text(figure)
    assert "counts" not in vars(result)  # no million of keys was made
    assert len(result._repr_html_()) < 20_000
    assert "counts" not in vars(result)


@needs_matplotlib
def test_long_keys_are_cut_in_the_middle(qvm):
    circuit = QuantumCircuit(2, 100, name="long")
    circuit.h(0)
    circuit.measure([0, 0], [0, 99])
    labels = tick_labels(qvm.run(circuit, 100, seed=1).plot())
    assert labels == ["000000000…00000000", "100000000…00000001"]


@needs_matplotlib
def test_keys_that_differ_in_the_middle_stay_apart(qvm):
    circuit = QuantumCircuit(3, 127, name="wide")
    circuit.h([0, 1, 2])
    circuit.measure([0, 1, 2], [10, 60, 61])
    figure = qvm.run(circuit, 1000, seed=1).plot()
    assert tick_labels(figure) == [f"…{a}{b}…{c}…" for a in "01" for b in "01" for c in "01"]
    assert "… stands for bits that are the same in all" in figure.axes[0].get_xlabel()


@needs_matplotlib
def test_keys_that_cannot_be_told_apart_say_so(bell_result):
    packed = PackedCounts.from_ints({2**i: 1 for i in range(20, 60)}, 80)
    result = dataclasses.replace(bell_result, packed=packed, shots=40, registers=Registers(80))
    figure = result.plot()
    assert max(map(len, tick_labels(figure))) == 18
    assert "… stands for bits that are left out" in figure.axes[0].get_xlabel()


@needs_matplotlib
@pytest.mark.parametrize("counts", [{}, {0: 5}])
def test_no_outcome_and_no_bits(bell_result, counts):
    packed = PackedCounts.from_ints(counts, 0)
    result = dataclasses.replace(bell_result, packed=packed, shots=5, registers=Registers(0))
    figure = result.plot()
    figure.draw_without_rendering()
    assert len(bars(figure)) == len(counts)
    assert result._repr_html_()


@needs_matplotlib
@pytest.mark.parametrize(
    "changes, text",
    [
        ({"simulated": False}, "Note: quantum hardware took part"),
        ({"simulated": None}, "Note: nobody says whether this was simulated"),
        ({"exact": False}, "; not exact;"),
        ({"exact": None}, "; exactness unknown;"),
    ],
)
def test_what_a_reader_must_know(bell_result, changes, text):
    assert text in all_text(with_shards(bell_result, changes).plot())


@needs_matplotlib
def test_warnings_are_noted(bell_result):
    told = ("a $\\frac{1}{$ is no formula", "long " * 200, "third", "fourth")
    figure = dataclasses.replace(bell_result, warnings=told).plot()
    figure.draw_without_rendering()
    assert "Warning: a $\\frac{1}{$ is no formula" in figure.get_supxlabel()
    assert "... and 2 more warnings" in figure.get_supxlabel()
    assert max(map(len, figure.get_supxlabel().splitlines())) <= 100


@needs_matplotlib
@pytest.mark.parametrize("name", ["$x_{$", EVIL, "日本 🎉 \ud800", "a\nb\tc\0", "n" * 500, ""])
@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_any_name_can_be_drawn(bell_result, name, suffix, tmp_path):
    result = dataclasses.replace(bell_result, name=name)
    result = with_shards(result, {"node_id": name or "n"}, {"node_id": "other"})
    for number, draw in enumerate((result.plot, result.timeline)):
        path = tmp_path / f"{number}{suffix}"
        draw(path)
        assert path.stat().st_size > 1000
    assert not set(all_text(result.plot())) & set("\x1b\u202e\0\ud800")


@needs_matplotlib
def test_files_are_what_their_suffix_says(bell_result, tmp_path):
    for suffix, magic in (
        (".png", b"\x89PNG"),
        (".svg", b"<?xml"),
        (".pdf", b"%PDF"),
        (".PNG", b"\x89PNG"),
    ):
        path = tmp_path / f"counts{suffix}"
        bell_result.plot(str(path))
        assert path.read_bytes().startswith(magic)
    assert "<title>Histogram of bell: 2,000 shots</title>" in (tmp_path / "counts.svg").read_text()


@needs_matplotlib
@pytest.mark.parametrize("name", ["counts", "counts.gif", "counts.jpg", "missing/counts.png"])
def test_a_path_that_cannot_be_written_to_is_refused(bell_result, tmp_path, name):
    for draw in (bell_result.plot, bell_result.timeline):
        with pytest.raises(InvalidArguments, match=r"must end in \.png|there is no folder"):
            draw(tmp_path / name)
    assert not list(tmp_path.iterdir())


@needs_matplotlib
def test_a_notebook_shows_the_figure(bell_result):
    assert bell_result.plot()._repr_png_().startswith(b"\x89PNG")


@needs_matplotlib
def test_figures_can_be_pickled_and_copied(bell_result):
    for figure in (bell_result.plot(), bell_result.timeline()):
        assert pickle.loads(pickle.dumps(figure))._repr_png_().startswith(b"\x89PNG")
        assert copy.deepcopy(figure)._repr_png_().startswith(b"\x89PNG")


@needs_matplotlib
def test_a_result_that_was_read_back_can_be_drawn(bell_result):
    twin = QVMResult.from_json(bell_result.to_json())
    assert all_text(twin.plot()) == all_text(bell_result.plot())
    assert all_text(twin.timeline()) == all_text(bell_result.timeline())
    assert "<details>" not in twin._repr_html_()


@needs_matplotlib
def test_pyplot_stays_out(bell_result, tmp_path):
    (tmp_path / "result.json").write_text(bell_result.to_json())
    code = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from qcos_core import QVMResult\n"
        "result = QVMResult.from_json(Path('result.json').read_text())\n"
        "result._repr_html_()\n"
        "before = 'matplotlib' in sys.modules\n"
        "for name in ('x.png', 'x.svg', 'x.pdf'): result.plot(name), result.timeline(name)\n"
        "print(json.dumps([before, 'matplotlib.pyplot' in sys.modules]))\n"
    )
    assert json.loads(python(code, tmp_path)) == [False, False]


def python(code, folder):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_matplotlib_the_error_names_the_extra(bell_result, tmp_path):
    (tmp_path / "result.json").write_text(bell_result.to_json())
    code = (
        "import sys\n"
        "sys.modules['matplotlib'] = None\n"
        "from pathlib import Path\n"
        "from qcos_core import InvalidArguments, QVMResult\n"
        "result = QVMResult.from_json(Path('result.json').read_text())\n"
        "for draw in (result.plot, result.timeline):\n"
        "    try:\n"
        "        draw('x.png')\n"
        "    except InvalidArguments as error:\n"
        "        print(error)\n"
    )
    line = "pictures need matplotlib: pip install 'qcos-core[plot]'.\n"
    assert python(code, tmp_path) == line * 2


# the timeline


@needs_matplotlib
def test_timeline_of_a_run(qvm):
    circuits = [rotated(3, name=f"c{i}") for i in range(6)]
    results = qvm.run(circuits, 1000, seed=1, policy="round_robin")
    figure = pictures.timeline(results)
    assert len(bars(figure)) == 6
    assert sorted(tick_labels(figure, "y")) == [f"local-numpy-{i}" for i in range(3)]
    assert "6 shards on 3 nodes" in all_text(figure)
    assert legend(figure) == [f"c{i}" for i in range(6)]


@needs_matplotlib
@pytest.mark.parametrize("shards, nodes", [(1, 1), (8, 1), (8, 3), (100, 1), (100, 20), (300, 150)])
def test_timeline_of_any_size(bell_result, shards, nodes):
    figure = shards_over(bell_result, shards, nodes).timeline()
    assert len(bars(figure)) == shards
    rows = {round(bar.get_y() + bar.get_height() / 2) for bar in bars(figure)}
    assert rows == set(range(nodes))
    assert len(tick_labels(figure, "y")) <= 40
    assert overlapping(figure, figure.axes[0].get_yticklabels()) == 0
    assert max(figure.get_size_inches()) <= 14


@needs_matplotlib
def test_bars_stand_where_their_shards_ran(bell_result):
    times = ((1000.0, 2.0), (1002.5, 1.0), (1001.0, 4.0))
    result = with_shards(
        bell_result,
        *(
            {"node_id": node, "started": start, "seconds": length}
            for node, (start, length) in zip("aab", times, strict=True)
        ),
    )
    placed = sorted((bar.get_x(), bar.get_width(), bar.get_y()) for bar in bars(result.timeline()))
    assert [(x, width) for x, width, _ in placed] == [(0.0, 2.0), (1.0, 4.0), (2.5, 1.0)]
    assert placed[0][2] == placed[2][2] < placed[1][2]


@needs_matplotlib
def test_shards_side_by_side_have_rows_of_their_own(bell_result):
    result = shards_over(bell_result, 4, 1, started=5.0)
    figure = result.timeline()
    assert len({bar.get_y() for bar in bars(figure)}) == 4
    assert tick_labels(figure, "y") == ["node-0"]


@needs_matplotlib
def test_fallbacks_and_repeated_attempts_are_marked(bell_result):
    plain = shards_over(bell_result, 8, 3)
    assert legend(plain.timeline()) == ["shard and its shots"]
    shards = list(plain.shards)
    shards[2] = dataclasses.replace(shards[2], fallback=True)
    shards[5] = dataclasses.replace(shards[5], attempts=3)
    figure = dataclasses.replace(plain, shards=tuple(shards)).timeline()
    assert [bool(bar.get_hatch()) for bar in bars(figure)].count(True) == 1
    assert "ran on a fallback" in legend(figure)
    assert "tried again; last attempt" in legend(figure)
    assert "3x" in all_text(figure)
    again = pictures.timeline([dataclasses.replace(plain, shards=tuple(shards)), plain])
    assert "ran on a fallback" in legend(again)


@needs_matplotlib
@pytest.mark.parametrize("seconds", [None, math.nan, math.inf, -1.0])
def test_a_length_that_nobody_knows(bell_result, seconds):
    figure = shards_over(bell_result, 3, 1, seconds=seconds).timeline()
    figure.draw_without_rendering()
    assert len(bars(figure)) == 0
    assert "length unknown" in legend(figure)


@needs_matplotlib
def test_shards_without_a_time_are_counted(bell_result):
    result = with_shards(bell_result, {}, {"started": None}, {"started": None})
    figure = result.timeline()
    assert len(bars(figure)) == 1
    assert "3 shards" in all_text(figure)
    assert "2 shards without a time of their own" in figure.get_supxlabel()


@needs_matplotlib
@pytest.mark.parametrize("seconds", [0.0, 1e-7, 1e-4, 0.1, 100.0, 1e4, 1e6])
def test_any_length_of_time(bell_result, seconds):
    figure = shards_over(bell_result, 1, 1, seconds=seconds).timeline()
    figure.draw_without_rendering()
    assert figure.axes[0].get_xlim()[1] > 0


@needs_matplotlib
def test_timeline_of_nothing(bell_result):
    for results in ([], [None], [dataclasses.replace(bell_result, shards=())]):
        pictures.timeline(results).draw_without_rendering()


@needs_matplotlib
def test_timeline_leaves_out_what_did_not_come_back(bell_result):
    figure = pictures.timeline([None, bell_result])
    assert all_text(figure) == all_text(bell_result.timeline())


# the tree


def test_tree_of_one_circuit(qvm):
    text = qvm.plan(rotated(3, name="mine"), 1000, seed=1).tree()
    lines = text.splitlines()
    assert lines[0] == "PLAN  1 circuit, 1,000 shots, 1 shard on 1 node"
    assert lines[1] == "└── mine: 3 active qubits, 1,000 shots"
    assert lines[2].startswith("    ├── chosen    local-numpy-0: statevector (numpy); ")
    assert "    └── possible  local-numpy-1 (+1 alike): " in text


def test_tree_says_why_not(machine, zeros_provider, bell):
    class Small(zeros_provider):
        def build_nodes(self):
            return super().build_nodes(max_qubits=1)

    class Paid(zeros_provider):
        def estimate_run(self, profile, shots, node, options):
            return Estimate((1.0, 2.0), charges=(Amount(0.3, "USD"),), method="ions")

    text = machine(Small(), Paid()).plan(bell, 10).tree()
    assert "rejected  node-0: " in text
    assert re.search(r"chosen +node-1: ions; 1 s to 2 s; 0.3 USD$", text, re.MULTILINE)


@pytest.mark.parametrize("circuits", [1, 8, 9, 500])
def test_tree_is_narrow_and_short(qvm, circuits):
    named = [rotated(2, name=f"{EVIL} {'long name ' * 20} {i}") for i in range(circuits)]
    text = qvm.plan(named, 100, seed=1, policy="round_robin").tree()
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) < 60
    assert all(char.isprintable() for char in text.replace("\n", ""))
    assert ("more circuit" in text) == (circuits > 8)
    if circuits > 8:
        told = sum(int(n) for n in re.findall(r"chosen .*: (\d+) circuits?,", text))
        assert told == circuits - 8


def test_tree_says_how_shots_are_split(machine, zeros_provider, bell):
    class Apart(zeros_provider):
        def build_nodes(self):
            return super().build_nodes(n_nodes=2)

        def limits(self, node):
            return Limits(simulated=True, seeded=True)

        def estimate_run(self, profile, shots, node, options):
            return Estimate((9.0, 9.0), sampling="per_shot", method="each", exact=True)

    plan = machine(Apart()).plan(bell, 100_000, seed=1, strategy="shots")
    assert len(plan.shards) == 2
    for shard in plan.shards:
        line = f"chosen    {shard.node_id}: each; about 9 s; {shard.task.shots:,} shots"
        assert line in plan.tree()


def test_tree_sums_up_crowds_of_nodes(machine, zeros_provider, bell):
    class Crowd(zeros_provider):
        def build_nodes(self):
            return super().build_nodes(n_nodes=60)

        def estimate_run(self, profile, shots, node, options):
            number = int(node.node_id.split("-")[1])
            return Estimate((number + 1.0, number + 2.0), method=f"method {number}")

    text = machine(Crowd()).plan(bell, 10).tree()
    assert "... and 47 more ways" in text
    assert len(text.splitlines()) < 40


# HTML


class Strict(HTMLParser):
    """Fails where an element is not closed, or not allowed."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text, self.attributes = [], set(), "", []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def parse(html):
    parser = Strict()
    parser.feed(html)
    parser.close()
    assert not parser.open
    assert not parser.seen & {"script", "style", "link", "img", "iframe", "object"}
    names = {name for name, _ in parser.attributes}
    assert not names & {"src", "href"}
    assert not [name for name in names if name.startswith("on")]
    assert "url(" not in html
    return parser


def test_html_of_a_result(bell_result):
    page = parse(bell_result._repr_html_())
    assert {"section", "table", "caption", "th", "details"} <= page.seen
    assert ("aria-label", "Result of bell") in page.attributes
    for text in ("2,000 shots; exact; simulated; seed 7", "local-numpy-0", "2 outcomes", "49.90%"):
        assert text in page.text
    for number in bell_result.counts.values():
        assert f"{number:,}" in page.text
    assert bell_result.plan.tree() in page.text
    assert "Warnings" not in page.text


def test_html_escapes_everything(qvm):
    result = qvm.run(rotated(2, name=EVIL), 100, seed=1)
    result = with_shards(
        dataclasses.replace(result, warnings=(EVIL,) * 20),
        *({"node_id": EVIL, "method": EVIL, "executor": EVIL, "charges": (Amount(1.0, EVIL),)},)
        * 30,
    )
    for html in (result._repr_html_(), result.plan._repr_html_()):
        page = parse(html)
        assert "<script>alert('1')</script>&?[31m?" in page.text
        assert not set(html) & set("\x1b\u202e")
    page = parse(result._repr_html_())
    assert "... and 10 more shards" in page.text
    assert "... and 12 more warnings" in page.text
    assert "charges" in page.text


def test_html_tells_long_keys_apart(qvm):
    circuit = QuantumCircuit(3, 127, name="wide")
    circuit.h([0, 1, 2])
    circuit.measure([0, 1, 2], [0, 60, 126])
    page = parse(qvm.run(circuit, 1000, seed=1)._repr_html_())
    for bits in ("0…0…0", "0…1…0", "1…1…1"):
        assert bits in page.text
    assert "8 outcomes; … stands for bits that are the same in all" in page.text


def test_html_of_many_outcomes(qvm):
    result = qvm.run(rotated(10, angle=0.9), 5000, seed=1)
    page = parse(result._repr_html_())
    hidden = len(result.counts) - 16
    rest = 5000 - sum(sorted(result.counts.values(), reverse=True)[:16])
    assert f"{hidden} more outcomes with {rest:,} shots" in page.text
    widths = [float(w) for w in re.findall(r"width:([\d.]+)em", result._repr_html_())]
    assert len(widths) == 16
    assert widths[0] == max(widths) == 12


def test_html_of_a_plan(qvm):
    circuits = [rotated(2, name=f"c{i}") for i in range(30)]
    plan = qvm.plan(circuits, 100, seed=1, policy="round_robin")
    page = parse(plan._repr_html_())
    assert "30 shards on 3 nodes" in page.text
    assert "... and 10 more shards" in page.text
    assert "policy round_robin" in page.text
    assert plan.tree() in page.text


# the command line


@pytest.fixture
def qcos(tmp_path, monkeypatch, capsys):
    """Run a command in this process: its exit code, output and errors."""
    from qcos_core.cli.app import app

    monkeypatch.chdir(tmp_path)
    Path("one.qasm").write_text(qasm2.dumps(rotated(2)))
    with Path("two.qpy").open("wb") as file:
        qpy.dump([rotated(2, "a"), rotated(3, "b")], file)

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ending:
            app.main(["run", *arguments, "--on", "local_numpy"], prog_name="qcos")
        out, err = capsys.readouterr()
        return ending.value.code, out, err

    return run


@needs_click
@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_run_draws_a_picture(qcos, suffix):
    code, out, err = qcos("one.qasm", "--plot", f"x{suffix}")
    assert (code, err) == (0, "")
    assert f" picture: x{suffix}\n" in out
    assert Path(f"x{suffix}").stat().st_size > 1000


@needs_click
def test_run_draws_a_picture_of_each_circuit(qcos):
    code, out, err = qcos("two.qpy", "one.qasm", "--plot", "x.y.png")
    assert (code, err) == (0, "")
    assert sorted(path.name for path in Path().glob("*.png")) == [f"x.y-{i}.png" for i in (1, 2, 3)]
    assert " picture: x.y-3.png\n" in out


@needs_click
def test_run_draws_beside_json(qcos):
    code, out, err = qcos("one.qasm", "--json", "--plot", "x.png")
    assert code == 0
    assert QVMResult.from_json(out).shots == 1024
    assert err == " picture: x.png\n"
    assert Path("x.png").is_file()


@needs_click
@pytest.mark.parametrize("name", ["x", "x.gif", "-", "missing/x.png"])
def test_run_refuses_a_picture_before_it_runs(qcos, name):
    code, out, err = qcos("one.qasm", "--plot", name)
    assert (code, out) == (2, "")
    assert "error: " in err


@needs_click
def test_run_without_matplotlib_names_the_extra(qcos, monkeypatch):
    for module in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, out, err = qcos("one.qasm", "--plot", "x.png")
    assert (code, out) == (2, "")
    assert "pip install 'qcos-core[plot]'" in err


@needs_click
def test_what_did_not_come_back_leaves_its_number_free(bell_result, tmp_path):
    from qcos_core.cli.report import Outcome
    from qcos_core.cli.run import _draw

    written = _draw(str(tmp_path / "x.png"), Outcome([None, bell_result]))
    assert written == [tmp_path / "x-2.png"]
    assert list(tmp_path.iterdir()) == written
