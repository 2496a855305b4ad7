/* The monitor: which passes are being worked on, by whom, and whether they still give signs of life. It refreshes by itself: when a
 * lock changes, and every ten seconds while it is looked at, because heartbeats alone are no event.
 *
 *   const panel = new LocksPanel(shell); await panel.load(); panel.el; panel.close()
 */
import { get, post, sentence } from './api.js';
import { attr, debounce, h, keyed, put, svg } from './dom.js';
import { moment } from './session-words.js';
import { holder, lockPill, putLock, silence } from './lock-words.js';
import { act } from './act.js';
import { store } from './store.js';
import { toast } from './toasts.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').Lock} Lock */

const POLL = 10_000, SHOWN = 900; // milliseconds between looks; seconds of the beat trace
const W = 120;

/** @param {Lock} lock */
const keyOf = lock => `${lock.session_id} ${lock.pass}`;

export class LocksPanel {
  /** @type {Lock[]} */
  locks = [];
  /** when the list was read: beats age from there on */
  read = 0;
  /** @type {Map<string, string>} titles of sessions */
  titles = new Map();
  /** @type {string} the lock somebody thinks of taking */
  asking = '';
  #ends = new AbortController();
  #failed = '';

  /** @param {import('./app.js').Shell} shell */
  constructor(shell) {
    this.shell = shell;
    const x = t.jobs.lockHeads;
    this.note = h('p', { role: 'status' });
    this.body = h('tbody');
    this.none = h('p.quiet.none', { hidden: true });
    this.table = h('table.tbl.locks', null,
      h('thead', null, h('tr', null, [x.pass, x.state, x.holder, x.since, x.beats, x.last].map(word => h('th', { scope: 'col' }, word)), h('th', { scope: 'col' }, h('span.vh', null, x.action)))), this.body);
    this.el = h('section.pane.wide.locks-p', { 'aria-labelledby': 'locks-h', 'data-part': 'locks' }, h('div.pane-h', null, h('h2', { id: 'locks-h' }, t.jobs.locks), this.note), this.table, this.none);
    const soon = debounce(() => void this.load(), 150);
    this.poll = setInterval(() => { if (!document.hidden && store.link.state === 'live') void this.load(); }, POLL);
    this.clock = setInterval(() => this.tick(), 1000);
    this.seen = () => { if (!document.hidden) soon(); };
    document.addEventListener('visibilitychange', this.seen);
    this.offs = [soon.cancel, store.on('lock_changed', soon), store.on('reset', soon), store.on('link', () => this.draw())];
  }

  close() {
    this.#ends.abort();
    clearInterval(this.poll);
    clearInterval(this.clock);
    document.removeEventListener('visibilitychange', this.seen);
    this.offs.forEach(off => off());
  }

  async load() {
    try {
      const { items } = await get('/api/locks', { signal: this.#ends.signal });
      await this.name(items);
      Object.assign(this, { locks: items, read: Date.now() });
      this.#failed = '';
    } catch (error) {
      if (this.#ends.signal.aborted) return;
      this.#failed = sentence(error);
    }
    this.draw();
  }

  /** The titles that are not known yet. @param {Lock[]} locks */
  async name(locks) {
    const unknown = [...new Set(locks.map(lock => lock.session_id))].filter(id => !this.titles.has(id));
    await Promise.all(unknown.map(async id => {
      try {
        this.titles.set(id, (await get(`/api/sessions/${encodeURIComponent(id)}`, { signal: this.#ends.signal })).title);
      } catch {
        this.titles.set(id, ''); // its id stands for it
      }
    }));
  }

  /** @param {Lock} lock */
  title(lock) { return this.titles.get(lock.session_id) || lock.session_id; }

  /* ---- drawing ---- */

  draw() {
    const silent = this.locks.filter(lock => lock.state !== 'alive').length;
    put(this.note, this.#failed ? t.jobs.locksFailed : t.jobs.locksHeld(this.locks.length, silent));
    this.table.hidden = !this.locks.length;
    this.none.hidden = Boolean(this.locks.length);
    put(this.none, this.#failed || t.jobs.noLocks);
    if (!this.locks.some(lock => keyOf(lock) === this.asking)) this.asking = '';
    /** @type {Array<{id: string, lock: Lock, ask: boolean}>} */
    const rows = this.locks.flatMap(lock => [{ id: keyOf(lock), lock, ask: false }, ...(keyOf(lock) === this.asking ? [{ id: `${keyOf(lock)} ask`, lock, ask: true }] : [])]);
    keyed(this.body, rows, row => row.id, row => (row.ask ? this.makeAsk(row.lock) : this.makeRow(row.lock)), (el, row) => { if (row.ask) this.updateAsk(el, row.lock); else this.updateRow(el, row.lock); });
    this.tick();
  }

  /** @param {Lock} lock */
  makeRow(lock) {
    const x = t.jobs.lockHeads, cell = (/** @type {string} */ name, /** @type {string} */ label, /** @type {any[]} */ ...content) => h(`td.${name}`, { 'data-l': label }, ...content);
    return h('tr', { 'data-lock-of': keyOf(lock) },
      h('td.lead', null, h('a.who', { href: `/sessions/${encodeURIComponent(lock.session_id)}?pass=${encodeURIComponent(lock.pass)}` }), ' ', h('span.quiet', null, lock.pass)),
      cell('state', x.state, lockPill()), cell('holder', x.holder, h('span'), h('small')), cell('since', x.since),
      cell('trace', t.jobs.beat, svg('svg.beats', { viewBox: `0 0 ${W + 4} 16`, role: 'img' }, svg('path.base', { d: `M2 12.5H${W + 2}` }), svg('path.beat'))), cell('last', x.last),
      h('td.act', null, h('button.btn', { type: 'button', 'data-action': 'release', 'aria-expanded': 'false', onclick: () => this.ask(lock) }, t.jobs.release)));
  }

  /** @param {HTMLElement} el @param {Lock} lock */
  updateRow(el, lock) {
    const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (el.querySelector(name));
    put(part('.who'), this.title(lock));
    putLock(part('.lock'), lock);
    put(part('.holder span'), holder(lock));
    put(part('.holder small'), lock.own ? t.jobs.own : '');
    put(part('.since'), moment(lock.since));
    const button = part('[data-action="release"]');
    button.hidden = lock.own;
    attr(button, { 'aria-expanded': String(keyOf(lock) === this.asking), 'aria-disabled': store.writable ? null : 'true' });
  }

  /** What changes by the second: how long ago the last beat was, and where the beats stand. */
  tick() {
    const past = (Date.now() - this.read) / 1000;
    for (const lock of this.locks) {
      const el = this.body.querySelector(`[data-lock-of="${CSS.escape(keyOf(lock))}"]`), last = silence(lock);
      const beats = lock.beats.map(age => age + past).filter(age => age < SHOWN);
      put(el?.querySelector('.last') ?? null, last === null ? t.jobs.noBeat : t.jobs.ago(Math.round(last + past)));
      const path = beats.map(age => `M${(2 + W - age / SHOWN * W).toFixed(1)} 3V13`).join('');
      if (el) attr(/** @type {Element} */ (el.querySelector('.beat')), { d: path || null });
      if (el) attr(/** @type {Element} */ (el.querySelector('.beats')), { 'aria-label': t.jobs.beatsSeen(beats.length) });
    }
  }

  /* ---- force release ---- */

  /** @param {Lock} lock */
  ask(lock) {
    this.asking = this.asking === keyOf(lock) ? '' : keyOf(lock);
    this.draw();
    this.body.querySelector('.asking [data-action="keep-lock"]')?.focus();
  }

  /** @param {Lock} lock */
  makeAsk(lock) {
    const why = h('input.in', { maxlength: 200, autocomplete: 'off', placeholder: t.jobs.whyHint, 'data-part': 'why', 'aria-describedby': 'why-missing' });
    const keep = () => { this.asking = ''; this.draw(); /** @type {HTMLElement|null} */ (this.body.querySelector(`[data-lock-of="${CSS.escape(keyOf(lock))}"] button`))?.focus(); };
    const take = h('button.btn.danger', { type: 'submit', 'data-action': 'force-release' }, t.jobs.doRelease);
    const form = h('form.ask', { 'aria-label': t.jobs.doRelease, onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); void this.release(lock, why, take); }, onkeydown: (/** @type {KeyboardEvent} */ event) => { if (event.key === 'Escape') { event.preventDefault(); keep(); } } },
      h('div', null, h('p', null, h('b')), h('p')), h('label.field', null, h('span', null, t.jobs.why), why, h('span.hint', { id: 'why-missing', role: 'status' })),
      h('div.btns', null, h('button.btn', { type: 'button', 'data-action': 'keep-lock', onclick: keep }, t.jobs.keepLock), take));
    return h('tr.asking', null, h('td', { colspan: 7 }, form));
  }

  /** @param {HTMLElement} el @param {Lock} lock */
  updateAsk(el, lock) {
    const past = (Date.now() - this.read) / 1000, last = silence(lock);
    put(el.querySelector('b'), t.jobs.releaseTitle(`${this.title(lock)}, ${lock.pass},`, holder(lock)));
    put(el.querySelector('p + p'), `${t.jobs.releaseText[lock.state](holder(lock), last === null ? '' : t.jobs.silence(Math.round(last + past)))} ${t.jobs.releaseKept}`);
  }

  /** @param {Lock} lock @param {HTMLInputElement} why @param {Element} button */
  async release(lock, why, button) {
    const reason = why.value.trim(), hint = /** @type {Element} */ (why.nextElementSibling);
    why.classList.toggle('bad', !reason);
    attr(why, { 'aria-invalid': reason ? null : 'true' });
    hint.classList.toggle('bad', !reason);
    put(hint, reason ? '' : t.jobs.whyMissing);
    if (!reason) { why.focus(); return; }
    const forced = await act(button, () => post('/api/locks/release', { session_id: lock.session_id, pass: lock.pass, reason }));
    if (!forced) return;
    this.asking = '';
    const text = t.jobs.released(`${this.title(lock)}, ${lock.pass},`, holder(forced.host ? forced : lock));
    toast(text);
    this.shell.urgent(text);
    this.el.querySelector('h2')?.setAttribute('tabindex', '-1');
    this.el.querySelector('h2')?.focus(); // the row that had the focus goes
    await this.load();
  }
}
