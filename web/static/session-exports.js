/* Exports of a session: made by a job, with progress, then there to be fetched. One maker for the button in the head and the row below.
 *
 *   const exports = new Exports(model); exports.button; exports.el (a section); exports.close()
 */
import { act } from './act.js';
import { get, post } from './api.js';
import { attr, h, icon, put } from './dom.js';
import { brief } from './session-words.js';
import { store } from './store.js';
import { toast } from './toasts.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').Job} Job */

const FORMAT = 'colmap';

export class Exports {
  /** What there is to fetch, '' for nothing. */
  name = '';
  /** @type {Job|null} the job that made it, as long as it is known */
  made = null;
  #ends = new AbortController();

  /** @param {import('./session-model.js').SessionModel} model */
  constructor(model) {
    this.model = model;
    this.button = h('button.btn', { type: 'button', 'data-action': 'export', onclick: () => void this.begin(this.button) }, icon('box', 'sm'), h('span'));
    this.make = h('button.btn', { type: 'button', 'data-action': 'make-export', onclick: () => void this.begin(this.make) });
    this.get = h('a.btn', { download: true, hidden: true, 'data-part': 'get-export' }, icon('down', 'sm'), t.sessions.get);
    this.cancel = h('button.btn', { type: 'button', hidden: true, 'data-action': 'cancel-export', onclick: () => void this.stop() }, t.common.cancel);
    this.note = h('small');
    this.bar = h('progress.bar-p', { max: 1, value: 0, hidden: true, 'aria-label': t.sessions.exporting });
    this.el = h('section.pane', { 'aria-labelledby': 'exports-h', 'data-part': 'exports' }, h('div.pane-h', null, h('h2', { id: 'exports-h' }, t.sessions.exports)),
      h('ul.rows', null, h('li', null, icon('box', 'sm'), h('div.grow', null, 'COLMAP', this.note, this.bar), h('div.btns', null, this.cancel, this.make, this.get))));
    this.offs = [
      store.on('state', () => this.draw()), store.on('link', () => this.draw()), model.on('session', () => this.draw()),
      store.on('job_ended', (/** @type {Job} */ job) => this.ended(job)),
    ];
    this.ready = this.read();
    this.draw();
  }

  close() {
    this.#ends.abort();
    this.offs.forEach(off => off());
  }

  /** What was made before this page was opened. */
  async read() {
    const { signal } = this.#ends;
    try {
      const [names, jobs] = await Promise.all([get(`/api/sessions/${encodeURIComponent(this.model.id)}/exports`, { signal }), get('/api/jobs', { signal })]);
      this.name = names.items.find((/** @type {string} */ name) => name.startsWith(FORMAT)) ?? '';
      const mine = /** @type {Job[]} */ (jobs.items).filter(job => this.mine(job) && job.state === 'completed');
      this.made = mine.sort((one, other) => ((one.ended_at ?? '') < (other.ended_at ?? '') ? 1 : -1))[0] ?? null;
      this.draw();
    } catch {
      this.name = ''; // it can be made again; when nobody answers the page says so elsewhere
    }
  }

  /** @param {Job} job */
  mine(job) { return job.kind === 'export' && job.session_id === this.model.id; }

  active() { return store.state?.jobs.find(job => this.mine(job)) ?? null; }

  /** @param {Job} job */
  ended(job) {
    if (!this.mine(job)) return;
    if (job.state === 'completed') { this.made = job; this.name = job.result?.path?.split('/').pop() || FORMAT; toast(t.sessions.exportMade); }
    if (job.state === 'failed') toast(job.error?.message ?? t.sessions.exportFailed, { bad: true });
    this.draw();
  }

  /** @param {Element} button */
  async begin(button) {
    if (this.active() || button.getAttribute('aria-disabled')) return;
    await act(button, () => post(`/api/sessions/${encodeURIComponent(this.model.id)}/exports`, { format: FORMAT }));
    this.draw();
  }

  async stop() {
    const job = this.active();
    if (job) await act(this.cancel, () => post(`/api/jobs/${encodeURIComponent(job.id)}/cancel`));
  }

  draw() {
    const job = this.active(), photos = this.model.session?.photos ?? 0, off = !photos || !store.writable;
    put(this.button.lastElementChild, job ? t.sessions.exportingOf(job.progress.done, job.progress.total) : t.sessions.exportColmap);
    attr(this.button, { 'aria-disabled': off ? 'true' : null, 'data-busy': Boolean(job), title: photos ? null : t.sessions.noPhotosYet });
    attr(this.make, { 'aria-disabled': off ? 'true' : null });
    put(this.make, this.name ? t.sessions.makeAgain : t.sessions.make);
    attr(this.get, { href: `/api/sessions/${encodeURIComponent(this.model.id)}/exports/${encodeURIComponent(this.name)}` });
    this.make.hidden = Boolean(job);
    this.cancel.hidden = !job;
    this.bar.hidden = !job;
    this.get.hidden = !this.name || Boolean(job);
    if (job) attr(this.bar, { max: Math.max(1, job.progress.total), value: job.progress.done });
    put(this.note, this.words(job));
  }

  /** @param {Job|null} job */
  words(job) {
    if (job) return t.sessions.exportProgress(job.state, job.progress.done, job.progress.total);
    return this.name ? t.sessions.exportDone(this.made?.ended_at ? brief(this.made.ended_at) : '') : t.sessions.exportNone;
  }
}
