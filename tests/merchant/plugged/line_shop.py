"""The reference shop as a command: ``serve`` keeps it running, any other last argument is one action of a process.

``python -m tests.merchant.plugged.line_shop [once] ACTION``. With ``once`` it does not offer to be kept running. Its
books are a file in ``CANCEL_STATE``, so that it can be started again at any time.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from conformance.merchant import Order, Setup, Webhook
from examples.merchants.epayment import Adapter

ACTIONS = ("create", "cancel", "local_view", "abandon", "capture", "tick", "deliver", "restart")
CREDENTIALS = ("BASE_URL", "CLIENT_ID", "CLIENT_SECRET", "SUBSCRIPTION_KEY", "MSN")


class Shop:
    def __init__(self, state: str) -> None:
        self.books = Path(state) / "books"
        self.now = datetime.now().astimezone()
        values = {name.lower(): os.environ[f"VIPPS_{name}"] for name in CREDENTIALS}
        setup = Setup(os.environ["CANCEL_PROFILE"], **values, now=lambda: self.now, sleep=time.sleep)
        books = pickle.loads(self.books.read_bytes()) if self.books.exists() else {}
        self.adapter = Adapter(setup, books)

    def act(self, action: str, sent: dict[str, Any]) -> Any:
        self.now = datetime.fromisoformat(sent["now"])
        try:
            return self.run(action, sent)
        finally:
            self.books.write_bytes(pickle.dumps(self.adapter.books))

    def run(self, action: str, sent: dict[str, Any]) -> Any:
        match action:
            case "create":
                return {"reference": self.adapter.create(Order(**sent["order"]))}
            case "capture":
                return self.adapter.capture(sent["order_id"], sent["amount"])
            case "tick":
                return self.adapter.tick(self.now)
            case "deliver":
                return self.adapter.deliver(Webhook(sent["name"], sent["body"], b""))
            case "local_view":
                view = self.adapter.local_view(sent["order_id"])
                return {name: getattr(view, name) for name in view.__slots__}
            case "restart":
                return None
        return getattr(self.adapter, action)(sent["order_id"])


def serve() -> None:
    shop: Any = None
    for line in sys.stdin:
        sent = json.loads(line)
        action = sent.pop("action")
        try:
            if action == "start":
                shop, value = Shop(sent["state"]), None
            else:
                shop = shop or Shop(os.environ["CANCEL_STATE"])
                value = shop.act(action, sent)
            answer = {"ok": True, "value": value}
        except Exception as error:
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


def main() -> None:
    action = sys.argv[-1]
    if action == "start":
        serves = "once" not in sys.argv
        print(json.dumps({"profiles": ["epayment"], "actions": ACTIONS, "clock": True, "serve": serves}))
    elif action == "serve":
        serve()
    else:
        value = Shop(os.environ["CANCEL_STATE"]).act(action, json.load(sys.stdin))
        print(json.dumps(value))


if __name__ == "__main__":
    main()
