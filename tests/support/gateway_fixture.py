"""A cluster of its own, a gateway to it, and questions to that."""
import http.client
import json
import os
import pathlib
import signal
import subprocess
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


class GatewayCase(unittest.TestCase):
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
