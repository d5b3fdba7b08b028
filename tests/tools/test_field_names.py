"""The layers below core know no configuration: no text of theirs names a field of core/config/experiment.proto.

Where an error wants to advise a setting, core adds its name (core/config/advice.h)."""

import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYERS = ("ops", "dist", "embedding")
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|#include[^\n]*|\'(?:[^\'\\\n]|\\.)+\'|"((?:[^"\\\n]|\\.)*)"', re.DOTALL)
AREA = re.compile(r"^\[[a-z_.]+\]")  # of a message: [embedding.table] is a folder


def messages(text):
    """The fields of each message: {message: {field: type}}. Fields of a oneof are the message's."""
    found, open_blocks = {}, []
    text = re.sub(r"//[^\n]*", "", text)
    for word in re.finditer(r"(message|enum|oneof|extend)\s+([\w.]+)\s*\{|([\w.]+)\s+(\w+)\s*=\s*\d+\s*[;\[]|[{}]", text):
        if word.group(1):
            open_blocks.append((word.group(1), word.group(2)))
            if word.group(1) == "message":
                found[word.group(2)] = {}
        elif word.group(4):
            names = [name for kind, name in open_blocks if kind == "message"]
            if names and open_blocks[-1][0] in ("message", "oneof"):
                found[names[-1]][word.group(4)] = word.group(3)
        elif word.group() == "}":
            open_blocks.pop()
        else:
            open_blocks.append(("other", ""))
    return found


def field_paths(text):
    """Paths of two and more names: train.batch_size, train.checkpoint.every_steps."""
    known = messages(text)

    def below(message, path):
        for field, kind in known.get(message, {}).items():
            yield f"{path}{field}"
            yield from below(kind, f"{path}{field}.")

    return [path for path in below("Experiment", "") if "." in path]


def named_fields(source, paths):
    """The fields that a C++ file's string literals name. Neighbouring literals are one text."""
    any_path = re.compile(r"(?<![\w.])(?:" + "|".join(map(re.escape, sorted(paths, key=len, reverse=True))) + r")(?![\w(])")
    pieces = [(m.start(), m.end(), m.group(1)) for m in TOKEN.finditer(source) if m.group(1) is not None]
    texts, end = [], -1
    for start, stop, piece in pieces:
        if texts and not source[end:start].strip():
            texts[-1] += piece
        else:
            texts.append(piece)
        end = stop
    return [found for text in texts for found in any_path.findall(AREA.sub("", text))]


class FieldNamesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.paths = field_paths((ROOT / "core/config/experiment.proto").read_text())

    def test_the_schema_is_read(self):
        self.assertGreater(len(self.paths), 120)
        for path in ("train.batch_size", "train.checkpoint.every_steps", "embedding.memory", "model.sfpnet.blocks",
                     "data.feature.sequence.side.target", "embedding.table.max_rows", "train.optimizer.beta1"):
            self.assertIn(path, self.paths)

    def test_planted_names_are_found(self):
        for source, wanted in (('str("; try train.clip_norm")', ["train.clip_norm"]),
                               ('str("[ops.x] wanted", " a smaller train."\n  "batch_size")', ["train.batch_size"]),
                               ('"embedding.memory: HOST"', ["embedding.memory"]),
                               ('// "train.clip_norm"\n#include "train.batch_size"', []),
                               ('"[embedding.table] wanted rows"', []), ('"data.threads_", "my.data.threads"', [])):
            self.assertEqual(named_fields(source, self.paths), wanted, source)

    def test_no_text_below_core_names_a_field(self):
        listed = subprocess.run(["git", "ls-files", *LAYERS], cwd=ROOT, capture_output=True, text=True).stdout.split()
        sources = [path for path in listed if path.endswith((".h", ".cc", ".cu", ".cuh"))]
        self.assertGreater(len(sources), 200)
        named = {path: named_fields((ROOT / path).read_text(), self.paths) for path in sources}
        self.assertEqual({path: fields for path, fields in named.items() if fields}, {})


if __name__ == "__main__":
    unittest.main()
