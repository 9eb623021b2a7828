"""The registry of trackers: names, options and packages that are missing."""

import re
from pathlib import Path

import pytest

from resnet_lab import LabError
from resnet_lab.base.registry import temporary
from resnet_lab.results.trackers import TRACKERS, maker, tracker
from tests.conftest import ROOT


@pytest.mark.parametrize("name", ["tensorboard", "mlflow", "trackio"])
def test_each_has_an_extra_of_its_name(name):
    extra = re.search(rf'^{name} = \["(.*?)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert extra is not None
    assert TRACKERS.get(name).package in extra[1]
    assert TRACKERS.get(name).summary


def test_a_missing_package_is_said_with_the_command_that_installs_it(tmp_path):
    with temporary():
        tracker("mine", package="not_there")(lambda folder: None)
        with pytest.raises(
            LabError, match=r"the package 'not_there' is not installed: pip install 'resnet-lab\[mine\]'"
        ):
            maker("mine", {}, tmp_path)


def test_names_and_options_are_checked(tmp_path):
    with pytest.raises(LabError, match="unknown tracker 'tensorbord'; did you mean 'tensorboard'"):
        maker("tensorbord", {}, tmp_path)
    with pytest.raises(LabError, match="unknown option of tracker 'mlflow': 'url'; did you mean 'uri'"):
        maker("mlflow", {"url": "a"}, tmp_path)


def test_a_tracker_is_made_in_the_folder_with_its_options(tmp_path):
    with temporary():
        tracker("mine", package="")(lambda folder, *, level=1: (folder, level))
        assert maker("mine", {"level": 2}, tmp_path)() == (Path(tmp_path), 2)
