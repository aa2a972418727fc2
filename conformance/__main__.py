"""The command line, as ``python -m conformance``."""

from __future__ import annotations

from conformance.cli.main import entry

if __name__ == "__main__":
    entry()
