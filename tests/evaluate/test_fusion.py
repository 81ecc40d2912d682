import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from gaitproof.errors import InputError
from gaitproof.evaluate.fusion import (
    FACE,
    LEARNT,
    SUM,
    UNLEARNT,
    WALK,
    evaluate_fusion,
    fit_coefficients,
)
from gaitproof.evaluate.fusion_trials import (
    GENUINE,
    REENACTED,
    STRANGER,
    SWAPPED,
    FusionTrials,
    SingleTrials,
    pair_at_random,
    read_single,
    read_trials,
    write_single,
)
from gaitproof.verify.calibration import supported_bound

LN10 = np.log(10)
TRUE = {GENUINE: (1, 1), STRANGER: (-1, 1), REENACTED: (1, -1), SWAPPED: (-1, -1)}
MODELS = {"gait_model": "g1", "face_model": "f1", "source": "simulation"}


def simulate(people=40, each=4, gait=2.0, face=1.2, rho=0.0, kinds=tuple(TRUE), seed=0):
    """Calibrated Gaussian log ratios: means ±d²/2, deviations d in natural units, correlation."""
    rng = np.random.default_rng(seed)
    kind = np.tile(np.repeat(kinds, each), people)
    group = np.repeat([f"p{i}" for i in range(people)], each * len(kinds))
    spread = np.array([gait, face])
    sign = np.array([TRUE[k] for k in kind])
    noise = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], len(kind))
    ratios = (sign * spread**2 / 2 + noise * spread) / LN10
    return FusionTrials(group, kind == GENUINE, ratios[:, 0], ratios[:, 1], kind)


@pytest.fixture(scope="module")
def result():
    return evaluate_fusion(simulate(people=60), **MODELS, draws=200)


@pytest.mark.slow
def test_fusion_beats_the_better_modality(result):
    assert result.better == WALK
    for name in (UNLEARNT, SUM, LEARNT):
        assert result.gains[name].value > 0
        assert result.gains[name].low > 0
    assert result.systems[LEARNT].auc.value > result.systems[SUM].auc.value


@pytest.mark.slow
@pytest.mark.parametrize("rho", [-0.3, 0.0, 0.5])
@pytest.mark.parametrize(("gait", "face"), [(1.5, 1.5), (0.8, 2.5)])
def test_fusion_is_never_worse_than_the_better_modality(gait, face, rho):
    evaluation = evaluate_fusion(simulate(gait=gait, face=face, rho=rho), **MODELS, draws=100)
    assert evaluation.gains[LEARNT].high > 0
    assert evaluation.gains[LEARNT].value > -0.005
    better = evaluation.systems[evaluation.better].auc.value
    assert better == max(evaluation.systems[name].auc.value for name in (WALK, FACE))


@pytest.mark.slow
def test_no_modality_alone_tells_what_it_does_not_look_at(result):
    assert abs(result.systems[WALK].by_kind[REENACTED].value - 0.5) < 0.06
    assert abs(result.systems[FACE].by_kind[STRANGER].value - 0.5) < 0.06
    assert result.systems[LEARNT].by_kind[REENACTED].value > 0.65
    assert result.systems[LEARNT].by_kind[STRANGER].value > 0.85


@pytest.mark.slow
def test_learnt_ratios_are_calibrated(result):
    assert result.systems[LEARNT].cllr.value < result.systems[WALK].cllr.value
    assert result.systems[LEARNT].cllr.value < result.systems[SUM].cllr.value
    # the calibrated optimum: the ratio to the mixture of the three alternatives
    trials = simulate(people=60)
    mixture = np.log10(3) - np.log10(
        10**-trials.gait + 10**-trials.face + 10 ** -(trials.gait + trials.face)
    )
    best = roc_auc_score(trials.genuine, mixture)
    assert abs(result.systems[LEARNT].auc.value - best) < 0.01


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_weights_of_two_gaussians_are_those_of_the_formula(rho):
    """One alternative, known covariance: the log ratio is linear, Σ⁻¹(μ₁ - μ₀)."""
    trials = simulate(people=400, each=10, kinds=(GENUINE, SWAPPED), rho=rho)
    spread = np.array([2.0, 1.2])
    covariance = np.outer(spread, spread) * [[1, rho], [rho, 1]]
    slopes = np.linalg.solve(covariance, spread**2)  # per natural unit of either ratio
    offset, gait, face, least = fit_coefficients(trials, least=False)
    assert least == 0
    np.testing.assert_allclose([gait, face], slopes, atol=0.12)
    assert abs(offset) < 0.05
    joint = gait * trials.gait + face * trials.face
    distance = np.sqrt(spread**2 @ np.linalg.solve(covariance, spread**2))
    assert abs(roc_auc_score(trials.genuine, joint) - norm.cdf(distance / np.sqrt(2))) < 0.01


def test_weights_are_those_of_scikit_learn():
    trials = simulate(each=3)
    share = {GENUINE: 0.5, STRANGER: 1 / 6, REENACTED: 1 / 6, SWAPPED: 1 / 6}
    weights = np.array([share[k] / (trials.kind == k).sum() for k in trials.kind])
    given_ratios = np.stack([trials.gait, trials.face], axis=1)
    model = LogisticRegression(C=1e6, tol=1e-10).fit(
        given_ratios, trials.genuine, sample_weight=1000 * weights
    )
    coefficients = fit_coefficients(trials, least=False) * LN10
    np.testing.assert_allclose(coefficients[1:3], model.coef_[0], rtol=5e-3)
    np.testing.assert_allclose(coefficients[0], model.intercept_[0], atol=5e-3)


def test_kinds_weigh_the_same_whatever_their_number():
    trials = simulate()
    more = np.concatenate([np.arange(len(trials)), *[np.flatnonzero(trials.kind == SWAPPED)] * 3])
    np.testing.assert_allclose(
        fit_coefficients(trials), fit_coefficients(trials.select(more)), atol=1e-3
    )
    counts = np.where(trials.kind == SWAPPED, 4.0, 1.0)
    np.testing.assert_allclose(
        fit_coefficients(trials), fit_coefficients(trials, counts), atol=1e-3
    )


def test_a_modality_that_misleads_is_left_out():
    trials = simulate(people=20)
    turned = FusionTrials(trials.group, trials.genuine, trials.gait, -trials.face, trials.kind)
    coefficients = fit_coefficients(turned)
    assert (coefficients[1:] >= 0).all()
    assert coefficients[2] == 0


@pytest.mark.slow
def test_the_weights_say_what_they_rest_on(result):
    weights = result.weights
    assert weights.groups == 60
    assert weights.log10_lr_bound == supported_bound(60)
    assert weights.trials == dict.fromkeys(TRUE, 240)
    assert weights.fits("g1", "f1")
    assert not weights.fits("g1", "f2")
    for name in ("intercept", "gait", "face", "least"):
        interval = getattr(weights, name)
        assert interval.low <= interval.value <= interval.high
    assert weights.figures["auc"] == result.systems[LEARNT].auc.value
    assert type(weights).model_validate_json(weights.model_dump_json()) == weights


def test_trials_without_walk_or_face_are_counted_and_take_no_part():
    whole = simulate()
    gait, face = np.array(whole.gait), np.array(whole.face)
    gait[:8], face[4:20] = np.nan, np.nan
    holes = FusionTrials(whole.group, whole.genuine, gait, face, whole.kind)
    evaluation = evaluate_fusion(holes, **MODELS, draws=20)
    assert evaluation.missing == {"walk": 4, "face": 12, "both": 4}
    same = evaluate_fusion(whole.select(np.arange(20, len(whole))), **MODELS, draws=20)
    assert evaluation.weights == same.weights


@pytest.mark.slow
def test_figures_are_repeatable():
    trials = simulate(people=12)
    first, again = (evaluate_fusion(trials, **MODELS, draws=20, seed=3) for _ in range(2))
    assert first == again
    other = evaluate_fusion(trials, **MODELS, draws=20, seed=4)
    assert other.weights.gait.value == first.weights.gait.value
    assert other.weights.gait.low != first.weights.gait.low


@pytest.mark.slow
def test_too_little_is_refused():
    with pytest.raises(InputError, match="6 groups"):
        evaluate_fusion(simulate(people=5), **MODELS)
    with pytest.raises(InputError, match="0 genuine"):
        evaluate_fusion(simulate(kinds=(STRANGER, SWAPPED)), **MODELS)
    with pytest.raises(InputError, match="0 others"):
        evaluate_fusion(simulate(kinds=(GENUINE,)), **MODELS)
    alone = simulate(people=8)
    lonely = alone.select((alone.group == "p0") | ~alone.genuine)
    with pytest.raises(InputError, match="too few groups"):
        evaluate_fusion(lonely, **MODELS)


def test_tables_are_read(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("group,genuine,gait,face\nann,1,1.5,\nbob,0,-1,0.25\n")
    trials = read_trials(table)
    assert trials.group.tolist() == ["ann", "bob"]
    assert trials.genuine.tolist() == [True, False]
    np.testing.assert_array_equal(trials.gait, [1.5, -1])
    np.testing.assert_array_equal(trials.face, [np.nan, 0.25])
    assert trials.kind.tolist() == ["genuine", "not genuine"]
    table.write_text("kind,face,gait,genuine,group\nswap,1,2,0,ann\n,1,2,1,ann\n")
    assert read_trials(table).kind.tolist() == ["swap", "genuine"]
    table.write_text("group,genuine,log10_lr\nann,1,0.5\n")
    assert read_single(table).log10_lr.tolist() == [0.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an empty file"),
        ("group,genuine,gait\na,1,2\n", "other columns"),
        ("group,genuine,gait,face,more\na,1,2,3,4\n", "other columns"),
        ("group,genuine,gait,face,face\na,1,2,3,4\n", "a column is there twice"),
        ("group,genuine,gait,face\n", "no trials"),
        ("group,genuine,gait,face\na,1,2\n", "3 cells, the header 4"),
        ("group,genuine,gait,face\na,1,2,3,4\n", "5 cells, the header 4"),
        ("group,genuine,gait,face\na,yes,2,3\n", "Line 2 .*'genuine'.*1 or 0"),
        ("group,genuine,gait,face\na,1,1,1\na,1,x,3\n", "Line 3 .*'gait'.*finite"),
        ("group,genuine,gait,face\na,1,2,inf\n", "'face'"),
        ("group,genuine,gait,face\n,1,2,3\n", "a name"),
        ('group,genuine,gait,face\n"a,1,2,3\n', "unexpected end of data"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_malformed_tables_are_refused(tmp_path, text, message):
    table = tmp_path / "t.csv"
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message):
        read_trials(table)


def test_missing_and_single_tables(tmp_path):
    with pytest.raises(InputError):
        read_trials(tmp_path / "none.csv")
    table = tmp_path / "t.csv"
    table.write_text("group,genuine,log10_lr\na,1,\n")
    with pytest.raises(InputError, match="finite"):
        read_single(table)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 5))
def test_pairing_keeps_people_and_truth_together(walkers, faces, seed):
    rng = np.random.default_rng(seed)

    def single(people, each, shift):
        group = np.repeat([f"{shift}-{i}" for i in range(people)], 2 * each)
        true = np.tile(np.repeat([True, False], each), people)
        # the ratio tells whose it is and what is true of it
        number = np.repeat(np.arange(people), 2 * each)
        return SingleTrials(group, true, 10 * number + true + rng.uniform(0, 0.1, len(group)))

    paired = pair_at_random(single(walkers, 3, "w"), single(faces, 2, "f"), seed=seed)
    people = min(walkers, faces)
    assert len(np.unique(paired.group)) == people
    assert len(paired) == people * 4 * 2
    for row in range(len(paired)):
        walker, face = (part.split("-")[1] for part in paired.group[row].split("+"))
        walk_true, face_true = (sign > 0 for sign in TRUE[paired.kind[row]])
        assert int(paired.gait[row]) == 10 * int(walker) + walk_true
        assert int(paired.face[row]) == 10 * int(face) + face_true
        assert paired.genuine[row] == (walk_true and face_true)


def test_single_tables_survive_their_file(tmp_path):
    table = tmp_path / "t.csv"
    ratios = np.array([0.1 + 0.2, np.nan, -1e-7])
    people = np.array(["a,b", "c", 'd"'])
    write_single(table, SingleTrials(people, np.array([True, False, False]), ratios))
    trials = read_single(table)
    assert trials.group.tolist() == ["a,b", 'd"']
    assert trials.genuine.tolist() == [True, False]
    assert trials.log10_lr.tolist() == [0.1 + 0.2, -1e-7]


def test_pairs_need_all_kinds():
    walks = SingleTrials(np.array(["a"]), np.array([True]), np.array([1.0]))
    with pytest.raises(InputError, match="cannot be paired"):
        pair_at_random(walks, walks)


@pytest.mark.parametrize(
    "changes",
    [
        {"gait": np.array([1.0, 2.0])},
        {"gait": np.array([np.inf])},
        {"kind": np.array(["swap"])},
    ],
)
def test_impossible_trials(changes):
    fields = {
        "group": np.array(["a"]),
        "genuine": np.array([True]),
        "gait": np.array([1.0]),
        "face": np.array([1.0]),
        "kind": np.array([GENUINE]),
    }
    FusionTrials(**fields)
    with pytest.raises(InputError):
        FusionTrials(**(fields | changes))
