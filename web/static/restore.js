/* After an interruption: every pass that is unfinished, how far it is, why it stopped, who else works on it, and what can be done.
 * Rows keep their place once they are seen: one that is over says what became of it.
 *
 *   const card = new RestoreCard(putOff); await card.read(); card.el; card.show({but: jobId}); card.open; card.empty; card.interrupted(); card.close()
 */
import { get } from './api.js';
import { makeDial } from './dial.js';
import { attr, debounce, h, icon, keyed, put } from './dom.js';
import { foreign, heldWords, holder, lockPill, putLock } from './lock-words.js';
import { cancelPass, finishPass, resumePass, resumeWords } from './session-actions.js';
import { jobAt, resumable, stateOf, whyOpen } from './session-words.js';
import { store } from './store.js';
import { keyOf, readUnfinished } from './unfinished.js';
import { t } from './i18n.js';

/** @typedef {import('./unfinished.js').Unfinished} Unfinished */

const MOST = 4; // rows; the others are in Sessions

export class RestoreCard {
  /** @type {Unfinished[]} */
  items = [];
  /** @type {Set<string>} rows whose session is gone */
  gone = new Set();
  but = '';
  #ends = new AbortController();

  /** @param {() => void} putOff somebody does not want to see it now */
  constructor(putOff) {
    this.title = h('h1');
    this.rest = h('a', { href: '/sessions?status=incomplete' });
    this.list = h('ul.restore-l');
    this.el = h('section.pane.wide.restore', { 'aria-labelledby': 'restore-h', 'data-part': 'restore' }, h('div.pane-h', null, icon('warn'), attr(this.title, { id: 'restore-h' }), h('p', null, t.passes.restoreText), h('div.end', null, this.rest, h('button.btn.bare', { type: 'button', 'data-action': 'put-off', onclick: () => { putOff(); this.el.remove(); } }, t.passes.putOff))), this.list);
    this.again = debounce(() => void this.refresh(), 300);
    const mine = (/** @type {any} */ event) => { if (this.items.some(item => item.session.id === event.session_id)) this.again(); };
    this.offs = [this.again.cancel, ...['session_changed', 'lock_changed', 'job_changed', 'pass_completed', 'session_deleted', 'job_ended'].map(topic => store.on(topic, mine)), store.on('link', () => this.draw())];
  }

  close() {
    this.#ends.abort();
    this.offs.forEach(off => off());
  }

  /** Those that the view itself does not show. */
  shown() { return this.items.filter(item => store.jobOf(item.session.id)?.id !== this.but || !this.but); }

  /** Whether a restart interrupted one of them. */
  interrupted() { return this.shown().some(({ session, pass }) => (jobAt(pass, store.jobOf(session.id))?.pause ?? pass.pause)?.by === 'restart'); }

  /** Passes something can be done about. */
  get open() { return this.shown().filter(item => this.can(item)).length; }

  get empty() { return !this.shown().length; }

  /** What there is now; forgets rows that are over. */
  async read() {
    try {
      this.items = await readUnfinished(this.#ends.signal);
      this.gone.clear();
    } catch {
      this.again.cancel(); // an offer, nothing more: Sessions has them too
    }
    this.draw();
  }

  /** The rows that are shown, as they now are. */
  async refresh() {
    /** @type {Unfinished[]} */
    const now = await readUnfinished(this.#ends.signal).catch(() => []);
    const found = new Map(now.map(item => [keyOf(item), item]));
    this.items = await Promise.all(this.items.map(async item => {
      const known = found.get(keyOf(item));
      if (known) return known;
      try {
        const session = await get(`/api/sessions/${encodeURIComponent(item.session.id)}`, { signal: this.#ends.signal });
        return { session, pass: session.passes.find((/** @type {any} */ pass) => pass.name === item.pass.name) ?? item.pass };
      } catch (error) {
        if (/** @type {any} */ (error).status === 404) this.gone.add(keyOf(item));
        return item;
      }
    }));
    this.draw();
  }

  /** @param {{but?: string}} options but: a job that the view shows itself */
  show({ but = '' }) {
    this.but = but;
    this.draw();
  }

  draw() {
    const items = this.shown(), { open } = this;
    put(this.title, !open ? t.passes.restoreDone : this.but ? t.passes.restoreMore(open) : t.passes.restoreTitle(open));
    const rest = Math.max(0, items.length - MOST);
    put(this.rest, rest ? t.passes.restoreAll(rest) : '');
    this.rest.hidden = !rest;
    keyed(this.list, items.slice(0, MOST), keyOf, item => this.make(item), (el, item) => this.update(el, item));
  }

  /** Whether something can be done about it here. @param {Unfinished} item */
  can({ session, pass }) {
    const job = store.jobOf(session.id);
    return !this.gone.has(keyOf({ session, pass })) && resumable(pass, stateOf(pass, job)) && job?.state !== 'running';
  }

  /** @param {Unfinished} item */
  make(item) {
    const now = () => this.items.find(one => keyOf(one) === keyOf(item)) ?? item;
    const button = (/** @type {string} */ id, /** @type {string} */ kind, /** @type {(session: string, pass: import('./types.js').PassInfo, button: Element) => unknown} */ run, /** @type {any[]} */ ...content) =>
      h(`button.btn${kind}`, { type: 'button', 'data-action': id, onclick: (/** @type {Event} */ event) => { const target = /** @type {Element} */ (event.currentTarget); if (!target.getAttribute('aria-disabled')) void run(now().session.id, now().pass, target); } }, ...content);
    return h('li', { 'data-restore': `${item.session.id}/${item.pass.name}`, 'aria-label': t.passes.restoreLabel(item.session.title, item.pass.name) }, makeDial(),
      h('div.rt', null, h('h2', null, h('a', { href: `/sessions/${encodeURIComponent(item.session.id)}?pass=${encodeURIComponent(item.pass.name)}` }), ' ', h('span.quiet')), h('p.quiet', null, h('b.ink'), ' · ', h('span.why-t'))),
      lockPill(), h('div.do', null, button('resume', '.main', resumePass, icon('play', 'sm'), h('span')), button('finish', '', finishPass, t.passes.finish), button('cancel', '.bare', cancelPass, t.passes.cancelMore), h('a.btn', { href: '/jobs?locks', 'data-action': 'to-locks', hidden: true }, t.passes.toLocks)));
  }

  /** @param {HTMLElement} el @param {Unfinished} item */
  update(el, { session, pass }) {
    const part = (/** @type {string} */ name) => /** @type {any} */ (el.querySelector(name)), job = store.jobOf(session.id), lock = foreign(pass), open = this.can({ session, pass });
    put(part('h2 a'), session.title || session.id);
    put(part('h2 span'), pass.name);
    put(part('b'), t.shell.of(pass.saved, pass.shots));
    put(part('.why-t'), this.why({ session, pass }));
    putLock(part('.lock'), pass.lock?.own ? null : pass.lock, lock ? holder(lock) : undefined);
    const dial = part('scan-dial'), drawn = `${pass.saved} ${pass.skipped} ${pass.shots}`;
    if (dial.dataset.drawn !== drawn) { dial.dataset.drawn = drawn; dial.share({ saved: pass.saved, skipped: pass.skipped, total: pass.shots, label: '' }); }
    put(part('[data-action="resume"] span'), resumeWords(pass, job));
    for (const name of ['resume', 'finish', 'cancel']) {
      const button = part(`[data-action="${name}"]`);
      button.hidden = !open || Boolean(lock) || (name === 'finish' && !pass.saved);
      attr(button, { 'aria-disabled': store.writable ? null : 'true' });
    }
    part('[data-action="to-locks"]').hidden = !open || !lock;
    el.classList.toggle('over', !open);
  }

  /** @param {Unfinished} item */
  why({ session, pass }) {
    const lock = foreign(pass), job = store.jobOf(session.id), state = stateOf(pass, job);
    if (this.gone.has(keyOf({ session, pass }))) return t.passes.gone;
    if (lock) return heldWords(lock);
    if (t.passes.now[state]) return t.passes.now[state];
    return whyOpen(pass, job);
  }
}
