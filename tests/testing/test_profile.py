"""What an author states, and how the kit tells that something is missing."""

import pytest

from qcos_core import InvalidArguments
from qcos_core.testing import Profile

KIT = "from qcos_core.testing import NodeTests, Profile, ProviderTests\n"


def test_key_is_required():
    with pytest.raises(TypeError, match="key"):
        Profile()


@pytest.mark.parametrize(
    "wrong, text",
    [
        ({"key": ""}, "key must be the provider's key"),
        ({"kwargs": [2]}, "kwargs must be a mapping"),
        ({"bad_kwargs": {"n_nodes": 0}}, "bad_kwargs must be a list"),
        ({"sdk_modules": "acme"}, "sdk_modules must be a list"),
        ({"shots": 10}, "shots must be at least 100"),
        ({"tolerance": 1}, "tolerance must be from 0 to below 1"),
        ({"lost_answers": ["late"]}, "lost_answers must be a mapping"),
    ],
)
def test_wrong_fields_are_named(wrong, text):
    with pytest.raises(InvalidArguments, match=text):
        Profile(**{"key": "acme"} | wrong)


def test_claims_are_those_that_were_made():
    assert Profile("acme").claims() == {"executes": "yes"}
    profile = Profile("acme", executes=False, max_qubits=8, refusals={"429": None}, held=print)
    assert profile.claims() == {"held": "yes", "max_qubits": "8", "refusals": "429"}


def test_class_without_a_profile_fails_every_check(author):
    printed = author(KIT + "class TestMine(NodeTests): pass\n", code=1)
    assert "TestMine states no profile; write: profile = Profile(key=...)" in printed
    assert " passed" not in printed.splitlines()[-1]


def test_class_with_something_else_for_a_profile_fails_every_check(author):
    source = KIT + (
        "import pytest\n"
        "class TestMine(NodeTests):\n"
        "    @pytest.fixture\n"
        "    def profile(self):\n"
        "        return {'key': 'local_numpy'}\n"
    )
    printed = author(source, code=1)
    assert "TestMine.profile must be a Profile or a fixture that returns one" in printed
    assert " passed" not in printed.splitlines()[-1]


def test_profile_may_come_from_a_fixture_that_is_asked_once(author):
    source = KIT + (
        "import pytest\n"
        "asked = []\n"
        "class TestMine(NodeTests):\n"
        "    @pytest.fixture\n"
        "    def profile(self):\n"
        "        asked.append(1)\n"
        "        return Profile(key='local_numpy', kwargs={'n_nodes': 2})\n"
        "def test_asked_once():\n"
        "    assert asked == [1]\n"
    )
    author(source)


def test_unknown_key_fails(author):
    source = KIT + "class TestMine(NodeTests):\n    profile = Profile(key='no_such')\n"
    printed = author(source, code=1)
    assert "no provider 'no_such' is installed" in printed


def test_what_is_not_claimed_is_skipped_and_printed(author):
    source = KIT + "class TestMine(ProviderTests):\n    profile = Profile(key='local_numpy')\n"
    printed = author(source)
    claims = ["bad_kwargs", "max_qubits", "mid_circuit", "conditionals", "two nodes"]
    assert f"{len(claims)} skipped" in printed.splitlines()[-1]
    for claim in claims:
        assert f"not claimed: {claim}" in printed


COIN = """
from qcos_core import NodeProvider, NodeProviderRegistry, QPUNodeSpec
from qcos_core.testing import ExecutionTests, Profile

class Coin(NodeProvider):
    DISPLAY_NAME = "A coin"

    def build_nodes(self):
        return [QPUNodeSpec("coin-0", "other", 1)]

    def execute(self, circuit, shots, node_spec):
        return {"0": 0, "1": shots}

NodeProviderRegistry.register("coin", Coin)

class TestCoin(ExecutionTests):
    profile = Profile(key="coin")
"""


def test_node_that_is_too_narrow_for_a_circuit_claims_no_such_width(author):
    printed = author(COIN)
    assert "2 passed" in printed.splitlines()[-1]
    assert "not claimed: 5 qubits (coin-0 has 1)" in printed
    assert "not claimed: 3 qubits (coin-0 has 1)" in printed
