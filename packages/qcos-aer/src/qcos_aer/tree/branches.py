"""Shots of a dynamic circuit from the tree of its branches.

All shots begin as one branch. Where a measurement is drawn they part, and where branches come to
the same block of the circuit again they are evolved side by side, in one array. Early blocks go
first, so that as many as possible meet. Where more branches wait than memory is meant for, late
blocks go first, a few branches at a time: then what waits grows with the depth of the tree alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcos_aer.tree.draws import Parts, Streams, parted
from qcos_aer.tree.program import Block, Exit, Observation, blocks_of
from qcos_aer.vectors.states import probabilities, zeros
from qcos_core import PackedCounts
from qcos_core.model.sums import add_up
from qcos_core.model.words import WORD, pack

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from qiskit import QuantumCircuit

    Array = npt.NDArray[np.complex128]


_LEAST = 1 << 6
"""So many branches are evolved in any case."""


class TooManyBranches(Exception):
    """The shots of a circuit part so often that they had better be drawn in another way."""


class Tree:
    """Draws the shots of a dynamic circuit exactly, those that agree together.

    Args:
        circuit: for which :func:`~qcos_aer.tree.support.applies` is true.
        threads: most threads to use.
        sharing: so many shots shall go together on average, or it is given up.
        most: branches to evolve through a block, in all, above which it is given up; if left
            out, as ``sharing`` says.

    Attributes:
        together: most amplitudes that are evolved at once; a single state may have more.
        waiting: most amplitudes of branches that wait for others.
    """

    together = 1 << 17
    waiting = 1 << 20

    def __init__(
        self, circuit: QuantumCircuit, threads: int, sharing: int = 1, most: int | None = None
    ) -> None:
        self.blocks = blocks_of(circuit)
        self.qubits = circuit.num_qubits
        self.clbits = circuit.num_clbits
        self.threads = threads
        self.sharing = sharing
        self._most = most

    def draw(self, shots: int, seed: int) -> PackedCounts:
        """Counts of independent shots, which depend on the circuit, the shots and the seed alone.

        Args:
            shots: how many.
            seed: of the generator.

        Raises:
            TooManyBranches: there are more branches than the tree was made for; loops that never
                end have them too.
        """
        return Drawing(self, seed).of(shots)

    def most(self, shots: int) -> int:
        """Branches to evolve through a block, in all, above which it is given up."""
        if self._most is not None:
            return self._most
        return max(_LEAST, shots * len(self.blocks) // self.sharing)


class _Source:
    """States from which those of branches are made when their turn comes."""

    def __init__(self, states: Array) -> None:
        self.states = states
        self.users = 0


@dataclass
class _Branches:
    """Branches that wait for the same block.

    Attributes:
        source: the states that they come from.
        way: where they go.
        observation: what was observed on the way there.
        parts: of the source's rows.
        scales: what makes the norm of each state 1 again.
        bits: the classical bits of each.
    """

    source: _Source
    way: Exit
    observation: Observation | None
    parts: Parts
    scales: npt.NDArray[np.float64] | None
    bits: Sequence[int]

    def __len__(self) -> int:
        return len(self.bits)

    def cut(self, count: int) -> tuple[_Branches, _Branches]:
        """The first ones, and the others."""
        return self._of(slice(count)), self._of(slice(count, None))

    def _of(self, which: slice) -> _Branches:
        parts, scales = self.parts, self.scales
        some = Parts(
            parts.rows[which], parts.outcomes[which], parts.shots[which], parts.streams[which]
        )
        mine = None if scales is None else scales[which]
        return _Branches(self.source, self.way, self.observation, some, mine, self.bits[which])

    def states(self, threads: int) -> Array:
        """Their states, in the order that the block expects."""
        import numpy as np

        states, rows = self.source.states, self.parts.rows
        if self.observation is not None and self.scales is not None:
            count = len(self.observation.qubits)
            outcomes, kept = self.parts.outcomes, (1 << count) - 1
            for bit in self.observation.cleared:
                kept &= ~(1 << bit)
            split = states.reshape(len(states), 1 << count, -1)
            made = np.zeros((len(rows), *split.shape[1:]), dtype=complex)
            seen = split[rows, outcomes]
            seen *= self.scales[:, np.newaxis]
            made[np.arange(len(rows)), outcomes & kept] = seen
            states = made.reshape(len(rows), -1)
        elif len(rows) < len(states):
            states = states[rows]
        if self.way.move is not None:
            states = self.way.move(states, threads)
        return states


class Drawing:
    """One draw from a tree.

    Args:
        tree: the tree.
        seed: of the generator.

    Attributes:
        evolved: branches evolved through a block so far.
        held: states that are kept for branches that wait.
        most_held: the most of them that were kept at once.
    """

    def __init__(self, tree: Tree, seed: int) -> None:
        self._tree = tree
        self._streams = Streams(seed)
        self._together = max(1, tree.together >> tree.qubits)
        self._most_waiting = max(1, tree.waiting >> tree.qubits)
        self._waiting: dict[int, list[_Branches]] = {}
        self._number = 0
        self._words: list[npt.NDArray[np.uint64]] = []
        self._counts: list[npt.NDArray[np.int64]] = []
        self.evolved = 0
        self.held = 0
        self.most_held = 0
        self._most = 0

    def of(self, shots: int) -> PackedCounts:
        """Counts of so many shots; once."""
        import numpy as np

        width = self._tree.clbits
        if not shots:
            return PackedCounts.from_ints({}, width)
        nothing = np.zeros(1, dtype=np.int64)
        self._most = self._tree.most(shots)
        whole = Parts(nothing, nothing, [shots], [self._streams.first])
        source = _Source(zeros(self._tree.qubits))
        self._wait(_Branches(source, Exit(0, None), None, whole, None, [0]))
        while self._waiting:
            self._evolve(*self._next())
        words, counts = np.concatenate(self._words), np.concatenate(self._counts)
        return PackedCounts(width, *add_up(words, counts))

    def _wait(self, branches: _Branches) -> None:
        self._number += len(branches)
        if self.evolved + self._number > self._most:
            message = f"the shots part into more than {self._most} branches."
            raise TooManyBranches(message)
        if not branches.source.users:
            self.held += len(branches.source.states)
            self.most_held = max(self.most_held, self.held)
        branches.source.users += 1
        self._waiting.setdefault(branches.way.place, []).append(branches)

    def _next(self) -> tuple[Block, Array, list[int], Parts]:
        """A block, and the states, bits, shots and streams of branches that go through it."""
        import numpy as np

        early = self._number <= self._most_waiting
        place = min(self._waiting) if early else max(self._waiting)
        there, taken, room = self._waiting[place], [], self._together
        while there and room:
            group = there.pop()
            if len(group) > room:
                group, left = group.cut(room)
                there.append(left)
            else:
                group.source.users -= 1
                if not group.source.users:
                    self.held -= len(group.source.states)
            taken.append(group)
            room -= len(group)
        if not there:
            del self._waiting[place]
        each = [group.states(self._tree.threads) for group in taken]
        states = each[0] if len(each) == 1 else np.concatenate(each)
        self._number -= len(states)
        self.evolved += len(states)
        bits = [bits for group in taken for bits in group.bits]
        shots = [number for group in taken for number in group.parts.shots]
        streams = [stream for group in taken for stream in group.parts.streams]
        rows = np.arange(len(states))
        whole = Parts(rows, np.zeros_like(rows), shots, streams)
        return self._tree.blocks[place], states, bits, whole

    def _evolve(self, block: Block, states: Array, bits: list[int], parts: Parts) -> None:
        states = block.steps(states, self._tree.threads)
        seen, scales = block.observation, None
        if seen is not None:
            order, last = seen.order, block.otherwise is None
            if last:
                order = block.steps.after
            elif seen.move is not None:
                states = seen.move(states, self._tree.threads)
            values = probabilities(states, order, seen.qubits)
            parts = parted(values, parts.shots, parts.streams, self._streams, last=last)
            scales = values[parts.rows, parts.outcomes] ** -0.5
        if block.otherwise is None:
            self._count(seen, parts, bits)
            return
        if seen is not None:
            write = _Written(seen.writes)
            outcomes = parts.outcomes.tolist()
            old = [bits[row] for row in parts.rows.tolist()]
            bits = [write(*both) for both in zip(old, outcomes, strict=True)]
        source = _Source(states)
        for way, which in _ways(block, block.otherwise, bits):
            some = Parts(
                parts.rows[which],
                parts.outcomes[which],
                [parts.shots[index] for index in which],
                [parts.streams[index] for index in which],
            )
            mine = None if scales is None else scales[which]
            self._wait(_Branches(source, way, seen, some, mine, [bits[index] for index in which]))

    def _count(self, seen: Observation | None, parts: Parts, bits: Sequence[int]) -> None:
        """Keep the shots of branches that have come to the end."""
        import numpy as np

        writes: Mapping[int, int] = {} if seen is None else seen.writes
        kept = ~sum(1 << clbit for clbit in writes)
        words = pack([one & kept for one in bits], self._tree.clbits)[parts.rows]
        outcomes = parts.outcomes.astype(np.uint64)
        for clbit, place in writes.items():
            bit = outcomes >> np.uint64(place) & np.uint64(1)
            words[:, clbit // WORD] |= bit << np.uint64(clbit % WORD)
        self._words.append(words)
        self._counts.append(np.array(parts.shots, dtype=np.int64))


class _Written:
    """Puts outcomes into classical bits.

    Args:
        writes: classical bit to bit of an outcome.
    """

    def __init__(self, writes: Mapping[int, int]) -> None:
        self._writes = writes
        self._kept = ~sum(1 << clbit for clbit in writes)
        self._known: dict[int, int] = {}

    def __call__(self, bits: int, outcome: int) -> int:
        if outcome not in self._known:
            places = self._writes.items()
            self._known[outcome] = sum((outcome >> place & 1) << clbit for clbit, place in places)
        return bits & self._kept | self._known[outcome]


def _ways(block: Block, otherwise: Exit, bits: Sequence[int]) -> list[tuple[Exit, list[int]]]:
    """Where branches go on, and which of them go there."""
    if block.read is None:
        return [(otherwise, list(range(len(bits))))]
    which: dict[int, list[int]] = {}
    ways: dict[int, Exit] = {}
    for index, held in enumerate(bits):
        way = block.exits.get(block.read(held), otherwise)
        ways[way.place] = way
        which.setdefault(way.place, []).append(index)
    return [(ways[place], indices) for place, indices in which.items()]
