"""Which of a ledger's orders a command is about: those of one target, one market and the APIs that are asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.ageing.planted_orders import PlantedOrder, PlantedOrdersError
from conformance.domain.order import Market, Profile


@dataclass(frozen=True, slots=True)
class Selection:
    """What a command asks for. A part that is None is taken from the ledgers, if all their orders have it alike."""

    target: str | None
    market: Market | None
    profiles: Collection[Profile] | None = None

    def of(self, orders: Sequence[PlantedOrder], ledgers: Sequence[Path]) -> list[PlantedOrder]:
        """Return the orders that are asked for.

        Raises:
            PlantedOrdersError: there are none, or those of several targets or markets. The message says what the
                ledgers have instead.

        """
        named = f"The ledger {ledgers[0]} has" if len(ledgers) == 1 else "The ledgers have"
        if not orders:
            raise PlantedOrdersError(f"{named} no orders yet: age plant makes them.")
        targets = list(dict.fromkeys(order.target for order in orders))
        if self.target is None and len(targets) > 1:
            raise PlantedOrdersError(f"{named} orders of {' and '.join(targets)}: choose one with --target.")
        orders = [order for order in orders if self.target in (None, order.target)]
        if not orders:
            raise PlantedOrdersError(
                f"{named} orders of {' and '.join(targets)} and none of {self.target}: "
                f"name the target that they were planted at, or another --ledger."
            )
        markets = list(dict.fromkeys(order.market.value for order in orders))
        if self.market is None and len(markets) > 1:
            raise PlantedOrdersError(
                f"{named} orders of the markets {' and '.join(markets)}: choose one with --market."
            )
        orders = [order for order in orders if self.market in (None, order.market)]
        if not orders:
            raise PlantedOrdersError(
                f"{named} orders of the market {' and '.join(markets)}: add --market {markets[0]}, "
                f"or name another --ledger."
            )
        apis = list(dict.fromkeys(order.profile.value for order in orders))
        orders = [order for order in orders if self.profiles is None or order.profile in self.profiles]
        if not orders:
            raise PlantedOrdersError(
                f"{named} orders of {' and '.join(apis)} only: leave --profile out, or plant others."
            )
        return orders
