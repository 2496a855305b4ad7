/* The strip under the header, for what concerns every view: connection lost, a newer version, what a restart found. It stays until its
 * cause is gone or somebody has read it; there is never a dialog in the way. `startStrip()` once, by the shell.
 */
import { tidy } from './api.js';
import { attr, h, icon, keyed, put } from './dom.js';
import { clock } from './format.js';
import { t } from './i18n.js';
import { store } from './store.js';

/** @typedef {{id: string, sign: string, kind: string, title: string, text: string, button: string, act: () => void}} Notice */

const LOST_AFTER = 1200; // a connection that returns at once is not worth a strip
const READ = 'notices-read';

const x = t.shell;
let updated = false;

const isLost = () => store.link.state === 'lost' && Date.now() - store.link.since.getTime() > LOST_AFTER;

/** @returns {string|null} */
function read() {
  try { return sessionStorage.getItem(READ); } catch { return null; }
}

/** What a restart found, once per start of the daemon. @returns {Notice[]} */
function found() {
  const { state } = store, texts = state && read() !== state.boot ? state.notices : [];
  const seen = () => {
    try { sessionStorage.setItem(READ, store.boot); } catch { /* private mode: it comes back on reload */ }
    if (store.state) store.state = { ...store.state, notices: [] };
    draw();
  };
  return texts.length ? [{ id: 'notices', sign: 'info', kind: 'info', title: x.found, text: texts.map(tidy).join(' '), button: t.common.close, act: seen }] : [];
}

/** @returns {Notice[]} */
function notices() {
  const list = found();
  if (updated) list.unshift({ id: 'version', sign: 'info', kind: 'info', title: x.newVersion, text: x.newVersionText, button: x.reload, act: () => location.reload() });
  if (isLost()) {
    const wait = Math.ceil(((store.link.retryAt?.getTime() ?? 0) - Date.now()) / 1000);
    list.unshift({ id: 'lost', sign: 'plug', kind: 'off', title: x.lostTitle, text: `${x.lostText(clock(store.link.since))} ${wait > 0 ? x.lostRetry(wait) : x.lostTrying}`, button: x.tryNow, act: () => store.retry() });
  }
  return list;
}

function draw() {
  document.body.classList.toggle('lost', isLost());
  const strip = /** @type {HTMLElement} */ (document.getElementById('strip')), shown = notices();
  attr(strip, { role: shown.length ? 'region' : null, 'aria-label': shown.length ? x.notices : null });
  keyed(strip, shown, notice => notice.id,
    notice => h(`div.notice.${notice.kind}`, { 'data-strip': notice.id }, icon(notice.sign), h('p', null, h('b', { role: 'status' }, notice.title), ' ', h('span')), h('div.end', null, h('button.btn', { type: 'button', onclick: notice.act }, notice.button))),
    (el, notice) => put(el.querySelector('p > span'), notice.text));
}

export function startStrip() {
  store.on('link', draw);
  store.on('state', draw);
  store.on('version', () => { updated = true; draw(); });
  setInterval(draw, 1000);
}
