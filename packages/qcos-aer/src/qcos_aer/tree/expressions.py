"""What decides in a circuit, as functions of its classical bits.

The bits of a branch are one integer, bit *i* of which is classical bit *i* of the circuit.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Reader = Callable[[int], int]
"""From the classical bits to a value; of what is true or false, 1 or 0."""


def understood(condition: Any) -> bool:
    """Whether there is a reader for what decides; see :func:`reader`."""
    from qiskit.circuit.classical import expr, types

    if not isinstance(condition, expr.Expr):
        return True
    if not isinstance(condition.type, types.Bool | types.Uint):
        return False
    if isinstance(condition, expr.Value):
        return True
    if isinstance(condition, expr.Var):
        return not condition.standalone
    if isinstance(condition, expr.Cast):
        return understood(condition.operand)
    if isinstance(condition, expr.Unary):
        return condition.op.name in _UNARY and understood(condition.operand)
    if isinstance(condition, expr.Index):
        return understood(condition.target) and understood(condition.index)
    if not isinstance(condition, expr.Binary):
        return False
    if condition.op.name == "DIV":  # by zero it has no value
        divisor = condition.right
        return understood(condition.left) and isinstance(divisor, expr.Value) and divisor.value > 0
    known = condition.op.name in _BINARY
    return known and understood(condition.left) and understood(condition.right)


def reader(condition: Any, place: Mapping[Any, int]) -> Reader:
    """The value of what decides.

    Args:
        condition: a bit, a register, an expression, or a pair of a bit or register and the value
            that it is compared with.
        place: of each classical bit.
    """
    from qiskit.circuit import ClassicalRegister
    from qiskit.circuit.classical import expr

    if isinstance(condition, expr.Expr):
        return _expression(condition, place)
    if isinstance(condition, tuple):
        held, wanted = reader(condition[0], place), int(condition[1])
        return lambda bits: held(bits) == wanted
    if isinstance(condition, ClassicalRegister):
        return _register([place[bit] for bit in condition])
    where = place[condition]
    return lambda bits: bits >> where & 1


def _register(places: Sequence[int]) -> Reader:
    first, size = next(iter(places), 0), len(places)
    if list(places) == list(range(first, first + size)):
        mask = (1 << size) - 1
        return lambda bits: bits >> first & mask
    return lambda bits: sum((bits >> place & 1) << index for index, place in enumerate(places))


def _expression(node: Any, place: Mapping[Any, int]) -> Reader:
    from qiskit.circuit.classical import expr, types

    mask = _mask(node.type)
    if isinstance(node, expr.Value):
        value = int(node.value)
        return lambda bits: value
    if isinstance(node, expr.Var):
        return reader(node.var, place)
    if isinstance(node, expr.Index):
        target, index = _expression(node.target, place), _expression(node.index, place)
        return lambda bits: target(bits) >> index(bits) & 1
    if isinstance(node, expr.Binary):
        left, right = _expression(node.left, place), _expression(node.right, place)
        combine = _BINARY[node.op.name]
        return lambda bits: combine(left(bits), right(bits), mask) & mask
    operand = _expression(node.operand, place)
    if isinstance(node, expr.Unary):
        change = _UNARY[node.op.name]
        return lambda bits: change(operand(bits)) & mask
    if isinstance(node.type, types.Bool):
        return lambda bits: operand(bits) != 0
    return lambda bits: operand(bits) & mask


def _mask(kind: Any) -> int:
    return (1 << getattr(kind, "width", 1)) - 1


def _shifted_left(value: int, by: int, mask: int) -> int:
    return value << by if by < mask.bit_length() else 0


_UNARY: Mapping[str, Callable[[int], int]] = {
    "BIT_NOT": operator.invert,
    "LOGIC_NOT": operator.not_,
}

_BINARY: Mapping[str, Callable[[int, int, int], int]] = {
    "BIT_AND": lambda left, right, mask: left & right,
    "BIT_OR": lambda left, right, mask: left | right,
    "BIT_XOR": lambda left, right, mask: left ^ right,
    "LOGIC_AND": lambda left, right, mask: left != 0 and right != 0,
    "LOGIC_OR": lambda left, right, mask: left != 0 or right != 0,
    "EQUAL": lambda left, right, mask: left == right,
    "NOT_EQUAL": lambda left, right, mask: left != right,
    "LESS": lambda left, right, mask: left < right,
    "LESS_EQUAL": lambda left, right, mask: left <= right,
    "GREATER": lambda left, right, mask: left > right,
    "GREATER_EQUAL": lambda left, right, mask: left >= right,
    "SHIFT_LEFT": _shifted_left,
    "SHIFT_RIGHT": lambda left, right, mask: left >> right,
    "ADD": lambda left, right, mask: left + right,
    "SUB": lambda left, right, mask: left - right,
    "MUL": lambda left, right, mask: left * right,
    "DIV": lambda left, right, mask: left // right,
}
"""Values of operations, before they wrap; the mask has as many ones as the result has bits."""
