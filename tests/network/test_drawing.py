"""The drawing of a network: valid SVG, in which no two boxes overlap and every connection is drawn."""

import xml.etree.ElementTree as tree

import pytest

import resnet_lab as rl
from resnet_lab.network.drawing import draw, draw_stage, short
from resnet_lab.network.outline import outline
from resnet_lab.specs import workspace

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", sorted(workspace.names("variants")))
def test_boxes_do_not_overlap_and_every_connection_is_drawn(name):
    for stage in outline(rl.graph(name)):
        picture = draw_stage(stage)
        root = tree.fromstring(f"<svg>{picture.svg}</svg>")
        edges = sum(len(box.inputs) for part in stage.parts for box in part.boxes) + len(stage.parts) - 1
        assert len(root.findall(".//path[@class='edge']")) == edges
        for part in root.findall("g"):
            boxes = [[int(box.get(key)) for key in ("x", "y", "width", "height")] for box in part.findall("rect")[1:]]
            for index, (x, y, width, height) in enumerate(boxes):
                assert x > 0
                assert x + width < picture.width
                for left, top, across, down in boxes[:index]:
                    assert left + across < x or x + width < left or top + down < y or y + height < top


def test_a_drawing_is_one_svg_file_with_its_title():
    text = draw(rl.graph("resnet18"), "a <b> & c")
    root = tree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.get("aria-label") == "a <b> & c"
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert "stage2 → 128x28x28" in words
    assert "conv 7\u00d77, 64, /2" in words
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize(("value", "text"), [(999, "999"), (1000, "1k"), (11_689_512, "11.7M"), (2 * 10**9, "2G")])
def test_short_numbers(value, text):
    assert short(value) == text
