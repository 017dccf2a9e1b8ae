"""A driver of its own: it uploads the plan, and is killed before its commit if that is armed."""

from __future__ import annotations

import sys
from pathlib import Path

from engines import KINDS
from faults import FaultyClient

if __name__ == "__main__":
    name, address, api_url, dataset_id, faults, count, *shared = sys.argv[1:]
    engine = KINDS[name](address)
    client = FaultyClient(faults, None, api_url)
    staging = shared[0] if shared else None
    engine.upload(client, engine.frame(Path(faults), int(count)), dataset_id, staging=staging)
    engine.stop()
