"""The mixture with one covariance against scikit-learn's and against its own formulas."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from glasscell.errors import JobCancelled, ModelError
from glasscell.models.mixture import fit_mixture

MEANS = np.array([[0.0, 0, 0], [4, 0, 0], [0, 5, 1], [3, 3, -3]])
STRETCH = np.array([[1.0, 0.8, 0], [0, 0.6, 0], [0, 0, 1.4]])


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(0)
    codes = rng.choice(4, size=900, p=[0.4, 0.3, 0.2, 0.1])
    return MEANS[codes] + rng.normal(size=(900, 3)) @ STRETCH, codes


@pytest.fixture(scope="module")
def made(drawn):
    return fit_mixture(drawn[0], 4, seed=0, starts=5)


def test_it_is_as_likely_as_that_of_scikit_learn(drawn, made):
    values, codes = drawn
    theirs = GaussianMixture(4, covariance_type="tied", n_init=10, random_state=0, tol=1e-6).fit(values)
    assert made.log_likelihood == pytest.approx(theirs.score(values), abs=2e-3)
    assert adjusted_rand_score(made.assign(values), theirs.predict(values)) > 0.98
    assert adjusted_rand_score(made.assign(values), codes) > 0.85
    assert made.factor_zz @ made.factor_zz.T == pytest.approx(theirs.covariances_, abs=0.05)
    assert list(np.argsort(-made.log_weight_k)) == [0, 1, 2, 3]


def test_its_densities_are_the_formula(drawn, made):
    values = drawn[0][:20]
    covariance = made.factor_zz @ made.factor_zz.T
    slow = np.stack(
        [
            w + multivariate_normal(m, covariance).logpdf(values)
            for w, m in zip(made.log_weight_k, made.mean_kz, strict=True)
        ],
        axis=1,
    )
    assert made.log_joint(values) == pytest.approx(slow, abs=1e-9)
    shares = np.exp(slow) / np.exp(slow).sum(axis=1, keepdims=True)
    assert made.posterior(values) == pytest.approx(shares, abs=1e-9)
    weight, offset = made.discriminant()
    linear = values @ weight.T + offset
    assert linear == pytest.approx(slow - slow.mean(axis=1, keepdims=True), abs=1e-8)


def test_more_starts_are_never_less_likely_and_the_same_seed_is_the_same(drawn):
    few, many = (fit_mixture(drawn[0], 6, 3, starts) for starts in (1, 6))
    assert many.log_likelihood >= few.log_likelihood
    again = fit_mixture(drawn[0], 6, 3, 6)
    assert np.array_equal(again.mean_kz, many.mean_kz)


def test_what_it_cannot_divide_is_refused_and_it_can_be_stopped(drawn):
    with pytest.raises(ModelError, match="too few"):
        fit_mixture(drawn[0][:30], 4, 0)
    with pytest.raises(ModelError, match="not finite"):
        fit_mixture(np.full((90, 2), np.nan), 2, 0)
    assert fit_mixture(np.zeros((90, 2)), 2, 0, 2).assign(np.zeros((3, 2))).shape == (3,)

    class Stop:
        def report(self, fraction, text="", **metrics):
            raise JobCancelled("stopped")

    with pytest.raises(JobCancelled):
        fit_mixture(drawn[0], 4, 0, job=Stop())
