"""The store: two tables from the trials' own files, one owner, stale trials."""

import json

import pandas as pd
import pytest

from resnet_lab import LabError
from resnet_lab import results as results_function
from resnet_lab.results.store import Store, claim, is_done, read, read_epochs, read_several

LR = "train.optimizer.lr"


def test_one_row_a_trial_and_one_an_epoch(folder):
    for seed in (0, 1):
        folder.put("a", seed, test_accuracy=0.5, **{LR: 0.1})
    folder.put("b", 0, status="diverged", **{LR: 0.2})
    folder.store(swept=[LR])
    table = read(folder.path)
    assert table["trial"].tolist() == list(folder.labels)
    assert table["status"].tolist() == ["ok", "ok", "diverged"]
    assert table["reason"].tolist()[2] == "why"
    assert table["stale"].tolist() == [False] * 3
    assert results_function(folder.path).equals(table)
    epochs = pd.read_csv(folder.path / "epochs.csv", dtype={"trial": str})
    assert epochs["train_loss"].tolist() == [2.0, 1.0] * 3
    assert list(epochs.columns[:7]) == ["trial", "variant", "engine", "dtype", "seed", LR, "epoch"]
    assert epochs[LR].tolist() == [0.1] * 4 + [0.2] * 2


def test_a_trial_that_ends_adds_its_row_and_reads_no_other_trial(folder, monkeypatch):
    from resnet_lab.results import store as module

    folder.put("a", 0, **{LR: 0.1})
    folder.put("a", 1, **{LR: 0.1})
    kept = folder.path / "trials" / "000000000002"
    kept.rename(folder.path / "later")
    store = folder.store(swept=[LR])
    (folder.path / "later").rename(kept)
    read_paths = []
    for name in ("read_json", "read_or_set_aside"):
        real = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda path, *rest, real=real: [read_paths.append(path), real(path, *rest)][1]
        )
    row = store.add("000000000002")
    assert row["seed"] == 1
    assert {path.parent for path in read_paths} == {kept}
    assert read(folder.path)["seed"].tolist() == [0, 1]
    epochs = pd.read_csv(folder.path / "epochs.csv")
    assert epochs["seed"].tolist() == [0, 0, 1, 1]
    assert epochs["epoch"].tolist() == [1, 2, 1, 2]
    store.add("000000000002")  # a second training of the same trial replaces its rows
    assert len(pd.read_csv(folder.path / "epochs.csv")) == 4


def test_epochs_with_a_new_column_are_written_whole(folder):
    folder.put("a", 0)
    store = folder.store()
    trial = folder.put("a", 1)
    place = folder.path / "trials" / trial / "epochs.json"
    place.write_text(json.dumps([{"epoch": 1, "train_loss": 3.0, "gradient_norm": 7.0}]) + "\n")
    store.add(trial)
    epochs = pd.read_csv(folder.path / "epochs.csv")
    assert epochs["gradient_norm"].tolist()[2] == 7.0
    assert epochs["gradient_norm"].isna().tolist() == [True, True, False]


def test_stale_trials_are_marked_and_keep_the_columns_of_their_grid(folder):
    old = folder.put("a", 0, **{"variant.every_stage.conv_bias": True})
    new = folder.put("a", 1)
    store = folder.store(current=[new])
    table = read(folder.path).set_index("trial")
    assert table["stale"].to_dict() == {old: True, new: False}
    assert bool(table["variant.every_stage.conv_bias"][old]) is True
    assert store.stale() == [old]


def test_pruning_removes_stale_trials_alone_and_says_which(folder):
    old = folder.put("a", 0)
    new = folder.put("a", 1)
    (folder.path / "trials" / "halfway").mkdir()
    store = folder.store(current=[new])
    assert store.prune() == [
        f"removed the stale trial {old} (variant a, engine mxnet, seed 0, status ok)",
        "removed the stale trial halfway (without a result)",
    ]
    assert [path.name for path in (folder.path / "trials").iterdir()] == [new]
    assert read(folder.path)["trial"].tolist() == [new]
    assert store.prune() == []


def test_a_new_name_of_the_same_trial_replaces_the_old_one(folder):
    trial = folder.put("a", 0)
    folder.labels[trial] = folder.labels[trial] | {"variant": "renamed"}
    assert folder.table()["variant"].tolist() == ["renamed"]


@pytest.mark.parametrize("name", ["result.json", "epochs.json"])
def test_one_damaged_file_costs_one_trial(folder, name):
    damaged, whole = folder.put("a", 0), folder.put("a", 1)
    path = folder.path / "trials" / damaged / name
    path.write_text(path.read_text()[:20])
    store = folder.store()
    assert [note.partition(" is damaged")[0] for note in store.notes] == [str(path)]
    assert store.status(whole) == "ok"
    assert store.status(damaged) == ("ok" if name == "epochs.json" else None)
    assert folder.store().notes == []


def test_a_trial_without_a_result_is_no_row(folder):
    place = folder.path / "trials" / "000000000005"
    place.mkdir(parents=True)
    (place / ".result.json.1.partial").write_text('{"status": ')
    assert len(folder.table()) == 0
    assert not is_done(folder.path, "000000000005")
    assert read(folder.path).empty


def test_a_results_folder_belongs_to_one_file(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "e.yaml").write_text("")
    folder = tmp_path / "results" / "e"
    claim(folder, tmp_path / "x" / "e.yaml")
    claim(folder, tmp_path / "x" / "e.yaml")
    with pytest.raises(LabError, match=r"y/e\.yaml: .* results of another experiment .*x/e\.yaml; .*--results"):
        claim(folder, tmp_path / "y" / "e.yaml")
    with pytest.raises(LabError, match="results of another experiment"):
        claim(folder, tmp_path / "e.yaml")  # a mapping of this name, which is in no file
    (tmp_path / "x" / "e.yaml").unlink()  # moved: the results go with it
    claim(folder, tmp_path / "y" / "e.yaml")


def test_a_whole_project_can_be_moved(tmp_path):
    place = tmp_path / "before"
    (place / "experiments").mkdir(parents=True)
    (place / "experiments" / "e.yaml").write_text("")
    claim(place / "results" / "e", place / "experiments" / "e.yaml")
    place.rename(tmp_path / "after")
    place.mkdir()
    claim(tmp_path / "after" / "results" / "e", tmp_path / "after" / "experiments" / "e.yaml")


def test_tables_are_named_by_as_much_of_their_path_as_tells_them_apart(folder):
    folder.put("a", 0)
    folder.store()
    table = read(folder.path)
    paths = [folder.path.parent / name / "e" / "trials.csv" for name in ("x", "y")]
    for path in paths:
        path.parent.mkdir(parents=True)
        table.to_csv(path, index=False)
    assert read_several(paths)["experiment"].tolist() == ["x/e", "y/e"]
    other = folder.path.parent / "figures.csv"
    table.to_csv(other, index=False)
    assert read_several([folder.path, other])["experiment"].tolist() == ["e", "figures"]
    assert "experiment" not in read_several([folder.path])


@pytest.mark.filterwarnings("error")
def test_tables_with_unlike_columns_are_joined_without_a_warning(folder, tmp_path):
    folder.put("a", 0, status="failed")
    folder.store()
    other = tmp_path / "other.csv"
    pd.DataFrame({"variant": ["b"], "status": ["ok"], "skipped_images": [3], "more": ["x"]}).to_csv(other, index=False)
    table = read_several([folder.path, other])
    assert table["variant"].tolist() == ["a", "b"]
    assert table["skipped_images"].tolist()[1] == 3
    assert table["more"].isna().tolist() == [True, False]


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "", "\x00\x01"])
def test_a_file_that_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(LabError, match=r"x\.csv: is no results table"):
        read(tmp_path / "x.csv")


@pytest.mark.parametrize("form", ["csv", "json", "markdown", "latex", "table"])
def test_formats(folder, lab, form):
    folder.put("a", 0, test_accuracy=0.9, train_images_per_s=100.0)
    folder.store()
    columns = "variant,test_accuracy,train_images_per_s"
    done = lab("compare", str(folder.path), "--format", form, "--columns", columns)
    assert done.returncode == 0, done.stderr
    if form == "json":
        assert json.loads(done.stdout)[0] == {"variant": "a", "test_accuracy": 0.9, "train_images_per_s": 100.0}
    elif form == "csv":
        assert done.stdout.splitlines()[1] == "a,0.9,100.0"
    elif form == "markdown":
        assert "| a" in done.stdout
    elif form == "latex":
        assert r"test\_accuracy" in done.stdout
    else:
        assert "0.9000" in done.stdout


def test_the_epochs_of_a_folder_are_one_table(tmp_path):
    (tmp_path / "epochs.csv").write_text("trial,epoch,train_loss\n0123,1,2.0\n0123,2,1.0\n")
    assert read_epochs(tmp_path)["train_loss"].tolist() == [2.0, 1.0]
    assert results_function(tmp_path, epochs=True)["trial"].tolist() == ["0123"] * 2
    with pytest.raises(LabError, match=r"there are no results: .*epochs\.csv is missing"):
        read_epochs(tmp_path / "elsewhere")


def comparable(path):
    """Both tables as text, in the order of the trials."""
    return [sorted((path / name).read_text().splitlines()) for name in ("trials.csv", "epochs.csv")]


def test_the_table_grows_by_lines(folder):
    folder.put("a", 0)
    store = Store(folder.path, folder.labels)  # which knows the trials that are put there later, too
    before = [(folder.path / name).stat().st_ino for name in ("trials.csv", "epochs.csv")]
    for seed in range(1, 4):
        store.add(folder.put("a", seed))
    assert [(folder.path / name).stat().st_ino for name in ("trials.csv", "epochs.csv")] == before
    grown = comparable(folder.path)
    for name in ("trials.csv", "epochs.csv"):
        (folder.path / name).unlink()
    folder.store()
    assert comparable(folder.path) == grown


def test_tables_that_are_right_are_not_written_again(folder):
    for seed in range(3):
        folder.put("a", seed, epochs_done=2)
    folder.store()
    before = [(folder.path / name).stat().st_ino for name in ("trials.csv", "epochs.csv")]
    folder.store()
    assert [(folder.path / name).stat().st_ino for name in ("trials.csv", "epochs.csv")] == before


def test_a_table_cut_at_any_byte_of_its_last_row_is_readable_and_is_mended(folder):
    for seed in range(3):
        folder.put("a", seed, reason='it\'s said: "no, é"', epochs_done=2)
    folder.store()
    file, whole = folder.path / "trials.csv", (folder.path / "trials.csv").read_bytes()
    last = whole[:-1].rindex(b"\n") + 1
    rows = read(folder.path)
    for end in range(last, len(whole)):
        file.write_bytes(whole[:end])
        assert read(folder.path).equals(rows[:2]), whole[last:end]
    for end in (last, last + 1, (last + len(whole)) // 2, len(whole) - 1):
        file.write_bytes(whole[:end])
        folder.store()
        assert file.read_bytes() == whole


@pytest.mark.parametrize("change", ["row", "column"])
def test_epochs_of_a_replaced_trial_are_those_of_its_new_training(folder, change):
    """The run was killed between the new result and the tables."""
    trial = folder.put("a", 0, epochs_done=2)
    folder.put("a", 1, epochs_done=2)
    folder.store()
    place = folder.path / "trials" / trial
    result = json.loads((place / "result.json").read_text())
    more = {"wall_s": 3.0} if change == "row" else {"entirely_new": 1}
    (place / "result.json").write_text(json.dumps(result | more) + "\n")
    (place / "epochs.json").write_text(json.dumps([{"epoch": 1, "train_loss": 9.0}, {"epoch": 2}]) + "\n")
    folder.store()
    epochs = read_epochs(folder.path)
    assert epochs[epochs["trial"] == trial]["train_loss"].tolist()[0] == 9.0
    assert len(epochs) == 4


def test_the_table_of_a_run_is_what_is_read_later(folder):
    folder.put("a", 0, test_accuracy=0.1 + 0.2, wall_s=1e-17)
    folder.put("b", 1, status="failed")
    store = folder.store()
    assert store.table().equals(read(folder.path))
    assert store.table()["test_accuracy"][0] == 0.1 + 0.2
    other = folder.labels["000000000002"] | {"status": "ok", "started": "2025", "only_here": 3}
    table = store.table(instead={"000000000002": other})
    assert table["status"].tolist() == ["ok", "ok"]
    assert table["trial"].tolist() == ["000000000002", "000000000001"]
    assert table["only_here"].tolist()[0] == 3
    assert read(folder.path)["status"].tolist() == ["ok", "failed"]


@pytest.mark.parametrize("name", ["trials.csv", "epochs.csv"])
@pytest.mark.parametrize("content", [b"", b"\xff\x00junk\n,\x00,\r\n", b'"\n"\r,\n', b"trial\n"])
def test_a_damaged_table_is_written_anew(folder, name, content):
    for seed in range(2):
        folder.put("a", seed, epochs_done=2)
    folder.store()
    file = folder.path / name
    whole = file.read_bytes()
    file.write_bytes(content)
    folder.store()
    assert file.read_bytes() == whole
