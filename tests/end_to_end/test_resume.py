"""A run that is interrupted, in any way and anywhere, goes on from its checkpoint as if nothing had happened."""

import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import time

import numpy as np
from safetensors.numpy import load_file, save_file

from tests.end_to_end.support import ProgramTest, Result, limit_file_size

OFTEN = ["--set", "train.epochs=2", "--set", "train.checkpoint.every_steps=7", "--set", "train.checkpoint.keep_last=3"]


class ResumeTest(ProgramTest):
    def resume(self, path, *arguments, expect=0, ranks=0, **options):
        result = self.run_program("train", "--resume", path, "--threads", 1, *arguments, ranks=ranks, **options)
        self.assertEqual(result.code, expect, result.text)
        return result

    def files(self, name):
        """All that says what the run came to: models, checkpoints, and the logs without times."""
        run = self.folder / name
        folders = [run / folder for folder in ("model", "best_model", "checkpoints") if (run / folder).exists()]
        found = {str(f.relative_to(run)): f.read_bytes() for folder in folders for f in sorted(folder.rglob("*.safetensors"))}
        logged = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        for entry in logged:
            entry.pop("samples_per_s", None)
        return found, logged

    def assert_same(self, name, wanted="whole"):
        got, want = self.files(name), self.files(wanted)
        self.assertEqual(got[0].keys(), want[0].keys())
        self.assertEqual([file for file in want[0] if got[0][file] != want[0][file]], [])
        self.assertEqual(got[1], want[1])

    def test_steps_and_steps_are_steps(self):
        result = self.train("whole", *OFTEN)
        self.assertRegex(result.out, r"resume   \S+/whole/checkpoints \(saved 11 times, training waited [\d.]+ s in all, last at step 76\)")
        self.train("parts", *OFTEN, "--set", "train.max_steps=30")
        shutil.rmtree(self.folder / "parts/checkpoints/step-0000000030")
        # From step 28, in the first epoch; --set of what may change.
        result = self.resume(self.folder / "parts", "--set", "train.max_steps=0")
        self.assertIn("resumed from step 28, ", result.out)
        self.assert_same("parts")

    def test_killed_at_any_moment(self):
        self.train("whole", *OFTEN, "--local-ranks", 2)
        moments = random.Random(1)
        kills = 0
        while kills < int(os.environ.get("POLYSCENE_KILLS", 3)):
            kills += self.killed_until_it_ends(moments)
            self.assert_same("killed")
        print(f"killed {kills} times", flush=True)

    def killed_until_it_ends(self, moments):
        """Trains a run that is killed now and then; how often it was."""
        shutil.rmtree(self.folder / "killed", ignore_errors=True)
        command = [self.program, "train", "--config", self.config, "--output", self.folder / "killed", "--threads", "1",
                   "--local-ranks", "2", *OFTEN]
        kills = 0
        while True:
            # A line comes with every step; some moments later is anywhere in a step, or in the middle of saving.
            lines = moments.randint(1, 25)
            with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
                said = []
                for line in process.stdout:
                    said.append(line)
                    lines -= line.startswith("step ")
                    if lines == 0:
                        break
                else:
                    break
                time.sleep(moments.uniform(0, 0.03))
                process.kill()
            kills += 1
            if list((self.folder / "killed/checkpoints").glob(f"step-{'[0-9]' * 10}/manifest.pbtxt")):
                command = [self.program, "train", "--resume", self.folder / "killed", "--threads", "1", "--local-ranks", "2"]
            else:
                shutil.rmtree(self.folder / "killed", ignore_errors=True)
        self.assertEqual(process.returncode, 0, "".join(said))
        return kills

    def test_a_signal_and_other_numbers_of_ranks(self):
        # Computed as on four ranks, a run is the same on any number.
        virtual = [*OFTEN, "--set", "train.virtual_ranks=4"]
        self.train("whole", *virtual)
        for ranks in (2, 3):
            name = f"on{ranks}"
            self.train(name, *virtual, "--set", "train.max_steps=20", "--local-ranks", ranks)
            self.resume(self.folder / name, "--set", "train.max_steps=45", ranks=2)
            self.resume(self.folder / name, "--set", "train.max_steps=0", "--local-ranks", 4)
            shutil.rmtree(self.folder / name / "checkpoints")
            shutil.copytree(self.folder / "whole/checkpoints", self.folder / name / "checkpoints")
            self.assertEqual(self.model_bytes(name), self.model_bytes("whole"))
        # Without that, on one rank and then on three, losses agree.
        self.train("one", *OFTEN)
        self.train("three", *OFTEN, "--set", "train.max_steps=28")
        self.resume(self.folder / "three", "--set", "train.max_steps=35", "--local-ranks", 3)
        losses = {name: [e["loss"] for e in self.logged(name, "train")][:35] for name in ("one", "three")}
        self.assertEqual(len(losses["three"]), 35)
        np.testing.assert_allclose(losses["three"], losses["one"], rtol=1e-5)

    def test_a_signal_saves_where_it_is(self):
        command = [self.program, "train", "--config", self.config, "--output", self.folder / "run", "--threads", "1",
                   "--set", "train.epochs=2000", "--set", "train.checkpoint.every_steps=100000"]
        with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if line.startswith("step 10/"):
                    process.send_signal(signal.SIGTERM)
                    break
            process.stdout.read()
        self.assertEqual(process.returncode, 0)
        (checkpoint,) = (self.folder / "run/checkpoints").iterdir()
        step = int(checkpoint.name.removeprefix("step-"))
        self.assertIn(f"resumed from step {step}, ", self.resume(checkpoint, "--set", f"train.max_steps={step + 3}").out)

    def test_a_device_goes_on_too(self):
        small = ["--set", "train.batch_size=24", "--set", "model.sfpnet.gate_hidden=8", "--set", "model.head=8", "--set",
                 "embedding.dim=4", "--set", "train.eval_batch_size=600", "--device", "cuda"]
        self.program = os.environ.get("POLYSCENE_EMULATED_BINARY", self.program + "_emulated")
        whole = ["--set", "train.checkpoint.every_steps=4", *small]
        self.train("whole", *whole, "--set", "train.max_steps=12")
        self.train("parts", *whole, "--set", "train.max_steps=8")
        self.resume(self.folder / "parts", "--set", "train.max_steps=12", "--device", "cuda")
        self.assertEqual(self.model_bytes("parts"), self.model_bytes("whole"))

    def test_a_full_disk_costs_no_training(self):
        self.train("run", *OFTEN, "--set", "train.max_steps=20")
        size = max(f.stat().st_size for f in (self.folder / "run/model").rglob("*.safetensors"))
        result = self.train("full", *OFTEN, "--set", "train.max_steps=20", preexec_fn=limit_file_size(size))
        self.assertRegex(result.out, r"checkpoint failed, training continues: step 7: .*optimizer.safetensors")
        self.assertRegex(result.out, r"a checkpoint could not be written, at step 20: .*optimizer.safetensors")
        self.assertEqual(self.model_bytes("full"), self.model_bytes("run"))

    def test_a_file_system_that_fills_up(self):
        """The same on one of a few MiB that is really full, and once there is space again."""
        if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
            self.skipTest("this machine gives a user no mounts of its own (unshare -rm)")
        mounted = self.folder / "mounted"
        mounted.mkdir()
        script = f"""mount -t tmpfs -o size=2m none {mounted}
            head -c 1700000 /dev/zero > {mounted}/ballast
            {self.program} train --config {self.config} --output {mounted}/run --threads 1 {" ".join(OFTEN)} > {self.folder}/full.txt 2>&1
            echo "ended with $?" >> {self.folder}/full.txt
            find {mounted} -name "*.partial" >> {self.folder}/full.txt
            rm {mounted}/ballast
            {self.program} train --resume {mounted}/run --threads 1
            cp -r {mounted}/run {self.folder}/full"""
        full = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, timeout=300)
        text = (self.folder / "full.txt").read_text()
        self.assertRegex(text, r"checkpoint failed, training continues: step \d+: .*No space left on device")
        self.assertRegex(text, r"the disk is full: free space or choose another place")
        self.assertNotIn(".partial\n", text)  # what failed left nothing
        self.assertEqual(full.returncode, 0, text + full.stdout + full.stderr)
        self.assertRegex(full.stdout, r"resumed from step \d+, ")
        self.train("whole", *OFTEN)
        self.assert_same("full")

    def test_a_model_takes_the_room_of_the_older_checkpoint(self):
        if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
            self.skipTest("this machine gives a user no mounts of its own (unshare -rm)")
        self.train("whole", *OFTEN)

        def kib(path):  # in pages, as a tmpfs counts
            return sum(-(-f.stat().st_size // 4096) * 4 for f in path.rglob("*") if f.is_file() and not f.is_symlink())

        whole, mounted = self.folder / "whole", self.folder / "mounted"
        models = sorted((whole / "models").iterdir())
        self.assertEqual(len(models), 2)  # the last and the best one
        room = sum(kib(whole / name) for name in ("checkpoints", "events", "models")) + 40 - kib(models[0]) // 2
        mounted.mkdir()
        script = f"""mount -t tmpfs -o size={room}k none {mounted}
            {self.program} train --config {self.config} --output {mounted}/run --threads 1 {" ".join(OFTEN)} || exit
            cp -a {mounted}/run {self.folder}/full"""
        full = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, timeout=300)
        self.assertEqual(full.returncode, 0, full.stdout + full.stderr)
        self.assertRegex(full.stderr, r"the disk is full: removed \S+/run/checkpoints/step-\d+, which was not the newest, to "
                                      r"make room for a model")
        self.assertLess(len(list((self.folder / "full/checkpoints").iterdir())), 3)
        self.assertEqual(self.model_bytes("full"), self.model_bytes("whole"))

    def test_a_run_that_was_copied_without_its_models(self):
        self.train("run", *OFTEN, "--set", "train.max_steps=60")
        shutil.copytree(self.folder / "run/checkpoints", self.folder / "copy/checkpoints")
        result = self.resume(self.folder / "copy", "--set", "train.max_steps=0")
        self.assertRegex(result.err, r"\[train\] the best evaluation so far, of step \d+, has no model in \S+/copy/models "
                                     r"\(copy models/ and its links with the checkpoints to keep it\): "
                                     r"it is not compared with later evaluations\n")
        self.evaluate("copy")
        shutil.copytree(self.folder / "run/checkpoints", self.folder / "kept/checkpoints")
        self.assertIn("kept already holds a run", self.train("kept", expect=2).err)

    def test_a_checkpoint_of_another_shape(self):
        often = [*OFTEN, "--set", "train.batch_size=32"]
        self.train("whole", *often, "--set", "train.max_steps=24")
        self.train("old", *often, "--set", "train.checkpoint.full_every=4", "--set", "train.max_steps=21")
        old, new = self.folder / "old", self.folder / "new"

        def convert(*settings, expect=0):
            shutil.rmtree(new, ignore_errors=True)
            sets = [word for setting in settings for word in ("--set", setting)]
            result = self.run_program("checkpoint", "convert", old, "--output", new, *sets)
            self.assertEqual(result.code, expect, result.text)
            return result

        def table(run):
            files = sorted((self.folder / run / "checkpoints/step-0000000021/tables").glob("item-*"))
            return load_file(files[0])

        # As it is, of a chain: training goes on as if nothing had happened.
        result = convert()
        self.assertRegex(result.out, r"table item: \d+ rows of 8 values\n")
        self.assertRegex(result.out, r"converted to \S+/new/checkpoints/step-0000000021\nnext:    polyscene train --resume \S+/new\n")
        self.resume(new, "--set", "train.max_steps=24")
        self.assertEqual(self.model_bytes("new"), self.model_bytes("whole"))
        # Another optimiser of rows, and of the rest.
        convert()
        before = table("new")
        result = convert("embedding.optimizer.kind=ADAGRAD", "embedding.optimizer.initial_accumulator=0.25",
                         "train.optimizer.kind=SGD")
        self.assertRegex(result.out, r"the state of the dense optimiser is reset: its kind changes\n")
        self.assertRegex(result.out, r"table item: \d+ rows of 8 values, "
                                     r"the state of its optimiser is reset: its kind changes\n")
        after = table("new")
        for name in ("keys", "values", "uses"):
            np.testing.assert_array_equal(after[name], before[name])
        np.testing.assert_array_equal(after["state"], np.full_like(after["values"], 0.25))
        self.assertIn("resumed from step 21, ", self.resume(new, "--set", "train.max_steps=24").out)
        # Narrower rows: their first values, and state beside them; what they feed is initialised.
        result = convert("embedding.dim=4")
        self.assertRegex(result.out, r"(?m)^head/0/w is initialised: the checkpoint has another shape, or lacks it$")
        self.assertRegex(result.out, r"table item: \d+ rows of 8 values, now of 4\n")
        after = table("new")
        np.testing.assert_array_equal(after["values"], before["values"][:, :4])
        np.testing.assert_array_equal(after["state"], np.hstack([before["state"][:, :4], before["state"][:, 8:12]]))
        self.resume(new, "--set", "train.max_steps=24")

        self.assertIn("wanted --set to change only model, embedding and train.optimizer, got modified: train.batch_size: "
                      "32 -> 16; leave it as it was", convert("train.batch_size=16", expect=2).err)
        self.assert_fails(self.run_program("checkpoint", "convert", old, "--output", old), 2, "already holds a run")
        file = next((old / "checkpoints/step-0000000007/tables").glob("item-*"))
        file.write_bytes(file.read_bytes()[:-1])
        self.assertIn(f"is damaged:\n  {file} has ", convert(expect=3).err)

    def test_what_is_refused(self):
        self.train("run", *OFTEN, "--set", "train.max_steps=20")
        run = self.folder / "run"
        self.assert_fails(self.run_program("train", "--resume", run, "--set", "train.batch_size=32"), 2,
                          "wanted the settings that the run was trained with, got "
                          "modified: train.batch_size: 64 -> 32; leave it as it was, or start another run")
        self.assert_fails(self.run_program("train", "--resume", self.folder / "data"), 2, "holds no manifest.pbtxt")
        self.assert_fails(self.run_program("train", "--resume", run, "--config", self.config), 2, "--config excludes --resume")
        self.assert_fails(self.run_program("train", "--config", self.config), 2, "--output is required")
        self.assert_fails(self.run_program("train", "--output", run), 2, "--config is required")
        table = next((run / "checkpoints/step-0000000020/tables").glob("item-*"))
        table.write_bytes(table.read_bytes()[:-1])
        self.assert_fails(self.run_program("train", "--resume", run), 3, "is damaged:", f"{table} has ",
                          f"resume from another; {run}/checkpoints/step-0000000014, beside it, is undamaged")
        # The list of files damaged too, and on two ranks.
        manifest = run / "checkpoints/step-0000000020/manifest.pbtxt"
        manifest.write_bytes(manifest.read_bytes()[:-5])
        self.assert_fails(self.run_program("train", "--resume", run, ranks=2), 3, f"{manifest}",
                          f"; {run}/checkpoints/step-0000000014, beside it, is undamaged")
        # From an earlier one: a new course, without what came later or was never finished.
        (run / "checkpoints/step-0000000017.partial").mkdir()
        self.resume(run / "checkpoints/step-0000000014", "--set", "train.max_steps=18")
        self.assertEqual(sorted(path.name for path in (run / "checkpoints").iterdir()),
                         ["step-0000000007", "step-0000000014", "step-0000000018"])
        shutil.copy(self.data / "train/part-00000.parquet", self.data / "train/part-00002.parquet")
        self.assert_fails(self.run_program("train", "--resume", run), 2, "wanted the training files that", "(2 files, ", "(3 files, ")

    def test_looking_at_checkpoints(self):
        self.train("run", *OFTEN, "--set", "train.max_steps=20", "--local-ranks", 2)
        run = self.folder / "run"
        result = self.run_program("checkpoint", "verify", run)
        self.assertEqual((result.code, result.out),
                         (0, f"{run}/checkpoints/step-0000000020: all files are as they were written\n"))
        result = self.run_program("checkpoint", "inspect", run)
        self.assertEqual(result.code, 0, result.text)
        self.assertRegex(result.out, r"step 20, epoch 0 after 20 batches, 1280 samples trained; best AUC 0\.\d+ at step 20, "
                         r"whose model is models/step-0000000020\n")
        self.assertRegex(result.out, r"\nitem +60 +8 +[\d.]+ +[\d.]+ +0\n")
        self.assertRegex(result.out, r"\nitem +[\d.]+ \(key \d+\)\n")
        self.assertLessEqual(max(map(len, result.out.splitlines()[2:])), 80)
        dense = load_file(run / "model/dense.safetensors")
        count = sum(tensor.size for tensor in dense.values())
        norm = np.sqrt(sum((tensor.astype(np.float64) ** 2).sum() for tensor in dense.values()))
        for path in (run / "model", run):
            out = self.run_program("checkpoint", "inspect", path).out
            self.assertRegex(out, rf"\ndense parameters +{count} +0 +[\d.]+ +{norm:.4f} +0\n")
        table = next((run / "checkpoints/step-0000000020/tables").glob("item-*"))
        table.write_bytes(table.read_bytes()[:-1] + b"x")
        result = self.run_program("checkpoint", "verify", run)
        self.assert_fails(result, 3, f"{table} does not have the hash that it was written with: tensor \"values\"\n", "1 file is not as written; "
                          f"resume from another; {run}/checkpoints/step-0000000014, beside it, is undamaged\n")
        for step in (7, 14):
            shutil.rmtree(run / f"checkpoints/step-{step:010}", ignore_errors=True)
        self.assert_fails(self.run_program("checkpoint", "verify", run), 3, "; no other checkpoint of the run is undamaged\n")
        shutil.rmtree(run / "checkpoints")
        self.assert_fails(self.run_program("checkpoint", "inspect", run), 2, f"no checkpoints/step-..., only a model, {run}/model, "
                          "which checkpoint inspect, verify and diff accept; train with train.checkpoint.every_steps set")
        self.assert_fails(self.run_program("checkpoint", "inspect", self.data), 2, "wanted a checkpoint or a run")
        self.assert_fails(self.run_program("checkpoint"), 2, 'wanted a command after "polyscene checkpoint"')

    def test_two_jobs_on_one_folder(self):
        command = [self.program, "train", "--config", self.config, "--output", self.folder / "run", "--threads", "1",
                   "--set", "train.epochs=2000", "--set", "train.checkpoint.every_steps=300"]
        with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as process:
            for _ in process.stdout:
                if list((self.folder / "run/checkpoints").glob("step-*/manifest.pbtxt")):
                    break
            others = [["--resume", self.folder / "run"], ["--config", self.config, "--output", self.folder / "run", "--overwrite"]]
            others = [subprocess.Popen([self.program, "train", *map(str, other)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                      for other in others]
            for other in others:
                out, err = other.communicate()
                self.assert_fails(Result(other.returncode, out, err), 2, f"another job (process {process.pid} on {os.uname().nodename}) "
                                  f"writes {self.folder / 'run'}, and did not end within 10 s; choose another folder")
            process.kill()
            process.stdout.read()
        self.resume(self.folder / "run", "--set", "train.max_steps=10")

    def test_a_job_that_still_ends_is_waited_for(self):
        self.train("run", *OFTEN, "--set", "train.max_steps=20")
        with open(self.folder / "run/lock", "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            resumed = subprocess.Popen([self.program, "train", "--resume", str(self.folder / "run"), "--set", "train.max_steps=22"],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            with self.assertRaises(subprocess.TimeoutExpired):
                resumed.wait(timeout=1)
        self.assertIn("resumed from step 20, ", resumed.communicate()[0])
        self.assertEqual(resumed.returncode, 0)

    def test_what_the_job_that_was_waited_for_saved_is_gone_on_from(self):
        self.train("run", *OFTEN, "--set", "train.max_steps=20")
        self.train("later", *OFTEN, "--set", "train.max_steps=28")
        checkpoints = self.folder / "run/checkpoints"
        with open(self.folder / "run/lock", "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            resumed = subprocess.Popen([self.program, "train", "--resume", str(self.folder / "run"), "--local-ranks", "2",
                                        "--threads", "1", "--set", "train.max_steps=30"],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            with self.assertRaises(subprocess.TimeoutExpired):
                resumed.wait(timeout=1)
            shutil.copytree(self.folder / "later/checkpoints/step-0000000028", checkpoints / "step-0000000028")
            shutil.rmtree(checkpoints / "step-0000000020")
        text = resumed.communicate()[0]
        self.assertIn("resumed from step 28, ", text)
        self.assertEqual(resumed.returncode, 0, text)

    def test_what_two_checkpoints_differ_in(self):
        self.train("whole", *OFTEN, "--set", "train.max_steps=14")
        run = self.folder / "whole"

        def diff(a, b, code):
            result = self.run_program("checkpoint", "diff", a, b)
            self.assertEqual(result.code, code, result.text)
            return result

        result = diff(run, run / "checkpoints/step-0000000014", 0)
        self.assertRegex(result.out, r"step-0000000014 and \S+step-0000000014 hold the same\n$")
        diff(run / "model", run / "checkpoints/step-0000000014", 0)
        result = diff(run / "checkpoints/step-0000000007", run, 1)
        self.assertRegex(result.out, r"(?m)^head/0/w: \d+ of \d+ elements differ, by at most [\d.e-]+$")
        self.assertRegex(result.out, r"(?m)^adam/m/head/0/w|^\S+/head/0/w: ")
        self.assertRegex(result.out, r"(?m)^table user: 0 rows only in the first, 0 only in the second, \d+ of 40 in both differ, "
                                     r"by at most [\d.e-]+ \(key \d+\)$")
        self.assertIn("[checkpoint] ", result.err)
        # One row of one table, on files of another number of ranks.
        shutil.copytree(run / "model", self.folder / "model")
        file = next((self.folder / "model/tables").glob("user-*"))
        tensors = load_file(file)
        key = int(tensors["keys"][3])
        tensors["values"][3, 2] += 0.5
        tensors["keys"][5] = 12345
        save_file(tensors, file, {"table": "user"})
        (self.folder / "model/files.pbtxt").unlink()
        result = diff(run / "model", self.folder / "model", 1)
        self.assertEqual(result.out, f"table user: 1 rows only in the first, 1 only in the second, 1 of 39 in both differ, by at most 0.5 (key {key})\n")

    def test_a_manifest_that_was_cut_or_changed(self):
        self.train("run", *OFTEN, "--set", "train.max_steps=14")
        checkpoint = self.folder / "run/checkpoints/step-0000000014"
        manifest = checkpoint / "manifest.pbtxt"
        text = manifest.read_text()
        for damaged in (text[:text.index("file {")], text.replace("step: 14", "step: 15"), text + "steq: 1\n"):
            manifest.write_text(damaged)
            for command in (("train", "--resume", self.folder / "run"), ("checkpoint", "verify", self.folder / "run")):
                self.assert_fails(self.run_program(*command), 3, f"{manifest} does not have the hash on its first line; "
                                  "the checkpoint is damaged; resume from another one with --resume FOLDER")
        # An earlier program wrote none.
        manifest.write_text(text[text.index("\n") + 1:])
        result = self.run_program("checkpoint", "verify", checkpoint)
        self.assertEqual(result.code, 0, result.text)
        self.assertRegex(result.out, rf"^{manifest} has no hash of itself, .*\n{checkpoint}: all files are as they were written\n$")
        result = self.resume(self.folder / "run", "--set", "train.max_steps=15")
        self.assertRegex(result.err, rf"^polyscene: warning: \[checkpoint\] {manifest} has no hash of itself, since an earlier "
                         r"version of Polyscene wrote it: damage to it may not be detected\n$")

    def test_a_start_from_parts_of_another_model(self):
        self.train("old", "--set", "train.max_steps=20")
        text = self.config.read_text()

        def warm(settings, expect=0, name="new", ranks=0, **changes):
            changed = text.replace("train { ", f'train {{ warm_start {{ from: "{self.folder}/old" {settings} }} ', 1)
            for old, new in changes.values():
                self.assertIn(old, changed)
                changed = changed.replace(old, new)
            self.config.write_text(changed)
            shutil.rmtree(self.folder / name, ignore_errors=True)
            return self.train(name, "--set", "train.max_steps=1", "--set", "train.optimizer.learning_rate=1e-30",
                              "--set", "embedding.optimizer.learning_rate=1e-30", expect=expect, ranks=ranks)

        # Everything: a step that moves nothing leaves the model as it was, on any number of ranks.
        result = warm("", ranks=2)
        self.assertRegex(result.out, r"warm start from \S+/old/models/step-0000000020: 29 tensors, 4 tables with \d+ rows\n(?! )")
        old, new = self.folder / "old/model", self.folder / "new/model"
        before, after = load_file(old / "dense.safetensors"), load_file(new / "dense.safetensors")
        for name, values in before.items():
            np.testing.assert_allclose(after[name], values, atol=1e-20, err_msg=name)
        rows = [load_file(file) for file in sorted((new / "tables").glob("item-*"))]
        whole = load_file(next((old / "tables").glob("item-*")))
        found = {int(k): v for shard in rows for k, v in zip(shard["keys"], shard["values"])}
        for key, values in zip(whole["keys"], whole["values"]):
            np.testing.assert_allclose(found[int(key)], values, atol=1e-20)

        # Parts, renamed; what does not fit is refused, or initialised.
        result = warm('only: "sfpnet/stb1" only: "table/" rename { from: "sfpnet/stb0" to: "sfpnet/stb1" }')
        after = load_file(new / "dense.safetensors")
        np.testing.assert_allclose(after["sfpnet/stb1/sam/w1"], before["sfpnet/stb0/sam/w1"], atol=1e-20)
        self.assertIn("  head/0/w is initialised: not in train.warm_start.only\n", result.out)
        self.assertIn("  sfpnet/stb1/sam/w1 has no counterpart in this model and was not used\n", result.out)
        result = warm("", expect=2, head=("head: 16 head: 8", "head: 12 head: 8"))
        self.assertRegex(result.err, r"\[checkpoint\] head/0/w has shape \[\d+, 16\] in \S+/old/models/step-0000000020, \[\d+, 12\] here; "
                                     r"set train.warm_start.mismatch: SKIP to initialise it, CONVERT to resize rows of tables, or only, or rename")
        result = warm("mismatch: SKIP", head=("head: 16 head: 8", "head: 12 head: 8"))
        self.assertRegex(result.out, r"  head/0/w is initialised: shape \[\d+, 16\] there, \[\d+, 12\] here\n")
        result = warm("", expect=2, dim=("dim: 8", "dim: 4"))
        self.assertRegex(result.err, r"\[checkpoint\] \S+ has shape ")
        result = warm("mismatch: SKIP", dim=("dim: 8", "dim: 4"))
        self.assertIn("  table/item is initialised: shape [rows, 8] there, [rows, 4] here\n", result.out)
        result = warm("mismatch: CONVERT", dim=("dim: 8", "dim: 4"))
        self.assertIn("  table item: rows of 8 values to 4\n", result.out)
        rows = load_file(next((new / "tables").glob("item-*")))
        narrow = {int(k): v for k, v in zip(rows["keys"], rows["values"])}
        for key, values in zip(whole["keys"], whole["values"]):
            np.testing.assert_allclose(narrow[int(key)], values[:4], atol=1e-20)
        result = warm("", item=('table: "item" target', 'table: "thing" target'), name="things")
        self.assertIn("  table/thing is initialised: not there\n", result.out)
        result = warm('rename { from: "table/item" to: "table/thing" }', item=('table: "item" target', 'table: "thing" target'), name="things")
        self.assertNotIn("table/thing is initialised", result.out)
        result = warm('only: "nothing"', expect=2)
        self.assertIn("finds nothing to load in ", result.err)
        self.assert_fails(self.run_program("train", "--config", self.config, "--output", self.folder / "x", "--set",
                                           "train.warm_start.from="), 2, "train.warm_start.from wants a run, a checkpoint")

    def test_checkpoints_that_add_to_others(self):
        self.bound_users()
        often = [*OFTEN, "--set", "train.batch_size=32"]
        adding = [*often, "--set", "train.checkpoint.full_every=4", "--set", "train.checkpoint.keep_last=1"]
        self.train("whole", *often)
        self.train("parts", *adding, "--set", "train.max_steps=24")
        # At 7 a whole one, at 14, 21 and 24 what was trained since.
        checkpoints = self.folder / "parts/checkpoints"
        self.assertEqual(sorted(os.listdir(checkpoints)), [f"step-{step:010}" for step in (7, 14, 21, 24)])
        self.assertIn('base: "step-0000000021"', (checkpoints / "step-0000000024/manifest.pbtxt").read_text())
        self.assertEqual(self.run_program("checkpoint", "verify", self.folder / "parts").code, 0)
        shutil.copytree(self.folder / "parts", self.folder / "compact")
        self.resume(self.folder / "parts", "--set", "train.max_steps=0")

        def models(name):
            return {f: b for f, b in self.files(name)[0].items() if f.startswith("model/")}

        self.assertEqual(models("parts"), models("whole"))

        result = self.run_program("checkpoint", "inspect", self.folder / "compact")
        self.assertIn("incremental, base checkpoint step-0000000021, 4 checkpoints in the chain; "
                      "it holds the rows trained since its base", result.out)
        self.assert_fails(self.run_program("checkpoint", "diff", self.folder / "compact", self.folder / "whole"), 2,
                          "is incremental and holds only part of the rows; polyscene checkpoint compact ")
        result = self.run_program("checkpoint", "compact", self.folder / "compact")
        self.assertEqual(result.code, 0, result.text)
        self.assertRegex(result.out, r"/step-0000000024 is now a full checkpoint, joined from 4 checkpoints\n$")
        for step in (7, 14, 21):
            shutil.rmtree(self.folder / f"compact/checkpoints/step-{step:010}")
        self.assertRegex(self.run_program("checkpoint", "compact", self.folder / "compact").out, "is already a full checkpoint\n$")
        self.assertEqual(self.run_program("checkpoint", "verify", self.folder / "compact").code, 0)
        self.resume(self.folder / "compact", "--set", "train.max_steps=0")
        self.assertEqual(models("compact"), models("whole"))
        # The newest of the run that went on adds to one that is gone.
        shutil.rmtree(sorted((self.folder / "parts/checkpoints").iterdir())[0])
        self.assert_fails(self.run_program("checkpoint", "verify", self.folder / "parts"), 3, " is not beside it; restore it")
