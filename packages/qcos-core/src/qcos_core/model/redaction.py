"""What must never be shown: secrets in keyword arguments, credentials and addresses."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

REDACTED = "***"

# a secret word ends where the name ends, at a character that is no letter, or in camelCase
_SECRET_NAME = re.compile(
    r"(token|key|secret|password|passwd|pwd|passphrase|credential|authorization)s?"
    r"(?=$|[^a-z]|(?-i:(?<=[a-z])[A-Z]))",
    re.IGNORECASE,
)
# up to the last @ before the path, because careless passwords hold an @ themselves
_USERINFO = re.compile(r"(?<=://)[^/\s]+(?=@)")


def is_secret_name(name: str, secrets: Collection[str] = ()) -> bool:
    """Whether a value of this name must not be shown.

    Names like ``token``, ``api_key``, ``secret`` and ``password`` always count; ``secrets`` are
    the names that a provider declares beyond them (``NodeProvider.SECRETS``).
    """
    return name in secrets or _SECRET_NAME.search(name) is not None


def redact(value: Any, secrets: Collection[str] = ()) -> Any:
    """A copy of JSON-like data that is safe to print: secret values become ``***``.

    User names and passwords inside URLs are masked too.
    """
    if isinstance(value, Mapping):
        return {
            name: REDACTED if is_secret_name(str(name), secrets) else redact(item, secrets)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [redact(item, secrets) for item in value]
    if isinstance(value, str):
        return _USERINFO.sub(REDACTED, value)
    return value
