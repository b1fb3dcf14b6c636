"""cluster.toml and --on."""

import sys

import pytest

from qcos_core import (
    InvalidArguments,
    NodeProvider,
    NodeProviderRegistry,
    QPUNodeSpec,
    UnknownProvider,
    load_cluster,
)
from qcos_core.cluster.config import default_cluster, parse_options, parse_slots

pytestmark = pytest.mark.usefixtures("only_core")


class AnyProvider(NodeProvider):
    DISPLAY_NAME = "Takes anything"
    SECRETS = frozenset({"pin"})

    def build_nodes(self, **kwargs):
        return [QPUNodeSpec("any-0", "other", 5)]


@pytest.fixture(autouse=True)
def _anything():
    NodeProviderRegistry.register("anything", AnyProvider)


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "cluster.toml"
        path.write_text(text)
        return slots(load_cluster(path))

    return load


def slots(builder):
    return [(slot.key, slot.kwargs) for slot in builder.slots]


class TestFile:
    def test_slots_with_their_arguments(self, load):
        text = """
            [[slot]]
            provider = "local_numpy"
            n_nodes = 2

            [[slot]]
            provider = "anything"
            endpoints = ["http://host1:8888", "http://host2:8888"]
            timeout_s = 60.5
            verify = true
            headers = {Accept = "json"}
        """
        assert load(text) == [
            ("local_numpy", {"n_nodes": 2}),
            (
                "anything",
                {
                    "endpoints": ["http://host1:8888", "http://host2:8888"],
                    "timeout_s": 60.5,
                    "verify": True,
                    "headers": {"Accept": "json"},
                },
            ),
        ]

    def test_it_builds(self, tmp_path):
        path = tmp_path / "cluster.toml"
        path.write_text('[[slot]]\nprovider = "local_numpy"\nn_nodes = 3\n')
        assert len(load_cluster(str(path)).build()) == 3

    def test_secrets_from_the_environment(self, load, monkeypatch):
        monkeypatch.setenv("MY_TOKEN", "hunter2")
        text = '[[slot]]\nprovider = "anything"\ntoken = {env = "MY_TOKEN"}\n'
        assert load(text) == [("anything", {"token": "hunter2"})]

    def test_secrets_inside_lists_and_tables(self, load, monkeypatch):
        monkeypatch.setenv("MY_TOKEN", "hunter2")
        text = """
            [[slot]]
            provider = "anything"
            tokens = [{env = "MY_TOKEN"}, "plain"]
            headers = {Authorization = {env = "MY_TOKEN"}, Accept = "json"}
        """
        expected = {
            "tokens": ["hunter2", "plain"],
            "headers": {"Authorization": "hunter2", "Accept": "json"},
        }
        assert load(text) == [("anything", expected)]

    def test_missing_variable_is_named_with_its_place(self, load, monkeypatch):
        monkeypatch.delenv("MY_TOKEN", raising=False)
        text = '[[slot]]\nprovider = "anything"\ntoken = {env = "MY_TOKEN"}\n'
        with pytest.raises(InvalidArguments, match=r"toml: token: .* MY_TOKEN is not set"):
            load(text)

    @pytest.mark.optional_part("keyring")
    def test_secrets_from_the_keyring(self, load, monkeypatch):
        import keyring

        stored = {("qcos", "me"): "hunter2"}
        monkeypatch.setattr(keyring, "get_password", lambda *name: stored.get(name))
        text = '[[slot]]\nprovider = "anything"\ntoken = {keyring = "qcos/%s"}\n'
        assert load(text % "me") == [("anything", {"token": "hunter2"})]
        with pytest.raises(InvalidArguments, match=r"no password for 'qcos/you'.*keyring set qcos"):
            load(text % "you")

    @pytest.mark.optional_part("keyring")
    def test_keyring_that_cannot_be_read(self, load, monkeypatch):
        import keyring.errors

        def get_password(service, user):
            raise keyring.errors.NoKeyringError("locked")

        monkeypatch.setattr(keyring, "get_password", get_password)
        with pytest.raises(InvalidArguments, match="token: the keyring cannot be read: locked"):
            load('[[slot]]\nprovider = "anything"\ntoken = {keyring = "qcos/me"}\n')

    def test_keyring_that_is_not_installed(self, load, monkeypatch):
        monkeypatch.setitem(sys.modules, "keyring", None)
        with pytest.raises(InvalidArguments, match=r"pip install 'qcos-core\[keyring\]'"):
            load('[[slot]]\nprovider = "anything"\ntoken = {keyring = "qcos/me"}\n')

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "slot = []",
            "slot = 5",
            'slot = "local_numpy"',
            '[slot]\nprovider = "local_numpy"',
            '[[slots]]\nprovider = "local_numpy"',
            'name = "x"\n[[slot]]\nprovider = "local_numpy"',
        ],
    )
    def test_other_tables_are_refused(self, load, text):
        with pytest.raises(InvalidArguments, match=r"must hold \[\[slot\]\] tables and nothing"):
            load(text)

    @pytest.mark.parametrize(
        "text", ["[[slot]]", "[[slot]]\nn_nodes = 2", "[[slot]]\nprovider = 5", "slot = [1, 2]"]
    )
    def test_slot_without_a_provider_is_refused(self, load, text):
        with pytest.raises(InvalidArguments, match=r'slot \[0\] needs provider = "KEY"'):
            load(text)

    def test_unknown_provider(self, load):
        with pytest.raises(UnknownProvider, match="pip install qcos-lumi"):
            load('[[slot]]\nprovider = "lumi_amd_gpu"\nn_nodes = 2\n')

    @pytest.mark.parametrize("content", [b"[[slot", b"\xff\xfe", b"provider: local_numpy"])
    def test_what_is_not_toml(self, tmp_path, content):
        path = tmp_path / "cluster.toml"
        path.write_bytes(content)
        with pytest.raises(InvalidArguments, match=r"cluster\.toml is not TOML"):
            load_cluster(path)

    @pytest.mark.parametrize("name", ["nothing.toml", "."])
    def test_what_cannot_be_read(self, tmp_path, name):
        with pytest.raises(InvalidArguments, match="cannot read"):
            load_cluster(tmp_path / name)


class TestSlots:
    @pytest.mark.parametrize(
        "text, kwargs",
        [
            ("anything", {}),
            ("anything:", {}),
            ("anything:n_nodes=4", {"n_nodes": 4}),
            ("anything:n_nodes=4,max_qubits=20", {"n_nodes": 4, "max_qubits": 20}),
            ("anything: n_nodes = 4 , name = x y ", {"n_nodes": 4, "name": "x y"}),
            ("anything:timeout_s=1.5", {"timeout_s": 1.5}),
            ("anything:on=true,off=false", {"on": True, "off": False}),
            ("anything:empty=", {"empty": ""}),
            ("anything:name=True", {"name": "True"}),
            ("anything:name=null", {"name": "null"}),
            ("anything:n=-1", {"n": "-1"}),
            ("anything:project=465_002", {"project": "465_002"}),
            ("anything:id=01", {"id": "01"}),
            ("anything:version=1.2.3", {"version": "1.2.3"}),
            ("anything:endpoint=http://h:80/p?a=b", {"endpoint": "http://h:80/p?a=b"}),
            ("anything:d=arn:aws:braket:::d/q", {"d": "arn:aws:braket:::d/q"}),
            ("anything:e=a,e=b", {"e": ["a", "b"]}),
            ("anything:e=1,e=2,e=3", {"e": [1, 2, 3]}),
            ("anything:e=[1,2],e=3", {"e": [[1, 2], 3]}),
            ('anything:e=["a,b","c]"],n=1', {"e": ["a,b", "c]"], "n": 1}),
            ('anything:e={"a":{"b":[1,2]}},n=1', {"e": {"a": {"b": [1, 2]}}, "n": 1}),
        ],
    )
    def test_reading(self, text, kwargs):
        assert slots(parse_slots([text])) == [("anything", kwargs)]

    def test_several(self):
        builder = parse_slots(["local_numpy:n_nodes=2", "anything", "local_numpy"])
        assert [key for key, _ in slots(builder)] == ["local_numpy", "anything", "local_numpy"]

    def test_none(self):
        assert slots(parse_slots([])) == []

    @pytest.mark.parametrize("rest", ["4", "n_nodes", "=4", "n nodes=4", "n-nodes=4", "a=1,b"])
    def test_what_is_no_argument(self, rest):
        with pytest.raises(
            InvalidArguments, match=r"cannot read .* among the arguments of anything"
        ):
            parse_slots([f"anything:{rest}"])

    @pytest.mark.parametrize("value", ["[1,2", "{a:1}", "[a,b]", "[1]]", "{"])
    def test_what_begins_like_json(self, value):
        with pytest.raises(InvalidArguments, match="the value of e begins like JSON"):
            parse_slots([f"anything:e={value}"])

    @pytest.mark.parametrize("text", ["", ":n_nodes=4", "nothing:n=1"])
    def test_unknown_provider(self, text):
        with pytest.raises(UnknownProvider):
            parse_slots([text])

    @pytest.mark.parametrize(
        "rest",
        [
            "token=hunter2",
            "n=1,api_key=hunter2",
            "ibmToken=hunter2",
            "pin=hunter2",
            'headers={"Authorization":"hunter2"}',
            'e=[{"password":"hunter2"}]',
            "endpoint=https://me:hunter2@host",
            "token=hunter2,nonsense",
        ],
    )
    def test_secrets_are_refused_and_not_repeated(self, rest):
        with pytest.raises(InvalidArguments, match="is a secret") as caught:
            parse_slots([f"anything:{rest}"])
        assert "--cluster" in str(caught.value)
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize("rest", ["nonsense,token=hunter2", "e=[1,token=hunter2"])
    def test_other_errors_do_not_repeat_them_either(self, rest):
        with pytest.raises(InvalidArguments) as caught:
            parse_slots([f"anything:{rest}"])
        assert "hunter2" not in str(caught.value)


def test_default_is_numpy_where_nothing_else_is():
    assert slots(default_cluster()) == [("local_numpy", {})]


def test_default_is_the_processor_where_it_is_installed():
    NodeProviderRegistry.register("local_cpu", AnyProvider)
    assert slots(default_cluster()) == [("local_cpu", {})]


class TestOptions:
    @pytest.mark.parametrize(
        "texts, options",
        [
            ([], {}),
            (["method=statevector"], {"method": "statevector"}),
            (["level=2", "flag=true"], {"level": 2, "flag": True}),
            (["layout=[0,1]"], {"layout": [0, 1]}),
            (["a=1", "a=2", "a=3"], {"a": [1, 2, 3]}),
        ],
    )
    def test_values_are_read(self, texts, options):
        assert parse_options(texts) == options

    @pytest.mark.parametrize("text", ["method", "=x", "a b=1"])
    def test_what_is_no_option_is_named(self, text):
        with pytest.raises(InvalidArguments, match="cannot read"):
            parse_options([text])

    def test_secrets_are_refused(self):
        with pytest.raises(InvalidArguments, match="token is a secret"):
            parse_options(["token=hunter2"])
