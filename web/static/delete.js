/* A session goes to the trash, and comes back.
 *
 *   await deleteSession(session, button, shell)     with Undo in a toast; false when it was refused
 *   await bringBack(id, button)                     the session, or false
 */
import { act } from './act.js';
import { post, send } from './api.js';
import { toast } from './toasts.js';
import { t } from './i18n.js';

/** @param {string} id @param {Element|null} button @returns {Promise<any>} */
export async function bringBack(id, button) {
  const session = await act(button, () => post(`/api/sessions/${encodeURIComponent(id)}/undelete`));
  if (session) toast(t.keep.broughtBack(session.title || id));
  return session;
}

/** @param {import('./types.js').Session} session @param {Element} button @param {import('./app.js').Shell} shell @returns {Promise<boolean>} */
export async function deleteSession({ id, title }, button, shell) {
  const done = await act(button, () => send('DELETE', `/api/sessions/${encodeURIComponent(id)}`));
  if (!done) return false;
  toast(t.keep.deleted(title || id), { icon: 'trash', action: [t.keep.undo, async () => { if (await bringBack(id, null)) await shell.go(`/sessions/${encodeURIComponent(id)}`); }] });
  return true;
}
