"""Makes batches for pytorch_peer.py: real ones from the Parquet files of tools/data/kuairand.py, or random ones of the
same shape. Ids are rows of one table that all features share, each feature with its own range.

    pytorch_peer_data.py --data FOLDER --save FILE.npz    what a machine without pyarrow reads: --data FILE.npz
"""

from __future__ import annotations  # only batches need torch

import argparse
import glob
import os
from dataclasses import dataclass

import numpy

try:
    import torch
except ImportError:  # --save does without
    torch = None

# The context fields of configs/data/kuairand.pbtxt. The sides of a behaviour share the rows of the field of that name.
IDS = (
    ["user_id", "user_active_degree", "is_live_streamer", "is_video_author"]
    + [f"onehot_feat{i}" for i in range(18) if i != 5]
    + ["video_id", "author_id", "tag", "music_id", "music_type", "upload_type", "hour"]
)
NUMBERS = ["follow_user_num", "fans_user_num", "friend_user_num", "register_days", "video_duration_s", "video_age_days"]
SIDES = {"hist_video": "video_id", "hist_author": "author_id", "hist_tag": "tag", "hist_tab": "tab"}
BUCKETS = 12
COLUMNS = ["context", "scenario", "history", "offsets", "label", "table_rows"]  # arrays of a saved file
LONGEST = 50


@dataclass
class Batch:
    context: torch.Tensor  # int64 [samples, fields]
    scenario: torch.Tensor  # int64 [samples]
    history: torch.Tensor  # int64 [sides, behaviours], packed
    offsets: torch.Tensor  # int64 [samples + 1] into the behaviours
    label: torch.Tensor  # float32 [samples]


def load(folder, fields):
    """Ids of every row: context [rows, fields], scenario [rows], history [sides, behaviours], offsets; labels; rows."""
    if os.path.isfile(folder):
        with numpy.load(folder) as file:
            columns = [file[name] for name in COLUMNS]
        if columns[0].shape[1] != fields:
            raise SystemExit(f"{folder} has {columns[0].shape[1]} context fields, not {fields}; leave --fields out")
        return (*[c.astype(numpy.int64) for c in columns[:4]], columns[4], int(columns[5]))
    import pyarrow
    import pyarrow.parquet as parquet

    files = sorted(glob.glob(os.path.join(folder, "*.parquet")))
    if not files:
        raise SystemExit(f"no *.parquet in {folder}; give --data a folder that tools/data/kuairand.py wrote, or --synthetic")
    table = pyarrow.concat_tables([parquet.read_table(file, use_threads=False) for file in files]).combine_chunks()

    def codes(columns):
        """Columns of one vocabulary as ids 0.. in order of appearance, and its size. A missing value has an id."""
        encoded = pyarrow.concat_arrays(columns).dictionary_encode(null_encoding="encode")
        ids = encoded.indices.to_numpy().astype(numpy.int64)
        return numpy.split(ids, numpy.cumsum([len(column) for column in columns])[:-1]), len(encoded.dictionary)

    histories = {name: table[name].combine_chunks() for name in SIDES}
    offsets = next(iter(histories.values())).offsets.to_numpy().astype(numpy.int64)
    start, used = 0, {}
    for name in IDS[:fields] + ["tab"]:
        sides = [side for side, table_name in SIDES.items() if table_name == name]
        columns, size = codes([table[name].combine_chunks(), *[histories[side].values for side in sides]])
        used[name] = columns[0] + start
        used.update((side, column + start) for side, column in zip(sides, columns[1:]))
        start += size
    for name in NUMBERS[: max(0, fields - len(IDS))]:
        values = table[name].cast(pyarrow.float64()).fill_null(-1).to_numpy()
        bounds = numpy.unique(numpy.quantile(values, numpy.linspace(0, 1, BUCKETS + 1)[1:-1]))
        used[name] = numpy.searchsorted(bounds, values, side="right") + start
        start += len(bounds) + 1
    context = numpy.stack([used[name] for name in (IDS + NUMBERS)[:fields]], 1)
    history = numpy.stack([used[side] for side in SIDES])
    return context, used["tab"], history, offsets, table["is_click"].to_numpy().astype(numpy.float32), start


def synthesize(samples, fields, seed):
    """Random ids of the same form, with the vocabularies, the skew and the lengths of the real data."""
    random = numpy.random.default_rng(seed)
    sizes = {"user_id": 27000, "video_id": 7600, "author_id": 6000, "tag": 60, "tab": 15, "music_id": 5000, "hour": 24}
    lengths = numpy.where(random.random(samples) < 0.6, LONGEST, random.integers(0, LONGEST + 1, samples))
    offsets = numpy.concatenate([[0], numpy.cumsum(lengths)]).astype(numpy.int64)
    start, starts = 0, {}
    for name in (IDS + NUMBERS)[:fields] + ["tab"]:
        starts[name] = start
        start += sizes.get(name, BUCKETS)

    def draw(name, count):
        return starts[name] + (sizes.get(name, BUCKETS) * random.random(count) ** 3).astype(numpy.int64)

    context = numpy.stack([draw(name, samples) for name in (IDS + NUMBERS)[:fields]], 1)
    history = numpy.stack([draw(name, int(offsets[-1])) for name in SIDES.values()])
    label = (random.random(samples) < 0.4).astype(numpy.float32)
    return context, draw("tab", samples), history, offsets, label, start


def batches(columns, size, count, seed):
    """Batches of shuffled rows, from as many epochs as needed, and the number of table rows."""
    context, scenario, history, offsets, label, table_rows = columns
    if len(label) < size:
        raise SystemExit(f"only {len(label)} rows: fewer than one batch of {size}")
    random = numpy.random.default_rng(seed)
    whole = len(label) // size
    epochs = [random.permutation(len(label))[: size * whole] for _ in range(-(-count // whole))]
    result = []
    for picked in numpy.concatenate(epochs).reshape(-1, size)[:count]:
        lengths = numpy.minimum(offsets[picked + 1] - offsets[picked], LONGEST)
        behaviours = numpy.concatenate([numpy.arange(end - n, end) for end, n in zip(offsets[picked + 1], lengths)])
        result.append(
            Batch(
                torch.from_numpy(context[picked]),
                torch.from_numpy(scenario[picked]),
                torch.from_numpy(numpy.ascontiguousarray(history[:, behaviours])),
                torch.from_numpy(numpy.concatenate([[0], numpy.cumsum(lengths)])),
                torch.from_numpy(label[picked]),
            )
        )
    return result, table_rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of Parquet files")
    parser.add_argument("--fields", type=int, default=len(IDS) + len(NUMBERS),
                        help="number of context fields (%(default)s)")
    parser.add_argument("--save", required=True, help="file to write")
    arguments = parser.parse_args()
    columns = load(arguments.data, arguments.fields)
    narrow = [c.astype(numpy.int32) for c in columns[:4]]
    numpy.savez_compressed(arguments.save, **dict(zip(COLUMNS, (*narrow, columns[4], columns[5]))))


if __name__ == "__main__":
    main()
