"""Bad input is said in one line."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError, MienWarning


@given(st.text())
def test_a_message_is_always_one_line(text: str) -> None:
    message = str(MienError(text))
    assert len(message.splitlines()) <= 1
    assert message.split() == text.split()


def test_callers_may_catch_it_as_a_value_error() -> None:
    with pytest.raises(ValueError, match="got 3 points; expected 68; pass all of them"):
        raise MienError("got 3 points;\n  expected 68; pass all of them")


def test_a_note_to_the_reader_does_not_stop_the_work() -> None:
    with pytest.warns(MienWarning, match="no face in 3 frames"):
        warnings.warn("no face in 3 frames", MienWarning, stacklevel=1)
    assert not issubclass(MienWarning, MienError)
