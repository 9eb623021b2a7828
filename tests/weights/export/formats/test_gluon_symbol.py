"""Export to a symbol and its parameters, as HybridBlock.export writes them."""

import json

import numpy as np
import pytest

from resnet_lab.weights.export import export
from tests.weights.export.test_checked import net


def test_the_two_files_hold_the_graph_and_its_parameters(tmp_path):
    mx = pytest.importorskip("mxnet")
    trained = net("cifar_resnet20")
    done = export(trained, "gluon-symbol", tmp_path / "net")
    assert [path.name for path in done.paths] == ["net-symbol.json", "net-0000.params"]
    assert done.reader == "gluon.SymbolBlock"
    operators = [node["op"] for node in json.loads(done.paths[0].read_text())["nodes"]]
    assert operators.count("Convolution") == sum(node.op == "conv" for node in trained.graph.nodes)
    stored = {name.partition(":")[2]: array.asnumpy() for name, array in mx.nd.load(str(done.paths[1])).items()}
    assert len(stored) == len(trained.arrays)
    assert sum(array.size for array in stored.values()) == sum(array.size for array in trained.arrays.values())


def test_the_symbol_takes_any_batch_size(tmp_path):
    mx = pytest.importorskip("mxnet")
    symbol, params = export(net("cifar_resnet20"), "gluon-symbol", tmp_path / "net").paths
    block = mx.gluon.SymbolBlock.imports(str(symbol), ["data"], str(params))
    images = np.random.default_rng(0).standard_normal((3, 3, 32, 32)).astype(np.float32)
    together = block(mx.nd.array(images)).asnumpy()
    apart = [block(mx.nd.array(image[None])).asnumpy()[0] for image in images]
    assert np.allclose(together, apart, rtol=1e-4, atol=1e-4)
