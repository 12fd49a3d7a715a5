"""Pictures of what a stage has learned: mels, alignments and the style space, as RGB arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmtts.audio.mel import MelSpectrogram
from mmtts.data.attributes import ATTRIBUTES

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _to_rgb(figure: Figure) -> np.ndarray:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def mel_picture(
    mels: Mapping[str, np.ndarray], settings: Mapping[str, Any] | None = None
) -> np.ndarray:
    """Draw mels above one another on one color scale, over seconds and hertz.

    Args:
        mels: title -> natural-log mel (T, M).
        settings: arguments of `MelSpectrogram`; None for its defaults.

    Returns:
        RGB picture uint8 (H, W, 3).
    """
    from librosa.display import specshow
    from matplotlib.figure import Figure

    mel_scale = MelSpectrogram(**(settings or {})).config
    where = {
        "sr": mel_scale["sample_rate"],
        "hop_length": mel_scale["hop_length"],
        "fmin": mel_scale["f_min"],
        "fmax": mel_scale["f_max"],
    }
    figure = Figure(figsize=(8, 2.2 * len(mels)), layout="constrained")
    axes = figure.subplots(len(mels), 1, squeeze=False)[:, 0]
    low = min(float(np.percentile(mel, 1)) for mel in mels.values())
    high = max(float(mel.max()) for mel in mels.values())
    for axis, (title, mel) in zip(axes, mels.items(), strict=True):
        image = specshow(
            mel.T,
            x_axis="time",
            y_axis="mel",
            ax=axis,
            cmap="viridis",
            vmin=low,
            vmax=high,
            **where,
        )
        axis.set_title(title, fontsize=9)
        axis.set(xlabel="", ylabel="Hz")
    axes[-1].set_xlabel("s")
    figure.colorbar(image, ax=list(axes), label="natural log")
    return _to_rgb(figure)


def alignment_picture(
    scores: np.ndarray, path: np.ndarray, phonemes: Sequence[str], title: str = ""
) -> np.ndarray:
    """Draw the path of an alignment over the log-likelihoods that it was searched in.

    Args:
        scores: log-likelihood of each frame under each phoneme (N, T).
        path: phoneme of each frame (T,).
        phonemes: names of the N phonemes.
        title: text above the picture.

    Returns:
        RGB picture uint8 (H, W, 3).
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axis = figure.subplots()
    relative = scores - scores.max(axis=0, keepdims=True)
    image = axis.imshow(relative, origin="lower", aspect="auto", vmin=-60, vmax=0, cmap="gray_r")
    axis.step(np.arange(len(path)), path, where="mid", color="tab:red", linewidth=1.5)
    axis.set_yticks(range(len(phonemes)), phonemes, fontsize=5)
    axis.set_xlabel("mel frame")
    axis.set_ylabel("phoneme")
    axis.set_title(title, fontsize=9)
    figure.colorbar(image, ax=axis, label="log-likelihood below the best phoneme")
    return _to_rgb(figure)


def by_gender(kind: str, styles: np.ndarray, attributes: np.ndarray) -> dict[str, np.ndarray]:
    """Group styles (n, D) by the gender in their attributes (n, 6) for `style_space_picture`."""
    column = list(ATTRIBUTES).index("gender")
    groups = {
        f"{kind}, {name}": styles[attributes[:, column] == code]
        for code, name in enumerate(ATTRIBUTES["gender"])
    }
    return {name: group for name, group in groups.items() if len(group)}


def style_space_picture(
    groups: Mapping[str, np.ndarray], title: str = "style space, first two principal axes"
) -> np.ndarray:
    """Draw points of the style space on the plane of their two largest principal axes.

    Args:
        groups: legend -> styles (n, 256).
        title: text above the picture.

    Returns:
        RGB picture uint8 (H, W, 3).
    """
    from matplotlib.figure import Figure

    styles = np.concatenate([group for group in groups.values() if len(group)])
    center = styles.mean(axis=0)
    axes = np.linalg.svd(styles - center, full_matrices=False)[2][:2]
    figure = Figure(figsize=(6, 5), layout="constrained")
    axis = figure.subplots()
    for name, group in groups.items():
        if len(group):
            points = (group - center) @ axes.T
            axis.scatter(
                points[:, 0], points[:, 1], s=12, alpha=0.7, label=f"{name} ({len(group)})"
            )
    axis.legend(fontsize=8)
    axis.set_title(title, fontsize=9)
    return _to_rgb(figure)


def matrix_picture(matrices: Mapping[str, np.ndarray]) -> np.ndarray:
    """Draw similarity matrices side by side on one color scale.

    Args:
        matrices: title -> similarities (n, n) in [-1, 1].

    Returns:
        RGB picture uint8 (H, W, 3).
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(matrices), 3.6), layout="constrained")
    axes = figure.subplots(1, len(matrices), squeeze=False)[0]
    for axis, (title, matrix) in zip(axes, matrices.items(), strict=True):
        image = axis.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r")
        axis.set_title(title, fontsize=9)
    figure.colorbar(image, ax=list(axes), label="cosine")
    return _to_rgb(figure)


def face_voice_pictures(
    faces: np.ndarray, voices: np.ndarray, gender: np.ndarray, teacher: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Draw faces and voices in the style space by gender, and who resembles whom.

    Args:
        faces: z_f (n, S).
        voices: z_s (n, S) of the same people.
        gender: 0 (female), 1 (male) or -1 (unknown) (n,).
        teacher: Face teacher's unit vectors (n, K); None without one.
    """
    order = np.argsort(gender, kind="stable")
    faces, voices, gender = faces[order], voices[order], gender[order]
    names = {0: "female", 1: "male", -1: "unknown"}
    groups = {
        f"{kind}, {name}": points[gender == code]
        for kind, points in (("clips", voices), ("faces", faces))
        for code, name in names.items()
    }
    matrices = {"clips (speech teacher)": voices @ voices.T, "faces (student)": faces @ faces.T}
    if teacher is not None:
        matrices["face teacher"] = teacher[order] @ teacher[order].T
    return {
        "style_space": style_space_picture(groups),
        "similarity": matrix_picture(matrices),
    }
