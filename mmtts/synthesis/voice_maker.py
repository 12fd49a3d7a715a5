"""Voices from pictures, descriptions and clips."""

from __future__ import annotations

import logging
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mmtts import InputError
from mmtts.audio.files import load_audio
from mmtts.audio.loudness import active_rms_db, normalize_loudness, trim_silence
from mmtts.networks.clip_encoder import ClipEncoder
from mmtts.networks.face_voices import draw_face_voice
from mmtts.networks.prompt_voices import draw_prompt_voices, mean_prompt_voice
from mmtts.networks.style_sampler import StyleSampler
from mmtts.synthesis.heard import Heard
from mmtts.synthesis.system_folder import Speaker, SystemFolder
from mmtts.synthesis.utterance import make_generator
from mmtts.synthesis.voice import LOUDEST_DB, Voice

if TYPE_CHECKING:
    from mmtts.data.faces import FaceCropper
    from mmtts.data.pictures import Picture
    from mmtts.networks.face_encoder import FaceEncoder
    from mmtts.networks.prompt_encoder import PromptEncoder

_log = logging.getLogger(__name__)

SHORTEST_CLIP_SECONDS = 0.5
LONGEST_CLIP_SECONDS = 60.0  # more of a reference clip says nothing new about the voice
QUIETEST_CLIP_DB = -65.0
LONGEST_PROMPT = 2000  # characters


class VoiceMaker:
    """Turns each kind of input into a point of one system's style space.

    Args:
        system: Where the encoders come from; each is loaded on its first use.
        speaker: Its acoustic model holds the encoder of clips.
    """

    def __init__(self, system: SystemFolder, speaker: Speaker) -> None:
        self._system, self._speaker = system, speaker

    @cached_property
    def _face(self) -> tuple[FaceEncoder, StyleSampler | None]:
        return self._system.face_encoder()

    @cached_property
    def _cropper(self) -> FaceCropper:
        from mmtts.data.faces import FaceCropper

        return FaceCropper()

    @cached_property
    def _prompt(self) -> tuple[PromptEncoder, StyleSampler | None]:
        return self._system.prompt_encoder()

    @cached_property
    def _height(self) -> Tensor | None:
        """The way from low voices to high ones, women's among them, where it is known."""
        known = self._system.directions()
        if not {"gender", "pitch"} <= set(known):
            return None
        return torch.from_numpy(known["pitch"] - known["gender"]).to(self._system.device)

    @cached_property
    def _heard(self) -> Heard | None:
        return self._system.heard()

    @torch.inference_mode()
    def from_face(
        self, face: Picture, seed: int | None, guidance: float, largest: bool = False
    ) -> Voice:
        """Make a voice that fits the face in a picture.

        Raises:
            InputError: The file is no picture, or shows no face, or several without `largest`, or
                the system has no face encoder.
        """
        encoder, sampler = self._face
        z_f = encoder(self._crop(face, largest)[None])
        if sampler is None:
            z = z_f[0]
        elif seed is None:
            z = sampler.mean(z_f, guidance)[0]
        else:
            noise = make_generator(seed, z_f.device)
            z = draw_face_voice(sampler, z_f, guidance, noise, self._height)[0]
        named = {"file": Path(face).name} if isinstance(face, (str, os.PathLike)) else {}
        return self._voice(z, {"from": "face", **named, "seed": seed, "guidance": guidance})

    def _crop(self, face: Picture, largest: bool) -> Tensor:
        """Cut the face out, unless the picture is a crop already: (3, H, W) in [-1, 1]."""
        from mmtts.data.faces import CROP_SIZE, image_to_tensor
        from mmtts.data.pictures import load_image

        image = load_image(face)
        if image.size != (CROP_SIZE, CROP_SIZE):
            image = self._cropper.crop(face, largest=largest)
        return image_to_tensor(image).to(self._system.device)

    @torch.inference_mode()
    def from_prompt(self, prompt: str, seed: int | None, guidance: float) -> Voice:
        """Make a voice that fits a description, its loudness included.

        Raises:
            InputError: The prompt is empty or far too long, or the system has no prompt encoder.
        """
        prompt = " ".join(prompt.split())
        if not any(character.isalpha() for character in prompt):
            raise InputError('the prompt says nothing; describe a voice, such as "a calm old man"')
        if len(prompt) > LONGEST_PROMPT:
            raise InputError(
                f"the prompt has {len(prompt)} characters; {LONGEST_PROMPT} is the limit"
            )
        encoder, sampler = self._prompt
        tokens = encoder.tokenize([prompt]).to(self._system.device)
        z_p = encoder(tokens)
        loudness = round(encoder.loudness(z_p).clamp(-LOUDEST_DB, LOUDEST_DB).item(), 2)
        if sampler is None:
            z = z_p[0]
        elif seed is None:
            z = mean_prompt_voice(encoder, sampler, z_p, guidance)[0]
        else:
            noise = make_generator(seed, z_p.device)
            z = draw_prompt_voices(encoder, sampler, z_p, 1, guidance, noise)[0, 0]
        for sentence in self._unlearned(encoder, z_p):
            _log.warning("%s", sentence)
        origin = {"from": "prompt", "prompt": prompt, "seed": seed, "guidance": guidance}
        return self._voice(z, origin, loudness)

    @torch.inference_mode()
    def unlearned(self, prompt: str) -> list[str]:
        """Say what a description asks for that the model has not learned: a sentence for each.

        Raises:
            InputError: The system has no prompt encoder.
        """
        encoder, _ = self._prompt
        return self._unlearned(encoder, encoder(encoder.tokenize([prompt]).to(self._system.device)))

    def _unlearned(self, encoder: PromptEncoder, z_p: Tensor) -> list[str]:
        from mmtts.data.attributes import decode_attributes

        if self._heard is None:
            return []
        named = decode_attributes(encoder.named(z_p)[0])
        return [
            f"the model has not learned how {value!r} sounds ({attribute}): it heard "
            f"{self._heard.clips.get(attribute, {}).get(value, 0)} such clips"
            for attribute, value in named.items()
            if not self._heard.learned(attribute, value)
        ]

    @torch.inference_mode()
    def from_speech(self, clip: str | os.PathLike[str]) -> Voice:
        """Take the voice of a clip, of which the first minute of sound is used.

        Raises:
            InputError: The file is no audio, or holds less than half a second of sound.
        """
        rate = self._speaker.mel.sample_rate
        samples = trim_silence(load_audio(clip, rate), rate)
        samples = samples[: int(LONGEST_CLIP_SECONDS * rate)]
        if active_rms_db(samples, rate) < QUIETEST_CLIP_DB:
            raise InputError(f"{clip} is silent; give a clip of someone speaking")
        if len(samples) < SHORTEST_CLIP_SECONDS * rate:
            raise InputError(f"{clip} holds less than half a second of sound; give a longer clip")
        encode = ClipEncoder(self._speaker.acoustic_model, self._speaker.mel)
        z = encode([normalize_loudness(samples, rate)])[0]
        return self._voice(z, {"from": "speech", "file": Path(clip).name})

    def _voice(self, z: Tensor, origin: dict[str, Any], loudness: float = 0.0) -> Voice:
        return Voice(z.cpu().numpy(), origin, self._system.config.style_space, loudness)
