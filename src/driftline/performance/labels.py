"""LabelSpec: what is known beforehand of the labels of a model: what kind they are, when they are final, and which rows get one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from driftline.core.durations import duration
from driftline.core.errors import UsageError
from driftline.core.spec import Field, Spec


class LabelKind(StrEnum):
    """`outcome`: every eligible prediction gets a label. `event`: only positives are told, silence becomes negative. `none`: no labels."""

    OUTCOME = "outcome"
    EVENT = "event"
    NONE = "none"


class LabelSpec(Spec):
    """How labels come. Durations are texts such as `28d`.

    `matures_after`: age at which a window's labels are final. `negative_after` (kind `event`): age from which silence is a negative; it is
    also the age of maturity where `matures_after` is not given. `eligible`: columns of the predictions and the levels of which a row must
    have one to ever get a label. `void`: columns of the labels and the levels that say "this one will never have a label".
    `expected_coverage`: share of eligible rows with a label once they are mature. `max_orphans`: share of labels without a prediction.
    """

    kind: LabelKind = LabelKind.OUTCOME
    matures_after: str = ""
    negative_after: str = ""
    eligible: Mapping[str, tuple[str, ...]] = {}
    void: Mapping[str, tuple[str, ...]] = {}
    expected_coverage: float = Field(default=0.95, gt=0.0, le=1.0)
    max_orphans: float = Field(default=0.001, ge=0.0, lt=1.0)

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` for what does not fit together."""
        for text in (self.matures_after, self.negative_after):
            if text:
                duration(text)
        if self.kind is LabelKind.EVENT and not self.negative_after:
            raise UsageError(
                "Labels of kind 'event' need 'negative_after', the age from which no news is a negative",
                where="labels",
                hint="Such as 45d.",
            )
        if self.kind is not LabelKind.EVENT and self.negative_after:
            raise UsageError(
                f"'negative_after' is for labels of kind 'event', and these are '{self.kind}'", where="labels", hint="Use matures_after."
            )

    @property
    def maturity(self) -> timedelta:
        """The age at which a window is final; one day where nothing is said."""
        spans = [duration(text) for text in (self.matures_after, self.negative_after) if text]
        return max(spans, default=timedelta(days=1))
