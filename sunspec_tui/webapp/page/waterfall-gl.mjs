// Draw the waterfall with WebGL2, in two passes.
// A texture holds the rows in the order of the ring. The first pass computes
// the colours of each row at the canvas's height: once per row, and again only for other levels or colours. The second pass
// places the rows in time, for each picture. If several values share a pixel, the strongest is shown.

import { CAPACITY } from "./row-buffer.mjs";

const VERTEX = `#version 300 es
void main() { gl_Position = vec4(vec2((gl_VertexID << 1) & 2, gl_VertexID & 2) * 2.0 - 1.0, 0.0, 1.0); }`;

// The output is the colour. Its opacity is the strength of the value, by which rows are compared; 0 for a missing value.
const LEVELS = `#version 300 es
precision highp float;
precision highp int;
uniform highp sampler2D powers;
uniform float height;
uniform int bins;
uniform vec2 levels;
uniform bool decibels;
uniform bool diverging;
uniform sampler2D palette;
uniform vec3 masked;
out vec4 found;
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy);
  int begin = int(float(at.y) / height * float(bins) + 1e-3);
  int end = max(begin + 1, int(float(at.y + 1) / height * float(bins) + 1e-3));
  float power = 0.0;
  bool any = false;
  for (int b = begin; b < end && b < bins; b++) {
    float here = texelFetch(powers, ivec2(b, at.x), 0).r;
    if (abs(here) > 1e38 || (decibels && here <= 0.0)) continue;
    if (!any || abs(here) > abs(power)) power = here;
    any = true;
  }
  float level = decibels ? 10.0 * log2(max(power, 1e-38)) * 0.30102999566 : power;
  float fraction = clamp((level - levels.x) / (levels.y - levels.x), 0.0, 1.0);
  float strength = diverging ? abs(2.0 * fraction - 1.0) : fraction;
  vec3 colour = texelFetch(palette, ivec2(int(fraction * 255.0 + 0.5), 0), 0).rgb;
  found = any ? vec4(colour, (1.0 + 254.0 * strength) / 255.0) : vec4(masked, 0.0);
}`;

const STRONGEST = `
  float begin = max(run.x, floor((gl_FragCoord.x - 0.5) / size.x * slots + 1e-3)) + 0.5;
  float end = min(run.y, floor((gl_FragCoord.x + 0.5) / size.x * slots + 1e-3));
  colour = at(begin);
  for (float slot = begin + 1.0; slot < end; slot++) {
    vec4 other = at(slot);
    if (other.a > colour.a) colour = other;
  }`;

// Consecutive rows are neighbours in the texture, so a run of rows is drawn in one call.
const picture = (several) => `#version 300 es
precision highp float;
precision highp int;
uniform sampler2D found;
uniform vec2 size;
uniform float slots;
uniform vec2 run;
uniform float offset;
out vec4 colour;
vec4 at(float slot) { return texture(found, vec2((slot + offset) / ${CAPACITY}.0, gl_FragCoord.y / size.y)); }
void main() {
  ${several ? STRONGEST : "colour = at(gl_FragCoord.x / size.x * slots);"}
}`;

const POWERS = 0, PALETTE = 1, FOUND = 2;

export class GlPainter {
  static title = "WebGL2";

  /** Throws if the browser has no WebGL2. */
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { antialias: false, alpha: false, depth: false });
    if (!gl) throw new Error("no WebGL2");
    this.gl = gl;
    this.canvas = canvas;
    this.lost = false;
    canvas.addEventListener("webglcontextlost", (event) => { event.preventDefault(); this.lost = true; });
    canvas.addEventListener("webglcontextrestored", () => { this.#begin(); this.lost = false; });
    this.#begin();
  }

  #begin() {
    const gl = this.gl;
    this.levels = program(gl, LEVELS, ["powers", "height", "bins", "levels", "decibels", "diverging", "palette", "masked"]);
    // A program without the search for the strongest value is a third faster if the CPU renders.
    this.pictures = [false, true].map((several) => program(gl, picture(several), ["found", "size", "slots", "run", "offset"]));
    for (const unit of [POWERS, PALETTE, FOUND]) texture(gl, unit);
    this.target = gl.createFramebuffer();
    this.maxBins = gl.getParameter(gl.MAX_TEXTURE_SIZE);
    this.version = -1;
    this.known = ""; // settings with which the colours of all rows were computed
    this.fresh = []; // indices of rows whose colours are not computed yet
    this.palette = null;
  }

  /** Uploads new rows: all, or those at `indices`. */
  load(history, indices) {
    const gl = this.gl;
    if (this.lost || !history.bins || history.bins > this.maxBins) return;
    gl.activeTexture(gl.TEXTURE0 + POWERS);
    if (this.version !== history.version) {
      this.version = history.version;
      this.known = "";
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, history.bins, CAPACITY, 0, gl.RED, gl.FLOAT, shown(history.values));
      return;
    }
    for (const index of indices) {
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, index, history.bins, 1, gl.RED, gl.FLOAT, shown(history.row(index)));
      this.fresh.push(index);
    }
    // A hidden tab draws nothing, so the list grows; then compute the colours of all rows again.
    if (this.fresh.length > CAPACITY) {
      this.fresh = [];
      this.known = "";
    }
  }

  draw({ history, indices, levels, decibels, palette, diverging, masked, gap }) {
    if (this.lost) return;
    if (history.bins > this.maxBins) throw new Error(`${history.bins} bins are too many for WebGL in this browser; add #renderer=2d to the address`);
    // Rows that came while the context was lost are not in its texture.
    if (this.version !== history.version) this.load(history, null);
    this.#findColours(history, { levels, decibels, palette, diverging, masked });
    this.#compose(indices, gap);
  }

  #findColours(history, { levels, decibels, palette, diverging, masked }) {
    const gl = this.gl, { height } = this.canvas;
    const known = `${height} ${levels} ${decibels} ${masked}`;
    const all = known !== this.known || palette !== this.palette;
    if (!all && !this.fresh.length) return;
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target);
    if (all) {
      this.known = known;
      const found = texture(gl, FOUND);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.REPEAT);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, CAPACITY, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, found, 0);
      gl.deleteTexture(this.found ?? null);
      this.found = found;
      this.palette = palette;
      gl.activeTexture(gl.TEXTURE0 + PALETTE);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, palette);
    }
    const { made, at } = this.levels;
    gl.useProgram(made);
    gl.uniform1i(at.powers, POWERS);
    gl.uniform1f(at.height, height);
    gl.uniform1i(at.bins, history.bins);
    gl.uniform2f(at.levels, levels[0], levels[1]);
    gl.uniform1i(at.decibels, decibels ? 1 : 0);
    gl.uniform1i(at.diverging, diverging ? 1 : 0);
    gl.uniform1i(at.palette, PALETTE);
    gl.uniform3f(at.masked, masked[0] / 255, masked[1] / 255, masked[2] / 255);
    for (const [index, rows] of all ? [[0, CAPACITY]] : this.fresh.map((each) => [each, 1])) {
      gl.viewport(index, 0, rows, height);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    }
    this.fresh = [];
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  #compose(indices, gap) {
    const gl = this.gl, { width, height } = this.canvas, { made, at } = this.pictures[Number(indices.length > width)];
    gl.viewport(0, 0, width, height);
    gl.clearColor(gap[0] / 255, gap[1] / 255, gap[2] / 255, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.useProgram(made);
    gl.uniform1i(at.found, FOUND);
    gl.uniform2f(at.size, width, height);
    gl.uniform1f(at.slots, indices.length);
    gl.enable(gl.SCISSOR_TEST);
    for (const { begin, end } of runs(indices)) {
      const left = Math.floor(begin / indices.length * width + 1e-3), right = Math.ceil(end / indices.length * width - 1e-3);
      gl.scissor(left, 0, right - left, height);
      gl.uniform2f(at.run, begin, end);
      gl.uniform1f(at.offset, indices[begin] - begin);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    }
    gl.disable(gl.SCISSOR_TEST);
  }
}

/** Returns runs of columns whose rows are neighbours in the ring, also across its end. */
export function runs(indices) {
  const found = [];
  for (let n = 0; n < indices.length; n++) {
    if (indices[n] < 0) continue;
    const last = found.at(-1);
    if (last?.end === n && (indices[n - 1] + 1) % CAPACITY === indices[n]) last.end = n + 1;
    else found.push({ begin: n, end: n + 1 });
  }
  return found;
}

/** Replaces invalid values by a number larger than any power, because shaders may not recognise NaN. */
function shown(values) {
  return Float32Array.from(values, (power) => Number.isFinite(power) ? power : 3e38);
}

/** Returns a program and the locations of its uniforms. */
function program(gl, fragment, names) {
  const made = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made));
  return { made, at: Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(made, name)])) };
}

function texture(gl, unit) {
  const made = gl.createTexture();
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, made);
  for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
  for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  return made;
}
