"""The first answers of a provider: while they are wrong, no other check could say more."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from qcos_core.testing import circuits
from qcos_core.testing.verdict import fail, not_reached

if TYPE_CHECKING:
    from qcos_core.testing.subject import Subject

ANSWERS = "test_it_answers"
KEYS = "test_keys_are_as_wide_as_the_classical_bits"


class Trial:
    """The first answers, asked for once.

    Args:
        subject: the provider under test.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def expect(self, check: str = "") -> None:
        """Fail the check that these answers are about, and skip others that come after it.

        Args:
            check: :data:`ANSWERS`, :data:`KEYS`, or nothing for every other check.
        """
        if self._problem is None:
            return
        name, error = self._problem
        if name == check:
            raise error
        if check != ANSWERS:
            not_reached(f"{name} fails")

    @cached_property
    def _problem(self) -> tuple[str, BaseException] | None:
        """The first check that fails, with its error."""
        for name, check in ((ANSWERS, self._answers), (KEYS, self._keys)):
            try:
                check()
            except (Exception, SystemExit, pytest.fail.Exception) as error:  # noqa: BLE001 - kept
                return name, error
        return None

    def _answers(self) -> None:
        self._subject.counts(circuits.number(1, 1))

    def _keys(self) -> None:
        widest = self._subject.node.max_qubits
        for circuit in (circuits.number(1, 1), circuits.entangled()):
            if circuit.num_qubits > widest:
                continue
            width = circuit.num_clbits
            for key in self._subject.counts(circuit):
                bits = key.replace(" ", "") if isinstance(key, str) else ""
                if len(bits) != width or bits.strip("01"):
                    fail(f"{circuit.name} has {width} classical bits, and a key is {key!r}.")
