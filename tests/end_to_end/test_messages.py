"""What a user is told when something is wrong: the exit code and the text."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.end_to_end.support import ProgramTest, limit_file_size, planted_table, write_split

OK, USAGE, DATA, OTHER = 0, 2, 3, 1


class MessagesTest(ProgramTest):
    def train_fails(self, code, *texts, arguments=(), name="run", **options):
        result = self.run_program("train", "--config", self.config, "--output", self.folder / name, "--threads", 1,
                                  *arguments, **options)
        self.assert_fails(result, code, *texts)
        return result

    def change(self, **columns):
        """Rewrites the training split with some columns replaced (None: dropped)."""
        shutil.rmtree(self.data / "train")
        table = planted_table(1500, 1)
        for name, values in columns.items():
            at = table.column_names.index(name)
            table = table.remove_column(at)
            if values is not None:
                table = table.add_column(at, name, values)
        write_split(self.data, "train", [table])

    def test_help_and_version(self):
        for arguments in (["--help"], ["train", "--help"], ["evaluate", "--help"], ["predict", "--help"],
                          ["data", "inspect", "--help"]):
            result = self.run_program(*arguments)
            self.assertEqual(result.code, OK)
            self.assertIn("--help", result.out)
        self.assertRegex(self.run_program("version").out, r"polyscene \d+\.\d+\.\d+")

    def test_usage(self):
        self.assert_fails(self.run_program(), USAGE, "subcommand is required")
        self.assert_fails(self.run_program("trian"), USAGE, "trian")
        self.assert_fails(self.run_program("train", "--config", self.config), USAGE, "--output is required")
        self.assert_fails(self.run_program("evaluate", "--run", self.folder, "--split", "tset"), USAGE, "train, valid or test",
                          "tset")
        self.assert_fails(self.run_program("evaluate", "--run", self.folder / "nowhere"), USAGE,
                          "holds no model/dense.safetensors")

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
        self.train_fails(DATA, "cannot make the folder", name="file/run")

    def test_missing_files(self):
        shutil.rmtree(self.data / "train")
        self.train_fails(DATA, "train/*.parquet")

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

    def test_bad_records_stop_the_job_past_the_configured_share(self):
        prices = np.full(1500, 3.0)
        prices[[7, 8, 9]] = np.nan
        self.change(price=pa.array(prices))
        result = self.train("tolerant", "--set", "data.max_bad_share=0.01")
        self.assertIn("3 bad records were left out", result.out)
        rejects = [json.loads(line) for line in (self.folder / "tolerant/rejects/train-rank0.jsonl").read_text().splitlines()]
        self.assertEqual(sorted(r["row"] for r in rejects), [7, 8, 9])
        self.assertTrue(all(r["column"] == "price" and "part-00000.parquet" in r["file"] for r in rejects), rejects)
        self.train_fails(DATA, "max_bad_share", arguments=["--set", "data.max_bad_share=0.001"])

    def test_nulls_and_labels(self):
        self.change(item=pa.array([None] * 1500, pa.int64()))
        self.train_fails(DATA, "item", "null")
        self.change(click=pa.array([2] * 1500, pa.int8()))
        self.train_fails(DATA, "click", "0", "1", name="run2")

    def test_long_sequences_keep_the_newest_and_are_counted(self):
        self.assertIn("sequences were longer than max_length", self.train().out)

    def test_a_scenario_never_seen_in_training_is_evaluated(self):
        self.train()
        scenarios = {entry["scenario"] for entry in self.evaluate()["scenarios"]}
        self.assertIn(3, scenarios)  # the planted test split has one scenario more

    def test_a_scenario_that_is_not_in_the_files(self):
        self.train_fails(DATA, "[train] none of the rows of 38 steps is of a scenario in data.only_scenarios (7, 8); "
                         "polyscene data inspect shows the scenarios of the files",
                         arguments=["--set", "data.only_scenarios=7,8"])

    def test_too_few_rows_for_a_batch(self):
        self.train_fails(DATA, "less than min_tail_share 0.5 of one batch of 100000", arguments=["--set", "train.batch_size=100000"])

    def test_more_ranks_than_lanes(self):
        self.train_fails(USAGE, "data.lanes", arguments=["--local-ranks", "4", "--set", "data.lanes=2"])

    def test_a_loss_that_is_not_finite_names_tensor_and_rank(self):
        arguments = ["--set", "train.optimizer.learning_rate=1e30", "--set", "train.optimizer.kind=SGD"]
        self.train_fails(OTHER, "is not finite", "rank 0", "lower learning rate", arguments=arguments)
        self.train_fails(OTHER, "is not finite", "#", "its inputs", name="run2",
                  arguments=arguments + ["--set", "train.debug_finite=true"])

    def test_full_disk(self):
        for size in (300, 20000):
            with self.subTest(size):
                result = self.run_program("train", "--config", self.config, "--output", self.folder / f"run{size}",
                                          "--threads", 1, preexec_fn=limit_file_size(size))
                self.assert_fails(result, DATA, "cannot write", "space")

    def test_model_of_another_configuration(self):
        self.train()
        run = self.folder / "run"
        result = self.run_program("evaluate", "--run", run, "--set", "model.sfpnet.blocks=3")
        self.assert_fails(result, DATA, "sfpnet/stb2")
        result = self.run_program("evaluate", "--run", run, "--set", "embedding.dim=4")
        self.assert_fails(result, DATA, "shape")
        (run / "model/tables/item-00000-of-00001.safetensors").unlink()
        self.assert_fails(self.run_program("evaluate", "--run", run), DATA, 'table "item"', "item-")

    def test_damaged_model_file(self):
        self.train()
        dense = self.folder / "run/model/dense.safetensors"
        dense.write_bytes(dense.read_bytes()[:-10])
        self.assert_fails(self.run_program("evaluate", "--run", self.folder / "run"), DATA, "dense.safetensors")
        dense.write_bytes(b"\xff" * 100)
        self.assert_fails(self.run_program("evaluate", "--run", self.folder / "run"), DATA, "dense.safetensors")

    def test_predictions_to_a_folder_that_is_not_there(self):
        self.train()
        result = self.run_program("predict", "--run", self.folder / "run", "--output", self.folder / "no/where.parquet")
        self.assert_fails(result, DATA, "cannot write predictions", "where.parquet")

    def test_data_inspect(self):
        result = self.run_program("data", "inspect", "--config", self.config)
        self.assertEqual(result.code, OK, result.text)
        for text in ("2400", "item", "history", "price", "scene", "click"):
            self.assertIn(text, result.out)
