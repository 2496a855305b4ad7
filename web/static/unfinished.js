/* Passes somebody can go on with: those whose job stands still, then those that no job has. Newest first.
 *
 *   const items = await readUnfinished(signal)      [{session, pass}]
 */
import { ApiError, get } from './api.js';
import { jobAt, unfinished } from './session-words.js';

/** @typedef {import('./types.js').Job} Job  @typedef {import('./types.js').Session} Session */
/** @typedef {{session: Session, pass: import('./types.js').PassInfo}} Unfinished */

const MOST = 12; // jobs that stand still and whose sessions are read

/** The session a job stands in; null where it is gone. @param {Job} job @param {AbortSignal} [signal] @returns {Promise<Session|null>} */
async function sessionOf(job, signal) {
  try {
    return await get(`/api/sessions/${encodeURIComponent(job.session_id ?? '')}`, { signal });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null; // the queue still tells of its job
    throw error;
  }
}

/** @param {AbortSignal} [signal] @returns {Promise<Unfinished[]>} */
export async function readUnfinished(signal) {
  const [restorable, jobs] = await Promise.all([get('/api/sessions/restorable', { signal }), get('/api/jobs/active', { signal })]);
  const standing = jobs.items.filter((/** @type {Job} */ job) => job.kind === 'scan' && job.state === 'paused' && job.session_id);
  const held = await Promise.all(standing.slice(0, MOST).map(async (/** @type {Job} */ job) => {
    const session = await sessionOf(job, signal), pass = session?.passes.find(one => jobAt(one, job));
    return session && pass ? [{ session, pass }] : [];
  }));
  return [...held.flat(), ...restorable.items.filter((/** @type {Unfinished} */ item) => unfinished(item.pass))];
}

/** @param {Unfinished} item */
export const keyOf = item => `${item.session.id} ${item.pass.name}`;
