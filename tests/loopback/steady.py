"""A server with a known service time, to try the generator of load on: one lane, or as many as are asked for.

``python -m tests.loopback.steady '{"service_ms": 20}'`` prints its port and answers ``POST /predict`` until it is
ended. What it answers is decided by the number of the request, so that a test can count.

service_ms  how long one request occupies the lane
lanes       requests that are worked on at a time
stall_s     [from, to] in seconds after the first request in which nothing is worked on
every       {status: n}: each n-th request is refused with that status at once; status 0 closes the connection,
            status 1 never answers
value       what a good answer holds
port        0 takes a free one
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys

from aiohttp import web


def make(settings: dict) -> web.Application:
    lane, numbers = asyncio.Semaphore(settings.get("lanes", 1)), itertools.count(1)
    service_s, (stall_from, stall_to) = settings["service_ms"] / 1000, settings.get("stall_s", (0, 0))
    every = {int(status): count for status, count in settings.get("every", {}).items()}
    first = []

    async def predict(request: web.Request) -> web.StreamResponse:
        await request.read()
        number, loop = next(numbers), asyncio.get_running_loop()
        first.append(loop.time()) if not first else None
        for status, count in every.items():
            if number % count == 0:
                if status == 0:
                    request.transport.abort()
                elif status == 1:
                    await asyncio.sleep(3600)
                return web.Response(status=max(status, 200), text="refused")
        async with lane:
            since = loop.time() - first[0]
            await asyncio.sleep(service_s + (stall_to - since if stall_from <= since < stall_to else 0))
        return web.json_response(settings.get("value", {"logits": [[1.0, 0.0]]}))

    application = web.Application()
    application.router.add_post("/predict", predict)
    return application


async def main(settings: dict) -> None:
    runner = web.AppRunner(make(settings), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", settings.get("port", 0))
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
