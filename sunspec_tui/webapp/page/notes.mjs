// Observers' notes: fetched from the server, marked on the time axis, and shown beside the pointer.

import { clock } from "./format.mjs";
import { element, setText } from "./status-text.mjs";

const REFRESH_MS = 60_000, RETRY_MS = 2000, NEAR_PX = 12, MAX_JOINED = 3;

export class Notes {
  /** `changed` is called when other notes are known, or the pointer is at another place of the time axis. */
  constructor(changed) {
    this.list = [];
    this.changed = changed;
    this.begin = Infinity; // limits of the times whose notes were requested
    this.end = -Infinity;
    this.leftOut = 0; // notes of these times that the server did not send
    this.count = null;
    this.fetchedAt = this.failedAt = -Infinity;
    this.pointedX = null;
    const point = ({ offsetX }) => { this.pointedX = offsetX; changed(); };
    for (const kind of ["pointermove", "pointerdown"]) element("times").addEventListener(kind, point);
    element("times").addEventListener("pointerleave", ({ pointerType }) => {
      // A finger leaves at the end of a tap; its note stays until the next one.
      if (pointerType === "touch") return;
      this.pointedX = null;
      changed();
    });
    addEventListener("pointerdown", ({ target }) => { if (target !== element("times")) this.pointedX = null; });
  }

  /** Fetches the notes if their number has changed, other times are shown, or a minute has passed. */
  update(count, begin, end = Infinity, at = performance.now()) {
    if (!(count >= 0) || !Number.isFinite(begin) || this.busy || at - this.failedAt < RETRY_MS) return;
    const isKnown = count === this.count && begin >= this.begin && end <= this.end;
    if (isKnown && (at - this.fetchedAt < REFRESH_MS || count === 0)) return;
    this.fetchedAt = at;
    this.busy = this.#fetch(count, begin, end).finally(() => { this.busy = null; });
  }

  async #fetch(count, begin, end) {
    const until = Number.isFinite(end) ? `&end=${end.toFixed(3)}` : "";
    try {
      const answer = await fetch(`notes?start=${begin.toFixed(3)}${until}`);
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const { notes, left_out: leftOut } = await answer.json();
      Object.assign(this, { list: notes, leftOut, count, begin, end });
      this.changed();
    } catch {
      // The page already shows that the server does not answer. The notes are requested again soon.
      this.failedAt = performance.now();
    }
  }

  /** Says that some notes are not shown; else empty. */
  get remark() {
    return this.leftOut > 0 ? `only the newest ${this.list.length} notes` : "";
  }

  /**
   * Draws the marks on the time axis; shows the notes near the pointer or, without one, near the place `at`.
   * `scale` is that of `timeScale`; the box has the width of `columns`.
   */
  draw({ box, scale, columns, at, colours, font }) {
    const perColumn = (box.right - box.left) / columns;
    const found = marksOf(this.list, scale);
    this.drawn = found.map(({ from, to }) => [from, to]);
    this.marks = found.map(({ note, from, to }) => ({ note, x: box.left + from * perColumn, endX: box.left + to * perColumn }));
    const context = element("times").getContext("2d");
    context.fillStyle = colours.second;
    for (const { x, endX } of this.marks) {
      context.fillRect(x, 0, endX - x, 2);
      diamond(context, x, font * 0.3, font * 0.3);
    }
    this.#show(this.pointedX ?? (Number.isFinite(at) ? box.left + at * perColumn : null), box);
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

/** Returns limits around an interval, so that a short way needs no request. */
export function around(begin, end) {
  const length = 2 ** Math.ceil(Math.log2(Math.max(1, end - begin)));
  return [Math.floor(begin / length) * length, Math.ceil(end / length) * length];
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
