"""How a job stands, in the words of Qiskit's jobs."""

from __future__ import annotations

from enum import Enum


class JobStatus(str, Enum):
    """How a job stands; the names are those of ``qiskit.providers.JobStatus``."""

    QUEUED = "QUEUED"
    """Nothing of it is out."""
    RUNNING = "RUNNING"
    """Something of it runs, or waits on a far side."""
    UNDECIDED = "UNDECIDED"
    """A submission's outcome is unknown, and only a person can decide what becomes of it."""
    CANCELLED = "CANCELLED"
    DONE = "DONE"
    ERROR = "ERROR"
    """It has ended without all its shots."""

    @property
    def final(self) -> bool:
        """Whether it cannot change any more."""
        return self in (JobStatus.CANCELLED, JobStatus.DONE, JobStatus.ERROR)
