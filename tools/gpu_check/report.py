"""Results of checks: one line each, printed at once, saved as JSON, and counted at the end."""

import json
from dataclasses import asdict, dataclass, field

PASS, FAIL, INFO, ABSENT = "PASS", "FAIL", "INFO", "ABSENT"  # INFO: not judged; ABSENT: a requirement is missing


@dataclass
class Line:
    group: str
    name: str
    status: str
    figure: str = ""
    goal: str = ""
    note: str = ""
    data: dict = field(default_factory=dict)  # details for programs


def judged(group, name, ok, **rest):
    return Line(group, name, PASS if ok else FAIL, **rest)


class Report:
    """Rewrites `file` with every line, so that an interrupted run leaves its results so far."""

    def __init__(self, file, facts, out):
        self.file, self.facts, self.out = file, facts, out
        self.lines = []

    def add(self, line):
        self.lines.append(line)
        print(self.format(line), file=self.out, flush=True)
        self.file.write_text(
            json.dumps({**self.facts, "lines": [asdict(line) for line in self.lines]}, indent=1) + "\n"
        )

    @staticmethod
    def format(line):
        goal = f"  (goal {line.goal})" if line.goal else ""
        note = f"  – {line.note}" if line.note else ""
        return f"{line.status:6}  {line.group:9}  {line.name:52}  {line.figure}{goal}{note}"

    def count(self, status):
        return sum(line.status == status for line in self.lines)

    def finish(self, seconds):
        """Repeats the lines that did not pass and prints the totals. Returns the exit code: 0 if something passed, nothing failed."""
        print(file=self.out)
        for line in self.lines:
            if line.status in (FAIL, ABSENT):
                print(self.format(line), file=self.out)
        counts = ", ".join(
            f"{self.count(s)} {word}"
            for s, word in ((PASS, "passed"), (FAIL, "failed"), (ABSENT, "absent"), (INFO, "not judged"))
        )
        print(f"{counts} in {seconds:.0f} s; {self.file}", file=self.out, flush=True)
        return 1 if self.count(FAIL) or not self.count(PASS) else 0
