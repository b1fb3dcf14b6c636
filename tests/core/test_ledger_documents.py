"""Everything a job is made of, as JSON or as bytes, and back without any loss."""

import json
import math
import pickle
import signal
import subprocess
import sys
import time
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, strategies as st

import qcos_core.errors
from qcos_core import InvalidArguments, LedgerUnusable, PartialResult, QCOSError, Throttled
from qcos_core.ledger.documents import Reader, Writer, from_document, to_document
from qcos_core.ledger.payloads import pack, unpack
from qcos_core.model.amounts import Amount
from qcos_core.model.answers import Answer
from qcos_core.model.circuits import CircuitProfile
from qcos_core.model.counts import PackedCounts, Registers
from qcos_core.model.nodes import Limits
from qcos_core.model.plans import Candidate, Decision, Estimate, PlannedCircuit, Shard, ShardPlan
from qcos_core.model.results import ShardRecord
from qcos_core.model.seam import Block, Handle, Submission, Task
from qcos_core.model.shots import PackedShots

text = st.text(max_size=8)
number = st.floats(allow_nan=False)
whole = st.integers(-(2**70), 2**70)
plain = st.one_of(st.none(), st.booleans(), whole, number, text)
values = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(text, whole, st.tuples(whole, text)), inner, max_size=3),
        st.dictionaries(st.sampled_from(["$tuple", "$items", "$object", "$x"]), inner),
    ),
    max_leaves=8,
)
options = st.dictionaries(text, values, max_size=3)
blocks = st.lists(st.builds(Block, whole, whole, whole), max_size=3).map(tuple)
amounts = st.lists(st.builds(Amount, number, text), max_size=2).map(tuple)
tasks = st.builds(
    Task, text, text, blocks, text, options, st.lists(number, max_size=3).map(tuple), whole
)
submissions = st.builds(
    Submission, text, text, st.lists(tasks, max_size=3).map(tuple), st.none() | number
)
records = st.builds(
    ShardRecord,
    task_id=text,
    node_id=text,
    provider=text,
    executor=text,
    fallback=st.booleans(),
    shots=whole,
    blocks=st.lists(st.tuples(whole, whole, whole), max_size=2).map(tuple),
    charges=amounts,
    metadata=options,
)
estimates = st.builds(
    Estimate,
    seconds=st.none() | st.tuples(number, number),
    charges=amounts,
    sampling=st.sampled_from([None, "once", "per_shot"]),
    by_hand_seconds=st.none() | st.tuples(number, number),
)
registers = st.builds(
    Registers,
    whole,
    st.lists(st.tuples(text, whole), max_size=2).map(tuple),
    st.lists(st.lists(whole, max_size=2).map(tuple), max_size=2).map(tuple),
)
profiles = st.builds(
    CircuitProfile,
    text,
    whole,
    st.lists(whole, max_size=3).map(tuple),
    registers,
    st.dictionaries(text, whole, max_size=3),
    layout=st.none() | st.lists(whole, max_size=3).map(tuple),
)
circuits = st.builds(
    PlannedCircuit,
    text,
    text,
    profiles,
    whole,
    whole,
    whole,
    options,
    points=st.lists(st.lists(number, max_size=2).map(tuple), max_size=3).map(tuple),
    shape=st.none() | st.lists(whole, max_size=2).map(tuple),
)
shards = st.builds(Shard, tasks, text, text, st.none() | estimates, st.none() | st.booleans())
plans = st.builds(
    ShardPlan,
    st.lists(circuits, max_size=2).map(tuple),
    st.lists(shards, max_size=3).map(tuple),
    st.lists(st.builds(Decision, text, text, text, st.booleans(), text, estimates), max_size=2).map(
        tuple
    ),
    candidates=st.dictionaries(
        text,
        st.lists(
            st.builds(Candidate, text, text, st.just(Limits(5, formats=("qpy",))), options),
            max_size=2,
        ).map(tuple),
        max_size=2,
    ),
    deadline_s=st.none() | number,
)


def through(value):
    """A value written as text and read back."""
    return from_document(json.loads(json.dumps(to_document(value))), type(value))


def exactly(value):
    """What tells apart what Python takes as equal, such as ``1``, ``True`` and ``1.0``."""
    return repr(value)


@given(values)
def test_plain_values_come_back_exactly(value):
    assert through(value) == value
    assert exactly(through(value)) == exactly(value)


@given(st.one_of(submissions, records, estimates, registers, profiles, circuits, plans))
def test_every_part_of_a_job_comes_back_exactly(value):
    assert through(value) == value
    assert exactly(through(value)) == exactly(value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, -0.0, 5e-324, 1e308])
def test_strange_floats_survive_everywhere(value):
    task = Task("t", "c0", (), options={"at": value}, parameters=(value,))
    found = through(Submission("k", "n", (task,), value))
    assert repr(found) == repr(Submission("k", "n", (task,), value))


def test_a_mapping_that_cannot_be_changed_comes_back_as_one_that_can():
    assert through({"a": MappingProxyType({1: 2})}) == {"a": {1: 2}}


def test_an_estimate_without_the_time_by_hand_reads():
    document = to_document(Estimate((0.1, 0.2), by_hand="run()", by_hand_seconds=(1.0, 2.0)))
    del document["value"]["$Estimate"]["by_hand_seconds"]
    assert from_document(document, Estimate) == Estimate((0.1, 0.2), by_hand="run()")


def test_handles_come_back():
    handle = Handle("k", ("a", "b"), {"region": "eu"})
    assert through(handle) == handle


@pytest.mark.parametrize(
    "cls",
    [
        value
        for value in vars(qcos_core.errors).values()
        if isinstance(value, type) and issubclass(value, QCOSError) and value is not PartialResult
    ],
)
def test_errors_come_back_in_their_class(cls):
    found = through(cls("it broke", node="n0", hint="Mend it."))
    assert type(found) is cls
    assert (found.message, found.node, found.hint) == ("it broke", "n0", "Mend it.")


def test_the_error_of_a_plugin_comes_back_as_what_it_derives_from():
    class SlowDown(Throttled):
        pass

    found = from_document(to_document(SlowDown("wait")), QCOSError)
    assert type(found) is Throttled
    assert found.retryable


def test_a_partial_result_is_refused():
    with pytest.raises(InvalidArguments, match="store its errors"):
        to_document({"c0": PartialResult("some")})


def test_objects_are_pickled_once_and_come_back_as_one():
    noise = np.arange(3)
    made = tuple(Task(f"t{n}", "c0", (), options={"noise": noise, "n": n}) for n in range(50))
    document = to_document(Submission("k", "n", made))
    assert len(document["objects"]) == 1
    found = from_document(json.loads(json.dumps(document)), Submission)
    assert np.array_equal(found.tasks[0].options["noise"], noise)
    assert found.tasks[0].options["noise"] is found.tasks[49].options["noise"]


def test_members_of_an_enumeration_stay_what_they_are():
    assert through({"a": signal.SIGINT})["a"] is signal.SIGINT


def test_what_cannot_be_pickled_is_refused_with_its_name():
    with pytest.raises(InvalidArguments, match=r"generator cannot be stored.*Leave it out"):
        to_document({"a": (n for n in range(3))})


def test_what_holds_itself_is_refused():
    knot = []
    knot.append(knot)
    with pytest.raises(InvalidArguments, match="within itself"):
        to_document({"a": knot})


class Vanishing:
    """Pickles well, and cannot be made again, as if its package were gone."""

    def __reduce__(self):
        return (pickle.loads, (b"cno_such_package\nThing\n.",))


def test_an_object_whose_package_is_gone_is_told():
    with pytest.raises(LedgerUnusable, match=r"no_such_package.*Install"):
        through({"a": Vanishing()})


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"value": {}},
        {"value": {"$Nobody": {}}, "objects": {}},
        {"value": {"$Task": {"id": "a"}}, "objects": {}},
        {"value": {"$Task": {"unknown": "a"}}, "objects": {}},
        {"value": {"$tuple": 3}, "objects": {}},
        {"value": {"$items": [[1]]}, "objects": {}},
        {"value": {"$object": "missing"}, "objects": {}},
        {"value": {"$object": "a"}, "objects": {"a": "no base 64!"}},
        {"value": [], "objects": {}},
        [],
    ],
)
def test_what_was_never_written_is_refused(document):
    with pytest.raises(LedgerUnusable, match="cannot be read"):
        from_document(document, Task)


@pytest.mark.parametrize("change", [{"rows": 3}, {"numbers": "AAAA"}, {"length": [1]}])
def test_a_damaged_table_is_refused(change):
    circuit = PlannedCircuit(
        "c0", "a", CircuitProfile("a", 1, (0,), Registers(1)), 1, 0, 0, points=((1.0, 2.0),) * 2
    )
    document = to_document(circuit)
    document["value"]["$PlannedCircuit"]["points"] |= change
    with pytest.raises(LedgerUnusable, match="cannot be read"):
        from_document(document, PlannedCircuit)


def test_a_plan_of_100_000_points_is_written_and_read_at_once():
    points = tuple((n / 7, -n / 3) for n in range(100_000))
    circuit = PlannedCircuit(
        "c0", "a", CircuitProfile("a", 1, (0,), Registers(1)), 10, 0, 0, points=points, shape=(1,)
    )
    same, estimate = {"method": "statevector"}, Estimate((0.1, 0.2))
    made = tuple(
        Shard(Task(f"c0.{n}", "c0", (Block(0, 10, n),), "sv", same, point, n), "n0", "p", estimate)
        for n, point in enumerate(points)
    )
    plan = ShardPlan((circuit,), made)
    start = time.perf_counter()
    written = json.dumps(to_document(plan))
    middle = time.perf_counter()
    found = from_document(json.loads(written), ShardPlan)
    end = time.perf_counter()
    print(f"write {middle - start:.2f} s, read {end - middle:.2f} s, {len(written) >> 20} MiB")
    assert found == plan
    assert len(written) < 20_000_000


def answer(**kwargs):
    task = Task("t", "c0", (Block(0, 8, 7),), options={"memory": True}, parameters=(math.inf,))
    record = ShardRecord("t", "n0", "p", "p", False, 8, ((0, 8, 7),), charges=(Amount(0.1, "USD"),))
    return Answer(task, record, **kwargs)


def through_bytes(value):
    writer = Writer()
    content = pack(value, writer)
    return unpack(content, Reader(writer.objects.__getitem__))


def assert_alike(found, value):
    assert (found.task, found.record, found.warning) == (value.task, value.record, value.warning)
    assert found.counts == value.counts
    assert (found.memory is None) == (value.memory is None)
    if value.memory is not None:
        assert found.memory.width == value.memory.width
        assert np.array_equal(found.memory.words, value.memory.words)


@given(
    st.integers(0, 200).flatmap(
        lambda width: st.tuples(
            st.just(width),
            st.dictionaries(st.integers(0, 2**width - 1), st.integers(1, 2**40), max_size=20),
            st.lists(st.integers(0, 2**width - 1), max_size=20),
        )
    )
)
def test_counts_and_memory_come_back_whatever_their_width(case):
    width, counts, memory = case
    value = answer(
        counts=PackedCounts.from_ints(counts, width), memory=PackedShots.from_ints(memory, width)
    )
    found = through_bytes(value)
    assert_alike(found, value)
    assert found.counts.words.flags.writeable
    assert found.counts.words.dtype == np.uint64


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"warning": "only half of it"},
        {"counts": PackedCounts.from_ints({}, 3)},
        {"memory": PackedShots.from_ints([1, 0, 1], 1)},
    ],
)
def test_any_part_may_be_missing(parts):
    assert_alike(through_bytes(answer(**parts)), answer(**parts))


def test_saved_data_come_back():
    data = {"state": np.array([1, 1j]), "by shot": {3: [1.5, (2, "a")]}, "none": None}
    found = through_bytes(answer(data=data)).data
    assert found.keys() == data.keys()
    assert np.array_equal(found["state"], data["state"])
    assert found["by shot"] == data["by shot"]


def test_an_answer_cut_anywhere_is_refused():
    writer = Writer()
    value = answer(
        counts=PackedCounts.from_ints({0: 3, 5: 5}, 3), memory=PackedShots.from_ints([0] * 8, 3)
    )
    content = pack(value, writer)
    for damaged in [*(content[:length] for length in range(len(content))), content + b"x"]:
        with pytest.raises(LedgerUnusable):
            unpack(damaged, Reader(writer.objects.__getitem__))


def test_the_ledger_needs_neither_qiskit_nor_numpy_to_start():
    """So that it can be killed and started a thousand times in a test."""
    code = (
        "import sys, pkgutil, importlib, qcos_core.ledger as ledger\n"
        "names = [module.name for module in pkgutil.iter_modules(ledger.__path__)]\n"
        "for name in names: importlib.import_module('qcos_core.ledger.' + name)\n"
        "print(len(names), sorted({'qiskit', 'numpy', 'asyncio'} & sys.modules.keys()))"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    number, heavy = found.stdout.split(maxsplit=1)
    assert int(number) > 10
    assert heavy == "[]\n"
