"""Every code block of the Provider API reference, by its own import paths."""

import inspect
from dataclasses import fields, is_dataclass

import pytest
from qiskit import QuantumCircuit

import qcos_core
from network import distributed_qvm, node_providers
from network.distributed_qvm import DistributedQVM, NodeType, QVMResult, VirtualCircuitSpec
from network.node_providers import (
    ClusterBuilder,
    NodeProvider,
    NodeProviderRegistry,
    QPUNodeSpec,
    QPURegistry,
    make_azure_cheap_cluster,
    make_hybrid_cluster,
    make_local_cluster,
    make_lumi_cluster,
)

needs_aer = pytest.mark.optional_part("qcos_aer")
REQUIRED = inspect.Parameter.empty


@pytest.fixture
def circuit():
    made = QuantumCircuit(4)
    made.h(0)
    for target in (1, 2, 3):
        made.cx(0, target)
    made.measure_all()
    return made


class MyGPUProvider(NodeProvider):
    DISPLAY_NAME = "My DGX Cluster"

    def build_nodes(self, **kwargs):
        return [
            QPUNodeSpec(
                node_id=f"dgx-node-{i}",
                node_type=NodeType.GPU_AER,
                max_qubits=30,
                tags=["dgx"],
                credentials={"host": kwargs.get("host", "")},
            )
            for i in range(kwargs.get("n_nodes", 1))
        ]


class TestNames:
    @pytest.mark.parametrize("module", [node_providers, distributed_qvm])
    def test_everything_is_the_core_s_own(self, module):
        for name in module.__all__:
            assert getattr(module, name) is getattr(qcos_core, name)

    @pytest.mark.parametrize(
        "name",
        [
            "NodeProvider",
            "NodeProviderRegistry",
            "ClusterBuilder",
            "QPUNodeSpec",
            "QPURegistry",
            "make_local_cluster",
            "make_lumi_cluster",
            "make_azure_cheap_cluster",
            "make_hybrid_cluster",
        ],
    )
    def test_node_providers_has(self, name):
        assert name in node_providers.__all__

    @pytest.mark.parametrize("name", ["NodeType", "QPUNodeSpec", "DistributedQVM", "QPURegistry"])
    def test_distributed_qvm_has(self, name):
        assert name in distributed_qvm.__all__


class TestNodeProvider:
    def test_build_nodes_is_the_one_abstract_method(self):
        assert NodeProvider.__abstractmethods__ == {"build_nodes"}

    def test_execute_takes_circuit_shots_and_node_spec(self):
        parameters = list(inspect.signature(NodeProvider.execute).parameters)
        assert parameters[:4] == ["self", "circuit", "shots", "node_spec"]

    def test_healthy_and_without_execution_by_default(self):
        provider = MyGPUProvider()
        assert provider.health_check() is True
        assert provider.execute(None, 1, None) is None

    def test_counts_of_its_own(self, circuit):
        class Own(MyGPUProvider):
            def execute(self, circuit, shots, node_spec):
                return {"0000": shots // 2, "1111": shots - shots // 2}

        NodeProviderRegistry.register("own", Own)
        with DistributedQVM(ClusterBuilder().add("own").build()) as qvm:
            assert qvm.run(circuit, 1024).counts == {"0000": 512, "1111": 512}

    @pytest.mark.parametrize("way", ["None", "raised", "returned"])
    def test_none_and_not_implemented_fall_back(self, circuit, way):
        class Declines(MyGPUProvider):
            def execute(self, circuit, shots, node_spec):
                if way == "raised":
                    raise NotImplementedError
                return NotImplementedError if way == "returned" else None

        NodeProviderRegistry.register("declines", Declines)
        with DistributedQVM(ClusterBuilder().add("declines").build()) as qvm:
            result = qvm.run(circuit, 100)
        assert set(result.counts) <= {"0000", "1111"}
        assert sum(result.counts.values()) == 100
        assert result.shards[0].fallback

    def test_value_error_for_wrong_arguments(self):
        class Needs(MyGPUProvider):
            def build_nodes(self, *, host):
                return super().build_nodes(host=host)

        NodeProviderRegistry.register("needs", Needs)
        with pytest.raises(ValueError, match="host"):
            ClusterBuilder().add("needs").build()


class TestRegistry:
    def test_register_and_get(self):
        NodeProviderRegistry.register("my_gpu", MyGPUProvider)
        assert NodeProviderRegistry.get("my_gpu") is MyGPUProvider

    def test_key_error(self):
        with pytest.raises(KeyError):
            NodeProviderRegistry.get("nothing_like_it")

    def test_list(self, asked):
        providers = NodeProviderRegistry.list()
        assert providers["local_cpu"] == "Local CPU (Aer)"
        assert providers["lumi_amd_gpu"] == "LUMI AMD MI250X"

    @needs_aer
    def test_list_of_what_is_installed(self):
        assert NodeProviderRegistry.list()["local_cpu"] == "Local CPU (Aer)"

    def test_instantiate(self):
        NodeProviderRegistry.register("my_gpu", MyGPUProvider)
        found = NodeProviderRegistry.instantiate("my_gpu", n_nodes=2, host="dgx")
        assert isinstance(found, tuple)
        provider, nodes = found
        assert isinstance(provider, MyGPUProvider)
        assert [node.node_id for node in nodes] == ["dgx-node-0", "dgx-node-1"]
        assert nodes[0].credentials["host"] == "dgx"

    @pytest.mark.parametrize("method", ["register", "get", "list", "instantiate"])
    def test_methods_are_of_the_class(self, method):
        assert inspect.ismethod(getattr(NodeProviderRegistry, method))

    def test_arguments_by_their_names(self):
        NodeProviderRegistry.register(name="my_gpu", cls=MyGPUProvider)
        assert NodeProviderRegistry.get(name="my_gpu") is MyGPUProvider
        assert len(NodeProviderRegistry.instantiate(name="my_gpu", n_nodes=2)[1]) == 2


class TestClusterBuilder:
    def test_add_returns_the_builder(self, asked):
        builder = ClusterBuilder().add("local_cpu", n_nodes=4).add("lumi_amd_gpu", n_nodes=2)
        assert isinstance(builder, ClusterBuilder)
        assert asked == []

    def test_add_takes_the_name_by_name(self, asked):
        cluster = ClusterBuilder().add(provider_name="local_cpu", n_nodes=4).build()
        assert len(cluster) == 4

    def test_build(self, asked):
        builder = ClusterBuilder().add("local_cpu", n_nodes=4).add("lumi_amd_gpu", n_nodes=2)
        cluster = builder.build()
        assert isinstance(cluster, QPURegistry)
        assert len(cluster) == 4 + 2 * 8 + 2
        assert {type(spec) for spec in cluster} == {QPUNodeSpec}

    def test_describe_executes_no_provider(self, asked):
        text = (
            ClusterBuilder()
            .add("lumi_amd_gpu", n_nodes=2, gpus_per_node=8)
            .add("local_cpu", n_nodes=4)
            .describe()
        )
        # the reference's own example says 20 and 2, though it adds four local nodes
        assert text == (
            "Cluster Plan:\n"
            "[0] lumi_amd_gpu — n_nodes=2, gpus_per_node=8\n"
            "[1] local_cpu — n_nodes=4\n"
            "Estimated nodes: 22 (16 SV + 2 MPS + 4 CPU fallback)"
        )
        assert asked == []

    def test_false_health_check_takes_nodes_offline(self):
        class Ill(MyGPUProvider):
            def health_check(self):
                return False

        NodeProviderRegistry.register("ill", Ill)
        cluster = ClusterBuilder().add("ill", n_nodes=2).build()
        assert [spec.online for spec in cluster] == [False, False]

    def test_registry_binds_specs_to_providers(self, circuit):
        provider = MyGPUProvider()
        cluster = QPURegistry()
        for spec in provider.build_nodes(n_nodes=2):
            cluster.register(spec, provider)
        assert [spec.node_id for spec in cluster] == ["dgx-node-0", "dgx-node-1"]
        with DistributedQVM(cluster) as qvm:
            assert isinstance(qvm.run(VirtualCircuitSpec(circuit, shots=10)), QVMResult)


class TestNodeSpec:
    def test_is_a_dataclass_with_the_reference_s_fields(self):
        assert is_dataclass(QPUNodeSpec)
        assert [field.name for field in fields(QPUNodeSpec)] == [
            "node_id",
            "node_type",
            "max_qubits",
            "tags",
            "credentials",
            "online",
            "metadata",
        ]

    @pytest.mark.parametrize(
        "name",
        [
            "GPU_AER",
            "GPU_TENSOR",
            "CPU_AER",
            "CPU_NUMPY",
            "QPU_IBM",
            "QPU_IONQ",
            "QPU_AZURE",
            "QPU_BRAKET",
        ],
    )
    def test_node_type_has(self, name):
        assert getattr(NodeType, name).name == name


class TestKwargs:
    """``.add(...)`` of each section, and the defaults in its table."""

    @pytest.mark.parametrize(
        "key, kwargs",
        [
            ("local_cpu", {"n_nodes": 4}),
            ("local_gpu_aer", {"n_nodes": 2}),
            ("local_gpu_mps", {"n_nodes": 1, "max_qubits": 4000}),
            ("local_gpu_cuquantum", {"n_nodes": 2}),
            (
                "azure_quantum",
                {
                    "azure_resource_id": "...",
                    "subscription_id": "...",
                    "targets": ["rigetti.qpu.ankaa-3"],
                    "location": "eastus",
                },
            ),
            ("ibm_quantum", {"ibm_token": "...", "instance": "ibm-q/open/main"}),
            (
                "aws_braket",
                {
                    "aws_region": "us-east-1",
                    "s3_bucket": "my-bucket",
                    "s3_prefix": "qcos-results",
                    "devices": ["arn:aws:braket:us-east-1::device/qpu/ionq/Aria-1"],
                },
            ),
            (
                "custom_rest",
                {
                    "endpoints": ["http://host1:8888", "http://host2:8888"],
                    "max_qubits": 30,
                    "api_key": "secret",
                    "timeout_s": 60,
                },
            ),
        ],
    )
    def test_arguments_reach_the_provider_as_they_are(self, asked, key, kwargs):
        builder = ClusterBuilder().add(key, **kwargs)
        builder.build()
        assert asked == [(key, {"n_nodes": 1, **kwargs})]
        for secret in {"ibm_token", "api_key"} & set(kwargs):
            assert f"{secret}='***'" in builder.describe()

    def test_lumi(self, asked):
        cluster = (
            ClusterBuilder()
            .add(
                "lumi_amd_gpu",
                n_nodes=4,
                gpus_per_node=8,
                max_qubits_sv=34,
                max_qubits_mps=2000,
                lumi_host="lumi",
                lumi_project="project_465002463",
            )
            .build()
        )
        assert len(cluster) == 4 * 8 + 4
        assert "lumi-n00-gcd0" in cluster

    @needs_aer
    @pytest.mark.parametrize(
        "key, defaults",
        [
            ("local_cpu", {"n_nodes": 1, "max_qubits": 30}),
            ("local_gpu_aer", {"n_nodes": 1, "max_qubits": 32}),
            ("local_gpu_mps", {"n_nodes": 1, "max_qubits": 4096}),
        ],
    )
    def test_defaults_of_the_local_providers(self, key, defaults):
        provider = NodeProviderRegistry.get(key)
        parameters = inspect.signature(provider.build_nodes).parameters
        assert {name: parameters[name].default for name in defaults} == defaults
        assert all(p.default is not REQUIRED for n, p in parameters.items() if n != "self")

    @needs_aer
    def test_local_cpu(self, circuit):
        cluster = ClusterBuilder().add("local_cpu", n_nodes=4).build()
        assert len(cluster) == 4
        with DistributedQVM(cluster) as qvm:
            result = qvm.run(circuit, 100)
        assert set(result.counts) <= {"0000", "1111"}
        assert not result.shards[0].fallback

    @needs_aer
    def test_local_gpu_aer_is_there_with_or_without_a_gpu(self):
        cluster = ClusterBuilder().add("local_gpu_aer", n_nodes=2).build()
        assert len(cluster) == 2
        for spec in cluster:
            assert spec.node_type is NodeType.GPU_AER
            assert spec.online or "GPU" in spec.offline_reason

    @needs_aer
    def test_local_gpu_mps(self, circuit):
        cluster = ClusterBuilder().add("local_gpu_mps", n_nodes=1, max_qubits=4000).build()
        (spec,) = cluster
        assert spec.online
        assert spec.max_qubits == 4000
        assert spec.node_type is NodeType.GPU_TENSOR
        with DistributedQVM(cluster) as qvm:
            assert set(qvm.run(circuit, 100).counts) <= {"0000", "1111"}


class TestFactories:
    @pytest.mark.parametrize(
        "factory, parameters",
        [
            (make_local_cluster, {"n_cpu_nodes": 4, "n_gpu_sv_nodes": 0, "n_gpu_mps_nodes": 0}),
            (
                make_lumi_cluster,
                {
                    "n_nodes": REQUIRED,
                    "gpus_per_node": 8,
                    "lumi_host": "lumi",
                    "lumi_project": "",
                    "include_local_fallback": True,
                },
            ),
            (
                make_azure_cheap_cluster,
                {
                    "azure_resource_id": REQUIRED,
                    "subscription_id": REQUIRED,
                    "include_local_mps": True,
                },
            ),
            (
                make_hybrid_cluster,
                {
                    "lumi_nodes": 2,
                    "azure_resource_id": "",
                    "subscription_id": "",
                    "ibm_token": "",
                    "include_local": True,
                },
            ),
        ],
        ids=lambda value: getattr(value, "__name__", ""),
    )
    def test_signatures(self, factory, parameters):
        found = inspect.signature(factory).parameters
        assert {name: parameter.default for name, parameter in found.items()} == parameters

    def test_local(self, asked):
        registry = make_local_cluster(n_cpu_nodes=4, n_gpu_sv_nodes=2, n_gpu_mps_nodes=1)
        assert len(registry) == 7

    @needs_aer
    def test_local_of_what_is_installed(self):
        registry = make_local_cluster(n_cpu_nodes=4, n_gpu_sv_nodes=2, n_gpu_mps_nodes=1)
        kinds = [spec.node_type for spec in registry]
        assert kinds == [NodeType.CPU_AER] * 4 + [NodeType.GPU_AER] * 2 + [NodeType.GPU_TENSOR]

    def test_lumi(self, asked):
        registry = make_lumi_cluster(
            n_nodes=4,
            gpus_per_node=8,
            lumi_host="lumi",
            lumi_project="project_465002463",
            include_local_fallback=True,
        )
        assert len(registry) == 4 * 8 + 4 + 4

    def test_azure(self, asked):
        make_azure_cheap_cluster(
            azure_resource_id="...", subscription_id="...", include_local_mps=True
        )
        (_, azure), (mps, _) = asked
        assert mps == "local_gpu_mps"
        assert azure["targets"] == [
            "rigetti.qpu.ankaa-3",
            "quantinuum.qpu.h2-1",
            "microsoft.estimator",
        ]

    def test_hybrid(self, asked):
        make_hybrid_cluster(
            lumi_nodes=4,
            azure_resource_id="...",
            subscription_id="...",
            ibm_token="...",
            include_local=True,
        )
        assert [key for key, _ in asked] == [
            "lumi_amd_gpu",
            "azure_quantum",
            "ibm_quantum",
            "local_cpu",
            "local_gpu_mps",
        ]

    def test_hybrid_skips_what_is_left_out(self, asked):
        make_hybrid_cluster(lumi_nodes=0)
        assert [key for key, _ in asked] == ["local_cpu", "local_gpu_mps"]
