"""Checks that circuits run right, however their provider runs them.

A call of the provider is one task, as the executor makes it: for a provider of jobs a submission
that is waited for and fetched.
"""

from __future__ import annotations

import operator
from functools import partial
from typing import Any, ClassVar

from qcos_core.model.seam import Block
from qcos_core.testing import circuits
from qcos_core.testing.base import ProviderChecks
from qcos_core.testing.circuits import check_counts, flat
from qcos_core.testing.subject import Subject
from qcos_core.testing.trial import ANSWERS, KEYS
from qcos_core.testing.verdict import fail, not_claimed

_ODD_SHOTS = (1, 7)
_AT_ONCE = 6
_SEED = 2**63 - 1
"""The largest seed that a block may have."""


class ExecutionTests(ProviderChecks):
    """Counts are exactly those of the circuit: as many shots, as many bits, in Qiskit's order."""

    AREA: ClassVar[str] = "Execution"

    def test_it_answers(self, able: Subject) -> None:
        """The smallest circuit has counts, within ``timeout_s``.

        Catches a provider that hangs, that leaves circuits to others though it claims to run
        them, and that answers for another task.
        """
        able.trial.expect(ANSWERS)

    def test_keys_are_as_wide_as_the_classical_bits(self, able: Subject) -> None:
        """A key has one bit for each classical bit of the circuit.

        Catches keys that are padded, shortened, hexadecimal or integers.
        """
        able.trial.expect(KEYS)

    def test_shots_are_exact(self, running: Subject) -> None:
        """Exactly the shots asked for come back, 1 and 7 too, in whole numbers.

        Catches one shot too few or too many, shots in round hundreds, and probabilities.
        """
        circuit = circuits.entangled()
        for shots in (*_ODD_SHOTS, running.profile.shots):
            counts = running.counts(circuit, shots)
            for key, number in counts.items():
                if not _is_whole(number):
                    fail(f"the number of shots of {key} is {number!r}.")
            if sum(counts.values()) != shots:
                fail(f"{shots} shots were asked for, {sum(counts.values())} came back.")

    def test_bit_0_is_on_the_right(self, running: Subject) -> None:
        """The bits of a key are in Qiskit's order.

        Catches the vendor's order where it is the reverse.
        """
        self._check(running, circuits.number(0b01011, 5))

    def test_counts_follow_the_distribution(self, running: Subject) -> None:
        """The counts of an entangled state are a sample of its distribution.

        Catches qubits that are sampled one by one, wrong angles, and wrong operands.
        """
        self._check(running, circuits.entangled())

    def test_registers_are_in_order(self, running: Subject) -> None:
        """The last classical register comes first in a key.

        Catches registers in the order of their declaration.
        """
        self._check(running, circuits.registers())

    def test_idle_wires_are_no_bits(self, running: Subject) -> None:
        """Wires that nothing happens on do not show in the counts.

        Catches counts of all qubits, and qubits that are renumbered without their bits.
        """
        self._check(running, circuits.idle())

    def test_unmeasured_bits_are_zero(self, running: Subject) -> None:
        """A classical bit that is never written is 0, whatever its qubit.

        Catches measurements of everything, and keys of the measured bits alone.
        """
        self._check(running, circuits.partial())

    def test_measurements_go_where_they_are_sent(self, running: Subject) -> None:
        """Each qubit is read in the classical bit that it was measured into.

        Catches bits in the order of the qubits.
        """
        self._check(running, circuits.permuted())

    def test_70_bits_are_not_cut(self, running: Subject) -> None:
        """Classical bits beyond the 64th come back.

        Catches outcomes in a 64-bit word.
        """
        self._check(running, circuits.wide())

    def test_widest_circuit_runs(self, running: Subject) -> None:
        """A circuit of ``max_qubits`` qubits runs.

        Catches a width that the node only claims.
        """
        width = running.profile.max_qubits
        if width is None:
            not_claimed("max_qubits")
        value = (1 << width) - 2
        circuit = circuits.number(value, width, "widest")
        self._check(running, circuit, {format(value, f"0{width}b"): 1.0})

    def test_circuit_is_left_as_it_was(self, running: Subject) -> None:
        """Running a circuit does not change it.

        Catches measurements taken out, or names given, in the caller's own object.
        """
        circuit = circuits.entangled()
        before = circuit.copy()
        running.counts(circuit)
        if circuit != before or circuit.name != before.name:
            fail("the circuit is another one after it ran; work on a copy.")

    def test_mid_circuit_measurement(self, running: Subject) -> None:
        """A qubit is measured, used, measured again and reset.

        Catches measurements moved to the end, and a reset that does nothing.
        """
        if not running.profile.mid_circuit:
            not_claimed("mid_circuit")
        self._check(running, circuits.mid_circuit(), circuits.MID_CIRCUIT)

    def test_conditionals(self, running: Subject) -> None:
        """``if_test`` acts on what was measured in the same shot.

        Catches conditions that are dropped, or always true.
        """
        if not running.profile.conditionals:
            not_claimed("conditionals")
        self._check(running, circuits.conditional(), circuits.CONDITIONAL)

    def test_two_runs_are_two_samples(self, running: Subject) -> None:
        """Blocks with different seeds give different counts.

        Catches a fixed seed, and answers kept from last time.
        """
        circuit = circuits.spread()
        first = running.counts(circuit, seed=1)
        if flat(first) == flat(running.counts(circuit, seed=2)):
            fail("two runs with different seeds gave the very same counts.")

    def test_same_seed_gives_same_counts(self, running: Subject) -> None:
        """A seed gives the same counts again.

        Catches a seed that is ignored, or that goes on from the run before.
        """
        self._check_seeded(running)
        circuit = circuits.spread()
        first, second = (flat(running.counts(circuit, seed=_SEED)) for _ in range(2))
        if first != second:
            fail(f"with the seed {_SEED} the counts were {first} first and {second} then.")

    def test_seed_means_the_same_on_every_node(self, running: Subject) -> None:
        """A seed gives the same counts on the last node as on the first.

        Catches a seed mixed with the node's id: counts would depend on the fleet.
        """
        self._check_seeded(running)
        nodes = running.online
        if len(nodes) < 2:
            not_claimed("two nodes")
        circuit = circuits.spread()
        first, last = (
            flat(running.counts(circuit, seed=11, node=node)) for node in (nodes[0], nodes[-1])
        )
        if first != last:
            fail(f"{nodes[0].node_id} and {nodes[-1].node_id} differ with the same seed.")

    def test_blocks_add_up(self, running: Subject) -> None:
        """The counts of a task are those of all its blocks, each drawn with its own seed.

        Catches a task of which only the first block runs, and blocks with equal data.
        """
        circuit, half = circuits.spread(), running.profile.shots // 2
        blocks = [Block(0, half, 21), Block(1, half, 22)]
        both = flat(running.run(circuit, blocks))
        if sum(both.values()) != 2 * half:
            fail(f"two blocks of {half} shots gave {sum(both.values())}.")
        if all(number % 2 == 0 for number in both.values()):
            fail("two blocks with different seeds gave the very same counts.")
        if not running.limits().seeded:
            return
        apart: dict[str, Any] = {}
        for block in blocks:
            for key, number in flat(running.run(circuit, [block])).items():
                apart[key] = apart.get(key, 0) + number
        if both != apart:
            fail("two blocks give other counts in one task than each in a task of its own.")

    def test_answers_are_not_mixed_up(self, running: Subject) -> None:
        """Circuits that run at the same time each get their own counts.

        Catches state that calls share, and locks that two threads never get.
        """
        if running.limits().max_in_flight == 1:
            not_claimed("concurrency (max_in_flight is 1)")
        running.needs(circuits.WIDEST)
        batch = [circuits.number(place + 1, circuits.WIDEST) for place in range(_AT_ONCE)]
        nodes = running.online
        calls = [
            partial(self._answer, running, circuit, nodes[place % len(nodes)])
            for place, circuit in enumerate(batch)
        ]
        answers = running.call_all(f"one of {_AT_ONCE} calls at once", calls)
        for circuit, counts in zip(batch, answers, strict=True):
            check_counts(circuit, counts, running.profile.tolerance)

    def _check(self, running: Subject, circuit: Any, expected: Any = None) -> None:
        check_counts(circuit, running.counts(circuit), running.profile.tolerance, expected)

    def _check_seeded(self, running: Subject) -> None:
        if not running.limits().seeded:
            not_claimed("seeded (by limits)")

    def _answer(self, running: Subject, circuit: Any, node: Any) -> Any:
        task = running.task(circuit, [Block(0, running.profile.shots, 31)])
        return running.answer(task, circuit, node)


def _is_whole(number: Any) -> bool:
    try:
        return operator.index(number) >= 0
    except TypeError:
        return False
