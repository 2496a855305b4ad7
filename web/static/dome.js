/* The dome: every viewpoint of a plan around the plate, drawn with the camera's own projection, so that the photo of the viewpoint it
 * rests on lies exactly under it. It has detents: drag and arrow keys go from viewpoint to viewpoint. <scan-dome>
 *
 *   const el = makeDome()
 *   el.setGeometry(state.rig.geometry | null)       null: wire frame only, no photos
 *   el.setShots(shots, {photo, thumb})              photo(shot), thumb(shot) -> address or null (thumb: for the dome of prints)
 *   el.touch(number)                                one shot changed (same array): redraws, follows
 *   el.setNow(number|null, {azimuth, elevation}|null)   shot at work; else where the rig stands
 *   el.choose(number|null)                          marks a shot and rests on it; fires nothing
 *   el.follow = true                                rests three shots behind the work until touched; Home or 20 s of rest resume it
 *   el.mode = 'marks' | 'prints'                    prints: the photos themselves hang at their viewpoints
 *   events  'choose' {shot} by key, drag or click · 'open' {shot} by Enter or double click, on a saved shot · 'seen' {shot, photo}
 * `domeBox` makes the section around it: legend and readouts.
 */
import { attr, h, svg } from './dom.js';
import { Painter } from './dome-painter.js';
import { angle } from './format.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').Shot} Shot */
/** @typedef {{photo?: (shot: Shot) => string|null, thumb?: (shot: Shot) => string|null}} Sources */

const BEHIND = 3, REST = 20_000, CLICK = 6, REACH = 18;

/** @param {number} a @param {number} b */
const turn = (a, b) => ((a - b + 540) % 360) - 180;

export class ScanDome extends HTMLElement {
  #canvas = h('canvas', { tabindex: 0, role: 'slider', 'aria-valuemin': 1 });
  #painter = new Painter(this.#canvas, () => this.#photoLoaded());
  /** @type {readonly Shot[]} */
  #shots = [];
  /** @type {Sources} */
  #sources = {};
  /** @type {Shot|null} */
  #at = null;
  #current = 0;
  #follow = false;
  /** @type {Shot|null} */
  #coming = null;
  #touched = 0;
  /** @type {number|undefined} */
  #timer;
  /** @type {{x: number, y: number, az: number, el: number, moved: boolean}|null} */
  #drag = null;
  #resize = new ResizeObserver(() => this.#painter.draw());

  connectedCallback() {
    if (!this.firstChild) this.append(this.#canvas);
    this.#canvas.onkeydown = (/** @type {KeyboardEvent} */ event) => this.#key(event);
    this.#canvas.onpointerdown = (/** @type {PointerEvent} */ event) => this.#down(event);
    this.#canvas.onpointermove = (/** @type {PointerEvent} */ event) => this.#move(event);
    this.#canvas.onpointerup = (/** @type {PointerEvent} */ event) => this.#up(event);
    this.#canvas.onpointercancel = () => { this.#drag = null; };
    this.#canvas.ondblclick = () => this.#open();
    this.#resize.observe(this.#canvas);
  }

  disconnectedCallback() {
    this.#resize.disconnect();
    clearTimeout(this.#timer);
  }

  /** @param {import('./types.js').Geometry|null} geometry */
  setGeometry(geometry) {
    if (this.#painter.setGeometry(geometry)) this.#rest(this.#at, true);
  }

  /** @param {readonly Shot[]} shots @param {Sources} [sources] */
  setShots(shots, sources = this.#sources) {
    const { shot } = this.#at ?? {};
    this.#shots = shots;
    this.#sources = sources;
    this.#painter.setShots(shots, sources.thumb);
    this.#describe();
    const same = shots.find(other => other.shot === shot);
    this.#rest(this.#following() ?? same ?? this.#start(), true);
  }

  /** @param {number} number */
  touch(number) {
    if (this.#at?.shot === number) this.#rest(this.#at, true);
    else this.#painter.draw();
    this.#advance();
    this.#describe();
  }

  /** @param {number|null} number @param {{azimuth: number, elevation: number}|null} [rig] */
  setNow(number, rig = null) {
    this.#current = number ?? this.#current;
    this.#painter.setNow(number, rig);
    this.#advance();
  }

  /** @param {number|null} number */
  choose(number) {
    this.#painter.chosen = number;
    const shot = this.#shots.find(other => other.shot === number);
    this.#rest(shot ?? this.#at, !shot);
  }

  get follow() { return this.#follow; }
  set follow(on) {
    this.#follow = on;
    const next = this.#following();
    if (next && next !== this.#at) this.#rest(next);
  }

  get mode() { return this.#painter.prints ? 'prints' : 'marks'; }
  set mode(mode) {
    this.#painter.prints = mode === 'prints';
    this.#painter.draw();
  }

  /** The viewpoint it rests on. */
  get at() { return this.#at; }

  /** Where following rests: the last saved shot that lies some way behind the work. @returns {Shot|undefined} */
  #following() {
    if (!this.#follow || Date.now() - this.#touched < REST || !this.#shots.length) return undefined;
    const work = this.#shots.findIndex(shot => shot.shot === this.#current);
    for (let n = Math.max(0, (work < 0 ? this.#shots.length : work) - BEHIND); n >= 0; n -= 1) if (this.#shots[n].state === 'saved') return this.#shots[n];
    return this.#shots[Math.max(0, work - BEHIND)];
  }

  /** Follows the work, but only to a photo that is there: the picture does not go away between two viewpoints. */
  #advance() {
    const next = this.#following();
    if (!next || next === this.#at || this.#coming) return;
    const address = next.state === 'saved' ? this.#sources.photo?.(next) : null;
    if (!address) { this.#rest(next); return; }
    this.#coming = next;
    this.#painter.prepare(address, () => {
      const arrived = this.#coming === next && this.#shots.includes(next) && this.#following();
      this.#coming = null;
      if (arrived) { this.#rest(next); this.#advance(); }
    });
  }

  /** Before anything is known the dome shows itself from half-way up. @returns {Shot|null} */
  #start() {
    const heights = [...new Set(this.#shots.map(shot => shot.elevation))].sort((a, b) => a - b);
    const half = heights[Math.floor(heights.length / 2)];
    const ring = this.#shots.filter(shot => shot.elevation === half);
    return ring[Math.floor(ring.length / 4)] ?? null;
  }

  /** @param {Shot|null} shot @param {boolean} [again] */
  #rest(shot, again = false) {
    if (shot === this.#at && !again) return;
    this.#at = shot;
    this.#painter.rest(shot, shot && this.#sources.photo ? this.#sources.photo(shot) : null);
    attr(this.#canvas, { 'aria-valuemax': this.#shots.length || 1, 'aria-valuenow': shot?.shot ?? 1, 'aria-valuetext': shot ? t.scan.viewpoint(shot.shot, angle(shot.azimuth), angle(shot.elevation), t.scan.shotStates[shot.state] ?? '') : t.scan.noPlan });
    this.#seen();
  }

  #photoLoaded() { this.#seen(); }
  #seen() { this.dispatchEvent(new CustomEvent('seen', { detail: { shot: this.#at, photo: this.#painter.hasPhoto } })); }

  #describe() {
    const count = (/** @type {string} */ state) => this.#shots.reduce((n, shot) => n + Number(shot.state === state), 0);
    attr(this.#canvas, { 'aria-label': t.scan.domeLabel(this.#shots.length, count('saved'), count('skipped') + count('failed')) });
  }

  #hands() {
    this.#touched = Date.now();
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => { this.#touched = 0; const next = this.#following(); if (next) this.#rest(next); }, REST);
  }

  /** @param {Shot|null|undefined} shot */
  #byHand(shot) {
    this.#hands();
    if (!shot || shot === this.#at) return;
    this.#rest(shot);
    this.dispatchEvent(new CustomEvent('choose', { detail: { shot: shot.shot } }));
  }

  #open() {
    if (this.#at?.state === 'saved') this.dispatchEvent(new CustomEvent('open', { detail: { shot: this.#at.shot } }));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const ways = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] });
    if (event.key in ways) this.#byHand(this.#next(...ways[event.key]));
    else if (event.key === 'Enter') this.#open();
    else if (event.key === 'Home') {
      this.#touched = 0;
      this.#rest(this.#following() ?? this.#shots[0] ?? null);
    } else return;
    event.preventDefault();
  }

  /** The neighbour in a direction: right = growing azimuth, up = growing elevation. @param {number} right @param {number} up */
  #next(right, up) {
    const at = this.#at;
    if (!at) return null;
    let best = null, least = Infinity;
    for (const shot of this.#shots) {
      const across = turn(shot.azimuth, at.azimuth), height = shot.elevation - at.elevation;
      const along = right ? across * right : height * up, beside = right ? Math.abs(height) : Math.abs(across);
      const cost = along + beside * (right ? 4 : 0.25);
      if (along > 0.05 && cost < least) { best = shot; least = cost; }
    }
    return best;
  }

  /** @param {number} az @param {number} el */
  #nearest(az, el) {
    let best = null, least = Infinity;
    for (const shot of this.#shots) {
      const cost = Math.abs(turn(shot.azimuth, az)) + 4 * Math.abs(shot.elevation - el);
      if (cost < least) { best = shot; least = cost; }
    }
    return best;
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (!this.#at) return;
    this.#drag = { x: event.clientX, y: event.clientY, az: this.#at.azimuth, el: this.#at.elevation, moved: false };
    this.#canvas.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const drag = this.#drag;
    if (!drag) return;
    const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
    drag.moved ||= Math.hypot(dx, dy) > CLICK;
    if (drag.moved) this.#byHand(this.#nearest(drag.az + dx * 0.5, drag.el + dy * 0.2));
  }

  /** A press without a drag chooses the mark under it. @param {PointerEvent} event */
  #up(event) {
    const drag = this.#drag;
    this.#drag = null;
    if (drag && !drag.moved) this.#byHand(this.#painter.hit(event.offsetX, event.offsetY, REACH));
  }
}
customElements.define('scan-dome', ScanDome);

/** @returns {ScanDome} */
export const makeDome = () => /** @type {ScanDome} */ (document.createElement('scan-dome'));

const dot = (/** @type {Record<string, any>} */ props) => svg('circle', { cx: 6, cy: 6, ...props });
/** The legend's marks, drawn as the dome draws them. @type {Record<string, () => Element[]>} */
const MARKS = {
  saved: () => [dot({ r: 4, class: 'm-done' })],
  again: () => [dot({ r: 2.8, class: 'm-done' }), dot({ r: 5.2, class: 'm-ring' })],
  skipped: () => [svg('path.m-bad', { d: 'M2.5 2.5l7 7M9.5 2.5l-7 7' })],
  now: () => [dot({ r: 3.5, class: 'm-now' }), svg('path.m-now', { d: 'M6-1v4M6 9v4M-1 6h4M9 6h4' })],
  planned: () => [dot({ r: 3.5, class: 'm-plan' })],
  chosen: () => [dot({ r: 2.8, class: 'm-done' }), svg('path.m-now', { d: 'M0 0h12v12H0z' })],
};

/**
 * The section around a dome: title, legend, readouts below.
 * @param {ScanDome} dome @param {{legend: string[], readouts: Element[], title?: string}} parts
 * @returns {{el: HTMLElement, note: HTMLElement, legend: (names: string[]) => void}}
 */
export function domeBox(dome, { legend: names, readouts, title = t.scan.dome }) {
  const note = h('span'), seenWord = h('span'), seen = h('b', { 'data-seen': true }), list = h('ul.legend');
  dome.addEventListener('seen', (/** @type {any} */ { detail: { shot, photo } }) => {
    seenWord.textContent = photo ? t.scan.seenFromShot(shot.shot) : t.scan.seenFrom;
    seen.textContent = shot ? `${angle(shot.azimuth)} / ${angle(shot.elevation)}` : '–';
  });
  const legend = (/** @type {string[]} */ shown) => list.replaceChildren(...shown.map(name => h('li', null, svg('svg', { viewBox: '0 0 12 12', 'aria-hidden': 'true' }, MARKS[name]()), t.scan.legend[name])));
  legend(names);
  const el = h('section.screen.domebox', { 'aria-label': title },
    h('div.view', null, dome, h('div.hud.tl', null, h('b', null, title), note), h('div.hud.tr', null, list)),
    h('div.dro', null, h('dl', null, readouts), h('p', null, seenWord, seen)));
  return { el, note, legend };
}
