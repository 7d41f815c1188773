"""A reference as text: how each column is summarised, and why. What people review before they trust the comparison."""

from __future__ import annotations

from driftline.profiles.reference import Reference
from driftline.report import numbers, text

_NAME_CELLS = 28


def schema_text(reference: Reference) -> str:
    """One line for each column of the reference: name, role, kind and the reason."""
    schema = reference.schema
    lines = [f"{text.visible(reference.source.name)}: {numbers.count(reference.profile.rows)} rows, schema {schema.id}"]
    names = [text.shorten(text.visible(column.name), _NAME_CELLS) for column in schema.columns]
    cells = max((text.width(name) for name in names), default=0)
    for name, column in zip(names, schema.columns, strict=True):
        lines.append(f"  {text.pad(name, cells)}  {column.role.value:<10}  {column.kind.value:<11}  {text.visible(column.reason)}")
    if schema.outcomes is not None:
        lines.append(f"task: {schema.outcomes.task.value} ({text.visible(schema.outcomes.reason)})")
    return "\n".join(lines)
