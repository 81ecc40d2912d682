"""Domains are validated, and text is read as it was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.errors import InputError
from gaitproof.types import Domain


@given(st.lists(st.text(max_size=30), min_size=3, max_size=3))
def test_free_text_becomes_a_domain_that_is_read_again(parts):
    try:
        domain = Domain.of(sensor=parts[0], estimator=parts[1], site=parts[2])
    except InputError:
        assert any(not part.strip().isprintable() for part in parts)
        return
    assert Domain.parse(str(domain)) == domain


@pytest.mark.parametrize("text", ["a/b", "a/b/c/d", "//", "a//c", "a/b/\n", "x" * 201, ""])
def test_what_is_no_domain_is_refused(text):
    with pytest.raises(InputError, match="domain"):
        Domain.parse(text)


def test_a_site_alone_is_enough():
    assert str(Domain.parse("KTH")) == "unknown/unknown/KTH"
