"""The JSON Schema of a configuration file (draft 2020-12), for editors: the keys of the specs, the short forms, meanings and examples.

What it cannot say, such as two keys that exclude each other by their values, only `driftline config check` says.
"""

from __future__ import annotations

from typing import Any

from driftline.config.meanings import example, meaning
from driftline.config.nodes import Listing, Node, Scalar, Table, is_number, parse
from driftline.config.shape import ANY, SECTION_NAME, Holds, Key, Leaf, Many, Named, Section, Shape, joined, plan_shape
from driftline.config.short_forms import RENAMED

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DURATION_PATTERN = r"^\s*(?=[0-9]{1,6}\s*[smhdw])0*[1-9][0-9]*\s*[smhdw]\s*$"


def json_schema() -> dict[str, Any]:
    """The schema as plain values."""
    shape = plan_shape()
    whole = _section(shape, "")
    for short, name in RENAMED.items():
        inner = shape.keys[name].shape
        assert isinstance(inner, Section)
        alone = _shape(inner.keys[inner.alone].shape, joined(name, inner.alone))
        whole["properties"][short] = {"description": f"short for {name}: {meaning(joined(name, inner.alone))}", **alone}
    return {
        "$schema": DIALECT,
        "title": "The configuration of one model, as driftline reads it",
        **whole,
        "allOf": [{"not": {"required": [short, name]}} for short, name in RENAMED.items()],
    }


def _section(shape: Section, path: str) -> dict[str, Any]:
    required = [key.name for key in shape.keys.values() if key.required]
    return {
        "type": "object",
        "properties": {key.name: _described(key, joined(path, key.name)) for key in shape.keys.values()},
        "additionalProperties": False,
        **({"required": required} if required else {}),
        **({"minProperties": 1, "maxProperties": 1} if shape.choice else {}),
    }


def _described(key: Key, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {"description": meaning(path)} if meaning(path) else {}
    default = _default(key)
    if default is not None:
        found["default"] = default
    if example(path):
        nothing = isinstance(key.shape, Section) and not key.shape.keys
        found["examples"] = [{} if nothing else _plain(_at(parse(example(path), path), path))]
    return found | _shape(key.shape, path)


def _default(key: Key) -> Any:
    """The default as a plain value, None where it says nothing."""
    if key.required or isinstance(key.shape, Section) or key.default in (None, "", (), {}):
        return None
    if isinstance(key.default, tuple):
        return [str(item) for item in key.default]
    return str(key.default) if isinstance(key.default, str) else key.default


def _shape(shape: Shape, path: str) -> dict[str, Any]:
    if isinstance(shape, Leaf):
        return _leaf(shape)
    if isinstance(shape, Many):
        item = _leaf(shape.item)
        return {"anyOf": [item, {"type": "array", "items": item, "uniqueItems": True}]}
    if isinstance(shape, Named) and isinstance(shape.item, Section):
        names = {"pattern": f"^{SECTION_NAME.pattern}$"}
        return {"type": "object", "propertyNames": names, "additionalProperties": _shape(shape.item, joined(path, ANY))}
    if isinstance(shape, Named):
        return {"type": "object", "additionalProperties": _shape(shape.item, path)}
    short = []
    if shape.choice:
        short.append({"enum": [key.name for key in shape.keys.values() if not _needs_settings(key)]})
    if shape.alone:
        short.append(_shape(shape.keys[shape.alone].shape, joined(path, shape.alone)))
    return {"anyOf": [_section(shape, path), *short]} if short else _section(shape, path)


def _needs_settings(key: Key) -> bool:
    return isinstance(key.shape, Section) and any(inner.required for inner in key.shape.keys.values())


def _leaf(leaf: Leaf) -> dict[str, Any]:
    if leaf.words:
        return {"enum": list(leaf.words)}
    if leaf.holds is Holds.DURATION:
        return {"type": "string", "pattern": DURATION_PATTERN}
    if leaf.holds is Holds.LEVEL:
        return {"type": ["string", "number", "boolean"]}
    if leaf.holds is Holds.FLAG:
        return {"type": "boolean"}
    if leaf.holds is Holds.SPAN:
        return {"type": ["string", "integer"]}
    if leaf.holds is Holds.TEXT:
        return {"type": "string"}
    bounds = {
        "exclusiveMinimum" if leaf.low_open else "minimum": leaf.low,
        "exclusiveMaximum" if leaf.high_open else "maximum": leaf.high,
    }
    return {"type": "integer" if leaf.holds is Holds.WHOLE else "number"} | {name: at for name, at in bounds.items() if at is not None}


def _at(node: Node, path: str) -> Node:
    """The value of an example that belongs to the key itself, through short forms where it uses one; under names, the last of them."""
    for name in path.split("."):
        inner = (node.entries[-1][1] if name == ANY else node.get(name)) if isinstance(node, Table) else None
        node = inner if inner is not None else node
    return node


def _plain(node: Node) -> Any:
    """A tree as plain values."""
    if isinstance(node, Table):
        return {key.text: _plain(value) for key, value in node.entries}
    if isinstance(node, Listing):
        return [_plain(item) for item in node.items]
    assert isinstance(node, Scalar)
    if node.quoted or not is_number(node.text):
        return {"true": True, "false": False}.get(node.text, node.text) if not node.quoted else node.text
    return int(node.text) if node.text.isdigit() else float(node.text)
