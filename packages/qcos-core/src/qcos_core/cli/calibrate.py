"""``qcos calibrate``: measure this machine, so that plans expect what it can do."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import click

from qcos_core.cli import documents, failures
from qcos_core.cli.console import say, table, wrap
from qcos_core.errors import QCOSError

SCHEMA = "qcos.calibrate/1"
_BUILT_IN = "built in"
_UNITS = ((1e-6, 1e9, "ns"), (1e-3, 1e6, "us"), (1.0, 1e3, "ms"))


@click.command(
    short_help="Measure this machine for plans.",
    epilog="Example: qcos calibrate --on local_cpu",
)
@click.option(
    "--on",
    multiple=True,
    metavar="SLOT",
    help="A provider to measure for; may be repeated. Without it: all that can be.",
)
@click.option("--cluster", metavar="FILE", help="A cluster.toml whose providers to measure for.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def calibrate(on: tuple[str, ...], cluster: str | None, as_json: bool) -> int:
    """Measure what simulations take on this machine, in a few seconds.

    Plans expect what was measured last, until the simulator, its version or the machine is
    another one. Counts never depend on it. Measure while little else runs.
    """
    if on and cluster is not None:
        message = "--on and --cluster exclude each other."
        raise click.UsageError(message, click.get_current_context(silent=True))
    with documents.reserved_stdout(as_json):
        found = [_measure(key) for key in _keys(on, cluster)]
    document = {"schema": SCHEMA, "providers": found}
    if as_json:
        documents.write(document)
    else:
        say(*lines(document))
    failed = any(one["problem"] for one in found)
    return failures.FAILED if failed else failures.DONE


def lines(document: Mapping[str, Any]) -> list[str]:
    """What was measured, as text."""
    text: list[str] = []
    for one in document["providers"]:
        text += [""] * bool(text)
        if one["problem"]:
            text += wrap(f"CALIBRATION  {one['key']}: {one['problem']}", indent=2)
        elif one["coefficients"] is None:
            text.append(f"CALIBRATION  {one['key']}: there is nothing to measure")
        else:
            text.append(f"CALIBRATION  {one['key']}: measured in {one['seconds']:.1f} s")
            text += _table(one["before"] or {}, one["coefficients"])
            text += wrap(f" kept in {one['file']}", indent=2)
    return text or ["No provider that is installed measures anything."]


def _table(before: Mapping[str, float], after: Mapping[str, float]) -> list[str]:
    rows = [("COEFFICIENT", "BEFORE", "NOW")]
    for name, value in after.items():
        rows.append((name, _time(before[name]) if name in before else _BUILT_IN, _time(value)))
    return table(rows, right=(1, 2))


def _time(seconds: float) -> str:
    for limit, scale, unit in _UNITS:
        if seconds < limit:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def _keys(on: Sequence[str], cluster: str | None) -> list[str]:
    """The keys of the providers that were named, or of all that measure something."""
    from qcos_core.cluster.config import load_cluster, parse_slots
    from qcos_core.providers import calibration

    if cluster is not None or on:
        builder = parse_slots(on) if cluster is None else load_cluster(cluster)
        return list(dict.fromkeys(slot.key for slot in builder.slots))
    return list(calibration.measurable())


def _measure(key: str) -> dict[str, Any]:
    """Measure for one provider, and keep what comes of it."""
    from qcos_core.providers import calibration
    from qcos_core.providers.registry import NodeProviderRegistry

    found: dict[str, Any] = {
        "key": key,
        "before": None,
        "coefficients": None,
        "seconds": None,
        "file": None,
        "problem": None,
    }
    provider = NodeProviderRegistry.get(key)
    began = time.perf_counter()
    try:
        versions = provider.calibrated_for()
        found["before"] = calibration.stored(key, versions)
        coefficients = provider.calibrate()
        if coefficients is not None:
            found["file"] = str(calibration.store(key, versions, coefficients))
            found["coefficients"] = dict(coefficients)
            found["seconds"] = time.perf_counter() - began
    except QCOSError as error:
        found["problem"] = str(error)
    # a provider is other people's code
    except Exception as error:  # noqa: BLE001
        found["problem"] = f"measuring failed: {type(error).__name__}: {error}"
    return found
