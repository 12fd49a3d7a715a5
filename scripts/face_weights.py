"""Make the face network's weights that come with the package, from dlib's own and many faces.

    python scripts/face_weights.py --dlib dlib_face_recognition_resnet_v1.safetensors \
        --data data/lab --leave-out speech2face

Folds dlib's channelwise scales into its convolutions, finds the principal axes of the activations
over the faces of a prepared folder, and writes both in half precision. No voice takes part; the
people whose voices a model will be tested on are to be left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from tqdm import tqdm

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence
from mmtts.data.face_images import read_crops
from mmtts.data.pair_tables import read_faces
from mmtts.networks.dlib_face_net import SHIPPED, DlibFaceNet, from_dlib, principal_axes
from mmtts.storage.atomic import atomic_write
from mmtts.storage.weights_file import load_weights_file

BATCH = 32


@one_sentence
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dlib", required=True, help="dlib's weights as safetensors")
    parser.add_argument("--data", type=Path, required=True, help="prepared folder of the faces")
    parser.add_argument(
        "--leave-out", nargs="*", default=[], help="corpora in it that do not count"
    )
    parser.add_argument("--most", type=int, default=6000, help="faces")
    parser.add_argument("--axes", type=int, default=256)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    options = parser.parse_args()
    folded = from_dlib(load_weights_file(options.dlib))
    network = DlibFaceNet(options.axes).eval()
    network.load_state_dict(folded, strict=False)
    activations = seen(network, options.data, chosen(options))
    if len(activations) <= options.axes:
        raise InputError(
            f"{len(activations)} faces have no {options.axes} axes; give more faces or fewer --axes"
        )
    mean, axes = principal_axes(activations, options.axes)
    state = {**folded, "feature_mean": mean, "feature_axes": axes}
    write(options.out, state, len(activations))
    print(f"{options.out}: {len(activations)} faces")


def chosen(options: argparse.Namespace) -> list[str]:
    """Faces spread over the prepared folder, but for the corpora to be left out."""
    left_out = tuple(f"{corpus}-" for corpus in options.leave_out)
    faces = [face.face for face in read_faces(options.data) if not face.person.startswith(left_out)]
    return sorted(faces)[:: max(1, -(-len(faces) // options.most))]


@torch.inference_mode()
def seen(network: DlibFaceNet, folder: Path, faces: list[str]) -> torch.Tensor:
    """Activations (n, F) of faces."""
    parts = [faces[start : start + BATCH] for start in range(0, len(faces), BATCH)]
    rows = [network.activations(read_crops(folder, part)) for part in tqdm(parts, unit="batch")]
    return torch.cat(rows) if rows else torch.zeros(0, len(network.feature_mean))


def write(path: Path, state: dict[str, torch.Tensor], faces: int) -> None:
    """Write the weights in half precision, with where they come from."""
    from safetensors.torch import save_file

    metadata = {
        "source": "dlib_face_recognition_resnet_model_v1 by Davis E. King, CC0 1.0",
        "axes": f"of {faces} faces",
    }
    half = {name: value.half().contiguous() for name, value in state.items()}
    with atomic_write(path) as temporary:
        save_file(half, temporary, metadata)


if __name__ == "__main__":
    main()
