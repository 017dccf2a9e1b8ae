"""Generated uploads: one to three files or frames, options, and possibly an existing dataset."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

NUMBERS = [
    *(pa.int8(), pa.int32(), pa.int64(), pa.uint8(), pa.uint32(), pa.uint64()),
    *(pa.float16(), pa.float32(), pa.float64()),
]
DECIMALS = [
    *(pa.decimal128(3, 2), pa.decimal128(9, 2), pa.decimal128(18, 4), pa.decimal128(38, 2)),
    pa.decimal256(70, 4),
]
TIMES = [*(pa.timestamp(unit) for unit in ("ms", "us", "ns")), pa.timestamp("us", "UTC")]
FAMILIES = [
    NUMBERS,
    DECIMALS,
    TIMES,
    [pa.string(), pa.binary(), pa.binary(4)],
    [pa.bool_()],
    [pa.date32()],
    [pa.time32("ms"), pa.time64("us")],
    [pa.null()],
]
"""Types of one family can be cast to each other; types of different families seldom can."""

VALUES = 2
"""The number of values per type. All types of a family can hold them."""


def leaf(rng: random.Random) -> pa.DataType:
    return rng.choice(rng.choice(FAMILIES))


def data_type(rng: random.Random, depth: int) -> pa.DataType:
    kind = rng.choice(["leaf", "leaf", "list", "struct", "map"]) if depth else "leaf"
    if kind == "list":
        return pa.list_(field(rng, "element", depth - 1))
    if kind == "struct":
        names = rng.sample(["x", "X", "y z", "é"], rng.randint(1, 3))
        return pa.struct([field(rng, name, depth - 1) for name in names])
    if kind == "map":
        return pa.map_(pa.string(), data_type(rng, depth - 1))
    return leaf(rng)


def field(rng: random.Random, name: str, depth: int = 2) -> pa.Field:
    of_type = data_type(rng, depth)
    is_nullable = pa.types.is_null(of_type) or rng.random() < 0.8
    return pa.field(name, of_type, nullable=is_nullable)


def other_type(rng: random.Random, of_type: pa.DataType) -> pa.DataType:
    """A similar type: one of the same family, or a nested type that contains one."""
    if pa.types.is_list(of_type):
        return pa.list_(other_field(rng, of_type.value_field))
    if pa.types.is_struct(of_type):
        fields = [other_field(rng, of_type.field(place)) for place in range(of_type.num_fields)]
        rng.shuffle(fields)
        return pa.struct(fields)
    if pa.types.is_map(of_type):
        return pa.map_(pa.string(), other_type(rng, of_type.item_type))
    family = next(family for family in FAMILIES if of_type in family)
    return rng.choice(family if rng.random() < 0.9 else [leaf(rng), pa.null()])


def other_field(rng: random.Random, one: pa.Field) -> pa.Field:
    match rng.randrange(6):
        case 0:
            return pa.field(one.name, pa.null())
        case 1 if not pa.types.is_null(one.type):
            return one.with_nullable(not one.nullable)
        case 2 | 3:
            of_type = other_type(rng, one.type)
            is_nullable = one.nullable or pa.types.is_null(of_type)
            return pa.field(one.name, of_type, nullable=is_nullable)
        case _:
            return one


def other_fields(rng: random.Random, fields: list[pa.Field]) -> list[pa.Field]:
    """The same fields, or fields with small differences."""
    if rng.random() < 0.3:
        return fields
    fields = [other_field(rng, one) for one in fields]
    match rng.randrange(12):
        case 0:
            rng.shuffle(fields)
        case 1:
            fields = [*fields, field(rng, "more")]
        case 2 if len(fields) > 1:
            fields = fields[1:]
    return fields


LEAVES: list[tuple[Callable[[pa.DataType], bool], Callable[[int], Any]]] = [
    (pa.types.is_null, lambda _: None),
    (pa.types.is_decimal, Decimal),
    (pa.types.is_boolean, bool),
    (pa.types.is_floating, float),
    (pa.types.is_string, lambda number: f"abc{number}"),
    (pa.types.is_binary, lambda number: b"abc%d" % number),
    (pa.types.is_fixed_size_binary, lambda number: b"abc%d" % number),
    (pa.types.is_date, lambda number: dt.date(1970, 1, 1 + number)),
    (pa.types.is_time, lambda number: dt.time(0, 0, number)),
    (pa.types.is_timestamp, lambda number: dt.datetime(1970, 1, 1, 0, 0, number, tzinfo=dt.UTC)),
    (lambda _: True, int),
]
"""One value per leaf type."""


def value(of_type: pa.DataType, number: int) -> Any:
    if pa.types.is_list(of_type):
        return [value(of_type.value_type, number)] * number
    if pa.types.is_struct(of_type):
        fields = (of_type.field(place) for place in range(of_type.num_fields))
        return {one.name: value(one.type, number) for one in fields}
    if pa.types.is_map(of_type):
        return [("k", value(of_type.item_type, number))]
    return next(make(number) for holds, make in LEAVES if holds(of_type))


def column(rng: random.Random, one: pa.Field, rows: int) -> pa.Array:
    gaps = rng.choice([0, 0, 0.5, 1]) if one.nullable else 0
    numbers = [None if rng.random() < gaps else rng.randrange(VALUES) for _ in range(rows)]
    values = [None if number is None else value(one.type, number) for number in numbers]
    return pa.array(values, one.type)


def table(rng: random.Random, fields: list[pa.Field]) -> pa.Table:
    rows = rng.choice([0, 1, 3])
    columns = [column(rng, one, rows) for one in fields]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


KINDS = ["paths", "frames", "dict", "generator", "readers", "bytes", "mixed"]


@dataclass
class Case:
    """An upload that can be repeated."""

    kind: str
    held: pa.Table | None
    """The rows in the dataset. A table without rows and columns means an empty dataset."""
    tables: list[pa.Table]
    options: dict[str, Any]
    folder: Path

    def source(self) -> Any:
        files = [self._file(place) for place in range(len(self.tables))]
        made: dict[str, Callable[[], Any]] = {
            "paths": lambda: files,
            "frames": lambda: self.tables,
            "dict": lambda: {f"f{place}": one for place, one in enumerate(self.tables)},
            "generator": lambda: iter(self.tables),
            "readers": lambda: [one.to_reader() for one in self.tables],
            "bytes": lambda: [file.read_bytes() for file in files],
            "mixed": lambda: [files[0].read_bytes(), *self.tables[1:]],
        }
        return made[self.kind]()

    def _file(self, place: int) -> Path:
        path = self.folder / f"f{place}.parquet"
        pq.write_table(self.tables[place], path)
        return path

    def held_file(self) -> bytes:
        """The file that the dataset already contains."""
        file = io.BytesIO()
        pq.write_table(self.held, file)
        return file.getvalue()

    def __str__(self) -> str:
        held = "no dataset" if self.held is None else f"held: {self.held.schema!s}"
        schemas = (f"{one.num_rows} rows: {one.to_pydict()} {one.schema}" for one in self.tables)
        return "\n".join([f"{self.kind} {self.options}", held, *schemas])


def any_case(rng: random.Random, folder: Path) -> Case:
    names = rng.sample(["a", "b", "B", "c.d", "é"], rng.randint(1, 2))
    fields = [field(rng, name) for name in names]
    held = rng.choice([None, pa.table({}), *[table(rng, fields)] * 4])
    first = rng.choice([fields, other_fields(rng, fields)])
    tables = [table(rng, first)]
    tables += [table(rng, other_fields(rng, fields)) for _ in range(rng.randrange(3))]
    if held is not None and held.num_columns and rng.random() < 0.3:
        tables[0] = held
    kind = rng.choice(KINDS)
    options = {
        "on_mismatch": rng.choice(["error", "cast", "cast"]),
        "ordered": rng.random() < 0.7,
    }
    return Case(kind, held, tables, options, folder)
