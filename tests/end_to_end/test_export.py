"""From a run to scores elsewhere: what was exported scores as the trainer does, from the command line and from C."""

import ctypes
import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file

from tests.end_to_end.support import CONFIG, ROOT, ProgramTest, limit_file_size, planted_table, write_split

CLIENT = os.environ.get("POLYSCENE_SERVE_CLIENT", str(ROOT / "build/release/bin/serve_client"))
LIBRARY = os.environ.get("POLYSCENE_SERVE_LIBRARY", str(ROOT / "build/release/lib/libpolyscene_serve.so"))
OK, USAGE, DATA = 0, 2, 3
NULL_ID = np.iinfo(np.int64).min


def without_hash(text):
    """An export.json as an earlier program wrote it."""
    return re.sub(r'\n  "xxh3": "[0-9a-f]{16}",', "", text, count=1)


# Every feature may be missing; ids of users are text.
NULLABLE = (
    CONFIG.replace('"user" categorical {}', '"user" categorical { nullable: true }')
    .replace('"item" categorical {}', '"item" categorical { nullable: true }')
    .replace("number { log: true }", "number { log: true mean: 2 stddev: 1.5 nullable: true }")
    .replace('role: ITEM }\n  feature { name: "tags"', 'role: ITEM }\n  feature { name: "band" number { column: "price" boundary: 5 boundary: 20 nullable: true } }\n  feature { name: "tags"')
)


def nullable_table(rows, seed, first_row=0, scenes=3):
    """Nulls everywhere, histories longer than are kept, tags as text, null and empty ones among them."""
    random = np.random.default_rng(seed)
    table = planted_table(rows, seed, first_row, scenes)
    users = [None if random.random() < 0.2 else f"user-{u}" for u in table["user"].to_pylist()]
    items = [None if random.random() < 0.2 else i for i in table["item"].to_pylist()]
    price = [None if random.random() < 0.3 else p for p in table["price"].to_pylist()]
    texts = [None, "", *(f"tag-{t}" for t in range(2, 9))]
    tags = [[texts[t] for t in ts] for ts in table["tags"].to_pylist()]
    arrays = {"user": pa.array(users), "item": pa.array(items, pa.int64()), "price": pa.array(price), "tags": pa.array(tags, pa.list_(pa.string()))}
    for name, values in arrays.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return table


class Library:
    """libpolyscene_serve through ctypes, as a program in another language would use it."""

    def __init__(self):
        self.c = ctypes.CDLL(LIBRARY)
        for name in ("polyscene_open", "polyscene_request_new"):
            getattr(self.c, name).restype = ctypes.c_void_p
        self.c.polyscene_folder.restype = ctypes.c_char_p
        self.error = ctypes.create_string_buffer(1000)

    def call(self, name, *arguments):
        return getattr(self.c, name)(*arguments, self.error, ctypes.c_size_t(1000))

    def ok(self, name, *arguments):
        if self.call(name, *arguments) != 0:
            raise RuntimeError(self.error.value.decode())

    def open(self, folder):
        model = self.call("polyscene_open", str(folder).encode(), 1)
        if not model:
            raise RuntimeError(self.error.value.decode())
        return ctypes.c_void_p(model)

    def score(self, model, columns, rows):
        """columns: {name: (kind, values)}."""
        request = ctypes.c_void_p(self.call("polyscene_request_new", model, ctypes.c_int64(rows)))
        try:
            for name, (kind, values) in columns.items():
                self.set(request, name.encode(), kind, values)
            probabilities = np.full(rows, np.nan, np.float32)
            self.ok("polyscene_score", model, request, probabilities.ctypes)
            return probabilities
        finally:
            self.c.polyscene_request_free(request)

    def set(self, request, name, kind, values):
        if kind.endswith("_lists"):
            offsets = np.cumsum([0, *(len(v) for v in values)]).astype(np.int64)
            flat = [x for v in values for x in v]
            before, behind = (offsets.ctypes,), (ctypes.c_int64(len(flat)),)
        else:
            flat, before, behind = values, (), ()
        if kind.startswith("string"):
            encoded = [None if v is None else v.encode() for v in flat]
            data = (ctypes.c_char_p * len(flat))(*encoded)
            lengths = np.array([len(v or b"") for v in encoded], np.uint64)
            arguments = (data, lengths.ctypes)
        elif kind.startswith("id"):
            array = np.array([NULL_ID if v is None else v for v in flat], np.int64)
            arguments = (array.ctypes,)
        else:
            array = np.array([np.nan if v is None else v for v in flat], np.float64)
            arguments = (array.ctypes,)
        self.ok(f"polyscene_set_{kind}", request, name, *before, *arguments, *behind)


KINDS = {"user": "ids", "item": "ids", "scene": "ids", "price": "numbers", "tags": "id_lists", "tag_weights": "number_lists",
         "history_item": "id_lists", "history_scene": "id_lists"}


class ExportTest(ProgramTest):
    def export(self, *arguments, expect=OK, run="run", output="served", **options):
        result = self.run_program("export", "--run", self.folder / run, "--output", self.folder / output, *arguments, **options)
        self.assertEqual(result.code, expect, result.text)
        return result

    def score(self, file, *arguments, model="served"):
        output = self.folder / "scores.parquet"
        result = self.run_program("score", "--model", self.folder / model, "--input", file, "--output", output, *arguments)
        self.assertEqual(result.code, OK, result.text)
        return pq.read_table(output).to_pydict(), result

    def predict(self, split="test"):
        output = self.folder / "predictions.parquet"
        done = self.run_program("predict", "--run", self.folder / "run", "--split", split, "--output", output)
        self.assertEqual(done.code, OK, done.text)
        rows = pq.read_table(output).sort_by("row_key").to_pydict()
        return np.array(rows["row_key"]), np.array(rows["logit"]), np.array(rows["probability"])

    def test_scores_are_the_trainers(self):
        self.train(ranks=2)
        result = self.export()
        self.assertRegex(result.out, r"scored 500 rows of valid with trainer and exported model: logits differ by at most 0\.0e\+00, AUC")
        self.assertIn(f"exported {self.folder}/served/1\nnext:    polyscene score --model {self.folder}/served ", result.out)
        keys, logits, _ = self.predict()
        file = self.data / "test/part-00000.parquet"
        scored, result = self.score(file)
        self.assertRegex(result.out, r"400 rows of \S+ scored with \S+/served/1, written to ")
        self.assertRegex(result.out, r"scored \d+ rows/s; per batch median [\d.]+ ms, p99 [\d.]+ ms, longest")
        order = np.argsort(scored["row_key"])
        np.testing.assert_array_equal(np.array(scored["row_key"])[order], keys)
        np.testing.assert_array_equal(np.array(scored["logit"])[order], logits)
        # Row by row: batches of another size add up in another order, no more.
        scored, _ = self.score(file, "--batch", 1)
        np.testing.assert_allclose(np.array(scored["logit"]), logits, rtol=1e-6, atol=1e-6)
        # A file without labels and other columns of training.
        bare = self.folder / "bare.parquet"
        pq.write_table(pq.read_table(file).drop_columns(["click"]), bare)
        scored, _ = self.score(bare, "--threads", 2, "--verify")
        np.testing.assert_array_equal(np.array(scored["logit"]), logits)

    def test_versions_and_formats_of_rows(self):
        self.train("run", "--set", "embedding.dim=16")
        _, logits, _ = self.predict()
        file = self.data / "test/part-00000.parquet"
        sizes = {}
        for version, (rows, most) in enumerate([("fp32", 0), ("bf16", 0.02), ("int8", 0.05)], 1):
            self.export("--rows", rows)
            described = json.loads((self.folder / f"served/{version}/export.json").read_text())
            self.assertEqual((described["format"], described["rows"], described["model"]), (1, rows, "planted"))
            self.assertEqual(described["checked"]["rows"], 500)
            self.assertLessEqual(described["checked"]["auc_trainer"] - described["checked"]["auc_exported"], 0.0005)
            scored, result = self.score(file)
            self.assertIn(f"served/{version}", result.out)
            largest = np.abs(np.array(scored["logit"]) - logits).max()
            self.assertLessEqual(largest, most)
            self.assertEqual(largest > 0, rows != "fp32")
            sizes[rows] = (self.folder / f"served/{version}/tables/item.rows").stat().st_size
        self.assertGreater(sizes["fp32"], sizes["bf16"])
        self.assertGreater(sizes["bf16"], sizes["int8"])
        scored, result = self.score(file, model="served/1")
        self.assertIn("served/1", result.out)
        np.testing.assert_array_equal(np.array(scored["logit"]), logits)
        self.assertEqual(sorted(os.listdir(self.folder / "served")), ["1", "2", "3"])

    def test_a_version_of_changed_rows(self):
        # A table that forgets: some rows of the first version are gone in the second.
        self.bound_users()
        settings = ["--set", "train.checkpoint.every_steps=40", "--set", "train.batch_size=32"]
        self.train("run", *settings, "--set", "train.max_steps=40")
        self.export()
        library, table = Library(), pq.read_table(self.data / "test/part-00000.parquet")
        columns = {name: (kind, table[name].to_pylist()) for name, kind in KINDS.items()}
        model = library.open(self.folder / "served")
        before = library.score(model, columns, 400)
        done = self.run_program("train", "--resume", self.folder / "run", "--set", "train.max_steps=41", "--threads", 1)
        self.assertEqual(done.code, OK, done.text)
        result = self.export("--delta")
        changed, rows, gone = map(int, re.search(r"rows that changed since version 1: (\d+) of (\d+), and (\d+) removed\n", result.out).groups())
        self.assertTrue(0 < changed < rows, result.out)
        self.assertGreater(gone, 0)
        self.assertRegex(result.out, r"scored 500 rows of valid with trainer and exported model: logits differ by at most 0\.0e\+00")
        # As a whole version scores, to the bit; a program that runs takes it up.
        self.export(output="whole")
        self.assertEqual(library.call("polyscene_refresh", model), 1)
        after = library.score(model, columns, 400)
        np.testing.assert_array_equal(after, library.score(library.open(self.folder / "whole"), columns, 400))
        self.assertGreater(np.abs(after - before).max(), 0)
        size = lambda version: sum(f.stat().st_size for f in (self.folder / version / "tables").iterdir())
        self.assertLess(size("served/2"), size("served/1"))
        self.score(self.data / "test/part-00000.parquet", "--verify")
        # The next one is against the same whole version; one of the same model changes nothing.
        self.export("--delta")
        self.assertEqual(json.loads((self.folder / "served/3/export.json").read_text())["base"]["version"], 1)
        result = self.export("--delta", output="whole")
        self.assertRegex(result.out, r"rows that changed since version 1: 0 of \d+, and 0 removed\n")

        self.assertIn("; was --set used to change the model?", self.export("--set", "embedding.dim=16", expect=DATA).err)
        self.assertIn("--delta wanted rows as int8, ", self.export("--delta", "--rows", "int8", expect=USAGE).err)
        self.assertIn("--delta cannot be written as ONNX, which holds full tables", self.export("--delta", "--format", "onnx", expect=USAGE).err)
        self.assertIn("as the base of --delta, there is none; export without --delta first",
                      self.export("--delta", output="none", expect=USAGE).err)
        self.train("wide", *settings, "--set", "embedding.dim=16", "--set", "train.max_steps=2")
        self.assertIn('with rows of 16 values in ', self.export("--delta", run="wide", expect=USAGE).err)
        description = self.folder / "served/3/export.json"
        text = description.read_text()
        description.write_text(without_hash(text).replace('"version": 1', '"version": "one"'))
        self.assertIn("does not name its base version", self.fails_to_score())
        description.write_text(text)
        shutil.rmtree(self.folder / "served/1")
        self.assertRegex(self.fails_to_score(), r"/served/3 holds the rows that changed since \S+/served/1, which is missing or changed")

    def fails_to_score(self):
        file = self.data / "test/part-00000.parquet"
        result = self.run_program("score", "--model", self.folder / "served", "--input", file, "--output", self.folder / "x.parquet")
        self.assertEqual(result.code, DATA, result.text)
        return result.err

    def test_the_library_scores_row_by_row_as_training_does(self):
        # Nulls, unseen ids and an unseen scenario, empty and long histories.
        self.config.write_text(NULLABLE % {"root": self.data})
        for split in ("train", "valid", "test"):
            shutil.rmtree(self.data / split)
        write_split(self.data, "train", [nullable_table(1500, 1)])
        write_split(self.data, "valid", [nullable_table(300, 3, 10000)])
        test = nullable_table(400, 4, 20000, scenes=5)
        write_split(self.data, "test", [test])
        self.train()
        self.export()
        _, _, probabilities = self.predict()
        library = Library()
        model = library.open(self.folder / "served")
        kinds = {**KINDS, "user": "strings", "tags": "string_lists"}
        columns = {name: (kind, test[name].to_pylist()) for name, kind in kinds.items()}
        self.assertTrue(any(p is None for p in columns["price"][1]))
        self.assertTrue(any(len(h) > 8 for h in columns["history_item"][1]))
        self.assertTrue(any(len(h) == 0 for h in columns["history_item"][1]))
        np.testing.assert_allclose(library.score(model, columns, 400), probabilities, rtol=1e-6)
        for row in range(20):
            one = {name: (kind, values[row:row + 1]) for name, (kind, values) in columns.items()}
            np.testing.assert_allclose(library.score(model, one, 1), probabilities[row:row + 1], rtol=1e-6)
        # Null is another tag than no letters at all.
        emptied = [[tag or "" for tag in tags] for tags in columns["tags"][1]]
        changed = np.array([None in tags for tags in columns["tags"][1]])
        scored = library.score(model, {**columns, "tags": ("string_lists", emptied)}, 400)
        self.assertGreater(np.abs(scored - probabilities)[changed].max(), 1e-4)
        np.testing.assert_allclose(scored[~changed], probabilities[~changed], rtol=1e-6)

        # A column that is not given is null in every row, as in a file.
        without = ["user", "price", "tags", "tag_weights", "history_item", "history_scene"]
        table = test
        for name in without:
            table = table.set_column(table.column_names.index(name), name, pa.nulls(400, table[name].type))
        file = self.folder / "missing.parquet"
        pq.write_table(table, file)
        scored, _ = self.score(file)
        given = {name: column for name, column in columns.items() if name not in without}
        np.testing.assert_allclose(library.score(model, given, 400), np.array(scored["probability"]), rtol=1e-6)

    def test_a_program_that_links_nothing_but_the_library(self):
        self.train()
        self.export()
        done = subprocess.run([CLIENT, self.folder / "served"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        library = Library()
        columns = {"user": ("ids", [1, 1, 1]), "item": ("ids", [5, 7, 99]), "scene": ("ids", [0, 1, 2]),
                   "price": ("numbers", [1.5, 2.5, 3.5]), "tags": ("id_lists", [[1, 2], [], [3]]),
                   "tag_weights": ("number_lists", [[0.5, 1.0], [], [2.0]]),
                   "history_item": ("id_lists", [[4, 5], [4, 5], []]), "history_scene": ("id_lists", [[0, 1], [0, 1], []])}
        wanted = library.score(library.open(self.folder / "served"), columns, 3)
        np.testing.assert_allclose([float(line) for line in done.stdout.split()], wanted, rtol=1e-6)
        done = subprocess.run([CLIENT, self.folder], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("[serve] wanted an exported model in ", done.stderr)
        needed = subprocess.run(["readelf", "-d", LIBRARY], capture_output=True, text=True).stdout
        self.assertIn("NEEDED", needed)
        for unwanted in ("mpi", "cuda", "nccl", "arrow", "parquet", "glog"):
            self.assertNotIn(f"lib{unwanted}", needed)

    def onnx_probabilities(self, version, extra=()):
        folder = self.folder / version / "onnx"
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
        sample = load_file(folder / "sample.safetensors")
        names = [i.name for i in session.get_inputs()]
        got = session.run(["logit", "probability"], {name: sample[name] for name in names})
        return names, sample, got

    def test_onnx_of_every_model(self):
        check = ["--format", "onnx", "--sample", 300, "--onnx-check", f"{sys.executable} {ROOT}/tools/onnx/score.py --check"]
        models = ["lr {}", "mlp {}", "din {}", 'pepnet { personal: "user" personal: "item" }', "sfpnet {}",
                  "sfpnet { blocks: 3 dap: MEAN_VARIANCE gate_grain: FIELD carry_context: false }",
                  "sfpnet { dap: MEAN gate_form: ONE_LAYER gate_scope: C_ONLY rtm_form: GATED }",
                  "sfpnet { gate_form: SCENARIO_TABLE rtm_form: ADD readout: READOUT_DAP_AND_TARGET_ATTENTION }",
                  "sfpnet { use_rtm: false }", "sfpnet { use_sam: false }"]
        text = self.config.read_text()
        for number, model in enumerate(models):
            with self.subTest(model):
                head = "" if model == "lr {}" else "head: 16 head: 8 "
                self.config.write_text(text.replace("head: 16 head: 8 sfpnet { gate_hidden: 16 context_width: 8 }", head + model))
                self.train(f"run{number}", "--set", "train.max_steps=8")
                result = self.export(*check, run=f"run{number}", output=f"served{number}")
                self.assertRegex(result.out, r"ONNX Runtime \S+: \d+ rows, probabilities differ by at most \S+ \(as wanted\)")

    def test_onnx_with_tables_inside_and_outside(self):
        self.train()
        self.export("--format", "onnx,triton")
        self.export("--format", "onnx", "--onnx-inside", 0)
        inside, sample, got = self.onnx_probabilities("served/1")
        np.testing.assert_allclose(got[0], sample["logit"], atol=1e-6, rtol=1e-6)
        outside, sample, got = self.onnx_probabilities("served/2")
        np.testing.assert_allclose(got[0], sample["logit"], atol=1e-6, rtol=1e-6)
        self.assertEqual([name for name in outside if name not in inside], ["rows/8"])
        self.assertFalse((self.folder / "served/2/onnx/keys.safetensors").exists())

        # What inputs.json says is enough to build the inputs from ids alone.
        described = json.loads((self.folder / "served/1/onnx/inputs.json").read_text())
        keys = load_file(self.folder / "served/1/onnx/keys.safetensors")
        row_of = {table: {int(k): described["tables"][table]["first_row"] + i for i, k in enumerate(values)} for table, values in keys.items()}
        table = pq.read_table(self.data / "test/part-00000.parquet").slice(0, 50)

        def rows(name, ids):
            return [row_of[name].get(i, -1) for i in ids]

        inputs = {}
        for name, what in described["inputs"].items():
            if "columns" in what and "dim" in what:
                inputs[name] = np.array([rows(c["table"], table[c["feature"]].to_pylist()) for c in what["columns"]], np.int32).T
            elif name == "numbers":
                price = table["price"].to_numpy()
                inputs[name] = np.log1p(price).astype(np.float32)[:, None]
        history = [h[-8:] for h in table["history_item"].to_pylist()], [h[-8:] for h in table["history_scene"].to_pylist()]
        tags = table["tags"].to_pylist()
        weights = [np.array(w) / max(sum(w), 1e-30) for w in table["tag_weights"].to_pylist()]
        flat = lambda lists: [x for values in lists for x in values]
        offsets = lambda lists: np.cumsum([0, *map(len, lists)]).astype(np.int32)
        inputs["sequence/history/8/distinct"] = np.array([rows("item", flat(history[0])), rows("scene", flat(history[1]))], np.int32).T
        inputs["sequence/history/8/index"] = np.arange(len(flat(history[0])), dtype=np.int32)
        inputs["sequence/history/8/offsets"] = offsets(history[0])
        inputs["bag/tags/8/index"] = np.array(rows("tag", flat(tags)), np.int32)
        inputs["bag/tags/8/weights"] = np.array(flat(weights), np.float32)[:, None]
        inputs["bag/tags/8/offsets"] = offsets(tags)
        session = onnxruntime.InferenceSession(str(self.folder / "served/1/onnx/model.onnx"), providers=["CPUExecutionProvider"])
        got = session.run(["probability"], inputs)[0][:, 0]
        _, _, probabilities = self.predict()
        np.testing.assert_allclose(got, probabilities[:50], rtol=2e-6)

        repository = self.folder / "served/1/triton/planted"
        text = (repository / "config.pbtxt").read_text()
        self.assertIn('name: "planted"\nbackend: "onnxruntime"\nmax_batch_size: 0\n', text)
        self.assertIn('input { name: "fields/0" data_type: TYPE_INT32 dims: [ -1, 1 ] }', text)
        self.assertIn('output { name: "probability" data_type: TYPE_FP32 dims: [ -1, 1 ] }', text)
        self.assertEqual((repository / "1/model.onnx").read_bytes(), (self.folder / "served/1/onnx/model.onnx").read_bytes())

    def test_a_check_that_fails_publishes_nothing(self):
        self.train()
        result = self.export("--format", "onnx", "--onnx-check", "false", expect=DATA)
        self.assertIn('[export] wanted "false" to agree with the exported model, it ended with exit code 1; nothing was published', result.err)
        self.assertEqual(os.listdir(self.folder / "served"), [])
        self.assertIn("--onnx-check wants an ONNX model", self.export("--onnx-check", "true", expect=2).err)
        self.export("--format", "onnx")
        tool = [sys.executable, ROOT / "tools/onnx/score.py"]
        done = subprocess.run([*tool, self.folder / "served/1", "--seconds", "0.05", "--json"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["rows"], 500)
        sample = self.folder / "served/1/onnx/sample.safetensors"
        tensors = load_file(sample)
        tensors["logit"][7] += 0.01
        save_file(tensors, sample)
        done = subprocess.run([*tool, "--check", self.folder / "served/1"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("(wanted at most 1e-06)", done.stdout)
        sample.unlink()
        done = subprocess.run([*tool, "--check", self.folder / "served/1"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no ", done.stderr)

    def test_what_the_library_refuses(self):
        self.train()
        self.export()
        library = Library()
        model = library.open(self.folder / "served")
        columns = {name: (kind, planted_table(3, 5)[name].to_pylist()) for name, kind in KINDS.items()}
        self.assertEqual(library.score(model, columns, 3).shape, (3,))
        self.assertEqual(library.score(model, {}, 0).shape, (0,))
        refused = {
            '[serve] no feature of the model reads a column "usr"; did you mean "user"?': {"usr": ("ids", [1, 2, 3])},
            '[serve] row 1, column "item": null, but not nullable': {"item": ("ids", [1, None, 3])},
            '[serve] row 0, column "price": null or NaN, but not nullable': {"price": ("numbers", [None, 1, 1])},
            '[serve] row 2, column "price": infinite': {"price": ("numbers", [1, 1, np.inf])},
            '[serve] column "price": wanted numbers, one per row, got ids; set it with polyscene_set_numbers()': {
                "price": ("ids", [1, 2, 3])},
            '[serve] column "item": wanted ids or strings, one per row, got numbers; set it with polyscene_set_ids() or polyscene_set_strings()': {
                "item": ("numbers", [1, 2, 3])},
            '[serve] column "tags": wanted lists of ids or strings, got ids; set it with polyscene_set_id_lists() or polyscene_set_string_lists()': {
                "tags": ("ids", [1, 2, 3])},
            '[serve] row 1, column "tag_weights": list of length 1, but "tags" has 2': {
                "tags": ("id_lists", [[], [1, 2], []]), "tag_weights": ("number_lists", [[], [1], []])},
            '[serve] row 1, column "tag_weights": negative weight, got -1': {
                "tags": ("id_lists", [[], [1], []]), "tag_weights": ("number_lists", [[], [-1], []])},
            '[serve] row 2, column "history_scene": list of length 0, but "history_item" has 1': {
                "history_item": ("id_lists", [[], [1], [4]]), "history_scene": ("id_lists", [[], [1], []])},
        }
        for message, change in refused.items():
            with self.assertRaises(RuntimeError) as raised:
                library.score(model, {**columns, **change}, 3)
            self.assertEqual(str(raised.exception), message)
        for pair in (["tags", "tag_weights"], ["history_item", "history_scene"]):
            with self.assertRaisesRegex(RuntimeError, f'columns "{pair[0]}" and "{pair[1]}" go together: wanted '):
                library.score(model, {name: column for name, column in columns.items() if name != pair[1]}, 3)
        with self.assertRaisesRegex(RuntimeError, 'row 0, column "user": null, but not nullable'):
            library.score(model, {name: column for name, column in columns.items() if name != "user"}, 3)
        with self.assertRaisesRegex(RuntimeError, "wanted an exported model in .*, there is no version; polyscene export"):
            library.open(self.folder)

    def test_threads_that_the_system_does_not_give_are_refused(self):
        # OpenMP ends the program where it gets no thread: here a host that may map little memory for stacks.
        self.train()
        self.export()
        host = """
import resource, sys
from tests.end_to_end.test_export import Library
library = Library()
mapped = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (mapped + (1 << 30), resource.RLIM_INFINITY))
for threads in (4096, 2_000_000_000):
    assert not library.call("polyscene_open", sys.argv[1].encode(), threads)
    print(library.error.value.decode())
model = library.open(sys.argv[1])
print(library.score(model, {}, 0).shape)
"""
        done = subprocess.run([sys.executable, "-c", host, str(self.folder / "served")], capture_output=True, text=True, cwd=ROOT, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^\[ops\.thread\] wanted 4096 threads, the system gave \d+: .*; ask for fewer, or raise the limits on processes and "
                                      r"memory\n\[ops\.thread\] wanted 1 to 4096 threads, got 2000000000\n\(0,\)\n$")

    def test_a_newer_version_is_taken_without_a_restart(self):
        self.train()
        self.export()
        library = Library()
        model = library.open(self.folder / "served")
        columns = {name: (kind, planted_table(30, 5)[name].to_pylist()) for name, kind in KINDS.items()}
        before = library.score(model, columns, 30)
        self.assertEqual(library.call("polyscene_refresh", model), 0)
        self.train("run", "--overwrite", "--set", "train.epochs=2")
        self.export()
        np.testing.assert_array_equal(library.score(model, columns, 30), before)
        self.assertEqual(library.call("polyscene_refresh", model), 1)
        self.assertTrue(library.c.polyscene_folder(model).decode().endswith("/served/2"))
        self.assertGreater(np.abs(library.score(model, columns, 30) - before).max(), 1e-3)
        # One that is being copied is not taken before it is whole, and one that is damaged never.
        shutil.copytree(self.folder / "served/2", self.folder / "served/3")
        rows = self.folder / "served/3/tables/item.rows"
        whole = rows.read_bytes()
        rows.unlink()
        self.assertEqual(library.call("polyscene_refresh", model), 0)
        rows.write_bytes(whole[:-4] + b"\1\2\3\4")
        self.assertEqual(library.call("polyscene_refresh", model), -1)
        self.assertIn("served/3/tables/item.rows: the index of its rows is not what was written", library.error.value.decode())
        self.assertTrue(library.c.polyscene_folder(model).decode().endswith("/served/2"))
        rows.write_bytes(whole)
        self.assertEqual(library.call("polyscene_refresh", model), 1)
        self.assertTrue(library.c.polyscene_folder(model).decode().endswith("/served/3"))

    def test_nothing_is_published_that_scores_otherwise(self):
        self.train()
        # One value of every row so large that eight bits leave nothing of the others.
        for file in (self.folder / "run/model/tables").glob("*.safetensors"):
            tensors = load_file(file)
            tensors["values"][:, 0] = 100.0
            save_file(tensors, file)
        (self.folder / "run/model/files.pbtxt").unlink()
        result = self.export("--rows", "int8", expect=DATA)
        self.assertRegex(result.err, r"polyscene: \[export\] wanted an AUC at most 0\.0005 below the trainer's 0\.\d+ with int8 rows, got 0\.\d+; "
                                     r"nothing was published, try --rows fp32")
        self.assertEqual(os.listdir(self.folder / "served"), [])
        self.export()
        self.assertEqual(os.listdir(self.folder / "served"), ["1"])

    def test_unchecked_where_there_are_no_rows_at_hand(self):
        self.train()
        shutil.rmtree(self.data)
        self.assert_fails(self.export(expect=DATA), DATA, 'no file matches "valid/*.parquet"')
        result = self.export("--sample", 0)
        self.assertIn("not checked: whether the exported model scores as the trainer does; --sample 4096 checks it", result.out)
        self.assertNotIn("checked", json.loads((self.folder / "served/1/export.json").read_text()))

    def test_what_cannot_be_exported_or_scored(self):
        fails = self.assert_fails
        fails(self.export(expect=USAGE), USAGE, f"there is no folder {self.folder}/run")
        (self.folder / "run").mkdir()
        fails(self.export(expect=USAGE), USAGE, "holds no model/dense.safetensors")
        (self.folder / "run").rmdir()
        self.train()
        fails(self.export("--format", "onyx", expect=USAGE), USAGE, 'wanted --format of store, onnx and triton, comma-separated, got "onyx"')
        fails(self.export("--rows", "fp16", expect=USAGE), USAGE, 'wanted rows as fp32, bf16 or int8, got "fp16"')
        (self.folder / "file").write_text("")
        fails(self.export(output="file", expect=DATA), DATA, f"{self.folder}/file")
        result = self.export(expect=DATA, preexec_fn=limit_file_size(20000))
        fails(result, DATA, f"{self.folder}/served/", "raise ulimit -f or choose another place")
        self.assertEqual(os.listdir(self.folder / "served"), [])

        self.export()
        served, file = self.folder / "served/1", self.data / "test/part-00000.parquet"

        def score_fails(*texts, arguments=(), model=served):
            fails(self.run_program("score", "--model", model, "--input", file, *arguments), DATA, *texts)

        score_fails("wanted an exported model in ", "there is no version", model=self.folder)
        rows = served / "tables/item.rows"
        whole = rows.read_bytes()

        def damage(data, *texts, arguments=()):
            rows.write_bytes(data)
            score_fails(str(rows), *texts, arguments=arguments)
            rows.write_bytes(whole)

        damage(whole[:-8], f"wanted {len(whole)} bytes, got {len(whole) - 8}; it was copied in part")
        damage(b"X" + whole[1:], "is not an embedding store of this version")
        damage(whole[:20] + b"\xff" + whole[21:], "the header is damaged; export it again")
        damage(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:], "its checksum differs", arguments=["--verify"])
        description = served / "export.json"
        text = description.read_text()
        description.write_text(text.replace('"format": 1', '"format": 2'))
        score_fails("export.json is of format 2, this program reads 1")
        description.write_text(text.replace('"rows": "fp32"', '"rows": "fp23"'))
        score_fails("export.json does not have the hash on its first line; copy it again, or export again")
        description.write_text(without_hash(text).replace("tables/item.rows", "../item.rows"))
        score_fails('file "../item.rows" is not described as one below its folder')
        description.write_text("{")
        score_fails("export.json is not the description of an exported model")
        description.write_text(text)
        dense = load_file(served / "dense.safetensors")
        dense["head/0/w"] = dense["head/0/w"][:-1]
        save_file(dense, served / "dense.safetensors")
        described = json.loads(without_hash(text))
        described["files"].pop("dense.safetensors")
        description.write_text(json.dumps(described))
        score_fails('dense.safetensors: tensor "head/0/w" has shape', "export the model again")
