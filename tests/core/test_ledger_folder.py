"""Where the ledger is kept: for its user alone, and on what kind of disk."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from qcos_core import LedgerUnusable
from qcos_core.ledger.folder import file_system, on_network, state_folder

MOUNTS = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw,nosuid shared:12 - proc proc rw
40 22 0:40 / /home rw,relatime - nfs4 server:/home rw,vers=4.2
41 40 0:41 / /home/ada/scratch rw master:3 propagate_from:2 - lustre 10.0.0.1@tcp:/work rw
42 22 0:42 / /mnt/two\040words rw - fuse.sshfs ada@host: rw
43 22 0:43 / /cover rw - nfs server:/cover rw
44 22 0:44 / /cover rw - xfs /dev/sdb1 rw
broken line
45 22 0:45
"""


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    monkeypatch.delenv("QCOS_STATE", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_an_argument_goes_before_the_environment(monkeypatch, tmp_path):
    home, xdg, ours, given = (tmp_path / name for name in ("home", "xdg", "ours", "given"))
    monkeypatch.setenv("HOME", str(home))
    assert state_folder() == home / ".local" / "state" / "qcos"
    monkeypatch.setenv("XDG_STATE_HOME", str(xdg))
    assert state_folder() == xdg / "qcos"
    monkeypatch.setenv("QCOS_STATE", str(ours))
    assert state_folder() == ours
    assert state_folder(given) == given
    assert all(folder.is_dir() for folder in (xdg / "qcos", ours, given))


@pytest.mark.parametrize("value", ["", "state", "./state"])
def test_a_relative_base_is_ignored_as_its_specification_says(monkeypatch, tmp_path, value):
    monkeypatch.setenv("XDG_STATE_HOME", value)
    assert state_folder() == tmp_path / ".local" / "state" / "qcos"


def test_home_and_relative_paths_are_understood(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert state_folder("~/a") == tmp_path / "a"
    assert state_folder("b") == tmp_path / "b"


def test_it_is_made_for_its_user_alone(tmp_path):
    mask = os.umask(0)
    try:
        folder = state_folder(tmp_path / "a" / "b")
    finally:
        os.umask(mask)
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o770, 0o702])
def test_a_folder_that_others_may_write_to_is_refused(tmp_path, mode):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(mode)
    with pytest.raises(LedgerUnusable, match=r"other users may write.*chmod go-w.*QCOS_STATE"):
        state_folder(tmp_path / "open")


def test_a_file_in_its_place_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(LedgerUnusable, match=r"file cannot be used: .*QCOS_STATE"):
        state_folder(tmp_path / "file")
    with pytest.raises(LedgerUnusable, match="Not a directory"):
        state_folder(tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"


def test_ones_own_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    assert state_folder(tmp_path / "link").samefile(tmp_path / "real")


def test_a_link_to_nowhere_is_refused(tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(LedgerUnusable, match="cannot be used"):
        state_folder(tmp_path / "link")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    "owner, of_link, problem",
    [
        (1, 0, "it belongs to another user"),
        (1, 1, "it is a link that another user made"),
    ],
)
def test_what_another_user_made_is_refused(monkeypatch, tmp_path, owner, of_link, problem):
    """To this test's own files another user is whoever it says it is."""
    (tmp_path / "real").mkdir(mode=0o700)
    folder = tmp_path / "real"
    if of_link:
        folder = tmp_path / "link"
        folder.symlink_to("real")
    monkeypatch.setattr(os, "getuid", lambda: (tmp_path / "real").stat().st_uid + owner)
    monkeypatch.setattr("qcos_core.ledger.folder._ROOT", -1)
    with pytest.raises(LedgerUnusable, match=problem):
        state_folder(folder)


def test_a_folder_that_cannot_be_written_to_is_refused():
    """For root every folder can be; so root becomes somebody else for this."""
    code = (
        "import os, sys\n"
        "from qcos_core.ledger.folder import state_folder\n"
        "from qcos_core.errors import LedgerUnusable\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "for path in sys.argv[1], sys.argv[1] + '/below':\n"
        "    try: state_folder(path)\n"
        "    except LedgerUnusable as error: print(error)\n"
    )
    with tempfile.TemporaryDirectory(dir="/tmp") as base:
        Path(base).chmod(0o755)
        folder = Path(base, "state")
        folder.mkdir()
        if os.getuid() == 0:
            os.chown(folder, 65534, 65534)
        folder.chmod(0o500)
        found = subprocess.run(
            [sys.executable, "-c", code, str(folder)], check=True, capture_output=True, text=True
        )
        folder.chmod(0o700)
    itself, below = found.stdout.splitlines()
    assert "it cannot be written to. Set QCOS_STATE" in itself
    assert "Permission denied. Set QCOS_STATE" in below


@pytest.mark.parametrize(
    "path, kind",
    [
        ("/", "ext4"),
        ("/usr/lib", "ext4"),
        ("/homeless", "ext4"),
        ("/home", "nfs4"),
        ("/home/ada/.local/state", "nfs4"),
        ("/home/ada/scratch/qcos", "lustre"),
        ("/mnt/two words/qcos", "fuse.sshfs"),
        ("/mnt/two", "ext4"),
        ("/cover/x", "xfs"),
    ],
)
def test_the_longest_mount_point_tells_the_kind_of_disk(path, kind):
    assert file_system(Path(path), MOUNTS) == kind


def test_an_empty_list_of_mounts_says_nothing():
    assert file_system(Path("/a"), "") == ""


def test_this_machine_is_asked(monkeypatch, tmp_path):
    told = []

    def mounts(path, mounts):
        told.append(mounts)
        return "fuse.sshfs"

    monkeypatch.setattr("qcos_core.ledger.folder.file_system", mounts)
    assert on_network(tmp_path)
    assert told[0] == "" or " - " in told[0]


@pytest.mark.parametrize(
    "kind, shared",
    [("ext4", False), ("tmpfs", False), ("overlay", False), ("nfs4", True), ("lustre", True)],
)
def test_disks_that_several_hosts_may_share_are_told_apart(monkeypatch, tmp_path, kind, shared):
    monkeypatch.setattr("qcos_core.ledger.folder.file_system", lambda path, mounts: kind)
    assert on_network(tmp_path) is (shared and Path("/proc/self/mountinfo").exists())


def test_where_there_is_no_proc_nothing_is_shared(monkeypatch, tmp_path):
    def gone(self, **_):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", gone)
    assert not on_network(tmp_path)
