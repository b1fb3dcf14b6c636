"""A module that imports what belongs inside a method."""

import qiskit
from zoo import wrong
from zoo_right import Right


@wrong("test_importing_it_imports_no_sdk")
class Heavy(Right):
    """Imports Qiskit at the top of its module."""

    VERSION = qiskit.__version__
