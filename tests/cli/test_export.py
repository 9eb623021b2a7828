"""`resnet-lab export`: the file, the comparison, and mistakes."""

import pytest

from tests.conftest import any_engine


def test_a_file_is_written_and_compared(lab, tmp_path, net):
    engine = any_engine()
    words = ("export", "cifar_resnet20", "--weights", str(net), "--to", "npz", "-o", "x", "--engine", engine)
    done = lab(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "x.npz").is_file()
    assert done.stdout.startswith("wrote x.npz (weights read by our own names)\n")
    assert f"and of the engine '{engine}' differ by at most" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("export", "cifar_resnet20", "--to", "onnx", "-o", "absent/x"), "'absent/x' names no file in an"),
        (("export", "cifar_resnet20", "--to", "torch", "-o", "x", "--fold"), "for onnx only"),
        (("export", "cifar_resnet20", "--to", "onxx", "-o", "x"), "unknown export format 'onxx'; did you mean 'onnx'?"),
        (("export", "cifar_resnet20", "--to", "onnx", "-o", "."), "'.' names no file"),
        (("export", "cifar_resnet20", "--to", "onnx", "-o", "x", "--engine", "caffe"), "unknown engine 'caffe'"),
        (("export", "cifar_resnet20", "--to", "onnx", "-o", "x", "--input", "3x0x32"), "written CxHxW"),
    ],
)
def test_mistakes_end_in_one_message(refused, words, told):
    assert told in refused(*words)
