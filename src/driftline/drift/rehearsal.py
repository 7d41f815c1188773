"""Rehearsal: months of normal windows are played through both charts, and the lines are drawn where the budget of false alarms is met.

Normal windows are those of the reference, drawn again in blocks of a week or so, whole windows at a time: columns that move together stay
together, days that follow each other too. What the reference cannot know is added: fresh sampling noise, and for each rehearsed world an
error in what is believed of every signal's mean and wobble, as large as so few windows leave it. Where the reference itself, judged
window by window from its other windows, lies further out than rehearsed, its own line is taken.

Sources: block bootstrap, Künsch 1989; the largest of many scores, Gumbel 1958.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftline.drift.control import MEMORY, Memory
from driftline.drift.wobble import IDLE, MOST_LIKE, Wobble, normal_scores

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

BLOCK = 7
LENGTH, WARM = 5 * MEMORY, MEMORY
"""Windows of a rehearsed world, and how many at its start do not count, while the sums fill."""
WORLDS = 256
CELLS = 100_000
"""Most scores held at once: worlds times signals."""
EVENTS = 30
"""Alarms from which a line is read off; a rarer one is extended from where there are that many."""
DOUBT = 0.5
"""How many standard errors of a likeness are taken for chance."""
EULER = 0.5772156649


@dataclass(frozen=True, slots=True)
class Lines:
    """From which score on a window is beyond: of the largest score, and of the largest sum."""

    surprise: float
    accumulated: float


def rehearse(standardised: Floats, replayed: Floats, wobble: Wobble, *, rate: float, seed: int) -> Lines:
    """The lines at which each chart alarms `rate` times a window, all signals together.

    standardised: (windows, signals) of the reference, in units of their wobble; replayed: the same as normal scores, each window judged by
    what the others taught.
    """
    if standardised.shape[1] == 0:
        return Lines(math.inf, math.inf)
    jumps, sums = worlds(standardised, wobble, seed)
    surprise = max(line_at(jumps, rate), gumbel_line(np.abs(replayed).max(axis=1), rate))
    return Lines(surprise, line_at(sums, rate))


def worlds(standardised: Floats, wobble: Wobble, seed: int) -> tuple[Singles, Singles]:
    """The largest score and the largest sum of each window of the rehearsed worlds, (worlds, windows) each."""
    rng = np.random.default_rng(seed)
    windows, signals = standardised.shape
    count = max(min(WORLDS, CELLS // signals), 8)
    sampling = wobble.sampling(wobble.rows)
    pool, persistent = _pool(standardised, sampling, wobble)
    degrees = wobble.degrees_at(wobble.rows)
    scale = np.sqrt(degrees / rng.chisquare(degrees, (count, signals))).astype(np.float32)
    offset = (persistent * rng.standard_normal((count, signals))).astype(np.float32)
    noise = np.sqrt(sampling * np.where(wobble.seen < IDLE, wobble.seen, 1.0)).astype(np.float32)
    which = blocks(rng, windows, count)
    degrees = degrees.astype(np.float32)
    sums_of = Memory((count, signals))
    likeness = _remembered(sampling, wobble, windows)
    news = _news(pool, likeness)
    state = pool[which[:, 0]]
    jumps, sums = np.zeros((count, LENGTH), np.float32), np.zeros((count, LENGTH), np.float32)
    for t in range(LENGTH):
        state = likeness * state + news[which[:, t]]
        drawn = scale * (state + offset + noise * rng.standard_normal((count, signals), np.float32))
        scores = normal_scores(np.asarray(drawn, np.float64), degrees).astype(np.float32)
        jumps[:, t] = np.abs(scores).max(axis=1)
        sums[:, t] = sums_of.after(scores).max(axis=1)
    return jumps[:, WARM:], sums[:, WARM:]


def _pool(standardised: Floats, sampling: Floats, wobble: Wobble) -> tuple[Singles, Floats]:
    """The wobbling part of the reference's windows, and the standard deviation of the error of each mean: what stays in every window."""
    own = 1 - sampling
    size = np.sqrt((standardised**2).mean(axis=0))
    passing = own / (1 + 1 / wobble.windows)
    pool = standardised / np.maximum(size, 1e-300) * np.sqrt(passing)
    return pool.astype(np.float32), np.sqrt(own - passing + sampling * np.where(wobble.seen < IDLE, wobble.seen, 1.0) / len(standardised))


def _remembered(sampling: Floats, wobble: Wobble, windows: int) -> Singles:
    """How much of its wobble each signal carries into the next window: the likeness of neighbours beyond what it may be by chance, without
    the sampling noise that hides it."""
    likeness = np.maximum(wobble.likeness - DOUBT / math.sqrt(windows), 0.0)
    return np.clip(likeness / np.maximum(1 - sampling, 0.5), 0.0, MOST_LIKE).astype(np.float32)


def _news(pool: Singles, likeness: Singles) -> Singles:
    """What each window of the reference brings beyond what it carries on from the one before, (windows, signals). The first window, which
    has none before, brings what a window does on average."""
    news = pool - likeness * np.roll(pool, 1, axis=0)
    news[0] = pool[0] * np.sqrt(1 - likeness**2)
    return np.asarray(news)


def blocks(rng: np.random.Generator, windows: int, count: int) -> NDArray[np.intp]:
    """Which window of the reference each window of the worlds is, (worlds, LENGTH): blocks of consecutive ones, the last followed by the
    first."""
    block = min(BLOCK, windows)
    starts = rng.integers(0, windows, (count, -(-LENGTH // block)))
    return ((starts[:, :, None] + np.arange(block)).reshape(count, -1)[:, :LENGTH] % windows).astype(np.intp)


def alarms(values: Singles, line: float) -> int:
    """How often a chart goes from below the line to beyond it."""
    beyond = values >= line
    return int((beyond[:, 1:] & ~beyond[:, :-1]).sum())


def line_at(values: Singles, rate: float) -> float:
    """The line at which a chart goes beyond `rate` times a window. Below 30 alarms their number falls off exponentially."""
    steps = values.shape[0] * (values.shape[1] - 1)
    wanted = rate * steps
    if wanted >= EVENTS:
        return _crossing(values, wanted)
    near, far = _crossing(values, 4.0 * EVENTS), _crossing(values, EVENTS)
    fall = math.log(4.0) / max(far - near, 1e-6)
    return far + math.log(EVENTS / max(wanted, 1e-300)) / fall


def _crossing(values: Singles, wanted: float) -> float:
    low, high = float(np.median(values)), float(values.max()) + 1e-3
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if alarms(values, middle) > wanted else (low, middle)
    return high


def gumbel_line(largest: Floats, rate: float) -> float:
    """What the largest score of a window exceeds with probability `rate`: of a Gumbel with the mean and spread of those seen."""
    spread = float(largest.std(ddof=1)) * math.sqrt(6) / math.pi
    return float(largest.mean()) - EULER * spread - spread * math.log(-math.log1p(-min(rate, 0.5)))
