"""The secrets of a cluster, so that they can be taken out of what others wrote."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from qcos_core.cluster.registry import Node, QPURegistry, Slot
from qcos_core.errors import QCOSError
from qcos_core.model.redaction import is_secret_name, leaves, secret_values
from qcos_core.model.scrubber import Scrubber
from qcos_core.providers.registry import NodeProviderRegistry


def scrubber_of(registry: QPURegistry) -> Scrubber:
    """Knows the secrets that a cluster was given, as they are now.

    These are its nodes' credentials, the secrets among the arguments of its providers, and the
    environment variables with secret names. Not among them is what its user wrote in the open,
    such as a host that stands in the credentials too.
    """
    nodes = (value for node in registry.nodes() for value in _of_node(node))
    return Scrubber([*_of_slots(registry.slots.values()), *nodes])


def scrubber_of_slots(slots: Iterable[Slot]) -> Scrubber:
    """Knows the environment's secrets, and those among the arguments of slots."""
    return Scrubber(_of_slots(slots))


def _of_slots(slots: Iterable[Slot]) -> Iterator[Any]:
    yield from environment_secrets()
    for slot in slots:
        yield from secret_values(slot.kwargs, secrets_of(slot.key))


def secrets_of(key: str) -> frozenset[str]:
    """The names that a provider declares as secrets; none if it cannot be loaded."""
    try:
        return frozenset(NodeProviderRegistry.get(key).SECRETS)
    except QCOSError:
        return frozenset()


def environment_secrets() -> Iterator[str]:
    """The values of environment variables with secret names.

    Numbers and existing paths are left out: ``MAX_TOKENS`` and ``PWD`` are settings.
    """
    for name, value in os.environ.items():
        path = os.path.isabs(value) and os.path.exists(value)  # noqa: PTH110, PTH117 - never raise
        if is_secret_name(name) and not value.isdigit() and not path:
            yield value


def _of_node(node: Node) -> Iterator[Any]:
    secrets = node.provider.SECRETS
    yield from secret_values(node.kwargs, secrets)
    arguments = leaves(node.kwargs, secrets)
    shown = [node.spec.node_id, *(str(value) for value, secret in arguments if not secret)]
    for name, value in node.spec.credentials.items():
        named = is_secret_name(name, secrets)
        for leaf, secret in leaves(value, secrets, secret=True):
            if secret and (named or not any(str(leaf) in text for text in shown)):
                yield leaf
