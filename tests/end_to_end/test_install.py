"""What cmake --install gives, used by projects that know nothing of this one. The prefix is moved after the installation."""

import os
import pathlib
import subprocess
import tempfile

import numpy as np

from tests.end_to_end.support import ROOT, ProgramTest

BUILD = os.environ.get("POLYSCENE_BUILD", str(ROOT / "build/release"))
CLIENT = os.environ.get("POLYSCENE_SERVE_CLIENT", str(ROOT / "build/release/bin/serve_client"))

PROJECT = """
cmake_minimum_required(VERSION 3.22)
project(theirs CXX)
find_package(polyscene_serve 0.2 REQUIRED)
add_executable(client serve_client.cc)
target_compile_features(client PRIVATE cxx_std_20)
target_link_libraries(client PRIVATE polyscene::serve)
"""
C_CLIENT = r"""
#include <polyscene_serve.h>
#include <stdio.h>

int main(int argc, char** argv) {
  char error[1024] = "";
  polyscene_model* model = polyscene_open(argv[argc - 1], 1, error, sizeof error);
  puts(model ? polyscene_folder(model) : error);
  polyscene_close(model);
  return 0;
}
"""


class InstallTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="polyscene-test-")
        cls.addClassCleanup(folder.cleanup)
        first, cls.prefix = pathlib.Path(folder.name) / "first", pathlib.Path(folder.name) / "moved"
        done = subprocess.run(["cmake", "--install", BUILD, "--prefix", first], capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        first.rename(cls.prefix)
        cls.program = cls.prefix / "bin/polyscene"

    def ran(self, *command, **environment):
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120, cwd=self.folder,
                              env={**os.environ, **environment})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_a_cmake_project_scores_with_the_library(self):
        self.train()
        exported = self.run_program("export", "--run", self.folder / "run", "--output", self.folder / "served")
        self.assertEqual(exported.code, 0, exported.text)
        theirs = self.folder / "theirs"
        theirs.mkdir()
        (theirs / "CMakeLists.txt").write_text(PROJECT)
        (theirs / "serve_client.cc").write_text((ROOT / "tests/end_to_end/serve_client.cc").read_text())
        self.ran("cmake", "-S", theirs, "-B", theirs / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.ran("cmake", "--build", theirs / "build")
        self.assertIn(str(self.prefix), self.ran("ldd", theirs / "build/client"))
        scores = [float(line) for line in self.ran(theirs / "build/client", self.folder / "served").split()]
        self.assertEqual(len(scores), 3)
        np.testing.assert_array_equal(scores, [float(line) for line in self.ran(CLIENT, self.folder / "served").split()])

    def test_another_minor_version_is_not_found(self):
        (self.folder / "CMakeLists.txt").write_text(PROJECT.replace(" 0.2 ", " 0.1 "))
        done = subprocess.run(["cmake", "-S", self.folder, "-B", self.folder / "b", f"-DCMAKE_PREFIX_PATH={self.prefix}"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r'compatible with requested\s+version "0.1"')

    def test_a_c_program_by_pkg_config(self):
        (self.folder / "client.c").write_text(C_CLIENT)
        (found,) = self.prefix.rglob("polyscene_serve.pc")
        asked = {"PKG_CONFIG_PATH": str(found.parent)}
        flags = self.ran("pkg-config", "--cflags", "--libs", "polyscene_serve", **asked).split()
        libraries = self.ran("pkg-config", "--variable=libdir", "polyscene_serve", **asked).strip()
        self.assertTrue(os.path.samefile(libraries, found.parents[1]))
        self.ran("cc", "-std=c99", "-Wall", "-Werror", "client.c", "-o", "client", *flags, f"-Wl,-rpath,{libraries}")
        said = self.ran("./client", self.folder / "nowhere")
        self.assertEqual(said, f"[serve] wanted an exported model, there is no folder {self.folder}/nowhere\n")

    def test_nothing_of_the_build_is_wanted(self):
        """The program and the library run without the folders they came from, and nothing that is only for tests is there."""
        self.assertEqual([path.name for path in (self.prefix / "bin").iterdir()], ["polyscene"])
        for file in (self.program, *self.prefix.rglob("libpolyscene_serve.so")):
            paths = [line for line in self.ran("readelf", "-d", file).splitlines() if "PATH" in line]
            for line in paths:
                self.assertNotIn("[/", line.replace(":", "["), f"{file}: {line}")
        for name in ("arrow", "parquet"):
            for line in self.ran("ldd", self.program).splitlines():
                if f"lib{name}.so" in line:
                    self.assertTrue(pathlib.Path(line.split()[2]).resolve().is_relative_to(self.prefix.resolve()), line)
