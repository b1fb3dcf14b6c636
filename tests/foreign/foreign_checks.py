"""What the counts of a case are held against, and what is wrong with them.

Aer, used directly, runs the parts of a case as they are written, one by one; their bits are put
into place here. So neither Qiskit's composing nor Aer's own bit order can hide a mistake. A narrow
unitary case is held against its exact distribution as well.

Each check rejects right counts with a chance of at most 1e-9; a case has at most four of them.
"""

import numpy as np
from qiskit import generate_preset_pass_manager
from qiskit.result.postprocess import format_counts_memory
from qiskit_aer import AerSimulator

from qcos_core.testing.statistics import (
    deviation_between,
    deviation_from,
    exact_distribution,
    total_variation,
    total_variation_bound,
    two_sample_bound,
)

EXACT_WIDTH = 10
"""Active qubits up to which exact distributions are computed."""

SIMULATOR = AerSimulator(max_parallel_threads=1)
NATIVE = generate_preset_pass_manager(0, SIMULATOR, seed_transpiler=1)


def exact(case):
    """The exact distribution of a narrow unitary case, else ``None``."""
    active = sum(part.circuit.num_qubits for part in case.parts)
    return None if case.dynamic or active > EXACT_WIDTH else exact_distribution(case.circuit)


def from_aer(case, seed):
    """Counts of the whole, from Aer's shots of each part."""
    rng = np.random.default_rng(seed)
    outcomes = np.zeros(case.shots, dtype=np.int64)
    for number, part in enumerate(case.parts):
        job = SIMULATOR.run(
            NATIVE.run(part.circuit), shots=case.shots, seed_simulator=seed + number
        )
        counts = {key.replace(" ", ""): n for key, n in job.result().get_counts().items()}
        inside = np.repeat([int(key, 2) for key in counts], list(counts.values()))
        rng.shuffle(inside)
        for bit, place in part.places.items():
            outcomes |= (inside >> bit & 1) << place
    header = {
        "creg_sizes": [[register.name, register.size] for register in case.circuit.cregs],
        "memory_slots": case.circuit.num_clbits,
    }
    seen, numbers = np.unique(outcomes, return_counts=True)
    keys = [format_counts_memory(hex(outcome), header) for outcome in seen.tolist()]
    return dict(zip(keys, numbers.tolist(), strict=True))


def complaints(counts, shots, aer, truth=None):
    """What is wrong with counts, a line for each check that rejects them.

    Args:
        counts: what is checked.
        shots: how many were asked for.
        aer: counts from Aer.
        truth: the exact distribution, where there is one.
    """
    if {layout(key) for key in counts} != {layout(next(iter(aer)))}:
        return [f"keys such as {next(iter(counts))!r}, but Qiskit's are {next(iter(aer))!r}"]
    found = []
    if sum(counts.values()) != shots:
        found.append(f"{sum(counts.values())} shots instead of {shots}")
    distances = [("Aer", total_variation(counts, aer), two_sample_bound(counts, aer))]
    deviations = [("Aer", deviation_between(counts, aer))]
    if truth:
        if impossible := counts.keys() - truth.keys():
            found.append(f"outcomes that are impossible, such as {min(impossible)!r}")
        bound = total_variation_bound(truth, shots)
        distances.append(("the exact distribution", total_variation(counts, truth), bound))
        deviations.append(("the exact distribution", deviation_from(counts, truth)))
    for other, distance, bound in distances:
        if distance > bound:
            found.append(f"total variation {distance:.4f} from {other}, {bound:.4f} allowed")
    found += [f"not as {other}: {worst}" for other, worst in deviations if worst.ratio > 1]
    return found


def layout(key):
    """Where a key has spaces."""
    return key.replace("1", "0")
