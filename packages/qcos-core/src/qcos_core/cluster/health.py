"""Which nodes are out of service: asked when a cluster is built, and again of those that were."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qcos_core.errors import InvalidArguments
from qcos_core.model.nodes import QPUNodeSpec
from qcos_core.providers.base import NodeProvider

ASK_AGAIN_S = 30.0
"""How often a provider is asked again in the background, at most."""

ASK_NOW_S = 5.0
"""How often it is asked while somebody waits, because nothing else can run a circuit."""

ANSWER_S = 30.0
"""How long such a person waits."""


def unhealthy(provider: NodeProvider) -> str | None:
    """Why all nodes of a provider are out of service, if they are.

    Whatever it raises is a reason, except for what it says of wrong arguments.

    Raises:
        InvalidArguments: the health check found wrong arguments.
    """
    try:
        healthy = provider.health_check()
    except InvalidArguments:
        raise
    # other people's code: a health check that raises is a provider that is not healthy
    except (Exception, SystemExit) as error:  # noqa: BLE001
        return f"its health check failed: {type(error).__name__}: {error}"
    return None if healthy else "its provider's health check says no"


def reasons_offline(
    provider: NodeProvider, nodes: Sequence[QPUNodeSpec], reason: str | None
) -> dict[str, str]:
    """Why nodes are out of service, by their ids; nodes that are in service are left out.

    Args:
        provider: is asked about each node.
        nodes: its nodes.
        reason: why all of them are, if they are.
    """
    try:
        reasons = dict(provider.node_health(nodes))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
        reasons = {}
        reason = reason or f"asking for its health failed: {type(error).__name__}: {error}"
    found = {spec.node_id: reasons.get(spec.node_id) or reason for spec in nodes}
    return {node_id: str(why) for node_id, why in found.items() if why}


@dataclass(eq=False)
class _Group:
    """The nodes of one provider that were out of service."""

    provider: NodeProvider
    nodes: list[QPUNodeSpec]
    asked: float
    thread: threading.Thread | None = None


class Away:
    """Nodes that were out of service when their cluster was built, and may come back.

    Args:
        clock: seconds on a clock that only goes forward.

    Attributes:
        scrub: masks secrets in the reasons that providers give.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._groups: list[_Group] = []
        self._lock = threading.Lock()
        self.scrub: Callable[[str], str] = str

    def take(
        self, provider: NodeProvider, nodes: Sequence[QPUNodeSpec], reasons: Mapping[str, str]
    ) -> None:
        """Take those nodes of a provider out of service that have a reason."""
        gone = [spec for spec in nodes if spec.node_id in reasons]
        # what its provider took out of service itself stays so
        mine = [spec for spec in gone if spec.online]
        for spec in gone:
            spec.mark_offline(reasons[spec.node_id])
        if mine:
            self._groups.append(_Group(provider, mine, self._clock()))

    def ask(self, every_s: float = ASK_AGAIN_S, wait_s: float = 0.0) -> bool:
        """Ask again how these nodes are, each provider in a thread of its own.

        Args:
            every_s: leave a provider alone that was asked so recently.
            wait_s: how long to wait for the answers.

        Returns:
            Whether a node has come back in that time.
        """
        now = self._clock()
        with self._lock:
            before = [spec for group in self._groups for spec in group.nodes]
            for group in self._groups:
                if group.thread is None and now - group.asked >= every_s:
                    group.asked = now
                    group.thread = threading.Thread(
                        target=self._look, args=(group,), name="qcos-health", daemon=True
                    )
                    group.thread.start()
            threads = [group.thread for group in self._groups if group.thread is not None]
        end = time.monotonic() + wait_s
        for thread in threads if wait_s else ():
            thread.join(max(0.0, end - time.monotonic()))
        return any(spec.online for spec in before)

    def forget(self) -> None:
        """Ask no more."""
        with self._lock:
            self._groups = []

    def _look(self, group: _Group) -> None:
        try:
            reason = unhealthy(group.provider)
        except InvalidArguments as error:
            reason = str(error)
        reasons = reasons_offline(group.provider, group.nodes, reason)
        with self._lock:
            for spec in group.nodes:
                why = reasons.get(spec.node_id)
                if why is None:
                    spec.mark_online()
                else:
                    spec.mark_offline(self.scrub(why))
            group.nodes = [spec for spec in group.nodes if not spec.online]
            group.thread = None
            self._groups = [one for one in self._groups if one.nodes]
