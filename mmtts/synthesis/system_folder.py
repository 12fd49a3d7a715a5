"""A system folder: the models of one synthesizer side by side, loaded one by one when needed.

models/lab/speech_tts/       required
models/lab/vocoder/          without it Griffin-Lim turns mels into sound
models/lab/face_encoder/     for voices from faces
models/lab/prompt_encoder/   for voices from sentences
models/lab/directions.safetensors
models/lab/style_map.safetensors
models/lab/heard.json
models/lab/lexicon.tsv       or .pls: how words are said, unless a call says it otherwise
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from mmtts import InputError
from mmtts.storage.hub import MODEL_FILES, OWN_MODELS, download, is_hub_id
from mmtts.storage.model_config import read_config
from mmtts.storage.model_folder import check_lineage, load_config, load_network
from mmtts.synthesis.directions import Directions
from mmtts.synthesis.heard import Heard
from mmtts.synthesis.style_map import StyleMap
from mmtts.text import ENGLISH, FrontEnd, make_front_end
from mmtts.text.pronunciations import Pronunciations, as_pronunciations

if TYPE_CHECKING:
    from torch import Tensor

    from mmtts.audio.mel import MelSpectrogram
    from mmtts.networks.acoustic_model import AcousticModel
    from mmtts.networks.face_encoder import FaceEncoder
    from mmtts.networks.prompt_encoder import PromptEncoder
    from mmtts.networks.style_sampler import StyleSampler

FoundT = TypeVar("FoundT", Directions, Heard, StyleMap)
PARTS = ("speech_tts", "vocoder", "face_encoder", "prompt_encoder")
LEXICONS = ("lexicon.tsv", "lexicon.pls")
MODEL_VARIABLE = "MMTTS_MODEL"
STANDARD_FOLDERS = ("models/lab", "models/tiny")


def default_model() -> str:
    """Name the model to use when none is given: `MMTTS_MODEL`, the package's, a standard folder.

    Raises:
        InputError: There is none.
    """
    if named := os.environ.get(MODEL_VARIABLE):
        return named
    own = sorted(str(path.parent) for path in OWN_MODELS.glob("*/speech_tts"))
    for folder in (*own, *STANDARD_FOLDERS):
        if (Path(folder) / "speech_tts").is_dir():
            return str(folder)
    raise InputError(
        f"no model is given and there is none in {' or '.join(STANDARD_FOLDERS)}; name one with "
        f"--model or {MODEL_VARIABLE}, or make one with recipes/tiny/run.sh"
    )


def find_system(name: str | os.PathLike[str]) -> Path:
    """Find the folder of a system: a path, the name of weights in the package, or a hub id.

    Raises:
        InputError: It is nowhere, or it is no system folder.
    """
    folder = Path(name)
    if not folder.exists() and (OWN_MODELS / folder).is_dir():
        folder = OWN_MODELS / folder
    elif not folder.exists() and is_hub_id(str(name)):
        folder = download(str(name), MODEL_FILES)
    if not folder.is_dir():
        raise InputError(
            f"there is no model folder {name}; check the path, or bundle a model first"
        )
    if not (folder / "speech_tts").is_dir():
        hint = "it has no speech_tts folder inside; make one with python -m mmtts.bundle"
        if (folder / "config.json").is_file():
            hint = "it is one part of a system; name the folder around it, or bundle it first"
        raise InputError(f"{folder} is not a system folder: {hint}")
    return folder


def usable_device(device: str) -> str:
    """Resolve "auto" to a GPU where there is one.

    Raises:
        InputError: The device cannot be used on this machine.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(f"the device {device!r} cannot be used here; try --device cpu") from error
    return device


class Speaker(NamedTuple):
    """What turns phonemes and a style into sound."""

    acoustic_model: AcousticModel
    vocoder: Callable[[Tensor], Tensor]
    mel: MelSpectrogram
    front_end: FrontEnd = ENGLISH


def read_front_end(model: str | os.PathLike[str]) -> FrontEnd:
    """Tell how a system reads texts, without loading it.

    Raises:
        InputError: There is no such system, or its front end cannot be used here.
    """
    return make_front_end(read_config(find_system(model) / "speech_tts").extra.get("text"))


class SystemFolder:
    """Loads the parts of a system, after checking that they belong together.

    Args:
        folder: A path, the name of weights in the package, or a hub id.
        device: A torch device; all networks go there.

    Raises:
        InputError: The folder cannot be used.
    """

    def __init__(self, folder: str | os.PathLike[str], device: str) -> None:
        self.folder = find_system(folder)
        self.device = device
        self.config = load_config(self.folder / "speech_tts", "speech_tts")
        self.front_end = make_front_end(self.config.extra.get("text"))

    def has(self, part: str) -> bool:
        """Tell whether the system has a part of `PARTS`."""
        return (self.folder / part).is_dir()

    def speaker(self) -> Speaker:
        """Load the acoustic model and the vocoder, or Griffin-Lim where there is none.

        Raises:
            InputError: A folder is unusable, or the two do not share one kind of mel.
        """
        from mmtts.networks.acoustic_model import AcousticModel

        config, front_end = self.config, self.front_end
        symbols = front_end.symbols
        if tuple(config.extra.get("symbols", symbols)) != symbols:
            raise InputError(f"{config.folder} was trained with other phonemes; train it again")
        mel = _mel_spectrogram(config.extra, config.folder)
        model = load_network(config.folder, config, "acoustic_model", AcousticModel)
        if (model.config["n_mels"], model.config["n_symbols"]) != (
            mel.config["n_mels"],
            len(symbols),
        ):
            raise InputError(
                f"{config.folder} does not fit its own mel or phonemes; train it again"
            )
        vocoder = self._vocoder(mel)
        return Speaker(model.to(self.device), vocoder, mel.to(self.device), front_end)

    def _vocoder(self, mel: MelSpectrogram) -> Callable[[Tensor], Tensor]:
        if not self.has("vocoder"):
            from mmtts.audio.griffin_lim import GriffinLim

            return GriffinLim(mel.config).to(self.device)
        from mmtts.networks.vocoder import Vocoder

        config = load_config(self.folder / "vocoder", "vocoder")
        vocoder = load_network(config.folder, config, "vocoder", Vocoder)
        if vocoder.config["mel"] != mel.config:
            raise InputError(
                f"{config.folder} speaks another kind of mel than {self.config.folder}"
            )
        return vocoder.to(self.device)

    def face_encoder(self) -> tuple[FaceEncoder, StyleSampler | None]:
        """Load the face encoder and its sampler; see `_encoder`."""
        from mmtts.networks.face_encoder import FaceEncoder

        return self._encoder("face_encoder", FaceEncoder)

    def prompt_encoder(self) -> tuple[PromptEncoder, StyleSampler | None]:
        """Load the prompt encoder and its sampler; see `_encoder`."""
        from mmtts.networks.prompt_encoder import PromptEncoder

        return self._encoder("prompt_encoder", PromptEncoder)

    def _encoder(self, part: str, cls: Any) -> tuple[Any, StyleSampler | None]:
        """Load an encoder, and its sampler unless it was trained without one.

        Raises:
            InputError: The system has none, or it was trained with other stage-1 weights.
        """
        from mmtts.networks.style_sampler import StyleSampler

        if not self.has(part):
            kind = part.removesuffix("_encoder")
            raise InputError(
                f"{self.folder} has no {kind} encoder, so it makes no voices from a {kind}; "
                f"bundle one with --{kind}-encoder"
            )
        config = load_config(self.folder / part, part)
        check_lineage(config, self.config.style_space)
        encoder = load_network(config.folder, config, part, cls).to(self.device)
        if "style_sampler" not in config.networks:
            return encoder, None
        sampler = load_network(config.folder, config, "style_sampler", StyleSampler)
        return encoder, sampler.to(self.device)

    def directions(self) -> Directions:
        """Load the named directions; none where the system has none.

        Raises:
            InputError: They are damaged or belong to other stage-1 weights.
        """
        path = self.folder / "directions.safetensors"
        if not path.exists():
            return Directions({}, self.config.style_space)
        return self._own(Directions.load(path), path)

    def style_map(self) -> StyleMap | None:
        """Load the map of the style space; None where the system has none.

        Raises:
            InputError: It is damaged or belongs to other stage-1 weights.
        """
        path = self.folder / "style_map.safetensors"
        return self._own(StyleMap.load(path), path) if path.exists() else None

    def heard(self) -> Heard | None:
        """Load what the model has heard; None where the system does not tell.

        Raises:
            InputError: It is damaged or belongs to other stage-1 weights.
        """
        path = self.folder / "heard.json"
        return self._own(Heard.load(path), path) if path.exists() else None

    def _own(self, found: FoundT, path: Path) -> FoundT:
        """Make sure that what lies beside the models is about them."""
        if found.speech_tts != self.config.style_space:
            raise InputError(f"{path} belongs to other stage-1 weights; bundle the model again")
        return found

    def lexicon(self) -> Pronunciations:
        """Load the pronunciations that belong to the system; none where it has none.

        Raises:
            InputError: They cannot be understood.
        """
        files = (self.folder / name for name in LEXICONS)
        file = next((path for path in files if path.exists()), None)
        return as_pronunciations(file, self.front_end)


def _mel_spectrogram(extra: dict[str, Any], folder: Path) -> MelSpectrogram:
    """Build the spectrogram that a model was trained on."""
    from mmtts.audio.mel import MelSpectrogram

    try:
        settings: dict[str, Any] = dict(extra.get("mel", {}))
        if any(not 0 <= value <= 1e5 for value in settings.values()):
            raise InputError(str(settings))
        return MelSpectrogram(**settings)
    except Exception as error:  # plain values from outside, of any kind
        raise InputError(f"{folder}/config.json has unusable mel settings: {error}") from error
