"""The forms in which a secret may be met: as it is, and as what software makes of text on its way.

Of base64 three forms are known, one for each place at which the secret can begin within a group of bytes; of each only
the letters count that the secret alone decides.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import zlib
from typing import Final
from urllib.parse import quote, quote_plus

SHORTEST: Final = 6
"""Letters that a form has at least: replacing shorter ones would only make the evidence unreadable."""
LARGEST: Final = 2_000_000
"""Bytes that are unpacked."""
_PACKED: Final = re.compile(r"(?:H4sI|eJ|eN|eA|eF)[A-Za-z0-9+/_-]{14,}={0,2}")
"""How gzip and zlib begin in base64."""


def forms(secret: str) -> set[str]:
    """Return the forms of a secret, itself included."""
    data = secret.encode("utf-8", "surrogatepass")
    percent = "".join(f"%{byte:02X}" for byte in data)
    found = {
        secret,
        quote(secret, safe="", errors="replace"),
        quote(secret, errors="replace"),
        quote_plus(secret, errors="replace"),
        quote(quote(secret, safe="", errors="replace"), safe=""),
        percent,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(secret)[1:-1])[1:-1],
        html.escape(secret),
        html.escape(secret, quote=False),
        repr(secret)[1:-1],
        data.hex(),
    }
    found |= {one.replace("/", "\\/") for one in (secret, json.dumps(secret)[1:-1])}
    found |= {re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), one) for one in set(found) if "%" in one}
    found |= {data.hex().upper()}
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        letters = base64.b64encode(bytes(before) + data).decode()[first:last]
        found |= {letters, letters.replace("+", "-").replace("/", "_")}
    return {one for one in found if len(one) >= SHORTEST}


def unpacked(data: bytes) -> bytes | None:
    """Return what was packed with gzip or zlib into bytes, as far as it can be read; None where they are neither."""
    for bits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        try:
            out = zlib.decompressobj(bits).decompress(data, LARGEST)
        except zlib.error:
            continue
        if out:
            return out
    return None


def packed_words(text: str) -> list[tuple[str, bytes]]:
    """Return the words of a text that are packed bytes in base64, each with what was packed."""
    found = []
    for match in _PACKED.finditer(text):
        word = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        try:
            data = unpacked(base64.b64decode(word + "=" * (-len(word) % 4)))
        except (binascii.Error, ValueError):
            continue
        if data:
            found.append((match[0], data))
    return found
