"""The public interface: load a system, make a voice, speak.

tts = Synthesizer.from_pretrained("models/lab")
voice = tts.voice(prompt="A calm woman with a low voice.", seed=0)
tts("Hello, world.", voice).save("hello.wav")
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from mmtts import InputError
from mmtts.synthesis.directions import Directions
from mmtts.synthesis.heard import Heard
from mmtts.synthesis.manner import Manner, require_range
from mmtts.synthesis.reading import VoiceStyle, read_lines, read_texts
from mmtts.synthesis.ready_voices import find_voices, load_ready
from mmtts.synthesis.recital import speak_in_turn, speak_together
from mmtts.synthesis.speech_file import Speech
from mmtts.synthesis.style_map import StyleMap
from mmtts.synthesis.system_folder import SystemFolder, default_model, usable_device
from mmtts.synthesis.voice import Voice
from mmtts.synthesis.voice_maker import VoiceMaker
from mmtts.text.chunks import lines_of_chunks
from mmtts.text.front_end import FrontEnd
from mmtts.text.lines import Line, begin_quickly
from mmtts.text.pronunciations import LexiconSource, Pronunciations, as_pronunciations
from mmtts.text.script import Script

if TYPE_CHECKING:
    from mmtts.data.pictures import Picture


class Synthesizer:
    """Speaks any text in any voice of the style space; see `from_pretrained`.

    Args:
        system: The folder to load from.
    """

    def __init__(self, system: SystemFolder) -> None:
        self._system = system
        self._speaker = system.speaker()
        self._voices = VoiceMaker(system, self._speaker)
        self._lexicon = system.lexicon()

    @property
    def sample_rate(self) -> int:
        """Of the speech, in Hz: that of the mel which the model was trained on."""
        return self._speaker.mel.sample_rate

    @property
    def front_end(self) -> FrontEnd:
        """Of the language that it speaks, for `read_ssml`, `read_markup` and `read_lexicon`."""
        return self._speaker.front_end

    @classmethod
    def from_pretrained(
        cls,
        model: str | os.PathLike[str] | None = None,
        device: str = "auto",
        threads: int | None = None,
    ) -> Synthesizer:
        """Load a system; encoders of faces and prompts follow when they are first needed.

        Args:
            model: A system folder (see `mmtts.bundle`), the name of weights in the package, or an
                id on the Hugging Face hub; see `default_model` for what is used otherwise.
            device: "auto", "cpu", "cuda" or another torch device.
            threads: CPU threads for the whole process; unchanged by default.

        Raises:
            InputError: There is no such system or device, or the folder is damaged.
        """
        if threads is not None:
            if threads < 1:
                raise InputError(f"threads must be at least 1, not {threads}")
            torch.set_num_threads(threads)
        return cls(SystemFolder(model or default_model(), usable_device(device)))

    @cached_property
    def directions(self) -> Directions:
        """Named directions for `move`; empty where the system has none."""
        return self._system.directions()

    @cached_property
    def style_map(self) -> StyleMap | None:
        """Where the voices of the training data lie; None where the system has no map."""
        return self._system.style_map()

    def move(self, voice: Voice, name: str, amount: float) -> Voice:
        """Move a voice along a named direction; 1 is the way from its low to its high end.

        Raises:
            InputError: There is no such direction, or the voice belongs to another model.
        """
        self._style_of(voice)
        return voice.move(self.directions[name], amount, name)

    @cached_property
    def heard(self) -> Heard | None:
        """What the model heard in training; None where the system does not tell."""
        return self._system.heard()

    @property
    def sources(self) -> list[str]:
        """What voices can be made of: "speech", and "face" and "prompt" with their encoders."""
        encoders = [kind for kind in ("face", "prompt") if self._system.has(f"{kind}_encoder")]
        return [*encoders, "speech"]

    @property
    def voices(self) -> list[str]:
        """Names of the ready voices."""
        return list(find_voices(self._system.folder))

    def unlearned(self, prompt: str) -> list[str]:
        """Say what a description asks for that the model never heard; such warnings are logged too.

        Raises:
            InputError: The system has no prompt encoder.
        """
        return self._voices.unlearned(prompt)

    def voice(
        self,
        name: str | None = None,
        *,
        face: Picture | None = None,
        prompt: str | None = None,
        speech: str | os.PathLike[str] | None = None,
        seed: int | None = None,
        guidance: float = 1.0,
        weights: Sequence[float] | None = None,
        largest_face: bool = False,
    ) -> Voice:
        """Take a ready voice, or make one from a picture, a description, a clip, or a mix of them.

        Args:
            name: One of `voices`.
            face: A picture with a face in it: a path, a PIL image or uint8 (H, W, 3). One of
                186 x 186 pixels counts as an aligned crop.
            prompt: A description such as "An elderly man speaks slowly."
            speech: A clip of someone speaking, at least half a second.
            seed: Picks one of the voices that fit a face or a prompt; none means their mean.
            guidance: How strictly a picked voice follows face or prompt, 0 to 10; 1 is as learned.
            weights: Shares in the order name, face, prompt, speech; equal by default.
            largest_face: Take the largest of several faces instead of refusing the picture.

        Raises:
            InputError: Nothing is given, or something cannot be used.
        """
        require_range("guidance", guidance)
        voices = []
        if name is not None:
            voices.append(load_ready(self._system.folder, name))
        if face is not None:
            voices.append(self._voices.from_face(face, seed, guidance, largest_face))
        if prompt is not None:
            voices.append(self._voices.from_prompt(prompt, seed, guidance))
        if speech is not None:
            voices.append(self._voices.from_speech(speech))
        if not voices:
            raise InputError(
                "a voice needs a name, a face, a prompt or a speech clip; give one of them"
            )
        return voices[0] if len(voices) == 1 and weights is None else Voice.mix(voices, weights)

    def __call__(
        self,
        text: str | Script,
        voice: Voice,
        *,
        steps: int = 4,
        guidance: float = 1.0,
        pace: float = 1.0,
        seed: int = 0,
        loudness: float | None = None,
        accent: str | None = None,
        semitones: float = 0.0,
        lexicon: LexiconSource = None,
    ) -> Speech:
        """Speak a text of any length.

        Args:
            text: In the model's language, with markup (see `mmtts.text.markup`), or what
                `mmtts.text.read_ssml` made of SSML.
            voice: One constant voice for the whole text.
            steps: Of the decoder, 0 to 100; 0 speaks the prior alone, quickest and smoothest.
            guidance: How strongly the voice shapes the sound, 0 to 10; 1 is as learned.
            pace: Speaking rate relative to the voice's own, 0.25 to 4.
            seed: Of the decoder's noise; the same seed gives the same sound.
            loudness: dB above the standard level, -20 to 20, whatever the voice's own is; 0 speaks
                at the standard level. The voice's own by default.
            accent: One that the model knows, such as "native" or "learner"; by default its first.
            semitones: How much higher the melody is than the voice's own, -12 to 12.
            lexicon: How words are said: phonemes by word, or a TSV or PLS file; it goes before
                the lexicon that the system may have.

        Raises:
            InputError: Nothing in the text can be spoken, the voice belongs to another model, the
                lexicon or the markup cannot be understood, or a number is out of its range.
        """
        level = voice.loudness if loudness is None else loudness
        manner = Manner(steps, guidance, pace, seed, level, accent, semitones)
        style = self._style_of(voice)
        lines = read_lines(text, self._said(lexicon), style, manner, self.front_end)
        return Speech.join(speak_in_turn(self._speaker, lines, style, manner), self.sample_rate)

    def stream(
        self,
        text: str | Script | Iterable[str],
        voice: Voice,
        *,
        steps: int = 4,
        guidance: float = 1.0,
        pace: float = 1.0,
        seed: int = 0,
        loudness: float | None = None,
        accent: str | None = None,
        semitones: float = 0.0,
        lexicon: LexiconSource = None,
        whole_sentences: bool = False,
    ) -> Iterator[Speech]:
        """Speak a text sentence by sentence; the parts follow one another without a gap.

        The first clause of a long first sentence comes by itself, so that the first sound comes
        soon however long that is; not with `whole_sentences`, which sounds like `__call__`. The
        memory needed does not grow with the text. Other arguments and errors as in `__call__`.

        `text` may also be chunks of one, such as a language model gives them: a sentence is spoken
        as soon as it is complete, and only then the next chunk is asked for.
        """
        level = voice.loudness if loudness is None else loudness
        manner = Manner(steps, guidance, pace, seed, level, accent, semitones)
        style = self._style_of(voice)
        lines: Iterable[Line]
        if isinstance(text, (str, Script)):
            lines = read_lines(text, self._said(lexicon), style, manner, self.front_end)
            lines = lines if whole_sentences else begin_quickly(lines)
        else:
            said, quick = self._said(lexicon), not whole_sentences
            lines = lines_of_chunks(text, said, quick, self.front_end)
        return speak_in_turn(self._speaker, lines, style, manner)

    def batch(
        self,
        texts: Sequence[str | Script],
        voice: Voice,
        batch_size: int = 8,
        *,
        steps: int = 4,
        guidance: float = 1.0,
        pace: float = 1.0,
        seed: int = 0,
        loudness: float | None = None,
        accent: str | None = None,
        semitones: float = 0.0,
        lexicon: LexiconSource = None,
    ) -> Iterator[Speech]:
        """Speak many texts, `batch_size` sentences at a time, and yield them in their order.

        Other arguments and errors as in `__call__`; the message of an error tells which text it is
        about. What else is in its batch has a small influence on a sentence.
        """
        level = voice.loudness if loudness is None else loudness
        manner = Manner(steps, guidance, pace, seed, level, accent, semitones)
        style = self._style_of(voice)
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1, not {batch_size}")
        lines = read_texts(texts, self._said(lexicon), style, manner, self.front_end)
        return speak_together(self._speaker, lines, style, manner, batch_size)

    def _style_of(self, voice: Voice) -> VoiceStyle:
        """Check that a voice lives in this model's space.

        Raises:
            InputError: It does not.
        """
        dim = self._speaker.acoustic_model.config["style_dim"]
        voice.require_space(self._system.config.style_space, dim)
        return VoiceStyle(voice, lambda: self.directions, self._system.device)

    def _said(self, lexicon: LexiconSource) -> Pronunciations:
        return self._lexicon | as_pronunciations(lexicon, self.front_end)
