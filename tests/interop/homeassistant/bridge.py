"""Between a test and a Home Assistant: a line of JSON in, a line of JSON out, on a TCP port of its own.

    python bridge.py PORT FOLDER

PORT is Home Assistant's. The first time it makes the owner, as a person would who clicks through the first start, and keeps
the sign-in in FOLDER. A line is a command of Home Assistant's WebSocket API ({"type": "get_states"}), or {"get": PATH} and
{"post": PATH, "body": …} for its REST API. The answer is {"result": …} or {"error": …}; {"error": "away"} while Home
Assistant does not listen.
"""

import asyncio
import json
import pathlib
import sys

import aiohttp

CLIENT = "http://127.0.0.1/"
BASE = f"http://127.0.0.1:{sys.argv[1]}"
KEPT = pathlib.Path(sys.argv[2]) / "signed-in.json"
AWAY = (aiohttp.ClientError, OSError, ConnectionError, asyncio.TimeoutError)


class Home:
    def __init__(self, session):
        self.session = session
        self.key = None
        self.socket = None
        self.count = 0

    async def answer(self, order):
        try:
            await self.connect()
            if "type" in order:
                return await self.ask(order)
            method = "GET" if "get" in order else "POST"
            return await self.rest(method, order[method.lower()], order.get("body"))
        except AWAY:
            self.socket = None
            return {"error": "away"}

    async def connect(self):
        if self.socket is not None and not self.socket.closed:
            return
        self.key = await self.sign_in()
        self.socket = await self.session.ws_connect(f"{BASE}/api/websocket", max_msg_size=0)
        await self.socket.receive_json()
        await self.socket.send_json({"type": "auth", "access_token": self.key})
        await self.socket.receive_json()

    async def sign_in(self):
        if KEPT.exists():
            refresh = json.loads(KEPT.read_text())["refresh_token"]
            form = {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": CLIENT}
        else:
            owner = {"client_id": CLIENT, "name": "Owner", "username": "owner", "password": "owner-owner", "language": "en"}
            async with self.session.post(f"{BASE}/api/onboarding/users", json=owner) as response:
                response.raise_for_status()
                form = {"grant_type": "authorization_code", "code": (await response.json())["auth_code"], "client_id": CLIENT}
        async with self.session.post(f"{BASE}/auth/token", data=form) as response:
            response.raise_for_status()
            answer = await response.json()
        if "refresh_token" in answer:
            KEPT.write_text(json.dumps(answer))
        return answer["access_token"]

    async def ask(self, order):
        self.count += 1
        await self.socket.send_json({"id": self.count, **order})
        while True:
            message = await self.socket.receive()
            if message.type != aiohttp.WSMsgType.TEXT:
                raise ConnectionError
            answer = message.json()
            if answer.get("id") == self.count and answer["type"] == "result":
                return {"result": answer["result"]} if answer["success"] else {"error": answer["error"]}

    async def rest(self, method, path, body):
        headers = {"authorization": f"Bearer {self.key}"}
        async with self.session.request(method, BASE + path, json=body, headers=headers) as response:
            text = await response.text()
            if response.status >= 400:
                return {"error": {"status": response.status, "message": text}}
            return {"result": json.loads(text) if text[:1] in "[{" else text}


async def main():
    async with aiohttp.ClientSession() as session:
        home = Home(session)
        turn = asyncio.Lock()

        async def serve(reader, writer):
            while line := await reader.readline():
                async with turn:
                    answer = await home.answer(json.loads(line))
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 24)
        print(json.dumps({"control": server.sockets[0].getsockname()[1]}), flush=True)
        await server.serve_forever()


asyncio.run(main())
