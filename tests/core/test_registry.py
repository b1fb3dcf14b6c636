"""The run-time side of NodeProviderRegistry."""

import pytest

from qcos_core import (
    InvalidArguments,
    NodeProvider,
    NodeProviderRegistry,
    QPUNodeSpec,
    UnknownProvider,
)
from qcos_core.providers.registry import PACKAGES

pytestmark = pytest.mark.usefixtures("only_core")


class Mine(NodeProvider):
    DISPLAY_NAME = "Mine"

    def build_nodes(self, n_nodes=1, *, prefix="mine"):
        return [QPUNodeSpec(f"{prefix}-{index}", "other", 5) for index in range(n_nodes)]


class Other(Mine):
    DISPLAY_NAME = "Other"


def define(source):
    """A class as a cell of a notebook would define it."""
    scope = {"Mine": Mine, "__name__": "__main__"}
    exec(source, scope)
    return scope["Cell"]


def test_registered_class_is_found_and_listed():
    NodeProviderRegistry.register("mine", Mine)
    assert NodeProviderRegistry.get("mine") is Mine
    assert NodeProviderRegistry.list() == {
        "local_numpy": "Local numpy (reference)",
        "mine": "Mine",
    }
    assert NodeProviderRegistry.keys() == ["local_numpy", "mine"]
    assert NodeProviderRegistry.origin("mine") == "registered at run time"


def test_instantiate_gives_the_provider_and_its_nodes():
    NodeProviderRegistry.register("mine", Mine)
    provider, nodes = NodeProviderRegistry.instantiate("mine", n_nodes=2, prefix="x")
    assert type(provider) is Mine
    assert [node.node_id for node in nodes] == ["x-0", "x-1"]


def test_instantiate_passes_the_arguments_to_configure_first():
    class Careful(Mine):
        def configure(self, **kwargs):
            if "n_nodes" not in kwargs:
                raise InvalidArguments("n_nodes?")

    NodeProviderRegistry.register("careful", Careful)
    with pytest.raises(ValueError, match=r"n_nodes\?"):
        NodeProviderRegistry.instantiate("careful")


def test_wrong_arguments_are_named_with_those_there_are():
    NodeProviderRegistry.register("mine", Mine)
    with pytest.raises(ValueError, match=r"mine: .*'nodes'.* It takes n_nodes, prefix\."):
        NodeProviderRegistry.instantiate("mine", nodes=2)


def test_missing_arguments_are_named():
    class Needs(Mine):
        def build_nodes(self, endpoints):
            return []

    NodeProviderRegistry.register("needs", Needs)
    with pytest.raises(ValueError, match=r"needs: missing .*'endpoints'\. It takes endpoints\."):
        NodeProviderRegistry.instantiate("needs")


def test_provider_that_takes_nothing_says_so():
    class Fixed(Mine):
        def build_nodes(self):
            return [QPUNodeSpec("n", "other", 5)]

    NodeProviderRegistry.register("fixed", Fixed)
    with pytest.raises(InvalidArguments, match="It takes no arguments"):
        NodeProviderRegistry.instantiate("fixed", n=1)


@pytest.mark.parametrize(
    "nodes, reason",
    [
        ([], "returned no nodes"),
        (None, "must return a list of nodes, not NoneType"),
        ("ab", "must return a list of nodes, not str"),
        ([{"node_id": "x"}], "returned dict, not QPUNodeSpec"),
    ],
)
def test_wrong_nodes_are_refused(nodes, reason):
    class Wrong(Mine):
        def build_nodes(self, **kwargs):
            return nodes

    NodeProviderRegistry.register("wrong", Wrong)
    with pytest.raises(InvalidArguments, match=f"wrong: build_nodes {reason}"):
        NodeProviderRegistry.instantiate("wrong")


def test_second_class_under_a_key_is_refused():
    NodeProviderRegistry.register("mine", Mine)
    with pytest.raises(InvalidArguments, match=r"'mine' belongs to .*\.Mine already.*replace=True"):
        NodeProviderRegistry.register("mine", Other)
    assert NodeProviderRegistry.get("mine") is Mine


def test_second_class_may_take_the_key_over():
    NodeProviderRegistry.register("mine", Mine)
    NodeProviderRegistry.register("mine", Other, replace=True)
    assert NodeProviderRegistry.get("mine") is Other


def test_same_class_may_be_registered_again():
    NodeProviderRegistry.register("mine", Mine)
    NodeProviderRegistry.register("mine", Mine)


def test_class_that_a_notebook_defines_again_replaces_the_old_one():
    first = define("class Cell(Mine): DISPLAY_NAME = 'one'")
    second = define("class Cell(Mine): DISPLAY_NAME = 'two'")
    NodeProviderRegistry.register("cell", first)
    NodeProviderRegistry.register("cell", second)
    assert NodeProviderRegistry.list()["cell"] == "two"


def test_installed_key_is_not_taken_silently():
    with pytest.raises(InvalidArguments, match=r"'local_numpy' belongs to qcos-core \d"):
        NodeProviderRegistry.register("local_numpy", Mine)
    NodeProviderRegistry.register("local_numpy", Mine, replace=True)
    assert NodeProviderRegistry.list()["local_numpy"] == "Mine"
    NodeProviderRegistry.unregister("local_numpy")
    assert NodeProviderRegistry.list()["local_numpy"] == "Local numpy (reference)"


def test_unregistered_key_is_unknown_again():
    NodeProviderRegistry.register("mine", Mine)
    NodeProviderRegistry.unregister("mine")
    with pytest.raises(KeyError):
        NodeProviderRegistry.get("mine")


@pytest.mark.parametrize("key", ["mine", "local_numpy"])
def test_unregister_of_what_nobody_registered_is_an_error(key):
    with pytest.raises(UnknownProvider, match=f"under '{key}'"):
        NodeProviderRegistry.unregister(key)


@pytest.mark.parametrize("key", ["", "a:b", "a,b", "a=b", "a b", "a\nb", None, 5])
def test_wrong_keys_are_refused(key):
    with pytest.raises(InvalidArguments, match="key must be a name"):
        NodeProviderRegistry.register(key, Mine)


class Abstract(NodeProvider):
    DISPLAY_NAME = "Abstract"


class Nameless(Mine):
    DISPLAY_NAME = ""


class NumberedName(Mine):
    DISPLAY_NAME = 5


class Newer(Mine):
    SEAM = 2


@pytest.mark.parametrize(
    "cls, reason",
    [
        (Mine(), "is not a subclass"),
        (int, "is not a subclass"),
        ("Mine", "is not a subclass"),
        (Abstract, "Abstract does not define build_nodes"),
        (Nameless, "Nameless has no DISPLAY_NAME"),
        (NumberedName, "NumberedName has no DISPLAY_NAME"),
        (Newer, "version 2 of the provider interface, and this qcos-core has version 1"),
    ],
)
def test_unusable_classes_are_refused(cls, reason):
    with pytest.raises(InvalidArguments, match=f"cannot register 'x': .*{reason}"):
        NodeProviderRegistry.register("x", cls)
    assert "x" not in NodeProviderRegistry.keys()


@pytest.mark.parametrize("key", sorted(PACKAGES))
@pytest.mark.parametrize("look_up", ["get", "require", "origin"])
def test_key_of_a_package_that_is_not_installed_names_it(key, look_up):
    with pytest.raises(KeyError) as caught:
        getattr(NodeProviderRegistry, look_up)(key)
    assert str(caught.value) == (
        f"no provider {key!r} is installed. Run: pip install {PACKAGES[key]}."
    )


def test_packages_hold_every_key_of_the_reference_but_the_core_s():
    assert sorted(PACKAGES) == [
        "aws_braket",
        "azure_quantum",
        "custom_rest",
        "ibm_quantum",
        "local_cpu",
        "local_gpu_aer",
        "local_gpu_cuquantum",
        "local_gpu_mps",
        "lumi_amd_gpu",
    ]


@pytest.mark.parametrize(
    "key, close", [("local_nump", "local_numpy"), ("ibm_quantun", "ibm_quantum"), ("mime", "mine")]
)
def test_misspelt_key_gets_a_hint(key, close):
    NodeProviderRegistry.register("mine", Mine)
    with pytest.raises(UnknownProvider, match=f"Did you mean '{close}'?"):
        NodeProviderRegistry.get(key)


@pytest.mark.parametrize("key", ["zzzzzz", "", None])
def test_key_unlike_any_other_gets_a_list(key):
    with pytest.raises(UnknownProvider, match=r"is installed. Installed: local_numpy\.$"):
        NodeProviderRegistry.get(key)
