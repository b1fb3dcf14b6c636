"""``qcos providers``: what is installed."""

from __future__ import annotations

from typing import Any

import click

from qcos_core.cli import documents
from qcos_core.cli.console import WIDTH, clip, one_line, say, table
from qcos_core.errors import ProviderLoadError

SCHEMA = "qcos.providers/1"


@click.command(short_help="List installed providers.", epilog="Example: qcos providers --json")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def providers(as_json: bool) -> int:
    """List the providers that are installed, and what is broken."""
    with documents.reserved_stdout(as_json):
        document = survey()
    if as_json:
        documents.write(document)
    else:
        say(*lines(document))
    return 0


def survey() -> dict[str, Any]:
    """Every installed provider as JSON-able data; no simulator or SDK is imported."""
    from qcos_core.providers.registry import NodeProviderRegistry

    usable = []
    for key in NodeProviderRegistry.keys():
        try:
            name = NodeProviderRegistry.get(key).DISPLAY_NAME
        except ProviderLoadError:
            continue
        usable.append({"key": key, "name": name, "origin": NodeProviderRegistry.origin(key)})
    broken = [
        {
            "key": plugin.key,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "cause": plugin.cause,
        }
        for plugin in NodeProviderRegistry.broken()
    ]
    return {"schema": SCHEMA, "providers": usable, "broken": broken}


def lines(document: dict[str, Any]) -> list[str]:
    """A survey as text."""
    rows = [("KEY", "NAME", "FROM")]
    rows += [(one["key"], one["name"], one["origin"]) for one in document["providers"]]
    text = table(rows)
    for plugin in document["broken"]:
        source = f"{plugin['distribution']} {plugin['version']}".strip()
        line = one_line(f"broken: {plugin['key']} ({source}): {plugin['cause']}")
        text.append(clip(f" {line}", WIDTH))
    if document["broken"]:
        text.append(" `qcos doctor` shows the tracebacks.")
    return text
