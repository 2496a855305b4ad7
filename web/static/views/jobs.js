/* Jobs: what runs, what waits, who holds which pass, what was. Each part keeps its room, so that nothing moves while jobs come and go. */
import { HistoryPanel } from '../history.js';
import { ActiveJobs } from '../jobs-active.js';
import { QueuePanel } from '../jobs-queue.js';
import { LocksPanel } from '../locks.js';
import { h } from '../dom.js';
import { addKeys } from '../keys.js';
import { t } from '../i18n.js';

/** @param {HTMLElement} main @param {import('../app.js').Params} params @param {import('../app.js').Shell} shell @returns {import('../app.js').View} */
export function mount(main, params, shell) {
  const active = new ActiveJobs(), queue = new QueuePanel(shell), locks = new LocksPanel(shell), history = new HistoryPanel(shell), parts = [active, queue, locks, history];
  main.className = 'jobs';
  let left = false;
  const show = () => {
    if (left) return;
    main.append(h('h1.vh', null, t.jobs.title), active.el, queue.el, locks.el, history.el);
    if (params.query.has('locks')) locks.el.scrollIntoView();
  };
  void Promise.all([locks.load(), history.load()]).then(show); // shown at once, so that nothing moves when an answer comes
  const off = addKeys({ '/': [() => history.input.focus(), t.jobs.search] });
  return {
    leave() { left = true; off(); parts.forEach(part => part.close()); },
    title: () => t.jobs.title,
  };
}
