"""The networks of a calibration: small, all different, none a published variant, and every op of one among them."""

from resnet_lab import graph as variant_graph
from resnet_lab.training.calibration_networks import samples
from tests.conftest import ROOT

VARIANTS = sorted(path.stem for path in (ROOT / "variants").glob("*.yaml"))


def test_the_networks_have_different_names_and_are_small():
    found = samples()
    assert len({sample.name for sample in found}) == len(found)
    assert max(sample.graph.macs * sample.batch for sample in found) < 10e9


def test_no_published_variant_is_among_them():
    digests = {sample.graph.architecture for sample in samples()}
    assert not digests & {variant_graph(name).architecture for name in VARIANTS if not name.endswith(("1001", "1202"))}


def test_every_op_of_the_published_variants_is_measured():
    """But for drop_path, which is counted as a ReLU of the same size; docs/prediction.md says so."""
    measured = {node.op for sample in samples() for node in sample.graph.nodes}
    needed = {node.op for name in VARIANTS[::4] for node in variant_graph(name).nodes}
    assert needed - {"drop_path"} <= measured
