#!/usr/bin/env python3
"""What asks a cluster over HTTP.

MAZE_BIN_DIR names the folder of maze-node.
"""
import concurrent.futures
import io
import json
import os
import pathlib
import signal
import sys
import tarfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway_fixture import GREETING, PATIENCE, GatewayCase  # noqa: E402

FAILING = """
maze: 1
name: failing
tasks:
  bad: { shell: "echo before; echo oops >&2; exit 3", output: { run: dict } }
  next: { command: ["true"], after: [bad], output: { run: dict } }
"""


class Gateway(GatewayCase):
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
        self.assertEqual(self.ask("GET", f"/runs/{run}/files/out/empty?history=maybe")[0], 400)
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

    @staticmethod
    def packed(**files):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name, content in files.items():
                entry = tarfile.TarInfo(name.replace("_", "."))
                if isinstance(content, str):
                    entry.size = len(content)
                    archive.addfile(entry, io.BytesIO(content.encode()))
                else:
                    entry.type, entry.linkname = tarfile.SYMTYPE, content[0]
                    archive.addfile(entry)
        return out.getvalue()

    def test_nothing_outside_of_an_archive_is_looked_at(self):
        for libraries in ("/usr/lib", "/etc/shadow", "/nowhere", "../..", "{l: /etc/shadow}", "{l: /nowhere}", "{l: ../../x.so}"):
            text = f"maze: 1\nname: nosy\nlibraries: {libraries}\ntasks: {{t: {{function: l.f, output: {{x: any}}}}}}\n"
            status, _, content = self.ask("POST", "/runs", self.packed(w_yaml=text))
            self.assertEqual(status, 403, content)
            self.assertIn(b"lies outside", content)

    def test_links_that_lead_in_circles_are_no_workflows(self):
        text = "maze: 1\nname: links\ntasks: {t: {command: ['true'], output: {r: dict}}}\n"
        self.submit(self.packed(w_yaml=text, a_yaml=("b.yaml",), b_yaml=("a.yaml",)))

    def test_one_task_runs_on_the_node_that_it_names(self):
        status, _, content = self.ask("POST", "/tasks?name=probe", json.dumps(
            {"shell": "echo out; echo err >&2", "labels": {"node": "gate", "room": "b12"}}))
        self.assertEqual(status, 201, content)
        run = json.loads(content)["run"]
        self.assertEqual(self.ended(run)["result"], {"exit_code": 0, "stdout": "out\n", "stderr": "err\n"})
        told = self.get(f"/runs/{run}/tasks/probe?logs=true")
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
        task = self.get(f"/runs/{run}/tasks/bad?logs=1")
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
        self.assertGreaterEqual(self.get("/runs?count=0")["total"], 1)
        self.assertEqual(self.get("/runs?count=0")["runs"], [])
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

    def test_a_gateway_outlives_clusters_that_are_killed_under_it(self):
        for _ in range(3):
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                self.assertEqual(set(pool.map(lambda _: self.ask("GET", "/status")[0], range(16))), {200})
            record = json.loads((self.room / "maze/gate/cluster.json").read_text(encoding="utf-8"))
            os.kill(record["pid"], signal.SIGKILL)
            self.start_cluster()
            # The first may be asked in the session that broke, which is no time to hand the same thing in twice.
            self.assertIn(self.ask("POST", "/tasks", '{"command": ["true"]}')[0], (201, 503))
            self.assertEqual(self.ask("POST", "/tasks", '{"command": ["true"]}')[0], 201)

    def test_what_a_killed_gateway_left_is_removed_by_the_next(self):
        rooms = self.room / "state/gateway"
        left = rooms / "room-000000"
        left.mkdir()
        (left / "maze-client-x").mkdir()
        self.serve()
        self.assertFalse(left.exists())
        self.assertGreaterEqual(len(list(rooms.glob("room-*"))), 2)

    def test_a_wait_is_answered_when_its_gateway_ends(self):
        run = self.submit("maze: 1\nname: long\ntasks: {t: {command: [sleep, '1000'], output: {run: dict}}}\n")["run"]
        ends = self.serve()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            began = time.monotonic()
            wait = pool.submit(self.ask, "GET", f"/runs/{run}?wait_s=30", gateway=ends)
            self.assertEqual(self.ask("GET", f"/runs/{run}?wait_s=1", gateway=ends)[0], 200)
            os.kill(ends["pid"], signal.SIGTERM)
            self.assertEqual(json.loads(wait.result()[2])["state"], "running")
            self.assertLess(time.monotonic() - began, 25)
        self.ask("POST", f"/runs/{run}/cancel")

if __name__ == "__main__":
    unittest.main()
