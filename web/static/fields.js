/* Fields of a form. Each has data-path, the path its value has in the spec: that is how faults find it.
 *
 *   stepper({label, path, value, unit, step, min, max, digits, change, readOnly})   minus, figure, plus; arrow keys work in it
 *   field(label, input)   text({path, value, change, ...attributes})   choice({label, options: [[id, text]], value, change})
 *   showFaults(form, Map path -> sentence, names) -> those that found no field, as sentences
 */
import { attr, h, icon } from './dom.js';
import { number } from './format.js';
import { t } from './i18n.js';

let ids = 0;

/** @param {string} typed */
const parse = typed => Number.parseFloat(typed.replace(',', '.').replace(/[^\d.+-]/g, ''));

/**
 * @param {{label: string, path: string, value: number, change: (value: number) => void, unit?: string, step?: number, min?: number, max?: number, digits?: number, readOnly?: boolean}} options
 */
export function stepper({ label, path, value, change, unit = '', step = 1, min = -Infinity, max = Infinity, digits = 0, readOnly = false }) {
  let now = value;
  const show = () => { input.value = Number.isFinite(now) ? `${digits && now % 1 ? number(now, digits) : String(Math.round(now * 100) / 100)}${unit}` : ''; };
  const set = (/** @type {number} */ next) => {
    if (!Number.isFinite(next)) return;
    now = Math.round(next * 1000) / 1000;
    change(now);
  };
  const by = (/** @type {number} */ way) => { set(Math.max(min, Math.min(max, (Number.isFinite(now) ? now : 0) + way * step))); show(); };
  const input = h('input', {
    inputmode: 'decimal', autocomplete: 'off', 'aria-label': label, 'data-path': path, readonly: readOnly,
    oninput: () => set(parse(input.value)), onblur: show, onfocus: () => input.select(),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (way && !readOnly) { event.preventDefault(); by(way); }
    },
  });
  show();
  const button = (/** @type {string} */ name, /** @type {number} */ way, /** @type {string} */ says) => h('button', { type: 'button', tabindex: -1, 'aria-label': says, onclick: () => by(way), disabled: readOnly }, icon(name, 'sm'));
  return h('div.step', null, button('minus', -1, t.form.less(label)), input, button('plus', 1, t.form.more(label)));
}

/** @param {string} label @param {Element} input */
export const field = (label, input) => h('label.field', null, h('span', null, label), input);

/** @param {{path: string, value: string, change: (value: string) => void} & Record<string, any>} options */
export function text({ path, value, change, ...rest }) {
  const input = h('input.in', { 'data-path': path, autocomplete: 'off', ...rest, oninput: () => change(input.value) });
  input.value = value;
  return input;
}

/** One of a few: a radio group with arrow keys. @param {{label: string, options: Array<[string, string]>, value: string, change: (value: string) => void, path?: string}} options */
export function choice({ label, options, value, change, path }) {
  const group = h('div.seg', { role: 'radiogroup', 'aria-label': label, 'data-path': path ?? null }, options.map(([id, word]) => h('button', { type: 'button', role: 'radio', 'data-value': id, onclick: () => pick(id) }, word)));
  const pick = (/** @type {string} */ id, focus = false) => {
    for (const button of group.children) {
      const on = button.getAttribute('data-value') === id;
      attr(button, { 'aria-checked': String(on), tabindex: on ? 0 : -1 });
      if (on && focus) button.focus();
    }
    if (id !== value) { value = id; change(id); }
  };
  group.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    const way = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    const at = options.findIndex(([id]) => id === value);
    pick(options[(at + way + options.length) % options.length][0], true);
  });
  pick(value);
  return group;
}

/** @param {Element} root */
export function clearFaults(root) {
  for (const el of root.querySelectorAll('[aria-invalid]')) {
    attr(el, { 'aria-invalid': null, 'aria-describedby': null });
    (el.closest('.step') ?? el).classList.remove('bad');
  }
  for (const el of root.querySelectorAll('[data-fault]')) el.remove();
}

/** @param {string} path */
const parent = path => path.replace(/(\.[^.[]+|\[\d+\])$/, '');

/**
 * Shows each fault at its field, or at the nearest that stands for it.
 * @param {Element} root @param {Map<string, string>} faults @returns {string[]} those without a field
 */
export function showFaults(root, faults) {
  clearFaults(root);
  const rest = [];
  for (const [path, message] of faults) {
    let at = path, el = root.querySelector(`[data-path="${CSS.escape(at)}"]`);
    while (!el && parent(at) !== at) { at = parent(at); el = root.querySelector(`[data-path="${CSS.escape(at)}"]`); }
    if (!el) { rest.push(message); continue; }
    ids += 1;
    const id = `fault-${ids}`, name = el.getAttribute('aria-label') ?? el.closest('.field')?.firstElementChild?.textContent ?? '';
    attr(el, { 'aria-invalid': 'true', 'aria-describedby': id });
    (el.closest('.step') ?? el).classList.add('bad');
    (el.closest('fieldset, .foldbody') ?? root).append(h('p.hint.bad', { id, 'data-fault': path }, icon('bad', 'sm'), h('span', null, t.form.fault(name, message))));
  }
  return rest;
}
