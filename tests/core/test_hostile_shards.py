"""One circuit's blocks over a good node and a bad one: the good node's counts survive."""

import time

import pytest

from qcos_core import (
    DistributedQVM,
    InvalidArguments,
    Limits,
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
    "sleeps for an hour": sleeps,
    "raises": raises,
    "exits": exits,
    "negative": lambda shots: {"00": shots + 1, "11": -1},
    "wrong width": lambda shots: {"000": shots},
    "hexadecimal": lambda shots: {"0x0": shots},
    "one shot short": lambda shots: {"00": shots - 1},
    "one shot more": lambda shots: {"00": shots + 1},
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


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_good_node_takes_over(pair, bell, answer):
    began = time.monotonic()
    result = pair(answer).run(bell, SHOTS, strategy="shots", require={"deadline_s": 3})
    assert time.monotonic() - began < 20
    assert result.counts == {"00": SHOTS}
    assert sum(record.shots for record in result.shards) == SHOTS
    taken = sum(record.shots for record in result.shards if record.node_id == "good-0")
    assert taken >= SHOTS // 2 + 1


def test_async_is_refused_before_anything_runs(zeros_provider):
    class Async(zeros_provider):
        async def execute(self, circuit, shots, node_spec):
            return {"00": shots}

    (spec,) = Async().build_nodes()
    with pytest.raises(InvalidArguments, match="async"):
        QPURegistry().register(spec, Async())
