/* The checkpoints of a session: save one, go back to one, and forward again.
 *
 *   const panel = new Checkpoints(model); panel.el; panel.close()
 */
import { act } from './act.js';
import { get, post, sentence } from './api.js';
import { ask, open } from './dialog.js';
import { attr, debounce, h, icon, keyed, put } from './dom.js';
import { list } from './format.js';
import { moment } from './session-words.js';
import { store } from './store.js';
import { toast } from './toasts.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').Checkpoint} Checkpoint */

const NAME = /^[a-z0-9][a-z0-9-]{0,47}$/;

export class Checkpoints {
  /** @type {Checkpoint[]|null} */
  items = null;
  failed = '';
  /** the one that leads forward again, after somebody went back */
  forward = '';
  #ends = new AbortController();

  /** @param {import('./session-model.js').SessionModel} model */
  constructor(model) {
    this.model = model;
    this.path = `/api/sessions/${encodeURIComponent(model.id)}/checkpoints`;
    this.add = h('button.btn.bare', { type: 'button', 'data-action': 'save-checkpoint', onclick: () => void this.save() }, icon('plus', 'sm'), t.keep.save);
    this.onward = h('div.onward', { hidden: true }, h('p', { role: 'status' }), h('button.btn.main', { type: 'button', 'data-action': 'forward', onclick: (/** @type {Event} */ event) => void this.goForward(/** @type {Element} */ (event.currentTarget)) }, icon('undo', 'sm'), t.keep.forward));
    this.list = h('ul.rows');
    this.none = h('p.quiet.small');
    this.el = h('section.pane', { 'aria-labelledby': 'checkpoints-h', 'data-part': 'checkpoints' }, h('div.pane-h', null, h('h2', { id: 'checkpoints-h' }, t.keep.checkpoints), h('div.end', null, this.add)), this.onward, this.list, this.none);
    this.soon = debounce(() => void this.read(), 300);
    this.offs = [this.soon.cancel, model.on('session', () => this.soon()), store.on('link', () => this.draw())];
    this.ready = this.read();
  }

  close() {
    this.#ends.abort();
    this.offs.forEach(off => off());
  }

  async read() {
    try {
      const { items } = await get(this.path, { signal: this.#ends.signal });
      this.items = items.sort((/** @type {Checkpoint} */ a, /** @type {Checkpoint} */ b) => (a.created_at < b.created_at ? 1 : -1));
      this.failed = '';
    } catch (error) {
      if (this.#ends.signal.aborted) return;
      this.failed = `${t.keep.notReadCheckpoints} ${sentence(error)}`;
    }
    this.draw();
  }

  draw() {
    const items = this.items ?? [], off = store.writable ? null : 'true';
    attr(this.add, { 'aria-disabled': off });
    put(this.none, this.failed || (this.items && !items.length ? t.keep.noCheckpoints : ''));
    this.none.hidden = !this.none.textContent;
    keyed(this.list, items, item => item.name, item => this.make(item), (el, item) => {
      put(el.querySelector('small'), [item.automatic ? t.keep.automatic : '', t.keep.facts(item.photos, moment(item.created_at))].filter(Boolean).join(', '));
      attr(el.querySelector('.btn'), { 'aria-disabled': off });
    });
  }

  /** @param {Checkpoint} item */
  make(item) {
    return h('li', { 'data-checkpoint': item.name }, icon(item.automatic ? 'again' : 'flag', 'sm'), h('div.grow', null, h('b.name', null, item.name), h('small')),
      h('button.btn', { type: 'button', 'data-action': 'restore', 'aria-label': t.keep.restoreLabel(item.name), onclick: (/** @type {Event} */ event) => void this.restore(item, /** @type {Element} */ (event.currentTarget)) }, t.keep.restore));
  }

  /* ---- acting ---- */

  async save() {
    if (this.add.getAttribute('aria-disabled')) return;
    const made = /** @type {Checkpoint|null} */ (await open(close => this.form(close)));
    if (!made) return;
    toast(t.keep.saved(made.name));
    await this.read();
  }

  /** @param {(value?: any) => void} close */
  form(close) {
    const name = h('input.in', { value: this.freeName(), maxlength: 48, required: true, autocomplete: 'off', spellcheck: 'false', 'data-first': true, name: 'name', 'aria-describedby': 'checkpoint-hint' }), hint = h('p.hint', { id: 'checkpoint-hint', role: 'status' }, t.keep.nameHint);
    const say = (/** @type {string} */ fault) => { attr(name, { 'aria-invalid': fault ? 'true' : null }); name.classList.toggle('bad', Boolean(fault)); hint.classList.toggle('bad', Boolean(fault)); put(hint, fault || t.keep.nameHint); };
    const go = h('button.btn.pri', { type: 'submit' }, t.keep.save);
    const submit = async () => {
      const wanted = name.value.trim(), fault = !NAME.test(wanted) ? t.keep.nameHint : this.items?.some(item => item.name === wanted) ? t.keep.taken(wanted) : '';
      say(fault);
      if (fault) { name.focus(); return; }
      attr(go, { 'aria-busy': 'true' });
      try { close(await post(this.path, { name: wanted })); } catch (error) { say(sentence(error)); name.focus(); }
      attr(go, { 'aria-busy': null });
    };
    return h('form.in-dialog', { method: 'dialog', onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); void submit(); } }, h('h2', { id: 'dialog-title' }, t.keep.saveTitle), h('p.quiet', null, t.keep.saveText),
      h('label.field', null, h('span', null, t.keep.name), name), hint, h('div.row', null, h('button.btn', { type: 'button', onclick: () => close() }, t.common.cancel), go));
  }

  freeName() {
    const taken = new Set(this.items?.map(item => item.name));
    for (let at = 1; ; at += 1) if (!taken.has(`checkpoint-${at}`)) return `checkpoint-${at}`;
  }

  /** @param {Checkpoint} item @param {Element} button */
  async restore(item, button) {
    if (button.getAttribute('aria-disabled')) return;
    const now = this.model.session?.photos ?? 0, then = Object.entries(item.passes).map(([name, state]) => `${name} ${(t.passes.states[state] ?? state).toLowerCase()}`);
    const text = h('span', null, t.keep.restoreText(item.photos, now, moment(item.created_at)), then.length ? h('span.then', null, t.keep.passesThen(list(then))) : null);
    const answer = await ask({ title: t.keep.restoreTitle(item.name), text, keep: t.keep.restoreKeep, answers: [['restore', t.keep.restoreDo]] });
    if (answer === 'restore') await this.go(item.name, button, t.keep.restored(item.name));
  }

  /** @param {Element} button */
  async goForward(button) {
    const to = this.forward;
    if (to && await this.go(to, button, t.keep.forwarded)) { this.forward = ''; this.onward.hidden = true; this.add.focus(); }
  }

  /** @param {string} name @param {Element} button @param {string} said @returns {Promise<boolean>} */
  async go(name, button, said) {
    const before = await act(button, () => post(`${this.path}/${encodeURIComponent(name)}/restore`));
    if (!before) return false;
    this.forward = before.name ?? '';
    this.onward.hidden = !this.forward;
    put(this.onward.querySelector('p'), said);
    toast(said, this.forward ? { action: [t.keep.forward, () => void this.goForward(this.onward.querySelector('.btn'))] } : {});
    await Promise.all([this.model.refresh(), this.read()]);
    return true;
  }
}
