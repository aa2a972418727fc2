"""The embedded provider.

One function from request to response, over the APIs and the test control API.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from threading import Lock
from typing import Protocol
from urllib.parse import unquote

from conformance.domain.messages import Request, Response
from conformance.sandbox.api_base import ApiBase, SharedState
from conformance.sandbox.apis import APIS
from conformance.sandbox.clock import Clock, Now, real_now
from conformance.sandbox.control import Control
from conformance.sandbox.ids import Ids
from conformance.sandbox.options import Options
from conformance.sandbox.tokens import Tokens
from conformance.sandbox.wire import ProviderRequest, gateway_response, header_map

_DEFAULT = Options()


class RequestHandler(Protocol):
    """Responds to a group of operations."""

    @property
    def ROUTES(self) -> tuple[tuple[str, str, str], ...]:
        """Method, path template and handler of each operation."""

    def serve(self, call: ProviderRequest, handler: str) -> Response:
        """Return the response to one request."""


@dataclass(frozen=True, slots=True)
class Route:
    """The handler of one operation."""

    part: RequestHandler
    handler: str
    operation: str


@dataclass(slots=True)
class PathTemplate:
    """One path template and its operations by HTTP method."""

    literals: tuple[str, ...]
    places: tuple[int, ...]
    variables: tuple[int, ...]
    targets: dict[str, Route] = field(default_factory=dict)

    def fits(self, segments: list[str]) -> bool:
        """Return whether a path with as many segments has this template's fixed ones."""
        return self.literals == tuple([segments[index] for index in self.places])


class Router:
    """Finds the operation of a request."""

    def __init__(self, parts: Iterable[RequestHandler]) -> None:
        self._places: dict[int, list[PathTemplate]] = {}
        templates: dict[str, PathTemplate] = {}
        for part in parts:
            for method, template, handler in part.ROUTES:
                if template not in templates:
                    templates[template] = self._place(template)
                templates[template].targets[method] = Route(part, handler, f"{method} {template}")

    def _place(self, template: str) -> PathTemplate:
        segments = template.split("/")
        variables = tuple(index for index, text in enumerate(segments) if text.startswith("{"))
        places = tuple(index for index in range(1, len(segments)) if index not in variables)
        place = PathTemplate(tuple(segments[index] for index in places), places, variables)
        self._places.setdefault(len(segments), []).append(place)
        return place

    def find(self, path: str) -> tuple[PathTemplate, tuple[str, ...]] | None:
        """Return the template of a path and the decoded values of its variables.

        The result is None for an unknown path.
        """
        segments = path.split("/")
        for place in self._places.get(len(segments), ()):
            if place.fits(segments):
                return place, tuple([unquote(segments[index]) for index in place.variables])
        return None


class Provider:
    """Some APIs, their tokens and their test control, in memory.

    Args:
        options: How it behaves where the documentation leaves a choice.
        seed: Decides every identifier it gives out.
        now: Its clock; the real one if left out. Each payment can be older than this clock says.
        tokens: The token endpoint.
        control: The test control API.
        apis: A class for each API that is not to be the provider's own, by the API's name: a subclass makes a faulty
            provider.

    """

    def __init__(
        self,
        options: Options = _DEFAULT,
        *,
        seed: int = 0,
        now: Now = real_now,
        tokens: type[Tokens] = Tokens,
        control: type[Control] = Control,
        **apis: type[ApiBase],
    ) -> None:
        if unknown := apis.keys() - APIS.keys():
            raise TypeError(f"The provider has no API {min(unknown)!r}.")
        self.options = options
        clock, ids = Clock(now), Ids(seed)
        self.tokens = tokens(options, clock, ids)
        self.shared = SharedState(options, clock, ids, self.tokens)
        self.apis = {name: apis.get(name, own)(self.shared) for name, own in APIS.items()}
        self.control = control(options, self.apis)
        self._router = Router((self.tokens, *self.apis.values(), self.control))
        self._lock = Lock()

    @property
    def changes(self) -> tuple[str, ...]:
        """How it differs from the suite's own provider.

        Names of classes that replace its own, and changed options.
        """
        parts = (*self.apis.values(), self.tokens, self.control)
        classes = [type(part) for part in parts if type(part) not in (*APIS.values(), Tokens, Control)]
        chosen = [
            option.name for option in fields(self.options) if getattr(self.options, option.name) != option.default
        ]
        return (*(part.__qualname__ for part in classes), *(f"{name}={getattr(self.options, name)}" for name in chosen))

    def turn(self) -> AbstractContextManager[object]:
        """Return the lock that a request holds, so that there is one at a time."""
        return self._lock

    def handle(self, request: Request) -> Response:
        """Return the response to a request.

        Requests are handled one at a time, whoever calls.
        """
        path, _, query = request.path.partition("?")
        match = self._router.find(path)
        if match is None:
            return gateway_response(404, "There is no such resource")
        place, params = match
        target = place.targets.get(request.method)
        if target is None:
            allowed = (("Allow", ", ".join(sorted(place.targets))),)
            return gateway_response(405, "The resource does not have this method", allowed)
        call = ProviderRequest(request, path, query, target.operation, params, header_map(request.headers))
        with self.turn():
            return target.part.serve(call, target.handler)
