"""Signatures of statements: Ed25519 in a DSSE envelope.

They need the package `cryptography`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from conformance.errors import missing_extra
from conformance.inputs.files import InputError, read_bytes

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"


class SigningError(Exception):
    """A key cannot be used, or `cryptography` is missing. The message says what to do."""


class Signer:
    """Signs statements with a private key, which is read once."""

    def __init__(self, key: Path) -> None:
        """Read the key; ``key`` is a file with an Ed25519 private key in PEM form.

        Raises:
            SigningError: `cryptography` is not installed, or the key cannot be used.

        """
        serialization = _module("serialization")
        try:
            self._private = serialization.load_pem_private_key(_read(key), password=None)
        except (ValueError, TypeError) as error:
            raise SigningError(f"{key} is not a private key in PEM form without a password ({error}).") from None
        if type(self._private).__name__ != "Ed25519PrivateKey":
            raise SigningError(f"{key} is not an Ed25519 key: `openssl genpkey -algorithm ed25519` makes one.")
        self.fingerprint = _fingerprint(self._private.public_key())

    def envelope(self, statement: bytes) -> str:
        """Return a DSSE envelope with a statement and its signature, as JSON text."""
        signature = self._private.sign(_signed_bytes(statement))
        data = {
            "payloadType": PAYLOAD_TYPE,
            "payload": base64.b64encode(statement).decode("ascii"),
            "signatures": [{"keyid": self.fingerprint, "sig": base64.b64encode(signature).decode("ascii")}],
        }
        return json.dumps(data, indent=2) + "\n"


class PublicKeys:
    """The keys that signatures must be made with: one of them each."""

    def __init__(self, files: Sequence[Path]) -> None:
        """Read the keys; ``files`` have an Ed25519 public key in PEM form each.

        Raises:
            SigningError: `cryptography` is not installed, or a key cannot be used.

        """
        self._keys = [_public_key(file) for file in files]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._keys)

    def signer(self, text: bytes) -> str:
        """Return the fingerprint of the key that signed an envelope, an empty text if none of these did.

        Raises:
            ValueError: it is not an envelope; the message says so in a clause.

        """
        payload, signatures = _opened(text)
        invalid = importlib.import_module("cryptography.exceptions").InvalidSignature if self._keys else ValueError
        for key in self._keys:
            for signature in signatures:
                try:
                    key.verify(signature, _signed_bytes(payload))
                except invalid:
                    continue
                return _fingerprint(key)
        return ""


def payload_of(text: bytes) -> bytes:
    """Return what an envelope is about, whoever signed it.

    Raises:
        ValueError: it is not an envelope; the message says so in a clause.

    """
    return _opened(text)[0]


def _opened(text: bytes) -> tuple[bytes, list[bytes]]:
    try:
        data: Any = json.loads(text)
        payload = base64.b64decode(data["payload"], validate=True)
        signatures = [base64.b64decode(entry["sig"], validate=True) for entry in data["signatures"]]
        kind = data["payloadType"]
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise ValueError("it is not a DSSE envelope") from None
    if kind != PAYLOAD_TYPE:
        raise ValueError("it is not about a statement")
    if not signatures:
        raise ValueError("it has no signature")
    return payload, signatures


def _signed_bytes(statement: bytes) -> bytes:
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(statement), statement)


def _public_key(file: Path) -> Any:
    try:
        key = _module("serialization").load_pem_public_key(_read(file))
    except (ValueError, TypeError) as error:
        raise SigningError(f"{file} is not a public key in PEM form ({error}).") from None
    if type(key).__name__ != "Ed25519PublicKey":
        raise SigningError(f"{file} is not an Ed25519 key.")
    return key


def _fingerprint(public: Any) -> str:
    """Return the SHA-256 of a public key's bytes, in hexadecimal."""
    serialization = _module("serialization")
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()


def _module(name: str) -> Any:
    try:
        return importlib.import_module(f"cryptography.hazmat.primitives.{name}")
    except ImportError:
        raise SigningError(missing_extra("cryptography", "sign", "signatures need it")) from None


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except InputError as error:
        raise SigningError(str(error)) from None
