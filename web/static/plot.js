/* Sharpness of each photo against the median of its ring. <scan-plot>
 *
 *   const el = makePlot()
 *   el.show({points: [{shot, elevation, value, old, state, retaken}], label})   value: sharpness_relative or null; old: before it was taken again
 *   el.choose(number|null)     marks a point, fires nothing
 *   event 'choose' {shot}      by click or arrow keys
 * 1.0 is the ring's median, 0.6 the limit below which a photo is taken again, 0.4 the limit of a warning.
 */
import { ringsOf } from './dial.js';
import { attr, h, svg } from './dom.js';
import { angle, ratio } from './format.js';
import { t } from './i18n.js';

/** @typedef {{shot: number, elevation: number, value: number|null, old?: number|null, state: string, retaken?: boolean}} Point */

const W = 1000, H = 120, TOP = 1.5; // where the scale ends

/** @param {number} value */
const y = value => (H - Math.max(0, Math.min(TOP, value)) / TOP * H).toFixed(1);

/** Points of a pass. @param {readonly import('./types.js').Shot[]} shots @param {(shot: number) => import('./types.js').Photo|undefined} photo @returns {Point[]} */
export const pointsOf = (shots, photo) => shots.map(shot => ({ shot: shot.shot, elevation: shot.elevation, value: photo(shot.shot)?.sharpness_relative ?? null, state: shot.state, retaken: shot.retaken }));

export class ScanPlot extends HTMLElement {
  /** @type {Point[]} */
  #points = [];
  /** @type {number|null} */
  #chosen = null;
  #svg = svg('svg', { viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: 'none' });
  #scale = svg('g');
  #trace = svg('path.tr');
  #dots = svg('path.dot');
  #again = svg('path.again');
  #lift = svg('path.lift');
  #old = svg('path.old');
  #lost = svg('path.x0');
  #line = svg('path.selm');
  #sel = svg('path.sel');
  #axis = h('div.x');
  #ticks = '';
  #box = h('div.plotbox', { role: 'slider', tabindex: 0, 'aria-valuemin': 1, 'aria-valuemax': 1, 'aria-valuenow': 1 }, this.#svg);

  connectedCallback() {
    if (this.firstChild) return;
    this.classList.add('plot');
    this.#svg.setAttribute('aria-hidden', 'true');
    this.#svg.append(svg('path.g', { d: `M0 ${H}H${W}` }), svg('path.med', { d: `M0 ${y(1)}H${W}` }), svg('path.lim', { d: `M0 ${y(0.6)}H${W}` }), svg('path.lim2', { d: `M0 ${y(0.4)}H${W}` }),
      this.#scale, this.#line, this.#lost, this.#trace, this.#dots, this.#again, this.#lift, this.#old, this.#sel);
    this.append(h('div.y', { 'aria-hidden': 'true' }, [['y1', '1.0'], ['y6', '0.6'], ['y4', '0.4']].map(([name, value]) => h(`span.${name}`, null, value)), h('span.y0', null, '0')), this.#box, this.#axis);
    this.#box.onclick = (/** @type {MouseEvent} */ event) => {
      const { left, width } = this.#box.getBoundingClientRect();
      this.#pick(Math.floor((event.clientX - left) / width * this.#points.length));
    };
    this.#box.onkeydown = (/** @type {KeyboardEvent} */ event) => this.#key(event);
  }

  /** @param {{points: Point[], label?: string}} data */
  show({ points, label = t.scan.plotLabel }) {
    this.#points = points;
    attr(this.#box, { 'aria-label': label, 'aria-valuemax': Math.max(points.length, 1) });
    this.#drawScale();
    let trace = '', dots = '', again = '', lift = '', old = '', lost = '', pen = false, ring = Infinity;
    points.forEach((point, n) => {
      const x = this.#x(n);
      if (Math.abs(point.elevation - ring) > 0.05 && this.#ticks.includes(':')) { pen = false; ring = point.elevation; }
      if (point.state === 'skipped' || point.state === 'failed') lost += `M${x} ${H}V${H - 14}`;
      if (point.value === null || point.state !== 'saved') { pen = false; return; }
      trace += `${pen ? 'L' : 'M'}${x} ${y(point.value)}`;
      dots += `M${x} ${y(point.value)}h0`;
      pen = true;
      if (point.retaken) again += `M${x} ${y(point.value)}h0`;
      if (typeof point.old === 'number') { lift += `M${x} ${y(point.old)}V${y(point.value)}`; old += `M${x} ${y(point.old)}h0`; }
    });
    const paths = { trace, dots, again, lift, old, lost };
    attr(this.#trace, { d: paths.trace });
    attr(this.#dots, { d: paths.dots, class: points.length > 400 ? 'dot fine' : 'dot' });
    attr(this.#again, { d: paths.again });
    attr(this.#lift, { d: paths.lift });
    attr(this.#old, { d: paths.old });
    attr(this.#lost, { d: paths.lost });
    this.#drawChosen();
  }

  /** @param {number|null} shot */
  choose(shot) {
    this.#chosen = shot;
    this.#drawChosen();
  }

  /** @param {number} n place in the order of the plan */
  #x(n) { return ((n + 0.5) / Math.max(1, this.#points.length) * W).toFixed(1); }

  #drawScale() {
    const points = this.#points, rings = ringsOf(/** @type {any} */ (points));
    /** @type {Array<[number, string]>} */
    const starts = [];
    let last = Infinity;
    if (rings && rings.length <= 6) points.forEach((point, n) => { if (Math.abs(point.elevation - last) > 0.05) { starts.push([n, angle(point.elevation)]); last = point.elevation; } });
    const ticks = starts.length && starts.length <= 6 ? starts.map(([n, text]) => `${n}:${text}`).join() : String(points.length);
    if (ticks === this.#ticks) return;
    this.#ticks = ticks;
    const parts = ticks.includes(':') ? starts : [];
    this.#scale.replaceChildren(...parts.slice(1).map(([n]) => svg('path.g', { d: `M${(n / points.length * W).toFixed(1)} 0V${H}` })));
    const labels = parts.length ? parts : /** @type {Array<[number, string]>} */ (points.length ? [[0, '']] : []);
    this.#axis.replaceChildren(...labels.map(([n, text], at) => {
      const el = h('span', null, t.scan.plotTick(points[n].shot, text, at === 0));
      el.style.left = `${n / points.length * 100}%`;
      return el;
    }), points.length > 1 ? h('span.last', null, String(points[points.length - 1].shot)) : '');
  }

  #drawChosen() {
    const n = this.#points.findIndex(point => point.shot === this.#chosen), point = this.#points[n];
    attr(this.#line, { d: point ? `M${this.#x(n)} 0V${H}` : null });
    attr(this.#sel, { d: point && point.value !== null ? `M${this.#x(n)} ${y(point.value)}h0` : null });
    const here = point ?? this.#points.filter(other => other.value !== null).at(-1);
    attr(this.#box, { 'aria-valuenow': here?.shot ?? 1, 'aria-valuetext': here ? t.scan.plotValue(here.shot, here.value === null ? '–' : ratio(here.value)) : t.scan.noPhotos });
  }

  /** @param {number} n */
  #pick(n) {
    const point = this.#points[Math.max(0, Math.min(this.#points.length - 1, n))];
    if (!point) return;
    this.choose(point.shot);
    this.dispatchEvent(new CustomEvent('choose', { detail: { shot: point.shot } }));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const now = this.#points.findIndex(point => point.shot === this.#chosen);
    this.#pick(Number.isFinite(step) ? (now < 0 ? 0 : now + step) : step < 0 ? 0 : this.#points.length - 1);
  }
}
customElements.define('scan-plot', ScanPlot);

/** @returns {ScanPlot} */
export const makePlot = () => /** @type {ScanPlot} */ (document.createElement('scan-plot'));
