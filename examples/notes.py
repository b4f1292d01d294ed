"""Puts lines of text into a project over HTTP, each as a block: what a backend or a cron job would do.

    python3 examples/notes.py "Shopping" < list.txt        a new project; prints its address
    python3 examples/notes.py --to PROJECT < more.txt      behind what is there

BLOCKHUB_URL says which hub (http://127.0.0.1:8080), BLOCKHUB_TOKEN who is asking, if the hub has a key. Nothing but
Python is needed. A call that is not answered is made again with the same `editId`, so nothing is added twice.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

HUB = os.environ.get("BLOCKHUB_URL", "http://127.0.0.1:8080")
TRIES = 5
OPS_MAX = 100  # of one edit


def call(method, path, body=None):
    """The answer to a call; made again where the hub says so, or does not answer."""
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("BLOCKHUB_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    else:
        headers["X-BlockHub-User"] = "notes"
    data = None if body is None else json.dumps(body).encode()
    for last in [False] * (TRIES - 1) + [True]:
        try:
            request = urllib.request.Request(HUB + path, data, headers, method=method)
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            if last or refused.code not in (429, 500, 503):
                sys.exit(f"{method} {path}: {refused.code} {json.load(refused)['detail']}")
            time.sleep(float(refused.headers.get("Retry-After", 1)))
        except OSError as gone:
            if last:
                sys.exit(f"{HUB} does not answer: {gone}")
            time.sleep(1)


def add(project, lines):
    """Puts the lines behind the project's last block, a hundred in one edit; returns the last seq."""
    blocks = call("GET", f"/api/projects/{project}/blocks")["blocks"]
    top = sorted((block["position"], block["id"]) for block in blocks if block["parent"] is None)
    after, seq = (top[-1][1] if top else None), None
    for start in range(0, len(lines), OPS_MAX):
        ops = []
        for line in lines[start:start + OPS_MAX]:
            block = str(uuid.uuid4())
            ops.append({"op": "insert", "block": block, "kind": "text", "after": after, "content": {"text": line}})
            after = block
        seq = call("POST", f"/api/projects/{project}/edits", {"editId": str(uuid.uuid4()), "ops": ops})["seq"]
    return seq


def main(arguments):
    lines = [line.rstrip("\n") for line in sys.stdin if line.strip()]
    match arguments:
        case ["--to", project]:
            pass
        case [title]:
            project = call("POST", "/api/projects", {"title": title})["id"]
        case _:
            sys.exit(__doc__)
    seq = add(project, lines)
    print(f"{len(lines)} lines, saved as number {seq}: {HUB}/p/{project}")


if __name__ == "__main__":
    main(sys.argv[1:])
