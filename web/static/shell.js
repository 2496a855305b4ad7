/* The frame around the views: header with rig, running job, readouts and Stop; rail; live region. The strip under it: strip.js.
 * Built once by app.js. Stop works on every view, at any time, offline too.
 */
import { post, tidy } from './api.js';
import { makeDial } from './dial.js';
import { attr, h, icon, put, svg } from './dom.js';
import { bytes, clock, number, span, weekday, zoneName } from './format.js';
import { t } from './i18n.js';
import { addKeys, showKeys } from './keys.js';
import { me } from './me.js';
import { watchPass } from './pass.js';
import { store } from './store.js';
import { startStrip } from './strip.js';
import { closeNewest, toast } from './toasts.js';

/** @typedef {import('./types.js').Job} Job */

const SAY_EVERY = 10_000;

const x = t.shell;
const ref = {
  name: h('b'), link: h('span.st.off', { role: 'status' }), addr: h('span.addr'), job: h('div.bar-slot'), disk: h('dd', null, '\u00a0'), cpu: h('dd', null, '\u00a0'), zone: h('dt'), clock: h('dd'),
  badge: h('span.badge', { hidden: true }), stopWord: h('small'), stop: /** @type {HTMLButtonElement|null} */ (null),
};
let said = 0;
/** @type {(() => void)|undefined} */
let stopToast;
let view = '';

/** Says something to those who cannot see it, at most every 10 s. @param {string} text */
export function say(text) {
  if (Date.now() - said < SAY_EVERY) return;
  urgent(text);
}

/** Says something at once. @param {string} text */
export function urgent(text) {
  said = Date.now();
  put(document.getElementById('polite'), text);
}

/** @param {string} name of the rail's entry @param {string} path */
export function showView(name, path) {
  view = name;
  for (const link of document.querySelectorAll('#rail a')) attr(link, { 'aria-current': link.getAttribute('data-view') === name ? (link.getAttribute('href') === path ? 'page' : 'true') : null });
  drawJob();
}

async function stop() {
  stopToast?.();
  ref.stop?.setAttribute('aria-busy', 'true');
  try {
    await post('/api/rig/stop', {}, { timeout: 5000 });
    stopToast = toast(x.stopped);
  } catch {
    stopToast = toast(x.stopFailed, { bad: true, action: [x.stopFailedAgain, stop] });
  } finally {
    ref.stop?.removeAttribute('aria-busy');
  }
}

export const brand = () => svg('svg', { viewBox: '0 0 36 36', fill: 'none', stroke: 'currentColor', 'stroke-width': '1.5', 'aria-hidden': 'true' },
  svg('path', { d: 'M4 25a14 14 0 0 1 28 0' }), svg('path', { d: 'M9 25a9 14 0 0 1 18 0M18 11v14', opacity: '.45' }), svg('ellipse', { cx: 18, cy: 25, rx: 14, ry: 4.5 }),
  svg('g.dots', null, [[18, 11], [7.2, 16.5], [28.8, 16.5]].map(([cx, cy]) => svg('circle', { cx, cy, r: 2.3 }))));

/** What ended while another view was looked at. @param {Job} job @param {import('./app.js').Shell} shell */
function tellEnd(job, shell) {
  const text = (t.scan.ended[job.state] ?? t.scan.ended.completed)(job.title || t.scan.untitled), to = `/sessions/${encodeURIComponent(job.session_id ?? '')}`;
  toast(`${text}.`, { bad: job.state === 'failed', action: [t.common.show, () => shell.go(to)] });
}

/** @param {import('./app.js').Shell} shell */
export function buildShell(shell) {
  put(document.querySelector('.skip'), x.skip);
  ref.stop = h('button.stop', { type: 'button', 'aria-keyshortcuts': '!', 'data-stop': true, onclick: stop }, icon('stop'), h('span', null, x.stop, ref.stopWord));
  document.getElementById('bar')?.append(
    h('a.brand', { href: '/', 'aria-label': x.start }, brand()),
    h('div.rig', null, ref.name, h('span', null, ref.link, ref.addr)),
    ref.job,
    h('dl.reads', null, h('div', null, h('dt', null, x.diskFree), ref.disk), h('div', null, h('dt', null, x.processor), ref.cpu), h('div', null, ref.zone, ref.clock)),
    /** @type {any} */ (ref.stop));
  const rail = /** @type {HTMLElement} */ (document.getElementById('rail'));
  attr(rail, { 'aria-label': x.views });
  rail.append(
    ...[['scan', '/', x.scan], ['sessions', '/sessions', x.sessions], ['jobs', '/jobs', x.jobs], ['statistics', '/statistics', x.statistics]].map(([name, href, label]) => h('a', { href, 'data-view': name }, icon(name), label, name === 'jobs' && ref.badge)),
    h('div.foot', null,
      h('button', { type: 'button', 'data-theme-switch': true, 'aria-label': x.themeLabel, onclick: () => dispatchEvent(new Event('themeswitch')) }, icon('theme'), x.theme),
      h('button.only-d', { type: 'button', 'aria-keyshortcuts': '?', onclick: showKeys }, icon('keys'), x.keys)));
  me.on(drawAccount);
  addKeys({
    '!': [stop, t.keys.stop],
    'g s': [() => shell.go('/'), t.keys.scan], 'g e': [() => shell.go('/sessions'), t.keys.sessions], 'g j': [() => shell.go('/jobs'), t.keys.jobs], 'g t': [() => shell.go('/statistics'), t.keys.statistics],
    '/': [async () => { await shell.go('/sessions'); document.getElementById('session-search')?.focus(); }, t.keys.search],
    n: [() => shell.go('/?new'), t.keys.fresh],
    '?': [() => showKeys(), t.keys.list],
  });
  document.addEventListener('keydown', event => {
    if (event.key === 'Escape' && !event.defaultPrevented && !document.querySelector('dialog[open]')) closeNewest();
  });
  store.on('state', draw);
  store.on('link', drawLink);
  startStrip();
  store.on('job_ended', (/** @type {Job} */ job) => { if (job.kind === 'scan' && view !== 'scan') tellEnd(job, shell); });
  store.on('job_changed', (/** @type {any} */ event) => { if (event.pause?.by === 'fault' && event.state === 'paused' && view !== 'scan') toast(x.pausedElsewhere(tidy(event.pause.message)), { bad: true, action: [t.common.show, () => shell.go('/')] }); });
  setInterval(tick, 1000);
  tick();
  draw();
  drawLink();
}

/** Whoever is logged in, at the rail's end; on a phone in the place of the theme, which stands in that view too. */
function drawAccount() {
  const rail = document.getElementById('rail'), { name, login } = me.who ?? { name: '', login: false };
  let link = rail?.querySelector('a[data-view="account"]');
  if (login && !link) {
    link = h('a.who', { href: '/account', 'data-view': 'account' }, icon('person'), h('span.vh', null, `${x.account} `), h('span.name'));
    rail?.lastElementChild?.before(link ?? '');
    showView(view, location.pathname);
  }
  if (name) put(link?.querySelector('.name') ?? null, name);
}

function tick() {
  const now = store.now();
  put(ref.zone, `${weekday(now)}, ${zoneName(now)}`);
  put(ref.clock, clock(now));
}

function draw() {
  const { state } = store;
  put(ref.name, state ? state.rig.name || x.noRig : '\u00a0');
  const { disk_free: disk, cpu_temperature: cpu } = state?.health ?? {};
  if (state) put(ref.disk, typeof disk === 'number' ? bytes(disk) : '–');
  if (state) put(ref.cpu, typeof cpu === 'number' ? `${number(cpu)} °C` : '–');
  const active = state?.jobs.length ?? 0;
  ref.badge.hidden = !active;
  if (ref.badge.textContent !== String(active)) ref.badge.replaceChildren(h('span.vh', null, `${x.activeJobs} `), String(active));
  drawStop();
  drawJob();
}

function drawStop() {
  const { state, link } = store;
  const moves = Boolean(state && (['moving', 'scanning', 'opening'].includes(state.rig.state) || state.jobs.some(job => job.kind === 'scan' && job.state === 'running')));
  ref.stop?.classList.toggle('live', moves && link.state === 'live');
  put(ref.stopWord, link.state === 'lost' ? x.stopOffline : moves ? x.stopLive : x.stopRest);
}

function drawLink() {
  const { state } = store.link;
  put(ref.link, state === 'live' && store.state?.demo ? x.demo : x[state]);
  put(ref.addr, state === 'live' ? location.host : '');
  ref.link.className = `st ${state === 'live' ? 'ok' : 'off'}`;
  draw();
}

/** The job in the header, where the view itself does not show it. */
const bar = { dial: makeDial(), title: h('b'), pass: h('small'), done: h('b'), left: h('small') };
/** @type {HTMLElement|null} */
let barLink = null;
/** @type {import('./pass.js').PassWatch|null} */
let barPass = null;

function drawJob() {
  const job = view === 'scan' || view === '' ? undefined : store.scanJob();
  if (barPass && (barPass.session !== job?.session_id || barPass.name !== job.pass)) { barPass.close(); barPass = null; }
  if (!job) { barLink?.remove(); barLink = null; return; }
  if (!barLink) {
    barLink = h('a.bar-job', { href: '/' }, bar.dial, h('span.t', null, bar.title, ' ', bar.pass), h('span', null, bar.done, ' ', bar.left));
    ref.job.append(barLink);
  }
  drawBar(job);
}

/** @param {import('./types.js').Job} job */
function drawBar(job) {
  const { done, total, eta_s: left } = job.progress;
  put(bar.title, job.title);
  put(bar.pass, job.pass ?? '');
  bar.done.style.minWidth = `${2 * String(total).length + 2.5}ch`; // its growing moves nothing
  put(bar.done, x.of(done, total));
  put(bar.left, job.state !== 'running' ? t.scan.states[job.state] : left === null ? '' : x.left(span(left)));
  if (!barPass && job.session_id && job.pass) barPass = watchPass(job.session_id, job.pass, change => { if (change !== 'now') drawBarDial(); });
  if (!barPass?.shots.length) bar.dial.share({ saved: done, skipped: 0, total, label: '' });
}

function drawBarDial() {
  if (barPass?.shots.length) bar.dial.show({ shots: barPass.shots, small: true, label: '' });
}
