"""MXNet on a Python and beside a NumPy that are newer than it: what its modules see, and that nobody else sees it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from resnet_lab.engines.mxnet import compat
from tests.conftest import engine_or_skip

PROCESS = """
import sys, types
import numpy
before, paths = set(vars(numpy)), set(sys.modules)
from resnet_lab.engines.mxnet import compat
compat.needed = lambda: True  # in any case: beside an old NumPy it changes nothing either
import mxnet as mx

# Submodules of its own are imported by NumPy itself, when they are first used.
print([name for name in set(vars(numpy)) ^ before if not isinstance(getattr(numpy, name), types.ModuleType)])
print("distutils" in set(sys.modules) - paths, mx.np is not numpy and sys.modules["numpy"] is numpy)
x = mx.nd.array(numpy.arange(6).reshape(2, 3))
print(x.mean(axis=0).asnumpy().tolist(), float(numpy.mean(mx.np.ones((2, 2)))))
record = mx.recordio.pack(mx.recordio.IRHeader(0, [1.0, 2.0], 3, 0), b"x")
header, rest = mx.recordio.unpack(record)
print(header.label.tolist(), header.id, rest)
"""
"""A process that imports MXNet through the finder, and prints a line or two for each of the tests below."""


@pytest.fixture(scope="module")
def printed() -> list[str]:
    """The lines that the process prints."""
    done = subprocess.run([sys.executable, "-c", PROCESS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(autouse=True, scope="module")
def _mxnet():
    engine_or_skip("mxnet")


def test_numpy_is_as_it_was_after_the_import(printed):
    assert printed[:2] == ["[]", "False True"]


def test_mxnet_computes_beside_it(printed):
    """`numpy.mean` of an array of MXNet goes through NumPy's dispatch."""
    assert printed[2] == "[1.5, 2.5, 3.5] 1.0"


def test_record_headers_with_several_labels_are_packed(printed):
    """`ndarray.tostring`, which `pack` calls, is gone from NumPy 2.3."""
    assert printed[3] == "[1.0, 2.0] 3 b'x'"


def test_the_view_has_every_name_that_mxnet_reads_and_else_is_numpy():
    view = compat._numpy()
    for name in ("bool", "int", "float", "PZERO", "NINF", "Inf", "NaN", "alltrue", "msort", "trapz", "in1d", "mirr"):
        assert hasattr(view, name)
    assert view.ndarray is np.ndarray
    assert view.linalg is np.linalg
    assert set(dir(np)) <= set(dir(view))
    assert view.in1d(np.array([1, 2, 3]), [2]).tolist() == [False, True, False]
    assert view.trapz(np.array([1.0, 2.0, 3.0])) == 4.0
    with pytest.raises(AttributeError):
        _ = view.no_such_name


def test_functions_that_numpy_gave_up_say_so():
    with pytest.raises(NotImplementedError, match="mxnet.np.mirr is NumPy's, and NumPy no longer has it"):
        compat._gone("mirr")([1.0], 0.1, 0.1)


@pytest.mark.parametrize(
    ("smaller", "larger"), [("1.17", "1.23.5"), ("1.9.1", "1.10"), ("2.0.0", "2.4.6"), ("2.0rc1", "2.0.1")]
)
def test_versions_compare_as_numbers(smaller, larger):
    version = compat._distutils().version.LooseVersion
    assert version(smaller) < version(larger)
    assert version(larger) >= version(smaller)
    assert version(larger) == larger
    assert str(version(smaller)) == smaller


def test_what_was_not_tried_is_refused():
    assert compat.problem((3, 11), (1, 23)) is None
    assert compat.problem((3, 14), (2, 4)) is None
    assert "this is Python 3.15" in compat.problem((3, 15), (2, 4))
    assert "pip install 'numpy<2.6'" in compat.problem((3, 13), (2, 6))


def test_python_imports_these_packages_itself_where_it_can(monkeypatch):
    monkeypatch.setattr(compat, "needed", lambda: False)
    assert compat.find_spec("mxnet", None) is None
    monkeypatch.setattr(compat, "needed", lambda: True)
    assert type(compat.find_spec("mxnet", None).loader).__name__ == "_Loader"


def test_only_these_packages_are_asked_for():
    finder = next(each for each in sys.meta_path if getattr(each, "__name__", "") == "_MXNetFinder")
    assert finder.find_spec("numpy", None) is None
    assert finder.find_spec("mxnetlike", None) is None


def test_a_block_file_may_import_mxnet_first(tmp_path):
    """The person's file runs before any engine of ours is asked for."""
    (tmp_path / "block.py").write_text(
        "from mxnet.gluon.model_zoo.vision.resnet import BasicBlockV1\n"
        "from resnet_lab import module_block\n"
        "module_block('gluon_basic')(BasicBlockV1)\n"
    )
    (tmp_path / "net.yaml").write_text(
        "extends: cifar_resnet20\nblocks: [block.py]\nevery_stage: {block: gluon_basic, shortcut: projection}\n"
        "stages: {2: {first: {downsample: true}}, 3: {first: {downsample: true}}}\n"
    )
    code = "from resnet_lab import graph\nprint(graph('net.yaml', input=(3, 8, 8), classes=4).params)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 200_000
