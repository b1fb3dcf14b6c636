"""Checks of the nodes that a provider builds, and of what it says about them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from functools import partial
from inspect import Parameter, signature
from typing import Any, ClassVar

import pytest

from qcos_core.circuits.profile import profile as profile_of
from qcos_core.cluster.builder import ClusterBuilder
from qcos_core.errors import InvalidArguments, QCOSError
from qcos_core.model.circuits import CircuitProfile, is_fraction
from qcos_core.model.nodes import Limits
from qcos_core.model.plans import Estimate
from qcos_core.model.redaction import is_secret_name
from qcos_core.providers import calibration
from qcos_core.testing import circuits
from qcos_core.testing.base import ProviderChecks
from qcos_core.testing.network import no_network
from qcos_core.testing.subject import Subject
from qcos_core.testing.verdict import fail, not_claimed

_SHORTEST_SECRET = 8


class NodeTests(ProviderChecks):
    """A provider describes its nodes in full, and leaks nothing in doing so."""

    AREA: ClassVar[str] = "Nodes"

    def test_node_ids_are_unique(self, subject: Subject) -> None:
        """No two nodes have the same id.

        Catches nodes that a cluster would have to refuse.
        """
        ids = [node.node_id for node in subject.nodes]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            fail(f"several nodes are called {', '.join(twice)}.")

    def test_node_ids_are_the_same_next_time(self, subject: Subject) -> None:
        """Another instance with the same arguments builds nodes of the same ids.

        Catches random ids: after a crash nobody could tell which node had the work.
        """
        first = [node.node_id for node in subject.nodes]
        second = [node.node_id for node in subject.build(subject.another())]
        if first != second:
            fail(f"the ids were {first} first and {second} the next time.")

    def test_bad_arguments_are_refused_before_the_network(self, subject: Subject) -> None:
        """Each set of ``bad_kwargs`` raises ``ValueError``, and nothing is looked up or connected.

        Catches arguments that nobody checks, other errors than ``ValueError``, and a connection
        made before the check.
        """
        if not subject.profile.bad_kwargs:
            not_claimed("bad_kwargs")
        for kwargs in subject.profile.bad_kwargs:
            with no_network() as tried:
                error = _refusal(subject, kwargs)
            if tried:
                fail(f"before it refused {_names(kwargs)} it tried {tried[0]}.")
            if error is None:
                fail(f"it accepts the bad arguments {_names(kwargs)}.")
            if not isinstance(error, ValueError):
                fail(
                    f"it refuses {_names(kwargs)} with {type(error).__name__}: {error}; "
                    "raise InvalidArguments, or another ValueError."
                )

    def test_configuring_needs_no_network(self, subject: Subject) -> None:
        """``configure`` and ``estimate_nodes`` look nothing up and connect nowhere.

        Catches a log-in too early: plans are made offline.
        """
        with no_network() as tried:
            try:
                subject.another()
                subject.kind.estimate_nodes(**subject.profile.kwargs)
            # said by other checks; here only the network counts
            except Exception:
                if not tried:
                    raise
        if tried:
            fail(f"it tried {tried[0]}.")

    def test_estimate_nodes_counts_what_is_built(self, subject: Subject) -> None:
        """``estimate_nodes`` gives numbers by label that sum to the nodes built, or ``None``.

        Catches an estimate that ignores an argument, and one that needs an instance.
        """
        estimate = subject.call(
            "estimate_nodes", lambda: subject.kind.estimate_nodes(**subject.profile.kwargs)
        )
        if estimate is None:
            return
        if not isinstance(estimate, Mapping) or not all(
            isinstance(label, str) and type(number) is int for label, number in estimate.items()
        ):
            fail(f"estimate_nodes must map labels to whole numbers; it returned {estimate!r}.")
        if sum(estimate.values()) != len(subject.nodes):
            fail(f"estimate_nodes says {dict(estimate)}, {len(subject.nodes)} were built.")

    def test_metadata_is_json(self, subject: Subject) -> None:
        """Tags and metadata come back from JSON as they went in.

        Catches objects, sets, tuples, numbers as names, and NaN.
        """
        for node in subject.nodes:
            facts = {"tags": node.tags, "metadata": node.metadata}
            try:
                back = json.loads(json.dumps(facts, allow_nan=False))
            except (TypeError, ValueError) as error:
                fail(f"{node.node_id}: its tags and metadata are not JSON: {error}.")
            if back != facts:
                fail(f"{node.node_id}: JSON turns {facts} into {back}.")

    def test_secrets_show_nowhere(
        self,
        subject: Subject,
        caplog: pytest.LogCaptureFixture,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """No secret is in a ``repr``, metadata, plan, log, output or error.

        Catches a provider that prints its arguments, and a secret that nobody declared.
        """
        _check_secrets(subject)
        secrets = subject.secrets
        caplog.set_level(logging.DEBUG)
        for place, text in _texts(subject):
            _look(place, text, secrets)
        printed = capsys.readouterr()
        for place, text in (("log", caplog.text), ("output", printed.out + printed.err)):
            _look(place, text, secrets)

    def test_nodes_are_online_or_say_why(self, subject: Subject) -> None:
        """Nodes are online, or give the reason that the profile expects.

        Catches nodes that are offline for no reason, or for another one than expected.
        """
        expected = subject.profile.offline
        for node_id, reason in subject.offline.items():
            if not expected:
                fail(f"{node_id} is offline: {reason}. Is that so here? Profile(offline=...)")
            if expected not in reason:
                fail(f"{node_id} is offline, not for {expected!r}, but: {reason}.")

    def test_limits_are_limits(self, subject: Subject) -> None:
        """``limits`` returns :class:`Limits`, whose numbers are at least 1.

        Catches a mapping in their place, and zero where ``None`` is meant.
        """
        for node in subject.nodes:
            limits = subject.limits(node)
            if not isinstance(limits, Limits):
                fail(f"limits returned {type(limits).__name__}, not Limits.")
            for name in ("max_shots", "max_tasks", "max_in_flight", "memory_bytes"):
                value = getattr(limits, name)
                if value is not None and (type(value) is not int or value < 1):
                    fail(f"{name} is {value!r}: give a whole number from 1, or None.")

    def test_unknown_options_are_refused(self, subject: Subject) -> None:
        """An option that the provider does not know raises ``InvalidArguments``.

        Catches options that are dropped in silence.
        """
        unknown = {"qcos_no_such_option": 1}
        try:
            taken = subject.call("check_options", lambda: subject.provider.check_options(unknown))
        except InvalidArguments:
            return
        fail(f"it accepts the option qcos_no_such_option and makes {taken!r} of it.")

    def test_estimate_run_estimates(self, subject: Subject) -> None:
        """``estimate_run`` returns an :class:`Estimate` with its least time first, or ``None``.

        Catches a bare number of seconds, bounds the wrong way round, and a fidelity in percent.
        """
        facts = profile_of(circuits.number(1, 1))
        for node in subject.nodes:
            ask = partial(
                subject.provider.estimate_run, facts, subject.profile.shots, node, subject.options
            )
            estimate = subject.call("estimate_run", ask)
            if estimate is None:
                continue
            if not isinstance(estimate, Estimate):
                fail(f"estimate_run returned {type(estimate).__name__}, not Estimate.")
            low, high = estimate.seconds or (0, 0)
            if not 0 <= low <= high:
                fail(f"estimate_run says from {low} to {high} seconds.")
            fidelity = estimate.fidelity
            if fidelity is not None and not is_fraction(fidelity):
                fail(f"estimate_run says fidelity={fidelity!r}: give a number from 0 to 1.")

    def test_profile_run_profiles(self, subject: Subject) -> None:
        """``profile_run`` returns the facts about a circuit, with the bits that it measures.

        Catches a transpiled circuit in the place of its facts.
        """
        circuit = circuits.number(1, 1)
        facts = profile_of(circuit)
        for node in subject.nodes:
            ask = partial(subject.provider.profile_run, circuit, facts, node, subject.options)
            found = subject.call("profile_run", ask)
            if not isinstance(found, CircuitProfile):
                fail(f"profile_run returned {type(found).__name__}, not CircuitProfile.")
            if found.num_clbits != facts.num_clbits:
                fail(f"profile_run says {found.num_clbits} classical bits of {facts.num_clbits}.")

    def test_parts_have_options_or_are_barred(self, subject: Subject) -> None:
        """``restrict_options`` returns options for a part of a circuit, or ``None`` to bar it.

        Catches ``False`` where ``None`` is meant.
        """
        facts = profile_of(circuits.number(1, 1))
        ask = partial(subject.provider.restrict_options, subject.options, facts, facts.active)
        found = subject.call("restrict_options", ask)
        if found is not None and not isinstance(found, Mapping):
            fail(f"restrict_options returned {found!r:.60}: give options, or None to bar parts.")

    def test_calibrate_measures(self, subject: Subject) -> None:
        """``calibrate`` returns numbers above 0 by name, or ``None``; ``calibrated_for`` texts.

        Catches a coefficient of 0, which a plan would divide by.
        """
        found = subject.call("calibrate", subject.kind.calibrate)
        if found is not None and not calibration.are_sound(found):
            fail(f"calibrate returned {found!r:.120}: give numbers above 0 by name.")
        versions = subject.call("calibrated_for", subject.kind.calibrated_for)
        if not isinstance(versions, Mapping) or not all(
            isinstance(name, str) and isinstance(version, str) for name, version in versions.items()
        ):
            fail(f"calibrated_for returned {versions!r:.120}: give versions by name, as texts.")

    def test_closing_it_twice_is_harmless(self, subject: Subject) -> None:
        """``close`` can be called again, and on an instance that did nothing.

        Catches a ``close`` that counts on a connection.
        """
        provider = subject.another()
        subject.call("close", provider.close)
        subject.call("close", provider.close)


def _names(kwargs: Mapping[str, Any]) -> str:
    return ", ".join(sorted(kwargs)) or "none"


def _refusal(subject: Subject, kwargs: Mapping[str, Any]) -> Exception | None:
    """What configuring and building with these arguments raises."""
    try:
        subject.build(subject.another(kwargs), kwargs)
    except Exception as error:  # noqa: BLE001 - whatever it is, the check says whether it fits
        return error
    return None


def _check_secrets(subject: Subject) -> None:
    """Fail where a secret that the provider takes has no value, or one too short to look for."""
    kind = subject.kind
    taken = {*kind.SECRETS}
    for method in (kind.configure, kind.build_nodes):
        taken |= {
            name
            for name, parameter in signature(method).parameters.items()
            if parameter.kind is not Parameter.VAR_KEYWORD and is_secret_name(name)
        }
    missing = sorted(taken - subject.secrets.keys())
    if missing:
        fail(
            f"it takes the secrets {', '.join(missing)}: put made-up values into Profile.secrets, "
            "so that the kit can look for them."
        )
    for name, value in subject.secrets.items():
        if len(value) < _SHORTEST_SECRET:
            fail(f"the value of {name} is too short to look for: {_SHORTEST_SECRET} characters.")


def _texts(subject: Subject) -> Iterable[tuple[str, str]]:
    """Every place where a person might read what a provider was given."""
    profile = subject.profile
    kwargs = {**profile.kwargs, **profile.secrets}
    try:
        provider = subject.another(kwargs)
        yield "repr of the provider", f"{provider!r} {provider}"
        for node in subject.build(provider, kwargs):
            yield f"repr of {node.node_id}", f"{node!r} {node}"
            yield f"metadata of {node.node_id}", f"{node.tags} {node.metadata}"
    except (QCOSError, OSError) as error:  # made-up secrets may be refused, but not shown
        yield "error", f"{error!r} {error}"
    for bad in profile.bad_kwargs:
        refusal = _refusal(subject, {**kwargs, **bad})
        yield f"error about {_names(bad)}", f"{refusal!r} {refusal}"
    yield "plan", ClusterBuilder().add(profile.key, **kwargs).describe()


def _look(place: str, text: str, secrets: Mapping[str, str]) -> None:
    for name, value in secrets.items():
        if value in text:
            fail(f"the secret {name} is in the {place}.")
