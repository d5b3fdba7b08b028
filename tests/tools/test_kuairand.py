"""kuairand.py: the rules of an honest experiment, each on a log small enough to check by eye."""
import csv
import random
import unittest

import numpy as np

from support import ConverterTest  # first: it makes the converters importable

import conversion
import kuairand

DAY_MS = 24 * 3600 * 1000
MAY_1 = 1651334400000  # 2022-05-01 00:00 in UTC+8
LOG_HEADER = ("user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,"
              "long_view,play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,"
              "tab").split(",")
CONSEQUENCES = ("play_time_ms", "profile_stay_time", "comment_stay_time", "is_like", "is_follow", "is_comment",
                "is_forward", "is_hate", "is_profile_enter")
USER_HEADER = ("user_id", *kuairand.USER_STRINGS, *kuairand.USER_INTEGERS)
VIDEO_HEADER = ("video_id,author_id,video_type,upload_dt,upload_type,visible_status,video_duration,server_width,"
                "server_height,music_id,music_type,tag").split(",")
HISTORY_HEADER = "user_id,history_len,last_time_ms,watch_seq,like_seq,long_view_seq".split(",")


def seen(user, video, time_ms, date=20220501, click=0, **more):
    """One log line."""
    line = dict.fromkeys(LOG_HEADER, 0)
    line.update(user_id=user, video_id=video, time_ms=time_ms, date=date, is_click=click, tab=1, **more)
    return line


def video(number, **more):
    line = dict(video_id=number, author_id=1000 + number, video_type="NORMAL", upload_dt="2022-04-10",
                upload_type="Web", visible_status=0.0, video_duration=12500.0, server_width=720.0,
                server_height=1280.0, music_id=5000 + number, music_type=9.0, tag=number % 3 + 30)
    line.update(more)
    return line


def user(number, **more):
    line = {**dict.fromkeys(USER_HEADER, 1), **dict.fromkeys(kuairand.USER_STRINGS, "some")}
    return {**line, "user_id": number, **more}


def history(number, shown, long_viewed=(), last_time_ms=MAY_1 - DAY_MS):
    return dict(user_id=number, history_len=len(shown), last_time_ms=last_time_ms, like_seq="",
                watch_seq="^".join(map(str, shown)), long_view_seq="^".join(map(str, long_viewed)))


class KuaiRandTest(ConverterTest):
    def setUp(self):
        super().setUp()
        self.write("video_features_basic_pure.csv", VIDEO_HEADER, [video(n) for n in range(20)])
        self.write("user_features_pure.csv", USER_HEADER, [user(n) for n in range(20)])
        self.write("user_histories_until_4_24.csv", HISTORY_HEADER, [])

    def write(self, name, header, lines):
        with open(self.raw / name, "w", newline="") as file:
            writer = csv.DictWriter(file, header, lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)

    def convert(self, lines, *options, out=None):
        self.write("log.csv", LOG_HEADER, lines)
        return self.convert_raw("--log", "log.csv", *options, out=out)

    def convert_raw(self, *options, out=None):
        """Every id is known unless a test says otherwise."""
        base = ["--train-until", 20220501, "--valid-until", 20220502, "--min-count", 0]
        return self.run_converter("kuairand", kuairand.main, base + list(options), out)

    def train(self, lines, *options):
        return self.assert_succeeds(self.convert(lines, *options)).rows("train")


class Sequences(KuaiRandTest):
    def test_behaviours_are_strictly_earlier_and_oldest_first(self):
        rows = self.train([seen(1, 3, MAY_1), seen(1, 4, MAY_1 + 1, click=1), seen(1, 5, MAY_1 + 2)])
        self.assertEqual([row["hist_video"] for row in rows], [[], [3], [3, 4]])
        self.assertEqual(rows[2]["hist_author"], [1003, 1004])
        self.assertEqual(rows[2]["hist_tag"], [30, 31])
        self.assertEqual(rows[2]["hist_tab"], [1, 1])
        self.assertEqual(rows[2]["hist_click"], [0, 1])

    def test_impressions_of_one_time_do_not_see_each_other(self):
        rows = self.train([seen(1, 3, MAY_1), seen(1, 4, MAY_1 + 5), seen(1, 5, MAY_1 + 5), seen(1, 6, MAY_1 + 6)])
        self.assertEqual([row["hist_video"] for row in rows], [[], [3], [3], [3, 4, 5]])

    def test_users_do_not_mix(self):
        rows = self.train([seen(1, 3, MAY_1), seen(2, 4, MAY_1 + 1), seen(1, 5, MAY_1 + 2)])
        self.assertEqual([row["hist_video"] for row in rows], [[], [], [3]])

    def test_only_the_last_are_kept(self):
        rows = self.train([seen(1, n, MAY_1 + n) for n in range(15)], "--max-length", 4)
        self.assertEqual(rows[14]["hist_video"], [10, 11, 12, 13])
        self.assertEqual(max(len(row["hist_video"]) for row in rows), 4)

    def test_history_file_comes_first_with_unknown_tab_and_click(self):
        self.write("user_histories_until_4_24.csv", HISTORY_HEADER, [history(1, [7, 8, 7, 9], [8, 9])])
        rows = self.train([seen(1, 3, MAY_1, long_view=1), seen(1, 4, MAY_1 + 1)])
        self.assertEqual(rows[1]["hist_video"], [7, 8, 7, 9, 3])
        self.assertEqual(rows[1]["hist_tab"], [-1, -1, -1, -1, 1])
        self.assertEqual(rows[1]["hist_click"], [-1, -1, -1, -1, 0])
        self.assertEqual(rows[1]["hist_long_view"], [0, 1, 0, 1, 1])

    def test_long_views_older_than_the_shown_ones_are_not_matched(self):
        self.assertEqual(kuairand.align_long_views([7, 8, 9], [5, 6, 8]), [(7, 0), (8, 1), (9, 0)])
        self.assertEqual(kuairand.align_long_views([7, 7], [7]), [(7, 0), (7, 1)])
        self.assertEqual(kuairand.align_long_views([], [7]), [])

    def test_history_that_reaches_past_the_impression_is_left_out(self):
        self.write("user_histories_until_4_24.csv", HISTORY_HEADER, [history(1, [7, 8], last_time_ms=MAY_1 + 5)])
        run = self.assert_succeeds(self.convert([seen(1, 3, MAY_1 + 5), seen(1, 4, MAY_1 + 6)]))
        self.assertEqual([row["hist_video"] for row in run.rows("train")], [[], [7, 8, 3]])
        self.assertIn("written without behaviours 1", run.printed)

    def test_without_history_file(self):
        (self.raw / "user_histories_until_4_24.csv").unlink()
        rows = self.train([seen(1, 3, MAY_1)], "--history", "none")
        self.assertEqual(rows[0]["hist_video"], [])

    def test_long_viewed_behaviours(self):
        self.write("user_histories_until_4_24.csv", HISTORY_HEADER, [history(1, [7, 8], [6, 8])])
        rows = self.train([seen(1, 3, MAY_1, click=1), seen(1, 4, MAY_1 + 1, long_view=1), seen(1, 5, MAY_1 + 2)],
                          "--behaviours", "long_viewed")
        self.assertEqual(rows[2]["hist_video"], [6, 8, 4])
        self.assertEqual(rows[2]["hist_long_view"], [1, 1, 1])

    def test_behaviour_without_tag_is_minus_one(self):
        self.write("video_features_basic_pure.csv", VIDEO_HEADER, [video(3, tag=""), video(4, tag="12,5")])
        rows = self.train([seen(1, 3, MAY_1), seen(1, 4, MAY_1 + 1), seen(1, 3, MAY_1 + 2)])
        self.assertEqual(rows[2]["hist_tag"], [-1, 12])
        self.assertEqual([row["tag"] for row in rows], [None, 12, None])

    def test_against_the_rules_written_naively(self):
        """Random users, times with many ties, duplicates, with and without history: every row from scratch."""
        chance = random.Random(7)
        times = sorted(chance.choice(range(200)) for _ in range(400))
        lines = [seen(chance.randrange(4), chance.randrange(20), MAY_1 + t, click=chance.randrange(2),
                      date=20220501 if t < 150 else 20220502) for t in times]
        lines = [line for line in lines for _ in range(chance.choice((1, 1, 2)))]
        start = {n: [chance.randrange(20) for _ in range(6)] for n in range(3)}
        self.write("user_histories_until_4_24.csv", HISTORY_HEADER, [history(n, v) for n, v in start.items()])
        run = self.assert_succeeds(self.convert(lines, "--max-length", 9, "--row-group-rows", 7))

        distinct = [dict(line) for line in dict.fromkeys(tuple(line.items()) for line in lines)]
        rows = sorted(run.rows("train") + run.rows("valid"), key=lambda row: row["row_id"])
        self.assertEqual(len(rows), len(distinct))
        for row, line in zip(rows, distinct):
            earlier = [o for o in distinct if o["user_id"] == line["user_id"] and o["time_ms"] < line["time_ms"]]
            wanted = start.get(line["user_id"], []) + [o["video_id"] for o in earlier]
            self.assertEqual(row["hist_video"], wanted[-9:])
            self.assertEqual(row["video_id"], line["video_id"])
            for name in kuairand.SEQUENCES:
                self.assertEqual(len(row[name]), len(row["hist_video"]))


class Leakage(KuaiRandTest):
    def setUp(self):
        super().setUp()
        self.lines = [seen(1 + n % 3, n % 7, MAY_1 + n * DAY_MS // 20, date=20220501 + n // 20, click=n % 2)
                      for n in range(60)]

    def test_consequences_change_nothing(self):
        changed = [{**line, **dict.fromkeys(CONSEQUENCES, 1 + n)} for n, line in enumerate(self.lines)]
        self.assertEqual(self.convert(self.lines).bytes(), self.convert(changed).bytes())

    def test_consequences_are_no_columns(self):
        names = self.convert(self.lines).table("train").column_names
        self.assertFalse(set(names) & set(CONSEQUENCES))

    def test_own_labels_change_no_input_of_the_row(self):
        changed = [dict(line) for line in self.lines]
        changed[30]["is_click"], changed[30]["long_view"] = 1 - changed[30]["is_click"], 1
        before, after = (self.assert_succeeds(self.convert(lines)) for lines in (self.lines, changed))
        for split in ("train", "valid", "test"):
            for old, new in zip(before.rows(split), after.rows(split)):
                different = {name for name in old if old[name] != new[name]}
                if new["row_id"] == 30:
                    self.assertEqual(different, {"is_click", "long_view"})
                elif new["row_id"] < 30:
                    self.assertEqual(different, set())
                else:
                    self.assertLessEqual(different, {"hist_click", "hist_long_view"})

    def test_train_does_not_depend_on_later_splits(self):
        train_only = [line for line in self.lines if line["date"] == 20220501]
        options = ["--min-count", 3]
        whole, alone = self.convert(self.lines, *options), self.convert(train_only, *options)
        self.assertEqual(whole.rows("train"), alone.rows("train"))
        self.assertEqual(alone.splits(), ["train"])

    def test_ids_are_counted_in_train_only(self):
        lines = [seen(1, 3, MAY_1), seen(1, 4, MAY_1 + 1), seen(2, 4, MAY_1 + 2)]
        lines += [seen(2, 3, MAY_1 + DAY_MS + n, date=20220502) for n in range(5)]
        run = self.assert_succeeds(self.convert(lines, "--min-count", 2))
        train, valid = run.rows("train"), run.rows("valid")
        self.assertEqual([row["video_id"] for row in train], [None, 4, 4])
        self.assertEqual([row["user_id"] for row in train], [1, 1, None])
        self.assertEqual([row["author_id"] for row in train], [None, 1004, 1004])
        self.assertEqual([row["music_id"] for row in train], [None, 5004, 5004])
        self.assertEqual({row["video_id"] for row in valid}, {None})
        self.assertEqual({row["user_key"] for row in valid}, {2})
        self.assertEqual(train[1]["hist_video"], [-1])
        self.assertEqual(train[1]["hist_author"], [-1])
        self.assertEqual(train[1]["hist_tag"], [30])
        self.assertIn("users in training 2, with at least 2 impressions 1", run.printed)

    def test_duplicates_do_not_make_an_id_known(self):
        rows = self.train([seen(1, 3, MAY_1)] * 2 + [seen(1, 4, MAY_1 + 1)] * 2, "--min-count", 2)
        self.assertEqual([row["video_id"] for row in rows], [None, None])

    def test_author_of_two_rare_videos_is_known(self):
        self.write("video_features_basic_pure.csv", VIDEO_HEADER, [video(n, author_id=9) for n in (3, 4)])
        rows = self.train([seen(1, 3, MAY_1), seen(1, 4, MAY_1 + 1)], "--min-count", 2)
        self.assertEqual([(row["video_id"], row["author_id"]) for row in rows], [(None, 9), (None, 9)])
        self.assertEqual(rows[1]["hist_author"], [9])


class Time(KuaiRandTest):
    def test_hour_follows_time_ms(self):
        rows = self.train([seen(1, 3, MAY_1 - 1, hourmin=1700), seen(1, 3, MAY_1 + 3 * 3600 * 1000, hourmin=0)])
        self.assertEqual([row["hour"] for row in rows], [23, 3])

    def test_split_follows_date(self):
        run = self.convert([seen(1, 3, MAY_1 + DAY_MS - 60000, date=20220502), seen(1, 4, MAY_1 + DAY_MS - 1),
                            seen(1, 5, MAY_1 + DAY_MS, date=20220503)])
        self.assertEqual([[row["video_id"] for row in run.rows(split)] for split in ("train", "valid", "test")],
                         [[4], [3], [5]])

    def test_age_of_the_video_in_days(self):
        videos = [video(3, upload_dt="2022-04-29"), video(4, upload_dt="")]
        self.write("video_features_basic_pure.csv", VIDEO_HEADER, videos)
        rows = self.train([seen(1, 3, MAY_1 - 1), seen(1, 3, MAY_1), seen(1, 4, MAY_1 + 1)])
        self.assertEqual([row["video_age_days"] for row in rows], [1, 2, None])

    def test_impressions_before_train_from_are_behaviours_only(self):
        run = self.assert_succeeds(self.convert(
            [seen(1, 3, MAY_1 - 1, date=20220430), seen(1, 4, MAY_1)], "--train-from", 20220501, "--min-count", 1))
        rows = run.rows("train")
        self.assertEqual(len(rows), 1)
        self.assertEqual(rows[0]["hist_video"], [-1])  # shown, but never in training
        self.assertIn("used as behaviours only 1", run.printed)

    def test_late_lines_are_put_in_order(self):
        lines = [seen(1 + n % 3, n % 7, MAY_1 + n * 60000) for n in range(40)]
        shuffled = lines[:20] + lines[30:] + lines[20:30]
        run = self.assert_succeeds(self.convert(shuffled))
        self.assertEqual(run.bytes(), self.convert(lines).bytes())
        self.assertIn("put in the order of time_ms 10", run.printed)

    def test_log_that_is_not_sorted_is_refused(self):
        run = self.convert([seen(1, 3, MAY_1 + 3600001), seen(1, 4, MAY_1)])
        self.assert_fails(run, 3, "log.csv:3", "in the order of time_ms, at most 60 minutes late",
                          "60.0 minutes before", "sort the file by time_ms or raise --max-disorder-minutes")
        self.assert_succeeds(self.convert([seen(1, 3, MAY_1 + 3600000), seen(1, 4, MAY_1)]))

    def test_line_as_late_as_allowed_meets_those_of_its_time(self):
        rows = self.train([seen(1, 3, MAY_1), seen(2, 4, MAY_1 + 3600000), seen(1, 5, MAY_1)])
        self.assertEqual([(row["video_id"], row["hist_video"]) for row in rows], [(3, []), (5, []), (4, [])])

    def test_sorting_holds_one_window_only(self):
        given = 0

        def impressions():
            nonlocal given
            for n in range(1000):
                given += 1
                yield kuairand.Impression(n * 1000, (0, n), (), 0, 0, 0, 0, 0, 0)

        for taken, impression in enumerate(kuairand.sort_within(impressions(), "log", 10000, kuairand.LogStats())):
            self.assertEqual(impression.time_ms, taken * 1000)
            self.assertLessEqual(given - taken, 12)

    def test_logs_are_merged_by_time(self):
        lines = [seen(1 + n % 3, n % 7, MAY_1 + n // 2) for n in range(40)]
        whole = self.convert(lines)
        self.write("even.csv", LOG_HEADER, [line for line in lines if line["time_ms"] % 2 == 0])
        self.write("odd.csv", LOG_HEADER, [line for line in lines if line["time_ms"] % 2])
        self.assertEqual(whole.bytes(), self.convert_raw("--log", "odd.csv", "--log", "even.csv").bytes())


class Duplicates(KuaiRandTest):
    def test_exact_duplicates_are_dropped_and_counted(self):
        run = self.assert_succeeds(self.convert([seen(1, 3, MAY_1)] * 3 + [seen(1, 4, MAY_1 + 1)]))
        self.assertEqual([row["row_id"] for row in run.rows("train")], [0, 1])
        self.assertEqual(run.rows("train")[1]["hist_video"], [3])
        self.assertIn("lines read 4, exact duplicates dropped 2,", run.printed)

    def test_duplicates_need_not_follow_each_other(self):
        run = self.convert([seen(1, 3, MAY_1), seen(2, 3, MAY_1), seen(1, 3, MAY_1)])
        self.assertEqual([row["user_id"] for row in run.rows("train")], [1, 2])

    def test_one_event_with_two_lines_is_kept_unless_asked(self):
        lines = [seen(1, 3, MAY_1, hourmin=100), seen(1, 3, MAY_1, hourmin=200)]
        run = self.convert(lines)
        self.assertEqual(run.table("train").num_rows, 2)
        self.assertIn("differ elsewhere 1 (kept", run.printed)
        run = self.convert(lines, "--drop-repeated-events")
        self.assertEqual(run.table("train").num_rows, 1)
        self.assertIn("differ elsewhere 1 (dropped", run.printed)


class Features(KuaiRandTest):
    def test_missing_values_are_null(self):
        self.write("user_features_pure.csv", USER_HEADER,
                   [user(1, is_live_streamer=-124, user_active_degree="UNKNOWN", onehot_feat4="", onehot_feat12="0.0",
                         fans_user_num_range="[100,1k)")])
        self.write("video_features_basic_pure.csv", VIDEO_HEADER,
                   [video(3, video_duration="", upload_type="UNKNOWN", music_type="", tag="")])
        row = self.train([seen(1, 3, MAY_1)])[0]
        for name in ("is_live_streamer", "user_active_degree", "onehot_feat4", "video_duration_s", "upload_type",
                     "music_type", "tag"):
            self.assertIsNone(row[name], name)
        self.assertEqual(row["onehot_feat12"], 0)
        self.assertEqual(row["fans_user_num_range"], "[100,1k)")
        self.assertEqual(row["server_width"], 720)

    def test_duration_in_seconds(self):
        self.assertEqual(self.train([seen(1, 3, MAY_1)])[0]["video_duration_s"], 12.5)

    def test_user_and_video_without_features(self):
        row = self.train([seen(99, 98, MAY_1)])[0]
        self.assertEqual((row["user_id"], row["video_id"]), (99, 98))
        for name in ("author_id", "tag", "video_type", "video_age_days", "register_days", "user_active_degree"):
            self.assertIsNone(row[name], name)

    def test_columns_and_types(self):
        schema = self.convert([seen(1, 3, MAY_1)]).table("train").schema
        self.assertEqual(len(schema), 8 + 12 + 30 + 6)
        self.assertEqual(str(schema.field("date").type), "int32")
        self.assertEqual(str(schema.field("is_click").type), "int8")
        self.assertEqual(str(schema.field("hist_video").type), "list<element: int64 not null>")
        self.assertEqual([f.name for f in schema if not f.nullable],
                         ["row_id", "user_key", "tab", "time_ms", "date", "hour", "is_click", "long_view",
                          *kuairand.SEQUENCES])

    def test_columns_can_be_left_out(self):
        run = self.convert([seen(1, 3, MAY_1)], "--drop-columns", "hist_click,onehot_feat0")
        names = run.table("train").column_names
        self.assertNotIn("hist_click", names)
        self.assertEqual(len(names), 54)


class Output(KuaiRandTest):
    def setUp(self):
        super().setUp()
        self.lines = [seen(1 + n % 3, n % 7, MAY_1 + n, date=20220501 + n // 15) for n in range(45)]

    def test_size_of_batches_does_not_matter(self):
        one, many = self.convert(self.lines), self.convert(self.lines, "--row-group-rows", 2, "--groups-per-file", 3)
        for split in ("train", "valid", "test"):
            self.assertEqual(one.rows(split), many.rows(split))
        self.assertEqual(sorted(path.name for path in (many.out / "train").iterdir()),
                         ["part-00000.parquet", "part-00001.parquet", "part-00002.parquet"])

    def test_same_input_same_bytes(self):
        self.assertEqual(self.convert(self.lines).bytes(), self.convert(self.lines).bytes())

    def test_rows_are_in_the_order_of_time(self):
        run = self.convert(self.lines, "--row-group-rows", 4)
        for split in ("train", "valid", "test"):
            times = [row["time_ms"] for row in run.rows(split)]
            self.assertEqual(times, sorted(times))

    def test_sample_keeps_whole_users_and_grows(self):
        few, more = (self.convert(self.lines, "--sample-users", n) for n in (6, 18))
        users = [{row["user_id"] for row in run.rows("train")} for run in (few, more)]
        self.assertLess(users[0], users[1] | {None})
        whole = self.convert(self.lines)
        for run, kept in zip((few, more), users):
            wanted = [row["hist_video"] for row in whole.rows("train") if row["user_id"] in kept]
            self.assertEqual([row["hist_video"] for row in run.rows("train")], wanted)

    def test_existing_output_needs_overwrite(self):
        run = self.convert(self.lines)
        again = self.convert(self.lines, out=run.out)
        self.assertEqual(again.code, 2)
        self.assertIn("already holds train, valid, test; give another folder or --overwrite", again.complaint)
        fewer = self.assert_succeeds(self.convert(self.lines[:15], "--overwrite", out=run.out))
        self.assertEqual(fewer.splits(), ["train"])  # nothing stale stays

    def test_summary(self):
        printed = self.convert([seen(1, 3, MAY_1, click=1), seen(1, 4, MAY_1 + 1)]).printed
        self.assertRegex(printed, r"train +all +2 +100\.0% +0\.500 +0\.000")
        self.assertRegex(printed, r"train +0\.5 +50\.0% +1 +50\.0%")


class Errors(KuaiRandTest):
    def test_missing_file(self):
        run = self.convert_raw("--log", "absent.csv")
        self.assert_fails(run, 3, "absent.csv", "wanted a readable file, got no such file",
                          "check the folder given with --raw")

    def test_missing_column(self):
        self.write("log.csv", [name for name in LOG_HEADER if name != "tab"], [])
        self.assert_fails(self.convert_raw("--log", "log.csv"), 3, "log.csv:1", "wanted column tab",
                          "got columns user_id", "use the file as published")

    def test_empty_file(self):
        (self.raw / "log.csv").write_text("")
        self.assert_fails(self.convert_raw("--log", "log.csv"), 3, "log.csv:1",
                          "wanted a header line, got an empty file")

    def test_cut_line(self):
        self.write("log.csv", LOG_HEADER, [seen(1, 3, MAY_1)])
        with open(self.raw / "log.csv", "a") as file:
            file.write("1,3,2022\n")
        self.assert_fails(self.convert_raw("--log", "log.csv"), 3, "log.csv:3", "wanted 19 fields", "got 3", "repair")

    def test_value_that_is_no_number(self):
        self.assert_fails(self.convert([seen(1, "x", MAY_1)]), 3, "log.csv:2",
                          "wanted an integer of at least 0 in column video_id, got 'x'; repair or remove the line")

    def test_label_that_is_no_label(self):
        self.assert_fails(self.convert([seen(1, 3, MAY_1, click=2)]), 3, "log.csv:2", "wanted 0 or 1", "got 2 and 0")

    def test_date_that_is_none(self):
        self.assert_fails(self.convert([seen(1, 3, MAY_1, date=20220431)]), 3, "log.csv:2",
                          "wanted a date YYYYMMDD in column date, got 20220431")

    def test_video_listed_twice(self):
        self.write("video_features_basic_pure.csv", VIDEO_HEADER, [video(3), video(3)])
        self.assert_fails(self.convert([]), 3, "basic_pure.csv:3", "one line per video", "video 3 again")

    def test_bytes_that_are_no_text(self):
        (self.raw / "log.csv").write_bytes(",".join(LOG_HEADER).encode() + b"\n\xff\n")
        self.assert_fails(self.convert_raw("--log", "log.csv"), 3, "log.csv after line", "CSV in UTF-8")

    def test_nothing_to_write(self):
        self.assert_fails(self.convert([]), 3, "wanted impressions to write, got none")

    def test_usage(self):
        for options, text in (((), "--log"), (("--log", "log.csv", "--train-until", "2022-05-01"), "YYYYMMDD"),
                              (("--log", "log.csv", "--valid-until", 20220430), "--valid-until 20220430 is before"),
                              (("--log", "log.csv", "--max-length", 0), "integer of at least 1, got '0'"),
                              (("--log", "log.csv", "--drop-columns", "nosuch"), "--drop-columns names nosuch")):
            with self.subTest(options=options):
                self.assert_fails(self.convert_raw(*options), 2, text)


class Packing(unittest.TestCase):
    def test_round_trip(self):
        cases = [(0, -1, -1, -1), (7582, 14, 1, 0), (2**40, kuairand.MAX_TAB - 1, 0, 1)]
        packed = np.array([kuairand.pack_behaviour(*case) for case in cases])
        self.assertEqual(list(zip(*(part.tolist() for part in kuairand.unpack_behaviours(packed)))), cases)

    def test_hash_is_fixed(self):
        self.assertEqual(conversion.hash_of_id(0), 0xE220A8397B1DCDAF)


if __name__ == "__main__":
    unittest.main()
