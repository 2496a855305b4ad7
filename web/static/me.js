/* Who looks at the page, as far as the daemon says. Where somebody has to log in and nobody is, the page rests and the gate (gate.js)
 * stands in front of it, at whatever address was asked; what lies behind it stays as it was.
 *
 *   me.who            {name, role, login, setup, locked}, null before the daemon has said it
 *   me.out            nobody is logged in, and somebody has to be
 *   me.last          who was logged in last, null where nobody was
 *   me.start()        asks; again whenever a login may have ended, or have begun in another tab
 *   await me.inside() somebody may look
 *   me.take(who)      what the daemon answered to a login; me.tell() has the other tabs ask too
 *   me.on(fn) -> off  it changed
 */
import { get } from './api.js';
import { store } from './store.js';

/** @typedef {import('./types.js').Me} Who */

const LOOK = 10_000; // milliseconds between looks whether somebody may get in by now, while the page is seen

class Me {
  /** @type {Who|null} */
  who = null;
  /** who was the last to be logged in here: what lies behind the gate is theirs @type {Who|null} */
  last = null;
  #taken = 0;
  /** @type {Set<() => void>} */
  #listeners = new Set();
  /** @type {Promise<void>|null} */
  #asking = null;
  #again = false;
  /** @type {BroadcastChannel|null} */
  #tabs = null;

  get out() { return Boolean(this.who?.login && !this.who.role); }

  start() {
    const look = () => { if (this.who?.login && !document.hidden) void this.ask(); };
    addEventListener('loginrequired', () => void this.ask());
    document.addEventListener('visibilitychange', look);
    addEventListener('focus', look);
    addEventListener('pageshow', event => { if (event.persisted) look(); }); // at first it is asked anyway
    setInterval(() => { if (this.out) look(); }, LOOK);
    store.on('link', () => { if (store.link.state === 'lost') void this.ask(); });
    this.#tabs = new BroadcastChannel('login');
    this.#tabs.onmessage = () => void this.ask();
    return this.ask();
  }

  /** @returns {Promise<void>} */
  ask() {
    this.#again = Boolean(this.#asking); // what is on its way may have been said before
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
      if (this.#again) void this.ask();
    });
    return this.#asking;
  }

  async #ask() {
    const taken = this.#taken;
    try {
      const who = await get('/api/me', { timeout: 8000 });
      if (taken !== this.#taken) this.#again = true; // somebody logged in meanwhile
      else await this.take(who);
    } catch { /* no daemon answers: the connection, which is tried for ever, tells */ }
  }

  /** @param {Who} who */
  async take(who) {
    this.#taken += 1;
    if (who.role && this.last && (who.name !== this.last.name || who.role !== this.last.role)) { location.reload(); return; }
    if (who.role) this.last = who;
    this.who = who;
    store.allow({ rest: this.out, write: who.role !== 'viewer' });
    if (this.out) await this.#bar();
    for (const fn of [...this.#listeners]) fn();
  }

  async #bar() {
    const { showGate } = await import('./gate.js');
    await showGate();
  }

  tell() { this.#tabs?.postMessage(null); }

  /** @param {() => void} fn @returns {() => void} */
  on(fn) {
    this.#listeners.add(fn);
    return () => { this.#listeners.delete(fn); };
  }

  /** @returns {Promise<void>} */
  async inside() {
    await this.#asking;
    if (!this.out) return;
    await new Promise(done => {
      const off = this.on(() => { if (!this.out) { off(); done(null); } });
    });
  }
}

export const me = new Me();
