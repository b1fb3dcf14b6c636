"""``qcos doctor``: what is installed here, what works, and why the rest does not."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import click

from qcos_core.cli import documents
from qcos_core.cli.console import WIDTH, clip, plural, say, table, wrap
from qcos_core.errors import InvalidArguments, ProviderLoadError

SCHEMA = "qcos.doctor/1"
PATIENCE_SECONDS = 10.0
_AER = "qiskit-aer"
_TOOLS = ("qiskit", "numpy", "qiskit-qasm3-import", "pluggy", "click", "rich")

_Built = tuple[list[dict[str, Any]], str | None]


@click.command(
    short_help="Report on this installation and its nodes.",
    epilog="Example: qcos doctor --json > report.json",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(as_json: bool) -> int:
    """Report on this machine, the installed packages, and every provider's nodes."""
    with documents.reserved_stdout(as_json):
        document = examine()
    if as_json:
        documents.write(document)
    else:
        say(*lines(document))
    return 0


def examine() -> dict[str, Any]:
    """The state of this installation as JSON-able data."""
    import platform

    from qcos_core.providers import calibration, host

    packages = _packages()
    providers, broken = _providers()
    return {
        "schema": SCHEMA,
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "executable": sys.executable,
        },
        "platform": platform.platform(),
        "cores": host.cores(),
        "memory_bytes": host.memory_bytes(),
        "calibrated": calibration.measurable(),
        "packages": packages,
        "providers": providers,
        "broken": broken,
        "plugins": _plugins(),
        "advice": _advice(packages),
    }


def lines(document: dict[str, Any]) -> list[str]:
    """An examination as text."""
    from qcos_core.model.text import size

    python = document["python"]
    text = ["MACHINE"]
    text += table(
        [
            ("python", f"{python['implementation']} {python['version']}"),
            ("system", document["platform"]),
            ("cores", str(document["cores"])),
            ("memory", size(document["memory_bytes"])),
            ("calibrated", _calibrated(document["calibrated"])),
        ]
    )
    text += ["", "PACKAGES", *table(list(document["packages"].items()))]
    text += ["", "PROVIDERS"]
    for provider in document["providers"]:
        text += _provider_lines(provider)
    text += _broken_lines("BROKEN PROVIDERS", document["broken"])
    working = [plugin for plugin in document["plugins"] if not plugin["cause"]]
    if working:
        text += ["", "PLUGINS"]
        text += table([(one["key"], f"{one['distribution']} {one['version']}") for one in working])
    text += _broken_lines("BROKEN PLUGINS", [one for one in document["plugins"] if one["cause"]])
    for advice in document["advice"]:
        text += ["", *wrap(f"warning: {advice}", indent=2)]
    return text


def _calibrated(measured: Mapping[str, bool]) -> str:
    """For which providers this machine was measured, and what to type for the others."""
    done = ", ".join(key for key, yes in measured.items() if yes)
    missing = [key for key, yes in measured.items() if not yes]
    if not missing:
        return done or "no provider measures anything"
    return f"{done or 'not'}; for {', '.join(missing)} type: qcos calibrate"


def _packages() -> dict[str, str]:
    """Versions of QCOS's packages, of Aer however it is packaged, and of what they stand on."""
    from importlib_metadata import distributions

    found: dict[str, str] = {}
    for distribution in distributions():
        name = (distribution.metadata["Name"] or "").lower().replace("_", "-")
        if name in _TOOLS or name.startswith(("qcos-", _AER)):
            found.setdefault(name, distribution.version)
    return dict(sorted(found.items(), key=lambda item: (not item[0].startswith("qcos-"), item)))


def _providers() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    from qcos_core.providers.registry import NodeProviderRegistry

    names = {}
    for key in NodeProviderRegistry.keys():
        with suppress(ProviderLoadError):
            names[key] = NodeProviderRegistry.get(key).DISPLAY_NAME
    built = _build_all(list(names))
    usable = []
    for key, name in names.items():
        nodes, problem = built.get(key, ([], f"gave no answer within {PATIENCE_SECONDS:.0f} s"))
        origin = NodeProviderRegistry.origin(key)
        usable.append(
            {"key": key, "name": name, "origin": origin, "nodes": nodes, "problem": problem}
        )
    broken = [
        {
            "key": plugin.key,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "cause": plugin.cause,
            "traceback": plugin.details,
        }
        for plugin in NodeProviderRegistry.broken()
    ]
    return usable, broken


def _build_all(keys: list[str]) -> dict[str, _Built]:
    """The nodes that each provider makes without arguments, or why it makes none.

    Side by side: health checks may wait for networks, and one that never ends is left behind.
    """
    built: dict[str, _Built] = {}

    def build(key: str) -> None:
        built[key] = _build(key)

    threads = [threading.Thread(target=build, args=(key,), daemon=True) for key in keys]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PATIENCE_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return dict(built)


def _build(key: str) -> _Built:
    from qcos_core.cluster.builder import ClusterBuilder

    try:
        with ClusterBuilder().add(key).build() as registry:
            return [
                {
                    "node": spec.node_id,
                    "type": spec.node_type.name,
                    "max_qubits": spec.max_qubits,
                    "online": spec.online,
                    "reason": spec.offline_reason,
                    "note": spec.metadata.get("note"),
                }
                for spec in registry
            ], None
    except (InvalidArguments, ValueError) as error:
        return [], f"needs arguments: {error}"
    # a provider is other people's code
    except BaseException as error:  # noqa: BLE001
        return [], f"cannot be built: {type(error).__name__}: {error}"


def _plugins() -> list[dict[str, Any]]:
    from qcos_core.providers import discovery
    from qcos_core.providers.plugins import GROUP, PluginManager

    manager, found = PluginManager(), []
    for point in discovery.entry_points(GROUP):
        cause = details = ""
        try:
            plugin = point.load()
            manager.register(plugin() if isinstance(plugin, type) else plugin, name=point.name)
        # an import can raise anything
        except (Exception, SystemExit) as error:  # noqa: BLE001
            cause = " ".join(f"{type(error).__name__}: {error}".split())
            details = "".join(traceback.format_exception(error))
        found.append(
            {
                "key": point.name,
                "distribution": point.distribution,
                "version": point.version,
                "cause": cause,
                "traceback": details,
            }
        )
    return found


def _advice(packages: dict[str, str]) -> list[str]:
    both = [name for name in packages if name.startswith(_AER)]
    if len(both) < 2:
        return []
    names = " and ".join(both)
    advice = (
        f"{names} are both installed. They own one import package, qiskit_aer, so one has "
        "overwritten files of the other. Uninstall both, then install one: "
        f"pip uninstall {' '.join(both)}"
    )
    return [advice]


def _provider_lines(provider: dict[str, Any]) -> list[str]:
    text = table([(provider["key"], provider["origin"], provider["name"])])
    if provider["problem"]:
        text += wrap(f"   {provider['problem']}", indent=2)
    groups: dict[str, list[str]] = {}
    for node in provider["nodes"]:
        state = "online" if node["online"] else f"offline: {node['reason']}"
        facts = [state, f"{plural(node['max_qubits'], 'qubit')}", node["note"]]
        text_of_node = "; ".join(fact for fact in facts if fact)
        groups.setdefault(text_of_node, []).append(node["node"])
    for facts_of_group, names in groups.items():
        alike = f" (+{len(names) - 1:,} alike)" if len(names) > 1 else ""
        text += wrap(f"   {names[0]}{alike}: {facts_of_group}", indent=2)
    return text


def _broken_lines(heading: str, plugins: list[dict[str, Any]]) -> list[str]:
    if not plugins:
        return []
    text = ["", heading]
    for plugin in plugins:
        source = f"{plugin['distribution']} {plugin['version']}".strip()
        line = f" {plugin['key']} ({source}): {plugin['cause']}"
        text += [clip(line, WIDTH)] if plugin["traceback"] else wrap(line, indent=2)
        text += [f"   {line}" for line in plugin["traceback"].splitlines()]
    return text
