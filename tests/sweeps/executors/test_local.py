"""The local executor: what a worker's death means."""

import pytest

from resnet_lab.sweeps.executors.local import death


@pytest.mark.parametrize(
    ("code", "before", "after", "status", "words"),
    [
        (0, {}, {}, "failed", "ended with exit status 0"),
        (-9, {"vmstat": 3}, {"vmstat": 4}, "out_of_memory", "the kernel killed the worker"),
        (-9, {"vmstat": 3}, {"vmstat": 3}, "failed", "was killed by signal 9"),
        (-9, {}, {}, "failed", "was killed by signal 9"),
        (-9, {}, {"vmstat": 4}, "failed", "was killed by signal 9"),  # when it began, the counter could not be read
        (-11, {"vmstat": 3}, {"vmstat": 4}, "failed", "ended with signal 11"),
        (3, {}, {}, "failed", "ended with exit status 3"),
    ],
)
def test_a_death_is_out_of_memory_only_on_evidence(tmp_path, code, before, after, status, words):
    found, reason = death(code, tmp_path / "log.txt", before, after)
    assert found == status
    assert words in reason
    assert str(tmp_path / "log.txt") in reason
