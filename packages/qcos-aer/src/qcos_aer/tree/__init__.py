"""Dynamic circuits without noise: shots stay together as long as they agree."""

from qcos_aer.tree.branches import TooManyBranches, Tree
from qcos_aer.tree.support import applies

__all__ = ["TooManyBranches", "Tree", "applies"]
