"""Worlds with a known truth through the whole chain: how often the intervals hold it.

A world has a share that moves with time, papers that appear month by month, owners with many of them, repositories
that disagree or carry no label, and a detector with errors. The chain counts, corrects and states as it does with real
papers; the truth says whether it was right.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri
from threadpoolctl import threadpool_limits

from analysis.intervals import wilson
from analysis.trends import classes, clusters, correction, fields, spline
from analysis.trends.statements import LEVEL_BAND, direction

WORLDS = 1000
MONTHS = 84
START = 2017.0
SHAPES = ("slowing", "level", "reversal")
SIZES = {"small": 30, "large": 400}  # papers a month with a label, on average
GOAL = (0.93, 0.97)
BIAS_GOAL = 0.1  # years
ALL = "all worlds"
DETECTED = 400  # repositories that the detector reads in a month
CALIBRATION = (300, 1500)  # repositories that carry both labels
LABELS = ("pytorch", "tf", "mixed", "none")
FIELDS = 6
ONE_FIELD = "papers of one field in quarters"
ALIKE = "owners with many papers"

PROCESSES = 2
SEED = 20261122
SAID = "direction said with 95 % or more"
KINDS = (
    "share of a month",
    "share with both counted half",
    "classes of a month together",
    "share of a field, shrunken",
    "share from the corrected detector",
    "trend",
    "crossing date",
    "change over the last two years",
    SAID,
)
CONTRASTS = ("owners not allowed for", "labels of TensorFlow missing more often", "errors not corrected")
COVERAGE_COLUMNS = (
    *("kind", "condition", "covered", "low", "high", "goal", "met", "worlds", "bias", "bias_low", "bias_high"),
    *("date", "seed", "version"),
)

Found = dict[tuple[str, str], float]  # (kind, condition): part of a world's intervals that hold the truth


@dataclass(frozen=True)
class World:
    """A truth and the papers drawn from it.

    truth         PyTorch among only PyTorch or only TensorFlow, as a function of the decimal year
    at            (months,) middles of the months
    month, owner  (papers,) whole numbers
    kind          (papers,) index into ``classes.CLASSES``
    shares        (months, 4) true shares of the classes
    """

    truth: Callable[[np.ndarray], np.ndarray]
    at: np.ndarray
    month: np.ndarray
    owner: np.ndarray
    kind: np.ndarray
    shares: np.ndarray


def draw_world(rng: np.random.Generator, size: str, shape: str) -> World:
    """Draw a world; papers of one owner are alike in what they use and in whether their code carries a label."""
    truth = _truth(rng, shape)
    at = START + (np.arange(MONTHS) + 0.5) / 12
    unlabelled = rng.uniform(0.2, 0.5)
    volume = SIZES[size] / (1 - unlabelled) * np.linspace(0.4, 1.6, MONTHS)
    month, owner = _papers(rng, rng.poisson(volume))
    alike = rng.uniform(0.2, 0.7)
    pytorch = _latent(rng, owner, alike) < ndtri(truth(at[month]))
    without = _latent(rng, owner, alike / 2) < ndtri(unlabelled)
    # A paper has one repository or more; each further one may be in the other framework.
    last, other = rng.uniform(0.6, 0.9), rng.uniform(0.02, 0.2)
    further = rng.geometric(last, len(month)) - 1
    mixed = rng.random(len(month)) > (1 - other) ** further
    kind = np.select([without, mixed, pytorch], [3, 2, 0], 1)
    both = 1 - last / (1 - (1 - last) * (1 - other))
    only = (1 - unlabelled) * (1 - both)
    share = truth(at)
    constant = np.ones(MONTHS)
    parts = [only * share, only * (1 - share), (1 - unlabelled) * both * constant, unlabelled * constant]
    return World(truth, at, month, owner, kind, np.column_stack(parts))


def _truth(rng: np.random.Generator, shape: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return a share that starts low and leads from between 2018.5 and 2021 on; ``reversal`` loses the lead again."""
    floor, width = rng.uniform(0.01, 0.08), rng.uniform(0.35, 0.8)
    ceiling = rng.uniform(0.62, 0.75) if shape == "level" else rng.uniform(0.72, 0.93)
    crosses = rng.uniform(2018.5, 2020.5 if shape == "reversal" else 2021.0)
    middle = crosses - width * logit((0.5 - floor) / (ceiling - floor))
    fall = rng.uniform(0.3, 0.5) if shape == "reversal" else 0.0
    turns, over = rng.uniform(2022.2, 2023.0), rng.uniform(0.25, 0.45)

    def truth(t: np.ndarray) -> np.ndarray:
        at = np.asarray(t, dtype=float)
        return floor + (ceiling - floor) * expit((at - middle) / width) - fall * expit((at - turns) / over)

    return truth


def _papers(rng: np.random.Generator, volume: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return month and owner of every paper: most owners have one paper, some dozens, each over about two years."""
    total = int(volume.sum())
    sizes = np.minimum(rng.zipf(2.2, total), max(int(0.02 * total), 2))
    owner = np.repeat(np.arange(total), sizes)[:total]
    centre = rng.uniform(-0.2, 1.2, owner.max() + 1)[owner]
    # Papers in the order of a time around that of their owner, dealt out to the months: volumes hold exactly.
    order = np.argsort(centre + rng.normal(0, 0.12, total), kind="stable")
    return np.repeat(np.arange(len(volume)), volume), owner[order]


def _latent(rng: np.random.Generator, owner: np.ndarray, alike: float) -> np.ndarray:
    """Return standard normal numbers with the correlation ``alike`` between papers of one owner."""
    own = rng.standard_normal(owner.max() + 1)[owner]
    return np.sqrt(alike) * own + np.sqrt(1 - alike) * rng.standard_normal(len(owner))


def first_lead(truth: Callable[[np.ndarray], np.ndarray]) -> float:
    """Return when the true share first rises through one half, to a thousandth of a year."""
    grid = np.arange(START, START + MONTHS / 12, 0.001)
    return float(grid[np.argmax(truth(grid) > 0.5)])


def check_world(seed: np.random.SeedSequence, number: int) -> tuple[Found, float]:
    """Run the chain in one world; return what held the truth, and the error of the crossing date in years."""
    rng = np.random.default_rng(seed)
    size, shape = list(SIZES)[number % 2], SHAPES[number // 2 % 3]
    world = draw_world(rng, size, shape)
    found: Found = {}

    def note(kind: str, held: np.ndarray | bool, condition: str | None = None) -> None:
        for name in (condition,) if condition else (ALL, *_conditions(number)):
            found[kind, name] = float(np.mean(held))

    _check_shares(world, note, rng)
    error = _check_trend(world, note, rng)
    _check_correction(note, rng)
    _check_fields(note, rng)
    _check_thin(note, rng, shape)
    # Numbers of their own, so that what stands above draws the same as before.
    _check_one_field(world, note)
    _check_alike_fields(note, np.random.default_rng(seed.spawn(1)[0]))
    return found, error


def _holds(low: np.ndarray, high: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return where the interval holds the truth; an open end (nan) holds everything on its side."""
    return ~(np.asarray(low) > truth) & ~(np.asarray(high) < truth)


def _check_shares(world: World, note, rng: np.random.Generator) -> None:
    counts = np.zeros((MONTHS, 4))
    np.add.at(counts, (world.month, world.kind), 1)
    k, n = counts[:, 0], counts[:, 0] + counts[:, 1]
    truth = world.truth(world.at)
    only = world.kind < 2
    deff = clusters.design_effects(world.month[only], world.owner[only], world.kind[only] == 0, MONTHS)
    seen = n > 0
    factor = classes.steady_inflation(deff, n)
    low, high = classes.clustered_wilson(k, n, factor)
    note("share of a month", _holds(low, high, truth)[seen])
    note("share of a month", _holds(*wilson(k, n), truth)[seen], CONTRASTS[0])
    lost = rng.binomial((n - k).astype(int), 0.3)
    note("share of a month", _holds(*wilson(k, n - lost), truth)[seen], CONTRASTS[1])
    each = (world.kind[:, None] == np.arange(4)).astype(float)
    factor = classes.steady_inflation(
        clusters.design_effects(world.month, world.owner, each, MONTHS), counts.sum(axis=1)
    )
    low, high, _ = classes.simultaneous(counts / factor[:, None])
    note("classes of a month together", _holds(low, high, world.shares).all(axis=1)[counts.sum(axis=1) > 0])
    scores, trials = classes.effective_trials([1, 0, 0.5], counts[:, :3])
    named = world.kind < 3
    score = np.array([1, 0, 0.5])[world.kind[named]]
    deff = clusters.design_effects(world.month[named], world.owner[named], score, MONTHS)
    factor = classes.steady_inflation(deff, trials)
    half = (world.shares[:, 0] + world.shares[:, 2] / 2) / world.shares[:, :3].sum(axis=1)
    low, high = classes.clustered_wilson(scores, trials, factor)
    note("share with both counted half", _holds(low, high, half)[trials > 0])


def _check_trend(world: World, note, rng: np.random.Generator) -> float:
    only = world.kind < 2
    month, owner, first = world.month[only], world.owner[only], (world.kind[only] == 0).astype(float)
    n, k = np.bincount(month, minlength=MONTHS), np.bincount(month, first, minlength=MONTHS)
    quarters = np.arange(MONTHS) // 3
    linked = clusters.covariance(month // 3, owner, first, MONTHS // 3)
    curve = spline.fit_curve(world.at, k, n, scores=(quarters, linked))
    _, low, high = curve.share(world.at)
    note("trend", _holds(low, high, world.truth(world.at)))
    plain = spline.fit_curve(world.at, k, n)
    _, low, high = plain.share(world.at)
    note("trend", _holds(low, high, world.truth(world.at)), CONTRASTS[0])
    crossing, truth = spline.find_crossing(curve), first_lead(world.truth)
    note("crossing date", _holds(crossing.low, crossing.high, truth))
    other = spline.find_crossing(plain)
    note("crossing date", _holds(other.low, other.high, truth), CONTRASTS[0])
    moved = direction(curve, rng)
    slope = float(np.diff(world.truth(world.at[-1] - np.array([2.0, 0.0])))[0]) / 2
    note("change over the last two years", _holds(moved.low, moved.high, slope))
    if moved.probability >= 0.95:
        is_so = {"rising": slope >= LEVEL_BAND, "falling": slope <= -LEVEL_BAND, "level": abs(slope) < LEVEL_BAND}
        note(SAID, is_so[moved.verdict])
    return crossing.at - truth


def _check_correction(note, rng: np.random.Generator) -> None:
    rates = np.array([rng.dirichlet(row) for row in ([180, 3, 5, 12], [6, 160, 8, 26], [10, 4, 2, 184])])
    before, now = rng.dirichlet([30, 6, 20]), rng.dirichlet([30, 4, 15])
    calibration = rng.multinomial(rng.integers(*CALIBRATION), before)
    confusion = np.array([rng.multinomial(m, row) for m, row in zip(calibration, rates, strict=True)])
    observed = rng.multinomial(DETECTED, now @ rates)
    truth = now[0] / (now[0] + now[1])
    corrected = correction.correct(confusion, observed, rng, draws=400)
    note("share from the corrected detector", _holds(corrected.low, corrected.high, truth), ALL)
    naive = wilson(observed[0], observed[0] + observed[1])
    note("share from the corrected detector", _holds(*naive, truth), CONTRASTS[2])


def _check_fields(note, rng: np.random.Generator) -> None:
    truth = expit(rng.normal(rng.normal(1, 0.7), rng.uniform(0.1, 0.9), FIELDS))
    n = rng.integers(4, [300, 100, 300, 40, 20, 20])
    _, low, high = fields.shrink(rng.binomial(n, truth), n)
    note("share of a field, shrunken", _holds(low, high, truth), ALL)


def _check_one_field(world: World, note) -> None:
    """Check share, trend and date of the papers of a sixth of the owners, counted as ``fields.from_archive`` does."""
    own = (world.kind < 2) & (world.owner % FIELDS == 0)
    quarter, owner, first = world.month[own] // 3, world.owner[own], (world.kind[own] == 0).astype(float)
    quarters = MONTHS // 3
    at = START + (np.arange(quarters) + 0.5) / 4
    n, k = np.bincount(quarter, minlength=quarters), np.bincount(quarter, first, minlength=quarters)
    truth = world.truth(at)
    large = n >= classes.SMALL
    factor = classes.steady_inflation(clusters.design_effects(quarter, owner, first, quarters, uneven=True), n)
    if large.any():
        low, high = classes.clustered_wilson(k, n, factor)
        note("share of a month", _holds(low, high, truth)[large], ONE_FIELD)
    curve = spline.fit_curve(
        at, k, n, scores=(np.arange(quarters), clusters.covariance(quarter, owner, first, quarters))
    )
    if curve is None:
        return
    _, low, high = curve.share(at)
    note("trend", _holds(low, high, truth), ONE_FIELD)
    crossing = spline.find_crossing(curve)
    note("crossing date", _holds(crossing.low, crossing.high, first_lead(world.truth)), ONE_FIELD)


def _check_alike_fields(note, rng: np.random.Generator) -> None:
    """Check shrunken shares of fields whose owners have many papers in one framework, over 13 quarters."""
    truth = expit(rng.normal(rng.normal(1, 0.7), rng.uniform(0.1, 0.9), FIELDS))
    volume = rng.integers(10, [300, 100, 300, 40, 30, 30])
    k, n, factor = np.empty(FIELDS), np.empty(FIELDS), np.empty(FIELDS)
    for field in range(FIELDS):
        month, owner = _papers(rng, np.full(classes.WINDOW, volume[field]))
        first = (_latent(rng, owner, 0.5) < ndtri(truth[field])).astype(float)
        deff = clusters.design_effects(month, owner, first, classes.WINDOW, uneven=True)
        middle = classes.WINDOW // 2
        n[field], k[field] = np.sum(month == middle), first[month == middle].sum()
        factor[field] = classes.steady_inflation(deff, np.full(classes.WINDOW, volume[field]))[middle]
    kind = "share of a field, shrunken"
    note(kind, _holds(*fields.shrink(k / factor, n / factor)[1:], truth), ALIKE)
    note(kind, _holds(*fields.shrink(k, n)[1:], truth), CONTRASTS[0])


def _check_thin(note, rng: np.random.Generator, shape: str) -> None:
    """Check trends of sources that give counts only: few units, few periods, more scatter, several venues."""
    truth = _truth(rng, shape)
    months, quarters = START + (np.arange(MONTHS) + 0.5) / 12, START + (np.arange(MONTHS // 3) + 0.5) / 4
    years = START + 0.2 + 1.1 * np.arange(7)
    venue, place = np.repeat(np.arange(8), 5), np.tile(START + np.arange(5), 8) + np.repeat(rng.random(8), 5) + 0.5
    level = rng.normal(0, 0.4, 8)
    moved = expit(logit(truth(place)) + (level - level.mean())[venue])
    scattered = truth(quarters)
    worlds = {
        "a dozen units a month": (months, rng.poisson(12, MONTHS), truth(months), None),
        "seven periods": (years, rng.poisson(150, len(years)), truth(years), None),
        "quarters that scatter more": (
            quarters,
            rng.poisson(300, len(quarters)),
            rng.beta(40 * scattered, 40 * (1 - scattered)),
            None,
        ),
        "eight venues with levels of their own": (place, rng.poisson(200, len(place)) + 1, moved, venue),
    }
    for condition, (at, n, share, groups) in worlds.items():
        curve = spline.fit_curve(at, rng.binomial(n, share), n, groups=groups)
        if curve is None:
            continue
        _, low, high = curve.share(at)
        note("trend", _holds(low, high, truth(at)), condition)
        crossing = spline.find_crossing(curve)
        note("crossing date", _holds(crossing.low, crossing.high, first_lead(truth)), condition)
        change = direction(curve, rng)
        if change is not None:
            slope = float(np.diff(truth(curve.basis.last - np.array([2.0, 0.0])))[0]) / 2
            note("change over the last two years", _holds(change.low, change.high, slope), condition)


def simulate(
    worlds: int = WORLDS, seed: int = SEED, processes: int = PROCESSES, *, progress: bool = False
) -> pd.DataFrame:
    """Return how often intervals hold the truth (``COVERAGE_COLUMNS`` without date, seed and version).

    covered      mean over worlds of the part of their intervals that hold the truth; ``low`` and ``high`` its 95 %
                 Monte Carlo interval
    worlds       number of worlds that have such intervals
    bias         mean error of crossing dates in years, with its 95 % Monte Carlo interval
    goal, met    covered between 93 and 97 %, and the bias within 0.1 years; empty for conditions that are there to show
                 what an interval does not allow for

    Every world has a seed of its own, so the result does not depend on the number of processes. A thousand worlds take
    about two minutes on two cores.
    """
    jobs = list(zip(np.random.SeedSequence(seed).spawn(worlds), range(worlds), strict=True))
    if processes == 1:
        with threadpool_limits(1):
            results = [_job(job) for job in jobs]
    else:
        results = []
        with multiprocessing.get_context("spawn").Pool(processes, _one_thread) as pool:
            for result in pool.imap(_job, jobs, chunksize=5):
                results.append(result)
                if progress and len(results) % 50 == 0:
                    print(f"{len(results)} of {worlds} worlds", file=sys.stderr, flush=True)
    return summarise([found for found, _ in results], [error for _, error in results])


def write(path: Path, table: pd.DataFrame, *, date: str, seed: int, version: str) -> None:
    """Write the table of ``simulate`` with when and how it was made."""
    from reproductions.files import write_text

    stamped = table.assign(date=date, seed=seed, version=version)
    write_text(path, stamped.to_csv(index=False, float_format="%.4f", lineterminator="\n"))


BEGIN = "<!-- simulated: written by python -m analysis simulate -->\n"
END = "<!-- end -->\n"


def document(page: Path, table: pd.DataFrame) -> None:
    """Write the table into ``docs/trends.md``, between its marks; ``table`` as ``write`` leaves it."""
    from reproductions.files import write_text

    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    write_text(page, before + BEGIN + render(table) + END + after)


def render(table: pd.DataFrame) -> str:
    """Return the table in Markdown, percentages with their Monte Carlo interval."""
    first = table.iloc[0]
    lines = [
        f"{int(table['worlds'].max())} worlds, seed {first['seed']}, {first['date']}, version {first['version']}.",
        "",
        "| interval | condition | holds the truth (%) | goal met | bias (years) |",
        "|---|---|---|---|---|",
    ]
    for row in table.to_dict("records"):
        held = f"{100 * row['covered']:.1f} ({100 * row['low']:.1f} to {100 * row['high']:.1f})"
        bias = f"{row['bias']:+.3f}" if pd.notna(row["bias"]) else ""
        met = row["met"] if isinstance(row["met"], str) and row["met"] else "no goal"
        lines.append(f"| {row['kind']} | {row['condition']} | {held} | {met} | {bias} |")
    return "\n" + "\n".join(lines) + "\n\n"


def _one_thread() -> None:
    # A function of this module, so that NumPy is loaded before it is held to one thread.
    threadpool_limits(1)


def _job(job: tuple[np.random.SeedSequence, int]) -> tuple[Found, float]:
    return check_world(*job)


def summarise(found: list[Found], errors: list[float]) -> pd.DataFrame:
    """Return a row a kind and condition from what each world found and its error of the crossing date."""
    keys = sorted({key for world in found for key in world}, key=_order)
    bias = {ALL: errors}
    for number, error in enumerate(errors):
        for condition in _conditions(number):
            bias.setdefault(condition, []).append(error)
    rows = []
    for kind, condition in keys:
        parts = np.array([world[kind, condition] for world in found if (kind, condition) in world])
        row = {"kind": kind, "condition": condition, "covered": parts.mean(), "worlds": len(parts)}
        row["low"], row["high"] = _monte_carlo(parts)
        if kind == "crossing date" and condition in bias:
            known = np.array(bias[condition])[~np.isnan(bias[condition])]
            reach = 1.96 * known.std(ddof=1) / np.sqrt(len(known)) if len(known) > 1 else np.nan
            row |= {"bias": known.mean(), "bias_low": known.mean() - reach, "bias_high": known.mean() + reach}
        if condition not in CONTRASTS and kind != SAID:
            within = GOAL[0] <= row["covered"] <= GOAL[1] and abs(row.get("bias", 0.0)) <= BIAS_GOAL
            row |= {"goal": f"{GOAL[0]:.0%} to {GOAL[1]:.0%}", "met": "yes" if within else "no"}
        rows.append(row)
    return pd.DataFrame(rows, columns=[name for name in COVERAGE_COLUMNS if name not in ("date", "seed", "version")])


def _conditions(number: int) -> tuple[str, str]:
    size, shape = list(SIZES)[number % 2], SHAPES[number // 2 % 3]
    return f"{size} counts", f"{shape} share"


def _order(key: tuple[str, str]) -> tuple:
    kind, condition = key
    return KINDS.index(kind), condition in CONTRASTS, condition != ALL, condition


def _monte_carlo(parts: np.ndarray) -> tuple[float, float]:
    """Return Wilson's interval of the mean of parts, with the number of coin tosses that varies as they do."""
    mean, spread = parts.mean(), parts.var(ddof=1) if len(parts) > 1 else 0.0
    tosses = len(parts) * mean * (1 - mean) / spread if spread > 0 else len(parts)
    low, high = wilson(mean * tosses, tosses)
    return float(low), float(high)
