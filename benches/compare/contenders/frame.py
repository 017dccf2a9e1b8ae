"""A pandas frame of two million rows."""

import numpy as np
import pandas as pd

ROWS = 2_000_000


def mixed_frame():
    """Numbers, times, texts that repeat and texts that do not, and gaps."""
    random = np.random.default_rng(1)
    words = np.array([f"word-{number}" for number in range(5_000)])
    return pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "score": np.where(random.random(ROWS) < 0.1, np.nan, random.random(ROWS)),
            "count": random.integers(0, 1000, ROWS, dtype=np.int32),
            "is_new": random.random(ROWS) < 0.5,
            "at": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(ROWS), unit="s"),
            "label": words[random.integers(0, len(words), ROWS)],
            "text": [f"row {number} has a text of its own" for number in range(ROWS)],
        }
    )
