"""Accuracy on real test sets: each side with its interval, and the difference between the sides over seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.intervals import wilson
from analysis.measured_rows import THIS_RUN

SET = ["origin", "machine"]
COLUMNS = (
    *(*SET, "workload", "dataset", "who", "kind", "accuracy", "low", "high", "macro_f1", "n_test", "n_train", "seeds"),
    *("epochs", "lowest_seed", "highest_seed", "status", "note", "source"),
)
DIFFERENCES = (
    *(*SET, "workload", "dataset", "pytorch", "tensorflow", "seeds", "difference", "low", "high", "largest", "n_test"),
    *("within_a_point", "wording", "status", "note"),
)
#: Accuracies that differ by less than this are alike for most purposes; fixed in advance.
POINT_OF_INTEREST = 0.01


def _with_sets(raw: pd.DataFrame) -> pd.DataFrame:
    """Say of rows that name no set that this run made them."""
    return raw.assign(**{name: raw.get(name, value) for name, value in zip(SET, (THIS_RUN, ""), strict=True)})


def accuracy(raw: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Return accuracy with Wilson intervals; seeds of one side share the test set, so n stays the size of that set.

    A side's accuracy is the mean over its seeds; its interval is Wilson's for that mean and the number of examples.

    raw        rows of the accuracy runs, with ``origin`` and ``machine`` where there are several sets
    published  rows of ``data/reference_accuracies.csv``
    """
    raw = _with_sets(raw)
    found = []
    for key, own in raw.groupby([*SET, "workload", "dataset", "who", "kind"], sort=False, dropna=False):
        done = own[(own["status"] == "ok") & own["correct"].notna()]
        row = dict(zip((*SET, "workload", "dataset", "who", "kind"), key, strict=True)) | {
            "seeds": len(done),
            "epochs": own["epochs"].iloc[0],
            "status": "ok" if len(done) == len(own) else own["status"].iloc[-1],
            "note": "; ".join(dict.fromkeys(own["note"].dropna().astype(str))),
            "source": "this machine" if key[0] == THIS_RUN else f"machine {key[1]}, {key[0]}",
        }
        if len(done):
            n, correct = int(done["n_test"].iloc[0]), float(done["correct"].mean())
            low, high = wilson(correct, n)
            row |= {
                "accuracy": correct / n,
                "low": float(low),
                "high": float(high),
                "n_test": n,
                "n_train": int(done["n_train"].iloc[0]),
                "macro_f1": done["macro_f1"].mean(),
                "lowest_seed": (done["correct"] / n).min(),
                "highest_seed": (done["correct"] / n).max(),
            }
        found.append(row)
    used = {row["dataset"]: row["workload"] for row in reversed(found)}
    for row in published[published["dataset"].isin(list(used))].itertuples():
        found.append(
            {
                "origin": "published",
                "machine": "",
                "workload": used[row.dataset],
                "dataset": row.dataset,
                "who": row.who,
                "kind": "published",
                "accuracy": row.accuracy,
                "macro_f1": row.macro_f1,
                "status": "ok",
                "note": f"evidence: {row.evidence}; no interval: the publication states none used here",
                "source": f"{row.source}, {row.url}",
            }
        )
    order = {name: place for place, name in enumerate(dict.fromkeys(raw["workload"]))}
    table = pd.DataFrame(found, columns=list(COLUMNS))
    return table.sort_values("workload", key=lambda values: values.map(order), kind="stable", ignore_index=True)


def accuracy_differences(raw: pd.DataFrame) -> pd.DataFrame:
    """Return PyTorch's accuracy minus TensorFlow's, paired by seed, with a Student t interval over the seeds (L4).

    Both sides of a seed start from the same weights, see the data in the same order and are scored on the same test
    set, so the spread over seeds is that of the arithmetic alone. No interval below two seeds.
    """
    raw, found = _with_sets(raw), []
    measured = raw[raw["kind"] == "measured"]
    for key, own in measured.groupby([*SET, "workload", "dataset"], sort=False, dropna=False):
        sides = {}
        for framework in ("pytorch", "tensorflow"):
            names = [who for who in dict.fromkeys(own["who"]) if str(who).split()[0] == framework]
            sides[framework] = names[0] if names else ""
        row = dict(zip((*SET, "workload", "dataset"), key, strict=True)) | sides
        good = [own[(own["who"] == who) & (own["status"] == "ok")].set_index("seed") for who in sides.values()]
        share = [side["correct"] / side["n_test"] for side in good]
        values = (share[0] - share[1]).dropna()
        bad = own[own["status"] != "ok"]
        row |= {"seeds": len(values), "status": "ok" if bad.empty else bad["status"].iloc[0]}
        found.append(row | (_difference(values, good[0]) if len(values) else {"note": "no seed was trained on both"}))
    return pd.DataFrame(found, columns=list(DIFFERENCES))


def _difference(values: pd.Series, side: pd.DataFrame) -> dict:
    from scipy.special import stdtrit

    n, centre = len(values), float(values.mean())
    half = float(stdtrit(n - 1, 0.975) * values.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan
    low, high = centre - half, centre + half
    inside = n > 1 and max(abs(low), abs(high)) <= POINT_OF_INTEREST
    if n == 1:
        wording = "no interval: one seed"
    elif low <= 0 <= high:
        wording = f"within one point, {n} seeds" if inside else "no difference settled"
    else:
        wording = f"{'PyTorch' if low > 0 else 'TensorFlow'} more accurate{', by less than a point' if inside else ''}"
    return {
        "difference": centre,
        "low": low,
        "high": high,
        "largest": float(values.abs().max()),
        "n_test": int(side["n_test"].iloc[0]),
        "within_a_point": bool(inside) if n > 1 else "",
        "wording": wording,
        "note": "every seed gives the same accuracy on both sides" if n > 1 and not values.abs().max() else "",
    }
