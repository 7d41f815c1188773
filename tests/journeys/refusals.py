"""A small good table, and what it means that a command refuses its input."""

SMALL = "income,city,score,label\n" + "".join(f"{40 + i % 7},{'ab'[i % 2]},0.{i % 9 + 1},{i % 2}\n" for i in range(60))


def fails(run, folder, *argv, words, outputs=("out.html", "out.json")):
    """The command ends with one sentence; no file appears, whole or half."""
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    options = ["--html", outputs[0], "--json", outputs[1]] if argv[0] == "compare" else []
    ran = run(*argv, *options)
    assert ran.failed(*words)
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before
    return ran
