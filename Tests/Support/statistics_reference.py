"""Answers the cases of StatisticsTests with scipy and numpy, or by a second derivation where they have none.

    statistics_reference.py CASES.json  ->  JSON on standard output: for each case its results by name, null for NaN

Nothing here is translated from the Swift code: what scipy lacks is written from the paper or by brute force.
"""

import json
import math
import sys
from fractions import Fraction

import numpy as np
from scipy import special, stats
from scipy.stats._resampling import BootstrapResult


def normal(case):
    return {
        "cumulative": stats.norm.cdf(case["z"]),
        "quantile": stats.norm.ppf(case["p"]),
    }


def incomplete_beta(case):
    a, b, x = case["a"], case["b"], case["x"]
    return {
        "lower": special.betainc(a, b, x),
        "upper": special.betaincc(a, b, x),
        "quantile": stats.beta.ppf(case["p"], a, b),
        "upperQuantile": stats.beta.isf(case["p"], a, b),
    }


def binomial_interval(case):
    k, n, level = int(case["k"]), int(case["n"]), case["confidence"]
    wilson = stats.binomtest(k, n).proportion_ci(level, "wilson")
    low, high = clopper_pearson(k, n, level)
    return {"exactLower": low, "exactUpper": high, "wilsonLower": wilson.low, "wilsonUpper": wilson.high}


def clopper_pearson(k, n, level):
    """proportion_ci(level, "exact") searches the ends to 2e-12 only, which for large n is not their sixth digit."""
    low = stats.beta.ppf((1 - level) / 2, k, n - k + 1) if k > 0 else 0.0
    high = stats.beta.isf((1 - level) / 2, k + 1, n - k) if k < n else 1.0
    coarse = stats.binomtest(k, n).proportion_ci(level, "exact")
    assert abs(coarse.low - low) < 1e-11 and abs(coarse.high - high) < 1e-11
    return low, high


def mcnemar(case):
    a, b, c, d = (int(case[key]) for key in "abcd")
    if b + c == 0:
        p_values = {"pValue": 1.0, "worse": 1.0}
    else:
        p_values = {
            "pValue": stats.binomtest(b, b + c, 0.5).pvalue,
            "worse": stats.binomtest(b, b + c, 0.5, alternative="greater").pvalue,
        }
    return p_values | newcombe(a, b, c, d, case["confidence"]) | odds_ratio(b, c, case["confidence"])


def newcombe(a, b, c, d, level):
    """Newcombe 1998, p. 2638, method 10; his arms: 1 is the candidate here, 2 the baseline."""
    n = a + b + c + d
    first, second = stats.binomtest(a + c, n), stats.binomtest(a + b, n)
    (l1, u1), (l2, u2) = (test.proportion_ci(level, "wilson") for test in (first, second))
    p1, p2 = (a + c) / n, (a + b) / n
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    determinant = a * d - b * c
    if determinant > 0:
        determinant = max(determinant - n / 2, 0)
    phi = 0 if margins == 0 else determinant / math.sqrt(margins)
    delta = math.sqrt(max(0, (p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2))
    epsilon = math.sqrt(max(0, (u1 - p1) ** 2 - 2 * phi * (u1 - p1) * (p2 - l2) + (p2 - l2) ** 2))
    return {"difference": (c - b) / n, "lower": (c - b) / n - delta, "upper": (c - b) / n + epsilon}


def odds_ratio(b, c, level):
    if b == 0 or c == 0:
        return {}
    low, high = clopper_pearson(b, b + c, level)
    return {"oddsLower": low / (1 - low), "oddsUpper": high / (1 - high)}


ALTERNATIVES = {"twoSided": "two-sided", "greater": "greater", "less": "less"}


def wilcoxon(case):
    d = np.array(case["differences"])
    zeros = "pratt" if case["pratt"] else "wilcox"
    tied = len(set(np.abs(d))) < len(d) or (d == 0).any()
    ranked = len(d) if case["pratt"] else int((d != 0).sum())
    answer = {}
    for ours, theirs in ALTERNATIVES.items():
        for name, correction in (("Plain", False), ("Corrected", True)):
            answer[ours + name] = stats.wilcoxon(
                d, zero_method=zeros, correction=correction, alternative=theirs, method="asymptotic").pvalue
        if len(d) <= 13:
            # All sign patterns.
            method = stats.PermutationMethod(n_resamples=np.inf) if tied else "exact"
            answer[ours] = stats.wilcoxon(d, zero_method=zeros, alternative=theirs, method=method).pvalue
        elif ranked > 50:
            answer[ours] = answer[ours + "Plain"]
        elif not tied:
            answer[ours] = stats.wilcoxon(d, alternative=theirs, method="exact").pvalue
    answer["positive"] = stats.wilcoxon(d, zero_method=zeros, alternative="greater", method="asymptotic").statistic
    return answer | hodges_lehmann(d, case["confidence"])


def hodges_lehmann(d, level):
    n = len(d)
    averages = np.sort((np.add.outer(d, d) / 2)[np.triu_indices(n)])
    if n <= 50:
        # Numbers of subsets of 1..n by their sum, in whole numbers.
        counts = np.array([1], dtype=object)
        for rank in range(1, n + 1):
            counts = np.concatenate([counts, np.zeros(rank, dtype=object)]) + np.concatenate(
                [np.zeros(rank, dtype=object), counts])
        tail, below, cut = Fraction((1 - level) / 2) * 2**n, 0, 0
        while below + counts[cut] <= tail:
            below += counts[cut]
            cut += 1
    else:
        deviation = math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        cut = math.floor(n * (n + 1) / 4 + 0.5 + stats.norm.ppf((1 - level) / 2) * deviation)
    answer = {"centre": np.median(averages)}
    if cut >= 1:
        answer |= {"lower": averages[cut - 1], "upper": averages[-cut]}
    return answer


def multiple_tests(case):
    p = case["p"]
    answer = {f"bh{i}": value for i, value in enumerate(stats.false_discovery_control(p, method="bh"))} if p else {}
    for i, value in enumerate(p):
        # Holm 1979 by definition: the largest of the products up to and including one's own.
        answer[f"holm{i}"] = min(1, max(other * sum(q >= other for q in p) for other in p if other <= value))
    return answer


def sample(case):
    values = np.array(case["values"])
    answer = {f"quantile{i}": np.quantile(values, p) for i, p in enumerate(case["probabilities"])}
    answer["mean"] = math.fsum(values) / len(values)
    if len(values) > 1:
        answer["deviation"] = np.std(values, ddof=1)
    return answer


MASK = 2**64 - 1


def split_mix(seed):
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
        yield z ^ (z >> 31)


def xoshiro(seed):
    """xoshiro256starstar.c at prng.di.unimi.it."""
    source = split_mix(seed)
    s = [next(source) for _ in range(4)]
    rotate = lambda x, k: ((x << k) | (x >> (64 - k))) & MASK
    while True:
        yield rotate(s[1] * 5 & MASK, 7) * 9 & MASK
        t = s[1] << 17 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)


def bootstrap(case):
    baseline, candidate = np.array(case["baseline"]), np.array(case["candidate"])
    n, resamples, p = len(baseline), int(case["resamples"]), case["probability"]
    kind = case["statistic"]

    def statistic(x, y, axis=-1):
        if "uantile" in kind:
            x, y = np.quantile(x, p, axis=axis), np.quantile(y, p, axis=axis)
        else:
            x, y = np.mean(x, axis=axis), np.mean(y, axis=axis)
        return y / x if kind.startswith("ratio") else y - x

    generator = xoshiro(int(case["seed"]))
    chosen = np.array([[next(generator) * n >> 64 for _ in range(n)] for _ in range(resamples)])
    distribution = statistic(baseline[chosen], candidate[chosen])
    answer = {"estimate": statistic(baseline, candidate), "first": distribution.min(), "last": distribution.max()}
    for method in ("percentile", "BCa"):
        interval = stats.bootstrap(
            (baseline, candidate), statistic, paired=True, vectorized=True, n_resamples=0, method=method,
            confidence_level=case["confidence"],
            bootstrap_result=BootstrapResult(None, distribution, None)).confidence_interval
        answer |= {method + "Lower": interval.low, method + "Upper": interval.high}
    return answer


def flakiness(case):
    """Both rates by counting all subsets of the repeats."""
    from itertools import combinations

    def mean(values):
        return sum(values) / len(values)

    k = int(case["k"])
    tasks = [[1] * int(c) + [0] * int(n - c) for c, n in zip(case["passed"], case["repeats"])]
    enough = [task for task in tasks if len(task) >= k]
    return {
        "all": mean([mean([all(chosen) for chosen in combinations(task, k)]) for task in enough]),
        "any": mean([mean([any(chosen) for chosen in combinations(task, k)]) for task in enough]),
        "agreement": mean([mean([x == y for x, y in combinations(task, 2)]) for task in tasks]),
    }


def main():
    checks = {
        "normal": normal, "incompleteBeta": incomplete_beta, "binomialInterval": binomial_interval,
        "mcNemar": mcnemar, "wilcoxon": wilcoxon, "multipleTests": multiple_tests, "sample": sample,
        "bootstrap": bootstrap, "flakiness": flakiness,
    }
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    answers = []
    for case in cases:
        answer = checks[case["check"]](case["input"])
        answers.append({name: None if math.isnan(value) else float(value) for name, value in answer.items()})
    json.dump(answers, sys.stdout)


main()
