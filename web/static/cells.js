/* The plan in its order as a bar of cells, a group per ring. <scan-cells>
 *
 *   const el = makeCells()
 *   el.show({shots, current, label})    shots as for the dial; a cell a shot up to 200 shots, above that a meter per group
 */
import { attr, h, put, svg } from './dom.js';
import { mark, ringsOf } from './dial.js';
import { angle } from './format.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').Shot} Shot */
/** @typedef {{label: string, shots: Shot[]}} Group */

const MOST_CELLS = 200, MOST_GROUPS = 6;

/** Rings become groups; a plan that is no rings is cut into thirds of its order. @param {readonly Shot[]} shots @returns {Group[]} */
export function groups(shots) {
  const rings = ringsOf(shots);
  if (rings && rings.length <= MOST_GROUPS) return rings.map(ring => ({ label: angle(ring), shots: shots.filter(shot => Math.abs(shot.elevation - ring) < 0.06) }));
  const third = Math.ceil(shots.length / 3);
  return [0, 1, 2].map(n => shots.slice(n * third, (n + 1) * third)).filter(part => part.length)
    .map(part => ({ label: t.scan.shotRange(part[0].shot, part[part.length - 1].shot), shots: part }));
}

export class ScanCells extends HTMLElement {
  #layout = '';

  connectedCallback() {
    this.classList.add('cells');
    attr(this, { role: 'progressbar', 'aria-valuemin': 0 });
  }

  /** @param {{shots: readonly Shot[], current?: number|null, label?: string}} data */
  show({ shots, current = null, label = t.scan.photosSaved }) {
    const parts = groups(shots), fine = shots.length <= MOST_CELLS;
    const layout = `${fine} ${parts.map(part => `${part.label}:${part.shots.length}`).join()}`;
    if (layout !== this.#layout) {
      this.#layout = layout;
      this.replaceChildren(...parts.map(part => this.#build(part, fine)));
    }
    parts.forEach((part, n) => this.#draw(this.children[n], part, current, fine));
    attr(this, { 'aria-label': label, 'aria-valuemax': shots.length, 'aria-valuenow': shots.filter(shot => shot.state === 'saved').length });
  }

  /** @param {Group} part @param {boolean} fine */
  #build(part, fine) {
    const bar = fine ? h('div.row', null, part.shots.map(() => h('i')))
      : svg('svg.meter', { viewBox: '0 0 100 6', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, svg('rect', { height: 6 }));
    return h('div', null, bar, h('p', null, h('span', null, part.label), ' ', h('b'), ' ', h('i')));
  }

  /** @param {Element} el @param {Group} part @param {number|null} current @param {boolean} fine */
  #draw(el, part, current, fine) {
    const saved = part.shots.filter(shot => shot.state === 'saved').length;
    const failed = part.shots.filter(shot => mark(shot, null) === 'f').length;
    if (fine) part.shots.forEach((shot, n) => attr(el.children[0].children[n], { class: mark(shot, current) }));
    else attr(/** @type {Element} */ (el.querySelector('rect')), { width: (100 * saved / part.shots.length).toFixed(2) });
    put(el.querySelector('p b'), t.shell.of(saved, part.shots.length));
    put(el.querySelector('p i'), failed ? t.scan.missed(failed) : '');
  }
}
customElements.define('scan-cells', ScanCells);

/** @returns {ScanCells} */
export const makeCells = () => /** @type {ScanCells} */ (document.createElement('scan-cells'));
