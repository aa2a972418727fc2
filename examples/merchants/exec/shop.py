"""A merchant as a program that is started for every action; its books are a file in ``CANCEL_STATE``.

    cancel-conformance merchant --integration "exec:python examples/merchants/exec/shop.py" --budget quick --histories 0

The standard library is all that it needs. It reads before it decides, and remembers its key until it has an answer.
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
    """Make a call; return its status and JSON. A status of 0 says that no answer came."""
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
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, parsed(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, parsed(error.read())
    except OSError:
        return 0, None


def parsed(body: bytes) -> Any:
    """Return JSON, or None."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def signed(method: str, path: str, body: object = None, key: str = "") -> tuple[int, Any]:
    """Make a call with a token of its own; a token that is refused is fetched once more."""
    answer: tuple[int, Any] = (0, None)
    for _ in range(2):
        status, said = call("POST", "/accesstoken/get")
        if status != 200 or not isinstance(said, dict):
            sys.exit("no token")
        answer = call(method, path, body, key, said["access_token"])
        if answer[0] != 401:
            break
    return answer


def look(row: dict[str, Any]) -> bool:
    """Read the payment and write down what it says; tell whether it has ended."""
    status, said = signed("GET", f"{PAYMENTS}/{row['reference']}")
    if status != 200 or not isinstance(said, dict):
        return False
    sums = {name: amount["value"] for name, amount in said["aggregate"].items()}
    left = sums["authorizedAmount"] - sums["capturedAmount"] - sums["cancelledAmount"]
    ended = said["state"] in ("TERMINATED", "ABORTED", "EXPIRED") or (sums["authorizedAmount"] and not left)
    row["captured"], row["cancelled"] = (
        sums["capturedAmount"],
        sums["cancelledAmount"] if sums["authorizedAmount"] else 0,
    )
    if ended:
        row["status"] = "captured" if row["captured"] else "cancelled"
    elif sums["authorizedAmount"]:
        row["status"] = "captured" if row["captured"] else "authorized"
    return bool(ended)


def create(books: dict[str, Any], given: dict[str, Any]) -> object:
    """Make a payment."""
    order = given["order"]
    row = {"status": "open", "captured": 0, "cancelled": 0, "reference": order["id"], "key": "", "take": ""}
    books[order["id"]] = {**row, "currency": order["currency"]}
    body = {
        "amount": {"value": order["amount"], "currency": order["currency"]},
        "paymentMethod": {"type": "WALLET"},
        "reference": order["id"],
        "userFlow": "WEB_REDIRECT",
        "returnUrl": "https://shop.example/thanks",
    }
    status, _ = signed("POST", PAYMENTS, body, f"create-{order['id']}")
    if status not in (201, 409):
        sys.exit(f"not created: {status}")
    return {"reference": order["id"]}


def cancel(books: dict[str, Any], given: dict[str, Any]) -> object:
    """Cancel unless a look shows that it has ended already."""
    row = books[given["order_id"]]
    if look(row):
        return None
    row["key"] = row["key"] or str(uuid.uuid4())
    keep(books)
    status, _ = signed("POST", f"{PAYMENTS}/{row['reference']}/cancel", None, row["key"])
    if 400 <= status < 500 and status not in (401, 408, 409, 423, 429):
        row["key"] = ""
    if not look(row):
        keep(books)
        sys.exit(f"not cancelled: {status}")
    row["key"] = ""
    return None


def capture(books: dict[str, Any], given: dict[str, Any]) -> object:
    """Capture."""
    row = books[given["order_id"]]
    row["take"] = row["take"] or str(uuid.uuid4())
    keep(books)
    money = {"modificationAmount": {"value": given["amount"], "currency": row["currency"]}}
    status, _ = signed("POST", f"{PAYMENTS}/{row['reference']}/capture", money, row["take"])
    if status != 200:
        sys.exit(f"not captured: {status}")
    row["take"] = ""
    look(row)
    return None


def local_view(books: dict[str, Any], given: dict[str, Any]) -> object:
    """Tell what the books say."""
    row = books[given["order_id"]]
    return {name: row[name] for name in ("status", "captured", "cancelled", "reference")}


def keep(books: dict[str, Any]) -> None:
    """Write the books down."""
    BOOKS.write_text(json.dumps(books), encoding="utf-8")


def main() -> None:
    """Do the action that is the last argument."""
    action = sys.argv[-1]
    if action == "start":
        print(json.dumps({"profiles": ["epayment"], "actions": ["create", "cancel", "local_view", "capture"]}))
        return
    given = json.load(sys.stdin)
    books = json.loads(BOOKS.read_text(encoding="utf-8")) if BOOKS.exists() else {}
    said = {"create": create, "cancel": cancel, "capture": capture, "local_view": local_view}[action](books, given)
    keep(books)
    if said is not None:
        print(json.dumps(said))


if __name__ == "__main__":
    main()
