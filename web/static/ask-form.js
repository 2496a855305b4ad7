/* A form that asks the daemon for one thing. A fault stands at its field; what has none is said in a line that is read out.
 *
 *   const form = askForm({label, fields, word, ask(values) -> promise, blame, beside})   form.el   form.focus()   form.clear()   form.say(text)
 *   fields   {name, label, hint?, value?, optional?, options?: [[id, word]], same?: name of the field it repeats, ...attributes}
 *   word     of the button; blame: the field that is wrong when the daemon says login_failed; beside: what stands beside the button
 */
import { ApiError, sentence, tidy } from './api.js';
import { attr, h, icon, put } from './dom.js';
import { t } from './i18n.js';

/** @typedef {{name: string, label: string, hint?: any, value?: string, optional?: boolean, options?: Array<[string, string]>, same?: string} & Record<string, any>} Field */

let forms = 0;

/** @param {Field} field @param {string} id */
function makeField({ name, label, hint, value = '', optional = false, options, same: _same, ...rest }, id) {
  const about = [hint && `${id}-hint`, `${id}-fault`].filter(Boolean).join(' ');
  const input = h(options ? 'select.in' : 'input.in', { id, name, 'aria-describedby': about, 'aria-required': optional ? null : 'true', ...(options ? {} : { type: 'text', autocapitalize: 'none', spellcheck: 'false' }), ...rest },
    options?.map(([key, text]) => h('option', { value: key }, text)));
  input.value = value;
  return { input, fault: h('p.hint.bad', { id: `${id}-fault` }), el: [h('label.label', { for: id }, label), input, hint && h('p.hint', { id: `${id}-hint` }, hint)] };
}

/**
 * @param {{label: string, fields: Field[], word: string, ask: (values: Record<string, string>) => Promise<unknown>, blame?: string, sign?: string, beside?: Node}} options
 */
export function askForm({ label, fields, word, ask, blame = '', sign = '', beside }) {
  const x = t.access;
  forms += 1;
  const made = new Map(fields.map(field => [field.name, makeField(field, `form${forms}-${field.name}`)]));
  const said = h('p.said', { role: 'alert' }), text = h('span', null, word);
  const button = h('button.btn.pri', { type: 'submit' }, sign && icon(sign, 'sm'), text);
  const el = h('form.ask-form', { 'aria-label': label, novalidate: true, onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); void submit(); } },
    [...made.values()].map(one => h('div.field', null, one.el, one.fault)), said, h('div.btns', null, button, beside));
  let waits = 0;

  /** @param {string} name @param {string} words */
  function fault(name, words) {
    const one = made.get(name);
    if (!one) return;
    attr(one.input, { 'aria-invalid': words ? 'true' : null });
    one.input.classList.toggle('bad', Boolean(words));
    one.fault.replaceChildren(...(words ? [icon('bad', 'sm'), h('span', null, tidy(words))] : []));
  }

  /** @param {Map<string, string>} faults */
  function show(faults) {
    for (const name of made.keys()) fault(name, faults.get(name) ?? '');
    const first = [...made].find(([name]) => faults.get(name))?.[1].input;
    first?.focus();
    first?.select?.();
  }

  /** @param {string} words */
  function say(words) { said.replaceChildren(...(words ? [icon('bad', 'sm'), h('span', null, words)] : [])); }

  const values = () => Object.fromEntries([...made].map(([name, { input }]) => [name, input.value]));

  /** What need not be asked. @param {Record<string, string>} now */
  function lacking(now) {
    const found = fields.filter(field => !field.optional && !now[field.name].trim()).map(field => /** @type {[string, string]} */ ([field.name, x.missing]));
    const differing = fields.filter(field => field.same && now[field.name] !== now[field.same]).map(field => /** @type {[string, string]} */ ([field.name, x.differs]));
    return new Map([...differing, ...found]);
  }

  /** Too many tries: not before `seconds` are over. @param {number} seconds */
  function hold(seconds) {
    const end = Date.now() + 1000 * seconds;
    const tick = () => {
      const left = Math.ceil((end - Date.now()) / 1000);
      put(text, left > 0 ? x.wait(word, left) : word);
      attr(button, { 'aria-disabled': left > 0 ? 'true' : null });
      if (left > 0) return;
      clearInterval(waits);
      say('');
    };
    clearInterval(waits);
    waits = window.setInterval(tick, 500);
    tick();
  }

  /** @param {unknown} error */
  function failed(error) {
    const { code, detail, fields: faults } = error instanceof ApiError ? error : new ApiError({ code: '', message: '', status: 0 });
    if ([...faults.keys()].some(name => made.has(name))) { show(faults); return; }
    say(sentence(error));
    if (code === 'too_many_attempts') hold(Number(detail?.retry_after ?? 1));
    const wrong = made.get(blame)?.input;
    if (code !== 'login_failed' || !wrong) return;
    attr(wrong, { 'aria-invalid': 'true' });
    wrong.classList.add('bad');
    wrong.focus();
    wrong.select();
  }

  async function submit() {
    if (button.getAttribute('aria-busy') || button.getAttribute('aria-disabled')) return;
    say('');
    const now = values(), faults = lacking(now);
    show(faults);
    if (faults.size) return;
    attr(button, { 'aria-busy': 'true' });
    try {
      await ask(now);
    } catch (error) {
      failed(error);
    } finally {
      attr(button, { 'aria-busy': null });
    }
  }

  return {
    el,
    /** the first field that is still empty */
    focus() { ([...made.values()].find(one => !one.input.value) ?? made.values().next().value)?.input.focus(); },
    clear() { show(new Map()); for (const field of fields) { const one = made.get(field.name); if (one) one.input.value = field.value ?? ''; } },
    say,
  };
}
