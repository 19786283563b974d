// Draw the spectrum of the newest row on a 2D canvas.

import { fitCanvas, short, ticks } from "./format.mjs";
import { ARBITRARY, isSigned, levelUnit, steady, toDb } from "./levels.mjs";

const BELOW = 2.1, ABOVE = 0.6;

export class SpectrumPainter {
  constructor(canvas) {
    this.canvas = canvas;
    this.limits = null;
    this.kind = "";
    this.box = null;
  }

  /** Draws a row; `frame` has the frequency limits and the margins. */
  draw({ row, history, frame, linear, powerUnit, colours, font }) {
    const { context, width, height } = fitCanvas(this.canvas);
    context.font = `${font}px system-ui, sans-serif`;
    const box = { left: frame.left, right: width - frame.right, top: font * ABOVE, bottom: height - font * BELOW };
    this.box = box;
    const level = isSigned(history.product) || linear ? (power) => power : toDb;
    const kind = `${history.product} ${linear} ${history.version}`;
    if (kind !== this.kind) this.limits = null;
    this.kind = kind;
    const levels = row ? Array.from(row, level) : [];
    this.#limit(levels);
    this.level = levels;
    grid(context, box, frame, this.limits, colours, font);
    unit(context, box, history.product, linear, powerUnit, colours, font);
    context.strokeStyle = colours.first;
    context.lineWidth = 1.4;
    trace(context, box, levels, this.limits);
  }

  #limit(levels) {
    const good = levels.filter(Number.isFinite).sort((a, b) => a - b);
    if (!good.length) {
      this.limits ??= [0, 1];
      return;
    }
    const low = good[Math.floor(good.length * 0.01)], high = good[good.length - 1];
    const room = Math.max((high - low) * 0.08, Math.abs(high) * 1e-3, 1e-12);
    this.limits = steady(this.limits, [low - room, high + room]);
  }

  /** Returns the bin at a horizontal position, or -1. */
  binAt(x, bins) {
    const { box } = this;
    if (!box || x < box.left || x >= box.right) return -1;
    return Math.floor((x - box.left) / (box.right - box.left) * bins);
  }
}

function grid(context, box, frame, limits, colours, font) {
  context.strokeStyle = colours.line;
  context.fillStyle = colours.dim;
  context.lineWidth = 1;
  context.textAlign = "center";
  context.textBaseline = "top";
  const across = box.right - box.left;
  for (const mhz of ticks(frame.low, frame.high, Math.max(2, across / (font * 6)))) {
    const x = box.left + (mhz - frame.low) / (frame.high - frame.low) * across;
    rule(context, x, box.top, x, box.bottom);
    context.fillText(short(mhz), x, box.bottom + font * 0.25);
  }
  context.textAlign = "right";
  context.fillText("MHz", box.right, box.bottom + font * 1.15);
  context.textBaseline = "middle";
  for (const value of ticks(limits[0], limits[1], Math.max(2, (box.bottom - box.top) / (font * 2)))) {
    const y = box.bottom - (value - limits[0]) / (limits[1] - limits[0]) * (box.bottom - box.top);
    rule(context, box.left, y, box.right, y);
    context.fillText(short(value), box.left - font * 0.35, y);
  }
}

const linearLabel = (powerUnit) => powerUnit === ARBITRARY ? ", arbitrary units" : ` in ${powerUnit}`;
const decibelLabel = (powerUnit) => powerUnit === ARBITRARY ? ", dB of an arbitrary zero" : ` in ${levelUnit(powerUnit)}`;

function unit(context, box, product, linear, powerUnit, colours, font) {
  context.textAlign = "right";
  context.textBaseline = "top";
  context.fillStyle = colours.text;
  const what = product === "V/I" ? "" : isSigned(product) || linear ? linearLabel(powerUnit) : decibelLabel(powerUnit);
  context.fillText(`${product}${what}`, box.right - font * 0.4, box.top + font * 0.2);
}

export function rule(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(Math.round(x0) + 0.5, Math.round(y0) + 0.5);
  context.lineTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
  context.stroke();
}

/** Draws a line through the values; several values in a pixel become a vertical line. */
function trace(context, box, levels, limits) {
  const across = box.right - box.left, up = box.bottom - box.top;
  const y = (value) => box.bottom - Math.min(1.02, Math.max(-0.02, (value - limits[0]) / (limits[1] - limits[0]))) * up;
  context.save();
  context.beginPath();
  context.rect(box.left, box.top - 1, across, up + 2);
  context.clip();
  context.beginPath();
  let open = false;
  levels.forEach((value, bin) => {
    const x = box.left + (bin + 0.5) / levels.length * across;
    if (!Number.isFinite(value)) open = false;
    else if (open) context.lineTo(x, y(value));
    else {
      context.moveTo(x, y(value));
      open = true;
    }
  });
  context.stroke();
  context.restore();
}
