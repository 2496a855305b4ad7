/* Short messages at the window's lower edge: for results, never for what needs doing (that is a notice and stays).
 *
 *   toast('Label saved')      toast('Moved to trash', {action: ['Undo', fn], icon: 'trash'})
 *   toast('Not started: ...', {bad: true})      a fault: role=alert, stays until it is closed
 * A toast goes after 6 s; hover and focus hold it, Esc closes the newest. An action closes its toast.
 */
import { h, icon } from './dom.js';
import { t } from './i18n.js';

const STAYS = 6000, MOST = 3;

/** @param {string} text @param {{bad?: boolean, action?: [string, () => void], icon?: string}} [options] @returns {() => void} closes it */
export function toast(text, { bad = false, action, icon: name = bad ? 'bad' : 'check' } = {}) {
  const box = /** @type {HTMLElement} */ (document.getElementById('toasts'));
  /** @type {number|undefined} */
  let timer;
  const close = () => { clearTimeout(timer); el.remove(); };
  const wait = () => { clearTimeout(timer); if (!bad) timer = window.setTimeout(close, STAYS); };
  const hold = () => clearTimeout(timer);
  const el = h('div.toast', { role: bad ? 'alert' : 'status', onpointerenter: hold, onpointerleave: wait, onfocusin: hold, onfocusout: wait, 'data-toast': bad ? 'bad' : 'ok' },
    icon(name), h('p', null, text),
    action && h('button.btn.bare', { type: 'button', onclick: () => { close(); action[1](); } }, action[0]),
    h('button.btn.bare.icon', { type: 'button', 'aria-label': t.common.close, onclick: close }, icon('x', 'sm')));
  el.classList.toggle('bad', bad);
  box.append(el);
  while (box.children.length > MOST) box.firstElementChild?.remove();
  wait();
  return close;
}

/** Esc closes the newest toast when nothing else wants the key. @returns {boolean} whether there was one */
export function closeNewest() {
  const box = document.getElementById('toasts'), last = box?.lastElementChild;
  last?.remove();
  return Boolean(last);
}
