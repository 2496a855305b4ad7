/* The page: shell, router, keys.
 *
 * Views: ROUTES maps a path to a module of views/ that exports
 *     prepare?()                        what must be known before the view is shown, so that nothing moves when it comes; not waited for long
 *     mount(main, params, shell) -> {leave(), title?() , changed?(query)}
 *   main      the empty <main>; the view sets main.className and appends; the shell empties it on leaving
 *   params    parts of the path ({id}) and `query`, a URLSearchParams
 *   leave()   drop listeners
 *   title()   text for the window's title; ask for it to be read again with shell.retitle()
 *   changed(query)   the query of the same path changed by a link or back/forward; without it the view is mounted anew
 *   shell     {go(path) -> promise: it is shown, say(text), urgent(text), retitle()}    say: polite live region
 * Links are plain <a href>; those to views are followed without loading the page. A view may history.replaceState its own query.
 */
import { startKeys } from './keys.js';
import { me } from './me.js';
import { store } from './store.js';
import { t, texts } from './i18n.js';
import { h, put, sheet } from './dom.js';
import { span } from './format.js';
import { buildShell, showView, say, urgent } from './shell.js';

/** @typedef {{leave: () => void, title?: () => string, changed?: (query: URLSearchParams) => void}} View */
/** @typedef {{go: (path: string) => Promise<void>, say: (text: string) => void, urgent: (text: string) => void, retitle: () => void}} Shell */
/** @typedef {Record<string, any> & {query: URLSearchParams}} Params */

/** @typedef {{mount: (main: HTMLElement, params: Params, shell: Shell) => View, prepare?: () => Promise<unknown>}} Module */
/** view: the entry of the rail. @typedef {{path: RegExp, view: string, module: () => Promise<Module>, words: Array<keyof import('./i18n.js').Sections>, sheets: string[]}} Route */
/** @type {Route[]} */
const ROUTES = [
  { path: /^\/$/, view: 'scan', module: () => import('./views/scan.js'), words: ['form'], sheets: ['scan.css'] },
  { path: /^\/sessions\/?$/, view: 'sessions', module: () => import('./views/sessions.js'), words: ['sessions', 'passes'], sheets: ['sessions.css'] },
  { path: /^\/sessions\/(?<id>[^/]+)$/, view: 'sessions', module: () => import('./views/session.js'), words: ['sessions', 'passes'], sheets: ['sessions.css'] },
  { path: /^\/jobs\/?$/, view: 'jobs', module: () => import('./views/jobs.js'), words: ['jobs', 'passes'], sheets: ['jobs.css'] },
  { path: /^\/statistics\/?$/, view: 'statistics', module: () => import('./views/statistics.js'), words: ['statistics'], sheets: ['jobs.css', 'statistics.css'] },
  { path: /^\/account\/?$/, view: 'account', module: () => import('./views/account.js'), words: ['access'], sheets: ['access.css'] },
  { path: /^\/users\/?$/, view: 'account', module: () => import('./views/users.js'), words: ['access'], sheets: ['access.css'] },
];
const PREPARES = 1500; // milliseconds a view may take to prepare

const main = /** @type {HTMLElement} */ (document.getElementById('main'));
/** @type {View|null} */
let view = null;
let shown = '';
let turn = 0;
/** @type {Shell} */
const shell = { go, say, urgent, retitle };

/** What the window is called: what the rig does comes first, it is all a tab shows. */
function retitle() {
  if (me.out) return; // the gate says what it is
  const job = store.scanJob();
  const parts = [];
  if (job) parts.push(t.title.job(job, job.progress.eta_s === null ? '' : span(job.progress.eta_s)));
  const own = view?.title?.();
  if (own) parts.push(own);
  else if (!job && store.state) parts.push(t.title.ready);
  put(document.querySelector('title'), [...parts, t.title.product].join(' · '));
}

/** @param {string} path */
function go(path) {
  history.pushState(null, '', path);
  return render(true);
}

/** @param {boolean} moved the reader went there, so focus goes along */
async function render(moved) {
  const { pathname, searchParams } = new URL(location.href);
  if (view?.changed && pathname === shown) { view.changed(searchParams); return; }
  const route = ROUTES.find(one => one.path.test(pathname));
  const mine = ++turn;
  const [module] = await Promise.all([route && load(route), store.ready]); // what is shown at once stays where it is
  if (mine !== turn) return; // somebody went on meanwhile
  view?.leave();
  view = null;
  main.replaceChildren();
  main.className = '';
  shown = pathname;
  showView(route?.view ?? '', pathname);
  view = module && route ? module.mount(main, { ...decode(pathname.match(route.path)?.groups), query: searchParams }, shell) : nowhere();
  retitle();
  if (moved) arrive();
}

/** @returns {View|null} */
function nowhere() {
  main.append(h('h1.pane', null, t.errors.noPage));
  return null;
}

/** The reader went to another view: begin at its top, unless it has put the focus where it belongs. */
function arrive() {
  if (document.activeElement !== main && main.contains(document.activeElement)) return;
  scrollTo(0, 0);
  main.focus({ preventScroll: true });
}

/** A view with its words, ready to be shown. @param {Route} route */
async function load(route) {
  const sheets = route.sheets.map(sheet);
  await texts(...route.words);
  const module = await route.module();
  await me.inside();
  const late = new Promise(done => { setTimeout(done, PREPARES); });
  await Promise.all([...sheets, Promise.race([module.prepare?.(), late])]);
  return module;
}

/** @param {Record<string, string>|undefined} groups */
function decode(groups) {
  return Object.fromEntries(Object.entries(groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]));
}

/** @param {HTMLAnchorElement} link */
const leadsToView = link => link.origin === location.origin && !link.target && !link.hasAttribute('download') && ROUTES.some(route => route.path.test(link.pathname));

/** @param {MouseEvent} event */
function follow(event) {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  const modified = event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
  if (!link || event.defaultPrevented || modified || !leadsToView(link)) return;
  if (link.pathname === location.pathname && link.search === location.search && link.hash) return;
  event.preventDefault();
  if (link.href === location.href) { main.focus({ preventScroll: true }); scrollTo(0, 0); } else go(link.pathname + link.search);
}

document.documentElement.lang = t.lang;
document.addEventListener('click', follow);
addEventListener('popstate', () => render(true));
buildShell(shell);
startKeys();
store.on('state', retitle);
me.on(retitle);
me.start().finally(() => store.start()); // who is not logged in would be refused
render(false);
