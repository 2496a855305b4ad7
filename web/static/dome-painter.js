/* Draws the dome on a canvas. Knows nothing of hands and events: dome.js tells it what to show, it redraws once per frame. */
import { ringsOf } from './dial.js';
import { cross, dot, reticle } from './dome-marks.js';
import { angle, degrees } from './format.js';
import { UNKNOWN, PICTURE, extent, onPlate, onShell, optics, pose, project } from './projection.js';

/** @typedef {import('./types.js').Shot} Shot  @typedef {import('./projection.js').Point} Point */
/** @typedef {{shot: Shot, v: Point}} Place */

const MANY = 400; // above this marks shrink and planned ones become lines

export class Painter {
  #optics = optics(UNKNOWN);
  #geometry = '';
  #known = false;
  /** @type {readonly Shot[]} */
  #shots = [];
  /** @type {number[]|null} */
  #rings = null;
  #heights = [0, 0];
  /** @type {Shot|null} */
  #at = null;
  /** @type {HTMLImageElement|null} */
  #photo = null;
  #wanted = '';
  /** @type {{address: string, image: HTMLImageElement}|null} */
  #prepared = null;
  /** @type {number|null} */
  #current = null;
  /** @type {{azimuth: number, elevation: number}|null} */
  #rig = null;
  /** @type {((shot: Shot) => string|null)|undefined} */
  #thumb;
  /** @type {Map<string, HTMLImageElement>} */
  #thumbs = new Map();
  /** @type {Map<string, number[]>} */
  #extents = new Map();
  /** @type {Place[]} */
  #places = [];
  #frame = 0;
  /** @type {number|null} */
  chosen = null;
  prints = false;

  /** @param {HTMLCanvasElement} canvas @param {() => void} loaded the photo under the dome came or went */
  constructor(canvas, loaded) {
    this.canvas = canvas;
    this.loaded = loaded;
    this.g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  }

  get hasPhoto() { return this.#photo !== null; }

  /** @param {import('./types.js').Geometry|null} geometry @returns {boolean} whether it changed */
  setGeometry(geometry) {
    const text = JSON.stringify(geometry);
    if (text === this.#geometry) return false;
    this.#geometry = text;
    this.#known = Boolean(geometry);
    this.#optics = optics(geometry ?? UNKNOWN);
    this.#extents.clear();
    this.draw();
    return true;
  }

  /** @param {readonly Shot[]} shots @param {((shot: Shot) => string|null)|undefined} thumb */
  setShots(shots, thumb) {
    this.#shots = shots;
    this.#thumb = thumb;
    this.#rings = ringsOf(shots);
    let low = 90, high = -90;
    for (const { elevation } of shots) { low = Math.min(low, elevation); high = Math.max(high, elevation); }
    this.#heights = shots.length ? this.#rings ?? [low, high] : [10, 50];
    this.#extents.clear();
    this.draw();
  }

  /** @param {number|null} current @param {{azimuth: number, elevation: number}|null} rig */
  setNow(current, rig) {
    this.#current = current;
    this.#rig = rig;
    this.draw();
  }

  /** @param {Shot|null} shot @param {string|null} address of its photo */
  rest(shot, address) {
    this.#at = shot;
    const wanted = this.#known && address && shot?.state === 'saved' ? address : '';
    if (wanted !== this.#wanted || !wanted) {
      this.#wanted = wanted;
      this.#photo = null;
      if (wanted && this.#prepared?.address === wanted) this.#photo = this.#prepared.image;
      else if (wanted) this.#load(wanted);
    }
    this.draw();
  }

  /** Fetches a photo before the dome turns to it. @param {string} address @param {() => void} done also when it cannot be had */
  prepare(address, done) {
    const image = new Image();
    image.onload = () => { this.#prepared = { address, image }; done(); };
    image.onerror = done;
    image.src = address;
  }

  /** @param {string} address */
  #load(address) {
    const image = new Image();
    image.onload = () => {
      if (this.#wanted !== address) return;
      this.#photo = image;
      this.draw();
      this.loaded();
    };
    image.src = address;
  }

  /** The front-most mark near a place of the canvas. @param {number} x @param {number} y @param {number} reach px @returns {Shot|null} */
  hit(x, y, reach) {
    let best = null, least = reach;
    for (const { shot, v } of this.#places) {
      const far = Math.hypot(v[0] - x, v[1] - y);
      if (far <= least) { best = shot; least = far; }
    }
    return best;
  }

  draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #colours() {
    const css = getComputedStyle(this.canvas), of = (/** @type {string} */ name) => css.getPropertyValue(`--scr-${name}`).trim();
    return { ink: of('ink'), ink2: of('ink2'), accent: of('accent'), fault: of('fault'), bg: of('bg'), font: css.fontFamily };
  }

  #draw() {
    const { canvas, g } = this, w = canvas.clientWidth, h = canvas.clientHeight, dpr = window.devicePixelRatio || 1;
    if (!w || !h) return;
    if (canvas.width !== Math.round(w * dpr) || canvas.height !== Math.round(h * dpr)) { canvas.width = Math.round(w * dpr); canvas.height = Math.round(h * dpr); }
    g.setTransform(dpr, 0, 0, dpr, 0, 0);
    g.clearRect(0, 0, w, h);
    const o = this.#optics, at = this.#at ?? { azimuth: 0, elevation: 30 };
    const key = at.elevation.toFixed(1), reach = this.#extents.get(key) ?? extent(o, at.elevation, this.#heights);
    this.#extents.set(key, reach);
    const k = Math.min((w - 88) / (2 * reach[2]), (h - 80) / (reach[1] - reach[0])); // room for labels: 44 each side, 52 above, 28 below
    const cx = w / 2, cy = 52 + (h - 80) / 2 - k * (reach[0] + reach[1]) / 2;
    const see = pose(o, at.azimuth, at.elevation);
    const P = (/** @type {Point} */ q) => { const v = project(o, see, q); return /** @type {Point} */ ([cx + k * v[0], cy + k * v[1], v[2]]); };
    this.P = P;
    this.k = k;
    this.w = w;
    this.c = this.#colours();
    this.middle = P([0, 0, o.base])[2];
    if (this.#photo && !this.prints) this.#drawPhoto(this.#photo, cx, cy);
    this.#drawPlate(at.azimuth);
    this.#drawScale(at.azimuth);
    this.#places = this.#shots.map(shot => ({ shot, v: P(onShell(o, shot.azimuth, shot.elevation)) })).sort((a, b) => b.v[2] - a.v[2]);
    this.#drawMarks();
    this.#drawNow();
  }

  /** @type {(q: Point) => Point} */
  P = q => q;
  k = 1;
  w = 0;
  middle = 0;
  /** @type {{ink: string, ink2: string, accent: string, fault: string, bg: string, font: string}} */
  c = { ink: '', ink2: '', accent: '', fault: '', bg: '', font: '' };

  /** Registered, and faded to the screen at its borders. @param {HTMLImageElement} image @param {number} cx @param {number} cy */
  #drawPhoto(image, cx, cy) {
    const { g, k, c } = this, pw = k * PICTURE, ph = pw * image.naturalHeight / image.naturalWidth, x = cx - pw / 2, y = cy - ph / 2, f = pw * 0.14;
    g.globalAlpha = 0.82;
    g.drawImage(image, x, y, pw, ph);
    g.globalAlpha = 1;
    for (const [x0, y0, x1, y1] of [[x, 0, x + f, 0], [x + pw, 0, x + pw - f, 0], [0, y, 0, y + f], [0, y + ph, 0, y + ph - f * 0.7]]) {
      const fade = g.createLinearGradient(x0, y0, x1, y1);
      fade.addColorStop(0, c.bg);
      fade.addColorStop(1, `${c.bg}00`);
      g.fillStyle = fade;
      g.fillRect(x - 1, y - 1, pw + 2, ph + 2);
    }
  }

  /** @param {Point[]} points @param {number} alpha @param {number} [width] */
  #line(points, alpha, width = 1) {
    const { g } = this;
    g.globalAlpha = alpha;
    g.strokeStyle = this.c.ink;
    g.lineWidth = width;
    g.beginPath();
    points.forEach((q, n) => { const v = this.P(q); if (n) g.lineTo(v[0], v[1]); else g.moveTo(v[0], v[1]); });
    g.stroke();
    g.globalAlpha = 1;
  }

  /** A line that is fainter behind the middle. @param {(a: number) => Point} f @param {number} step @param {number} alpha */
  #circle(f, step, alpha) {
    for (let a = 0; a < 360; a += step) this.#line([f(a), f(a + step)], alpha * (this.P(f(a + step / 2))[2] > this.middle ? 0.45 : 1));
  }

  /** @param {number} _azimuth */
  #drawPlate(_azimuth) {
    const { g, P, c, middle } = this, o = this.#optics, photo = this.#photo && !this.prints;
    if (!photo) {
      g.fillStyle = c.ink;
      g.globalAlpha = 0.04;
      g.beginPath();
      for (let a = 0; a <= 360; a += 4) { const v = P(onPlate(o, a)); g.lineTo(v[0], v[1]); }
      g.fill();
      g.globalAlpha = 1;
      this.#circle(a => onPlate(o, a), 4, 0.4);
      this.#line([[0, 0, 0], [0, 0, 84 * o.unit]], 0.25);
      for (const a of [0, 90]) this.#line([onPlate(o, a, -79), onPlate(o, a + 180, -79)], 0.4);
      const v = P([0, 0, o.target]);
      g.globalAlpha = 0.5;
      g.strokeStyle = c.ink;
      g.beginPath();
      g.arc(v[0], v[1], 3, 0, 7);
      g.stroke();
      g.globalAlpha = 1;
    }
    for (let a = 0; a < 360; a += 5) this.#line([onPlate(o, a, 3), onPlate(o, a, a % 90 ? (a % 15 ? 5.5 : 8) : 12)], P(onPlate(o, a))[2] > middle ? 0.35 : 0.75);
    g.font = `500 11px ${c.font}`;
    g.textAlign = 'center';
    g.textBaseline = 'middle';
    g.fillStyle = c.ink2;
    for (let a = 0; a < 360; a += 90) {
      const v = P(onPlate(o, a, 20));
      if (photo && v[2] >= middle + 12 * o.unit) continue;
      g.globalAlpha = v[2] > middle ? 0.6 : 1;
      g.fillText(`${a}°`, v[0], v[1]);
    }
    g.globalAlpha = 1;
  }

  /** Rings, and the scale of elevations on the meridian at the picture's left. @param {number} azimuth */
  #drawScale(azimuth) {
    const { g, P, c } = this, o = this.#optics, rings = this.#rings;
    for (const height of rings ?? []) this.#circle(a => onShell(o, a, height), 3, 0.3);
    const side = (azimuth + 277.5) % 360, top = Math.min(90, Math.max(...this.#heights) + 4), foot = Math.min(0, ...this.#heights);
    for (let e = foot; e < top; e += 3) this.#line([onShell(o, side, e), onShell(o, side, e + 3)], 0.4);
    for (let e = Math.ceil(foot / 5) * 5; e <= top; e += 5) this.#line([onShell(o, side, e), onShell(o, side, e, e % 10 ? 3 : 5.5)], 0.5);
    g.textAlign = 'left';
    g.font = `500 11px ${c.font}`;
    g.fillStyle = c.ink2;
    const labels = rings ?? [Math.round(this.#heights[0]), Math.round(this.#heights[1])];
    let last = Infinity;
    for (const height of labels) {
      const v = P(onShell(o, side, height, 9));
      if (Math.abs(v[1] - last) < 11) continue;
      last = v[1];
      g.fillText(angle(height), v[0], v[1]);
    }
  }

  #drawMarks() {
    const { g, k } = this, many = this.#shots.length > MANY, o = this.#optics, scale = many ? 0.5 : Math.max(0.8, Math.min(1, k));
    for (const { shot, v } of this.#places) {
      if (shot.shot === this.#current && shot.state !== 'failed') continue;
      const back = v[2] > this.middle, near = (this.middle + o.shell - v[2]) / (2 * o.shell), r = (back ? 2.6 : 3 + 1.8 * near) * scale;
      g.globalAlpha = back ? 0.5 : 1;
      if (this.prints && this.#drawPrint(shot, v, back, near)) { /* its photo hangs there */ }
      else if (shot.state === 'skipped' || shot.state === 'failed') cross(g, this.c, v, r + 1.5);
      else dot(g, this.c, shot, v, r, back, many);
      if (shot.shot === this.chosen) {
        g.globalAlpha = 1;
        g.strokeStyle = this.c.ink;
        g.lineWidth = 1.5;
        g.strokeRect(v[0] - r - 5, v[1] - r - 5, 2 * r + 10, 2 * r + 10);
      }
    }
    g.globalAlpha = 1;
  }

  /** The shot's photo, small, where it was taken from. @param {Shot} shot @param {Point} v @param {boolean} back @param {number} near */
  #drawPrint(shot, v, back, near) {
    const address = shot.state === 'saved' ? this.#thumb?.(shot) : null;
    if (!address) return false;
    let image = this.#thumbs.get(address);
    if (!image) {
      image = new Image();
      image.onload = () => this.draw();
      image.src = address;
      this.#thumbs.set(address, image);
    }
    if (!image.complete || !image.naturalWidth) return false;
    const { g, c } = this, crowd = Math.sqrt(72 / Math.max(72, this.#shots.length));
    const pw = (back ? 22 : 30 + 22 * near) * crowd * Math.max(0.8, Math.min(1.3, this.k)), ph = pw * image.naturalHeight / image.naturalWidth;
    g.globalAlpha = back ? 0.35 : 1;
    g.drawImage(image, v[0] - pw / 2, v[1] - ph / 2, pw, ph);
    g.strokeStyle = shot.retaken ? c.accent : c.bg;
    g.lineWidth = 1;
    g.strokeRect(v[0] - pw / 2, v[1] - ph / 2, pw, ph);
    return true;
  }

  /** The needle: a reticle with a line to the target, and the angles beside it. */
  #drawNow() {
    const { g, c, P } = this, o = this.#optics;
    const current = this.#shots.find(shot => shot.shot === this.#current), chosen = this.#shots.find(shot => shot.shot === this.chosen);
    const now = current ?? this.#rig, mark = now ?? chosen;
    if (!mark) return;
    const v = P(onShell(o, mark.azimuth, mark.elevation));
    if (current) this.#line([onShell(o, current.azimuth, current.elevation), [0, 0, o.target]], 0.7);
    if (now) reticle(g, c, v);
    const right = v[0] < this.w - 150, text = `${degrees(mark.azimuth)}  ${angle(mark.elevation)}`;
    g.font = `600 12px ${c.font}`;
    g.textBaseline = 'middle';
    g.textAlign = right ? 'left' : 'right';
    const width = g.measureText(text).width, x = v[0] + (right ? 18 : -18);
    g.fillStyle = c.bg;
    g.globalAlpha = 0.86;
    g.fillRect(right ? x - 5 : x - width - 5, v[1] - 10, width + 10, 20);
    g.globalAlpha = 1;
    g.fillStyle = c.ink;
    g.fillText(text, x, v[1] + 0.5);
  }
}
