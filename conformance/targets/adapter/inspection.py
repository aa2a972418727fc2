"""The APIs and methods of an adapter, checked before any method is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.domain.steps import ACTIONS
from conformance.targets.transport import TargetUsageError

REQUIRED: Final = ("initiate", "cancel", "read")
MERCHANT: Final = ("capture", "refund", "stop_agreement")
_PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "initiate": ("order_id", "amount", "currency", "kind"),
    "capture": ("order_id", "amount"),
    "refund": ("order_id", "amount"),
    "age": ("order_id", "by"),
}
"""The parameters of methods. The others take ``order_id`` alone, and ``cancel`` two keywords beside it."""

Methods = Mapping[str, Callable[..., Any]]


def profiles_of(name: str, adapter: object) -> tuple[Profile, ...]:
    """Return the APIs in an adapter's ``profiles``.

    Raises:
        TargetUsageError: they are missing, or cannot be tested.

    """
    supported = ", ".join(repr(profile.value) for profile in Profile)
    named = getattr(adapter, "profiles", None)
    if not isinstance(named, Sequence | set | frozenset) or isinstance(named, str) or not named:
        raise TargetUsageError(
            f"{name} does not say which APIs it implements: give it 'profiles', a list from {supported}."
        )
    unknown = sorted(str(name) for name in set(named) - set(Profile))
    if unknown:
        raise TargetUsageError(f"{name} names the profile {unknown[0]!r}, which is none: use {supported}.")
    profiles = tuple(profile for profile in Profile if profile in named)
    for first, second in combinations(profiles, 2):
        if not spec_of(first).kinds.isdisjoint(spec_of(second).kinds):
            raise TargetUsageError(
                f"{name} names both '{first}' and '{second}', whose calls look the same: write one adapter for each."
            )
    return profiles


def methods_of(name: str, adapter: object) -> Methods:
    """Return the methods of the adapter protocol that an adapter has, by name.

    Raises:
        TargetUsageError: a required one is missing, or one cannot be called as the protocol says.

    """
    methods = {}
    for method in (*REQUIRED, *MERCHANT, *ACTIONS, "age"):
        function = getattr(adapter, method, None)
        if callable(function):
            methods[method] = function
        elif function is not None:
            raise TargetUsageError(f"{name} has a {method!r} that cannot be called: make it a method.")
    missing = [method for method in REQUIRED if method not in methods]
    if missing:
        raise TargetUsageError(
            f"{name} is no adapter, since it has no {' and no '.join(missing)}: add what is missing."
        )
    for method, function in methods.items():
        if not _accepts_arguments(method, function):
            raise TargetUsageError(
                f"{name} has a {method!r} with other parameters: it is called as {_signature(method)}."
            )
    return methods


def _accepts_arguments(method: str, function: Callable[..., Any]) -> bool:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return True
    keywords: dict[str, Any] = {"flag": None, "key": ""} if method == "cancel" else {}
    try:
        signature.bind(*_PARAMETERS.get(method, ("order_id",)), **keywords)
    except TypeError:
        return False
    return True


def _signature(method: str) -> str:
    keywords = ", *, flag, key" if method == "cancel" else ""
    return f"{method}({', '.join(_PARAMETERS.get(method, ('order_id',)))}{keywords})"
