import pytest

from qcos_core import InvalidArguments, Limits, NodeType, QPUNodeSpec

REFERENCE_TYPES = [
    "GPU_AER",
    "GPU_TENSOR",
    "CPU_AER",
    "CPU_NUMPY",
    "QPU_IBM",
    "QPU_IONQ",
    "QPU_AZURE",
    "QPU_BRAKET",
]


def test_node_type_has_the_reference_s_members_and_other():
    assert [kind.name for kind in NodeType] == [*REFERENCE_TYPES, "OTHER"]


@pytest.mark.parametrize("kind", NodeType)
def test_node_type_is_found_by_name_and_by_value(kind):
    assert NodeType[kind.name] is kind
    assert NodeType(kind.value) is kind
    assert kind.value == kind.name.lower()


@pytest.mark.parametrize("kind", NodeType)
def test_spec_takes_a_node_type_or_its_value(kind):
    assert QPUNodeSpec("n0", kind, 5).node_type is kind
    assert QPUNodeSpec("n0", kind.value, 5).node_type is kind


def test_spec_has_the_reference_s_fields_and_defaults():
    spec = QPUNodeSpec(node_id="n0", node_type=NodeType.GPU_AER, max_qubits=30)
    assert spec.tags == []
    assert dict(spec.credentials) == {}
    assert spec.online is True
    assert spec.metadata == {}


def test_specs_share_no_defaults():
    one, two = QPUNodeSpec("n0", "other", 5), QPUNodeSpec("n1", "other", 5)
    one.tags.append("x")
    one.metadata["x"] = 1
    assert two.tags == []
    assert two.metadata == {}


@pytest.mark.parametrize("node_id", ["", "  ", None, 5])
def test_spec_needs_an_id(node_id):
    with pytest.raises(InvalidArguments, match="node_id must be a non-empty string"):
        QPUNodeSpec(node_id, "other", 5)


@pytest.mark.parametrize("kind", ["laptop", "OTHER ", None, 5])
def test_spec_names_the_node_types_there_are(kind):
    with pytest.raises(InvalidArguments, match=r"is not a NodeType; .*GPU_AER.*OTHER") as caught:
        QPUNodeSpec("n0", kind, 5)
    assert caught.value.node == "n0"


@pytest.mark.parametrize("width", [True, 5.0, "5", None])
def test_spec_needs_a_whole_width(width):
    with pytest.raises(InvalidArguments, match="node n0: max_qubits must be an int"):
        QPUNodeSpec("n0", "other", width)


@pytest.mark.parametrize("width", [0, -1])
def test_spec_needs_a_qubit(width):
    with pytest.raises(ValueError, match=f"max_qubits must be at least 1, not {width}"):
        QPUNodeSpec("n0", "other", width)


def test_spec_is_mutable():
    spec = QPUNodeSpec("n0", "other", 5)
    spec.tags.append("rocm")
    spec.metadata["region"] = "eastus"
    spec.online = False
    spec.max_qubits = 6
    assert spec == QPUNodeSpec(
        "n0", "other", 6, tags=["rocm"], metadata={"region": "eastus"}, online=False
    )


def test_node_that_is_online_has_no_reason_to_be_offline():
    spec = QPUNodeSpec("n0", "other", 5, metadata={"offline_reason": "yesterday's"})
    assert spec.offline_reason is None


def test_mark_offline_keeps_the_reason():
    spec = QPUNodeSpec("n0", "other", 5)
    spec.mark_offline("on holiday")
    assert not spec.online
    assert spec.offline_reason == spec.metadata["offline_reason"] == "on holiday"


def test_node_that_its_provider_took_offline_says_so():
    assert QPUNodeSpec("n0", "other", 5, online=False).offline_reason == (
        "its provider took it offline"
    )


def test_limits_say_nothing_by_default():
    limits = Limits()
    assert (limits.simulated, limits.paid, limits.max_shots, limits.host) == (None,) * 4
    assert limits.seeded is False


def test_limits_are_frozen():
    with pytest.raises(AttributeError):
        Limits().simulated = True
