"""RecordIO without MXNet: the shared CIFAR-10 pair, files that MXNet wrote, and damaged ones."""

import struct

import pytest

from resnet_lab import LabError
from resnet_lab.data.formats.recordio import RecordFile
from tests.data.writing import record

MAGIC = struct.pack("<I", 0xCED7230A)


def test_records_are_those_that_mxnet_reads(tmp_path):
    """Several labels, no content, every length of padding, and contents that hold the magic number."""
    mx = pytest.importorskip("mxnet")
    contents = [b"a" * length for length in range(6)] + [MAGIC, b"four" + MAGIC * 3 + b"end", b"x" + MAGIC]
    header = mx.recordio.IRHeader
    writer = mx.recordio.MXIndexedRecordIO(str(tmp_path / "x.idx"), str(tmp_path / "x.rec"), "w")
    for number, content in enumerate(contents):
        label = [1.5, 2.0, number] if number % 2 else float(number)
        writer.write_idx(number, mx.recordio.pack(header(0, label, number, 0), content))
    writer.close()
    for indexed in (True, False):
        if not indexed:
            (tmp_path / "x.idx").unlink()
        records = RecordFile(tmp_path / "x.rec")
        assert len(records) == len(contents)
        for number, content in enumerate(contents):
            found = records[number]
            assert (found.content, found.id) == (content, number)
            assert found.labels.tolist() == ([1.5, 2.0, number] if number % 2 else [number])


def test_an_index_gives_the_order(tmp_path):
    first, second = record(b"first", 1), record(b"second", 2)
    (tmp_path / "x.rec").write_bytes(first + second)
    (tmp_path / "x.idx").write_text(f"7\t{len(first)}\n9\t0\n")
    records = RecordFile(tmp_path / "x.rec")
    assert [records[place].content for place in range(2)] == [b"second", b"first"]


@pytest.mark.parametrize(
    ("content", "index", "told"),
    [
        (b"", None, "x.rec: is empty"),
        (record(b"abc")[:-5], None, "x.rec: is damaged at offset 0: the file ends within it"),
        (record(b"abc") + b"junkjunk", None, "x.rec: is damaged at offset 36: no record begins there"),
        (record(b"abc") + MAGIC, None, "x.rec: is damaged at offset 36: the file ends within it"),
        (MAGIC + struct.pack("<I", 4) + b"abcd", None, "is damaged at offset 0: 4 bytes are too few for a header"),
        (
            MAGIC + struct.pack("<I", 24) + struct.pack("<IfQQ", 9, 0, 0, 0),
            None,
            "is damaged at offset 0: the record is too short for its 9 labels",
        ),
        (record(b"abc"), "0\t4\n", "x.rec: is damaged at offset 4: no record begins there"),
        (record(b"abc"), "0\t0\n1\t99\n", "x.idx:2: names the offset 99, but x.rec ends at 36"),
        (record(b"abc"), "0\tzero\n", "x.idx:1: is not a line of an index: KEY<tab>OFFSET was expected"),
    ],
)
def test_a_damaged_file_is_named_with_the_place(tmp_path, content, index, told):
    (tmp_path / "x.rec").write_bytes(content)
    if index:
        (tmp_path / "x.idx").write_text(index)
    with pytest.raises(LabError) as caught:
        RecordFile(tmp_path / "x.rec")[0]
    assert told in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(LabError, match=r"x\.rec: cannot be read: No such file"):
        RecordFile(tmp_path / "x.rec")
