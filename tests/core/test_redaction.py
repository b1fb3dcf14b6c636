import copy
import json
import logging
import pickle
import pprint
import traceback
from dataclasses import asdict, replace

import pytest

from qcos_core import Credentials, InvalidArguments, QPUNodeSpec
from qcos_core.model.redaction import is_secret_name, redact

SECRET = "hunter2"


@pytest.fixture
def spec():
    return QPUNodeSpec("n0", "other", 5, credentials={"token": SECRET, "host": SECRET})


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "tokens",
        "ibm_token",
        "TOKEN",
        "IBM_TOKEN",
        "accessToken",
        "tokenValue",
        "token_2",
        "key",
        "api_key",
        "apikey",
        "apiKey",
        "apiKeyId",
        "X-Api-Key",
        "aws_access_key_id",
        "private_key_pem",
        "secret",
        "client_secret",
        "clientSecretValue",
        "secrets",
        "password",
        "password1",
        "db.password",
        "passwd",
        "passphrase",
        "credential",
        "credentials",
        "Authorization",
    ],
)
def test_name_is_secret(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "n_nodes",
        "host",
        "keyboard",
        "keyword",
        "keywords",
        "KEYBOARD",
        "tokenizer",
        "tokenizer_path",
        "secretary",
        "passwordless",
        "passwordless_login",
        "author",
        "region",
        "",
    ],
)
def test_name_is_not_secret(name):
    assert not is_secret_name(name)


def test_name_is_secret_because_a_provider_says_so():
    assert not is_secret_name("pin")
    assert is_secret_name("pin", {"pin"})
    assert redact({"pin": SECRET, "n": {"pin": SECRET}}, {"pin"}) == {
        "pin": "***",
        "n": {"pin": "***"},
    }


def test_redact_goes_into_nested_data():
    data = {
        "headers": {"Authorization": SECRET, "Accept": "json"},
        "slots": [{"token": SECRET}, ({"api_key": [SECRET, SECRET]},)],
        "n": 4,
    }
    assert redact(data) == {
        "headers": {"Authorization": "***", "Accept": "json"},
        "slots": [{"token": "***"}, [{"api_key": "***"}]],
        "n": 4,
    }
    assert data["headers"]["Authorization"] == SECRET


@pytest.mark.parametrize(
    "url, shown",
    [
        (f"https://me:{SECRET}@host:8888/path", "https://***@host:8888/path"),
        (f"https://{SECRET}@host", "https://***@host"),
        (f"https://me:p@{SECRET}@host/path", "https://***@host/path"),
        ("https://host:8888/~me@work", "https://host:8888/~me@work"),
        ("mail me@host", "mail me@host"),
        ("http://a and http://b", "http://a and http://b"),
    ],
)
def test_redact_masks_who_logs_in(url, shown):
    assert redact(url) == shown
    assert redact({"endpoints": [url]}) == {"endpoints": [shown]}


def test_credentials_are_read_by_name(spec):
    assert spec.credentials["token"] == SECRET
    assert sorted(spec.credentials) == ["host", "token"]
    assert len(spec.credentials) == 2
    assert dict(spec.credentials) == {"token": SECRET, "host": SECRET}
    assert spec.credentials.get("nothing", "default") == "default"


def test_credentials_equal_a_mapping_of_the_same_values():
    assert Credentials({"a": 1}) == Credentials({"a": 1}) == {"a": 1}
    assert Credentials({"a": 1}) != Credentials({"a": 2})


def test_credentials_are_a_copy():
    given = {"token": SECRET}
    spec = QPUNodeSpec("n0", "other", 5, credentials=given)
    given["token"] = "changed"
    assert spec.credentials["token"] == SECRET


def test_credentials_cannot_be_written(spec):
    with pytest.raises(TypeError):
        spec.credentials["token"] = "changed"


def test_credentials_are_no_dict(spec):
    assert not isinstance(spec.credentials, dict)
    with pytest.raises(TypeError):
        vars(spec.credentials)


@pytest.mark.parametrize("show", [repr, str, format, pprint.pformat, "{0.credentials}".format])
def test_text_of_a_spec_hides_values_and_shows_names(spec, show):
    assert SECRET not in show(spec)
    assert "token" in show(spec)


def test_log_hides_values(spec, caplog):
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("%s %r %s", spec, spec.credentials, {"spec": [spec]})
    assert SECRET not in caplog.text


def test_traceback_with_locals_hides_values(spec):
    def fails(spec):
        credentials = spec.credentials
        raise RuntimeError(credentials)

    with pytest.raises(RuntimeError) as caught:
        fails(spec)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "credentials" in "".join(shown.format())
    assert SECRET not in "".join(shown.format())


def test_dictionary_of_a_spec_is_not_json(spec):
    plain = asdict(spec)
    with pytest.raises(TypeError, match="Credentials") as caught:
        json.dumps(plain)
    assert SECRET not in str(caught.value)
    assert SECRET not in json.dumps(plain, default=str)
    assert SECRET not in repr(plain)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_spec_is_not_pickled(spec, protocol):
    with pytest.raises(TypeError, match="never pickled") as caught:
        pickle.dumps(spec, protocol)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, replace])
def test_copies_of_a_spec_keep_hiding(spec, clone):
    twin = clone(spec)
    assert twin == spec
    assert twin.credentials["token"] == SECRET
    assert SECRET not in repr(twin)


def test_assigned_credentials_hide_too(spec):
    spec.credentials = {"password": SECRET}
    assert spec.credentials["password"] == SECRET
    assert SECRET not in repr(spec)


@pytest.mark.parametrize("value", [SECRET, 5, [SECRET]])
def test_credentials_must_map(value):
    with pytest.raises(InvalidArguments, match="credentials must be a mapping") as caught:
        QPUNodeSpec("n0", "other", 5, credentials=value)
    assert SECRET not in str(caught.value)


def test_no_credentials_is_an_empty_mapping():
    assert dict(QPUNodeSpec("n0", "other", 5, credentials=None).credentials) == {}
    assert dict(QPUNodeSpec("n0", "other", 5).credentials) == {}
