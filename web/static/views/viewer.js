/* The photo viewer of a session: the chosen photo, which turns the object when dragged; 1:1 zoom, comparison with its neighbours, large.
 *
 *   const viewer = new PhotoViewer(model, {large: on => ...}); viewer.el; viewer.close()
 *   viewer.setLarge(true)     also Enter; Esc goes back one step: zoom, comparison, large
 *   Arrows on the slider turn and change rings; [ ] go through the plan, Z zooms, C compares (keys of the page while it is there).
 */
import { photoUrl } from '../api.js';
import { attr, h, icon, keyed, put } from '../dom.js';
import { angle, degrees, number, ratio, shutter } from '../format.js';
import { addKeys } from '../keys.js';
import { shotUrl } from '../sheet.js';
import { t } from '../i18n.js';
import { PhotoStock, dragSteps } from '../turner.js';

/** @typedef {import('../types.js').Shot} Shot */

const AHEAD = 24; // photos fetched in each direction, besides those the hand moves towards

/** @param {string} name @param {string} sign @param {() => void} fn @param {string} key */
const tool = (name, sign, fn, key) =>
  h('button', { type: 'button', 'data-tool': name, 'aria-label': t.sessions.tools[name], title: t.sessions.tools[name], 'aria-keyshortcuts': key, onclick: fn }, icon(sign));

export class PhotoViewer {
  stock = new PhotoStock();
  large = false;
  zoomed = false;
  compared = false;
  pan = { x: 0, y: 0 };
  heading = 1;
  #tapped = 0;
  /** @type {Element|null} where the focus was before the photo became large */
  #before = null;
  tools = {
    previous: tool('previous', 'left', () => this.step(-1), '['), next: tool('next', 'right', () => this.step(1), ']'),
    zoom: tool('zoom', 'zoom', () => this.setZoom(!this.zoomed), 'z'), compare: tool('compare', 'compare', () => this.setCompare(!this.compared), 'c'),
    large: tool('large', 'full', () => this.setLarge(!this.large), 'Enter'),
  };
  img = h('img.photo', { alt: '', draggable: 'false', hidden: true, onerror: () => this.broken() });
  plate = h('div.plate', { hidden: true });
  trio = h('div.trio', { hidden: true });
  label = h('div.hud.tl', null, h('b'), h('span'));
  slider = h('input.turner', { type: 'range', min: 0, max: 0, step: 1, value: 0, 'aria-label': t.sessions.turn, oninput: () => this.slid(), onkeydown: (/** @type {KeyboardEvent} */ event) => this.pressed(event) });
  view = h('div.view', null, this.img, this.plate, this.trio, this.label,
    h('div.hud.tr.tools', { role: 'toolbar', 'aria-label': t.sessions.photo }, Object.values(this.tools)),
    h('div.turn', null, this.slider, h('span.hint-turn', { 'aria-hidden': 'true' }, t.sessions.dragHint)));
  readouts = { viewpoint: h('dd', null, '–'), sharpness: h('dd', null, '–'), clipped: h('dd', null, '–'), exposure: h('dd', null, '–') };
  full = h('a.btn.scr', { target: '_blank', rel: 'noopener', 'data-part': 'full' }, icon('down', 'sm'), h('span', null, t.sessions.fullSize));
  el = h('section.screen.viewer', { 'aria-label': t.sessions.photo, 'data-part': 'viewer' }, this.view,
    h('div.dro', null, h('dl', null, Object.entries(this.readouts).map(([name, dd]) => h(`div.ro.sm.ro-${name}`, null, h('dt', null, t.sessions.readouts[name]), dd))),
      h('div.end', null, this.full)));

  /** @param {import('../session-model.js').SessionModel} model @param {{large: (on: boolean) => void}} options */
  constructor(model, options) {
    this.model = model;
    this.options = options;
    dragSteps(this.view, {
      width: () => Math.max(6, this.view.clientWidth / Math.max(12, model.turn().shots.length)),
      step: by => { if (!this.compared) this.turn(by); },
      move: (dx, dy) => this.panBy(dx, dy),
      tap: event => this.tapped(event),
      done: () => this.slider.focus({ preventScroll: true }), // so that arrows go on where the hand left
    });
    model.on('shown', () => this.draw());
    model.on('chosen', () => this.draw());
    model.on('shot', () => this.drawTurner());
    document.addEventListener('keydown', this.escape, true); // before the shell takes Esc for its toasts
    this.off = addKeys({
      '[': [() => this.step(-1), t.sessions.keys.previous], ']': [() => this.step(1), t.sessions.keys.next],
      z: [() => this.setZoom(!this.zoomed), t.sessions.keys.zoom], c: [() => this.setCompare(!this.compared), t.sessions.keys.compare],
    });
  }

  close() {
    this.off();
    document.removeEventListener('keydown', this.escape, true);
  }

  /* ---- drawing ---- */

  draw() {
    const shot = this.model.chosen(), photo = this.model.chosenPhoto();
    this.el.classList.toggle('empty-view', !shot);
    if (!shot) return;
    put(this.label.firstElementChild, shot.shot);
    put(this.label.lastElementChild, t.sessions.ofPass(this.model.shots().length, this.model.passName));
    this.drawReadouts(shot, photo ?? null);
    this.drawTurner();
    this.drawPhoto(shot);
    if (this.compared) this.drawTrio();
    attr(this.full, { href: shot.photo ? photoUrl(this.model.id, shot.photo) : null, 'aria-disabled': shot.photo ? null : 'true' });
    for (const [name, by] of /** @type {Array<['previous'|'next', number]>} */ ([['previous', -1], ['next', 1]])) attr(this.tools[name], { 'aria-disabled': this.model.step(by) ? null : 'true' });
    for (const name of /** @type {Array<'zoom'|'compare'>} */ (['zoom', 'compare'])) attr(this.tools[name], { 'aria-disabled': shot.photo ? null : 'true' });
  }

  /** @param {Shot} shot @param {import('../types.js').Photo|null} photo */
  drawReadouts(shot, photo) {
    const none = '–', { viewpoint, sharpness, clipped, exposure } = this.readouts, seen = photo?.measured;
    const [azimuth, elevation] = Array.isArray(seen) ? seen : [seen?.azimuth ?? shot.azimuth, seen?.elevation ?? shot.elevation];
    viewpoint.replaceChildren(degrees(azimuth, photo ? 2 : 1), h('small', null, `/ ${degrees(elevation, photo ? 2 : 1)}`));
    put(sharpness, typeof photo?.sharpness_relative === 'number' ? ratio(photo.sharpness_relative) : none);
    clipped.replaceChildren(...(typeof photo?.clipped === 'number' ? [number(photo.clipped * 100, 1), h('small', null, '%')] : [none]));
    exposure.replaceChildren(...(photo ? [shutter(photo.exposure_us), h('small', null, 's')] : [none]));
  }

  drawTurner() {
    const { shots, at } = this.model.turn(), shot = this.model.chosen();
    attr(this.slider, { max: Math.max(0, shots.length - 1), 'aria-disabled': shots.length < 2 ? 'true' : null });
    if (Number(this.slider.value) !== at) this.slider.value = String(Math.max(0, at));
    if (shot) attr(this.slider, { 'aria-valuetext': t.sessions.turned(shot.shot, angle(shot.azimuth), angle(shot.elevation)) });
    this.el.classList.toggle('turns', shots.length > 1);
    this.warm(shots, at);
  }

  /** The neighbours first, more of them in the direction of the hand. @param {Shot[]} shots @param {number} at */
  warm(shots, at) {
    const urls = [], n = shots.length, wide = innerWidth > 720 ? AHEAD : 10;
    for (let i = 1; i <= Math.min(wide, n - 1); i++) {
      for (const by of [i * this.heading, -i * this.heading]) urls.push(this.url(shots[(((at + by) % n) + n) % n]));
    }
    this.stock.warm([...new Set(urls)]);
  }

  /** @param {Shot} shot */
  url(shot) { return shotUrl(this.model.id, shot, 'preview'); }

  /** @param {Shot} shot */
  async drawPhoto(shot) {
    this.plate.hidden = Boolean(shot.photo);
    this.img.hidden = !shot.photo || this.compared;
    if (!shot.photo) { this.drawPlate(shot); return; }
    attr(this.img, { alt: t.sessions.alt(shot.shot, angle(shot.azimuth), angle(shot.elevation)) });
    const url = this.zoomed ? photoUrl(this.model.id, shot.photo) : this.url(shot);
    if (!this.stock.ready(url)) {
      const early = this.zoomed && this.stock.ready(this.url(shot)) ? this.url(shot) : shotUrl(this.model.id, shot, 'thumb');
      if (!this.img.getAttribute('src')?.startsWith(photoUrl(this.model.id, shot.photo))) attr(this.img, { src: early });
      this.view.classList.add('waits');
      const good = await this.stock.load(url);
      if (this.model.chosen()?.photo !== shot.photo) return;
      if (!good) { this.broken(); return; }
    }
    this.view.classList.remove('waits');
    attr(this.img, { src: url });
    if (this.zoomed) this.place();
  }

  /** What stands where a photo will be. @param {Shot} shot */
  drawPlate(shot) {
    const state = shot.shot === this.model.watch()?.current ? 'now' : shot.state;
    attr(this.plate, { 'data-state': state });
    this.plate.replaceChildren(state === 'failed' ? icon('x') : '', h('b', null, t.sessions.plates[state] ?? state), h('span', null, t.sessions.plateAt(angle(shot.azimuth), angle(shot.elevation))));
    this.view.classList.remove('waits');
    if (this.zoomed) this.setZoom(false);
  }

  broken() {
    this.img.hidden = true;
    this.plate.hidden = false;
    attr(this.plate, { 'data-state': 'failed' });
    this.plate.replaceChildren(icon('x'), h('b', null, t.sessions.noPicture), h('span', null, t.sessions.noPictureHint));
  }

  /** The photo between its neighbours in the ring. */
  drawTrio() {
    const { shots, at } = this.model.turn(), n = shots.length;
    const three = n > 2 ? [shots[(at + n - 1) % n], shots[at], shots[(at + 1) % n]] : shots;
    keyed(this.trio, three, shot => `${shot.photo}`,
      shot => h('figure', null, h('button', { type: 'button', onclick: () => this.model.choose(shot.shot, 'viewer') }, h('img', { src: this.url(shot), alt: '' })), h('figcaption', null, h('b'), h('span'), h('em'))),
      (el, shot) => {
        const relative = this.model.watch()?.photo(shot.shot)?.sharpness_relative;
        attr(el.firstElementChild, { 'aria-pressed': String(shot.shot === this.model.shot), 'aria-label': t.sessions.alt(shot.shot, angle(shot.azimuth), angle(shot.elevation)) });
        put(el.querySelector('b'), shot.shot);
        put(el.querySelector('span'), `${angle(shot.azimuth)} / ${angle(shot.elevation)}`);
        put(el.querySelector('em'), typeof relative === 'number' ? t.sessions.sharp(ratio(relative)) : '');
      });
  }

  /* ---- acting ---- */

  /** @param {number} by */
  turn(by) {
    const { shots, at } = this.model.turn(), n = shots.length;
    if (n < 2) return;
    this.heading = Math.sign(by) || 1;
    this.model.choose(shots[(((at + by) % n) + n) % n].shot, 'viewer');
  }

  slid() {
    const { shots, at } = this.model.turn(), to = Number(this.slider.value);
    this.heading = Math.sign(to - at) || 1;
    if (shots[to]) this.model.choose(shots[to].shot, 'viewer');
  }

  /** @param {number} by */
  step(by) {
    const shot = this.model.step(by);
    if (shot) this.model.choose(shot.shot, 'keys');
  }

  /** Keys on the slider: it goes round without an end, up and down change the ring. @param {KeyboardEvent} event */
  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const pans = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
    if (this.zoomed && pans) { event.preventDefault(); this.panBy(pans[0], pans[1]); return; }
    const turns = { ArrowLeft: -1, ArrowRight: 1 }[event.key], rings = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!turns && !rings && event.key !== 'Enter') return;
    event.preventDefault();
    if (turns) this.turn(turns);
    const shot = rings && this.model.ringStep(rings);
    if (shot) this.model.choose(shot.shot, 'viewer');
    if (event.key === 'Enter') this.setLarge(!this.large);
  }

  /** Esc goes back one step, wherever the focus is. @param {KeyboardEvent} event */
  escape = event => {
    if (event.key !== 'Escape' || !(this.zoomed || this.compared || this.large) || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    if (this.zoomed) this.setZoom(false);
    else if (this.compared) this.setCompare(false);
    else this.setLarge(false);
  };

  /** A double click looks closer at that place. @param {PointerEvent} event */
  tapped(event) {
    const twice = event.timeStamp - this.#tapped < 400;
    this.#tapped = event.timeStamp;
    if (!twice || this.compared) return;
    const box = this.view.getBoundingClientRect();
    this.setZoom(!this.zoomed, { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height });
  }

  /** @param {boolean} on @param {{x: number, y: number}} [point] 0 to 1 of the view */
  setZoom(on, point = { x: 0.5, y: 0.5 }) {
    const photo = this.model.chosenPhoto(), shot = this.model.chosen();
    if (on && (!photo || !shot)) return;
    if (on && this.compared) this.setCompare(false);
    this.zoomed = on;
    this.view.classList.toggle('zoomed', on);
    attr(this.tools.zoom, { 'aria-pressed': String(on) });
    if (on && photo) this.pan = { x: (0.5 - point.x) * (photo.width / devicePixelRatio), y: (0.5 - point.y) * (photo.height / devicePixelRatio) };
    this.place();
    if (shot) this.drawPhoto(shot);
  }

  /** Puts the photo at one pixel of it for one of the screen, moved by pan, never out of sight. */
  place() {
    const photo = this.model.chosenPhoto(), { style } = this.img;
    if (!this.zoomed || !photo) { style.cssText = ''; return; }
    const w = photo.width / devicePixelRatio, tall = photo.height / devicePixelRatio;
    const free = { x: Math.max(0, (w - this.view.clientWidth) / 2), y: Math.max(0, (tall - this.view.clientHeight) / 2) };
    this.pan = { x: Math.max(-free.x, Math.min(free.x, this.pan.x)), y: Math.max(-free.y, Math.min(free.y, this.pan.y)) };
    Object.assign(style, { width: `${w}px`, height: `${tall}px`, transform: `translate(calc(-50% + ${this.pan.x}px), calc(-50% + ${this.pan.y}px))` });
  }

  /** @param {number} dx @param {number} dy @returns {boolean} */
  panBy(dx, dy) {
    if (!this.zoomed) return false;
    this.pan = { x: this.pan.x + dx, y: this.pan.y + dy };
    this.place();
    return true;
  }

  /** @param {boolean} on */
  setCompare(on) {
    if (on && !this.model.chosenPhoto()) return;
    if (on && this.zoomed) this.setZoom(false);
    this.compared = on;
    this.view.classList.toggle('compared', on);
    this.trio.hidden = !on;
    attr(this.tools.compare, { 'aria-pressed': String(on) });
    if (on && !this.large) this.setLarge(true);
    this.draw();
  }

  /** @param {boolean} on */
  setLarge(on) {
    if (on === this.large) return;
    this.large = on;
    attr(this.tools.large, { 'aria-pressed': String(on) });
    this.el.classList.toggle('large', on);
    this.options.large(on);
    this.place();
    if (on) this.#before = document.activeElement;
    const target = on ? this.slider : this.#before;
    if (target instanceof HTMLElement) target.focus({ preventScroll: true });
  }
}
