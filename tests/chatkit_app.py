"""An app around a ChatKit server, as the guide has it."""

from chatkit.server import StreamingResult
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse


def app_of(server):
    app = FastAPI()

    @app.post("/chatkit")
    async def chatkit(request: Request) -> Response:
        result = await server.process(await request.body(), {})
        if isinstance(result, StreamingResult):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(result.json, media_type="application/json")

    return app
