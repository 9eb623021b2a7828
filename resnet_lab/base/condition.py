"""Conditions such as `3.5e9 < macs < 4.5e9`, which people write in a file or on the command line."""

from __future__ import annotations

import ast
import functools
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

from .errors import LabError

Lookup = Callable[[str], Any]
"""Gives the value of a name: a number or a text, or a whole column of a table."""

_Term = Callable[[Lookup], Any]

_PLAIN = (str, int, float, bool)


def _is_in(value: Any, options: Sequence[Any]) -> Any:
    return value.isin(options) if hasattr(value, "isin") else value in options


_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: _is_in,
    ast.NotIn: lambda value, options: _is_in(value, options) ^ True,
}


class Condition:
    """A condition that is parsed once and evaluated on many values. Nothing else than comparisons is ever evaluated.

    Args:
        text: comparisons of names with numbers, texts and lists, joined with `and`, `or` and `not`, such as
            `params < 30e6 and train.optimizer.name == 'sgd'`. A name that is no Python name stands in backticks.
        example: a correct condition, for messages.

    Attributes:
        text: the condition as it was written.

    Raises:
        LabError: The text is no condition.
    """

    def __init__(self, text: str, example: str) -> None:
        self.text, self._example = text, example
        self._used: list[str] = []
        self._quoted: list[str] = []
        try:
            tree = ast.parse(re.sub(r"`([^`]*)`", self._hide, text).strip(), mode="eval")
            self._term = self._compiled(tree.body)
        except (SyntaxError, ValueError, RecursionError):
            raise LabError(f"'{text}' is no condition; an example is: {example}") from None

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the condition compares, each once."""
        return tuple(dict.fromkeys(self._used))

    def evaluate(self, value_of: Lookup) -> Any:
        """Evaluate the condition.

        Args:
            value_of: gives the value of each name.

        Returns:
            True or False; a column of these where the values are columns.

        Raises:
            LabError: A text is compared with a number, or a name that is neither true nor false stands alone.
        """
        try:
            return self._term(value_of)
        except TypeError:
            raise LabError(f"'{self.text}' compares a text with a number") from None

    def _hide(self, match: re.Match[str]) -> str:
        self._quoted.append(match[1])
        return f"_quoted{len(self._quoted) - 1}"

    def _compiled(self, node: ast.expr) -> _Term:
        """A function that evaluates a part of the condition that is true or false."""
        if isinstance(node, ast.BoolOp):
            join = operator.and_ if isinstance(node.op, ast.And) else operator.or_
            return _joined([self._compiled(value) for value in node.values], join)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self._compiled(node.operand)
            return lambda value_of: inner(value_of) ^ True
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            pairs = zip(sides, node.ops, sides[1:], strict=False)
            return _joined([self._comparison(*pair) for pair in pairs], operator.and_)
        name = self._name(node)

        def truth(value_of: Lookup) -> Any:
            value = value_of(name)
            if not isinstance(value, bool) and getattr(value, "dtype", None) != "bool":
                raise LabError(f"'{self.text}' compares '{name}' with nothing; an example is: {self._example}")
            return value

        return truth

    def _comparison(self, left: ast.expr, kind: ast.cmpop, right: ast.expr) -> _Term:
        """A function that compares two sides, of which at least one has to be a name."""
        if type(kind) not in _COMPARISONS:
            raise SyntaxError
        compare, before = _COMPARISONS[type(kind)], len(self._used)
        first = self._value(left)
        second = self._list(right) if isinstance(kind, ast.In | ast.NotIn) else self._value(right)
        if len(self._used) == before:
            raise SyntaxError
        return lambda value_of: compare(first(value_of), second(value_of))

    def _value(self, node: ast.expr) -> _Term:
        """A function that gives the value of a name or a constant."""
        try:
            constant = _constant(node)
        except SyntaxError:
            name = self._name(node)
            return lambda value_of: value_of(name)
        return lambda value_of: constant

    def _list(self, node: ast.expr) -> _Term:
        if not isinstance(node, ast.List | ast.Tuple):
            raise SyntaxError
        constants = [_constant(item) for item in node.elts]
        return lambda value_of: constants

    def _name(self, node: ast.expr) -> str:
        name = self._dotted(node)
        self._used.append(name)
        return name

    def _dotted(self, node: ast.expr) -> str:
        if isinstance(node, ast.Attribute):
            return f"{self._dotted(node.value)}.{node.attr}"
        if not isinstance(node, ast.Name):
            raise SyntaxError
        number = node.id.removeprefix("_quoted")
        is_quoted = number != node.id and number.isdecimal() and int(number) < len(self._quoted)
        return self._quoted[int(number)] if is_quoted else node.id


def _joined(parts: Sequence[_Term], join: Callable[[Any, Any], Any]) -> _Term:
    return lambda value_of: functools.reduce(join, [part(value_of) for part in parts])


def _constant(node: ast.expr) -> Any:
    """The value of a number, a negative number, a text, or true or false."""
    if isinstance(node, ast.Constant) and isinstance(node.value, _PLAIN):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _constant(node.operand)
        if isinstance(number, int | float):
            return -number
    raise SyntaxError
