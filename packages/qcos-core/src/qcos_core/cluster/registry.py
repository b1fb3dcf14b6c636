"""The nodes of a cluster, each bound to the provider that runs it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from qcos_core.cluster.health import Away
from qcos_core.errors import InvalidArguments
from qcos_core.model.nodes import QPUNodeSpec
from qcos_core.providers.adapter import check_execute
from qcos_core.providers.base import NodeProvider

if TYPE_CHECKING:
    from qcos_core.providers.plugins import PluginManager

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Slot:
    """A provider's key with the arguments for it."""

    key: str
    kwargs: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Node:
    """A node with the provider that runs it.

    Attributes:
        spec: what the provider said about it.
        provider: the instance bound to it.
        key: the provider's key, or its class name where it was registered without one.
        slot: which slot of the builder it came from.
        kwargs: what the user gave to the provider.
    """

    spec: QPUNodeSpec
    provider: NodeProvider
    key: str
    slot: str = ""
    kwargs: Mapping[str, Any] = field(default_factory=dict, repr=False)


class QPURegistry:
    """The nodes of a cluster. Iterating gives their specs; ``len`` counts them.

    Use it as a context manager, or call :meth:`close`, to give back what providers hold.

    Attributes:
        slots: what ``ClusterBuilder.build`` made it of, by the names that its nodes' ``slot`` has;
            empty for nodes that were registered by hand.
        away: its nodes that were out of service when it was built.
    """

    def __init__(self, slots: Mapping[str, Slot] | None = None) -> None:
        self.slots = dict(slots or {})
        self.away = Away()
        self._nodes: dict[str, Node] = {}

    def register(
        self,
        spec: QPUNodeSpec,
        provider: NodeProvider,
        *,
        key: str | None = None,
        slot: str = "",
        kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        """Add one node.

        Args:
            spec: the node.
            provider: the instance that runs its circuits.
            key: the provider's key, for plans and results.
            slot: where it comes from, for error messages.
            kwargs: what the user gave to the provider; a worker is given them too.

        Raises:
            InvalidArguments: the id is taken, or the arguments are not a spec and a provider.
        """
        if not isinstance(spec, QPUNodeSpec):
            message = f"register takes a QPUNodeSpec, not {type(spec).__name__}."
            raise InvalidArguments(message)
        if not isinstance(provider, NodeProvider):
            message = f"register takes an instance of NodeProvider, not {provider!r}."
            raise InvalidArguments(message, node=spec.node_id)
        check_execute(provider)
        other = self._nodes.get(spec.node_id)
        node = Node(spec, provider, key or type(provider).__name__, slot, kwargs or {})
        if other is not None:
            places = [place.slot or place.key for place in (other, node)]
            message = f"two nodes are called {spec.node_id!r}: from {places[0]} and {places[1]}."
            hint = "Give one slot another node_prefix, if its provider takes one."
            raise InvalidArguments(message, hint=hint)
        self._nodes[spec.node_id] = node

    def node(self, node_id: str) -> Node:
        """One node with its provider.

        Raises:
            InvalidArguments: no node has this id.
        """
        try:
            return self._nodes[node_id]
        except KeyError:
            message = f"the cluster has no node {node_id!r}; it has {', '.join(self._nodes)}."
            raise InvalidArguments(message) from None

    def nodes(self) -> list[Node]:
        """Every node with its provider, in the order of registration."""
        return list(self._nodes.values())

    def get(self, node_id: str) -> QPUNodeSpec:
        """The spec of one node.

        Raises:
            InvalidArguments: no node has this id.
        """
        return self.node(node_id).spec

    def provider(self, node_id: str) -> NodeProvider:
        """The provider instance bound to one node.

        Raises:
            InvalidArguments: no node has this id.
        """
        return self.node(node_id).provider

    def online(self) -> list[QPUNodeSpec]:
        """The nodes that are in service."""
        return [spec for spec in self if spec.online]

    @cached_property
    def plugins(self) -> PluginManager:
        """The cluster's fallback executors and other plugins; ``plugins.register`` adds one."""
        from qcos_core.providers.plugins import installed_plugins

        return installed_plugins()

    def __iter__(self) -> Iterator[QPUNodeSpec]:
        return iter([node.spec for node in self._nodes.values()])

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, node_id: object) -> bool:
        return node_id in self._nodes

    def __repr__(self) -> str:
        return f"<QPURegistry: {len(self)} nodes, {len(self.online())} online>"

    def close(self) -> None:
        """Close every provider; an error in one does not stop the others."""
        self.away.forget()
        # by identity: a provider may be a dataclass, which is unhashable or equal to another
        providers = {id(node.provider): node.provider for node in self._nodes.values()}
        for provider in providers.values():
            try:
                provider.close()
            # other people's code: whatever it raises, the rest must still be closed
            except Exception:  # noqa: BLE001
                _log.exception("closing %s failed", provider.DISPLAY_NAME)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
