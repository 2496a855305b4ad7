/* The jobs that run or stand still: a dial and the plan's cells for a scan, a bar for everything else.
 *
 *   const panel = new ActiveJobs(); panel.el; panel.close()
 */
import { act } from './act.js';
import { post } from './api.js';
import { makeCells } from './cells.js';
import { makeDial } from './dial.js';
import { ask } from './dialog.js';
import { attr, h, icon, keyed, put, svg } from './dom.js';
import { count, span } from './format.js';
import { watchPass } from './pass.js';
import { stateWord, putState } from './session-words.js';
import { store } from './store.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').Job} Job */

const KEEPS_STILL = new Set(['scan']); // kinds that can be paused
export const SIGNS = /** @type {Record<string, string>} */ ({ export: 'box', verify: 'shield', migrate: 'again', import: 'down', reindex: 'list', scan: 'scan' });

/** What a job is called. @param {Job} job */
export const jobTitle = job => job.title || t.jobs.alone[job.kind] || job.id;
/** What it does, beside its title. @param {Job} job */
export const jobKind = job => (job.session_id || job.title ? [t.jobs.kind(job.kind), job.kind === 'scan' ? job.pass ?? '' : job.options?.format ?? ''].filter(Boolean).join(', ') : '');

/** @param {string} id @param {string} what @param {any} [body] */
export const order = (id, what, body) => post(`/api/jobs/${encodeURIComponent(id)}/${what}`, body);

export class ActiveJobs {
  /** @type {Map<string, import('./pass.js').PassWatch>} scans, by job */
  watches = new Map();

  constructor() {
    this.el = h('div.actives', { 'data-part': 'active' });
    this.offs = [store.on('state', () => this.draw()), store.on('link', () => this.draw())];
    this.draw();
  }

  close() {
    this.offs.forEach(off => off());
    this.watches.forEach(watch => watch.close());
  }

  draw() {
    const rank = (/** @type {Job} */ job) => (job.kind === 'scan' ? 0 : 1), jobs = (store.state?.jobs ?? []).filter(job => job.state !== 'pending').sort((a, b) => rank(a) - rank(b));
    for (const [id, watch] of this.watches) if (!jobs.some(job => job.id === id && job.pass === watch.name)) { watch.close(); this.watches.delete(id); }
    /** @type {Array<{id: string, job: Job|null}>} */
    const cards = jobs.length ? jobs.map(job => ({ id: job.id, job })) : [{ id: 'none', job: null }];
    keyed(this.el, cards, card => card.id, card => (card.job ? this.make(card.job) : nothing()), (el, card) => { if (card.job) this.update(el, card.job); });
    this.el.classList.toggle('one', cards.length === 1);
  }

  /** @param {Job} job */
  make(job) {
    const scan = job.kind === 'scan', run = (/** @type {string} */ what) => (/** @type {Event} */ event) => void this.order(job.id, what, /** @type {Element} */ (event.currentTarget));
    const title = h(job.session_id ? 'a' : 'span.t', job.session_id ? { href: `/sessions/${encodeURIComponent(job.session_id)}` } : null);
    return h('section.pane', { 'aria-label': jobTitle(job), 'data-job': job.id }, h('div.job', null,
      scan ? makeDial() : h('span.thumb', null, icon(SIGNS[job.kind] ?? 'list')),
      h('div.mid', null, h('h2', null, title, ' ', h('span.what')),
        scan ? makeCells() : svg('svg.meter', { viewBox: '0 0 100 6', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, svg('rect', { height: 6, width: 0 })),
        h('div.line', null, stateWord(job.state), h('span', null, h('b.done'), ' ', h('span.unit')), h('span.left', null, h('b'), ` ${t.jobs.left}`), h('span.by.hide-p'))),
      h('div.do', null, h('button.btn', { type: 'button', 'data-action': 'pause', hidden: !KEEPS_STILL.has(job.kind), onclick: run('pause') }, icon('pause', 'sm'), h('span')),
        h('button.btn.bare', { type: 'button', 'data-action': 'cancel', onclick: run('cancel') }, scan ? t.jobs.cancel : t.jobs.cancelNow))));
  }

  /** @param {HTMLElement} el @param {Job} job */
  update(el, job) {
    const part = (/** @type {string} */ name) => /** @type {any} */ (el.querySelector(name)), { done, total, unit, eta_s: left } = job.progress;
    put(part('h2').firstElementChild, jobTitle(job));
    put(part('.what'), jobKind(job));
    putState(part('.st'), job.state);
    put(part('.done'), t.jobs.of(done, total));
    put(part('.unit'), t.jobs.unit(unit));
    part('.left').hidden = left === null || job.state !== 'running';
    put(part('.left b'), left === null ? '' : span(left));
    put(part('.by'), job.pause?.message || t.jobs.by(t.jobs.from(job.origin)));
    const paused = job.state === 'paused', pause = part('[data-action="pause"]');
    put(pause.lastElementChild, paused ? t.jobs.resume : t.jobs.pause);
    if (pause.dataset.paused !== String(paused)) { pause.dataset.paused = String(paused); pause.firstElementChild.replaceWith(icon(paused ? 'play' : 'pause', 'sm')); }
    for (const button of el.querySelectorAll('.do .btn')) attr(button, { 'aria-disabled': store.writable ? null : 'true' });
    if (job.kind !== 'scan') { attr(part('.meter rect'), { width: (100 * done / Math.max(1, total)).toFixed(2) }); return; }
    this.follow(job, el);
    if (!this.watches.get(job.id)?.shots.length) part('scan-dial').share({ saved: done, skipped: 0, total, label: t.jobs.of(done, total), text: count(done), unit: '' });
  }

  /** @param {Job} job @param {HTMLElement} el */
  follow(job, el) {
    if (this.watches.has(job.id) || !job.session_id || !job.pass) return;
    const watch = watchPass(job.session_id, job.pass, () => {
      if (!watch.shots.length) return;
      /** @type {any} */ (el.querySelector('scan-cells')).show({ shots: watch.shots, current: watch.current });
      /** @type {any} */ (el.querySelector('scan-dial')).show({ shots: watch.shots, current: watch.current, label: '' });
    });
    this.watches.set(job.id, watch);
  }

  /** @param {string} id @param {string} what @param {Element} button */
  async order(id, what, button) {
    const job = store.job(id);
    if (!job) return;
    if (what === 'cancel' && job.kind === 'scan') {
      const { done, total } = job.progress;
      const answer = await ask({ title: t.jobs.cancelTitle(jobTitle(job)), text: t.jobs.cancelScan(done, total), keep: t.jobs.keep, answers: [['cancel', t.jobs.doCancel, 'danger']] });
      if (answer !== 'cancel') return;
    }
    await act(button, () => order(id, what === 'pause' && job.state === 'paused' ? 'resume' : what));
  }
}

const nothing = () => h('section.pane.idle', { 'data-job': 'none' }, h('div.job', null, h('span.thumb', null, icon('scan')), h('div.mid', null, h('h2', null, t.jobs.nothing), h('p.quiet', null, t.jobs.nothingHint)),
  h('div.do', null, h('a.btn', { href: '/?new' }, icon('plus', 'sm'), t.jobs.newScan))));
