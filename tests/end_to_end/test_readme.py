"""What the README tells to type, typed: its blocks that are marked as bash."""

import os
import pathlib
import re
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq

from tests.end_to_end.support import BINARY, MPIEXEC, ROOT, ProgramTest

README = (ROOT / "README.md").read_text()
LIBRARY = os.environ.get("POLYSCENE_SERVE_LIBRARY", str(ROOT / "build/release/lib/libpolyscene_serve.so"))


def section(heading):
    return re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", README, re.S | re.M).group(1)


def blocks(*headings):
    """Those of sections, as they are typed but for where the programs lie, after the names that all blocks use."""
    found = "".join(re.findall(r"^[PM]=.*\n", README, re.M))
    found += "".join(re.findall(r"^```bash\n(.*?)^```$", "".join(map(section, headings)), re.S | re.M))
    return (found.replace("P=build/release/bin/polyscene", f"P={BINARY}").replace('M="mpirun ', f'M="{MPIEXEC} ')
            .replace(".venv/bin/python", sys.executable).replace("$PWD/build/release/lib", "build/release/lib")
            .replace("build/release/lib", str(pathlib.Path(LIBRARY).resolve().parent)))


class ReadmeTest(ProgramTest):
    def setUp(self):
        super().setUp()
        for folder in ("configs", "core", "tools"):
            (self.folder / folder).symlink_to(ROOT / folder)

    def typed(self, commands):
        done = subprocess.run(["bash", "-e", "-c", commands], cwd=self.folder, capture_output=True, text=True, timeout=300,
                              env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def assert_said(self, said, *texts):
        for text in texts:
            self.assertIn(text, said)

    def test_from_my_data_to_a_model_that_serves(self):
        commands = blocks("From my data to a model that serves")
        said = self.typed(commands)
        self.assert_said(said, "split train: 32000 rows in 1 file(s), 32 row groups", "bad rows: 0 (0.00 %)",
                         "training shop: 32000 rows, 125 steps per epoch, 1 rank (local)",
                         "3000 rows written to runs/shop/predictions.parquet", "exported runs/shop/served/1",
                         "3000 rows of runs/shop/test.parquet scored with runs/shop/served/1", "model    runs/shop/din/model")
        self.assertGreater(float(re.search(r"^overall +3000 +[\d.]+ +([\d.]+)", said, re.M).group(1)), 0.64)
        columns = re.search(r"Predictions have the columns (.*?)\.", README, re.S).group(1)
        predictions = pq.read_schema(self.folder / "runs/shop/predictions.parquet").names
        self.assertEqual(predictions, re.findall("`(.*?)`", columns))
        self.program_in_c_scores_as_score_does(said)
        self.table_of_commands_applies_to_the_run()

    def table_of_commands_applies_to_the_run(self):
        """Each row of the table of commands, with the folders and files of the walk-through."""
        shop = f"{self.folder}/runs/shop/"
        names = {"--config FILE": f"--config {shop}shop.pbtxt", "--output RUN": f"--output {shop}second",
                 "--run RUN": f"--run {shop}first", "--output FILE": f"--output {shop}again.parquet",
                 "--row-group-rows N --output DIR FILES": f"--row-group-rows 512 --output {shop}cut {shop}train.parquet",
                 "--output DIR": f"--output {shop}served", "--model DIR": f"--model {shop}served",
                 "--input FILE": f"--input {shop}test.parquet", " RUN/model": f" {shop}first/model"}
        commands = re.findall(r"^\| `polyscene (.*?)` \|", section("Commands"), re.M)
        self.assertGreaterEqual(len(commands), 8)
        for command in commands:
            for name, value in names.items():
                command = command.replace(name, value)
            with self.subTest(command):
                self.assertNotRegex(command, r"\b(RUN|FILES?|DIR|N)\b")
                done = self.run_program(*command.split())
                self.assertEqual(done.code, 0, done.text)

    def program_in_c_scores_as_score_does(self, said):
        """The two rows of the program, as a Parquet file."""
        rows = pa.table({"user": [7, 7], "item": [11, 12], "page": ["home", "home"], "price": pa.array([None, None], pa.float64()),
                         "bought": [[3, 8], [3, 8]], "row": [0, 1]})
        pq.write_table(rows, self.folder / "two.parquet")
        scored = self.run_program("score", "--model", self.folder / "runs/shop/served", "--input", self.folder / "two.parquet",
                                  "--output", self.folder / "scored.parquet")
        self.assertEqual(scored.code, 0, scored.text)
        wanted = pq.read_table(self.folder / "scored.parquet")["probability"].to_pylist()
        self.assert_said(said, f"item 11: {wanted[0]:.4f}, item 12: {wanted[1]:.4f}")

    def test_shipped_models_beside_my_data(self):
        """Each row of the table of includes: what it wants, added to the configuration of the README."""
        text = section("From my data to a model that serves")
        self.typed("\n".join(re.findall(r"^```bash\n(.*?)^```$", text, re.S | re.M)[:2]).replace(".venv/bin/python", sys.executable))
        table = dict(re.findall(r"^\| `(\w+)\.pbtxt` \| (.*) \|$", text, re.M))
        self.assertEqual(set(table), {path.stem for path in (ROOT / "configs/models").iterdir()})
        config = (self.folder / "runs/shop/shop.pbtxt").read_text()
        for model, wants in table.items():
            added = "".join(re.findall(r"`(model \{.*\})`", wants))
            mine = self.folder / f"runs/shop/{model}.pbtxt"
            mine.write_text(config.replace("sfpnet.pbtxt", f"{model}.pbtxt") + added)
            done = self.run_program("train", "--config", mine, "--output", self.folder / model, "--set", "train.max_steps=2")
            self.assertEqual(done.code, 0, done.text)

    def test_several_ranks(self):
        said = self.typed(blocks("Several ranks and machines"))
        self.assert_said(said, "4 virtual ranks on 4 ranks (mpi)", "4 virtual ranks on 2 ranks (local)", " hold the same\n")

    def test_stop_resume_export_score(self):
        commands = blocks("Stop and resume", "Export")
        self.assertGreaterEqual(len(commands.splitlines()), 8)
        self.assert_said(self.typed(commands), " from step 30, ", "all files are as they were written", "(as wanted)",
                         "exported exports/feed/1", "scored with exports/feed/1, written to scores.parquet", "rows/s; median ",
                         "exported exports/feed/2")
        self.assertTrue((self.folder / "scores.parquet").exists())

    def test_files_that_it_names_are_there(self):
        for name in re.findall(r"\]\((?!http)([^)#]+)[)#]", README):
            self.assertTrue((ROOT / name).exists(), name)

    def test_tells_every_command(self):
        told = set(re.findall(r"^\| `polyscene (\w+)", section("Commands"), re.M))
        helped = self.run_program("--help").out.split("Subcommands:\n")[1]
        self.assertEqual(told, set(re.findall(r"^  (\w+)", helped, re.M)))
