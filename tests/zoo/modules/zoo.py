"""What the animals of the zoo have in common: each does one thing wrong, and names its check."""

from dataclasses import dataclass, field

ANIMALS = {}
"""Every wrong provider, by key, once the modules of the zoo are imported."""


@dataclass(frozen=True)
class Animal:
    """A wrong provider.

    Attributes:
        key: its key.
        kind: its class; the docstring says what it does wrong.
        caught_by: the check that must reject it.
        also: every other check that rejects it.
        profile: fields of its profile that are not those of all animals.
    """

    key: str
    kind: type
    caught_by: str
    also: frozenset[str]
    profile: dict = field(default_factory=dict)


def wrong(caught_by, *also, **profile):
    """Put a class into the zoo."""

    def put(kind):
        key = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__).lstrip("_")
        ANIMALS[key] = Animal(key, kind, caught_by, frozenset(also), profile)
        return kind

    return put
