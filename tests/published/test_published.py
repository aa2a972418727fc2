"""Our requests and the embedded provider's answers, by the OpenAPI descriptions that the provider itself published."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from conformance.domain.messages import Headers, Request, Response
from conformance.domain.order import Profile
from conformance.domain.steps import Approve, Cancel, Capture, History, Refund
from conformance.model import ModelContext
from conformance.sandbox import Market, Options
from conformance.strategies.provider.systematic import systematic

from .descriptions import VENDOR, Description, DescriptionError, Repair, load_repairs, mend, read
from .exchanges import Played, hand_made, paths, play

pytestmark = pytest.mark.skipif(
    not VENDOR.is_dir(), reason=f"the published descriptions are not at {VENDOR.parent.name}/{VENDOR.name}"
)

ECOM, EPAYMENT, RECURRING = Profile.ECOM, Profile.EPAYMENT, Profile.RECURRING
TOKEN = "access-token-2.0.0.yml"
FILES = {
    ECOM: ("ecom-2.0.3.yml",),
    EPAYMENT: ("epayment-1.4.1.yml", "epayment-1.8.1.yml"),
    RECURRING: ("recurring-2.6.17.yml", "recurring-3.1.2.yml"),
}
# The description of December 2023 knows one currency and one country.
LATER = ("recurring-3.1.2.yml",)
REPAIRS = load_repairs()


@dataclass(frozen=True)
class Run:
    """Histories against one provider, and the descriptions that its answers are held against."""

    name: str
    profile: Profile
    options: Options
    files: tuple[str, ...] = ()
    controlled: bool = True
    all: bool = False

    @property
    def described(self) -> tuple[str, ...]:
        return (*(self.files or FILES[self.profile]), TOKEN)


def other(profile: Profile, files: tuple[str, ...] = (), **options: Any) -> Run:
    name = ", ".join(f"{key} {value}" for key, value in options.items())
    return Run(f"{profile.value}, {name}", profile, Options(**options), files)


RUNS = (
    *(Run(profile.value, profile, Options(), all=True) for profile in Profile),
    *(Run(f"{profile.value} without control", profile, Options(), controlled=False) for profile in Profile),
    other(ECOM, ecom_refusal_status=402, second_cancel="repeat", extra_fields=True),
    other(ECOM, threeds_status=423, flag_on_full_capture="no-op", user_end_entry=False),
    other(ECOM, threeds_status=500, flag_on_initiated="rejected"),
    other(ECOM, ecom_direct_capture=True),
    other(EPAYMENT, epayment_refusal_status=409, second_cancel="repeat", extra_fields=True),
    other(EPAYMENT, threeds_status=423, transaction_only_on_authorized="no-op", events_order="newest-first"),
    other(EPAYMENT, error_identity="type-only", market=Market.FI),
    other(RECURRING, recurring_async=True, recurring_async_reads=2),
    other(RECURRING, recurring_refusal_status=400, second_cancel="repeat", second_stop=400),
    other(RECURRING, recurring_refusal_status=422, extra_fields=True),
    other(RECURRING, LATER, market=Market.DK),
)


def histories(run: Run) -> Iterable[History]:
    if run.all:
        return hand_made(run.profile)
    histories_found = []
    for opening, name, path in paths(run.profile):
        if run.controlled:
            histories_found += [
                History(run.profile, opening, (*path, Cancel(flag=flag), Cancel())) for flag in (None, True)
            ]
        elif all(isinstance(step, Approve | Cancel | Capture | Refund) for step in path) and name != "failed":
            histories_found.append(History(run.profile, opening, (*path, Cancel(), Approve())))
    return histories_found


@cache
def played(run: Run) -> list[Played]:
    return play(run.profile, histories(run), run.options, controlled=run.controlled)


@cache
def description(file: str, without: str = "") -> Description:
    only = "/recurring/v3/" if file.startswith("recurring") else ""
    return Description(file, [repair for repair in REPAIRS if repair.id != without], only=only)


def belongs(exchange: Played, file: str) -> bool:
    """Whether an exchange is one of a description: the token has a description of its own."""
    return (exchange.request.path == "/accesstoken/get") == (file == TOKEN)


def faults(exchange: Played, described: Description) -> list[str]:
    """What is wrong with an exchange; with the answer alone where the request is broken on purpose."""
    asked = [] if exchange.broken else described.request_faults(exchange.request)
    answered = described.response_faults(exchange.request, exchange.response)
    return [f"request {fault}" for fault in asked] + [f"answer {fault}" for fault in answered]


def checked(exchanges: Iterable[Played], described: Description) -> int:
    """Fail for exchanges that are not as described; return how many were."""
    wrong: dict[str, list[str]] = {}
    count = 0
    for exchange in exchanges:
        count += 1
        for fault in faults(exchange, described):
            operation = described.find(exchange.request)
            wrong.setdefault(f"{operation.label if operation else '?'}: {fault}"[:200], []).append(exchange.label)
    lines = [f"{fault} ({len(labels)} times, first: {labels[0]})" for fault, labels in list(wrong.items())[:20]]
    assert not lines, f"by {described.file}:\n" + "\n".join(lines)
    return count


def fitting() -> list[Any]:
    return [pytest.param(run, file, id=f"{run.name} by {file}") for run in RUNS for file in run.described]


@pytest.mark.parametrize(("run", "file"), fitting())
def test_requests_and_answers_are_as_described(run: Run, file: str):
    exchanges = [exchange for exchange in played(run) if belongs(exchange, file)]
    count = checked(exchanges, description(file))
    assert count >= (1 if file == TOKEN else 2000 if run.all else 50)


@pytest.mark.parametrize("profile", Profile)
def test_what_a_run_sends_is_as_described(profile: Profile):
    # What a run plays first, and the later part of it thinned out. eCom moves no less than one krone at a time; what is
    # sent nevertheless is a matter of the strategies, as is what the descriptions of one version only ask for.
    plan = [case.history for case in systematic(profile, ModelContext(), offered_by(profile))]
    exchanges = play(profile, [case for case in (*plan[:60], *plan[60::15]) if moves_enough(case)])
    file = FILES[profile][-1]
    assert checked((exchange for exchange in exchanges if belongs(exchange, file)), description(file)) > 500


def moves_enough(history: History) -> bool:
    least = 100 if history.profile is ECOM else 1
    return all(step.amount >= least for step in history.steps if isinstance(step, Capture | Refund))


def offered_by(profile: Profile) -> frozenset[str]:
    """What the embedded provider's test control says that it offers."""
    from conformance.sandbox import Provider  # noqa: PLC0415

    capabilities = Provider().handle(Request("GET", "/control/v1/capabilities")).json()
    return frozenset({*capabilities["actions"][profile.value], "age"})


CANCELS = {
    "ecom-2.0.3.yml": ("PUT /ecomm/v2/payments/{orderId}/cancel", {200, 400, 401, 402, 404, 409, 423, 429, 500}),
    "epayment-1.4.1.yml": ("POST /epayment/v1/payments/{reference}/cancel", {200, 400, 401, 404, 409, 423, 429}),
    "epayment-1.8.1.yml": ("POST /epayment/v1/payments/{Reference}/cancel", {200, 400, 401, 404, 409, 423, 429}),
    "recurring-2.6.17.yml": (
        "DELETE /recurring/v3/agreements/{agreementId}/charges/{chargeId}",
        {202, 204, 400, 401, 404, 409, 422, 429},
    ),
    "recurring-3.1.2.yml": (
        "DELETE /recurring/v3/agreements/{agreementId}/charges/{chargeId}",
        {202, 204, 400, 401, 404, 409, 422, 429},
    ),
}


def all_played(file: str) -> Iterable[Played]:
    return (exchange for run in RUNS if file in run.described for exchange in played(run) if belongs(exchange, file))


@pytest.mark.parametrize("file", CANCELS)
def test_a_cancel_was_answered_in_every_way(file: str):
    label, statuses = CANCELS[file]
    seen_statuses: Counter[int] = Counter()
    for exchange in all_played(file):
        operation = description(file).find(exchange.request)
        if operation and operation.label == label:
            seen_statuses[exchange.response.status] += 1
    assert set(seen_statuses) >= statuses


# Operations of a description that nobody around Cancel needs.
UNPLAYED = {
    "epayment-1.8.1.yml": {"POST /epayment/merchant-dynamic-shipping-callback"},
    "recurring-2.6.17.yml": {"GET /recurring/v3/agreements"},
    "recurring-3.1.2.yml": {"GET /recurring/v3/agreements", "POST /recurring/v3/agreements/charges"},
    TOKEN: {"POST /miami/v1/token"},
}


@pytest.mark.parametrize("file", [*CANCELS, TOKEN])
def test_every_operation_that_matters_was_played(file: str):
    described = description(file)
    played_labels = {
        operation.label for exchange in all_played(file) if (operation := described.find(exchange.request))
    }
    unplayed = {operation.label for operation in described.operations} - played_labels
    assert unplayed == UNPLAYED.get(file, set())


SYSTEM = {"Vipps-System-Name", "Vipps-System-Version", "Vipps-System-Plugin-Name", "Vipps-System-Plugin-Version"}
BEYOND = {
    "ecom-2.0.3.yml": {"PUT cancel": {"X-Request-Id"}},
    "epayment-1.4.1.yml": {"GET": SYSTEM, "POST approve": SYSTEM},
    "epayment-1.8.1.yml": {"GET": SYSTEM, "POST approve": SYSTEM, "POST cancel": {"Idempotency-Key"}},
    "recurring-2.6.17.yml": {},
    "recurring-3.1.2.yml": {},
    TOKEN: {},
}


@pytest.mark.parametrize("file", BEYOND)
def test_the_headers_that_a_description_does_not_have_are_sent_on_purpose(file: str):
    # A key on every cancel, since the descriptions do not agree on it, and our name on every request.
    beyond: dict[str, set[str]] = {}
    for exchange in all_played(file):
        names = description(file).beyond(exchange.request)
        if names:
            method, last = exchange.request.method, exchange.request.path.rpartition("/")[2]
            beyond.setdefault(method if method == "GET" else f"{method} {last}", set()).update(names)
    assert beyond == BEYOND[file]


# Repairs


def repaired() -> list[Any]:
    return [pytest.param(repair, file, id=f"{repair.id} in {file}") for repair in REPAIRS for file in repair.files]


def shape(value: Any) -> Any:
    """What a JSON value is made of, its texts left out and of its numbers whether they are small."""
    if isinstance(value, dict):
        return tuple(sorted((name, shape(item)) for name, item in value.items()))
    if isinstance(value, list):
        return tuple(sorted({repr(shape(item)) for item in value}))
    return "small" if type(value) is int and value < 100 else type(value).__name__


def content(raw: bytes) -> Any:
    try:
        return shape(json.loads(raw))
    except ValueError:
        return len(raw) > 0


@cache
def kinds(file: str) -> list[Played]:
    """One exchange of each kind: operation, status, and what the bodies are made of."""
    by_kind: dict[Any, Played] = {}
    for exchange in all_played(file):
        operation = description(file).find(exchange.request)
        label = operation.label if operation else ""
        bodies = repr((content(exchange.request.body), content(exchange.response.body)))
        by_kind.setdefault((label, exchange.response.status, exchange.broken, bodies), exchange)
    return list(by_kind.values())


@pytest.mark.parametrize(("repair", "file"), repaired())
def test_without_a_repair_something_right_is_called_wrong(repair: Repair, file: str):
    try:
        described = description(file, repair.id)
    except DescriptionError:
        return
    assert any(faults(kind, described) for kind in kinds(file)), "nothing needs this repair"


def test_every_repair_has_an_id_and_a_reason():
    assert len({repair.id for repair in REPAIRS}) == len(REPAIRS)
    for repair in REPAIRS:
        assert repair.reason.endswith("."), repair.id
        assert repair.op in {"add", "remove", "replace"}, repair.id
        assert set(repair.files) <= {TOKEN, *CANCELS}, repair.id


@pytest.mark.parametrize(
    "change", [{"pointer": "/paths/~1nowhere/get"}, {"pointer": "/info/title", "op": "add"}, {"value": "Access token"}]
)
def test_a_repair_that_changes_nothing_is_refused(change: dict[str, str]):
    repair = Repair("some-repair", (TOKEN,), "replace", "/info/title", "For a test.", "Another title")
    with pytest.raises(DescriptionError, match="some-repair"):
        mend(json.loads(json.dumps(read(TOKEN))), replace(repair, **change))


def test_dates_and_countries_are_read_as_text():
    country = read("recurring-2.6.17.yml")["components"]["schemas"]["AgreementResponseV3"]["properties"]["countryCode"]
    event = read("epayment-1.4.1.yml")["components"]["schemas"]["PaymentEvent"]["properties"]["timestamp"]
    assert country["enum"] == ["NO"]
    assert isinstance(event["example"], str)


# The check itself


def test_the_spelling_of_the_cancellations_page_is_not_that_of_the_description():
    run = other(ECOM, state_spelling="CANCELLED")
    with pytest.raises(AssertionError, match="'CANCELLED' is not one of"):
        checked(
            (exchange for exchange in played(run) if belongs(exchange, "ecom-2.0.3.yml")), description("ecom-2.0.3.yml")
        )


def headers(message: Headers, name: str, value: str | None) -> Headers:
    others = tuple((key, old) for key, old in message if key != name)
    return others if value is None else (*others, (name, value))


def asked(**change: Any) -> Callable[[Played], Played]:
    return lambda exchange: replace(exchange, request=replace(exchange.request, **change))


def answered(**change: Any) -> Callable[[Played], Played]:
    return lambda exchange: replace(exchange, response=replace(exchange.response, **change))


def with_header(name: str, value: str | None) -> Callable[[Played], Played]:
    return lambda exchange: asked(headers=headers(exchange.request.headers, name, value))(exchange)


def with_answer(change: Callable[[Any], None]) -> Callable[[Played], Played]:
    def changed(exchange: Played) -> Played:
        body = exchange.response.json()
        change(body)
        return answered(body=json.dumps(body).encode())(exchange)

    return changed


PAYMENT = "/epayment/v1/payments/cctest-00000000-p00001"
SPOILT = {
    "no such path": (asked(path=f"{PAYMENT}/undo"), "no such operation"),
    "no such method": (asked(method="PUT"), "no such operation"),
    "short reference": (asked(path="/epayment/v1/payments/short/cancel"), "Reference: 'short'"),
    "no token": (with_header("Authorization", None), "Authorization: is missing"),
    "no subscription key": (with_header("Ocp-Apim-Subscription-Key", None), "Ocp-Apim-Subscription-Key: is missing"),
    "no sales unit": (with_header("Merchant-Serial-Number", None), "Merchant-Serial-Number: is missing"),
    "odd sales unit": (with_header("Merchant-Serial-Number", "12a456"), "does not match"),
    "long name": (with_header("Vipps-System-Name", "x" * 31), "is too long"),
    "no boolean": (asked(body=b'{"cancelTransactionOnly":"no"}'), "request body.cancelTransactionOnly"),
    "no JSON": (asked(body=b"{"), "request body: is no JSON"),
    "no body": (answered(body=b""), "answer body: is no JSON"),
    "another status": (answered(status=418), "status 418 is not described"),
    "another type": (answered(headers=(("Content-Type", "text/plain"),)), "text/plain is not one of"),
    "no sums": (with_answer(lambda body: body.pop("aggregate")), "'aggregate' is a required property"),
    "an odd state": (with_answer(lambda body: body.update(state="CANCELLED")), "'CANCELLED' is not one of"),
    "a sum in words": (with_answer(lambda body: body["amount"].update(value="ten")), "is not of type 'integer'"),
}


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_spoilt_exchange_is_found(spoil: str):
    described = description("epayment-1.8.1.yml")
    run = RUNS[list(Profile).index(EPAYMENT)]
    good = next(
        exchange
        for exchange in played(run)
        if exchange.request.path == f"{PAYMENT}/cancel" and exchange.response.status == 200
    )
    assert faults(good, described) == []
    change, message = SPOILT[spoil]
    assert message in "; ".join(faults(change(good), described))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Response(200, (("Content-Type", "application/json"),), b"{}"), "there should be none"),
        (Response(204, (), b" "), "status 204"),
    ],
)
def test_an_approval_is_answered_with_nothing(answer: Response, message: str):
    path = f"{PAYMENT.replace('/payments/', '/test/payments/')}/approve"
    assert message in "; ".join(description("epayment-1.8.1.yml").response_faults(Request("POST", path), answer))
