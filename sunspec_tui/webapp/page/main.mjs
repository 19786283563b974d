// The page: joins the stream, the rows, the pictures and the controls. What each of them does stands in its own module.

import { clock } from "./axes.mjs";
import { REMOVED, WithoutBackground } from "./background.mjs";
import { Controls } from "./controls.mjs";
import { Held } from "./held.mjs";
import { CAPACITY, History } from "./history.mjs";
import { unpackingProblem } from "./inflate.mjs";
import { fromDb, isSigned, pictureLevels, toDb } from "./levels.mjs";
import { Live } from "./live.mjs";
import { painterFor } from "./painters.mjs";
import { palettes } from "./palettes.mjs";
import { HISTORY } from "./protocol.mjs";
import { element, say, showStatus, worded } from "./readings.mjs";
import { drawScales, drawTimes, waterfallBox } from "./scales.mjs";
import { format, parse } from "./settings.mjs";
import { SpectrumPainter } from "./spectrum.mjs";
import { judged } from "./state.mjs";

const LEVELS_MS = 1000, READINGS_MS = 250;
const now = () => performance.now();

class Page {
  constructor(palettes) {
    this.palettes = palettes;
    this.settings = parse(location.hash);
    this.history = new History();
    this.cleared = new WithoutBackground(this.history);
    this.axis = null;
    this.status = null;
    this.statusAt = this.rowAt = 0;
    this.held = null; // messages that wait while the picture stands
    this.levels = null;
    this.levelsAt = -Infinity;
    this.cursor = null;
    this.dirty = true;
    this.drawnAt = -Infinity;
    this.frames = { drawn: 0, times: [], cost: [] };
    this.spectrum = new SpectrumPainter(element("spectrum"));
    this.painter = painterFor(element("waterfall"), this.settings.renderer);
    element("renderer").textContent = this.painter.constructor.title;
    this.controls = new Controls(this.settings, {
      changed: (key) => this.#changed(key),
      pause: () => this.pause(),
      refresh: () => this.live.choose(this.settings.product),
      fullscreen: () => fullscreen(),
      cursor: (columns, bins) => this.#moveCursor(columns, bins),
    });
    this.controls.offer("palette", Object.keys(palettes).filter((name) => name !== "diverging"));
    this.controls.offer("product", [this.settings.product]);
    if (!(this.settings.palette in palettes)) this.controls.set("palette", "viridis");
    this.live = new Live(this.settings.product, {
      open: () => { this.waiting = ""; },
      closed: (reason) => { this.waiting = reason ? `${reason}, trying again` : ""; },
      text: (record) => this.#told(record),
      rows: (message) => this.#arrived(message),
    });
    this.#watch();
    this.#dress();
  }

  #watch() {
    new ResizeObserver(() => { this.dirty = true; }).observe(element("view"));
    for (const id of ["waterfall", "spectrum"]) {
      element(id).addEventListener("pointermove", (event) => this.#point(id, event));
      element(id).addEventListener("pointerdown", (event) => this.#point(id, event));
      element(id).addEventListener("pointerleave", () => { this.pointed = null; this.dirty = true; });
    }
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => this.#dress());
    addEventListener("hashchange", () => this.#readdressed());
    setInterval(() => this.#showReadings(), READINGS_MS);
    const look = (at) => {
      requestAnimationFrame(look);
      this.#look(at);
    };
    requestAnimationFrame(look);
  }

  // What comes

  #told(record) {
    if (record.type === "status") {
      const isFirst = !this.status;
      this.status = record;
      this.statusAt = now();
      if (isFirst) this.#showReadings();
    } else if (record.type === "axis") {
      // A picture that stands keeps the axis of its rows.
      if (this.held) this.held.push(record);
      else this.axis = record;
      this.controls.offer("product", record.products);
      if (record.product !== this.settings.product && record.product === this.live.product) this.settings.product = record.product;
      this.missing = record.products.includes(record.product) ? "" : `this stream does not carry ${record.product}`;
    }
    this.dirty = true;
  }

  #arrived(message) {
    this.rowAt = now() - (message.kind === HISTORY && this.status?.silence_s ? 1000 * this.status.silence_s : 0);
    const wasEmpty = !this.history.filled;
    if (!this.held) this.#take(message);
    else this.held.push(message);
    // The first picture has no banner over it, whenever the readings are due.
    if (wasEmpty && this.history.filled) this.#showReadings();
  }

  #take(message) {
    const places = this.history.take(message);
    if (this.settings.remove_background) this.cleared.take(places);
    this.painter.load(this.shown, places);
    if (places === null) this.#forgetLevels();
    this.dirty = true;
  }

  /** The rows as the waterfall shows them. */
  get shown() {
    return this.settings.remove_background && this.cleared.isReady ? this.cleared : this.history;
  }

  pause() {
    const held = this.held;
    this.held = held ? null : new Held(CAPACITY);
    for (const message of held?.messages ?? []) {
      if (message.type === "axis") this.axis = message;
      else this.#take(message);
    }
    if (held?.isFull) this.live.choose(this.settings.product);
    this.controls.paused(this.held !== null);
    this.dirty = true;
  }

  // What is chosen

  #changed(key) {
    if (key === "product") {
      this.#forgetLevels();
      // Levels of power are none for a product with signs, nor the other way round.
      if (isSigned(this.history.product) !== isSigned(this.settings.product)) this.#findLevelsAgain();
      if (this.held) this.pause();
      this.live.choose(this.settings.product);
    }
    if (key === "theme") this.#dress();
    if (key === "remove_background") {
      this.cleared.end();
      this.#forgetLevels();
      // Levels of power are none over the background, nor the other way round.
      this.#findLevelsAgain();
    }
    if (key === "height") this.cleared.forget();
    if (["auto", "linear", "height"].includes(key)) this.levelsAt = -Infinity;
    history.replaceState(null, "", format(this.settings) || location.pathname + location.search);
    this.dirty = true;
  }

  #findLevelsAgain() {
    Object.assign(this.settings, { auto: true, floor: null, ceiling: null });
    this.controls.show();
  }

  #readdressed() {
    const { product } = this.settings;
    this.cleared.end();
    Object.assign(this.settings, parse(location.hash));
    if (!(this.settings.palette in this.palettes)) this.settings.palette = "viridis";
    this.controls.show();
    this.#dress();
    if (this.settings.product !== product) this.live.choose(this.settings.product);
    this.#forgetLevels();
    this.dirty = true;
  }

  #forgetLevels() {
    this.levels = null;
    this.levelsAt = -Infinity;
  }

  #dress() {
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

  // The pictures

  #look(at) {
    // Half a refresh early, so that 60 Hz on a screen of 60 Hz leaves out none.
    if (!this.dirty || at - this.drawnAt < 1000 / this.settings.rate - 8) return;
    this.drawnAt = at;
    this.dirty = false;
    const begun = now();
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
    this.frames.cost.push(now() - begun);
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
    const places = this.places = history.window(this.settings.height);
    if (this.settings.remove_background) this.cleared.follow(places);
    this.#caption();
    this.#findLevels(places);
    const row = ready ? history.row(history.newest) : null;
    if (axis) this.spectrum.draw({ row, history, frame: this.frame, linear: this.settings.linear, colours, font });
    if (!ready) return;
    const decibels = !isSigned(history.product) && !this.settings.linear;
    const diverging = isSigned(history.product);
    const palette = this.palettes[diverging ? "diverging" : this.settings.palette];
    const { levels, masked, gap } = this;
    this.#fitWaterfall();
    this.painter.draw({ history: this.shown, places, levels: this.#onScale(levels), decibels, palette, diverging, masked, gap });
    this.#drawScales(decibels ? "dB" : history.product === "V/I" ? "" : "linear", palette);
    drawTimes(element("times"), this.box, { history, places, cadence: this.cadence, colours, font });
    this.#showCursor();
    this.#readOut();
  }

  /** What was done to the power that the waterfall shows. */
  #caption() {
    const removed = this.shown === this.cleared;
    element("caption").hidden = !removed;
    say("caption", removed ? `${this.history.product}, ${REMOVED}` : "");
    const link = element("figure"), address = this.settings.remove_background ? "plot?remove_background=1" : "plot";
    if (link.getAttribute("href") !== address) link.setAttribute("href", address);
  }

  #drawScales(unit, palette) {
    const { frame, colours, font } = this, canvas = element("scales");
    const levels = this.#onScale(this.levels);
    const { light } = document.documentElement.classList;
    const known = [canvas.clientWidth, canvas.clientHeight, frame.low, frame.high, ...levels, unit, colours.text, font, light].join();
    if (known === this.scalesKnown && palette === this.scalesPalette) return;
    this.scalesKnown = known;
    this.scalesPalette = palette;
    drawScales(canvas, { frame, levels, unit, palette, colours, font });
  }

  /** Two lines through the place that is read. */
  #showCursor() {
    const cell = this.cursor ?? this.pointed, { box, places, history } = this;
    const along = element("along"), across = element("across");
    along.hidden = across.hidden = !cell;
    if (!cell) return;
    const x = box.left + (cell.column + 0.5) / places.length * (box.right - box.left);
    const y = box.bottom - (cell.bin + 0.5) / history.bins * (box.bottom - box.top);
    Object.assign(along.style, { left: `${x}px`, top: `${box.top}px`, height: `${box.bottom - box.top}px` });
    Object.assign(across.style, { left: `${box.left}px`, top: `${y}px`, width: `${box.right - box.left}px` });
  }

  get cadence() {
    return this.status?.cadence_s ?? null;
  }

  #findLevels(places) {
    const { history, settings } = this;
    if (!history.filled) return;
    const signed = isSigned(history.product);
    if (!settings.auto && settings.ceiling !== null && (signed || (settings.floor !== null && settings.floor < settings.ceiling))) {
      const size = fromDb(settings.ceiling);
      this.levels = signed ? [-size, size] : [settings.floor, settings.ceiling];
    } else if (this.#levelsAreDue()) {
      this.levelsAt = now();
      this.levels = pictureLevels(this.shown, places, this.levels);
      // Those of a signed product are one number, which is none of the others'.
      this.controls.showLevels(signed ? null : this.levels[0], signed ? toDb(this.levels[1]) : this.levels[1]);
    }
  }

  /** A paused picture keeps its levels until a setting asks for others. */
  #levelsAreDue() {
    return this.held === null ? now() - this.levelsAt > LEVELS_MS : this.levelsAt === -Infinity;
  }

  /** Levels in what the colours are drawn by: decibels, or power. */
  #onScale(levels) {
    return isSigned(this.history.product) || !this.settings.linear ? levels : levels.map(fromDb);
  }

  #fitWaterfall() {
    const canvas = element("waterfall"), holder = element("waterfall-box");
    const box = waterfallBox(holder.clientWidth, holder.clientHeight, this.frame, this.font);
    const ratio = globalThis.devicePixelRatio || 1;
    const width = Math.max(1, box.right - box.left), height = Math.max(1, box.bottom - box.top);
    const known = [box.left, box.top, width, height, ratio].join();
    if (known === this.fitted) return;
    this.fitted = known;
    Object.assign(canvas.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${width}px`, height: `${height}px` });
    Object.assign(element("times").style, { top: `${box.bottom}px`, height: `${holder.clientHeight - box.bottom}px` });
    this.box = box;
    const wide = Math.round(width * ratio), high = Math.round(height * ratio);
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  }

  // Reading a picture

  #point(id, event) {
    const { x, y } = { x: event.offsetX, y: event.offsetY };
    element("readout").setAttribute("aria-live", "off");
    this.pointed = id === "waterfall" ? this.#cellAt(x, y) : this.#newestAt(this.spectrum.binAt(x, this.history.bins));
    this.dirty = true;
  }

  #cellAt(x, y) {
    const { places, history } = this, { clientWidth: width, clientHeight: height } = element("waterfall");
    if (!places || x < 0 || x >= width || y < 0 || y >= height) return null;
    return { column: Math.floor(x / width * places.length), bin: Math.floor((height - y) / height * history.bins) };
  }

  #newestAt(bin) {
    return bin < 0 || !this.places ? null : { column: this.places.length - 1, bin };
  }

  #moveCursor(columns, bins) {
    // Read aloud where a key has moved it; a pointer would never let it end.
    element("readout").setAttribute("aria-live", columns === null ? "off" : "polite");
    if (columns === null) this.cursor = null;
    else if (this.places && this.history.filled) {
      const { column, bin } = this.cursor ?? { column: this.places.length - 1, bin: this.history.bins >> 1 };
      this.cursor = {
        column: Math.min(this.places.length - 1, Math.max(0, column + columns)),
        bin: Math.min(this.history.bins - 1, Math.max(0, bin + 4 * bins)),
      };
    }
    this.dirty = true;
  }

  #readOut() {
    const cell = this.cursor ?? this.pointed;
    const { history, frame } = this;
    if (!cell || cell.bin >= history.bins) {
      say("readout", this.missing || "Point at a picture to read it.");
      return;
    }
    const mhz = frame.low + (cell.bin + 0.5) / history.bins * (frame.high - frame.low);
    const place = this.places[cell.column] ?? -1;
    const time = clock(history.timeAt(this.places, cell.column, this.cadence), 2);
    const power = place < 0 ? NaN : history.row(place)[cell.bin];
    const over = place >= 0 && this.shown === this.cleared ? this.cleared.row(place)[cell.bin] : null;
    say("readout", `${time} UTC   ${mhz.toFixed(3)} MHz   ${history.product} ${worded(place, power, history.product, over)}`);
  }

  // The readings

  #showReadings() {
    const at = now(), { status } = this;
    const statusAge = (at - this.statusAt) / 1000;
    const rowAge = this.rowAt ? (at - this.rowAt) / 1000 : null;
    const state = judged({
      connected: this.live.connected, status, statusAge, rowAge, paused: this.held !== null, waiting: this.waiting,
    });
    this.state = state;
    const badge = element("state");
    if (badge.value !== state.word) badge.value = state.word;
    badge.className = `state ${state.kind}`;
    say("why", state.why);
    document.documentElement.classList.toggle("stale", state.stale);
    this.#showBanner(state);
    if (status) showStatus(status, statusAge, this.history);
    const { counts } = this.history, { times, cost } = this.frames;
    const mean = cost.length ? cost.reduce((a, b) => a + b, 0) / cost.length : 0;
    say("statistics", `${times.length} frames/s drawn, ${mean.toFixed(1)} ms each; rows ${counts.received} received, `
      + `${counts.skipped} skipped, ${counts.twice} twice; ${(this.live.bytes / 1e6).toFixed(1)} MB`);
  }

  #showBanner(state) {
    const banner = element("banner");
    const empty = !this.history.filled;
    banner.hidden = !state.stale && !empty && !this.failed;
    banner.classList.toggle("quiet", !state.stale);
    const words = this.failed ? `The picture cannot be drawn: ${this.failed}` : state.stale ? `${state.word}: ${state.why}` : this.missing || `Nothing has been received yet. ${state.why}`;
    say("banner", words);
  }

  /** The waterfall as a PNG in a URL, drawn at once: a canvas of WebGL keeps no picture that was shown. */
  picture() {
    this.#draw();
    return element("waterfall").toDataURL("image/png");
  }

  /** What tests and benches read; nothing else does. */
  get report() {
    const { history, frames, settings, levels, state, axis, live } = this;
    const { times, cost } = frames;
    return {
      state: state?.word, why: state?.why, settings: { ...settings }, levels, removed: this.shown === this.cleared, counts: { ...history.counts }, next: history.next,
      filled: history.filled, product: history.product, drawn: frames.drawn, fps: times.length, cost: [...cost], axis,
      bytes: live.bytes, newest: history.filled ? history.times[history.newest] : null, renderer: this.painter.constructor.title,
    };
  }
}

function fullscreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else element("view").requestFullscreen?.();
}

/** Shows why there is no picture yet. */
function excuse(why) {
  element("state").value = "DISCONNECTED";
  say("why", why);
}

const problem = unpackingProblem();
const page = problem ? excuse(problem) : new Page(await palettes(excuse));
if (page) Object.defineProperty(globalThis, "sunspec", { value: { get report() { return page.report; }, picture: () => page.picture() } });
