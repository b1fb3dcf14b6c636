"""Plans, submissions, errors and what they are made of as JSON, and back without any loss.

JSON has no tuples, no keys but strings and no objects. So what it lacks stands in an object with
one name that begins with ``$``::

    {"$tuple": [1, 2]}              a tuple; a list stays a list
    {"$items": [[1, "a"]]}          a mapping whose keys are not plain strings
    {"$Amount": {"value": 0.3, ...}}   one of the model's classes
    {"$error": {"error": "Throttled", ...}}
    {"$object": "9f86d0..."}        anything else, such as a noise model among the options

Anything else is a pickle, named by its SHA-256 and kept apart, because many tasks share one. Pickle
is safe here, since the ledger's folder is this user's alone, which is checked when it is opened.
"""

from __future__ import annotations

import base64
import hashlib
import pickle
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from qcos_core import errors
from qcos_core.errors import InvalidArguments, LedgerUnusable, PartialResult, QCOSError
from qcos_core.ledger import tables
from qcos_core.model.amounts import Amount
from qcos_core.model.budgets import Budget
from qcos_core.model.circuits import CircuitProfile, Component
from qcos_core.model.counts import Registers
from qcos_core.model.nodes import Limits
from qcos_core.model.plans import Candidate, Decision, Estimate, PlannedCircuit, Shard, ShardPlan
from qcos_core.model.results import ShardRecord
from qcos_core.model.seam import Block, Handle, Submission, Task

_T = TypeVar("_T")

_PLAIN = frozenset((type(None), bool, int, float, str))
_CLASSES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        Amount,
        Block,
        Budget,
        Candidate,
        CircuitProfile,
        Component,
        Decision,
        Estimate,
        Handle,
        Limits,
        PlannedCircuit,
        Registers,
        Shard,
        ShardPlan,
        ShardRecord,
        Submission,
        Task,
    )
}
_BIG: dict[str, tuple[str, Callable[..., Any], Callable[..., Any]]] = {
    "PlannedCircuit": ("points", tables.write_numbers, tables.read_numbers),
    "ShardPlan": ("shards", tables.write_shards, tables.read_shards),
    "Submission": ("tasks", tables.write_tasks, tables.read_tasks),
    "Task": ("blocks", tables.write_blocks, tables.read_blocks),
}
"""The field of a class that may have many entries, and how it is written and read."""


def to_document(value: Any) -> dict[str, Any]:
    """A value as JSON-able data that needs nothing beside it.

    Raises:
        InvalidArguments: it holds an object that cannot be pickled, or a ``PartialResult``.
    """
    writer = Writer()
    content = writer.write(value)
    objects = {name: base64.b64encode(found).decode() for name, found in writer.objects.items()}
    return {"value": content, "objects": objects}


def from_document(document: Mapping[str, Any], kind: type[_T]) -> _T:
    """Read what :func:`to_document` wrote.

    Args:
        document: what it wrote.
        kind: the class of the value.

    Raises:
        LedgerUnusable: it did not write this, or an object's package is missing here.
    """
    try:
        objects = {
            name: base64.b64decode(found, validate=True)
            for name, found in document["objects"].items()
        }
        content = document["value"]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unreadable(error) from error
    return Reader(objects.__getitem__).read(content, kind)


class Writer:
    """Writes values whose objects are kept apart.

    Attributes:
        objects: pickled objects by the names that stand for them.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self._names: dict[int, tuple[str, Any]] = {}

    def write(self, value: Any) -> Any:
        """A value as JSON-able data.

        Raises:
            InvalidArguments: it holds an object that cannot be pickled, or a ``PartialResult``.
        """
        try:
            return self._write(value)
        except RecursionError:
            message = f"a {type(value).__name__} is nested too deep, or within itself."
            raise InvalidArguments(message) from None

    def _write(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is list:
            return [self._write(item) for item in value]
        if kind is tuple:
            return {"$tuple": [self._write(item) for item in value]}
        if kind is dict or kind is MappingProxyType:
            return self._mapping(value)
        if _CLASSES.get(kind.__name__) is kind:
            return {f"${kind.__name__}": self._fields(value)}
        if isinstance(value, QCOSError):
            return {"$error": _error(value)}
        return {"$object": self._object(value)}

    def _mapping(self, value: Mapping[Any, Any]) -> Any:
        if all(type(name) is str and not name.startswith("$") for name in value):
            return {name: self._write(item) for name, item in value.items()}
        return {"$items": [[self._write(key), self._write(item)] for key, item in value.items()]}

    def _fields(self, value: Any) -> dict[str, Any]:
        big, write, _ = _BIG.get(type(value).__name__, ("", None, None))
        return {
            name: write(getattr(value, name), self._write)
            if write and name == big
            else self._write(getattr(value, name))
            for name in value.__dataclass_fields__
        }

    def _object(self, value: Any) -> str:
        known = self._names.get(id(value))
        if known is None:
            content = _pickled(value)
            name = hashlib.sha256(content).hexdigest()
            self.objects[name] = content
            known = self._names[id(value)] = (name, value)  # kept, so that its id stays its own
        return known[0]


class Reader:
    """Reads what a :class:`Writer` wrote; each object is made once.

    Args:
        objects: gives the pickled object of a name; a ``KeyError`` if there is none.
    """

    def __init__(self, objects: Callable[[str], bytes]) -> None:
        self._objects = objects
        self._made: dict[str, Any] = {}

    def read(self, data: Any, kind: type[_T]) -> _T:
        """The value that was written.

        Raises:
            LedgerUnusable: no :class:`Writer` wrote this, or an object's package is missing here.
        """
        try:
            value = self._read(data)
        except LedgerUnusable:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise _unreadable(error) from error
        if not isinstance(value, kind):
            message = f"expected {kind.__name__}, found {type(value).__name__}"
            raise _unreadable(TypeError(message))
        return value

    def _read(self, data: Any) -> Any:
        if isinstance(data, list):
            return [self._read(item) for item in data]
        if not isinstance(data, dict):
            return data
        tag = next(iter(data), "")
        if not tag.startswith("$"):
            return {name: self._read(item) for name, item in data.items()}
        content = data[tag]
        if tag == "$tuple":
            return tuple([self._read(item) for item in content])
        if tag == "$items":
            return {self._read(key): self._read(item) for key, item in content}
        if tag == "$error":
            return errors.error_from_dict(content)
        if tag == "$object":
            return self._object(content)
        return self._instance(tag[1:], content)

    def _instance(self, name: str, content: Mapping[str, Any]) -> Any:
        big, _, read = _BIG.get(name, ("", None, None))
        fields = {
            field: read(item, self._read) if read and field == big else self._read(item)
            for field, item in content.items()
        }
        return _CLASSES[name](**fields)

    def _object(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _unpickled(self._objects(name))
        return self._made[name]


def _error(error: QCOSError) -> dict[str, Any]:
    """An error, as the nearest class that QCOS itself has: whether to retry depends on it."""
    if isinstance(error, PartialResult):
        message = "a PartialResult holds results, which would be lost; store its errors."
        raise InvalidArguments(message)
    ours = (kind for kind in type(error).__mro__ if vars(errors).get(kind.__name__) is kind)
    return error.to_dict() | {"error": next(ours).__name__}


def _pickled(value: Any) -> bytes:
    try:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except RecursionError:
        raise
    except Exception as error:  # a class may raise anything when it is pickled
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        message = f"a {kind} cannot be stored: {error}."
        hint = "Leave it out of the options, or give its name instead."
        raise InvalidArguments(message, hint=hint) from error


def _unpickled(content: bytes) -> Any:
    try:
        return pickle.loads(content)  # noqa: S301 - see the module's docstring
    except Exception as error:
        # whatever a class raises when it is made again; most often its package is missing
        message = f"an object among a job's options cannot be read: {error}."
        hint = "Install what the job was made with, in the same versions."
        raise LedgerUnusable(message, hint=hint) from error


def _unreadable(error: Exception) -> LedgerUnusable:
    message = f"a document of the ledger cannot be read: {type(error).__name__}: {error}."
    hint = "It is damaged, or a newer QCOS wrote it; then upgrade this one."
    return LedgerUnusable(message, hint=hint)
