// Load tiles of the timeline and keep the newest used ones, up to a limit of memory.

import { decodeColumns, MAX_BYTES } from "./history-message.mjs";
import { isDescription, tileAddress } from "./history-tiles.mjs";
import { imageBytes } from "./tile-image.mjs";

const MAX_CACHE_BYTES = 64 * 2 ** 20, AT_ONCE = 4, RETRY_MS = 3000, MIN_REFRESH_MS = 2000, MAX_REFRESH_MS = 30000;
const DESCRIPTION_MS = 30000;

export class TileCache {
  /** `changed()` is called after each answer. */
  constructor(changed) {
    this.changed = changed;
    this.tiles = new Map(); // by key, the last used one at the end
    this.loading = new Set();
    this.failedAt = new Map();
    this.wanted = [];
    this.description = null; // what the timeline has
    this.describedAt = -Infinity;
    this.problem = ""; // why something could not be loaded
    this.missing = false; // true if the server has no timeline
    this.counts = { requests: 0, bytes: 0 };
  }

  key(tile, product) {
    return `${product} ${tile.step} ${tile.start}`;
  }

  /** Returns a loaded tile, or undefined. */
  find(tile, product) {
    const key = this.key(tile, product), found = this.tiles.get(key);
    if (found) {
      this.tiles.delete(key);
      this.tiles.set(key, found);
    }
    return found;
  }

  /** Loads tiles that are missing or outdated; earlier requests that are not begun are dropped. */
  request(tiles, product) {
    const now = performance.now();
    if (now - this.describedAt > DESCRIPTION_MS) this.#describe();
    this.wanted = this.description === null ? [] : tiles.filter((tile) => this.#isDue(tile, product, now)).map((tile) => [tile, product]);
    this.#next();
  }

  #isDue(tile, product, now) {
    const key = this.key(tile, product), known = this.tiles.get(key);
    if (this.loading.has(key) || now - (this.failedAt.get(key) ?? -Infinity) < RETRY_MS) return false;
    return !known || (!known.finished && now - known.loadedAt > Math.min(MAX_REFRESH_MS, Math.max(MIN_REFRESH_MS, 500 * tile.step)));
  }

  #next() {
    while (this.wanted.length && this.loading.size < AT_ONCE) this.#load(...this.wanted.shift());
  }

  async #load(tile, product) {
    const key = this.key(tile, product), { tag } = this.description;
    this.loading.add(key);
    try {
      const columns = decodeColumns(await this.#fetched(tileAddress(tile, product, tag)));
      if (columns.product !== product) throw new Error("the server sent another product");
      if (this.description?.tag === tag) this.#keep(key, { ...columns, ...tile, loadedAt: performance.now() });
      this.failedAt.delete(key);
      this.problem = "";
    } catch (error) {
      this.failedAt.set(key, performance.now());
      this.problem = error.message;
    }
    this.loading.delete(key);
    this.#next();
    this.changed();
  }

  /** Returns the bytes at an address. Throws with the server's reason. */
  async #fetched(address) {
    this.counts.requests++;
    const answer = await fetch(address).catch(() => { throw new Error("the server does not answer"); });
    const bytes = await limited(answer);
    this.counts.bytes += Number(answer.headers.get("content-length") ?? bytes.byteLength);
    if (answer.ok) return bytes;
    if (answer.status === 409) this.forget();
    throw Object.assign(new Error(reason(bytes, answer.status)), { status: answer.status });
  }

  /** Requests the description of the timeline. A new tag means other frequencies or another run, so all tiles are dropped. */
  async #describe() {
    this.describedAt = performance.now();
    try {
      const found = JSON.parse(new TextDecoder().decode(await this.#fetched("history")));
      if (!isDescription(found)) throw new Error("the server sent a timeline that this page does not understand");
      if (this.description && this.description.tag !== found.tag) this.forget();
      this.describedAt = performance.now();
      this.description = found;
      this.missing = false;
      this.problem = "";
    } catch (error) {
      this.describedAt = performance.now() - DESCRIPTION_MS + RETRY_MS;
      this.missing = error.status === 404;
      this.problem = error.message;
    }
    this.changed();
  }

  /** Drops all tiles and requests the description again. */
  forget() {
    this.tiles.clear();
    this.failedAt.clear();
    this.description = null;
    this.describedAt = -Infinity;
  }

  #keep(key, tile) {
    this.tiles.delete(key);
    this.tiles.set(key, tile);
    for (const oldest of this.tiles.keys()) {
      if (this.bytes <= MAX_CACHE_BYTES || oldest === key) break;
      this.tiles.delete(oldest);
    }
    if (this.failedAt.size > 1000) this.failedAt.clear();
  }

  /** Memory of the tiles. */
  get bytes() {
    let sum = 0;
    for (const tile of this.tiles.values()) sum += tile.mean.byteLength + (tile.peak === tile.mean ? 0 : tile.peak.byteLength) + imageBytes(tile);
    return sum;
  }
}

function reason(bytes, status) {
  try {
    const { error } = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof error === "string") return error;
  } catch {
    // Not an answer of this server, but for example of a proxy.
  }
  return status === 401 ? "a token is needed: open the address that the monitor shows" : `the server answers with status ${status}`;
}

/** Returns the body of an answer. Throws if it is longer than any tile. */
async function limited(answer) {
  const reader = answer.body?.getReader(), pieces = [];
  let size = 0;
  for (let read = await reader?.read(); read && !read.done; read = await reader.read()) {
    size += read.value.length;
    if (size > MAX_BYTES) {
      reader.cancel().catch(() => {});
      throw new Error("the server sent too many columns");
    }
    pieces.push(read.value);
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all.buffer;
}
