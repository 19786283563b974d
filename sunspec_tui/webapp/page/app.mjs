// The page's main module: connects stream, row buffer, pictures and controls.

import { REMOVED, WithoutBackground } from "./background.mjs";
import { Controls } from "./controls.mjs";
import { cellAt, movedCell, readoutText, showCursorLines } from "./cursor.mjs";
import { PausedMessages } from "./paused-messages.mjs";
import { CAPACITY, RowBuffer } from "./row-buffer.mjs";
import { unpackingProblem } from "./inflate.mjs";
import { barUnit, fromDb, isSigned, pictureLevels, toDb } from "./levels.mjs";
import { Connection } from "./connection.mjs";
import { Notes } from "./notes.mjs";
import { painterFor } from "./painters.mjs";
import { palettes } from "./palettes.mjs";
import { HISTORY } from "./row-messages.mjs";
import { element, setText, showStatus } from "./status-text.mjs";
import { drawAxes, drawTimes, waterfallBox } from "./axes-canvas.mjs";
import { format, parse } from "./url-settings.mjs";
import { SpectrumPainter } from "./spectrum.mjs";
import { streamState } from "./stream-state.mjs";

const LEVELS_MS = 1000, READINGS_MS = 250;
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
    this.levels = null;
    this.levelsAt = -Infinity;
    this.cursor = null;
    this.dirty = true;
    this.drawnAt = -Infinity;
    this.frames = { drawn: 0, times: [], cost: [] };
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
    });
    this.controls.offer("palette", Object.keys(palettes).filter((name) => name !== "diverging"));
    this.controls.offer("product", [this.settings.product]);
    if (!(this.settings.palette in palettes)) this.controls.set("palette", "viridis");
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
    if (indices === null) this.#dropLevels();
    this.dirty = true;
  }

  /** Rows that the waterfall shows, with or without the background. */
  get shown() {
    return this.settings.remove_background && this.foregroundRows.isReady ? this.foregroundRows : this.history;
  }

  pause() {
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
      this.#dropLevels();
      // Levels of a power do not fit a signed product, nor the reverse.
      if (isSigned(this.history.product) !== isSigned(this.settings.product)) this.#resetLevels();
      if (this.pausedMessages) this.pause();
      this.connection.choose(this.settings.product);
    }
    if (key === "theme") this.#applyTheme();
    if (key === "remove_background") {
      this.foregroundRows.release();
      this.#dropLevels();
      // Levels of a power do not fit rows without the background, nor the reverse.
      this.#resetLevels();
    }
    if (key === "height") this.foregroundRows.expire();
    if (["auto", "linear", "height"].includes(key)) this.levelsAt = -Infinity;
    history.replaceState(null, "", format(this.settings) || location.pathname + location.search);
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
    this.#applyTheme();
    if (this.settings.product !== product) this.connection.choose(this.settings.product);
    this.#dropLevels();
    this.dirty = true;
  }

  #dropLevels() { Object.assign(this, { levels: null, levelsAt: -Infinity }); }

  #applyTheme() {
    const light = this.settings.theme === "light"
      || (this.settings.theme === "system" && matchMedia("(prefers-color-scheme: light)").matches);
    document.documentElement.classList.toggle("light", light);
    const style = getComputedStyle(document.documentElement);
    this.colours = Object.fromEntries(["text", "dim", "line", "first", "second", "bad"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.masked = light ? [150, 154, 160] : [96, 102, 110];
    this.gap = light ? [226, 228, 226] : [30, 37, 44];
    this.font = parseFloat(getComputedStyle(document.body).fontSize) * 0.85;
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
    this.frames.drawn++;
    this.frames.times.push(at);
    this.frames.cost.push(now() - started);
    while (this.frames.times[0] < at - 1000) {
      this.frames.times.shift();
      this.frames.cost.shift();
    }
  }

  #draw() {
    const { history, axis, colours, font } = this;
    const low = axis ? axis.low_mhz : 0, high = axis ? low + axis.bins * axis.bin_mhz : 1;
    this.frame = { left: font * 4, right: font * 4.2, low, high };
    const ready = axis !== null && history.filled > 0;
    const indices = this.indices = history.window(this.settings.height);
    if (this.settings.remove_background) this.foregroundRows.update(indices);
    this.#showCaption();
    this.#findLevels(indices);
    const row = ready ? history.row(history.newest) : null;
    if (axis) this.spectrum.draw({ row, history, frame: this.frame, linear: this.settings.linear, powerUnit: axis.unit, colours, font });
    if (!ready) return;
    const decibels = !isSigned(history.product) && !this.settings.linear;
    const diverging = isSigned(history.product);
    const palette = this.palettes[diverging ? "diverging" : this.settings.palette];
    const { levels, masked, gap } = this;
    this.#fitWaterfall();
    this.painter.draw({ history: this.shown, indices, levels: this.#onScale(levels), decibels, palette, diverging, masked, gap });
    this.#drawAxes(barUnit(axis.unit, history.product, decibels), palette);
    drawTimes(element("times"), this.box, { history, indices, cadence: this.cadence, colours, font });
    this.notes.update(this.status?.observer_notes, this.#oldestTime(indices));
    this.notes.draw({ box: this.box, history, indices, cadence: this.cadence, colours, font, column: (this.cursor ?? this.pointed)?.column });
    showCursorLines(this.cursor ?? this.pointed, this.box, indices.length, history.bins);
    this.#showReadout();
  }

  /** Shows a caption if the background is removed. */
  #showCaption() {
    const removed = this.shown === this.foregroundRows;
    element("caption").hidden = !removed;
    setText("caption", removed ? `${this.history.product}, ${REMOVED}` : "");
    const link = element("figure"), address = this.settings.remove_background ? "plot?remove_background=1" : "plot";
    if (link.getAttribute("href") !== address) link.setAttribute("href", address);
  }

  #drawAxes(unit, palette) {
    const { frame, colours, font } = this, canvas = element("scales");
    const levels = this.#onScale(this.levels);
    const { light } = document.documentElement.classList;
    const known = [canvas.clientWidth, canvas.clientHeight, frame.low, frame.high, ...levels, unit, colours.text, font, light].join();
    if (known === this.axesKey && palette === this.axesPalette) return;
    this.axesKey = known;
    this.axesPalette = palette;
    drawAxes(canvas, { frame, levels, unit, palette, colours, font });
  }

  get cadence() { return this.status?.cadence_s ?? null; }

  #oldestTime(indices) { return this.history.times[indices.find((index) => index >= 0)] - (this.cadence ?? 0); }

  #findLevels(indices) {
    const { history, settings } = this;
    if (!history.filled) return;
    const signed = isSigned(history.product);
    if (!settings.auto && settings.ceiling !== null && (signed || (settings.floor !== null && settings.floor < settings.ceiling))) {
      const size = fromDb(settings.ceiling);
      this.levels = signed ? [-size, size] : [settings.floor, settings.ceiling];
    } else if (this.#levelsAreDue()) {
      this.levelsAt = now();
      this.levels = pictureLevels(this.shown, indices, this.levels);
      // The levels of a signed product are symmetric about zero, so it has only a ceiling.
      this.controls.showLevels(signed ? null : this.levels[0], signed ? toDb(this.levels[1]) : this.levels[1]);
    }
  }

  /** Returns true if levels are due; a paused picture keeps its levels until a setting changes. */
  #levelsAreDue() {
    return this.pausedMessages === null ? now() - this.levelsAt > LEVELS_MS : this.levelsAt === -Infinity;
  }

  /** Returns levels on the scale of the colours: decibels, or power. */
  #onScale(levels) {
    return isSigned(this.history.product) || !this.settings.linear ? levels : levels.map(fromDb);
  }

  #fitWaterfall() {
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
  }

  // Cursor and readout

  #point(id, event) {
    element("readout").setAttribute("aria-live", "off");
    const { offsetX: x, offsetY: y } = event, { indices, history } = this;
    if (!indices) return;
    this.pointed = id === "waterfall" ? cellAt(x, y, indices.length, history.bins) : this.#newestAt(this.spectrum.binAt(x, history.bins));
    this.dirty = true;
  }

  #newestAt(bin) { return bin < 0 ? null : { column: this.indices.length - 1, bin }; }

  #moveCursor(columns, bins) {
    // Screen readers read the readout aloud after a key. A moving pointer would make them read continuously.
    element("readout").setAttribute("aria-live", columns === null ? "off" : "polite");
    if (columns === null) this.cursor = null;
    else if (this.indices && this.history.filled) {
      this.cursor = movedCell(this.cursor, columns, bins, this.indices.length, this.history.bins);
    }
    this.dirty = true;
  }

  #showReadout() {
    const cell = this.cursor ?? this.pointed;
    const { history, indices, frame, cadence } = this;
    if (!cell || cell.bin >= history.bins) {
      setText("readout", this.missing || "Point at a picture to read it.");
      return;
    }
    const foreground = this.shown === this.foregroundRows ? this.foregroundRows : null;
    setText("readout", readoutText(cell, { history, foreground, indices, frame, cadence, unit: this.axis?.unit }));
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
    document.documentElement.classList.toggle("stale", state.stale);
    this.#showBanner(state);
    if (status) showStatus(status, statusAge, this.history);
    const { counts } = this.history, { times, cost } = this.frames;
    const mean = cost.length ? cost.reduce((a, b) => a + b, 0) / cost.length : 0;
    setText("statistics", `${times.length} frames/s drawn, ${mean.toFixed(1)} ms each; rows ${counts.received} received, `
      + `${counts.skipped} skipped, ${counts.twice} twice; ${(this.connection.bytes / 1e6).toFixed(1)} MB`);
  }

  #showBanner(state) {
    const banner = element("banner");
    const empty = !this.history.filled;
    banner.hidden = !state.stale && !empty && !this.failed;
    banner.classList.toggle("quiet", !state.stale);
    const words = this.failed ? `The picture cannot be drawn: ${this.failed}` : state.stale ? `${state.word}: ${state.why}` : this.missing || `Nothing has been received yet. ${state.why}`;
    setText("banner", words);
  }

  /** Returns the waterfall as a data URL. It is drawn first, because a WebGL canvas does not keep a displayed picture. */
  picture() {
    this.#draw();
    return element("waterfall").toDataURL("image/png");
  }

  /** State of the page, only for tests and benches. */
  get report() {
    const { history, frames, settings, levels, state, axis, connection } = this;
    const { times, cost } = frames;
    return {
      state: state?.word, why: state?.why, settings: { ...settings }, levels, removed: this.shown === this.foregroundRows, counts: { ...history.counts }, next: history.next,
      filled: history.filled, product: history.product, drawn: frames.drawn, fps: times.length, cost: [...cost], axis,
      bytes: connection.bytes, newest: history.filled ? history.times[history.newest] : null, renderer: this.painter.constructor.title,
      notes: this.notes.places,
    };
  }
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
