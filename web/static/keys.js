/* Keyboard: the keys of the whole page, and the dialog that lists them.
 *
 *   addKeys({p: [fn, 'label'], '/': ...}) -> off      keys of a view; shown in the dialog while they are there
 *   They count unless somebody types, a dialog is open, a modifier is held, or they are switched off (in the dialog).
 *   Esc, arrows and the like a view handles itself.
 */
import { open } from './dialog.js';
import { h } from './dom.js';
import { t } from './i18n.js';

/** @typedef {Record<string, [(event: KeyboardEvent) => void, string]>} Keys */
/** @type {Set<Keys>} */
const all = new Set();
let pending = '';
let timer = 0;

const kept = () => { try { return localStorage.getItem('keys') !== 'off'; } catch { return true; } };
let enabled = kept();

/** @param {Keys} keys @returns {() => void} */
export function addKeys(keys) {
  all.add(keys);
  return () => { all.delete(keys); };
}

/** @param {KeyboardEvent} event */
function singleKeys(event) {
  if (!enabled || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false;
  if (document.querySelector('dialog[open]')) return false;
  const el = event.target;
  return !(el instanceof HTMLElement && (el.isContentEditable || el instanceof HTMLTextAreaElement || el instanceof HTMLSelectElement
    || (el instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'range'].includes(el.type))));
}

/** @param {string} id @returns {[(event: KeyboardEvent) => void, string]|undefined} */
const find = id => [...all].reverse().map(keys => keys[id]).find(Boolean);

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (!singleKeys(event)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const id = pending ? `${pending} ${key}` : key;
  clearTimeout(timer);
  pending = '';
  if (!find(id) && [...all].some(keys => Object.keys(keys).some(name => name.startsWith(`${id} `)))) {
    pending = id; // the first of two keys, as in G then S
    timer = window.setTimeout(() => { pending = ''; }, 1500);
    return;
  }
  const hit = find(id);
  if (hit) { event.preventDefault(); hit[0](event); }
}

/** @param {boolean} on */
function enable(on) {
  enabled = on;
  try { localStorage.setItem('keys', on ? 'on' : 'off'); } catch { /* private mode: for this page only */ }
}

/** The dialog behind `?`. */
export function showKeys() {
  /** @type {Map<string, string>} */
  const rows = new Map();
  for (const keys of all) for (const [id, [, label]] of Object.entries(keys)) rows.set(id, label);
  return open(close => h('div.in-dialog', null,
    h('h2', { id: 'dialog-title' }, t.keys.title),
    h('dl.keylist', null, [...rows].map(([id, label]) => h('div', null,
      h('dt', null, id.split(' ').map((key, at) => [at ? ` ${t.keys.then} ` : null, h('kbd', null, key.length === 1 ? key.toUpperCase() : key)])), h('dd', null, label)))),
    h('p.hint', null, t.keys.more),
    h('label.chk', null, h('input', { type: 'checkbox', checked: enabled, onchange: (/** @type {any} */ event) => enable(event.target.checked) }), t.keys.enabled),
    h('div.row', null, h('button.btn.pri', { type: 'button', 'data-first': true, onclick: () => close() }, t.common.close))));
}

export function startKeys() {
  document.addEventListener('keydown', pressed);
}
