#!/usr/bin/env python3
"""A cluster of its own, and what asks it over HTTP and over the Model Context Protocol.

MAZE_BIN_DIR names the folder of maze-node.
"""
import concurrent.futures
import http.client
import io
import json
import os
import pathlib
import signal
import subprocess
import tarfile
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ["MAZE_BIN_DIR"]).resolve()
PATIENCE = 60
GREETING = """
maze: 1
name: greeting
tasks:
  where: { command: [echo, here], output: { run: dict } }
  greet:
    shell: "echo hello from $MAZE_INPUT_name; mkdir -p out; printf 'caf\\\\303\\\\251' > 'out/a b.txt'; : > out/empty"
    inputs: { name: where.output.run.stdout }
    output: { run: dict }
result: greet.output.run.stdout
"""
FAILING = """
maze: 1
name: failing
tasks:
  bad: { shell: "echo before; echo oops >&2; exit 3", output: { run: dict } }
  next: { command: ["true"], after: [bad], output: { run: dict } }
"""


class Gateway(unittest.TestCase):
    """One cluster and one gateway for all cases; each makes runs of its own."""

    @classmethod
    def setUpClass(cls):
        room = tempfile.TemporaryDirectory(prefix="maze-gateway-")
        cls.addClassCleanup(room.cleanup)
        cls.room = pathlib.Path(room.name)
        # The tasks of a node that is root run as other users, who have to get through.
        cls.room.chmod(0o755)
        cls.environment = {"PATH": "/usr/bin:/bin", "HOME": str(cls.room), "XDG_RUNTIME_DIR": str(cls.room)}
        cls.start_cluster()
        cls.addClassCleanup(lambda: cls.node("stop"))
        cls.gateway = cls.serve()

    @classmethod
    def node(cls, *words, **more):
        return subprocess.run([BIN / "maze-node", *words], cwd=cls.room, env=cls.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False, **more)

    @classmethod
    def start_cluster(cls):
        started = cls.node("start", "--detach", "--name", "gate", "--dir", str(cls.room / "state"), "--resources",
                           "cpus=4,memory=2GB", "--label", "room=b12")
        assert started.returncode == 0, started.stderr

    @classmethod
    def serve(cls, *flags):
        gate = subprocess.Popen([BIN / "maze-node", "serve", "--port", "0", "--output", "json", "--dir",
                                 str(cls.room / "state"), *flags], cwd=cls.room, env=cls.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def end():
            gate.send_signal(signal.SIGTERM)
            _, said = gate.communicate(timeout=PATIENCE)
            assert gate.returncode == 0, said
            assert said == "", said
        cls.addClassCleanup(end)
        line = gate.stdout.readline()
        assert line, gate.stderr.read()
        told = json.loads(line)
        told["token"] = pathlib.Path(told["token_file"]).read_text(encoding="ascii").strip()
        return told

    def ask(self, method, path, body=None, gateway=None, **headers):
        """Status, headers and content of an answer; paths are below /api/v1."""
        gateway = gateway or self.gateway
        host = gateway["url"].removeprefix("http://").rstrip("/")
        link = http.client.HTTPConnection(host, timeout=PATIENCE)
        self.addCleanup(link.close)
        headers = {"Authorization": f"Bearer {gateway['token']}",
                   **{key.replace("_", "-"): value for key, value in headers.items()}}
        # Text that is no bytes yet is sent as Latin-1.
        body = body.encode() if isinstance(body, str) else body
        link.request(method, path if path == "/" else f"/api/v1{path}", body=body, headers=headers)
        reply = link.getresponse()
        return reply.status, reply.headers, reply.read()

    def get(self, path, status=200, **headers):
        got, _, content = self.ask("GET", path, **headers)
        self.assertEqual(got, status, content)
        return json.loads(content)

    def submit(self, text, status=201, query="", **headers):
        got, _, content = self.ask("POST", f"/runs{query}", text, **headers)
        self.assertEqual(got, status, content)
        return json.loads(content)

    def ended(self, run):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            told = self.get(f"/runs/{run}?wait_s=10")
            if told["state"] in ("completed", "failed", "cancelled"):
                return told
        self.fail(f"run {run} does not end")

    def test_a_workflow_is_handed_in_and_its_result_and_files_come_back(self):
        run = self.submit(GREETING)["run"]
        told = self.ended(run)
        self.assertEqual((told["state"], told["result"]), ("completed", "hello from here\n"))
        paths = [one["path"] for one in self.get(f"/runs/{run}/files")["files"]]
        self.assertEqual(paths, ["out", "out/a b.txt", "out/empty"])
        status, headers, content = self.ask("GET", f"/runs/{run}/files/out/a%20b.txt")
        self.assertEqual((status, content), (200, b"caf\xc3\xa9"))
        self.assertEqual(headers["Content-Disposition"], "attachment")
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(self.ask("GET", f"/runs/{run}/files/out/empty")[::2], (200, b""))
        self.assertEqual(self.ask("GET", f"/runs/{run}/files/out")[0], 400)
        self.assertEqual(self.ask("GET", f"/runs/{run}/files/%2e%2e/etc/passwd")[0], 404)
        status, _, content = self.ask("GET", f"/runs/{run}", Accept="text/plain")
        self.assertEqual((status, content), (200, b"hello from here\n"))

    def test_a_submit_that_is_repeated_with_its_id_is_one_run(self):
        first = self.submit(GREETING, query="?id=once-only")
        self.assertEqual(self.submit(GREETING, query="?id=once-only")["run"], first["run"])

    def test_a_project_comes_as_an_archive(self):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name, text in (("w.yaml", "maze: 1\nname: packed\nfiles: [{from: in.txt}]\n"
                                "tasks: {read: {command: [cat, in.txt], output: {run: dict}}}\n"
                                "result: read.output.run.stdout\n"), ("in.txt", "from the archive")):
                entry = tarfile.TarInfo(name)
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
        for kind in ("application/gzip", "application/x-www-form-urlencoded"):
            run = self.submit(packed.getvalue(), Content_Type=kind)["run"]
            self.assertEqual(self.ended(run)["result"], "from the archive")
        self.assertEqual(self.ask("POST", "/validate", packed.getvalue())[0], 200)

    def test_one_task_runs_on_the_node_that_it_names(self):
        status, _, content = self.ask("POST", "/tasks?name=probe", json.dumps(
            {"shell": "echo out; echo err >&2", "labels": {"node": "gate", "room": "b12"}}))
        self.assertEqual(status, 201, content)
        run = json.loads(content)["run"]
        self.assertEqual(self.ended(run)["result"], {"exit_code": 0, "stdout": "out\n", "stderr": "err\n"})
        told = self.get(f"/runs/{run}/tasks/probe")
        self.assertEqual((told["task"]["state"], told["task"]["node"]), ("completed", "gate"))
        self.assertEqual((told["stdout"], told["stderr"]), ("out\n", "err\n"))
        self.assertEqual(told["output"]["run"]["stdout"], "out\n")
        status, _, content = self.ask("POST", "/tasks?name=plus", json.dumps(
            {"code": "def f(n):\n    return n + 1", "inputs": {"n": 41}, "output": {"r": "int"}}))
        self.assertEqual(self.ended(json.loads(content)["run"])["result"], 42)
        status, _, content = self.ask("POST", "/tasks", json.dumps({"shell": "true", "labels": {"node": "nowhere"}}))
        self.assertEqual(status, 201, content)
        self.assertEqual(self.ended(json.loads(content)["run"])["failed"][0]["error"]["class"], "unschedulable")
        status, _, content = self.ask("POST", "/tasks", json.dumps({"shel": "true", "output": {"run": "dict"}}))
        self.assertEqual((status, json.loads(content)["faults"][0]["field"]), (422, "tasks.task.shel"))

    def test_a_failure_is_told_with_its_evidence(self):
        run = self.submit(FAILING)["run"]
        told = self.ended(run)
        self.assertEqual(told["state"], "failed")
        self.assertEqual([(one["task"], one["error"]["exit_code"]) for one in told["failed"]], [("bad", 3)])
        task = self.get(f"/runs/{run}/tasks/bad")
        self.assertEqual((task["task"]["error"]["class"], task["stdout"]), ("exit_nonzero", "before\n"))
        self.assertIn("oops", task["evidence"])
        self.assertIn("oops", self.ask("GET", f"/runs/{run}", Accept="text/plain")[2].decode())
        self.assertEqual(self.get(f"/runs/{run}/tasks?state=failed")["total"], 1)
        self.assertEqual(self.get(f"/runs/{run}/tasks?count=1")["total"], 2)
        self.assertEqual([one["task"] for one in self.get(f"/runs/{run}/tasks?name=EX")["tasks"]], ["next"])
        self.assertEqual((told["states"]["failed"], told["states"]["cancelled"]), (1, 1))
        self.assertEqual(self.get(f"/runs/{run}/tasks?state=odd", 400)["error"]["class"], "invalid_argument")
        self.get(f"/runs/{run}/tasks/none", 404)

    def test_a_log_is_read_in_pieces_while_it_grows(self):
        run = self.submit("maze: 1\nname: talk\ntasks:\n  t: {shell: \"printf aéüéb; while [ ! -e stop ]; do sleep 0.1; done\", "
                          "output: {run: dict}}\n")["run"]
        text, at = "", 0
        until = time.monotonic() + PATIENCE
        while text != "aéüéb" and time.monotonic() < until:
            piece = self.get(f"/runs/{run}/tasks/t/log?offset={at}&max=4")
            self.assertFalse(piece["ended"])
            text, at = text + piece["text"], piece["next"]
        self.assertEqual((text, at), ("aéüéb", 8))
        self.assertEqual(self.get(f"/runs/{run}/tasks/t/log?tail=4")["text"], "éb")
        self.assertEqual(self.ask("GET", f"/runs/{run}/tasks/t/log", Accept="text/plain")[2].decode(), "aéüéb")
        self.get(f"/runs/{run}/tasks/t/log?tail=4&offset=1", 400)
        status, _, content = self.ask("POST", f"/runs/{run}/tasks/t/cancel", "")
        self.assertEqual((status, json.loads(content)["cancelled"]), (200, True))
        self.assertEqual(self.ended(run)["state"], "cancelled")
        self.assertTrue(self.get(f"/runs/{run}/tasks/t/log?offset=8")["ended"])

    def test_a_run_is_cancelled_and_forgotten(self):
        run = self.submit("maze: 1\nname: long\ntasks: {t: {command: [sleep, '1000'], output: {run: dict}}}\n")["run"]
        self.assertEqual(self.ask("DELETE", f"/runs/{run}")[0], 400)
        self.assertTrue(json.loads(self.ask("POST", f"/runs/{run}/cancel")[2])["cancelled"])
        self.assertEqual(self.ended(run)["state"], "cancelled")
        self.assertFalse(json.loads(self.ask("POST", f"/runs/{run}/cancel")[2])["cancelled"])
        self.assertEqual(self.ask("DELETE", f"/runs/{run}")[0], 200)
        self.get(f"/runs/{run}", 404)

    def test_what_the_command_line_prints_is_to_be_had_as_text_and_as_json(self):
        run = self.submit(GREETING)["run"]
        self.ended(run)
        for words, path in ((["status"], "/status"), (["nodes"], "/nodes"), (["tasks", run], f"/runs/{run}/tasks"),
                            (["files", run], f"/runs/{run}/files")):
            plain = self.node(*words, "--cluster", "gate", "--color", "never").stdout
            told = json.loads(self.node(*words, "--cluster", "gate", "--output", "json").stdout)
            if words == ["status"]:
                told["you"] = self.get(path)["you"]
            self.assertEqual(self.ask("GET", path, Accept="text/plain")[2].decode(), plain)
            got = self.get(path)
            self.assertEqual({key: got[key] for key in told}, told)
        self.assertEqual(self.get("/nodes/gate")["labels"], {"room": "b12"})
        self.assertGreaterEqual(self.get("/runs?count=1")["total"], 1)
        self.assertEqual(self.get("/config")["dir"]["value"], str(self.room / "state"))

    def test_many_ask_at_once(self):
        run = self.submit(GREETING)["run"]
        self.ended(run)
        paths = ["/status", "/nodes", "/runs", f"/runs/{run}", f"/runs/{run}/tasks/greet"] * 20
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            self.assertEqual({got[0] for got in pool.map(lambda path: self.ask("GET", path), paths)}, {200})

    def test_those_who_wait_for_a_run_hold_up_nobody(self):
        run = self.submit("maze: 1\nname: long\ntasks: {t: {command: [sleep, '1000'], output: {run: dict}}}\n")["run"]
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            waits = [pool.submit(self.get, f"/runs/{run}?wait_s=30") for _ in range(40)]
            for _ in range(20):
                self.assertEqual(self.get("/status")["name"], "gate")
            self.assertEqual(self.ask("POST", f"/runs/{run}/cancel")[0], 200)
            self.assertEqual({wait.result()["state"] for wait in waits}, {"cancelled"})

    def test_nobody_is_served_without_the_token(self):
        for path in ("/status", "/runs", "/config"):
            self.assertEqual(self.ask("GET", path, Authorization="Bearer wrong")[0], 401)
        self.assertEqual(self.ask("GET", "/status", Host="evil.example")[0], 421)
        self.assertEqual(self.ask("GET", "/status", Origin="http://evil.example")[0], 403)
        status, headers, page = self.ask("GET", "/", Authorization="")
        self.assertEqual(status, 200)
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertNotIn(self.gateway["token"].encode(), page)
        self.assertEqual(pathlib.Path(self.gateway["token_file"]).stat().st_mode & 0o777, 0o600)

    def test_a_gateway_that_only_reads_changes_nothing(self):
        looks = self.serve("--read-only")
        self.assertEqual(looks["token"], self.gateway["token"])
        self.assertTrue(json.loads(self.ask("GET", "/status", gateway=looks)[2])["gateway"]["read_only"])
        for method, path, body in (("POST", "/runs", GREETING), ("POST", "/runs/last/cancel", None),
                                   ("POST", "/nodes/gate/drain", None), ("DELETE", "/runs/last", None)):
            status, _, content = self.ask(method, path, body, gateway=looks)
            self.assertEqual(status, 403, content)

    def test_a_taken_port_and_a_missing_cluster_are_said_at_once(self):
        port = self.gateway["url"].rstrip("/").rsplit(":", 1)[1]
        taken = self.node("serve", "--port", port, "--dir", str(self.room / "state"))
        self.assertEqual(taken.returncode, 3)
        self.assertIn("--port 0", taken.stderr)
        self.assertEqual(self.node("serve", "--cluster", "none").returncode, 3)
        self.assertEqual(self.node("serve", "--port", "x").returncode, 2)

    def test_a_gateway_outlives_its_cluster_and_finds_the_next_one(self):
        self.assertEqual(self.node("stop").returncode, 0)
        got, _, content = self.ask("GET", "/status")
        self.assertEqual(got, 503, content)
        self.start_cluster()
        self.assertEqual(self.get("/status")["name"], "gate")

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
