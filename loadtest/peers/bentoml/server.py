"""BentoML: one worker a core, as its page on workers says, and no queue of batches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import bentoml
import tokens
from bentoml.validators import ContentType
from flights import Flights, answer, dumps

Message = dict[str, Any]


class Identity:
    """Refuses who proves nothing."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        """In front of an application."""
        self.app = app

    async def __call__(self, scope: Message, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """One request."""
        headers = dict(scope.get("headers", []))
        is_asked = scope["type"] == "http" and scope["path"] == "/api"
        if is_asked and not tokens.is_good(headers.get(b"authorization", b"").decode()):
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await self.app(scope, receive, send)


@bentoml.service(workers="cpu_count", logging={"access": {"enabled": False}})
class Server:
    """One flight at a time."""

    def __init__(self) -> None:
        """Loads the model in each worker."""
        self.flights = Flights()

    @bentoml.api(route="/api")
    async def api(self, array: list[float]) -> Annotated[bytes, ContentType("application/json")]:
        """One flight."""
        return dumps(answer(self.flights.predict(array)))


Server.add_asgi_middleware(Identity)
