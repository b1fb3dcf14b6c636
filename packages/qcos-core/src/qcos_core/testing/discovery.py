"""Checks that a provider is found, and costs nothing while it is not used."""

from __future__ import annotations

from typing import ClassVar

from qcos_core.testing.base import ProviderChecks
from qcos_core.testing.fresh import look_up
from qcos_core.testing.subject import Subject
from qcos_core.testing.verdict import fail


class DiscoveryTests(ProviderChecks):
    """A provider is found by its key, and importing it imports nothing heavy."""

    AREA: ClassVar[str] = "Discovery"

    def test_key_resolves_in_a_fresh_interpreter(self, subject: Subject) -> None:
        """A fresh interpreter finds the same class under the key.

        Catches a class registered at run time only, and an entry point that names another one.
        """
        found = look_up(subject.profile.key)
        here = f"{subject.kind.__module__}:{subject.kind.__qualname__}"
        if found["class"] != here:
            fail(f"a fresh interpreter finds {found['class']}, here it is {here}.")

    def test_importing_it_imports_no_sdk(self, subject: Subject) -> None:
        """Neither Qiskit nor the vendor's SDK is imported with the provider.

        Catches an import at the top of the module that belongs inside a method: listing
        providers imports them all.
        """
        found = look_up(subject.profile.key)
        unwanted = {"qiskit", *subject.profile.sdk_modules}
        loaded = sorted(unwanted.intersection(found["modules"]))
        if loaded:
            fail(
                f"importing {found['class'].partition(':')[0]} imports {', '.join(loaded)}; "
                "import it inside the methods that need it."
            )
