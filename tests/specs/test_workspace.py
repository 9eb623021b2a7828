"""Named files: where they are looked up, and what the message for an unknown name says."""

from pathlib import Path

import pytest

from resnet_lab import LabError
from resnet_lab.specs import workspace as files


def test_a_name_is_found_beside_the_spec_then_here_then_in_the_package(workspace):
    beside = workspace / "elsewhere"
    beside.mkdir()
    assert files.find("resnet18", "variants") == files.shipped("variants") / "resnet18.yaml"
    (workspace / "variants" / "resnet18.yaml").write_text("")
    assert files.find("resnet18", "variants") == Path("variants/resnet18.yaml")
    (beside / "resnet18.yaml").write_text("")
    assert files.find("resnet18", "variants", beside=beside) == Path("elsewhere/resnet18.yaml")


def test_a_spec_does_not_mean_itself(workspace):
    own = workspace / "variants" / "resnet18.yaml"
    own.write_text("")
    assert files.find("resnet18", "variants", skip=own) == files.shipped("variants") / "resnet18.yaml"
    alone = workspace / "variants" / "mine.yaml"
    alone.write_text("")
    with pytest.raises(LabError, match="'mine' extends itself"):
        files.find("mine", "variants", skip=alone)


def test_an_unknown_name_comes_with_the_nearest(workspace):
    with pytest.raises(LabError, match="unknown variant 'resnet81'; did you mean 'resnet18'?"):
        files.find("resnet81", "variants")


@pytest.mark.parametrize(("word", "path"), [("a.yaml", True), ("b/a", True), ("resnet50", False)])
def test_a_path_ends_in_yaml_or_has_a_slash(workspace, word, path):
    assert files.is_path(word) is path
    if path:
        with pytest.raises(LabError, match=f"there is no file '{word}'"):
            files.find(word, "variants")


def test_names_lists_both_places(workspace):
    (workspace / "variants" / "mine.yaml").write_text("")
    assert {"mine", "resnet50"} <= files.names("variants").keys()


def test_a_spec_in_the_working_directory_is_found_by_its_name(workspace):
    (workspace / "mine.yaml").write_text("extends: resnet18\n")
    (workspace / "try_it.yaml").write_text("variants: [mine]\n")
    assert files.find("mine", "variants") == Path("mine.yaml")
    assert files.find("try_it", "experiments") == Path("try_it.yaml")
    assert "mine" in files.names("variants")
    assert "try_it" not in files.names("variants")
    (workspace / "variants" / "mine.yaml").write_text("extends: resnet34\n")
    assert files.find("mine", "variants") == Path("variants/mine.yaml")


def test_a_file_of_the_other_kind_does_not_have_the_name(workspace):
    (workspace / "mine.yaml").write_text("variants: [resnet18]\n")
    (workspace / "resnet18.yaml").write_text("variants: [resnet18]\n")
    with pytest.raises(LabError, match="unknown variant 'mine'"):
        files.find("mine", "variants")
    assert files.find("resnet18", "variants") == files.shipped("variants") / "resnet18.yaml"
    (workspace / "extension.yaml").write_text("extends: resnet18\n")
    with pytest.raises(LabError, match="unknown experiment 'extension'"):
        files.find("extension", "experiments")


def test_the_nearest_name_may_lie_in_the_working_directory(workspace):
    (workspace / "wide_idea.yaml").write_text("extends: resnet18\n")
    (workspace / "broken.yaml").write_text("- a list\n")
    with pytest.raises(LabError, match="unknown variant 'wide_ida'; did you mean 'wide_idea'"):
        files.find("wide_ida", "variants")
    assert files.find("broken", "variants") == Path("broken.yaml")
