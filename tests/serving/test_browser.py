"""The studio in Chromium: a voice from words and a face, mixed, heard, kept, taken along."""

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
import uvicorn

from mmtts import Synthesizer, Voice
from mmtts.serving.app import build_app
from mmtts.serving.server import open_socket
from mmtts.serving.settings import Settings
from mmtts.synthesis.heard import Heard

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.slow
BROWSERS = (os.environ.get("BROWSER", ""), "chromium", "chromium-browser", "google-chrome")
WAIT = 60_000  # ms; other tests run beside this one
OPTIONS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    found = next((path for name in BROWSERS if name and (path := shutil.which(name))), None)
    with sync_api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=OPTIONS)
        except sync_api.Error as error:
            pytest.skip(f"the page needs Chromium, and scripts/test.sh could install none: {error}")
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def system(small_system: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small system, which has heard nobody and has a ready voice."""
    folder = tmp_path_factory.mktemp("system") / "small"
    shutil.copytree(small_system, folder)
    space = Synthesizer.from_pretrained(folder)._system.config.style_space
    Heard({}, space).save(folder / "heard.json")
    Synthesizer.from_pretrained(folder).voice(prompt="A man.", seed=3).save(
        folder / "voices" / "amber.safetensors"
    )
    return folder


@pytest.fixture
def page(browser: sync_api.Browser, system: Path, tmp_path: Path) -> Iterator[sync_api.Page]:
    listening = open_socket("127.0.0.1", 0)
    settings = Settings(voices=tmp_path / "voices", model="small", local_names=True)
    app = build_app(Synthesizer.from_pretrained(system, "cpu"), settings)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    page = browser.new_page(accept_downloads=True)
    page.set_default_timeout(WAIT)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"http://127.0.0.1:{listening.getsockname()[1]}/")
    page.wait_for_selector("body[data-ready]")
    yield page
    page.close()
    server.should_exit = True
    thread.join(30)
    assert complaints == []


def describe(page: sync_api.Page, words: str) -> None:
    page.fill("#prompt", words)
    page.click("#use-prompt")
    page.wait_for_selector("#source-prompt.used")


def speak(page: sync_api.Page) -> None:
    page.evaluate("delete document.body.dataset.spoken")
    page.click("#speak")
    page.wait_for_selector("body[data-spoken]")


def test_a_voice_is_made_mixed_heard_kept_and_taken_along(
    page: sync_api.Page, tmp_path: Path
) -> None:
    face = pytest.importorskip("skimage.data").astronaut()
    from PIL import Image

    Image.fromarray(face).save(tmp_path / "face.png")
    describe(page, "A calm woman.")
    page.set_input_files("#face", tmp_path / "face.png")
    page.wait_for_selector("#trouble:not([hidden])")
    assert "agrees" in page.inner_text("#trouble")
    page.check("#consent")
    page.set_input_files("#face", tmp_path / "face.png")
    page.wait_for_selector("#source-face.used")
    page.wait_for_selector("#face-picture:not([hidden])")
    assert page.is_visible("#mixing")
    assert page.locator("#shares output").all_inner_texts() == ["50 %", "50 %"]
    page.focus("#share-face")
    page.keyboard.press("End")  # by keyboard, all of the face
    page.wait_for_function("() => document.querySelector('#shares output').value === '0 %'")
    page.fill("#text", "One two three. Four five.")
    speak(page)
    said = page.locator("#words span").all_inner_texts()
    assert said == ["One", "two", "three.", "Four", "five."]
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "speech.wav")
    samples, rate = soundfile.read(tmp_path / "speech.wav")
    seconds = float(page.evaluate("document.body.dataset.spoken"))
    assert len(samples) / rate == pytest.approx(seconds, abs=0.01) and abs(samples).max() > 0.01
    page.fill("#name", "Ben")
    page.press("#name", "Enter")
    page.wait_for_selector("#voices li:has-text('Ben')")
    assert "Ben is saved" in page.inner_text("#status")
    with page.expect_download() as download:
        page.click("button[aria-label='Export Ben']")
    download.value.save_as(tmp_path / "Carla.safetensors")
    assert Voice.load(tmp_path / "Carla.safetensors").origin["from"] == "face"
    page.set_input_files("#import", tmp_path / "Carla.safetensors")
    page.wait_for_selector("#voices li:has-text('Carla')")
    page.click("#away-face")
    page.wait_for_selector("#source-face:not(.used)")
    page.wait_for_selector("#face-picture", state="hidden")
    assert page.is_hidden("#mixing")
    page.click("button[aria-label='Delete Ben']")
    page.wait_for_selector("#voices li:has-text('Ben')", state="detached")


def test_variations_shape_and_comparison(page: sync_api.Page) -> None:
    describe(page, "An angry old man.")
    page.wait_for_selector("#note:not([hidden])")
    assert "has not learned" in page.inner_text("#note")
    page.click("#eight")
    page.wait_for_function("() => document.querySelectorAll('#variations button').length === 8")
    page.click("#keep-a")
    page.evaluate("delete document.body.dataset.spoken")
    page.click("#variations button:nth-child(3)")
    page.wait_for_selector("body[data-spoken]")
    assert page.get_attribute("#variations button:nth-child(3)", "aria-pressed") == "true"
    page.focus("#loudness")
    page.keyboard.press("ArrowRight")
    page.click("#keep-b")
    page.wait_for_selector("#play-b:enabled")
    for side in "ab":
        page.evaluate("delete document.body.dataset.spoken")
        page.click(f"#play-{side}")
        page.wait_for_selector("body[data-spoken]")
    assert page.is_hidden("#trouble")


def test_ready_voices_and_mistakes_in_words(page: sync_api.Page) -> None:
    page.click("#speak")
    page.wait_for_selector("#trouble:not([hidden])")
    assert "no voice yet" in page.inner_text("#trouble")
    page.select_option("#named", "amber")
    page.wait_for_selector("#source-named.used")
    page.fill("#text", "...")
    page.click("#speak")
    page.wait_for_function(
        "() => document.getElementById('trouble').textContent.includes('nothing')"
    )
    page.fill("#text", "Hello.")
    speak(page)
    assert page.is_hidden("#trouble")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(page: sync_api.Page, scheme: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    small = page.eval_on_selector_all(
        "button, .button",
        "all => all.filter(b => b.offsetHeight > 0 && b.offsetHeight < 40).map(b => b.id)",
    )
    assert small == []
