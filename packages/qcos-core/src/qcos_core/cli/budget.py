"""``qcos budget``: what was spent, what is set aside, and what may be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from qcos_core.cli import documents
from qcos_core.cli.console import say, table, wrap
from qcos_core.errors import InvalidArguments

if TYPE_CHECKING:
    from qcos_core.cluster.registry import QPURegistry
    from qcos_core.ledger.store import Ledger
    from qcos_core.model.budgets import Cap

SCHEMA = "qcos.budget/1"
_CAP_HINT = "Write it like 'ibm_quantum:day=600 QPU-s', or '*:month=50 USD' for all providers."
_DROP_HINT = "Write it like 'ibm_quantum:day=QPU-s'."


@click.command(
    short_help="Show and limit what jobs cost.",
    epilog="Example: qcos budget --cap 'ibm_quantum:day=600 QPU-s'",
)
@click.option(
    "--cap",
    "caps",
    multiple=True,
    metavar="PROVIDER:PERIOD=AMOUNT",
    help="The most that jobs may cost; PERIOD is job, day, month or total; may be repeated.",
)
@click.option(
    "--drop",
    "drops",
    multiple=True,
    metavar="PROVIDER:PERIOD=UNIT",
    help="Take a cap away; may be repeated.",
)
@click.option(
    "--rate",
    "rates",
    multiple=True,
    metavar="'1 UNIT = AMOUNT'",
    help="What a unit is worth to you in another, so that one cap counts both.",
)
@click.option(
    "--on", multiple=True, metavar="SLOT", help="Ask this provider what is left of the account."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def budget(
    caps: tuple[str, ...],
    drops: tuple[str, ...],
    rates: tuple[str, ...],
    on: tuple[str, ...],
    as_json: bool,
) -> int:
    """Show what jobs cost, provider by provider, and set caps that no job may exceed.

    What a job may cost is set aside before it is sent; a job that would exceed a cap is refused.
    Days and months are those of UTC.
    """
    from qcos_core.ledger.store import Ledger
    from qcos_core.model.budgets import Rate

    wanted = [_cap(text) for text in caps]
    unwanted = [_drop(text) for text in drops]
    priced = [Rate.parse(text) for text in rates]
    with documents.reserved_stdout(as_json), Ledger() as ledger:
        for provider, period, unit in unwanted:
            ledger.drop_cap(provider, period, unit)
        for cap in wanted:
            ledger.set_cap(cap)
        for rate in priced:
            ledger.set_rate(rate)
        document = _document(ledger, _balances(on))
    if as_json:
        documents.write(document)
    else:
        say(*_lines(document))
    return 0


def _cap(text: str) -> Cap:
    from qcos_core.model.budgets import Cap, parse_amount

    provider, period, amount = _parts(text, _CAP_HINT)
    return Cap(provider, period, parse_amount(amount))


def _drop(text: str) -> tuple[str, Any, str]:
    return _parts(text, _DROP_HINT)


def _parts(text: str, hint: str) -> tuple[str, Any, str]:
    from qcos_core.model.budgets import EVERYWHERE
    from qcos_core.providers.registry import NodeProviderRegistry

    left, equals, right = text.partition("=")
    provider, colon, period = left.rpartition(":")
    if not (equals and colon and provider and right.strip()):
        message = f"cannot read {text!r}."
        raise InvalidArguments(message, hint=hint)
    if provider.strip() != EVERYWHERE:
        NodeProviderRegistry.require(provider.strip())
    return provider.strip(), period.strip(), right.strip()


def _balances(slots: tuple[str, ...]) -> list[dict[str, Any]]:
    """What vendors say is left, provider by provider."""
    if not slots:
        return []
    from qcos_core.cluster.config import parse_slots

    with parse_slots(slots).build() as registry:
        return list(_asked(registry))


def _asked(registry: QPURegistry) -> Iterable[dict[str, Any]]:
    from qcos_core.model.amounts import sound

    asked = {id(node.provider): node for node in registry.nodes()}
    for node in asked.values():
        try:
            left = sound(node.provider.balances())
        # other people's code: one vendor that does not answer hides no other
        except Exception as error:  # noqa: BLE001
            yield {"provider": node.key, "left": [], "error": f"{type(error).__name__}: {error}"}
        else:
            yield {"provider": node.key, "left": [asdict(one) for one in left], "error": ""}


def _document(ledger: Ledger, balances: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "spending": [asdict(one) for one in ledger.spending()],
        "caps": [asdict(one) for one in ledger.caps()],
        "rates": [asdict(one) for one in ledger.rates()],
        "accounts": balances,
    }


def _lines(document: dict[str, Any]) -> list[str]:
    lines = ["SPENT"]
    rows = [("PROVIDER", "UNIT", "TODAY", "THIS MONTH", "IN ALL", "SET ASIDE")]
    rows += [
        (one["provider"] or "?", one["unit"], *(f"{one[name]:g}" for name in _COLUMNS))
        for one in document["spending"]
    ]
    lines += table(rows, right=(2, 3, 4, 5)) if len(rows) > 1 else [" nothing"]
    lines += ["", "CAPS"]
    for one in document["caps"]:
        amount = f"{one['amount']['value']:g} {one['amount']['unit']}"
        where = "all providers" if one["provider"] == "*" else one["provider"]
        lines += wrap(f" {where}, {one['period']}: {amount}", indent=2)
    if not document["caps"]:
        lines += wrap(" none; qcos budget --cap 'PROVIDER:day=10 USD' sets one", indent=2)
    for one in document["rates"]:
        lines.append(f" 1 {one['unit']} = {one['worth']['value']:g} {one['worth']['unit']}")
    if document["accounts"]:
        lines += ["", "ACCOUNTS"]
    for one in document["accounts"]:
        left = " + ".join(f"{amount['value']:g} {amount['unit']}" for amount in one["left"])
        said = one["error"] or (f"{left} left" if left else "its vendor does not tell what is left")
        lines += wrap(f" {one['provider']}: {said}", indent=2)
    return lines


_COLUMNS = ("day", "month", "total", "reserved")
