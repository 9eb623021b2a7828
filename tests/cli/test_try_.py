"""`resnet-lab try`: what it prints, and that a real pair can be trained."""

import pytest

from tests.conftest import any_engine
from tests.specs.writing import BLOCK
from tests.sweeps.pretending import Pretender, accuracies


@pytest.fixture
def words(workspace):
    (workspace / "b.py").write_text(BLOCK.replace("{options}", ""))
    return ("try", "b.py", "--baseline", "cifar_resnet20", "--engine", any_engine())


def pretend(monkeypatch, gain):
    monkeypatch.setattr("resnet_lab.sweeps.run.Local", lambda slots: Pretender(accuracies(gain)))


@pytest.mark.parametrize(
    ("gain", "word"), [(0.05, "BETTER"), pytest.param(-0.05, "WORSE", marks=pytest.mark.slow), (0.001, "SAME")]
)
def test_the_verdict_fits_half_a_page(words, call, monkeypatch, gain, word):
    pretend(monkeypatch, gain)
    printed = call(*words, "--match", "macs")
    assert f"cifar_resnet20_mine against cifar_resnet20: test accuracy {word}" in printed
    verdict = printed[printed.index("cifar_resnet20_mine against") :].splitlines()
    assert len(verdict) <= 30
    assert max(map(len, verdict)) <= 80 or "go on from" in max(verdict, key=len)
    macs = next(line for line in verdict if line.startswith("macs"))
    assert macs.rstrip().endswith("matched")
    assert "results/try_cifar_resnet20_mine/try_cifar_resnet20_mine.yaml" in verdict[-1]


def test_both_networks_are_described_side_by_side(words, call, monkeypatch):
    pretend(monkeypatch, 0.05)
    printed = call(*words)
    assert printed.startswith("cifar_resnet20 (left) and cifar_resnet20_mine (right), input 3x32x32")
    stages = [line.split() for line in printed.splitlines() if line.strip().startswith(("stage1", "all"))]
    assert [len(line) for line in stages] == [5, 5]


def test_the_same_network_is_not_trained(workspace, words, call):
    copy = "return relu(norm(conv(relu(norm(conv(x, channels, 3, stride))), channels, 3)) + shortcut(x))"
    text = BLOCK.replace("{options}", "")
    (workspace / "b.py").write_text(text[: text.index("return")] + copy + "\n")
    printed = call(*words)
    assert "same: cifar_resnet20_mine is the network of cifar_resnet20" in printed
    assert not (workspace / "results" / "try_cifar_resnet20_mine" / "trials").exists()


@pytest.mark.usefixtures("trains_here")
def test_a_real_pair_is_trained_and_no_verdict_is_claimed(workspace, words, lab):
    (workspace / "variants" / "tiny.yaml").write_text(
        "input: 3x32x32\nstem: {type: cifar, channels: 8}\nstages: [{block: basic, repeat: 1, channels: 8}]\n"
        "head: {classes: 10}\n"
    )
    done = lab(*words, "--baseline", "tiny", "--at-most", "1s", cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert "test accuracy UNDECIDED" in done.stdout
    assert "with fewer than 6 no difference can be" in done.stdout
    assert "pair 1: tiny 0." in done.stdout
    again = lab("run", "results/try_tiny_mine/try_tiny_mine.yaml", "--set", "seeds=[0]", cwd=workspace)
    assert "2 trials, 2 done already" in again.stdout
