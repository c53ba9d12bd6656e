"""Giving values the distribution of others, quantile by quantile."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from ddsp_ref.analysis._checks import mask_array, real_array, whole
from ddsp_ref.errors import require

# So near to 0 and 1 the normal distribution is cut off, at 5.2 standard deviations.
_BOUND = 1e-7


class QuantileTransformer:
    """A monotonic map of every column of some data to a uniform or normal distribution.

    Parameters
    ----------
    n_quantiles : int
        Landmarks of the map, at least 1; never more than there are rows.
    output_distribution : {"uniform", "normal"}
        "uniform": from 0 to 1. "normal": of mean 0 and deviation 1, cut off at 5.2.
    subsample : int
        Rows that are looked at, at least 1; of more, so many are drawn.

    Attributes
    ----------
    n_quantiles_ : int
        Number of landmarks.
    references_ : array, shape (`n_quantiles_`,)
        Shares from 0 to 1, equally spaced.
    quantiles_ : array, shape (`n_quantiles_`, n_features)
        The values below which those shares of the data lie.

    Notes
    -----
    Between landmarks the map is a straight line; a value that many rows have is mapped to the
    middle of its shares. Values beyond the data are mapped to the ends.

    Source: scikit-learn, sklearn/preprocessing/_data.py, QuantileTransformer, as in magenta/ddsp
    3.7.0, ddsp/training/postprocessing.py.
    Differences: NaN is refused, not passed on. The original draws its subsample from NumPy's
    global random state; here from a generator that is passed, or one with the seed 0. There is
    no pickle: `to_dict` and `from_dict` go through JSON.

    Examples
    --------
    >>> loudness = np.array([[-60.0], [-40.0], [-20.0]])
    >>> transform = QuantileTransformer().fit(loudness)
    >>> transform.transform([[-70.0], [-50.0], [-20.0]]).ravel()
    array([0.  , 0.25, 1.  ])
    >>> transform.inverse_transform([[0.75]])
    array([[-30.]])
    """

    quantiles_: np.ndarray
    references_: np.ndarray
    n_quantiles_: int

    def __init__(
        self,
        n_quantiles: int = 1000,
        output_distribution: str = "uniform",
        subsample: int = 100_000,
    ) -> None:
        self.n_quantiles = whole("QuantileTransformer: n_quantiles", n_quantiles, 1)
        self.subsample = whole("QuantileTransformer: subsample", subsample, 1)
        require(
            output_distribution in ("uniform", "normal"),
            f"QuantileTransformer: output_distribution is {output_distribution!r}, "
            "must be 'uniform' or 'normal'",
        )
        self.output_distribution = output_distribution

    def __repr__(self) -> str:
        return (
            f"QuantileTransformer(n_quantiles={self.n_quantiles}, "
            f"output_distribution={self.output_distribution!r}, subsample={self.subsample})"
        )

    def fit(self, x: Any, rng: Any = None) -> QuantileTransformer:
        """Learn the quantiles of every column.

        Parameters
        ----------
        x : array, shape (n_samples, n_features)
            Data, finite.
        rng : numpy.random.Generator or RandomState, optional
            Draws the rows that are looked at if there are more than `subsample`.

        Returns
        -------
        QuantileTransformer
            Itself.
        """
        x = real_array("QuantileTransformer.fit: x", x, n_axes=2).astype(np.float64)
        n_samples, n_features = x.shape
        self.n_quantiles_ = min(self.n_quantiles, n_samples)
        self.references_ = np.linspace(0.0, 1.0, self.n_quantiles_)
        self.quantiles_ = np.empty((self.n_quantiles_, n_features))
        rng = np.random.default_rng(0) if rng is None else rng
        for column, quantiles in zip(x.T, self.quantiles_.T):
            if self.subsample < n_samples:
                column = column[rng.choice(n_samples, size=self.subsample, replace=False)]
            # rounding in the percentiles must not make them decrease
            quantiles[:] = np.maximum.accumulate(np.percentile(column, 100 * self.references_))
        return self

    def transform(self, x: Any) -> np.ndarray:
        """Map data to the output distribution, column by column.

        Parameters
        ----------
        x : array, shape (n_samples, n_features)
            Data, finite.

        Returns
        -------
        array, shape (n_samples, n_features)
            Of the dtype of x.
        """
        return self._map(x, self._forward, "transform")

    def inverse_transform(self, x: Any) -> np.ndarray:
        """Map values of the output distribution back to data, column by column.

        Parameters
        ----------
        x : array, shape (n_samples, n_features)
            Shares, or values of the normal distribution.

        Returns
        -------
        array, shape (n_samples, n_features)
            Of the dtype of x.
        """
        return self._map(x, self._backward, "inverse_transform")

    def fit_transform(self, x: Any, rng: Any = None) -> np.ndarray:
        """Learn the quantiles of data and map them; see `fit` and `transform`."""
        return self.fit(x, rng).transform(x)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, lists and text, for JSON."""
        self._check_fitted("to_dict")
        return {
            "n_quantiles": self.n_quantiles,
            "output_distribution": self.output_distribution,
            "subsample": self.subsample,
            "quantiles": self.quantiles_.tolist(),
        }

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> QuantileTransformer:
        """Return the transformer that `to_dict` was called on."""
        settings = dict(saved)
        what = "QuantileTransformer.from_dict: quantiles"
        require("quantiles" in settings, f"{what} are missing, must be a list of rows")
        quantiles = real_array(what, settings.pop("quantiles"), n_axes=2).astype(np.float64)
        require((np.diff(quantiles, axis=0) >= 0).all(), f"{what} decrease, must not")
        made = cls(**settings)
        made.n_quantiles_, made.quantiles_ = len(quantiles), quantiles
        made.references_ = np.linspace(0.0, 1.0, len(quantiles))
        return made

    def _check_fitted(self, method: str) -> None:
        fitted = hasattr(self, "quantiles_")
        require(fitted, f"QuantileTransformer.{method}: nothing is fitted yet, call fit first")

    def _map(self, x: Any, column_map: Any, method: str) -> np.ndarray:
        self._check_fitted(method)
        what = f"QuantileTransformer.{method}: x"
        x = real_array(what, x, n_axes=2)
        n_features = self.quantiles_.shape[1]
        require(
            x.shape[1] == n_features,
            f"{what} has shape {x.shape}, must have {n_features} columns as the fitted data had",
        )
        columns = zip(x.T.astype(np.float64), self.quantiles_.T)
        return np.stack([column_map(*both) for both in columns], axis=1).astype(x.dtype)

    def _forward(self, x: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
        # Of equal quantiles, one direction finds the last and the other the first.
        up = np.interp(x, quantiles, self.references_)
        down = np.interp(-x, -quantiles[::-1], -self.references_[::-1])
        share = 0.5 * (up - down)
        slack = _BOUND if self.output_distribution == "normal" else 0.0
        share[self._beyond(x, quantiles[-1], slack)] = 1.0
        share[self._beyond(-x, -quantiles[0], slack)] = 0.0
        if self.output_distribution == "uniform":
            return share
        bound = _BOUND - np.spacing(1)
        return np.clip(ndtri(share), ndtri(bound), ndtri(1 - bound))

    def _backward(self, share: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
        normal = self.output_distribution == "normal"
        share = ndtr(share) if normal else share
        x = np.interp(share, self.references_, quantiles)
        if normal:
            x[share + _BOUND > 1] = quantiles[-1]
            x[share - _BOUND < 0] = quantiles[0]
        return x

    @staticmethod
    def _beyond(x: np.ndarray, bound: float, slack: float) -> np.ndarray:
        return x + slack > bound if slack else x == bound


def fit_quantile_transform(loudness_db: np.ndarray, mask_on: np.ndarray) -> QuantileTransformer:
    """Learn the quantiles of the loudness of notes.

    Parameters
    ----------
    loudness_db : array, shape (..., n_frames)
        Loudness in dB.
    mask_on : array, shape (..., n_frames), bool
        Where notes sound, somewhere at least; see `ddsp_ref.analysis.detection.detect_notes`.

    Returns
    -------
    QuantileTransformer
        With one column.

    Raises
    ------
    ParameterError
        If the shapes differ or no note sounds.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/postprocessing.py, fit_quantile_transform.

    Examples
    --------
    >>> mask_on = np.array([True, False, True])
    >>> fit_quantile_transform(np.array([-50.0, -79.0, -20.0]), mask_on).quantiles_.ravel()
    array([-50., -20.])
    """
    loudness_db, mask_on = _notes("fit_quantile_transform", loudness_db, mask_on)
    return QuantileTransformer().fit(loudness_db[mask_on][:, None])


def match_quantiles(
    loudness_db: np.ndarray, mask_on: np.ndarray, inv_quantile: QuantileTransformer
) -> tuple[QuantileTransformer, np.ndarray]:
    """Give notes the loudness that others have, quantile by quantile.

    Parameters
    ----------
    loudness_db : array, shape (..., n_frames)
        Loudness in dB.
    mask_on : array, shape (..., n_frames), bool
        Where notes sound, somewhere at least.
    inv_quantile : QuantileTransformer
        Fitted to the loudness that is wanted, in one column.

    Returns
    -------
    quantile_transform : QuantileTransformer
        Fitted to the notes as they are.
    loudness_norm : array, shape (..., n_frames)
        The loudness wanted for the notes, and that of the input elsewhere.

    Raises
    ------
    ParameterError
        If the shapes differ, no note sounds, or `inv_quantile` is not fitted to one column.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/postprocessing.py, fit_quantile_transform with
    inv_quantile.
    Differences: the original fails for more than one recording; for one it returns a column,
    here the shape of the input.

    Examples
    --------
    >>> wanted = QuantileTransformer().fit([[-30.0], [-20.0], [-10.0]])
    >>> mask_on = np.array([True, False, True, True])
    >>> match_quantiles(np.array([-50.0, -79.0, -45.0, -40.0]), mask_on, wanted)[1]
    array([-30., -79., -20., -10.])
    """
    loudness_db, mask_on = _notes("match_quantiles", loudness_db, mask_on)
    notes = loudness_db[mask_on][:, None].astype(np.float64)
    transform = QuantileTransformer()
    loudness_norm = loudness_db.copy()
    loudness_norm[mask_on] = inv_quantile.inverse_transform(transform.fit_transform(notes))[:, 0]
    return transform, loudness_norm


def _notes(name: str, loudness_db: Any, mask_on: Any) -> tuple[np.ndarray, np.ndarray]:
    loudness_db = real_array(f"{name}: loudness_db", loudness_db, n_axes=None)
    mask_on = mask_array(f"{name}: mask_on", mask_on, "loudness_db", loudness_db.shape)
    require(mask_on.any(), f"{name}: mask_on is False everywhere, at least one note must sound")
    return loudness_db, mask_on
