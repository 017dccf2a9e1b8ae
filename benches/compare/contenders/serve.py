"""The embedded service on a folder, until stdin ends."""

import json
import sys

import sutro

with sutro.LocalServer(sys.argv[1]) as server:
    print(json.dumps({"url": server.api_url, "key": server.api_key}), flush=True)
    sys.stdin.read()
