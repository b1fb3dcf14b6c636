"""Matrix products and copies of large arrays, on as many threads as a run may use.

The library that numpy calls starts threads by itself where products are large; on a machine that
does other work they wait for each other. Products are cut into pieces for which it does not. So
the last digits of a state do not depend on the number of threads either.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_PIECE = 1 << 15
"""Multiplications up to which OpenBLAS starts no threads."""

_ALONE = 1 << 17
"""Fewer numbers are not worth another thread."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[slice], Any]


def times(
    states: npt.NDArray[Any], matrix: npt.NDArray[Any], threads: int
) -> npt.NDArray[np.complex128]:
    """Rows of states times one matrix.

    Args:
        states: of shape ``(batch, 2**width)``.
        matrix: of shape ``(2**k, 2**m)``.
        threads: most threads to use.

    Returns:
        Each run of ``2**k`` numbers times the matrix; of shape ``(batch, 2**(width + m - k))``.
    """
    import numpy as np

    size, made = matrix.shape
    shape = (len(states), states.shape[1] // size * made)
    result: npt.NDArray[np.complex128] = np.empty(shape, dtype=complex)
    times_into(result, states, matrix, threads)
    return result


def times_into(
    result: npt.NDArray[np.complex128],
    states: npt.NDArray[Any],
    matrix: npt.NDArray[Any],
    threads: int,
) -> None:
    """As :func:`times`, into an array, which must lie in one piece as the states must."""
    import numpy as np

    rows, results = (
        part.reshape(-1, n) for part, n in zip((states, result), matrix.shape, strict=True)
    )
    piece = max(1, _PIECE // matrix.size)
    whole = len(rows) // piece
    cut = whole * piece
    pieces = rows[:cut].reshape(whole, piece, len(matrix))
    made = results[:cut].reshape(whole, piece, matrix.shape[1])

    def work(part: slice) -> None:
        np.matmul(pieces[part], matrix, out=made[part])

    spread(work, whole, states.size, threads)
    if cut < len(rows):
        np.matmul(rows[cut:], matrix, out=results[cut:])


def times_each(
    states: npt.NDArray[Any], matrices: npt.NDArray[Any], threads: int
) -> npt.NDArray[np.complex128]:
    """Rows of each state times a matrix of its own.

    Args:
        states: of shape ``(batch, 2**width)``.
        matrices: of shape ``(batch, 2**k, 2**k)``.
        threads: most threads to use.

    Returns:
        Of the states' shape.
    """
    import numpy as np

    batch, size, _ = matrices.shape
    piece = min(states.shape[1] // size, max(1, _PIECE // size**2))
    rows = states.reshape(batch, -1, piece, size)
    result: npt.NDArray[np.complex128] = np.empty(rows.shape, dtype=complex)

    def work(part: slice) -> None:
        np.matmul(rows[part], matrices[part, np.newaxis], out=result[part])

    spread(work, batch, states.size, threads)
    return result.reshape(states.shape)


def spread(work: Work, length: int, numbers: int, threads: int) -> None:
    """Do work on slices of a length, on several threads where the numbers are many.

    Args:
        work: takes a slice.
        length: of what is cut into slices.
        numbers: how many there are in all.
        threads: most threads to use.
    """
    parts = min(threads, length, numbers // _ALONE)
    if parts < 2:
        work(slice(0, length))
        return
    ends = [length * index // parts for index in range(parts + 1)]
    slices = [slice(*two) for two in pairwise(ends)]
    others = [_threads().submit(work, part) for part in slices[1:]]
    work(slices[0])
    for other in others:
        other.result()


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """The results of some work on each item, several at a time, in the order of the items.

    Args:
        work: must not spread out itself; a pool that waits for itself waits forever.
        items: what it takes; few are asked for before their turn.
        threads: most threads to use.
    """
    if threads < 2:
        yield from map(work, items)
        return
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(_threads().submit(work, item))
        if len(waiting) > threads:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


_pool: ThreadPoolExecutor | None = None
_lock = Lock()


def _threads() -> ThreadPoolExecutor:
    global _pool  # noqa: PLW0603 - one set of threads per process is the point
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(os.cpu_count(), "qcos-vectors")
        return _pool


def _forget_after_fork() -> None:
    """In a forked child the threads are not there."""
    global _pool, _lock
    _pool, _lock = None, Lock()


os.register_at_fork(after_in_child=_forget_after_fork)
