/* Photos at hand: pictures are fetched before they are asked for, so that turning the object never waits.
 *
 *   const stock = new PhotoStock()
 *   stock.ready(url)            whether it can be shown at once
 *   stock.load(url) -> Promise<boolean>     true once it can; false when there is no such picture
 *   stock.warm(urls)            fetches these when nothing more urgent is under way, nearest first; replaces the list before
 *
 *   dragSteps(el, {width, step, move, tap, done})   pointer drags over el as whole steps: step(n) with n since the last call
 */

const KEPT = 64, AT_ONCE = 3;

export class PhotoStock {
  /** @type {Map<string, HTMLImageElement>} by age, oldest first */
  #kept = new Map();
  /** @type {Map<string, Promise<boolean>>} */
  #coming = new Map();
  /** @type {string[]} */
  #wanted = [];

  /** @param {string} url */
  ready(url) { return this.#kept.has(url); }

  /** @param {string} url @returns {Promise<boolean>} */
  load(url) {
    const had = this.#kept.get(url);
    if (had) {
      this.#kept.delete(url); // young again
      this.#kept.set(url, had);
      return Promise.resolve(true);
    }
    const coming = this.#coming.get(url) ?? this.#fetch(url);
    this.#coming.set(url, coming);
    return coming;
  }

  /** @param {string} url */
  async #fetch(url) {
    const img = new Image();
    img.src = url;
    let good = true;
    try {
      await img.decode();
      this.#kept.set(url, img);
    } catch {
      good = false; // not there, or no picture: the caller says so
    }
    this.#coming.delete(url);
    for (const old of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(old);
    }
    this.#next();
    return good;
  }

  /** @param {string[]} urls */
  warm(urls) {
    this.#wanted = urls.slice(0, KEPT - 8);
    this.#next();
  }

  #next() {
    while (this.#coming.size < AT_ONCE && this.#wanted.length) {
      const url = /** @type {string} */ (this.#wanted.shift());
      if (!this.#kept.has(url) && !this.#coming.has(url)) void this.load(url);
    }
  }
}

const TAP = 4; // px: less is a click

/**
 * @param {HTMLElement} el
 * @param {{width: () => number, step: (by: number) => void, move: (dx: number, dy: number) => boolean, tap: (event: PointerEvent) => void, done: () => void}} on
 *   width: px of one step; move: first look at every movement, true when it has used it (panning); done: after every press
 */
export function dragSteps(el, on) {
  /** @type {{id: number, x: number, y: number, rest: number, far: number}|null} */
  let drag = null;
  el.addEventListener('pointerdown', event => {
    if (event.button || (event.target instanceof Element && event.target.closest('button, input, a'))) return;
    drag = { id: event.pointerId, x: event.clientX, y: event.clientY, rest: 0, far: 0 };
    el.setPointerCapture(event.pointerId);
  });
  el.addEventListener('pointermove', event => {
    if (drag?.id !== event.pointerId) return;
    const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
    Object.assign(drag, { x: event.clientX, y: event.clientY, far: drag.far + Math.abs(dx) + Math.abs(dy) });
    if (drag.far >= TAP) el.classList.add('dragging');
    if (on.move(dx, dy)) return;
    drag.rest += dx;
    const steps = Math.trunc(drag.rest / on.width());
    drag.rest -= steps * on.width();
    if (steps) on.step(steps);
  });
  const end = (/** @type {PointerEvent} */ event) => {
    if (drag?.id !== event.pointerId) return;
    const tapped = drag.far < TAP && event.type === 'pointerup';
    drag = null;
    el.classList.remove('dragging');
    if (tapped) on.tap(event);
    on.done();
  };
  el.addEventListener('pointerup', end);
  el.addEventListener('pointercancel', end);
}
