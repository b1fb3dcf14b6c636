"""Wrong in what they run: shots, bits, registers, seeds, threads."""

import itertools
import threading
import time

from zoo import wrong
from zoo_right import Right, sample

from qcos_core import Execution, NodeProvider, PackedCounts, TaskResult

PLACES = (
    "test_registers_are_in_order",
    "test_idle_wires_are_no_bits",
    "test_unmeasured_bits_are_zero",
    "test_measurements_go_where_they_are_sent",
    "test_70_bits_are_not_cut",
    "test_widest_circuit_runs",
)
CLUSTER = (
    "test_result_says_who_ran_it",
    "test_list_gives_what_each_gives_alone",
    "test_it_runs_away_from_the_caller_too",
)


class Changed(Right):
    """Runs right, and changes the counts then."""

    def execute(self, circuit, shots, node_spec, seed=None):
        return self.change(super().execute(circuit, shots, node_spec, seed), circuit)


@wrong("test_shots_are_exact", "test_blocks_add_up", *CLUSTER)
class OneShort(Changed):
    """Loses one shot."""

    def change(self, counts, circuit):
        most = max(counts, key=counts.get)
        return {**counts, most: counts[most] - 1}


@wrong("test_shots_are_exact", "test_blocks_add_up", *CLUSTER)
class OneExtra(Changed):
    """Runs one shot too many."""

    def change(self, counts, circuit):
        most = max(counts, key=counts.get)
        return {**counts, most: counts[most] + 1}


@wrong("test_shots_are_exact")
class RoundHundreds(Right):
    """Runs shots in hundreds, as its vendor sells them."""

    def execute(self, circuit, shots, node_spec, seed=None):
        return sample(circuit, -(-shots // 100) * 100, seed)


@wrong("test_shots_are_exact", "test_blocks_add_up", *CLUSTER)
class Probabilities(Changed):
    """Returns shares instead of shots."""

    def change(self, counts, circuit):
        total = sum(counts.values())
        return {key: number / total for key, number in counts.items()}


@wrong(
    "test_bit_0_is_on_the_right",
    *PLACES,
    *CLUSTER,
    "test_counts_follow_the_distribution",
    "test_mid_circuit_measurement",
    "test_answers_are_not_mixed_up",
)
class Reversed(Changed):
    """Puts bit 0 on the left."""

    def change(self, counts, circuit):
        return {key[::-1]: number for key, number in counts.items()}


@wrong("test_registers_are_in_order")
class RegistersSwapped(Changed):
    """Writes the first classical register first."""

    def change(self, counts, circuit):
        sizes = [register.size for register in circuit.cregs]
        starts = list(itertools.accumulate(sizes, initial=0))
        spans = list(itertools.pairwise(starts))

        def swapped(key):
            return " ".join(key[len(key) - end : len(key) - start] for start, end in spans)

        return {swapped(key): number for key, number in counts.items()}


@wrong("test_keys_are_as_wide_as_the_classical_bits")
class Padded(Changed):
    """Pads its keys to whole bytes."""

    def change(self, counts, circuit):
        return {key.zfill(-(-len(key) // 8) * 8): number for key, number in counts.items()}


@wrong("test_keys_are_as_wide_as_the_classical_bits")
class Shortened(Changed):
    """Leaves out zeros at the front of its keys."""

    def change(self, counts, circuit):
        return {key.lstrip("0") or "0": number for key, number in counts.items()}


@wrong("test_keys_are_as_wide_as_the_classical_bits")
class HexKeys(Changed):
    """Returns hexadecimal keys, as Aer does in its raw results."""

    def change(self, counts, circuit):
        return {hex(int(key, 2)): number for key, number in counts.items()}


@wrong("test_keys_are_as_wide_as_the_classical_bits")
class IntegerKeys(Changed):
    """Returns integers for keys."""

    def change(self, counts, circuit):
        return {int(key, 2): number for key, number in counts.items()}


@wrong("test_70_bits_are_not_cut")
class CutAt64(Changed):
    """Keeps outcomes in words of 64 bits."""

    def change(self, counts, circuit):
        width = circuit.num_clbits
        cut = {}
        for key, number in counts.items():
            outcome = format(int(key, 2) % 2**64, f"0{width}b")
            cut[outcome] = cut.get(outcome, 0) + number
        return cut


class Rewritten(Right):
    """Runs another circuit than it was given."""

    def execute(self, circuit, shots, node_spec, seed=None):
        return sample(self.rewrite(circuit), shots, seed)


def without(circuit, *names):
    """A copy of a circuit without some operations."""
    copy = circuit.copy_empty_like()
    for item in circuit.data:
        if item.name not in names:
            copy.append(item)
    return copy


@wrong(
    "test_measurements_go_where_they_are_sent", "test_mid_circuit_measurement", "test_conditionals"
)
class InOrder(Rewritten):
    """Reads qubit i in bit i, wherever it was measured into."""

    def rewrite(self, circuit):
        copy = without(circuit, "measure")
        for item in circuit.data:
            if item.name == "measure":
                index = circuit.find_bit(item.qubits[0]).index
                fits = circuit.num_qubits == circuit.num_clbits
                copy.measure(item.qubits[0], circuit.clbits[index] if fits else item.clbits[0])
        return copy


@wrong("test_unmeasured_bits_are_zero")
class MeasuresAll(Rewritten):
    """Measures every qubit that has a bit of its number."""

    def rewrite(self, circuit):
        copy = circuit.copy()
        if circuit.num_qubits == circuit.num_clbits:
            written = {item.clbits[0] for item in circuit.data if item.name == "measure"}
            for index, bit in enumerate(circuit.clbits):
                if bit not in written:
                    copy.measure(index, index)
        return copy


@wrong("test_idle_wires_are_no_bits")
class CountsWires(Changed):
    """Returns a bit for each wire."""

    def change(self, counts, circuit):
        return {key.zfill(circuit.num_qubits): number for key, number in counts.items()}


@wrong("test_unmeasured_bits_are_zero", "test_70_bits_are_not_cut")
class MeasuredAlone(Changed):
    """Returns a bit for each measurement only."""

    def change(self, counts, circuit):
        written = sorted(
            {circuit.find_bit(b).index for i in circuit.data for b in i.clbits}, reverse=True
        )
        short = {}
        for key, number in counts.items():
            bits = "".join(key[len(key) - 1 - index] for index in written)
            short[bits] = short.get(bits, 0) + number
        return short


@wrong(
    "test_counts_follow_the_distribution",
    "test_mid_circuit_measurement",
    "test_conditionals",
    "test_result_says_who_ran_it",
)
class OneByOne(Changed):
    """Samples each qubit for itself."""

    def change(self, counts, circuit):
        import numpy as np

        rng = np.random.default_rng(sum(counts.values()))
        shots = [key for key, number in sorted(counts.items()) for _ in range(number)]
        columns = [rng.permutation(list(column)) for column in zip(*shots, strict=True)]
        found = {}
        for bits in zip(*columns, strict=True):
            key = "".join(bits)
            found[key] = found.get(key, 0) + 1
        return found


@wrong("test_widest_circuit_runs", max_qubits=12)
class Narrow(Right):
    """Says 20 qubits, and fails from 10 on."""

    def execute(self, circuit, shots, node_spec, seed=None):
        if circuit.num_qubits > 9:
            raise MemoryError("too wide")
        return sample(circuit, shots, seed)


@wrong("test_circuit_is_left_as_it_was")
class Careless(Right):
    """Renames the circuit that it was given."""

    def execute(self, circuit, shots, node_spec, seed=None):
        counts = sample(circuit, shots, seed)
        circuit.name = f"{circuit.name}-sent"
        return counts


@wrong("test_mid_circuit_measurement")
class ResetsNothing(Rewritten):
    """Leaves resets out."""

    def rewrite(self, circuit):
        return without(circuit, "reset")


@wrong("test_mid_circuit_measurement")
class MeasuresLast(Rewritten):
    """Moves measurements to the end."""

    def rewrite(self, circuit):
        if "if_else" in circuit.count_ops():
            return circuit
        copy = without(circuit, "measure")
        for item in circuit.data:
            if item.name == "measure":
                copy.append(item)
        return copy


@wrong("test_conditionals")
class Unconditional(Rewritten):
    """Does what a condition guards, whatever was measured."""

    def rewrite(self, circuit):
        copy = circuit.copy_empty_like()
        for item in circuit.data:
            if item.name == "if_else":
                copy.compose(item.operation.blocks[0], item.qubits, item.clbits, inplace=True)
            else:
                copy.append(item)
        return copy


@wrong(
    "test_same_seed_gives_same_counts",
    "test_seed_means_the_same_on_every_node",
    "test_blocks_add_up",
)
class SeedIgnored(Right):
    """Says that it is seeded, and draws at random."""

    def execute(self, circuit, shots, node_spec, seed=None):
        return sample(circuit, shots, None)


@wrong("test_two_runs_are_two_samples", "test_blocks_add_up")
class SeedFixed(Right):
    """Has one seed of its own."""

    def execute(self, circuit, shots, node_spec, seed=None):
        return sample(circuit, shots, 42)


@wrong(
    "test_same_seed_gives_same_counts",
    "test_seed_means_the_same_on_every_node",
    "test_blocks_add_up",
)
class SeedGoesOn(Right):
    """Goes on with the random numbers of the run before."""

    def configure(self, **kwargs):
        self._runs = itertools.count()

    def execute(self, circuit, shots, node_spec, seed=None):
        return sample(circuit, shots, (seed or 0) + next(self._runs))


@wrong("test_seed_means_the_same_on_every_node")
class SeedOfTheNode(Right):
    """Mixes the node's id into the seed."""

    def execute(self, circuit, shots, node_spec, seed=None):
        return sample(circuit, shots, [seed, int(node_spec.node_id[-1])])


@wrong("test_same_seed_gives_same_counts", *CLUSTER)
class SmallSeeds(Right):
    """Fails on seeds beyond 32 bits."""

    def execute(self, circuit, shots, node_spec, seed=None):
        if seed >= 2**32:
            raise ValueError("Seed must be between 0 and 2**32 - 1")
        return sample(circuit, shots, seed)


class Tasked(Right):
    """Answers whole tasks."""

    def run_task(self, task, circuit, node):
        parts = [
            PackedCounts.from_bitstrings(sample(circuit, shots, seed), circuit.num_clbits)
            for shots, seed in self.parts(task)
        ]
        return TaskResult(self.name(task), PackedCounts.merge(parts), simulated=True)

    def parts(self, task):
        return [(block.shots, block.seed) for block in task.blocks]

    def name(self, task):
        return task.id


@wrong("test_blocks_add_up")
class EqualBlocks(Tasked):
    """Draws every block of a task with the first one's seed."""

    def parts(self, task):
        return [(block.shots, task.blocks[0].seed) for block in task.blocks]


@wrong("test_blocks_add_up")
class FirstBlock(Tasked):
    """Runs the first block of a task."""

    def parts(self, task):
        return super().parts(task)[:1]


@wrong("test_blocks_add_up")
class OneBigBlock(Tasked):
    """Runs all shots of a task with the first block's seed."""

    def parts(self, task):
        return [(task.shots, task.blocks[0].seed)]


@wrong("test_it_answers")
class AnotherTask(Tasked):
    """Answers under a name of its own."""

    def name(self, task):
        return f"{task.id}-answer"


@wrong("test_answers_are_not_mixed_up", "test_list_gives_what_each_gives_alone")
class AnotherCallsAnswer(Right):
    """Keeps its answer where the next call puts its own."""

    def execute(self, circuit, shots, node_spec, seed=None):
        self._answer = sample(circuit, shots, seed)
        time.sleep(0.02)
        return self._answer


@wrong(
    "test_list_gives_what_each_gives_alone", "test_two_runs_are_two_samples", "test_blocks_add_up"
)
class RemembersNames(Right):
    """Keeps answers by the name of the circuit and its shots."""

    def configure(self, **kwargs):
        self._answers = {}

    def execute(self, circuit, shots, node_spec, seed=None):
        return self._answers.setdefault((circuit.name, shots), sample(circuit, shots, seed))


class Batches(Right):
    """Runs circuits that are built alike in one call."""

    def run_batch(self, tasks, circuits, node):
        return [self.answer(task, circuits[task.circuit_id]) for task in tasks]

    def answer(self, task, circuit):
        (block,) = task.blocks
        counts = sample(circuit, block.shots, block.seed)
        return TaskResult(task.id, PackedCounts.from_bitstrings(counts, circuit.num_clbits))


@wrong("test_list_gives_what_each_gives_alone")
class TakesAllForTheFirst(Batches):
    """Runs one circuit of a batch in the place of all."""

    def answer(self, task, circuit):
        self._first = getattr(self, "_first", circuit)
        return super().answer(task, self._first)


@wrong("test_it_answers", timeout_s=1.0)
class Hangs(Right):
    """Never answers."""

    def execute(self, circuit, shots, node_spec, seed=None):
        threading.Event().wait()


@wrong("test_answers_are_not_mixed_up", timeout_s=2.0)
class Deadlocks(Right):
    """Hangs when it is called twice at the same time."""

    _lock = threading.Lock()

    def execute(self, circuit, shots, node_spec, seed=None):
        if not self._lock.acquire(blocking=False):
            threading.Event().wait()
        try:
            time.sleep(0.02)
            return sample(circuit, shots, seed)
        finally:
            self._lock.release()


@wrong("test_it_answers")
class LeavesItToOthers(Right):
    """Claims to run circuits, and leaves them all to the fallback executors."""

    execute = NodeProvider.execute


@wrong("test_result_says_who_ran_it", executes=False)
class Understated(Right):
    """Runs circuits, which its author says it does not."""


@wrong(
    "test_it_runs_away_from_the_caller_too",
    "test_result_says_who_ran_it",
    "test_list_gives_what_each_gives_alone",
)
class LivesInItsInstance(Right):
    """Runs in workers, and needs there what ``build_nodes`` set up here."""

    RUNS_IN = "worker"

    def build_nodes(self, n_nodes=2, token="", host=""):
        self._ready = True
        return super().build_nodes(n_nodes, token, host)

    def execute(self, circuit, shots, node_spec, seed=None):
        assert self._ready
        return Execution(sample(circuit, shots, seed))


@wrong("test_it_runs_away_from_the_caller_too")
class Nameless(Right):
    """Says that it runs in workers, under a name by which no worker can import it."""

    RUNS_IN = "worker"


Nameless.__qualname__ = "made.Nameless"
