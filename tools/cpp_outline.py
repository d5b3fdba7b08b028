"""Functions and classes of a C++ file by its braces, and which of its lines are comments.

Knows namespaces, classes, functions and lambdas, which count as functions. Members of a class inside a function are not
counted, and a macro that hides a brace misleads it.
"""

import collections
import re

COMMENT = r"//[^\n]*|/\*.*?\*/"
RAW_STRING = r'R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"'
STRING = r'"(?:\\.|[^"\\\n])*"|(?<![0-9A-Za-z_])\'(?:\\.|[^\'\\\n])+\''
DIRECTIVE = r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*"
NOT_CODE = re.compile(f"(?P<comment>{COMMENT})|{RAW_STRING}|{STRING}|{DIRECTIVE}", re.DOTALL | re.MULTILINE)
ACCESS = re.compile(r"^(?:\s*(?:public|private|protected)\s*:(?!:))+")
SCOPE = re.compile(r"^(?:inline )?(?:namespace\b *([\w:]*)|extern)\s*$")
CLASS = re.compile(r"^(?:class|struct|union)\b((?:[^:]|::)*)")
# Matches the result of bare(): after a function's parameters, or after the last initialiser of a constructor.
FUNCTION = re.compile(r"@[\s&]*(?:(?:const|noexcept|override|final|try)\b[\s@&]*)*(?:->.*|requires\b.*)?$", re.DOTALL)
INITIALISERS = re.compile(r"@[\w\s]*(?<!:):(?!:)")
LAMBDA = re.compile(r"\](?:\s*<[^<>]*>)?\s*@?\s*(?:mutable\b|noexcept\b|[A-Z_]+\b|\s)*(?:->[^;@]*)?$")

Function = collections.namedtuple("Function", "lines file line")


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def comment_lines(text):
    """Lines that hold a comment and nothing else."""
    def alone(match):
        return "\n" * match.group().count("\n") if match.group("comment") else "x" + blank(match)

    code = NOT_CODE.sub(alone, text)
    return sum(bool(a.strip()) and not b.strip() for a, b in zip(text.splitlines(), code.splitlines()))


def without_templates(head):
    """The text without a leading `template <...>`."""
    while match := re.match(r"\s*template\s*<", head):
        depth, end = 1, match.end()
        while depth and end < len(head):
            depth += {"<": 1, ">": -1}.get(head[end], 0)
            end += 1
        head = head[end:]
    return head.lstrip()


def bare(head):
    """The text without attributes and access specifiers; everything in brackets becomes one @."""
    head = ACCESS.sub("", re.sub(r"\[\[[^\]]*\]\]|\balignas\([^)]*\)", "", head)).strip()
    inner = re.compile(r"\([^(){}]*\)|\{[^(){}]*\}")
    while (smaller := inner.sub("@", head)) != head:
        head = smaller
    return without_templates(head)


def kind_of(head):
    """Kind (scope, class, function, lambda, values, other) and name of the block that the brace after `head` opens."""
    head = bare(head)
    if LAMBDA.search(head):
        return "lambda", ""
    if "(" in head or "{" in head:
        return "values", ""
    if match := SCOPE.match(head):
        return "scope", match.group(1)
    if (match := CLASS.match(head)) and "@" not in match.group(1):
        return "class", " ".join(match.group(1).replace(" final", "").split())
    if head.startswith(("enum", "return")) or "=" in re.sub(r"operator\W+", "", head) or "@" not in head:
        return "other", ""
    if FUNCTION.search(head):
        return "function", ""
    return ("values" if INITIALISERS.search(head) else "other"), ""


class Outline:
    """Finds the functions and classes of one file by its braces."""

    def __init__(self, path, text):
        self.path, self.text = path, NOT_CODE.sub(blank, text)
        self.functions, self.classes = [], []
        # The open braces as (kind, name, start of the head, position of the first line); unnamed namespaces: None.
        self.open, self.head = [], 0
        for match in re.finditer(r"[{};]", self.text):
            {"{": self.enter, "}": self.leave, ";": self.end}[match.group()](match.start())

    def line(self, at):
        return self.text.count("\n", 0, at) + 1

    def end(self, at):
        self.head = at + 1

    def enter(self, at):
        kind, name = kind_of(self.text[self.head:at])
        if kind != "lambda" and any(outer not in ("scope", "class") for outer, _, _, _ in self.open):
            kind = "other"
        around = [outer for _, outer, _, _ in self.open]
        if kind == "class" and name and None not in around:
            self.classes.append("::".join([*filter(bool, around), name]))
        signature = ACCESS.sub("", self.text[self.head:at])
        start = at if kind == "lambda" else at - len(without_templates(signature))
        self.open.append((kind, None if (kind, name) == ("scope", "") else name, self.head, start))
        self.head = at + 1

    def leave(self, at):
        kind, _, head, start = self.open.pop() if self.open else ("other", "", 0, 0)
        if kind in ("function", "lambda"):
            first = self.line(start)
            self.functions.append(Function(self.line(at) + 1 - first, self.path, first))
        self.head = head if kind in ("values", "lambda") else at + 1
