"""Faults that counts have had in this field, planted into right ones.

Each takes counts, or probabilities, by key, the sizes of the classical registers, and a
``random.Random``, and returns what a faulty program would have.
"""

import numpy as np


def reversed_bits(counts, sizes, rng):
    return moved(counts, range(sum(sizes))[::-1])


def swapped_registers(counts, sizes, rng):
    """The registers in the other order, each with its bits in the right one."""
    starts = np.cumsum([0, *sizes])
    spans = [range(start, start + size) for start, size in zip(starts, sizes, strict=False)]
    return moved(counts, [bit for span in reversed(spans) for bit in span])


def exchanged_pair(counts, sizes, rng):
    order = list(range(sum(sizes)))
    if len(order) > 1:
        one, other = rng.sample(order, 2)
        order[one], order[other] = other, one
    return moved(counts, order)


def shifted_bits(counts, sizes, rng):
    """Each bit one place too high, the last one first."""
    width = sum(sizes)
    return moved(counts, [(bit - 1) % width for bit in range(width)])


PERMUTATIONS = (reversed_bits, swapped_registers, exchanged_pair, shifted_bits)


def one_shot_lost(counts):
    most = max(counts, key=counts.get)
    return counts | {most: counts[most] - 1}


def biased(counts, bit, bias, rng):
    """Shots in which a bit that is 0 reads 1, so many that its probability grows by ``bias``.

    Args:
        counts: shots by key.
        bit: which classical bit.
        bias: by how much, less than the probability of 0.
        rng: a numpy generator.
    """
    zeros = sum(number for key, number in counts.items() if bits_of(key)[bit] == "0")
    chance = bias * sum(counts.values()) / zeros
    result = dict(counts)
    for key, number in counts.items():
        bits = bits_of(key)
        if bits[bit] == "0":
            wrong = int(rng.binomial(number, chance))
            turned = written(bits[:bit] + "1" + bits[bit + 1 :], key)
            result[key] -= wrong
            result[turned] = result.get(turned, 0) + wrong
    return {key: number for key, number in result.items() if number}


def moved(counts, order):
    """Counts in which bit i is what was bit ``order[i]``."""
    result = {}
    for key, number in counts.items():
        bits = bits_of(key)
        result[written("".join(bits[source] for source in order), key)] = number
    return result


def bits_of(key):
    """A key without spaces, bit 0 first."""
    return key.replace(" ", "")[::-1]


def written(bits, like):
    """Bits, bit 0 first, as a key with spaces where another has them."""
    digits = iter(bits[::-1])
    return "".join(character if character == " " else next(digits) for character in like)
