"""What must never be written down of the credentials."""

from datetime import date

from conformance.domain.order import Market, Profile
from conformance.domain.request_words import special_in_words
from conformance.domain.steps import Cancel, Defect
from conformance.evidence.redaction import Redactor
from conformance.targets.http.credentials import EnvironmentCredentials, secrets_in
from conformance.wire import WIRES
from conformance.wire.base import Credentials, OrderIdentifiers, wrong_key

KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "eyJhbGciOi.JIUzI1NiJ9"


def test_the_key_that_is_nearly_ours_is_as_secret_as_ours():
    nearly = wrong_key(KEY)
    assert nearly != KEY
    answer = f"Access denied due to invalid subscription key {nearly}."
    for secrets in (
        EnvironmentCredentials("id", "secret", KEY, "123456", "", "", "", known=True).secrets,
        secrets_in({"VIPPS_SUBSCRIPTION_KEY": KEY}),
    ):
        assert KEY[:-1] not in Redactor(secrets).clean(answer)


def test_what_was_wrong_with_a_credential_is_shown_and_the_credential_is_not():
    secrets = secrets_in({"VIPPS_SUBSCRIPTION_KEY": KEY, "VIPPS_ACCESS_TOKEN": TOKEN})
    wire = WIRES[Profile.EPAYMENT](
        Credentials(KEY, "123456", TOKEN),
        OrderIdentifiers("order-1", date(2026, 12, 1), Market.NO),
        frozenset(),
    )
    words = {
        Defect.BAD_SUBSCRIPTION_KEY: "with the last character of the subscription key changed",
        Defect.NO_SUBSCRIPTION_KEY: "without a subscription key",
        Defect.BAD_TOKEN: "with a wrong access token",
        Defect.NO_BEARER: "with an access token without the word Bearer",
    }
    for defect, shown in words.items():
        headers = Redactor(secrets).headers(wire.headers(defect))
        assert not [value for _, value in headers if KEY[:12] in value or TOKEN[:12] in value]
        assert special_in_words(Cancel(defect=defect), Profile.EPAYMENT, None) == f"a cancel {shown}"


def test_without_a_key_nothing_is_secret():
    assert secrets_in({}) == []
