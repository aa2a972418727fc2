"""The only module that knows schemathesis: it draws requests from a description.

The suite sends and judges them. Its engine is not a stable interface, so the version is pinned to a minor one. It gets
a WSGI application that passes every request on, so that it uses no network itself.
"""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from conformance.domain.messages import Headers, Request, Response
from conformance.domain.operations import Operation, without_names
from conformance.errors import UsageError, missing_extra
from conformance.fuzzing.openapi import Description
from conformance.fuzzing.shut_network import shut_network

EXAMPLES: Final = 12
"""Drawn requests for each operation, and sequences of linked requests."""
PHASES: Final = ("examples", "coverage", "fuzzing", "stateful")
_CASE: Final = "HTTP_X_SCHEMATHESIS_TESTCASEID"
_METHODS: Final = ["get", "put", "post", "delete", "patch"]
_DROPPED: Final = frozenset({"HTTP_HOST", "HTTP_USER_AGENT", _CASE})
_REPLACED: Final = ("RepresentationPrinter", "BUFFER_SIZE", "register_random", "is_first_param_referenced_in_function")
"""What schemathesis replaces in Hypothesis, for all of the process: the printer by one that prints nothing."""

SKIPPED: Final = Response(400, (("Content-Type", "application/json"), ("X-Not-Sent", "1")), b"{}")
"""The response that schemathesis gets to a request that was not sent. Its checks of it are ignored."""

Respond = Callable[[Request], Response]


@dataclass(frozen=True, slots=True)
class DrawingPhase:
    """A phase of schemathesis begins."""

    name: str


@dataclass(frozen=True, slots=True)
class StockCheckFailure:
    """A stock check of schemathesis failed.

    It is recorded and never judged: the suite's own rules judge.
    """

    check: str
    operation: str


@dataclass(frozen=True, slots=True)
class GenerationError:
    """No requests could be drawn for an operation."""

    operation: str
    message: str


class Drawing:
    """Draws requests for some operations of a description.

    Every request is passed to ``respond``, in the thread that iterates over ``events``.
    """

    def __init__(
        self,
        description: Description,
        operations: Iterable[Operation],
        seed: int,
        respond: Respond,
        examples: int = EXAMPLES,
    ) -> None:
        self._data = _reduced(description, operations)
        self._seed = seed
        self._respond = respond
        self._examples = examples
        self._stream: Any = None

    def stop(self) -> None:
        """Stop drawing. Any thread may call it, at any time."""
        if self._stream is not None:
            self._stream.stop()

    def events(self) -> Iterator[DrawingPhase | StockCheckFailure | GenerationError]:
        """Draw requests until the end; yield what happens besides.

        A description can be so wrong that nothing more is drawn from it. That says nothing about the target.
        """
        try:
            yield from self._events()
        except Exception as error:
            yield GenerationError("every operation", f"{type(error).__name__}: {error}")

    def _events(self) -> Iterator[DrawingPhase | StockCheckFailure | GenerationError]:
        import schemathesis  # noqa: PLC0415 - it takes a second, and only those who fuzz need it
        from schemathesis import engine  # noqa: PLC0415
        from schemathesis.engine import events  # noqa: PLC0415

        with _restored_hypothesis(), shut_network():
            schema = schemathesis.openapi.from_dict(self._data, config=_config(self._seed, self._examples))
            schema.app = _application(self._respond)
            self._stream = engine.from_schema(schema).execute()
            for event in self._stream:
                if isinstance(event, events.PhaseStarted):
                    yield DrawingPhase(str(event.phase.name.value))
                elif isinstance(event, events.ScenarioFinished):
                    yield from _failed_checks(event.recorder)
                elif isinstance(event, events.NonFatalError):
                    yield GenerationError(str(event.label), str(event.info.message))


def _config(seed: int, examples: int) -> Any:
    import schemathesis  # noqa: PLC0415

    return schemathesis.Config.from_dict(
        {
            "seed": seed,
            "workers": 1,
            "continue-on-failure": True,
            "generation": {
                "max-examples": examples,
                "database": "none",
                "no-shrink": True,
                # Characters that no order needs do not concern these APIs.
                "codec": "ascii",
                "allow-x00": False,
            },
            "phases": {
                "coverage": {"unexpected-methods": _METHODS},
                "fuzzing": {"extra-data-sources": {"responses": False}, "error-feedback": {"enabled": False}},
            },
            # These checks send requests of their own. The probes do that here.
            "checks": {"ignored_auth": {"enabled": False}, "object_level_authorization": {"enabled": False}},
        }
    )


def _reduced(description: Description, operations: Iterable[Operation]) -> dict[str, Any]:
    """Return a description of the fuzzed operations alone.

    Defects elsewhere do not matter.
    """
    paths: dict[str, Any] = {}
    for operation in operations:
        path = description.operations[operation][0]
        item = description.data["paths"][path]
        reduced = paths.setdefault(path, {"parameters": item.get("parameters", [])})
        described = item[operation.method.lower()]
        reduced[operation.method.lower()] = {name: part for name, part in described.items() if name != "servers"}
    return {**description.data, "paths": paths, "servers": []}


def _failed_checks(recorder: Any) -> Iterator[StockCheckFailure]:
    for identifier, checks in recorder.checks.items():
        node, interaction = recorder.cases.get(identifier), recorder.interactions.get(identifier)
        if (
            interaction is None
            or interaction.response is None
            or SKIPPED.headers[-1][0].lower() in interaction.response.headers
        ):
            continue
        label = node.value.operation.label if node is not None else ""
        for check in checks:
            if check.status.value == "failure":
                yield StockCheckFailure(str(check.name), str(label))


def _application(respond: Respond) -> Callable[..., Iterable[bytes]]:
    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        response = respond(_request(environ))
        start_response(f"{response.status} Answer", list(response.headers))
        return [response.body]

    return application


def _request(environ: dict[str, Any]) -> Request:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    stream = environ.get("wsgi.input") or io.BytesIO()
    path = str(environ.get("REQUEST_URI") or environ.get("RAW_URI") or environ.get("PATH_INFO") or "/")
    body = stream.read(length) if length else b""
    return Request(str(environ["REQUEST_METHOD"]), path, _headers(environ), body)


def _headers(environ: dict[str, Any]) -> Headers:
    headers: Headers = tuple(
        (name[5:].replace("_", "-").title(), str(value))
        for name, value in environ.items()
        if name.startswith("HTTP_") and name not in _DROPPED
    )
    content_type = environ.get("CONTENT_TYPE")
    return (*headers, ("Content-Type", str(content_type))) if content_type else headers


def operation_of(description: Description, path: str, method: str) -> Operation | None:
    """Return the operation that a drawn request is for; None if there is none.

    The path is one of the description. A request with another method counts for an operation with the same path; of
    several such paths, the one with the fewest variables.
    """
    segments = path.partition("?")[0].split("/")
    candidates = [
        operation for operation, (template, _) in description.operations.items() if _fits(template.split("/"), segments)
    ]
    same_method = [operation for operation in candidates if operation.method == method]
    return min(
        same_method or candidates,
        key=lambda operation: without_names(operation.path).count("{}"),
        default=None,
    )


def _fits(template: list[str], segments: list[str]) -> bool:
    return len(template) == len(segments) and all(
        name.startswith("{") or name == segment for name, segment in zip(template, segments, strict=True)
    )


def require_schemathesis() -> None:
    """Check that there is a schemathesis to draw with.

    Raises:
        UsageError: it is not installed.

    """
    try:
        importlib.import_module("schemathesis.engine")
    except ImportError:
        raise UsageError(missing_extra("schemathesis", "fuzz", "fuzzing needs it")) from None


@contextmanager
def _restored_hypothesis() -> Iterator[None]:
    """Put back what schemathesis replaces in Hypothesis, wherever its version keeps it."""
    from schemathesis.generation.hypothesis import setup  # noqa: PLC0415

    originals = [
        (vars(module), name, vars(module)[name])
        for module_name, module in list(sys.modules.items())
        if module_name.startswith("hypothesis.")
        for name in _REPLACED
        if name in vars(module)
    ]
    # Without this, schemathesis replaces them only once in a process.
    vars(setup)["_is_patched"] = False
    setup()
    try:
        yield
    finally:
        for names, name, value in originals:
            names[name] = value


__all__ = [
    "EXAMPLES",
    "PHASES",
    "SKIPPED",
    "Drawing",
    "DrawingPhase",
    "GenerationError",
    "StockCheckFailure",
    "operation_of",
    "require_schemathesis",
]
