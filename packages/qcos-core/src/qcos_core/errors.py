"""Every error that QCOS raises on purpose.

::

    QCOSError
    ├── UnknownProvider (KeyError)      no provider has this key
    ├── ProviderLoadError               a plugin is installed but cannot be used
    ├── InvalidArguments (ValueError)   what the caller passed cannot be right
    ├── CircuitRejected (ValueError)    this circuit cannot run, here or anywhere
    ├── NoCapableNode                   no node of the cluster can run this circuit
    ├── AuthenticationFailed            the vendor refused the credentials
    ├── QuotaExceeded                   the vendor's or the site's quota is used up
    ├── BudgetExceeded                  the user's own budget would be exceeded
    ├── LedgerUnusable                  the folder with QCOS's state cannot be used
    ├── NodeOffline          retryable  the node cannot be reached or is closed
    ├── Throttled            retryable  asked too often; try again later
    ├── JobTimeout           retryable  no answer within the deadline
    ├── JobFailed            retryable  the node accepted the work and then failed
    ├── CountsInvalid        retryable  the node answered with counts that cannot be right
    ├── JobCancelled                    somebody cancelled the work
    ├── OutcomeUnknown                  sent, but nobody knows whether it was accepted
    └── PartialResult                   some of the work came back; it is attached

Each message says what happened, on which node, and what to do about it. Whether trying the same
work again can help is a property of the class: ``retryable``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class QCOSError(Exception):
    """The root of the tree.

    Args:
        message: what happened, one or two sentences.
        node: the id of the node it happened on, if it happened on one.
        hint: what the reader can do about it.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, node: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.node = node
        self.hint = hint

    def __str__(self) -> str:
        where = f"node {self.node}: " if self.node else ""
        hint = f" {self.hint}" if self.hint else ""
        return f"{where}{self.message}{hint}"

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON-able data; :func:`error_from_dict` reads it back."""
        return {
            "error": type(self).__name__,
            "message": self.message,
            "node": self.node,
            "hint": self.hint,
        }


class UnknownProvider(QCOSError, KeyError):
    """No installed package and no call to ``register`` brought a provider of this key."""


class ProviderLoadError(QCOSError):
    """A plugin is installed but cannot be imported, clashes with another, or is out of date."""


class InvalidArguments(QCOSError, ValueError):
    """An argument is missing, unknown, of the wrong type or out of range."""


class CircuitRejected(QCOSError, ValueError):
    """The circuit has no measurement, unbound parameters, or an operation the node lacks."""


class NoCapableNode(QCOSError):
    """No node can run the circuit; the message says by how much each one falls short."""


class AuthenticationFailed(QCOSError):
    """The credentials are missing, wrong, expired, or lack a permission."""


class QuotaExceeded(QCOSError):
    """A limit that the vendor or the site set is reached."""


class BudgetExceeded(QCOSError):
    """Running this would cost more than the user allowed; nothing was submitted."""


class LedgerUnusable(QCOSError):
    """The folder with QCOS's state is damaged, full, locked, unsafe, or not to be written to."""


class NodeOffline(QCOSError):
    """The node is not reachable, or its operator has taken it out of service."""

    retryable = True


class Throttled(QCOSError):
    """The other side asks for a pause."""

    retryable = True


class JobTimeout(QCOSError):
    """The node did not answer within the deadline."""

    retryable = True


class JobFailed(QCOSError):
    """The node accepted the work and reported a failure."""

    retryable = True


class CountsInvalid(QCOSError):
    """Wrong sum, wrong width, a negative number, or keys that are not bitstrings."""

    retryable = True


class JobCancelled(QCOSError):
    """The work was cancelled before it finished."""


class OutcomeUnknown(QCOSError):
    """A submission was sent and the answer was lost; sending it again might pay twice."""


class PartialResult(QCOSError):
    """Part of the work failed for good; what came back is here and is valid.

    Attributes:
        results: one entry for each circuit of the call, in order; ``None`` where nothing valid
            came back. An entry whose ``shots`` is less than asked for is incomplete.
        errors: the error of each failed shard, by task id.
    """

    def __init__(
        self,
        message: str,
        *,
        results: Sequence[Any] = (),
        errors: Mapping[str, QCOSError] | None = None,
        node: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, node=node, hint=hint)
        self.results = list(results)
        self.errors = dict(errors or {})


def error_from_dict(data: Mapping[str, Any]) -> QCOSError:
    """Rebuild an error written by :meth:`QCOSError.to_dict`; an unknown class becomes the root."""
    cls = globals().get(str(data.get("error")), QCOSError)
    if not (isinstance(cls, type) and issubclass(cls, QCOSError)):
        cls = QCOSError
    return cls(str(data.get("message", "")), node=data.get("node"), hint=data.get("hint"))
