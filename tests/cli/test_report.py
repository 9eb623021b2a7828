"""`resnet-lab report`: the file that it writes, and what it refuses."""

import pytest

from resnet_lab.results.store import Store
from tests.results.conftest import Folder


@pytest.fixture
def results(tmp_path):
    folder = Folder(tmp_path / "e")
    for seed in range(2):
        for name in ("a", "b"):
            folder.put(name, seed, test_accuracy=0.5)
    Store(folder.path, folder.labels)
    return folder.path


def test_the_file_is_named_with_its_size(results, call, tmp_path):
    output = tmp_path / "my.html"
    printed = call("report", str(results), "-o", str(output), "--baseline", "a", "--where", "seed == 0")
    assert printed.startswith(f"{output} (")
    assert printed.endswith("kB)\n")
    assert "only the trials for which this condition holds: seed == 0" in output.read_text()


def test_mistakes_are_one_message(results, lab, tmp_path):
    for words, message in (
        (("none",), "there are no results"),
        (("e", "--baseline", "c"), "unknown variant 'c'"),
        (("e", "-o", "no/r.html"), "names no file in an existing folder"),
    ):
        done = lab("report", *words, cwd=tmp_path)
        assert done.returncode == 2
        assert message in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
