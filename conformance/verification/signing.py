"""Signatures of a bundle's statement: Ed25519 in a DSSE envelope.

They need the package `cryptography`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import importlib
import json
from pathlib import Path
from typing import Any, Final

from conformance.errors import missing_extra

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"


class SigningError(Exception):
    """A key cannot be used, or `cryptography` is missing. The message says what to do."""


def envelope(statement: bytes, key: Path) -> str:
    """Return a DSSE envelope with a statement and its signature, as JSON text.

    Args:
        statement: the bytes to sign.
        key: a file with an Ed25519 private key in PEM form.


    Raises:
        SigningError: `cryptography` is not installed, or the key cannot be used.

    """
    serialization = _module("serialization")
    try:
        private = serialization.load_pem_private_key(_read(key), password=None)
    except (ValueError, TypeError) as error:
        raise SigningError(f"{key} is not a private key in PEM form without a password ({error}).") from None
    if type(private).__name__ != "Ed25519PrivateKey":
        raise SigningError(f"{key} is not an Ed25519 key: `openssl genpkey -algorithm ed25519` makes one.")
    signature = private.sign(_signed_bytes(statement))
    data = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(statement).decode("ascii"),
        "signatures": [
            {
                "keyid": _key_id(private.public_key(), serialization),
                "sig": base64.b64encode(signature).decode("ascii"),
            }
        ],
    }
    return json.dumps(data, indent=2) + "\n"


def check_signature(text: bytes, statement: bytes, key: Path) -> str:
    """Return what is wrong with an envelope, an empty text if nothing is.

    Args:
        text: the envelope.
        statement: the statement that it must contain.
        key: a file with the Ed25519 public key in PEM form.


    Raises:
        SigningError: `cryptography` is not installed, or the key cannot be used.

    """
    serialization = _module("serialization")
    invalid = importlib.import_module("cryptography.exceptions").InvalidSignature
    try:
        public = serialization.load_pem_public_key(_read(key))
    except (ValueError, TypeError) as error:
        raise SigningError(f"{key} is not a public key in PEM form ({error}).") from None
    if type(public).__name__ != "Ed25519PublicKey":
        raise SigningError(f"{key} is not an Ed25519 key.")
    try:
        signatures = _signatures(text, statement)
    except ValueError as error:
        return str(error)
    for signature in signatures:
        try:
            public.verify(signature, _signed_bytes(statement))
        except invalid:
            continue
        return ""
    return "it was not made with this key, or something else was signed"


def check_form(text: bytes, statement: bytes) -> str:
    """Return what is wrong with an envelope as far as that shows without a key.

    The result is an empty text if nothing is.
    """
    try:
        _signatures(text, statement)
    except ValueError as error:
        return str(error)
    return ""


def _signatures(text: bytes, statement: bytes) -> list[bytes]:
    try:
        data: Any = json.loads(text)
        payload = base64.b64decode(data["payload"], validate=True)
        signatures = [base64.b64decode(entry["sig"], validate=True) for entry in data["signatures"]]
        kind = data["payloadType"]
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise ValueError("it is not a DSSE envelope") from None
    if kind != PAYLOAD_TYPE or payload != statement:
        raise ValueError("it is about another statement than the one beside it")
    if not signatures:
        raise ValueError("it has no signature")
    return signatures


def _signed_bytes(statement: bytes) -> bytes:
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(statement), statement)


def _key_id(public: Any, serialization: Any) -> str:
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()


def _module(name: str) -> Any:
    try:
        return importlib.import_module(f"cryptography.hazmat.primitives.{name}")
    except ImportError:
        raise SigningError(missing_extra("cryptography", "sign", "signatures need it")) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SigningError(f"{path} cannot be read: {error.strerror}.") from None
