"""The ledger: which orders were planted, when, and how they looked. Signed, because every age is taken from it.

A ledger is one JSON file that the user keeps, with a key beside it or in the environment. One that was changed, cut or
signed with another key is refused. Several are read as one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from conformance import __version__
from conformance.ageing.windows import Side
from conformance.domain.expectation import Scalar
from conformance.domain.order import Market, Profile
from conformance.domain.steps import History, HistoryError, history_as_json, history_from_json
from conformance.evidence.private_files import make_private_folder, write_private
from conformance.inputs.documents import Limits, parse_json
from conformance.inputs.files import InputError, UnreadableError, read_bytes, read_text

FORMAT: Final = 1
LARGEST: Final = Limits(size=20_000_000, values=2_000_000)
KEY_NAME: Final = "CANCEL_LEDGER_KEY"
"""The environment's variable with the key, for whoever does not want it in a file."""
SHORTEST: Final = 16


class PlantedOrdersError(Exception):
    """A ledger cannot be used. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class PlantedOrder:
    """One planted order.

    Attributes:
        id: the order id it was made under; unique.
        profile: its API.
        market: the market it was made in.
        target: the target it lives at.
        unit: which sales unit made it, as a digest.
        situation: what it was planted as, in words.
        side: which side of its limit it is kept for.
        at: when its last step was played.
        history: how it was made: the opening and the steps.
        then: what is to be tried once it is old enough, as a history with the same opening.
        observed: what was observed at each step of its making.
        ids: the identifiers that the target gave it.
        harvested: when it was judged; None while it was not.
        judged: what was observed then, at each step from the passing of time on; nothing where it proved nothing.
        judged_by: the version of the suite that observed it.

    """

    id: str
    profile: Profile
    market: Market
    target: str
    unit: str
    situation: str
    side: Side
    at: datetime
    history: History
    then: History
    observed: tuple[dict[str, Scalar], ...]
    ids: dict[str, str]
    harvested: datetime | None = None
    judged: tuple[dict[str, Scalar], ...] = ()
    judged_by: str = ""

    @property
    def key(self) -> tuple[Profile, str]:
        """What tells it from every other order: an id belongs to one order of an API."""
        return self.profile, self.id

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in a ledger."""
        return {
            "id": self.id,
            "profile": self.profile.value,
            "market": self.market.value,
            "target": self.target,
            "unit": self.unit,
            "situation": self.situation,
            "side": self.side.value,
            "at": self.at.isoformat(),
            "history": history_as_json(self.history),
            "then": history_as_json(self.then),
            "observed": list(self.observed),
            "ids": self.ids,
            "harvested": self.harvested.isoformat() if self.harvested else None,
            "judged": list(self.judged),
            "judged_by": self.judged_by,
        }

    @property
    def planting(self) -> dict[str, Any]:
        """What it was when it was planted: all but whether it was judged since."""
        return replace(self, harvested=None, judged=(), judged_by="").as_json()


def planted_from_json(data: Mapping[str, Any]) -> PlantedOrder:
    """Read one planted order back.

    Raises:
        KeyError, ValueError, TypeError, HistoryError: it is none.

    """
    return PlantedOrder(
        str(data["id"]),
        Profile(data["profile"]),
        Market(data["market"]),
        str(data["target"]),
        str(data["unit"]),
        str(data["situation"]),
        _side(data),
        _moment(data["at"]),
        history_from_json(data["history"]),
        history_from_json(data["then"]),
        tuple(dict(fields) for fields in data["observed"]),
        dict(data["ids"]),
        _moment(data["harvested"]) if data["harvested"] is not None else None,
        tuple(dict(fields) for fields in data.get("judged", ())),
        str(data.get("judged_by", "")),
    )


def _side(data: Mapping[str, Any]) -> Side:
    """Return what an order is kept for. Ledgers of older versions say only whether it is to become too old."""
    if "side" in data:
        return Side(data["side"])
    return Side.AFTER if data["beyond"] else Side.BEFORE


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} names no time zone")
    return moment


class PlantedOrders:
    """One ledger file and the key that it is signed with.

    Args:
        path: the file.
        orders: what is in it.
        key: what it is signed with.

    """

    def __init__(self, path: Path, orders: Iterable[PlantedOrder], key: bytes) -> None:
        self.path = path
        self.orders = list(orders)
        self._key = key

    def add(self, order: PlantedOrder) -> None:
        """Take in an order that was planted, and write the file.

        Raises:
            PlantedOrdersError: the file cannot be written, or has another order of this id.

        """
        if any(other.key == order.key for other in self.orders):
            raise PlantedOrdersError(f"The ledger {self.path} has another order {order.id} of {order.profile} already.")
        self.orders.append(order)
        self.write()

    def change(self, order: PlantedOrder) -> None:
        """Replace an order by what has become of it, and write the file, where the ledger has it."""
        if any(other.key == order.key for other in self.orders):
            self.orders = [order if other.key == order.key else other for other in self.orders]
            self.write()

    def write(self) -> None:
        """Write the file as a whole, so that whoever is interrupted keeps the one before.

        Raises:
            PlantedOrdersError: it cannot be written.

        """
        content = {"format": FORMAT, "tool": __version__, "orders": [order.as_json() for order in self.orders]}
        text = json.dumps({**content, "signature": signature(content, self._key)}, indent=1, ensure_ascii=False)
        beside = self.path.with_name(self.path.name + ".new")
        try:
            write_private(beside, text + "\n")
            beside.replace(self.path)
        except OSError as error:
            raise PlantedOrdersError(f"The ledger {self.path} cannot be written: {error.strerror}.") from None


def signature(content: Mapping[str, Any], key: bytes) -> str:
    """Return the HMAC of a ledger's content, in hex."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key, canonical.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def key_file(path: Path) -> Path:
    """Return where the key of a ledger is kept if it is not in the environment."""
    return path.with_name(path.name + ".key")


def new_or_old(path: Path, environment: Mapping[str, str] | None = None) -> PlantedOrders:
    """Return the ledger at a path; a new one with a key where there is none yet.

    Raises:
        PlantedOrdersError: there is one that cannot be used, or no key can be kept for a new one.

    """
    if path.exists():
        return read(path, environment)
    beside = key_file(path)
    key = _from_environment(environment)
    if key is None:
        if beside.exists():
            raise PlantedOrdersError(
                f"{beside} is the key of a ledger that is lost: name another ledger, or remove the key."
            )
        text = secrets.token_hex(32)
        try:
            make_private_folder(path.parent)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(text + "\n")
        except OSError as error:
            raise PlantedOrdersError(f"The ledger's key {beside} cannot be written: {error.strerror}.") from None
        key = text.encode()
    ledger = PlantedOrders(path, (), key)
    # A key without a ledger looks like a ledger that is lost.
    ledger.write()
    return ledger


def read(path: Path, environment: Mapping[str, str] | None = None) -> PlantedOrders:
    """Read a ledger and check its signature.

    Raises:
        PlantedOrdersError: it is lost, was changed, or its key is not there.

    """
    try:
        data = parse_json(read_bytes(path, LARGEST.size), str(path), LARGEST)
        signed = data.pop("signature")
    except UnreadableError as error:
        raise PlantedOrdersError(f"{error} Without the ledger nobody knows how old its orders are.") from None
    except (InputError, KeyError, AttributeError, TypeError):
        raise PlantedOrdersError(f"{path} is no ledger, or was cut off: take the one that `age plant` wrote.") from None
    key = _key(path, environment)
    if not isinstance(signed, str) or not signed.isascii() or not hmac.compare_digest(signature(data, key), signed):
        raise PlantedOrdersError(f"The ledger {path} was changed, or is signed with another key: it is not used.")
    if data.get("format") != FORMAT:
        raise PlantedOrdersError(f"The ledger {path} has format {data.get('format')!r}; this version reads {FORMAT}.")
    try:
        return PlantedOrders(path, [planted_from_json(order) for order in data["orders"]], key)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, HistoryError) as error:
        raise PlantedOrdersError(f"The ledger {path} is not complete: {error}.") from None


def _from_environment(environment: Mapping[str, str] | None) -> bytes | None:
    text = (os.environ if environment is None else environment).get(KEY_NAME, "")
    if not text:
        return None
    if len(text) < SHORTEST:
        raise PlantedOrdersError(f"{KEY_NAME} is too short to sign with: give it {SHORTEST} characters or more.")
    return text.encode()


def _key(path: Path, environment: Mapping[str, str] | None) -> bytes:
    key = _from_environment(environment)
    if key is not None:
        return key
    try:
        return read_text(key_file(path), "a key", encoding="ascii").strip().encode()
    except InputError:
        raise PlantedOrdersError(
            f"The key of the ledger {path} is not there: put {key_file(path)} back, or set {KEY_NAME}."
        ) from None


def merged(ledgers: Iterable[PlantedOrders]) -> list[PlantedOrder]:
    """Return the orders of several ledgers, each once.

    One that was judged in any of them was judged.

    Raises:
        PlantedOrdersError: two of them say different things of one order.

    """
    orders: dict[tuple[Profile, str], PlantedOrder] = {}
    for ledger in ledgers:
        for order in ledger.orders:
            other = orders.get(order.key)
            if other is None:
                orders[order.key] = order
            elif other.planting != order.planting:
                raise PlantedOrdersError(
                    f"The ledgers say different things of the order {order.id}: only one can be true."
                )
            elif (order.harvested is not None, len(order.judged)) > (other.harvested is not None, len(other.judged)):
                orders[order.key] = order
    return sorted(orders.values(), key=lambda order: (order.at, order.id))
