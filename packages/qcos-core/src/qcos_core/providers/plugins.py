"""The plugin manager of one cluster."""

from __future__ import annotations

import logging
from typing import Any

import pluggy

from qcos_core.errors import InvalidArguments
from qcos_core.providers import discovery, hookspecs

_log = logging.getLogger(__name__)

GROUP = "qcos.plugins"


class PluginManager(pluggy.PluginManager):
    """Fallback executors and other plugins of one cluster; providers are never among them."""

    def __init__(self) -> None:
        super().__init__(hookspecs.PROJECT)
        self.add_hookspecs(hookspecs)

    def register(self, plugin: Any, name: str | None = None) -> str | None:
        """Register a plugin.

        Raises:
            InvalidArguments: it has a ``tryfirst`` executor, which would beat the nodes' own.
        """
        for attribute in dir(plugin):
            options = self.parse_hookimpl_opts(plugin, attribute)
            if options and options.get("tryfirst") and attribute == "execute":
                message = f"{name or plugin!r} has a tryfirst execute."
                hint = "It would run before every node's own provider; use trylast or nothing."
                raise InvalidArguments(message, hint=hint)
        return super().register(plugin, name)


def installed_plugins() -> PluginManager:
    """A manager with every installed plugin; one that cannot be loaded is logged and left out."""
    manager = PluginManager()
    for point in discovery.entry_points(GROUP):
        try:
            plugin = point.load()
            manager.register(plugin() if isinstance(plugin, type) else plugin, name=point.name)
        # a plugin's import can raise anything, SystemExit included, and one bad plugin must not
        # stop the others
        except (Exception, SystemExit) as error:  # noqa: BLE001
            _log.warning("plugin %s of %s is broken: %s", point.name, point.distribution, error)
    return manager
