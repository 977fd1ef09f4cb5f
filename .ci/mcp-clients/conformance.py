"""The protocol's conformance suite against `sotto mcp`, by HTTP. What fails is exactly what the file of expected failures has."""

import os
import subprocess
import threading
from pathlib import Path

from bridge import Bridge
from world import World

HERE = Path(__file__).parent
NODE = os.environ["SOTTO_NODE"]
SUITE = Path(os.environ["SOTTO_NODE_FOLDER"]) / "node_modules" / ".bin" / "conformance"

with World() as world:
    bridge = Bridge(world.command("alice", "mcp"))
    threading.Thread(target=bridge.serve_forever, daemon=True).start()
    try:
        for revision in ("2025-11-25", "2026-07-28"):
            expected = HERE / f"expected-failures-{revision}.yml"
            command = [NODE, str(SUITE), "server", "--url", bridge.url, "--requirements", revision]
            command += ["--expected-failures", str(expected), "--output-dir", str(world.root / revision)]
            ran = subprocess.run(command, capture_output=True, text=True, timeout=300)
            print(ran.stdout[-4000:] if ran.returncode else f"conformance {revision}: as {expected.name} says", flush=True)
            if ran.returncode:
                raise SystemExit(f"conformance {revision} is not as {expected.name} says: {ran.stderr[-2000:]}")
    finally:
        bridge.close()
