"""`resnet-lab compare` as a command: which words go together, and what is printed where."""

import pytest
from typer.testing import CliRunner

from resnet_lab.cli.app import build
from tests.cli.test_compare_table import trials


@pytest.mark.parametrize("words", [(), ("--against", "resnet18")])
def test_the_command_at_80_columns(words, lab, tmp_path):
    trials().to_csv(tmp_path / "trials.csv", index=False)
    done = lab("compare", str(tmp_path), *words, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "left out" in done.stdout
    everything = lab("compare", str(tmp_path), *words, "--columns", "all", COLUMNS="80")
    assert "left out" not in everything.stdout
    assert "latency" in everything.stdout


@pytest.fixture
def table(tmp_path):
    """A file of trials; two of the variants are of one family."""
    families = {"cifar_resnext29_32x4d": "bottleneck"}
    rows = trials()
    rows.assign(blocks=rows["variant"].map(families).fillna("basic")).to_csv(tmp_path / "trials.csv", index=False)
    return tmp_path


def test_a_pivot_prints_a_row_for_each_value_and_a_column_for_each_other(table, call):
    printed = call("compare", str(table), "--pivot", "train.optimizer.lr,family", "--where", "variant != 'resnet34'")
    body = [line.split() for line in printed.splitlines() if line.strip().startswith("0.")]
    assert [row[:2] for row in body] == [
        [rate, name] for rate in ("0.05", "0.1") for name in ("cifar_resnext29_32x4d", "my_se_resnet18", "resnet18")
    ]
    assert [len(row) for row in body] == [4] * 6  # one mean with its deviation in each row


def test_the_front_is_a_column(table, call):
    printed = call("compare", str(table), "--by", "variant", "--pareto", "test_accuracy,-macs", "--format", "csv")
    assert printed.splitlines()[0].split(",")[-1] == "is_pareto"


def test_a_warning_is_no_part_of_the_table(table):
    rows = trials().assign(device=["cpu", "gpu:0"] * 8, input=["3x32x32"] * 8 + ["3x64x64"] * 8)
    rows.to_csv(table / "trials.csv", index=False)
    done = CliRunner().invoke(build(), ["compare", str(table), "--format", "csv"])
    assert done.exit_code == 0, done.output
    assert "warning" not in done.stdout
    assert done.stderr.strip() == (
        "warning: the rows differ in what a comparison must hold fixed: input (32x32, 64x64), device (cpu, gpu)"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--pivot", "depth,family", "--by", "variant"), "--pivot goes with --where, --best, --sort and --stale alone"),
        (("--plot-kind", "bars"), "--plot-kind and --metric say what --plot draws"),
        (("--baseline", "resnet18", "--plot", "a.png"), "--baseline goes with --where, --columns, --smallest"),
        (("--pareto", "macs"), "--pareto takes two or more different columns, such as test_accuracy,-macs"),
        (("--plot", "a.png", "--plot-kind", "bars", "--metric", "maccs"), "unknown measurement 'maccs'; did you mean"),
    ],
)
def test_words_that_do_not_go_together_are_refused(words, message, table):
    done = CliRunner().invoke(build(), ["compare", str(table), *words])
    assert message in str(done.exception)


@pytest.mark.parametrize("kind", ["front", "bars"])
def test_a_figure_is_drawn_beside_the_table(kind, table, call):
    pytest.importorskip("matplotlib")
    printed = call("compare", str(table), "--plot", str(table / "a.svg"), "--plot-kind", kind)
    assert "resnet34" in printed
    assert (table / "a.svg").read_text().lstrip().startswith("<?xml")
