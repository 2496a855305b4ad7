/* Who works on a pass: a pill that tells by word, shape and colour.
 *
 *   const el = lockPill(); putLock(el, lock or null)      alive: a lock, stale and gone: a triangle, dashed; free: an open lock
 *   holder(lock)         'web:marek on bench-2', as the command line names it
 *   foreign(pass)        the lock of somebody else who may still be at work on it, or null
 *   heldWords(lock)      'web:marek on bench-2 works on it.'
 *   silence(lock)        seconds since the last heartbeat that was seen here, null for none
 */
import { attr, h, icon, put } from './dom.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').Lock} Lock */

const SIGNS = { alive: 'lock', stale: 'warn', gone: 'warn', free: 'open' };

export const lockPill = () => h('span.lock', null, h('span.bi'), h('span'));

/** @param {Element|null} el @param {Lock|null|undefined} lock @param {string} [word] */
export function putLock(el, lock, word) {
  if (!el) return;
  const state = lock?.state ?? 'free', sign = SIGNS[state];
  attr(el, { class: `lock ${state}`, 'data-lock': state });
  const box = /** @type {Element} */ (el.firstElementChild);
  if (box.getAttribute('data-icon') !== sign) { box.setAttribute('data-icon', sign); box.replaceChildren(icon(sign)); }
  put(el.lastElementChild, word ?? (lock ? t.passes.lockStates[state] : t.passes.notLocked));
}

/** @param {Lock} lock */
export const holder = ({ host, user, origin }) => t.passes.heldBy(user || origin, host);

/** @param {import('./types.js').PassInfo} pass @returns {Lock|null} */
export const foreign = pass => (pass.lock && !pass.lock.own && pass.lock.state !== 'gone' ? pass.lock : null);

/** @param {Lock} lock @returns {number|null} */
export const silence = lock => lock.beats[0] ?? null;

/** @param {Lock} lock */
export const heldWords = lock => (lock.state === 'stale' ? t.passes.heldStale(holder(lock)) : t.passes.worksOn(holder(lock)));
