"""A rich comparison written by hand: every verdict, every part of the record, and names as an attacker would choose them.

Run as a script it rewrites the golden files beside it from the code as it is now.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from driftline.core.verdicts import (
    Cause,
    Chart,
    ColumnVerdict,
    Comparison,
    Excluded,
    Finding,
    MeasureValue,
    Provenance,
    QualityVerdict,
    SegmentVerdict,
    Severity,
    TableInfo,
    Verdict,
)

SCRIPT = "<script>alert(1)</script>"
ATTRIBUTE = '" onmouseover="alert(2)" x=\''
ESCAPE = "\x1b[31mred\x1b[0m"
OVERRIDE = "total\u202eeruces\u202c"
LONG = "very_long_feature_name_" * 13 + "x"
EMOJI = "mood 😀 気分"
HOSTILE = (SCRIPT, ATTRIBUTE, ESCAPE, OVERRIDE, LONG, EMOJI)

DERIVATION = (
    "The limit is the larger of the floor 0.100 and the 99 % quantile of PSI between two samples of 200,000 and 41,208 rows over these "
    "10 bins (0.00061), held to alpha 0.01 over 28 columns."
)
WHY_PSI = "PSI on the reference's deciles: the column is numeric with many values, and the question is whether rows moved between bins."


def example() -> Comparison:
    """One data fault from a pipeline, drift in features and in the prediction, lower quality, hostile names."""
    columns = (
        bureau_score(),
        *hostile_columns(),
        income(),
        score(),
        channel(),
        device_model(),
        new_column(),
        *(stable(i) for i in range(18)),
    )
    return Comparison(
        verdict=Verdict.FAULTY,
        severity=Severity.CRITICAL,
        headline="1 column has a data fault and should be repaired first; 6 columns drifted, the prediction among them.",
        counts=counts(columns),
        columns=columns,
        quality=quality(),
        excluded=(
            Excluded("application_id", "identifier: every value is unique"),
            Excluded("free_text <b>bold</b>", "text: 180,412 different values"),
            Excluded("embedding", "list<float>: no summary for this type"),
        ),
        notes=(
            "Guessed: 'score' is the prediction (numbers from 0 to 1). Say --prediction to be sure.",
            "Guessed: 'y' is the label. 9,102 of 41,208 current rows have one (22.1 %).",
            f"Level {SCRIPT!r} of 'channel' is not in the reference.",
            "The two tables overlap in time by 2 hours.",
        ),
        provenance=provenance(),
        task="binary",
        alpha=0.01,
    )


def wide(columns: int, *, drifted: int = 5) -> Comparison:
    """A comparison of many columns, the first `drifted` of them with everything a drifted column carries."""
    shifted = [replace(income(), name=f"feature_{i:04d}", segments=income().segments * 2) for i in range(drifted)]
    still = [replace(stable(i % 18), name=f"feature_{i:04d}") for i in range(drifted, columns)]
    everything = (*shifted, *still)
    return replace(example(), verdict=Verdict.DRIFTED, columns=everything, counts=counts(everything))


def all_stable() -> Comparison:
    """Nothing to report, no labels, nothing excluded."""
    columns = tuple(stable(i) for i in range(18))
    return replace(
        example(),
        verdict=Verdict.STABLE,
        severity=Severity.NONE,
        headline="All 18 columns are stable.",
        counts=counts(columns),
        columns=columns,
        quality=(),
        excluded=(),
        notes=(),
    )


def counts(columns: tuple[ColumnVerdict, ...]) -> dict[str, int]:
    compared = [c for c in columns if c.kind != "new"]
    by_verdict = {verdict.value: sum(c.verdict is verdict for c in compared) for verdict in Verdict}
    return {"columns": len(compared), **by_verdict, "new": len(columns) - len(compared)}


def bureau_score() -> ColumnVerdict:
    return ColumnVerdict(
        name="bureau_score",
        role="feature",
        kind="numeric",
        verdict=Verdict.FAULTY,
        severity=Severity.CRITICAL,
        measure="missing_rate",
        value=0.312,
        limit=0.012,
        n=41_208,
        reference_n=200_000,
        cause=Cause.PIPELINE,
        note="missing 31.2 % (was 0.40 %), only channel=app, from 18 Nov 05:00",
        evidence="all new missing values are in channel=app and start within one hour; the values that are left did not move",
        why_measure="The share of missing values crossed its limit, and a fault is reported before any distance.",
        derivation="0.40 % of 200,000 reference rows are missing; 41,208 rows show more than 1.20 % by chance less than once in 2,800.",
        importance=0.31,
        floor=0.1,
        smallest_visible=0.0011,
        measures=(MeasureValue("psi", 0.021, 0.0003, 0.1),),
        findings=(
            Finding("missing", "missing_rate", 0.312, 0.012, "31.2 % missing, was 0.40 %", True, True, 0.004, 0.0, 0.00036),
            Finding("spike", "bin_rate", 0.313, 0.02, "value 0 in 0.1 % of rows", False, False, 0.001, 0.4, 0.00036),
            Finding("distance", "psi", 0.021, 0.1, "the values that are left did not move", False, False, None, 0.2, 0.00036),
        ),
        segments=(  # each with the numbers of the test that decided there: a missing rate, a PSI, a location
            SegmentVerdict("channel=app", Verdict.FAULTY, 16_021, "missing_rate", 0.797, 0.019, "all of the change"),
            SegmentVerdict("channel=web", Verdict.STABLE, 20_187, "psi", 0.0142, 0.101, ""),
            SegmentVerdict("channel=branch", Verdict.DRIFTED, 5_000, "location", -0.226, 0.225, "mean -0.23 sd"),
        ),
        chart=Chart(
            ("missing", "< 420", "420 to 500", "500 to 560", "560 to 610", "610 to 660", "660 to 720", "≥ 720"),
            (0.004, 0.1423, 0.1423, 0.1423, 0.1423, 0.1423, 0.1423, 0.1422),
            (0.312, 0.0983, 0.0981, 0.0986, 0.0982, 0.0984, 0.0981, 0.0983),
        ),
    )


def income() -> ColumnVerdict:
    return ColumnVerdict(
        name="income",
        role="feature",
        kind="numeric",
        verdict=Verdict.DRIFTED,
        severity=Severity.WARNING,
        measure="psi",
        value=0.183,
        limit=0.1,
        n=41_208,
        reference_n=200_000,
        cause=Cause.POPULATION,
        note="mean +0.41 sd; bins 60k to 80k up 9.1 pp",
        evidence="the whole distribution moved smoothly, in every segment",
        why_measure=WHY_PSI,
        derivation=DERIVATION,
        importance=0.22,
        floor=0.1,
        smallest_visible=0.0011,
        measures=(
            MeasureValue("psi", 0.183, 0.00061, 0.1),
            MeasureValue("js", 0.151, 0.0091, 0.11),
            MeasureValue("ks", 0.162, 0.0044, 0.08),
            MeasureValue("wasserstein", 0.41, 0.011, 0.25),
        ),
        findings=(
            Finding("location", "location", 0.41, 0.25, "mean 61,200, was 52,300", True, False, 0.0, 3e-211, 0.00018),
            Finding("distance", "psi", 0.183, 0.1, "PSI 0.183 over 10 bins", True, False, None, 1e-17, 0.00018),
        ),
        segments=(
            SegmentVerdict("channel=app", Verdict.DRIFTED, 16_021, "psi", 0.241, 0.1, "71 % of the change"),
            SegmentVerdict("channel=web", Verdict.DRIFTED, 20_187, "psi", 0.104, 0.1, "28 % of the change"),
            SegmentVerdict(f"channel={SCRIPT}", Verdict.INSUFFICIENT, 12, "psi", None, None, "needs 120 rows"),
        ),
        chart=Chart(
            (
                "< 18k",
                "18k to 26k",
                "26k to 33k",
                "33k to 40k",
                "40k to 47k",
                "47k to 55k",
                "55k to 60k",
                "60k to 80k",
                "80k to 110k",
                "≥ 110k",
            ),
            (0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1),
            (0.052, 0.061, 0.072, 0.083, 0.094, 0.104, 0.109, 0.191, 0.121, 0.113),
        ),
    )


def score() -> ColumnVerdict:
    return replace(
        income(),
        name="score",
        role="prediction",
        value=0.131,
        cause=Cause.UNKNOWN,
        measures=(MeasureValue("psi", 0.131, 0.00061, 0.1), MeasureValue("ks", 0.11, 0.0044, 0.08)),
        note="mean 0.418 → 0.371; above 0.62: 55.0 % → 49.1 %",
        evidence="follows bureau_score and income",
        importance=None,
        findings=(
            Finding("decision_rate", "decision_rate", 0.491, 0.53, "above 0.62: 49.1 %, was 55.0 %", True, False, 0.55, 2e-9, 0.001),
            Finding("distance", "psi", 0.131, 0.1, "PSI 0.131 over 10 bins", True, False, None, 1e-17, 0.001),
        ),
        segments=(),
        chart=Chart(
            tuple(f"{i / 10:.1f} to {(i + 1) / 10:.1f}" for i in range(10)),
            (0.08, 0.09, 0.1, 0.11, 0.12, 0.12, 0.11, 0.1, 0.09, 0.08),
            (0.14, 0.13, 0.12, 0.11, 0.11, 0.1, 0.09, 0.08, 0.07, 0.05),
        ),
    )


def channel() -> ColumnVerdict:
    return replace(
        income(),
        name="channel",
        kind="categorical",
        value=0.112,
        cause=Cause.POPULATION,
        note="app up 9.0 pp; 1 unseen level in 0.03 % of rows",
        evidence="one level grew at the cost of all others",
        why_measure="PSI on the levels of the reference; unseen levels count as one bin.",
        importance=0.08,
        measures=(MeasureValue("psi", 0.112, 0.00021, 0.1),),
        segments=(),
        chart=Chart(
            ("app", "web", "branch", SCRIPT, ATTRIBUTE, ESCAPE, "partner_programme_" * 6, "(other)", "(unseen)"),
            (0.30, 0.52, 0.11, 0.03, 0.01, 0.01, 0.01, 0.01, 0.0),
            (0.39, 0.47, 0.08, 0.02, 0.01, 0.01, 0.01, 0.0097, 0.0003),
        ),
    )


def hostile_columns() -> tuple[ColumnVerdict, ...]:
    first = replace(
        income(),
        name=SCRIPT,
        value=0.142,
        note=f"level {ATTRIBUTE} is new; & more",
        evidence=f"</style>{SCRIPT}",
        derivation=SCRIPT,
        segments=(),
    )
    second = replace(
        channel(),
        name=ESCAPE,
        value=0.139,
        measures=(MeasureValue("psi", 0.139, 0.0002, 0.1),),
        note=f"moved\r\n{OVERRIDE}",
        cause=Cause.NONE,
        importance=None,
    )
    third = replace(income(), name=LONG, value=0.121, note="mean −0.2 sd", segments=(), chart=None, measures=(), findings=())
    return first, second, third


def device_model() -> ColumnVerdict:
    return replace(
        channel(),
        name=EMOJI,
        verdict=Verdict.INSUFFICIENT,
        severity=Severity.INFO,
        value=None,
        limit=None,
        n=41,
        cause=Cause.NONE,
        note="41 rows with a value; at least 120 are needed to see a PSI of 0.1",
        smallest_visible=0.31,
        measures=(),
        findings=(),
        chart=None,
    )


def new_column() -> ColumnVerdict:
    return replace(
        device_model(),
        name="loyalty_tier",
        kind="new",
        verdict=Verdict.STABLE,
        measure="new_column",
        n=0,
        note="a new column (string), not in the reference and not compared",
        smallest_visible=None,
        floor=None,
    )


def stable(i: int) -> ColumnVerdict:
    share = [0.1 + 0.002 * ((i + k) % 3 - 1) for k in range(10)]
    return ColumnVerdict(
        name=(OVERRIDE, ATTRIBUTE)[i] if i < 2 else f"feature_{i}",
        role="feature",
        kind="numeric",
        verdict=Verdict.STABLE,
        severity=Severity.NONE,
        measure="psi",
        value=round(0.031 / (i + 1), 5),
        limit=0.1,
        n=41_208,
        reference_n=200_000,
        cause=Cause.NONE,
        note="",
        why_measure=WHY_PSI,
        derivation=DERIVATION,
        importance=round(0.2 / (i + 2), 4),
        floor=0.1,
        smallest_visible=0.0011,
        measures=(MeasureValue("psi", round(0.031 / (i + 1), 5), 0.0006, 0.1), MeasureValue("ks", 0.01, 0.004, 0.08)),
        findings=(Finding("distance", "psi", round(0.031 / (i + 1), 5), 0.1, "below its limit", False, False, None, 0.2, 0.00036),),
        chart=Chart(tuple(f"{10 * k} to {10 * k + 10}" for k in range(10)), (0.1,) * 10, tuple(x / sum(share) for x in share)),
    )


def quality() -> tuple[QualityVerdict, ...]:
    def metric(
        name: str, verdict: Verdict, now: tuple[float, float, float], then: tuple[float, float, float], **more: str | bool
    ) -> QualityVerdict:
        settings = {"better": "higher", "note": "", "headline": False, "segment": "", "label": "", **more}
        severity = Severity.WARNING if verdict is Verdict.DRIFTED else Severity.NONE
        return QualityVerdict(name, verdict, severity, *now, 9_102, *then, 44_310, **settings)  # type: ignore[arg-type]

    return (
        metric(
            "roc_auc",
            Verdict.DRIFTED,
            (0.712, 0.695, 0.729),
            (0.781, 0.776, 0.786),
            headline=True,
            note="fell by 0.069, more than the tolerated 0.030",
        ),
        metric("log_loss", Verdict.DRIFTED, (0.571, 0.552, 0.59), (0.498, 0.493, 0.503), headline=True, better="lower"),
        metric("brier", Verdict.STABLE, (0.171, 0.164, 0.178), (0.168, 0.165, 0.171), better="lower"),
        metric("positive_rate", Verdict.STABLE, (0.221, 0.212, 0.23), (0.218, 0.214, 0.222), better="target"),
        metric(
            "roc_auc",
            Verdict.DRIFTED,
            (0.661, 0.631, 0.691),
            (0.779, 0.771, 0.787),
            headline=True,
            segment="channel=app",
            note="most of the loss",
        ),
        metric("roc_auc", Verdict.STABLE, (0.772, 0.751, 0.793), (0.783, 0.776, 0.79), headline=True, segment="channel=web"),
        metric("roc_auc", Verdict.STABLE, (0.77, 0.68, 0.86), (0.78, 0.74, 0.82), headline=True, segment=f"channel={SCRIPT}"),
        replace(
            metric(
                "auc", Verdict.INSUFFICIENT, (0.0, 0.0, 1.0), (0.78, 0.74, 0.82), segment="channel=branch", note="14 labels, 1 positive"
            ),
            value=None,
            low=None,
            high=None,
            n=14,
        ),
    )


def provenance() -> Provenance:
    return Provenance(
        reference=TableInfo(
            "train.parquet",
            200_000,
            ("data/train.parquet",),
            "sha256:" + "a1" * 32,
            18_204_113,
            "2026-08-01T00:00:00Z",
            "2026-10-31T23:59:58Z",
        ),
        current=TableInfo("week.parquet", 41_208, (f"data/{SCRIPT}.parquet", "data/week-2.parquet"), "sha256:" + "b2" * 32, 3_911_020),
        schema_id="c0ffee1234567890",
        created="2026-11-22T06:00:00Z",
        versions={"driftline": "0.1.0", "numpy": "2.4.0", "pyarrow": "26.0.0", "python": "3.13.1"},
        options={"prediction": "score", "label": "y", "segments": ["channel"], "alpha": 0.01, "note": SCRIPT, "ignore": []},
    )


def goldens() -> dict[str, str]:
    """The golden files by name, as the code writes them now."""
    from driftline.report.html import html_fragment
    from driftline.report.terminal import terminal_text

    step = "why these limits: driftline explain income      full report: report.html"
    return {
        "report_terminal.txt": terminal_text(example(), next_step=step) + "\n",
        "report_terminal_ascii_verbose.txt": terminal_text(example(), width=120, ascii_only=True, verbose=True) + "\n",
        "report_terminal_stable.txt": terminal_text(all_stable()) + "\n",
        "report_fragment.html": html_fragment(example()) + "\n",
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for file, content in goldens().items():
        (folder / file).write_text(content, encoding="utf-8", newline="\n")
