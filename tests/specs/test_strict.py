"""The base class of specs: known keys, declared types, no changes."""

import pytest
from pydantic import ValidationError

from resnet_lab.specs.strict import Positive, Share, Strict, Whole, named


class Numbers(Strict):
    whole: Whole = 1
    share: Share = 0.0
    positive: Positive = 1.0


@pytest.mark.parametrize(
    "wrong",
    [{"whole": 0}, {"whole": 1.0}, {"whole": "1"}, {"whole": True}, {"share": 1.0}, {"share": -0.1}, {"positive": 0.0}],
)
def test_values_outside_their_type_are_refused(wrong):
    with pytest.raises(ValidationError):
        Numbers.model_validate(wrong)


def test_unknown_keys_and_changes_are_refused():
    with pytest.raises(ValidationError):
        Numbers.model_validate({"hole": 1})
    with pytest.raises(ValidationError):
        Numbers().whole = 2  # type: ignore[misc]


def test_a_word_is_short_for_a_name():
    assert named("cosine") == {"name": "cosine"}
    assert named({"name": "step"}) == {"name": "step"}
