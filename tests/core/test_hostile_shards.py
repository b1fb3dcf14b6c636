"""One circuit's blocks over a good node and a bad one: the good node's counts survive."""

import re
import time

import pytest

from qcos_core import (
    CountsInvalid,
    DistributedQVM,
    InvalidArguments,
    JobFailed,
    JobTimeout,
    Limits,
    PartialResult,
    QPURegistry,
)

SHOTS = 8192


def sleeps(shots):
    time.sleep(3600)


def raises(shots):
    raise RuntimeError("no good")


def exits(shots):
    raise SystemExit(1)


BAD = {
    "sleeps for an hour": (sleeps, JobTimeout, "within 3 s"),
    "raises": (raises, JobFailed, "RuntimeError: no good"),
    "exits": (exits, JobFailed, "SystemExit"),
    "negative": (lambda shots: {"00": shots + 1, "11": -1}, CountsInvalid, "negative"),
    "wrong width": (lambda shots: {"000": shots}, CountsInvalid, "2 bits"),
    "hexadecimal": (lambda shots: {"0x0": shots}, CountsInvalid, "hexadecimal"),
    "one shot short": (lambda shots: {"00": shots - 1}, CountsInvalid, "4,095 came back"),
    "one shot more": (lambda shots: {"00": shots + 1}, CountsInvalid, "4,097 came back"),
}


@pytest.fixture
def pair(zeros_provider):
    """A good node and one that answers as it is told, which may share a circuit's blocks."""

    class Pair(zeros_provider):
        def limits(self, node):
            return Limits(simulated=True)

    def make(bad):
        class Bad(Pair):
            def execute(self, circuit, shots, node_spec):
                return bad(shots)

        registry = QPURegistry()
        for name, provider in (("good", Pair()), ("bad", Bad())):
            (spec,) = provider.build_nodes(node_prefix=name)
            registry.register(spec, provider, key="pair")
        return DistributedQVM(registry)

    return make


@pytest.mark.parametrize("answer, error, text", BAD.values(), ids=BAD)
def test_counts_of_the_good_node_survive(pair, bell, answer, error, text):
    began = time.monotonic()
    with pytest.raises(PartialResult) as caught:
        pair(answer).run(bell, SHOTS, strategy="shots", require={"deadline_s": 3})
    assert time.monotonic() - began < 20
    (result,) = caught.value.results
    assert result.counts == {"00": SHOTS // 2}
    assert [record.node_id for record in result.shards] == ["good-0"]
    (problem,) = caught.value.errors.values()
    assert type(problem) is error
    assert re.search(text, str(problem))
    assert problem.node == "bad-0"


def test_async_is_refused_before_anything_runs(zeros_provider):
    class Async(zeros_provider):
        async def execute(self, circuit, shots, node_spec):
            return {"00": shots}

    (spec,) = Async().build_nodes()
    with pytest.raises(InvalidArguments, match="async"):
        QPURegistry().register(spec, Async())
