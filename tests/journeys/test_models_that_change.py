"""What happens to models over the years: columns and versions come and go, drift is slow, rows are erased, and clocks are changed."""

import itertools
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from worlds import US, put

from driftline.core.ledger import Step
from driftline.core.records import Basis
from driftline.overtime import open_model

START = datetime(2026, 3, 2, tzinfo=UTC)
PETS = ("cat", "dog", "hen")
SMALL = """
model: pets
task: {type: multiclass, scores: {cat: p_cat, dog: p_dog, hen: p_hen}}
data: {predictions: p/*.parquet, labels: l/*.parquet, reference: ref.parquet}
columns: {id: id, time: time, prediction: said, label: truth, label_time: known, version: version}
labels: {matures_after: 2d}
windows: {base: 1d, widen_to: 4d}
"""


def pets(first, last, rows=400, seed=1, *, shift=0.0, version="v1", labelled=False):
    """Rows of some days after START: a weight that `shift` moves, a city, a flag, and the class with its scores."""
    draw = np.random.default_rng([seed, first + 1000, last + 1000])
    n = rows * (last - first)
    at = np.sort(draw.uniform(first, last, n))
    shares = draw.dirichlet((2, 2, 1), n)
    truth = [PETS[draw.choice(3, p=share)] for share in shares]
    table = pa.table(
        {
            "id": [f"{seed}-{first}-{i}" for i in range(n)],
            "time": pa.array([START + timedelta(days=float(day)) for day in at], US),
            "version": [version] * n,
            "weight": draw.normal(10 + shift, 2, n),
            "age": draw.integers(0, 15, n),
            "city": draw.choice(["oslo", "rome", "bern"], n, p=[0.5, 0.3, 0.2]),
            **{f"p_{name}": shares[:, k] for k, name in enumerate(PETS)},
            "said": np.array(PETS)[shares.argmax(axis=1)].tolist(),
        }
    )
    if labelled:
        return table.append_column("truth", pa.array(truth))
    known = [START + timedelta(days=float(day) + 0.5) for day in at]
    return table, pa.table({"id": table["id"], "truth": truth, "known": pa.array(known, US)})


@pytest.fixture
def pet(tmp_path, monkeypatch):
    """A folder with the configuration and a reference of thirty days."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    put(tmp_path / "ref.parquet", pets(-30, 0, labelled=True))
    (tmp_path / "driftline.yaml").write_text(SMALL)
    return tmp_path


def on(day):
    return f"{START + timedelta(days=day):%Y-%m-%dT%H:%M}"


def give(folder, day, table, told=None):
    put(folder / f"p/{day:03}-{table['version'][0]}.parquet", table)
    if told is not None:
        put(folder / f"l/{day:03}-{table['version'][0]}.parquet", told)


def changed(table, **columns):
    for name, values in columns.items():
        at = table.schema.get_field_index(name)
        table = table.remove_column(at) if values is None else table.set_column(at, name, values)
    return table


def verdicts(window_day, metric="verdict", *, version=""):
    """What was measured of a day by column; no estimates."""
    with open_model("driftline.yaml") as model:
        made = model.evaluations(start=START + timedelta(days=window_day), end=START + timedelta(days=window_day + 1))
    return {
        m.column: m
        for e in made
        for m in e.measurements
        if m.metric == metric and not m.scope.segment and m.scope.version == version and m.basis is not Basis.ESTIMATED
    }


def test_columns_that_change(pet, run):
    """A new level, a column that is gone, and one with another type are faults with a name; other columns stay fine."""
    for day in range(6):
        give(pet, day, *pets(day, day + 1))
    assert run("run", "--as-of", on(6)).code == 0
    table, told = pets(6, 7)
    city = np.where(np.random.default_rng(1).random(400) < 0.1, "paris", table["city"].to_numpy(zero_copy_only=False))
    give(pet, 6, changed(table, city=pa.array(city.tolist())), told)
    table, told = pets(7, 8)
    give(pet, 7, changed(table, age=None), told)
    table, told = pets(8, 9)
    give(pet, 8, changed(table, weight=pa.array(["heavy"] * 400)), told)
    ran = run("run", "--as-of", on(9))
    assert ran.code == 1
    new, gone, other = verdicts(6), verdicts(7), verdicts(8)
    assert new["city"].value == 2.0
    assert "paris" in new["city"].note
    assert gone["age"].value == 2.0
    assert other["weight"].value == 2.0
    for day, column in ((6, "city"), (7, "age"), (8, "weight")):
        assert [name for name, m in verdicts(day).items() if m.value] == [column]
        assert f"({column})" in ran.out
    (accuracy,) = verdicts(6, "accuracy").values()
    assert accuracy.value == pytest.approx(0.6, abs=0.1)
    assert verdicts(6, "log_loss")


def test_two_versions_and_one_that_nobody_knows(pet, run):
    """v1 alone, v1 and v2 on the same days each against its own reference, v2 alone; v3 has none and is said to have none."""
    assert run("reference", "set", "ref.parquet", "--version", "v1", "--reason", "first", "--author", "ann").code == 0
    put(pet / "ref2.parquet", pets(-30, 0, seed=2, shift=2.0, version="v2", labelled=True))
    assert run("reference", "set", "ref2.parquet", "--version", "v2", "--reason", "heavier pets", "--author", "ann").code == 0
    for day in range(8):
        if day < 6:
            give(pet, day, *pets(day, day + 1))
        if day > 2:
            give(pet, day, *pets(day, day + 1, seed=2, shift=2.0, version="v2"))
    ran = run("run", "--as-of", on(8))
    assert ran.code == 0, ran.out
    for day in range(8):
        assert not any(m.value for m in verdicts(day).values()), day
    listed = run("reference", "list").out
    assert "heavier pets" in listed
    assert "version v2" in listed
    give(pet, 8, *pets(8, 9, seed=2, shift=2.0, version="v2"))
    give(pet, 8, *pets(8, 9, seed=3, version="v3"))
    ran = run("run", "--as-of", on(9))
    assert ran.code in (0, 1)
    assert "note: " in ran.out
    assert "400 of a version without a reference" in ran.out


def test_versions_of_one_reference_are_compared_with_each_other(pet, run):
    for day in range(4):
        give(pet, day, *pets(day, day + 1))
        give(pet, day, *pets(day, day + 1, seed=2, shift=0.0 if day < 2 else 3.0, version="v2"))
    ran = run("run", "--as-of", on(4))
    assert ran.code == 1
    assert not any(m.value for m in verdicts(1, "versions_verdict", version="v2").values())
    assert verdicts(3, "versions_verdict", version="v2")["weight"].value
    assert verdicts(3, version="v2")["weight"].value
    assert not verdicts(3, version="v1")["weight"].value


def test_slow_drift_shows_against_the_anchor(pet, run):
    """The weight creeps by a fiftieth of a standard deviation a day, and every twenty days the reference is renewed from the windows."""
    assert run("reference", "set", "ref.parquet", "--reason", "first").code == 0
    assert run("reference", "set", "ref.parquet", "--anchor", "--reason", "as it was validated").code == 0
    for day in range(60):
        give(pet, day, pets(day, day + 1, rows=200, shift=day * 0.04)[0])
    assert run("ingest", "predictions", "--quiet").code == 0
    for end in (20, 40, 60):
        assert run("drift", "--as-of", on(end)).code in (0, 1)
        if end < 60:
            since = f"{START + timedelta(days=end - 20):%Y-%m-%d}/{START + timedelta(days=end):%Y-%m-%d}"
            ran = run("reference", "set", "--from-windows", since, "--reason", "accepted")
            assert (ran.code, "4,000 rows of windows" in ran.out) == (0, True), ran
    late = [verdicts(day, "anchor_verdict")["weight"].value for day in range(50, 60)]
    assert late == [1.0] * 10
    young = verdicts(41)["weight"]
    assert not young.value
    assert verdicts(41, "anchor_verdict")["weight"].value == 1.0
    steady = [m.value for day in range(60) for name, m in verdicts(day, "anchor_verdict").items() if name in ("age", "city")]
    assert len(steady) == 120
    assert sum(value != 0 for value in steady) <= 2
    assert "weight against the" in run("show").out


def logged(folder):
    """All files of the row log, as any other tool reads them."""
    return duckdb.read_parquet([str(path) for path in (folder / "driftline.lake").rglob("*.parquet")], union_by_name=True)


@pytest.mark.parametrize(("keep", "share"), [("none", 0), ("sample", 0.3), ("all", 1)])
def test_rows_are_kept_as_the_file_says(pet, run, keep, share):
    (pet / "driftline.yaml").write_text(SMALL + f"storage: {{rows: {{keep: {keep}, sample: 0.3, for: 30d}}}}\n")
    for day in range(3):
        give(pet, day, *pets(day, day + 1))
    assert run("run", "--as-of", on(3)).code == 0
    found = logged(pet)
    assert "id" in found.columns
    if keep == "none":
        assert "weight" not in found.columns
    else:
        ((kept,),) = found.aggregate("count(weight)").fetchall()
        assert kept == pytest.approx(1200 * share, rel=0.2)


def test_rows_that_go_and_rows_that_come_late(pet, run):
    """Erased and forgotten rows stay counted; late rows and labels of an old, folded window are taken, and it is evaluated again."""
    (pet / "driftline.yaml").write_text(SMALL + "storage: {rows: {keep: all, for: 3d}, predictions_for: 3650d, fold_after: 1d}\n")
    for day in range(5):
        give(pet, day, *pets(day, day + 1))
    assert run("run", "--as-of", on(8), "--window", f"{on(0)}/{on(5)}").code == 0
    before = verdicts(0, "accuracy")[None]
    assert before.n == 400
    assert run("store", "erase", "1-0-0", "1-0-1").code == 0
    assert run("store", "tidy").code == 0
    with open_model("driftline.yaml"):
        files = [str(path) for path in (pet / "driftline.lake").rglob("*.parquet")]
    left = duckdb.sql(f"select count(*) from read_parquet({files}, union_by_name = true) where id in ('1-0-0', '1-0-1')").fetchall()
    assert left == [(0,)]
    late, told = pets(0, 1, rows=50, seed=9)
    give(pet, 100, late, told)
    ran = run("run", "--as-of", on(9))
    assert "absence" in ran.out  # the days without any row since then
    assert verdicts(0, "requests")[None].value == 450
    after = verdicts(0, "accuracy")[None]
    assert after.n == 448  # the two that are erased are no longer there to be joined
    assert run("run", "--as-of", on(9)).out.startswith("nothing to evaluate")


@pytest.mark.parametrize(
    ("base", "zone", "count"),
    [
        ("1d", "Asia/Kolkata", 10),
        ("1d", "America/New_York", 10),
        ("6h", "America/New_York", 40),
        ("7d", "Europe/Lisbon", 2),
    ],
)
def test_windows_follow_the_clocks_of_the_place(pet, run, base, zone, count):
    """Over the night of 8 March, when New York's clocks go forward: no row is lost, none is counted twice, windows follow one another."""
    text = SMALL.replace("base: 1d, widen_to: 4d", f"base: {base}, widen_to: {'14d' if base == '7d' else '4d'}, timezone: {zone}")
    (pet / "driftline.yaml").write_text(text)
    for day in range(10):
        give(pet, day, pets(day, day + 1, rows=200)[0])
    assert run("ingest", "predictions", "--quiet").code == 0
    ran = run("performance", "--as-of", on(21), "--window", "2026-02-20/2026-03-13")
    assert ran.code in (0, 1), ran
    with open_model("driftline.yaml") as model:
        made = [e for e in model.evaluations() if e.step is Step.PERFORMANCE]
    requests = [next(m.value for m in e.measurements if m.metric == "requests") for e in made]
    assert sum(requests) == 2000
    assert count <= len(made) <= count + 5
    assert all(one.window.end == other.window.start for one, other in itertools.pairwise(made))
    lengths = {e.window.end - e.window.start for e in made}
    if zone == "America/New_York":
        assert timedelta(hours=23 if base == "1d" else 5) in lengths
    else:
        assert len(lengths) == 1
    shown = run("show")
    assert zone in shown.out


def test_an_anchor_that_is_set_last_is_no_active_reference(pet, run):
    """Both have the bins of the same table. The active one was renewed after the pets had grown, and they are fine since."""
    assert run("reference", "set", "ref.parquet", "--reason", "first").code == 0
    for day in range(6):
        give(pet, day, *pets(day, day + 1, shift=2.0))
    assert run("run", "--as-of", on(4)).code == 1
    assert run("reference", "set", "--from-windows", f"{on(0)}/{on(4)}", "--reason", "accepted").code == 0
    assert run("reference", "set", "ref.parquet", "--anchor", "--reason", "as it was validated").code == 0
    ran = run("drift", "--as-of", on(6), "--fail-on", "never")
    assert verdicts(5)["weight"].value in (0.0, None), ran.out
    assert verdicts(5, "anchor_verdict")["weight"].value == 1.0


def test_versions_with_bins_of_one_table_keep_their_references(pet, run):
    assert run("reference", "set", "ref.parquet", "--reason", "first").code == 0
    for day in range(5):
        give(pet, day, *pets(day, day + 1, seed=2, shift=3.0, version="v2"))
    run("ingest", "predictions", "--quiet")
    assert run("reference", "set", "--from-windows", f"{on(0)}/{on(4)}", "--version", "v2", "--reason", "its first days").code == 0
    give(pet, 5, *pets(5, 6))
    give(pet, 5, *pets(5, 6, seed=2, shift=3.0, version="v2"))
    run("run", "--as-of", on(6))
    assert verdicts(5, version="v1")["weight"].value == 0.0
    assert not verdicts(5, version="v2")["weight"].value
    assert verdicts(5, "versions_verdict", version="v2")["weight"].value


def test_exit_codes(pet, run):
    """3: nothing could be judged; 0: fine, and nothing new; 1: something is wrong; 2: it cannot be done."""
    give(pet, 0, pets(0, 1, rows=5)[0])
    ran = run("run", "--as-of", on(1))
    assert ran.code == 3
    assert "note: l/*.parquet: no labels in it yet" in ran.out.replace(str(pet) + "/", "")
    ran = run("run", "--as-of", on(1))
    assert (ran.code, "nothing to evaluate" in ran.out) == (0, True)
    give(pet, 1, *pets(1, 2))
    assert run("run", "--as-of", on(2)).code == 0
    give(pet, 2, changed(pets(2, 3)[0], age=None))
    assert run("run", "--as-of", on(3)).code == 1
    assert run("run", "--as-of", "someday").failed("'someday' is no time")


def test_a_file_without_rows_keeps_no_other_from_being_taken(pet, run):
    table, told = pets(0, 1)
    give(pet, 0, table, told)
    put(pet / "p/001.parquet", table.slice(0, 0))
    put(pet / "l/001.parquet", told.slice(0, 0))
    give(pet, 2, *pets(1, 2))
    ran = run("ingest", "labels")
    assert (ran.code, "l/001.parquet: no labels in it yet" in ran.out) == (0, True), ran
    assert run("run", "--as-of", on(2)).code == 0
    assert verdicts(1, "requests")[None].value == 400
    assert run("ingest", "labels", "l/001.parquet").out.startswith("l/001.parquet: taken before")
