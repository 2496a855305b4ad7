/* Shots as places round the object: rings, neighbours, gaps. Pure functions, angles in degrees.
 *
 *   ringsOf(shots)                  the plan in rings (or bands of elevation, where a plan has none), lowest first
 *   turnOf(ring, has)               its shots that have a photo, once round by azimuth: what the turner turns through
 *   nearest(shots, azimuth)         the shot that looks from there
 *   widestGap(shots)                the widest step between neighbours by azimuth, 360 for one
 */

/** @typedef {import('./types.js').Shot} Shot */
/** @typedef {{key: string, from: number, to: number, camera: string, shots: Shot[]}} Ring */

const MOST_RINGS = 12; // more elevations than that are no rings but a spread: drawn in bands

/** @param {number} a */
const turned = a => ((a % 360) + 360) % 360;

/** How far apart two azimuths are. @param {number} a @param {number} b */
export const apart = (a, b) => Math.abs(turned(a - b + 180) - 180);

/** @param {number} value */
const rounded = value => Math.round(value * 10) / 10;

/** @param {readonly Shot[]} shots @returns {(shot: Shot) => number} the number of the ring a shot lies in */
function banding(shots) {
  const levels = [...new Set(shots.map(shot => rounded(shot.elevation)))].sort((a, b) => a - b);
  if (levels.length <= MOST_RINGS) return shot => levels.indexOf(rounded(shot.elevation));
  const bands = Math.max(3, Math.min(8, Math.round(Math.sqrt(shots.length / 8))));
  const low = levels[0], high = levels[levels.length - 1];
  return shot => Math.min(bands - 1, Math.floor(((shot.elevation - low) / (high - low)) * bands));
}

/** @param {readonly Shot[]} shots @returns {Ring[]} */
export function ringsOf(shots) {
  const band = banding(shots), cameras = [...new Set(shots.map(shot => shot.camera ?? ''))];
  /** @type {Map<string, Ring>} */
  const rings = new Map();
  for (const shot of shots) {
    const camera = shot.camera ?? '', key = `${String(band(shot)).padStart(2, '0')}-${camera}`;
    const ring = rings.get(key);
    if (!ring) rings.set(key, { key, from: shot.elevation, to: shot.elevation, camera: cameras.length > 1 ? camera : '', shots: [shot] });
    else {
      ring.from = Math.min(ring.from, shot.elevation);
      ring.to = Math.max(ring.to, shot.elevation);
      ring.shots.push(shot);
    }
  }
  return [...rings.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** @param {Ring} ring @param {(shot: Shot) => boolean} has @returns {Shot[]} */
export function turnOf(ring, has) {
  /** @type {Map<number, Shot>} */
  const places = new Map(); // brackets share a place: the first stands for it
  for (const shot of ring.shots) {
    const place = rounded(turned(shot.azimuth));
    if (has(shot) && !places.has(place)) places.set(place, shot);
  }
  return [...places].sort(([a], [b]) => a - b).map(([, shot]) => shot);
}

/** @param {readonly Shot[]} shots @param {number} azimuth @returns {Shot|null} */
export function nearest(shots, azimuth) {
  /** @type {Shot|null} */
  let best = null;
  for (const shot of shots) if (!best || apart(shot.azimuth, azimuth) < apart(best.azimuth, azimuth)) best = shot;
  return best;
}

/** @param {readonly Shot[]} shots @returns {number} */
export function widestGap(shots) {
  const places = [...new Set(shots.map(shot => rounded(turned(shot.azimuth))))].sort((a, b) => a - b);
  if (!places.length) return 360;
  return Math.max(...places.map((place, i) => (i + 1 < places.length ? places[i + 1] - place : places[0] + 360 - place)));
}
