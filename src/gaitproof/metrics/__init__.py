"""Figures of a biometric verification system, as pure functions on arrays.

Everywhere: a higher score is more genuine, a claim is accepted at ``score >= threshold``, and a
trial on which no score could be made (failure to acquire) is NaN and counts as a rejection at
every threshold. Terms are those of ISO/IEC 19795-1.
"""

from gaitproof.metrics.curves import (
    ErrorCurves,
    auc,
    auc_from_rates,
    compute_error_curves,
    eer,
    eer_from_rates,
    eer_point,
    fnmr_at_fmr,
    fnmr_at_fmr_from_rates,
    min_dcf,
    min_dcf_from_rates,
    rates_from_counts,
    threshold_at_fmr,
    youden_threshold,
)
from gaitproof.metrics.decisions import ThresholdFigures, figures_at_threshold
from gaitproof.metrics.intervals import clopper_pearson, people_needed, supported_rate, wilson
from gaitproof.metrics.likelihood import (
    cllr,
    ece,
    likelihood_figures,
    likelihood_terms,
    min_cllr,
    min_cllr_from_rates,
)
from gaitproof.metrics.validation import check_trials

__all__ = [
    "ErrorCurves",
    "ThresholdFigures",
    "auc",
    "auc_from_rates",
    "check_trials",
    "cllr",
    "clopper_pearson",
    "compute_error_curves",
    "ece",
    "eer",
    "eer_from_rates",
    "eer_point",
    "figures_at_threshold",
    "fnmr_at_fmr",
    "fnmr_at_fmr_from_rates",
    "likelihood_figures",
    "likelihood_terms",
    "min_cllr",
    "min_cllr_from_rates",
    "min_dcf",
    "min_dcf_from_rates",
    "people_needed",
    "rates_from_counts",
    "supported_rate",
    "threshold_at_fmr",
    "wilson",
    "youden_threshold",
]
