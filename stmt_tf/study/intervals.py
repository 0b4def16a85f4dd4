"""Confidence in shares of answers, where several answers come from one person.

Answers of one person are not independent: 20 people who answer 20 times each tell less about people than 400 people
would. Participants are therefore taken for independent, and answers not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import stats

_UPPER = 0.975  # the quantile at the upper end of an interval of 95%
_Z = stats.norm.ppf(_UPPER)


def share_interval(hits: Sequence[int], totals: Sequence[int]) -> tuple[float, float]:
    """The 95% confidence interval of `sum(hits) / sum(totals)`.

    Wilson's interval with an effective number of answers (Korn and Graubard, "Confidence intervals for proportions with
    small expected number of positive counts estimated from survey data", 1998). The number of answers n is divided by
    the design effect, which is the variance of the share as estimated between participants over that of n independent
    answers, and at least 1; and by (t / z)^2, as few participants estimate that variance badly. Unlike a bootstrap it
    does not shrink to a point when all agree, and unlike mean and standard error it stays within [0, 1]. With one
    participant there is no such estimate, and this is Wilson's interval over the answers: it tells about that one only.

    Args:
        hits: answers of the kind in question, by participant.
        totals: all answers, by participant; at least one each.

    Returns:
        Lower and upper end, in [0, 1].
    """
    count, answers = len(totals), sum(totals)
    share = sum(hits) / answers
    effective = float(answers)
    if count > 1:
        between = sum((hit - share * total) ** 2 for hit, total in zip(hits, totals))
        variance = between * count / (count - 1) / answers**2
        independent = share * (1 - share) / answers
        if variance > independent:
            effective *= independent / variance
        effective *= (_Z / stats.t.ppf(_UPPER, count - 1)) ** 2
    return _wilson(share, effective)


def _wilson(share: float, answers: float) -> tuple[float, float]:
    z2 = _Z**2 / answers
    middle = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(z2 * share * (1 - share) + z2**2 / 4) / (1 + z2)
    return max(0.0, middle - half), min(1.0, middle + half)


def sign_test(preferences: Sequence[int]) -> float:
    """The two-sided p-value of there being as many for as against.

    Args:
        preferences: one for each independent judge: positive for one side, negative for the other, 0 for neither,
            which does not count.
    """
    positive = sum(preference > 0 for preference in preferences)
    negative = sum(preference < 0 for preference in preferences)
    return float(stats.binomtest(positive, positive + negative).pvalue) if positive + negative else 1.0
