// A voice as it is being made: its sources and their shares, its moves, its variations.

import { blend, makeVoice } from "./server.js";

export const KINDS = ["prompt", "face", "clip", "named"];
export const CALLED = { prompt: "Words", face: "Face", clip: "Clip", named: "Kept" };
const FITTING = ["prompt", "face"]; // sources that leave room for variations

export class Design {
  constructor() {
    this.sources = {}; // kind -> {source, voice, place, notes}: what was given, and the voice made of it
    this.weights = {}; // kind -> share
    this.moves = {}; // direction -> amount
    this.loudness = 0; // dB beside the voice's own
    this.seed = null; // null: the mean of the voices that fit
    this.blended = null; // {voice, place, loudness} of all this
  }

  get kinds() {
    return KINDS.filter((kind) => kind in this.sources);
  }

  get hasVariations() {
    return FITTING.some((kind) => kind in this.sources);
  }

  /** Take a source, or take it away (null). */
  async set(kind, source, consent) {
    this.blended = null;
    if (source === null) {
      delete this.sources[kind];
      delete this.weights[kind];
      return;
    }
    const made = await makeVoice(source, FITTING.includes(kind) ? this.seed : null, consent);
    this.sources[kind] = { source, ...made };
    this.weights[kind] ??= 1 / Math.max(1, this.kinds.length - 1);
    this.share(this.kinds.map((k) => this.weights[k]));
  }

  /** Give the sources their shares, in their order. */
  share(shares) {
    const sum = shares.reduce((a, b) => a + b, 0) || 1;
    this.kinds.forEach((kind, k) => (this.weights[kind] = shares[k] / sum));
    this.blended = null;
  }

  /** The voices of the sources for another seed. */
  async variation(seed, consent) {
    const parts = {};
    for (const kind of this.kinds) {
      const old = this.sources[kind];
      const fits = FITTING.includes(kind);
      parts[kind] = fits ? { ...old, ...(await makeVoice(old.source, seed, consent)) } : old;
    }
    return { seed, parts, ...(await this.mixed(parts)) };
  }

  /** Take a variation. */
  take(variation) {
    this.seed = variation.seed;
    this.sources = { ...variation.parts };
    this.blended = null;
  }

  mixed(parts) {
    return blend({
      parts: this.kinds
        .filter((kind) => this.weights[kind] > 0.001)
        .map((kind) => ({ voice: parts[kind].voice, weight: this.weights[kind] })),
      moves: this.moves,
      loudness: this.loudness,
    });
  }

  /** The voice of all this; null where there is no source. */
  async voice() {
    if (!this.kinds.length) return null;
    this.blended ??= await this.mixed(this.sources);
    return this.blended;
  }

  get notes() {
    return [...new Set(this.kinds.flatMap((kind) => this.sources[kind].notes ?? []))];
  }
}
