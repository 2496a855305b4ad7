/* The rig's camera as a projection: plate frame (mm, Z up, azimuth counter-clockwise) to picture. Pure functions.
 *
 * A photo at azimuth a is what a camera sees that orbits the still plate by -a: so the drawn plate turns as the real one does, and a
 * photo put under the drawing must fit it.
 */

/** @typedef {import('./types.js').Geometry} Geometry */
/** @typedef {[number, number, number]} Point */
/** @typedef {{C: Point, R: Point[]}} Pose */

const D = Math.PI / 180;
export const UNKNOWN = { distance: 280, target_height: 38, focal_px: 793.65, width: 640, height: 480 };
export const PICTURE = 640; // width of the picture in the projection's own pixels, whatever the camera has

/** Everything that follows from the geometry. The drawn shell and scale keep their place in the picture on any rig. @param {Geometry} g */
export function optics(g) {
  const unit = g.distance / 280;
  return { distance: g.distance, target: g.target_height, focal: g.focal_px * PICTURE / g.width, height: PICTURE * g.height / g.width, unit, shell: 114 * unit, base: 10 * unit, plate: 85 * unit };
}
/** @typedef {ReturnType<typeof optics>} Optics */

/** World to camera at a viewpoint. @param {Optics} o @param {number} az @param {number} el @returns {Pose} */
export function pose(o, az, el) {
  const a = -az * D, e = Math.min(el, 89.9) * D;
  /** @type {Point} */
  const C = [o.distance * Math.cos(e) * Math.cos(a), o.distance * Math.cos(e) * Math.sin(a), o.target + o.distance * Math.sin(e)];
  /** @type {Point} */
  const f = [-C[0] / o.distance, -C[1] / o.distance, (o.target - C[2]) / o.distance];
  const n = Math.hypot(f[0], f[1]);
  /** @type {Point} */
  const r = [f[1] / n, -f[0] / n, 0];
  return { C, R: [r, [f[1] * r[2] - f[2] * r[1], f[2] * r[0] - f[0] * r[2], f[0] * r[1] - f[1] * r[0]], f] };
}

/** @param {Optics} o @param {Pose} p @param {Point} q @returns {Point} x, y from the picture's middle, depth */
export function project(o, p, q) {
  const v = [q[0] - p.C[0], q[1] - p.C[1], q[2] - p.C[2]];
  const [x, y, z] = p.R.map(r => r[0] * v[0] + r[1] * v[1] + r[2] * v[2]);
  return [o.focal * x / z, o.focal * y / z, z];
}

/** A viewpoint's place on the drawn shell. @param {Optics} o @param {number} az @param {number} el @param {number} [out] @returns {Point} */
export function onShell(o, az, el, out = 0) {
  const r = o.shell + out * o.unit;
  return [r * Math.cos(el * D) * Math.cos(-az * D), r * Math.cos(el * D) * Math.sin(-az * D), o.base + r * Math.sin(el * D)];
}

/** @param {Optics} o @param {number} az @param {number} out beyond the plate's scale @returns {Point} */
export function onPlate(o, az, out = 0) {
  const r = o.plate + out * o.unit;
  return [r * Math.cos(-az * D), r * Math.sin(-az * D), 0];
}

/** How far the drawing reaches seen from an elevation: [top, bottom, half width]. @param {Optics} o @param {number} el @param {number[]} heights */
export function extent(o, el, heights) {
  const see = pose(o, 0, el), points = [];
  for (let a = 0; a < 360; a += 5) {
    for (const height of heights) points.push(project(o, see, onShell(o, a, height)));
    points.push(project(o, see, onPlate(o, a, 8)));
  }
  return [Math.min(...points.map(v => v[1])), Math.max(...points.map(v => v[1])), Math.max(...points.map(v => v[0]))];
}
