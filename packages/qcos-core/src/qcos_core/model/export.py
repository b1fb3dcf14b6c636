"""Results as a folder of files for people: documents, tables, pictures, and a text for a paper."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from qcos_core.errors import InvalidArguments, QCOSError
from qcos_core.model.methods import methods_text
from qcos_core.model.pictures import timeline
from qcos_core.model.pictures.figure import new_figure
from qcos_core.model.results import QVMResult
from qcos_core.model.schema import document_text, results_document
from qcos_core.model.spreadsheets import write_counts, write_shards
from qcos_core.model.sweeps import SweepResult

if TYPE_CHECKING:
    from os import PathLike

_SLUG = 40
_UNSAFE = re.compile(r"[^A-Za-z0-9_]+")


@dataclass(frozen=True)
class Export:
    """What an export wrote.

    Attributes:
        folder: the folder.
        files: the files in it, as paths within it, in order.
        left_out: what it does not hold, and why.
    """

    folder: Path
    files: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def export_results(
    results: QVMResult | SweepResult | Sequence[QVMResult | SweepResult | None],
    folder: str | PathLike[str],
    *,
    errors: Mapping[str, QCOSError] | None = None,
    ended: bool = True,
) -> Export:
    """Write results into a new folder: documents, tables, pictures, and a text for a paper.

    Of one circuit the folder holds ``result.json``, ``counts.csv``, ``shards.csv``,
    ``histogram.png``, ``timeline.png`` and ``methods.txt``. Of several it holds ``result.json`` and
    ``timeline.png`` of all, and a folder for each circuit, numbered from 1, with the others.
    Pictures need matplotlib, of the extra ``plot``; without it they are left out.

    The folder appears when all of it is written, or not at all.

    Args:
        results: what ``run`` returned, or the ``results`` of a ``PartialResult``; ``None`` stands
            where nothing came back.
        folder: a folder that is not there yet, in one that is.
        errors: the ``errors`` of a ``PartialResult``.
        ended: ``False`` where more of it may come back; the files say so.

    Returns:
        What was written, and what was left out.

    Raises:
        InvalidArguments: no results, or a folder that is there already or cannot be made.
    """
    given = _given(results)
    if all(one is None for one in given):
        message = "nothing came back, so there is nothing to export."
        raise InvalidArguments(message)
    target = Path(folder)
    check_folder(target)
    draft = target.parent / f".qcos-export-{secrets.token_hex(8)}"
    try:
        draft.mkdir()
    except OSError as error:
        message = f"{str(target)!r} cannot be made: {error.strerror or error}."
        raise InvalidArguments(message) from None
    try:
        writer = _Writer(draft, ended)
        writer.write(given, errors or {})
        _put(draft, target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return Export(target, tuple(writer.files), tuple(writer.left_out))


def _given(results: Any) -> list[QVMResult | SweepResult | None]:
    several = isinstance(results, Iterable) and not isinstance(results, SweepResult)
    given = list(results) if several else [results]
    for one in given:
        if one is not None and not isinstance(one, (QVMResult, SweepResult)):
            message = f"can export a QVMResult or a SweepResult, not {type(one).__name__}."
            raise InvalidArguments(message)
    return given


def check_folder(folder: Path) -> None:
    """Check that a folder can be made, and would replace nothing.

    Raises:
        InvalidArguments: it is there already, or the folder that it would be in is not.
    """
    if "\0" in str(folder):
        message = f"{str(folder)!r} can be no folder."
        raise InvalidArguments(message)
    if os.path.lexists(folder):
        raise _taken(folder)
    if not folder.parent.is_dir():
        message = f"there is no folder {str(folder.parent)!r} to make {folder.name!r} in."
        raise InvalidArguments(message)


@dataclass
class _Writer:
    """Writes the files of an export into a folder, and keeps a list of them."""

    folder: Path
    ended: bool
    files: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def write(
        self,
        results: Sequence[QVMResult | SweepResult | None],
        errors: Mapping[str, QCOSError],
    ) -> None:
        """Write everything."""
        pictured = self._can_draw()
        document = results_document(results, errors)
        if not self.ended:
            document["ended"] = False
        self._text("result.json", f"{document_text(document)}\n")
        for number, result in enumerate(results, 1):
            inside = ""
            if len(results) > 1:
                digits = len(str(len(results)))
                name = "" if result is None else f"-{_slug(result.name)}"
                inside = f"{number:0{digits}}{name}".rstrip("-") + "/"
            if result is None:
                self.left_out.append(f"circuit {number}: nothing of it came back")
            else:
                self._circuit(inside, result, pictured=pictured)
        if pictured:
            points = [point for one in results if one is not None for point in _points(one)]
            timeline(points, self._new("timeline.png"))

    def _circuit(self, inside: str, result: QVMResult | SweepResult, *, pictured: bool) -> None:
        if inside:
            (self.folder / inside).mkdir()
        if all(one.packed is not None for one in _points(result)):
            self._table(f"{inside}counts.csv", lambda file: write_counts(file, result))
            if pictured:
                result.plot(self._new(f"{inside}histogram.png"))
        else:
            names = f"{inside}counts.csv and {inside}histogram.png"
            why = f"{result.name} measures nothing"
            if result.apart:
                why = (
                    f"the counts of {result.name} do not add up; result.json has those of each node"
                )
            self.left_out.append(f"{names}: {why}")
        self._table(f"{inside}shards.csv", lambda file: write_shards(file, result))
        self._text(f"{inside}methods.txt", methods_text(result, ended=self.ended))

    def _can_draw(self) -> bool:
        try:
            new_figure(1.0)
        except InvalidArguments as error:
            self.left_out.append(error.message)
            return False
        return True

    def _text(self, name: str, text: str) -> None:
        self._new(name).write_text(text, encoding="utf-8")

    def _table(self, name: str, write: Callable[[TextIO], None]) -> None:
        with self._new(name).open("w", encoding="utf-8", newline="") as file:
            write(file)

    def _new(self, name: str) -> Path:
        self.files.append(name)
        return self.folder / name


def _points(result: QVMResult | SweepResult) -> list[QVMResult]:
    return result.came_back if isinstance(result, SweepResult) else [result]


def _slug(name: str) -> str:
    """A name as a part of a file's name, whatever it holds."""
    return _UNSAFE.sub("-", name)[:_SLUG].strip("-")


def _put(draft: Path, target: Path) -> None:
    """Give a folder its name when all that is in it is on the disk."""
    for path in (*draft.rglob("*"), draft):
        _sync(path)
    try:
        draft.rename(target)
    except (FileExistsError, NotADirectoryError):
        raise _taken(target) from None
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            raise _taken(target) from None
        raise
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _taken(folder: Path) -> InvalidArguments:
    message = f"{str(folder)!r} is there already, and nothing is overwritten."
    return InvalidArguments(message, hint="Name a folder that is not there yet.")
