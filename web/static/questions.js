/* Old folders that may be one scan: only a person can tell. A notice for each, with both answers in it.
 *
 *   const box = new Questions(shell, {only: sessionId}); await box.read(); box.el
 */
import { act } from './act.js';
import { get, post, tidy } from './api.js';
import { ask } from './dialog.js';
import { h, icon, keyed } from './dom.js';
import { toast } from './toasts.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').Question} Question */

/** @type {Set<string>} those that somebody put off, while the page is open */
const later = new Set();

/** @param {Question} question */
const keyOf = question => `${question.first} ${question.second}`;

export class Questions {
  el = h('div.questions', { 'data-part': 'questions' });
  #ends = new AbortController();

  /** @param {import('./app.js').Shell} shell @param {{only?: string}} [options] */
  constructor(shell, { only = '' } = {}) {
    this.shell = shell;
    this.only = only;
  }

  close() { this.#ends.abort(); }

  async read() {
    /** @type {Question[]} */
    let items;
    try {
      items = (await get('/api/sessions/questions', { signal: this.#ends.signal })).items;
    } catch {
      items = []; // nothing is asked then; both stay as they are
    }
    const open = items.filter(item => !later.has(keyOf(item)) && (!this.only || [item.first, item.second].includes(this.only)));
    keyed(this.el, open, keyOf, item => this.make(item));
  }

  /** @param {Question} item */
  make(item) {
    const x = t.keep, link = (/** @type {string} */ id, /** @type {number} */ nth) => {
      const words = this.only ? t.common.show : x.show[nth];
      return id === this.only ? null : h('a.btn.bare', { href: `/sessions/${encodeURIComponent(id)}`, 'data-action': 'show', 'aria-label': x.showLabel(words, id) }, words);
    };
    const put = () => { later.add(keyOf(item)); void this.read(); };
    return h('div.notice.info', { 'data-question': keyOf(item) }, icon('info'), h('p', null, h('b', null, x.question), ` ${tidy(item.text)}`), h('div.end', null, link(item.first, 0), link(item.second, 1),
      h('button.btn.bare', { type: 'button', 'data-action': 'later', onclick: put }, x.later), h('button.btn', { type: 'button', 'data-action': 'merge', onclick: (/** @type {Event} */ event) => void this.merge(item, /** @type {Element} */ (event.currentTarget)) }, x.merge)));
  }

  /** @param {Question} item @param {Element} button */
  async merge(item, button) {
    const x = t.keep, answer = await ask({ title: x.mergeTitle(item.first, item.second), text: x.mergeText(tidy(item.text)), keep: x.mergeKeep, answers: [['merge', x.mergeDo]] });
    const session = answer === 'merge' && await act(button, () => post('/api/sessions/merge', { a: item.first, b: item.second }));
    if (!session) return;
    toast(x.merged);
    await this.shell.go(`/sessions/${encodeURIComponent(session.id)}`);
  }
}
