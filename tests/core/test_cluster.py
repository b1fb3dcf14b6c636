"""ClusterBuilder and QPURegistry."""

import json
import logging
import threading
from dataclasses import dataclass

import pytest
from qiskit import QuantumCircuit

from qcos_core import (
    ClusterBuilder,
    DistributedQVM,
    InvalidArguments,
    NoCapableNode,
    NodeOffline,
    NodeProvider,
    NodeProviderRegistry,
    ProviderLoadError,
    QPUNodeSpec,
    QPURegistry,
    UnknownProvider,
)
from qcos_core.qvm import planner

CANARY = "c4n4ry"

pytestmark = pytest.mark.usefixtures("only_core")


class Plain(NodeProvider):
    DISPLAY_NAME = "Plain"
    online = True

    def build_nodes(self, n_nodes=1, node_prefix="plain"):
        return [
            QPUNodeSpec(f"{node_prefix}-{index}", "other", 5, online=self.online)
            for index in range(n_nodes)
        ]


class Lumi(NodeProvider):
    """Counts its nodes as the reference does, and cannot be made."""

    DISPLAY_NAME = "LUMI AMD MI250X"

    def __init__(self):
        raise AssertionError("made")

    def build_nodes(self, n_nodes, gpus_per_node=8):
        raise AssertionError("built")

    @classmethod
    def estimate_nodes(cls, **kwargs):
        n_nodes = kwargs["n_nodes"]
        return {"SV": n_nodes * kwargs.get("gpus_per_node", 8), "MPS": n_nodes}


class LocalCPU(Plain):
    @classmethod
    def estimate_nodes(cls, **kwargs):
        return {"CPU fallback": kwargs.get("n_nodes", 1)}


def register(**classes):
    for key, cls in classes.items():
        NodeProviderRegistry.register(key, cls)


def variant(**attributes):
    return type("Variant", (Plain,), attributes)


def build(**attributes):
    """The one node of a provider with these attributes."""
    register(variant=variant(**attributes))
    (spec,) = ClusterBuilder().add("variant").build()
    return spec


def raises(error):
    def method(*args, **kwargs):
        raise error

    return method


def noting(things):
    def method(self):
        things.append(self)

    return method


class TestBuild:
    def test_slots_become_nodes_in_order(self):
        register(plain=Plain)
        builder = ClusterBuilder()
        assert builder.add("plain", n_nodes=2) is builder
        cluster = builder.add("local_numpy").build()
        assert isinstance(cluster, QPURegistry)
        assert [spec.node_id for spec in cluster] == ["plain-0", "plain-1", "local-numpy-0"]
        assert len(cluster) == 3

    def test_unknown_key_is_an_error_of_add(self):
        with pytest.raises(KeyError, match="pip install qcos-lumi"):
            ClusterBuilder().add("lumi_amd_gpu", n_nodes=2)

    def test_no_slots(self):
        with pytest.raises(InvalidArguments, match=r"no slots.*Call add first"):
            ClusterBuilder().build()

    def test_order_of_calls_on_a_provider(self):
        calls = []

        class Noted(Plain):
            def __init__(self):
                calls.append("init")

            def configure(self, **kwargs):
                calls.append(("configure", kwargs))

            def health_check(self):
                calls.append("health_check")
                return True

            def build_nodes(self, **kwargs):
                calls.append(("build_nodes", kwargs))
                return super().build_nodes(**kwargs)

        register(noted=Noted)
        ClusterBuilder().add("noted", n_nodes=1).build()
        kwargs = {"n_nodes": 1}
        assert calls == ["init", ("configure", kwargs), "health_check", ("build_nodes", kwargs)]

    def test_wrong_arguments_are_refused_before_the_health_check(self):
        register(plain=variant(health_check=raises(AssertionError("asked"))))
        builder = ClusterBuilder().add("plain", nodes=2)
        with pytest.raises(ValueError, match=r"'nodes'.*It takes n_nodes, node_prefix\."):
            builder.build()

    def test_each_slot_has_a_provider_of_its_own(self):
        register(plain=Plain)
        builder = ClusterBuilder().add("plain", n_nodes=2).add("plain", node_prefix="more")
        cluster = builder.build()
        assert cluster.provider("plain-0") is cluster.provider("plain-1")
        assert cluster.provider("plain-0") is not cluster.provider("more-0")

    def test_each_build_gives_a_cluster_of_its_own(self):
        register(plain=Plain)
        builder = ClusterBuilder().add("plain")
        one, two = builder.build(), builder.build()
        assert one.provider("plain-0") is not two.provider("plain-0")

    def test_duplicate_ids_name_both_slots(self):
        register(plain=Plain)
        builder = ClusterBuilder().add("plain").add("local_numpy").add("plain")
        with pytest.raises(InvalidArguments) as caught:
            builder.build()
        assert str(caught.value) == (
            "two nodes are called 'plain-0': from slot [0] plain and slot [2] plain. "
            "Give one slot another node_prefix, if its provider takes one."
        )

    def test_broken_plugin_is_an_error(self, monkeypatch):
        error = ProviderLoadError("it is broken.")
        register(plain=Plain)
        builder = ClusterBuilder().add("plain")
        monkeypatch.setattr(NodeProviderRegistry, "get", raises(error))
        with pytest.raises(ProviderLoadError, match="it is broken"):
            builder.build()

    def test_failure_closes_what_was_made(self):
        closed = []
        register(one=variant(close=lambda self: closed.append("one")), two=Plain)
        builder = ClusterBuilder().add("one").add("two", nonsense=1)
        with pytest.raises(InvalidArguments):
            builder.build()
        assert closed == ["one"]

    @pytest.mark.parametrize("error", [ValueError("bad target"), RuntimeError("broken")])
    def test_errors_of_build_nodes_go_through(self, error):
        register(plain=variant(build_nodes=raises(error)))
        with pytest.raises(type(error), match=str(error)):
            ClusterBuilder().add("plain").build()


class TestHealth:
    def test_healthy_by_default(self):
        spec = build()
        assert spec.online
        assert spec.offline_reason is None

    def test_false_takes_all_nodes_offline(self):
        register(ill=variant(health_check=lambda self: False))
        cluster = ClusterBuilder().add("ill", n_nodes=3).build()
        assert len(cluster) == 3
        assert cluster.online() == []
        assert {spec.offline_reason for spec in cluster} == {"its provider's health check says no"}

    @pytest.mark.parametrize(
        "error", [RuntimeError("no route"), NodeOffline("closed"), SystemExit("gone"), OSError("x")]
    )
    def test_raising_takes_all_nodes_offline_with_the_reason(self, error):
        spec = build(health_check=raises(error))
        assert spec.offline_reason == f"its health check failed: {type(error).__name__}: {error}"
        assert spec.metadata["offline_reason"] == spec.offline_reason

    def test_wrong_arguments_found_by_the_health_check_are_an_error(self):
        with pytest.raises(InvalidArguments, match="bad region"):
            build(health_check=raises(InvalidArguments("bad region")))

    def test_one_slot_s_illness_is_no_other_s(self):
        register(ill=variant(health_check=lambda self: False), well=Plain)
        cluster = ClusterBuilder().add("ill", node_prefix="ill").add("well").build()
        assert [spec.node_id for spec in cluster.online()] == ["plain-0"]

    def test_reasons_node_by_node(self):
        reasons = {"plain-0": "in repair", "plain-1": None, "stranger": "x"}
        register(some=variant(node_health=lambda self, nodes: reasons))
        cluster = ClusterBuilder().add("some", n_nodes=3).build()
        assert [spec.offline_reason for spec in cluster] == ["in repair", None, None]

    def test_reason_of_a_node_is_told_before_its_provider_s(self):
        spec = build(
            health_check=lambda self: False, node_health=lambda self, nodes: {"plain-0": "no GPU"}
        )
        assert spec.offline_reason == "no GPU"

    @pytest.mark.parametrize(
        "node_health", [raises(RuntimeError("no route")), lambda self, nodes: None]
    )
    def test_asking_for_health_in_vain_is_a_reason(self, node_health):
        spec = build(node_health=node_health)
        assert spec.offline_reason.startswith("asking for its health failed: ")

    def test_offline_is_never_turned_back(self):
        spec = build(online=False, node_health=lambda self, nodes: {"plain-0": None})
        assert not spec.online
        assert spec.offline_reason == "its provider took it offline"


class Doctor(Plain):
    """Well when its patients are, and slow to say so."""

    def __init__(self):
        self.ill, self.asked, self.released = True, 0, threading.Event()
        self.released.set()

    def health_check(self):
        self.asked += 1
        assert self.released.wait(10)
        if self.ill:
            message = f"token {CANARY} is of no use"
            raise RuntimeError(message)
        return True


class TestReturn:
    """Nodes that were out of service when the cluster was built come back."""

    @pytest.fixture
    def cluster(self):
        register(doctor=Doctor)
        return ClusterBuilder().add("doctor").build()

    @pytest.fixture
    def doctor(self, cluster):
        return cluster.provider("plain-0")

    def test_comes_back_when_its_provider_is_well(self, cluster, doctor):
        doctor.ill = False
        assert cluster.away.ask(0, wait_s=10)
        (spec,) = cluster
        assert spec.online
        assert spec.metadata == {}

    def test_stays_away_while_it_is_not_and_its_reason_is_scrubbed(self, cluster):
        cluster.away.scrub = lambda text: text.replace(CANARY, "***")
        assert not cluster.away.ask(0, wait_s=10)
        (spec,) = cluster
        assert spec.offline_reason.endswith("token *** is of no use")

    def test_is_not_asked_again_at_once(self, cluster, doctor):
        assert not cluster.away.ask(wait_s=10)
        assert doctor.asked == 1

    def test_is_asked_once_at_a_time_and_nobody_waits_for_who_hangs(self, cluster, doctor):
        doctor.released.clear()
        for _ in range(3):
            assert not cluster.away.ask(0, wait_s=0.01)
        assert doctor.asked == 2
        doctor.ill = False
        doctor.released.set()
        assert cluster.away.ask(0, wait_s=10)

    def test_is_not_asked_any_more_once_it_is_back(self, cluster, doctor):
        doctor.ill = False
        assert cluster.away.ask(0, wait_s=10)
        assert not cluster.away.ask(0, wait_s=10)
        assert doctor.asked == 2

    def test_is_not_asked_after_the_cluster_was_closed(self, cluster, doctor):
        cluster.close()
        assert not cluster.away.ask(0, wait_s=10)
        assert doctor.asked == 1

    def test_what_its_provider_took_out_of_service_does_not_come_back(self):
        register(off=type("Off", (Doctor,), {"online": False}))
        cluster = ClusterBuilder().add("off").build()
        cluster.provider("plain-0").ill = False
        assert not cluster.away.ask(0, wait_s=10)
        assert cluster.online() == []

    def test_planning_waits_for_it_where_nothing_else_is_there(self, cluster, doctor, monkeypatch):
        circuit = QuantumCircuit(1, 1)
        circuit.measure(0, 0)
        qvm = DistributedQVM(cluster)
        with pytest.raises(NoCapableNode, match="of no use"):
            qvm.plan(circuit)
        doctor.ill = False
        monkeypatch.setattr(planner, "ASK_NOW_S", 0)
        assert qvm.plan(circuit).node_ids == ("plain-0",)


class TestDescribe:
    def test_the_reference_s_example(self):
        register(lumi_amd_gpu=Lumi, local_cpu=LocalCPU)
        text = (
            ClusterBuilder()
            .add("lumi_amd_gpu", n_nodes=2, gpus_per_node=8)
            .add("local_cpu", n_nodes=4)
            .describe()
        )
        assert text == (
            "Cluster Plan:\n"
            "[0] lumi_amd_gpu — n_nodes=2, gpus_per_node=8\n"
            "[1] local_cpu — n_nodes=4\n"
            "Estimated nodes: 22 (16 SV + 2 MPS + 4 CPU fallback)"
        )

    def test_labels_of_all_slots_are_added_up(self):
        register(lumi_amd_gpu=Lumi, local_cpu=LocalCPU)
        builder = ClusterBuilder().add("local_cpu").add("lumi_amd_gpu", n_nodes=1)
        text = builder.add("local_cpu", n_nodes=2).describe()
        assert text.endswith("Estimated nodes: 12 (3 CPU fallback + 8 SV + 1 MPS)")

    def test_count_is_what_build_gives(self):
        builder = ClusterBuilder().add("local_numpy", n_nodes=3)
        assert f"Estimated nodes: {len(builder.build())} " in builder.describe()

    def test_nothing_added(self):
        assert ClusterBuilder().describe() == "Cluster Plan:\nEstimated nodes: 0"

    def test_defaults_are_called_so(self):
        assert "[0] local_numpy — defaults\n" in ClusterBuilder().add("local_numpy").describe()

    def test_provider_that_cannot_be_counted_is_named(self):
        class Cloud(Lumi):
            estimate_nodes = classmethod(lambda cls, **kwargs: None)

        register(cloud=Cloud, lumi_amd_gpu=Lumi)
        text = ClusterBuilder().add("cloud").add("lumi_amd_gpu", n_nodes=1).describe()
        assert text.endswith(
            "Estimated nodes: 9 (8 SV + 1 MPS), and those of cloud, known only once built"
        )

    @pytest.mark.parametrize(
        "estimate",
        [
            lambda cls, **kwargs: 5,
            lambda cls, **kwargs: {"SV": "many"},
            lambda cls, **kwargs: ["SV"],
            lambda cls: {"SV": 1},
            raises(KeyError("n_nodes")),
        ],
    )
    def test_wrong_answers_count_as_unknown(self, estimate):
        register(wrong=type("Wrong", (Lumi,), {"estimate_nodes": classmethod(estimate)}))
        text = ClusterBuilder().add("wrong", n_nodes=2).describe()
        assert text.endswith("Estimated nodes: 0, and those of wrong, known only once built")

    @pytest.mark.parametrize("n_nodes", ["four", None, [1], 1.5, {}])
    def test_wrong_arguments_do_not_stop_it(self, n_nodes):
        text = ClusterBuilder().add("local_numpy", n_nodes=n_nodes).describe()
        assert text.startswith("Cluster Plan:\n[0] local_numpy — n_nodes=")

    def test_plugin_that_cannot_be_loaded_does_not_stop_it(self, monkeypatch):
        builder = ClusterBuilder().add("local_numpy", n_nodes=2)
        monkeypatch.setattr(NodeProviderRegistry, "get", raises(ProviderLoadError("broken.")))
        assert "[0] local_numpy — n_nodes=2\n" in builder.describe()

    def test_secrets_are_masked(self, caplog):
        class Vault(Lumi):
            SECRETS = frozenset({"pin"})

        register(vault=Vault)
        text = (
            ClusterBuilder()
            .add(
                "vault",
                pin="hunter2",
                api_key="hunter2",
                headers={"Authorization": "hunter2", "Accept": "json"},
                endpoints=["https://me:hunter2@host:8888/x"],
                region="eastus",
            )
            .describe()
        )
        assert "hunter2" not in text
        assert text.splitlines()[1] == (
            "[0] vault — pin='***', api_key='***', "
            "headers={'Authorization': '***', 'Accept': 'json'}, "
            "endpoints=['https://***@host:8888/x'], region=eastus"
        )

    def test_secrets_stay_masked_where_counting_fails(self, caplog):
        class Vault(Lumi):
            SECRETS = frozenset({"pin"})

            @classmethod
            def estimate_nodes(cls, **kwargs):
                raise ValueError(kwargs)

        register(vault=Vault)
        with caplog.at_level(logging.DEBUG):
            assert "hunter2" not in ClusterBuilder().add("vault", pin="hunter2").describe()
        assert "hunter2" not in caplog.text


@dataclass
class DataProvider(NodeProvider):
    """Equal to others of its kind, and unhashable."""

    DISPLAY_NAME = "Data"

    def build_nodes(self, node_prefix="data"):
        return [QPUNodeSpec(f"{node_prefix}-0", "other", 5)]

    def close(self):
        self.closed = True


class TestRegistry:
    def test_looking_up(self):
        cluster, provider = QPURegistry(), Plain()
        spec = provider.build_nodes()[0]
        cluster.register(spec, provider)
        assert cluster.get("plain-0") is spec
        assert cluster.provider("plain-0") is provider
        assert "plain-0" in cluster
        assert "plain-1" not in cluster
        assert list(cluster) == [spec]
        assert cluster.node("plain-0").key == "Plain"

    def test_unknown_node_lists_those_there_are(self):
        cluster = ClusterBuilder().add("local_numpy", n_nodes=2).build()
        with pytest.raises(InvalidArguments, match=r"no node 'x'; it has local-numpy-0, local"):
            cluster.get("x")

    @pytest.mark.parametrize(
        "spec, provider, reason",
        [
            ({"node_id": "x"}, Plain(), "takes a QPUNodeSpec, not dict"),
            (QPUNodeSpec("x", "other", 5), Plain, "takes an instance of NodeProvider"),
            (QPUNodeSpec("x", "other", 5), None, "takes an instance of NodeProvider, not None"),
        ],
    )
    def test_wrong_types_are_refused(self, spec, provider, reason):
        with pytest.raises(InvalidArguments, match=reason):
            QPURegistry().register(spec, provider)

    def test_taken_id_is_refused(self):
        cluster = QPURegistry()
        cluster.register(QPUNodeSpec("x", "other", 5), Plain())
        with pytest.raises(InvalidArguments, match="two nodes are called 'x'"):
            cluster.register(QPUNodeSpec("x", "other", 6), DataProvider())
        assert cluster.get("x").max_qubits == 5

    def test_repr_counts(self):
        cluster = ClusterBuilder().add("local_numpy", n_nodes=2).build()
        next(iter(cluster)).mark_offline("tired")
        assert repr(cluster) == "<QPURegistry: 2 nodes, 1 online>"

    def test_close_closes_each_provider_once(self):
        closed = []
        register(plain=variant(close=noting(closed)))
        with ClusterBuilder().add("plain", n_nodes=3).build() as cluster:
            provider = cluster.provider("plain-0")
            assert closed == []
        assert closed == [provider]

    def test_close_closes_providers_that_are_equal_and_unhashable(self):
        register(data=DataProvider)
        cluster = ClusterBuilder().add("data").add("data", node_prefix="more").build()
        providers = [cluster.provider(node_id) for node_id in ("data-0", "more-0")]
        cluster.close()
        assert [provider.closed for provider in providers] == [True, True]

    def test_error_while_closing_does_not_stop_the_others(self, caplog):
        closed = []
        register(
            bad=variant(close=raises(RuntimeError("stuck"))),
            good=variant(close=noting(closed)),
        )
        ClusterBuilder().add("bad", node_prefix="bad").add("good").build().close()
        assert len(closed) == 1
        assert "closing Plain failed" in caplog.text

    def test_specs_can_be_changed_after_building(self):
        cluster = ClusterBuilder().add("local_numpy").build()
        cluster.get("local-numpy-0").tags.append("mine")
        assert "mine" in cluster.get("local-numpy-0").tags

    def test_provider_may_be_a_dataclass(self, machine, bell):
        assert machine(DataProvider()).run(bell, 10).shots == 10


def test_add_imports_nothing(site):
    loaded = site.run("""
import json, sys
from qcos_core import ClusterBuilder
ClusterBuilder().add("local_numpy", n_nodes=4)
print(json.dumps(sorted(sys.modules)))
""")
    assert not {"qiskit", "numpy", "qcos_core.providers.local_numpy"} & set(loaded)


def test_describe_imports_no_qiskit(site):
    text, loaded = site.run("""
import json, sys
from qcos_core import ClusterBuilder
text = ClusterBuilder().add("local_numpy", n_nodes=4).describe()
print(json.dumps([text, sorted(sys.modules)]))
""")
    assert text.endswith("Estimated nodes: 4 (4 CPU fallback)")
    assert not {"qiskit", "numpy"} & set(loaded)


def test_unknown_provider_of_add_is_json_able():
    with pytest.raises(UnknownProvider) as caught:
        ClusterBuilder().add("nothing")
    assert "nothing" in json.dumps(caught.value.to_dict())
