"""make_*_cluster, with stand-ins for the packages that bring the keys."""

import inspect

import pytest

from qcos_core import (
    InvalidArguments,
    NodeProvider,
    NodeProviderRegistry,
    QPUNodeSpec,
    QPURegistry,
    UnknownProvider,
    make_azure_cheap_cluster,
    make_hybrid_cluster,
    make_local_cluster,
    make_lumi_cluster,
)
from qcos_core.providers.arguments import check_positive

pytestmark = pytest.mark.usefixtures("only_core")

REQUIRED = inspect.Parameter.empty


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
            {"azure_resource_id": REQUIRED, "subscription_id": REQUIRED, "include_local_mps": True},
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
def test_signature_is_the_reference_s(factory, parameters):
    found = inspect.signature(factory).parameters
    assert {name: parameter.default for name, parameter in found.items()} == parameters
    assert list(found) == list(parameters)


@pytest.fixture
def asked():
    """Stand-ins under the keys that the factories use, and what they were asked for."""
    calls = []

    def stand_in(key):
        class StandIn(NodeProvider):
            DISPLAY_NAME = key

            def build_nodes(self, **kwargs):
                calls.append((key, kwargs))
                check_positive(n_nodes=kwargs.get("n_nodes", 1))
                return [
                    QPUNodeSpec(f"{key}-{i}", "other", 5) for i in range(kwargs.get("n_nodes", 1))
                ]

        return StandIn

    keys = [
        "local_cpu",
        "local_gpu_aer",
        "local_gpu_mps",
        "lumi_amd_gpu",
        "azure_quantum",
        "ibm_quantum",
    ]
    for key in keys:
        NodeProviderRegistry.register(key, stand_in(key))
    return calls


def test_local_by_default(asked):
    cluster = make_local_cluster()
    assert isinstance(cluster, QPURegistry)
    assert asked == [("local_cpu", {"n_nodes": 4})]
    assert len(cluster) == 4


def test_local_of_every_kind(asked):
    make_local_cluster(n_cpu_nodes=4, n_gpu_sv_nodes=2, n_gpu_mps_nodes=1)
    assert asked == [
        ("local_cpu", {"n_nodes": 4}),
        ("local_gpu_aer", {"n_nodes": 2}),
        ("local_gpu_mps", {"n_nodes": 1}),
    ]


def test_local_without_processors(asked):
    make_local_cluster(0, 0, 1)
    assert asked == [("local_gpu_mps", {"n_nodes": 1})]


def test_local_of_nothing(asked):
    with pytest.raises(InvalidArguments, match="no slots"):
        make_local_cluster(0)


@pytest.mark.parametrize("number", [-1, "4", 1.5, True])
def test_wrong_numbers_are_refused(asked, number):
    with pytest.raises(ValueError, match="n_nodes must be"):
        make_local_cluster(number)


def test_lumi_passes_everything_on(asked):
    cluster = make_lumi_cluster(
        n_nodes=4,
        gpus_per_node=6,
        lumi_host="lumi2",
        lumi_project="project_465002463",
        include_local_fallback=True,
    )
    assert asked == [
        (
            "lumi_amd_gpu",
            {
                "n_nodes": 4,
                "gpus_per_node": 6,
                "lumi_host": "lumi2",
                "lumi_project": "project_465002463",
            },
        ),
        ("local_cpu", {"n_nodes": 4}),
    ]
    assert len(cluster) == 8


def test_lumi_alone(asked):
    make_lumi_cluster(2, include_local_fallback=False)
    assert [key for key, _ in asked] == ["lumi_amd_gpu"]


def test_azure_has_the_reference_s_targets(asked):
    make_azure_cheap_cluster(azure_resource_id="r", subscription_id="s", include_local_mps=True)
    assert asked == [
        (
            "azure_quantum",
            {
                "azure_resource_id": "r",
                "subscription_id": "s",
                "targets": [
                    "rigetti.qpu.ankaa-3",
                    "quantinuum.qpu.h2-1",
                    "microsoft.estimator",
                ],
            },
        ),
        ("local_gpu_mps", {"n_nodes": 1, "max_qubits": 2000}),
    ]


def test_azure_alone(asked):
    make_azure_cheap_cluster("r", "s", include_local_mps=False)
    assert [key for key, _ in asked] == ["azure_quantum"]


def test_hybrid_of_everything(asked):
    make_hybrid_cluster(
        lumi_nodes=4,
        azure_resource_id="r",
        subscription_id="s",
        ibm_token="t",
        include_local=True,
    )
    assert asked == [
        ("lumi_amd_gpu", {"n_nodes": 4}),
        ("azure_quantum", {"azure_resource_id": "r", "subscription_id": "s"}),
        ("ibm_quantum", {"ibm_token": "t"}),
        ("local_cpu", {}),
        ("local_gpu_mps", {}),
    ]


@pytest.mark.parametrize(
    "kwargs, keys",
    [
        ({}, ["lumi_amd_gpu", "local_cpu", "local_gpu_mps"]),
        ({"lumi_nodes": 0}, ["local_cpu", "local_gpu_mps"]),
        ({"lumi_nodes": 0, "ibm_token": "t", "include_local": False}, ["ibm_quantum"]),
        ({"include_local": False}, ["lumi_amd_gpu"]),
    ],
)
def test_hybrid_leaves_out_what_is_empty(asked, kwargs, keys):
    make_hybrid_cluster(**kwargs)
    assert [key for key, _ in asked] == keys


@pytest.mark.parametrize("half", ["azure_resource_id", "subscription_id"])
def test_hybrid_wants_both_of_azure_s_ids(asked, half):
    with pytest.raises(ValueError, match="needs both azure_resource_id and subscription_id"):
        make_hybrid_cluster(**{half: "x"})
    assert asked == []


def test_hybrid_of_nothing(asked):
    with pytest.raises(InvalidArguments, match="no slots"):
        make_hybrid_cluster(lumi_nodes=0, include_local=False)


@pytest.mark.parametrize(
    "make, package",
    [
        (make_local_cluster, "qcos-aer"),
        (lambda: make_local_cluster(0, 1), "qcos-aer"),
        (lambda: make_local_cluster(0, 0, 1), "qcos-aer"),
        (lambda: make_lumi_cluster(2), "qcos-lumi"),
        (lambda: make_azure_cheap_cluster("r", "s"), "qcos-azure"),
        (make_hybrid_cluster, "qcos-lumi"),
        (lambda: make_hybrid_cluster(0, "r", "s"), "qcos-azure"),
        (lambda: make_hybrid_cluster(0, ibm_token="t"), "qcos-ibm"),
        (lambda: make_hybrid_cluster(0), "qcos-aer"),
    ],
)
def test_missing_package_is_named(make, package):
    with pytest.raises(UnknownProvider, match=rf"Run: pip install {package}\.$"):
        make()
