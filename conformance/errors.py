"""Exceptions that a user can cause or is to catch, and nothing else."""

from __future__ import annotations

from functools import cache
from typing import Final

USAGE: Final = 2
LONGEST: Final = 1_200
"""Letters of a sentence about an error."""


class UsageError(ValueError):
    """What was asked for makes no sense. The message says what, and what would."""


class CommandError(Exception):
    """A command cannot go on: the message says why, ``code`` is what it exits with."""

    def __init__(self, message: str, code: int = USAGE) -> None:
        super().__init__(message)
        self.code = code


def shortened(text: str) -> str:
    """Return a sentence about an error as long as can be read: what it quotes may be as long as a file.

    >>> len(shortened("x" * 5_000))
    1203
    """
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


def missing_extra(package: str, extra: str, use: str) -> str:
    """Return the sentence about a package that only an extra installs. ``use`` says in a clause what it is for."""
    return (
        f"The package {package} is not installed, and {use}: "
        f'pip install "cancel-conformance[{extra}]" (in a clone: pip install -r constraints-extras.txt).'
    )


class ViolationError(AssertionError):
    """A history showed that rules are violated. The message has the rules, the step, the request and the response.

    Every rule has a subclass of its own, so that Hypothesis tells one defect from another: see `violation_class`.

    Attributes:
        rules: the ids of the violated rules; the first one names the class.

    """

    def __init__(self, message: str, rules: tuple[str, ...]) -> None:
        super().__init__(message)
        self.rules = rules


@cache
def violation_class(rule: str) -> type[ViolationError]:
    """Return the class of violations of a rule, such as ``ViolationError_EP_08``."""
    name = f"ViolationError_{rule.replace('-', '_')}"
    return type(name, (ViolationError,), {"__module__": "conformance", "__doc__": f"{rule} is violated."})


class InconclusiveError(Exception):
    """A history proved nothing: the target crashed, did not respond, or could not bring the order where it was meant.

    It is no `AssertionError`: nothing is said against the implementation.
    """


class NotTestedError(Exception):
    """A history needs something that the target does not offer, such as a way to let time pass.

    Attributes:
        reasons: a sentence for each thing that it needs and does not get.

    """

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


class NotTestedWarning(UserWarning):
    """Drawn histories are left out, because the target does not offer what they need."""
