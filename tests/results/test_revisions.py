"""The message about trials that several revisions of the code have run."""

from resnet_lab.results.revisions import message


def test_one_revision_needs_no_message():
    assert message({}) == ""
    assert message({"abc": 12}) == ""


def test_several_revisions_are_named_with_the_number_of_their_trials():
    assert message({"abc": 12, "": 1}).startswith(
        "the finished trials come from 2 revisions of the code: abc (12), outside git (1); the column 'revision'"
    )
    assert "abc+ (3); + means that files differed from the commit; " in message({"abc": 12, "abc+": 3})
