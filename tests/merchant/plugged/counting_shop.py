"""A shop as many are: order numbers from its own counter, which begins again with its tables, and capitals in paths.

``python -m tests.merchant.plugged.counting_shop PORT`` serves its test hook. It is an eCom shop on the provider's older
spelling, ``/accessToken/get`` and ``/Ecomm/v2``; it has a clock of its own.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from typing import Any

ACTIONS = ("create", "cancel", "local_view", "capture", "tick")
ENDED = ("CANCEL", "VOID", "REJECT", "EXPIRE")


class Shop:
    def __init__(self, sent: dict[str, Any]) -> None:
        self.setup = sent
        self.numbers = count(1)
        self.rows: dict[str, dict[str, Any]] = {}
        self.token = ""

    def call(self, method: str, path: str, body: object = None, key: str = "") -> tuple[int, Any]:
        setup = self.setup
        headers = {"Ocp-Apim-Subscription-Key": setup["subscription_key"], "Content-Type": "application/json"}
        headers |= {"Merchant-Serial-Number": setup["msn"], "Vipps-System-Name": "counting-shop"}
        if path.endswith("/get"):
            headers |= {"client_id": setup["client_id"], "client_secret": setup["client_secret"]}
        else:
            headers["Authorization"] = f"Bearer {self.token}"
        if key:
            headers["X-Request-Id"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(setup["base_url"] + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (OSError, ValueError):
            return 0, None

    def call_with_token(self, method: str, path: str, body: object = None, key: str = "") -> tuple[int, Any]:
        answer: tuple[int, Any] = (0, None)
        for _ in range(2):
            if not self.token:
                status, content = self.call("POST", "/accessToken/get")
                self.token = content["access_token"] if status == 200 else ""
            answer = self.call(method, path, body, key)
            if answer[0] != 401:
                break
            self.token = ""
        return answer

    def create(self, sent: dict[str, Any]) -> Any:
        order = sent["order"]
        row = self.rows.get(order["id"])
        if row is None:
            number = f"Ordre-{next(self.numbers):06d}"
            row = self.rows[order["id"]] = {"reference": number, "status": "open", "captured": 0, "cancelled": 0}
            row |= {"amount": order["amount"], "ended": False}
        body = {
            "merchantInfo": {
                "merchantSerialNumber": self.setup["msn"],
                "callbackPrefix": "https://shop.example/callback",
                "fallBack": "https://shop.example/thanks",
            },
            "customerInfo": {},
            "transaction": {"amount": order["amount"], "orderId": row["reference"], "transactionText": "Order"},
        }
        status, content = self.call_with_token("POST", "/Ecomm/v2/payments", body, f"new-{row['reference']}")
        if status != 200 and not self.read(row):
            raise RuntimeError(f"not created: {status} {content}")
        return {"reference": row["reference"]}

    def read(self, row: dict[str, Any]) -> bool:
        status, content = self.call_with_token("GET", f"/Ecomm/v2/Payments/{row['reference']}/Details")
        if status != 200 or not isinstance(content, dict):
            return False
        summary = content.get("transactionSummary") or {}
        row["captured"] = int(summary.get("capturedAmount") or 0)
        rest = int(summary.get("remainingAmountToCapture") or 0)
        done = {entry["operation"] for entry in content["transactionLogHistory"] if entry.get("operationSuccess", True)}
        reserved = bool({"RESERVE", "SALE"} & done)
        row["ended"] = not rest and (reserved or bool(done.intersection(ENDED)))
        if row["ended"]:
            row["status"] = "captured" if row["captured"] else "cancelled"
            row["cancelled"] = row["amount"] - row["captured"] if reserved else 0
        elif reserved:
            row["status"] = "captured" if row["captured"] else "authorized"
        return True

    def modify(self, row: dict[str, Any], method: str, action: str, transaction: dict[str, Any], **more: Any) -> bool:
        body = {"merchantInfo": {"merchantSerialNumber": self.setup["msn"]}, "transaction": transaction, **more}
        key = f"{action}-{row['reference']}-{row.setdefault('tries', 0)}"
        status, _ = self.call_with_token(method, f"/Ecomm/v2/payments/{row['reference']}/{action}", body, key)
        if 400 <= status < 500 and status not in (401, 408, 409, 423, 429):
            row["tries"] += 1
        return self.read(row)

    def cancel(self, sent: dict[str, Any]) -> None:
        row = self.rows[sent["order_id"]]
        if not self.read(row):
            raise RuntimeError("the payment cannot be read")
        if not row["ended"]:
            text = {"transactionText": "Cancelled"}
            if not self.modify(row, "PUT", "cancel", text, shouldReleaseRemainingFunds=True) or not row["ended"]:
                raise RuntimeError("not cancelled yet")

    def capture(self, sent: dict[str, Any]) -> None:
        row = self.rows[sent["order_id"]]
        before = row["captured"]
        transaction = {"amount": sent["amount"], "transactionText": "Shipped"}
        if not self.modify(row, "POST", "capture", transaction) or row["captured"] < before + sent["amount"]:
            raise RuntimeError("not captured")

    def tick(self, sent: dict[str, Any]) -> None:
        for row in self.rows.values():
            if not row["ended"]:
                self.read(row)

    def local_view(self, sent: dict[str, Any]) -> Any:
        row = self.rows[sent["order_id"]]
        return {name: row[name] for name in ("status", "captured", "cancelled", "reference")}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    shop: Any = None

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        action = self.path.rpartition("/")[2]
        try:
            if action == "start":
                type(self).shop = Shop(sent)
                ways = {"ends_unpaid_after": 1200, "name": "Counting shop", "version": "3.1"}
                self.respond(200, {"profiles": ["ecom"], "actions": ACTIONS, **ways})
            else:
                assert "now" not in sent or action == "tick", "it did not say that it uses it"
                self.respond(200, getattr(self.shop, action)(sent) or {})
        except Exception as error:
            self.respond(500, {"error": str(error)})

    def respond(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
