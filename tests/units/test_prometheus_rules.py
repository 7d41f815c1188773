"""Rules for Prometheus: promtool takes them, their tests hold, and a rule that is wrong fails them."""

import argparse
import os
import re
import shutil
import subprocess

import numpy as np
import pytest

from driftline.alerting.defaults import default_rules
from driftline.cli import export
from driftline.cli.main import guarded
from driftline.config.plan import AvailabilitySpec, LatencySpec, ServingSpec
from driftline.core.errors import UsageError
from driftline.core.ledger import Step
from driftline.core.records import Scope
from driftline.performance.slo import Burning, SloSpec, slo
from driftline.profiles.traffic import TrafficCounter
from driftline.report.prometheus_rules import Selectors, Served, absent_labels, burn_labels, burns, rules_text, slos_of
from driftline.report.prometheus_selectors import Series, example, example_outside, read_selector
from driftline.report.prometheus_tests import tests_text as text_of_tests

HOSTILE = 'a "b\\ {{ 1 }} {{{ # % é 😀 : {job} $value `x` - |'
SOME = ("all requests", "what is over", "half", "latencies without")
WEEKS = ("none where", "no series at all")


def promtool(*arguments):
    """Runs promtool. Skips the test where it is not installed, and fails it in continuous integration."""
    program = shutil.which("promtool")
    if program is None:
        reason = "promtool is not installed (on Debian: apt-get install prometheus)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def served(model="credit-default", *, availability=0.995, latency=None, window="28d", within=800.0, selectors=None, runbooks=None):
    fast = None if latency is None else LatencySpec(within=within, target=latency, window=window)
    answered = None if availability is None else AvailabilitySpec(target=availability, window=window)
    slos = slos_of(ServingSpec(availability=answered, latency=fast), "model.yaml")
    return Served(model, "model.yaml", slos, 1e-6, selectors or Selectors.usual(model), runbooks or {})


def written(folder, what, *, change=lambda text: text, keep=lambda title: not title.startswith(WEEKS)):
    """Both files, the rules changed, and of the tests those with these titles: those over weeks take long."""
    rules, tests = folder / "m.rules.yml", folder / "m.rules.test.yml"
    rules.write_text(change(rules_text(what)), encoding="utf-8")
    head, *each = re.split(r"(?m)^(?=  - name: )", text_of_tests(what, rules.name))
    kept = [test for test in each if keep(re.match(r'  - name: "(.*)"', test)[1])]
    assert kept
    tests.write_text(head + "".join(kept), encoding="utf-8")
    return rules, tests


def is_quick(title):
    return title.split(": ")[-1].startswith(SOME) or title.startswith("no series")


def hold(folder, what, **settings):
    rules, tests = written(folder, what, **settings)
    code, said = promtool("check", "rules", str(rules))
    assert code == 0, said
    return promtool("test", "rules", str(tests))


@pytest.mark.parametrize("target", [0.9, pytest.param(0.95, marks=pytest.mark.slow), pytest.param(0.99, marks=pytest.mark.slow), 0.999])
def test_promtool_takes_the_rules_and_their_tests_hold(tmp_path, target):
    code, said = hold(tmp_path, served(availability=target))
    assert code == 0, said


@pytest.mark.parametrize("within", [800.0, pytest.param(1000.0, marks=pytest.mark.slow), 12.5])
def test_latency_alone_holds_too(tmp_path, within):
    code, said = hold(tmp_path, served(availability=None, latency=0.99, within=within))
    assert code == 0, said


@pytest.mark.slow
def test_requests_that_stop_page_until_they_come_again(tmp_path):
    code, said = hold(tmp_path, served(availability=0.9), keep=lambda title: title.startswith(WEEKS))
    assert code == 0, said


def test_any_name_of_a_model_is_only_a_text(tmp_path):
    code, said = hold(tmp_path, served(HOSTILE, latency=0.9, runbooks={"ServingFastBurn": 'https://x/{{a}}"'}), keep=is_quick)
    assert code == 0, said


def test_series_of_the_users_own_hold(tmp_path):
    chosen = Selectors(
        read_selector('app_calls_total{app="x",kind!="health"}', "--requests"),
        read_selector("app_calls_total{app='x',outcome=~\"error|timeout\"}", "--errors"),
        read_selector('app_seconds_bucket{app=~"x.*"}', "--latency"),
    )
    code, said = hold(tmp_path, served(latency=0.95, selectors=chosen), keep=is_quick)
    assert code == 0, said


@pytest.mark.parametrize(
    ("old", "new", "title"),
    [
        (">= 14.4", ">= 1000", "availability: all requests"),
        (">= 1\n", ">= 3\n", "availability: twice"),
        (">= 1\n", ">= 0.4\n", "availability: half"),
        ('burn_rate:5m{model="credit-default"} >=', 'burn_rate:1h{model="credit-default"} >=', "availability: what is over"),
        (">= 13.816", ">= 0", "availability: more bad"),
        ("surprise:1h{", "surprise:nothing{", "availability: all requests"),
        (">= 100\n", ">= 1\n", "availability: a few bad"),
        ('severity: "critical"', 'severity: "warning"', "availability: all requests"),
        pytest.param(">= 14)", ">= 5)", "none where there were few", marks=pytest.mark.slow),
        pytest.param(
            'or (model:requests:increase1h{model="credit-default"} == 0 and on (model)',
            "or (vector(0) > 1 and on ()",
            "none where there were some",
            marks=pytest.mark.slow,
        ),
        pytest.param("offset 1w", "offset 1d", "none where there were some", marks=pytest.mark.slow),
        ("absent_over_time", "present_over_time", "no series at all"),
    ],
)
def test_a_wrong_rule_fails_its_test(tmp_path, old, new, title):
    def change(text):
        assert old in text
        return text.replace(old, new)

    code, said = hold(tmp_path, served(), change=change, keep=lambda name: name.startswith(title))
    assert code == 1, said


def test_rates_that_cannot_be_reached_are_left_out_and_said_so():
    text = rules_text(served(availability=0.9))
    assert [burn.rate for burn in burns(SloSpec(target=0.9))] == [6.0, 1.0]
    assert "14.4x over 1h is left out: at 0.9 all requests bad burn at 10" in text
    assert ">= 14.4" not in text
    assert "hardly ever reached" in rules_text(served(availability=0.95))
    assert "3d is left out: 1d is shorter" in rules_text(served(window="1d"))


def test_a_plan_without_objectives_is_told_what_to_add():
    with pytest.raises(UsageError, match=r"availability: 0\.995"):
        slos_of(ServingSpec(), "model.yaml")
    with pytest.raises(UsageError, match="at least 1h"):
        served(window="30m")


def test_labels_are_those_of_the_rules_of_driftline():
    """The alert of Prometheus and driftline's own are one identity: a silence on one fits the other."""
    counter = TrafficCounter()
    counter.add(None, 1, rows=1000, latency_ms=None, failed=None, times_ns=np.zeros(1000, np.int64), arrived_ns=0)
    traffic, spec, rules = counter.traffic()[0], SloSpec(target=0.995), default_rules()
    seen = set()
    for burn in burns(spec):
        found = slo(traffic, [Burning(burn, traffic, traffic)], Scope("m"), spec)
        measured = next(m for m in found if m.metric == "burn_rate")
        (rule, key) = next((r, k) for r in rules.values() if (k := r.key_of(Step.PERFORMANCE, measured, {})) and r.condition == "burn_rate")
        labels = key.labels("m") | {"severity": str(rule.severity)}
        del labels["alertname"]
        assert burn_labels(burn, spec, "m") == labels
        seen.add(rule.name)
    assert seen == {"ServingFastBurn", "ServingSlowBurn"}
    assert absent_labels("m") == {"model": "m", "metric": "absence", "severity": str(rules["TrafficAbsent"].severity)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{job="x"}',
        "sum(x)",
        "x[5m]",
        "x offset 1d",
        "x{job=x}",
        'x{job="x"',
        'x{job="x"} or y',
        'x{a="\n"}',
        'x{a="\\d"}',
        'x{a=~"("}',
        'x{a="b" c="d"}',
    ],
)
def test_what_is_no_selector_is_refused(text):
    with pytest.raises(UsageError) as error:
        read_selector(text, "--requests")
    assert error.value.where == "--requests"


def test_selectors_are_written_as_they_were_meant():
    assert str(read_selector(" x ", "o")) == "x"
    assert str(read_selector("x{}", "o")) == "x"
    assert str(read_selector("x{a='it''s'}".replace("''", "\\'"), "o")) == 'x{a="it\'s"}'
    assert str(read_selector('x{ a = "b" , c=~`d\\.e`, }', "o")) == 'x{a="b",c=~"d\\\\.e"}'


@pytest.mark.parametrize("pattern", ["5..", "a|b", "5\\\\d\\\\d", "[45]..", ".+", ".*", "prod-.*", "(a|b)c", "5[0-9]{2}", "^x$"])
def test_an_example_fits_its_pattern(pattern):
    chosen = read_selector(f'x{{a="b",code=~"{pattern}"}}', "o")
    assert chosen.fits(example(chosen, "o"))


def test_an_example_of_one_is_none_of_the_other():
    every, bad = read_selector("x", "o"), read_selector('x{code!="200"}', "o")
    assert example_outside(every, bad, "o") == Series("x", {"code": "200"})
    with pytest.raises(UsageError, match="No example"):
        example_outside(bad, every, "o")
    with pytest.raises(UsageError, match="simpler"):
        example(read_selector('x{a=~"q{7}w(?!e)z"}', "o"), "o")


PLAN = "model: {model}\ncolumns: {{id: i, time: t, prediction: p}}\n{more}\n"


def exported(folder, model="eta", more="serving: {availability: 0.99}", **options):
    (folder / "m.yaml").write_text(PLAN.format(model=model, more=more), encoding="utf-8")
    given = {"config": str(folder / "m.yaml"), "output": str(folder), "requests": None, "errors": None, "latency": None, **options}
    return guarded(lambda: export.run(argparse.Namespace(**given)))


def test_the_command_writes_both_files_and_says_how_to_check_them(tmp_path, capsys):
    assert exported(tmp_path) == 0
    said = capsys.readouterr().out
    assert "eta.rules.yml: availability and absence" in said
    rules, tests = (tmp_path / name for name in ("eta.rules.yml", "eta.rules.test.yml"))
    assert 'http_requests_total{job="eta"}' in rules.read_text(encoding="utf-8")
    assert 'rule_files: ["eta.rules.yml"]' in tests.read_text(encoding="utf-8")
    assert promtool("check", "rules", str(rules))[0] == 0


def test_a_name_that_is_no_file_is_changed_and_kept_apart(tmp_path):
    assert exported(tmp_path, model="../a/b") == 0
    assert exported(tmp_path, model="../a_b") == 0
    names = sorted(path.name for path in tmp_path.glob("*.rules.yml"))
    assert len(names) == 2
    assert all(re.fullmatch(r"a_b-[0-9a-f]{6}\.rules\.yml", name) for name in names)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"more": ""}, "no objective of serving"),
        ({"requests": "x"}, "without the other"),
        ({"requests": "sum(x)", "errors": "y"}, "no selector"),
        ({"latency": 'x{le="1"}'}, "Leave the label"),
        ({"output": "no/such/folder"}, "there is no folder"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence_and_code_2(tmp_path, capsys, options, words):
    assert exported(tmp_path, **options) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.glob("*.yml")) == []


def test_a_histogram_may_be_named_without_its_buckets(tmp_path):
    more = "serving: {latency: {within: 1000, target: 0.9}}"
    assert exported(tmp_path, more=more, latency="my_seconds") == 0
    text = (tmp_path / "eta.rules.yml").read_text(encoding="utf-8")
    assert 'my_seconds_bucket{le="+Inf"}' in text
    assert 'my_seconds_bucket{le=~"1|1[.]0"}' in text
