/* One thing asked of the daemon by a button: it is busy meanwhile, and a refusal is said.
 *
 *   const answer = await act(button, () => post(...))       the answer (true where there is none), or false
 *   whyOff()                                                why commands are off now; '' where they are not
 */
import { sentence } from './api.js';
import { attr } from './dom.js';
import { store } from './store.js';
import { toast } from './toasts.js';
import { t } from './i18n.js';

export const whyOff = () => (store.looking ? t.shell.looking : store.writable ? '' : t.scan.offline);

/** @param {Element|null} button @param {() => Promise<any>} request @returns {Promise<any>} the answer, or false */
export async function act(button, request) {
  if (button?.getAttribute('aria-busy')) return false;
  if (whyOff()) { toast(whyOff(), { bad: true }); return false; }
  if (button) attr(button, { 'aria-busy': 'true' });
  try {
    return (await request()) ?? true;
  } catch (error) {
    toast(sentence(error), { bad: true });
    return false;
  } finally {
    if (button) attr(button, { 'aria-busy': null });
  }
}
