"""Catalogs of earlier releases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_UNDO = {
    11: ["DROP TABLE small_blobs"],
    10: ["DROP TABLE api_keys", "DROP TABLE key_owners"],
    9: ["DROP TABLE deleted_datasets", "ALTER TABLE datasets DROP COLUMN deleted_count"],
    8: ["DROP TABLE pending_blobs"],
    7: ["DROP TABLE staged", "DROP TABLE staged_schemas", "DROP TABLE staged_totals"],
    6: [
        "ALTER TABLE datasets DROP COLUMN total_size_bytes",
        "ALTER TABLE datasets DROP COLUMN file_count",
        # As the release before kept it up.
        """UPDATE files SET bytes_through = (
            SELECT SUM(size_bytes) FROM files AS each
            WHERE each.dataset_id = files.dataset_id AND each.position <= files.position
        )""",
    ],
    5: [
        "DROP INDEX datasets_by_owner",
        "DROP INDEX datasets_by_age",
        "ALTER TABLE files DROP COLUMN bytes_through",
    ],
    4: ["DROP INDEX files_by_folded_name", "ALTER TABLE files DROP COLUMN folded_name"],
    3: ["ALTER TABLE files DROP COLUMN sha256"],
}


def downgrade_to(version: int, service: Path) -> None:
    """Undo the migrations of a server's folder after a version."""
    with closing(sqlite3.connect(service / "catalog.sqlite")) as catalog, catalog:
        # Every file was a blob.
        for file_id, content in catalog.execute("SELECT file_id, bytes FROM small_blobs"):
            (service / "blobs" / file_id).write_bytes(content)
        for later, statements in _UNDO.items():
            for statement in statements if later > version else []:
                catalog.execute(statement)
        catalog.execute("DELETE FROM _sqlx_migrations WHERE version > ?", (version,))
