"""The credentials that a run takes from the environment, and its secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from conformance.sandbox import Options
from conformance.targets.transport import TargetUsageError
from conformance.wire.base import wrong_key

CREDENTIAL_NAMES: Final = (
    "VIPPS_CLIENT_ID",
    "VIPPS_CLIENT_SECRET",
    "VIPPS_SUBSCRIPTION_KEY",
    "VIPPS_MSN",
    "VIPPS_ACCESS_TOKEN",
)
_SECRET_VARIABLES: Final = tuple(name for name in CREDENTIAL_NAMES if name != "VIPPS_MSN")
PHONE: Final = "4712345678"
"""The test user's phone number if the environment has none."""


@dataclass(frozen=True, slots=True)
class EnvironmentCredentials:
    """The credentials of a run.

    Attributes:
        client_id: for the token endpoint.
        client_secret: for the token endpoint.
        subscription_key: sent with every request.
        msn: the sales unit.
        token: an access token that the user supplied; empty if it is to be fetched.
        other_msn: a sales unit that the test orders do not belong to.
        phone: the test user's phone number.
        known: whether they come from the environment; if not, they are the embedded provider's public ones.
        other_named: whether ``other_msn`` is known to be another sales unit, and not just another number.

    """

    client_id: str
    client_secret: str
    subscription_key: str
    msn: str
    token: str
    other_msn: str
    phone: str
    known: bool
    other_named: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must never be written down.

        A phone number is among them only if the user supplied it.
        """
        # A history sends a key that is nearly ours, and a target may hand it back.
        keys = (self.subscription_key, wrong_key(self.subscription_key)) if self.subscription_key else ()
        credentials = (self.client_secret, *keys, self.token, self.client_id)
        phones = (self.phone, self.phone[-8:]) if self.phone != PHONE else ()
        return tuple(secret for secret in (*credentials, *phones) if secret)


def secrets_in(environment: Mapping[str, str]) -> list[str]:
    """Return the values in an environment that must never be written down."""
    values = [environment.get(name, "") for name in _SECRET_VARIABLES]
    if key := environment.get("VIPPS_SUBSCRIPTION_KEY", ""):
        values.append(wrong_key(key))
    phone = environment.get("VIPPS_TEST_PHONE", "")
    phones = [phone, phone[-8:]] if phone != PHONE else []
    return [value for value in (*values, *phones) if value]


def missing_credentials(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that have to be set to test a target elsewhere, and are not."""
    required = ["VIPPS_SUBSCRIPTION_KEY", "VIPPS_MSN"]
    if not environment.get("VIPPS_ACCESS_TOKEN"):
        required += ["VIPPS_CLIENT_ID", "VIPPS_CLIENT_SECRET"]
    return [name for name in required if not environment.get(name)]


def credentials_from(
    environment: Mapping[str, str] | None = None, *, embedded: bool = False, loopback: bool = False
) -> EnvironmentCredentials:
    """Return the credentials of a run.

    A target on this machine gets the embedded provider's public test credentials if the environment has none.

    Args:
        environment: where the credentials are; None for the environment of this process.
        embedded: whether the target is the embedded provider.
        loopback: whether the target is on this machine.

    Raises:
        TargetUsageError: some are missing; the message names them.

    """
    env = os.environ if environment is None else environment
    values = {name: env.get(name, "") for name in CREDENTIAL_NAMES}
    if embedded or (loopback and not any(values.values())):
        return _public_credentials(env, embedded=embedded)
    missing = missing_credentials(env)
    if missing:
        raise TargetUsageError(f"{', '.join(missing)} must be set in the environment to test this target.")
    other_msn = env.get("VIPPS_OTHER_MSN", "")
    return EnvironmentCredentials(
        client_id=values["VIPPS_CLIENT_ID"],
        client_secret=values["VIPPS_CLIENT_SECRET"],
        subscription_key=values["VIPPS_SUBSCRIPTION_KEY"],
        msn=values["VIPPS_MSN"],
        token=values["VIPPS_ACCESS_TOKEN"],
        other_msn=other_msn or ("999999" if values["VIPPS_MSN"] != "999999" else "888888"),
        phone=_phone(env),
        known=True,
        other_named=bool(other_msn),
    )


def _public_credentials(env: Mapping[str, str], *, embedded: bool) -> EnvironmentCredentials:
    sandbox = Options()
    other_msn = env.get("VIPPS_OTHER_MSN", "")
    return EnvironmentCredentials(
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        subscription_key=sandbox.subscription_key,
        msn=sandbox.msn,
        token="",
        other_msn=(not embedded and other_msn) or sandbox.other_msn,
        phone=_phone(env),
        known=False,
        other_named=embedded or bool(other_msn),
    )


def _phone(env: Mapping[str, str]) -> str:
    return env.get("VIPPS_TEST_PHONE", "") or PHONE
