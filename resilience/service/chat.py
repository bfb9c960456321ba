"""POST /v1/chat/completions and GET /v1/models: OpenAI's API in front of the whole chain."""

import time
from typing import Any

from fastapi import FastAPI, Request, Response

from resilience.breaker import Emit
from resilience.client import Client
from resilience.service.body import admission, json_body, read_body
from resilience.service.chat_body import ChatBody
from resilience.service.chat_objects import answer_headers, completion_object
from resilience.service.chat_stream import ChatStream
from resilience.service.connection import while_connected
from resilience.service.wire import SafeJSONResponse


def add_chat(app: FastAPI, client: Client, emit: Emit) -> None:
    """Add the routes, served by `client`; `emit` takes the requests that are refused before they reach it."""

    @app.post("/v1/chat/completions", openapi_extra=json_body(ChatBody), response_model=None)
    async def chat_completions(request: Request) -> Response:
        request_id: str = request.state.request_id
        with admission(emit, request_id):
            body = await read_body(request, ChatBody)
            chat = body.request()
        if body.stream:
            return ChatStream(client, chat, request_id, include_usage=body.include_usage)
        async with while_connected(request.receive):
            answer = await client.chat(chat, request_id=request_id)
        return SafeJSONResponse(
            completion_object(answer, time.time()),
            headers=answer_headers(answer.provider, answer.attempts, answer.fallbacks),
        )

    @app.get("/v1/models", response_model=None)
    async def models() -> dict[str, Any]:
        """The chain's models, primary first; `owned_by` is the provider."""
        data = [
            {"id": provider.model, "object": "model", "created": 0, "owned_by": provider.name}
            for provider in client.chain
        ]
        return {"object": "list", "data": data}
