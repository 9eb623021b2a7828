"""Gluon-CV's pretrained weights from a server of the test's own: whole, truncated, with a wrong hash, refused."""

import functools
import hashlib
import http.server
import threading
import zipfile

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.weights import gluon_zoo
from resnet_lab.weights.pretrained import load
from tests.conftest import engine_or_skip, gluoncv
from tests.weights import zoo

NAME = "cifar_resnet20_v1"


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A server's folder and the person's own, and the bytes of a file of weights that the store expects."""
    engine_or_skip("mxnet")
    gluoncv()
    from gluoncv.model_zoo import model_store

    net = zoo.theirs(NAME)
    net.save_parameters(str(tmp_path / "made.params"))
    content = (tmp_path / "made.params").read_bytes()
    sha1 = hashlib.sha1(content).hexdigest()
    monkeypatch.setitem(model_store._model_sha1, NAME, sha1)
    served = tmp_path / "served" / "gluon" / "models"
    served.mkdir(parents=True)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("MXNET_GLUON_REPO", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("MXNET_HOME", str(tmp_path / "home"))
        yield served, content, f"{NAME}-{sha1[:8]}"
        server.shutdown()
        thread.join()


def put(served, file, content):
    with zipfile.ZipFile(served / f"{file}.zip", "w") as archive:
        archive.writestr(f"{file}.params", content)


def test_whole(store, tmp_path, capsys):
    served, content, file = store
    put(served, file, content)
    net = load(NAME, "gluon")
    assert net.how == "the names of Gluon-CV"
    assert (tmp_path / "home" / "models" / f"{file}.params").read_bytes() == content
    assert capsys.readouterr().out == ""  # its progress is for standard error
    (served / f"{file}.zip").unlink()
    assert np.array_equal(load(NAME, "gluon").arrays["head.dense1.weight"], net.arrays["head.dense1.weight"])


def test_offline_nothing_is_asked_and_a_file_at_hand_is_taken(store, tmp_path, monkeypatch):
    served, content, file = store
    put(served, file, content)
    monkeypatch.setenv("RESNET_LAB_OFFLINE", "1")
    told = rf"{file}\.params is not here, and RESNET_LAB_OFFLINE forbids .*: put it into {tmp_path}/home/models by hand"
    with pytest.raises(LabError, match=told):
        load(NAME, "gluon")
    (tmp_path / "home" / "models").mkdir(parents=True)
    (tmp_path / "home" / "models" / f"{file}.params").write_bytes(content[:-4] + b"abcd")
    with pytest.raises(LabError, match=rf"{file}\.params: is damaged: its SHA1 is not"):
        load(NAME, "gluon")
    (tmp_path / "home" / "models" / f"{file}.params").write_bytes(content)
    assert load(NAME, "gluon").how == "the names of Gluon-CV"


@pytest.mark.parametrize("fault", ["truncated", "wrong hash", "refused", "unreachable"])
def test_faults_end_in_a_message_that_says_where_to_put_the_file(store, tmp_path, monkeypatch, fault):
    served, content, file = store
    put(served, file, content if fault == "truncated" else content[:-4] + b"abcd")
    archive = served / f"{file}.zip"
    if fault == "truncated":
        archive.write_bytes(archive.read_bytes()[:1000])
    elif fault == "refused":
        archive.unlink()
    elif fault == "unreachable":
        monkeypatch.setenv("MXNET_GLUON_REPO", "http://127.0.0.1:9")
    with pytest.raises(
        LabError, match=rf"{file}.params cannot be fetched from http.*put it into {tmp_path}/home/models"
    ):
        load(NAME, "gluon")
    put(served, file, content)  # and all is well as soon as it is there
    monkeypatch.setenv("MXNET_GLUON_REPO", gluon_zoo.os.environ["MXNET_GLUON_REPO"])
    if fault != "unreachable":
        assert load(NAME, "gluon").variant == NAME


def test_a_net_that_gluon_has_no_weights_for():
    gluoncv()
    with pytest.raises(LabError, match="unknown net with weights at Gluon-CV 'resnet50'; did you mean 'resnet50_v"):
        load("resnet50", "gluon")


def test_torch_is_as_it_was_after_gluoncv_was_imported():
    engine_or_skip("mxnet")
    torch = pytest.importorskip("torch")
    with gluon_zoo.importable(), pytest.raises(ImportError):
        import torch.nn
    import torch.nn

    assert torch.nn is not None
    assert rl.variant("resnet18")
