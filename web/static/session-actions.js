/* What can be done with a session: each asks the daemon and tells the person when it cannot be done. Nothing here changes the page
 * itself, the events do.
 *
 *   passActions(model, pass)           the buttons that fit a pass now, [{id, label, icon, main, run}]
 */
import { act } from './act.js';
import { post } from './api.js';
import { list } from './format.js';
import { foreign } from './lock-words.js';
import { jobAt, remaining, resumable, stateOf } from './session-words.js';
import { store } from './store.js';
import { toast } from './toasts.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').PassInfo} PassInfo  @typedef {import('./session-model.js').SessionModel} SessionModel */
/** @typedef {{id: string, label: string, icon?: string, main?: boolean, quiet?: boolean, href?: string, run: (button: Element) => void}} Action */

/** @param {string} session @param {string} pass @param {string} what */
export const passPath = (session, pass, what) => `/api/sessions/${encodeURIComponent(session)}/passes/${encodeURIComponent(pass)}/${what}`;

/** @param {string} session @param {PassInfo} pass @param {Element} button */
export async function resumePass(session, pass, button) {
  const job = await act(button, () => post(passPath(session, pass.name, 'resume')));
  if (job?.state === 'pending' && job.queue_position) toast(t.passes.queued(job.queue_position));
  return job;
}

/** @param {string} session @param {PassInfo} pass @param {Element} button */
export const finishPass = (session, pass, button) => act(button, () => post(passPath(session, pass.name, 'finish')));

/** @param {string} session @param {PassInfo} pass @param {Element} button */
export async function cancelPass(session, pass, button) {
  const at = jobAt(pass, store.jobOf(session)), running = at?.state === 'running', later = at?.passes.slice(at.passes.indexOf(pass.name) + 1) ?? [];
  const { ask } = await import('./dialog.js');
  const answer = await ask({
    title: t.passes.cancelTitle(pass.name), text: t.passes.cancelText(pass.saved, pass.shots, list(later)), keep: running ? t.passes.keepScanning : t.passes.keepPass,
    answers: [['cancel', t.passes.cancelPass, 'danger'], ...(running ? [/** @type {[string, string]} */ (['pause', t.passes.pauseInstead])] : [])],
  });
  const job = store.jobOf(session);
  if (answer === 'pause' && job) await act(button, () => post(`/api/jobs/${encodeURIComponent(job.id)}/pause`));
  if (answer === 'cancel') await act(button, () => post(passPath(session, pass.name, 'cancel')));
}

/** @param {SessionModel} model @param {PassInfo} pass @returns {Action[]} */
export function passActions(model, pass) {
  const { id } = model, job = model.job(), state = stateOf(pass, job), path = `/api/jobs/${encodeURIComponent(job?.id ?? '')}/pause`;
  /** @param {string} name @param {string} label @param {(button: Element) => Promise<any>} run @param {Partial<Action>} [more] */
  const action = (name, label, run, more) => ({ id: name, label, run: (/** @type {Element} */ button) => void run(button), ...more });
  const finish = pass.saved ? [action('finish', t.passes.finish, button => finishPass(id, pass, button))] : [];
  const cancel = action('cancel', t.passes.cancelMore, button => cancelPass(id, pass, button), { quiet: true });
  if (foreign(pass)) return [{ id: 'to-locks', label: t.passes.toLocks, icon: 'lock', href: '/jobs?locks', run: () => {} }]; // it is another scanner's
  if (state === 'running') return [action('pause', t.passes.pause, button => act(button, () => post(path)), { icon: 'pause' }), ...finish, cancel];
  if (state === 'pending') return jobAt(pass, job) ? [cancel] : [];
  if (!resumable(pass, state) || (job?.kind === 'scan' && job.state === 'running')) return [];
  const resume = action('resume', resumeWords(pass, job), button => resumePass(id, pass, button), { icon: 'play', main: true });
  return [resume, ...finish, ...(state === 'cancelled' ? [] : [cancel])];
}

/** What going on means: a pass may wait for the object to be turned. @param {PassInfo} pass @param {import('./types.js').Job|undefined} job */
export function resumeWords(pass, job) {
  if (jobAt(pass, job)?.pause?.reason === 'turn_object') return t.passes.turnedObject;
  return pass.saved ? t.passes.resume(remaining(pass)) : t.passes.begin(pass.shots);
}
