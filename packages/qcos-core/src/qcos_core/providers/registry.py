"""The registry of provider classes: installed ones by entry point, others at run time."""

from __future__ import annotations

import builtins
import difflib
import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any, ClassVar

from qcos_core.errors import InvalidArguments, ProviderLoadError, QCOSError, UnknownProvider
from qcos_core.model.nodes import QPUNodeSpec
from qcos_core.providers import discovery
from qcos_core.providers.base import SEAM_VERSION, NodeProvider
from qcos_core.providers.discovery import BrokenPlugin, EntryPoint

_log = logging.getLogger(__name__)

PACKAGES = {
    "local_cpu": "qcos-aer",
    "local_gpu_aer": "qcos-aer",
    "local_gpu_mps": "qcos-aer",
    "local_gpu_cuquantum": "qcos-cuquantum",
    "lumi_amd_gpu": "qcos-lumi",
    "azure_quantum": "qcos-azure",
    "ibm_quantum": "qcos-ibm",
    "aws_braket": "qcos-braket",
    "custom_rest": "qcos-rest",
}
"""Which package brings a key, so that an error can name it."""


class NodeProviderRegistry:
    """Every provider class this process can use, by key. All methods are class methods."""

    _registered: ClassVar[dict[str, type[NodeProvider]]] = {}
    _loaded: ClassVar[dict[str, type[NodeProvider] | BrokenPlugin]] = {}
    _lock = RLock()

    @classmethod
    def register(
        registry,  # noqa: N804 - `cls` is what the reference calls the provider's class
        name: str,
        cls: type[NodeProvider],
        *,
        replace: bool = False,
    ) -> None:
        """Register a provider class under a key.

        Registering a class again that was redefined under the same module and name, as a
        notebook does, replaces it.

        Args:
            name: the key.
            cls: a concrete subclass of :class:`NodeProvider`.
            replace: take the key over from another class.

        Raises:
            InvalidArguments: not a key, not a usable provider class, or the key is taken.
        """
        if not isinstance(name, str) or not name or set(name) & set(": ,=\n"):
            message = f"a provider's key must be a name without ':', ',', '=' or spaces: {name!r}."
            raise InvalidArguments(message)
        problem = _problem(cls)
        if problem:
            message = f"cannot register {name!r}: {problem}."
            raise InvalidArguments(message)
        with registry._lock:
            owner = registry._owner(name, cls)
            if owner and not replace:
                message = f"the key {name!r} belongs to {owner} already."
                hint = "Choose another key, or pass replace=True to take it over."
                raise InvalidArguments(message, hint=hint)
            registry._registered[name] = cls

    @classmethod
    def unregister(cls, name: str) -> None:
        """Take back what ``register`` did; an installed provider of that key shows again.

        Raises:
            UnknownProvider: nothing was registered under this key.
        """
        with cls._lock:
            if cls._registered.pop(name, None) is None:
                message = f"no provider was registered at run time under {name!r}."
                raise UnknownProvider(message)

    @classmethod
    def get(cls, name: str) -> type[NodeProvider]:
        """The provider class of a key; its module is imported now, if it was not before.

        Raises:
            UnknownProvider: no provider has this key; it is a ``KeyError`` too.
            ProviderLoadError: the plugin cannot be used.
        """
        with cls._lock:
            if name in cls._registered:
                return cls._registered[name]
            if name not in cls._loaded:
                cls._loaded[name] = _load(name, cls._claims(name))
            found = cls._loaded[name]
        if isinstance(found, BrokenPlugin):
            raise found.error()
        return found

    @classmethod
    def keys(cls) -> builtins.list[str]:
        """Every known key, working or broken, without importing any provider."""
        points = discovery.entry_points(discovery.GROUP)
        return sorted({*cls._registered, *(point.name for point in points)})

    @classmethod
    def require(cls, name: str) -> None:
        """Check that a key is known, from names alone.

        Raises:
            UnknownProvider: it is not; the message names the package that would bring it.
        """
        if name not in cls._registered:
            cls._claims(name)

    @classmethod
    def list(cls) -> dict[str, str]:
        """All usable providers as ``{key: DISPLAY_NAME}``; broken ones are logged."""
        names = {}
        for key in cls.keys():
            try:
                names[key] = cls.get(key).DISPLAY_NAME
            except ProviderLoadError as error:
                _log.warning("%s", error)
        return names

    @classmethod
    def broken(cls) -> builtins.list[BrokenPlugin]:
        """The installed plugins that cannot be used, one entry each."""
        for key in cls.keys():
            try:
                cls.get(key)
            except ProviderLoadError:
                continue
        return [
            found
            for key, found in sorted(cls._loaded.items())
            if isinstance(found, BrokenPlugin) and key not in cls._registered
        ]

    @classmethod
    def origin(cls, name: str) -> str:
        """Where a key comes from: ``"qcos-aer 0.1.0"``, or ``"registered at run time"``."""
        if name in cls._registered:
            return "registered at run time"
        return ", ".join(f"{p.distribution} {p.version}" for p in cls._claims(name))

    @classmethod
    def instantiate(
        cls, name: str, **kwargs: Any
    ) -> tuple[NodeProvider, builtins.list[QPUNodeSpec]]:
        """Instantiate a provider and call ``build_nodes(**kwargs)`` in one step.

        Raises:
            UnknownProvider: no provider has this key.
            ProviderLoadError: the plugin cannot be used.
            InvalidArguments: missing or wrong keyword arguments, or no nodes came back; it is a
                ``ValueError`` too.
        """
        provider = configured(name, cls.get(name), kwargs)
        return provider, built(name, provider, kwargs)

    @classmethod
    def _claims(cls, name: str) -> builtins.list[EntryPoint]:
        claims = [p for p in discovery.entry_points(discovery.GROUP) if p.name == name]
        if not claims:
            raise _unknown(name, cls.keys())
        return claims

    @classmethod
    def _owner(cls, name: str, provider: type[NodeProvider]) -> str | None:
        other = cls._registered.get(name)
        if other is not None:
            same = (other.__module__, other.__qualname__) == (
                provider.__module__,
                provider.__qualname__,
            )
            return None if same else f"{other.__module__}.{other.__qualname__}"
        value = f"{provider.__module__}:{provider.__qualname__}"
        for point in discovery.entry_points(discovery.GROUP):
            if point.name == name and point.value != value:
                return f"{point.distribution} {point.version} ({point.value})"
        return None


def configured(name: str, cls: type[NodeProvider], kwargs: dict[str, Any]) -> NodeProvider:
    """An instance of a provider that has checked its arguments, offline.

    Raises:
        InvalidArguments: missing or wrong keyword arguments.
    """
    provider = cls()
    _check_kwargs(name, provider.configure, kwargs)
    with _named(name):
        provider.configure(**kwargs)
    _check_kwargs(name, provider.build_nodes, kwargs)
    return provider


def built(name: str, provider: NodeProvider, kwargs: dict[str, Any]) -> builtins.list[QPUNodeSpec]:
    """The nodes of a configured provider.

    Raises:
        InvalidArguments: wrong keyword arguments, or no list of at least one node came back.
    """
    with _named(name):
        nodes = provider.build_nodes(**kwargs)
    if not isinstance(nodes, (list, tuple)):
        message = f"{name}: build_nodes must return a list of nodes, not {type(nodes).__name__}."
        raise InvalidArguments(message)
    if not nodes:
        message = f"{name}: build_nodes returned no nodes; it must return at least one."
        raise InvalidArguments(message)
    for node in nodes:
        if not isinstance(node, QPUNodeSpec):
            message = f"{name}: build_nodes returned {type(node).__name__}, not QPUNodeSpec."
            raise InvalidArguments(message)
    return list(nodes)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Say whose arguments a plain ``ValueError`` is about."""
    try:
        yield
    except QCOSError:
        raise
    except ValueError as error:
        message = f"{name}: {error}"
        raise InvalidArguments(message) from error


def _check_kwargs(name: str, method: Callable[..., Any], kwargs: dict[str, Any]) -> None:
    signature = inspect.signature(method)
    try:
        signature.bind(**kwargs)
    except TypeError as error:
        kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        known = [p.name for p in signature.parameters.values() if p.kind in kinds]
        hint = f"It takes {', '.join(known)}." if known else "It takes no arguments."
        message = f"{name}: {error}."
        raise InvalidArguments(message, hint=hint) from None


def _load(name: str, claims: builtins.list[EntryPoint]) -> type[NodeProvider] | BrokenPlugin:
    if len(claims) > 1:
        names = " and ".join(f"{p.distribution} {p.version}" for p in claims)
        cause = f"the key is claimed by {names}: uninstall one of them"
        return BrokenPlugin(name, names, "", cause)
    point = claims[0]
    try:
        provider = point.load()
    # an import can raise anything, SystemExit included; a broken plugin must stay one line
    except (Exception, SystemExit) as error:  # noqa: BLE001
        return discovery.broken(point, error)
    problem = _problem(provider)
    if problem:
        return BrokenPlugin(name, point.distribution, point.version, problem)
    loaded: type[NodeProvider] = provider
    return loaded


def _problem(provider: Any) -> str | None:
    if not isinstance(provider, type) or not issubclass(provider, NodeProvider):
        return f"{provider!r} is not a subclass of qcos_core.NodeProvider"
    if inspect.isabstract(provider):
        missing = ", ".join(sorted(provider.__abstractmethods__))
        return f"{provider.__qualname__} does not define {missing}"
    if not isinstance(provider.DISPLAY_NAME, str) or not provider.DISPLAY_NAME:
        return f"{provider.__qualname__} has no DISPLAY_NAME"
    if provider.SEAM != SEAM_VERSION:
        return (
            f"it was written for version {provider.SEAM} of the provider interface, and this "
            f"qcos-core has version {SEAM_VERSION}: install versions that fit"
        )
    return None


def _unknown(name: str, known: builtins.list[str]) -> UnknownProvider:
    message = f"no provider {name!r} is installed."
    if name in PACKAGES:
        return UnknownProvider(message, hint=f"Run: pip install {PACKAGES[name]}.")
    close = difflib.get_close_matches(str(name), [*known, *PACKAGES], n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return UnknownProvider(message, hint=f"{hint}Installed: {', '.join(known) or 'none'}.")
