/* Keyboard: the keys of the whole page, and the dialog that lists them.
 *
 *   addKeys({p: [fn, 'label'], '/': ...}) -> off      keys of a view; shown in the dialog while they are there
 *   They count unless somebody types, a dialog is open, a modifier is held, or they are switched off (in the dialog).
 *   Esc, arrows and the like a view handles itself.
 */
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
export function enable(on) {
  enabled = on;
  try { localStorage.setItem('keys', on ? 'on' : 'off'); } catch { /* private mode: for this page only */ }
}

/** What is listed behind `?`. */
export const listed = () => ({ enabled, keys: [...all].flatMap(keys => Object.entries(keys).map(([id, [, label]]) => /** @type {[string, string]} */ ([id, label]))) });

/** The dialog behind `?`; loaded when somebody asks for it. */
export async function showKeys() { await (await import('./keys-dialog.js')).show(); }

export function startKeys() {
  document.addEventListener('keydown', pressed);
}
