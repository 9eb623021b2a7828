"""Published figures beside trials: each with its source, and with a word where the conditions differ."""

import pandas as pd

from resnet_lab.results.compare import compare
from resnet_lab.results.published import published, references


def test_each_metric_has_its_own_source(folder, tmp_path):
    folder.put("a", test_accuracy=0.9)
    folder.put("b", test_accuracy=0.8)
    file = tmp_path / "published.csv"
    file.write_text("variant,metric,value,source\na,test_accuracy,0.95,someone 2015\na,macs,2000,another 2016\n")
    table = compare(folder.table(), against=str(file))
    assert table["published_test_accuracy"].tolist()[0] == 0.95
    assert table["published_by_test_accuracy"].tolist()[0] == "someone 2015"
    assert table["published_by_macs"].tolist()[0] == "another 2016"
    assert pd.isna(table["published_by_macs"].tolist()[1])


def test_other_data_and_epochs_are_said(folder, tmp_path):
    folder.put("a", test_accuracy=0.9)
    file = tmp_path / "reference.csv"
    file.write_text("variant,metric,value,data,epochs,source\na,test_accuracy,0.95,imagenet,90,someone\n")
    assert compare(folder.table(), against=str(file)).attrs["notes"] == [
        "the published figures of reference were obtained under other conditions: "
        "data imagenet (these trials: digits); epochs 90 (these trials: 1)"
    ]
    file.write_text("variant,metric,value,data,epochs,source\na,test_accuracy,0.95,digits,,someone\n")
    assert compare(folder.table(), against=str(file)).attrs["notes"] == [
        "the published figures of reference were obtained under other conditions: epochs not stated (these trials: 1)"
    ]


def test_the_same_conditions_and_figures_of_the_network_alone_need_no_word(folder, tmp_path):
    folder.put("a", test_accuracy=0.9, data="digits:folder")
    file = tmp_path / "reference.csv"
    file.write_text("variant,metric,value,data,epochs,source\na,test_accuracy,0.95,digits,1,someone\n")
    assert compare(folder.table(), against=str(file)).attrs["notes"] == []
    file.write_text("variant,metric,value,source\na,params,2000,someone\n")
    assert compare(folder.table(), against=str(file)).attrs["notes"] == []


def test_multiply_adds_for_images_of_another_shape_are_said(folder, tmp_path):
    folder.put("a", test_accuracy=0.9)
    shape = folder.table()["input"].iloc[0]
    file = tmp_path / "reference.csv"
    file.write_text("variant,metric,value,input,source\na,macs,2000,3x224x224,someone\n")
    assert compare(folder.table(), against=str(file)).attrs["notes"] == [
        "the published figures of reference were obtained under other conditions: "
        f"input 3x224x224 (these trials: {shape})"
    ]
    file.write_text(f"variant,metric,value,input,source\na,macs,2000,{shape},someone\na,params,5,3x224x224,someone\n")
    assert compare(folder.table(), against=str(file)).attrs["notes"] == []


def test_shipped_references_have_sources_and_known_variants():
    from resnet_lab.specs.workspace import names

    assert references()
    for name, path in references().items():
        table = published(path)
        assert {"variant", "metric", "value", "source"} <= set(table.columns), name
        assert table["source"].str.len().min() > 5
        assert not table.duplicated(["variant", "metric"]).any(), name
        assert set(table["variant"]) <= set(names("variants")), name
        trained = table[~table["metric"].isin(["macs", "params"])]
        assert trained.empty or trained["data"].notna().all(), name
        counted = table[table["metric"] == "macs"]
        assert counted.empty or counted["input"].notna().all(), name
