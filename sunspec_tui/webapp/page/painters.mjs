// Choose the waterfall painter: WebGL2 or a 2D canvas.

import { PlainPainter } from "./waterfall-2d.mjs";
import { GlPainter } from "./waterfall-gl.mjs";

/** Returns a WebGL2 painter, or one on a 2D canvas if that was chosen or WebGL2 is missing. */
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
