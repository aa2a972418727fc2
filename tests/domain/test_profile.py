import copy
import json
import pickle

import pytest

from conformance.domain.order import Profile


def test_a_name_gives_the_one_object_of_its_api():
    assert Profile("ecom") is Profile.ECOM
    assert Profile(Profile.ECOM) is Profile.ECOM


@pytest.mark.parametrize("name", ["paypal", "ECOM", "", None, 3])
def test_another_name_is_refused(name):
    with pytest.raises(ValueError, match="is not a valid Profile"):
        Profile(name)


def test_the_class_gives_its_members_in_the_order_of_the_table():
    assert [profile.value for profile in Profile] == ["ecom", "epayment", "recurring"]
    assert len(Profile) == 3
    assert "ecom" in Profile
    assert "paypal" not in Profile


def test_a_member_is_its_name_wherever_text_is_needed():
    assert (f"{Profile.ECOM}", str(Profile.ECOM), Profile.ECOM.value) == ("ecom", "ecom", "ecom")
    assert type(Profile.ECOM.value) is str
    assert json.dumps({Profile.ECOM: Profile.ECOM}) == '{"ecom": "ecom"}'
    assert {"ecom": 1}[Profile.ECOM] == 1
    assert repr(Profile.ECOM) == "<Profile.ECOM: 'ecom'>"


def test_a_copy_is_the_same_object():
    assert copy.deepcopy(Profile.ECOM) is Profile.ECOM
    assert pickle.loads(pickle.dumps(Profile.ECOM)) is Profile.ECOM


def test_an_api_can_be_added_and_taken_back():
    other = Profile.define("other")
    assert other not in Profile
    Profile.add(other)
    try:
        assert Profile("other") is other
        with pytest.raises(ValueError, match="the name of another API"):
            Profile.add(Profile.define("other"))
    finally:
        Profile.remove(other)
    assert "other" not in Profile


@pytest.mark.parametrize("name", ["e-com", "Ecom", "", "ecom2", "e com"])
def test_the_name_of_an_api_is_one_lower_case_word(name):
    with pytest.raises(ValueError, match="one lower-case word"):
        Profile.define(name)
