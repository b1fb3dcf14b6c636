"""Build a cluster out of slots, each a provider's key with its arguments."""

from __future__ import annotations

import logging
from typing import Any

from qcos_core.cluster.health import reasons_offline, unhealthy
from qcos_core.cluster.registry import QPURegistry, Slot
from qcos_core.cluster.secrets import scrubber_of, secrets_of
from qcos_core.errors import InvalidArguments, QCOSError
from qcos_core.model.redaction import redact
from qcos_core.providers.registry import NodeProviderRegistry, built, configured

_log = logging.getLogger(__name__)


class ClusterBuilder:
    """Collects slots and builds a :class:`QPURegistry` from them.

    Example::

        cluster = ClusterBuilder().add("local_cpu", n_nodes=4).add("local_numpy").build()
    """

    def __init__(self) -> None:
        self.slots: list[Slot] = []

    def add(self, provider_name: str, **kwargs: Any) -> ClusterBuilder:
        """Add a provider slot and return the builder.

        Args:
            provider_name: the provider's key. Nothing is imported yet.
            **kwargs: passed to the provider.

        Raises:
            UnknownProvider: no provider has this key; it is a ``KeyError`` too.
        """
        NodeProviderRegistry.require(provider_name)
        self.slots.append(Slot(provider_name, kwargs))
        return self

    def build(self) -> QPURegistry:
        """Make every provider, ask whether it is healthy, and bind it to its nodes.

        A provider that is not healthy, or whose health check raises, keeps its nodes: they are
        offline, with the reason in their metadata.

        Returns:
            The cluster, ready for :class:`DistributedQVM`.

        Raises:
            InvalidArguments: no slots, wrong arguments, no nodes, or two nodes of one id.
            ProviderLoadError: a plugin cannot be used.
        """
        if not self.slots:
            message = "the cluster has no slots."
            raise InvalidArguments(message, hint='Call add first, for example .add("local_cpu").')
        registry = QPURegistry(
            {f"slot [{index}] {slot.key}": slot for index, slot in enumerate(self.slots)}
        )
        try:
            for name, slot in registry.slots.items():
                cls = NodeProviderRegistry.get(slot.key)
                provider = configured(slot.key, cls, slot.kwargs)
                reason = unhealthy(provider)
                nodes = built(slot.key, provider, slot.kwargs)
                registry.away.take(provider, nodes, reasons_offline(provider, nodes, reason))
                for spec in nodes:
                    registry.register(spec, provider, key=slot.key, slot=name, kwargs=slot.kwargs)
        except BaseException as error:
            registry.close()
            if isinstance(error, QCOSError):
                scrubber_of(registry).scrub_error(error)
            raise
        _scrub_reasons(registry)
        return registry

    def describe(self) -> str:
        """The slots and how many nodes they would give, without making any provider.

        Secrets are masked. A provider that cannot be counted offline is named as such.
        """
        lines = ["Cluster Plan:"]
        labels: dict[str, int] = {}
        unknown = []
        for index, slot in enumerate(self.slots):
            counts = _counted(slot)
            plain = redact(slot.kwargs, secrets_of(slot.key))
            shown = ", ".join(f"{name}={_shown(value)}" for name, value in plain.items())
            lines.append(f"[{index}] {slot.key} — {shown or 'defaults'}")
            if counts is None:
                unknown.append(slot.key)
            for label, number in (counts or {}).items():
                labels[label] = labels.get(label, 0) + number
        parts = " + ".join(f"{number} {label}" for label, number in labels.items())
        line = f"Estimated nodes: {sum(labels.values())}" + (f" ({parts})" if parts else "")
        if unknown:
            line += f", and those of {', '.join(unknown)}, known only once built"
        return "\n".join([*lines, line])


def _counted(slot: Slot) -> dict[str, int] | None:
    """Nodes by label, or ``None`` where they cannot be counted; what is wrong, build reports."""
    try:
        counts = NodeProviderRegistry.get(slot.key).estimate_nodes(**slot.kwargs)
        return None if counts is None else {str(k): int(n) for k, n in counts.items()}
    # other people's code: describe answers whatever it raises or returns
    except Exception as error:  # noqa: BLE001
        _log.info("nodes of %s cannot be counted: %s", slot.key, type(error).__name__)
        return None


def _scrub_reasons(registry: QPURegistry) -> None:
    """A failed health check may quote the token it was given."""
    offline = [spec for spec in registry if "offline_reason" in spec.metadata]
    if offline:
        registry.away.scrub = scrubber_of(registry).scrub
        for spec in offline:
            reason = str(spec.metadata["offline_reason"])
            spec.metadata["offline_reason"] = registry.away.scrub(reason)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value.isidentifier() else repr(value)
