// The page's picture of the timeline: canvas, axes, caption, spectrum and cursor.

import { REMOVED } from "./background.mjs";
import { showCursorLines } from "./cursor.mjs";
import { clock, day } from "./format.mjs";
import { ARBITRARY } from "./levels.mjs";
import { drawIntervalMarks } from "./picture-marks.mjs";
import { element, setText } from "./status-text.mjs";
import { drawInterval } from "./timeline-axis.mjs";
import { movedShare, shareAt, timelineReadout } from "./timeline-readout.mjs";

export class TimelinePicture {
  constructor(timeline, page) {
    this.timeline = timeline;
    this.page = page;
    this.canvas = element("timeline");
    this.wasActive = false;
    this.costs = []; // milliseconds of the last drawings
    // Tiles that are not finished are requested again, also while no row comes.
    setInterval(() => { if (timeline.isActive) page.redraw(); }, 1000);
  }

  /** True if the picture shows earlier times, and not the newest ones. */
  get isEarlier() { return this.timeline.isActive && !this.timeline.follows; }

  /** Shows or hides the canvas; returns true if the timeline is shown. */
  show() {
    const { isActive } = this.timeline, { page } = this;
    if (isActive !== this.wasActive) {
      this.wasActive = isActive;
      this.canvas.hidden = !isActive;
      // An old picture is pale, and must not show the newest rows below it.
      element("waterfall").classList.toggle("covered", isActive);
      page.cursor = page.pointed = null;
      page.levels.drop();
      page.controls.showInterval(this.timeline);
    }
    return isActive;
  }

  /** Margins and frequencies of the picture; null if the timeline is not shown or not known. */
  get frame() {
    const { description } = this.timeline.cache, { font } = this.page;
    if (!this.timeline.isActive || !description) return null;
    const low = description.low_mhz, high = low + description.bins * description.bin_mhz;
    return { left: font * 4, right: font * 4.2, low, high };
  }

  fit({ width, height, style }) {
    Object.assign(this.canvas.style, { left: style.left, top: style.top, width: style.width, height: style.height });
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
  }

  draw() {
    const { timeline, page, canvas } = this, { settings, levels, colours, font } = page, started = performance.now();
    page.fitWaterfall();
    const set = timeline.load(canvas.width);
    levels.find(set, set.indices, false);
    page.showCaption(this.#caption());
    this.#drawSpectrum(set);
    if (levels.found) {
      timeline.draw(canvas, page.colouring(set.product));
      page.drawAxes(set.product, this.unit);
    }
    page.controls.showUnit(this.unit);
    drawInterval(element("times"), page.box, { ...timeline.interval, restarts: set.restarts, colours, font });
    const place = page.cursor ?? page.pointed;
    drawIntervalMarks(page, timeline.interval, place);
    showCursorLines(place && { column: place.x - 0.5, bin: place.y - 0.5 }, page.box, 1, 1);
    setText("readout", place && set.filled ? timelineReadout(place, timeline, page, { frame: page.frame, unit: this.unit }) + page.bursts.remark : "Point at a picture to read it.");
    this.costs = [...this.costs.slice(-59), performance.now() - started];
    this.linear = settings.linear;
  }

  /** Unit of the powers; the stream may be silent, and its axis unknown. */
  get unit() { return this.timeline.cache.description?.unit ?? this.page.axis?.unit ?? ARBITRARY; }

  /** Draws the spectrum of the column under the cursor, else that of the newest column. */
  #drawSpectrum(set) {
    const { page, timeline } = this, place = page.cursor ?? page.pointed, { begin, end } = timeline.interval;
    let index = place ? set.at(begin + place.x * (end - begin)) : -1;
    if (index < 0) index = set.filled - 1;
    const row = index >= 0 ? set.power(index) : null, version = `timeline ${set.bins}`;
    const { frame, colours, font } = page, { linear } = page.settings;
    page.spectrum.draw({ row, history: { product: set.product, version }, frame, linear, powerUnit: this.unit, colours, font });
    this.spectrumTime = index >= 0 ? set.columns[index].tile.begins[set.columns[index].n] : end;
  }

  #caption() {
    const { timeline, page } = this, { begin, end } = timeline.interval;
    if (!Number.isFinite(begin)) return timeline.caption;
    const isOneDay = day(begin) === day(end);
    const time = `${day(begin)} ${clock(begin)} – ${isOneDay ? "" : `${day(end)} `}${clock(end)} UTC`;
    const removed = page.settings.remove_background ? REMOVED : "";
    return [`${page.settings.product} ${timeline.caption}`, removed, time, page.notes.remark, page.bursts.caption].filter(Boolean).join(", ");
  }

  /** Puts the cursor of the pointer at a place of the picture or of the spectrum. */
  point(id, x, y) {
    const { page, timeline } = this, { begin, end } = timeline.interval;
    if (id === "waterfall") page.pointed = shareAt(x, y, element("waterfall"));
    else {
      const bin = page.spectrum.binAt(x, 1000);
      page.pointed = bin < 0 ? null : { x: Math.min(1 - 1e-6, Math.max(0, (this.spectrumTime - begin) / (end - begin))), y: (bin + 0.5) / 1000 };
    }
    page.redraw();
  }

  /** Returns the cursor moved by columns and by steps of four bins. */
  movedCursor(cursor, columns, bins) {
    const { set } = this.timeline, { begin, end } = this.timeline.interval;
    const length = set.filled ? set.length(set.filled - 1) : 0;
    return movedShare(cursor, columns, bins, Math.max(1, Math.min(this.canvas.clientWidth, (end - begin) / (length || 1))), Math.max(1, set.bins));
  }

  /** Place where keys zoom: the cursor, the newest time of a live picture, or the middle. */
  get focus() {
    return this.page.cursor?.x ?? (this.timeline.follows ? 1 : 0.5);
  }

  zoom(factor) { this.timeline.zoom(factor, this.focus); }

  /** State of the timeline, only for tests and benches. */
  get report() {
    const { timeline } = this, { cache, set } = timeline;
    return {
      active: timeline.isActive, follows: timeline.follows, ...timeline.interval, loading: timeline.isLoading, columns: set?.filled ?? 0,
      step: timeline.tiles?.[0]?.step ?? null, tiles: timeline.tiles?.length ?? 0, kept: cache.tiles.size, memory: cache.bytes,
      requests: cache.counts.requests, bytes: cache.counts.bytes, problem: cache.problem, costs: [...this.costs],
    };
  }
}
