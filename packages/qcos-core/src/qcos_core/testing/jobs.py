"""Checks that work which outlives a call is neither lost nor done twice."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from qcos_core.errors import OutcomeUnknown, QCOSError
from qcos_core.model.counts import PackedCounts
from qcos_core.model.seam import (
    Block,
    Handle,
    Recovery,
    State,
    Status,
    Submission,
    Task,
    TaskResult,
)
from qcos_core.providers.base import JobNodeProvider
from qcos_core.testing import circuits, fresh, submissions
from qcos_core.testing.base import ProviderChecks
from qcos_core.testing.circuits import check_counts, flat
from qcos_core.testing.subject import Subject, counts_of
from qcos_core.testing.verdict import fail, not_claimed

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_BATCH = (0b00001, 0b00110, 0b10011)
_GRACE_S = 1.0
"""Seconds within which a state must follow a deadline."""

_LATER_S = 0.05


class Work:
    """A submission with the circuits in it, and what the far side is asked about it.

    Args:
        subject: the provider under test.
        values: the number that each of its circuits gives.
        deadline_s: see ``Submission.deadline_s``.
    """

    def __init__(
        self,
        subject: Subject,
        values: Sequence[int] = _BATCH[:1],
        deadline_s: float | None = None,
    ) -> None:
        subject.needs(circuits.WIDEST)
        self.subject = subject
        self.node = subject.node
        self.circuits: dict[str, QuantumCircuit] = {}
        tasks: list[Task] = []
        for value in values:
            circuit = circuits.number(value, circuits.WIDEST)
            task = subject.task(circuit, _blocks(subject.profile.shots, value))
            self.circuits[task.id] = circuit
            tasks.append(task)
        self.submission: Submission = submissions.make_submission(
            self.node.node_id, tasks, deadline_s=deadline_s
        )

    @property
    def key(self) -> str:
        """The key that it is sent under."""
        return self.submission.key

    def submit(self, provider: JobNodeProvider | None = None) -> Handle:
        """Send it, by default from the instance under test."""
        sender = provider or self.subject.jobs
        load = submissions.loader(self.circuits.values())
        return self.subject.call("submit", partial(sender.submit, self.submission, load, self.node))

    def poll(self, handle: Handle) -> Status:
        """How it stands."""
        return self.subject.call("poll", partial(submissions.poll, self.subject.jobs, handle))

    def wait(self, handle: Handle) -> Status:
        """How it ends."""
        patience = self.subject.profile.timeout_s
        wait = partial(submissions.wait, self.subject.jobs, handle, patience)
        return self.subject.call("the end of a submission", wait)

    def fetch(self, handle: Handle) -> list[TaskResult]:
        """Its results, as they came."""
        return self.subject.call("fetch", lambda: list(self.subject.jobs.fetch(handle)))

    def find(self) -> Handle | str:
        """What the look-up of its key gives, within ``SETTLE_S``."""
        jobs = self.subject.jobs
        search = partial(submissions.find_within, jobs, self.key, jobs.SETTLE_S)
        return self.subject.call("find", search)

    def check_found(self, handle: Handle) -> None:
        """Fail unless the look-up of its key gives what ``submit`` gave."""
        found = self.find()
        if not isinstance(found, Handle):
            fail(f"{self.subject.jobs.SETTLE_S:g} s after it was sent its key is {found!r}.")
        if found.key != self.key or set(found.remote_ids) != set(handle.remote_ids):
            fail(f"the look-up gave {found}, submit had given {handle}.")

    def check(self, handle: Handle) -> None:
        """Fail unless it ends well, with exactly one right result for each task."""
        status = self.wait(handle)
        if status.state is not State.DONE:
            fail(f"it ended as {status.state.value}: {status.message or 'no message'}.")
        self.check_results(self.fetch(handle))

    def check_results(self, results: Sequence[TaskResult]) -> None:
        """Fail unless there is exactly one right result for each task."""
        answered = sorted(result.task_id for result in results)
        if answered != sorted(self.circuits):
            fail(f"the tasks {sorted(self.circuits)} were answered by results for {answered}.")
        for result in results:
            circuit = self.circuits[result.task_id]
            counts = counts_of(result, result.task_id)
            shots, wanted = sum(counts.values()), self.subject.profile.shots
            if shots != wanted:
                fail(f"{circuit.name}: {wanted} shots were asked for, {shots} came back.")
            check_counts(circuit, counts, self.subject.profile.tolerance)

    def check_accepted_once(self) -> None:
        """Fail if the far side says that it accepted the key more than once, or never."""
        count = self.subject.profile.remote_jobs
        if count is not None and (number := count(self.key)) != 1:
            fail(f"the far side has {number} jobs under one key.")


class JobTests(ProviderChecks):
    """A submission is accepted once, ends in one state, and can be asked about for ever."""

    AREA: ClassVar[str] = "Jobs"

    def test_recovery_is_declared(self, subject: Subject) -> None:
        """``RECOVERY`` is a :class:`Recovery`, and ``SETTLE_S`` a number of seconds.

        Catches a provider that does not say what may be done after a crash.
        """
        recovery, settle = getattr(subject.jobs, "RECOVERY", None), subject.jobs.SETTLE_S
        if not isinstance(recovery, Recovery):
            fail(f"RECOVERY must be a member of Recovery, not {recovery!r}.")
        if type(settle) not in (int, float) or not 0 <= settle < math.inf:
            fail(f"SETTLE_S must be a number of seconds from 0, not {settle!r}.")

    def test_handle_is_plain_data(self, running: Subject) -> None:
        """A handle holds its submission's key and strings, and no secret.

        Catches live objects, which no other process could use, and tokens kept for later.
        """
        work = Work(running)
        handle = work.submit()
        if handle.key != work.key:
            fail(f"the handle of {work.key!r} has the key {handle.key!r}.")
        texts = [*handle.remote_ids, *handle.detail, *handle.detail.values()]
        odd = [text for text in texts if not isinstance(text, str)]
        if odd or not isinstance(handle.remote_ids, tuple) or not handle.remote_ids:
            fail(f"remote_ids and detail must hold strings, and at least one id: {handle}.")
        kept = json.dumps(asdict(handle))
        for name, value in running.secrets.items():
            if value in kept:
                fail(f"the secret {name} is in the handle.")

    def test_batch_gives_what_each_gives_alone(self, running: Subject) -> None:
        """A submission of several tasks gives each its own counts.

        Catches an order or a format that only batches have, and tasks left out.
        """
        work = Work(running, _BATCH[: running.limits().max_tasks])
        work.check(work.submit())

    def test_done_means_that_results_are_there(self, running: Subject) -> None:
        """From the first poll that says ``DONE``, ``fetch`` gives the results.

        Catches a state that is final too early.
        """
        work = Work(running)
        with (running.profile.held or nullcontext)():
            handle = work.submit()
            if work.poll(handle).state is State.DONE:
                work.check_results(work.fetch(handle))
        while not (status := work.poll(handle)).state.final:
            time.sleep(min(status.poll_after_s or 0.0, submissions.LONGEST_PAUSE_S))
        if status.state is not State.DONE:
            fail(f"it ended as {status.state.value}: {status.message or 'no message'}.")
        work.check_results(work.fetch(handle))

    def test_fetch_can_be_repeated(self, running: Subject) -> None:
        """A second ``fetch``, and one by another instance, give the same results.

        Catches results that are handed out once: the first answer may have been lost.
        """
        work = Work(running)
        handle = work.submit()
        work.check(handle)
        first, second = (_counts(work.fetch(handle)) for _ in range(2))
        other = running.another()
        third = _counts(running.call("fetch", lambda: list(_jobs(other).fetch(handle))))
        if not first == second == third:
            fail(f"the same handle gave {first}, then {second}, and another instance {third}.")

    def test_fresh_process_goes_on(self, running: Subject) -> None:
        """A new process, given the arguments and the handle as JSON, waits for it and fetches.

        Catches whatever only the memory of the submitting process holds.
        """
        work = Work(running)
        handle = work.submit()
        profile = running.profile
        found = fresh.resume(profile.key, profile.kwargs, handle, profile.timeout_s)
        results = [
            TaskResult(task_id, PackedCounts.from_json(counts) if counts else None)
            for task_id, counts in found.items()
        ]
        work.check_results(results)

    def test_unknown_handles_are_unknown(self, running: Subject) -> None:
        """A handle that the far side never gave out is unknown, and the others are still told.

        Catches a state made up for a job that does not exist, and one bad handle that spoils a
        whole poll.
        """
        work = Work(running)
        handle = work.submit()
        work.wait(handle)
        strange = replace(
            handle,
            key=f"{handle.key}-never",
            remote_ids=tuple(f"{name}-never" for name in handle.remote_ids),
        )
        found = running.call("poll", lambda: dict(running.jobs.poll([strange, handle])))
        state = found.get(strange.key, Status(State.UNKNOWN)).state
        if state is not State.UNKNOWN:
            fail(f"a job that never was is {state.value}.")
        told = found.get(handle.key, Status(State.UNKNOWN)).state
        if told is not State.DONE:
            fail(f"beside a handle that is unknown, one that is done is {told.value}.")

    def test_recovery_works_as_declared(self, running: Subject) -> None:
        """What ``RECOVERY`` allows after a crash gives the same job and the same counts.

        ``IDEMPOTENT``: sending the submission again changes nothing. ``FIND``: within
        ``SETTLE_S`` its key can be looked up, and for good. ``NONE``: nothing is certain.

        Catches work that is paid for twice, counts added up twice, a key that is forgotten, and a
        ``SETTLE_S`` shorter than the far side's lists lag behind.
        """
        recovery = running.jobs.RECOVERY
        work = Work(running)
        handle = work.submit()
        if recovery is Recovery.IDEMPOTENT:
            again = work.submit(_jobs(running.another()))
            work.wait(handle)
            for other in (again, work.submit()):
                if other.remote_ids != handle.remote_ids:
                    fail(f"one key became {handle.remote_ids} first, then {other.remote_ids}.")
        elif recovery is Recovery.FIND:
            work.check_found(handle)
            work.wait(handle)
            work.check_found(handle)
        elif running.call("find", partial(running.jobs.find, work.key)) == "absent":
            fail("a key that was sent is 'absent'.")
        work.check(handle)
        work.check_accepted_once()

    def test_key_never_sent_is_not_found(self, running: Subject) -> None:
        """No handle is found for a key that was never sent; ``FIND`` says that it is ``"absent"``.

        Catches a look-up that finds anything, and one that is never certain: nothing that was
        lost on the way could ever be sent again.
        """
        key = Work(running).key
        found = running.call("find", partial(running.jobs.find, key))
        certain = running.jobs.RECOVERY is Recovery.FIND
        if found != "absent" and (certain or found != "unknown"):
            fail(f"a key that was never sent is {found!r}.")

    def test_lost_answer_is_an_unknown_outcome(self, running: Subject) -> None:
        """An answer that is lost after the work was accepted raises ``OutcomeUnknown``.

        Then the work is recovered as ``RECOVERY`` says, and is there once.

        Catches a time-out or a server error taken for a refusal, and a second attempt under
        another key.
        """
        if not running.profile.lost_answers:
            not_claimed("lost_answers")
        for name, fault in running.profile.lost_answers.items():
            work = Work(running)
            with fault():
                error = _error_of(work)
            if error is None and running.jobs.RECOVERY is Recovery.NONE:
                fail(f"{name}: it gave a handle for an answer that it cannot have heard.")
            if error is not None and not isinstance(error, OutcomeUnknown):
                fail(f"{name}: it raised {type(error).__name__}, not OutcomeUnknown: {error}")
            self._recover(work, name)
            work.check_accepted_once()

    def test_refusal_is_certain(self, running: Subject) -> None:
        """A refused submission raises, never ``OutcomeUnknown``, and can be sent again.

        Catches refusals that would wait for a person to decide.
        """
        if not running.profile.refusals:
            not_claimed("refusals")
        for name, fault in running.profile.refusals.items():
            work = Work(running)
            with fault():
                error = _error_of(work)
            if error is None:
                fail(f"{name}: it gave a handle.")
            if not isinstance(error, QCOSError) or isinstance(error, OutcomeUnknown):
                fail(f"{name}: it raised {type(error).__name__}, not an error that is certain.")
            work.check(work.submit())
            work.check_accepted_once()

    def test_late_results_are_not_made_up(self, running: Subject) -> None:
        """Before a submission is done ``fetch`` raises; then the results are right.

        Catches results that are empty, or zeros, because they are not there yet.
        """
        if running.profile.held is None:
            not_claimed("held")
        work = Work(running)
        with running.profile.held():
            handle = work.submit()
            _expect_no_counts(work, handle, "not done yet")
        work.check(handle)

    def test_cancelled_stays_cancelled(self, running: Subject) -> None:
        """What ``cancel`` calls cancelled stays so to ``poll``, and has no counts.

        Catches a request taken for its effect: the work would go on and be paid for.
        """
        if not running.profile.cancels:
            not_claimed("cancels")
        work = Work(running)
        with (running.profile.held or nullcontext)():
            handle = work.submit()
            state = running.call("cancel", partial(running.jobs.cancel, handle))
            if not isinstance(state, State):
                fail(f"cancel must return a State, not {state!r}.")
            polled = work.poll(handle).state if state.final else work.wait(handle).state
            if state.final and polled is not state:
                fail(f"cancel says {state.value}, poll says {polled.value}.")
            if running.profile.held and polled is not State.CANCELLED:
                fail(f"it had not begun and was cancelled, and is {polled.value}.")
        if polled is State.DONE:
            work.check_results(work.fetch(handle))
            return
        time.sleep(_LATER_S)
        later = work.poll(handle).state
        if later is not State.CANCELLED:
            fail(f"it was cancelled, and later {later.value}.")
        _expect_no_counts(work, handle, "cancelled")

    def test_cancel_after_the_end_changes_nothing(self, running: Subject) -> None:
        """Cancelling what is done leaves it done, and its results where they are.

        Catches results that are thrown away by a cancel that came too late.
        """
        work = Work(running)
        handle = work.submit()
        work.wait(handle)
        state = running.call("cancel", partial(running.jobs.cancel, handle))
        if state is not State.DONE:
            fail(f"it was done, and cancel says {state!r}.")
        work.check(handle)

    def test_deadline_ends_what_waits(self, running: Subject) -> None:
        """A submission is not final before its deadline and is soon after, without results.

        Catches deadlines that nobody keeps: the work runs when nobody wants it any more.
        """
        profile = running.profile
        if profile.deadline_s is None or profile.held is None:
            not_claimed("deadline_s" if profile.deadline_s is None else "held")
        work = Work(running, deadline_s=profile.deadline_s)
        with profile.held():
            handle = work.submit()
            if work.poll(handle).state.final:
                fail(f"before its deadline it is {work.poll(handle).state.value}.")
            time.sleep(profile.deadline_s)
            end = time.monotonic() + profile.deadline_s + _GRACE_S
            while not (state := work.poll(handle).state).final:
                if time.monotonic() > end:
                    fail(f"after its deadline of {profile.deadline_s:g} s it is {state.value}.")
                time.sleep(0.02)
        if work.poll(handle).state is State.DONE:
            fail("its deadline passed while it waited, and it ran.")
        _expect_no_counts(work, handle, "past its deadline")

    def _recover(self, work: Work, name: str) -> None:
        """Get at work whose answer was lost, as far as ``RECOVERY`` promises it."""
        recovery = work.subject.jobs.RECOVERY
        if recovery is Recovery.IDEMPOTENT:
            work.check(work.submit())
        elif recovery is Recovery.FIND:
            found = work.find()
            if not isinstance(found, Handle):
                fail(f"{name}: the work was accepted, and its key is {found!r}.")
            work.check(found)


def _blocks(shots: int, seed: int) -> list[Block]:
    return [Block(0, shots - shots // 2, seed), Block(1, shots // 2, seed + 100)]


def _jobs(provider: object) -> JobNodeProvider:
    if not isinstance(provider, JobNodeProvider):
        fail(f"{type(provider).__name__} is no JobNodeProvider.")
    return provider


def _error_of(work: Work) -> Exception | None:
    try:
        work.submit()
    except Exception as error:  # noqa: BLE001 - whatever it is, the check says whether it fits
        return error
    return None


def _counts(results: Sequence[TaskResult]) -> Mapping[str, Mapping[str, int]]:
    return {result.task_id: flat(counts_of(result, result.task_id)) for result in results}


def _expect_no_counts(work: Work, handle: Handle, what: str) -> None:
    """Fail if counts come back; raising, or a result with an error, is as it should be."""
    try:
        results = work.fetch(handle)
    except QCOSError:
        return
    told = [result for result in results if result.error is None]
    if told or not results:
        fail(f"it is {what}, and fetch gives {results}.")
