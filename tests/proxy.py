"""A small reverse proxy under `/articles`, for tests: it takes that off, and tells for whom it asks."""

import socket
import sys

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse
from starlette.routing import Route

PREFIX = "/articles"
THERE = httpx.AsyncClient(base_url=sys.argv[1], timeout=60, trust_env=False)
OWN = (b"host", b"connection", b"transfer-encoding")


async def forward(request):
    headers = [(name, value) for name, value in request.headers.raw if name not in OWN]
    headers += [(b"x-forwarded-host", request.headers["host"].encode()), (b"x-forwarded-for", b"192.0.2.77")]
    path = request.url.path.removeprefix(PREFIX) or "/"
    body = await request.body()
    asked = THERE.build_request(request.method, path, params=request.query_params, headers=headers, content=body)
    got = await THERE.send(asked, stream=True)
    reply = StreamingResponse(got.aiter_raw(), got.status_code, background=BackgroundTask(got.aclose))
    reply.raw_headers = [(name.lower(), value) for name, value in got.headers.raw if name.lower() not in OWN]
    return reply


with socket.socket() as listening:
    listening.bind(("127.0.0.1", 0))
    print(f"http://localhost:{listening.getsockname()[1]}", flush=True)
    app = Starlette(routes=[Route(PREFIX + "{path:path}", forward, methods=["GET", "POST", "HEAD"])])
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run([listening])
