"""The hooks of QCOS: what falls through or fans out over plugins.

What concerns one provider alone is a plain method of :class:`NodeProvider`. A plugin is a class
or module with functions marked ``@hookimpl``, named in the entry-point group ``qcos.plugins`` or
registered on one cluster with ``cluster.plugins.register(plugin)``. An implementation names only
the arguments that it needs; arguments are added in later versions, never removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from qcos_core.model.events import Event
    from qcos_core.model.nodes import QPUNodeSpec
    from qcos_core.model.policies import Policy
    from qcos_core.model.seam import Execution
    from qcos_core.model.strategies import Strategy

PROJECT = "qcos"

# the hooks have docstrings and no bodies, which mypy has to be told where they return something
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec(firstresult=True)
def execute(
    circuit: QuantumCircuit,
    shots: int,
    node_spec: QPUNodeSpec,
    seed: int | None,
    options: Mapping[str, Any],
) -> Mapping[str, int] | Execution | None:
    """Run a circuit for a node whose own provider did not.

    The node's own ``execute`` comes first, then these, the one registered last first; the first
    answer that is not ``None`` counts. An implementation must not be ``tryfirst``: it would
    take circuits away from the node's own provider.

    Args:
        circuit: the circuit as the user wrote it.
        shots: how many shots must come back.
        node_spec: the node the circuit was planned for.
        seed: below 2**63; the same seed should give the same counts.
        options: validated options of the run.

    Returns:
        Counts, an :class:`Execution` that also says who ran them and how, or ``None`` to leave
        the circuit to the next in line.
    """


@hookspec
def observe(event: Event) -> None:
    """Be told what happens to the jobs of a cluster.

    Events come in a thread beside the job, in the order in which they happened. Whoever cannot keep
    up loses some, and what an implementation raises is logged and goes no further.

    Args:
        event: one thing that happened.
    """


@hookspec
def routing_policies() -> Mapping[str, Policy]:  # type: ignore[empty-body]
    """Bring routing policies; ``run(policy=NAME)`` uses one.

    A policy is a function that is given a :class:`Choice` and returns one of its ``candidates``. It
    is called once for each circuit of a plan, and for each point of a sweep; where a circuit falls
    into parts, also for each part, and to choose between these and the whole. What it raises, and
    an answer that is no candidate, is an error that names the policy and the plugin.

    This is called when the plugin is registered, and when a plan is made with a policy that is not
    built in.

    Returns:
        The policies by their names. A name that is built in is refused, and one that another
        plugin brings too cannot be used.
    """


@hookspec
def strategies() -> Mapping[str, Strategy]:  # type: ignore[empty-body]
    """Bring strategies; ``run(strategy=NAME)`` uses one.

    A strategy is a function that is given a :class:`Division` and says which nodes get which
    blocks of a circuit. It is called once for each circuit, or part of one, and for each point of a
    sweep; what saves data is never divided. What it raises, and an answer that does not give each
    block to one node, is an error that names the strategy and the plugin.

    This is called when the plugin is registered, and when a plan is made with a strategy that is
    not built in.

    Returns:
        The strategies by their names. A name that is built in is refused, and one that another
        plugin brings too cannot be used.
    """
