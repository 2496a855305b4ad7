/* The status card while no scan has the rig: is everything ready, and is there something unfinished.
 *
 *   const card = idleCard({take, dismiss})   card.el
 *   card.show({shots, offer, ended})   shots: the plan of the form; offer: an unfinished pass or a paused job set aside; ended: the last job
 * take(job): show a paused job again. dismiss(): the ended scan was noticed.
 */
import { whyOff } from './act.js';
import { post, sentence, tidy } from './api.js';
import { makeDial } from './dial.js';
import { attr, h, icon, keyed, put } from './dom.js';
import { bytes, degrees, number, shortClock, span } from './format.js';
import { t } from './i18n.js';
import { reason } from './pause-words.js';
import { azimuthOf, elevationOf } from './rig.js';
import { store } from './store.js';
import { toast } from './toasts.js';

/** @typedef {import('./types.js').Job} Job */
/** @typedef {{session: string, pass: string, title: string, saved: number, shots: number, why: string, job?: Job}} Offer */

const x = t.scan;

/** @param {import('./types.js').Rig} rig @param {number|null|undefined} disk @returns {Array<{id: string, name: string, value: string, ok: boolean}>} */
function checks(rig, disk) {
  const azimuth = azimuthOf(rig), elevation = elevationOf(rig), list = [];
  for (const camera of rig.cameras) list.push({ id: `c-${camera.name}`, name: rig.cameras.length > 1 ? `${x.camera} ${camera.name}` : x.camera, value: camera.model || camera.name, ok: rig.state !== 'fault' });
  list.push({ id: 'table', name: x.turntable, value: azimuth === null ? x.notHomed : degrees(azimuth), ok: azimuth !== null });
  if (rig.tilt || elevation !== null) list.push({ id: 'tilt', name: rig.tilt ? x.tilt : x.fixedElevation, value: elevation === null ? x.notHomed : degrees(elevation), ok: elevation !== null });
  for (const light of rig.lights) list.push({ id: `l-${light.name}`, name: rig.lights.length > 1 ? `${x.light} ${light.name}` : x.light, value: light.level ? `${number(100 * light.level)} %` : x.lightOff, ok: true });
  if (typeof disk === 'number') list.push({ id: 'disk', name: x.disk, value: bytes(disk), ok: disk > 1e9 });
  return list;
}

/** @param {{take: (job: Job) => void, dismiss: () => void}} actions */
export function idleCard({ take, dismiss }) {
  const dial = makeDial(), word = h('span.st'), more = h('span.hide-p'), list = h('ul.checks');
  const title = h('b'), text = h('span'), mark = h('span.whyicon'), box = h('div.unfin', { 'data-offer': true }, mark, h('div', null, title, text));
  const first = h('button.btn', { type: 'button', 'data-act': 'first', onclick: () => onFirst() });
  const link = h('a.btn.bare', { href: '/sessions', 'data-act': 'show' }, x.show), close = h('button.btn.bare', { type: 'button', 'data-act': 'dismiss', onclick: dismiss }, x.dismiss);
  const el = h('section.pane.status.idle.wide', { 'aria-label': x.status, 'data-status': 'idle' }, dial,
    h('div.what', null, h('div.now', null, word, more), h('h1', null, x.newScan), list), box, h('div.go', null, first, link, close));
  let busy = false;
  /** @type {() => void} */
  let onFirst = () => {};

  /** @param {() => Promise<unknown>} work */
  async function run(work) {
    if (busy) return;
    if (whyOff()) { toast(whyOff(), { bad: true }); return; }
    busy = true;
    attr(first, { 'aria-busy': 'true' });
    try { await work(); } catch (error) { toast(sentence(error), { bad: true }); }
    busy = false;
    attr(first, { 'aria-busy': null });
  }

  /** @param {string} sign @param {string} head @param {string} words @param {string} button @param {string} label */
  function drawBox(sign, head, words, button, label) {
    mark.replaceChildren(icon(sign));
    put(title, head);
    put(text, words);
    drawFirst(button, label);
  }

  /** @param {string} name @param {string} label */
  function drawFirst(name, label) {
    if (first.getAttribute('data-label') === label) return;
    first.setAttribute('data-label', label);
    first.replaceChildren(icon(name, 'sm'), label);
  }

  /** @param {Offer} offer */
  function drawOffer(offer) {
    drawBox('warn', x.unfinished(offer.title), x.unfinishedText(offer.pass, offer.saved, offer.shots, offer.why), 'play', x.resumeIt);
    const path = `/api/sessions/${encodeURIComponent(offer.session)}/passes/${encodeURIComponent(offer.pass)}/resume`, paused = offer.job;
    onFirst = () => run(async () => { if (paused) { await post(`/api/jobs/${paused.id}/resume`); take(paused); } else await post(path); });
    attr(link, { href: `/sessions/${encodeURIComponent(offer.session)}` });
  }

  /** @param {Job} job */
  function drawEnded(job) {
    const { saved = 0, duration_s: took = 0 } = job.result ?? {};
    drawBox(job.state === 'completed' ? 'check' : 'info', (x.ended[job.state] ?? x.ended.completed)(job.title || x.untitled), job.error ? job.error.message : x.endedText(saved, span(took)), 'sessions', x.showSession);
    attr(link, { href: `/sessions/${encodeURIComponent(job.session_id ?? '')}` });
    onFirst = () => { dismiss(); link.click(); };
  }

  /** @param {import('./types.js').Rig} rig */
  function drawChecks(rig) {
    keyed(list, checks(rig, store.state?.health.disk_free), item => item.id, () => h('li', null, h('span.ci'), h('span.cn'), h('span.cv')), (item, fact) => {
      const sign = fact.ok ? 'check' : 'warn';
      if (item.getAttribute('data-sign') !== sign) { item.setAttribute('data-sign', sign); item.firstChild.replaceChildren(icon(sign, 'sm')); }
      item.className = fact.ok ? '' : 'no';
      put(item.querySelector('.cn'), fact.name);
      put(item.querySelector('.cv'), fact.value);
    });
  }

  /** @param {import('./types.js').Rig|undefined} rig */
  function drawWord(rig) {
    const name = rig?.state ?? '', kinds = /** @type {Record<string, string>} */ ({ fault: 'bad', missing: 'bad', moving: 'run', opening: 'run', ready: 'ok', scanning: 'run' });
    put(word, rig ? t.shell.rigStates[name] ?? name : t.shell.connecting);
    attr(word, { class: `st ${kinds[name] ?? 'off'}` });
    const guard = store.state?.guards.find(one => one.active);
    attr(more, { class: guard ? 'warn-t' : 'hide-p' });
    put(more, !rig ? '' : guard ? tidy(guard.message) : rig.message ? tidy(rig.message) : rig.homed_at ? x.restHomed(shortClock(new Date(rig.homed_at))) : x.rest);
  }

  /** @param {import('./types.js').Rig|undefined} rig @param {boolean} alone no offer and no ended scan @param {boolean} looks what it offers is to look */
  function drawHome(rig, alone, looks) {
    const can = Boolean(rig?.turntable) && rig?.state !== 'missing';
    if (alone) {
      drawFirst('home', x.home);
      onFirst = () => run(() => post('/api/rig/home', {}, { timeout: 120_000 }));
    }
    attr(first, { hidden: alone && !can, 'aria-disabled': looks || !whyOff() ? null : 'true', title: looks ? null : whyOff() || null });
  }

  return {
    el,
    /** @param {{shots: import('./types.js').Shot[], offer: Offer|null, ended: Job|null}} data */
    show({ shots, offer, ended }) {
      const rig = store.state?.rig, azimuth = azimuthOf(rig);
      dial.show({ shots, azimuth, text: shots.length ? String(shots.length) : '', unit: shots.length ? x.plannedUnit : '', label: x.plannedLabel(shots.length, azimuth === null ? null : Math.round(azimuth)) });
      drawWord(rig);
      if (rig) drawChecks(rig);
      box.classList.toggle('done', Boolean(ended));
      attr(box, { hidden: !ended && !offer });
      attr(link, { hidden: Boolean(ended) || !offer });
      attr(close, { hidden: !ended });
      if (ended) drawEnded(ended);
      else if (offer) drawOffer(offer);
      drawHome(rig, !ended && !offer, Boolean(ended));
    },
  };
}

/** A paused job that was set aside, as an offer. @param {Job} job @returns {Offer} */
export const offerOf = job => ({ session: job.session_id ?? '', pass: job.pass ?? '', title: job.title, saved: job.progress.done, shots: job.progress.total, why: job.pause?.by === 'user' ? x.passWhy.paused : reason(job).title, job });
