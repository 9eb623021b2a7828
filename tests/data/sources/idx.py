"""The check of a dataset of MNIST's form: four gzipped idx files, written small."""

import dataclasses
import gzip
import hashlib
import struct

import numpy as np
import pytest

from resnet_lab import LabError, data
from resnet_lab.data.formats.download import RemoteFile


def read_from_four_files(module, name, folder, monkeypatch) -> data.Dataset:
    """Write the four files of a dataset with six images to train on, and read them; damage is refused before."""
    monkeypatch.setenv("RESNET_LAB_DATA", str(folder))
    (folder / name).mkdir()
    files = []
    for file, count in zip(module.FILES, (6, 6, 4, 4), strict=True):
        rank = 3 if "images" in file.name else 1
        shape = (count, 28, 28)[:rank]
        head = b"\0\0\x08" + bytes([rank]) + struct.pack(f">{rank}I", *shape)
        content = gzip.compress(head + (np.arange(np.prod(shape)) % 10).astype(np.uint8).tobytes())
        (folder / name / file.name).write_bytes(content)
        files.append(RemoteFile(file.name, md5=hashlib.md5(content).hexdigest()))
    with pytest.raises(LabError, match=f"train-images-idx3-ubyte.gz: is damaged: its MD5 is not {module.FILES[0].md5}"):
        data.load(name)
    monkeypatch.setattr(module, "FILES", tuple(files))
    with pytest.raises(LabError, match=f"'{name}' declares 60000 images to train on, but 6 images were read"):
        data.load(name)
    source = data.DATASETS.get(name)
    data.DATASETS.add(dataclasses.replace(source, fixed=data.Facts((1, 28, 28), 10, 6)), replace=True)
    return data.load(name)
