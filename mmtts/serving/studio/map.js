// The map of the style space: the people a model has heard, and the voices made here.

import { ink } from "./ink.js";

const EDGE = 18;
const GENDERS = ["female", "male"];
const AGES = ["child", "young", "middle-aged", "elderly"];

export class StyleMap {
  constructor(figure, canvas, legend) {
    Object.assign(this, { figure, canvas, legend, people: [], box: null });
  }

  /** Take the people: [[x, y, gender, age], ...], -1 where something is not known. */
  load(people) {
    this.people = people ?? [];
    this.figure.hidden = !this.people.length;
    const ages = AGES.filter((_, k) => this.people.some((person) => person[3] === k));
    this.legend.textContent =
      `${this.people.length} people of the training data on the two largest axes of their voices: ` +
      `women round and red, men square and blue, unknown small${ages.length ? `; larger is older (${ages.join(", ")})` : ""}. ` +
      "Ringed: the voice as it is now; numbers: variations.";
  }

  /** Draw people, variations {label, place} and the present place. */
  draw(variations, here) {
    if (this.figure.hidden) return;
    const pen = this.canvas.getContext("2d");
    const marks = [...variations.map((v) => v.place), ...(here ? [here] : [])];
    const inks = [...GENDERS, "unknown"].map(ink);
    const toPixel = this.scale([...this.people, ...marks]);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.globalAlpha = 0.65;
    for (const [x, y, gender, age] of this.people) {
      const [px, py] = toPixel(x, y);
      const size = gender < 0 ? 2 : age < 0 ? 4 : 2.6 + 1.2 * age;
      pen.fillStyle = inks[gender] ?? inks.at(-1);
      pen.beginPath();
      if (gender === 1) pen.rect(px - size, py - size, 2 * size, 2 * size);
      else pen.arc(px, py, size, 0, 2 * Math.PI);
      pen.fill();
    }
    pen.globalAlpha = 1;
    pen.font = "bold 15px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const { label, place } of variations) {
      const [px, py] = toPixel(...place);
      pen.lineWidth = 4;
      pen.strokeStyle = ink("card");
      pen.strokeText(label, px, py);
      pen.fillStyle = ink("ink");
      pen.fillText(label, px, py);
    }
    if (here) {
      pen.beginPath();
      pen.arc(...toPixel(...here), 12, 0, 2 * Math.PI);
      pen.lineWidth = 3;
      pen.strokeStyle = ink("accent");
      pen.stroke();
    }
    this.canvas.setAttribute("aria-label", this.describe(here, variations.length));
  }

  scale(points) {
    const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
    const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const { width, height } = this.canvas;
    const factor = Math.min(
      (width - 2 * EDGE) / (right - left || 1), (height - 2 * EDGE) / (high - low || 1));
    return (x, y) => [
      width / 2 + factor * (x - (left + right) / 2), height / 2 - factor * (y - (low + high) / 2)];
  }

  describe(here, count) {
    if (!here) return "Map of the style space";
    const near = [...this.people]
      .sort((a, b) => Math.hypot(a[0] - here[0], a[1] - here[1]) - Math.hypot(b[0] - here[0], b[1] - here[1]))
      .slice(0, 10);
    const women = near.filter((p) => p[2] === 0).length, men = near.filter((p) => p[2] === 1).length;
    return `Map of the style space: of the ten people nearest to this voice ${women} are women and ` +
      `${men} men; ${count} variations are shown`;
  }
}
