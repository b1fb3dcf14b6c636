"""What must never be shown: secrets in keyword arguments, credentials and addresses."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from qcos_core.model.secrets import Secret

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

    User names and passwords inside URLs are masked too, and each :class:`Secret`.
    """
    if isinstance(value, Secret):
        return REDACTED
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


def leaves(
    value: Any, secrets: Collection[str] = (), *, secret: bool = False
) -> Iterator[tuple[Any, bool]]:
    """Every value inside JSON-like data, and whether it must not be shown.

    That is each :class:`Secret`, what has a secret name or stands below one, and user names and
    passwords inside URLs, which come beside the URL. ``None``, booleans and empty text hide
    nothing.

    Args:
        value: the data.
        secrets: secret names beyond the usual ones.
        secret: whether all of it must not be shown.
    """
    if isinstance(value, Mapping):
        for name, item in value.items():
            hidden = secret or is_secret_name(str(name), secrets)
            yield from leaves(item, secrets, secret=hidden)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from leaves(item, secrets, secret=secret)
    elif isinstance(value, Secret):
        yield value, True
    else:
        if isinstance(value, str):
            yield from ((login, True) for login in logins(value))
        empty = value is None or isinstance(value, bool) or (isinstance(value, str) and not value)
        yield value, secret and not empty


def secret_values(value: Any, secrets: Collection[str] = ()) -> Iterator[Any]:
    """The values inside JSON-like data that must not be shown."""
    return (leaf for leaf, secret in leaves(value, secrets) if secret)


def holds_secret(value: Any, secrets: Collection[str] = ()) -> bool:
    """Whether JSON-like data holds anything that must not be shown."""
    return any(secret for _, secret in leaves(value, secrets))


def logins(text: str) -> Iterator[str]:
    """User names and passwords inside the URLs of a text, and the passwords alone."""
    for found in _USERINFO.findall(text):
        login = unquote(found)
        yield from (found, login)
        if ":" in login:
            yield login.partition(":")[2]
