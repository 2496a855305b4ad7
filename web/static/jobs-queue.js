/* What waits, in its order. Scans wait for the rig, everything else for its own turn, so there are two orders below one another.
 * A job is moved by its buttons, by dragging its grip, or with the keys: Space lifts, arrows move, Space puts down, Escape puts back.
 *
 *   const panel = new QueuePanel(shell); panel.el; panel.close()
 */
import { act } from './act.js';
import { jobKind, jobTitle, order, SIGNS } from './jobs-active.js';
import { attr, h, icon, keyed, put } from './dom.js';
import { store } from './store.js';
import { toast } from './toasts.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').Job} Job */

/** @param {Job} job */
const lane = job => (job.kind === 'scan' ? 'scan' : 'other');

export class QueuePanel {
  /** @type {{id: string, from: number}|null} the job that is lifted, and where it was */
  lifted = null;

  /** @param {import('./app.js').Shell} shell */
  constructor(shell) {
    this.shell = shell;
    this.list = h('ol.q', { 'aria-labelledby': 'queue-h' });
    this.none = h('p.quiet.none', null, t.jobs.nothingWaits);
    this.el = h('section.pane.wide.queue-p', { 'aria-labelledby': 'queue-h', 'data-part': 'queue' },
      h('div.pane-h', null, h('h2', { id: 'queue-h' }, t.jobs.queue), h('p.hide-p', null, t.jobs.queueHint)), h('p.vh', { id: 'move-hint' }, t.jobs.moveHint), this.list, this.none);
    this.offs = [store.on('state', () => this.draw()), store.on('link', () => this.draw())];
    this.draw();
  }

  close() { this.offs.forEach(off => off()); }

  /** Those of one lane, next first. @param {string} which @returns {Job[]} */
  waiting(which) { return (store.state?.jobs ?? []).filter(job => job.state === 'pending' && lane(job) === which).sort((a, b) => (a.queue_position ?? 0) - (b.queue_position ?? 0)); }

  draw() {
    if (this.dragging) return;
    const jobs = [...this.waiting('scan'), ...this.waiting('other')];
    const held = /** @type {HTMLElement|null} */ (document.activeElement?.closest('.q') === this.list ? document.activeElement : null);
    keyed(this.list, jobs, job => job.id, job => this.make(job), (el, job) => this.update(el, job));
    if (held && document.activeElement !== held) (held.isConnected ? held : this.list.querySelector('button'))?.focus(); // moving an element takes its focus
    this.none.hidden = Boolean(jobs.length);
    this.list.hidden = !jobs.length;
    if (this.lifted && !jobs.some(job => job.id === this.lifted?.id)) this.lifted = null;
  }

  /** @param {Job} job */
  make(job) {
    const by = (/** @type {number} */ step) => () => void this.step(job.id, step);
    const grip = h('button.grip', { type: 'button', 'aria-describedby': 'move-hint', 'data-action': 'grip', onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event, job.id), onpointerdown: (/** @type {PointerEvent} */ event) => this.drag(event, job.id), onblur: () => this.drop() }, icon('grip'));
    return h('li', { 'data-job': job.id }, grip, h('span.no'), h('span.kind', null, icon(SIGNS[job.kind] ?? 'list')), h('div.qt', null, h('span.tw'), h('small')), h('span.quiet.eta'),
      h('span.btnpair', null, h('button.btn.icon.hide-p', { type: 'button', 'data-action': 'up', onclick: by(-1) }, icon('up', 'sm')), h('button.btn.icon.hide-p', { type: 'button', 'data-action': 'down', onclick: by(1) }, icon('lower', 'sm')),
        h('button.btn.icon', { type: 'button', 'data-action': 'remove', onclick: (/** @type {Event} */ event) => void this.remove(job.id, /** @type {Element} */ (event.currentTarget)) }, icon('x', 'sm'))));
  }

  /** @param {HTMLElement} el @param {Job} job */
  update(el, job) {
    const part = (/** @type {string} */ name) => /** @type {Element} */ (el.querySelector(name)), title = jobTitle(job), { total, unit } = job.progress, blocks = store.job(job.waits_for);
    const place = this.waiting(lane(job)).findIndex(one => one.id === job.id), last = place === this.waiting(lane(job)).length - 1;
    put(part('.no'), place + 1);
    put(part('.tw'), title);
    put(part('small'), [jobKind(job), t.jobs.from(job.origin)].filter(Boolean).join(', '));
    put(part('.eta'), [total && unit === 'photos' ? t.jobs.photos(total) : '', blocks ? t.jobs.waitsFor(jobTitle(blocks)) : place ? t.jobs.waitsTurn : t.jobs.nextUp].filter(Boolean).join(', '));
    attr(part('.grip'), { 'aria-label': t.jobs.move(title), 'aria-pressed': String(this.lifted?.id === job.id) });
    attr(part('[data-action="up"]'), { 'aria-label': t.jobs.up(title), 'aria-disabled': place ? null : 'true' });
    attr(part('[data-action="down"]'), { 'aria-label': t.jobs.down(title), 'aria-disabled': last ? 'true' : null });
    attr(part('[data-action="remove"]'), { 'aria-label': t.jobs.remove(title) });
    el.classList.toggle('lifted', this.lifted?.id === job.id);
  }

  /* ---- moving ---- */

  /** @param {string} id @returns {[number, number, Job]|null} its place from 0, how many, itself */
  place(id) {
    const job = store.job(id), all = job ? this.waiting(lane(job)) : [], at = all.findIndex(one => one.id === id);
    return job && at >= 0 ? [at, all.length, job] : null;
  }

  /** @param {string} id @param {number} by */
  async step(id, by) {
    const now = this.place(id);
    if (now) await this.move(id, now[0] + by);
  }

  /** @param {string} id @param {number} to from 0 */
  async move(id, to) {
    const now = this.place(id);
    if (!now || to < 0 || to >= now[1] || to === now[0]) return;
    if (await act(null, () => order(id, 'move', { position: to + 1 }))) this.shell.urgent(t.jobs.movedTo(jobTitle(now[2]), to + 1, now[1]));
  }

  /** @param {KeyboardEvent} event @param {string} id */
  key(event, id) {
    const now = this.place(id), by = { ArrowUp: -1, ArrowDown: 1 }[event.key], lifted = this.lifted?.id === id;
    if (!now || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === ' ' || event.key === 'Enter') {
      event.preventDefault();
      if (lifted) { this.drop(); return; }
      this.lifted = { id, from: now[0] };
      this.shell.urgent(t.jobs.lifted(jobTitle(now[2]), now[0] + 1, now[1]));
      this.draw();
    } else if (lifted && by) {
      event.preventDefault();
      void this.step(id, by);
    } else if (lifted && event.key === 'Escape') {
      event.preventDefault();
      const { from } = /** @type {{from: number}} */ (this.lifted);
      this.lifted = null;
      this.draw();
      void this.move(id, from);
    }
  }

  drop() {
    const now = this.lifted && this.place(this.lifted.id);
    this.lifted = null;
    if (now) this.shell.urgent(t.jobs.dropped(jobTitle(now[2]), now[0] + 1));
    this.draw();
  }

  /** By the grip, with mouse or finger: the row follows, the others stay until it is let go. @param {PointerEvent} event @param {string} id */
  drag(event, id) {
    const grip = /** @type {HTMLElement} */ (event.currentTarget), row = /** @type {HTMLElement} */ (grip.closest('li')), now = this.place(id);
    if (!now || event.button) return;
    const rows = /** @type {HTMLElement[]} */ ([...this.list.children]), first = rows.indexOf(row) - now[0], mine = rows.slice(first, first + now[1]);
    const middles = mine.map(one => { const box = one.getBoundingClientRect(); return box.top + box.height / 2; });
    let to = now[0];
    this.dragging = true;
    grip.setPointerCapture(event.pointerId);
    row.classList.add('dragged');
    const moved = (/** @type {PointerEvent} */ at) => {
      row.style.transform = `translateY(${at.clientY - event.clientY}px)`;
      to = middles.filter((middle, n) => n !== now[0] && middle < at.clientY).length;
      mine.forEach((one, n) => { one.classList.toggle('before', n !== now[0] && n === to && to < now[0]); one.classList.toggle('after', n !== now[0] && n === to && to > now[0]); });
    };
    const ended = (/** @type {PointerEvent} */ at) => {
      grip.removeEventListener('pointermove', moved);
      this.dragging = false;
      row.style.transform = '';
      for (const one of mine) one.classList.remove('dragged', 'before', 'after');
      if (at.type === 'pointerup') void this.move(id, to);
      this.draw();
    };
    grip.addEventListener('pointermove', moved);
    grip.addEventListener('pointerup', ended, { once: true });
    grip.addEventListener('pointercancel', ended, { once: true });
  }

  /** @param {string} id @param {Element} button */
  async remove(id, button) {
    const job = store.job(id), next = button.closest('li')?.nextElementSibling ?? button.closest('li')?.previousElementSibling;
    if (!job || !(await act(button, () => order(id, 'cancel')))) return;
    toast(t.jobs.removed(jobTitle(job)));
    /** @type {HTMLElement|null} */ (next?.querySelector('[data-action="remove"]') ?? null)?.focus();
  }
}
