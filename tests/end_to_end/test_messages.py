"""What a user is told when something is wrong: the exit code and the text."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.end_to_end.support import BINARY, ProgramTest, limit_file_size, planted_table, write_split

OK, USAGE, DATA, DEVICE, COMMUNICATION, OTHER = 0, 2, 3, 4, 5, 1


class MessagesTest(ProgramTest):
    def train_fails(self, code, *texts, arguments=(), name="run", **options):
        result = self.run_program("train", "--config", self.config, "--output", self.folder / name, "--threads", 1,
                                  *arguments, **options)
        self.assert_fails(result, code, *texts)
        return result

    def change(self, split="train", rows=1500, **columns):
        """Rewrites a split with some columns replaced (None: dropped)."""
        shutil.rmtree(self.data / split)
        table = planted_table(rows, 1)
        for name, values in columns.items():
            at = table.column_names.index(name)
            table = table.remove_column(at)
            if values is not None:
                table = table.add_column(at, name, values)
        write_split(self.data, split, [table])

    def rejects(self, file):
        lines = map(json.loads, (self.folder / file).read_text().splitlines())
        return sorted(((pathlib.Path(r["file"]).name, r["row"], r["column"], r["reason"], r["value"]) for r in lines))

    def test_help_and_version(self):
        for arguments in (["--help"], ["train", "--help"], ["evaluate", "--help"], ["predict", "--help"],
                          ["data", "inspect", "--help"]):
            result = self.run_program(*arguments)
            self.assertEqual(result.code, OK)
            self.assertIn("--help", result.out)
        version = self.run_program("version").out
        self.assertRegex(version, r"^polyscene \d+\.\d+\.\d+ \(CPU")
        self.assertEqual(self.run_program("--version").out, version)

    def test_commands_are_listed_and_suggested(self):
        for arguments, name, commands in (
                ([], "polyscene", ("train", "evaluate", "predict", "checkpoint", "export", "score", "data", "version")),
                (["checkpoint"], "polyscene checkpoint", ("inspect", "verify", "compact", "convert", "diff")),
                (["data"], "polyscene data", ("inspect", "rewrite"))):
            with self.subTest(arguments):
                bare = self.run_program(*arguments)
                self.assert_fails(bare, USAGE, f'polyscene: wanted a command after "{name}"\n')
                for command in commands:
                    self.assertRegex(bare.err, rf"\n  {command} +[A-Z]")
                self.assertLessEqual(max(map(len, bare.err.splitlines())), 80)
        for arguments, said in (
                (["trian"], 'polyscene has no command "trian"; did you mean "train"?'),
                (["zzz"], 'polyscene has no command "zzz"; there are train, evaluate, predict, checkpoint, export, score, data, '
                 'version'),
                (["checkpoint", "inspct", "x"], 'polyscene checkpoint has no command "inspct"; did you mean "inspect"?'),
                (["--verison"], 'polyscene has no option --verison; did you mean "--version"?'),
                (["train", "--confg", "x"], 'polyscene train has no option --confg; did you mean "--config"?'),
                (["evaluate", "--run", "x", "--jsn=1"], 'polyscene evaluate has no option --jsn; did you mean "--json"?'),
                (["evaluate", "--run", "x", "valid"], 'polyscene evaluate takes no argument "valid"; options begin'),
                (["score", "--model", "x"], "--input is required\nsee polyscene score --help")):
            with self.subTest(arguments):
                self.assert_fails(self.run_program(*arguments), USAGE, f"polyscene: {said}")

    def test_usage(self):
        self.assert_fails(self.run_program("train", "--config", self.config), USAGE, "--output is required")
        self.assert_fails(self.run_program("evaluate", "--run", self.folder, "--split", "tset"), USAGE, "train, valid or test",
                          "tset")
        self.train_fails(USAGE, "--transport applies to GPUs, but the model runs on the CPU; add --device cuda",
                         arguments=["--transport", "nccl"])
        self.assert_fails(self.run_program("evaluate", "--run", self.folder), USAGE, "holds no model/dense.safetensors")

    def test_folders_that_are_not_there(self):
        (self.folder / "frist").mkdir()
        for command, code in ((["train", "--resume"], USAGE), (["evaluate", "--run"], USAGE),
                              (["predict", "--output", "p", "--run"], USAGE), (["export", "--output", "e", "--run"], USAGE),
                              (["checkpoint", "inspect"], USAGE), (["checkpoint", "verify"], USAGE),
                              (["score", "--output", "p", "--input", self.data / "test/part-00000.parquet", "--model"], DATA)):
            with self.subTest(command[0]):
                self.assert_fails(self.run_program(*command, self.folder / "first"), code,
                                  f'there is no folder {self.folder}/first; did you mean "{self.folder}/frist"?\n')
                self.assert_fails(self.run_program(*command, self.config), code, f"{self.config} is not a folder\n")

    def test_outputs_whose_folder_is_not_there(self):
        self.train()
        output = self.folder / "none/p.parquet"
        made = f"No such file or directory; there is no folder {self.folder}/none: make it first, or choose another place\n"
        self.assert_fails(self.run_program("predict", "--run", self.folder / "run", "--output", output), DATA,
                          f"[data] cannot write predictions to {output}: {made}")

    def test_configuration_of_a_model_that_was_cut(self):
        self.train("run", "--set", "train.checkpoint.every_steps=20")
        run = self.folder / "run"
        commands = {"evaluate": ["--run", run], "predict": ["--run", run, "--output", self.folder / "p.parquet"],
                    "export": ["--run", run, "--output", self.folder / "served"]}
        self.assertEqual(self.run_program("export", *commands["export"]).code, OK)
        for cut, said, command in (
                (run / "model/config.pbtxt", f"{run}/models/", commands),
                (sorted(run.glob("checkpoints/*/config.pbtxt"))[-1], f"{run}/checkpoints/", {"train": ["--resume", run]}),
                (self.folder / "served/1/config.pbtxt", f"{self.folder}/served/1/config.pbtxt: wanted ",
                 {"score": ["--model", self.folder / "served/1", "--input", self.data / "test/part-00000.parquet",
                            "--output", self.folder / "p.parquet"]})):
            whole = cut.read_bytes()
            for bytes_ in (0, len(whole) // 2):
                cut.write_bytes(whole[:bytes_])
                for name, arguments in command.items():
                    with self.subTest(command=name, bytes=bytes_):
                        self.assert_fails(self.run_program(name, *arguments), DATA, said, f"{bytes_}", f"{len(whole)}")
            cut.write_bytes(whole)

    def test_configuration(self):
        self.config.write_text(self.config.read_text().replace("batch_size", "batch_sise"))
        self.train_fails(USAGE, "planted.pbtxt:", "batch_sise", "batch_size")
        self.config.unlink()
        self.train_fails(USAGE, "planted.pbtxt")

    def test_override(self):
        self.train_fails(USAGE, "train.batch_sise", "batch_size", arguments=["--set", "train.batch_sise=3"])

    def test_output_folder_with_a_run(self):
        self.train()
        self.train_fails(USAGE, "already holds a run", "--overwrite")
        self.train("run", "--overwrite")
        completed = self.run_program("train", "--config", self.config, "--output", f"{self.folder}/run/", "--overwrite")
        self.assertEqual(completed.code, OK, completed.text)  # with the slash that a shell adds
        self.train_fails(DATA, "nothing", arguments=["--overwrite", "--set", "data.train_files=nothing/*.parquet"])
        self.assertTrue((self.folder / "run/model/dense.safetensors").exists())  # a mistake does not cost the earlier run
        (self.folder / "run/config.pbtxt").unlink()
        self.train_fails(USAGE, "already holds a run")
        self.assert_fails(self.run_program("train", "--config", self.config, "--output", ""), USAGE, "empty name")
        (self.folder / "other").mkdir()
        (self.folder / "other/thesis.tex").write_text("precious")
        self.train_fails(USAGE, "holds other files", "thesis.tex", name="other", arguments=["--overwrite"])
        self.assertTrue((self.folder / "other/thesis.tex").exists())

    def test_output_folder_that_cannot_be_made(self):
        (self.folder / "file").write_text("")
        self.train_fails(DATA, f"[run] cannot make the folder {self.folder}/file/run: Not a directory; choose another place\n",
                         name="file/run")

    def test_missing_files(self):
        shutil.rmtree(self.data / "train")
        self.train_fails(DATA, "train/*.parquet")

    def test_a_folder_where_files_are_wanted(self):
        for split, patterns in (("train", "train"), ("train", "train/part-00000.parquet,train"), ("valid", "vali*")):
            said = f'[data] "{self.data}/{split}" is a folder, wanted a Parquet file; write "{self.data}/{split}/*.parquet" in the'
            setting = ["--set", f"data.{split}_files={patterns}"]
            self.train_fails(DATA, said, arguments=setting)
            self.assert_fails(self.run_program("data", "inspect", "--config", self.config, "--split", split, *setting), DATA, said)

    def test_a_split_without_files_names_another(self):
        self.train("run", "--set", "data.test_files=")
        run = self.folder / "run"
        empty = "[data] wanted files of split test, but data.test_files is empty; try --split valid\n"
        gone = 'check the pattern and data.root; try --split valid\n'
        for command in (["evaluate", "--run", run], ["predict", "--run", run, "--output", self.folder / "p.parquet"],
                        ["export", "--run", run, "--output", self.folder / "served", "--split", "test"],
                        ["data", "inspect", "--config", self.config, "--split", "test", "--set", "data.test_files="]):
            with self.subTest(command[0]):
                result = self.run_program(*command)
                self.assert_fails(result, result.code, empty)
                self.assertIn(result.code, (USAGE, DATA))
                self.assert_fails(self.run_program(*command, "--set", "data.test_files=later/*.parquet"), DATA, gone)
        self.assertNotIn("--split", self.train_fails(DATA, "no file matches", name="other",
                                                     arguments=["--set", "data.train_files=later/*.parquet"]).err)

    def test_missing_and_wrong_columns(self):
        self.change(item=None)
        self.train_fails(DATA, "item", "part-00000.parquet")
        self.change(item=pa.array([1.5] * 1500))
        self.train_fails(DATA, "item", "double", name="run2")

    def test_truncated_and_foreign_files(self):
        part = self.data / "train/part-00000.parquet"
        whole = part.read_bytes()
        part.write_bytes(whole[:len(whole) // 2])
        self.train_fails(DATA, "part-00000.parquet")
        part.write_bytes(b"id,click\n1,0\n")
        self.train_fails(DATA, "part-00000.parquet", name="run2")

    def prices(self, rows, bad):
        prices = np.full(rows, 3.0)
        prices[bad] = np.nan
        return pa.array(prices)

    def test_bad_records_stop_the_job_past_the_configured_share(self):
        self.change(price=self.prices(1500, [7, 8, 9]))
        self.change("valid", 500, price=self.prices(500, [1]))
        tolerant = ["--set", "data.max_bad_share=0.01", "--set", "train.min_tail_share=0"]
        result = self.train("tolerant", "--set", "train.epochs=3", *tolerant)
        rejects = self.folder / "tolerant/rejects"
        self.assertIn(f"first epoch: 3 of 1500 records read were bad and left out, see {rejects}\n", result.out)
        self.assertIn(f"validation: 1 of 500 records read were bad and left out, see {rejects}\n", result.out)
        said = ("price", "NaN, but not nullable", "nan")
        self.assertEqual(self.rejects("tolerant/rejects/train-rank0.jsonl"),
                         [("part-00000.parquet", row, *said) for row in (7, 8, 9)])
        self.assertEqual(self.rejects("tolerant/rejects/valid-rank0.jsonl"), [("part-00000.parquet", 1, *said)])
        self.train_fails(DATA, "rows read in this epoch of split train are bad, a share of 0.00", "data.max_bad_share allows 0.001",
                         'part-00000.parquet" row 8, column "price": NaN, but not nullable, got nan',
                         arguments=["--set", "data.max_bad_share=0.001"])
        with self.subTest("a split that is read once and shorter than the reader judges on its way"):
            self.change(rows=500, price=self.prices(500, [1, 2]))
            self.train_fails(DATA, " rows read in this epoch", name="short", arguments=["--set", "data.max_bad_share=0.002"])

        self.change("test", 500, price=self.prices(500, [3, 4]))
        run = self.folder / "tolerant"
        score = ["--run", run, "--local-ranks", 2]
        with self.subTest("evaluate"):
            table = self.run_program("evaluate", *score)
            self.assertIn("split test: 2 of 500 records read were bad and left out, --rejects DIR lists them\n", table.out)
            records = self.evaluate("tolerant", "test", "--rejects", self.folder / "bad", "--local-ranks", 2)["records"]
            self.assertEqual((records["read"], records["bad"], records["rejects"]), (500, 2, str(self.folder / "bad")))
            listed = [self.rejects(f"bad/{file.name}") for file in (self.folder / "bad").iterdir()]
            self.assertEqual(sorted(sum(listed, [])), [("part-00000.parquet", row, *said) for row in (3, 4)])
            self.evaluate("tolerant", "test", "--rejects", self.folder / "bad")  # by one rank
            self.assertEqual([file.name for file in (self.folder / "bad").iterdir()], ["test-rank0.jsonl"])
        with self.subTest("predict"):
            result = self.run_program("predict", *score, "--output", self.folder / "p.parquet", "--rejects", self.folder / "b")
            self.assertIn("498 rows written", result.out)
            self.assertIn(f"split test: 2 of 500 records read were bad and left out, see {self.folder}/b\n", result.out)
        with self.subTest("nowhere to list them"):
            (self.folder / "file").write_text("")
            self.assert_fails(self.run_program("evaluate", *score, "--rejects", self.folder / "file/bad"), DATA,
                              f"cannot make the folder {self.folder}/file/bad: Not a directory; choose another place")

    def test_nulls_and_labels(self):
        self.change(item=pa.array([None] * 1500, pa.int64()))
        self.train_fails(DATA, 'part-00000.parquet" row ', ', column "item": null, but not nullable, got null',
                         "\nNulls are a value of their own with nullable: true in data.feature[item].categorical.\n")
        self.change(click=pa.array([2] * 1500, pa.int8()))
        self.train_fails(DATA, 'part-00000.parquet" row ', ', column "click": label outside {0, 1}, got 2', name="run2")

    def test_ids_out_of_the_declared_range(self):
        items = np.arange(1500) % 60
        items[[20, 1400]] = [60, -1]
        self.change(item=pa.array(items))
        result = self.train("run", "--set", "data.feature[item].categorical={min_id: 0 max_id: 59}", "--set",
                            "data.max_bad_share=0.01", "--set", "train.min_tail_share=0")
        self.assertIn("first epoch: 2 of 1500 records read were bad and left out", result.out)
        self.assertEqual(self.rejects("run/rejects/train-rank0.jsonl"),
                         [("part-00000.parquet", 20, "item", "id outside [0, 59]", "60"),
                          ("part-00000.parquet", 1400, "item", "id outside [0, 59]", "-1")])

    def test_a_reject_file_that_cannot_be_created(self):
        self.train()
        (self.folder / "bad/test-rank0.jsonl").mkdir(parents=True)
        result = self.run_program("evaluate", "--run", self.folder / "run", "--rejects", self.folder / "bad")
        self.assert_fails(result, USAGE, f"wanted to write the list of bad records to {self.folder}/bad/test-rank0.jsonl, which exists "
                          "and is not such a list; choose another folder for --rejects")

    def test_what_is_cut_or_dropped_is_counted(self):
        settings = ["--set", "data.feature[tags].bag.max_length=1", "--set", "train.batch_size=1000"]
        out = self.train("run", "--set", "train.epochs=3", *settings).out  # 2,400 rows, counted once
        tables = [pq.read_table(part) for part in sorted((self.data / "train").iterdir())]
        lengths = {name: np.concatenate([[len(row) for row in table[name].to_pylist()] for table in tables])
                   for name in ("history_item", "tags")}
        cut = int((lengths["history_item"] > 8).sum()), int((lengths["tags"] > 1).sum())
        self.assertIn("first epoch: 400 records were dropped, too few for a last batch", out)
        for count, text in zip(cut, ("sequences were longer than max_length and kept their newest behaviours",
                                     "bags were longer than max_length and kept their heaviest ids")):
            found = int(re.search(rf"first epoch: (\d+) {text}", out)[1])
            self.assertTrue(count - 400 <= found <= count, (found, count))  # those of the 2,000 rows that were read
        inspected = self.run_program("data", "inspect", "--config", self.config, *settings).out
        self.assertIn("cut to max_length: %d sequences, %d bags\n" % cut, inspected)
        self.assertIn("dropped in every epoch: 400 rows, less than train.min_tail_share 0.5 of a batch of 1000\n", inspected)

    def test_a_scenario_feature_without_its_column_is_said(self):
        note = ("data.scenario_column is not set, so all rows are one scenario and S-GAUC is the AUC; feature \"scene\" has "
                "role SCENARIO: try --set data.scenario_column=scene\n")
        self.assertNotIn("S-GAUC is the AUC", self.train("told").out)
        self.assertIn(note, self.train("run", "--set", "data.scenario_column=").out)
        self.assertIn(note, self.run_program("evaluate", "--run", self.folder / "run").out)

    def test_a_scenario_never_seen_in_training_is_evaluated(self):
        self.train()
        scenarios = {entry["scenario"] for entry in self.evaluate()["scenarios"]}
        self.assertIn(3, scenarios)  # the planted test split has one scenario more

    def test_a_scenario_that_is_not_in_the_files(self):
        told = ('[data] no row of split %s has %s of data.only_scenarios in column "scene"; polyscene data inspect shows the '
                "scenarios of the files")
        for ranks in (1, 2):
            self.train_fails(DATA, told % ("train", "7, 8"),
                             arguments=["--set", "data.only_scenarios=7,8", "--local-ranks", ranks, "--overwrite"])
        result = self.train("run", "--overwrite", "--set", "data.only_scenarios=1,8")
        for split in ("train", "valid"):
            self.assertIn(told % (split, "8"), result.text)
        self.assert_fails(self.run_program("evaluate", "--run", self.folder / "run", "--set", "data.only_scenarios=8"), DATA,
                          told % ("test", "8"))

    def test_scenarios_as_data_inspect_shows_them(self):
        for split, seed in (("train", 1), ("valid", 2)):
            table = planted_table(500, seed)
            flags = pa.array(table["scene"].to_numpy() > 0)
            shutil.rmtree(self.data / split)
            write_split(self.data, split, [table.append_column("flag", flags)])
        setting = ["--set", "data.scenario_column=flag"]
        shown = self.run_program("data", "inspect", "--config", self.config, *setting).out
        for value in ("true", "false"):
            self.assertRegex(shown, rf"(?m)^\s*{value}\s")
            out = self.train(value, *setting, "--set", f"data.only_scenarios={value}").out
            self.assertRegex(out, r"first epoch: \d+ rows of other scenarios")

    def test_no_good_row(self):
        bad = pa.array([float("inf")] * 500)
        self.change(rows=500, price=bad)
        tolerant = ["--set", "data.max_bad_share=1"]
        self.train_fails(DATA, "[train] nothing was trained: of the rows of 8 steps 500 were bad and 0 of other scenarios",
                         f"see {self.folder}/bad/rejects", arguments=tolerant, name="bad")
        self.assertFalse((self.folder / "bad/model").exists())  # nor by the evaluation at the end of the epoch
        self.change(rows=500)
        self.train("run", *tolerant)
        self.change("test", 500, price=bad)
        score = ["--run", self.folder / "run", "--local-ranks", 2]
        told = "[data] split test has no row to score: 500 were bad, --rejects DIR lists them, and 0 of other scenarios"
        self.assert_fails(self.run_program("evaluate", *score), DATA, told)
        self.assert_fails(self.run_program("predict", *score, "--output", self.folder / "p.parquet"), DATA, told)
        self.assertFalse((self.folder / "p.parquet").exists())
        exported = self.run_program("export", "--run", self.folder / "run", "--output", self.folder / "export")
        self.assertEqual(exported.code, OK, exported.text)
        file = self.data / "test/part-00000.parquet"
        self.assert_fails(self.run_program("score", "--model", self.folder / "export", "--input", file), DATA,
                          f"[data] {file} has no row to score: 500 were bad")

    def test_ids_of_another_kind(self):
        self.train()
        run, texts = self.folder / "run", pa.array([str(v) for v in planted_table(500, 1)["user"].to_pylist()])
        self.change("valid", 500, user=texts)
        self.change("test", 500, user=texts)
        file = f'{self.data}/test/part-00000.parquet'
        self.train_fails(DATA, 'wanted ids of one kind for table "user", but column "user" of ', 'part-00000.parquet" has int64, '
                         f'and column "user" of "{self.data}/valid/part-00000.parquet" has string', name="new")
        trained = f'table "user", but the model was trained with integers, and column "user" of "{file}" has string'
        self.assert_fails(self.run_program("evaluate", "--run", run), DATA, trained)
        self.assert_fails(self.run_program("predict", "--run", run, "--output", self.folder / "p.parquet"), DATA, trained)
        exported = self.run_program("export", "--run", run, "--output", self.folder / "export", "--split", "train")
        self.assertEqual(exported.code, OK, exported.text)
        self.assert_fails(self.run_program("score", "--model", self.folder / "export", "--input", file), DATA, trained)

        for split in ("train", "valid"):  # the same configuration trains a model of texts, which takes no rows of the first
            self.change(split, 500, user=texts)
        config = ["--config", run / "config.pbtxt", "--threads", 1]
        self.assert_fails(self.run_program("train", *config, "--output", self.folder / "warm", "--set",
                                           f"train.warm_start.from={run}"), DATA,
                          f'for table "user", but the training files have strings, and {run}/model', " was trained with integers")
        completed = self.run_program("train", *config, "--output", self.folder / "texts")
        self.assertEqual(completed.code, OK, completed.text)
        self.evaluate("texts")

    def test_models_that_say_nothing_of_their_ids(self):
        self.train()
        config = self.folder / "run/model/config.pbtxt"
        config.write_text(re.sub(r"id_kind \{[^}]*\}", "", config.read_text()))
        self.assertNotIn("id_kind", config.read_text())
        (self.folder / "run/model/files.pbtxt").unlink()  # programs that said nothing of ids wrote no hashes either
        self.evaluate("run")

    def test_columns_of_nulls_alone(self):
        table = planted_table(300, 5)
        nulls = {"price": pa.nulls(300), "tags": pa.array([[]] * 300), "tag_weights": pa.array([[]] * 300),
                 "history_item": pa.nulls(300), "history_scene": pa.nulls(300)}
        for name, values in nulls.items():
            table = table.set_column(table.column_names.index(name), name, values)
        pq.write_table(table, self.data / "train/part-9.parquet")
        pq.write_table(pa.table({"user": pa.nulls(0)}), self.data / "train/part-99.parquet")  # holds nothing
        out = self.train("run", "--set", "data.feature[price].number.nullable=true").out
        self.assertIn("2700 rows", out)
        self.assertNotIn("bad", out)

    def test_what_patterns_match(self):
        for command in (["data", "inspect"], ["train", "--output", self.folder / "run"]):
            result = self.run_program(*command, "--config", self.config, "--set", "data.train_files=train")
            self.assert_fails(result, DATA, f'[data] "{self.data}/train" is a folder, wanted a Parquet file; write '
                              f'"{self.data}/train/*.parquet" in the configuration')
            result = self.run_program(*command, "--config", self.config, "--set", "data.valid_files=train/*.parquet")
            self.assert_fails(result, USAGE, "is in data.train_files, by \"train/*.parquet\", and in data.valid_files")
        deep = self.data / "train/a/b"
        deep.mkdir(parents=True)
        pq.write_table(planted_table(100, 7), deep / "part.parquet")
        self.assertIn("2500 rows", self.train("run", "--set", "data.train_files=train/**/*.parquet").out)

    def test_too_few_rows_for_a_batch(self):
        self.train_fails(DATA, "less than min_tail_share 0.5 of one batch of 100000", arguments=["--set", "train.batch_size=100000"])

    def test_a_device_that_is_not_there(self):
        # With CUDA_VISIBLE_DEVICES empty there is none, whatever the machine has and the program was built with.
        for command in ([], ["--local-ranks", "2"]):
            self.train_fails(DEVICE, "[device] wanted a CUDA device, but ", "--device cpu",
                             arguments=["--device", "cuda", *command], env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
        self.train_fails(USAGE, "--device", "cpu", "cuda", arguments=["--device", "gpu"])

    def test_more_ranks_than_lanes(self):
        self.train_fails(USAGE, "data.lanes", arguments=["--local-ranks", "4", "--set", "data.lanes=2"])

    def test_a_loss_that_is_not_finite_names_the_tensor(self):
        arguments = ["--set", "train.optimizer.learning_rate=1e30", "--set", "train.optimizer.kind=SGD"]
        self.train_fails(OTHER, "is not finite", "lower learning rate", arguments=arguments)
        self.train_fails(OTHER, "is not finite", "#", "its inputs", name="run2",
                  arguments=arguments + ["--set", "train.debug_finite=true"])

    def test_output_that_nobody_can_read(self):
        self.train("run", "--set", "train.checkpoint.every_steps=20")
        run = self.folder / "run"
        self.run_program("export", "--run", run, "--output", self.folder / "export")
        commands = (["--help"], ["version"], ["train", "--help"], ["data", "inspect", "--config", self.config],
                    ["evaluate", "--run", run], ["evaluate", "--run", run, "--json"],
                    ["predict", "--run", run, "--output", self.folder / "p.parquet"], ["checkpoint", "inspect", run],
                    ["checkpoint", "verify", run], ["checkpoint", "diff", run, run], ["checkpoint", "compact", run],
                    ["score", "--model", self.folder / "export", "--input", self.data / "test/part-00000.parquet"],
                    ["train", "--config", self.config, "--output", self.folder / "other"])
        for command in commands:
            with self.subTest(command):
                with open("/dev/full", "w") as full:
                    done = subprocess.run([BINARY, *map(str, command)], stdout=full, stderr=subprocess.PIPE, text=True)
                self.assertEqual(done.returncode, DATA, done.stderr)
                self.assertIn("[launcher] cannot write to standard output: No space left on device; the output "
                              "is incomplete", done.stderr)
        self.assertTrue((self.folder / "other/model/dense.safetensors").exists())  # what is lost is what was said

    def test_full_disk(self):
        for size, file in ((300, "config.pbtxt"), (20000, "models/step-0000000038.partial/dense.safetensors")):
            with self.subTest(size):
                result = self.run_program("train", "--config", self.config, "--output", self.folder / f"run{size}",
                                          "--threads", 1, preexec_fn=limit_file_size(size))
                self.assert_fails(result, DATA, f"{self.folder}/run{size}/{file}: File too large; ", "raise ulimit -f")
                self.assertRegex(result.text, r"cannot write \d+ bytes to |cannot write .*; wanted \d+ bytes, wrote 20000;")
                self.assertEqual(list((self.folder / f"run{size}").rglob("*.partial")), [])
        self.assertRegex(result.out, r"model of step 38 not saved, training continues: .*; wanted \d+ bytes, wrote 20000;")

    def test_full_disk_at_an_export(self):
        self.train()
        export = ["export", "--run", self.folder / "run", "--output", self.folder / "served", "--format", "onnx,triton"]
        for size, file in ((20000, "dense.safetensors"), (50000, "onnx/model.onnx")):
            with self.subTest(file):
                result = self.run_program(*export, preexec_fn=limit_file_size(size))
                self.assert_fails(result, DATA, f"/{file}: File too large; ", f"wrote {size}; ", "raise ulimit -f")
                self.assertEqual(list((self.folder / "served").glob("[0-9]*")), [])

    def test_more_memory_than_there_is(self):
        layers = ",".join(["65536"] * 100)  # 1.7 TB
        self.train_fails(DEVICE, "wanted 17", "bytes of host memory, the system has none left; try a smaller batch",
                         arguments=["--set", f"model.head={layers}"])

    def test_a_table_that_no_host_holds(self):
        # SFPNet of this dim would fill gigabytes of parameters before its tables.
        for bound, said in ((10**8, '[embedding.table] table "user" with max_rows 100000000 wanted memory for '),
                            (10**15, '[embedding.table] table "user" with max_rows 1000000000000000 wanted 1000000000000000 rows')):
            result = self.train_fails(DEVICE, said, "try a smaller max_rows, or more ranks", name=f"run{bound}", arguments=[
                "--set", "model={head: 8 mlp {}}", "--set", f"embedding={{dim: 4096 partitions: 1 table {{ name: \"user\" max_rows: {bound} }} }}"])
            self.assertNotIn("batch", result.err)

    def test_a_current_folder_that_is_gone(self):
        gone = self.folder / "gone"
        gone.mkdir()

        def enter():
            os.chdir(gone)
            gone.rmdir()

        self.train_fails(DATA, "cannot use the current folder: No such file or directory", arguments=["--set", "data.root=x"],
                         preexec_fn=enter)

    def test_processes_that_no_mpi_joins(self):
        for environment, processes in (({"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "0"}, "2 processes"),
                                       ({"PMI_RANK": "0", "PMI_SIZE": "2"}, "2 processes"),
                                       ({"PMIX_RANK": "1"}, "2 or more processes")):
            with self.subTest(environment):
                self.train_fails(USAGE, f"wanted an MPI job of the {processes} ", "got one process",
                                 "mpirun or srun --mpi=pmix", env=os.environ | environment)
                self.assertFalse((self.folder / "run").exists())

    def test_model_of_another_configuration(self):
        self.train()
        run = self.folder / "run"
        result = self.run_program("evaluate", "--run", run, "--set", "model.sfpnet.blocks=3")
        self.assert_fails(result, DATA, "sfpnet/stb2")
        result = self.run_program("evaluate", "--run", run, "--set", "embedding.dim=4")
        self.assert_fails(result, DATA, "shape")
        (run / "model/tables/item-00000-of-00001.safetensors").unlink()
        self.assert_fails(self.run_program("evaluate", "--run", run), DATA, f"{run / os.readlink(run / 'model')} is damaged:",
                          "item-00000-of-00001.safetensors is missing", "restore it from a copy")
        # An earlier program listed no files.
        (run / "model/files.pbtxt").unlink()
        self.assert_fails(self.run_program("evaluate", "--run", run), DATA, 'table "item"', "item-")

    def test_damaged_model_file(self):
        self.train()
        dense = self.folder / "run/model/dense.safetensors"
        dense.write_bytes(dense.read_bytes()[:-10])
        self.assert_fails(self.run_program("evaluate", "--run", self.folder / "run"), DATA, "dense.safetensors")
        dense.write_bytes(b"\xff" * 100)
        self.assert_fails(self.run_program("evaluate", "--run", self.folder / "run"), DATA, "dense.safetensors")

    def test_score_speaks_of_its_input(self):
        self.train()
        served = self.folder / "served"
        self.assertEqual(self.run_program("export", "--run", self.folder / "run", "--output", served).code, OK)
        part, odd = self.data / "test/part-00000.parquet", self.folder / "a[1]*?.parquet"

        def score(file, code, *texts):
            result = self.run_program("score", "--model", served, "--input", file)
            self.assert_fails(result, code, *texts)
            self.assertNotIn("test_files", result.text)
            self.assertNotIn("split test", result.text)

        score(self.folder / "gone.parquet", DATA, f'[launcher] --input: cannot open "{self.folder}/gone.parquet": No such file')
        score(self.data / "test", DATA, f'[launcher] --input: "{self.data}/test" is a folder, wanted one Parquet file')
        shutil.copy(part, odd)
        score(odd, OK, f"400 rows of {odd} scored")
        pq.write_table(planted_table(0, 1), odd)
        score(odd, DATA, f"[data] --input {odd} holds no rows")
        self.change("test", 500, price=self.prices(500, range(100)))
        score(part, DATA, f"rows read of --input {part} are bad, a share of 0.2; data.max_bad_share allows 0.001",
              "Correct the file, or export with another data.max_bad_share.", "nullable: true in data.feature[price].number")
        part.write_bytes(b"id\n1\n")
        score(part, DATA, f'"{part}" is not a Parquet file')

    def test_one_flipped_bit_of_a_model_or_an_export(self):
        self.train()
        run, served, file = self.folder / "run", self.folder / "served", self.data / "test/part-00000.parquet"
        self.assertEqual(self.run_program("export", "--run", run, "--output", served).code, 0)
        predictions = self.folder / "p.parquet"
        readers = [("evaluate", "--run", run), ("predict", "--run", run, "--output", predictions),
                   ("export", "--run", run, "--output", self.folder / "more"), ("checkpoint", "verify", run / "model"),
                   ("checkpoint", "inspect", run / "model"), ("checkpoint", "diff", run / "model", run / "model")]
        result = self.run_program("checkpoint", "verify", run / "model")
        self.assertEqual((result.code, result.out), (0, f"{run / os.readlink(run / 'model')}: all files are as they were written\n"))

        def flip(path, at):
            data = bytearray(path.read_bytes())
            data[at] ^= 0x40
            path.write_bytes(data)

        model = run / os.readlink(run / "model")
        for path, tensor in ((model / "dense.safetensors", 'tensor "'),
                             (model / "tables/item-00000-of-00001.safetensors", 'tensor "values"')):
            flip(path, -5)
            for reader in readers:
                result = self.run_program(*reader)
                self.assertEqual(result.code, DATA, result.text)
                self.assertIn(f"{path} does not have the hash that it was written with: {tensor}", result.text)
            flip(path, -5)
        self.assertFalse(predictions.exists())
        self.assertFalse((self.folder / "more/1").exists())

        score = ("score", "--model", served, "--input", file)
        result = self.run_program(*score)
        self.assertIn("rows of the tables were not compared with their hashes; --verify does\n", result.out)
        self.assertNotIn("not compared", self.run_program(*score, "--verify").out)
        flip(served / "1/dense.safetensors", -5)
        self.assert_fails(self.run_program(*score), DATA, "1/dense.safetensors is not what was exported: its checksum differs")
        flip(served / "1/dense.safetensors", -5)
        flip(served / "1/tables/item.rows", -5)
        self.assert_fails(self.run_program(*score), DATA, "1/tables/item.rows: the index of its rows is not what was written")
        flip(served / "1/tables/item.rows", -5)
        flip(served / "1/tables/item.rows", 200)
        self.assertEqual(self.run_program(*score).code, 0)
        self.assert_fails(self.run_program(*score, "--verify"), DATA, "1/tables/item.rows is not what was exported")

        # What an earlier program wrote is read with a word.
        description = served / "1/export.json"
        description.write_text(re.sub(r'\n  "xxh3": "[0-9a-f]{16}",', "", description.read_text(), count=1))
        self.assertIn("1: an earlier version of Polyscene exported it without a hash of export.json; damage "
                      "there is not detected when it is opened\n",
                      self.run_program(*score).out)
        (run / "model/files.pbtxt").unlink()
        result = self.run_program("evaluate", "--run", run)
        self.assertEqual(result.code, 0, result.text)
        self.assertEqual(result.err, f"polyscene: warning: [checkpoint] {model} has no hashes, since an earlier version of "
                         "Polyscene wrote it: damage to its values is not detected\n")
        self.assert_fails(self.run_program("checkpoint", "verify", run / "model"), DATA, f"{model} has no hashes",
                          "models that this version saves have hashes")
        self.assert_fails(self.run_program("train", "--resume", run / "model"), 2, "is a model, which has no optimiser state to resume from")

    def test_data_inspect(self):
        result = self.run_program("data", "inspect", "--config", self.config)
        self.assertEqual(result.code, OK, result.text)
        for text in ("2400", "item", "history", "price", "scene", "click"):
            self.assertIn(text, result.out)
        self.assertLessEqual(max(map(len, result.out.splitlines())), 80)
        prices = np.concatenate([pq.read_table(part)["price"].to_numpy() for part in (self.data / "train").iterdir()])
        block = re.search(r'feature "price": column "price", double\n    2400 distinct, (\S+) to (\S+), mean (\S+),\s+standard '
                          r"deviation (\S+)\n    1 % (\S+), 25 % (\S+), median (\S+), 75 % (\S+), 99 % (\S+)\n", result.out)
        wanted = [prices.min(), prices.max(), prices.mean(), prices.std(), *np.quantile(prices, [0.01, 0.25, 0.5, 0.75, 0.99])]
        np.testing.assert_allclose([float(x) for x in block.groups()], wanted, rtol=1e-4)
