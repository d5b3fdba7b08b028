"""aliccp.py: two real lines of common features, a skeleton made by hand, and the slips a join can make."""
import random
import shutil
import unittest
from collections import Counter

import numpy as np

from support import REPOSITORY, ConverterTest  # first: it makes the converters importable

import aliccp

GOLDEN = REPOSITORY / "tests" / "golden" / "aliccp" / "common_features_train_2rows.csv"
SHORT, LONG = "84dceed2e3a667f8", "0000350f0c2121e7"  # the common indexes of its lines, of 343 and 811 features


def features(*triples):
    return "\x01".join(f"{field}\x02{value}\x03{weight}" for field, value, weight in triples)


def sample(number, key, click=0, purchase=0, scenario=9351665, extra=(), count=None):
    """One skeleton line with two intentions and their crosses."""
    triples = [("301", scenario, "1.0"), ("205", 7000000 + number, "1.0"), ("206", 8317829, "1.0"),
               ("207", 8967741, "1.0"), ("216", 9147550, "1.0"), ("210", 9059239, "1.0"), ("210", 9042796, "1.0"),
               ("508", 9356012, "2.30259"), ("853", 9400001, "1.5"), ("853", 9400002, "0.25"), *extra]
    return f"{number},{click},{purchase},{key},{count or len(triples)},{features(*triples)}\n"


def common(key, *triples, count=None):
    return f"{key},{count if count is not None else len(triples)},{features(*triples)}\n"


class AliCcpTest(ConverterTest):
    def convert(self, skeleton, *options, common_lines=None, out=None):
        """The training half; the golden common features unless others are given."""
        (self.raw / "sample_skeleton_train.csv").write_text("".join(skeleton))
        if common_lines is None:
            shutil.copy(GOLDEN, self.raw / "common_features_train.csv")
        else:
            (self.raw / "common_features_train.csv").write_text("".join(common_lines))
        return self.convert_raw("--half", "train", *options, out=out)

    def convert_raw(self, *options, out=None):
        return self.run_converter("aliccp", aliccp.main, options, out)

    def train(self, *arguments, **more):
        return self.assert_succeeds(self.convert(*arguments, **more)).rows("train")


class Golden(AliCcpTest):
    def test_bags_are_whole(self):
        short, long = self.train([sample(1, SHORT), sample(2, LONG)])
        lengths = {"categories_109_14": (35, 99), "shops_110_14": (107, 316), "brands_127_14": (65, 190),
                   "intentions_150_14": (127, 197)}
        for column, (in_short, in_long) in lengths.items():
            self.assertEqual((len(short[column]), len(long[column])), (in_short, in_long))
            self.assertEqual(len(short[column + "_weight"]), in_short)
        # With nine single fields: all 343 and 811 features of the lines.
        self.assertEqual([sum(x) + 9 for x in zip(*lengths.values())], [343, 811])

    def test_values_are_those_of_the_file(self):
        for key, row in zip((SHORT, LONG), self.train([sample(1, SHORT), sample(2, LONG)])):
            line = next(line for line in GOLDEN.read_text().splitlines() if line.startswith(key))
            for field, column in aliccp.BEHAVIOUR_BAGS.items():
                wanted = [f.split("\x02")[1].split("\x03") for f in line.split(",")[2].split("\x01")
                          if f.startswith(field + "\x02")]
                self.assertEqual(row[column], [int(value) for value, _ in wanted])
                self.assertEqual(row[column + "_weight"], [float(np.float32(weight)) for _, weight in wanted])

    def test_profile(self):
        row = self.train([sample(1, SHORT)])[0]
        self.assertEqual([row[column] for column in aliccp.USER_FIELDS.values()],
                         [31319, 3438687, 3438762, 3438769, 3438774, 3438779, 3438782, 3864885, 3864888])

    def test_sequence_keeps_the_heaviest_and_ends_with_it(self):
        for row in self.train([sample(1, SHORT), sample(2, LONG)], "--max-length", 20):
            everything = [(weight, kind, value) for kind, column in enumerate(aliccp.BEHAVIOUR_BAGS.values())
                          for value, weight in zip(row[column], row[column + "_weight"])]
            self.assertEqual(list(zip(row["beh_weight"], row["beh_type"], row["beh_id"])), sorted(everything)[-20:])

    def test_summary(self):
        printed = self.convert([sample(1, SHORT), sample(2, LONG, click=1)]).printed
        self.assertIn("skeleton lines 2, purchases without a click dropped 0", printed)
        self.assertRegex(printed, r"train +9351665 +2 +100\.0% +0\.5000 +0\.00000")
        self.assertRegex(printed, r"categories_109_14 +67\.0 +0\.0%")


class Join(AliCcpTest):
    def test_rows_keep_the_order_of_the_skeleton(self):
        keys = [LONG, SHORT, SHORT, LONG, SHORT]
        rows = self.train([sample(n, key) for n, key in enumerate(keys)])
        self.assertEqual([row["sample_id"] for row in rows], [0, 1, 2, 3, 4])
        self.assertEqual([row["row_id"] for row in rows], [0, 1, 2, 3, 4])
        self.assertEqual([row["user_id"] for row in rows], [31319 if key == SHORT else 392326 for key in keys])

    def test_every_key_is_found(self):
        """More lines than the cache holds and than one byte counts, keys with zero bytes at both ends, at random."""
        chance = random.Random(3)
        keys = [f"{chance.getrandbits(64):016x}" for _ in range(2000)]
        keys += ["0" * 16, "f" * 16, "00000000000000ff", "ff00000000000000", "8000000000000000"]
        lines = [common(key, ("101", n, "1.0")) for n, key in enumerate(keys)]
        order = chance.sample(range(len(keys)), len(keys))
        rows = self.train([sample(n, keys[n]) for n in order], common_lines=lines)
        self.assertEqual([row["user_id"] for row in rows], order)

    def test_item_fields(self):
        row = self.train([sample(7, SHORT)])[0]
        self.assertEqual((row["scenario"], row["item_id"], row["category_id"], row["shop_id"], row["brand_id"]),
                         (9351665, 7000007, 8317829, 8967741, 9147550))
        self.assertEqual(row["intentions_210"], [9059239, 9042796])
        self.assertEqual((row["cross_508"], row["cross_508_weight"]), ([9356012], [float(np.float32(2.30259))]))
        self.assertEqual((row["cross_853"], row["cross_853_weight"]), ([9400001, 9400002], [1.5, 0.25]))
        self.assertEqual((row["cross_509"], row["cross_702"]), ([], []))

    def test_absent_fields(self):
        row = self.train([sample(1, SHORT)], common_lines=[common(SHORT)])[0]
        self.assertIsNone(row["user_id"])
        self.assertEqual((row["shops_110_14"], row["beh_id"]), ([], []))

    def test_line_without_features(self):
        self.assertEqual(self.train([sample(1, SHORT)], common_lines=[f"{SHORT},0,\n"])[0]["beh_type"], [])

    def test_ties_go_by_type_then_id(self):
        line = common(SHORT, ("150_14", 5, "1.0"), ("109_14", 9, "1.0"), ("109_14", 8, "1.0"), ("110_14", 1, "0.5"))
        row = self.train([sample(1, SHORT)], "--max-length", 3, common_lines=[line])[0]
        self.assertEqual((row["beh_type"], row["beh_id"], row["beh_weight"]), ([0, 0, 3], [8, 9, 5], [1, 1, 1]))

    def test_purchases_without_click_are_dropped_and_counted(self):
        run = self.assert_succeeds(self.convert(
            [sample(1, SHORT, 1, 1), sample(2, SHORT, 0, 1), sample(3, SHORT, 1, 0), sample(4, LONG, 0, 1)]))
        self.assertEqual([(row["sample_id"], row["click"], row["purchase"]) for row in run.rows("train")],
                         [(1, 1, 1), (3, 1, 0)])
        self.assertIn("skeleton lines 4, purchases without a click dropped 2", run.printed)

    def test_unknown_field_and_repeated_index_are_told(self):
        run = self.assert_succeeds(self.convert(
            [sample(1, SHORT, extra=[("999", 1, "1.0")])],
            common_lines=[common(SHORT, ("101", 1, "1.0")), common(SHORT, ("101", 2, "1.0"))]))
        self.assertEqual(run.rows("train")[0]["user_id"], 1)
        self.assertIn("train: field 999 is not known and was left out", run.printed)
        self.assertIn("train: 1 lines repeat the common index of another; the first was used", run.printed)


class Output(AliCcpTest):
    def setUp(self):
        super().setUp()
        self.keys = [f"{n * 77:016x}" for n in range(60)]
        self.lines = [common(key, ("101", n, "1.0"), ("109_14", n, "2.0")) for n, key in enumerate(self.keys)]
        self.skeleton = [sample(n, self.keys[n * 7 % 60], scenario=1 + n % 3) for n in range(180)]

    def test_both_halves(self):
        for half, rows in (("train", 90), ("test", 30)):
            (self.raw / f"sample_skeleton_{half}.csv").write_text("".join(self.skeleton[:rows]))
            (self.raw / f"common_features_{half}.csv").write_text("".join(self.lines))
        run = self.assert_succeeds(self.convert_raw())
        self.assertEqual(run.splits(), ["test", "train"])
        self.assertEqual([run.table(split).num_rows for split in ("train", "test")], [90, 30])
        self.assertEqual(run.table("train").schema, run.table("test").schema)

    def test_size_of_batches_does_not_matter(self):
        one = self.convert(self.skeleton, common_lines=self.lines)
        many = self.convert(self.skeleton, "--row-group-rows", 7, "--groups-per-file", 5, common_lines=self.lines)
        self.assertEqual(one.rows("train"), many.rows("train"))
        self.assertEqual(len(list((many.out / "train").iterdir())), 6)

    def test_same_input_same_bytes(self):
        self.assertEqual(*(self.convert(self.skeleton, common_lines=self.lines).bytes() for _ in range(2)))

    def test_valid_takes_whole_common_indexes(self):
        run = self.assert_succeeds(self.convert(self.skeleton, "--valid-percent", 30, common_lines=self.lines))
        users = {split: {row["user_id"] for row in run.rows(split)} for split in ("train", "valid")}
        self.assertFalse(users["train"] & users["valid"])
        self.assertEqual(len(users["train"] | users["valid"]), 60)
        self.assertTrue(5 <= len(users["valid"]) <= 31, len(users["valid"]))
        self.assertEqual([row["row_id"] for row in run.rows("valid")], list(range(run.table("valid").num_rows)))

    def test_scenarios_are_kept(self):
        self.assertEqual(Counter(row["scenario"] for row in self.train(self.skeleton, common_lines=self.lines)),
                         {1: 60, 2: 60, 3: 60})

    def test_columns_and_types(self):
        schema = self.convert(self.skeleton, common_lines=self.lines).table("train").schema
        self.assertEqual(len(schema), 5 + 13 + 2 * 9 + 3)
        self.assertEqual(str(schema.field("click").type), "int8")
        self.assertEqual(str(schema.field("beh_id").type), "list<element: int64 not null>")
        self.assertEqual(str(schema.field("shops_110_14_weight").type), "list<element: float not null>")
        self.assertFalse(schema.field("scenario").nullable)
        self.assertTrue(schema.field("user_id").nullable)

    def test_columns_can_be_left_out(self):
        run = self.convert(self.skeleton, "--drop-columns", "shops_110_14,shops_110_14_weight", common_lines=self.lines)
        self.assertEqual(len(run.table("train").schema), 37)

    def test_existing_output_needs_overwrite(self):
        run = self.convert(self.skeleton, common_lines=self.lines)
        again = self.convert(self.skeleton, common_lines=self.lines, out=run.out)
        self.assertEqual(again.code, 2)
        self.assertIn("already holds train; give another folder or --overwrite", again.complaint)


class Errors(AliCcpTest):
    def test_missing_files(self):
        self.assert_fails(self.convert_raw(), 3, "common_features_train.csv", "got no such file",
                          "unpack sample_train.tar.gz")
        shutil.copy(GOLDEN, self.raw / "common_features_train.csv")
        self.assert_fails(self.convert_raw(), 3, "sample_skeleton_train.csv", "got no such file")

    def test_empty_common_features(self):
        self.assert_fails(self.convert([], common_lines=[]), 3, "common_features_train.csv:1", "got an empty file")

    def test_empty_skeleton(self):
        self.assert_fails(self.convert([]), 3, "wanted rows to write, got none")

    def test_index_without_common_features(self):
        run = self.convert([sample(1, SHORT), sample(2, "00000000deadbeef")])
        self.assert_fails(run, 3, "sample_skeleton_train.csv:2", "wanted common index 00000000deadbeef in",
                          "got no such line", "of the same half, whole")

    def test_number_of_features(self):
        self.assert_fails(self.convert([sample(1, SHORT, count=4)]), 3, "sample_skeleton_train.csv:1",
                          "wanted 4 features as the line says, got 10")
        lines = [common(LONG), common(SHORT, ("101", 1, "1.0"), count=2)]
        self.assert_fails(self.convert([sample(1, SHORT)], common_lines=lines), 3, "common_features_train.csv:2",
                          "wanted 2 features as the line says, got 1")

    def test_number_of_fields(self):
        self.assert_fails(self.convert(["1,0,0\n"]), 3, "sample_skeleton_train.csv:1", "wanted 6 fields (sample,",
                          "got 3")

    def test_feature_that_is_none(self):
        self.assert_fails(self.convert([f"1,0,0,{SHORT},1,205:7:1.0\n"]), 3, "sample_skeleton_train.csv:1",
                          r"wanted a feature field\x02id\x03value with a finite value, got '205:7:1.0'")

    def test_weight_that_is_no_number(self):
        for weight in ("nan", "inf", "heavy"):
            run = self.convert([sample(1, SHORT)], common_lines=[common(SHORT, ("109_14", 1, weight))])
            self.assert_fails(run, 3, "common_features_train.csv:1", "with a finite value")

    def test_labels(self):
        self.assert_fails(self.convert([sample(1, SHORT, click=2)]), 3, "sample_skeleton_train.csv:1",
                          "wanted 0 or 1 as click, got '2'")
        self.assert_fails(self.convert([sample(1, SHORT, purchase="x")]), 3, "wanted 0 or 1 as purchase, got 'x'")

    def test_common_index(self):
        wanted = "wanted a common index of 16 hexadecimal digits"
        self.assert_fails(self.convert([sample(1, "abc")]), 3, "sample_skeleton_train.csv:1", wanted, "got 'abc'")
        self.assert_fails(self.convert([], common_lines=[common(SHORT), "user,feature\n"]), 3,
                          "common_features_train.csv:2", wanted, "got 'user'")

    def test_single_field_twice(self):
        run = self.convert([sample(1, SHORT, extra=[("205", 1, "1.0")])])
        self.assert_fails(run, 3, "sample_skeleton_train.csv:1", "wanted field 205 once, got it twice")

    def test_no_scenario(self):
        line = f"1,0,0,{SHORT},1,{features(('205', 7, '1.0'))}\n"
        self.assert_fails(self.convert([line]), 3, "sample_skeleton_train.csv:1", "wanted field 301, the scenario")

    def test_bytes_that_are_no_text(self):
        self.convert([])
        (self.raw / "sample_skeleton_train.csv").write_bytes(b"1,0,0,\xff\n")
        self.assert_fails(self.convert_raw("--half", "train"), 3, "sample_skeleton_train.csv:1", "plain ASCII")

    def test_usage(self):
        for options, text in ((("--valid-percent", 100), "leaves nothing to train on"), (("--half", "valid"), "--half"),
                              (("--max-length", 0), "integer of at least 1, got '0'"),
                              (("--drop-columns", "nosuch"), "--drop-columns names nosuch")):
            with self.subTest(options=options):
                self.assert_fails(self.convert_raw(*options), 2, text)


if __name__ == "__main__":
    unittest.main()
