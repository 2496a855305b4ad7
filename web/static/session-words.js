/* Words and figures of sessions and passes that several parts show. */
import { h } from './dom.js';
import { count, day, shortClock, when } from './format.js';
import { holder } from './lock-words.js';
import { store } from './store.js';
import { locale, t } from './i18n.js';

/** @typedef {import('./types.js').PassInfo} PassInfo  @typedef {import('./types.js').Session} Session  @typedef {import('./types.js').Job} Job */

/** @type {Record<string, string>} */
const LOOKS = { planned: 'off', pending: 'off', running: 'run', paused: 'pause', interrupted: 'pause', completed: 'ok', cancelled: 'off', failed: 'bad' };

/** A state by shape and word. @param {string} state @param {string} [word] @returns {HTMLElement} */
export const stateWord = (state, word = t.passes.states[state] ?? state) => h(`span.st.${LOOKS[state] ?? 'off'}`, { 'data-state': state }, word);

/** Changes a state word where it stands. @param {Element|null} el @param {string} state @param {string} [word] */
export function putState(el, state, word = t.passes.states[state] ?? state) {
  if (!(el instanceof HTMLElement)) return;
  el.className = `st ${LOOKS[state] ?? 'off'}`;
  el.dataset.state = state;
  if (el.textContent !== word) el.textContent = word;
}

/** The job that is at this pass, or that waits for a person before it begins it. @param {PassInfo} pass @param {Job|null|undefined} job @returns {Job|null} */
export function jobAt(pass, job) {
  if (job?.kind !== 'scan' || pass.state === 'completed') return null;
  const next = job.pause?.reason === 'turn_object' ? job.passes[job.passes.indexOf(job.pass ?? '') + 1] : job.pass;
  return [job.pass, next].includes(pass.name) ? job : null;
}

/** The state of a pass without its job: interrupted is the page's own word for one that says it runs while nobody works on it. Its
 * scanner had no time to say that it ended. @param {PassInfo} pass */
export const standing = pass => (pass.state === 'running' && pass.lock?.state !== 'alive' ? 'interrupted' : pass.state);

/** The state of a pass, as its job has it: a job that stands or waits is heard of before its session is read anew. @param {PassInfo} pass @param {Job|null|undefined} job */
export function stateOf(pass, job) {
  const mine = jobAt(pass, job);
  if (mine) return mine.state;
  return job?.kind === 'scan' && pass.state === 'planned' && job.passes.includes(pass.name) ? 'pending' : standing(pass);
}

/** The state of a session, as its scan has it, or as its passes stand. @param {Session} session @returns {string} */
export function sessionState(session) {
  const job = store.jobOf(session.id), states = session.passes.map(standing);
  if (job?.kind === 'scan') return job.state;
  return session.state === 'running' && !states.includes('running') && states.includes('interrupted') ? 'interrupted' : session.state;
}

/** Photos still to take. @param {PassInfo} pass */
export const remaining = pass => Math.max(0, pass.shots - pass.saved - pass.skipped);

/** Whether somebody could go on with this pass. @param {PassInfo} pass @param {string} [state] */
export const resumable = (pass, state = standing(pass)) => ['paused', 'interrupted', 'failed', 'cancelled', 'planned'].includes(state) && (remaining(pass) > 0 || state === 'interrupted');

/** Whether a pass waits for somebody: begun, not at an end. @param {PassInfo} pass */
export const unfinished = pass => standing(pass) !== 'cancelled' && resumable(pass);

/** What a card says under its title. @param {Session} session */
export function subline(session) {
  const planned = session.passes.reduce((n, pass) => n + pass.shots, 0);
  const photos = session.photos < planned ? t.shell.of(session.photos, planned) : t.sessions.photosOf(session.photos, count(session.photos));
  if (!session.created_at) return photos; // its session.json cannot be read
  const at = new Date(session.created_at), now = store.now(), today = at.toDateString() === now.toDateString();
  return `${today ? when(at, now) : day(at, now)} · ${photos}`;
}

/** @param {string|null} time */
export const moment = time => (time ? when(new Date(time), store.now()) : '');

const whole = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

/** Day and time in full. @param {string} time */
export const inFull = time => whole.format(new Date(time));

/** Only the time of day when it is today. @param {string} time */
export function brief(time) {
  const at = new Date(time);
  return at.toDateString() === store.now().toDateString() ? shortClock(at) : when(at, store.now());
}

/** Why a pass is interrupted; '' for any other. @param {PassInfo} pass @param {Job|null|undefined} job */
export const cutOff = (pass, job) => (stateOf(pass, job) === 'interrupted' ? t.passes.cutOff(pass.lock ? holder(pass.lock) : '') : '');

/** Why a pass was left unfinished, and when. @param {PassInfo} pass @param {import('./types.js').Job|undefined} job */
export function whyOpen(pass, job) {
  const pause = jobAt(pass, job)?.pause ?? pass.pause;
  const lost = pass.damaged && !jobAt(pass, job) ? t.passes.damagedPhotos(pass.damaged) : '';
  const why = lost && pause?.reason === 'damaged' ? '' : pause?.message || t.passes.pausedBy[pause?.by ?? ''] || cutOff(pass, job);
  return [[lost, why].filter(Boolean).join(' ').replace(/\.$/, ''), moment(pass.ended_at ?? pass.started_at)].filter(Boolean).join(' · ');
}
