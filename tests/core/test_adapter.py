import numpy as np
import pytest

from qcos_core import CountsInvalid, InvalidArguments, JobFailed
from qcos_core.providers.adapter import adapt

ANSWER = {"0": 5}


class Provider:
    """Ways to write ``execute``; each returns what it was given."""

    def plain(self, circuit, shots, node_spec):
        return circuit, shots, node_spec

    def other_names(self, qc, n, where):
        return qc, n, where

    def positional_only(self, circuit, shots, node_spec, /):
        return circuit, shots, node_spec

    def swallows(self, *args):
        return args

    def with_seed(self, circuit, shots, node_spec, seed):
        return circuit, shots, node_spec, seed

    def with_seed_by_name(self, circuit, shots, node_spec, *, seed=None):
        return circuit, shots, node_spec, seed

    def with_options(self, circuit, shots, node_spec, options=None):
        return circuit, shots, node_spec, options

    def with_both_the_other_way(self, circuit, shots, node_spec, options, seed):
        return circuit, shots, node_spec, options, seed

    def with_defaults_of_its_own(self, circuit, shots, node_spec, verbose=False, seed=0):
        return circuit, shots, node_spec, verbose, seed

    def open_ended(self, circuit, shots, node_spec, **kwargs):
        return circuit, shots, node_spec, kwargs

    def with_seed_and_open_ended(self, circuit, shots, node_spec, seed, **kwargs):
        return circuit, shots, node_spec, seed, kwargs

    def swallows_everything(self, *args, **kwargs):
        return *args, kwargs

    def swallows_then_seed(self, *args, seed):
        return *args, seed

    def third_called_options(self, circuit, shots, options):
        return circuit, shots, options

    def first_called_seed(self, seed, shots, node_spec, **kwargs):
        return seed, shots, node_spec, kwargs

    @staticmethod
    def static(circuit, shots, node_spec, seed):
        return circuit, shots, node_spec, seed

    @classmethod
    def of_class(cls, circuit, shots, node_spec, seed):
        return circuit, shots, node_spec, seed


@pytest.mark.parametrize(
    "name, passed",
    [
        ("plain", ()),
        ("other_names", ()),
        ("positional_only", ()),
        ("swallows", ()),
        ("with_seed", (7,)),
        ("with_seed_by_name", (7,)),
        ("with_options", ({"a": 1},)),
        ("with_both_the_other_way", ({"a": 1}, 7)),
        ("with_defaults_of_its_own", (False, 7)),
        ("open_ended", ({"seed": 7, "options": {"a": 1}},)),
        ("with_seed_and_open_ended", (7, {"options": {"a": 1}})),
        ("swallows_everything", ({"seed": 7, "options": {"a": 1}},)),
        ("swallows_then_seed", (7,)),
        ("third_called_options", ()),
        ("first_called_seed", ({"options": {"a": 1}},)),
        ("static", (7,)),
        ("of_class", (7,)),
    ],
)
def test_each_way_to_write_it_gets_what_it_takes(name, passed):
    execute = adapt(getattr(Provider(), name))
    given = execute(circuit="circuit", shots=5, node_spec="node", seed=7, options={"a": 1})
    assert given == ("circuit", 5, "node", *passed)


def call(execute):
    return adapt(execute)("circuit", 5, "node", 7, {})


def test_answer_goes_through_unchanged():
    assert call(lambda c, s, n: ANSWER) is ANSWER


def test_empty_answer_is_an_answer():
    empty = {}
    assert call(lambda c, s, n: empty) is empty


def test_not_implemented_raised_is_none():
    def execute(circuit, shots, node_spec):
        raise NotImplementedError("not for this circuit")

    assert call(execute) is None


@pytest.mark.parametrize("answer", [None, NotImplemented, NotImplementedError])
def test_not_implemented_returned_is_none(answer):
    assert call(lambda c, s, n: answer) is None


def test_other_errors_go_through():
    def execute(circuit, shots, node_spec):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        call(execute)


def test_array_is_left_to_the_check_of_counts():
    array = np.array([1, 2])
    assert call(lambda c, s, n: array) is array


async def coroutine(circuit, shots, node_spec):
    return ANSWER


async def async_generator(circuit, shots, node_spec):
    yield ANSWER


def generator(circuit, shots, node_spec):
    yield ANSWER


def by_name_only(*, circuit, shots, node_spec):
    return ANSWER


def too_few(circuit, shots):
    return ANSWER


@pytest.mark.parametrize(
    "execute, reason",
    [
        (coroutine, r"coroutine is async.*asyncio\.run"),
        (async_generator, "async_generator is async"),
        (generator, "generator is a generator"),
        (by_name_only, "by_name_only does not take circuit, shots and node by position"),
        (too_few, "too_few does not take circuit, shots and node by position"),
    ],
)
def test_what_cannot_be_called_is_refused_at_once(execute, reason):
    with pytest.raises(InvalidArguments, match=reason):
        adapt(execute)


def run_with(machine, zeros_provider, circuit, execute, **arguments):
    cls = type("Given", (zeros_provider,), {"execute": execute})
    return machine(cls()).run(circuit, 10, **arguments)


def test_seed_of_a_run_reaches_the_method(machine, zeros_provider, bell):
    seeds = []

    def execute(self, circuit, shots, node_spec, seed):
        seeds.append(seed)
        return {"00": shots}

    for seed in (1, 1, 2):
        run_with(machine, zeros_provider, bell, execute, seed=seed)
    assert seeds[0] == seeds[1] != seeds[2]
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_circuit_shots_and_node_of_a_run_reach_the_method(machine, zeros_provider, bell):
    seen = []

    def execute(self, circuit, shots, node_spec):
        seen.append((circuit, shots, node_spec.node_id))
        return {"00": shots}

    run_with(machine, zeros_provider, bell, execute)
    assert seen == [(bell, 10, "zeros-0")]


def test_array_of_a_run_is_named(machine, zeros_provider, bell):
    with pytest.raises(CountsInvalid, match=r"node zeros-0: .*got ndarray"):
        run_with(machine, zeros_provider, bell, lambda self, c, s, n: np.array([5, 5]))


def test_error_of_a_run_is_named(machine, zeros_provider, bell):
    def execute(self, circuit, shots, node_spec):
        raise RuntimeError("broken")

    with pytest.raises(JobFailed, match="node zeros-0: RuntimeError: broken") as caught:
        run_with(machine, zeros_provider, bell, execute)
    assert isinstance(caught.value.__cause__, RuntimeError)
