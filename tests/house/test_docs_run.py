"""The examples of the README and the tutorial run, in the order of the page, and print what the page shows.

Per page there is one temporary working folder and one Python namespace.

- ```` ```python ````: is executed; with `>>>` it is a doctest.
- ```` ```console ````: lines `$ driftline ...` are executed; the lines below must be what is printed (`...` stands for anything; nothing
  shown, nothing compared). `$ echo $?` shows the exit code; without it, 0 and 1 are fine. Other commands are for people.
- `<!-- set-up` ... `-->`: Python that readers do not see, for files that the examples read.
- `<!-- not run: reason -->` before a fence leaves it out.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "tutorial").glob("*.md"))]
LONG = {"a-model-over-time.md"}
BLOCK = re.compile(
    r"^<!-- set-up\n(?P<hidden>.*?)^-->$"
    r"|(?P<out><!-- not run: .+ -->\n+)?^```(?P<language>[a-z]*)[^\n]*\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(r"^\$ (?P<line>(?:.*\\\n)*.*)\n?(?P<shown>(?:(?!\$ ).*\n?)*)", re.MULTILINE)
LENIENT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    language: str
    body: str
    line: int


@dataclass(frozen=True)
class Command:
    arguments: list[str]
    shown: str


def blocks(text: str) -> Iterator[Block]:
    """The blocks to run, in the order of the page."""
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        if found["hidden"] is not None:
            yield Block("python", found["hidden"], line)
        elif not found["out"]:
            yield Block(found["language"], found["body"], line)


def commands(body: str) -> list[Command]:
    """The commands of a console block with what is shown below each."""
    return [Command(shlex.split(found["line"].replace("\\\n", " "), comments=True), found["shown"]) for found in COMMAND.finditer(body)]


def check_output(shown: str, printed: str, place: str) -> None:
    """Fails where `printed` is not what a page shows; nothing shown fits everything."""
    want, got = ("\n".join(line.rstrip() for line in text.strip("\n").splitlines()) + "\n" for text in (shown, printed))
    if shown.strip() and not doctest.OutputChecker().check_output(want, got, doctest.ELLIPSIS):
        pytest.fail(f"{place} shows\n{want}\nand the command prints\n{got}", pytrace=False)


def run_python(block: Block, names: dict[str, Any], place: str) -> None:
    if ">>>" not in block.body:
        exec(compile("\n" * block.line + block.body, place, "exec"), names)  # noqa: S102  the pages are ours
        return
    example = doctest.DocTestParser().get_doctest(block.body, names, place, place, block.line)
    report = io.StringIO()
    result = doctest.DocTestRunner(optionflags=LENIENT).run(example, out=report.write, clear_globs=False)
    names.update(example.globs)
    if result.failed:
        pytest.fail(report.getvalue(), pytrace=False)


def run_driftline(arguments: list[str]) -> tuple[str, int]:
    """What the command prints, and its exit code."""
    from driftline.cli.main import main

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return printed.getvalue(), int(code or 0)


def run_console(block: Block, place: str) -> None:
    todo = commands(block.body)
    following = [command.arguments for command in todo[1:]]
    code = 0
    for command, after in zip(todo, [*following, []], strict=True):
        if command.arguments[:1] == ["driftline"]:
            printed, code = run_driftline(command.arguments[1:])
            assert code <= 1 or after == ["echo", "$?"], f"{place}: exit code {code}\n{printed}"
            check_output(command.shown, printed, place)
        elif command.arguments == ["echo", "$?"]:
            check_output(command.shown, f"{code}\n", place)


def run_page(text: str, name: str) -> int:
    """Runs the examples of a page; the number of blocks that ran."""
    names: dict[str, Any] = {"__name__": "__main__"}
    count = 0
    for block in blocks(text):
        place = f"{name}, line {block.line}"
        if block.language == "python":
            run_python(block, names, place)
        elif block.language == "console":
            run_console(block, place)
        count += block.language in {"python", "console"}
    return count


@pytest.fixture(autouse=True)
def _a_readers_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=str(path.relative_to(ROOT)), marks=[pytest.mark.slow] if path.name in LONG else []) for path in PAGES],
)
def test_the_examples_of_a_page_run(path: Path) -> None:
    assert path.is_file(), f"{path.name} is missing"
    assert run_page(path.read_text(encoding="utf-8"), path.name) > 0, "a page for people shows something that runs"


PAGE = """
<!-- set-up
from pathlib import Path
Path("a.txt").write_text("4")
-->
```python
number = int(Path("a.txt").read_text())
```
<!-- not run: there is no such module -->
```python
import nothing
```
```console
$ pip install driftline
$ other --option \\
    value
```
```python
>>> number + 1
{five}
```
"""


def test_blocks_share_a_folder_and_a_namespace() -> None:
    assert run_page(PAGE.format(five=5), "page") == 4


def test_a_wrong_example_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match="Expected"):
        run_page(PAGE.format(five=6), "page")


def test_a_wrong_line_of_output_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match="shows"):
        check_output("drifted 3\n", "drifted 4\n", "page")


def test_dots_stand_for_anything() -> None:
    check_output("drifted 3\n...\nreport: out.html\n", "drifted 3  \nx\ny\nreport: out.html\n", "page")


def test_commands_keep_what_is_shown_below_them() -> None:
    found = commands("$ driftline compare a.csv \\\n    b.csv  # two tables\none\ntwo\n$ echo $?\n1\n")
    assert found == [Command(["driftline", "compare", "a.csv", "b.csv"], "one\ntwo\n"), Command(["echo", "$?"], "1\n")]
