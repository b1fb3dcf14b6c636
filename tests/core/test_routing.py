"""Routing policies: which of the nodes that can run a circuit gets it."""

import json
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from qcos_core import (
    Amount,
    Estimate,
    InvalidArguments,
    Limits,
    NoCapableNode,
    ProviderLoadError,
    Requirements,
    hookimpl,
)
from qcos_core.ledger.store import Ledger
from qcos_core.model.budgets import Rate
from qcos_core.model.policies import BUILT_IN
from qcos_core.model.requests import RunRequest
from qcos_core.qvm.routing import POLICIES


@pytest.fixture
def node(zeros_provider):
    """Make a provider with one node, of which the test says what its estimate is."""

    def make(*, seconds=1.0, charges=(), limits=None, **estimate):
        class Estimated(zeros_provider):
            def limits(self, node):
                return limits or Limits(simulated=True, paid=bool(charges))

            def estimate_run(self, profile, shots, node, options):
                found = charges(shots) if callable(charges) else charges
                return Estimate(seconds=(seconds, seconds), charges=found, **estimate)

        return Estimated()

    return make


def amounts(**values):
    return tuple(Amount(value, unit.replace("_", "-")) for unit, value in values.items())


def chosen(plan):
    return [shard.node_id for shard in plan.shards]


class TestCostOptimized:
    @pytest.fixture
    def state(self, tmp_path):
        return tmp_path / "state"

    @pytest.fixture
    def fleet(self, machine, state):
        return lambda *nodes: machine(*nodes, state=state)

    @pytest.fixture
    def rate(self, state):
        def write(unit, **worth):
            (one,) = amounts(**worth)
            with Ledger(state) as ledger:
                ledger.set_rate(Rate(unit, one))

        return write

    def test_what_is_free_comes_first_however_slow_it_is(self, fleet, node, bell):
        qvm = fleet(node(charges=amounts(USD=0.01)), node(seconds=500.0), node(seconds=900.0))
        assert chosen(qvm.plan(bell, policy="cost_optimized")) == ["node-1"]
        assert chosen(qvm.plan(bell)) == ["node-0"]

    def test_a_price_of_nothing_is_free(self, fleet, node, bell):
        nothing = node(charges=amounts(USD=0.0), limits=Limits(simulated=False, paid=True))
        qvm = fleet(node(charges=amounts(USD=0.01)), nothing)
        assert chosen(qvm.plan(bell, policy="cost_optimized")) == ["node-1"]

    def test_then_the_lowest_price_and_of_equal_ones_the_sooner(self, fleet, node, bell):
        qvm = fleet(
            node(charges=amounts(USD=0.31)),
            node(charges=amounts(USD=0.3), seconds=5.0),
            node(charges=amounts(USD=0.1 + 0.2), seconds=4.0),  # not 0.3 in floating point
        )
        assert chosen(qvm.plan(bell, policy="cost_optimized")) == ["node-2"]

    def test_free_circuits_share_the_free_nodes(self, fleet, node, bell):
        qvm = fleet(node(), node(), node(charges=amounts(USD=1.0)))
        plan = qvm.plan([bell] * 4, policy="cost_optimized")
        assert sorted(chosen(plan)) == ["node-0", "node-0", "node-1", "node-1"]

    def test_planning_reads_no_rates_where_none_matters(self, fleet, node, bell, state):
        qvm = fleet(
            node(charges=amounts(QPU_s=2.0, USD=1.0)), node(charges=amounts(QPU_s=3.0, USD=1.0))
        )
        assert chosen(qvm.plan(bell, policy="cost_optimized")) == ["node-0"]
        assert chosen(fleet(node(), node()).plan(bell, policy="cost_optimized")) == ["node-0"]
        assert not state.exists()

    def test_units_are_compared_at_the_user_s_rates(self, fleet, node, bell, rate):
        qvm = fleet(node(charges=amounts(USD=3.0)), node(charges=amounts(QPU_s=2.0)))
        rate("QPU-s", USD=1.6)
        assert chosen(qvm.plan(bell, policy="cost_optimized")) == ["node-0"]
        rate("QPU-s", USD=1.4)
        assert chosen(qvm.plan(bell, policy="cost_optimized")) == ["node-1"]

    def test_rates_to_a_unit_that_nobody_charges(self, fleet, node, bell, rate):
        qvm = fleet(node(charges=amounts(HQC=10.0)), node(charges=amounts(QPU_s=2.0)))
        rate("EUR", HQC=4.0)
        rate("QPU-s", EUR=1.2)
        assert chosen(qvm.plan(bell, policy="cost_optimized")) == ["node-1"]

    def test_without_a_rate_it_says_which_units_and_how_to_write_one_down(self, fleet, node, bell):
        qvm = fleet(
            node(charges=amounts(USD=3.0)),
            node(charges=amounts(QPU_s=2.0)),
            node(charges=amounts(HQC=1.0, USD=3.0)),  # dearer than the first, whatever it is worth
        )
        with pytest.raises(InvalidArguments) as caught:
            qvm.plan(bell, policy="cost_optimized")
        assert str(caught.value) == (
            "policy 'cost_optimized' cannot compare QPU-s with USD: node-0 costs 3 USD, node-1 "
            "costs 2 QPU-s. Write down what it is worth to you: `qcos budget --rate '1 QPU-s = X "
            "USD'`, or leave nodes out by require."
        )
        plan = qvm.plan(bell, policy="cost_optimized", require={"exclude": ["node-1"]})
        assert chosen(plan) == ["node-0"]

    def test_a_price_that_nobody_knows_comes_last(self, fleet, node, bell):
        unknown = node(limits=Limits(simulated=False, paid=True))
        qvm = fleet(unknown, node(charges=amounts(USD=1e6)))
        plan = qvm.plan(bell, policy="cost_optimized", budget="any")
        assert chosen(plan) == ["node-1"]
        assert chosen(fleet(unknown).plan(bell, policy="cost_optimized", budget="any")) == [
            "zeros-0"
        ]

    def test_each_part_of_a_circuit_that_is_cut_has_its_fee(self, fleet, node, bell):
        def fee(shots):
            return amounts(USD=1.0 + shots / 1000)

        small = node(charges=fee, limits=Limits(simulated=False, paid=True, max_shots=400))
        large = node(charges=amounts(USD=3.5))
        qvm = fleet(small, large)
        assert chosen(qvm.plan(bell, 400, policy="cost_optimized")) == ["node-0"]
        plan = qvm.plan(bell, 1000, policy="cost_optimized")
        assert chosen(plan) == ["node-1"]  # not 1 + 1, but 3 + 1
        assert [one.estimate.charges for one in plan.decisions] == [
            amounts(USD=4.0),
            amounts(USD=3.5),
        ]

    def test_shots_that_are_spread_pay_the_fee_of_each_node(self, fleet, zeros_provider, bell):
        class Fees(zeros_provider):
            def build_nodes(self):
                return super().build_nodes(n_nodes=3)

            def limits(self, node):
                return Limits(simulated=True, paid=True)

            def estimate_run(self, profile, shots, node, options):
                alone = node.node_id == "zeros-2"
                return Estimate(
                    charges=amounts(USD=1.5 if alone else 1.0),
                    method="alone" if alone else "together",
                    exact=True,
                    sampling="per_shot",
                )

        qvm = fleet(Fees())
        assert chosen(qvm.plan(bell, 9000, policy="cost_optimized")) == ["zeros-0"]
        plan = qvm.plan(bell, 9000, policy="cost_optimized", strategy="shots")
        assert chosen(plan) == ["zeros-2"]
        assert plan.charges == amounts(USD=1.5)


class TestFidelity:
    def test_the_best_comes_first_and_what_nobody_knows_last(self, machine, node, bell):
        device = Limits(simulated=False)
        qvm = machine(
            node(limits=device),
            node(limits=device, fidelity=0.0),
            node(limits=device, fidelity=0.93, seconds=600.0),
            node(limits=device, fidelity=0.91),
        )
        plan = qvm.plan(bell, policy="best_fidelity")
        assert chosen(plan) == ["node-2"]
        assert "node-2: method unknown; about 10 min; fidelity 0.93" in plan.explain()
        for gone, then in (("node-2", "node-3"), ("node-3", "node-1"), ("node-1", "node-0")):
            exclude = ["node-2", "node-3", "node-1"]
            exclude = exclude[: exclude.index(gone) + 1]
            plan = qvm.plan(bell, policy="best_fidelity", require={"exclude": exclude})
            assert chosen(plan) == [then]

    def test_an_exact_simulator_has_all_of_it_and_of_equals_the_sooner_runs(
        self, machine, node, bell
    ):
        device = Limits(simulated=False)
        qvm = machine(
            node(limits=device, fidelity=0.999),
            node(limits=device, exact=True),  # a device that calls itself exact is none the better
            node(exact=False),
            node(exact=True, seconds=9.0),
            node(exact=True, seconds=8.0),
            node(exact=True, fidelity=0.5),
        )
        assert chosen(qvm.plan(bell, policy="best_fidelity")) == ["node-4"]

    def test_a_node_below_what_is_required_is_out_with_both_figures(self, machine, node, bell):
        device = Limits(simulated=False)
        qvm = machine(
            node(limits=device, fidelity=0.87), node(limits=device), node(limits=device, fidelity=1)
        )
        plan = qvm.plan(bell, require={"min_fidelity": 0.9})
        assert {one.node_id: one.reason for one in plan.decisions} == {
            "node-0": "excluded by require: fidelity 0.87, below 0.9",
            "node-1": "excluded by require: nobody knows its fidelity, and min_fidelity is 0.9",
            "node-2": "",
        }
        assert chosen(qvm.plan(bell, require={"min_fidelity": 0.87})) == ["node-0"]

    @pytest.mark.parametrize("wrong", [1.5, -0.1, float("nan"), "0.9", True, [0.9]])
    def test_what_cannot_be_required(self, machine, node, bell, wrong):
        with pytest.raises(InvalidArguments, match=r"min_fidelity'\] must be from 0 to 1, not"):
            machine(node()).plan(bell, require={"min_fidelity": wrong})

    @pytest.mark.parametrize("wrong", [1.2, -0.1, float("nan"), "0.9", True, (0.9,)])
    def test_a_fidelity_that_cannot_be_right_is_none(self, machine, node, bell, wrong):
        with pytest.raises(NoCapableNode, match=r"estimate_run says fidelity=.*from 0 to 1"):
            machine(node(fidelity=wrong)).plan(bell)

    def test_numbers_of_other_libraries_are_numbers(self, machine, node, bell):
        (decision,) = machine(node(fidelity=np.float32(0.5))).plan(bell).decisions
        assert type(decision.estimate.fidelity) is float

    def test_a_manifest_keeps_what_was_required(self):
        request = RunRequest(require=Requirements.of({"min_fidelity": np.float32(0.5)}))
        kept = json.dumps(request.to_dict("always")["require"])
        assert Requirements.of(json.loads(kept)) == request.require


class TestPolicyOfAPlugin:
    @pytest.fixture
    def plugin(self):
        """Make a plugin that brings one policy."""

        def make(name, policy):
            class Plugin:
                @hookimpl
                def routing_policies(self):
                    return {name: policy}

            return Plugin()

        return make

    def test_it_is_told_what_ours_are_told(self, machine, node, plugin, bell):
        seen = []

        def last(choice):
            seen.append(choice)
            return choice.candidates[-1]

        fee = node(
            charges=lambda shots: amounts(USD=shots / 100),
            limits=Limits(simulated=True, max_shots=60),
        )
        unknown = node(limits=Limits(simulated=False, paid=True))
        qvm = machine(fee, unknown, node(seconds=4.0))
        qvm.registry.plugins.register(plugin("last", last))
        assert chosen(qvm.plan([bell, bell], 100, policy="last", budget="any")) == ["node-2"] * 2
        first, second = seen
        assert [one.node_id for one in first.candidates] == ["node-0", "node-1", "node-2"]
        assert first.charges == {"node-0": amounts(USD=1.0), "node-1": None, "node-2": ()}
        assert (first.circuit.name, first.point) == ("bell", 0)
        assert (first.turn, second.turn) == (0, 1)
        assert second.ready_s(second.candidates[-1]) == 8.0
        with pytest.raises(FrozenInstanceError):
            first.point = 1
        with pytest.raises(TypeError):
            first.charges["node-0"] = ()

    @pytest.mark.parametrize(
        "policy, said",
        [
            (lambda choice: 1 / 0, "failed on bell: ZeroDivisionError: division by zero."),
            (lambda choice: None, "returned None, none of the candidates of bell."),
            (lambda choice: "node-0", "returned 'node-0', none of the candidates of bell."),
            (lambda choice: replace(choice.candidates[0]), "none of the candidates of bell."),
            (lambda: None, "failed on bell: TypeError"),
        ],
    )
    def test_what_it_does_wrong_is_its_own_error(self, machine, node, plugin, bell, policy, said):
        qvm = machine(node())
        qvm.registry.plugins.register(plugin("wrong", policy), name="acme")
        with pytest.raises(ProviderLoadError, match="policy 'wrong' of plugin acme") as caught:
            qvm.run(bell, policy="wrong")
        assert said in str(caught.value)
        assert qvm.run(bell, 10).shots == 10

    @pytest.mark.parametrize("name", POLICIES)
    def test_names_of_ours_cannot_be_taken(self, machine, node, plugin, bell, name):
        qvm = machine(node())
        with pytest.raises(InvalidArguments, match=f"acme brings a policy '{name}', which is"):
            qvm.registry.plugins.register(plugin(name, min), name="acme")
        assert not qvm.registry.plugins.has_plugin("acme")

    @pytest.mark.parametrize("found", [None, ["x"], {"x": 1}, {1: min}, {"": min}, min])
    def test_what_is_no_mapping_of_policies_is_refused(self, machine, node, found):
        class Wrong:
            @hookimpl
            def routing_policies(self):
                return found

        with pytest.raises(InvalidArguments, match=r"of plugin Wrong returned .* map names to"):
            machine(node()).registry.plugins.register(Wrong())

    def test_a_hook_that_fails_is_refused(self, machine, node):
        class Failing:
            @hookimpl
            def routing_policies(self):
                raise ImportError("no module acme")

        with pytest.raises(InvalidArguments, match="plugin Failing raised ImportError: no module"):
            machine(node()).registry.plugins.register(Failing())

    def test_all_policies_of_ours_are_built_in(self):
        assert set(POLICIES) == set(BUILT_IN)
