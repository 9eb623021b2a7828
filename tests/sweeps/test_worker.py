"""The worker: errors in one line."""

import pytest

from resnet_lab.sweeps.worker import reason


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RuntimeError("a fault"), "RuntimeError: a fault"),
        (RuntimeError("a fault\nand more"), "RuntimeError: a fault"),
        (MemoryError(), "MemoryError: "),
        (ValueError("ValueError: twice"), "ValueError: twice"),
        (RuntimeError("Traceback (most recent call last):\n  File x\nMXNetError: shapes differ"),
         "RuntimeError: MXNetError: shapes differ"),
    ],
)  # fmt: skip
def test_a_reason_is_one_line(error, line):
    assert reason(error) == line
