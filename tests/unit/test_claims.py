"""The claims: their tests are the ones fixed in advance, and only the rules turn evidence into words."""

from __future__ import annotations

import ast
import csv
import hashlib
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.claims import evidence, judging, rules, speed, use
from analysis.claims.registry import CLAIMS_CSV, load_claims
from analysis.claims.rules import Cell, Clause, MissingEvidence, Step
from reproductions.errors import SurveyError
from tests.page_fixtures import ROOT, real_tables  # noqa: F401  a fixture

RECORDED = ROOT / "tests" / "recorded" / "claims_2026-11-22.csv"
LATER = [path for path in sorted(RECORDED.parent.glob("claims_*.csv")) if path != RECORDED]
#: The numbers of the rules as they were fixed on 2026-11-22, before anything was measured for them.
THRESHOLDS = {
    "C01": "exactly=1.29; above=1.15",
    "C02": "above=1.8; batches=1 32",
    "C03": "training=25.5; inference=77.7; within=0.05",
    "C04": "samples=10000; batch=32; ratio=1",
    "C05": "samples=100000; batch=128; steps=1000; ratio=1",
    "C06": "slope=0",
    "C07": "share=0.1",
    "C08": "speedup=1; steps=1000",
    "C09": "speedup=1.05",
    "C10": "ratio=1",
    "C11": "points=1; seeds=5",
    "C12": "factor=1.2; batch=128",
    "C13": "support=0.75; refute=0.65; year=2023",
    "C14": "slope=0; first=2018; last=2024",
    "C15": "year=2023; most=0.5",
    "C20": "difference=0.001",
    "C21": "most=0.5",
    "C22": "difference=0",
}
CLAIMS = load_claims()
ORDER = [rules.REFUTED, rules.UNDECIDED, rules.SUPPORTED]


@pytest.fixture(scope="module")
def tables(real_tables):  # noqa: F811
    found = {path.stem: pd.read_csv(path, low_memory=False) for path in real_tables.glob("*.csv")}
    return found | {"facts": pd.read_csv(ROOT / "data" / "facts.csv", dtype=str).fillna("")}


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# -- fixed in advance --------------------------------------------------------------------------------------------------
def test_the_recorded_tests_are_what_was_fixed():
    digest = hashlib.sha256(RECORDED.read_bytes()).hexdigest()
    assert digest == "3bceb0b0572e873b767ccb97d30fbf6a042512fb1afd6c7fd59c554b6488aa98", (
        "the record of what was fixed in advance is never edited"
    )


def test_wording_and_rules_are_those_recorded():
    ours = {row["claim"]: row for row in rows(CLAIMS_CSV)}
    recorded = [row for path in (RECORDED, *LATER) for row in rows(path)]
    for row in recorded:
        assert {name: ours[row["claim"]][name] for name in row} == row
    assert len(rows(RECORDED)) == 24
    assert [row["claim"] for row in recorded] == list(ours), (
        "each claim is recorded once, in the order of the file: add tests/recorded/claims_<day>.csv for a new one"
    )


def test_thresholds_are_those_recorded():
    first = {row["claim"] for row in rows(RECORDED)}
    found = {row["claim"]: row["thresholds"] for row in rows(CLAIMS_CSV) if row["claim"] in first and row["thresholds"]}
    assert found == THRESHOLDS
    assert all("thresholds" in row for path in LATER for row in rows(path))


def test_judging_functions_hold_no_threshold():
    """Numbers of the rules stand in data/claims.csv alone: the code compares with small numbers and named bounds."""
    allowed = {0, 1, 2, 3, 4, 0.5}
    for path in sorted((ROOT / "analysis" / "claims").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Compare):
                numbers = [
                    part.value
                    for part in ast.walk(node)
                    if isinstance(part, ast.Constant) and isinstance(part.value, int | float)
                ]
                assert set(numbers) <= allowed, f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))
def test_every_claim_has_its_judging_function_and_a_way_to_settle_it(claim):
    assert callable(judging.judging_function(claim))
    assert claim.settle
    assert claim.place


def test_a_claim_whose_function_or_threshold_is_absent_is_named():
    claim = replace(CLAIMS["C09"], judge="compiling.nowhere")
    with pytest.raises(SurveyError, match=r"C09: judge: compiling\.nowhere is no function.*write nowhere\("):
        judging.judging_function(claim)
    with pytest.raises(SurveyError, match=r"C09: thresholds: .* one number ratio, 0 stand there; write ratio=NUMBER"):
        CLAIMS["C09"].limit("ratio")
    with pytest.raises(SurveyError, match="one number batches, 2 stand there"):
        CLAIMS["C02"].limit("batches")


# -- intervals decide --------------------------------------------------------------------------------------------------
def one(low, high, supports, refutes):
    return rules.combine([Cell("", rules.side(low, high, supports, refutes))])


bounds = st.floats(0.2, 5)
widths = st.floats(0.001, 2)


@given(start=st.floats(-3, 3), width=widths, limit=st.floats(-1, 1))
@settings(max_examples=60, deadline=None)
def test_moving_an_interval_over_a_threshold_moves_the_verdict_one_way(start, width, limit):
    supports, refutes = rules.above(limit), rules.below(limit)
    seen = [one(start + step, start + step + width, supports, refutes) for step in np.linspace(-8, 8, 33)]
    places = [ORDER.index(verdict) for verdict in seen]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, 2)


@given(centre=bounds, narrow=widths, wider=st.floats(0, 3), limit=bounds)
@settings(max_examples=60, deadline=None)
def test_a_wider_interval_never_settles_more(centre, narrow, wider, limit):
    supports, refutes = rules.above(limit), rules.below(limit)
    before = one(centre - narrow, centre + narrow, supports, refutes)
    after = one(centre - narrow - wider, centre + narrow + wider, supports, refutes)
    assert after in (before, rules.UNDECIDED)


@given(st.lists(st.sampled_from([rules.SUPPORTS, rules.REFUTES, rules.OPEN]), min_size=1, max_size=8), st.data())
@settings(max_examples=80, deadline=None)
def test_a_cell_that_turns_for_a_claim_never_lowers_its_verdict(sides, data):
    rank = {rules.REFUTED: 0, rules.UNDECIDED: 1, rules.PARTLY: 1, rules.SUPPORTED: 2}
    place = data.draw(st.integers(0, len(sides) - 1))
    better = [*sides[:place], rules.SUPPORTS, *sides[place + 1 :]]
    for how in ("cells", "every", 0.5):
        before, after = (rules.combine([Cell("", side) for side in given], how) for given in (sides, better))
        assert rank[after] >= rank[before]


def test_an_interval_on_the_threshold_stays_undecided():
    assert one(1.0, 1.2, rules.above(1), rules.below(1)) == rules.UNDECIDED
    assert one(math.nan, math.nan, rules.above(1), rules.below(1)) == rules.UNDECIDED


def test_a_counter_example_decides_where_the_claim_says_all():
    cells = [Cell("", rules.SUPPORTS)] * 9 + [Cell("", rules.REFUTES)]
    assert rules.combine(cells, "every") == rules.REFUTED
    assert rules.combine(cells) == rules.PARTLY


# -- certainty ---------------------------------------------------------------------------------------------------------
def test_one_machine_is_never_above_moderate():
    for start in rules.STARTS:
        level, _ = rules.grade(start, [], machines=1)
        assert rules.CERTAINTIES.index(level) <= rules.CERTAINTIES.index("moderate")
    assert rules.grade("measured in pairs", [], machines=2)[0] == "high"


@given(st.lists(st.sampled_from(rules.DOMAINS)), st.sampled_from(rules.DOMAINS), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_a_downgrade_never_raises_and_is_printed(domains, more, machines):
    steps = [Step(name, f"because of {name}") for name in domains]
    before, _ = rules.grade("measured in pairs", steps, machines)
    after, lines = rules.grade("measured in pairs", [*steps, Step(more, "a new reason")], machines)
    assert rules.CERTAINTIES.index(after) <= rules.CERTAINTIES.index(before)
    assert any("a new reason" in line for line in lines)


@pytest.mark.parametrize(
    ("certainty", "words"),
    [
        ("high", "PyTorch is faster"),
        ("moderate", "PyTorch is probably faster"),
        ("low", "PyTorch may be faster"),
        ("very low", "We are very uncertain whether PyTorch is faster"),
    ],
)
def test_certainty_sets_the_verb(certainty, words):
    assert Clause("PyTorch", ("is", "be"), "faster").say(certainty) == words


# -- the judging functions ---------------------------------------------------------------------------------------------
def verdict(name, tables, **changes):
    row, _, _ = judging.judge(CLAIMS[name], tables | changes)
    return row["verdict"]


def test_every_claim_gets_both_words(tables):
    found = judging.judge_all(tables)["claims"]
    assert list(found["claim"]) == list(CLAIMS)
    assert set(found["verdict"]) <= set(rules.VERDICTS)
    for row in found.to_dict("records"):
        tested = row["verdict"] != rules.UNTESTED
        assert (row["certainty"] in rules.CERTAINTIES) == tested
        assert row["sentence"].endswith(".")
        assert bool(row["steps"] == row["steps"] and row["steps"]) == tested
        assert tested or row["missing"]


class Watched(dict):
    """Tables that remember which of them were asked for."""

    def __init__(self, tables):
        super().__init__(tables)
        self.asked = set()

    def get(self, name, default=None):
        self.asked.add(name)
        return super().get(name, default)


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))
def test_a_missing_or_empty_table_never_crashes(tables, claim):
    assert judging.judge(claim, {})[0]["verdict"] == rules.UNTESTED
    watched = Watched(tables)
    judging.judge(claim, watched)
    assert watched.asked
    for name in watched.asked & set(tables):
        rest = {key: frame for key, frame in tables.items() if key != name}
        for changed in (rest, rest | {name: tables[name].head(0)}, rest | {name: pd.DataFrame({"x": [1]})}):
            row, _, _ = judging.judge(claim, changed)
            assert row["verdict"] in rules.VERDICTS


def cnn(tables, ratio, half=1.02, **columns):
    frame = tables["performance_ratios"].head(1).assign(
        workload="cnn_mnist", workload_title="Convolutional classifier", phase="train", pytorch_mode="eager",
        tensorflow_mode="function", primary=True, track="matched", precision="float32", parity="pass", status="ok",
        flags="", note="", ratio=ratio, low=ratio / half, high=ratio * half,
    )  # fmt: skip
    return {"performance_ratios": frame.assign(**columns)}


@pytest.mark.parametrize(
    ("ratio", "word"), [(1.05, rules.REFUTED), (1.15, rules.UNDECIDED), (1.29, rules.SUPPORTED), (2.5, rules.SUPPORTED)]
)
def test_the_training_claim_follows_its_thresholds(tables, ratio, word):
    assert verdict("C01", tables, **cnn(tables, ratio)) == word


def test_a_ratio_without_parity_is_no_evidence(tables):
    assert verdict("C01", tables, **cnn(tables, 1.4, parity="fail")) == rules.UNTESTED


def test_a_claim_about_a_gpu_is_not_settled_by_a_cpu(tables):
    columns = {"workload": "resnet50", "batch_size": 256}
    assert verdict("C12", tables, **cnn(tables, 1.0, device="CPU", **columns)) == rules.UNTESTED
    assert verdict("C12", tables, **cnn(tables, 1.0, device="NVIDIA H100", **columns)) == rules.SUPPORTED
    assert verdict("C12", tables, **cnn(tables, 2.0, device="NVIDIA H100", **columns)) == rules.REFUTED


def test_the_headline_percentages_are_symmetric_differences(tables):
    judged = judging.judge_all(tables)
    row = judged["claims"].set_index("claim").loc["C03"]
    assert row["verdict"] == rules.REFUTED
    sums = judged["claim_arithmetic"].set_index("phase")
    assert sums.loc["training", "symmetric_percent"] == pytest.approx(25.53, abs=0.01)
    assert sums.loc["inference", "symmetric_percent"] == pytest.approx(77.74, abs=0.01)
    assert sums.loc["training", "time_saved_percent"] == pytest.approx(22.64, abs=0.01)
    assert sums.loc["inference", "speed_ratio"] == pytest.approx(2.27, abs=0.01)


def test_counts_that_end_before_the_fixed_year_do_not_decide(tables):
    assert verdict("C13", tables) == rules.UNTESTED
    late = (
        tables["adoption_shares"]
        .head(1)
        .assign(
            indicator="code_labels", series="papers, by year", period="2023", n=5000, share=0.8, low=0.79, high=0.81
        )
    )
    assert verdict("C13", tables, adoption_shares=late) == rules.SUPPORTED
    assert verdict("C13", tables, adoption_shares=late.assign(share=0.6, low=0.59, high=0.61)) == rules.REFUTED
    assert verdict("C13", tables, adoption_shares=late.assign(share=0.7, low=0.69, high=0.71)) == rules.UNDECIDED


@pytest.mark.parametrize(("rise", "word"), [(0.05, rules.SUPPORTED), (-0.05, rules.REFUTED), (0.0, rules.UNDECIDED)])
def test_the_trend_needs_the_whole_window(tables, rise, word):
    years = pd.DataFrame({"period": range(2018, 2025)})
    fields = years.assign(
        indicator="code_labels",
        field="language",
        grain="year",
        n=4000,
        inflation=1.0,
        share=0.5 + rise * (years["period"] - 2021),
    )
    assert verdict("C14", tables, trend_fields=fields) == word
    assert verdict("C14", tables, trend_fields=fields[fields["period"] < 2024]) == rules.UNTESTED


def test_a_disagreement_in_one_mode_is_enough_and_an_unfinished_check_is_not(tables):
    check = {"workload": "a", "level": "L1", "pair": "pytorch-eager / tensorflow-xla", "tolerance": 1e-5, "note": ""}
    good = check | {"largest_difference": 1e-7, "status": "pass"}
    bad = check | {"largest_difference": 1e-2, "status": "fail", "pair": "pytorch-eager / pytorch-compile"}
    stopped = check | {"largest_difference": math.nan, "status": "fail", "workload": "b"}
    assert verdict("C23", tables, parity=pd.DataFrame([good])) == rules.SUPPORTED
    assert verdict("C23", tables, parity=pd.DataFrame([good, stopped])) == rules.UNDECIDED
    assert verdict("C23", tables, parity=pd.DataFrame([good, stopped, bad])) == rules.REFUTED


def test_a_mode_that_pays_back_too_late_counts_against_the_compiler():
    from analysis.claims.compiling import with_break_even

    assert with_break_even(rules.SUPPORTS, 900, 1000) == rules.SUPPORTS
    assert with_break_even(rules.SUPPORTS, 1001, 1000) == rules.REFUTES
    assert with_break_even(rules.SUPPORTS, math.inf, 1000) == rules.REFUTES
    assert with_break_even(rules.SUPPORTS, math.nan, 1000) == rules.OPEN


# -- deployment, whose tables may be there or not ----------------------------------------------------------------------
def test_deployment_is_judged_where_its_tables_are(tables):
    about = {"machine": "m", "date": "2026-11-26"}
    paths = pd.DataFrame(
        [about | {"framework": name, "runtime_title": runtime, "status": status}
         for name, runtime, status in (("pytorch", "ONNX Runtime", "ok"), ("pytorch", "LiteRT", "failed"),
                                       ("tensorflow", "LiteRT", "ok"), ("tensorflow", "TensorFlow.js", "ok"))]
    )  # fmt: skip
    assert verdict("C16", tables, deployment_paths=paths) == rules.SUPPORTED
    turned = paths.assign(status=["ok", "ok", "ok", "failed"])
    assert verdict("C16", tables, deployment_paths=turned) == rules.REFUTED

    def served(low, high):
        rows = [about | {"server": "tensorflow_serving", "model": "cnn", "status": "ok", "rate_per_s": 50,
                         "latency_p99_ms": low, "latency_p99_low_ms": low, "latency_p99_high_ms": high},
                about | {"server": "torchserve", "model": "cnn", "status": "ok", "rate_per_s": 50,
                         "latency_p99_ms": 20, "latency_p99_low_ms": 18, "latency_p99_high_ms": 22}]  # fmt: skip
        return verdict("C19", tables, deployment_serving=pd.DataFrame(rows))

    assert [served(5, 6), served(17, 19), served(30, 40)] == [rules.SUPPORTED, rules.UNDECIDED, rules.REFUTED]

    def exported(difference, status="ok"):
        row = about | {"path": "torch_onnx_dynamo", "runtime": "onnxruntime", "model": "cnn", "status": status,
                       "max_logit_difference": difference}  # fmt: skip
        return verdict("C20", tables, deployment_matrix=pd.DataFrame([row]))

    assert [exported(1e-6), exported(2e-3), exported(math.nan, "failed")] == [
        rules.SUPPORTED, rules.REFUTED, rules.REFUTED,
    ]  # fmt: skip


def test_the_named_tools_are_judged_by_their_latest_look_up(tables):
    assert verdict("C24", tables) == rules.REFUTED
    states = pd.DataFrame(
        [
            {"tool": tool, "state": "maintained", "since": "", "looked": "2027-01-01"}
            for tool in ("torchserve", "torchscript", "litert")
        ]
    )
    assert verdict("C24", tables, deployment_states=states) == rules.SUPPORTED


# -- intervals of what is formed from cells ----------------------------------------------------------------------------
def cells(ratios, workloads=None):
    names = workloads or [f"w{place}" for place in range(len(ratios))]
    return [Cell("", "open", r, r / 1.01, r * 1.01, cluster=name) for r, name in zip(ratios, names, strict=True)]


def test_a_median_over_few_workloads_gets_no_interval():
    value, low, high = evidence.drawn(cells([1.0, 1.2, 1.4], ["a", "a", "b"]), evidence.median)
    assert math.exp(value) == pytest.approx(1.2)
    assert math.isnan(low)
    assert math.isnan(high)


def test_drawing_workloads_anew_holds_the_estimate_and_is_the_same_each_time():
    found = evidence.drawn(cells([0.8, 0.9, 1.1, 1.3, 2.0]), evidence.median)
    assert found == evidence.drawn(cells([0.8, 0.9, 1.1, 1.3, 2.0]), evidence.median)
    assert found[1] <= found[0] <= found[2]


def test_a_difference_of_shares_has_newcombes_interval():
    """The example of Newcombe 1998, table II: 56/70 less 48/80, method 10."""
    from analysis.intervals import wilson

    shares = [(k / n, *(float(end) for end in wilson(k, n))) for k, n in ((56, 70), (48, 80))]
    assert evidence.newcombe(*shares) == pytest.approx((0.2, 0.0524, 0.3339), abs=2e-4)


def test_slopes_find_the_slope():
    points = pd.DataFrame(
        {"line": ["a", "a", "b", "b", "c", "c"], "workload": ["a", "a", "b", "b", "c", "c"],
         "x": [0.0, 1.0, 0.0, 2.0, 1.0, 3.0], "y": [1.0, 0.5, 0.0, -1.0, 3.0, 2.0]}
    )  # fmt: skip
    assert speed.slope(points) == pytest.approx((-0.5, -0.5, -0.5))
    rising = pd.DataFrame({"year": [2018, 2019, 2020], "share": [0.2, 0.3, 0.4], "n": [500, 500, 500]})
    assert use.slope(rising)[0] == pytest.approx(0.1)


def test_what_is_missing_is_said_in_words():
    with pytest.raises(MissingEvidence, match="has not been made"):
        evidence.need({}, "parity", "status")
    with pytest.raises(MissingEvidence, match="no column status"):
        evidence.need({"parity": pd.DataFrame({"a": [1]})}, "parity", "status")


# -- one machine, one device, several sources --------------------------------------------------------------------------
def test_a_setting_that_a_machine_measured_twice_counts_once(tables):
    base = cnn(tables, 1.05)["performance_ratios"]
    twice = pd.concat(
        [
            base.assign(origin="landed", machine="m", ratio=2.0, low=1.9, high=2.1),
            base.assign(origin="this run", machine="m"),
        ]
    )
    row, deciding, _ = judging.judge(CLAIMS["C01"], tables | {"performance_ratios": twice})
    assert (row["cells"], row["verdict"], row["machines"]) == (1, rules.REFUTED, "m")
    elsewhere = twice.assign(machine=["n", "m"])
    row, deciding, _ = judging.judge(CLAIMS["C01"], tables | {"performance_ratios": elsewhere})
    assert len(deciding) == 2
    assert row["verdict"] == rules.PARTLY


def test_a_set_with_intervals_comes_before_one_without_whatever_it_says(tables):
    base = cnn(tables, 1.05)["performance_ratios"].assign(machine="m")
    smoke = base.assign(origin="this run", ratio=2.0, low=math.nan, high=math.nan)
    row, _, _ = judging.judge(
        CLAIMS["C01"], tables | {"performance_ratios": pd.concat([smoke, base.assign(origin="landed")])}
    )
    assert row["verdict"] == rules.REFUTED


def test_no_judging_function_can_settle_a_claim_about_gpus_by_a_cpu(tables):
    """The guard stands beside the judging functions: here one that forgets to ask for the device."""
    import dataclasses

    about_gpus = dataclasses.replace(CLAIMS["C01"], device="gpu")
    row, _, beside = judging.judge(about_gpus, tables | cnn(tables, 1.05, device="CPU"))
    assert row["verdict"] == rules.UNTESTED
    assert len(beside) == 1
    row, _, _ = judging.judge(about_gpus, tables | cnn(tables, 1.05, device="NVIDIA H100"))
    assert row["verdict"] == rules.REFUTED


@pytest.mark.parametrize(("device", "words"), [("CPU", "(on a CPU)"), ("NVIDIA H100", "(on a GPU)")])
def test_a_sentence_says_on_which_kind_of_device(tables, device, words):
    row, _, _ = judging.judge(CLAIMS["C01"], tables | cnn(tables, 1.05, device=device))
    assert row["sentence"].endswith(f"{words}.")


def test_three_sources_on_one_side_raise_the_certainty_and_say_so():
    agreeing = evidence.agreeing([Cell("", rules.SUPPORTS, cluster=name) for name in "abc"])
    level, lines = rules.grade("counted", agreeing, machines=0)
    assert level == "high"
    assert any("one up" in line for line in lines)
    assert rules.grade("counted", agreeing, machines=1)[0] == "moderate"
    assert evidence.agreeing([Cell("", rules.SUPPORTS, cluster=name) for name in "aab"]) == []
    mixed = [
        Cell("", side, cluster=name)
        for side, name in zip((rules.SUPPORTS, rules.REFUTES, rules.SUPPORTS), "abc", strict=True)
    ]
    assert evidence.agreeing(mixed) == []


def test_a_range_never_passes_for_an_interval():
    counted = [Cell("", rules.OPEN, value, n="") for value in (0.4, 0.6)]
    assert judging._spread(counted).endswith("(a range, no interval)")
    measured = [Cell("", rules.OPEN, value, value - 0.1, value + 0.1) for value in (0.4, 0.6)]
    assert "the 95 % intervals reach from 0.300 to 0.700" in judging._spread(measured)


def test_what_was_true_on_the_day_of_the_survey_is_flagged(tables):
    found = judging.judge_all(tables)["claims"].set_index("claim")
    assert "TorchServe: true on the day of the survey" in found.loc["C24", "flag"]
    assert "TensorFlow Lite" not in found.loc["C24", "flag"], "renamed before"
    assert "the calculation differs" in found.loc["C03", "flag"]


def test_devices_are_compared_thread_by_thread_and_say_what_is_absent(tables):
    columns = {"machine": "m", "model": "cnn", "status": "ok", "quantized": "no"}

    def answer(runtime, ms, size, threads, day="2026-11-26"):
        return columns | {"runtime": runtime, "artefact_bytes": size, "latency_p50_ms": ms, "threads": threads,
                          "latency_p50_low_ms": ms * 0.9, "latency_p50_high_ms": ms * 1.1, "date": day}  # fmt: skip

    rows = [
        answer("litert", 1, 10, 1),
        answer("onnxruntime", 2, 20, 1),
        answer("litert", 1, 10, 2),
        answer("onnxruntime", 0.5, 20, 2),
    ]
    row, deciding, _ = judging.judge(CLAIMS["C17"], tables | {"deployment_matrix": pd.DataFrame(rows)})
    assert [cell.side for cell in deciding] == [rules.SUPPORTS, rules.REFUTES]
    assert row["missing"] == "no answer of ExecuTorch"
    another_day = [answer("litert", 1, 10, 1), answer("onnxruntime", 2, 20, 1, day="2026-12-01")]
    row, _, _ = judging.judge(CLAIMS["C17"], tables | {"deployment_matrix": pd.DataFrame(another_day)})
    assert (row["verdict"], row["last_date"]) == (rules.SUPPORTED, "2026-12-01")
    smoke = pd.DataFrame(another_day).assign(size="smoke")
    assert verdict("C17", tables, deployment_matrix=smoke) == rules.UNTESTED


def test_synthetic_data_have_no_size_and_are_left_out_of_small_set_ups(tables):
    datasets = pd.DataFrame(
        {"dataset": ["mnist5k", "synthetic"], "examples": ["4,000 training, 1,000 test", "0 training, 0 test"]}
    )
    assert speed.samples({"datasets": datasets}) == {"mnist5k": 4000}
    ratios = cnn(tables, 1.3)["performance_ratios"]
    both = pd.concat([ratios.assign(data="mnist5k"), ratios.assign(data="synthetic", workload="resnet50")])
    row, _, beside = judging.judge(
        CLAIMS["C04"], tables | {"performance_ratios": both, "datasets": datasets, "accuracy": pd.DataFrame()}
    )
    assert {cell.cluster for cell in beside} == {"cnn_mnist"}
    assert "1 ratios were left out" in row["note"]
