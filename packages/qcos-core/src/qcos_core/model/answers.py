"""Answers: valid results of tasks, with where they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_core.model.results import ShardRecord
from qcos_core.model.seam import Task

if TYPE_CHECKING:
    from qcos_core.model.counts import PackedCounts
    from qcos_core.model.shots import PackedShots


@dataclass(frozen=True, slots=True)
class Answer:
    """A result that counts.

    Attributes:
        task: what was answered. Where a node without seeds returned fewer shots than asked for,
            this holds those alone, and another task asks for the rest.
        record: which node answered, how and when.
        counts: its counts; ``None`` if the circuit measures nothing.
        memory: the outcomes in shot order, where the option ``memory`` asked for them.
        data: what the circuit saved, by label.
        warning: what a reader of the counts must know.
    """

    task: Task
    record: ShardRecord
    counts: PackedCounts | None = None
    memory: PackedShots | None = None
    data: Mapping[str, Any] | None = None
    warning: str = ""
