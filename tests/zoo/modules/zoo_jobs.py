"""Wrong in work that outlives a call: batches, keys, states, answers."""

import threading
import time
from dataclasses import replace

from queue_provider import PlainProvider, QueueProvider, TaggingProvider
from zoo import wrong

from qcos_core import (
    Handle,
    JobFailed,
    NodeOffline,
    OutcomeUnknown,
    PackedCounts,
    Recovery,
    State,
    Status,
    TaskResult,
)

WITH_COUNTS = (
    "test_batch_gives_what_each_gives_alone",
    "test_done_means_that_results_are_there",
    "test_fetch_can_be_repeated",
    "test_fresh_process_goes_on",
    "test_recovery_works_as_declared",
    "test_lost_answer_is_an_unknown_outcome",
    "test_refusal_is_certain",
    "test_late_results_are_not_made_up",
    "test_cancel_after_the_end_changes_nothing",
)
_SENT = {}


def turned(counts):
    """Counts with bit 0 on the left."""
    return PackedCounts.from_bitstrings(
        {format(outcome, f"0{counts.width}b")[::-1]: n for outcome, n in counts.items()},
        counts.width,
    )


@wrong("test_batch_gives_what_each_gives_alone")
class ReversedInBatches(QueueProvider):
    """Puts bit 0 on the left where a submission has several tasks."""

    def fetch(self, handle):
        results = super().fetch(handle)
        if len(results) == 1:
            return results
        return [replace(result, counts=turned(result.counts)) for result in results]


@wrong("test_batch_gives_what_each_gives_alone")
class AnswersByPlace(QueueProvider):
    """Matches results with tasks by their places, which its vendor does not keep."""

    def fetch(self, handle):
        results = super().fetch(handle)
        names = [result.task_id for result in reversed(results)]
        return [replace(r, task_id=name) for r, name in zip(results, names, strict=True)]


@wrong("test_batch_gives_what_each_gives_alone")
class FirstTask(QueueProvider):
    """Fetches the first result of a submission."""

    def fetch(self, handle):
        return super().fetch(handle)[:1]


@wrong("test_shots_are_exact", "test_blocks_add_up", *WITH_COUNTS)
class JobOneShort(QueueProvider):
    """Loses one shot of each task."""

    def fetch(self, handle):
        return [replace(r, counts=shortened(r.counts)) for r in super().fetch(handle)]


def shortened(counts):
    outcomes = dict(counts.items())
    most = max(outcomes, key=outcomes.get)
    return PackedCounts.from_ints({**outcomes, most: outcomes[most] - 1}, counts.width)


@wrong("test_recovery_is_declared")
class Undeclared(PlainProvider):
    """Does not say what can be done about a lost answer."""

    RECOVERY = None


@wrong("test_recovery_works_as_declared", "test_lost_answer_is_an_unknown_outcome")
class NewJobEachTime(PlainProvider):
    """Says that keys are idempotent, and forgets to send them."""

    RECOVERY = Recovery.IDEMPOTENT


@wrong(
    "test_recovery_works_as_declared",
    "test_lost_answer_is_an_unknown_outcome",
    "test_refusal_is_certain",
)
class CountsTwice(QueueProvider):
    """Adds the counts up that it gets for one key."""

    def configure(self, **kwargs):
        super().configure(**kwargs)
        self._sent = {}

    def submit(self, submission, load, node):
        self._sent[submission.key] = self._sent.get(submission.key, 0) + 1
        return super().submit(submission, load, node)

    def fetch(self, handle):
        times = self._sent.get(handle.key, 1)
        return [
            replace(result, counts=PackedCounts.merge([result.counts] * times))
            for result in super().fetch(handle)
        ]


@wrong("test_recovery_works_as_declared", "test_lost_answer_is_an_unknown_outcome")
class ForgetsKeys(TaggingProvider):
    """Finds no key again, and calls that certain."""

    def find(self, key):
        return "absent"


@wrong("test_recovery_works_as_declared", "test_lost_answer_is_an_unknown_outcome")
class FindsRunningOnly(TaggingProvider):
    """Looks keys up among the jobs that have not ended."""

    def find(self, key):
        found = super().find(key)
        if isinstance(found, Handle) and self.poll([found])[key].state.final:
            return "absent"
        return found


@wrong("test_recovery_works_as_declared", "test_lost_answer_is_an_unknown_outcome")
class Impatient(TaggingProvider):
    """Does not know that its vendor's lists lag behind."""

    SETTLE_S = 0.0


@wrong("test_recovery_works_as_declared")
class OverlyCertain(PlainProvider):
    """Cannot look anything up, and says that there is nothing."""

    def find(self, key):
        return "absent"


@wrong(
    "test_key_never_sent_is_not_found",
    "test_recovery_works_as_declared",
    "test_lost_answer_is_an_unknown_outcome",
)
class FindsAnything(TaggingProvider):
    """Makes a handle of any key."""

    def find(self, key):
        found = super().find(key)
        return found if isinstance(found, Handle) else Handle(key, ("job-1",))


@wrong("test_key_never_sent_is_not_found")
class NeverCertain(TaggingProvider):
    """Knows of no key that it was not sent."""

    def find(self, key):
        found = super().find(key)
        return found if isinstance(found, Handle) else "unknown"


@wrong(
    "test_done_means_that_results_are_there",
    "test_cancelled_stays_cancelled",
    "test_deadline_ends_what_waits",
)
class DoneTooEarly(QueueProvider):
    """Says that work is done as soon as it is accepted."""

    def poll(self, handles):
        found = super().poll(handles)
        return {key: replace(status, state=State.DONE) for key, status in found.items()}

    def fetch(self, handle):
        end = time.monotonic() + 0.3
        while True:
            try:
                return super().fetch(handle)
            except JobFailed:
                if time.monotonic() > end:
                    raise


@wrong("test_unknown_handles_are_unknown")
class KnowsStrangers(QueueProvider):
    """Says that work it has never heard of is done."""

    def poll(self, handles):
        return {handle.key: Status(State.DONE) for handle in handles} | super().poll(handles)


@wrong("test_unknown_handles_are_unknown")
class OneSpoilsAll(QueueProvider):
    """Raises in a poll where one handle of several is unknown."""

    def poll(self, handles):
        found = super().poll(handles)
        if len(found) < len(handles):
            raise JobFailed("there is no such job.")
        return found


@wrong("test_cancelled_stays_cancelled")
class CancelsInWords(QueueProvider):
    """Says that work is cancelled, and lets it run."""

    def cancel(self, handle):
        state = self.poll([handle])[handle.key].state
        return state if state.final else State.CANCELLED


@wrong("test_cancelled_stays_cancelled")
class ForgetsCancelling(QueueProvider):
    """Says that cancelled work runs, when it is asked a second time."""

    def configure(self, **kwargs):
        super().configure(**kwargs)
        self._asked = set()

    def poll(self, handles):
        found = super().poll(handles)
        for key, status in found.items():
            if status.state is State.CANCELLED:
                if key in self._asked:
                    found[key] = replace(status, state=State.RUNNING)
                self._asked.add(key)
        return found


@wrong("test_cancel_after_the_end_changes_nothing")
class CancelsTheDone(QueueProvider):
    """Says that work is cancelled which was done."""

    def cancel(self, handle):
        super().cancel(handle)
        return State.CANCELLED


@wrong("test_fetch_can_be_repeated")
class FetchesOnce(QueueProvider):
    """Hands results out once."""

    def configure(self, **kwargs):
        super().configure(**kwargs)
        self._fetched = set()

    def fetch(self, handle):
        if handle.key in self._fetched:
            raise JobFailed("the results were fetched already.")
        results = super().fetch(handle)
        self._fetched.add(handle.key)
        return results


@wrong("test_fresh_process_goes_on", timeout_s=2.0)
class LivesInMemory(QueueProvider):
    """Keeps what it knows of its jobs in its module."""

    def submit(self, submission, load, node):
        handle = super().submit(submission, load, node)
        _SENT[submission.key] = handle
        return handle

    def poll(self, handles):
        return super().poll([_SENT[h.key] for h in handles if h.key in _SENT])


@wrong("test_handle_is_plain_data")
class LiveHandle(QueueProvider):
    """Puts numbers where a handle has strings."""

    def submit(self, submission, load, node):
        handle = super().submit(submission, load, node)
        return replace(handle, detail={"attempt": 1})


@wrong("test_handle_is_plain_data")
class SecretInHandle(QueueProvider):
    """Keeps its token in the handle."""

    def submit(self, submission, load, node):
        handle = super().submit(submission, load, node)
        return replace(handle, detail={"authorization": f"Bearer {self._token}"})


@wrong("test_lost_answer_is_an_unknown_outcome")
class TakesItForRefused(QueueProvider):
    """Says that the node is offline where an answer was lost."""

    def submit(self, submission, load, node):
        try:
            return super().submit(submission, load, node)
        except OutcomeUnknown as error:
            raise NodeOffline("the queue does not answer.") from error


@wrong("test_lost_answer_is_an_unknown_outcome")
class TriesAgain(TaggingProvider):
    """Sends again what was not answered, though its vendor knows no keys."""

    def submit(self, submission, load, node):
        try:
            return super().submit(submission, load, node)
        except OutcomeUnknown:
            return super().submit(submission, load, node)


@wrong("test_refusal_is_certain")
class NeverSure(QueueProvider):
    """Says that the outcome is unknown where it was refused."""

    def submit(self, submission, load, node):
        try:
            return super().submit(submission, load, node)
        except OutcomeUnknown:
            raise
        except Exception as error:
            raise OutcomeUnknown("something went wrong.") from error


@wrong(
    "test_late_results_are_not_made_up",
    "test_cancelled_stays_cancelled",
    "test_deadline_ends_what_waits",
)
class ZerosWhileItWaits(QueueProvider):
    """Returns zeros while there are no results."""

    def fetch(self, handle):
        try:
            return super().fetch(handle)
        except JobFailed:
            return [TaskResult(name, PackedCounts.from_ints({0: 1}, 5)) for name in ("task",)]


@wrong("test_deadline_ends_what_waits")
class NoDeadline(QueueProvider):
    """Does not pass the deadline on."""

    def submit(self, submission, load, node):
        return super().submit(replace(submission, deadline_s=None), load, node)


@wrong("test_it_answers", timeout_s=1.0)
class PollHangs(QueueProvider):
    """Never comes back from a poll."""

    def poll(self, handles):
        threading.Event().wait()


@wrong("test_answers_are_not_mixed_up")
class AnothersAnswer(QueueProvider):
    """Keeps the last handle, and fetches that one's results."""

    _last = None

    def submit(self, submission, load, node):
        self._last = super().submit(submission, load, node)
        time.sleep(0.02)
        return self._last
