"""Providers that do it wrong: each gives an error that says what and on which node."""

import asyncio
import json
import math

import numpy as np
import pytest

from qcos_core import (
    CircuitRejected,
    CountsInvalid,
    Estimate,
    Execution,
    InvalidArguments,
    JobFailed,
    Limits,
    NoCapableNode,
    NodeOffline,
    PackedCounts,
    PartialResult,
    QCOSError,
    QVMResult,
    TaskResult,
    Throttled,
)


def returns(counts):
    """``execute`` that returns this, with the shots filled in."""
    return lambda self, circuit, shots, node_spec: counts(shots)


def raises(cls, *args):
    """A method that raises a new error of this class each time."""

    def method(self, *arguments):
        raise cls(*args)

    return method


def result(**fields):
    """``run_task`` that returns this."""
    return lambda self, task, circuit, node: TaskResult(**{"task_id": task.id, **fields})


SIMPLE = PackedCounts.from_ints({0: 10}, 2)

WRONG_EXECUTE = {
    "no shots but a key": (returns(lambda n: {"00": 0}), CountsInvalid, "asked for 10 shots, 0"),
    "one shot more": (returns(lambda n: {"00": n, "11": 1}), CountsInvalid, "10 shots, 11 came"),
    "no shots": (returns(lambda n: {}), CountsInvalid, "asked for 10 shots, 0 came back"),
    "too narrow": (returns(lambda n: {"0": n}), CountsInvalid, "'0' is not a bitstring of 2 bits"),
    "too wide": (returns(lambda n: {"000": n}), CountsInvalid, "not a bitstring of 2 bits"),
    "hexadecimal": (returns(lambda n: {"0x0": n}), CountsInvalid, "'0x0' is hexadecimal"),
    "integers": (returns(lambda n: {0: n}), CountsInvalid, "0 is not a bitstring"),
    "negative": (returns(lambda n: {"00": n + 1, "11": -1}), CountsInvalid, "not be negative"),
    "fractions": (returns(lambda n: {"00": n / 2, "11": n / 2}), CountsInvalid, "be an integer"),
    "truth": (returns(lambda n: {"00": n - 1, "11": True}), CountsInvalid, "be an integer"),
    "huge": (returns(lambda n: {"00": 10**30}), CountsInvalid, "shots"),
    "wraps around": (
        returns(lambda n: {"00": 2**63 - 1, "01": 2**63 - 1, "11": 2 + n}),
        CountsInvalid,
        "shots",
    ),
    "list": (returns(lambda n: ["00"] * n), CountsInvalid, "must map bitstrings .* got list"),
    "string": (returns(lambda n: "00"), CountsInvalid, "got str"),
    "array": (returns(lambda n: np.array([n, 0])), CountsInvalid, "got ndarray"),
    "wrong execution": (returns(lambda n: Execution(["00"])), CountsInvalid, "got list"),
    "long execution": (returns(lambda n: Execution({"00": 11})), CountsInvalid, "11 came back"),
    "metadata": (
        returns(lambda n: Execution({"00": n}, metadata=5)),
        JobFailed,
        "must be a mapping",
    ),
    "raises": (raises(RuntimeError, "no route"), JobFailed, "RuntimeError: no route"),
    "exits": (raises(SystemExit, 3), JobFailed, "SystemExit: 3"),
    "offline": (raises(NodeOffline, "It is closed."), NodeOffline, "It is closed"),
    "throttled": (raises(Throttled, "Wait."), Throttled, "Wait"),
    "arguments": (lambda self, c, s, n, extra: {"00": s}, JobFailed, "TypeError: .*'extra'"),
}
WRONG_RUN_TASK = {
    "counts": (lambda self, t, c, n: {"00": 10}, JobFailed, "returned dict, not a TaskResult"),
    "other task": (
        lambda self, t, c, n: TaskResult("t9", SIMPLE),
        CountsInvalid,
        "answered for task 't9'",
    ),
    "nothing": (result(), CountsInvalid, "no .*counts came back"),
    "plain counts": (result(counts={"00": 10}), CountsInvalid, "no packed counts"),
    "long": (result(counts=PackedCounts.from_ints({0: 11}, 2)), CountsInvalid, "11 came back"),
    "width": (
        result(counts=PackedCounts.from_ints({0: 10}, 3)),
        CountsInvalid,
        "3 bits came back for 2",
    ),
    "error": (
        lambda self, t, c, n: TaskResult(t.id, error=Throttled("Wait.")),
        Throttled,
        "Wait",
    ),
    "raises": (raises(RuntimeError, "no route"), JobFailed, "RuntimeError: no route"),
}
CASES = [
    pytest.param(method, wrong, error, text, id=f"{method} {name}")
    for method, cases in (("execute", WRONG_EXECUTE), ("run_task", WRONG_RUN_TASK))
    for name, (wrong, error, text) in cases.items()
]


@pytest.fixture
def misbehaving(zeros_provider):
    def make(**methods):
        return type("Misbehaving", (zeros_provider,), methods)()

    return make


@pytest.mark.parametrize("method, wrong, error, text", CASES)
def test_alone_it_is_the_run_s_error(machine, misbehaving, bell, method, wrong, error, text):
    with pytest.raises(error, match=f"^node zeros-0: .*{text}"):
        machine(misbehaving(**{method: wrong})).run(bell, 10)


@pytest.mark.parametrize("method, wrong, error, text", CASES)
def test_in_a_batch_the_others_come_back(
    machine, misbehaving, zeros_provider, bell, method, wrong, error, text
):
    qvm = machine(zeros_provider(), misbehaving(**{method: wrong}), zeros_provider())
    with pytest.raises(PartialResult, match=r"1 of 3 shards failed.*node node-1: ") as caught:
        qvm.run([bell] * 3, 10, policy="round_robin")
    first, failed, last = caught.value.results
    assert first.counts == last.counts == {"00": 10}
    assert [shard.node_id for shard in (*first.shards, *last.shards)] == ["node-0", "node-2"]
    assert failed is None
    ((task_id, reason),) = caught.value.errors.items()
    assert task_id.startswith("c1")
    assert isinstance(reason, error)
    assert reason.node == "node-1"


def test_error_names_the_node_though_its_author_did_not(machine, misbehaving, bell):
    def execute(self, circuit, shots, node_spec):
        raise Throttled("Wait.", hint="An hour.")

    with pytest.raises(Throttled) as caught:
        machine(misbehaving(execute=execute)).run(bell, 10)
    assert str(caught.value) == "node zeros-0: Wait. An hour."


def test_foreign_error_is_the_cause(machine, misbehaving, bell):
    with pytest.raises(JobFailed) as caught:
        machine(misbehaving(execute=raises(RuntimeError, "no route"))).run(bell, 10)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_results_of_a_partial_result_are_whole_results(machine, misbehaving, zeros_provider, bell):
    qvm = machine(zeros_provider(), misbehaving(execute=raises(RuntimeError, "x")))
    with pytest.raises(PartialResult) as caught:
        qvm.run([bell] * 4, 10, policy="round_robin")
    assert [r and r.shots for r in caught.value.results] == [10, None, 10, None]
    assert len(caught.value.errors) == 2
    assert QVMResult.from_json(caught.value.results[0].to_json()).counts == {"00": 10}
    json.dumps([error.to_dict() for error in caught.value.errors.values()])


def test_failure_stops_no_later_shard_of_the_same_node(machine, misbehaving, bell):
    calls = []

    def execute(self, circuit, shots, node_spec):
        calls.append(shots)
        if len(calls) == 1:
            raise RuntimeError("once")
        return {"00": shots}

    with pytest.raises(PartialResult) as caught:
        machine(misbehaving(execute=execute)).run([bell] * 3, 10)
    assert len(calls) == 3
    assert [r and r.shots for r in caught.value.results].count(None) == 1


def test_batch_of_one_raises_its_own_error(machine, misbehaving, bell):
    with pytest.raises(JobFailed, match="no route"):
        machine(misbehaving(execute=raises(RuntimeError, "no route"))).run([bell], 10)


def test_every_shard_failing_is_still_a_partial_result(machine, misbehaving, bell):
    with pytest.raises(PartialResult, match="2 of 2 shards failed") as caught:
        machine(misbehaving(execute=raises(RuntimeError, "x"))).run([bell, bell], 10)
    assert caught.value.results == [None, None]


def test_none_everywhere_is_nobody_s_answer(machine, misbehaving, bell):
    qvm = machine(misbehaving(execute=returns(lambda n: None)), fallback="never")
    with pytest.raises(CircuitRejected, match=r"^node zeros-0: "):
        qvm.run(bell, 10)


async def coroutine(self, circuit, shots, node_spec):
    return {"00": shots}


def generator(self, circuit, shots, node_spec):
    yield {"00": shots}


@pytest.mark.parametrize("execute", [coroutine, generator])
def test_what_cannot_be_waited_for_is_refused_before_anything_runs(machine, misbehaving, execute):
    with pytest.raises(InvalidArguments, match=f"{execute.__name__} is a"):
        machine(misbehaving(execute=execute))


@pytest.mark.parametrize("cls", [asyncio.CancelledError, GeneratorExit, KeyboardInterrupt])
def test_nothing_is_lost_silently(machine, misbehaving, zeros_provider, bell, cls):
    """Such errors are no Exception; whoever raises them, no result may be left out."""
    qvm = machine(zeros_provider(), misbehaving(execute=raises(cls)))
    with pytest.raises(PartialResult) as caught:
        qvm.run([bell, bell], 10, policy="round_robin")
    assert [r and r.shots for r in caught.value.results] == [10, None]


def test_limits_are_asked_for_while_planning_alone(machine, misbehaving, zeros_provider, bell):
    class Moody(type(misbehaving())):
        ran = False

        def limits(self, node):
            if self.ran:
                raise RuntimeError("moody")
            return Limits()

        def execute(self, circuit, shots, node_spec):
            self.ran = True
            return super().execute(circuit, shots, node_spec)

    results = machine(zeros_provider(), Moody()).run([bell, bell], 10, policy="round_robin")
    assert [result.shots for result in results] == [10, 10]


def nothing(self, *args):
    return None


WRONG_FACTS = [
    pytest.param("limits", raises(RuntimeError, "moody"), "RuntimeError: moody", id="limits"),
    pytest.param("limits", nothing, "limits", id="limits None"),
    pytest.param("estimate_run", raises(RuntimeError, "moody"), "moody", id="estimate_run"),
    pytest.param("estimate_run", lambda self, *args: 5, "estimate_run", id="estimate_run 5"),
    pytest.param("check_options", raises(RuntimeError, "moody"), "moody", id="check_options"),
    pytest.param("check_options", nothing, "check_options", id="check_options None"),
]


@pytest.mark.parametrize("method, wrong, text", WRONG_FACTS)
def test_planning_names_the_node(machine, misbehaving, bell, method, wrong, text):
    with pytest.raises(NoCapableNode, match=f"zeros-0: .*{text}"):
        machine(misbehaving(**{method: wrong})).plan(bell)


@pytest.mark.parametrize("method, wrong, text", WRONG_FACTS)
def test_planning_goes_on_without_it(
    machine, misbehaving, zeros_provider, bell, method, wrong, text
):
    qvm = machine(misbehaving(**{method: wrong}), zeros_provider())
    plan = qvm.plan(bell)
    assert plan.node_ids == ("node-1",)
    assert text in plan.explain()
    assert qvm.run(bell, 10).counts == {"00": 10}


@pytest.mark.parametrize("cls", [CircuitRejected, InvalidArguments])
@pytest.mark.parametrize("method", ["estimate_run", "check_options"])
def test_planning_gives_a_provider_s_reasons(machine, misbehaving, bell, method, cls):
    with pytest.raises(NoCapableNode, match=r"zeros-0: no T gates\."):
        machine(misbehaving(**{method: raises(cls, "no T gates.")})).run(bell)


def test_all_of_it_is_one_kind_of_error(machine, misbehaving, bell):
    for wrong, _, _ in WRONG_EXECUTE.values():
        with pytest.raises(QCOSError):
            machine(misbehaving(execute=wrong)).run(bell, 10)


def test_an_estimate_that_cannot_be_hashed_is_still_explained(machine, misbehaving, bell):
    careless = misbehaving(estimate_run=lambda self, *args: Estimate(charges=[]))
    other = misbehaving(estimate_run=lambda self, *args: Estimate(charges=[]))
    assert "possible" in machine(careless, other).explain(bell)


@pytest.mark.parametrize(
    "times, said",
    [
        ({"seconds": 5}, "seconds=5, not two times"),
        ({"seconds": ("a", "b")}, "not two times in seconds"),
        ({"seconds": (math.nan, 1.0)}, "not two times in seconds"),
        ({"seconds": (1.0, 2.0), "by_hand_seconds": (-1.0, 2.0)}, "by_hand_seconds="),
        ({"reference_seconds": (1.0,)}, "reference_seconds="),
        ({"queue_seconds": "soon"}, "queue_seconds='soon', no time in seconds"),
        ({"seconds": (1.0, 2.0), "seconds_more": math.nan}, "seconds_more=nan, no time"),
        ({"seconds": (1.0, 2.0), "seconds_more": True}, "seconds_more=True, no time"),
    ],
)
def test_times_that_are_none_leave_the_node_out(machine, zeros_provider, bell, times, said):
    class Odd(zeros_provider):
        def estimate_run(self, profile, shots, node, options):
            return Estimate(**times)

    with pytest.raises(NoCapableNode, match=said):
        machine(Odd()).run([bell, bell], 10)
