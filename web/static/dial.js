/* The dial: the plan seen from above, one segment a shot at its azimuth, outer track = lowest elevation. <scan-dial>
 *
 *   const el = makeDial()
 *   el.show({shots, azimuth, text, unit, label, small})
 *       shots    [{azimuth, elevation, state, retaken}], the one with number `current` is drawn as now
 *       azimuth  the table's angle: draws the needle (null: none)      text, unit  the figure in the middle ('40', 'of 72')
 *       label    what a screen reader says ('' hides it)               small  for 30 px: arcs in place of segments
 *   el.share({saved, skipped, total, label, text, unit})   one track by share, when only counts are known
 * Rings get a track each (up to three); other plans are binned into three tracks by elevation.
 */
import { attr, put, svg } from './dom.js';

/** @typedef {import('./types.js').Shot} Shot */
/** @typedef {{shots: readonly Shot[], current?: number|null, azimuth?: number|null, text?: string, unit?: string, label: string, small?: boolean}} DialData */

const TRACKS = [45.5, 36, 26.5];
const FINEST = 3.6; // degrees: closer segments flow together
const RANK = ['p', 's', 'f', 'c']; // what wins where segments share a place

/** @param {Shot} shot @param {number|null|undefined} current */
export function mark(shot, current) {
  if (shot.shot === current && shot.state !== 'failed') return 'c';
  if (shot.state === 'saved') return shot.retaken ? 'r' : 's';
  return shot.state === 'planned' ? 'p' : 'f';
}

/** The elevations of a plan of rings, lowest first, or null when it has too many to be rings. @param {readonly Shot[]} shots */
export function ringsOf(shots) {
  const found = new Set();
  for (const shot of shots) {
    found.add(Math.round(shot.elevation * 10) / 10);
    if (found.size > 12) return null;
  }
  return [...found].sort((a, b) => a - b);
}

/** @param {number} angle @param {number} r */
const at = (angle, r) => `${(50 + r * Math.sin(angle * Math.PI / 180)).toFixed(2)} ${(50 - r * Math.cos(angle * Math.PI / 180)).toFixed(2)}`;

/** @param {number} from @param {number} to degrees @param {number} r */
export function arc(from, to, r) {
  if (to - from >= 359.99) return `M${at(from, r)}A${r} ${r} 0 1 1 ${at(from + 180, r)}A${r} ${r} 0 1 1 ${at(from, r)}`;
  return `M${at(from, r)}A${r} ${r} 0 ${to - from > 180 ? 1 : 0} 1 ${at(to, r)}`;
}

/** Which track each shot is on. @param {readonly Shot[]} shots @returns {Shot[][]} */
function tracks(shots) {
  const rings = ringsOf(shots);
  if (rings && rings.length <= 3) return rings.map(ring => shots.filter(shot => Math.abs(shot.elevation - ring) < 0.06));
  const heights = shots.map(shot => shot.elevation), low = Math.min(...heights), third = (Math.max(...heights) - low) / 3 || 1;
  return [0, 1, 2].map(n => shots.filter(shot => Math.min(2, Math.floor((shot.elevation - low) / third)) === n)).filter(track => track.length);
}

/** Segments of one track as [start, end, mark]. @param {Shot[]} shots @param {number|null|undefined} current @param {boolean} small @returns {Array<[number, number, string]>} */
function segments(shots, current, small) {
  const bins = Math.min(Math.max(shots.length, 1), Math.floor(360 / FINEST)), step = 360 / bins;
  const turns = shots.map(shot => ((shot.azimuth % 360) + 360) % 360);
  const from = shots.length <= bins ? Math.min(...turns) : 0;
  /** @type {Map<number, string>} */
  const best = new Map();
  shots.forEach((shot, n) => {
    const bin = Math.round((turns[n] - from) / step) % bins, now = mark(shot, current).replace('r', 's'), was = best.get(bin) ?? '';
    const rank = now === 'p' && was === 's' ? 4 : RANK.indexOf(now); // one still missing keeps a shared place open
    if (rank > RANK.indexOf(was)) best.set(bin, now);
  });
  const gap = small ? 0 : Math.min(3.2, step * 0.2), grow = small ? 5 : 0; // small: a failure is never thinner than 10 degrees
  const parts = [...best].sort((a, b) => a[0] - b[0]);
  /** @type {Array<[number, number, string]>} */
  const out = [];
  for (const [bin, state] of parts) {
    const a = from + bin * step - step / 2 + gap / 2, b = a + step - gap, last = out.at(-1);
    if (small && last && last[2] === state && Math.abs(last[1] - a) < 0.01) last[1] = b;
    else out.push([a, b, state]);
  }
  return small ? out.map(([a, b, state]) => (state === 'f' || state === 'c') && b - a < 10 ? [(a + b) / 2 - grow, (a + b) / 2 + grow, state] : [a, b, state]) : out;
}

export class ScanDial extends HTMLElement {
  #svg = svg('svg', { viewBox: '-3 -4 106 108' });
  #paths = svg('g');
  #needle = svg('path.needle', { d: 'M45.6-4h8.8L50 5z' });
  #text = svg('text', { x: 50, y: 53.5 });
  #unit = svg('text.u', { x: 50, y: 64 });

  constructor() {
    super();
    this.#svg.append(this.#paths, this.#needle, this.#text, this.#unit);
  }

  connectedCallback() {
    if (this.firstChild) return;
    this.classList.add('dial');
    this.append(this.#svg);
  }

  /** @param {DialData} data */
  show({ shots, current = null, azimuth = null, text = '', unit = '', label, small = false }) {
    /** @type {Map<string, string>} */
    const drawn = new Map();
    tracks(shots).forEach((track, n) => {
      for (const [a, b, state] of segments(track, current, small)) {
        const key = `${state === 'f' || state === 'c' ? 'z' : ''}${state}`; // failures and now lie on top
        drawn.set(key, (drawn.get(key) ?? '') + arc(a, b, TRACKS[n]));
      }
    });
    this.#draw(drawn, small ? 9 : 6.5);
    this.#labels(azimuth, text, unit, label);
  }

  /** @param {{saved: number, skipped?: number, total: number, label: string, text?: string, unit?: string}} data */
  share({ saved, skipped = 0, total, label, text = '', unit = '' }) {
    const turn = 360 / Math.max(total, 1), done = saved * turn, failed = done + skipped * turn;
    /** @type {Map<string, string>} */
    const drawn = new Map();
    const add = (/** @type {string} */ key, /** @type {number} */ a, /** @type {number} */ b) => { if (b - a > 0.01) drawn.set(key, arc(a, b, TRACKS[0])); };
    add('p', failed, 360);
    add('s', 0, done);
    if (skipped) add('zf', Math.min(done, 350), Math.max(failed, done + 10));
    this.#draw(drawn, 9);
    this.#labels(null, text, unit, label);
  }

  /** @param {Map<string, string>} drawn @param {number} width */
  #draw(drawn, width) {
    const want = [...drawn].sort(([a], [b]) => (a < b ? -1 : 1));
    while (this.#paths.children.length > want.length) this.#paths.lastChild?.remove();
    want.forEach(([key, d], n) => {
      const path = this.#paths.children[n] ?? this.#paths.appendChild(svg('path'));
      attr(path, { class: `t-${key.replace('z', '')}`, d, 'stroke-width': width });
    });
  }

  /** @param {number|null} azimuth @param {string} text @param {string} unit @param {string} label */
  #labels(azimuth, text, unit, label) {
    attr(this.#needle, { transform: azimuth === null ? null : `rotate(${azimuth.toFixed(1)} 50 50)`, visibility: azimuth === null ? 'hidden' : null });
    put(this.#text, text);
    put(this.#unit, unit);
    attr(this.#text, { class: text.length > 2 ? (text.length > 3 ? 'k4' : 'k') : null, y: unit ? 53.5 : 58 });
    attr(this.#svg, label ? { role: 'img', 'aria-label': label, 'aria-hidden': null } : { role: null, 'aria-label': null, 'aria-hidden': 'true' });
  }
}
customElements.define('scan-dial', ScanDial);

/** @returns {ScanDial} */
export const makeDial = () => /** @type {ScanDial} */ (document.createElement('scan-dial'));
