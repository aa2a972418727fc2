"""What a command writes, and where: click keeps one `Output` for each command, in its context."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING

import rich_click as click

if TYPE_CHECKING:
    from conformance.cli.arguments import Arguments
    from conformance.evidence.redaction import Redactor


class Output:
    """The streams of one command, without the secrets that it learns."""

    def __init__(self) -> None:
        self.debug = False
        self._stack = ExitStack()
        self._redactor: Redactor | None = None

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def begin(self, arguments: Arguments) -> None:
        """Prepare for a command's body: learn how it is to be written, and collect the secrets of its runs."""
        self.debug = arguments.debug
        self._collect_secrets()

    def fail(self, text: str, code: int) -> None:
        """Write an error on the standard error stream, without secrets."""
        sys.stderr.write(self._without_secrets(text) + "\n")

    def _collect_secrets(self) -> Redactor:
        from conformance.evidence.redaction import redaction_scope  # noqa: PLC0415 - loaded with a command's body

        if self._redactor is None:
            self._redactor = self._stack.enter_context(redaction_scope())
        return self._redactor

    def _without_secrets(self, text: str) -> str:
        """Return a text without the secrets of the command's runs and of the environment."""
        from conformance.targets.http.credentials import secrets_in  # noqa: PLC0415 - as above

        redactor = self._collect_secrets()
        for secret in secrets_in(os.environ):
            redactor.learn(secret)
        return redactor.clean(text)


def output() -> Output:
    """Return the output of the running command."""
    context = click.get_current_context(silent=True)
    return context.obj if context is not None and isinstance(context.obj, Output) else Output()
