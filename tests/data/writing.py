"""Files of pictures that tests write: JPEGs and archives."""

import io
import struct
import tarfile

import numpy as np
from PIL import Image


def tar(path, members: dict[str, bytes]):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def jpeg(seed: int, width: int = 60, height: int = 45) -> bytes:
    """A picture with structure, so that crops of it differ."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).resize((width, height)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def record(content: bytes, label: float = 0.0, number: int = 0) -> bytes:
    """A packed record that holds no magic number."""
    body = struct.pack("<IfQQ", 0, label, number, 0) + content
    return struct.pack("<I", 0xCED7230A) + struct.pack("<I", len(body)) + body + bytes(-len(body) % 4)
