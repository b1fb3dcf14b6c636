"""Write a job down, with all that any process needs to carry it on, before any of it runs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from qcos_core.cluster.documents import cluster_to_dict
from qcos_core.errors import InvalidArguments
from qcos_core.ledger.documents import to_document
from qcos_core.ledger.leases import Lease
from qcos_core.ledger.records import Job, PackedCircuit
from qcos_core.ledger.store import Ledger
from qcos_core.model.plans import ShardPlan
from qcos_core.model.scrubber import Scrubber
from qcos_core.qvm.inputs import Inputs, Labels
from qcos_core.qvm.jobs import QVMJob, Work
from qcos_core.qvm.load import Circuits
from qcos_core.qvm.pricing import reservations
from qcos_core.qvm.versions import surroundings


def new_job(
    ledger: Ledger,
    work: Work,
    plan: ShardPlan,
    given: Inputs,
    labels: Labels,
    request: Mapping[str, Any],
) -> tuple[QVMJob, Lease]:
    """Write a job down, and set aside what it may cost.

    Args:
        ledger: where to.
        work: how it will be carried on in this process.
        plan: the plan.
        given: the circuits.
        labels: what the user calls it; its name is made from the circuits' if there is none.
        request: how it was asked for, as JSON-able data.

    Returns:
        The job, and the right to carry it on.

    Raises:
        BudgetExceeded: a cap, or the budget of the plan, does not leave so much.
        InvalidArguments: its options hold what cannot be written down, or must not be.
        LedgerUnusable: it could not be written.
    """
    circuits = Circuits(given.circuits)
    packed = {
        one.id: PackedCircuit(*circuits.packed(one.id)) for one in (*plan.circuits, *plan.units)
    }
    stored = Job(
        id=secrets.token_hex(6),
        name=labels.name or plan.title,
        tags=labels.tags,
        created=time.time(),
        note=labels.note,
        shots=plan.node_shots,
        plan=_document(plan, work.executor.scrubber),
        cluster=cluster_to_dict(work.executor.registry),
        settings={
            "single": given.single,
            "fallback": request["fallback"],
            "request": request,
            "versions": surroundings({shard.provider for shard in plan.shards}),
        },
        circuits={circuit_id: one.digest for circuit_id, one in packed.items()},
    )
    lease = ledger.add_job(
        stored,
        {one.digest: one for one in packed.values()},
        budget=plan.budget,
        reservations=reservations(plan),
    )
    job = QVMJob(ledger, stored.id, lambda: work)
    job.know(stored, plan, circuits)
    return job, lease


def _document(plan: ShardPlan, scrubber: Scrubber) -> dict[str, Any]:
    """A plan as it is written down, unless an object in its options holds a secret."""
    document = to_document(plan)
    if any(scrubber.scrub(pickled) != pickled for pickled in document["objects"].values()):
        message = "an object among the options holds a secret, which must not be written down."
        raise InvalidArguments(message, hint="Give its name instead, such as like='fake_torino'.")
    return document
