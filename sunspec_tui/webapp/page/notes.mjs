// Observers' notes: fetched from the server, marked on the time axis, and shown beside the pointer.

import { clock } from "./format.mjs";
import { element, setText } from "./status-text.mjs";

const REFRESH_MS = 60_000, NEAR_PX = 12, MAX_JOINED = 3;

export class Notes {
  /** `changed` is called when other notes are known, or the pointer is at another place of the time axis. */
  constructor(changed) {
    this.list = [];
    this.changed = changed;
    this.begin = Infinity; // earliest time whose notes were requested
    this.count = null;
    this.fetchedAt = -Infinity;
    this.pointedX = null;
    const point = ({ offsetX }) => { this.pointedX = offsetX; changed(); };
    for (const kind of ["pointermove", "pointerdown"]) element("times").addEventListener(kind, point);
    element("times").addEventListener("pointerleave", () => { this.pointedX = null; changed(); });
  }

  /** Fetches the notes if their number has changed, earlier ones are shown, or a minute has passed. */
  update(count, begin, at = performance.now()) {
    if (!(count >= 0) || !Number.isFinite(begin) || this.busy) return;
    if (count === this.count && begin >= this.begin && (at - this.fetchedAt < REFRESH_MS || count === 0)) return;
    this.fetchedAt = at;
    this.busy = this.#fetch(count, begin).finally(() => { this.busy = null; });
  }

  async #fetch(count, begin) {
    try {
      const answer = await fetch(`notes?start=${begin.toFixed(3)}`);
      if (!answer.ok) return;
      this.list = (await answer.json()).notes;
      this.count = count;
      this.begin = begin;
      this.changed();
    } catch {
      // The server does not answer, which the page already shows. The next status requests the notes again.
    }
  }

  /** Draws the marks on the time axis; shows the notes near the pointer or, without one, near a column. */
  draw({ box, history, indices, cadence, colours, font, column }) {
    const scale = timeScale(history, indices, cadence), perColumn = (box.right - box.left) / indices.length;
    const found = marksOf(this.list, scale);
    this.drawn = found.map(({ from, to }) => [from, to]);
    this.marks = found.map(({ note, from, to }) => ({ note, x: box.left + from * perColumn, endX: box.left + to * perColumn }));
    const context = element("times").getContext("2d");
    context.fillStyle = colours.second;
    for (const { x, endX } of this.marks) {
      context.fillRect(x, 0, endX - x, 2);
      diamond(context, x, font * 0.3, font * 0.3);
    }
    this.#show(this.pointedX ?? (column === undefined ? null : box.left + (column + 0.5) * perColumn), box);
  }

  /** Places of the marks in columns, only for tests. */
  get places() {
    return this.drawn;
  }

  #show(x, box) {
    const near = x === null ? [] : marksNear(this.marks, x), tip = element("note");
    tip.hidden = !near.length;
    if (!near.length) return;
    const more = near.length > MAX_JOINED ? `\n${near.length - MAX_JOINED} more` : "";
    setText("note", near.slice(0, MAX_JOINED).map(({ note }) => noteText(note)).join("\n") + more);
    const width = tip.offsetWidth, { x: at } = near[0];
    Object.assign(tip.style, {
      left: `${Math.max(box.left, Math.min(at - width / 2, box.right - width))}px`, top: `${box.bottom - tip.offsetHeight - 4}px`,
    });
  }
}

/** Returns time, text and author of a note. */
export function noteText({ time_s, end_s, text, author }) {
  const until = end_s === null ? "" : ` to ${clock(end_s)}`;
  return `${clock(time_s)}${until} ${text}${author ? ` (${author})` : ""}`;
}

/** Returns pairs of a place, counted in columns from the left edge, and its time; both ascend. */
export function timeScale(history, indices, cadence) {
  const pairs = [];
  let latest = -Infinity;
  indices.forEach((index, column) => {
    if (index < 0 || !(history.times[index] > latest)) return;
    latest = history.times[index];
    pairs.push([column + 1, latest]);
  });
  // A row's time is its end; the beginning of the first row follows from the cadence.
  if (pairs.length && cadence > 0) pairs.unshift([pairs[0][0] - 1, pairs[0][1] - cadence]);
  return pairs;
}

/** Returns the place of a time; outside the scale, that of the nearer end. */
export function placeOf(time, scale) {
  const after = scale.findIndex(([, each]) => each >= time);
  if (after <= 0) return after ? scale.at(-1)[0] : scale[0][0];
  const [[begin, beginTime], [end, endTime]] = [scale[after - 1], scale[after]];
  return begin + (time - beginTime) / (endTime - beginTime) * (end - begin);
}

/** Returns the notes that touch the scale, with the places of their begin and end. */
export function marksOf(notes, scale) {
  if (!scale.length) return [];
  const first = scale[0][1], last = scale.at(-1)[1];
  return notes.filter((note) => note.time_s <= last && (note.end_s ?? note.time_s) >= first)
    .map((note) => ({ note, from: placeOf(note.time_s, scale), to: placeOf(note.end_s ?? note.time_s, scale) }));
}

/** Returns the marks near a place, the nearest first; else those whose interval includes it. */
export function marksNear(marks, x) {
  const distance = (mark) => Math.abs(mark.x - x);
  const beside = marks.filter((mark) => distance(mark) <= NEAR_PX);
  const around = marks.filter((mark) => mark.x <= x && x <= mark.endX);
  return (beside.length ? beside : around).sort((one, other) => distance(one) - distance(other));
}

function diamond(context, x, y, radius) {
  context.beginPath();
  context.moveTo(x, y - radius);
  context.lineTo(x + radius, y);
  context.lineTo(x, y + radius);
  context.lineTo(x - radius, y);
  context.fill();
}
