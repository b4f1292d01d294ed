"""A client of the hub on the `websockets` package.

Sends, asks, and waits for messages; a deadline only turns a hang into a failure.
"""

import asyncio
import json
import os
import urllib.request
import uuid

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

HUB = os.environ.get("BLOCKHUB_URL", "http://127.0.0.1:8080")
PATIENCE_S = 60


def new_project(**body):
    """Makes a project over HTTP and returns its id."""
    request = urllib.request.Request(
        f"{HUB}/api/projects",
        data=json.dumps({"title": "From Python", **body}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["id"]


def insert(text, block=None):
    """An op that puts a block with this text first."""
    block = block or str(uuid.uuid4())
    return {"op": "insert", "block": block, "kind": "text", "parent": None, "after": None, "content": {"text": text}}


class Client:
    def __init__(self, socket):
        self.socket = socket
        self.received = []
        self.waiting = []
        self.asked = 0

    @classmethod
    async def connect(cls, **options):
        return cls(await connect(HUB.replace("http", "ws") + "/ws", max_size=None, **options))

    @classmethod
    async def hello(cls, user, **options):
        client = await cls.connect(**options)
        client.welcome = await client.ask({"type": "hello", "user": {"id": user}})
        assert client.welcome["type"] == "welcome", client.welcome
        return client

    async def send(self, message):
        await self.socket.send(json.dumps(message))

    async def ask(self, message):
        """Sends under a new id and waits for the reply."""
        self.asked += 1
        name = f"p{self.asked}"
        await self.send({**message, "id": name})
        return await self.find(lambda message: message.get("id") == name)

    async def edit(self, project, *ops, **more):
        return await self.ask({"type": "edit", "project": project, "editId": str(uuid.uuid4()), "ops": list(ops), **more})

    async def expect(self, kind):
        """Waits for the next message of this type that nobody has asked for."""
        return await self.find(lambda message: message["type"] == kind)

    async def find(self, fits):
        while True:
            for place, message in enumerate(self.waiting):
                if fits(message):
                    return self.waiting.pop(place)
            async with asyncio.timeout(PATIENCE_S):
                message = json.loads(await self.socket.recv())
            self.received.append(message)
            self.waiting.append(message)

    async def closed(self):
        """Waits for the close code."""
        try:
            while True:
                async with asyncio.timeout(PATIENCE_S):
                    await self.socket.recv()
        except ConnectionClosed:
            return self.socket.close_code

    async def close(self):
        await self.socket.close()
