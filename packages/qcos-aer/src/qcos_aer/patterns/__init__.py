"""Noise by error patterns: what shots with the same errors share is evolved once.

Where the errors of a noise model are mixtures of unitaries, their probabilities do not depend on
the state. So the errors of all shots are drawn first. Most shots have none; those with the same
errors, or with errors that come to the same, have one state and one distribution.
"""

from qcos_aer.patterns.rule import pays
from qcos_aer.patterns.sampler import Patterns, applies

__all__ = ["Patterns", "applies", "pays"]
