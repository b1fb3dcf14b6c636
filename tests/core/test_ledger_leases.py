"""One coordinator for each job, whatever happens to it, on one host and on several."""

import fcntl
import os
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from qcos_core import LedgerUnusable
from qcos_core.ledger import leases, schema
from qcos_core.ledger.leases import LeaseHeld, LeaseLost
from qcos_core.ledger.records import Job
from qcos_core.ledger.stages import Stage
from qcos_core.ledger.steps import Step
from qcos_core.ledger.store import Ledger
from qcos_core.model.seam import Submission

HOLD = """
import sys, time
from qcos_core.ledger.store import Ledger
lease = Ledger(sys.argv[1]).lease("qc-1")
print("held", flush=True)
time.sleep(3600)
"""
COMPETE = """
import sys
from qcos_core.ledger.leases import LeaseHeld
from qcos_core.ledger.store import Ledger
ledger = Ledger(sys.argv[1])
won = 0
for _ in range(50):
    try:
        with ledger.lease("qc-1"):
            # fails where somebody else is in here too
            with open(sys.argv[1] + "/alone", "x"):
                pass
            import os
            os.unlink(sys.argv[1] + "/alone")
            won += 1
    except LeaseHeld as error:
        assert "is carried on by process" in str(error), error
print(won)
"""
OPEN = """
import sys
from qcos_core.ledger.store import Ledger
print(len(Ledger(sys.argv[1]).jobs()))
"""

forks = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of later Pythons


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "state") as ledger:
        add(ledger).release()
        yield ledger


@pytest.fixture
def network(monkeypatch, tmp_path, clock):
    """A ledger on a network file system, as two hosts see it that have each its own clock."""
    monkeypatch.setattr("qcos_core.ledger.folder.on_network", lambda path: True)
    with Ledger(tmp_path / "state", clock=clock) as ledger:
        add(ledger).release()
        yield ledger


def add(ledger):
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
    return ledger.add_job(job, {})


def step(key):
    return Step(key, Stage.SENDING, Submission(key, "n0", ()))


def process(code, folder):
    command = [sys.executable, "-W", "error", "-c", code, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def elsewhere(monkeypatch):
    """As if this were another host: another name, and locks of which the first knows nothing."""
    monkeypatch.setattr(leases, "_host", lambda: "another host")
    monkeypatch.setattr(fcntl, "flock", no_locks)


def no_locks(file, how):
    raise OSError(38, "Function not implemented")


def test_a_new_job_is_leased_to_who_added_it(tmp_path):
    with Ledger(tmp_path) as ledger, add(ledger), pytest.raises(LeaseHeld):
        ledger.lease("qc-1")


def test_two_of_one_process_exclude_each_other(ledger):
    with Ledger(ledger.folder) as other:
        with ledger.lease("qc-1"):
            for one in ledger, other:
                with pytest.raises(LeaseHeld, match=f"process {os.getpid()} on"):
                    one.lease("qc-1")
        with other.lease("qc-1") as lease:
            lease.apply([step("k")])


def test_a_lease_lasts_while_somebody_asks_who_has_it(ledger):
    assert ledger.holder("qc-1") is None
    with ledger.lease("qc-1") as lease:
        for _ in range(3):
            found = ledger.holder("qc-1")
        assert found.startswith(f"process {os.getpid()} on {socket.gethostname()}, since 20")
        lease.apply([step("k")])
        with pytest.raises(LeaseHeld):
            ledger.lease("qc-1")
    assert ledger.holder("qc-1") is None


def test_of_many_processes_one_at_a_time_has_the_lease(ledger):
    others = [process(COMPETE, ledger.folder) for _ in range(4)]
    won = [int(other.communicate()[0]) for other in others]
    assert [other.returncode for other in others] == [0] * 4
    assert sum(won) >= 50
    with ledger.lease("qc-1") as lease:
        assert lease.fence == 2 + sum(won)


def test_many_processes_may_open_a_new_ledger_at_once(tmp_path):
    others = [process(OPEN, tmp_path / "state") for _ in range(6)]
    assert [other.communicate()[0] for other in others] == ["0\n"] * 6


def test_a_ledger_that_another_makes_at_this_moment_is_not_taken_for_a_strangers(tmp_path):
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as other, closing(sqlite3.connect(path)) as connection:
        other.execute("PRAGMA journal_mode = wal")

        def be_faster(statement):
            if "sqlite_master" in statement:
                connection.set_trace_callback(None)
                schema.upgrade(other, path, 0)

        connection.set_trace_callback(be_faster)
        assert schema.check(connection, path, used=False) == 0
        assert schema.check(connection, path, used=False) == len(schema.MIGRATIONS)


def test_a_killed_process_is_replaced_at_once(ledger):
    with process(HOLD, ledger.folder) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(LeaseHeld, match=rf"process {other.pid} on .*Wait for it"):
            ledger.lease("qc-1")
        assert ledger.holder("qc-1").startswith(f"process {other.pid} on")
        other.kill()
    assert ledger.holder("qc-1") is None
    with ledger.lease("qc-1") as lease:
        lease.apply([step("k")])


def test_a_lease_is_not_left_to_programs_that_its_process_starts(ledger):
    lease = ledger.lease("qc-1")
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        lease.release()
        try:
            ledger.lease("qc-1").release()
        finally:
            child.kill()


@forks
def test_a_forked_child_has_a_connection_of_its_own_and_no_lease(ledger):
    lease = ledger.lease("qc-1")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        found = "nothing"
        try:
            with pytest.raises(LeaseLost):
                lease.apply([step("child")])
            with pytest.raises(LeaseHeld):
                ledger.lease("qc-1")
            ledger.ask_to_cancel("qc-1")
            lease.release()
            ledger.close()
            found = "all well"
        finally:
            os.write(writing, found.encode())
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100) == b"all well"
    os.close(reading)
    os.close(writing)
    lease.apply([step("parent")])
    assert ledger.requests("qc-1").cancel
    with pytest.raises(LeaseHeld):
        ledger.lease("qc-1")
    lease.release()


@forks
def test_a_forked_child_does_not_keep_a_lease_that_its_parent_released(ledger):
    lease = ledger.lease("qc-1")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.read(reading, 1)
        os._exit(0)
    lease.release()
    # the child closes what it inherited as it starts, which may be a moment from now
    deadline = time.monotonic() + 30
    while ledger.holder("qc-1") and time.monotonic() < deadline:
        time.sleep(0.01)
    with ledger.lease("qc-1"):
        os.write(writing, b"x")
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)


def test_who_lost_its_file_writes_nothing_more(ledger):
    """Somebody tidied the folder up while a coordinator was at work."""
    with ledger.lease("qc-1") as first:
        (ledger.folder / "leases" / "qc-1").unlink()
        with ledger.lease("qc-1") as second:
            for write in (
                lambda: first.apply([step("k")]),
                lambda: first.finish("done", {}),
                first.reopen,
                first.renew,
            ):
                with pytest.raises(LeaseLost, match="somebody else now"):
                    write()
            second.apply([step("k")])
            second.renew()
    (event,) = [event for event in ledger.history("qc-1") if event.key]
    assert event.stage == "sending"
    assert ledger.job("qc-1").state == "open"


def test_a_lease_that_cannot_be_written_is_let_go(ledger, monkeypatch):
    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(leases.Claim, "sign", fail)
    with pytest.raises(LedgerUnusable, match=r"No space left.*Free some space"):
        ledger.lease("qc-1")
    monkeypatch.undo()
    with ledger.lease("qc-1") as lease:
        assert lease.fence == 2


def test_a_local_file_that_cannot_be_locked_is_told(ledger, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(LedgerUnusable, match="Function not implemented"):
        ledger.lease("qc-1")


def test_local_leases_do_not_end_by_themselves(tmp_path, clock):
    with Ledger(tmp_path, clock=clock) as ledger, add(ledger) as lease:
        clock.now += 1e6
        lease.apply([step("k")])
        with pytest.raises(LeaseHeld):
            ledger.lease("qc-1")


def test_the_journal_fits_the_disk(tmp_path, monkeypatch):
    def journal(ledger):
        with ledger._database.reading() as connection:
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
        return ledger.network, mode, synchronous

    for network, mode in [(False, "wal"), (True, "delete"), (False, "wal")]:
        monkeypatch.setattr(
            "qcos_core.ledger.folder.on_network", lambda path, answer=network: answer
        )
        with Ledger(tmp_path) as ledger:
            assert journal(ledger) == (network, mode, 2)


def test_the_journal_changes_once_nobody_else_has_it_open(tmp_path, monkeypatch):
    monkeypatch.setattr("qcos_core.ledger.database._PATIENCE_S", 0.1)
    with Ledger(tmp_path) as local:
        local.jobs()
        monkeypatch.setattr("qcos_core.ledger.folder.on_network", lambda path: True)
        with pytest.raises(LedgerUnusable, match=r"journal mode delete.*other processes"):
            Ledger(tmp_path)
    with Ledger(tmp_path) as ledger:
        assert ledger.jobs() == []


def test_another_host_waits_for_the_end_of_the_lease(network, clock, monkeypatch):
    lease = network.lease("qc-1")
    elsewhere(monkeypatch)
    clock.now += 59
    with pytest.raises(LeaseHeld, match=r"process .*try again in 60 seconds"):
        network.lease("qc-1")
    assert network.holder("qc-1").startswith("process")
    clock.now += 1
    assert network.holder("qc-1") is None
    with network.lease("qc-1") as other:
        other.apply([step("k")])
        with pytest.raises(LeaseLost, match="somebody else"):
            lease.apply([step("l")])
        with pytest.raises(LeaseLost, match="somebody else"):
            lease.renew()
    lease.release()


def test_a_renewed_lease_lasts(network, clock, monkeypatch):
    with network.lease("qc-1") as lease:
        for _ in range(3):
            clock.now += 50
            lease.renew()
            lease.apply([step(f"k{clock.now}")])
        elsewhere(monkeypatch)
        with pytest.raises(LeaseHeld):
            network.lease("qc-1")


def test_who_slept_too_long_writes_nothing_until_it_has_renewed(network, clock):
    with network.lease("qc-1") as lease:
        clock.now += 60
        for write in (lambda: lease.apply([step("k")]), lambda: lease.finish("done", {})):
            with pytest.raises(LeaseLost, match="not renewed in time"):
                write()
        lease.renew()
        lease.apply([step("k")])


def test_a_released_lease_is_free_for_other_hosts_at_once(network, monkeypatch):
    network.lease("qc-1").release()
    elsewhere(monkeypatch)
    network.lease("qc-1").release()


def test_releasing_late_does_not_free_the_lease_of_another(network, clock, monkeypatch):
    late = network.lease("qc-1")
    clock.now += 60
    elsewhere(monkeypatch)
    other = network.lease("qc-1")
    late.release()
    other.apply([step("k")])
    with pytest.raises(LeaseHeld):
        network.lease("qc-1")
    other.release()


def test_on_one_host_a_killed_process_is_replaced_at_once_there_too(network):
    """The lock that died with it says so, although its minute is not over."""
    lease = network.lease("qc-1")
    lease.discard()
    with network.lease("qc-1") as after:
        after.apply([step("k")])


def test_where_files_cannot_be_locked_even_one_host_waits(network, clock, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", no_locks)
    lease = network.lease("qc-1")
    with pytest.raises(LeaseHeld):
        network.lease("qc-1")
    lease.discard()
    with pytest.raises(LeaseHeld):
        network.lease("qc-1")
    clock.now += 60
    network.lease("qc-1").release()
