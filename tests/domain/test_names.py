"""The name that was probably meant."""

import pytest

from conformance.domain.names import did_you_mean, nearest


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("epaymnt", "epayment"),
        ("ECOM", "ecom"),
        ("ep-5", "EP-05"),
        ("EP-051", "EP-05"),
        ("xyz", None),
        ("", None),
    ],
)
def test_the_nearest_name_and_the_first_of_equals(name, meant):
    assert nearest(name, ["ecom", "epayment", "EP-05", "EP-15", "EP-35"]) == meant


def test_nothing_is_suggested_where_there_is_nothing():
    assert nearest("x", []) is None
    assert did_you_mean("x", []) == ""
    assert did_you_mean("rnu", ["run"]) == " Did you mean 'run'?"
