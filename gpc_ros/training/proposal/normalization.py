"""Statistics of plans: normalisation, the fitted Gaussian, and the energy score of samples."""

from __future__ import annotations

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.proposal.flow_model import Weights


def energy_score(samples: Array, truth: Array) -> float:
    """Return the mean energy score; smaller is better.

        ES = E|X - y| - 1/2 E|X - X'|

    (Gneiting & Raftery, JASA 2007, eq. 22.)

    Args:
        samples: (P, S, D).
        truth: (P, D).
    """
    s = samples.shape[1]
    near = np.linalg.norm(samples - truth[:, None], axis=2).mean(axis=1)
    apart = np.linalg.norm(samples[:, :, None] - samples[:, None], axis=3).sum(axis=(1, 2))
    return float((near - 0.5 * apart / (s * max(s - 1, 1))).mean())


def normalization_scales(observation: Array, target: Array) -> Weights:
    """Return mean and standard deviation of observations (d,) and knots (K, 3)."""
    scales = {
        "observation_mean": observation.mean(axis=0),
        "observation_std": np.maximum(observation.std(axis=0), 1e-3),
        "knots_mean": target.mean(axis=0),
        "knots_std": np.maximum(target.std(axis=0), 1e-3),
    }
    return {name: value.astype(np.float32) for name, value in scales.items()}


def fit_gaussian(target: Array, scales: Weights) -> Weights:
    """Return the Gaussian control: the covariance root of all normalised knots."""
    u = ((target - scales["knots_mean"]) / scales["knots_std"]).reshape(len(target), -1)
    covariance = np.cov(u, rowvar=False) + 1e-9 * np.eye(u.shape[1])
    return {**scales, "root": np.linalg.cholesky(covariance).astype(np.float32)}
