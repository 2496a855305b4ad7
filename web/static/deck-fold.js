/* The folded part of the start form: camera, light, timing, notes. Its line says the values inside it, so folded is not hidden. */
import { choice, field, stepper, text } from './fields.js';
import { h, icon, put } from './dom.js';
import { number, shutter } from './format.js';
import { t } from './i18n.js';

/** @typedef {import('./spec.js').Form} Form  @typedef {import('./types.js').Rig} Rig */

const x = t.form;

/** @param {Form} form */
function cameraParts(form) {
  const auto = [[form.exposure, x.exposure], [form.balance, x.balance], [form.focus, x.focus]].filter(([mode]) => mode === 'auto').map(([, word]) => word.toLowerCase());
  const parts = auto.length ? [x.autoThenLocked(auto)] : [];
  if (form.exposure === 'fixed') parts.push(`${shutter(form.shutter)} s, ${x.gain.toLowerCase()} ${number(form.gain, 1)}`);
  if (form.balance === 'fixed') parts.push(x.balanceFixed);
  if (form.focus === 'fixed') parts.push(`${x.focus.toLowerCase()} ${number(form.lens, 1)} dpt`);
  return parts;
}

/** The values in one line. @param {Form} form @param {Rig|undefined} rig */
function summary(form, rig) {
  const [camera] = rig?.cameras ?? [], parts = cameraParts(form);
  parts.push(`JPEG ${form.quality}${camera?.width ? `, ${camera.width} × ${camera.height}` : ''}`);
  for (const light of rig?.lights ?? []) parts.push(x.lightIs(light.name, Math.round(100 * (form.lights[light.name] ?? 1))));
  parts.push(form.settle === 'auto' ? x.settleAuto : x.settleFixed(number(form.settleSeconds, 1)), x.retakesAre(form.retakes));
  if (form.passes.some(pass => pass.kind === 'rings')) parts.push(form.passes[0].rings.stagger ? x.staggered : x.aligned);
  if (form.operator) parts.push(form.operator);
  if (form.tags) parts.push(form.tags);
  return parts.join(' · ');
}

/** @param {Form} form @param {Rig|undefined} rig @param {() => void} changed @param {(open: boolean) => void} toggled @param {boolean} open @returns {HTMLElement} */
export function fold(form, rig, changed, toggled, open) {
  const line = h('span');
  const draw = () => put(line, summary(form, rig));
  const set = (/** @type {Partial<Form>} */ values) => { Object.assign(form, values); draw(); changed(); };
  const at = 'passes[0].camera';
  /** auto or fixed, with the fields of fixed beside it @param {'exposure'|'balance'|'focus'|'settle'} name @param {string} label @param {string} path @param {Element[]} inputs */
  const mode = (name, label, path, inputs) => {
    const rest = h('div.pairs', { hidden: form[name] === 'auto' }, inputs);
    return h('div.mode', null, h('span.label', null, label), choice({ label, path, options: [['auto', x.auto], ['fixed', x.fixed]], value: form[name], change: value => { rest.hidden = value === 'auto'; set({ [name]: value }); } }), rest);
  };
  const step = (/** @type {string} */ label, /** @type {string} */ path, /** @type {'gain'|'red'|'blue'|'lens'|'settleSeconds'|'retakes'|'quality'} */ name, /** @type {object} */ options) =>
    h('div.field', null, h('span.label', { 'aria-hidden': 'true' }, label), stepper({ label, path, value: form[name], change: value => set({ [name]: value }), ...options }));
  const time = h('div.field', null, h('span.label', { 'aria-hidden': 'true' }, x.shutter), stepper({ label: x.shutter, path: `${at}.exposure.shutter_us`, value: form.shutter / 1000, unit: ' ms', step: 1, min: 0.01, digits: 2, change: value => set({ shutter: value * 1000 }) }));
  const stagger = h('input', { type: 'checkbox', onchange: () => { form.passes.forEach(pass => { pass.rings.stagger = stagger.checked; }); set({}); } });
  stagger.checked = form.passes[0].rings.stagger;
  const lights = (rig?.lights ?? []).map(light => h('div.field', null, h('span.label', { 'aria-hidden': 'true' }, x.lightName(light.name)),
    stepper({ label: x.lightName(light.name), path: `passes[0].lights.${light.name}`, value: Math.round(100 * (form.lights[light.name] ?? 1)), unit: ' %', step: 10, min: 0, max: 100, change: value => set({ lights: { ...form.lights, [light.name]: value / 100 } }) })));
  const notes = h('textarea.in', { rows: 3, 'data-path': 'notes', oninput: () => set({ notes: notes.value }) });
  notes.value = form.notes;
  draw();
  const el = h('details.fold', { ontoggle: () => toggled(el.open) },
    h('summary', null, icon('right', 'sm'), h('b', null, x.advanced), line),
    h('div.foldbody', null,
      h('div', null,
        mode('exposure', x.exposure, `${at}.exposure`, [time, step(x.gain, `${at}.exposure.gain`, 'gain', { step: 0.5, min: 1, max: 64, digits: 1 })]),
        mode('balance', x.balance, `${at}.white_balance`, [step(x.red, `${at}.white_balance.red`, 'red', { step: 0.1, min: 0.1, digits: 2 }), step(x.blue, `${at}.white_balance.blue`, 'blue', { step: 0.1, min: 0.1, digits: 2 })]),
        mode('focus', x.focus, `${at}.focus`, [step(x.lens, `${at}.focus.lens_position`, 'lens', { unit: ' dpt', step: 0.1, min: 0, max: 50, digits: 2 })])),
      h('div', null,
        mode('settle', x.settle, 'passes[0].settle', [step(x.seconds, 'passes[0].settle.seconds', 'settleSeconds', { unit: ' s', step: 0.1, min: 0, max: 60, digits: 1 })]),
        h('div.pairs', null, step(x.retakes, 'passes[0].retake.attempts', 'retakes', { min: 0, max: 10 }), step(x.quality, `${at}.quality`, 'quality', { min: 1, max: 100 }), lights),
        h('label.chk', null, stagger, x.stagger)),
      h('div', null, field(x.operator, text({ path: 'operator', value: form.operator, change: value => set({ operator: value }) })), field(x.tags, text({ path: 'tags', value: form.tags, placeholder: x.tagsHint, change: value => set({ tags: value }) })), field(x.notes, notes))));
  el.open = open;
  return el;
}
