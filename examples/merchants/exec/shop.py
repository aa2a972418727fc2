"""A merchant as a program that runs once for every action; its books are a file in ``CANCEL_STATE``.

    cancel-conformance merchant --integration "exec:python -m conformance.examples.merchants.exec.shop" --budget quick

It needs nothing but the standard library. It reads before it decides, and keeps its key until a response settles it.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

BASE = os.environ.get("VIPPS_BASE_URL", "")
BOOKS = Path(os.environ.get("CANCEL_STATE", ".")) / "books.json"
PAYMENTS = "/epayment/v1/payments"


def call(method: str, path: str, body: object = None, key: str = "", token: str = "") -> tuple[int, Any]:
    """Make a call; return its status and JSON. A status of 0 means that no response came."""
    headers = {
        "Ocp-Apim-Subscription-Key": os.environ["VIPPS_SUBSCRIPTION_KEY"],
        "Merchant-Serial-Number": os.environ["VIPPS_MSN"],
        "Vipps-System-Name": "exec-shop",
        "Content-Type": "application/json",
    }
    if token:
        headers["Authorization"] = f"Bearer {token}"
    else:
        headers |= {"client_id": os.environ["VIPPS_CLIENT_ID"], "client_secret": os.environ["VIPPS_CLIENT_SECRET"]}
    if key:
        headers["Idempotency-Key"] = key
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as response:  # nosec B310
            return response.status, parse_json(response.read())
    except urllib.error.HTTPError as error:
        return error.code, parse_json(error.read())
    except OSError:
        return 0, None


def parse_json(body: bytes) -> Any:
    """Return the JSON of a body, or None."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def call_with_token(method: str, path: str, body: object = None, key: str = "") -> tuple[int, Any]:
    """Make a call with a new token; where that is refused, once more."""
    response: tuple[int, Any] = (0, None)
    for _ in range(2):
        status, content = call("POST", "/accesstoken/get")
        if status != 200 or not isinstance(content, dict):
            sys.exit("no token")
        response = call(method, path, body, key, content["access_token"])
        if response[0] != 401:
            break
    return response


def read_payment(row: dict[str, Any]) -> bool:
    """Read the payment and write what it says into the row; return whether it has ended."""
    status, content = call_with_token("GET", f"{PAYMENTS}/{row['reference']}")
    if status != 200 or not isinstance(content, dict):
        return False
    sums = {name: amount["value"] for name, amount in content["aggregate"].items()}
    remaining = sums["authorizedAmount"] - sums["capturedAmount"] - sums["cancelledAmount"]
    ended = content["state"] in ("TERMINATED", "ABORTED", "EXPIRED") or (sums["authorizedAmount"] and not remaining)
    row["captured"], row["cancelled"] = (
        sums["capturedAmount"],
        sums["cancelledAmount"] if sums["authorizedAmount"] else 0,
    )
    if ended:
        row["status"] = "captured" if row["captured"] else "cancelled"
    elif sums["authorizedAmount"]:
        row["status"] = "captured" if row["captured"] else "authorized"
    return bool(ended)


def create(books: dict[str, Any], arguments: dict[str, Any]) -> object:
    """Create a payment."""
    order = arguments["order"]
    row = {"status": "open", "captured": 0, "cancelled": 0, "reference": order["id"], "key": "", "take": ""}
    books[order["id"]] = {**row, "currency": order["currency"]}
    body = {
        "amount": {"value": order["amount"], "currency": order["currency"]},
        "paymentMethod": {"type": "WALLET"},
        "reference": order["id"],
        "userFlow": "WEB_REDIRECT",
        "returnUrl": "https://shop.example/thanks",
    }
    status, _ = call_with_token("POST", PAYMENTS, body, f"create-{order['id']}")
    if status not in (201, 409):
        sys.exit(f"not created: {status}")
    return {"reference": order["id"]}


def cancel(books: dict[str, Any], arguments: dict[str, Any]) -> object:
    """Cancel, unless a read shows that the payment has ended."""
    row = books[arguments["order_id"]]
    if read_payment(row):
        return None
    row["key"] = row["key"] or str(uuid.uuid4())
    save(books)
    status, _ = call_with_token("POST", f"{PAYMENTS}/{row['reference']}/cancel", None, row["key"])
    if 400 <= status < 500 and status not in (401, 408, 409, 423, 429):
        row["key"] = ""
    if not read_payment(row):
        save(books)
        sys.exit(f"not cancelled: {status}")
    row["key"] = ""
    return None


def capture(books: dict[str, Any], arguments: dict[str, Any]) -> object:
    """Capture."""
    row = books[arguments["order_id"]]
    row["take"] = row["take"] or str(uuid.uuid4())
    save(books)
    money = {"modificationAmount": {"value": arguments["amount"], "currency": row["currency"]}}
    status, _ = call_with_token("POST", f"{PAYMENTS}/{row['reference']}/capture", money, row["take"])
    if status != 200:
        sys.exit(f"not captured: {status}")
    row["take"] = ""
    read_payment(row)
    return None


def local_view(books: dict[str, Any], arguments: dict[str, Any]) -> object:
    """Return what the books say."""
    row = books[arguments["order_id"]]
    return {name: row[name] for name in ("status", "captured", "cancelled", "reference")}


def save(books: dict[str, Any]) -> None:
    """Write the books to their file."""
    BOOKS.write_text(json.dumps(books), encoding="utf-8")


def main() -> None:
    """Run the action that is the last argument."""
    action = sys.argv[-1]
    if action == "start":
        print(json.dumps({"profiles": ["epayment"], "actions": ["create", "cancel", "local_view", "capture"]}))
        return
    arguments = json.load(sys.stdin)
    books = json.loads(BOOKS.read_text(encoding="utf-8")) if BOOKS.exists() else {}
    actions = {"create": create, "cancel": cancel, "capture": capture, "local_view": local_view}
    content = actions[action](books, arguments)
    save(books)
    if content is not None:
        print(json.dumps(content))


if __name__ == "__main__":
    main()
