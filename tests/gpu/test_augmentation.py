"""The comparison of augmentations sees a pixel that differs."""

import pytest

from tests.conftest import engine_or_skip

from . import augmentation
from .job import Job


@pytest.mark.parametrize("wrong", [False, True])
def test_a_device_that_augments_otherwise_does_not_agree(tmp_path, monkeypatch, wrong):
    engine_or_skip("torch")
    from resnet_lab.engines.torch.augmentations import colours

    rows = []
    monkeypatch.setattr(Job, "row", lambda self, **values: rows.append(values))
    if wrong:
        autocontrast = colours.autocontrast

        def darker(images):
            made = autocontrast(images)
            return made - (made == 255).byte()

        monkeypatch.setitem(augmentation_tables(), "autocontrast", darker)
    augmentation.compare(Job("agreement", 1, tmp_path, "cpu", True))
    agree = {row["name"]: row["agrees"] for row in rows}
    assert agree.pop("rand_augment, colour") is not wrong
    assert agree.pop("rand_augment, grey") is not wrong
    assert all(agrees for name, agrees in agree.items() if "all" not in name)
    assert len(rows) == 20
    assert {row["differ"] > 0 for row in rows} == {wrong, False}


def augmentation_tables():
    from resnet_lab.engines.torch.augmentations.rand_augment import _OWN_TABLES

    return _OWN_TABLES
