"""Every mistake in the words of a command: exit status 2, and a message with the nearest right thing, no traceback."""

import pytest
from typer.testing import CliRunner

from resnet_lab.cli import app as command_line
from tests.cli.test_bad_input import EXPERIMENT, VARIANT


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("describe", "resent50"), "unknown variant 'resent50'; did you mean 'resnet50'?"),
        (
            ("describe", "resnet18", "--input", "224"),
            "--input: an input is written CxHxW, such as 3x224x224, not '224'",
        ),
        (
            ("describe", "--block", "basc", "--input", "8x8x8", "--channels", "8"),
            "unknown block 'basc'; did you mean 'basic'?",
        ),
        (
            ("describe", "--block", "basic", "--input", "8x8x8", "--channels", "8", "--option", "bias=1"),
            "unknown option of block 'basic': 'bias'",
        ),
        (("describe", "--block", "basic", "--channels", "8"), "describe --block needs --input CxHxW and --channels N"),
        *(
            (("describe", "resnet18", f"--{word}", value), f"--{word} works only together with --block")
            for word, value in [
                ("channels", "8"),
                ("stride", "1"),
                ("shortcut", "pad"),
                ("option", "conv_bias=true"),
                ("from", "mine.py"),
            ]
        ),
        (("describe",), "describe takes either names of variants or one --block"),
        (("run", "depth_swep"), "unknown experiment 'depth_swep'; did you mean 'depth_sweep'?"),
        (
            ("run", "depth_sweep", "--set", "train.epoch=3", "--dry-run"),
            "--set train.epoch=3: unknown key in 'train': 'epoch'; did you mean 'epochs'?",
        ),
        (("run", "depth_sweep", "--set", "train.epochs", "--dry-run"), "--set takes KEY=VALUE"),
        (("compare", "results/nowhere"), "there are no results: results/nowhere"),
    ],
)
def test_a_mistake_on_the_command_line(workspace, cli, words, told):
    code, printed = cli(*words)
    assert code == 2
    assert told in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("run", "variants/small.yaml"),
            "variants/small.yaml:1: this file is a stage spec, which 'resnet-lab describe' shows",
        ),
        (("run", "small"), "'small' is the name of a stage spec"),
        (
            ("describe", "experiments/e.yaml"),
            "experiments/e.yaml:1: this file is an experiment, which 'resnet-lab run' runs",
        ),
        (("describe", "e"), "'e' is the name of an experiment"),
        (("describe", "variants/mine.py"), "'variants/mine.py' is Python code, and a file of variants is YAML"),
        (("try", "variants/small.yaml"), "small.yaml is no Python file: the file of a block ends in .py"),
        (
            ("compare", "experiments/e.yaml"),
            "experiments/e.yaml: is no results table: name the results folder, such as",
        ),
        (("compare", "results/e"), "there is no trial to compare: none has ended yet"),
    ],
)
def test_a_file_of_another_kind(workspace, cli, words, told):
    """A spec for an experiment, an experiment for a spec, code for a spec, and a sweep of which no trial has ended."""
    (workspace / "variants" / "small.yaml").write_text(VARIANT)
    (workspace / "variants" / "mine.py").write_text("")
    (workspace / "experiments" / "e.yaml").write_text(EXPERIMENT)
    (workspace / "results" / "e").mkdir(parents=True)
    (workspace / "results" / "e" / "trials.csv").write_text("trial,variant,status\n")
    code, printed = cli(*words)
    assert code == 2
    assert told in printed.err
    assert printed.err.count("\n") == 1


def test_typer_itself_answers_unknown_commands_with_2():
    assert CliRunner().invoke(command_line.build(), ["discribe"]).exit_code == 2
