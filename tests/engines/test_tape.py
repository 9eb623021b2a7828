"""The stand-in for CUDA graphs (`tape.py`) fails where a CUDA graph would."""

import pytest

from tests.conftest import engine_or_skip


def test_the_tape_sees_no_python_number_that_changes_and_carries_nothing_out():
    """The stand-in must fail where a CUDA graph would; else the tests of captured steps would show nothing."""
    engine_or_skip("torch")
    import torch

    from tests.engines.tape import Tapes

    value, total, seen = torch.ones(()), torch.zeros(()), []
    factor = 2.0

    def function():
        seen.append(1)
        total.add_(value * factor + torch.rand(()) * 0)

    state = torch.get_rng_state()
    replay = Tapes(torch.device("cpu"))(function)
    assert total == 0
    assert torch.equal(torch.get_rng_state(), state)
    factor = 100.0
    replay()
    assert total == 2
    value.fill_(3.0)
    replay()
    assert (total, seen) == (8, [1])
    for refused in (lambda: total.item(), lambda: torch.tensor(1.0), lambda: torch.nonzero(total), lambda: bool(total)):
        with pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
            Tapes(torch.device("cpu"))(refused)
