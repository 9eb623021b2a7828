"""The options --ray and --slurm: with a value, without one, and together with others."""

import pytest

from resnet_lab import LabError
from resnet_lab.cli.clusters import completed, slurm_settings


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("e.yaml --ray", "e.yaml --ray local"),
        ("--ray e.yaml", "--ray local e.yaml"),
        ("--ray --fresh e", "--ray local --fresh e"),
        ("e --ray 10.0.0.1:6379 --fresh", "e --ray 10.0.0.1:6379 --fresh"),
        ("--ray auto e", "--ray auto e"),
        ("--ray=auto e", "--ray=auto e"),
        ("e --slurm", "e --slurm "),
        ("--slurm partition=gpu,time=2h e", "--slurm partition=gpu,time=2h e"),
    ],
)
def test_a_value_may_be_left_out(words, meaning):
    assert list(completed(words.split())) == meaning.split(" ")


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        (None, None),
        ("", {}),
        ("partition=gpu,time=2h,at_once=8", {"partition": "gpu", "time": "2h", "at_once": 8}),
        ("constraint=a100,h100,mail-type=END", {"constraint": "a100,h100", "mail-type": "END"}),
    ],
)
def test_settings_of_slurm(text, settings):
    assert slurm_settings(text) == settings


def test_a_setting_without_a_value():
    with pytest.raises(LabError, match="--slurm takes KEY=VALUE, such as partition=gpu, not 'gpu'"):
        slurm_settings("gpu")


def test_places_that_exclude_each_other(workspace, lab):
    (workspace / "experiments" / "e.yaml").write_text("variants: [resnet18]\ntrain: {epochs: 1, batch_size: 8}\n")
    done = lab("run", "--slurm", "e", "--jobs", "2", cwd=workspace)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--slurm and --jobs exclude each other" in done.stderr


@pytest.mark.parametrize(
    ("option", "told"),
    [("--ray", "HOST:PORT, or nothing, not 'nowhere'"), ("--slurm", "KEY=VALUE, such as partition=gpu, or nothing")],
)
def test_a_word_that_is_no_value_is_one_message(workspace, lab, option, told):
    done = lab("run", "e.yaml", option, "nowhere", cwd=workspace)
    assert done.returncode == 2
    assert done.stderr.startswith(f"resnet-lab: {option} takes {told}")
    assert done.stderr.count("\n") == 1
    assert "unexpected extra argument" in lab("run", "e.yaml", "other.yaml", option, cwd=workspace).stderr
