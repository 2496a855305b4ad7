/* The page: shell, router, keys.
 *
 * Views: ROUTES maps a path to a module of views/ that exports
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
import { store } from './store.js';
import { t } from './i18n.js';
import { h, put } from './dom.js';
import { span } from './format.js';
import { buildShell, showView, say, urgent } from './shell.js';

/** @typedef {{leave: () => void, title?: () => string, changed?: (query: URLSearchParams) => void}} View */
/** @typedef {{go: (path: string) => Promise<void>, say: (text: string) => void, urgent: (text: string) => void, retitle: () => void}} Shell */
/** @typedef {Record<string, any> & {query: URLSearchParams}} Params */

/** path, entry of the rail, module, style sheet of its own @type {Array<[RegExp, string, () => Promise<{mount: (main: HTMLElement, params: Params, shell: Shell) => View}>, string?]>} */
const ROUTES = [
  [/^\/$/, 'scan', () => import('./views/scan.js')],
  [/^\/sessions\/?$/, 'sessions', () => import('./views/sessions.js'), 'sessions.css'],
  [/^\/sessions\/(?<id>[^/]+)$/, 'sessions', () => import('./views/session.js'), 'sessions.css'],
];

const main = /** @type {HTMLElement} */ (document.getElementById('main'));
/** @type {View|null} */
let view = null;
let shown = '';
let turn = 0;
/** @type {Set<string>} */
const sheets = new Set();

/** @type {Shell} */
const shell = { go, say, urgent, retitle };

/** What the window is called: what the rig does comes first, it is all a tab shows. */
function retitle() {
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
  const route = ROUTES.find(([pattern]) => pattern.test(pathname));
  const mine = ++turn;
  const [module] = await Promise.all([route ? route[2]() : null, store.ready, sheet(route?.[3])]); // what is shown at once stays where it is
  if (mine !== turn) return; // somebody went on meanwhile
  view?.leave();
  view = null;
  main.replaceChildren();
  main.className = '';
  shown = pathname;
  showView(route?.[1] ?? '', pathname);
  if (module && route) view = module.mount(main, { ...decode(pathname.match(route[0])?.groups), query: searchParams }, shell);
  else main.append(Object.assign(document.createElement('h1'), { className: 'pane', textContent: t.errors.noPage }));
  retitle();
  if (moved) arrive();
}

/** The reader went to another view: begin at its top, unless it has put the focus where it belongs. */
function arrive() {
  if (document.activeElement !== main && main.contains(document.activeElement)) return;
  scrollTo(0, 0);
  main.focus({ preventScroll: true });
}

/** Loads a view's style sheet, once, before the view is shown. @param {string|undefined} name */
function sheet(name) {
  if (!name || sheets.has(name)) return null;
  sheets.add(name);
  return new Promise(done => {
    const link = h('link', { rel: 'stylesheet', href: `/static/${name}`, onload: done, onerror: done });
    document.head.append(link);
  });
}

/** @param {Record<string, string>|undefined} groups */
function decode(groups) {
  return Object.fromEntries(Object.entries(groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]));
}

/** @param {HTMLAnchorElement} link */
const leadsToView = link => link.origin === location.origin && !link.target && !link.hasAttribute('download') && ROUTES.some(([pattern]) => pattern.test(link.pathname));

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
store.start();
render(false);
