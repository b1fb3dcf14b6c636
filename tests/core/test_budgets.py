"""Budgets, caps and rates: what may be spent, and what is set aside before it is."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from qcos_core import (
    Amount,
    BudgetExceeded,
    Estimate,
    InvalidArguments,
    Limits,
    NoCapableNode,
    PackedCounts,
    PartialResult,
    TaskResult,
)
from qcos_core.ledger.records import Job, PackedCircuit
from qcos_core.ledger.stages import Stage
from qcos_core.ledger.steps import Step
from qcos_core.ledger.store import Ledger
from qcos_core.model.answers import Answer
from qcos_core.model.budgets import Budget, Cap, Rate, Reservation, parse_amount
from qcos_core.model.results import ShardRecord
from qcos_core.model.seam import Submission, Task

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC).timestamp()
DAY = 86400
CIRCUIT = PackedCircuit("qpy", b"a circuit")


def usd(value):
    return (Amount(value, "USD"),)


class Clock:
    time = NOON

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(tmp_path, clock):
    with Ledger(tmp_path / "state", clock=clock) as opened:
        yield opened


def job(name):
    return Job(
        id=name,
        name=name,
        tags=(),
        created=NOON,
        plan={},
        cluster=None,
        settings={},
        circuits={"c0": CIRCUIT.digest},
    )


def begin(ledger, name, *tasks, budget=None, provider="acme"):
    """A job that sets aside so many USD for each task; its lease."""
    wanted = [Reservation(f"t{i}", provider, usd(value)) for i, value in enumerate(tasks)]
    return ledger.add_job(
        job(name), {CIRCUIT.digest: CIRCUIT}, budget=Budget.of(budget), reservations=wanted
    )


def send(lease, key, *tasks):
    submission = Submission(key, "n0", tuple(Task(name, "c0", ()) for name in tasks))
    lease.apply([Step(key, Stage.SENDING, submission)])


def answer(task_id, *charges):
    record = ShardRecord(task_id, "n0", "acme", "acme", False, 1, (), charges=charges)
    return Answer(Task(task_id, "c0", ()), record, PackedCounts.from_ints({0: 1}, 1))


def one(ledger):
    (found,) = ledger.spending()
    return found


class TestWhatPeopleWrite:
    @pytest.mark.parametrize(
        "text, amounts",
        [
            ("12 QPU-s", [Amount(12.0, "QPU-s")]),
            ("12QPU-s, .5 USD", [Amount(12.0, "QPU-s"), Amount(0.5, "USD")]),
            ("1e3 HQC", [Amount(1000.0, "HQC")]),
            ("0 USD", [Amount(0.0, "USD")]),
        ],
    )
    def test_amounts(self, text, amounts):
        assert Budget.of(text) == Budget(tuple(amounts))

    @pytest.mark.parametrize(
        "wrong",
        ["", "12", "USD", "-1 USD", "nan USD", "inf USD", "1e999 USD", "1 USD, 2 USD", "1 USD,",
         5, 1.5, [], [5], Amount(-1.0, "USD"), Amount(float("nan"), "USD"), Amount(1.0, ""),
         Amount(True, "USD"), {"USD": 5}],
    )  # fmt: skip
    def test_what_is_no_budget(self, wrong):
        with pytest.raises(InvalidArguments, match="12 QPU-s"):
            Budget.of(wrong)

    @pytest.mark.parametrize("text", ["any", " Any "])
    def test_any(self, text):
        assert Budget.of(text) == Budget(accepts_unknown=True)

    def test_nothing_is_no_limit_and_no_consent(self):
        assert Budget.of(None) == Budget()

    @given(st.floats(0, 1e12), st.sampled_from(["USD", "QPU-s", "GPU-h", "HQC"]))
    def test_amounts_are_read_as_they_are_shown(self, value, unit):
        assert parse_amount(str(Amount(value, unit))).value == pytest.approx(value, rel=1e-5)

    def test_rates(self):
        assert Rate.parse("10 QPU-s = 16 USD") == Rate("QPU-s", Amount(1.6, "USD"))

    @pytest.mark.parametrize("wrong", ["1 USD", "1 USD = 2 USD", "0 QPU-s = 1 USD", "x = y"])
    def test_what_is_no_rate(self, wrong):
        with pytest.raises(InvalidArguments):
            Rate.parse(wrong)


class TestJobs:
    def test_what_it_costs_takes_the_place_of_what_was_set_aside(self, ledger):
        with begin(ledger, "a", 3.0, 4.0, budget="10 USD") as lease:
            assert ledger.reserved("a") == usd(7.0)
            send(lease, "a-1", "t0", "t1")
            lease.apply([Step("a-1", Stage.DONE, answers=(answer("t0", *usd(2.5)),))])
            assert (ledger.reserved("a"), ledger.charges("a")) == (usd(4.0), usd(2.5))
            lease.finish("partial", {})
        assert (ledger.reserved("a"), ledger.charges("a")) == ((), usd(2.5))

    def test_where_nobody_says_what_it_cost_all_of_it_counts(self, ledger):
        with begin(ledger, "a", 3.0) as lease:
            send(lease, "a-1", "t0")
            lease.apply([Step("a-1", Stage.DONE, answers=(answer("t0"),))])
        assert (ledger.reserved("a"), ledger.charges("a")) == ((), usd(3.0))

    def test_what_proved_to_be_free_is_free(self, ledger):
        with begin(ledger, "a", 3.0) as lease:
            send(lease, "a-1", "t0")
            lease.apply([Step("a-1", Stage.DONE, answers=(answer("t0", Amount(0.0, "USD")),))])
        assert (ledger.reserved("a"), ledger.charges("a")) == ((), usd(0.0))

    def test_what_is_given_up_may_have_cost_all_of_it(self, ledger):
        with begin(ledger, "a", 3.0, 4.0) as lease:
            send(lease, "a-1", "t0")
            lease.apply([Step("a-1", Stage.UNKNOWN)])
            lease.apply([Step("a-1", Stage.ABANDONED)])
            lease.finish("failed", {})
        assert (ledger.reserved("a"), ledger.charges("a")) == ((), usd(3.0))

    def test_a_failed_attempt_is_charged_and_another_must_fit_beside_it(self, ledger):
        with begin(ledger, "a", 6.0, budget="10 USD") as lease:
            send(lease, "a-1", "t0")
            failed = Step("a-1", Stage.FAILED, charges=usd(5.0), provider="acme")
            lease.apply([failed])
            assert ledger.charges("a") == usd(5.0)
            again = [Reservation("t0", "acme", usd(6.0))]
            with pytest.raises(BudgetExceeded, match=r"6 USD would be set aside, and 5 USD"):
                lease.reserve(again)
            lease.reserve([Reservation("t0", "acme", usd(5.0))])
        assert ledger.reserved("a") == usd(5.0)

    def test_a_job_above_its_budget_is_not_stored(self, ledger):
        with pytest.raises(BudgetExceeded, match=r"budget of job a, 5 USD"):
            begin(ledger, "a", 3.0, 3.0, budget="5 USD")
        assert ledger.jobs() == []
        assert ledger.spending() == []
        begin(ledger, "a", 3.0, 2.0, budget="5 USD").release()

    def test_a_budget_says_something_of_each_unit(self, ledger):
        with pytest.raises(BudgetExceeded, match="says nothing of USD"):
            begin(ledger, "a", 3.0, budget="5 QPU-s")
        ledger.set_rate(Rate("QPU-s", Amount(2.0, "USD")))
        begin(ledger, "b", 3.0, budget="5 QPU-s").release()
        with pytest.raises(BudgetExceeded, match=r"5\.5 QPU-s would be set aside"):
            begin(ledger, "c", 11.0, budget="5 QPU-s")


class TestCaps:
    def test_jobs_share_it(self, ledger):
        ledger.set_cap(Cap("acme", "total", Amount(10.0, "USD")))
        begin(ledger, "a", 6.0).release()
        with pytest.raises(BudgetExceeded, match=r"cap of 10 USD in all for acme"):
            begin(ledger, "b", 5.0)
        begin(ledger, "c", 4.0).release()
        begin(ledger, "d", 50.0, provider="other").release()

    def test_one_for_all_providers(self, ledger):
        ledger.set_cap(Cap("*", "total", Amount(10.0, "USD")))
        begin(ledger, "a", 6.0).release()
        with pytest.raises(BudgetExceeded, match="all providers"):
            begin(ledger, "b", 5.0, provider="other")

    def test_one_for_each_job(self, ledger):
        ledger.set_cap(Cap("*", "job", Amount(5.0, "USD")))
        begin(ledger, "a", 5.0).release()
        begin(ledger, "b", 5.0).release()
        with pytest.raises(BudgetExceeded, match="per job"):
            begin(ledger, "c", 5.5)

    @pytest.mark.parametrize("period, later", [("day", DAY), ("month", 31 * DAY)])
    def test_a_period_ends(self, ledger, clock, period, later):
        ledger.set_cap(Cap("acme", period, Amount(10.0, "USD")))
        with begin(ledger, "a", 10.0) as lease:
            send(lease, "a-1", "t0")
            lease.apply([Step("a-1", Stage.DONE, answers=(answer("t0"),))])
        with pytest.raises(BudgetExceeded, match=f"per {period}"):
            begin(ledger, "b", 1.0)
        clock.time += later
        with begin(ledger, "c", 10.0):
            pass

    def test_what_is_set_aside_counts_until_it_is_known(self, ledger, clock):
        ledger.set_cap(Cap("acme", "day", Amount(10.0, "USD")))
        begin(ledger, "a", 10.0).release()
        clock.time += 3 * DAY
        with ledger.lease("a") as lease:
            with pytest.raises(BudgetExceeded):
                lease.reserve([Reservation("t1", "acme", usd(1.0))])
            assert ledger.reserved("a") == usd(10.0)

    def test_each_provider_s_cap_is_about_what_that_provider_is_to_cost(self, ledger):
        """One is over its cap in USD; a job that pays it in credits may go on, none in USD may."""
        ledger.set_cap(Cap("acme", "total", Amount(5.0, "USD")))
        with begin(ledger, "a", 5.0) as lease:
            send(lease, "a-1", "t0")
            lease.apply([Step("a-1", Stage.DONE, answers=(answer("t0", *usd(7.0)),))])
        mixed = [
            Reservation("t0", "acme", (Amount(1.0, "HQC"),)),
            Reservation("t1", "other", usd(3.0)),
        ]
        ledger.add_job(job("b"), {CIRCUIT.digest: CIRCUIT}, reservations=mixed).release()
        with pytest.raises(BudgetExceeded, match="7 USD are spent"):
            begin(ledger, "c", 1.0)

    def test_a_cap_that_is_full_leaves_nothing_for_what_nobody_can_price(self, ledger):
        ledger.set_cap(Cap("acme", "total", Amount(5.0, "USD")))
        some = [Reservation("t0", "acme", usd(5.0)), Reservation("t1", "acme", ())]
        with pytest.raises(BudgetExceeded, match="5 USD would be set aside"):
            ledger.add_job(job("a"), {CIRCUIT.digest: CIRCUIT}, reservations=some)
        ledger.add_job(job("a"), {CIRCUIT.digest: CIRCUIT}, reservations=some[:1]).release()

    def test_set_again_and_dropped(self, ledger):
        ledger.set_cap(Cap("acme", "day", Amount(1.0, "USD")))
        ledger.set_cap(Cap("acme", "day", Amount(2.0, "USD")))
        assert ledger.caps() == [Cap("acme", "day", Amount(2.0, "USD"))]
        ledger.drop_cap("acme", "day", "USD")
        assert ledger.caps() == []
        with pytest.raises(InvalidArguments, match="no cap in USD per day for acme"):
            ledger.drop_cap("acme", "day", "USD")

    def test_spending(self, ledger, clock):
        for name, later in (("a", 0), ("b", 20 * DAY), ("c", 20 * DAY)):
            clock.time = NOON + later
            with begin(ledger, name, 2.0, 1.0) as lease:
                send(lease, f"{name}-1", "t0")
                lease.apply([Step(f"{name}-1", Stage.DONE, answers=(answer("t0"),))])
        found = one(ledger)
        assert (found.provider, found.unit) == ("acme", "USD")
        assert (found.reserved, found.day, found.month, found.total) == (3.0, 4.0, 4.0, 6.0)


@pytest.fixture
def priced(zeros_provider):
    """A paid node; ``None`` for a price that nobody knows."""

    def make(each, *, charged=None, bounds=(), max_shots=None):
        class Priced(zeros_provider):
            def limits(self, node):
                return Limits(simulated=False, paid=True, bounds=bounds, max_shots=max_shots)

            def estimate_run(self, profile, shots, node, options):
                return None if each is None else Estimate(charges=usd(1.0 + each * shots))

            def run_task(self, task, circuit, node):
                counts = PackedCounts.from_ints({0: task.shots}, circuit.num_clbits)
                charges = usd(1.0 + each * task.shots) if charged is None else charged
                return TaskResult(task.id, counts, charges=charges)

        return Priced()

    return make


class TestRuns:
    def test_a_price_that_nobody_knows_and_a_cap_that_is_used_up(self, machine, priced, bell):
        qvm = machine(priced(None, charged=usd(3.0)))
        with Ledger() as ledger:
            ledger.set_cap(Cap("Priced", "total", Amount(3.0, "USD")))
        try:
            assert qvm.run(bell, 100, budget="any").charges == usd(3.0)
            with pytest.raises(BudgetExceeded, match="3 USD are spent"):
                qvm.run(bell, 100, budget="any")
        finally:
            with Ledger() as ledger:
                ledger.drop_cap("Priced", "total", "USD")

    def test_a_price_that_nobody_knows_needs_consent(self, machine, priced, bell):
        qvm = machine(priced(None, charged=usd(3.0)))
        with pytest.raises(NoCapableNode, match=r"cannot say how much; budget='any' accepts"):
            qvm.run(bell, 100)
        with pytest.raises(NoCapableNode, match="cannot say how much"):
            qvm.run(bell, 100, budget="100 USD")
        assert qvm.run(bell, 100, budget="any").charges == usd(3.0)

    def test_a_budget_bounds_it_where_the_node_keeps_to_it(self, machine, priced, bell):
        qvm = machine(priced(None, charged=usd(2.0), bounds=("USD",)))
        with pytest.raises(NoCapableNode, match="budget='10 USD' bounds it"):
            qvm.run(bell, 100)
        assert qvm.run([bell, bell], 100, budget="5 USD")[0].charges == usd(2.0)

    def test_nothing_is_sent_above_the_budget(self, machine, priced, bell):
        qvm = machine(priced(0.01))
        assert qvm.plan(bell, 100).charges == usd(2.0)
        with pytest.raises(BudgetExceeded, match=r"1\.9 USD.*2 USD would be set aside"):
            qvm.run(bell, 100, budget="1.9 USD")
        assert qvm.run(bell, 100, budget="2 USD").charges == usd(2.0)

    def test_parts_of_a_circuit_are_priced_one_by_one(self, machine, priced, bell):
        qvm = machine(priced(0.01, max_shots=40))
        plan = qvm.plan(bell, 100, budget="4 USD")
        assert [shard.task.shots for shard in plan.shards] == [34, 33, 33]
        assert plan.charges == usd(4.0)
        assert qvm.run(bell, 100, budget="4 USD").charges == usd(4.0)

    @pytest.mark.parametrize("charges", [usd(float("nan")), usd(-1.0), "much", (5,), None])
    def test_what_is_no_charge_counts_as_what_was_set_aside(self, machine, priced, bell, charges):
        job = machine(priced(0.01, charged=charges or ())).submit(bell, 100)
        assert job.result(timeout=60).shots == 100
        assert (job.charges, job.reserved) == (usd(2.0), ())

    @pytest.mark.parametrize(
        "charges", [usd(-1.0), usd(float("nan")), (Amount(1.0, ""),), (5,), "x"]
    )
    def test_a_price_that_cannot_be_right_is_no_price(self, machine, zeros_provider, bell, charges):
        class Wrong(zeros_provider):
            def limits(self, node):
                return Limits(simulated=False, paid=True)

            def estimate_run(self, profile, shots, node, options):
                return Estimate(charges=charges)

        with pytest.raises(NoCapableNode, match=r"charges=.*no amounts from 0"):
            machine(Wrong()).run(bell, 10, budget="any")

    def test_a_fee_and_a_price_in_one_unit_are_one_amount(self, machine, zeros_provider, bell):
        class Fee(zeros_provider):
            def limits(self, node):
                return Limits(simulated=False, paid=True)

            def estimate_run(self, profile, shots, node, options):
                return Estimate(
                    charges=(Amount(0.3, "USD"), Amount(1.0, "HQC"), Amount(0.2, "USD"))
                )

        job = machine(Fee()).submit(bell, 10, budget="0.5 USD, 1 HQC")
        assert job.plan.charges == (Amount(1.0, "HQC"), Amount(0.5, "USD"))
        assert job.result(timeout=60).shots == 10
        assert set(job.charges) == set(job.plan.charges)

    @pytest.mark.parametrize("paid", [None, False])
    @pytest.mark.parametrize("simulated", [None, True, False])
    def test_a_price_counts_whether_the_limits_speak_of_money_or_not(
        self, machine, zeros_provider, bell, paid, simulated
    ):
        class Quiet(zeros_provider):
            def limits(self, node):
                return Limits(simulated=simulated, paid=paid)

            def estimate_run(self, profile, shots, node, options):
                return Estimate(charges=usd(2.0))

        qvm = machine(Quiet())
        with pytest.raises(BudgetExceeded, match="2 USD would be set aside"):
            qvm.run(bell, 10, budget="1 USD")
        assert qvm.run(bell, 10, budget="2 USD").shots == 10

    @pytest.mark.parametrize("bounds", ["USD", ["USD"], (5,), None])
    def test_bounds_are_units(self, machine, priced, bell, bounds):
        with pytest.raises(NoCapableNode, match="not a tuple of units"):
            machine(priced(0.01, bounds=bounds)).run(bell, 10)

    def test_free_nodes_need_no_budget(self, machine, bell, zeros_provider):
        assert machine(zeros_provider()).run(bell, 10, budget="0 USD").charges == ()


def test_a_second_attempt_that_cannot_be_paid_is_not_made(machine, zeros_provider, bell):
    """The first one fails after it was charged more than anybody expected."""

    class Dear(zeros_provider):
        tries = 0

        def limits(self, node):
            return Limits(simulated=False, paid=True)

        def estimate_run(self, profile, shots, node, options):
            return Estimate(charges=usd(1.0))

        def run_task(self, task, circuit, node):
            Dear.tries += 1
            shots = task.shots if Dear.tries > 1 else task.shots - 1
            counts = PackedCounts.from_ints({0: shots}, circuit.num_clbits)
            return TaskResult(task.id, counts, charges=usd(4.5))

    with pytest.raises(PartialResult, match="5 USD, does not leave enough") as caught:
        machine(Dear()).run(bell, 100, budget="5 USD")
    assert caught.value.results[0].shots == 99
    assert Dear.tries == 1
