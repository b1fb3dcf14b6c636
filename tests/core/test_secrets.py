"""Planted secrets, and every place where they must not come up."""

import base64
import copy
import json
import logging
import pickle
import pprint
import reprlib
import traceback
from enum import Enum
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, strategies as st
from qiskit import QuantumCircuit

from qcos_core import (
    AuthenticationFailed,
    ClusterBuilder,
    DistributedQVM,
    InvalidArguments,
    JobFailed,
    NodeProvider,
    NodeProviderRegistry,
    PartialResult,
    QPUNodeSpec,
    Secret,
    UnknownProvider,
    VirtualCircuitSpec,
    load_cluster,
)
from qcos_core.cluster.documents import cluster_from_dict, cluster_to_dict, obstacle
from qcos_core.cluster.secrets import scrubber_of
from qcos_core.model.redaction import holds_secret, redact
from qcos_core.model.scrubber import Scrubber
from qcos_core.worker.calls import provider_ref

CANARY = "c4nary/+'\"é\\=s3cret"
PLAIN = "plain-canary-7391"


class Vault(NodeProvider):
    """Takes anything, and puts it all into its nodes' credentials."""

    DISPLAY_NAME = "Vault"
    SECRETS = frozenset({"pin"})

    def build_nodes(self, **kwargs):
        return [QPUNodeSpec("vault-0", "other", 5, credentials=kwargs)]


@pytest.fixture(autouse=True)
def _vault(only_core, monkeypatch):
    NodeProviderRegistry.register("vault", Vault)
    monkeypatch.setenv("VAULT_TOKEN", CANARY)


@pytest.fixture
def secret():
    return Secret.env("VAULT_TOKEN")


def build(**kwargs):
    return ClusterBuilder().add("vault", **kwargs).build()


class TestSecret:
    def test_it_is_the_value(self, secret):
        assert isinstance(secret, str)
        assert secret == CANARY
        assert hash(secret) == hash(CANARY)
        assert f"{secret}" == str(secret) == format(secret) == CANARY
        assert secret.encode() == CANARY.encode()
        assert json.loads(json.dumps({"token": secret})) == {"token": CANARY}

    def test_it_knows_its_place(self, secret):
        assert secret.reference == {"env": "VAULT_TOKEN"}
        assert repr(secret) == "Secret.env('VAULT_TOKEN')"

    def test_a_variable_that_is_not_set(self, monkeypatch):
        monkeypatch.delenv("VAULT_TOKEN")
        with pytest.raises(InvalidArguments, match="VAULT_TOKEN is not set"):
            Secret.env("VAULT_TOKEN")

    @pytest.mark.optional_part("keyring")
    def test_the_keyring(self, monkeypatch):
        import keyring

        stored = {("vault", "me"): CANARY}
        monkeypatch.setattr(keyring, "get_password", lambda *name: stored.get(name))
        secret = Secret.keyring("vault/me")
        assert secret == CANARY
        assert secret.reference == {"keyring": "vault/me"}
        assert repr(secret) == "Secret.keyring('vault/me')"

    @pytest.mark.parametrize("show", [repr, pprint.pformat, reprlib.repr, "{!r}".format])
    def test_containers_show_the_place(self, secret, show):
        text = show({"token": [secret]})
        assert "VAULT_TOKEN" in text
        assert "c4nary" not in text

    def test_log_and_traceback_show_the_place(self, secret, caplog):
        def fails(token):
            raise RuntimeError([token])

        with pytest.raises(RuntimeError) as caught:
            fails(secret)
        logging.getLogger("test").error("%s", {"token": secret}, exc_info=caught.value)
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        for text in ("".join(shown.format()), caplog.text):
            assert "VAULT_TOKEN" in text
            assert "c4nary" not in text

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_it_is_never_pickled(self, secret, protocol):
        with pytest.raises(TypeError, match="never pickled") as caught:
            pickle.dumps({"token": secret}, protocol)
        assert "c4nary" not in str(caught.value)

    @pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy])
    def test_copies_keep_the_place(self, secret, clone):
        assert clone({"token": secret})["token"].reference == {"env": "VAULT_TOKEN"}

    def test_it_is_masked_under_any_name(self, secret):
        assert redact({"user": secret, "users": [secret]}) == {"user": "***", "users": ["***"]}


class TestClusterFile:
    def test_places_are_kept(self, tmp_path):
        path = tmp_path / "cluster.toml"
        path.write_text(
            '[[slot]]\nprovider = "vault"\ntoken = {env = "VAULT_TOKEN"}\n'
            'headers = {Authorization = {env = "VAULT_TOKEN"}, Accept = "json"}\n'
        )
        (slot,) = load_cluster(path).slots
        assert slot.kwargs["token"].reference == {"env": "VAULT_TOKEN"}
        assert slot.kwargs["headers"]["Authorization"].reference == {"env": "VAULT_TOKEN"}
        assert type(slot.kwargs["headers"]["Accept"]) is str


class TestWorker:
    def test_arguments_with_secret_names_are_left_out(self, secret):
        ref = provider_ref(Vault(), {"token": secret, "pin": PLAIN, "n": 1})
        assert ref.kwargs == {"n": 1}

    @pytest.mark.parametrize(
        "kwargs",
        [
            {"user": Secret(PLAIN, {"env": "USER"})},
            {"headers": {"Authorization": PLAIN}},
            {"slots": [{"pin": 0}]},
            {"endpoints": [f"https://me:{PLAIN}@host"]},
        ],
    )
    def test_an_argument_that_holds_a_secret_keeps_a_provider_here(self, kwargs):
        assert provider_ref(Vault(), kwargs) is None


@pytest.mark.parametrize(
    "value, expected",
    [
        ({"token": PLAIN}, True),
        ({"token": 123456}, True),
        ({"token": 0}, True),
        ({"token": {"value": [PLAIN]}}, True),
        ({"pin": PLAIN}, True),
        ({"a": [{"b": ({"api_key": b"x"},)}]}, True),
        ({"url": f"https://{PLAIN}@host"}, True),
        ({"token": None, "key": "", "use_key": False, "keys": [], "secrets": {}}, False),
        ({"url": "https://host/~me@work", "n": 1, "a": ["b", ("c",)], "mail": "me@host"}, False),
    ],
)
def test_data_that_holds_a_secret(value, expected):
    assert holds_secret(value, {"pin"}) is expected


KWARGS = [
    {"token": PLAIN},
    {"pin": PLAIN},
    {"headers": {"Authorization": PLAIN, "Accept": "json"}},
    {"slots": [{"api_key": [PLAIN]}]},
    {"endpoints": ["https://host", f"https://me:{PLAIN}@host:8888/x"]},
    {"user": Secret(PLAIN, {"env": "PLAIN_USER"})},
]


class TestOptions:
    """Options are shown in plans and results, and written down with jobs and in manifests."""

    @pytest.mark.parametrize(
        "options",
        [
            {"api_key": CANARY},
            {"memory": True, "login": {"token": CANARY}},
            {"servers": [f"https://user:{quote(CANARY, safe='')}@host/"]},
            {"anything": Secret(CANARY, {"env": "VAULT_TOKEN"})},
        ],
    )
    @pytest.mark.parametrize("way", ["plan", "run", "submit"])
    def test_none_takes_a_secret(self, options, way, tmp_path):
        circuit = QuantumCircuit(1)
        circuit.measure_all()
        with DistributedQVM(build(), state=tmp_path / "state") as qvm:
            for given in ((circuit, options), (VirtualCircuitSpec(circuit, options=options), None)):
                with pytest.raises(InvalidArguments, match="holds a secret, and options are") as e:
                    getattr(qvm, way)(given[0], 10, options=given[1])
                assert CANARY not in str(e.value)
        assert not (tmp_path / "state").exists()


class TestCluster:
    """What is built from slots, and what its parts show."""

    @pytest.mark.parametrize("kwargs", KWARGS)
    def test_no_part_shows_a_secret(self, kwargs, caplog):
        builder = ClusterBuilder().add("vault", **kwargs)
        cluster = builder.build()
        node = cluster.node("vault-0")
        parts = [builder, builder.slots, cluster, cluster.slots, node, node.spec, [*cluster]]
        for part in parts:
            logging.getLogger("test").error("%s %r", part, part)
            assert PLAIN not in str(part) + repr(part) + pprint.pformat(part)
        assert PLAIN not in builder.describe()
        assert PLAIN not in json.dumps(cluster_to_dict(cluster))
        assert PLAIN not in caplog.text
        assert PLAIN in json.dumps(kwargs)

    @pytest.mark.parametrize("kwargs", KWARGS)
    def test_its_scrubber_knows_every_secret(self, kwargs):
        scrubber = scrubber_of(build(**kwargs))
        assert scrubber.scrub(f"refused: {PLAIN}, https://host:8888") == (
            "refused: ***, https://host:8888"
        )

    @pytest.mark.parametrize("kwargs", KWARGS)
    def test_reason_of_an_offline_node_quotes_none(self, kwargs):
        class Ill(Vault):
            def health_check(self):
                raise RuntimeError(f"401: {PLAIN}")

        NodeProviderRegistry.register("ill", Ill)
        (spec,) = ClusterBuilder().add("ill", **kwargs).build()
        assert spec.metadata == {
            "offline_reason": "its health check failed: RuntimeError: 401: ***"
        }

    @pytest.mark.parametrize("kwargs", KWARGS)
    @pytest.mark.parametrize("method", ["configure", "build_nodes"])
    def test_error_of_building_quotes_none(self, kwargs, method):
        def refuses(self, **kwargs):
            raise ValueError(f"bad: {PLAIN}")

        NodeProviderRegistry.register("bad", type("Bad", (Vault,), {method: refuses}))
        with pytest.raises(InvalidArguments, match=r"bad: \*\*\*") as caught:
            ClusterBuilder().add("bad", **kwargs).build()
        assert PLAIN not in "".join(traceback.format_exception(caught.value))


class TestScrubberOfACluster:
    def test_credentials_that_a_provider_made(self):
        class Login(Vault):
            def build_nodes(self, **kwargs):
                inside = {"session": {"ids": [PLAIN, b"bytes-canary", 918273645, None, object()]}}
                return [QPUNodeSpec("login-0", "other", 5, credentials=inside)]

        NodeProviderRegistry.register("login", Login)
        scrubber = scrubber_of(ClusterBuilder().add("login").build())
        assert scrubber.scrub(f"{PLAIN} bytes-canary 918273645 None") == "*** *** *** None"

    def test_what_stands_in_the_open_is_no_secret(self):
        """The reference's own example puts the host into the credentials."""
        cluster = build(host="login.lumi.csc.fi", pin="123456", endpoints=["https://one.example"])
        scrubber = scrubber_of(cluster)
        text = "vault-0: login.lumi.csc.fi, https://one.example: pin {}"
        assert scrubber.scrub(text.format("123456")) == text.format("***")

    def test_node_ids_stay_readable(self):
        class Named(Vault):
            def build_nodes(self, **kwargs):
                return [QPUNodeSpec("dgx-node-0", "other", 5, credentials={"host": "dgx-node"})]

        NodeProviderRegistry.register("named", Named)
        scrubber = scrubber_of(ClusterBuilder().add("named").build())
        assert scrubber.scrub("dgx-node-0") == "dgx-node-0"

    def test_environment(self, monkeypatch, tmp_path):
        monkeypatch.setenv("SOME_API_KEY", PLAIN)
        monkeypatch.setenv("LONG_SECRET", "/" + "x" * 5000)
        monkeypatch.setenv("OTHER", "other-value")
        monkeypatch.setenv("MAX_TOKENS", "200000")
        monkeypatch.setenv("KEY_FILE", str(tmp_path))
        monkeypatch.setenv("PWD", str(tmp_path))
        scrubber = scrubber_of(build())
        assert scrubber.scrub(PLAIN) == "***"
        assert scrubber.scrub("/" + "x" * 5000) == "***"
        kept = f"other-value 200000 {tmp_path}"
        assert scrubber.scrub(kept) == kept

    def test_environment_that_is_no_text(self, monkeypatch):
        monkeypatch.setenv("RAW_TOKEN", "abc\udcff\udcfedef")
        assert scrubber_of(build()).scrub("abc\udcff\udcfedef") == "***"


def b64(text, encode=base64.b64encode):
    return encode(text.encode()).decode()


SECRETS = st.text(min_size=6).filter(lambda text: len(text.strip()) >= 6)


class TestScrub:
    @pytest.mark.parametrize(
        "form",
        [
            CANARY,
            repr(CANARY),
            repr({"token": CANARY}),
            repr(CANARY.encode()),
            json.dumps({"token": CANARY}),
            json.dumps({"token": CANARY}, ensure_ascii=False),
            f"https://host/?token={quote(CANARY)}",
            f"https://host/?token={quote(CANARY, safe='')}",
            f"token={quote_plus(CANARY)}&n=1",
            *(b64("x" * before + CANARY + "yz") for before in range(7)),
            *(b64("?" * before + CANARY, base64.urlsafe_b64encode) for before in range(3)),
            f"Authorization: Basic {b64(f'apikey:{CANARY}')}",
        ],
    )
    def test_every_form_is_found(self, form):
        scrubbed = Scrubber([CANARY]).scrub(form)
        assert "***" in scrubbed
        assert "nary" not in scrubbed
        assert "s3cret" not in scrubbed
        assert b64("nary")[:4] not in scrubbed

    @given(SECRETS, st.text(), st.text())
    def test_any_secret_in_any_text(self, secret, before, after):
        scrubber = Scrubber([secret])
        assert scrubber.scrub(before + secret + after).count("***") >= 1
        assert "***" in scrubber.scrub(repr(before.replace("'", "") + secret))
        assert "***" in scrubber.scrub(json.dumps([before, secret]))

    @given(st.binary(max_size=10), st.text("abc+/?é", min_size=6), st.binary(max_size=10))
    def test_base64_in_any_surroundings(self, before, secret, after):
        text = base64.b64encode(before + secret.encode() + after).decode()
        scrubbed = Scrubber([secret]).scrub(text)
        assert "***" in scrubbed
        # a character at either end is shared with the neighbours
        assert len(scrubbed) - 3 <= len(text) - len(secret.encode()) * 8 // 6 + 2

    def test_the_longest_first(self):
        assert Scrubber(["canary", "canary-long", "canary"]).scrub("canary-long, canary") == (
            "***, ***"
        )

    def test_short_ones_would_mask_ordinary_words(self):
        scrubber = Scrubber(["node", "12345", "", "      "])
        text = "node 12345 of       100"
        assert scrubber.scrub(text) is text

    def test_lines_and_surrounding_space(self):
        scrubber = Scrubber([f"-----BEGIN KEY-----\n{PLAIN}\n-----END KEY-----\n", "padded-one \n"])
        assert scrubber.scrub(f"line 2 is {PLAIN}; padded-one.") == "line 2 is ***; ***."

    def test_logins_inside_urls(self):
        scrubber = Scrubber([f"https://me:{quote('p@ss/word', safe='')}@host"])
        assert scrubber.scrub("p@ss/word, p%40ss%2Fword, me, host") == "***, ***, me, host"

    def test_json(self, secret):
        data = {
            PLAIN: [PLAIN, {"a": (f"<{PLAIN}>", 1, None)}],
            "n": 1.5,
            "s": Secret("x", {"env": "X"}),
        }
        assert Scrubber([PLAIN]).scrub_json(data) == {
            "***": ["***", {"a": ("<***>", 1, None)}],
            "n": 1.5,
            "s": "***",
        }
        assert PLAIN in data

    def test_it_shows_and_sends_none(self):
        scrubber = Scrubber([PLAIN])
        assert PLAIN not in repr(scrubber)
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(scrubber)


class Refused(AuthenticationFailed):
    """A provider's own error."""

    def __init__(self, message, code, **kwargs):
        super().__init__(message, **kwargs)
        self.code = code
        self.response = {"sent": [message]}


def text_of(error):
    return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))


class VendorError(Exception):
    def __repr__(self):
        return "VendorError()"

    def __str__(self):
        return "vendor"


class Unreadable(Exception):
    def __str__(self):
        raise RuntimeError


def with_note(error, note):
    error.add_note(note)
    return error


def from_cause(error, cause):
    error.__cause__ = cause
    return error


def from_context(error, context):
    error.__context__ = context
    return error


TELLING = {
    "message": lambda: ValueError(f"401 for {PLAIN}"),
    "escaped": lambda: ValueError({"auth": b64(f"me:{PLAIN}")}),
    "args": lambda: VendorError(PLAIN),
    "note": lambda: with_note(VendorError(), PLAIN),
    "group": lambda: ExceptionGroup("two", [ValueError("x"), ValueError(PLAIN)]),
    "group in a group": lambda: ExceptionGroup("a", [ExceptionGroup("b", [VendorError(PLAIN)])]),
    "cause of the cause": lambda: from_cause(OSError("x"), KeyError(PLAIN)),
    "context of the cause": lambda: from_context(OSError("x"), KeyError(PLAIN)),
    "cause within a group": lambda: ExceptionGroup("g", [from_cause(OSError("x"), OSError(PLAIN))]),
    "unreadable": Unreadable,
}


class TestScrubError:
    def test_message_hint_node_notes_and_attributes(self):
        error = Refused(f"401 for {PLAIN}", 401, node=f"n-{PLAIN}", hint=f"Renew {PLAIN}.")
        error.add_note(f"sent {PLAIN}")
        scrubbed = Scrubber([PLAIN]).scrub_error(error)
        assert scrubbed is error
        assert str(error) == "node n-***: 401 for *** Renew ***."
        assert error.to_dict()["message"] == "401 for ***"
        assert (error.code, error.response) == (401, {"sent": ["401 for ***"]})
        assert error.__notes__ == ["sent ***"]
        assert PLAIN not in text_of(error)

    def test_errors_inside_a_partial_result(self):
        results = [object(), None]
        inner = from_cause(JobFailed(PLAIN), ValueError(PLAIN))
        error = PartialResult("part", results=results, errors={"t1": inner})
        Scrubber([PLAIN]).scrub_error(error)
        assert error.results == results
        assert error.errors["t1"] is inner
        assert PLAIN not in text_of(inner)

    @pytest.mark.parametrize("tie", [from_cause, from_context])
    @pytest.mark.parametrize("origin", TELLING)
    def test_a_chain_that_quotes_a_secret_is_cut(self, tie, origin):
        error = tie(JobFailed("the vendor says no."), TELLING[origin]())
        Scrubber([PLAIN]).scrub_error(error)
        assert error.__cause__ is None
        assert error.__context__ is None
        assert error.__suppress_context__
        assert PLAIN not in text_of(error)
        assert error.__notes__ == ["Its cause is not shown: it quotes a secret."]

    @pytest.mark.parametrize("tie", [from_cause, from_context])
    def test_another_chain_is_kept(self, tie):
        origin = ExceptionGroup("two", [from_cause(ValueError("x"), VendorError(1))])
        error = tie(JobFailed(PLAIN), origin)
        Scrubber([PLAIN]).scrub_error(error)
        assert (error.__cause__ or error.__context__) is origin
        assert "ValueError: x" in text_of(error)
        assert not hasattr(error, "__notes__")

    def test_a_chain_that_bites_its_tail(self):
        first, second = ValueError("a"), ValueError("b")
        first.__context__, second.__context__ = second, first
        error = from_cause(JobFailed("x"), first)
        assert Scrubber([PLAIN]).scrub_error(error).__cause__ is first

    def test_as_it_is_raised(self):
        def run():
            try:
                raise ValueError(PLAIN)
            except ValueError as error:
                message = f"the vendor says: {error}"
                raise JobFailed(message, node="n0") from error

        with pytest.raises(JobFailed) as caught:
            run()
        text = text_of(Scrubber([PLAIN]).scrub_error(caught.value))
        assert PLAIN not in text
        assert "JobFailed: node n0: the vendor says: ***" in text

    def test_nothing_to_do(self):
        error = from_cause(JobFailed("x", node="n"), ValueError("y"))
        before = dict(vars(error))
        assert Scrubber([]).scrub_error(error) is error
        assert vars(error) == before
        assert error.__cause__ is not None


class Color(str, Enum):
    RED = "red"


class TestDocument:
    def again(self, cluster):
        """As it comes out of the store in another process."""
        document = json.loads(json.dumps(cluster_to_dict(cluster)))
        assert obstacle(document) is None
        return cluster_from_dict(document)

    def given(self, cluster):
        return [(slot.key, slot.kwargs) for slot in cluster.slots.values()]

    @pytest.mark.parametrize(
        "kwargs",
        [
            {},
            {"n": 2, "x": 1.5, "big": 1 << 70, "inf": float("inf"), "on": True, "none": None},
            {"text": "é\n\udcff", "list": [1, ["a", {}]], "table": {"a": {"b": [None]}}},
            {"place": {"env": "PATH"}, "places": [{"keyring": "a/b"}], "secretary": "x"},
            {"token": None, "api_key": "", "use_key": False},
        ],
    )
    def test_plain_arguments_come_back(self, kwargs):
        cluster = ClusterBuilder().add("vault", **kwargs).add("local_numpy", n_nodes=2).build()
        again = self.again(cluster)
        assert self.given(again) == [("vault", kwargs), ("local_numpy", {"n_nodes": 2})]
        assert [spec.node_id for spec in again] == [spec.node_id for spec in cluster]

    def test_tuples_become_lists_and_members_their_values(self):
        cluster = build(targets=("a", ("b",)), color=Color.RED)
        ((_, kwargs),) = self.given(self.again(cluster))
        assert kwargs == {"targets": ["a", ["b"]], "color": "red"}
        assert type(kwargs["color"]) is str

    def test_secrets_are_looked_up_again(self, secret, monkeypatch):
        cluster = build(
            token=secret, user=secret, headers={"Authorization": secret, "Accept": "json"}
        )
        assert "c4nary" not in json.dumps(cluster_to_dict(cluster), ensure_ascii=False)
        monkeypatch.setenv("VAULT_TOKEN", "renewed")
        again = self.again(cluster)
        assert again.get("vault-0").credentials == {
            "token": "renewed",
            "user": "renewed",
            "headers": {"Authorization": "renewed", "Accept": "json"},
        }
        assert cluster_to_dict(again) == cluster_to_dict(cluster)

    def test_secret_that_is_gone(self, secret, monkeypatch):
        document = cluster_to_dict(
            ClusterBuilder().add("local_numpy").add("vault", t=secret).build()
        )
        monkeypatch.delenv("VAULT_TOKEN")
        with pytest.raises(
            InvalidArguments, match=r"slot \[1\] vault: t: .* VAULT_TOKEN is not set"
        ):
            cluster_from_dict(document)

    @pytest.mark.parametrize("kwargs", KWARGS[:-1])
    def test_secrets_from_nowhere_are_missing(self, kwargs):
        cluster = ClusterBuilder().add("local_numpy").add("vault", n=1, **kwargs).build()
        document = cluster_to_dict(cluster)
        (name,) = kwargs
        assert document["slots"][1] == {"provider": "vault", "kwargs": {"n": 1}, "missing": [name]}
        assert obstacle(document) == f"slot [1] vault: secrets are not stored: {name}."
        with pytest.raises(InvalidArguments) as caught:
            cluster_from_dict(document)
        for part in (f"slot [1] vault: secrets are not stored: {name}.", "cluster=", "Secret.env("):
            assert part in str(caught.value)

    def test_one_reference_does_not_excuse_another_secret(self, secret):
        document = cluster_to_dict(build(tokens=[secret, PLAIN]))
        assert document["slots"][0]["missing"] == ["tokens"]
        assert PLAIN not in json.dumps(document)

    def test_secret_that_its_provider_forgot_to_declare(self):
        class Forgetful(Vault):
            def build_nodes(self, puk):
                return [QPUNodeSpec("f", "other", 5, credentials={"token": puk})]

        NodeProviderRegistry.register("forgetful", Forgetful)
        document = cluster_to_dict(ClusterBuilder().add("forgetful", puk=PLAIN).build())
        assert document["slots"][0]["missing"] == ["puk"]
        assert PLAIN not in json.dumps(document)

    def test_secret_names_are_those_of_the_provider_that_runs(self):
        """Its key may be another class's by now, which declares none."""
        cluster = build(pin=PLAIN)
        NodeProviderRegistry.unregister("vault")
        assert PLAIN not in json.dumps(cluster_to_dict(cluster))

    @pytest.mark.parametrize(
        "value",
        [object(), {1: "a"}, [b"x"], {"a": {2}}, {"$secret": None}, (1j,), {"a": [{None: 1}]}],
    )
    def test_what_json_cannot_hold(self, value):
        document = cluster_to_dict(build(n=1, backend=value))
        assert document["slots"] == []
        assert obstacle(document).startswith("slot [0] vault: backend holds a ")
        with pytest.raises(InvalidArguments, match=r"backend holds a .*Pass cluster="):
            cluster_from_dict(document)

    def test_nodes_registered_by_hand(self):
        cluster = build()
        cluster.register(QPUNodeSpec("mine", "other", 5), Vault(), key="vault")
        document = cluster_to_dict(cluster)
        assert obstacle(document) == "the node mine was registered by hand."
        with pytest.raises(InvalidArguments, match=r"node mine was registered.*Pass cluster="):
            cluster_from_dict(document)

    def test_provider_that_nothing_brings(self):
        document = cluster_to_dict(build())
        NodeProviderRegistry.unregister("vault")
        with pytest.raises(UnknownProvider, match=r"no provider 'vault'.*register it.*cluster="):
            cluster_from_dict(document)

    def test_health_is_asked_for_again(self):
        class Moody(Vault):
            moods = iter([False, True])

            def health_check(self):
                return next(self.moods)

        NodeProviderRegistry.register("moody", Moody)
        cluster = ClusterBuilder().add("moody").build()
        assert not cluster.online()
        assert self.again(cluster).online()

    def test_slots_added_later_are_no_part_of_it(self):
        builder = ClusterBuilder().add("vault")
        cluster = builder.build()
        builder.add("local_numpy")
        assert list(cluster.slots) == ["slot [0] vault"]

    @pytest.mark.parametrize(
        "document",
        [
            {},
            {"schema": "qcos.result/1"},
            {"schema": "qcos.cluster/1"},
            {"schema": "qcos.cluster/1", "reason": None, "slots": [1]},
            {"schema": "qcos.cluster/1", "reason": None, "slots": [{"provider": "vault"}]},
            {
                "schema": "qcos.cluster/1",
                "reason": None,
                "slots": [{"provider": "vault", "kwargs": {"t": {"$secret": 5}}, "missing": []}],
            },
        ],
    )
    def test_damaged_documents(self, document):
        with pytest.raises(InvalidArguments, match="document"):
            cluster_from_dict(document)
