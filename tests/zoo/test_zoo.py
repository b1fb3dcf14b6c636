"""Every wrong provider is rejected, by the right check and by no other than it says."""

import pytest
from zoo_all import ANIMALS, RIGHT

from qcos_core.testing import JobProviderTests, ProviderTests

CHECKS = {
    name
    for kit in (ProviderTests, JobProviderTests)
    for name in dir(kit)
    if name.startswith("test")
}


def those_that(checks, outcome):
    return {name for name, (found, _) in checks.items() if found == outcome}


@pytest.mark.parametrize("key", RIGHT)
def test_right_provider_passes_everything(verdicts, key):
    assert those_that(verdicts[key], "failed") == set()
    skips = {text for outcome, text in verdicts[key].values() if outcome == "skipped"}
    assert skips == ({"not claimed: executes"} if key == "describing" else set())


@pytest.mark.parametrize("key", ANIMALS)
def test_wrong_provider_is_rejected_by_the_right_check(verdicts, key):
    animal = ANIMALS[key]
    assert those_that(verdicts[key], "failed") == {animal.caught_by, *animal.also}


def test_every_check_can_fail():
    """A check that rejects no animal might be one that cannot fail."""
    assert {animal.caught_by for animal in ANIMALS.values()} == CHECKS
