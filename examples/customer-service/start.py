"""Start the service of this folder, and send it the messages of messages.jsonl.

    python start.py             # the pages are at the printed address; Ctrl-C stops
    python start.py --port 0    # at a free port

Messages that were sent before get no second case, so that it can be started again and again.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

from insula.client import Client, ClientOptions

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Start the customer service.")
    parser.add_argument("--port", help="port to listen on; 0 picks a free one")
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "insula", "serve", "--config", "serve.toml"]
    if arguments.port is not None:
        command += ["--port", arguments.port]
    server = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        address = find_address(server)
        send_messages(address)
        print(f"The page for agents: {address}/queue (Ctrl-C stops)", flush=True)
        server.wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.terminate()
        server.wait()


def find_address(server: subprocess.Popen[str]) -> str:
    """Return the address that the service prints once it accepts requests."""
    for line in server.stdout or ():
        found = re.search(r"Listening on (http://\S+)", line)
        if found is not None:
            return found[1]
    sys.exit("The service did not start; the lines above say why.")


def send_messages(address: str) -> None:
    """Send all messages, and print how many need a person, and the confirmations that a program may send."""
    lines = (HERE / "messages.jsonl").read_text(encoding="utf-8").splitlines()
    with Client(address, options=ClientOptions(batch_size=5)) as client:
        routed = client.route([json.loads(line) for line in lines], source="example")
    cases = [one for one in routed if one["case"] is not None]
    print(f"{len(routed)} messages were sent, {len(cases)} of them need a person.")
    for one in routed:
        if one["acknowledgement"] is not None:
            print(f"To the sender of {one['id']}: {one['acknowledgement']['text']}")


if __name__ == "__main__":
    main()
