// Sound that plays while its end is still being spoken, with its picture and its words.

import { Spectrogram } from "./spectrogram.js";

const LEAD = 0.08; // s between the first piece's arrival and its sound

export class Player {
  constructor(canvas, wordsElement) {
    this.spectrogram = new Spectrogram(canvas);
    this.wordsElement = wordsElement;
    this.context = null;
    this.clear(16000);
  }

  /** Forget what was played. */
  clear(rate) {
    this.halt();
    this.rate = rate;
    this.pieces = [];
    this.words = [];
    this.seconds = 0;
    this.sources = new Set();
    this.wordsElement.replaceChildren();
    this.spectrogram.clear(rate);
  }

  /** Play a further piece after those before it. */
  add({ samples, words }) {
    if (!samples.length) return;
    this.pieces.push(samples);
    this.spectrogram.add(samples);
    for (const word of words) this.showWord(word);
    this.schedule(samples);
  }

  showWord({ word, start, end }) {
    const element = document.createElement("span");
    element.textContent = word;
    this.wordsElement.append(element, " ");
    this.words.push({ element, start: this.seconds + start, end: this.seconds + end });
  }

  schedule(samples) {
    this.context ??= new AudioContext();
    this.context.resume();
    const buffer = this.context.createBuffer(1, samples.length, this.rate);
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(this.context.destination);
    const now = this.context.currentTime;
    // A piece that comes late moves the clock: the words stay with the sound.
    const due = this.began === null ? now + LEAD : this.began + this.seconds;
    const start = Math.max(due, now + 0.01);
    this.began = start - this.seconds;
    source.start(start);
    this.sources.add(source);
    source.onended = () => this.sources.delete(source);
    this.seconds += samples.length / this.rate;
    this.frame ??= requestAnimationFrame(() => this.follow());
  }

  follow() {
    const time = this.context.currentTime - this.began;
    for (const word of this.words) {
      word.element.classList.toggle("now", time >= word.start && time < word.end);
    }
    this.spectrogram.draw(time);
    this.frame = this.sources.size ? requestAnimationFrame(() => this.follow()) : null;
  }

  /** Play again what there is. */
  replay() {
    const { pieces, words } = this;
    this.halt();
    this.seconds = 0;
    this.sources = new Set();
    for (const samples of pieces) this.schedule(samples);
    this.words = words;
  }

  halt() {
    for (const source of this.sources ?? []) {
      source.onended = null;
      source.stop();
    }
    if (this.frame) cancelAnimationFrame(this.frame);
    this.sources = new Set();
    this.frame = null;
    this.began = null;
  }

  get isPlaying() {
    return this.sources.size > 0;
  }

  /** The whole sound as a WAV file. */
  wav() {
    const count = this.pieces.reduce((sum, piece) => sum + piece.length, 0);
    const view = new DataView(new ArrayBuffer(44 + 2 * count));
    const write = (at, text) => [...text].forEach((c, k) => view.setUint8(at + k, c.charCodeAt(0)));
    write(0, "RIFF");
    view.setUint32(4, 36 + 2 * count, true);
    write(8, "WAVEfmt ");
    view.setUint32(16, 16, true);
    view.setUint16(20, 1, true); // PCM
    view.setUint16(22, 1, true); // one channel
    view.setUint32(24, this.rate, true);
    view.setUint32(28, 2 * this.rate, true);
    view.setUint16(32, 2, true);
    view.setUint16(34, 16, true);
    write(36, "data");
    view.setUint32(40, 2 * count, true);
    let at = 44;
    for (const piece of this.pieces) {
      for (const value of piece) {
        view.setInt16(at, Math.round(Math.max(-1, Math.min(1, value)) * 32767), true);
        at += 2;
      }
    }
    return new Blob([view], { type: "audio/wav" });
  }
}
