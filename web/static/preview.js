/* The live picture, from the frames of the WebSocket: grid, focus zoom with a measure of sharpness, histogram, frames a second. <scan-preview>
 *
 *   const el = makePreview()
 *   el.watch(cameras)            names; the first is shown, others can be chosen. Frames are asked for while the element is in the page
 *   el.facts([text or Node])     the line under the picture
 * Which tools are on is kept per browser.
 */
import { tidy } from './api.js';
import { attr, h, icon, keyed, put, svg } from './dom.js';
import { number } from './format.js';
import { t } from './i18n.js';
import { store } from './store.js';
import { histogramPath, sharpness } from './pixels.js';

/** @typedef {import('./types.js').Frame} Frame */

const MEASURE = 250; // ms between histogram and focus
const GONE = 4000; // ms without a frame
const LOUPE = { w: 240, h: 180 };

/** @returns {Record<string, boolean>} */
function keptTools() {
  try { return { grid: true, zoom: matchMedia('(min-width: 721px)').matches, hist: true, ...JSON.parse(localStorage.getItem('preview') ?? '{}') }; } catch { return { grid: true, zoom: false, hist: true }; }
}

export class ScanPreview extends HTMLElement {
  #canvas = h('canvas', { width: 16, height: 9, role: 'img' });
  #thirds = svg('svg.over', { viewBox: '0 0 160 90', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, svg('path.thirds', { d: 'M53.3 0V90M106.7 0V90M0 30H160M0 60H160' }));
  #spot = svg('svg.over', { viewBox: '0 0 160 90', 'aria-hidden': 'true' }, svg('path.spot', { d: 'M73 34.5v-2.8h3.7M103 31.7h3.4v2.8M106.4 54v2.700H103M76.7 56.7H73V54' }));
  #pic = h('div.pic.none', null, this.#canvas, this.#thirds, this.#spot);
  #word = h('span.st.off');
  #name = h('span', null);
  #fps = h('b', null, '\u00a0');
  #message = h('p.nopic', { hidden: true });
  #loupeCanvas = h('canvas', { width: LOUPE.w, height: LOUPE.h, role: 'img', 'aria-label': t.scan.loupe });
  #scale = h('span');
  #focus = h('b');
  #loupe = h('figure.loupe', null, this.#loupeCanvas, h('figcaption', null, this.#scale, h('span', null, `${t.scan.focus} `, this.#focus)));
  #facts = h('div.facts');
  #curve = svg('path');
  #hist = svg('svg.hist', { viewBox: '0 0 128 32', 'aria-hidden': 'true' }, this.#curve, svg('line', { x1: 0, y1: 31.5, x2: 128, y2: 31.5 }));
  #small = /** @type {OffscreenCanvasRenderingContext2D|CanvasRenderingContext2D} */ (document.createElement('canvas').getContext('2d', { willReadFrequently: true }));
  #tools = keptTools();
  /** @type {Map<string, HTMLElement>} */
  #buttons = new Map();
  /** @type {string[]} */
  #cameras = [];
  #camera = '';
  #off = () => {};
  #offs = [() => {}];
  #busy = false;
  /** @type {Frame|null} */
  #next = null;
  #measured = 0;
  #best = 0;
  /** @type {number[]} */
  #times = [];
  #timer = 0;
  #fault = '';
  #resize = new ResizeObserver(() => this.#fit());

  connectedCallback() {
    if (!this.firstChild) this.#build();
    this.#resize.observe(this);
    this.#timer = window.setInterval(() => this.#state(), 1000);
    this.#offs = [
      store.on('link', () => this.#state()),
      store.on('preview_fault', (/** @type {any} */ fault) => { if (fault.camera === this.#camera) { this.#fault = tidy(fault.message); this.#times = []; this.#state(); } }),
    ];
    this.#subscribe();
  }

  disconnectedCallback() {
    this.#resize.disconnect();
    clearInterval(this.#timer);
    this.#offs.forEach(off => off());
    this.#off();
    this.#off = () => {};
  }

  /** @param {string[]} cameras */
  watch(cameras) {
    if (cameras.join() === this.#cameras.join()) return;
    this.#cameras = cameras;
    this.#camera = cameras.includes(this.#camera) ? this.#camera : cameras[0] ?? '';
    this.#drawName();
    if (this.isConnected) this.#subscribe();
  }

  /** @param {string[]} facts */
  facts(facts) {
    keyed(this.#facts, facts.map((text, n) => ({ id: String(n), text })), fact => fact.id, () => h('span'), (el, fact) => put(el, fact.text));
  }

  #build() {
    this.classList.add('screen', 'preview');
    attr(this, { role: 'region', 'aria-label': t.scan.preview });
    const tool = (/** @type {string} */ name, /** @type {string} */ label) => {
      const button = h('button', { type: 'button', 'aria-label': label, 'data-tool': name, onclick: () => this.#toggle(name) }, icon(name === 'zoom' ? 'zoom' : name));
      this.#buttons.set(name, button);
      return button;
    };
    this.append(this.#pic, this.#message, h('div.hud.tl', null, this.#word, this.#name),
      h('div.hud.tr.tools', { role: 'toolbar', 'aria-label': t.scan.preview }, tool('grid', t.scan.grid), tool('zoom', t.scan.zoom), tool('hist', t.scan.hist),
        h('button', { type: 'button', 'aria-label': t.scan.full, onclick: () => this.#full() }, icon('full'))),
      this.#loupe, h('div.hud.strip', null, this.#facts, this.#hist));
    this.#drawTools();
    this.#drawName();
    this.#state();
  }

  #subscribe() {
    this.#off();
    this.#off = () => {};
    this.#fault = '';
    this.#best = 0;
    this.#times = [];
    if (this.#camera) this.#off = store.preview(this.#camera, frame => this.#frame(frame));
    this.#state();
  }

  #drawName() {
    this.#name.replaceChildren(this.#cameras.length > 1
      ? h('button.pick', { type: 'button', 'aria-label': t.scan.nextCamera, onclick: () => { this.#camera = this.#cameras[(this.#cameras.indexOf(this.#camera) + 1) % this.#cameras.length]; this.#drawName(); this.#subscribe(); } }, this.#camera)
      : this.#camera, ' ', this.#fps);
    attr(this.#canvas, { 'aria-label': t.scan.picture(this.#camera) });
  }

  #state() {
    const now = performance.now(), lost = store.link.state !== 'live';
    const live = !lost && this.#times.length > 0 && now - this.#times[this.#times.length - 1] < GONE;
    this.#times = this.#times.filter(time => now - time < 3000);
    const message = live ? '' : this.#why(lost);
    put(this.#word, live ? t.shell.live : lost ? t.shell.lost : t.scan.noPicture);
    attr(this.#word, { class: `st ${live ? 'run' : 'off'}` });
    const span = this.#times.length > 1 ? (this.#times[this.#times.length - 1] - this.#times[0]) / 1000 : 0;
    attr(this.#name, { hidden: !live });
    put(this.#fps, live && span > 0.5 ? `${number((this.#times.length - 1) / span)} ${t.scan.fps}` : '\u00a0');
    put(this.#message, message);
    attr(this.#message, { hidden: live || !message });
    attr(this.#canvas, { class: live ? null : 'old' });
  }

  /** @param {boolean} lost */
  #why(lost) {
    if (!this.#camera) return t.scan.noCamera;
    return lost ? t.scan.previewLost : this.#fault || t.scan.previewStarts;
  }

  /** Newest only: one that comes while another is decoded replaces the one that waits. @param {Frame} frame */
  async #frame(frame) {
    this.#times.push(performance.now());
    this.#fault = '';
    this.#next = frame;
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#next) {
        const { jpeg } = this.#next;
        this.#next = null;
        const picture = await createImageBitmap(jpeg);
        this.#show(picture);
        picture.close();
      }
    } catch {
      this.#next = null; // a damaged frame: the next one is on its way
    } finally {
      this.#busy = false;
    }
    if (!this.#message.hidden) this.#state();
  }

  /** @param {ImageBitmap} picture */
  #show(picture) {
    const canvas = this.#canvas;
    if (canvas.width !== picture.width || canvas.height !== picture.height) {
      canvas.width = picture.width;
      canvas.height = picture.height;
      this.#fit();
      this.#pic.classList.remove('none');
    }
    canvas.getContext('2d').drawImage(picture, 0, 0);
    const measure = performance.now() - this.#measured > MEASURE;
    if (measure) this.#measured = performance.now();
    if (this.#tools.zoom && this.#loupe.clientWidth) this.#drawLoupe(picture, measure);
    if (this.#tools.hist && measure && this.#hist.clientWidth) this.#drawHist(picture);
  }

  /** The middle of the picture, pixel for pixel or larger, and how sharp it is against the best since the picture began. @param {ImageBitmap} picture @param {boolean} measure */
  #drawLoupe(picture, measure) {
    const times = Math.max(1, Math.ceil(1.4 * this.#pic.clientWidth / picture.width)), w = Math.round(LOUPE.w / times), hh = Math.round(LOUPE.h / times);
    const g = this.#loupeCanvas.getContext('2d', { willReadFrequently: true });
    g.drawImage(picture, (picture.width - w) / 2, (picture.height - hh) / 2, w, hh, 0, 0, LOUPE.w, LOUPE.h);
    put(this.#scale, `${times} : 1`);
    if (!measure) return;
    const value = sharpness(g.getImageData(0, 0, LOUPE.w, LOUPE.h), times);
    this.#best = Math.max(this.#best * 0.999, value);
    put(this.#focus, this.#best > 0 ? number(value / this.#best, 2) : '\u00a0');
  }

  /** @param {ImageBitmap} picture */
  #drawHist(picture) {
    const { canvas } = this.#small;
    canvas.width = 96;
    canvas.height = Math.round(96 * picture.height / picture.width);
    this.#small.drawImage(picture, 0, 0, canvas.width, canvas.height);
    attr(this.#curve, { d: histogramPath(this.#small.getImageData(0, 0, canvas.width, canvas.height).data) });
  }

  /** The whole picture is always seen, so overlays fit it and not the box. */
  #fit() {
    const ratio = this.#canvas.width / this.#canvas.height, box = this.clientWidth / Math.max(1, this.clientHeight);
    this.#pic.style.width = `${Math.min(1, ratio / box) * 100}%`;
    this.#pic.style.height = `${Math.min(1, box / ratio) * 100}%`;
  }

  /** @param {string} name */
  #toggle(name) {
    this.#tools[name] = !this.#tools[name];
    try { localStorage.setItem('preview', JSON.stringify(this.#tools)); } catch { /* private mode: for this page only */ }
    this.#drawTools();
  }

  #drawTools() {
    for (const [name, button] of this.#buttons) attr(button, { 'aria-pressed': String(this.#tools[name]) });
    attr(this.#thirds, { visibility: this.#tools.grid ? null : 'hidden' });
    attr(this.#spot, { visibility: this.#tools.zoom ? null : 'hidden' });
    attr(this.#loupe, { hidden: !this.#tools.zoom });
    attr(this.#hist, { visibility: this.#tools.hist ? null : 'hidden' });
  }

  #full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.requestFullscreen?.();
  }
}
customElements.define('scan-preview', ScanPreview);

/** @returns {ScanPreview} */
export const makePreview = () => /** @type {ScanPreview} */ (document.createElement('scan-preview'));
