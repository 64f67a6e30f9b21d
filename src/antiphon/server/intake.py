"""What stands before the management API: an id for each request, a key before its body, a bound.

FastAPI reads a body before anybody has asked for a key, and to its end, so a stranger could make
it hold one. Here whoever announces a body needs a key that is known, and it is read up to a bound
that is far above what administration takes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request, Response

from antiphon.errors import AntiphonError
from antiphon.server.asgi import App, Message, Receive, Scope, Send, headers_of
from antiphon.server.bodies import given_again, whole_body

ID_HEADER = b"x-antiphon-request-id"
_ADMINISTERED = "/api/"
"""What the path of all begins with for which a key is needed."""


class Intake:
    """A middleware of ASGI.

    Args:
        app: The management API.
        new_id: Names a request.
        admit: Refuses whoever may not send a body.
        refuse: Renders an error.
    """

    def __init__(
        self,
        app: App,
        *,
        new_id: Callable[[], str],
        admit: Callable[[Request], Awaitable[object]],
        refuse: Callable[[Request, AntiphonError], Response],
    ) -> None:
        self._app = app
        self._new_id = new_id
        self._admit = admit
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._new_id()
        scope["state"] = {**scope.get("state", {}), "request_id": request_id}

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*headers_of(message), (ID_HEADER, request_id.encode())]
                message = {**message, "headers": headers}
            await send(message)

        try:
            if scope["path"].startswith(_ADMINISTERED) and _announces_body(scope):
                await self._admit(Request(scope))
            body = await whole_body(receive)
        except AntiphonError as error:
            await self._refuse(Request(scope), error)(scope, receive, send_with_id)
            return
        if body is not None:
            await self._app(scope, given_again(body, receive), send_with_id)


def id_of(request: Request) -> str:
    """The id of a request."""
    told: str = request.state.request_id
    return told


def _announces_body(scope: Scope) -> bool:
    headers = dict(headers_of(scope))
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
