"""Options of a run as plans and results show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LONGEST = 300


def shown(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as JSON-able data.

    Objects, such as a noise model, are shown by their type and the beginning of their ``repr``.
    """
    return {str(name): _shown(value) for name, value in options.items()}


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return shown(value)
    if isinstance(value, (list, tuple)):
        return [_shown(item) for item in value]
    kind = type(value)
    return {"type": f"{kind.__module__}.{kind.__qualname__}", "repr": repr(value)[:_LONGEST]}
