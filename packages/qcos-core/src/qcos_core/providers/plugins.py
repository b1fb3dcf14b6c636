"""The plugin manager of one cluster."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pluggy

from qcos_core.errors import InvalidArguments
from qcos_core.model.policies import BUILT_IN, PluginPolicy
from qcos_core.providers import discovery, hookspecs

if TYPE_CHECKING:
    from pluggy import HookImpl

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
            InvalidArguments: it has a ``tryfirst`` executor, which would beat the nodes' own, or
                policies that cannot be used.
        """
        for attribute in dir(plugin):
            options = self.parse_hookimpl_opts(plugin, attribute)
            if options and options.get("tryfirst") and attribute == "execute":
                message = f"{name or plugin!r} has a tryfirst execute."
                hint = "It would run before every node's own provider; use trylast or nothing."
                raise InvalidArguments(message, hint=hint)
        registered = super().register(plugin, name)
        try:
            for implementation in self.hook.routing_policies.get_hookimpls():
                if implementation.plugin is plugin:
                    _policies(implementation)
        except InvalidArguments:
            self.unregister(plugin)
            raise
        return registered

    def routing_policies(self) -> list[PluginPolicy]:
        """Every policy that a plugin brings.

        Raises:
            InvalidArguments: a plugin's hook fails, or returns what is no policy.
        """
        found = self.hook.routing_policies.get_hookimpls()
        return [policy for implementation in found for policy in _policies(implementation)]


def _policies(implementation: HookImpl) -> list[PluginPolicy]:
    """The policies of one plugin, checked."""
    plugin = _name(implementation)
    try:
        found = implementation.function()
    # other people's code
    except Exception as error:
        message = f"routing_policies of plugin {plugin} raised {type(error).__name__}: {error}."
        raise InvalidArguments(message) from error
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and name and callable(policy) for name, policy in found.items()
    ):
        message = f"routing_policies of plugin {plugin} returned {found!r:.80}."
        raise InvalidArguments(message, hint="It must map names to functions.")
    taken = [name for name in BUILT_IN if name in found]
    if taken:
        message = f"plugin {plugin} brings a policy {taken[0]!r}, which is built in."
        raise InvalidArguments(message, hint="Give it another name.")
    return [PluginPolicy(name, plugin, policy) for name, policy in found.items()]


def _name(implementation: HookImpl) -> str:
    """What people know a plugin by; one that was registered without a name has a number there."""
    name = implementation.plugin_name
    return type(implementation.plugin).__name__ if name.isdecimal() else name


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
