"""Files, functions and classes stay small, and every file has a name that says something."""

import ast
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 50
PUBLIC_METHODS = 12
NAMES_THAT_SAY_NOTHING = {
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "misc",
    "base",
    "manager",
    "handler",
    "context",
    "resolver",
    "component",
}


def test_a_file_has_at_most_400_lines(source_file: Path) -> None:
    assert len(source_file.read_text(encoding="utf-8").splitlines()) <= FILE_LINES


def test_a_function_has_at_most_50_lines(source_file: Path) -> None:
    functions = [node for node in ast.walk(_tree(source_file)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {f"{node.name}, line {node.lineno}": (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions}
    assert {name: length for name, length in lengths.items() if length > FUNCTION_LINES} == {}


def test_a_class_has_at_most_12_public_methods(source_file: Path) -> None:
    classes = [node for node in ast.walk(_tree(source_file)) if isinstance(node, ast.ClassDef)]
    counts = {node.name: sum(isinstance(part, ast.FunctionDef) and not part.name.startswith("_") for part in node.body) for node in classes}
    assert {name: count for name, count in counts.items() if count > PUBLIC_METHODS} == {}


def test_a_module_begins_with_a_paragraph(source_file: Path) -> None:
    paragraph = ast.get_docstring(_tree(source_file))
    assert paragraph
    assert paragraph.split("\n\n")[0].rstrip().endswith((".", ":", "?")), "the paragraph is made of full sentences"


def test_a_name_says_something(source_file: Path) -> None:
    words = set(source_file.relative_to(source_file.parents[1]).with_suffix("").parts) | set(source_file.stem.split("_"))
    assert words & NAMES_THAT_SAY_NOTHING == set()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
