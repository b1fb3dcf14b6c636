"""What a coordinator tells the ledger: plain data, written before or after each deed."""

from __future__ import annotations

from dataclasses import dataclass

from qcos_core.errors import QCOSError
from qcos_core.ledger.stages import Stage
from qcos_core.model.amounts import Amount
from qcos_core.model.answers import Answer
from qcos_core.model.seam import Handle, Submission


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one submission, with what came of it.

    Attributes:
        key: the submission's.
        stage: where it stands now.
        submission: the submission itself; only with the first step.
        handle: what the far side is asked by, once it is known.
        answers: the valid results that came with this step.
        error: why it did not work, or why nobody knows.
        charges: what it cost, beside what its answers say.
        provider: key of the provider that charged it.
    """

    key: str
    stage: Stage
    submission: Submission | None = None
    handle: Handle | None = None
    answers: tuple[Answer, ...] = ()
    error: QCOSError | None = None
    charges: tuple[Amount, ...] = ()
    provider: str = ""
