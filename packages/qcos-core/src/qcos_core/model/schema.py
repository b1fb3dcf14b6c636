"""Read the JSON documents that results are written as."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from qcos_core.errors import CountsInvalid, InvalidArguments

_T = TypeVar("_T")


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
