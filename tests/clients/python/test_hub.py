"""The hub, seen by Python's `websockets`. Each test names the rule of docs/protocol.md it proves."""

import asyncio
import unittest
import uuid

from client import Client, insert, new_project
from websockets.exceptions import InvalidStatus


class TheHub(unittest.IsolatedAsyncioTestCase):
    async def two(self, project):
        """Two clients who have joined."""
        ann, bob = await Client.hello("ann"), await Client.hello("bob")
        for client in (ann, bob):
            self.addAsyncCleanup(client.close)
            joined = await client.ask({"type": "join", "project": project})
            self.assertEqual(joined["type"], "joined", joined)
        return ann, bob

    async def test_cn1_blockhub_v1_is_chosen_among_the_subprotocols_offered(self):
        client = await Client.hello("ann", subprotocols=["other", "blockhub.v1"])
        self.assertEqual(client.socket.subprotocol, "blockhub.v1")
        await client.close()

    async def test_cn1_other_subprotocols_alone_get_400(self):
        with self.assertRaises(InvalidStatus) as refused:
            await Client.connect(subprotocols=["other"])
        self.assertEqual(refused.exception.response.status_code, 400)

    async def test_cn2_compression_is_negotiated_without_context_takeover(self):
        client = await Client.hello("ann")
        [extension] = client.socket.protocol.extensions
        self.assertEqual(extension.name, "permessage-deflate")
        self.assertTrue(extension.remote_no_context_takeover)
        self.assertTrue(extension.local_no_context_takeover)
        await client.close()

    async def test_cn2_large_frames_go_compressed_both_ways(self):
        project = new_project()
        ann, bob = await self.two(project)
        text = "Nie vidno, ale je to tam. é😀 " * 4000
        ack = await ann.edit(project, insert(text))
        self.assertEqual(ack["type"], "ack", ack)
        event = (await bob.expect("events"))["events"][0]
        self.assertEqual(event["ops"][0]["block"]["content"]["text"], text)

    async def test_cn2_who_does_not_offer_compression_gets_none(self):
        client = await Client.hello("ann", compression=None)
        self.assertEqual(list(client.socket.protocol.extensions), [])
        await client.close()

    async def test_cn4_who_does_not_say_hello_is_closed_with_4408(self):
        client = await Client.connect()
        self.assertEqual(await client.closed(), 4408)

    async def test_cn8_pings_of_the_client_are_answered(self):
        client = await Client.hello("ann")
        async with asyncio.timeout(60):
            await (await client.socket.ping())
        await client.close()

    async def test_ms2_a_binary_frame_is_unsupported_and_the_connection_goes_on(self):
        client = await Client.hello("ann")
        await client.socket.send(b"\x00\x01")
        self.assertEqual((await client.expect("error"))["code"], "unsupported")
        self.assertEqual((await client.ask({"type": "ping"}))["type"], "pong")
        await client.close()

    async def test_ms2_fragments_are_put_together(self):
        client = await Client.hello("ann")

        async def fragments():
            for piece in ('{"type":', '"pi', 'ng","id":"in pieces"}'):
                yield piece

        await client.socket.send(fragments())
        self.assertEqual((await client.expect("pong"))["id"], "in pieces")
        await client.close()

    async def test_ed5_disjoint_updates_merge_and_clashing_ones_conflict(self):
        project = new_project()
        ann, bob = await self.two(project)
        block = str(uuid.uuid4())
        await ann.edit(project, insert("Hello", block))
        update = {"op": "update", "block": block, "baseVersion": 1}
        self.assertFalse((await ann.edit(project, {**update, "patch": {"a": {"b": 1}}}))["merged"])
        self.assertTrue((await bob.edit(project, {**update, "patch": {"a": {"c": 2}}}))["merged"])
        conflict = await bob.edit(project, {**update, "patch": {"a": {"b": 3}}})
        self.assertEqual(conflict["type"], "conflict", conflict)
        self.assertEqual(conflict["conflicts"][0]["paths"], ["/a/b"])
        self.assertEqual(conflict["conflicts"][0]["current"]["content"], {"text": "Hello", "a": {"b": 1, "c": 2}})

    async def test_ed12_two_people_type_in_one_text_without_conflict(self):
        project = new_project()
        ann, bob = await self.two(project)
        block = str(uuid.uuid4())
        await ann.edit(project, insert("A hub.", block))
        change = {"op": "text", "block": block, "baseVersion": 1, "path": "/text"}
        first = await ann.edit(project, {**change, "changes": [{"at": 2, "delete": 0, "insert": "fast "}]})
        second = await bob.edit(project, {**change, "changes": [{"at": 5, "delete": 0, "insert": " 😀"}]})
        self.assertEqual([first["type"], second["type"], second["merged"]], ["ack", "ack", True])
        eve = await Client.hello("eve")
        self.addAsyncCleanup(eve.close)
        joined = await eve.ask({"type": "join", "project": project})
        self.assertEqual(joined["blocks"][0]["content"]["text"], "A fast hub 😀.")

    async def test_jn2_who_comes_back_gets_just_what_was_missed(self):
        project = new_project()
        ann, bob = await self.two(project)
        epoch = bob.received[-1]["epoch"]
        await bob.close()
        await ann.edit(project, insert("while bob was away"))
        again = await Client.hello("bob")
        joined = await again.ask({"type": "join", "project": project, "since": {"epoch": epoch, "seq": 0}})
        self.assertTrue(joined["recovered"])
        self.assertEqual([event["seq"] for event in joined["events"]], [1])
        await again.close()

    async def test_hi1_hi2_an_edit_is_in_the_history_and_can_be_undone(self):
        project = new_project()
        ann, _ = await self.two(project)
        ack = await ann.edit(project, insert("to be undone"))
        history = await ann.ask({"type": "history", "project": project})
        self.assertEqual([event["editId"] for event in history["events"]], [ack["editId"]])
        undo = {"type": "undo", "project": project, "target": ack["editId"], "editId": str(uuid.uuid4())}
        self.assertEqual((await ann.ask(undo))["seq"], 2)
        joined = await ann.ask({"type": "join", "project": project})
        self.assertEqual(joined["blocks"], [])


if __name__ == "__main__":
    unittest.main()
