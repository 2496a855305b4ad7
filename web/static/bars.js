/* A plot of figures by day: bars on a scale, read by pointing, by the arrow keys, or as a table. <scan-bars>
 *
 *   const el = makeBars()
 *   el.show({bars: [{label, value, long}], what, unit})    label: under the axis; long: what the bar stands for, in words
 */
import { attr, h, put, svg } from './dom.js';
import { count } from './format.js';
import { t } from './i18n.js';

/** @typedef {{label: string, value: number, long: string}} Bar */

const W = 1000, H = 160;

/** A scale that ends on a round number at or above the largest value. @param {number} most */
export function scaleEnd(most) {
  if (most <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(most));
  for (const step of [1, 1.2, 1.6, 2, 3, 4, 6, 8, 10]) if (step * power >= most && (step * power) % 2 === 0) return step * power;
  return 10 * power;
}

export class ScanBars extends HTMLElement {
  /** @type {Bar[]} */
  #bars = [];
  #unit = '';
  #at = -1;
  #top = 4;
  #svg = svg('svg', { viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  #all = svg('path.bars-all');
  #chosen = svg('path.bars-now');
  #scale = h('div.y', { 'aria-hidden': 'true' });
  #axis = h('div.x', { 'aria-hidden': 'true' });
  #read = h('output.bars-read', { 'aria-hidden': 'true' }, '\u00a0');
  #box = h('div.plotbox', { role: 'slider', tabindex: 0, 'aria-valuemin': 0, 'aria-valuemax': 0, 'aria-valuenow': 0 }, this.#svg);

  connectedCallback() {
    if (this.firstChild) return;
    this.classList.add('plot', 'bars');
    this.#svg.append(...[0, 0.5, 1].map(part => svg('path.g', { d: `M0 ${H * part}H${W}` })), this.#all, this.#chosen);
    this.append(this.#read, this.#scale, this.#box, this.#axis);
    const at = (/** @type {PointerEvent} */ event) => { const { left, width } = this.#box.getBoundingClientRect(); return Math.floor((event.clientX - left) / width * this.#bars.length); };
    this.#box.onpointermove = (/** @type {PointerEvent} */ event) => this.#choose(at(event));
    this.#box.onpointerdown = (/** @type {PointerEvent} */ event) => this.#choose(at(event));
    this.#box.onpointerleave = () => { if (document.activeElement !== this.#box) this.#choose(-1); };
    this.#box.onblur = () => this.#choose(-1);
    this.#box.onkeydown = (/** @type {KeyboardEvent} */ event) => this.#key(event);
  }

  /** @param {{bars: Bar[], what: string, unit: string}} data */
  show({ bars, what, unit }) {
    this.#bars = bars;
    this.#unit = unit;
    this.#at = -1;
    this.#top = scaleEnd(Math.max(0, ...bars.map(bar => bar.value)));
    this.#scale.replaceChildren(...[1, 0.5, 0].map((part, n) => h(`span.at${n}`, null, count(this.#top * part))));
    attr(this.#box, { 'aria-label': what, 'aria-valuemax': Math.max(0, bars.length - 1) });
    attr(this.#all, { d: bars.map((bar, n) => this.#bar(bar, n)).join('') || null });
    const every = Math.max(1, Math.ceil(bars.length / 8)), shown = bars.map((bar, n) => ({ bar, n })).filter(({ n }) => n % every === 0);
    this.#axis.replaceChildren(...shown.map(({ bar, n }) => { const el = h('span', null, bar.label); el.style.left = `${(n + 0.5) / bars.length * 100}%`; return el; }));
    this.#choose(-1);
  }

  /** @param {Bar} bar @param {number} n */
  #bar(bar, n) {
    if (!bar.value) return '';
    const room = W / this.#bars.length, gap = Math.min(room * 0.3, 6), x = n * room + gap / 2, y = H - Math.max(1.5, bar.value / this.#top * H);
    return `M${x.toFixed(2)} ${H}V${y.toFixed(2)}h${(room - gap).toFixed(2)}V${H}z`;
  }

  /** @param {number} n */
  #choose(n) {
    const at = Math.min(n, this.#bars.length - 1), bar = this.#bars[at];
    this.#at = bar ? at : -1;
    attr(this.#chosen, { d: (bar && this.#bar(bar, at)) || null });
    const most = this.#bars.reduce((best, one) => (one.value > (best?.value ?? 0) ? one : best), /** @type {Bar|null} */ (null));
    const rest = most ? t.statistics.most(count(most.value), most.long) : t.statistics.nothing;
    put(this.#read, bar ? t.statistics.value(bar.long, count(bar.value), this.#unit) : rest);
    const said = bar ?? this.#bars[this.#bars.length - 1];
    attr(this.#box, { 'aria-valuenow': bar ? at : Math.max(0, this.#bars.length - 1), 'aria-valuetext': said ? t.statistics.value(said.long, count(said.value), this.#unit) : t.statistics.nothing });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const last = this.#bars.length - 1, from = this.#at < 0 ? last + 1 : this.#at;
    const to = { ArrowLeft: from - 1, ArrowDown: from - 1, ArrowRight: from + 1, ArrowUp: from + 1, Home: 0, End: last, Escape: -1 }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#choose(event.key === 'Escape' ? -1 : Math.max(0, Math.min(last, to)));
  }
}
customElements.define('scan-bars', ScanBars);

/** @returns {ScanBars} */
export const makeBars = () => /** @type {ScanBars} */ (document.createElement('scan-bars'));
