// The spectrogram of a growing sound, computed here.

const SIZE = 512; // samples of a window
const ROWS = 128; // of the picture
const FLOOR = -9; // of the natural logarithm of the magnitude, drawn black
const CEILING = 2;

/** In-place fast Fourier transform of real and imaginary parts, by radix 2. */
export function transform(real, imaginary) {
  const n = real.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j], real[i]];
      [imaginary[i], imaginary[j]] = [imaginary[j], imaginary[i]];
    }
  }
  for (let length = 2; length <= n; length <<= 1) {
    const angle = (-2 * Math.PI) / length;
    for (let k = 0; k < length / 2; k++) {
      const c = Math.cos(angle * k), s = Math.sin(angle * k);
      for (let start = k; start < n; start += length) {
        const other = start + length / 2;
        const re = real[other] * c - imaginary[other] * s;
        const im = real[other] * s + imaginary[other] * c;
        real[other] = real[start] - re;
        imaginary[other] = imaginary[start] - im;
        real[start] += re;
        imaginary[start] += im;
      }
    }
  }
}

/** Dark blue over violet and orange to light yellow, for 0 to 1. */
function color(value) {
  const stops = [[11, 13, 18], [48, 30, 110], [165, 48, 105], [240, 130, 50], [252, 245, 190]];
  const place = Math.max(0, Math.min(0.9999, value)) * (stops.length - 1);
  const k = Math.floor(place), part = place - k;
  return stops[k].map((from, c) => from + part * (stops[k + 1][c] - from));
}

export class Spectrogram {
  constructor(canvas) {
    this.canvas = canvas;
    this.window = Float64Array.from({ length: SIZE }, (_, k) => 0.5 - 0.5 * Math.cos((2 * Math.PI * k) / SIZE));
    this.clear(16000);
  }

  clear(rate) {
    this.rate = rate;
    this.hop = Math.round(rate / 62.5);
    this.columns = [];
    this.rest = new Float32Array(0);
    this.picture = null;
    this.draw(0);
  }

  add(samples) {
    const all = new Float32Array(this.rest.length + samples.length);
    all.set(this.rest);
    all.set(samples, this.rest.length);
    let start = 0;
    for (; start + SIZE <= all.length; start += this.hop) this.columns.push(this.column(all, start));
    this.rest = all.slice(start);
    this.picture = null;
    this.draw(0);
  }

  column(samples, start) {
    const real = new Float64Array(SIZE), imaginary = new Float64Array(SIZE);
    for (let k = 0; k < SIZE; k++) real[k] = samples[start + k] * this.window[k];
    transform(real, imaginary);
    // Rows rise as the ear hears: half of them below 1.8 kHz at 16 kHz.
    const top = 2595 * Math.log10(1 + this.rate / 2 / 700);
    return Float32Array.from({ length: ROWS }, (_, row) => {
      const hertz = 700 * (10 ** ((top * (row + 0.5)) / ROWS / 2595) - 1);
      const bin = Math.min(SIZE / 2 - 1, Math.round((hertz * SIZE) / this.rate));
      const level = Math.log(Math.hypot(real[bin], imaginary[bin]) + 1e-6);
      return (level - FLOOR) / (CEILING - FLOOR);
    });
  }

  paint() {
    const count = Math.max(1, this.columns.length);
    const sheet = new OffscreenCanvas(count, ROWS);
    const image = new ImageData(count, ROWS);
    this.columns.forEach((column, x) => {
      column.forEach((value, row) => {
        const at = 4 * ((ROWS - 1 - row) * count + x);
        image.data.set([...color(value), 255], at);
      });
    });
    sheet.getContext("2d").putImageData(image, 0, 0);
    return sheet;
  }

  /** Draw everything, and a line at a time in seconds. */
  draw(time) {
    const { width, height } = this.canvas;
    const pen = this.canvas.getContext("2d");
    pen.fillStyle = "#0b0d12";
    pen.fillRect(0, 0, width, height);
    if (!this.columns.length) return;
    this.picture ??= this.paint();
    pen.drawImage(this.picture, 0, 0, width, height);
    const x = (time * this.rate) / this.hop / this.columns.length * width;
    pen.fillStyle = "#ffffffcc";
    pen.fillRect(x, 0, 2, height);
  }
}
