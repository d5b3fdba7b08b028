#!/usr/bin/env python3
"""Joins the raw Ali-CCP files and writes Parquet that keeps every behaviour bag whole.

Decisions:
- The common features (11 GB for the training half) stay on disk. A sorted index of them - common index, byte, line, 24
  bytes each - is written beside the output and memory-mapped; a cache of parsed lines answers the look-ups of rows with
  the same common index that stand close together. Memory does not grow with either file, and rows keep the order of the
  skeleton.
- The four bags are kept whole, and merged into one sequence of the heaviest behaviours (beh_*), the heaviest last.
- A purchase without a click is a fault of the log: such rows are dropped and counted.

Format: a skeleton line is `sample,click,purchase,common index,count,features`, a common line is
`common index,count,features`. Features are separated by \\x01, field and id by \\x02, id and value by \\x03.
Data: Ali-CCP (Ma et al., SIGIR 2018), Tianchi data set 408.
"""
from __future__ import annotations

import argparse
import functools
import math
import struct
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

import conversion
from conversion import DataError, ShardWriter, StagedOutput, UsageError, at_least

SPLITS = ("train", "valid", "test")
# The publisher's field -> column.
SCENARIO = {"301": "scenario"}
USER_FIELDS = {"101": "user_id", "121": "profile_121", "122": "profile_122", "124": "profile_124", "125": "profile_125",
               "126": "profile_126", "127": "profile_127", "128": "profile_128", "129": "profile_129"}
ITEM_FIELDS = {"205": "item_id", "206": "category_id", "207": "shop_id", "216": "brand_id"}
# Fields that a line may repeat: an item may have several intentions, and with them several crosses.
ITEM_BAGS = {"210": "intentions_210", "508": "cross_508", "509": "cross_509", "702": "cross_702", "853": "cross_853"}
# The index in this list is the beh_type.
BEHAVIOUR_BAGS = {"109_14": "categories_109_14", "110_14": "shops_110_14", "127_14": "brands_127_14",
                  "150_14": "intentions_150_14"}
BEHAVIOURS = ("beh_type", "beh_id", "beh_weight")
SKELETON_FORM, COMMON_FORM = "sample,click,purchase,common index,count,features", "common index,count,features"
CACHED_LINES = 1024


# ---- Features ----

class Bag(NamedTuple):
    ids: np.ndarray  # int64
    weights: np.ndarray  # float64 until it is written, so that weights are equal only if their text is


class Features(NamedTuple):
    single: dict  # column -> id
    bags: dict  # column -> Bag


class FeatureParser:
    """Parses the feature text of one kind of line into the columns of `single` and `bags` (field -> column)."""

    def __init__(self, single, bags):
        self.single, self.bags = single, bags
        self.unknown_fields = set()

    def parse(self, text, count, where):
        parts = text.split("\x01") if text else []
        if len(parts) != count:
            raise DataError(where, f"{count} features as the line says", str(len(parts)), "unpack the file again")
        single, ids = {}, {field: ([], []) for field in self.bags}
        for part in parts:
            field, value, weight = _feature(part, where)
            if field in ids:
                ids[field][0].append(value)
                ids[field][1].append(weight)
            elif field in self.single:
                if self.single[field] in single:
                    raise DataError(where, f"field {field} once", "it twice", "keep one of the two")
                single[self.single[field]] = value
            else:
                self.unknown_fields.add(field)
        return Features(single, {self.bags[field]: Bag(np.array(values, np.int64), np.array(weights, np.float64))
                                 for field, (values, weights) in ids.items()})


def _feature(part, where):
    try:
        field, rest = part.split("\x02")
        value, weight = rest.split("\x03")
        value, weight = int(value), float(weight)
    except ValueError:
        weight = math.nan
    if not math.isfinite(weight):
        raise DataError(where, r"a feature field\x02id\x03value with a finite value", repr(part),
                        "unpack the file again")
    return field, value, weight


def heaviest(bags, length):
    """The `length` heaviest of all bags as (types, ids, weights), ascending by (weight, type, id)."""
    ids = np.concatenate([bag.ids for bag in bags])
    weights = np.concatenate([bag.weights for bag in bags])
    types = np.repeat(np.arange(len(bags)), [len(bag.ids) for bag in bags])
    order = np.lexsort((ids, types, weights))[-length:]
    return types[order], ids[order], weights[order]


def split_line(line, parts, form, where):
    """The fields of a line as text."""
    try:
        fields = line.decode("ascii").rstrip("\r\n").split(",")
    except UnicodeDecodeError:
        raise DataError(where, "plain ASCII", "other bytes", "unpack the file again") from None
    if len(fields) != parts:
        raise DataError(where, f"{parts} fields ({form})", str(len(fields)), "unpack the file again")
    return fields


def integer(text, name, where, values=None):
    if not text.isdigit() or (values is not None and int(text) not in values):
        wanted = "a number" if values is None else " or ".join(map(str, values))
        raise DataError(where, f"{wanted} as {name}", repr(text), "repair or remove the line")
    return int(text)


def common_key(text, where):
    """Converts a common index, 16 hexadecimal digits, to a number."""
    try:
        if len(text) == 16:
            return int(text, 16)
    except ValueError:
        pass
    raise DataError(where, "a common index of 16 hexadecimal digits", repr(text), "unpack the file again")


def open_raw(path):
    hint = "unpack sample_train.tar.gz and sample_test.tar.gz into the folder given with --raw"
    conversion.open_text(path, hint).close()
    return open(path, "rb")


# ---- Common features: on disk, found through a sorted index ----

class CommonFeatures:
    ENTRY = struct.Struct(">QQQ")  # big-endian, so that bytes sort like numbers

    def __init__(self, path, index_path, max_length):
        self.path, self.max_length = path, max_length
        self.parser = FeatureParser(USER_FIELDS, BEHAVIOUR_BAGS)
        self.file = open_raw(path)
        self._write_index(index_path)
        entries = np.memmap(index_path, dtype=f"S{self.ENTRY.size}", mode="r+")
        entries.sort()  # in place, in the mapped file
        self.index = np.asarray(entries.view([("key", ">u8"), ("byte", ">u8"), ("line", ">u8")]))
        self.repeated = self._count_repeated()
        # A cache per object and not per class, so that it is freed with the open file.
        self.find = functools.lru_cache(CACHED_LINES)(self._find)

    def _write_index(self, index_path):
        byte = 0
        with open(index_path, "wb") as index:
            for number, line in enumerate(self.file, 1):
                where = f"{self.path}:{number}"
                key = common_key(line[:line.find(b",")].decode("ascii", "replace"), where)
                index.write(self.ENTRY.pack(key, byte, number))
                byte += len(line)
        if byte == 0:
            raise DataError(f"{self.path}:1", f"a line {COMMON_FORM}", "an empty file", "unpack the file again")

    def _count_repeated(self, chunk=1 << 16):
        keys, repeated = self.index["key"], 0
        for start in range(1, len(keys), chunk):
            stop = min(start + chunk, len(keys))
            repeated += int((keys[start:stop] == keys[start - 1:stop - 1]).sum())
        return repeated

    def _find(self, key):
        """The features of a common index and its heaviest behaviours, or None if no line has it."""
        place = self._first_at_least(key)
        if place == len(self.index) or int(self.index["key"][place]) != key:
            return None
        self.file.seek(int(self.index["byte"][place]))
        where = f"{self.path}:{self.index['line'][place]}"
        _, count, text = split_line(self.file.readline(), 3, COMMON_FORM, where)
        features = self.parser.parse(text, integer(count, "count", where), where)
        bags = [features.bags[column] for column in BEHAVIOUR_BAGS.values()]
        return features, heaviest(bags, self.max_length)

    def _first_at_least(self, key):
        low, high = 0, len(self.index)
        while low < high:
            middle = (low + high) // 2
            if int(self.index["key"][middle]) < key:
                low = middle + 1
            else:
                high = middle
        return low

    def close(self):
        self.file.close()
        self.index = None


# ---- Skeleton ----

class Sample(NamedTuple):
    sample_id: int
    click: int
    purchase: int
    key: int  # common index
    features: Features
    where: str


def read_skeleton(path, parser):
    with open_raw(path) as file:
        for line_number, line in enumerate(file, 1):
            where = f"{path}:{line_number}"
            number, click, purchase, key, count, text = split_line(line, 6, SKELETON_FORM, where)
            yield Sample(integer(number, "sample", where), integer(click, "click", where, (0, 1)),
                         integer(purchase, "purchase", where, (0, 1)), common_key(key, where),
                         parser.parse(text, integer(count, "count", where), where), where)


# ---- Rows ----

def schema_of(drop):
    integer_type, ids, weights = pa.int64(), conversion.list_of(pa.int64()), conversion.list_of(pa.float32())
    fields = [pa.field("row_id", integer_type, nullable=False), pa.field("sample_id", integer_type, nullable=False),
              pa.field("click", pa.int8(), nullable=False), pa.field("purchase", pa.int8(), nullable=False),
              pa.field("scenario", integer_type, nullable=False)]
    fields += [pa.field(column, integer_type) for column in (*USER_FIELDS.values(), *ITEM_FIELDS.values())]
    for column in (*ITEM_BAGS.values(), *BEHAVIOUR_BAGS.values()):
        fields += [pa.field(column, ids, nullable=False), pa.field(column + "_weight", weights, nullable=False)]
    fields += [pa.field("beh_type", ids, nullable=False), pa.field("beh_id", ids, nullable=False),
               pa.field("beh_weight", weights, nullable=False)]
    conversion.check_columns(drop, fields)
    return pa.schema([f for f in fields if f.name not in drop])


class Row(NamedTuple):
    row_id: int
    sample: Sample
    common: Features
    behaviours: tuple  # types, ids, weights


def table_of(rows, schema):
    return pa.Table.from_arrays([_column(f, rows) for f in schema], schema=schema)


def _column(field, rows):
    name = field.name
    if name in BEHAVIOURS:
        place = BEHAVIOURS.index(name)
        return _lists([row.behaviours[place] for row in rows], field.type)
    if pa.types.is_list(field.type):
        part, column = ("weights", name[:-len("_weight")]) if name.endswith("_weight") else ("ids", name)
        sides = _sides(rows, column in ITEM_BAGS.values())
        return _lists([getattr(features.bags[column], part) for features in sides], field.type)
    if name == "row_id":
        return pa.array([row.row_id for row in rows], field.type)
    if name in Sample._fields:
        return pa.array([getattr(row.sample, name) for row in rows], field.type)
    sides = _sides(rows, name not in USER_FIELDS.values())
    return pa.array([features.single.get(name) for features in sides], field.type)


def _sides(rows, of_sample):
    """The features of each row, from its sample or from its common features."""
    return [row.sample.features if of_sample else row.common for row in rows]


def _lists(arrays, kind):
    offsets = np.zeros(len(arrays) + 1, np.int32)
    np.cumsum([len(array) for array in arrays], out=offsets[1:])
    return conversion.list_array(offsets, np.concatenate(arrays), kind.value_type)


# ---- Conversion ----

class Summary:
    def __init__(self):
        self.samples = self.purchases_without_click = 0
        self.rows, self.clicks, self.purchases = Counter(), Counter(), Counter()  # by (split, scenario)
        self.bag_ids, self.empty_bags = Counter(), Counter()  # by bag
        self.notes = []

    def add(self, split, sample, common):
        key = split, sample.features.single["scenario"]
        self.rows[key] += 1
        self.clicks[key] += sample.click
        self.purchases[key] += sample.purchase
        for column in BEHAVIOUR_BAGS.values():
            length = len(common.bags[column].ids)
            self.bag_ids[column] += length
            self.empty_bags[column] += length == 0


class SplitSink:
    """Collects the rows of one split into row groups."""

    def __init__(self, folder, schema, args):
        self.writer = ShardWriter(folder, schema, args.groups_per_file, args.compression_level)
        self.schema, self.limit = schema, args.row_group_rows
        self.rows, self.next_row = [], 0

    def add(self, sample, common, behaviours):
        self.rows.append(Row(self.next_row, sample, common, behaviours))
        self.next_row += 1
        if len(self.rows) == self.limit:
            self._flush()

    def close(self):
        self._flush()
        self.writer.close()

    def _flush(self):
        if self.rows:
            self.writer.write_row_group(table_of(self.rows, self.schema))
            self.rows = []


def convert_half(args, half, stage, schema, summary):
    """Writes the splits of one half of the raw data ("train" or "test")."""
    parser = FeatureParser({**SCENARIO, **ITEM_FIELDS}, ITEM_BAGS)
    common = CommonFeatures(args.raw / f"common_features_{half}.csv", stage.scratch(f"common_{half}.index"),
                            args.max_length)
    sinks = {split: SplitSink(stage.folder(split), schema, args) for split in _splits_of(half)}
    for sample in read_skeleton(args.raw / f"sample_skeleton_{half}.csv", parser):
        summary.samples += 1
        if sample.purchase and not sample.click:
            summary.purchases_without_click += 1
            continue
        if "scenario" not in sample.features.single:
            raise DataError(sample.where, "field 301, the scenario", "no such field", "repair or remove the line")
        found = common.find(sample.key)
        if found is None:
            raise DataError(sample.where, f"common index {sample.key:016x} in {common.path}", "no such line",
                            "use the common features of the same half, whole")
        split = split_of(sample.key, half, args.valid_percent)
        sinks[split].add(sample, *found)
        summary.add(split, sample, found[0])
    for sink in sinks.values():
        sink.close()
    common.close()
    summary.notes += _notes(half, common, parser)


def _splits_of(half):
    return ("train", "valid") if half == "train" else ("test",)


def split_of(key, half, valid_percent):
    """Rows of one common index stay together: they share the behaviours and often the visit."""
    if half == "test":
        return "test"
    return "valid" if conversion.hash_of_id(key) % 100 < valid_percent else "train"


def _notes(half, common, parser):
    notes = []
    if common.repeated:
        notes.append(f"{half}: {common.repeated:,} lines repeat the common index of another; the first was used")
    for field in sorted(common.parser.unknown_fields | parser.unknown_fields):
        notes.append(f"{half}: field {field} is not known and was left out")
    return notes


def print_summary(summary):
    print(f"skeleton lines {summary.samples:,}, purchases without a click dropped {summary.purchases_without_click:,}")
    for note in summary.notes:
        print(note)
    print()
    table = []
    for split in SPLITS:
        scenarios = sorted(s for part, s in summary.rows if part == split)
        total = sum(summary.rows[split, s] for s in scenarios)
        for s in scenarios:
            n = summary.rows[split, s]
            table.append([split, s, f"{n:,}", f"{100 * n / total:.1f}%", f"{summary.clicks[split, s] / n:.4f}",
                          f"{summary.purchases[split, s] / n:.5f}"])
    conversion.print_table(["split", "scenario", "rows", "share", "click rate", "purchase rate"], table)
    print()
    rows = sum(summary.rows.values())
    conversion.print_table(["bag", "mean ids", "empty"],
                           [[c, f"{summary.bag_ids[c] / rows:.1f}", f"{100 * summary.empty_bags[c] / rows:.1f}%"]
                            for c in BEHAVIOUR_BAGS.values()])


# ---- Command line ----

def parse(argv):
    parser = argparse.ArgumentParser(prog="aliccp.py", description=__doc__.splitlines()[0])
    parser.add_argument("--raw", required=True, type=Path, help="input folder with the four raw CSV files")
    parser.add_argument("--out", required=True, type=Path, help="output folder for train/, valid/ and test/")
    parser.add_argument("--half", action="append", choices=("train", "test"),
                        help="convert only this half; repeatable (default: both)")
    parser.add_argument("--valid-percent", type=at_least(0), default=0,
                        help="percent of the training half, by common index, that goes to valid/ (%(default)s)")
    parser.add_argument("--max-length", type=at_least(1), default=50,
                        help="maximum number of behaviours in beh_* (%(default)s)")
    conversion.add_output_options(parser)
    args = parser.parse_args(argv)
    if args.valid_percent >= 100:
        raise UsageError(f"--valid-percent {args.valid_percent} leaves nothing to train on; give less than 100")
    args.half = sorted(set(args.half or ("train", "test")), reverse=True)
    schema_of(args.drop_columns)
    return args


def main(argv=None):
    args = parse(argv)
    splits = [split for half in args.half for split in _splits_of(half)]
    summary, schema = Summary(), schema_of(args.drop_columns)
    with StagedOutput(args.out, splits, args.overwrite) as stage:
        for half in args.half:
            convert_half(args, half, stage, schema, summary)
        if not summary.rows:
            raise DataError(args.raw, "rows to write", "none", "check that the skeleton files are whole")
    print_summary(summary)


if __name__ == "__main__":
    sys.exit(conversion.run("aliccp", main))
