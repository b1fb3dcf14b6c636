import copy
import json
import pickle

import pytest

import qcos_core.errors
from qcos_core import (
    CircuitRejected,
    ClusterBuilder,
    InvalidArguments,
    JobFailed,
    NodeProviderRegistry,
    PartialResult,
    QCOSError,
    Throttled,
    UnknownProvider,
)
from qcos_core.errors import error_from_dict

CLASSES = [
    value
    for value in vars(qcos_core.errors).values()
    if isinstance(value, type) and issubclass(value, QCOSError)
]
RETRYABLE = {"NodeOffline", "Throttled", "JobTimeout", "JobFailed", "CountsInvalid"}

each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def test_docstring_draws_every_class():
    for cls in CLASSES:
        assert cls.__name__ in qcos_core.errors.__doc__


def test_docstring_marks_what_is_retryable():
    drawn = {
        line.split()[1]
        for line in qcos_core.errors.__doc__.splitlines()
        if line.strip().startswith(("├", "└")) and "retryable" in line
    }
    assert drawn == RETRYABLE


@each_class
def test_class_is_public_and_documented(cls):
    assert getattr(qcos_core, cls.__name__) is cls
    assert cls.__doc__


@each_class
def test_retryable_is_a_property_of_the_class(cls):
    assert cls.retryable is (cls.__name__ in RETRYABLE)
    assert cls("it broke").retryable is cls.retryable


@pytest.mark.parametrize(
    "cls, builtin",
    [
        (UnknownProvider, KeyError),
        (InvalidArguments, ValueError),
        (CircuitRejected, ValueError),
    ],
)
def test_class_is_the_builtin_that_callers_expect(cls, builtin):
    with pytest.raises(builtin):
        raise cls("broken")


@each_class
def test_text_is_message_and_hint(cls):
    assert str(cls("It broke.")) == "It broke."
    assert str(cls("It broke.", hint="Mend it.")) == "It broke. Mend it."


def test_text_begins_with_the_node():
    assert str(JobFailed("It broke.", node="n0", hint="Mend it.")) == "node n0: It broke. Mend it."


def test_text_follows_a_node_that_is_set_later():
    error = JobFailed("It broke.")
    error.node = "n0"
    assert str(error) == "node n0: It broke."


def test_unknown_provider_does_not_read_like_a_key_error():
    with pytest.raises(KeyError) as caught:
        NodeProviderRegistry.get("no_such_thing")
    assert not str(caught.value).startswith(("'", '"'))
    assert str(caught.value).startswith("no provider 'no_such_thing' is installed.")


@each_class
@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_copies_keep_everything(cls, clone):
    error = cls("It broke.", hint="Mend it.")
    error.node = "n0"
    twin = clone(error)
    assert type(twin) is cls
    assert (twin.message, twin.node, twin.hint) == ("It broke.", "n0", "Mend it.")
    assert str(twin) == str(error)


def test_pickled_partial_result_keeps_what_came_back():
    error = PartialResult("One failed.", results=["r0", None], errors={"t1": Throttled("Wait.")})
    twin = pickle.loads(pickle.dumps(error))
    assert twin.results == ["r0", None]
    assert str(twin.errors["t1"]) == "Wait."


@each_class
def test_dictionary_round_trip(cls):
    error = cls("It broke.", hint="Mend it.")
    error.node = "n0"
    twin = error_from_dict(json.loads(json.dumps(error.to_dict())))
    assert type(twin) is cls
    assert str(twin) == "node n0: It broke. Mend it."


@pytest.mark.parametrize("name", ["NoSuchError", "Mapping", "Any", "annotations", None, 5])
def test_dictionary_of_an_unknown_class_becomes_the_root(name):
    twin = error_from_dict({"error": name, "message": "It broke."})
    assert type(twin) is QCOSError
    assert str(twin) == "It broke."


def test_one_except_clause_catches_all():
    with pytest.raises(QCOSError):
        ClusterBuilder().build()
