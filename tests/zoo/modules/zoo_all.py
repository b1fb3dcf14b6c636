"""The whole zoo, with the right providers that it is compared with."""

import zoo_heavy  # noqa: F401 - fills ANIMALS, as the next one does
import zoo_jobs  # noqa: F401
import zoo_nodes
from queue_provider import PlainProvider, QueueProvider, TaggingProvider
from zoo import ANIMALS
from zoo_execution import Batches
from zoo_right import Describing, Right

from qcos_core import JobNodeProvider

__all__ = ["ANIMALS", "ENTRY_POINTS", "JOBS", "KEYS", "RIGHT", "RUN_TIME"]

RIGHT = {
    "right": Right,
    "batches": Batches,
    "describing": Describing,
    "queue": QueueProvider,
    "tagging": TaggingProvider,
    "plain": PlainProvider,
}
"""The control: nothing rejects these."""

RUN_TIME = {"unlisted": zoo_nodes.Unlisted, "twofold": zoo_nodes.Twofold}
"""Registered at run time."""

_KINDS = {key: animal.kind for key, animal in ANIMALS.items()} | RIGHT
_INSTALLED = {key: kind for key, kind in _KINDS.items() if key not in RUN_TIME}

ENTRY_POINTS = {
    key: f"{kind.__module__}:{kind.__name__}"
    for key, kind in {**_INSTALLED, "twofold": Right}.items()
}
KEYS = list(_KINDS)
JOBS = [key for key, kind in _KINDS.items() if issubclass(kind, JobNodeProvider)]
