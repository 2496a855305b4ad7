/* The panel that edits the plan of one pass: kind, and the figures of that kind. */
import { choice, stepper } from './fields.js';
import { h, icon, put } from './dom.js';
import { degrees } from './format.js';
import { t } from './i18n.js';
import { KINDS } from './spec.js';

/** @typedef {import('./spec.js').PassForm} PassForm */

const x = t.form;

/** @param {number} count */
const stepOf = count => (count > 0 ? degrees(360 / count) : '–');

/** @param {PassForm} pass @param {string} path @param {number|null} fixed @param {() => void} changed @param {() => void} rebuilt @returns {Element} */
function rings(pass, path, fixed, changed, rebuilt) {
  const list = pass.rings.rings;
  const row = (/** @type {import('./spec.js').Ring} */ ring, /** @type {number} */ n) => {
    const step = h('span.dim', null, stepOf(ring.count)), at = `${path}.rings[${n}]`;
    return [
      h('span', null, n + 1),
      stepper({ label: x.ringElevation(n + 1), path: `${at}.elevation`, value: fixed ?? ring.elevation, unit: '°', step: 5, min: -90, max: 90, digits: 1, readOnly: fixed !== null, change: value => { ring.elevation = value; changed(); } }),
      stepper({ label: x.ringPhotos(n + 1), path: `${at}.count`, value: ring.count, min: 1, max: 10_000, change: value => { ring.count = Math.round(value); put(step, stepOf(value)); changed(); } }),
      step,
      list.length > 1 ? h('button.btn.bare.icon', { type: 'button', 'aria-label': x.removeRing(n + 1), onclick: () => { list.splice(n, 1); rebuilt(); } }, icon('x', 'sm')) : h('span'),
    ];
  };
  const add = h('button.btn.bare.icon', { type: 'button', 'aria-label': x.addRing, title: x.addRing, onclick: () => {
    const last = list[list.length - 1];
    list.push({ count: last.count, elevation: Math.min(last.elevation + 20, 85) });
    rebuilt();
  } }, icon('plus', 'sm'));
  return h('div.ringtab', { role: 'group', 'aria-label': x.kinds.rings, 'data-path': `${path}.rings` },
    [x.ring, x.elevation, x.photos, x.step].map(word => h('span.label', null, word)), fixed === null ? add : h('span'), list.map(row));
}

/** Labelled steppers, two in a row. @param {Array<[string, HTMLElement]>} items */
const pairs = items => h('div.pairs', null, items.map(([label, input]) => h('div.field', null, h('span.label', { 'aria-hidden': 'true' }, label), input)));

/** @param {any} values @param {string} path @param {() => void} changed @returns {Array<[string, HTMLElement]>} */
function span(values, path, changed) {
  return [0, 1].map(n => {
    const label = n ? x.highest : x.lowest;
    return [label, stepper({ label, path: `${path}.elevation[${n}]`, value: values.elevation[n], unit: '°', step: 5, min: -90, max: 90, digits: 1, change: value => { values.elevation[n] = value; changed(); } })];
  });
}

/** @param {any} values @param {string} name @param {string} label @param {string} path @param {() => void} changed @param {object} [options] @returns {[string, HTMLElement]} */
const one = (values, name, label, path, changed, options = {}) => [label, stepper({ label, path: `${path}.${name}`, value: values[name], change: value => { values[name] = value; changed(); }, ...options })];

/** @param {PassForm} pass @param {string} path @param {number|null} fixed @param {() => void} changed @param {() => void} rebuilt @returns {Element} */
function figures(pass, path, fixed, changed, rebuilt) {
  const heights = (/** @type {any} */ values) => (fixed === null ? span(values, path, changed) : []);
  const photos = { min: 1, max: 10_000, step: 4 };
  switch (pass.kind) {
    case 'fibonacci': return pairs([one(pass.fibonacci, 'count', x.photos, path, changed, photos), ...heights(pass.fibonacci)]);
    case 'spiral': return pairs([one(pass.spiral, 'count', x.photos, path, changed, photos), one(pass.spiral, 'turns', x.turns, path, changed, { min: 0.5, step: 0.5, digits: 1 }), ...heights(pass.spiral)]);
    case 'grid': return pairs([one(pass.grid, 'azimuth_step', x.azimuthStep, path, changed, { unit: '°', min: 1, max: 360, step: 5, digits: 1 }), one(pass.grid, 'elevation_step', x.elevationStep, path, changed, { unit: '°', min: 1, max: 180, step: 5, digits: 1 }), ...heights(pass.grid)]);
    case 'list': {
      const area = h('textarea.in.mono', { rows: 5, 'aria-label': x.viewpoints, 'data-path': `${path}.csv`, placeholder: '0, 10\n15, 10\n30, 10', spellcheck: 'false', oninput: () => { pass.list.csv = area.value; changed(); } });
      area.value = pass.list.csv;
      return h('div.field', { 'data-path': `${path}.viewpoints` }, area, h('p.hint', null, x.listHint));
    }
    default: return rings(pass, path, fixed, changed, rebuilt);
  }
}

/**
 * @param {{pass: PassForm, index: number, fixed: number|null, changed: () => void, rebuilt: () => void}} options
 * @returns {Element[]}
 */
export function planPanel({ pass, index, fixed, changed, rebuilt }) {
  const path = `passes[${index}].plan`;
  const kind = choice({ label: x.plan, path: `${path}.kind`, options: KINDS.map(id => [id, x.kinds[id]]), value: pass.kind, change: id => { pass.kind = id; rebuilt(); } });
  return [h('div.row-h.plan', null, h('b', null, x.plan), kind), figures(pass, path, fixed, changed, rebuilt)];
}
