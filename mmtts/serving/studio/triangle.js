// Shares of two or three sources as a point between corners; the sliders beside it say the same.

import { ink } from "./ink.js";

const EDGE = 26; // pixels between the corners and the border

function corners(canvas, count) {
  const { width, height } = canvas;
  if (count === 2) return [[EDGE, height / 2], [width - EDGE, height / 2]];
  return [[width / 2, EDGE], [EDGE, height - EDGE], [width - EDGE, height - EDGE]];
}

/** Shares of the corners at a point: its barycentric coordinates, none below zero, sum 1. */
export function sharesAt(points, [x, y]) {
  let shares;
  if (points.length === 2) {
    const [[ax, ay], [bx, by]] = points;
    const along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2);
    shares = [1 - along, along];
  } else {
    const [[ax, ay], [bx, by], [cx, cy]] = points;
    const whole = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy);
    const a = ((by - cy) * (x - cx) + (cx - bx) * (y - cy)) / whole;
    const b = ((cy - ay) * (x - cx) + (ax - cx) * (y - cy)) / whole;
    shares = [a, b, 1 - a - b];
  }
  shares = shares.map((share) => Math.max(0, share));
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => share / sum);
}

export class Triangle {
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.names = [];
    this.shares = [];
    const move = (event) => {
      const box = canvas.getBoundingClientRect();
      const scale = canvas.width / box.width;
      const point = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
      this.onChange(sharesAt(corners(canvas, this.names.length), point));
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      move(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) move(event);
    });
  }

  /** Show shares of two or three names; others are left to the sliders. */
  show(names, shares) {
    this.names = names;
    this.canvas.hidden = names.length !== 2 && names.length !== 3;
    if (this.canvas.hidden) return;
    this.canvas.height = names.length === 2 ? 70 : 190;
    const pen = this.canvas.getContext("2d");
    const points = corners(this.canvas, names.length);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.beginPath();
    for (const point of points) pen.lineTo(...point);
    pen.closePath();
    pen.strokeStyle = ink("quiet");
    pen.lineWidth = 2;
    pen.stroke();
    pen.fillStyle = ink("ink");
    pen.font = "14px system-ui, sans-serif";
    pen.textAlign = "center";
    points.forEach(([x, y], k) => {
      const side = y < this.canvas.height / 2 || names.length === 2 ? -9 : 20;
      pen.fillText(names[k], Math.min(Math.max(x, 30), this.canvas.width - 30), y + side);
    });
    const at = [0, 1].map((axis) => points.reduce((sum, p, k) => sum + shares[k] * p[axis], 0));
    pen.beginPath();
    pen.arc(...at, 9, 0, 2 * Math.PI);
    pen.fillStyle = ink("accent");
    pen.fill();
  }
}
