"""What a result came from: the layer that made it attaches it, and the model only keeps it."""

from __future__ import annotations

from typing import Any

from qcos_core.errors import InvalidArguments


def origin_of(result: Any) -> Any:
    """What a result came from, which can write its manifest.

    Raises:
        InvalidArguments: it was read back from a document, or copied by pickling; neither keeps
            the circuit.
    """
    origin = getattr(result, "origin", None)
    if origin is None:
        name = getattr(result, "name", result)
        message = f"the result {name!r} does not know its circuit, so it has no manifest."
        hint = (
            "Results that were read back from JSON do not. Take the manifest of what run returned, "
            "or of QVMJob.load(id).result()."
        )
        raise InvalidArguments(message, hint=hint)
    return origin
