"""The JSON Schema takes what the loader takes; a small reading of the standard, made here, holds the two together."""

import json
import re
from datetime import date

import pytest
import yaml
from test_config_docs import example

from driftline.config.load import load
from driftline.config.meanings import MEANINGS
from driftline.config.schema import DIALECT, DURATION_PATTERN, json_schema
from driftline.config.shape import ANY, Section, dotted, plan_shape
from driftline.core.durations import duration
from driftline.core.errors import ConfigError, UsageError

SCHEMA = json_schema()
HEAD = "model: credit\ncolumns: {id: i, time: t}\n"
KNOWN = {
    *("$schema", "title", "description", "default", "examples", "type", "enum", "pattern", "properties", "additionalProperties"),
    *("propertyNames", "minProperties", "maxProperties"),
    *("required", "anyOf", "allOf", "not", "items", "uniqueItems", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}
TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str | date),  # PyYAML reads dates, which are texts by YAML 1.2 and here
    "boolean": lambda value: isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}
LIMITS = {
    "minimum": lambda value, at: value >= at,
    "maximum": lambda value, at: value <= at,
    "exclusiveMinimum": lambda value, at: value > at,
    "exclusiveMaximum": lambda value, at: value < at,
}


def fits(value, schema):
    """Whether a value is valid by draft 2020-12, as far as our schema uses it."""
    assert set(schema) <= KNOWN, set(schema) - KNOWN
    kinds = schema.get("type", list(TYPES))
    if not any(TYPES[kind](value) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return False
    if TYPES["number"](value) and not all(holds(value, schema[word]) for word, holds in LIMITS.items() if word in schema):
        return False
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        return False
    inner = _table(value, schema) if isinstance(value, dict) else _list(value, schema) if isinstance(value, list) else True
    return (
        inner
        and ("enum" not in schema or value in schema["enum"])
        and ("anyOf" not in schema or any(fits(value, one) for one in schema["anyOf"]))
        and all(fits(value, one) for one in schema.get("allOf", ()))
        and ("not" not in schema or not fits(value, schema["not"]))
    )


def _table(value, schema):
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    for key, one in value.items():
        if key in known:
            if not fits(one, known[key]):
                return False
        elif rest is False or (isinstance(rest, dict) and not fits(one, rest)):
            return False
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value)):
        return False
    return set(schema.get("required", ())) <= set(value) and all(fits(key, schema.get("propertyNames", {})) for key in value)


def _list(value, schema):
    texts = [json.dumps(one) for one in value]
    return all(fits(one, schema.get("items", {})) for one in value) and not (schema.get("uniqueItems") and len(set(texts)) < len(texts))


def test_it_is_a_schema_of_the_draft_and_plain_json():
    assert SCHEMA["$schema"] == DIALECT
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("heading", ["Small", "Complete"])
def test_the_examples_of_the_page_are_valid(heading):
    assert fits(yaml.safe_load(example(heading)), SCHEMA)


def test_a_date_without_quotes_is_a_text():
    assert fits(yaml.safe_load("2026-11-27"), {"type": "string"})


def test_every_key_has_its_meaning_and_a_valid_example():
    for name, key in dotted(plan_shape()):
        found = SCHEMA
        for part in name.split("."):
            within = next((one for one in found.get("anyOf", ()) if "properties" in one), found)
            found = within["additionalProperties"] if part == ANY else within["properties"][part]
        assert found["description"] == MEANINGS[name][0]
        assert [fits(one, found) for one in found["examples"]] == [True], name
        if "default" in found:
            assert fits(found["default"], found)
            assert not key.required
        else:
            assert key.required or isinstance(key.shape, Section) or key.default in (None, "", (), {})


TAKEN = [
    "",
    "task: binary",
    "task: {positive: true, scores: {'0': p0}}",
    "owner: a",
    "labels: none",
    "segments: a",
    "segments: [a, b]",
    "window: 1h",
    "windows: 1h",
    "storage: a.db",
    "storage: {rows: all}",
    "serving: {availability: 0.9, latency: 200}",
    "labels: {eligible: {a: [x, 1, true], b: 2}}",
    "columns: {id: i, time: t, kinds: {zip: categorical}}",
    "columns: {id: i, time: t, sources: {a: b, c: [d, e]}}",
    "depends_on: {other: [a]}",
    "alerts: {rules: {A: {when: beyond_limit}, B: {when: {absent: {}}}, C: {when: {above: 1}}, D: {when: {above: {value: 1}}}}}",
    "alerts: {rules: {A: {when: {any_of: [ColumnDrift]}}, B: {when: {all_of: A}}, C: {when: burn_rate}, ColumnDrift: {}}}",
    "alerts: {rules: {A: {when: {share_of: {rule: ColumnDrift, above: 0.3}}, hold: 2, keep_firing_for: 2d, basis: [matured]}}}",
    "alerts: {muted: {x: {from: 2026-11-27, to: '2026-11-28'}}, repeat: 2h}",
    "alerts: {channels: {a: {type: webhook, url: 'https://a.example.com'}}, notify: {critical: a, info: [a]}}",
]
REFUSED = [
    "taks: binary",
    "task: binry",
    "task: {type: binary, more: 1}",
    "model: 7",
    "segments: [a, a]",
    "segments: [1]",
    "segments: {a: b}",
    "window: 1 day",
    "window: 0d",
    "window: {base: 1h}",
    "window: 1h\nwindows: {base: 1h}",
    "windows: {base: 0000000d}",
    "serving: {availability: 1}",
    "serving: {latency: 0}",
    "serving: {latency: {target: 0.9}}",
    "labels: {max_orphans: 1}",
    "labels: {max_orphans: '0.1'}",
    "drift: {least_rows: 1.5}",
    "drift: {alpha: 0.1}",
    "drift: {importance: {a: -1}}",
    "columns: {id: i, time: t, kinds: {zip: categorial}}",
    "columns: {id: i}",
    "depends_on: [other]",
    "alerts: []",
    "alerts: {rules: []}",
    "alerts: {rules: {'a b': {when: absent}}}",
    "alerts: {rules: {'1': {when: absent}}}",
    "alerts: {rules: {A: {name: B, when: absent}}}",
    "alerts: {rules: {A: {when: {}}}}",
    "alerts: {rules: {A: {when: above}}}",
    "alerts: {rules: {A: {when: 0.5}}}",
    "alerts: {rules: {A: {when: [absent]}}}",
    "alerts: {rules: {A: {when: {absent: {}, failed: {}}}}}",
    "alerts: {rules: {A: {when: {outside: [0, 1]}}}}",
    "alerts: {rules: {A: {when: {absent: 1}}}}",
    "alerts: {rules: {A: {when: absent, severity: none}}}",
    "alerts: {rules: {A: {when: absent, hold: 1.5}}}",
    "alerts: {channels: {a: {type: pigeon, url: 'https://a.example.com'}}}",
    "alerts: {channels: {a: {url: 'https://a.example.com'}}}",
    "alerts: {muted: {x: {from: '2026-11-27'}}}",
    "alerts: {repeat: soon}",
]


def document(text):
    """HEAD with what the text says instead."""
    return yaml.safe_dump({**yaml.safe_load(HEAD), **(yaml.safe_load(text) or {})}, sort_keys=False)


@pytest.mark.parametrize("text", TAKEN)
def test_what_the_loader_takes_is_valid(tmp_path, text):
    path = tmp_path / "m.yaml"
    path.write_text(document(text))
    assert load(path, {}).plan
    assert fits(yaml.safe_load(document(text)), SCHEMA)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_valid_is_not_taken(tmp_path, text):
    assert not fits(yaml.safe_load(document(text)), SCHEMA)
    path = tmp_path / "m.yaml"
    path.write_text(document(text))
    with pytest.raises(ConfigError):
        load(path, {})


@pytest.mark.parametrize("text", ["1d", "15m", " 2w ", "2 h", "007s", "0d", "000000d", "1", "d", "-1d", "1.5h", "1y", "1234567d", ""])
def test_the_pattern_of_durations_is_that_of_the_reader(text):
    try:
        known = bool(duration(text))
    except UsageError:
        known = False
    assert bool(re.search(DURATION_PATTERN, text)) == known


@pytest.mark.parametrize(
    ("value", "schema", "fit"),
    [
        (1, {"type": "integer"}, True),
        (True, {"type": "integer"}, False),
        (1.5, {"type": ["string", "number"]}, True),
        ({"a": 1}, {"type": "object", "properties": {}, "additionalProperties": False}, False),
        ({}, {"required": ["a"]}, False),
        ([1, 1], {"type": "array", "uniqueItems": True}, False),
        ("b", {"not": {"enum": ["b"]}}, False),
        (2, {"anyOf": [{"maximum": 1}, {"exclusiveMinimum": 1}]}, True),
    ],
)
def test_the_small_reading_of_the_standard_reads_it(value, schema, fit):
    assert fits(value, schema) == fit
