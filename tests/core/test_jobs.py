"""Providers whose work outlives a call: the interface is settled, what drives it is to come."""

import pytest

from qcos_core import (
    Handle,
    JobNodeProvider,
    NoCapableNode,
    QPUNodeSpec,
    Recovery,
    State,
    Status,
)


class Queue(JobNodeProvider):
    DISPLAY_NAME = "Queue"
    RECOVERY = Recovery.FIND

    def build_nodes(self):
        return [QPUNodeSpec("queue", "other", 5)]

    def submit(self, submission, load, node):
        return Handle(submission.key, ("1",))

    def poll(self, handles):
        return {handle.key: Status(State.QUEUED) for handle in handles}

    def fetch(self, handle):
        return []

    def cancel(self, handle):
        return State.CANCELLED


def test_who_cannot_look_up_a_key_does_not_know():
    assert Queue().find("key") == "unknown"


@pytest.mark.parametrize(
    "wrong, text",
    [
        ({"RECOVERY": "find"}, "RECOVERY is no member of Recovery, but 'find'"),
        ({"RECOVERY": None}, "RECOVERY is no member of Recovery, but None"),
        ({"SETTLE_S": None}, "SETTLE_S is no number of seconds, but None"),
        ({"SETTLE_S": float("nan")}, "SETTLE_S is no number of seconds, but nan"),
    ],
)
def test_who_does_not_say_what_can_be_recovered_gets_no_work(machine, bell, wrong, text):
    with pytest.raises(NoCapableNode, match=text):
        machine(type("Wrong", (Queue,), wrong)()).plan(bell)


def test_final_states():
    assert {state for state in State if state.final} == {
        State.DONE,
        State.FAILED,
        State.CANCELLED,
    }


def test_all_four_methods_are_needed():
    class Half(JobNodeProvider):
        DISPLAY_NAME = "Half"

        def build_nodes(self):
            return []

    with pytest.raises(TypeError, match=r"cancel.*fetch.*poll.*submit"):
        Half()
