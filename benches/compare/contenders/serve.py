"""The embedded service on a folder, until stdin ends: `serve.py FOLDER [MAX_STAGED_FILES]`."""

import json
import sys

import sutro

limits = {"max_staged_files": int(sys.argv[2])} if len(sys.argv) > 2 else {}
with sutro.LocalServer(sys.argv[1], **limits) as server:
    print(json.dumps({"url": server.api_url, "key": server.api_key}), flush=True)
    sys.stdin.read()
