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
OWN = (b"host", b"connection", b"transfer-encoding")


async def forward(request):
    there = request.app.state.there
    headers = [(name, value) for name, value in request.headers.raw if name not in OWN]
    headers += [(b"x-forwarded-host", request.headers["host"].encode()), (b"x-forwarded-for", b"192.0.2.77")]
    path = request.url.path.removeprefix(PREFIX) or "/"
    body = await request.body()
    asked = there.build_request(request.method, path, params=request.query_params, headers=headers, content=body)
    got = await there.send(asked, stream=True)
    reply = StreamingResponse(got.aiter_raw(), got.status_code, background=BackgroundTask(got.aclose))
    reply.raw_headers = [(name.lower(), value) for name, value in got.headers.raw if name.lower() not in OWN]
    return reply


def main(there):
    app = Starlette(routes=[Route(PREFIX + "{path:path}", forward, methods=["GET", "POST", "HEAD"])])
    app.state.there = httpx.AsyncClient(base_url=there, timeout=60, trust_env=False)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # who reads the address may come before the server is up
        print(f"http://localhost:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="error")).run([listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
