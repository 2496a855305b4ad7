/* Small helpers for building and changing elements. No markup from strings: what the daemon says is always text.
 *
 *   h('button.btn.pri', {type: 'button', onclick: f, 'aria-label': 'x', hidden: true}, 'text', child, null, [more])
 *   svg('path.t-s', {d: '...'})      icon('pause')  icon('pause', 'sm')
 *   put(el, 'text')                  sets text only when it differs (nothing repaints, nothing shifts)
 *   attr(el, {name: value|null})     sets or removes attributes, only when they differ
 *   keyed(parent, items, key, make, update)   keeps a list of children in step with items; untouched ones stay untouched
 *   debounce(fn, ms)                 with .cancel()
 *   await sheet('jobs.css')          a style sheet of a view or a panel, loaded once, before it is shown
 */
import { drawIcon } from './icons.js';

const SVG = 'http://www.w3.org/2000/svg';

/** @typedef {Node|string|number|null|undefined|false|Array<any>} Child */

/** @param {Element} el @param {Record<string, any>} values */
export function attr(el, values) {
  for (const [name, value] of Object.entries(values)) {
    if (name.startsWith('on') && typeof value === 'function') el.addEventListener(name.slice(2), value);
    else if (value === null || value === undefined || value === false) el.removeAttribute(name);
    else {
      const text = value === true ? '' : String(value);
      if (el.getAttribute(name) !== text) el.setAttribute(name, text);
    }
  }
  return el;
}

/** @param {Element} el @param {Child[]} children */
function fill(el, children) {
  for (const child of children) {
    if (Array.isArray(child)) fill(el, child);
    else if (child !== null && child !== undefined && child !== false) el.append(child instanceof Node ? child : String(child));
  }
}

/** @param {string} ns @param {string} selector @param {any} props @param {Child[]} children */
function make(ns, selector, props, children) {
  const [tag, ...classes] = selector.split('.');
  const el = document.createElementNS(ns, tag);
  if (classes.length) el.setAttribute('class', classes.join(' '));
  if (props) attr(el, props);
  fill(el, children);
  return el;
}

/** @param {string} selector @param {Record<string, any>|null} [props] @param {...Child} children @returns {any} an HTMLElement of that tag */
export const h = (selector, props, ...children) => make('http://www.w3.org/1999/xhtml', selector, props, children);

/** @param {string} selector @param {Record<string, any>|null} [props] @param {...Child} children @returns {any} an SVG element */
export const svg = (selector, props, ...children) => make(SVG, selector, props, children);

/** @param {string} name of icons.js @param {string} [size] '' or 'sm' @returns {SVGSVGElement} */
export function icon(name, size = '') {
  const el = svg(`svg.i${size ? `.${size}` : ''}`, { viewBox: '0 0 20 20', 'aria-hidden': 'true' });
  drawIcon(name).forEach(([tag, props]) => el.append(svg(tag, props)));
  return el;
}

/** @param {Element|null} el @param {string|number} value */
export function put(el, value) {
  const text = String(value);
  if (el && el.textContent !== text) el.textContent = text;
}

/**
 * Keeps parent's children in step with items, in order. A child that stays is only handed to update.
 * @template T
 * @param {Element} parent @param {readonly T[]} items @param {(item: T) => string} key
 * @param {(item: T) => Element} create @param {(el: any, item: T) => void} [update]
 */
export function keyed(parent, items, key, create, update) {
  const have = new Map([...parent.children].map(el => [el.getAttribute('data-key'), el]));
  /** @type {Element|null} */
  let place = parent.firstElementChild;
  for (const item of items) {
    const id = key(item);
    let el = have.get(id);
    if (el) have.delete(id);
    else { el = create(item); el.setAttribute('data-key', id); }
    if (update) update(el, item);
    if (el === place) place = place.nextElementSibling;
    else parent.insertBefore(el, place);
  }
  for (const el of have.values()) el.remove();
}

/**
 * @template {any[]} A
 * @param {(...args: A) => void} fn @param {number} ms
 * @returns {((...args: A) => void) & {cancel: () => void}}
 */
export function debounce(fn, ms) {
  /** @type {number|undefined} */
  let timer;
  return Object.assign((/** @type {A} */ ...args) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => fn(...args), ms);
  }, { cancel: () => clearTimeout(timer) });
}

/** @type {Map<string, Promise<unknown>>} */
const sheets = new Map();

/** @param {string} name @returns {Promise<unknown>} */
export function sheet(name) {
  const known = sheets.get(name);
  if (known) return known;
  const loaded = new Promise(done => { document.head.append(h('link', { rel: 'stylesheet', href: `/static/${name}`, onload: done, onerror: done })); });
  sheets.set(name, loaded);
  return loaded;
}
