"""What all parts of the kit have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from qcos_core.testing.profile import Profile
from qcos_core.testing.subject import Subject
from qcos_core.testing.verdict import fail, not_claimed


class ProviderChecks:
    """A part of the kit; an author's class derives from it and states a profile.

    Attributes:
        profile: a :class:`Profile`, or a fixture that returns one, which is asked once.
        AREA: what the checks of this part are about, in a word; for the report.
    """

    profile: Any = None
    AREA: ClassVar[str] = ""

    @pytest.fixture
    def subject(self, request: pytest.FixtureRequest) -> Subject:
        """The provider under test, one instance for all checks of a class."""
        kept = request.node.getparent(pytest.Class)
        subject = getattr(kept, "qcos_subject", None)
        if subject is None:
            subject = kept.qcos_subject = Subject(_profile(request))
            kept.addfinalizer(subject.close)
        return subject

    @pytest.fixture
    def able(self, subject: Subject) -> Subject:
        """The provider under test, where its nodes run circuits and one is online."""
        if not subject.profile.executes:
            not_claimed("executes")
        subject.needs(1)
        return subject

    @pytest.fixture
    def running(self, able: Subject) -> Subject:
        """The provider under test, where it gave its first answers well."""
        able.trial.expect()
        return able


def _profile(request: pytest.FixtureRequest) -> Profile:
    name = request.cls.__name__
    stated = getattr(request.cls, "profile", None)
    if stated is None:
        fail(f"{name} states no profile; write: profile = Profile(key=...)")
    profile = stated if isinstance(stated, Profile) else request.getfixturevalue("profile")
    if not isinstance(profile, Profile):
        fail(f"{name}.profile must be a Profile or a fixture that returns one, not {profile!r}.")
    return profile
