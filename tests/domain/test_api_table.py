"""The table of APIs: its rows hold together, and every floor has the parts of every API."""

import json
from dataclasses import replace
from importlib.resources import files

import pytest

from conformance.domain.api_table import SPECS, added_api, operation_at, spec_named
from conformance.domain.operations import OperationKind
from conformance.domain.order import Profile
from conformance.domain.order_naming import OrderNaming, current_prefixes, recorded_prefixes
from conformance.domain.registry import Registry
from conformance.domain.steps import ACTIONS, CONTROL_ACTIONS, STEP_NAMES, Leave3DS, action_of, actions_of
from conformance.fuzzing.requests import REQUESTS
from conformance.judging.incidental import OBSERVERS
from conformance.merchant.provider_double.apis import PARTS
from conformance.model import MODELS
from conformance.obligations.apis import DIFFERENCES
from conformance.rulebook.loader import RULES
from conformance.sandbox.apis import APIS
from conformance.strategies.provider.api_cases import CASES
from conformance.wire import WIRES

REGISTRIES = (SPECS, WIRES, MODELS, RULES, CASES, OBSERVERS, REQUESTS, DIFFERENCES, PARTS, APIS)
SCHEMAS = (
    ("conformance.evidence", "journal.schema.json"),
    ("conformance.reports", "report.schema.json"),
    ("conformance.reports", "diff.schema.json"),
)


@pytest.mark.parametrize("registry", REGISTRIES, ids=range(len(REGISTRIES)))
def test_every_registry_has_every_api_in_the_order_of_the_table(registry):
    assert list(registry) == list(Profile)


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.title)
def test_a_row_holds_together(spec):
    assert {operation.profile for operation in spec.operations} == {spec.profile}
    assert all(operation.path.startswith(spec.root) for operation in spec.operations)
    assert {spec.reserved_kind, spec.waiting_kind} <= spec.kinds
    assert spec.steps <= set(STEP_NAMES)
    assert "approve" in spec.steps or not spec.user_approves
    assert all(spec.profile in SPECS[other].shares_orders_with for other in spec.shares_orders_with)
    assert set(spec.operation(OperationKind.CREATE).answered) & {spec.id_field}
    assert SPECS[spec.profile] is spec_named(spec.profile.value) is spec


def test_no_two_apis_name_their_orders_alike():
    assert len({spec.order_prefix for spec in SPECS.values()}) == len(SPECS)
    ecom = SPECS[Profile("ecom")]
    other = replace(ecom, profile=Profile.define("other"))
    with pytest.raises(ValueError, match="The orders of eCom v2 begin with 'e' already"), added_api(other):
        pass
    with pytest.raises(ValueError, match="one lower-case letter"):
        replace(ecom, order_prefix="ec")


def test_a_request_may_belong_to_no_api():
    assert spec_named("") is None
    assert operation_at("GET", "/ecomm/v2/payments/{id}/refunds") is None


def test_the_actions_of_an_api_are_those_of_its_steps():
    actions = {action_of(Leave3DS()), action_of(Leave3DS(success=False)), *CONTROL_ACTIONS.values()}
    assert set(ACTIONS) == actions == {action for profile in Profile for action in actions_of(profile)}


def test_the_schemas_name_every_api_in_one_place():
    for package, name in SCHEMAS:
        text = files(package).joinpath(name).read_text(encoding="utf-8")
        assert json.loads(text)["$defs"]["profile"]["enum"] == [profile.value for profile in Profile]
        assert text.count('"epayment"') == 1, name


def test_a_registry_takes_one_entry_for_an_api_and_gives_it_back():
    registry = Registry[str]("word")
    with pytest.raises(KeyError, match="The API ecom has no word"):
        registry[Profile.ECOM]
    with registry.registered(Profile.ECOM, "one"):
        assert dict(registry) == {"ecom": "one"}
        with pytest.raises(ValueError, match="has a word already"):
            registry.register(Profile.ECOM, "two")
    assert not registry


def test_orders_are_named_by_what_the_run_recorded():
    naming = OrderNaming("cctest-1", current_prefixes())
    assert naming.order_id(Profile.ECOM, "00001") == "cctest-1-e00001"
    assert naming.order_id(Profile.EPAYMENT, "00001") == "cctest-1-p00001"
    recorded = recorded_prefixes({"ecom": "x"})
    assert recorded == {Profile.ECOM: "x", Profile.EPAYMENT: "e", Profile.RECURRING: "r"}


def test_a_run_that_recorded_no_letters_used_the_first_of_each_name():
    assert set(recorded_prefixes({}).values()) == {"e", "r"}
