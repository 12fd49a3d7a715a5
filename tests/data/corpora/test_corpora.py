"""Every corpus reader, on a folder in the official layout with the official file names."""

import json

import pytest

from mmtts import InputError
from mmtts.data.corpora import (
    Clip,
    Portrait,
    lfw,
    librispeech,
    libritts_p,
    ljspeech,
    ravdess,
    speech2face,
    speechocean762,
    talk_to_edit,
    utkface,
    vcc2020,
    vccm,
    vctk,
    webmorph,
)
from mmtts.data.corpora.records import read_face_attributes


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_speechocean762(tmp_path):
    kaldi = {
        "wav.scp": "{0}\tWAVE/SPEAKER{1}/{0}.WAV\n",
        "text": "{0}\tWE CALL IT BEAR\n",
        "utt2spk": "{0}\t{1}\n",
        "spk2gender": "{1}\tm\n",
        "spk2age": "{1}\t6\n",
    }
    people = {"train": ("000010011", "0001"), "test": ("000030012", "0003")}
    files = {f"{s}/{n}": t.format(*ids) for s, ids in people.items() for n, t in kaldi.items()}
    files["resource/lexicon.txt"] = "A\tAH0\nA\tEY0\nBIRDBATH\tB ER1 D B AE2 TH\n"
    write(tmp_path, files)
    clips = speechocean762.read_clips(tmp_path)
    assert [clip.speaker for clip in clips] == ["speechocean762-0001", "speechocean762-0003"]
    assert clips[0] == Clip(
        "speechocean762",
        "000010011",
        tmp_path / "WAVE/SPEAKER0001/000010011.WAV",
        "speechocean762-0001",
        "WE CALL IT BEAR",
        "male",
        6,
        accent="learner",
    )
    assert speechocean762.read_lexicon(tmp_path) == {"a": "AH", "birdbath": "B ER D B AE TH"}


def test_librispeech(tmp_path):
    table = 'file,speaker,gender,prompt1\ntest-other/1998-15444-0000.flac,1998,f,"calm,soft"\n'
    (clip,) = librispeech.read_clips(write(tmp_path, {"clips.csv": table}))
    assert (clip.id, clip.speaker, clip.gender, clip.text) == (
        "1998-15444-0000",
        "librispeech-1998",
        "female",
        "",
    )
    texts = "file,text,how\ntest-other/1998-15444-0000.flac,if called to a case,official\n"
    (clip,) = librispeech.read_clips(write(tmp_path, {"transcripts.csv": texts}))
    assert clip.text == "if called to a case"


def test_vctk(tmp_path):
    table = 'file,speaker,text\nwavs/p226/p226_003.wav,p226,"Six spoons, please."\n'
    table += "wavs/p999/p999_001.wav,p999,Hello.\n"
    speakers = "speaker,age,gender,accent,region\np226,22,M,English,Surrey\n"
    files = {"transcripts.csv": table, "speakers.csv": speakers}
    known, unknown = vctk.read_clips(write(tmp_path, files))
    assert (known.id, known.text, known.gender, known.age) == (
        "p226_003",
        "Six spoons, please.",
        "male",
        22,
    )
    assert (unknown.gender, unknown.age) == (None, None)


def test_vcc2020(tmp_path):
    table = 'file,speaker,gender,text\nwavs/SEF1_E30001.wav,SEF1,f,"In reality, yes."\n'
    (clip,) = vcc2020.read_clips(write(tmp_path, {"transcripts.csv": table}))
    assert (clip.id, clip.speaker, clip.gender) == ("SEF1_E30001", "vcc2020-SEF1", "female")
    assert clip.text == "In reality, yes."


def test_ljspeech_takes_the_normalized_text_and_clips_without_one(tmp_path):
    table = "LJ001-0007|about 1455,|about fourteen fifty-five,\n"
    files = {"metadata.csv": table, "wavs/LJ001-0007.wav": "", "wavs/LJ001-0009.wav": ""}
    clips = ljspeech.read_clips(write(tmp_path, files))
    assert [clip.text for clip in clips] == ["about fourteen fifty-five,", ""]


def test_ravdess_reads_the_file_names(tmp_path):
    files = {
        "Actor_02/03-01-06-01-02-01-02.wav": "",
        "Actor_01/03-01-08-02-01-02-01.wav": "",
        "Actor_01/03-02-01-01-01-01-01.wav": "",  # a song
        "Actor_01/notes.txt": "",
    }
    first, second = ravdess.read_clips(write(tmp_path, files))
    assert (first.emotion, first.gender, first.speaker) == ("surprised", "male", "ravdess-01")
    assert (second.emotion, second.gender) == ("fearful", "female")
    assert second.text == "Dogs are sitting by the door."


def test_speech2face(tmp_path):
    table = "id,source,face,audio,speaker,gender,nationality,voice_tags\n"
    table += "a_1,voxceleb,face/voxceleb/a_1.jpg,audio/voxceleb/a_1.wav,Ann_Lee,f,USA,\n"
    table += "b_1,avspeech,face/avspeech/b_1.jpg,audio/avspeech/b_1.wav,b_1,,,\n"
    write(tmp_path, {"pairs.csv": table})
    clips, portraits = speech2face.read_clips(tmp_path), speech2face.read_portraits(tmp_path)
    assert [clip.gender for clip in clips] == ["female", None]
    assert portraits[0] == Portrait(
        "speech2face",
        "face/voxceleb/a_1.jpg",
        tmp_path / "face/voxceleb/a_1.jpg",
        "speech2face-Ann_Lee",
        "female",
        clip="a_1",
    )
    seen = "image,detected,age,age_confidence,male\n"
    seen += "face/voxceleb/a_1.jpg,1,62,0.9,0.97\nface/avspeech/b_1.jpg,1,30,0.9,0.95\n"
    write(tmp_path, {"face_attributes.csv": seen})
    clips, portraits = speech2face.read_clips(tmp_path), speech2face.read_portraits(tmp_path)
    # A label is believed before the face, and the age of a face is that of the voice.
    for people in (clips, portraits):
        assert [(p.gender, p.age) for p in people] == [("female", 62), ("male", 30)]


def test_attributes_of_faces_count_where_they_are_sure(tmp_path):
    table = "image,detected,age,age_confidence,male\na.jpg,1,41,0.9,0.05\nb.jpg,1,20,0.4,0.6\n"
    # Not sure enough of the age, and a childhood that is never believed of a face alone.
    table += "d.jpg,1,66,0.29,0.99\ne.jpg,1,12,0.9,0.99\nf.jpg,1,13,0.3,0.99\n"
    write(tmp_path, {"face_attributes.csv": table + "c.jpg,0,,,\n"})
    found = read_face_attributes(tmp_path, "any")
    ages = {"d.jpg": (None, "male"), "e.jpg": (None, "male"), "f.jpg": (13, "male")}
    assert found == {"a.jpg": (41, "female"), "b.jpg": (20, None), **ages}
    assert read_face_attributes(tmp_path / "elsewhere", "any") == {}


def test_utkface(tmp_path):
    table = "image,age,gender,race\nimages/71_1_0_2017.jpg,71,f,white\n"
    (portrait,) = utkface.read_portraits(write(tmp_path, {"faces.csv": table}))
    assert (portrait.person, portrait.age, portrait.gender) == (
        "utkface-71_1_0_2017",
        71,
        "female",
    )


def test_lfw_and_webmorph(tmp_path):
    table = "image,identity,gender,emotion\nimages/A_B_0001.jpg,A_B,m,happiness\n"
    table += "images/C_D_0001.jpg,C_D,f,contempt\n"
    smiling, unknown = lfw.read_portraits(write(tmp_path / "lfw", {"faces.csv": table}))
    assert (smiling.person, smiling.expression, unknown.expression) == ("lfw-A_B", "happy", None)
    table = "image,identity,set,age,gender,ethnicity,expression\n"
    table += "images/a.jpg,a,london,24,f,white,smiling\nimages/b.jpg,b,3dsk,NA,m,white,neutral\n"
    folder = write(tmp_path / "webmorph", {"faces.csv": table})
    assert [p.age for p in webmorph.read_portraits(folder)] == [24, None]
    assert [p.person for p in webmorph.read_portraits(folder, publishable=True)] == ["webmorph-a"]


def test_libritts_p_drops_contradictions_and_unsaid_attributes(tmp_path):
    line = "M_p-low_s-slow_e-normal|a man with a high-pitched voice speaks slowly; He speaks slowly"
    line += ";ask a low-pitched man to speak slowly with normal energy\n"
    write(tmp_path, {"style_prompt_candidates_v230922.csv": line})
    assert {p.text: dict(p.attributes) for p in libritts_p.read_prompts(tmp_path)} == {
        "He speaks slowly": {"gender": "male", "pace": "slow"},
        "Ask a low-pitched man to speak slowly with normal energy": {
            "gender": "male",
            "pitch": "low",
            "pace": "slow",
            "energy": "normal",
        },
    }


def test_vccm_keeps_what_the_caption_says(tmp_path):
    table = "item_name,dur,pitch,energy,gender,emotion,spk,txt,style_prompt\n"
    table += 'x,low,high,normal,M,fear,s,t,"speaker\'s terrified voice is high in pitch"\n'
    table += "y,high,low,low,F,contempt,s,t,Contemptuous and fast speech\n"
    (prompt,) = vccm.read_prompts(write(tmp_path, {"controlspeech_test.csv": table}))
    assert prompt.text == "The speaker's terrified voice is high in pitch"
    assert prompt.attributes == {"pitch": "high", "emotion": "fearful"}
    assert (prompt.family, prompt.test_only) == ("terrified voice", False)


def test_vccm_captions_of_new_wording_are_a_source_kept_for_test(tmp_path):
    table = "dur,pitch,energy,emotion,style_prompt\nhigh,low,low,nan,Swift and deep it flowed\n"
    files = {"controlspeech_test.csv": table}
    files["controlspeech_test_new_undomain_style.csv"] = table.replace("flowed", "rolled")
    known, unseen = vccm.read_prompts(write(tmp_path, files))
    assert (known.corpus, known.test_only) == ("vccm", False)
    assert (unseen.corpus, unseen.test_only) == (vccm.UNSEEN, True)


def test_talk_to_edit_fills_both_genders(tmp_path):
    captions = {
        "Smiling": {
            "0": ["<He> looks serious."],
            "1": ["<He> smiles."],
            "4": ["<his> has a grin."],
        },
        "Young": {"2": ["<He> is in <his> thirties."]},
    }
    overall = {
        "start": {"Young": {"5": ["This old <man>"]}},
        "has": {"Smiling": {"0": ["no smile"], "3": ["a beaming face"]}},
    }
    words = {
        "male": {"<man>": ["guy"], "<he>": ["he"], "<his>": ["his"]},
        "female": {"<man>": ["lady"], "<he>": ["she"], "<his>": ["her"]},
    }
    files = {
        "templates/attr_wise_caption_templates.json": json.dumps(captions),
        "templates/overall_caption_templates.json": json.dumps(overall),
        "templates/gender.json": json.dumps(words),
    }
    prompts = talk_to_edit.read_prompts(write(tmp_path, files))
    named = {prompt.text: dict(prompt.attributes) for prompt in prompts}
    assert named["She is in her thirties."] == {"gender": "female", "age": "middle-aged"}
    assert named["This old guy has a beaming face."] == {
        "gender": "male",
        "age": "elderly",
        "emotion": "happy",
    }
    assert named["He looks serious."] == {"gender": "male", "emotion": "neutral"}
    assert named["He smiles."] == {"gender": "male"}
    assert not any("grin" in text for text in named)
    assert all(prompt.test_only == (" has " not in prompt.text) for prompt in prompts)


@pytest.mark.parametrize(
    "read",
    [
        speechocean762.read_clips,
        librispeech.read_clips,
        vctk.read_clips,
        vcc2020.read_clips,
        utkface.read_portraits,
        ljspeech.read_clips,
        ravdess.read_clips,
        speech2face.read_clips,
        speech2face.read_portraits,
        lfw.read_portraits,
        webmorph.read_portraits,
        libritts_p.read_prompts,
        vccm.read_prompts,
        talk_to_edit.read_prompts,
    ],
)
def test_a_missing_corpus_is_one_sentence_that_names_it(tmp_path, read):
    with pytest.raises(InputError, match="does not exist; unpack the corpus there"):
        read(tmp_path / "nowhere")


def test_a_table_without_its_column_is_named(tmp_path):
    write(tmp_path, {"clips.csv": "file,speaker\na,b\n"})
    with pytest.raises(InputError, match="has no column gender"):
        librispeech.read_clips(tmp_path)
