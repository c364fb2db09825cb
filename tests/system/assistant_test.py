#!/usr/bin/env python3
"""What asks a cluster by the Model Context Protocol.

MAZE_BIN_DIR names the folder of maze-node.
"""
import http.client
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway_fixture import BIN, GREETING, PATIENCE, GatewayCase  # noqa: E402


class Assistant(GatewayCase):
    def mcp(self, messages, *flags):
        done = subprocess.run([BIN / "maze-node", "mcp", "--cluster", "gate", *flags], cwd=self.room, env=self.environment,
                              input="".join(json.dumps(one) + "\n" for one in messages), capture_output=True, text=True,
                              timeout=120, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return {answer["id"]: answer for answer in map(json.loads, done.stdout.splitlines())}

    @staticmethod
    def call(number, tool, **arguments):
        return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}

    def test_an_assistant_runs_a_task_and_reads_what_came_of_it(self):
        answers = self.mcp([
            {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
            self.call(3, "submit_task", task={"shell": "echo from an assistant"}, name="said"),
            self.call(4, "get_task", run="none", task="said")])
        self.assertEqual(set(answers), {1, 2, 3, 4})
        self.assertTrue(answers[4]["result"]["isError"])
        run = answers[3]["result"]["structuredContent"]["run"]
        told = self.mcp([self.call(1, "get_run", run=run, wait_s=30)])[1]["result"]
        self.assertFalse(told["isError"])
        self.assertEqual(json.loads(told["content"][0]["text"]), told["structuredContent"])
        self.ended(run)
        task = self.mcp([self.call(1, "get_task", run=run, task="said")])[1]["result"]["structuredContent"]
        self.assertEqual(task["stdout"], "from an assistant\n")
        log = self.mcp([self.call(1, "read_log", run=run, task="said")])[1]["result"]["structuredContent"]
        self.assertEqual(log["text"], "from an assistant\n")

    def test_an_assistant_hands_in_a_file_of_its_user_and_reads_a_file_of_the_run(self):
        (self.room / "greeting.yaml").write_text(GREETING, encoding="utf-8")
        answer = self.mcp([self.call(1, "submit_workflow", file=str(self.room / "greeting.yaml"))])[1]["result"]
        self.assertFalse(answer["isError"], answer)
        run = answer["structuredContent"]["run"]
        self.ended(run)
        read = self.mcp([self.call(1, "read_file", run=run, path="out/a b.txt", max=4)])[1]["result"]["structuredContent"]
        self.assertEqual((read["text"], read["next"], read["ended"]), ("caf", 3, False))

    def test_an_assistant_is_not_drowned_in_what_a_task_printed(self):
        run = self.mcp([self.call(1, "submit_task", task={"shell": "head -c 60000 /dev/zero | tr '\\0' x"})]
                       )[1]["result"]["structuredContent"]["run"]
        self.assertEqual(len(self.ended(run)["result"]["stdout"]), 60000)
        told = self.mcp([self.call(1, "get_run", run=run)])[1]["result"]["structuredContent"]["result"]["stdout"]
        self.assertEqual(told, "x" * 4096 + "… [55904 bytes more]")

    def test_an_assistant_that_may_only_read_is_offered_no_more(self):
        answers = self.mcp([{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, self.call(2, "drain_node", node="gate")],
                           "--read-only")
        names = {tool["name"] for tool in answers[1]["result"]["tools"]}
        self.assertIn("get_run", names)
        self.assertNotIn("submit_task", names)
        self.assertEqual(answers[2]["error"]["code"], -32602)

    def test_the_protocol_is_spoken_over_http_too(self):
        host = self.gateway["url"].removeprefix("http://").rstrip("/")
        link = http.client.HTTPConnection(host, timeout=PATIENCE)
        self.addCleanup(link.close)
        link.request("POST", "/mcp", json.dumps(self.call(1, "cluster_status")),
                     {"Authorization": f"Bearer {self.gateway['token']}", "Content-Type": "application/json"})
        reply = link.getresponse()
        told = json.loads(reply.read())
        self.assertEqual((reply.status, told["result"]["structuredContent"]["name"]), (200, "gate"))

if __name__ == "__main__":
    unittest.main()
