#!/usr/bin/env python3
"""Turns the raw KuaiRand CSV files into Parquet splits with a behaviour sequence per impression.

Decisions:
- A behaviour is an impression, clicked or not: the history file lists videos *shown*. `--behaviours long_viewed` keeps
  only those watched long, the one positive signal known on both sides of the start of the log.
- An impression sees behaviours of strictly earlier time_ms. Impressions of the same time_ms never see each other.
- The split follows `date`, the hour and the age of a video follow time_ms in UTC+8 (`hourmin` is often wrong).
- The log is read twice: once to count the ids of training impressions, once to write. What is held in memory is one
  window of the log, one batch per split and the last behaviours of each user; none of it grows with the log.

Data: KuaiRand (Gao et al., CIKM 2022), CC BY-SA 4.0.
"""
from __future__ import annotations

import argparse
import datetime
import heapq
import itertools
import sys
from array import array
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

import conversion
from conversion import CsvTable, DataError, ShardWriter, StagedOutput, UsageError, at_least

USERS, VIDEOS = "user_features_pure.csv", "video_features_basic_pure.csv"
HISTORIES = "user_histories_until_4_24.csv"
REPAIR = "repair or remove the line"
SPLITS = ("train", "valid", "test")
UNKNOWN = -1  # in sequences; Parquet nulls there would cost every reader a second mask
UTC8_MS = 8 * 3600 * 1000
HOUR_MS, DAY_MS = 3600 * 1000, 24 * 3600 * 1000
MISSING = ("", "-124", "-124.0", "UNKNOWN")

# play_time_ms and other consequences of the impression must never be among them.
LOG_COLUMNS = ("user_id", "video_id", "date", "time_ms", "is_click", "long_view", "tab")
USER_STRINGS = ("user_active_degree", "follow_user_num_range", "fans_user_num_range", "friend_user_num_range",
                "register_days_range")
USER_INTEGERS = ("is_lowactive_period", "is_live_streamer", "is_video_author", "follow_user_num", "fans_user_num",
                 "friend_user_num", "register_days") + tuple(f"onehot_feat{i}" for i in range(18))
VIDEO_COLUMNS = ("video_id", "author_id", "video_type", "upload_dt", "upload_type", "video_duration", "server_width",
                 "server_height", "music_id", "music_type", "tag")
SEQUENCES = ("hist_video", "hist_author", "hist_tag", "hist_tab", "hist_click", "hist_long_view")


# ---- One behaviour in one integer of 8 bytes, because every user holds some ----

MAX_TAB = 2**15


def pack_behaviour(video, tab, click, long_view):
    """Packs a behaviour into 8 bytes. `video` is an index into VideoTable; the others are -1 if unknown."""
    return ((video << 16 | tab + 1) << 2 | click + 1) << 2 | long_view + 1


def unpack_behaviours(packed):
    """Arrays (video index, tab, click, long_view) of an array of packed behaviours."""
    return packed >> 20, (packed >> 4 & 0xFFFF) - 1, (packed >> 2 & 3) - 1, (packed & 3) - 1


# ---- Reading the log: every distinct line once, in the order of time_ms ----

class Impression(NamedTuple):
    time_ms: int
    source: tuple  # (number of the log, line); orders lines of equal time
    line: tuple  # the fields as in the file
    user: int
    video: int
    date: int
    tab: int
    click: int
    long_view: int


class LogStats:
    def __init__(self):
        self.lines = self.duplicates = self.repeated_events = self.out_of_order = 0


def read_log(path, number, keeps_user):
    """Yields the impressions of one log in the order of the file."""
    table = CsvTable(path, LOG_COLUMNS)
    for line, row in table:
        user, video, date, time_ms, click, long_view, tab = (
            table.integer(text, column, line, minimum=0) for text, column in zip(table.pick(row), LOG_COLUMNS))
        if not keeps_user(user):
            continue
        if click > 1 or long_view > 1:
            raise table.error(line, "0 or 1 in is_click and long_view", f"{click} and {long_view}", REPAIR)
        if not _is_date(date):
            raise table.error(line, "a date YYYYMMDD in column date", str(date), REPAIR)
        if tab >= MAX_TAB:
            raise table.error(line, f"a tab below {MAX_TAB}", str(tab), REPAIR)
        yield Impression(time_ms, (number, line), tuple(row), user, video, date, tab, click, long_view)


def sort_within(impressions, path, window_ms, stats):
    """Sorts a stream in which no line is more than `window_ms` late. Holds one such window in memory.

    The published logs need it: they are concatenated from days that overlap in time.
    """
    heap, newest = [], 0
    for impression in impressions:
        if impression.time_ms < newest - window_ms:
            late = (newest - impression.time_ms) / 60000
            raise DataError(f"{path}:{impression.source[1]}",
                            f"lines in the order of time_ms, at most {window_ms / 60000:g} minutes late",
                            f"a line {late:.1f} minutes before the latest one above it",
                            "sort the file by time_ms or raise --max-disorder-minutes")
        stats.lines += 1
        stats.out_of_order += impression.time_ms < newest
        newest = max(newest, impression.time_ms)
        heapq.heappush(heap, impression)
        while heap[0].time_ms < newest - window_ms:
            yield heapq.heappop(heap)
    while heap:
        yield heapq.heappop(heap)


def moments(args, keeps_user, stats):
    """Yields the impressions of each time_ms as a list, oldest first, without duplicates."""
    window_ms = args.max_disorder_minutes * 60000
    logs = [sort_within(read_log(path, n, keeps_user), path, window_ms, stats) for n, path in enumerate(args.log)]
    for _, group in itertools.groupby(heapq.merge(*logs), key=lambda impression: impression.time_ms):
        lines, events = {}, {}
        for impression in group:
            lines.setdefault(impression.line, impression)
            stats.duplicates += lines[impression.line] is not impression
        for impression in lines.values():
            events.setdefault((impression.user, impression.video), impression)
        stats.repeated_events += len(lines) - len(events)
        yield list((events if args.drop_repeated_events else lines).values())


def _is_date(number):
    try:
        datetime.date(number // 10000, number // 100 % 100, number % 100)
        return True
    except ValueError:
        return False


# ---- Side tables ----

class UserTable:
    """User features, one row per user, and the row of each user."""

    def __init__(self, path):
        table = CsvTable(path, ("user_id",) + USER_STRINGS + USER_INTEGERS)
        self.row_of, columns = {}, {name: [] for name in table.columns[1:]}
        for line, row in table:
            user, *values = table.pick(row)
            user = table.integer(user, "user_id", line, minimum=0)
            if user in self.row_of:
                raise table.error(line, "one line per user", f"user {user} again", "remove one of the lines")
            self.row_of[user] = len(self.row_of)
            for name, text in zip(columns, values):
                columns[name].append(self._value(table, name, text, line))
        self.features = pa.table({name: pa.array(values, pa.string() if name in USER_STRINGS else pa.int64())
                                  for name, values in columns.items()})

    @staticmethod
    def _value(table, name, text, line):
        if text in MISSING:
            return None
        return text if name in USER_STRINGS else table.integer(text, name, line)

    def take(self, users):
        """The features of `users`; nulls for a user without a line."""
        return self.features.take(pa.array([self.row_of.get(user) for user in users], pa.int64()))


class VideoTable:
    """Video features by index. A video that appears only in a log or a history gets a row of nulls."""

    def __init__(self, path):
        self.index_of, self.ids, self.authors, self.tags, self.music, self.upload_day = {}, [], [], [], [], []
        columns = {name: [] for name in ("video_type", "upload_type", "video_duration_s", "server_width",
                                         "server_height", "music_type")}
        table = CsvTable(path, VIDEO_COLUMNS)
        for line, row in table:
            self._add_line(table, line, dict(zip(VIDEO_COLUMNS, table.pick(row))), columns)
        types = {"video_type": pa.string(), "upload_type": pa.string(), "video_duration_s": pa.float64()}
        self.features = pa.table({n: pa.array(v, types.get(n, pa.int64())) for n, v in columns.items()})
        self.known = len(self.ids)

    def _add_line(self, table, line, text, columns):
        def integer(name):
            return None if text[name] in MISSING else table.integer(text[name], name, line)

        video = table.integer(text["video_id"], "video_id", line, minimum=0)
        if video in self.index_of:
            raise table.error(line, "one line per video", f"video {video} again", "remove one of the lines")
        tag = text["tag"].split(",")[0]
        duration = text["video_duration"]
        duration = None if duration in MISSING else table.number(duration, "video_duration", line)
        self._add(video, integer("author_id"), None if tag in MISSING else table.integer(tag, "tag", line),
                  integer("music_id"), self._day(table, text["upload_dt"], line))
        columns["video_duration_s"].append(None if duration is None else duration / 1000)
        for name in ("video_type", "upload_type"):
            columns[name].append(None if text[name] in MISSING else text[name])
        for name in ("server_width", "server_height", "music_type"):
            columns[name].append(integer(name))

    @staticmethod
    def _day(table, text, line):
        """Days since 1970-01-01."""
        if text in MISSING:
            return None
        try:
            return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days
        except ValueError:
            wanted = "a date YYYY-MM-DD in column upload_dt"
            raise table.error(line, wanted, repr(text), REPAIR) from None

    def _add(self, video, author, tag, music, upload_day):
        self.index_of[video] = len(self.ids)
        for column, value in ((self.ids, video), (self.authors, author), (self.tags, tag), (self.music, music),
                              (self.upload_day, upload_day)):
            column.append(value)

    def index(self, video):
        if video not in self.index_of:
            self._add(video, None, None, None, None)
        return self.index_of[video]

    def take(self, videos):
        return self.features.take(pa.array([v if v < self.known else None for v in videos], pa.int64()))


# ---- Behaviours of each user ----

class Histories:
    """The last `max_length` behaviours of each user, oldest first."""

    def __init__(self, max_length, only_long_views):
        self.max_length, self.only_long_views = max_length, only_long_views
        self.of_user = {}
        self.known_from_ms = {}  # the time of the last behaviour in the history file

    def load(self, path, videos, keeps_user):
        table = CsvTable(path, ("user_id", "last_time_ms", "watch_seq", "long_view_seq"))
        for line, row in table:
            user, last_ms, shown, long_viewed = table.pick(row)
            user = table.integer(user, "user_id", line, minimum=0)
            if not keeps_user(user):
                continue
            shown, long_viewed = (self._ids(table, text, name, line)
                                  for text, name in ((shown, "watch_seq"), (long_viewed, "long_view_seq")))
            behaviours = ([(v, 1) for v in long_viewed] if self.only_long_views
                          else align_long_views(shown, long_viewed))
            self.of_user[user] = array("q", [pack_behaviour(videos.index(v), UNKNOWN, UNKNOWN, long_view)
                                             for v, long_view in behaviours[-self.max_length:]])
            self.known_from_ms[user] = table.integer(last_ms, "last_time_ms", line, minimum=0)

    @staticmethod
    def _ids(table, text, column, line):
        return [table.integer(v, column, line, minimum=0) for v in text.split("^")] if text else []

    def before(self, user, time_ms):
        """Packed behaviours of strictly earlier time, or None if the history file has behaviours after `time_ms`.

        The file gives one time per user, that of its last behaviour; the times of the others are not known.
        """
        if time_ms <= self.known_from_ms.get(user, -1):
            return None
        return self.of_user.get(user, ())[-self.max_length:]

    def add(self, impression, video):
        if self.only_long_views and not impression.long_view:
            return
        behaviours = self.of_user.setdefault(impression.user, array("q"))
        behaviours.append(pack_behaviour(video, impression.tab, impression.click, impression.long_view))
        if len(behaviours) >= 2 * self.max_length:  # cut only now and then, which is cheaper than at each append
            del behaviours[:-self.max_length]


def align_long_views(shown, long_viewed):
    """[(video, 1 or 0)] for `shown`: both lists end at the same time, so they are matched from the end."""
    flags, left = [], len(long_viewed) - 1
    for video in reversed(shown):
        match = left >= 0 and long_viewed[left] == video
        left -= match
        flags.append((video, int(match)))
    return flags[::-1]


# ---- First pass: how often training shows each id ----

class IdCounts:
    """Counts how often each id occurs in training impressions. Other splits are not counted."""

    def __init__(self, min_count):
        self.min_count = min_count
        self.users, self.videos, self.authors, self.music = Counter(), Counter(), Counter(), Counter()

    def add(self, user, video, videos):
        self.users[user] += 1
        self.videos[videos.ids[video]] += 1
        for counter, value in ((self.authors, videos.authors[video]), (self.music, videos.music[video])):
            if value is not None:
                counter[value] += 1

    def known(self, counter, value):
        return value is not None and counter.get(value, 0) >= self.min_count


def count_ids(args, users_kept, videos):
    counts = IdCounts(args.min_count)
    for moment in moments(args, users_kept, LogStats()):
        for impression in moment:
            if split_of(impression.date, args) == "train":
                counts.add(impression.user, videos.index(impression.video), videos)
            else:
                videos.index(impression.video)
    return counts


def split_of(date, args):
    """The split of a date; None before --train-from, where impressions are behaviours only."""
    if args.train_from is not None and date < args.train_from:
        return None
    return "train" if date <= args.train_until else "valid" if date <= args.valid_until else "test"


# ---- Second pass: rows ----

def schema_of(drop):
    integer = pa.int64()
    required = [("row_id", integer), ("user_key", integer), ("tab", integer), ("time_ms", integer),
                ("date", pa.int32()), ("hour", integer), ("is_click", pa.int8()), ("long_view", pa.int8())]
    nullable = [("user_id", integer), ("video_id", integer), ("author_id", integer), ("tag", integer),
                ("music_id", integer), ("video_type", pa.string()), ("upload_type", pa.string()),
                ("video_duration_s", pa.float64()), ("server_width", integer), ("server_height", integer),
                ("music_type", integer), ("video_age_days", integer)]
    nullable += [(n, pa.string()) for n in USER_STRINGS] + [(n, integer) for n in USER_INTEGERS]
    lists = [(n, conversion.list_of(integer)) for n in SEQUENCES]
    fields = ([pa.field(n, t, nullable=False) for n, t in required] + [pa.field(n, t) for n, t in nullable]
              + [pa.field(n, t, nullable=False) for n, t in lists])
    conversion.check_columns(drop, fields)
    return pa.schema([f for f in fields if f.name not in drop])


class Batch:
    """Rows of one split that wait for their row group."""

    def __init__(self):
        self.rows = []  # (row_id, Impression, video index)
        self.behaviours, self.offsets = array("q"), array("i", [0])

    def add(self, row_id, impression, video, behaviours):
        self.rows.append((row_id, impression, video))
        self.behaviours.extend(behaviours)
        self.offsets.append(len(self.behaviours))


class RowBuilder:
    """Makes the columns of a batch. An id that is too rare in training becomes null, or -1 in a sequence."""

    def __init__(self, users, videos, counts, schema):
        self.users, self.videos, self.counts, self.schema = users, videos, counts, schema
        self.video_ids = [v if counts.known(counts.videos, v) else None for v in videos.ids]
        self.authors = [a if counts.known(counts.authors, a) else None for a in videos.authors]
        self.music = [m if counts.known(counts.music, m) else None for m in videos.music]
        self.hist_video, self.hist_author, self.hist_tag = (
            np.array([UNKNOWN if v is None else v for v in column], np.int64)
            for column in (self.video_ids, self.authors, videos.tags))

    def table(self, batch):
        columns = self._row_columns(batch)
        columns.update(self._sequence_columns(batch))
        return pa.Table.from_arrays([_as(columns[f.name], f.type) for f in self.schema], schema=self.schema)

    def _row_columns(self, batch):
        impressions = [impression for _, impression, _ in batch.rows]
        indices = [video for _, _, video in batch.rows]
        local_ms = np.array([i.time_ms for i in impressions], np.int64) + UTC8_MS
        users = [i.user for i in impressions]
        age = [None if self.videos.upload_day[v] is None else int(day) - self.videos.upload_day[v]
               for v, day in zip(indices, local_ms // DAY_MS)]
        columns = {
            "row_id": [row_id for row_id, _, _ in batch.rows],
            "user_key": users,
            "user_id": [u if self.counts.known(self.counts.users, u) else None for u in users],
            "video_id": [self.video_ids[v] for v in indices],
            "author_id": [self.authors[v] for v in indices],
            "tag": [self.videos.tags[v] for v in indices],
            "music_id": [self.music[v] for v in indices],
            "tab": [i.tab for i in impressions],
            "time_ms": [i.time_ms for i in impressions],
            "date": [i.date for i in impressions],
            "hour": local_ms % DAY_MS // HOUR_MS,
            "is_click": [i.click for i in impressions],
            "long_view": [i.long_view for i in impressions],
            "video_age_days": age,
        }
        for features in (self.users.take(users), self.videos.take(indices)):
            columns.update(zip(features.column_names, features.columns))
        return columns

    def _sequence_columns(self, batch):
        video, tab, click, long_view = unpack_behaviours(np.frombuffer(batch.behaviours, np.int64))
        values = (self.hist_video[video], self.hist_author[video], self.hist_tag[video], tab, click, long_view)
        offsets = np.frombuffer(batch.offsets, np.int32)
        return {n: conversion.list_array(offsets, v, pa.int64()) for n, v in zip(SEQUENCES, values)}


def _as(values, kind):
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks()
    return values if isinstance(values, pa.Array) else pa.array(values, kind)


class Summary:
    def __init__(self):
        self.rows, self.clicks, self.long_views = Counter(), Counter(), Counter()  # by (split, tab)
        self.lengths = {split: Counter() for split in SPLITS}
        self.behaviours_only = self.reaching_past = 0

    def add(self, split, impression, length):
        key = split, impression.tab
        self.rows[key] += 1
        self.clicks[key] += impression.click
        self.long_views[key] += impression.long_view
        self.lengths[split][length] += 1


def write_splits(args, users, videos, counts, histories, keeps_user, stage):
    stats, summary = LogStats(), Summary()
    schema = schema_of(args.drop_columns)
    builder = RowBuilder(users, videos, counts, schema)
    writers = {s: ShardWriter(stage.folder(s), schema, args.groups_per_file, args.compression_level)
               for s in SPLITS}
    batches = {s: Batch() for s in SPLITS}
    row_ids = itertools.count()
    for moment in moments(args, keeps_user, stats):
        for impression in moment:
            row_id = next(row_ids)
            split = split_of(impression.date, args)
            if split is None:
                summary.behaviours_only += 1
                continue
            behaviours = histories.before(impression.user, impression.time_ms)
            summary.reaching_past += behaviours is None
            batches[split].add(row_id, impression, videos.index(impression.video), behaviours or ())
            summary.add(split, impression, len(behaviours or ()))
            if len(batches[split].rows) == args.row_group_rows:
                writers[split].write_row_group(builder.table(batches[split]))
                batches[split] = Batch()
        for impression in moment:  # after the rows, so that impressions of one time_ms do not see each other
            histories.add(impression, videos.index(impression.video))
    for split in SPLITS:
        if batches[split].rows:
            writers[split].write_row_group(builder.table(batches[split]))
        writers[split].close()
    return stats, summary


# ---- What is printed ----

def print_summary(args, stats, summary, counts):
    print(f"lines read {stats.lines:,}, exact duplicates dropped {stats.duplicates:,}, "
          f"put in the order of time_ms {stats.out_of_order:,}")
    print(f"lines that repeat user, video and time_ms of another but differ elsewhere {stats.repeated_events:,} "
          f"({'dropped' if args.drop_repeated_events else 'kept; see --drop-repeated-events'})")
    if summary.behaviours_only:
        print(f"impressions before --train-from, used as behaviours only {summary.behaviours_only:,}")
    print("impressions not after the end of their user's history file, written without behaviours "
          f"{summary.reaching_past:,}")
    for name, counter in (("users", counts.users), ("videos", counts.videos), ("authors", counts.authors),
                          ("music", counts.music)):
        known = sum(n >= args.min_count for n in counter.values())
        print(f"{name} in training {len(counter):,}, with at least {args.min_count} impressions {known:,}")
    print()
    _print_tabs(summary)
    print()
    _print_lengths(summary)


def _print_tabs(summary):
    rows = []
    for split in SPLITS:
        tabs = sorted(tab for s, tab in summary.rows if s == split)
        total = sum(summary.rows[split, tab] for tab in tabs)
        if total:
            rows.append([split, "all", f"{total:,}", "100.0%"] + _rates(summary, [(split, tab) for tab in tabs], total))
        for tab in tabs:
            n = summary.rows[split, tab]
            rows.append(["", tab, f"{n:,}", f"{100 * n / total:.1f}%"] + _rates(summary, [(split, tab)], n))
    conversion.print_table(["split", "tab", "rows", "share", "click rate", "long-view rate"], rows)


def _rates(summary, keys, rows):
    return [f"{sum(counter[key] for key in keys) / rows:.3f}" for counter in (summary.clicks, summary.long_views)]


def _print_lengths(summary):
    rows = []
    for split, lengths in summary.lengths.items():
        total = sum(lengths.values())
        if total:
            mean = sum(length * n for length, n in lengths.items()) / total
            rows.append([split, f"{mean:.1f}", f"{100 * lengths[0] / total:.1f}%", max(lengths),
                         f"{100 * lengths[max(lengths)] / total:.1f}%"])
    conversion.print_table(["split", "mean behaviours", "none", "longest", "at the longest"], rows)


# ---- Command line ----

def user_filter(users, sample):
    """Whether a user belongs to the sample: the `sample` users of the feature file with the smallest hash."""
    if sample is None:
        return lambda user: True
    kept = set(sorted(users.row_of, key=conversion.hash_of_id)[:sample])
    return kept.__contains__


def _date(text):
    if len(text) != 8 or not text.isdigit() or not _is_date(int(text)):
        raise argparse.ArgumentTypeError(f"wanted a date YYYYMMDD, got {text!r}")
    return int(text)


def parse(argv):
    parser = argparse.ArgumentParser(prog="kuairand.py", description=__doc__.splitlines()[0])
    parser.add_argument("--raw", required=True, type=Path, help="input folder with the raw CSV files")
    parser.add_argument("--log", required=True, action="append", help="log file in --raw; repeatable, in any order")
    parser.add_argument("--out", required=True, type=Path, help="output folder for train/, valid/ and test/")
    parser.add_argument("--train-from", type=_date, help="first date of train; earlier impressions are behaviours only")
    parser.add_argument("--train-until", required=True, type=_date, metavar="YYYYMMDD", help="last date of train")
    parser.add_argument("--valid-until", required=True, type=_date, metavar="YYYYMMDD",
                        help="last date of valid; later dates are test")
    parser.add_argument("--users", default=USERS, help="file of user features in --raw (%(default)s)")
    parser.add_argument("--videos", default=VIDEOS, help="file of video features in --raw (%(default)s)")
    parser.add_argument("--history", default=HISTORIES,
                        help="file of earlier behaviours in --raw (%(default)s), or 'none'")
    parser.add_argument("--behaviours", choices=("shown", "long_viewed"), default="shown",
                        help="which impressions become behaviours (%(default)s)")
    parser.add_argument("--max-length", type=at_least(1), default=50,
                        help="maximum number of behaviours per row (%(default)s)")
    parser.add_argument("--min-count", type=at_least(0), default=2,
                        help="training impressions a user, video, author or music id needs to be known; 0 keeps all "
                             "(%(default)s)")
    parser.add_argument("--drop-repeated-events", action="store_true",
                        help="keep one line per user, video and time_ms even if the lines differ")
    parser.add_argument("--max-disorder-minutes", type=at_least(0), default=60,
                        help="fail if a log line is older than its predecessors by more than this (%(default)s)")
    parser.add_argument("--sample-users", type=at_least(1), metavar="N",
                        help="keep only N users, chosen by a hash of the id")
    conversion.add_output_options(parser)
    args = parser.parse_args(argv)
    if args.valid_until < args.train_until:
        raise UsageError(f"--valid-until {args.valid_until} is before --train-until {args.train_until}; swap them")
    schema_of(args.drop_columns)
    args.log = [args.raw / name for name in args.log]
    return args


def main(argv=None):
    args = parse(argv)
    with StagedOutput(args.out, SPLITS, args.overwrite) as stage:
        users, videos = UserTable(args.raw / args.users), VideoTable(args.raw / args.videos)
        keeps_user = user_filter(users, args.sample_users)
        histories = Histories(args.max_length, args.behaviours == "long_viewed")
        if args.history != "none":
            histories.load(args.raw / args.history, videos, keeps_user)
        counts = count_ids(args, keeps_user, videos)
        stats, summary = write_splits(args, users, videos, counts, histories, keeps_user, stage)
        if not summary.rows:
            raise DataError(args.raw, "impressions to write", "none", "check the dates and --sample-users")
    print_summary(args, stats, summary, counts)


if __name__ == "__main__":
    sys.exit(conversion.run("kuairand", main))
