"""Names stay names: what files call scenarios, users and rows stands in metrics, predictions and scores."""

import json
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load_file

from tests.end_to_end.support import CONFIG, ProgramTest, planted_table, write_split

OK, USAGE, DATA = 0, 2, 3
SCENES = ["home", "cart/a", "推荐", "100%"]
LARGEST = 2**64 - 1


def named_table(rows, seed, first_row=0, scenes=3):
    """Scenarios and users as strings, row keys that no int64 holds, devices that some rows lack."""
    table = planted_table(rows, seed, first_row, scenes)
    columns = {name: table[name] for name in table.column_names}
    columns["scene"] = pa.array([SCENES[s] for s in table["scene"].to_pylist()])
    columns["history_scene"] = pa.array([[SCENES[s] for s in row] for row in table["history_scene"].to_pylist()])
    columns["tab"] = columns["scene"]
    columns["user"] = pa.array([f"user-{u}" for u in table["user"].to_pylist()]).dictionary_encode()
    columns["row"] = pa.array([LARGEST - r for r in table["row"].to_pylist()], pa.uint64())
    columns["device"] = pa.array([None if i % 5 == 0 else i % 7 - 3 for i in range(rows)], pa.int16())
    columns["when"] = pa.array([1_700_000_000_000_000 + i for i in range(rows)], pa.timestamp("us", "UTC"))
    columns["seen"] = pa.array([None if i % 3 else [f"s{i}", None] for i in range(rows)], pa.list_(pa.string()))
    return pa.table(columns)


class NamesTest(ProgramTest):
    def setUp(self):
        super().setUp()
        shutil.rmtree(self.data)
        write_split(self.data, "train", [named_table(700, 1), named_table(500, 2, 1500)])
        write_split(self.data, "valid", [named_table(300, 3, 10000)])
        write_split(self.data, "test", [named_table(250, 4, 20000, scenes=4), named_table(50, 5, 30000, scenes=1)], row_group=60)
        text = CONFIG.replace('group { name: "user" }', 'group { name: "user" } group { name: "device" }')
        self.config.write_text(text.replace('scenario_column: "scene"', 'scenario_column: "tab"') % {"root": self.data})

    def run_ok(self, *arguments, **options):
        result = self.run_program(*arguments, **options)
        self.assertEqual(result.code, OK, result.text)
        return result

    def predict(self, *arguments, run="run", **options):
        output = self.folder / "predictions.parquet"
        self.run_ok("predict", "--run", self.folder / run, "--output", output, *arguments, **options)
        return pq.read_table(output)

    def score(self, file, *arguments):
        output = self.folder / "scores.parquet"
        self.run_ok("score", "--model", self.folder / "served", "--input", file, "--output", output, *arguments)
        return pq.read_table(output)

    def part_file(self, part=0):
        return self.data / f"test/part-{part:05d}.parquet"

    def by_row(self, *names):
        """{row key: values of the columns} of the test split."""
        rows = [row for part in (0, 1) for row in pq.read_table(self.part_file(part)).to_pylist()]
        return {row["row"]: tuple(row[name] for name in names) for row in rows}

    def test_scenarios_by_name_in_metrics(self):
        self.train("run", ranks=2)
        metrics = self.evaluate()
        self.assertEqual({s["scenario"] for s in metrics["scenarios"]}, set(SCENES))
        table = self.run_ok("evaluate", "--run", self.folder / "run").out
        for name in SCENES:
            self.assertRegex(table, rf"(?m)^{name} +\d+ ")
        logged = self.logged("run", "evaluation")[-1]["metrics"]
        self.assertEqual({s["scenario"] for s in logged["scenarios"]}, set(SCENES[:3]))
        (events,) = (self.folder / "run/events").iterdir()
        for tag in ("scenario_home/auc", "scenario_cart%2Fa/calibration", "scenario_推荐/auc"):
            self.assertIn(f"valid/{tag}".encode(), events.read_bytes())
        # Kept with the model, by hash; an export has a copy, which verification covers.
        kept = json.loads((self.folder / "run/model/scenarios.json").read_text())
        self.assertEqual((kept["format"], kept["complete"], sorted(kept["names"].values())), (1, True, sorted(SCENES[:3])))
        self.run_ok("export", "--run", self.folder / "run", "--output", self.folder / "served")
        self.assertEqual(json.loads((self.folder / "served/1/scenarios.json").read_text()), kept)
        self.assertIn("scenarios.json", json.loads((self.folder / "served/1/export.json").read_text())["files"])
        # Its hash is with the others; a model of an earlier program has neither, names come from the rows that are read.
        (self.folder / "run/model/scenarios.json").unlink()
        result = self.run_program("evaluate", "--run", self.folder / "run")
        self.assert_fails(result, DATA, "scenarios.json is missing")
        (self.folder / "run/model/files.pbtxt").unlink()
        self.assertEqual(self.evaluate(), metrics)

    def test_resumed_run_keeps_names(self):
        steps = ("--set", "train.checkpoint.every_steps=4", "--set", "train.eval_every=6")
        self.train("whole", *steps, ranks=2)
        self.train("run", *steps, "--set", "train.max_steps=8", ranks=2)
        self.run_ok("train", "--resume", self.folder / "run", "--set", "train.max_steps=0", ranks=2)
        last = "checkpoints/step-0000000019"
        for name in ("model", last):
            files = [(self.folder / run / name / "scenarios.json").read_text() for run in ("whole", "run")]
            self.assertEqual(*files)
        self.run_ok("checkpoint", "verify", self.folder / "run")
        self.run_ok("checkpoint", "convert", self.folder / "run", "--output", self.folder / "wide", "--set", "embedding.dim=12")
        self.assertEqual((self.folder / "wide" / last / "scenarios.json").read_text(), files[0])

    def test_unsigned_scenarios(self):
        for split in ("train", "valid", "test"):
            for file in (self.data / split).iterdir():
                table = pq.read_table(file)
                ids = pa.array([LARGEST - len(s) for s in table["tab"].to_pylist()], pa.uint64())
                pq.write_table(table.set_column(table.column_names.index("tab"), "tab", ids), file, row_group_size=60)
        self.train()
        wanted = {str(LARGEST - len(s)) for s in SCENES}
        self.assertEqual({s["scenario"] for s in self.evaluate()["scenarios"]}, wanted)
        predicted = self.predict()
        self.assertEqual(predicted["scenario"].type, pa.uint64())
        self.assertEqual({str(s) for s in predicted["scenario"].to_pylist()}, wanted)
        shown = self.run_ok("data", "inspect", "--config", self.config, "--split", "test").out
        for id in (LARGEST - 2, LARGEST - 20000):  # of scenarios, of rows
            self.assertIn(str(id), shown)

    def test_tables_are_not_torn_by_names(self):
        names = ["a\nb\tc\x1b[31m", "推荐" * 30, "x" * 76, "home"]
        shown = ["a%0Ab%09c%1B[31m", "推荐", "xxxxx", "home"]
        for split in ("train", "valid", "test"):
            for part in (self.data / split).iterdir():
                table = pq.read_table(part)
                tabs = pa.array([names[SCENES.index(tab)] for tab in table["tab"].to_pylist()])
                pq.write_table(table.set_column(table.column_names.index("tab"), "tab", tabs), part)
        self.train()
        for command in (["data", "inspect", "--config", self.config, "--split", "test"], ["evaluate", "--run", self.folder / "run"]):
            out = self.run_ok(*command).out
            self.assertNotIn("\x1b", out)
            lines = out[out.index("scenario  "):].split("\n\n")[0].splitlines()
            for name in shown:
                (line,) = (line for line in lines if line.lstrip().startswith(name))
                self.assertRegex(line, r" \d+  ")
            wide = {len(line) + sum(ord(letter) > 0x2e80 for letter in line) for line in lines if re.search(r"\d$", line)}
            self.assertLessEqual(max(wide), 80)

    def test_keys_are_printed_as_the_files_of_tables_hold_them(self):
        self.train()
        self.train("other", "--set", "seed=2")
        models = [self.folder / name / "model" for name in ("run", "other")]
        keys = {int(key) for file in models[0].glob("tables/user-*") for key in load_file(file)["keys"]}
        self.assertLess(min(keys), 0)  # hashes of texts
        out = self.run_ok("checkpoint", "inspect", models[0]).out
        self.assertIn(int(re.search(r"(?m)^user .*\(key (-?\d+)\)$", out)[1]), keys)
        differ = self.run_program("checkpoint", "diff", *models).out
        self.assertIn(int(re.search(r"(?m)^table user: .*\(key (-?\d+)\)$", differ)[1]), keys)

    def test_predictions_have_the_files_values(self):
        self.train()
        wanted = self.by_row("tab", "user", "device", "click", "when", "seen")
        carry = ("--carry", "when,seen")
        for ranks in (0, 3):
            rows = self.predict(*carry, ranks=ranks)
            types = {field.name: field.type for field in rows.schema}
            self.assertEqual(types, {
                "row_key": pa.uint64(), "scenario": pa.string(), "group_user": pa.string(), "group_device": pa.int64(),
                "when": pa.timestamp("us", "UTC"), "seen": pa.list_(pa.string()), "label_click": pa.float32(),
                "logit": pa.float32(), "probability": pa.float32()})
            got = {r["row_key"]: (r["scenario"], r["group_user"], r["group_device"], r["label_click"], r["when"], r["seen"])
                   for r in rows.to_pylist()}
            self.assertEqual(got, wanted)
            if ranks == 0:
                alone = rows.sort_by("row_key")
        self.assertEqual(rows.sort_by("row_key").drop_columns(["logit", "probability"]),
                         alone.drop_columns(["logit", "probability"]))

    def test_scores_have_the_files_values(self):
        self.train()
        self.run_ok("export", "--run", self.folder / "run", "--output", self.folder / "served")
        file = pq.read_table(self.part_file())
        rows = self.score(self.part_file(), "--carry", "seen", "--carry", "click")
        self.assertEqual(rows.column_names, ["row_key", "scenario", "group_user", "group_device", "seen", "click", "logit", "probability"])
        for name, column in {"row_key": "row", "scenario": "tab", "group_user": "user", "group_device": "device",
                             "seen": "seen", "click": "click"}.items():
            self.assertEqual(rows[name].to_pylist(), file[column].to_pylist(), name)
        # A column that is not there is left out; a null in one is no reason to leave out the row.
        tabs = pa.array([None, *file["tab"].to_pylist()[1:]])
        bare = self.folder / "bare.parquet"
        pq.write_table(file.drop_columns(["click", "device", "tab"]).append_column("tab", tabs), bare)
        rows = self.score(bare)
        self.assertEqual(rows.column_names, ["row_key", "scenario", "group_user", "logit", "probability"])
        self.assertEqual(rows["scenario"].to_pylist(), tabs.to_pylist())
        pq.write_table(file.drop_columns(["tab"]), bare)
        self.assertEqual(self.score(bare).column_names, ["row_key", "group_user", "group_device", "logit", "probability"])

    def test_predict_without_labels(self):
        text = self.config.read_text().replace('label { name: "click" }', 'label { name: "buy" column: "bought" } label { name: "click" }')
        self.config.write_text(text.replace("model {", 'model { label: "click"'))
        for split in ("train", "valid", "test"):
            for file in (self.data / split).iterdir():
                table = pq.read_table(file)
                pq.write_table(table.append_column("bought", table["click"]), file)
        self.train()
        both = self.predict()
        for gone, left in ((["bought"], ["label_click"]), (["click"], ["label_buy"]), (["bought", "click"], [])):
            other = self.folder / "other"
            shutil.copytree(self.data, other)
            for file in (other / "test").iterdir():
                pq.write_table(pq.read_table(file).drop_columns(gone), file)
            rows = self.predict("--set", f"data.root={other}")
            self.assertEqual([c for c in rows.column_names if c.startswith("label_")], left)
            self.assertEqual(rows["logit"], both["logit"])
            # In some files and not in others: no rule says what the column should hold.
            shutil.copy(self.part_file(1), other / "test/part-00001.parquet")
            result = self.run_program("predict", "--run", self.folder / "run", "--set", f"data.root={other}", "--output", self.folder / "no.parquet")
            self.assert_fails(result, DATA, f'part-00000.parquet" has no column "{gone[0]}", ', "write it to all files or to none")
            shutil.rmtree(other)
        # Metrics want them.
        pq.write_table(pq.read_table(self.part_file()).drop_columns(["click"]), self.part_file())
        result = self.run_program("evaluate", "--run", self.folder / "run")
        self.assert_fails(result, DATA, 'has no column "click", wanted by label "click"')

    def test_what_cannot_be_carried(self):
        self.train()
        self.run_ok("export", "--run", self.folder / "run", "--output", self.folder / "served")
        output = self.folder / "no.parquet"
        predict = ("predict", "--run", self.folder / "run", "--output", output)
        score = ("score", "--model", self.folder / "served", "--input", self.part_file(), "--output", output)
        for command in (predict, score):
            self.assert_fails(self.run_program(*command, "--carry", "when,sen"), DATA,
                              'has no column "sen", wanted by --carry; did you mean "seen"?')
            for name in ("logit", "scenario", "group_user"):
                self.assert_fails(self.run_program(*command, "--carry", name), USAGE,
                                  f'with names that predictions do not have, got "{name}"')
            self.assert_fails(self.run_program(*command, "--carry", "when", "--carry", "seen,when"), USAGE,
                              '--carry names column "when" twice')
        self.assert_fails(self.run_program(*score[:5], "--carry", "when"), USAGE, "--carry requires --output")
        self.assertFalse(output.exists() or output.with_suffix(".parquet.partial").exists())

    def test_table_with_two_dots_is_exported(self):
        self.config.write_text(self.config.read_text().replace('"user" categorical {}', '"user" categorical { table: "user..id" }'))
        self.train()
        self.run_ok("export", "--run", self.folder / "run", "--output", self.folder / "served")
        self.assertTrue((self.folder / "served/1/tables/user..id.rows").exists())
        self.assertEqual(self.score(self.part_file(), "--verify").num_rows, 250)
