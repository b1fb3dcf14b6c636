"""How a check ends that does not pass. pytest is imported only then."""

from __future__ import annotations

from typing import NoReturn


def fail(message: str) -> NoReturn:
    """Fail the check that runs; the message is all that a reader sees."""
    import pytest

    pytest.fail(message, pytrace=False)


def not_claimed(claim: str) -> NoReturn:
    """Skip the check that runs, because nobody claimed what it is about."""
    import pytest

    pytest.skip(f"not claimed: {claim}")


def not_reached(reason: str) -> NoReturn:
    """Skip the check that runs, because another that fails stands before it."""
    import pytest

    pytest.skip(f"not reached: {reason}")
