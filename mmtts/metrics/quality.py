"""Does it sound good? Quality of one clip, and distance of a copy from its original."""

from __future__ import annotations

import numpy as np

from mmtts import InputError

JUDGE_RATE = 16000  # Hz, at which the judges of speech listen


class Dnsmos:
    """DNSMOS P.835 and P.808 (Reddy et al., 2022), models in the package `speechmos`.

    Raises:
        InputError: The package is not installed.
    """

    name = "DNSMOS (speechmos)"

    def __init__(self) -> None:
        try:
            from speechmos import dnsmos
        except ImportError as error:
            raise InputError(
                f"speechmos cannot be used: {error}; pip install 'mmtts[eval]'"
            ) from error
        self._run = dnsmos.run

    def score(self, samples: np.ndarray) -> dict[str, float]:
        """Mean opinion scores, 1 to 5, of float32 (N,) at 16 kHz.

        Returns:
            ``overall``, ``signal``, ``background`` (P.835) and ``p808``; NaN for an empty clip.
        """
        names = {"overall": "ovrl_mos", "signal": "sig_mos", "background": "bak_mos"}
        names["p808"] = "p808_mos"
        if not len(samples):
            return dict.fromkeys(names, float("nan"))
        found = self._run(np.clip(samples, -1.0, 1.0), sr=JUDGE_RATE)
        return {name: float(found[key]) for name, key in names.items()}


def perceptual_quality(original: np.ndarray, copy: np.ndarray) -> float:
    """Wide-band PESQ (ITU-T P.862.2) of clips (N,) at 16 kHz, 1 to 4.6; NaN without speech."""
    from pesq import PesqError, pesq

    original, copy = same_length(original, copy)
    if not len(copy) or not original.any() or not copy.any():
        return float("nan")
    found = pesq(JUDGE_RATE, original, copy, "wb", on_error=PesqError.RETURN_VALUES)
    return float(found) if found > 0 else float("nan")


def intelligibility(original: np.ndarray, copy: np.ndarray) -> float:
    """STOI (Taal et al., 2011), 0 to 1; NaN for clips without half a second of speech."""
    import warnings

    from pystoi import stoi

    original, copy = same_length(original, copy)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = float(stoi(original, copy, JUDGE_RATE))
    return float("nan") if any("STFT frames" in str(w.message) for w in caught) else found


def mel_cepstral_distortion(original: np.ndarray, copy: np.ndarray) -> float:
    """Mel cepstral distortion in dB of two log-mel spectrograms (T, M) (Kubichek, 1993).

    The cepstrum is the orthonormal cosine transform of the natural-log mel; coefficients 1 to 13
    are compared, so that loudness does not count. Both need the same timing.
    """
    from scipy.fft import dct

    frames = min(len(original), len(copy))
    if frames == 0:
        return float("nan")
    gap = dct(original[:frames] - copy[:frames], type=2, norm="ortho", axis=1)[:, 1:14]
    return float(10.0 / np.log(10.0) * np.sqrt(2.0 * np.square(gap).sum(axis=1)).mean())


def same_length(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut two clips (N,) to the shorter one."""
    n = min(len(one), len(other))
    return np.asarray(one[:n], np.float64), np.asarray(other[:n], np.float64)
