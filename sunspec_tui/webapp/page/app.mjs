// The page's main module: connects stream, row buffer, pictures and controls.

import { REMOVED, WithoutBackground } from "./background.mjs";
import { Bursts } from "./bursts.mjs";
import { Controls } from "./controls.mjs";
import { cellAt, movedCell, readoutText, showCursorLines } from "./cursor.mjs";
import { PausedMessages } from "./paused-messages.mjs";
import { CAPACITY, RowBuffer } from "./row-buffer.mjs";
import { unpackingProblem } from "./inflate.mjs";
import { ColourLevels } from "./colour-levels.mjs";
import { listenForGestures } from "./gestures.mjs";
import { isSigned } from "./levels.mjs";
import { Connection } from "./connection.mjs";
import { FrameTimes, reportOf, statistics } from "./page-report.mjs";
import { Notes } from "./notes.mjs";
import { painterFor } from "./painters.mjs";
import { palettes } from "./palettes.mjs";
import { drawRowMarks } from "./picture-marks.mjs";
import { HISTORY } from "./row-messages.mjs";
import { element, setText, showBanner, showStatus } from "./status-text.mjs";
import { drawAxes, drawTimes, waterfallBox } from "./axes-canvas.mjs";
import { applyTheme } from "./theme.mjs";
import { Timeline } from "./timeline.mjs";
import { TimelinePicture } from "./timeline-picture.mjs";
import { unitOf } from "./timeline-readout.mjs";
import { format, parse } from "./url-settings.mjs";
import { SpectrumPainter } from "./spectrum.mjs";
import { streamState } from "./stream-state.mjs";

const READINGS_MS = 250, ADDRESS_MS = 300;
const now = () => performance.now();

class Page {
  constructor(palettes) {
    this.palettes = palettes;
    this.settings = parse(location.hash);
    this.history = new RowBuffer();
    this.foregroundRows = new WithoutBackground(this.history);
    this.axis = null;
    this.status = null;
    this.statusAt = this.rowAt = 0;
    this.pausedMessages = null; // messages that wait while the picture is paused; null while it is live
    this.cursor = null;
    this.dirty = true;
    this.drawnAt = -Infinity;
    this.frames = new FrameTimes();
    this.spectrum = new SpectrumPainter(element("spectrum"));
    this.notes = new Notes(() => { this.dirty = true; });
    this.painter = painterFor(element("waterfall"), this.settings.renderer);
    element("renderer").textContent = this.painter.constructor.title;
    this.controls = new Controls(this.settings, {
      changed: (key) => this.#changed(key),
      pause: () => this.pause(),
      refresh: () => this.connection.choose(this.settings.product),
      fullscreen: () => fullscreen(),
      cursor: (columns, bins) => this.#moveCursor(columns, bins),
      timeline: () => this.timelinePicture,
      burst: (by) => this.bursts.chooseNeighbour(by),
    });
    this.controls.offer("palette", Object.keys(palettes).filter((name) => name !== "diverging"));
    this.controls.offer("product", [this.settings.product]);
    if (!(this.settings.palette in palettes)) this.controls.set("palette", "viridis");
    this.levels = new ColourLevels(this.settings, this.controls);
    this.timeline = new Timeline(this.settings, this);
    this.timelinePicture = new TimelinePicture(this.timeline, this);
    this.controls.showInterval(this.timeline);
    this.bursts = new Bursts(this.settings, this);
    this.connection = new Connection(this.settings.product, {
      open: () => { this.waiting = ""; },
      closed: (reason) => { this.waiting = reason ? `${reason}, trying again` : ""; },
      text: (record) => this.#onRecord(record),
      rows: (message) => this.#onRows(message),
    });
    this.#watch();
    this.#applyTheme();
  }

  #watch() {
    new ResizeObserver(() => { this.dirty = true; }).observe(element("view"));
    for (const id of ["waterfall", "spectrum"]) {
      element(id).addEventListener("pointermove", (event) => this.#point(id, event));
      element(id).addEventListener("pointerdown", (event) => this.#point(id, event));
      element(id).addEventListener("pointerleave", () => { this.pointed = null; this.dirty = true; });
    }
    listenForGestures(element("waterfall"), {
      zoom: (factor, share) => this.timeline.zoom(factor, share), pan: (share) => this.timeline.pan(share), end: () => this.moved(),
    });
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => this.#applyTheme());
    addEventListener("hashchange", () => this.#onHashChange());
    setInterval(() => this.#showReadings(), READINGS_MS);
    const onAnimationFrame = (at) => {
      requestAnimationFrame(onAnimationFrame);
      this.#drawIfDue(at);
    };
    requestAnimationFrame(onAnimationFrame);
  }

  // Received messages

  #onRecord(record) {
    if (record.type === "status") {
      const isFirst = !this.status;
      this.status = record;
      this.statusAt = now();
      this.bursts.update(record.burst_revision);
      if (isFirst) this.#showReadings();
    } else if (record.type === "axis") {
      // A paused picture keeps the axis of its rows.
      if (this.pausedMessages) this.pausedMessages.push(record);
      else this.axis = record;
      this.controls.follow(record);
      if (record.product !== this.settings.product && record.product === this.connection.product) this.settings.product = record.product;
      this.missing = record.products.includes(record.product) ? "" : `this stream does not carry ${record.product}`;
    }
    this.dirty = true;
  }

  #onRows(message) {
    this.rowAt = now() - (message.kind === HISTORY && this.status?.silence_s ? 1000 * this.status.silence_s : 0);
    const wasEmpty = !this.history.filled;
    if (!this.pausedMessages) this.#addRows(message);
    else this.pausedMessages.push(message);
    // Remove the banner from the first picture at once; the next update of the readings may be later.
    if (wasEmpty && this.history.filled) this.#showReadings();
  }

  #addRows(message) {
    const indices = this.history.add(message);
    if (this.settings.remove_background) this.foregroundRows.addRows(indices);
    this.painter.load(this.shown, indices);
    if (indices === null && !this.timeline.isActive) this.levels.drop();
    this.dirty = true;
  }

  /** Rows that the waterfall shows, with or without the background. */
  get shown() {
    return this.settings.remove_background && this.foregroundRows.isReady ? this.foregroundRows : this.history;
  }

  pause() {
    if (this.timeline.isActive && !this.pausedMessages) {
      this.timeline.toggleFollowing();
      return;
    }
    const paused = this.pausedMessages;
    this.pausedMessages = paused ? null : new PausedMessages(CAPACITY);
    for (const message of paused?.messages ?? []) {
      if (message.type === "axis") this.axis = message;
      else this.#addRows(message);
    }
    if (paused?.isFull) this.connection.choose(this.settings.product);
    this.controls.paused(this.pausedMessages !== null);
    this.dirty = true;
  }

  // Settings

  #changed(key) {
    if (key === "product") {
      this.levels.drop();
      // Levels of a power do not fit a signed product, nor the reverse.
      if (isSigned(this.history.product) !== isSigned(this.settings.product)) this.#resetLevels();
      if (this.pausedMessages) this.pause();
      this.connection.choose(this.settings.product);
    }
    if (key === "theme") this.#applyTheme();
    if (key === "remove_background") {
      this.foregroundRows.release();
      this.levels.drop();
      // Levels of a power do not fit rows without the background, nor the reverse.
      this.#resetLevels();
    }
    if (key === "height") this.foregroundRows.expire();
    if (["auto", "linear", "height", "show"].includes(key)) this.levels.expire();
    if (key === "height") this.timeline.leave();
    if (key === "bursts" || key === "interference") this.bursts.show();
    this.#keepAddress();
    this.dirty = true;
  }

  #keepAddress() {
    clearTimeout(this.addressTimer);
    this.addressTimer = null;
    history.replaceState(null, "", format(this.settings) || location.pathname + location.search);
  }

  /** The interval has changed. Browsers allow few changes of the address, so it changes after the last of them. */
  moved() {
    if (this.timeline.isActive && this.pausedMessages) this.pause();
    this.controls.showInterval(this.timeline);
    this.addressTimer ??= setTimeout(() => this.#keepAddress(), ADDRESS_MS);
    this.dirty = true;
  }

  redraw() {
    this.dirty = true;
  }

  #resetLevels() {
    Object.assign(this.settings, { auto: true, floor: null, ceiling: null });
    this.controls.show();
  }

  #onHashChange() {
    const { product } = this.settings;
    this.foregroundRows.release();
    Object.assign(this.settings, parse(location.hash));
    if (!(this.settings.palette in this.palettes)) this.settings.palette = "viridis";
    this.controls.show();
    this.controls.showInterval(this.timeline);
    this.bursts.show();
    this.#applyTheme();
    if (this.settings.product !== product) this.connection.choose(this.settings.product);
    this.levels.drop();
    this.dirty = true;
  }

  #applyTheme() {
    Object.assign(this, applyTheme(this.settings.theme));
    this.dirty = true;
  }

  // Drawing

  #drawIfDue(at) {
    // Draw up to 8 ms early, so that a rate of 60 Hz uses every refresh of a 60 Hz screen.
    if (!this.dirty || at - this.drawnAt < 1000 / this.settings.rate - 8) return;
    this.drawnAt = at;
    this.dirty = false;
    const started = now();
    try {
      this.#draw();
      this.failed = "";
    } catch (error) {
      // The next data may be drawable again.
      if (this.failed !== error.message) console.error(error);
      this.failed = error.message;
    }
    this.frames.add(at, now() - started);
  }

  #draw() {
    const { history, axis, colours, font, settings, levels } = this;
    const isTimeline = this.timelinePicture.show();
    const low = axis ? axis.low_mhz : 0, high = axis ? low + axis.bins * axis.bin_mhz : 1;
    this.frame = this.timelinePicture.frame ?? { left: font * 4, right: font * 4.2, low, high };
    if (isTimeline) {
      this.timelinePicture.draw();
      return;
    }
    const ready = axis !== null && history.filled > 0;
    const indices = this.indices = history.window(settings.height);
    if (settings.remove_background) this.foregroundRows.update(indices);
    this.showCaption(this.shown === this.foregroundRows ? `${history.product}, ${REMOVED}` : "");
    levels.find(this.shown, indices, this.pausedMessages !== null);
    const row = ready ? history.row(history.newest) : null;
    if (axis) this.spectrum.draw({ row, history, frame: this.frame, linear: settings.linear, powerUnit: axis.unit, colours, font });
    if (!ready) return;
    this.fitWaterfall();
    this.painter.draw({ history: this.shown, indices, ...this.colouring(history.product) });
    this.drawAxes(history.product);
    drawTimes(element("times"), this.box, { history, indices, cadence: this.cadence, colours, font });
    drawRowMarks(this, indices);
    showCursorLines(this.cursor ?? this.pointed, this.box, indices.length, history.bins);
    this.#showReadout();
  }

  /** Returns how powers of a product become colours. */
  colouring(product) {
    const diverging = isSigned(product), { masked, gap, unknown } = this;
    return {
      levels: this.levels.onScale(product), decibels: !diverging && !this.settings.linear, diverging, masked, gap, unknown,
      palette: this.palettes[diverging ? "diverging" : this.settings.palette],
    };
  }

  /** Shows a caption; hides it if the text is empty. */
  showCaption(words) {
    element("caption").hidden = !words;
    setText("caption", words);
    const link = element("figure"), address = this.settings.remove_background ? "plot?remove_background=1" : "plot";
    if (link.getAttribute("href") !== address) link.setAttribute("href", address);
  }

  drawAxes(product, powerUnit = this.axis?.unit) {
    const { frame, colours, font, light } = this, canvas = element("scales");
    const { levels, palette } = this.colouring(product), unit = unitOf(product, this.settings.linear, powerUnit);
    const known = [canvas.clientWidth, canvas.clientHeight, frame.low, frame.high, ...levels, unit, colours.text, font, light].join();
    if (known === this.axesKey && palette === this.axesPalette) return;
    this.axesKey = known;
    this.axesPalette = palette;
    drawAxes(canvas, { frame, levels, unit, palette, colours, font });
  }

  get cadence() { return this.status?.cadence_s ?? null; }

  /** Fits the canvases to their box. */
  fitWaterfall() {
    const canvas = element("waterfall"), holder = element("waterfall-box");
    const box = waterfallBox(holder.clientWidth, holder.clientHeight, this.frame, this.font);
    const ratio = globalThis.devicePixelRatio || 1;
    const width = Math.max(1, box.right - box.left), height = Math.max(1, box.bottom - box.top);
    const known = [box.left, box.top, width, height, ratio].join();
    if (known === this.waterfallKey) return;
    this.waterfallKey = known;
    Object.assign(canvas.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${width}px`, height: `${height}px` });
    Object.assign(element("times").style, { top: `${box.bottom}px`, height: `${holder.clientHeight - box.bottom}px` });
    this.box = box;
    const wide = Math.round(width * ratio), high = Math.round(height * ratio);
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    this.timelinePicture.fit(canvas);
  }

  // Cursor and readout

  #point(id, event) {
    element("readout").setAttribute("aria-live", "off");
    const { offsetX: x, offsetY: y } = event, { indices, history } = this;
    if (this.timeline.isActive) {
      this.timelinePicture.point(id, x, y);
      return;
    }
    if (!indices) return;
    this.pointed = id === "waterfall" ? cellAt(x, y, indices.length, history.bins) : this.#newestAt(this.spectrum.binAt(x, history.bins));
    this.dirty = true;
  }

  #newestAt(bin) { return bin < 0 ? null : { column: this.indices.length - 1, bin }; }

  #moveCursor(columns, bins) {
    // Screen readers read the readout aloud after a key. A moving pointer would make them read continuously.
    element("readout").setAttribute("aria-live", columns === null ? "off" : "polite");
    if (columns === null) this.cursor = null;
    else if (this.timeline.isActive) this.cursor = this.timelinePicture.movedCursor(this.cursor, columns, bins);
    else if (this.indices && this.history.filled) {
      this.cursor = movedCell(this.cursor, columns, bins, this.indices.length, this.history.bins);
    }
    this.dirty = true;
  }

  #showReadout() {
    const cell = this.cursor ?? this.pointed;
    const { history, indices, frame, cadence } = this;
    if (!cell || cell.bin >= history.bins) {
      setText("readout", this.missing || this.timeline.cache.problem || "Point at a picture to read it.");
      return;
    }
    const foreground = this.shown === this.foregroundRows ? this.foregroundRows : null;
    setText("readout", readoutText(cell, { history, foreground, indices, frame, cadence, unit: this.axis?.unit }) + this.bursts.remark);
  }

  // Readings

  #showReadings() {
    const at = now(), { status } = this;
    const statusAge = (at - this.statusAt) / 1000;
    const rowAge = this.rowAt ? (at - this.rowAt) / 1000 : null;
    const state = streamState({
      connected: this.connection.connected, status, statusAge, rowAge, paused: this.pausedMessages !== null, waiting: this.waiting,
    });
    this.state = state;
    const badge = element("state");
    if (badge.value !== state.word) badge.value = state.word;
    badge.className = `state ${state.kind}`;
    setText("why", state.why);
    document.documentElement.classList.toggle("stale", state.stale && !this.timelinePicture.isEarlier);
    this.#showBanner(state);
    if (status) showStatus(status, statusAge, this.history);
    setText("statistics", statistics(this.history, this.frames, this.connection.bytes + this.timeline.cache.counts.bytes));
  }

  #showBanner(state) {
    const { isEarlier } = this.timelinePicture, isEmpty = !this.history.filled && !this.timeline.isActive;
    showBanner({ state, stale: state.stale && !isEarlier, isEmpty, failed: this.failed, missing: this.missing });
  }

  /** Returns the waterfall as a data URL. It is drawn first, because a WebGL canvas does not keep a displayed picture. */
  picture() {
    this.#draw();
    return element(this.timeline.isActive ? "timeline" : "waterfall").toDataURL("image/png");
  }

  /** State of the page, only for tests and benches. */
  get report() { return reportOf(this); }
}

function fullscreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else element("view").requestFullscreen?.();
}

/** Shows why there is no picture yet. */
function showProblem(why) {
  element("state").value = "DISCONNECTED";
  setText("why", why);
}

const problem = unpackingProblem();
const page = problem ? showProblem(problem) : new Page(await palettes(showProblem));
if (page) Object.defineProperty(globalThis, "sunspec", { value: { get report() { return page.report; }, picture: () => page.picture() } });
