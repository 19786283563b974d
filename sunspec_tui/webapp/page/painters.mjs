// The way that the waterfall is drawn in this browser.

import { PlainPainter } from "./waterfall-2d.mjs";
import { GlPainter } from "./waterfall-gl.mjs";

/** A painter with WebGL2, or on a 2D canvas where that was chosen or WebGL2 is missing. */
export function painterFor(canvas, renderer) {
  if (renderer !== "2d") {
    try {
      return new GlPainter(canvas);
    } catch (error) {
      console.info(`drawn without WebGL2: ${error.message}`);
    }
  }
  return new PlainPainter(canvas);
}
