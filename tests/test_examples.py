"""The three ideas of docs/ideas.md: each goes from its block to a correct table of 80 columns in a few typed lines."""

import re
import shlex
import shutil

import pytest

import resnet_lab as rl
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.plan import plan
from tests.conftest import ROOT, any_engine

PAGE = (ROOT / "docs" / "ideas.md").read_text(encoding="utf-8")
IDEAS = re.findall(r"^## .*\n(?:(?!^## ).*\n)*?.*\(examples/(\w+)/\w+\.py\)", PAGE, re.MULTILINE)
TINY = ("data.size=8", "data.limit=96", "train.epochs=1", "measure=false", "seeds=[0]")


def commands(idea):
    """The commands that the page shows for an idea."""
    shown = re.findall(r"^(?:\$ | {4})resnet-lab (.*)$", PAGE, re.MULTILINE)
    return [shlex.split(words) for words in shown if idea in words]


def typed(idea):
    """The lines of YAML that an idea needs, without empty lines and comments."""
    texts = [path.read_text() for path in (ROOT / "docs" / "examples" / idea).glob("*.yaml")]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def test_the_page_shows_every_idea():
    folders = {path.parent.name for path in (ROOT / "docs" / "examples").glob("*/*.yaml")}
    assert {idea for idea in folders if (ROOT / "docs" / "examples" / idea / f"{idea}.yaml").is_file()} == {*IDEAS}
    assert len(IDEAS) == 3


@pytest.mark.parametrize("idea", IDEAS)
def test_an_idea_takes_at_most_15_lines_beside_its_block(idea):
    assert [words[0] for words in commands(idea)] == ["describe", "run", "compare"]
    assert len(typed(idea)) + len(commands(idea)) <= 15


@pytest.mark.parametrize("idea", IDEAS)
def test_an_idea_has_a_baseline_a_grid_and_three_seeds(idea):
    engine = f"engine={any_engine()}"
    trials = plan(load(ROOT / "docs" / "examples" / idea / f"{idea}.yaml", [engine])).trials
    baseline = [trial for trial in trials if not trial.swept]
    assert [trial.seed for trial in baseline] == [0, 1, 2]
    assert len(trials) == 3 * (1 + 2)
    assert len({trial.variant for trial in trials}) == 2


@pytest.mark.parametrize("idea", IDEAS)
@pytest.mark.usefixtures("trains_here")
def test_an_idea_goes_from_its_folder_to_a_table(idea, tmp_path, lab):
    folder = tmp_path / idea
    shutil.copytree(ROOT / "docs" / "examples" / idea, folder)
    settings = [word for setting in TINY for word in ("--set", setting)]
    done = lab("run", idea, "--engine", any_engine(), *settings, cwd=folder, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    trials = rl.results(folder / "results" / idea)
    assert (len(trials), {*trials["status"]}) == (3, {"ok"})

    [compare] = [words for words in commands(idea) if words[0] == "compare"]
    shown = lab(*compare, cwd=folder, COLUMNS="80")
    assert shown.returncode == 0, shown.stderr
    table = shown.stdout.splitlines()
    assert max(map(len, table)) <= 80
    [option] = [name for name in trials.columns if name.startswith("variant.")]
    means = trials.groupby(["variant", option], dropna=False)["test_accuracy"].mean()
    assert len(means) == 3
    for (variant, _), mean in means.items():
        assert any(line.split()[:1] == [variant] and f"{mean:.4f}" in line for line in table), mean
