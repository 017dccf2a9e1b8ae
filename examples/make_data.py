"""Create examples/data: 406 cars, one Parquet file per model year.

    python -m pip install vega_datasets pandas pyarrow
    python examples/make_data.py

The cars come from the package `vega_datasets` (Donoho and Ramos, 1982).
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from vega_datasets import local_data

FOLDER = Path(__file__).parent / "data"

# Set, not inferred: otherwise a year without missing mileages would have another schema.
SCHEMA = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("cylinders", pa.int64(), nullable=False),
        pa.field("miles_per_gallon", pa.float64()),
        pa.field("horsepower", pa.float64()),
        pa.field("weight_in_lbs", pa.int64(), nullable=False),
        pa.field("model_year", pa.date32(), nullable=False),
    ]
)


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    cars = local_data.cars().rename(columns=str.lower).rename(columns={"year": "model_year"})
    for year, cars_of_year in cars.groupby(cars["model_year"].dt.year):
        table = pa.Table.from_pandas(cars_of_year, SCHEMA, preserve_index=False)
        pq.write_table(table, FOLDER / f"cars-{year}.parquet", compression="snappy")


if __name__ == "__main__":
    main()
