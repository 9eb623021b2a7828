"""Which rows of a results table a comparison takes: the current trials, a condition, the best settings."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from ..base.errors import LabError, unknown

EXAMPLE = "params < 30e6 and variant != 'resnet18'"

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda column, values: column.isin(values),
    ast.NotIn: lambda column, values: ~column.isin(values),
}


def current(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The trials that are not stale, and how many are.

    A trial is stale when the experiment's file, as it was last run, no longer asks for it.
    """
    if "stale" not in table:
        return table, 0
    stale = table["stale"].eq(True)
    return table[~stale], int(stale.sum())


def each_once(table: pd.DataFrame) -> pd.DataFrame:
    """The table with one row for each trial id: a trial that is in two folders counts once, as `ok` if it is in one."""
    if "trial" not in table:
        return table
    best_first = table.assign(_failed=table["status"] != "ok").sort_values("_failed", kind="stable")
    return table.loc[best_first.drop_duplicates("trial").index.sort_values()]


def where(table: pd.DataFrame, condition: str) -> pd.DataFrame:
    """The rows for which a condition holds.

    Args:
        table: a results table.
        condition: comparisons of columns with numbers, texts and lists, joined with `and`, `or` and `not`, such as
            `params < 30e6 and train.optimizer.name == 'sgd'`. A column whose name is no Python name stands in
            backticks. Nothing else is evaluated.

    Raises:
        LabError: The condition does not parse, names no column, or compares a text with a number.
    """
    quoted: list[str] = []

    def hide(match: re.Match[str]) -> str:
        quoted.append(match[1])
        return f"_quoted{len(quoted) - 1}"

    try:
        tree = ast.parse(re.sub(r"`([^`]*)`", hide, condition).strip(), mode="eval")
        mask = _Condition(table, quoted, condition).evaluate(tree.body)
    except SyntaxError:
        raise LabError(f"--where '{condition}' is no condition; an example is: {EXAMPLE}") from None
    except TypeError:
        raise LabError(f"--where '{condition}' compares a text with a number") from None
    if not isinstance(mask, pd.Series) or mask.dtype != bool:
        raise LabError(f"--where '{condition}' compares no column; an example is: {EXAMPLE}")
    return table[mask]


class _Condition:
    """Evaluates the parsed condition on the columns of a table."""

    def __init__(self, table: pd.DataFrame, quoted: Sequence[str], text: str) -> None:
        self.table, self.quoted, self.text = table, quoted, text

    def evaluate(self, node: ast.expr) -> Any:
        if isinstance(node, ast.BoolOp):
            join = operator.and_ if isinstance(node.op, ast.And) else operator.or_
            return self._joined([self.evaluate(value) for value in node.values], join)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return ~self._truth(self.evaluate(node.operand))
        if isinstance(node, ast.Compare):
            sides = [self._value(side) for side in (node.left, *node.comparators)]
            parts = []
            for left, comparison, right in zip(sides, node.ops, sides[1:], strict=False):
                if type(comparison) not in _COMPARISONS or not isinstance(left, (pd.Series, *_PLAIN)):
                    raise SyntaxError
                if isinstance(comparison, ast.In | ast.NotIn) != isinstance(right, list):
                    raise SyntaxError
                parts.append(_COMPARISONS[type(comparison)](left, right))
            return self._joined(parts, operator.and_)
        return self._value(node)

    def _joined(self, parts: list[Any], join: Callable[[Any, Any], Any]) -> Any:
        joined = self._truth(parts[0])
        for part in parts[1:]:
            joined = join(joined, self._truth(part))
        return joined

    def _truth(self, value: Any) -> Any:
        if not isinstance(value, pd.Series) or value.dtype != bool:
            raise SyntaxError
        return value

    def _value(self, node: ast.expr) -> Any:
        """A column, a constant, or a list of constants."""
        if isinstance(node, ast.Constant) and isinstance(node.value, _PLAIN):
            return node.value
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            number = self._value(node.operand)
            if isinstance(number, int | float):
                return -number
        if isinstance(node, ast.List | ast.Tuple):
            return [self._value(item) for item in node.elts]
        name = self._name(node)
        if name not in self.table:
            hint = "; a text stands in quotes, such as variant == 'resnet18'" if "." not in name else ""
            raise LabError(f"--where '{self.text}': " + unknown("column", name, self.table.columns) + hint)
        return self.table[name]

    def _name(self, node: ast.expr) -> str:
        if isinstance(node, ast.Attribute):
            return f"{self._name(node.value)}.{node.attr}"
        if not isinstance(node, ast.Name):
            raise SyntaxError
        number = node.id.removeprefix("_quoted")
        return self.quoted[int(number)] if number != node.id and number.isdecimal() else node.id


_PLAIN = (str, int, float, bool)
