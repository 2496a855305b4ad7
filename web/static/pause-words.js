/* Why a scan stands still, in words. */
import { t } from './i18n.js';

/** @typedef {import('./types.js').Job} Job */

const x = t.scan;

/** What a pause is called and what to do about it. @param {Job} job @param {number} [shot] the one it stands on */
export function reason(job, shot = job.shot ?? 0) {
  const pause = job.pause;
  if (!pause) return { title: '', text: '', kind: '' };
  const known = x.pauses[pause.reason] ?? x.pauses[pause.by] ?? x.pauses.fault;
  const { title, text } = known({ message: pause.message, pass: job.pass ?? '', shot, next: job.passes[job.passes.indexOf(job.pass ?? '') + 1] ?? '' });
  return { title, text, kind: pause.by === 'fault' ? 'bad' : pause.by === 'operator' && pause.reason === 'turn_object' ? 'info' : pause.by === 'user' ? 'calm' : 'warn' };
}
