"""schemathesis, and all that is known of it here: it draws requests from a description, and we send and judge them.

Its engine is no stable interface: the version is pinned to a minor one, and nothing else in this house imports it. It
is given a WSGI application that hands every request on, so that it reaches no network of its own.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from conformance.domain.messages import Headers, Request, Response
from conformance.fuzzing.openapi import Description
from conformance.wire.operations import Operation, without_names

EXAMPLES: Final = 12
"""Drawn requests for each operation, and linked sequences."""
PHASES: Final = ("examples", "coverage", "fuzzing", "stateful")
_CASE: Final = "HTTP_X_SCHEMATHESIS_TESTCASEID"
_METHODS: Final = ["get", "put", "post", "delete", "patch"]
_DROPPED: Final = frozenset({"HTTP_HOST", "HTTP_USER_AGENT", _CASE})

SKIPPED: Final = Response(400, (("Content-Type", "application/json"), ("X-Not-Sent", "1")), b"{}")
"""What schemathesis is told of a request that was not sent. What it thinks of that is nobody's concern."""

Answering = Callable[[Request], Response]


@dataclass(frozen=True, slots=True)
class DrawingPhase:
    """Another way of drawing begins."""

    name: str


@dataclass(frozen=True, slots=True)
class StockCheckFailure:
    """A stock check objected to an answer. That is recorded and never judged: our own rules judge."""

    check: str
    operation: str


@dataclass(frozen=True, slots=True)
class GenerationError:
    """Requests for an operation could not be drawn."""

    operation: str
    message: str


class Drawing:
    """Draws requests for some operations of a description, and has each answered."""

    def __init__(
        self,
        description: Description,
        operations: Iterable[Operation],
        seed: int,
        answering: Answering,
        examples: int = EXAMPLES,
    ) -> None:
        self._data = _reduced(description, operations)
        self._seed = seed
        self._answering = answering
        self._examples = examples
        self._stream: Any = None

    def stop(self) -> None:
        """Draw no more. May be called from another thread, and while a request is answered."""
        if self._stream is not None:
            self._stream.stop()

    def happenings(self) -> Iterator[DrawingPhase | StockCheckFailure | GenerationError]:
        """Draw; yield what happens besides."""
        import schemathesis  # noqa: PLC0415 - it takes a second, and only those who fuzz need it
        from schemathesis import engine  # noqa: PLC0415
        from schemathesis.engine import events  # noqa: PLC0415

        with _as_it_was():
            schema = schemathesis.openapi.from_dict(self._data, config=_config(self._seed, self._examples))
            schema.app = _application(self._answering)
            self._stream = engine.from_schema(schema).execute()
            for event in self._stream:
                if isinstance(event, events.PhaseStarted):
                    yield DrawingPhase(str(event.phase.name.value))
                elif isinstance(event, events.ScenarioFinished):
                    yield from _objections(event.recorder)
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
                # Letters that no order needs are no matter of these APIs.
                "codec": "ascii",
                "allow-x00": False,
            },
            "phases": {
                "coverage": {"unexpected-methods": _METHODS},
                "fuzzing": {"extra-data-sources": {"responses": False}, "error-feedback": {"enabled": False}},
            },
            # These send requests of their own: ours does that, and knows what it sends.
            "checks": {"ignored_auth": {"enabled": False}, "object_level_authorization": {"enabled": False}},
        }
    )


def _reduced(description: Description, operations: Iterable[Operation]) -> dict[str, Any]:
    """Leave the operations that are fuzzed: what is wrong elsewhere in a description does not matter."""
    paths: dict[str, Any] = {}
    for operation in operations:
        path = description.operations[operation][0]
        item = description.data["paths"][path]
        reduced = paths.setdefault(path, {"parameters": item.get("parameters", [])})
        reduced[operation.method.lower()] = item[operation.method.lower()]
    return {**description.data, "paths": paths, "servers": []}


def _objections(recorder: Any) -> Iterator[StockCheckFailure]:
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


def _application(answering: Answering) -> Callable[..., Iterable[bytes]]:
    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = answering(_request(environ))
        start_response(f"{answer.status} Answer", list(answer.headers))
        return [answer.body]

    return application


def _request(environ: dict[str, Any]) -> Request:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    stream = environ.get("wsgi.input") or io.BytesIO()
    headers: Headers = tuple(
        (name[5:].replace("_", "-").title(), str(value))
        for name, value in environ.items()
        if name.startswith("HTTP_") and name not in _DROPPED
    )
    kind = environ.get("CONTENT_TYPE")
    if kind:
        headers = (*headers, ("Content-Type", str(kind)))
    path = str(environ.get("REQUEST_URI") or environ.get("RAW_URI") or environ.get("PATH_INFO") or "/")
    return Request(str(environ["REQUEST_METHOD"]), path, headers, stream.read(length) if length else b"")


def operation_of(description: Description, path: str, method: str) -> tuple[Operation, dict[str, str]] | None:
    """Return the operation that a drawn request is for, with what it has where the order's identifiers stand.

    The path is one in the description. A request with another method is for an operation with the same path.
    """
    parts = path.partition("?")[0].split("/")
    fitting: list[tuple[Operation, dict[str, str]]] = []
    for operation, (template, _) in description.operations.items():
        names = template.split("/")
        if len(names) == len(parts) and all(
            name.startswith("{") or name == part for name, part in zip(names, parts, strict=True)
        ):
            values = {name.strip("{}"): part for name, part in zip(names, parts, strict=True) if name.startswith("{")}
            fitting.append((operation, values))
    same = [match for match in fitting if match[0].method == method]
    return min(same or fitting, key=lambda match: without_names(match[0].path).count("{}"), default=None)


@contextmanager
def _as_it_was() -> Iterator[None]:
    """Give Hypothesis back what schemathesis changes in it: its printer, and how much one example may hold."""
    import hypothesis  # noqa: PLC0415
    from hypothesis import core  # noqa: PLC0415
    from hypothesis.internal.conjecture import engine  # noqa: PLC0415
    from schemathesis.generation.hypothesis import setup  # noqa: PLC0415

    modules = (core, engine, hypothesis.strategies._internal.collections)
    held = [
        (module, name)
        for module in modules
        for name in ("RepresentationPrinter", "BUFFER_SIZE")
        if hasattr(module, name)
    ]
    before = [(module, name, getattr(module, name)) for module, name in held]
    # It changes them once in a process; here it is once for each time.
    vars(setup)["_is_patched"] = False
    setup()
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


__all__ = [
    "EXAMPLES",
    "PHASES",
    "SKIPPED",
    "Drawing",
    "DrawingPhase",
    "GenerationError",
    "StockCheckFailure",
    "operation_of",
]
