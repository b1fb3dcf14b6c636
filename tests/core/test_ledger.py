"""The ledger: what is written is there, once, and in an order that makes sense."""

import hashlib
import itertools
import os
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from qcos_core import InvalidArguments, JobFailed, LedgerUnusable, OutcomeUnknown
from qcos_core.ledger.leases import LeaseLost
from qcos_core.ledger.records import Job, PackedCircuit, Requests
from qcos_core.ledger.stages import STEPS, Stage
from qcos_core.ledger.steps import Step
from qcos_core.ledger.store import Ledger
from qcos_core.model.amounts import Amount
from qcos_core.model.answers import Answer
from qcos_core.model.counts import PackedCounts
from qcos_core.model.results import ShardRecord
from qcos_core.model.seam import Block, Handle, Submission, Task
from qcos_core.model.shots import PackedShots

CIRCUIT = PackedCircuit("qpy", b"QISKIT\x00\xff")
TO = {
    Stage.SENDING: (),
    Stage.SENT: (Stage.SENT,),
    Stage.UNKNOWN: (Stage.UNKNOWN,),
    Stage.DONE: (Stage.DONE,),
    Stage.FAILED: (Stage.FAILED,),
    Stage.REFUSED: (Stage.REFUSED,),
    Stage.ABANDONED: (Stage.UNKNOWN, Stage.ABANDONED),
}
"""How a submission that is being sent gets to each stage."""


@pytest.fixture
def ledger(tmp_path, clock):
    with Ledger(tmp_path / "state", clock=clock) as ledger:
        yield ledger


@pytest.fixture
def lease(ledger):
    with add(ledger) as lease:
        yield lease


def a_job(name="qc-1", **kwargs):
    given = {"name": "bell", "tags": ("a", "b"), "created": 1000.0, "plan": {}, "cluster": None}
    return Job(**{"id": name, "settings": {}, "circuits": {"c0": CIRCUIT.digest}} | given | kwargs)


def add(ledger, name="qc-1", **kwargs):
    return ledger.add_job(a_job(name, **kwargs), {CIRCUIT.digest: CIRCUIT})


def submission(key, *tasks):
    made = tuple(Task(task, "c0", (Block(0, 8, 7),)) for task in tasks or (f"{key}.t",))
    return Submission(key, "n0", made)


def sending(key, *tasks):
    return Step(key, Stage.SENDING, submission(key, *tasks))


def answer(task="t", *, zeros=8, charges=(), memory=None):
    record = ShardRecord(task, "n0", "p", "p", False, 8, ((0, 8, 7),), charges=charges)
    counts = PackedCounts.from_ints({0: zeros}, 1)
    return Answer(Task(task, "c0", (Block(0, 8, 7),)), record, counts, memory)


def stages(ledger, job="qc-1"):
    return {item.submission.key: item.stage for item in ledger.submissions(job)}


def test_a_job_comes_back_as_it_was_stored(ledger):
    job = a_job(
        plan={"value": {"$ShardPlan": {}}, "objects": {}},
        cluster={"slots": [{"provider": "local_cpu"}]},
        settings={"seed": 3, "deadline": float("inf")},
        circuits={"c0": CIRCUIT.digest, "a": CIRCUIT.digest},
        errors={"t": JobFailed("it broke", node="n0")},
    )
    ledger.add_job(job, {CIRCUIT.digest: CIRCUIT}).release()
    found = ledger.job("qc-1")
    assert isinstance(found.errors["t"], JobFailed)
    assert str(found.errors["t"]) == "node n0: it broke"
    assert {**vars(found), "errors": {}} == {**vars(job), "errors": {}}
    assert list(found.circuits) == ["c0", "a"]


def test_jobs_are_listed_newest_first(ledger):
    for name, created in [("a", 1.0), ("b", 3.0), ("c", 2.0), ("d", 3.0)]:
        add(ledger, name, created=created).release()
    assert [job.id for job in ledger.jobs()] == ["d", "b", "c", "a"]
    assert ledger.jobs()[0].tags == ("a", "b")


def test_it_is_all_there_for_the_next_one_that_opens_it(ledger, lease):
    lease.apply([sending("k"), Step("k", Stage.SENT, handle=Handle("k", ("r",)))])
    lease.apply([Step("k", Stage.DONE, answers=(answer(),))])
    with Ledger(ledger.folder) as other:
        assert other.submissions("qc-1") == ledger.submissions("qc-1")
        assert other.answers("qc-1")[0].counts == answer().counts
        assert other.history("qc-1") == ledger.history("qc-1")


def test_the_files_are_for_this_user_alone(ledger, lease):
    lease.apply([Step("", Stage.DONE, answers=(big_answer(),))])
    found = [ledger.folder, *ledger.folder.rglob("*")]
    assert {"ledger.db", "ledger.db-wal", "leases", "answers"} <= {path.name for path in found}
    assert all(path.stat().st_mode & 0o077 == 0 for path in found)


def test_a_circuit_is_stored_once_whatever_jobs_have_it(ledger):
    other = PackedCircuit("pickle", bytes(1 << 20))
    for name in "ab":
        job = a_job(name, circuits={"c0": CIRCUIT.digest, "c1": other.digest})
        ledger.add_job(job, {CIRCUIT.digest: CIRCUIT, other.digest: other}).release()
    assert ledger.circuit(other.digest) == other
    assert ledger.circuit(CIRCUIT.digest) == CIRCUIT
    assert CIRCUIT.digest == hashlib.sha256(CIRCUIT.content).hexdigest()
    with ledger._database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM circuits").fetchone() == (2,)


@pytest.mark.parametrize(
    "job, circuits, problem",
    [
        (a_job(), {}, "no circuit came"),
        (a_job(), {CIRCUIT.digest: PackedCircuit("qpy", b"another")}, "a wrong one"),
        (a_job("../up"), {CIRCUIT.digest: CIRCUIT}, "letters, digits"),
        (a_job(""), {CIRCUIT.digest: CIRCUIT}, "letters, digits"),
        (a_job(".."), {CIRCUIT.digest: CIRCUIT}, "letters, digits"),
        (a_job("x" * 101), {CIRCUIT.digest: CIRCUIT}, "letters, digits"),
        (a_job(settings={"a": object()}), {CIRCUIT.digest: CIRCUIT}, "JSON-able"),
        (a_job("taken"), {CIRCUIT.digest: CIRCUIT}, "there is a job taken already"),
    ],
)
def test_a_job_that_cannot_be_stored_leaves_nothing(ledger, job, circuits, problem):
    add(ledger, "taken").release()
    with pytest.raises(InvalidArguments, match=problem):
        ledger.add_job(job, circuits)
    assert [job.id for job in ledger.jobs()] == ["taken"]
    ledger.lease("taken").release()


@pytest.mark.parametrize(
    "ask",
    [
        "job",
        "submissions",
        "answers",
        "charges",
        "history",
        "requests",
        "ask_to_cancel",
        "lease",
        "holder",
    ],
)
def test_a_job_that_does_not_exist_is_told(ledger, ask):
    with pytest.raises(InvalidArguments, match=f"no job qc-9 in {ledger.folder}"):
        getattr(ledger, ask)("qc-9")


def test_a_circuit_that_does_not_exist_is_told(ledger):
    with pytest.raises(InvalidArguments, match="no circuit abc in"):
        ledger.circuit("abc")


def test_a_submission_tells_where_it_stands(ledger, lease, clock):
    lease.apply([sending("k", "t", "u")])
    clock.now = 1001.0
    lease.apply([Step("k", Stage.UNKNOWN, error=OutcomeUnknown("the answer was lost"))])
    (found,) = ledger.submissions("qc-1")
    assert found.submission == submission("k", "t", "u")
    assert str(found.error) == "the answer was lost"
    assert (found.sends, found.created, found.sent, found.changed) == (1, 1000, 1000, 1001)
    clock.now = 1002.0
    lease.apply([Step("k", Stage.SENDING)])
    clock.now = 1003.0
    lease.apply([Step("k", Stage.SENT, handle=Handle("k", ("r",), {"a": "b"}))])
    clock.now = 1004.0
    lease.apply([Step("k", Stage.SENT)])
    (found,) = ledger.submissions("qc-1")
    assert found.stage is Stage.SENT
    assert found.handle == Handle("k", ("r",), {"a": "b"})
    assert found.error is None
    assert (found.sends, found.created, found.sent, found.changed) == (2, 1000, 1002, 1004)


def test_each_step_stands_in_the_history(ledger, lease, clock):
    lease.apply([sending("k")])
    clock.now = 1001.0
    lease.apply([Step("k", Stage.UNKNOWN, error=OutcomeUnknown("lost", hint="Wait."))])
    ledger.decide("k", "abandon")
    lease.apply([Step("k", Stage.ABANDONED), Step("", Stage.DONE, answers=(answer(),))])
    ledger.ask_to_cancel("qc-1")
    lease.finish("partial", {})
    first, taken, *events = ledger.history("qc-1")
    assert (first.message, first.stage) == ("stored", "open")
    assert taken.message.startswith(f"carried on by process {os.getpid()} on ")
    assert [(item.key, item.time, item.stage, item.message) for item in events] == [
        ("k", 1000, "sending", ""),
        ("k", 1001, "unknown", "lost Wait."),
        ("k", 1001, "unknown", "a person decided: abandon"),
        ("k", 1001, "abandoned", ""),
        ("", 1001, "done", ""),
        ("", 1001, "open", "asked to cancel"),
        ("", 1001, "partial", "ended"),
    ]


@pytest.mark.parametrize("before, after", [*itertools.product(Stage, Stage)])
def test_a_submission_goes_only_where_stages_allow(ledger, lease, before, after):
    lease.apply([sending("k"), *(Step("k", stage) for stage in TO[before])])
    if after in STEPS[before]:
        lease.apply([Step("k", after)])
        assert stages(ledger) == {"k": after}
    else:
        with pytest.raises(InvalidArguments, match=f"cannot go from {before.value} to"):
            lease.apply([Step("k", after)])
        assert stages(ledger) == {"k": before}


@pytest.mark.parametrize("stage", sorted(set(Stage) - {Stage.SENDING}))
def test_a_submission_begins_with_being_sent(ledger, lease, stage):
    with pytest.raises(InvalidArguments, match="cannot go from nowhere"):
        lease.apply([Step("k", stage, submission("k"))])
    assert ledger.submissions("qc-1") == []


@pytest.mark.parametrize(
    "step, problem",
    [
        (Step("new", Stage.SENDING), "comes with its first step"),
        (Step("new", Stage.SENDING, submission("k2")), "holds another submission"),
        (Step("k", Stage.SENT, submission("k")), "and with no other"),
        (Step("theirs", Stage.SENT), "is of job qc-2"),
        (Step("", Stage.SENDING, submission("")), "without a key"),
        (Step("", Stage.FAILED), "without a key"),
        (Step("", Stage.DONE, handle=Handle("", ())), "without a key"),
        (sending("new", "a", "a"), "a task twice"),
        (sending("new", "a", "k.t"), "an open submission holds"),
    ],
)
def test_of_steps_with_a_wrong_one_none_is_written(ledger, lease, step, problem):
    lease.apply([sending("k")])
    with add(ledger, "qc-2") as other:
        other.apply([sending("theirs")])
    history = ledger.history("qc-1")
    with pytest.raises(InvalidArguments, match=problem):
        lease.apply([sending("good", "g"), Step("k", Stage.SENT), step])
    assert stages(ledger) == {"k": Stage.SENDING}
    assert ledger.history("qc-1") == history


@pytest.mark.parametrize("end", [stage for stage in Stage if not stage.open])
def test_a_task_is_free_once_its_submission_has_ended(ledger, lease, end):
    lease.apply([sending("k", "t"), *(Step("k", stage) for stage in TO[end])])
    lease.apply([sending("again", "t")])
    assert stages(ledger)["again"] is Stage.SENDING


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage.open])
def test_nothing_else_is_sent_for_a_task_that_may_be_out_there(lease, stage):
    lease.apply([sending("k", "t"), *(Step("k", stage) for stage in TO[stage])])
    with pytest.raises(InvalidArguments, match="an open submission holds"):
        lease.apply([sending("again", "t")])


def test_jobs_may_have_tasks_of_one_name(ledger, lease):
    lease.apply([sending("k", "t")])
    with add(ledger, "qc-2") as other:
        other.apply([sending("k2", "t")])


def test_the_first_answer_for_a_task_counts(ledger, lease):
    lease.apply([Step("", Stage.DONE, answers=(answer("t", zeros=1),))])
    lease.apply([Step("", Stage.DONE, answers=(answer("t", zeros=2), answer("u", zeros=3)))])
    lease.apply([Step("", Stage.DONE, answers=(answer("u", zeros=4), answer("u", zeros=5)))])
    assert [item.counts.shots for item in ledger.answers("qc-1")] == [1, 3]


def test_what_comes_again_is_paid_once_and_what_was_paid_twice_counts_twice(ledger, lease):
    cost = (Amount(0.25, "USD"), Amount(3.0, "QPU-s"), Amount(0.5, "USD"))
    once = Step("k", Stage.SENT, answers=(answer("t", charges=cost),))
    lease.apply([sending("k", "t"), once, once])
    lease.apply([Step("k", Stage.DONE, answers=(answer("t", charges=cost),))])
    assert ledger.charges("qc-1") == (Amount(0.75, "USD"), Amount(3.0, "QPU-s"))
    lease.apply([sending("again", "t")])
    lease.apply([Step("again", Stage.DONE, answers=(answer("t", charges=cost),))])
    assert ledger.charges("qc-1") == (Amount(1.5, "USD"), Amount(6.0, "QPU-s"))
    assert len(ledger.answers("qc-1")) == 1


def test_objects_among_options_are_stored_once(ledger, lease):
    noise = np.arange(1000.0)
    tasks = [Task(f"t{n}", "c0", (Block(0, 8, n),), options={"noise": noise}) for n in range(20)]
    lease.apply([Step(t.id, Stage.SENDING, Submission(t.id, "n0", (t,))) for t in tasks])
    lease.apply([Step("t0", Stage.DONE, answers=(Answer(tasks[0], answer("t0").record),))])
    with ledger._database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM objects").fetchone() == (1,)
    found = ledger.submissions("qc-1")
    assert np.array_equal(found[19].submission.tasks[0].options["noise"], noise)
    assert np.array_equal(ledger.answers("qc-1")[0].task.options["noise"], noise)


def big_answer(task="t"):
    outcomes = np.random.default_rng(1).integers(0, 2**60, 200_000).tolist()
    return answer(task, memory=PackedShots.from_ints(outcomes, 60))


def test_a_big_answer_stands_in_a_file_of_its_own(ledger, lease):
    value = big_answer()
    lease.apply([Step("", Stage.DONE, answers=(value, answer("u")))])
    (file,) = (ledger.folder / "answers" / "qc-1").iterdir()
    assert file.name == hashlib.sha256(file.read_bytes()).hexdigest()
    found, small = ledger.answers("qc-1")
    assert np.array_equal(found.memory.words, value.memory.words)
    assert small.task.id == "u"
    assert (ledger.folder / "ledger.db").stat().st_size < 1 << 20


def test_a_big_answer_that_changed_is_refused(ledger, lease):
    lease.apply([Step("", Stage.DONE, answers=(big_answer(),))])
    (file,) = (ledger.folder / "answers" / "qc-1").iterdir()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(LedgerUnusable, match="damaged: it does not have the checksum"):
        ledger.answers("qc-1")
    file.unlink()
    with pytest.raises(LedgerUnusable, match="damaged: it is missing"):
        ledger.answers("qc-1")


def test_what_a_killed_process_left_does_no_harm(ledger, lease):
    folder = ledger.folder / "answers" / "qc-1"
    folder.mkdir(parents=True)
    (folder / "new-abc").write_bytes(b"half an ans")
    lease.apply([Step("", Stage.DONE, answers=(big_answer(),))])
    assert len(ledger.answers("qc-1")) == 1


def test_requests_reach_the_coordinator(ledger, lease):
    assert ledger.requests("qc-1") == Requests(False, {})
    lease.apply([sending("k"), Step("k", Stage.UNKNOWN), sending("l"), Step("l", Stage.UNKNOWN)])
    ledger.ask_to_cancel("qc-1")
    ledger.decide("k", "resubmit")
    ledger.decide("l", "resubmit")
    ledger.decide("l", "abandon")
    assert ledger.requests("qc-1") == Requests(True, {"k": "resubmit", "l": "abandon"})
    assert [item.decision for item in ledger.submissions("qc-1")] == ["resubmit", "abandon"]


def test_a_decision_holds_until_it_is_carried_out(ledger, lease):
    lease.apply([sending("k"), Step("k", Stage.UNKNOWN)])
    ledger.decide("k", "resubmit")
    lease.apply([Step("k", Stage.UNKNOWN)])
    assert ledger.requests("qc-1").decisions == {"k": "resubmit"}
    lease.apply([Step("k", Stage.SENDING)])
    assert ledger.requests("qc-1").decisions == {}
    lease.apply([Step("k", Stage.UNKNOWN)])
    assert ledger.requests("qc-1").decisions == {}


@pytest.mark.parametrize("stage", sorted(set(Stage) - {Stage.UNKNOWN}))
def test_what_is_known_needs_no_decision(ledger, lease, stage):
    lease.apply([sending("k"), *(Step("k", item) for item in TO[stage])])
    with pytest.raises(InvalidArguments, match=f"k: it is known to be {stage.value}"):
        ledger.decide("k", "resubmit")
    assert ledger.requests("qc-1").decisions == {}


def test_a_decision_is_about_something_and_is_one_of_two(ledger, lease):
    with pytest.raises(InvalidArguments, match="no submission k"):
        ledger.decide("k", "resubmit")
    lease.apply([sending("k"), Step("k", Stage.UNKNOWN)])
    with pytest.raises(InvalidArguments, match="one of resubmit, abandon"):
        ledger.decide("k", "forget")


@pytest.mark.parametrize("state", ["done", "partial", "failed", "cancelled"])
def test_a_job_ends_and_may_go_on(ledger, lease, clock, state):
    ledger.ask_to_cancel("qc-1")
    clock.now = 1234.0
    lease.finish(state, {"t": JobFailed("it broke")})
    job = ledger.job("qc-1")
    assert (job.state, job.finished, str(job.errors["t"])) == (state, 1234, "it broke")
    lease.reopen()
    assert (ledger.job("qc-1").state, ledger.job("qc-1").finished) == ("open", None)
    assert ledger.job("qc-1").errors == {}
    assert not ledger.requests("qc-1").cancel


def test_a_job_ends_in_one_of_four_ways(ledger, lease):
    with pytest.raises(InvalidArguments, match="not as 'open'"):
        lease.finish("open", {})
    assert ledger.job("qc-1").state == "open"


def test_nothing_is_written_under_a_lease_that_was_released(ledger):
    lease = add(ledger)
    lease.release()
    lease.release()
    for write in (
        lambda: lease.apply([sending("k")]),
        lambda: lease.finish("done", {}),
        lease.reopen,
        lease.renew,
    ):
        with pytest.raises(LeaseLost, match="was released"):
            write()
    assert ledger.submissions("qc-1") == []


def test_threads_share_a_ledger(ledger, lease):
    failures = []

    def work(number):
        try:
            for n in range(20):
                lease.apply([sending(f"{number}.{n}")])
                ledger.requests("qc-1")
                lease.apply([Step(f"{number}.{n}", Stage.SENT)])
        except BaseException as error:  # noqa: BLE001 - shown below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list(stages(ledger).values()) == [Stage.SENT] * 160


def test_ten_thousand_submissions_at_once(ledger, lease):
    steps = [sending(f"k{n}") for n in range(10_000)]
    start = time.perf_counter()
    lease.apply(steps)
    print(f"{time.perf_counter() - start:.2f} s")
    assert len(ledger.submissions("qc-1")) == 10_000


def test_a_ledger_that_was_closed_says_so(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerUnusable, match="has been closed"):
        ledger.jobs()


keys = st.sampled_from(["a", "b"])
walks = st.lists(st.tuples(keys, st.sampled_from(list(Stage))), max_size=12)


@settings(max_examples=60)
@given(walk=walks)
def test_whatever_is_tried_only_allowed_steps_are_written(tmp_path_factory, walk):
    with Ledger(tmp_path_factory.mktemp("state")) as ledger, add(ledger) as lease:
        stand, written = {}, []
        for key, stage in walk:
            first = submission(key) if key not in stand else None
            if stage in STEPS[stand.get(key)]:
                lease.apply([Step(key, stage, first)])
                stand[key] = stage
                written.append((key, stage.value))
            else:
                with pytest.raises(InvalidArguments):
                    lease.apply([Step(key, stage, first)])
            assert stages(ledger) == stand
        events = [(event.key, event.stage) for event in ledger.history("qc-1")]
        assert events == [("", "open"), ("", "open"), *written]
