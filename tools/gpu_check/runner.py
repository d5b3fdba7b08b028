"""Starts programs under a time limit, several at once if nothing is timed, and keeps their output."""

import concurrent.futures
import json
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass

LONGEST = 200  # characters of a message


class TimeUp(Exception):
    """The time of the whole check is used up."""


@dataclass
class Done:
    code: int
    out: str
    err: str
    seconds: float
    timed_out: bool

    @property
    def ok(self):
        return self.code == 0 and not self.timed_out

    def why(self):
        """A short reason of a failure: the message of our own program, without mpirun's text around it."""
        if self.timed_out:
            return f"over its limit of {self.seconds:.0f} s"
        lines = [line.strip() for line in (self.err.strip() or self.out.strip()).splitlines() if line.strip("-= \n")]
        ours = [line for line in lines if re.match(r"(\w+: )?\[[a-z.]+\] ", line)]
        said = [*lines[-1:], *ours[:1]]
        return f"exit {self.code}: {said[-1][:LONGEST] if said else 'it printed nothing'}"

    def json(self):
        """Parses standard output, or else its last line that is JSON. Throws ValueError when there is none."""
        for text in (self.out, *reversed(self.out.splitlines())):
            try:
                found = json.loads(text)
            except ValueError:
                continue
            if isinstance(found, (dict, list)):
                return found
        raise ValueError("it printed no JSON")


class Runner:
    def __init__(self, logs, seconds, environment=None, jobs=4):
        self.logs, self.environment, self.jobs = logs, environment, jobs
        self.logs.mkdir(parents=True, exist_ok=True)
        self.start, self.seconds = time.monotonic(), seconds

    def elapsed(self):
        return time.monotonic() - self.start

    def run(self, name, command, limit_s, environment=None):
        """Runs a command and returns Done. Raises TimeUp if no time is left. Output goes to NAME.out and NAME.err."""
        limit_s = min(limit_s, self.seconds - self.elapsed())
        if limit_s <= 0:
            raise TimeUp(f"not run: the {self.seconds:.0f} s of --seconds are used up")
        stem = re.sub(r"[^\w.-]+", "_", name)
        files = [self.logs / f"{stem}.out", self.logs / f"{stem}.err"]
        start, timed_out = time.monotonic(), False
        with open(files[0], "wb") as out, open(files[1], "wb") as err:
            process = subprocess.Popen(
                [str(c) for c in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environment or self.environment,
                start_new_session=True,
            )
            try:
                process.wait(limit_s)
            except subprocess.TimeoutExpired:
                timed_out = True
            finally:
                kill_group(process)
        texts = [file.read_text(errors="replace") for file in files]
        return Done(process.returncode, *texts, time.monotonic() - start, timed_out)

    def run_all(self, commands, limit_s):
        """Results by key of {key: (name, command)}, a few at a time: Done, or the exception of run() for each."""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            futures = {key: pool.submit(self.run, name, command, limit_s) for key, (name, command) in commands.items()}
        return {key: future.exception() or future.result() for key, future in futures.items()}


def kill_group(process):
    """Kills the program and its child processes, since ranks would outlive mpirun otherwise."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
