"""Wrong in what they say: discovery, nodes, secrets."""

import contextlib
import itertools
import logging
import socket
import uuid

from zoo import wrong
from zoo_right import Right

from qcos_core import QPUNodeSpec

_log = logging.getLogger(__name__)

CLUSTER = (
    "test_result_says_who_ran_it",
    "test_list_gives_what_each_gives_alone",
    "test_it_runs_away_from_the_caller_too",
)


@wrong("test_key_resolves_in_a_fresh_interpreter", "test_importing_it_imports_no_sdk")
class Unlisted(Right):
    """Is registered at run time only; nobody else can find it."""


@wrong("test_key_resolves_in_a_fresh_interpreter")
class Twofold(Right):
    """Is not the class that its entry point names."""


@wrong("test_node_ids_are_unique", *CLUSTER)
class Twins(Right):
    """Two nodes have one id."""

    def build_nodes(self, n_nodes=2, token="", host=""):
        return [QPUNodeSpec("twin", "other", 20) for _ in range(n_nodes)]


@wrong("test_node_ids_are_the_same_next_time")
class NewNames(Right):
    """Node ids are drawn anew each time."""

    def build_nodes(self, n_nodes=2, token="", host=""):
        return [QPUNodeSpec(f"node-{uuid.uuid4()}", "other", 20) for _ in range(n_nodes)]


@wrong("test_node_ids_are_the_same_next_time")
class OneMore(Right):
    """Node ids go on from the instance before."""

    _numbers = itertools.count()

    def build_nodes(self, n_nodes=2, token="", host=""):
        return [QPUNodeSpec(f"node-{next(self._numbers)}", "other", 20) for _ in range(n_nodes)]


@wrong("test_bad_arguments_are_refused_before_the_network")
class Lenient(Right):
    """Takes whatever it is given, and makes the best of it."""

    def build_nodes(self, n_nodes=2, **kwargs):
        return [QPUNodeSpec(f"lenient-{i}", "other", 20) for i in range(max(n_nodes, 1))]

    @classmethod
    def estimate_nodes(cls, n_nodes=2, **kwargs):
        return {"lenient": max(n_nodes, 1)}


@wrong("test_bad_arguments_are_refused_before_the_network")
class PhonesFirst(Right):
    """Asks its vendor first, and looks at the arguments then."""

    def build_nodes(self, n_nodes=2, token="", host="zoo.example"):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", 9), timeout=0.1)
        return super().build_nodes(n_nodes, token, host)


@wrong("test_bad_arguments_are_refused_before_the_network")
class WrongError(Right):
    """Refuses bad arguments with ``TypeError``."""

    def build_nodes(self, n_nodes=2, token="", host=""):
        if n_nodes < 1:
            raise TypeError("n_nodes")
        return super().build_nodes(n_nodes, token, host)


@wrong("test_configuring_needs_no_network")
class EarlyLogin(Right):
    """Looks its vendor up while it is configured."""

    def configure(self, n_nodes=2, token="", host="zoo.example"):
        if n_nodes > 0:
            with contextlib.suppress(OSError):
                socket.getaddrinfo("localhost", 443)


@wrong("test_estimate_nodes_counts_what_is_built")
class Miscounting(Right):
    """Its estimate ignores how many nodes were asked for."""

    @classmethod
    def estimate_nodes(cls, **kwargs):
        return {"right": 8}


@wrong("test_estimate_nodes_counts_what_is_built", "test_configuring_needs_no_network")
class EstimatesLate(Right):
    """Can estimate only once there is an instance."""

    def estimate_nodes(self, **kwargs):
        return {"right": kwargs["n_nodes"]}


class Labelled(Right):
    """Has more metadata."""

    def build_nodes(self, n_nodes=2, token="", host=""):
        nodes = super().build_nodes(n_nodes, token, host)
        for node in nodes:
            node.metadata.update(self.labels(token))
        return nodes


@wrong("test_metadata_is_json")
class ObjectInMetadata(Labelled):
    """Keeps a set in the metadata."""

    def labels(self, token):
        return {"gates": {"x", "cx"}}


@wrong("test_metadata_is_json")
class NumbersAsNames(Labelled):
    """Names facts in the metadata by numbers, which JSON turns into strings."""

    def labels(self, token):
        return {"error rates": {0: 0.01, 1: 0.02}}


@wrong("test_secrets_show_nowhere")
class SecretInMetadata(Labelled):
    """Copies its token into the metadata."""

    def labels(self, token):
        return {"endpoint": f"https://zoo.example/?auth={token}"}


@wrong("test_secrets_show_nowhere")
class SecretInRepr(Right):
    """Shows its token in its ``repr``."""

    def configure(self, n_nodes=2, token="", host=""):
        self._token = token

    def __repr__(self):
        return f"SecretInRepr({self._token!r})"


@wrong("test_secrets_show_nowhere")
class SecretInLog(Right):
    """Logs what it was given."""

    def configure(self, **kwargs):
        _log.debug("configured with %s", kwargs)


@wrong("test_secrets_show_nowhere")
class SecretInOutput(Right):
    """Prints what it was given."""

    def configure(self, **kwargs):
        print("configured with", kwargs)


@wrong("test_secrets_show_nowhere")
class SecretInError(Right):
    """Quotes all arguments when one of them is wrong."""

    def configure(self, **kwargs):
        if kwargs.get("n_nodes", 1) < 1:
            raise ValueError(f"these arguments are wrong: {kwargs}")


@wrong("test_secrets_show_nowhere", secrets={"pin": "zoo-secret-pin"})
class UndeclaredSecret(Right):
    """Takes a secret whose name does not say so, and does not declare it."""

    def build_nodes(self, n_nodes=2, token="", host="", pin=""):
        return super().build_nodes(n_nodes, token, host)


@wrong("test_secrets_show_nowhere")
class UnlookedForSecret(Right):
    """Takes a second secret, which its profile has no value for."""

    def build_nodes(self, n_nodes=2, token="", host="", api_key=""):
        return super().build_nodes(n_nodes, token, host)


@wrong("test_nodes_are_online_or_say_why")
class Asleep(Right):
    """Is offline, and nobody expected that."""

    def health_check(self):
        return False


@wrong("test_nodes_are_online_or_say_why", offline="no licence")
class WrongReason(Right):
    """Is offline for another reason than the one its profile expects."""

    def node_health(self, nodes):
        return {node.node_id: "no route to zoo.example" for node in nodes}


@wrong("test_limits_are_limits", *CLUSTER)
class LooseLimits(Right):
    """Says 0 where it means that there is no limit."""

    def limits(self, node):
        from dataclasses import replace

        return replace(super().limits(node), max_in_flight=0)


@wrong("test_unknown_options_are_refused")
class DropsOptions(Right):
    """Ignores options that it does not know."""

    def check_options(self, options):
        return {}


@wrong("test_estimate_run_estimates", *CLUSTER)
class BareSeconds(Right):
    """Estimates a bare number of seconds."""

    def estimate_run(self, profile, shots, node, options):
        return 0.5


@wrong("test_estimate_run_estimates")
class UpsideDown(Right):
    """Its estimates have the most time first."""

    def estimate_run(self, profile, shots, node, options):
        from qcos_core.model.plans import Estimate

        return Estimate(seconds=(2.0, 1.0))


@wrong("test_estimate_run_estimates", *CLUSTER)
class Percent(Right):
    """Estimates its fidelity in percent."""

    def estimate_run(self, profile, shots, node, options):
        from qcos_core.model.plans import Estimate

        return Estimate(fidelity=98.5)


@wrong("test_profile_run_profiles", *CLUSTER)
class ShowsTheCircuit(Right):
    """Returns the circuit that it would run, and not the facts about it."""

    def profile_run(self, circuit, profile, node, options):
        return circuit


@wrong("test_parts_have_options_or_are_barred")
class SaysFalse(Right):
    """Bars parts of circuits with False."""

    def restrict_options(self, options, part, qubits):
        return False


@wrong("test_calibrate_measures")
class Instantaneous(Right):
    """Has measured that a run takes no time."""

    @classmethod
    def calibrate(cls):
        return {"run": 0.0}


@wrong("test_closing_it_twice_is_harmless")
class ClosesOnce(Right):
    """Cannot be closed twice."""

    def configure(self, **kwargs):
        self._connection = object()

    def close(self):
        del self._connection
