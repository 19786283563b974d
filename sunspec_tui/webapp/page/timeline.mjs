// Show any interval of the timeline, from ten seconds to a month: choose tiles, draw them, and the newest rows after them.

import { ColumnSet } from "./column-set.mjs";
import { MAX_SPAN_S, MIN_SPAN_S, stepFor, tilesBetween } from "./history-tiles.mjs";
import { LiveTail } from "./live-tail.mjs";
import { isSigned } from "./levels.mjs";
import { CAPACITY } from "./row-buffer.mjs";
import { TileCache } from "./tile-cache.mjs";
import { ColumnColours, evenRuns, tileImage } from "./tile-image.mjs";
import { endsAtNewest, moved, withinKnown, zoomed } from "./time-view.mjs";
import { BOUNDS } from "./url-settings.mjs";

const BACKGROUND_MS = 1000, MARGIN_S = 60, MIN_COLUMNS = 256, MAX_COLUMNS = 1024;

export class Timeline {
  /** `settings` is changed in place; `page` has `history`, `axis`, `cadence`, `redraw()` and `moved()`, called when the interval has changed. */
  constructor(settings, page) {
    this.settings = settings;
    this.page = page;
    this.cache = new TileCache(() => this.#changed());
    this.tail = new LiveTail();
    this.set = null;
    this.setKey = "";
    this.isLoading = false;
    this.background = null;
    this.backgroundAt = -Infinity;
  }

  /** True if the picture shows an interval of the timeline, false if it shows the newest rows. */
  get isActive() { return this.settings.span > 0 || this.settings.start !== null; }

  /** True if the picture ends at the newest time and moves with it. */
  get follows() { return this.settings.start === null; }

  /** Newest known time: that of the newest row, or of the timeline. */
  get newest() {
    const { history } = this.page, row = history.filled ? history.times[history.newest] : -Infinity;
    return Math.max(row, this.cache.description?.end_s ?? -Infinity);
  }

  get oldest() { return this.cache.description?.begin_s ?? this.newest; }

  /** Interval of the picture. */
  get interval() {
    const { settings, newest, page } = this;
    if (settings.start !== null) return { begin: settings.start, end: settings.end };
    return { begin: newest - (settings.span || settings.height * (page.cadence > 0 ? page.cadence : 0.25)), end: newest };
  }

  // Zoom and pan

  /** Shows `factor` times as much time; the time at `share` of the width stays where it is. */
  zoom(factor, share) {
    const { interval } = this;
    if (!Number.isFinite(interval.end)) return;
    // While the picture follows the stream, it shows more time without losing the newest rows.
    if (this.follows && (factor > 1 || share > 0.9)) this.#follow((interval.end - interval.begin) * factor);
    else this.#show(zoomed(interval, factor, share));
  }

  /** Moves the picture by a share of its width. */
  pan(share) {
    if (!Number.isFinite(this.newest) || (this.follows && share > 0)) return;
    this.#show(moved(this.interval, share));
  }

  /** Returns to the newest time, with the same span. */
  toLive() {
    const { begin, end } = this.interval;
    this.#follow(end - begin);
  }

  /** Shows the oldest known time. */
  toOldest() {
    const { begin, end } = this.interval, { oldest } = this;
    if (this.cache.description === null) this.cache.request([], this.settings.product);
    if (oldest < begin) this.#show({ begin: oldest, end: oldest + end - begin });
  }

  /** Shows a span that ends where the picture ends now. */
  toSpan(span) {
    const { end } = this.interval;
    if (this.follows) this.#follow(span);
    else this.#show({ begin: end - span, end });
  }

  /** Shows an interval, and before and after it as much time again, at least a minute. */
  showAround(begin, end) {
    const margin = Math.max(MARGIN_S, end - begin);
    this.#show({ begin: begin - margin, end: end + margin });
  }

  /** Keeps the interval, or returns to live. */
  toggleFollowing() {
    if (!this.follows) this.toLive();
    else if (Number.isFinite(this.newest)) this.#set({ start: this.interval.begin, end: this.newest, span: 0 });
  }

  /** Shows the newest rows. */
  leave() {
    this.#set({ start: null, end: null, span: 0 });
  }

  #show(interval) {
    const { newest } = this, span = interval.end - interval.begin;
    if (endsAtNewest(interval, newest)) this.#follow(span);
    else {
      const { begin, end } = this.cache.description ? withinKnown(interval, this.oldest, newest) : interval;
      this.#set({ start: Math.max(0, begin), end: Math.max(MIN_SPAN_S, end), span: 0 });
    }
  }

  /** Follows the stream: the newest rows if they have that span, else the timeline. */
  #follow(span) {
    const { cadence } = this.page, rows = span / (cadence > 0 ? cadence : 0.25), [fewest] = BOUNDS.height;
    if (rows <= CAPACITY * 1.01) {
      this.#set({ start: null, end: null, span: 0, height: Math.round(Math.min(CAPACITY, Math.max(fewest, rows))) });
    } else this.#set({ start: null, end: null, span: Math.round(Math.min(MAX_SPAN_S, span)) });
  }

  #set(settings) {
    const keep = this.settings.start === settings.start && this.settings.end === settings.end && this.settings.span === settings.span
      && (settings.height ?? this.settings.height) === this.settings.height;
    if (keep) return;
    Object.assign(this.settings, settings);
    this.page.moved();
  }

  /** A server without a timeline has only the newest rows. */
  #changed() {
    if (this.cache.missing && this.isActive && this.page.history.filled) this.#set({ start: null, end: null, span: 0, height: CAPACITY });
    this.page.redraw();
  }

  // Columns

  /** Requests what the picture needs and returns the loaded columns; `width` is that of the picture in pixels. */
  load(width) {
    const { settings, cache, page } = this, { begin, end } = this.interval;
    const most = Math.min(MAX_COLUMNS, Math.max(MIN_COLUMNS, Math.round(width)));
    const cadence = page.cadence ?? cache.description?.cadence_s;
    // A row belongs to the tile of its end, and may begin before it.
    const last = end + (cadence > 0 ? cadence : 0);
    const tiles = cache.description ? this.#known(tilesBetween(stepFor(end - begin, most, cadence), begin, last)) : [];
    // The newest tiles first.
    cache.request([...tiles].reverse(), settings.product);
    this.tiles = tiles;
    const found = tiles.map((tile) => cache.find(tile, settings.product)).filter(Boolean);
    this.isLoading = cache.description === null || found.length < tiles.length;
    const highest = settings.show === "highest" && !isSigned(settings.product);
    const key = [settings.product, highest, begin, end, found.map((tile) => `${tile.start} ${tile.loadedAt}`)].join();
    if (key !== this.setKey) {
      this.set = new ColumnSet(settings.product, found, { begin, end }, highest);
      this.setKey = key;
    }
    this.#findBackground();
    return this.set;
  }

  /** Leaves out tiles before the oldest and after the newest known time. */
  #known(tiles) {
    return tiles.filter((tile) => tile.end > this.oldest && tile.start <= this.newest);
  }

  #findBackground() {
    const { set, settings } = this, now = performance.now();
    const fits = this.background?.length === set.bins && this.backgroundOf === `${set.product} ${set.highest}`;
    if (!settings.remove_background || !set.filled) this.background = null;
    else if (!fits || (now - this.backgroundAt > BACKGROUND_MS && this.backgroundKey !== this.setKey)) {
      this.background = set.findBackground();
      Object.assign(this, { backgroundAt: now, backgroundKey: this.setKey, backgroundOf: `${set.product} ${set.highest}` });
    }
    set.background = this.background;
  }

  // Drawing

  /** Draws the interval on a canvas. */
  draw(canvas, { levels, decibels, diverging, palette, masked, gap, unknown }) {
    const { width, height } = canvas, context = canvas.getContext("2d", { alpha: false });
    context.imageSmoothingEnabled = false;
    context.fillStyle = css(unknown);
    context.fillRect(0, 0, width, height);
    const { description } = this.cache, { begin, end } = this.interval, { set } = this;
    if (!description || !width || !height) return;
    const x = (time) => Math.round((time - begin) / (end - begin) * width);
    const colours = (bins, wide, background) => new ColumnColours({
      height, bins, exactBins: description.bins / wide, levels, decibels, diverging, palette, masked, background,
    });
    const drawColumns = (tile) => {
      const image = tileImage(tile, set.valuesOf(tile), colours(tile.bins, tile.width, tile.bins === set.bins ? this.background : null));
      for (const { first, after, begin: left, end: right } of evenRuns(tile.begins, tile.ends)) {
        context.drawImage(image, first, 0, after - first, height, x(left), 0, Math.max(1, x(right) - x(left)), height);
      }
    };
    const loaded = this.tiles.map((tile) => this.cache.find(tile, this.settings.product));
    this.tiles.forEach((tile, n) => {
      const [left, right] = [Math.max(tile.start, this.oldest), Math.min(tile.end, this.newest)].map(x);
      if (loaded[n]) {
        context.fillStyle = css(gap);
        context.fillRect(left, 0, right - left, height);
        return;
      }
      context.save();
      context.beginPath();
      context.rect(left, 0, right - left, height);
      context.clip();
      this.#substitutes(tile).forEach(drawColumns);
      context.restore();
    });
    // A row of a tile may begin before the tile does.
    loaded.filter(Boolean).forEach(drawColumns);
    if (set.bins) this.#drawTail(context, x, colours(set.bins, set.width, this.background), height);
  }

  /** Returns loaded tiles of other steps that show a part of a tile, the longest columns first. */
  #substitutes(tile) {
    const { cache, settings, set, background } = this, prefix = `${settings.product} `;
    const fits = (other) => other.end > tile.start && other.start < tile.end && (!background || other.bins === set.bins);
    return [...cache.tiles].filter(([key, other]) => key.startsWith(prefix) && fits(other))
      .map(([, other]) => other).sort((one, other) => other.step - one.step);
  }

  #drawTail(context, x, colours, height) {
    const { history, cadence } = this.page, { set } = this, { end } = this.interval;
    if (history.product !== set.product || !this.#hasLiveAxis) return;
    const last = set.filled ? set.columns.at(-1) : null, from = last ? Math.max(last.tile.ends[last.n] - this.#unfinished(last), 0) : 0;
    const rows = this.tail.rowsAfter(history, from).filter((index) => history.times[index] <= end + 1);
    this.tail.draw(history, rows, { colours, width: set.width, highest: set.highest, cadence }, (image, first, columns, left, right) => {
      context.drawImage(image, first, 0, columns, height, x(left), 0, Math.max(1, x(right) - x(left)), height);
    });
  }

  /** True if the rows of the live stream have the frequencies of the timeline. */
  get #hasLiveAxis() {
    const { axis, history } = this.page, { bins, low_mhz: low, bin_mhz: width } = this.cache.description;
    return axis !== null && history.bins === bins && Math.abs(axis.low_mhz - low) < width / 2 && Math.abs(axis.bin_mhz - width) < width / bins;
  }

  /** Returns the length of the newest column if it may still grow: its rows are then drawn from the live stream. */
  #unfinished({ tile, n }) {
    return !tile.finished && n === tile.count - 1 && tile.rows[n] > 1 ? tile.ends[n] - tile.begins[n] : 0;
  }

  /** Caption of the picture. */
  get caption() {
    const { set, cache, isLoading } = this;
    const parts = [set?.words, cache.problem || (isLoading ? "loading" : "")];
    return parts.filter(Boolean).join(", ");
  }
}

const css = ([red, green, blue]) => `rgb(${red} ${green} ${blue})`;
