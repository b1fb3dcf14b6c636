"""A ledger that is full, locked, damaged, foreign or of another version is never made worse."""

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from qcos_core import LedgerUnusable, QVMJob
from qcos_core.ledger import schema
from qcos_core.ledger.records import Job
from qcos_core.ledger.stages import Stage
from qcos_core.ledger.steps import Step
from qcos_core.ledger.store import Ledger
from qcos_core.model.seam import Submission, Task

FULL = """
import resource, sys
from qcos_core.errors import LedgerUnusable
from qcos_core.ledger.stages import Stage
from qcos_core.ledger.steps import Step
from qcos_core.ledger.store import Ledger
from qcos_core.model.seam import Submission, Task

ledger = Ledger(sys.argv[1])
lease = ledger.lease("qc-1")
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
number = 0
try:
    while True:
        key = f"new{number}"
        task = Task(key, "c0", (), options={"text": "x" * 10_000})
        lease.apply([Step(key, Stage.SENDING, Submission(key, "n0", (task,)))])
        number += 1
except LedgerUnusable as error:
    print(error)
print(number, len(ledger.submissions("qc-1")))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
lease.apply([Step(key, Stage.SENDING, Submission(key, "n0", (task,)))])
"""


def fill(folder, number=200):
    """A ledger with some jobs in it, all in its main file."""
    with Ledger(folder) as ledger:
        job = Job(
            id="qc-1",
            name="a",
            tags=(),
            created=0.0,
            plan={},
            cluster=None,
            settings={},
            circuits={},
        )
        with ledger.add_job(job, {}) as lease:
            lease.apply([step(f"k{n}") for n in range(number)])
    assert not (folder / "ledger.db-wal").exists()
    return folder / "ledger.db"


def step(key):
    task = Task(f"{key}.t", "c0", (), options={"text": "x" * 200})
    return Step(key, Stage.SENDING, Submission(key, "n0", (task,)))


def read_all(folder):
    with Ledger(folder) as ledger:
        return [
            (ledger.job(job.id), ledger.submissions(job.id), ledger.history(job.id))
            for job in ledger.jobs()
        ]


def stored(folder):
    """How many submissions there are."""
    ((_, submissions, _),) = read_all(folder)
    return len(submissions)


@pytest.mark.parametrize("limit", [200_000, 1_000_000, 3_000_000])
def test_a_full_disk_loses_nothing_that_was_written(tmp_path, limit):
    fill(tmp_path / "state", 1)
    command = [sys.executable, "-W", "error", "-c", FULL, str(tmp_path / "state"), str(limit)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    message, numbers = ran.stdout.splitlines()
    assert "Free some space" in message
    assert "nothing was sent without being recorded" in message
    written, found = map(int, numbers.split())
    assert written > 0
    assert found == written + 1
    assert stored(tmp_path / "state") == written + 2


def test_a_big_answer_for_which_there_is_no_room_is_not_recorded(tmp_path):
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from qcos_core.errors import LedgerUnusable\n"
        "from qcos_core.ledger.files import keep\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: keep(Path(sys.argv[1], 'answers'), bytes(2000))\n"
        "except LedgerUnusable as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "answers cannot be used: File too large. Free some space" in found.stdout
    assert list((tmp_path / "answers").iterdir()) == []


def test_a_ledger_that_is_locked_for_too_long_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("qcos_core.ledger.database._PATIENCE_S", 0.1)
    path = fill(tmp_path / "state")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Ledger(tmp_path / "state") as ledger:
        assert len(ledger.submissions("qc-1")) == 200
        with pytest.raises(LedgerUnusable, match=r"locked.*Another process has held it"):
            ledger.ask_to_cancel("qc-1")
        other.execute("COMMIT")
        other.close()
        ledger.ask_to_cancel("qc-1")


def test_a_ledger_that_was_cut_is_refused_and_left_as_it_is(tmp_path):
    path = fill(tmp_path / "state")
    whole = path.read_bytes()
    pages = range(0, len(whole), 4096)
    for length in [*pages, 1, 15, 16, 99, 100, 512, 4095, 4097, len(whole) - 4095]:
        path.write_bytes(whole[:length])
        with pytest.raises(LedgerUnusable, match=r"ledger\.db.*Restore it from a copy, or move it"):
            read_all(tmp_path / "state")
        assert path.read_bytes() == whole[:length]
    path.write_bytes(whole)
    assert stored(tmp_path / "state") == 200


def test_a_ledger_with_a_page_of_noise_is_refused_or_read_right(tmp_path):
    path = fill(tmp_path / "state")
    whole = path.read_bytes()
    before = read_all(tmp_path / "state")
    refusals = []
    for start in range(0, len(whole), 4096):
        content = whole[:start] + bytes([0xA5]) * 4096 + whole[start + 4096 :]
        path.write_bytes(content)
        try:
            assert read_all(tmp_path / "state") == before  # an index is not always looked into
        except LedgerUnusable as error:
            refusals.append(str(error))
    assert len(refusals) > len(whole) / 4096 / 2
    assert all("Restore it" in refusal for refusal in refusals)


@pytest.mark.parametrize("content", [b"not a database at all" * 1000, b"xy", bytes(8192)])
def test_what_is_no_database_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    with pytest.raises(LedgerUnusable, match=r"not a database.*move it away"):
        Ledger(tmp_path)
    assert path.read_bytes() == content
    assert [item.name for item in tmp_path.iterdir()] == ["ledger.db"]


def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "ledger.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE jobs (id TEXT)")
    other.close()
    content = path.read_bytes()
    with pytest.raises(LedgerUnusable, match=r"another program.*QCOS_STATE"):
        Ledger(tmp_path)
    assert path.read_bytes() == content


def test_a_newer_ledger_is_refused_and_left_as_it_is(tmp_path):
    path = fill(tmp_path / "state")
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 7")
    other.close()
    content = path.read_bytes()
    with pytest.raises(LedgerUnusable, match=r"has version 7, .* up to 2\. Upgrade qcos-core"):
        Ledger(tmp_path / "state")
    assert path.read_bytes() == content


def test_a_ledger_that_is_gone_is_missed(tmp_path):
    """An empty one in its place would say that there are no jobs, while some are out there."""
    path = fill(tmp_path / "state")
    path.unlink()
    with pytest.raises(LedgerUnusable, match="there have been jobs"):
        Ledger(tmp_path / "state")
    shutil.rmtree(tmp_path / "state")
    assert read_all(tmp_path / "state") == []


def test_a_folder_in_its_place_is_refused(tmp_path):
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(LedgerUnusable, match="unable to open"):
        Ledger(tmp_path)


NEXT = ("ALTER TABLE jobs ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'", "DROP INDEX decided")


def test_an_older_ledger_is_copied_and_brought_up_to_date(tmp_path, monkeypatch):
    path = fill(tmp_path / "state")
    before = read_all(tmp_path / "state")
    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, NEXT])
    assert read_all(tmp_path / "state") == before
    new, old = sqlite3.connect(path), sqlite3.connect(f"{path}.v2")
    assert new.execute("PRAGMA user_version").fetchone() == (3,)
    assert new.execute("SELECT mood FROM jobs").fetchall() == [("calm",)]
    assert old.execute("PRAGMA user_version").fetchone() == (2,)
    assert old.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert old.execute("SELECT count(*) FROM submissions").fetchone() == (200,)
    new.close()
    old.close()
    assert (tmp_path / "state" / "ledger.db.v2").stat().st_mode & 0o077 == 0
    assert read_all(tmp_path / "state") == before
    names = {item.name for item in (tmp_path / "state").iterdir()}
    assert names == {"ledger.db", "ledger.db.v2", "leases"}


def test_what_is_in_the_log_alone_is_copied_too(tmp_path, monkeypatch):
    fill(tmp_path / "state")
    with Ledger(tmp_path / "state") as ledger:
        with ledger.lease("qc-1") as lease:
            lease.apply([step("late")])
        assert (tmp_path / "state" / "ledger.db-wal").stat().st_size
        monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, NEXT])
        assert stored(tmp_path / "state") == 201
    old = sqlite3.connect(tmp_path / "state" / "ledger.db.v2")
    assert old.execute("SELECT count(*) FROM submissions").fetchone() == (201,)
    old.close()


def test_an_upgrade_that_fails_changes_nothing_and_may_be_tried_again(tmp_path, monkeypatch):
    fill(tmp_path / "state")
    before = read_all(tmp_path / "state")
    first = list(schema.MIGRATIONS)
    monkeypatch.setattr(schema, "MIGRATIONS", [*first, [*NEXT, "SELECT missing FROM jobs"]])
    with pytest.raises(LedgerUnusable, match="no such column"):
        Ledger(tmp_path / "state")
    copy = (tmp_path / "state" / "ledger.db.v2").read_bytes()
    monkeypatch.setattr(schema, "MIGRATIONS", first)
    assert read_all(tmp_path / "state") == before
    monkeypatch.setattr(schema, "MIGRATIONS", [*first, NEXT])
    assert read_all(tmp_path / "state") == before
    assert (tmp_path / "state" / "ledger.db.v2").read_bytes() == copy
    assert (tmp_path / "state" / "ledger.db.v2-2").exists()


def test_a_ledger_of_version_1_goes_on(tmp_path):
    """Written by the first QCOS that had a ledger: one job that is done, and one that is not."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    old = sqlite3.connect(state / "ledger.db")
    old.executescript(Path(__file__).with_name("data").joinpath("ledger_v1.sql").read_text())
    old.close()
    (state / "ledger.db").chmod(0o600)
    done = QVMJob.load("2b53c9adb5f4", state=state)
    assert done.result(timeout=60).counts == {"0": 51, "1": 49}
    assert (done.name, done.tags) == ("done job", ("old",))
    manifest = done.result().manifest()
    assert (manifest["request"]["policy"], manifest["versions"]) == ("fastest", {})
    (result,) = QVMJob.load("b4a6e7781c83", state=state).result(timeout=60)
    assert sum(result.counts.values()) == 100
    with Ledger(state) as ledger:
        assert [(job.note, job.shots, job.state) for job in ledger.jobs()] == [("", 0, "done")] * 2
