"""`resnet-lab list`: every subject is listed, and a wrong one is named."""

import pytest
from typer.testing import CliRunner

from resnet_lab import LabError
from resnet_lab.base.registry import temporary
from resnet_lab.cli import list as listing
from resnet_lab.cli.app import build
from resnet_lab.network.tensor import OPS


@pytest.fixture(scope="module")
def everything():
    """What the command prints without a subject; the blocks that it loads are forgotten, for the tests that follow."""
    with temporary():
        return CliRunner().invoke(build(), ["list"]).output


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        ("blocks", "preact_bottleneck"),
        ("ops", "conv(x, channels, kernel, stride=1, *, padding=None,"),
        ("variants", "cifar_resnet1202"),
        ("datasets", "fashion_mnist"),
        ("engines", "mxnet"),
    ],
)
def test_each_subject_alone_and_among_all(call, everything, subject, told):
    assert told in call("list", subject)
    assert told in everything


def test_every_subject_is_listed(call, everything):
    for subject in listing.SUBJECTS:
        assert subject in call("list", subject)
        assert subject in everything


def test_each_op_has_its_signature_and_one_line(call):
    printed = call("list", "ops")
    for name, function in OPS.items():
        assert f" {name}(" in printed
        assert function.__doc__.partition("\n")[0] in printed


def test_an_unknown_subject_is_refused_by_name():
    with pytest.raises(LabError, match="unknown subject 'block'; did you mean 'blocks'?"):
        listing.command("block")


def test_one_broken_variant_does_not_hide_the_others(call, workspace):
    (workspace / "variants" / "broken.yaml").write_text("extends: resent18\n")
    printed = call("list", "variants")
    assert "unknown variant 'resent18'; did you mean 'resnet18'?" in " ".join(printed.split())
    assert "cifar_resnet1202" in printed


def test_variants_are_sorted_by_their_numbers():
    names = ["resnet101", "resnet18", "cifar_resnet20"]
    assert sorted(names, key=listing._natural) == ["cifar_resnet20", "resnet18", "resnet101"]
