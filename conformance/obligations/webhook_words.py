"""What wrong signatures and unusual deliveries say about the handler that accepts or refuses them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_OWN_HEADER: Final = "with a header Vipps-Webhook-Signature, which the provider never sends: it signs in Authorization"
UNVERIFIED: Final = "another-secret"
"""The wrong signature that no handler expects: one that accepts it has refused the right one for another reason."""
WRONG_SCHEMES: Final[Mapping[str, str]] = {
    UNVERIFIED: "signed with another secret",
    "base64-secret": "keyed with the decoded secret: the secret is base64-decoded before use, and is a text",
    "body-only": "signed over the body alone: date, host, path and the body's hash are left out of what is signed",
    "own-header": _OWN_HEADER,
    "own-header-hex": _OWN_HEADER,
    "bearer": "with the signature after 'Bearer' in Authorization, which begins with HMAC-SHA256",
    "bearer-body": "with a signature of the body alone after 'Bearer' in Authorization, which begins with HMAC-SHA256",
    "hex": "with a signature in hexadecimal, which is in base64",
    "hash-hex": "with the body's hash in hexadecimal, which is in base64",
    "reserialised": "with the hash of the body written anew: the body is serialised again before it is hashed",
    "path-only": "signed without the query, which is a part of the path",
}
"""Signatures that a handler may wrongly expect, and what one is like that it accepts."""

REFUSED_FORMS: Final[Mapping[str, str]] = {
    "deliver_proxied": (
        "came through a proxy, with another Host: the host and path of the request are verified instead of those of "
        "the registered URL"
    ),
    "deliver_spaced": "has unusual spacing in its JSON: the body is serialised again before it is hashed",
    "deliver_unicode": "has letters beyond ASCII: the body is decoded or serialised again before it is hashed",
    "deliver_slashes": "has escaped slashes in its JSON: the body is serialised again before it is hashed",
    "deliver_large": "has 40 kilobytes: the body is not read to its end, or its limit is too low",
    "deliver_extended": "has fields that are not known: new ones may come at any time",
    "deliver_charset": "has a charset in its Content-Type: that header is compared as a whole",
}
"""What is special about a form of true deliveries, and what a handler does wrong that refuses only those."""

BELIEVED_FORGERIES: Final[Mapping[str, str]] = {
    "forge_unsigned": "a delivery without a signature: deliveries are not verified",
    "forge_wrong_secret": "a delivery that was signed with another secret: the signature is not compared",
    "forge_body": "a delivery whose body was changed after signing: the body's hash is not compared",
    "forge_hash": "a delivery whose body and hash were changed after signing: the signature is not compared",
    "forge_path": "a delivery that was signed for another path: the path is not a part of what is verified",
    "forge_host": "a delivery that was signed for another host: the host is not a part of what is verified",
    "forge_date": "a delivery whose date was changed after signing: the date is not a part of what is verified",
    "forge_replay": "a delivery that had come before and was sent again: neither its date nor its event is looked at",
    "forge_other_shop": "a delivery that was signed with the secret of another shop: the signature is not compared",
    "forge_deleted_secret": "a delivery that was signed with the secret of a deleted webhook: that secret still counts",
}
"""What a handler does wrong that believes a forgery."""
