"""The plugin manager of one cluster."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy

from qcos_core.errors import InvalidArguments, ProviderLoadError
from qcos_core.model import policies, strategies
from qcos_core.providers import discovery, hookspecs

if TYPE_CHECKING:
    from pluggy import HookImpl

_log = logging.getLogger(__name__)

GROUP = "qcos.plugins"

_BUILT_IN = {
    "routing_policies": ("policy", policies.BUILT_IN),
    "strategies": ("strategy", strategies.BUILT_IN),
}
"""What each hook brings, and the names that it cannot have."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A function that a plugin brings.

    Attributes:
        kind: what it is, ``"policy"`` or ``"strategy"``.
        name: its name.
        plugin: the plugin's name.
        function: the function.
    """

    kind: str
    name: str
    plugin: str
    function: Callable[[Any], Any]

    def __call__(self, given: Any, about: str) -> Any:
        """What it returns.

        Args:
            given: what it is given.
            about: the name of the circuit, for the error.

        Raises:
            ProviderLoadError: it raised something.
        """
        try:
            return self.function(given)
        # other people's code
        except Exception as error:
            what = f"failed on {about}: {type(error).__name__}: {error}"
            raise self.error(what.rstrip(".")) from error

    def error(self, what: str) -> ProviderLoadError:
        """An error that names the plugin."""
        message = f"{self.kind} {self.name!r} of plugin {self.plugin} {what}."
        return ProviderLoadError(
            message, hint=f"Tell its author; another {self.kind} works meanwhile."
        )


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
            for hook in _BUILT_IN:
                for implementation in getattr(self.hook, hook).get_hookimpls():
                    if implementation.plugin is plugin:
                        _functions(hook, implementation)
        except InvalidArguments:
            self.unregister(plugin)
            raise
        return registered

    def brought(self, hook: str, name: str) -> Brought:
        """The function of this name that a plugin brings by a hook.

        Args:
            hook: ``"routing_policies"`` or ``"strategies"``.
            name: the name.

        Raises:
            InvalidArguments: none does; or a plugin's hook fails, or returns what is no such
                function.
            ProviderLoadError: several plugins bring it.
        """
        kind, built_in = _BUILT_IN[hook]
        implementations = getattr(self.hook, hook).get_hookimpls()
        there = [one for each in implementations for one in _functions(hook, each)]
        found = [one for one in there if one.name == name]
        if not found:
            others = [f"{one.name} (of plugin {one.plugin})" for one in there]
            message = f"{kind} {name!r} is not one of {', '.join([*built_in, *others])}."
            raise InvalidArguments(message)
        if len(found) > 1:
            plugins = " and ".join(one.plugin for one in found)
            message = f"{kind} {name!r} is brought by several plugins: {plugins}."
            raise ProviderLoadError(message, hint=f"Uninstall one, or use another {kind}.")
        return found[0]


def _functions(hook: str, implementation: HookImpl) -> list[Brought]:
    """What one plugin brings by a hook, checked."""
    plugin, (kind, built_in) = _name(implementation), _BUILT_IN[hook]
    try:
        found = implementation.function()
    # other people's code
    except Exception as error:
        message = f"{hook} of plugin {plugin} raised {type(error).__name__}: {error}."
        raise InvalidArguments(message) from error
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and name and callable(one) for name, one in found.items()
    ):
        message = f"{hook} of plugin {plugin} returned {found!r:.80}."
        raise InvalidArguments(message, hint="It must map names to functions.")
    taken = [name for name in built_in if name in found]
    if taken:
        message = f"plugin {plugin} brings a {kind} {taken[0]!r}, which is built in."
        raise InvalidArguments(message, hint="Give it another name.")
    return [Brought(kind, name, plugin, one) for name, one in found.items()]


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
