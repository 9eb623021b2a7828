"""The kernel's counters of processes that it killed for memory, read from a made-up /proc and /sys."""

import pytest

from resnet_lab.sweeps.executors.oom import kills


def write(root, path, text):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.mark.parametrize(
    ("groups", "file", "text"),
    [
        ("0::/user/x\n", "sys/fs/cgroup/user/x/memory.events", "low 0\noom 3\noom_kill 2\n"),
        ("0::/of/the/host\n", "sys/fs/cgroup/memory.events", "oom_kill 2\n"),
        ("4:memory:/job\n0::/\n", "sys/fs/cgroup/memory/job/memory.oom_control", "under_oom 0\noom_kill 2\n"),
        ("5:cpu,memory:/job\n", "sys/fs/cgroup/memory/memory.oom_control", "oom_kill 2\n"),
    ],
)
def test_counters_of_both_versions_of_control_groups(tmp_path, groups, file, text):
    write(tmp_path, "proc/self/cgroup", groups)
    write(tmp_path, "proc/vmstat", "nr_free 12\noom_kill 7\n")
    write(tmp_path, file, text)
    assert kills(tmp_path) == {str(tmp_path / "proc/vmstat"): 7, str(tmp_path / file): 2}


def test_a_machine_without_counters_has_none(tmp_path):
    assert kills(tmp_path) == {}
