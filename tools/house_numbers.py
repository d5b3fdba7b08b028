#!/usr/bin/env python3
"""Prints statistics of the source code: of HEAD, of a revision, or of two side by side.

    tools/house_numbers.py [REVISION [REVISION]]

Reads tracked files out of git and needs no checkout. src is all but tests/; the product is also without tools/. Shares
of lines leave out empty lines. Below the table: the longest functions, folders that include each other, includes that
run up in the order of folders that has the fewest of them, and classes that two files define.
"""

import argparse
import collections
import io
import itertools
import math
import pathlib
import re
import statistics
import subprocess
import tarfile

from cpp_outline import Outline, comment_lines

ROOT = pathlib.Path(__file__).resolve().parents[1]
HEADERS = (".h", ".hpp")
SOURCES = (".cc", ".cu")
LONG_LINE, LONG_FUNCTION, SMALL_FILE = 100, 60, 20
# Top folders whose sub-folders have an order.
ORDERED = ("core", "dist", "embedding", "ops")
PRODUCT = (*ORDERED, "launcher")
NUMBER = r"(?:std::)?(?:u?int\d*(?:_t)?|s?size_t|ptrdiff_t|double|unsigned(?: \w+)?|(?:long ?)+)"
NUMBER_CAST = re.compile(f"static_cast<{NUMBER}>")
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)


def git(*words):
    return subprocess.run(["git", "-C", str(ROOT), *words], check=True, stdout=subprocess.PIPE).stdout


def tracked(revision):
    """{path: text} of C++, CUDA and README files."""
    with tarfile.open(fileobj=io.BytesIO(git("archive", revision))) as archive:
        wanted = [m for m in archive if m.isfile() and m.name.endswith((*HEADERS, *SOURCES, "README.md"))]
        return {m.name: archive.extractfile(m).read().decode(errors="replace") for m in wanted}


def p90(values):
    return sorted(values)[math.ceil(0.9 * len(values)) - 1] if values else 0


def spread(values):
    return f"{statistics.median(values):g} / {p90(values)} / {max(values)}" if values else "-"


def share(part, whole):
    return f"{100 * part / max(whole, 1):.2f} % ({part} of {whole})"


def arrows(files, top):
    """{(from, to): includes} between the folders of a top folder."""
    found = collections.Counter()
    for path in (path for path in files if path.startswith(top + "/")):
        for header in INCLUDE.findall(files[path]):
            a, b = path.split("/"), header.split("/")
            if a[0] == b[0] and len(a) > 2 and len(b) > 2 and a[1] != b[1]:
                found["/".join(a[:2]), "/".join(b[:2])] += 1
    return found


def upward(found):
    """The fewest upward includes in any order of the folders, and these includes; from the best order of each set."""
    folders = sorted({folder for arrow in found for folder in arrow})
    best = {frozenset(): (0, 0, [])}
    for size in range(1, len(folders) + 1):
        for below in map(frozenset, itertools.combinations(folders, size)):
            best[below] = min(with_topmost(found, below, last, best[below - {last}]) for last in below)
    return best[frozenset(folders)][2]


def with_topmost(found, below, last, order):
    """`order` with `last` on top: includes of `last` by the others are upward."""
    more = [(a, last) for a in sorted(below) if (a, last) in found]
    return order[0] + len(more), order[1] + sum(found[arrow] for arrow in more), order[2] + more


def folder_rows(files):
    counts, ups = collections.Counter(), []
    for top in ORDERED:
        found = arrows(files, top)
        counts.update(found)
        ups += upward(found)
    mutual = sorted((a, b) for a, b in counts if a < b and (b, a) in counts)
    notes = [f"mutual: {a} - {b} ({counts[a, b]}:{counts[b, a]})" for a, b in mutual]
    notes += [f"upward: {a} -> {b} ({counts[a, b]})" for a, b in ups]
    return [("mutual pairs of folders a/b", str(len(mutual))), ("arrows up in the best order", str(len(ups)))], notes


def prose_lines(text):
    """Lines of a README outside of code and tables."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [line for line in outside.splitlines() if line.strip() and not line.startswith(("|", "#"))]


def size_rows(files, src, tests):
    """Rows about lines of files: all, src, tests, as lists of numbers."""
    return [("files", str(len(files))), ("lines", str(sum(files))), ("lines of tests", share(sum(tests), sum(files))),
            ("lines a file: median / p90 / max", spread(files)), ("    src", spread(src)), ("    tests", spread(tests)),
            (f"files of src under {SMALL_FILE} lines", share(sum(n < SMALL_FILE for n in src), len(src)))]


def full_lines(texts):
    return [line for text in texts for line in text.splitlines() if line.strip()]


def text_rows(src, readmes):
    rows = []
    for name, ends in (("headers", HEADERS), ("sources", SOURCES)):
        texts = [text for path, text in src.items() if path.endswith(ends)]
        rows.append((f"comment lines of src, {name}", share(sum(map(comment_lines, texts)), len(full_lines(texts)))))
    product = [text for path, text in src.items() if path.split("/")[0] in PRODUCT]
    casts = sum(len(NUMBER_CAST.findall(text)) for text in product)
    lines = max(sum(text.count("\n") for text in product), 1)
    rows.append(("numeric static_casts of the product", f"{1000 * casts / lines:.1f} a kLOC ({casts})"))
    prose = [line for text in readmes.values() for line in prose_lines(text)]
    for name, lines in (("lines of src", full_lines(src.values())), ("README prose", prose)):
        rows.append((f"{name} over {LONG_LINE} columns", share(sum(len(n) > LONG_LINE for n in lines), len(lines))))
    return rows


def parsed_rows(code, src):
    outlines = {path: Outline(path, text) for path, text in code.items()}
    functions = [f for o in outlines.values() for f in o.functions]
    sizes = [f.lines for f in functions]
    places = collections.defaultdict(set)
    for path in src:
        for name in outlines[path].classes:
            places[name].add(path)
    twice = {name: sorted(files) for name, files in places.items() if len(files) > 1}
    rows = [("functions", str(len(functions))), ("lines a function: median / p90 / max", spread(sizes)),
            (f"functions over {LONG_FUNCTION} lines", share(sum(n > LONG_FUNCTION for n in sizes), len(sizes))),
            ("classes of src defined twice", str(len(twice)))]
    notes = [f"longest: {f.file}:{f.line} ({f.lines})" for f in sorted(functions, reverse=True)[:3]]
    return rows, notes + [f"twice: {name} in {', '.join(files)}" for name, files in sorted(twice.items())]


def subjects_row(name, revisions):
    lengths = [len(line) for line in git("log", "--no-merges", "--format=%s", revisions).decode().splitlines()]
    return name, f"{spread(lengths)} of {len(lengths)}"


def measure(revision):
    """([(name, value)], notes) of a revision."""
    files = tracked(revision)
    code = {path: text for path, text in files.items() if not path.endswith(".md")}
    src = {path: text for path, text in code.items() if not path.startswith("tests/")}
    lines = {path: text.count("\n") for path, text in code.items()}
    src_lines = [lines[path] for path in src]
    sizes = size_rows([*lines.values()], src_lines, [lines[path] for path in lines.keys() - src.keys()])
    parsed, parsed_notes = parsed_rows(code, src)
    texts = text_rows(src, {path: text for path, text in files.items() if path.endswith(".md")})
    folders, folder_notes = folder_rows(src)
    subjects = [subjects_row("commit subjects: median / p90 / max", revision)]
    return sizes + parsed + texts + folders + subjects, parsed_notes + folder_notes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", nargs="*", default=["HEAD"], help="one or two git revisions (default: HEAD)")
    revisions = parser.parse_args().revision
    if len(revisions) > 2:
        parser.error(f"wanted at most two revisions, got {len(revisions)}")
    measured = [measure(revision) for revision in revisions]
    print(f"{'':38}" + "".join(f"{revision:30}" for revision in revisions))
    for rows in zip(*(rows for rows, _ in measured)):
        print((f"{rows[0][0]:38}" + "".join(f"{value:30}" for _, value in rows)).rstrip())
    if len(revisions) == 2:
        print("{:38}{}".format(*subjects_row(f"subjects of {'..'.join(revisions)}", "..".join(revisions))))
    for revision, (_, notes) in zip(revisions, measured):
        print(f"\n{revision}\n" + "\n".join(f"  {note}" for note in notes))


if __name__ == "__main__":
    main()
