"""What must never be written down of the credentials."""

from conformance.evidence.redaction import Redactor
from conformance.targets.http.credentials import EnvironmentCredentials, secrets_in
from conformance.wire.base import wrong_key

KEY = "0123456789abcdef0123456789abcdef"


def test_the_key_that_is_nearly_ours_is_as_secret_as_ours():
    nearly = wrong_key(KEY)
    assert nearly != KEY
    answer = f"Access denied due to invalid subscription key {nearly}."
    for secrets in (
        EnvironmentCredentials("id", "secret", KEY, "123456", "", "", "", known=True).secrets,
        secrets_in({"VIPPS_SUBSCRIPTION_KEY": KEY}),
    ):
        assert KEY[:-1] not in Redactor(secrets).clean(answer)


def test_without_a_key_nothing_is_secret():
    assert secrets_in({}) == []
