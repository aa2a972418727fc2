"""A provider that does what the documentation says, as an ASGI application.

    cancel-conformance run --target asgi:conformance.examples.providers.correct:app --control-url /control

It is the suite's own simulator. Name your own application in the same way: any ASGI 3 application will do.
"""

from __future__ import annotations

from conformance.sandbox import Provider, create_app

app = create_app(Provider())
