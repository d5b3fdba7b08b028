"""polyscene data rewrite: copies with other row groups that train the same rows, and what it refuses."""

import pyarrow.parquet as pq

from tests.end_to_end.support import ProgramTest

OK, USAGE, DATA = 0, 2, 3


class RewriteTest(ProgramTest):
    def rewrite(self, *arguments):
        return self.run_program("data", "rewrite", *arguments)

    def files(self, split="train"):
        return sorted((self.data / split).iterdir())

    def test_copies_hold_the_same_rows(self):
        files, copies = self.files(), self.folder / "new/copies"
        result = self.rewrite("--row-group-rows", 100, "--output", copies, *files)
        self.assertEqual(result.code, OK, result.text)
        for file in files:
            before, after = pq.ParquetFile(file), pq.ParquetFile(copies / file.name)
            groups = -(-before.metadata.num_rows // 100)
            self.assertEqual(after.metadata.num_row_groups, groups)
            self.assertIn(f"{copies / file.name}: {before.metadata.num_rows} rows in {groups} row groups, before "
                          f"{before.metadata.num_row_groups}\n", result.out)
            self.assertTrue(before.read().equals(after.read(), check_metadata=True))

    def test_what_is_refused(self):
        first, *_ = files = self.files()
        held = {file: file.read_bytes() for file in files}
        copies = self.folder / "copies"
        twin = self.folder / "twin" / first.name
        twin.parent.mkdir()
        twin.write_bytes(first.read_bytes())
        text = self.folder / "notes.txt"
        text.write_text("no Parquet")
        (self.folder / "taken").mkdir()
        (self.folder / "taken" / first.name).write_text("mine")
        for arguments, code, words in (
            (["--row-group-rows", 100, first], USAGE, "--output is required"),
            (["--row-group-rows", 0, "--output", copies, first], USAGE, "--row-group-rows: Value 0 not in range"),
            (["--row-group-rows", 100, "--output", copies], USAGE, "FILES is required"),
            (["--row-group-rows", 100, "--output", first.parent, first], USAGE, "which is read; nothing was written, choose another"),
            (["--row-group-rows", 100, "--output", copies, first, twin], USAGE,
             f"{first} and {twin} would both be written to {copies / first.name}; give one of them another --output"),
            (["--row-group-rows", 100, "--output", self.folder / "taken", first], USAGE,
             f"{self.folder / 'taken' / first.name} exists already; nothing was written, choose another --output or remove it"),
            (["--row-group-rows", 100, "--output", copies, self.folder / "none.parquet"], DATA, "No such file or directory"),
            (["--row-group-rows", 100, "--output", copies, text], DATA, "is not a Parquet file"),
            (["--row-group-rows", 100, "--output", text, first], DATA, "cannot create the folder"),
        ):
            with self.subTest(arguments):
                result = self.rewrite(*arguments)
                self.assertEqual(result.code, code, result.text)
                self.assertIn(words, result.text)
        self.assertEqual((self.folder / "taken" / first.name).read_text(), "mine")
        self.assertEqual({file: file.read_bytes() for file in files}, held)
        self.assertEqual(list(copies.iterdir()) if copies.exists() else [], [])
