"""What tools/house_numbers.py counts, and how tools/cpp_outline.py reads C++."""

import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import cpp_outline  # noqa: E402  (found through the line above)
import house_numbers  # noqa: E402

CODE = """// What it is about: { is no brace here.
namespace polyscene {
namespace {
struct Hidden {};
}  // namespace

#define OPEN {

class [[nodiscard]] Table final : public Base<int> {
 public:
  Table(int rows, const Options& options = {})
      : rows_{rows}, name_("}") {
    fill();
  }
  /* Two
     lines. */
  int rows() const noexcept { return rows_; }
  bool operator==(const Table& other) const { return rows_ == other.rows_; }

 private:
  struct Row { int64_t key = 0; };
  int rows_{0};
};

template <class T, class U = std::pair<T, T>>
T sum(const std::vector<T>& values) requires std::integral<T> {
  for (T v : values) {
    add(v);
  }
  run([&](T a) -> T { return a; }, [](auto) HWY_ATTR { return '{'; });
}

enum class Kind { kOne, kTwo };
constexpr std::array<int, 2> kPairs = {{1}, {2}};
const std::string kText = R"(} not { code)";
"""


class OutlineTest(unittest.TestCase):
    def setUp(self):
        self.outline = cpp_outline.Outline("a.h", CODE)

    def test_functions_and_lambdas_with_their_lines(self):
        found = sorted((f.line, f.lines) for f in self.outline.functions)
        self.assertEqual(found, [(11, 4), (17, 1), (18, 1), (26, 6), (30, 1), (30, 1)])

    def test_classes_with_their_scopes_but_unnamed_ones(self):
        self.assertEqual(self.outline.classes, ["polyscene::Table", "polyscene::Table::Row"])

    def test_lines_that_are_comments_alone(self):
        self.assertEqual(cpp_outline.comment_lines(CODE), 3)


class NumbersTest(unittest.TestCase):
    def test_spread_and_share(self):
        self.assertEqual(house_numbers.spread(list(range(1, 11))), "5.5 / 9 / 10")
        self.assertEqual(house_numbers.spread([]), "-")
        self.assertEqual(house_numbers.share(1, 8), "12.50 % (1 of 8)")

    def test_arrows_that_run_up(self):
        files = {"ops/graph/a.cc": '#include "ops/base/b.h"\n#include "ops/dense/d.h"\n',
                 "ops/dense/d.cc": '#include "ops/graph/a.h"\n#include "ops/graph/c.h"\n#include "dist/world.h"\n',
                 "ops/base/b.h": '#include "ops/base/c.h"\n#include <vector>\n'}
        rows, notes = house_numbers.folder_rows(files)
        self.assertEqual([value for _, value in rows], ["1", "1"])
        self.assertEqual(notes, ["mutual: ops/dense - ops/graph (2:1)", "upward: ops/graph -> ops/dense (1)"])

    def test_a_class_of_two_files(self):
        src = {name: "namespace a { struct S { int x; }; }\n" for name in ("core/a.h", "dist/b.h")}
        rows, notes = house_numbers.parsed_rows(src, src)
        self.assertEqual(rows[-1], ("classes of src defined twice", "1"))
        self.assertEqual(notes, ["twice: a::S in core/a.h, dist/b.h"])

    def test_casts_to_numbers_and_long_lines(self):
        text = "static_cast<size_t>(x) + static_cast<double>(static_cast<std::ptrdiff_t>(y)) + static_cast<T*>(z)\n"
        src, readmes = {"ops/a.cc": text + "\n" + "x" * 101 + "\n"}, {"README.md": "| " + "t" * 120}
        rows = dict(house_numbers.text_rows(src, readmes))
        self.assertEqual(rows["numeric static_casts of the product"], "1000.0 a kLOC (3)")
        self.assertEqual(rows["lines of src over 100 columns"], "50.00 % (1 of 2)")
        self.assertEqual(rows["README prose over 100 columns"], "0.00 % (0 of 0)")

    def test_two_revisions_side_by_side(self):
        command = [sys.executable, ROOT / "tools/house_numbers.py", "HEAD", "HEAD"]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = {line[:38].strip(): line[38:].split() for line in done.stdout.splitlines()}
        self.assertEqual(len(set(lines["files"])), 1)
        self.assertGreater(int(lines["functions"][1]), 5000)


if __name__ == "__main__":
    unittest.main()
