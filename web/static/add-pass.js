/* The dialog for another pass of a session; loaded when somebody asks for it.
 *
 *   await addPass(model)
 */
import { act } from './act.js';
import { get, post, sentence } from './api.js';
import { open } from './dialog.js';
import { attr, h, icon } from './dom.js';
import { bytes, span } from './format.js';
import { passPath } from './session-actions.js';
import { toast } from './toasts.js';
import { t } from './i18n.js';

/** @typedef {import('./session-model.js').SessionModel} SessionModel */

/** A name nobody has taken. @param {string[]} taken */
function freeName(taken) {
  for (const name of ['flipped', 'left', 'right']) if (!taken.includes(name)) return name;
  for (let n = taken.length + 1; ; n += 1) if (!taken.includes(`pass-${n}`)) return `pass-${n}`;
}

/** @param {SessionModel} model */
export async function addPass(model) {
  const passes = model.session?.passes ?? [], names = passes.map(pass => pass.name);
  const specs = await act(null, () => Promise.all(names.map(name => get(passPath(model.id, name, '').slice(0, -1)))));
  if (!specs) return;
  /** @type {Map<string, any>} */
  const plans = new Map();
  names.forEach((name, at) => { if (specs[at].spec) plans.set(name, specs[at].spec); });
  if (!plans.size) { toast(t.sessions.noPlanKept, { bad: true }); return; }
  const job = await open(close => new PassForm(model, plans, names, close).el);
  if (job) toast(t.sessions.passAdded(job.pass ?? job.passes?.[0] ?? ''));
}

class PassForm {
  /** @param {SessionModel} model @param {Map<string, any>} plans @param {string[]} taken @param {(value?: any) => void} close */
  constructor(model, plans, taken, close) {
    this.model = model;
    this.plans = plans;
    this.taken = taken;
    this.close = close;
    this.name = h('input.in', { id: 'pass-name', name: 'name', value: freeName(taken), maxlength: 48, required: true, autocomplete: 'off', spellcheck: 'false', 'data-first': true, 'aria-describedby': 'pass-name-hint', oninput: () => this.check() });
    this.hint = h('p.hint', { id: 'pass-name-hint' }, t.sessions.nameHint);
    this.like = h('select.in', { id: 'pass-like', name: 'like', onchange: () => void this.estimate() }, [...plans.keys()].map(name => h('option', { value: name }, name)));
    this.figures = h('p.figures', { 'aria-live': 'polite' }, '\u00a0');
    this.start = h('button.btn.pri', { type: 'submit' }, icon('play', 'sm'), t.sessions.addAndStart);
    this.el = h('form.in-dialog', { method: 'dialog', onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); void this.submit(); } },
      h('h2', { id: 'dialog-title' }, t.sessions.addTitle), h('p.quiet', null, t.sessions.addText),
      h('label.field', { for: 'pass-name' }, h('span', null, t.sessions.passName), this.name), this.hint,
      h('label.field', { for: 'pass-like' }, h('span', null, t.sessions.planLike), this.like), this.figures,
      h('div.row', null, h('button.btn', { type: 'button', onclick: () => close() }, t.common.cancel), this.start));
    void this.estimate();
  }

  spec() { return { ...this.plans.get(this.like.value), name: this.name.value.trim() }; }

  /** @returns {boolean} */
  check() {
    const name = this.name.value.trim();
    const fault = this.taken.includes(name) ? t.sessions.nameTaken(name) : /^[a-z0-9][a-z0-9-]{0,47}$/.test(name) ? '' : t.sessions.nameHint;
    this.say(fault);
    return !fault;
  }

  /** @param {string} fault */
  say(fault) {
    attr(this.name, { 'aria-invalid': fault ? 'true' : null });
    this.name.classList.toggle('bad', Boolean(fault));
    this.hint.classList.toggle('bad', Boolean(fault));
    this.hint.textContent = fault || t.sessions.nameHint;
  }

  async estimate() {
    try {
      const { count, duration_s: time, bytes: size } = await post('/api/plans', { passes: [{ ...this.spec(), name: 'estimate' }] });
      this.figures.textContent = t.sessions.estimate(count, span(time), bytes(size));
    } catch (error) {
      this.figures.textContent = sentence(error);
    }
  }

  async submit() {
    if (!this.check()) { this.name.focus(); return; }
    attr(this.start, { 'aria-busy': 'true' });
    try {
      this.close(await post(`/api/sessions/${encodeURIComponent(this.model.id)}/passes`, this.spec()));
    } catch (error) {
      this.say(sentence(error));
      this.name.focus();
    } finally {
      attr(this.start, { 'aria-busy': null });
    }
  }
}
