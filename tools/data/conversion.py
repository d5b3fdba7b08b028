"""What the converters share: errors a user can act on, CSV read with its line numbers, Parquet that is whole or absent.

Everything here works on streams: no function holds more than one batch of a log.
"""
from __future__ import annotations

import argparse
import csv
import math
import os
import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

EXIT_OK, EXIT_USAGE, EXIT_DATA = 0, 2, 3


class UsageError(Exception):
    """The command line asks for something that cannot be done (exit code 2)."""


class DataError(Exception):
    """A raw file is missing or does not have its format (exit code 3)."""

    def __init__(self, where, wanted, came, hint):
        super().__init__(f"{where}: wanted {wanted}, got {came}; {hint}")


def run(name, main, argv=None):
    """Runs `main(argv)` and turns its errors into one line on stderr and an exit code."""
    try:
        main(argv)
        return EXIT_OK
    except UsageError as error:
        print(f"[{name}] {error}", file=sys.stderr)
        return EXIT_USAGE
    except DataError as error:
        print(f"[{name}] {error}", file=sys.stderr)
        return EXIT_DATA


def open_text(path, hint):
    """Opens the file as UTF-8 text. Raises a DataError that tells what to try."""
    try:
        return open(path, "r", encoding="utf-8", newline="")
    except FileNotFoundError:
        raise DataError(path, "a readable file", "no such file", hint) from None
    except OSError as error:
        raise DataError(path, "a readable file", error.strerror, hint) from None


class CsvTable:
    """Rows of a CSV file with a header; each row comes with its line number, for messages.

    Only the columns named in `columns` are checked to exist; the rest of a row is passed on unchanged.
    """

    def __init__(self, path, columns):
        self.path = path
        self.columns = columns

    def __iter__(self):
        """Yields (line number, list of fields)."""
        hint = "check the folder given with --raw and the name of the file"
        with open_text(self.path, hint) as file:
            reader = csv.reader(file)
            try:
                header = self._header(reader)
                for row in reader:
                    if len(row) != len(header):
                        raise self.error(reader.line_num, f"{len(header)} fields as in the header", f"{len(row)}",
                                         "the line is cut or a field with a comma is not quoted; repair or remove it")
                    yield reader.line_num, row
            except (csv.Error, UnicodeDecodeError) as error:
                # The text is decoded in blocks, so the error is below this line, but not always on the next line.
                raise DataError(f"{self.path} after line {reader.line_num}", "CSV in UTF-8", str(error),
                                "unpack the file again") from None

    def _header(self, reader):
        header = next(reader, None)
        if header is None:
            raise self.error(1, "a header line", "an empty file", "unpack the file again")
        header[0] = header[0].lstrip("\ufeff")
        missing = [name for name in self.columns if name not in header]
        if missing:
            raise self.error(1, "column " + ", ".join(missing), "columns " + ", ".join(header),
                             "use the file as published, with its header line")
        self.index = [header.index(name) for name in self.columns]
        return header

    def pick(self, row):
        """The fields of `columns`, in that order."""
        return [row[i] for i in self.index]

    def error(self, line, wanted, came, hint):
        return DataError(f"{self.path}:{line}", wanted, came, hint)

    def integer(self, text, column, line, minimum=None):
        """An integer; `7.0` counts as 7 because the publishers wrote columns with gaps as floats."""
        try:
            value = int(text)
        except ValueError:
            value = _integral_float(text)
        if value is None or (minimum is not None and value < minimum):
            wanted = "an integer" if minimum is None else f"an integer of at least {minimum}"
            raise self.error(line, f"{wanted} in column {column}", repr(text), "repair or remove the line")
        return value

    def number(self, text, column, line):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.error(line, f"a finite number in column {column}", repr(text), "repair or remove the line")
        return value


def _integral_float(text):
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() else None  # infinity and NaN are not integers


class StagedOutput:
    """A folder of splits that is written under a temporary name and renamed, so a split is complete or absent.

    with StagedOutput(out, ("train", "valid"), overwrite) as stage: write below stage.folder(split)
    """

    def __init__(self, out, splits, overwrite):
        self.out, self.splits = Path(out), splits
        self.aside = self.out / ".partial"
        taken = [split for split in splits if (self.out / split).exists()]
        if taken and not overwrite:
            raise UsageError(f"--out {out} already holds {', '.join(taken)}; give another folder or --overwrite")

    def __enter__(self):
        shutil.rmtree(self.aside, ignore_errors=True)
        try:
            self.aside.mkdir(parents=True)
        except OSError as error:
            raise UsageError(f"--out {self.out} cannot be written ({error.strerror}); give another folder") from None
        return self

    def folder(self, split):
        return self.aside / split

    def scratch(self, name):
        """Path of a temporary file, which is removed when the conversion ends."""
        return self.aside / name

    def __exit__(self, kind, value, trace):
        if kind is None:
            for split in self.splits:
                shutil.rmtree(self.out / split, ignore_errors=True)
                if self.folder(split).exists():
                    os.replace(self.folder(split), self.out / split)
        shutil.rmtree(self.aside, ignore_errors=True)


class ShardWriter:
    """Writes row groups into part-00000.parquet, part-00001.parquet ... of `folder`, `groups_per_file` in each.

    A split without rows gets no folder.
    """

    def __init__(self, folder, schema, groups_per_file, compression_level):
        self.folder, self.schema = Path(folder), schema
        self.groups_per_file, self.compression_level = groups_per_file, compression_level
        self.files, self.groups, self.writer = 0, 0, None

    def write_row_group(self, table):
        if self.writer is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"part-{self.files:05d}.parquet"
            self.writer = pq.ParquetWriter(path, self.schema, compression="zstd", version="2.6",
                                           compression_level=self.compression_level)
            self.files, self.groups = self.files + 1, 0
        self.writer.write_table(table, row_group_size=max(1, table.num_rows))
        self.groups += 1
        if self.groups == self.groups_per_file:
            self.close()

    def close(self):
        if self.writer is not None:
            self.writer.close()
            self.writer = None


def list_of(value_type):
    """A list whose values are never null."""
    return pa.list_(pa.field("element", value_type, nullable=False))


def list_array(offsets, values, value_type):
    """Rows offsets[i]:offsets[i+1] of `values` as one list array."""
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(values, value_type),
                                    type=list_of(value_type))


def at_least(least):
    """The argparse type of an integer option."""
    def integer(text):
        if not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"wanted an integer of at least {least}, got {text!r}")
        return int(text)
    return integer


def add_output_options(parser):
    """The options that say how Parquet is laid out."""
    parser.add_argument("--row-group-rows", type=at_least(1), default=8192, help="rows in one row group (%(default)s)")
    parser.add_argument("--groups-per-file", type=at_least(1), default=8, help="row groups in one file (%(default)s)")
    parser.add_argument("--compression-level", type=at_least(1), default=3,
                        help="compression level of zstd (%(default)s)")
    parser.add_argument("--drop-columns", type=lambda text: text.split(","), default=[],
                        help="columns to leave out, separated by commas")
    parser.add_argument("--overwrite", action="store_true", help="replace existing splits")


def check_columns(named, fields):
    """Refuses names that are not columns."""
    known = [f.name for f in fields]
    unknown = sorted(set(named) - set(known))
    if unknown:
        raise UsageError(f"--drop-columns names {', '.join(unknown)}; the columns are {', '.join(known)}")


def hash_of_id(value):
    """splitmix64: spreads consecutive ids evenly and gives the same values on every machine."""
    mask = 2**64 - 1
    value = (value + 0x9E3779B97F4A7C15) & mask
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & mask
    value = (value ^ value >> 27) * 0x94D049BB133111EB & mask
    return value ^ value >> 31


def print_table(header, rows):
    """Prints columns as wide as their longest cell, with numbers aligned to the right."""
    cells = [[str(c) for c in row] for row in [header] + rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    for row in cells:
        print("  ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip())
