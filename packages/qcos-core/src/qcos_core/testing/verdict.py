"""How a check ends that does not pass."""

from __future__ import annotations

from typing import NoReturn

import pytest


def fail(message: str) -> NoReturn:
    """Fail the check that runs; the message is all that a reader sees."""
    pytest.fail(message, pytrace=False)


def not_claimed(claim: str) -> NoReturn:
    """Skip the check that runs, because nobody claimed what it is about."""
    pytest.skip(f"not claimed: {claim}")
