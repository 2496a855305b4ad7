/* The contact sheet: one frame a shot, grouped by ring, there before the scan begins; the scan exposes it.
 *
 *   const sheet = new ContactSheet(model, {open})    open(): show the chosen photo large (Enter, second click)
 *   sheet.el     a section; one tab stop, arrows move through the plan, Home and End go to its ends
 * A frame is saved (its photo), planned (unexposed), now, failed or skipped; a photo taken again or a soft one has its mark.
 */
import { photoUrl } from './api.js';
import { attr, h, icon, keyed, put } from './dom.js';
import { angle, count } from './format.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').Shot} Shot  @typedef {import('./shots.js').Ring} Ring */

const SOFT = 0.6; // of the ring's median: below it a photo counts as soft

/** A photo's address; one taken again has another name. @param {string} session @param {Shot} shot @param {'thumb'|'preview'} size */
export const shotUrl = (session, shot, size) => photoUrl(session, shot.photo ?? '', size);

/** As many frames a row as make whole rows of every ring, or the first choice. @param {number[]} rings @param {number[]} choice */
const columnsFor = (rings, choice) => choice.find(n => rings.every(ring => ring % n === 0)) ?? choice[0];

export class ContactSheet {
  /** @param {import('./session-model.js').SessionModel} model @param {{open: () => void}} options */
  constructor(model, { open }) {
    this.model = model;
    this.open = open;
    this.now = 0;
    this.tabs = h('div.seg.end', { role: 'group', 'aria-label': t.sessions.pass, hidden: true });
    this.rolls = h('div.rolls', { onclick: (/** @type {MouseEvent} */ event) => this.clicked(event), onkeydown: (/** @type {KeyboardEvent} */ event) => this.pressed(event) });
    this.el = h('section.pane.wide.sheetpane', { 'aria-labelledby': 'sheet-h', 'data-part': 'sheet' },
      h('div.pane-h', null, h('h2', { id: 'sheet-h' }, t.sessions.photos), this.tabs), this.rolls);
    /** @type {HTMLElement|null} */
    this.marked = null;
    this.sizes = new ResizeObserver(() => this.measure());
    this.sizes.observe(this.rolls);
    model.on('shown', () => this.draw());
    model.on('session', () => this.drawTabs());
    model.on('shot', shot => this.drawShot(shot));
    model.on('now', () => this.drawNow());
    model.on('chosen', () => this.mark());
  }

  close() { this.sizes.disconnect(); }

  /* ---- drawing ---- */

  draw() {
    const { model } = this, rows = model.rings().map(ring => ring.shots.length);
    this.rolls.style.setProperty('--cols-l', String(columnsFor(rows, [12, 10, 11, 9, 8, 13, 14])));
    this.rolls.style.setProperty('--cols-m', String(columnsFor(rows, [8, 9, 7, 6, 10])));
    keyed(this.rolls, model.rings(), ring => ring.key, ring => this.makeRing(ring), (el, ring) => this.drawRing(el, ring));
    this.el.classList.add('ready');
    this.drawTabs();
    this.drawNow();
    this.mark();
    this.measure();
  }

  drawTabs() {
    const passes = this.model.session?.passes ?? [];
    this.tabs.hidden = passes.length < 2;
    keyed(this.tabs, passes, pass => pass.name,
      pass => h('button', { type: 'button', 'data-pass': pass.name, onclick: () => this.model.show(pass.name) }, `${pass.name} `, h('em')),
      (el, pass) => {
        attr(el, { 'aria-pressed': String(pass.name === this.model.passName) });
        put(el.lastElementChild, count(pass.saved));
      });
  }

  /** @param {Ring} ring */
  makeRing(ring) {
    const id = `ring-${ring.key}`;
    return h('div.ring', null, h('p.ringh', { id }, h('b'), h('span')), h('div.frames', { role: 'listbox', 'aria-labelledby': id, 'aria-orientation': 'horizontal' }));
  }

  /** @param {HTMLElement} el @param {Ring} ring */
  drawRing(el, ring) {
    this.drawHead(el, ring);
    keyed(/** @type {Element} */ (el.lastElementChild), ring.shots, shot => String(shot.shot), shot => this.makeFrame(shot), (frame, shot) => this.drawFrame(frame, shot));
  }

  /** @param {HTMLElement} el @param {Ring} ring */
  drawHead(el, ring) {
    const saved = ring.shots.filter(shot => shot.state === 'saved').length, again = ring.shots.filter(shot => shot.retaken).length;
    const level = ring.to - ring.from < 0.1 ? angle(ring.from) : t.sessions.band(angle(ring.from), angle(ring.to));
    put(el.querySelector('.ringh b'), ring.camera ? `${level}, ${ring.camera}` : level);
    put(el.querySelector('.ringh span'), t.sessions.ring(saved, ring.shots.length, again));
  }

  /** @param {Shot} shot */
  makeFrame(shot) {
    return h('div.frame', { role: 'option', id: `frame-${shot.shot}`, 'data-shot': shot.shot, tabindex: -1, 'aria-selected': 'false' },
      h('div.pic'), h('div.cap', null, h('b'), ' ', h('span')), h('span.vh'));
  }

  /** @param {HTMLElement} frame @param {Shot} shot */
  drawFrame(frame, shot) {
    const state = shot.shot === this.now && shot.state !== 'saved' ? 'now' : shot.state;
    const relative = this.model.watch()?.photo(shot.shot)?.sharpness_relative ?? 1;
    const mark = shot.retaken ? 'again' : state === 'saved' && relative < SOFT ? 'soft' : '';
    attr(frame, { 'data-state': state, 'data-mark': mark || null });
    put(frame.lastElementChild, t.sessions.frame(angle(shot.elevation), state, mark));
    put(frame.querySelector('.cap b'), shot.shot);
    put(frame.querySelector('.cap span'), angle(shot.azimuth));
    this.drawPicture(/** @type {HTMLElement} */ (frame.firstElementChild), shot, state, mark);
  }

  /** Touches the picture only when it is another one, so that nothing blinks. @param {HTMLElement} pic @param {Shot} shot @param {string} state @param {string} mark */
  drawPicture(pic, shot, state, mark) {
    const url = shot.photo ? shotUrl(this.model.id, shot, 'thumb') : '', drawn = `${state} ${mark} ${url}`;
    if (pic.dataset.drawn === drawn) return;
    const had = pic.querySelector('img');
    pic.dataset.drawn = drawn;
    const img = url && had?.getAttribute('src') === url ? had : url && h('img', {
      src: url, alt: '', loading: 'lazy', decoding: 'async', draggable: 'false',
      onerror: (/** @type {Event} */ event) => { if (event.target instanceof Element) event.target.replaceWith(h('span.note', null, t.sessions.noPicture)); },
    });
    pic.replaceChildren(...[
      img || (state === 'failed' || state === 'skipped' ? h('span.note', null, icon('x', 'sm'), t.sessions.shotStates[state]) : ''),
      mark === 'again' ? h('span.mark', null, icon('again', 'sm')) : mark === 'soft' ? h('span.mark.warn', null, icon('warn', 'sm')) : '',
    ].filter(Boolean));
  }

  /** @param {number} number */
  drawShot(number) {
    const frame = this.frame(number), shot = this.model.watch()?.shot(number), ring = this.model.rings().find(one => shot && one.shots.includes(shot));
    if (!frame || !shot) return;
    this.drawFrame(frame, shot);
    const group = frame.closest('.ring');
    if (ring && group instanceof HTMLElement) this.drawHead(group, ring);
  }

  drawNow() {
    const was = this.now;
    this.now = this.model.watch()?.current ?? 0;
    for (const number of new Set([was, this.now])) if (number) this.drawShot(number);
  }

  mark() {
    const frame = this.frame(this.model.shot);
    if (frame === this.marked) return;
    if (this.marked) attr(this.marked, { 'aria-selected': 'false', tabindex: -1 });
    if (frame) attr(frame, { 'aria-selected': 'true', tabindex: 0 });
    this.marked = frame;
  }

  /** @param {number} number @returns {HTMLElement|null} */
  frame(number) { return this.rolls.querySelector(`#frame-${number}`); }

  columns() {
    const grid = this.rolls.querySelector('.frames');
    return grid ? getComputedStyle(grid).gridTemplateColumns.split(' ').length : 1;
  }

  /** Frames that are not drawn yet hold exactly the room they will need: nothing jumps while scrolling. */
  measure() {
    const grid = this.rolls.querySelector('.frames');
    if (!grid || !grid.clientWidth) return;
    const style = getComputedStyle(grid), columns = style.gridTemplateColumns.split(' ');
    this.rolls.style.setProperty('--frame-w', columns[0]);
  }

  /* ---- hands and keys ---- */

  /** @param {MouseEvent} event */
  clicked(event) {
    const frame = event.target instanceof Element ? event.target.closest('.frame') : null;
    if (!(frame instanceof HTMLElement)) return;
    const shot = Number(frame.dataset.shot);
    if (shot === this.model.shot && event.detail > 1) this.open();
    this.model.choose(shot, 'sheet');
    frame.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); this.open(); return; }
    const shots = this.model.rings().flatMap(ring => ring.shots), at = shots.findIndex(shot => shot.shot === this.model.shot);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - this.columns(), ArrowDown: at + this.columns(), Home: 0, End: shots.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const shot = shots[Math.max(0, Math.min(shots.length - 1, to))];
    this.model.choose(shot.shot, 'sheet');
    this.frame(shot.shot)?.focus();
  }
}
