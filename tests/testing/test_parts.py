"""The parts that the checks stand on."""

import inspect
import socket
import threading
import time

import pytest

from qcos_core import Handle, State, Status
from qcos_core.circuits.numpy_simulator import sample
from qcos_core.testing import (
    ExecutionTests,
    JobProviderTests,
    ProviderTests,
    circuits,
    no_network,
    patience,
    submissions,
)
from qcos_core.testing.catalogue import checks

CIRCUITS = [
    circuits.number(0b01011, 5),
    circuits.entangled(),
    circuits.registers(),
    circuits.idle(),
    circuits.partial(),
    circuits.permuted(),
    circuits.wide(),
]
rejects = pytest.raises(pytest.fail.Exception)


@pytest.mark.parametrize("circuit", CIRCUITS, ids=lambda circuit: circuit.name)
def test_circuits_are_not_their_own_mirror_image(circuit):
    counts = sample(circuit, 1000, 1)
    circuits.check_counts(circuit, counts, 0.0)
    with rejects:
        circuits.check_counts(circuit, {key[::-1]: n for key, n in counts.items()}, 0.0)


@pytest.mark.parametrize("circuit", CIRCUITS, ids=lambda circuit: circuit.name)
def test_mirror_images_are_seen_through_noise(circuit):
    counts = sample(circuit, 4000, 1)
    with rejects:
        circuits.check_counts(circuit, {key[::-1]: n for key, n in counts.items()}, 0.2)


def test_noise_is_allowed_for():
    circuit = circuits.number(0b01, 2)
    noisy = {"01": 900, "00": 60, "11": 40}
    circuits.check_counts(circuit, noisy, 0.1)
    with pytest.raises(pytest.fail.Exception, match="00, 11 cannot be; expected 01"):
        circuits.check_counts(circuit, noisy, 0.0)


@pytest.mark.parametrize(
    "circuit, expected",
    [
        (circuits.mid_circuit(), circuits.MID_CIRCUIT),
        (circuits.conditional(), circuits.CONDITIONAL),
    ],
)
def test_expectations_that_are_written_down(circuit, expected):
    assert sum(expected.values()) == pytest.approx(1)
    circuits.check_counts(circuit, sample(circuit, 10**6, 1), 0.0, expected)


@pytest.mark.parametrize("counts", [{}, {"0": 0}, {"2": 5}, {5: 5}, {"": 5}])
def test_nonsense_is_rejected(counts):
    with rejects:
        circuits.check_counts(circuits.number(0, 1), counts, 0.0)


@pytest.mark.parametrize(
    "call, tried",
    [
        (lambda: socket.create_connection(("127.0.0.1", 9)), "getaddrinfo('127.0.0.1', 9"),
        (lambda: socket.socket().connect(("127.0.0.1", 9)), "connect(('127.0.0.1', 9))"),
        (lambda: socket.socket().connect_ex(("127.0.0.1", 9)), "connect_ex("),
        (lambda: socket.gethostbyname("localhost"), "gethostbyname('localhost')"),
        (
            lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
            "sendto(b'x', ('127.0.0.1', 9))",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_network_is_refused_and_what_was_tried_is_told(call, tried):
    with no_network() as found, pytest.raises(OSError, match="allows no network"):
        call()
    assert found[0].startswith(tried)


def test_network_is_back_afterwards():
    before = (socket.socket.connect, socket.getaddrinfo)
    with no_network(), pytest.raises(ZeroDivisionError):
        raise ZeroDivisionError
    assert (socket.socket.connect, socket.getaddrinfo) == before
    assert "connect" not in vars(socket.socket)


def test_sockets_within_the_machine_are_left_alone():
    first, second = socket.socketpair()
    with no_network() as tried, first, second:
        first.sendmsg([b"x"])
        assert second.recv(1) == b"x"
    assert tried == []


def test_what_hangs_is_left_behind():
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"the call gave no answer within 0\.05 s"):
        patience.within(0.05, "the call", threading.Event().wait)
    assert time.monotonic() - began < 5


def test_error_of_a_call_is_the_caller_s():
    with pytest.raises(ZeroDivisionError):
        patience.within(5, "the call", lambda: 1 / 0)


def test_calls_are_made_at_the_same_moment_and_answered_in_order():
    together = threading.Barrier(3, timeout=5)
    calls = [lambda place=place: (together.wait() >= 0, place) for place in range(3)]
    answers = patience.side_by_side(5, "a call", calls)
    assert answers == [(True, 0), (True, 1), (True, 2)]


class Answering:
    """Gives one answer after the other, and the last for ever."""

    SETTLE_S = 0.0

    def __init__(self, *answers):
        self._answers = list(answers)

    def poll(self, handles):
        return {handles[0].key: self._next()}

    def find(self, key):
        return self._next()

    def _next(self):
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


HANDLE = Handle("key", ("job",))


def test_waiting_ends_with_a_final_state():
    states = [State.UNKNOWN, State.QUEUED, State.RUNNING, State.FAILED]
    provider = Answering(*map(Status, states))
    assert submissions.wait(provider, HANDLE, 5).state is State.FAILED


def test_waiting_ends_with_the_time():
    provider = Answering(Status(State.RUNNING, poll_after_s=3600))
    with pytest.raises(TimeoutError, match=r"key was still running after 0\.05 s"):
        submissions.wait(provider, HANDLE, 0.05)


def test_look_up_is_repeated_until_the_time_is_over():
    assert submissions.find_within(Answering("absent", HANDLE), "key", 5) is HANDLE
    assert submissions.find_within(Answering("absent", HANDLE), "key", 0) == "absent"


@pytest.mark.parametrize("kit", [ProviderTests, JobProviderTests])
def test_every_check_says_what_must_hold_and_what_it_catches(kit):
    found = list(checks(kit))
    assert len({check.name for check in found}) == len(found)
    for check in found:
        assert check.area
        assert check.says.endswith("."), check
        assert check.catches.startswith("Catches "), check


def test_checks_come_in_the_order_of_an_author_s_work():
    areas = list(dict.fromkeys(check.area for check in checks(JobProviderTests)))
    assert areas == ["Discovery", "Nodes", "Execution", "Jobs"]


def test_no_check_hides_hypothesis():
    """An inherited ``@given`` would share its examples between all classes that inherit it."""
    for name, function in inspect.getmembers(ExecutionTests, inspect.isfunction):
        assert not hasattr(function, "hypothesis"), name
