"""Where the ledger is kept, and what kind of disk that is."""

from __future__ import annotations

import os
import re
import stat
from os import PathLike
from pathlib import Path

from qcos_core.errors import LedgerUnusable
from qcos_core.ledger.failures import unusable

_ROOT = 0
_ELSEWHERE = "Set QCOS_STATE to a folder of your own that you can write to."
_NETWORK = frozenset(
    (
        "9p",
        "acfs",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "panfs",
        "prl_fs",
        "pvfs2",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
        "vmhgfs",
        "wekafs",
    )
)
_ESCAPE = re.compile(r"\\([0-7]{3})")


def state_folder(path: str | PathLike[str] | None = None) -> Path:
    """The folder with QCOS's state, made if it is not there, for this user alone.

    Args:
        path: the folder; if not given ``$QCOS_STATE``, else ``$XDG_STATE_HOME/qcos``, else
            ``~/.local/state/qcos``.

    Raises:
        LedgerUnusable: it cannot be made or written to, or somebody else could write to it: what
            is read from it is trusted.
    """
    folder = _chosen(path)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        link, facts = folder.lstat(), folder.stat()
    except OSError as error:
        raise unusable(folder, error) from error
    problem = _problem(link, facts) or _not_writable(folder)
    if problem:
        message = f"the folder {folder} cannot hold QCOS's state: {problem}."
        raise LedgerUnusable(message, hint=_ELSEWHERE)
    return folder


def on_network(path: Path) -> bool:
    """Whether a path is on a file system that several hosts may share.

    Everything in FUSE counts as shared. Where there is no ``/proc``, nothing does.
    """
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False
    kind = file_system(path.resolve(), mounts)
    return kind in _NETWORK or kind.startswith("fuse.")


def file_system(path: Path, mounts: str) -> str:
    """The type of the file system that a path is on; empty if that is not listed.

    Args:
        path: absolute and without links.
        mounts: what ``/proc/self/mountinfo`` says.
    """
    found, longest = "", -1
    for line in mounts.splitlines():
        place, _, source = line.partition(" - ")
        fields, kinds = place.split(" "), source.split(" ")
        if len(fields) < 5 or not kinds[0]:
            continue
        point = Path(_ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[4]))
        # of two mounts at one point, the later hides the earlier
        if path.is_relative_to(point) and len(point.parts) >= longest:
            found, longest = kinds[0], len(point.parts)
    return found


def _chosen(path: str | PathLike[str] | None) -> Path:
    environment = os.environ
    chosen = path or environment.get("QCOS_STATE")
    try:
        if chosen:
            return Path(chosen).expanduser().absolute()
        base = Path(environment.get("XDG_STATE_HOME", ""))
        # by its specification, a relative path there is to be ignored
        return (base if base.is_absolute() else Path.home() / ".local" / "state") / "qcos"
    except RuntimeError as error:  # nobody knows the user's home
        message = f"there is no folder for QCOS's state: {error}"
        raise LedgerUnusable(message, hint=_ELSEWHERE) from None


def _problem(link: os.stat_result, facts: os.stat_result) -> str:
    user = os.getuid()
    if stat.S_ISLNK(link.st_mode) and link.st_uid not in (user, _ROOT):
        return "it is a link that another user made"
    if facts.st_uid != user:
        return "it belongs to another user"
    if facts.st_mode & 0o022:
        return "other users may write to it (chmod go-w would end that)"
    return ""


def _not_writable(folder: Path) -> str:
    return "" if os.access(folder, os.R_OK | os.W_OK | os.X_OK) else "it cannot be written to"
