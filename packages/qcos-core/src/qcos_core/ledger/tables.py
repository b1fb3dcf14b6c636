"""Long sequences of small things as JSON-able tables.

A sweep has 100,000 tasks that differ in little. In a table of them what they share stands once,
and their numbers stand side by side: eight bytes each, exact, infinities and NaN included.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from qcos_core.model.plans import Shard
from qcos_core.model.seam import Block, Task

_Code = Callable[[Any], Any]


class _Shared:
    """Values that many rows share; a row holds a value's place among them."""

    def __init__(self, write: _Code) -> None:
        self.written: list[Any] = []
        self._write = write
        self._places: dict[int, int] = {}
        self._equal: dict[str, int] = {}

    def place(self, value: Any) -> int:
        """Where a value stands; it must live until the table is done."""
        place = self._places.get(id(value))
        if place is None:
            document = self._write(value)
            place = self._equal.setdefault(json.dumps(document), len(self.written))
            if place == len(self.written):
                self.written.append(document)
            self._places[id(value)] = place
        return place


def write_numbers(rows: Sequence[Sequence[float]], write: _Code) -> dict[str, Any]:
    """Rows of floats, of one length or of many."""
    lengths = [len(row) for row in rows]
    numbers = list(chain.from_iterable(rows))
    return {
        "rows": len(rows),
        "length": lengths[0] if len(set(lengths)) == 1 else lengths,
        "numbers": base64.b64encode(struct.pack(f"<{len(numbers)}d", *numbers)).decode(),
    }


def read_numbers(data: Mapping[str, Any], read: _Code) -> tuple[tuple[float, ...], ...]:
    """Read what :func:`write_numbers` wrote."""
    content = base64.b64decode(data["numbers"], validate=True)
    count, rest = divmod(len(content), 8)
    length = data["length"]
    lengths = [length] * data["rows"] if isinstance(length, int) else length
    if rest or sum(lengths) != count:
        message = f"{len(content)} bytes for {sum(lengths)} numbers"
        raise ValueError(message)
    numbers = struct.unpack(f"<{count}d", content)
    rows, start = [], 0
    for size in lengths:
        rows.append(numbers[start : start + size])
        start += size
    return tuple(rows)


def write_blocks(blocks: Sequence[Block], write: _Code) -> list[list[int]]:
    """Blocks."""
    return [[block.index, block.shots, block.seed] for block in blocks]


def read_blocks(data: Sequence[Sequence[int]], read: _Code) -> tuple[Block, ...]:
    """Read what :func:`write_blocks` wrote."""
    return tuple([Block(index, shots, seed) for index, shots, seed in data])


def write_tasks(tasks: Sequence[Task], write: _Code) -> dict[str, Any]:
    """Tasks."""
    shared = _Shared(write)
    return {
        "rows": [
            [
                task.id,
                task.circuit_id,
                write_blocks(task.blocks, write),
                task.method,
                shared.place(task.options),
                task.point,
            ]
            for task in tasks
        ],
        "options": shared.written,
        "parameters": write_numbers([task.parameters for task in tasks], write),
    }


def read_tasks(data: Mapping[str, Any], read: _Code) -> tuple[Task, ...]:
    """Read what :func:`write_tasks` wrote; equal options come back as one object."""
    options = [read(item) for item in data["options"]]
    parameters = read_numbers(data["parameters"], read)
    return tuple(
        [
            Task(
                name,
                circuit,
                read_blocks(blocks, read),
                method,
                options[place],
                values,
                point,
            )
            for (name, circuit, blocks, method, place, point), values in zip(
                data["rows"], parameters, strict=True
            )
        ]
    )


def write_shards(shards: Sequence[Shard], write: _Code) -> dict[str, Any]:
    """Shards."""
    shared = _Shared(write)
    return {
        "rows": [
            [shard.node_id, shard.provider, shared.place(shard.estimate), shard.simulated]
            for shard in shards
        ],
        "estimates": shared.written,
        "tasks": write_tasks([shard.task for shard in shards], write),
    }


def read_shards(data: Mapping[str, Any], read: _Code) -> tuple[Shard, ...]:
    """Read what :func:`write_shards` wrote."""
    estimates = [read(item) for item in data["estimates"]]
    tasks = read_tasks(data["tasks"], read)
    return tuple(
        [
            Shard(task, node, provider, estimates[place], simulated)
            for (node, provider, place, simulated), task in zip(data["rows"], tasks, strict=True)
        ]
    )
