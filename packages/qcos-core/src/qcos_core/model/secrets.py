"""Secrets that know where they were looked up, so that the place can be stored in their stead."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NoReturn, Self

from qcos_core.errors import InvalidArguments


class Secret(str):
    """A secret that was looked up, and knows where.

    It is a ``str``, so that vendors' libraries take it as it is. Its ``repr`` shows the place, and
    it refuses to be pickled. Where a cluster is stored, the place is stored, never the value.
    ``str``, ``format`` and ``json.dumps`` do give the value, or no library could use it. What is
    made from it, such as ``secret.strip()``, is an ordinary string.

    Example::

        ClusterBuilder().add("ibm_quantum", ibm_token=Secret.env("IBM_TOKEN"))

    Attributes:
        reference: the place: ``{"env": "NAME"}`` or ``{"keyring": "service/user"}``.
    """

    __slots__ = ("reference",)

    reference: dict[str, str]

    def __new__(cls, value: str, reference: Mapping[str, str]) -> Self:  # noqa: D102 - as above
        secret = super().__new__(cls, value)
        secret.reference = dict(reference)
        return secret

    @classmethod
    def env(cls, name: str) -> Self:
        """The value of an environment variable.

        Raises:
            InvalidArguments: it is not set.
        """
        if name not in os.environ:
            message = f"the environment variable {name} is not set."
            raise InvalidArguments(message)
        return cls(os.environ[name], {"env": name})

    @classmethod
    def keyring(cls, place: str) -> Self:
        """A password that the system's keyring holds, by ``"service/user"``.

        Raises:
            InvalidArguments: no such password, or no keyring; the extra ``keyring`` reads it.
        """
        try:
            import keyring.errors
        except ImportError:
            message = "the keyring package is not installed."
            raise InvalidArguments(message, hint="Run: pip install 'qcos-core[keyring]'.") from None
        service, _, user = place.partition("/")
        try:
            password = keyring.get_password(service, user)
        except keyring.errors.KeyringError as error:
            message = f"the keyring cannot be read: {error}"
            raise InvalidArguments(message) from None
        if password is None:
            message = f"the keyring has no password for {place!r}."
            raise InvalidArguments(message, hint=f"Run: keyring set {service} {user}.")
        return cls(password, {"keyring": place})

    def __repr__(self) -> str:
        ((kind, place),) = self.reference.items()
        return f"Secret.{kind}({place!r})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        message = f"a secret is never pickled: pass its reference, {self.reference}"
        raise TypeError(message)


def is_reference(value: Any) -> bool:
    """Whether this is how a ``cluster.toml`` writes the place of a secret."""
    return isinstance(value, Mapping) and set(value) in ({"env"}, {"keyring"})


def look_up(reference: Mapping[str, Any], where: str) -> Secret:
    """The secret of a reference.

    Args:
        reference: as :attr:`Secret.reference`.
        where: what named it, for the error.

    Raises:
        InvalidArguments: it is not there.
    """
    try:
        if "env" in reference:
            return Secret.env(str(reference["env"]))
        return Secret.keyring(str(reference["keyring"]))
    except InvalidArguments as error:
        message = f"{where}: {error.message}"
        raise InvalidArguments(message, hint=error.hint) from None
