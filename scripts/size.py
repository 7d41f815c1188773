"""What a plain install of driftline weighs and how fast it starts: packages, bytes on disk, CPU time of start-up.

The install goes into a fresh environment that is thrown away. With `--write PAGE` the block between the two marks of a Markdown page is
replaced; without it the block is printed. Nothing in it depends on the day.
"""

from __future__ import annotations

import argparse
import platform
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- make size: begin -->", "<!-- make size: end -->"
STARTS = {
    "python alone": "pass",
    "import driftline": "import driftline",
    "driftline --help": "import sys; sys.argv = ['driftline', '--help']; from driftline.cli.main import main; sys.exit(main())",
}
TARGETS = {"packages": "25", "size": "350 MB", "import driftline": "100 ms", "driftline --help": "150 ms", "python alone": ""}
LIST_PACKAGES = """
from importlib.metadata import distributions
for found in distributions():
    size = sum(file.locate().stat().st_size for file in found.files or () if file.locate().is_file())
    print(found.name.lower().replace("_", "-"), found.version, size)
"""


def cpu_milliseconds(command: list[str], repeats: int = 5) -> float:
    """CPU time of a command, user and system, in milliseconds: the best of `repeats` after one to warm the caches."""
    return min([_once(command) for _ in range(repeats + 1)][1:])


def _once(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def install(folder: Path) -> Path:
    """The interpreter of a fresh environment in `folder` that holds driftline and what it needs, not even pip."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), "install", *quiet, str(ROOT)], check=True)
    return python


def packages(python: Path) -> list[tuple[str, str, int]]:
    """Name, version and bytes of each package, the largest first."""
    printed = subprocess.run([str(python), "-c", LIST_PACKAGES], check=True, capture_output=True, text=True).stdout
    found = [(name, version, int(size)) for name, version, size in (line.split() for line in printed.splitlines())]
    return sorted(found, key=lambda package: -package[2])


def block(python: Path) -> str:
    """The two tables as Markdown."""
    found = packages(python)
    total = sum(size for _, _, size in found)
    starts = {name: cpu_milliseconds([str(python), "-c", statement]) for name, statement in STARTS.items()}
    lines = [
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()}; 1 MB is a million bytes.",
        "",
        "| package | version | MB |",
        "|---|---|---:|",
        *(f"| {name} | {version} | {size / 1e6:.1f} |" for name, version, size in found),
        "",
        "| what | measured | target, at most |",
        "|---|---:|---:|",
        f"| packages | {len(found)} | {TARGETS['packages']} |",
        f"| installed size | {total / 1e6:.0f} MB | {TARGETS['size']} |",
        *(f"| CPU time of `{name}` | {spent:.0f} ms | {TARGETS[name]} |" for name, spent in starts.items()),
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--write", type=Path, metavar="PAGE", help="replace the block in this page")
    page: Path | None = parser.parse_args().write
    with tempfile.TemporaryDirectory() as folder:
        measured = block(install(Path(folder)))
    print(measured)
    if page is not None:
        text = page.read_text(encoding="utf-8")
        replaced, count = re.subn(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{measured}\n{END}", text, flags=re.DOTALL)
        if count != 1:
            sys.exit(f"{page} has no block between '{BEGIN}' and '{END}'.")
        page.write_text(replaced, encoding="utf-8")


if __name__ == "__main__":
    main()
