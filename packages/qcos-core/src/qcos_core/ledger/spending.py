"""What jobs cost and may cost: caps, what is set aside, and what is spent.

An amount is set aside for each task when its job is stored, in one transaction with the check of
every cap, so that two processes cannot both take the last of it. When a task is answered, what it
cost takes the place of what was set aside, again in one transaction with the answer. So after a
crash at any instant a task's cost counts once: as set aside, or as spent.

Amounts of different units are added only at the rates that the user has written down.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from qcos_core.errors import BudgetExceeded
from qcos_core.model.amounts import Amount
from qcos_core.model.budgets import EVERYWHERE, Budget, Cap, Rate, Reservation, worth_of

_ROUNDING = 1e-9

_AMONG = "(:provider IS NULL OR provider = :provider) AND (:job IS NULL OR job = :job)"
_SPENT = f"SELECT unit, sum(value) FROM charges WHERE {_AMONG} AND time >= :since GROUP BY unit"  # noqa: S608 - made of constants
_ASIDE = f"SELECT unit, sum(value) FROM reservations WHERE {_AMONG} GROUP BY unit"  # noqa: S608 - as above


@dataclass(frozen=True, slots=True)
class Spending:
    """What all jobs cost at one provider, in one unit.

    Attributes:
        provider: the provider's key.
        unit: the unit of all numbers here.
        reserved: set aside for work that has not ended.
        day: spent since the day began, in UTC.
        month: spent since the month began.
        total: spent in all.
    """

    provider: str
    unit: str
    reserved: float
    day: float
    month: float
    total: float


def limit_job(connection: sqlite3.Connection, job_id: str, budget: Budget) -> None:
    """Write what a job may cost."""
    connection.executemany(
        "INSERT INTO caps VALUES (?, ?, 'job', ?, ?)",
        [(job_id, EVERYWHERE, one.unit, one.value) for one in budget.amounts],
    )


def reserve(
    connection: sqlite3.Connection, job_id: str, wanted: Sequence[Reservation], now: float
) -> None:
    """Set amounts aside for tasks, in the place of what was set aside for them before.

    Raises:
        BudgetExceeded: a cap, or the job's own budget, does not leave so much.
    """
    for one in wanted:
        connection.execute(
            "DELETE FROM reservations WHERE job = ? AND task = ?", (job_id, one.task_id)
        )
        connection.executemany(
            "INSERT INTO reservations VALUES (?, ?, ?, ?, ?)",
            [(job_id, one.task_id, one.provider, item.unit, item.value) for item in one.amounts],
        )
    _check(connection, job_id, wanted, now)


def release(connection: sqlite3.Connection, job_id: str, tasks: Iterable[str] | None) -> None:
    """Set nothing aside any more for tasks, or for a whole job."""
    if tasks is None:
        connection.execute("DELETE FROM reservations WHERE job = ?", (job_id,))
    else:
        connection.executemany(
            "DELETE FROM reservations WHERE job = ? AND task = ?",
            [(job_id, task) for task in tasks],
        )


def charge(
    connection: sqlite3.Connection,
    job_id: str,
    key: str,
    task_id: str,
    provider: str,
    amounts: Iterable[Amount],
    now: float,
) -> None:
    """Write what something cost, unless that is known already."""
    connection.executemany(
        "INSERT OR IGNORE INTO charges (job, key, task, unit, value, provider, time)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(job_id, key, task_id, one.unit, one.value, provider, now) for one in amounts],
    )


def charge_reserved(
    connection: sqlite3.Connection, job_id: str, key: str, tasks: Iterable[str], now: float
) -> None:
    """Count as spent what was set aside for tasks of which nobody will ever know the cost."""
    for task in tasks:
        connection.execute(
            "INSERT OR IGNORE INTO charges (job, key, task, unit, value, provider, time)"
            " SELECT job, ?, task, unit, value, provider, ? FROM reservations"
            " WHERE job = ? AND task = ?",
            (key, now, job_id, task),
        )
        release(connection, job_id, [task])


def caps(connection: sqlite3.Connection) -> list[Cap]:
    """The caps for all jobs."""
    return _caps_of(connection, "")


def rates(connection: sqlite3.Connection) -> list[Rate]:
    """The user's rates."""
    rows = connection.execute("SELECT unit, value, priced FROM rates ORDER BY unit, priced")
    return [Rate(unit, Amount(value, priced)) for unit, value, priced in rows]


def spending(connection: sqlite3.Connection, now: float) -> list[Spending]:
    """What was spent and is set aside, for each provider and unit."""
    day, month = _began("day", now), _began("month", now)
    rows = connection.execute(
        "SELECT provider, unit, sum(reserved), sum(day), sum(month), sum(spent) FROM ("
        " SELECT provider, unit, 0 AS reserved, iif(time >= ?, value, 0) AS day,"
        " iif(time >= ?, value, 0) AS month, value AS spent FROM charges"
        " UNION ALL SELECT provider, unit, value, 0, 0, 0 FROM reservations"
        ") GROUP BY provider, unit ORDER BY provider, unit",
        (day, month),
    )
    return [Spending(*row) for row in rows]


def reservations(connection: sqlite3.Connection, job_id: str) -> list[Reservation]:
    """What is set aside for the tasks of a job."""
    rows = connection.execute(
        "SELECT task, provider, value, unit FROM reservations WHERE job = ? ORDER BY task, unit",
        (job_id,),
    )
    found: dict[tuple[str, str], list[Amount]] = {}
    for task, provider, value, unit in rows:
        found.setdefault((task, provider), []).append(Amount(value, unit))
    return [Reservation(*key, tuple(amounts)) for key, amounts in found.items()]


def _check(
    connection: sqlite3.Connection, job_id: str, wanted: Sequence[Reservation], now: float
) -> None:
    worth = _worth(connection)
    own = _caps_of(connection, job_id)
    units = {item.unit for one in wanted for item in one.amounts if item.value}
    unnamed = {unit for unit in units if not any((unit, cap.amount.unit) in worth for cap in own)}
    if own and unnamed:
        message = f"the budget of job {job_id} says nothing of {', '.join(sorted(unnamed))}."
        hint = "Name that unit in the budget too, or write down a rate with `qcos budget --rate`."
        raise BudgetExceeded(message, hint=hint)
    for cap in [*own, *caps(connection)]:
        mine = [one for one in wanted if cap.provider in (EVERYWHERE, one.provider)]
        counted = any(
            item.value and (item.unit, cap.amount.unit) in worth
            for one in mine
            for item in one.amounts
        )
        blind = any(not one.amounts for one in mine)  # who knows how much that is, in which unit
        if counted or blind:
            _check_cap(connection, cap, job_id, worth, now, own=cap in own, blind=blind)


def _check_cap(
    connection: sqlite3.Connection,
    cap: Cap,
    job_id: str,
    worth: Mapping[tuple[str, str], float],
    now: float,
    *,
    own: bool,
    blind: bool,
) -> None:
    unit = cap.amount.unit
    provider = None if cap.provider == EVERYWHERE else cap.provider
    job = job_id if cap.period == "job" else None
    among = {"provider": provider, "job": job, "since": _began(cap.period, now)}
    spent = _in_unit(connection.execute(_SPENT, among), unit, worth)
    aside = _in_unit(connection.execute(_ASIDE, among), unit, worth)
    used, most = spent + aside, cap.amount.value
    if used < most or (not blind and used <= most * (1 + _ROUNDING)):
        return
    what = f"the budget of job {job_id}, {cap.amount}," if own else f"the cap of {cap}"
    message = (
        f"{what} does not leave enough: with this, {aside:g} {unit} would be set aside, and "
        f"{spent:g} {unit} are spent."
    )
    hint = "`qcos budget` shows what is spent, and raises a cap."
    if own:
        hint = "Give it a larger budget, or fewer shots."
    raise BudgetExceeded(message, hint=hint)


def _in_unit(
    rows: Iterable[tuple[str, float]], unit: str, worth: Mapping[tuple[str, str], float]
) -> float:
    """The sum of amounts in one unit; what has no rate to it is left out."""
    return sum(value * worth.get((found, unit), 0.0) for found, value in rows)


def _caps_of(connection: sqlite3.Connection, job_id: str) -> list[Cap]:
    rows = connection.execute(
        "SELECT provider, period, value, unit FROM caps WHERE job = ?"
        " ORDER BY provider, period, unit",
        (job_id,),
    )
    return [Cap(provider, period, Amount(value, unit)) for provider, period, value, unit in rows]


def _worth(connection: sqlite3.Connection) -> dict[tuple[str, str], float]:
    """How much one of a unit is worth in another: the user's rates, both ways."""
    return {(unit, unit): 1.0 for unit in _units(connection)} | worth_of(rates(connection))


def _units(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT unit FROM caps UNION SELECT unit FROM charges UNION SELECT unit FROM reservations"
    )
    return [unit for (unit,) in rows]


def _began(period: str, now: float) -> float:
    """When a period began, in seconds since the epoch."""
    if period not in ("day", "month"):
        return 0.0
    moment = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (moment.replace(day=1) if period == "month" else moment).timestamp()
