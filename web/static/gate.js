/* What stands in front of the page while nobody may look: Login, the first setup, or why nobody can log in. It is a dialog that cannot
 * be closed: what lies behind it keeps its place, its address and what was typed, and is there again after the login.
 *
 *   await showGate()      it is there, as long as me.out
 */
import { ApiError, post, tidy } from './api.js';
import { askForm } from './ask-form.js';
import { h, icon, put, sheet } from './dom.js';
import { t, texts } from './i18n.js';
import { me } from './me.js';
import { brand } from './shell.js';

/** @type {HTMLDialogElement|null} */
let gate = null;
let kind = '';

/** The daemon sees it otherwise than this page: ask how it is. */
const OTHERWISE = ['access_locked', 'conflict'];

/** @param {string} path @param {Record<string, string>} body */
async function enter(path, body) {
  try {
    await me.take(await post(path, { ...body, name: body.name.trim().toLowerCase() }));
    me.tell();
  } catch (error) {
    if (error instanceof ApiError && OTHERWISE.includes(error.code)) void me.ask();
    throw error;
  }
}

export const nameField = () => ({ name: 'name', label: t.access.name, autocomplete: 'username', maxlength: 32 });
export const newPasswords = (name = 'password', label = t.access.password) => [
  { name, label, type: 'password', autocomplete: 'new-password', maxlength: 200, hint: t.access.passwordHint },
  { name: 'again', label: t.access.again, type: 'password', autocomplete: 'new-password', maxlength: 200, same: name },
];

function login() {
  const x = t.access;
  const form = askForm({
    label: x.login, word: x.login, sign: 'open', blame: 'password', ask: values => enter('/api/login', values),
    fields: [{ ...nameField(), value: me.last?.name ?? '' }, { name: 'password', label: x.password, type: 'password', autocomplete: 'current-password', maxlength: 200 }],
  });
  return { head: x.login, text: me.last ? x.ended : x.loginAt(location.host), form };
}

function setup() {
  const x = t.access;
  const form = askForm({
    label: x.setup, word: x.make, sign: 'shield', blame: 'code', ask: ({ code, name, password }) => enter('/api/setup', { code, name, password }),
    fields: [
      { name: 'code', label: x.code, autocomplete: 'off', maxlength: 40, class: 'in mono', hint: [x.codeHint, ' ', h('code', null, x.codeCommand)] },
      { ...nameField(), hint: x.nameHint }, ...newPasswords(),
    ],
  });
  return { head: x.setup, text: x.setupText, form };
}

function locked() {
  const again = h('button.btn.pri', { type: 'button', onclick: () => void me.ask() }, icon('again', 'sm'), t.common.retry);
  const el = h('div.ask-form', null, h('p', null, t.access.lockedText), h('div.btns', null, again));
  return { head: t.access.locked, text: tidy(me.who?.locked ?? ''), form: { el, focus: () => again.focus() } };
}

const KINDS = { login, setup, locked };

/** @returns {HTMLDialogElement} */
function make() {
  const el = h('dialog.gate', { 'aria-labelledby': 'gate-h', oncancel: (/** @type {Event} */ event) => event.preventDefault(), onclose: () => { if (me.out) el.showModal(); } });
  document.body.append(el);
  return el;
}

function draw() {
  if (!me.out) {
    gate?.close();
    gate?.remove();
    gate = null;
    kind = '';
    return;
  }
  const now = me.who?.locked ? 'locked' : me.who?.setup ? 'setup' : 'login';
  if (now === kind) return;
  kind = now;
  const { head, text, form } = KINDS[now]();
  gate ??= make();
  gate.replaceChildren(h('div.gate-in', null, h('div.gate-brand', null, brand()), h('h1', { id: 'gate-h' }, head), h('p.quiet', { role: now === 'locked' ? 'alert' : null }, text), form.el));
  if (!gate.open) gate.showModal();
  put(document.querySelector('title'), `${head} · ${t.title.product}`);
  form.focus();
}

me.on(draw);

export async function showGate() {
  await Promise.all([sheet('access.css'), texts('access')]);
  draw();
}
