"""The JSON documents that results are written as."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from qcos_core.errors import CountsInvalid, InvalidArguments, QCOSError

RESULTS = "qcos.results/1"

_T = TypeVar("_T")


def results_document(
    results: Sequence[Any], errors: Mapping[str, QCOSError] | None = None
) -> dict[str, Any]:
    """The document that ``qcos run --json`` prints.

    Args:
        results: a result, a sweep or ``None`` for each circuit.
        errors: the error of each failed shard, by task id.
    """
    documents = [None if one is None else one.to_dict() for one in results]
    if len(documents) == 1 and documents[0] is not None:
        document: dict[str, Any] = documents[0]
    else:
        document = {"schema": RESULTS, "results": documents}
    if errors:
        document["errors"] = {name: error.to_dict() for name, error in errors.items()}
    return document


def document_text(document: Mapping[str, Any]) -> str:
    """A document as one line of JSON.

    What a provider put into it that is not JSON is written as text, and infinity as null: a run's
    counts are not lost for that.
    """
    try:
        return json.dumps(document, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(json.loads(json.dumps(document, default=str), parse_constant=_null))


def _null(name: str) -> None:
    """What stands for NaN and the infinities, which JSON lacks."""


def read_document(
    data: Mapping[str, Any], schema: str, read: Callable[[Mapping[str, Any]], _T]
) -> _T:
    """What ``read`` makes of a document, if that is of this schema.

    Raises:
        InvalidArguments: a document of another schema, or a damaged one.
    """
    if data.get("schema") != schema:
        message = f"expected a document of schema {schema}, found {data.get('schema')!r}."
        raise InvalidArguments(message)
    try:
        return read(data)
    except InvalidArguments:  # a document within it says for itself what is wrong
        raise
    except (AttributeError, KeyError, TypeError, ValueError, CountsInvalid) as error:
        message = f"a damaged document of schema {schema}: {type(error).__name__}: {error}."
        raise InvalidArguments(message) from None


def parse_document(text: str) -> dict[str, Any]:
    """The object that a JSON document holds.

    Raises:
        InvalidArguments: not JSON, or not an object.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError for a number of too many digits, too
        message = f"not a JSON document: {error}."
        raise InvalidArguments(message) from None
    if not isinstance(data, dict):
        message = f"expected a JSON object, found {type(data).__name__}."
        raise InvalidArguments(message)
    return data
