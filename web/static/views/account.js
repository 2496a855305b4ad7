/* Account: who is logged in, its password, and what belongs to this browser. */
import { post, sentence } from '../api.js';
import { askForm } from '../ask-form.js';
import { h, icon } from '../dom.js';
import { newPasswords } from '../gate.js';
import { t } from '../i18n.js';
import { me } from '../me.js';
import { toast } from '../toasts.js';

async function logOut() {
  try {
    await post('/api/logout');
  } catch (error) {
    toast(sentence(error), { bad: true });
    return;
  }
  me.tell();
  try { sessionStorage.clear(); } catch { /* private mode: nothing was kept */ }
  location.assign('/'); // nothing of the one who left stays in memory
}

/** @param {string} id @param {string} title @param {...any} content */
const pane = (id, title, ...content) => h('section.pane', { 'aria-labelledby': id }, h('div.pane-h', null, h('h2', { id }, title)), ...content);

function who() {
  const x = t.access, { name = '', role = null, login = false } = me.who ?? {};
  if (!login) return pane('who-h', x.account, h('p', null, x.noLogin));
  return pane('who-h', x.youAre,
    h('dl.who-is', null, h('div.ro', null, h('dt.vh', null, x.name), h('dd', null, name)), h('div', null, h('dt.vh', null, x.role), h('dd', null, h('b', null, `${x.roles[role ?? '']}:`), ` ${x.may[role ?? '']}`))),
    h('div.btns', null, h('button.btn', { type: 'button', 'data-action': 'log-out', onclick: () => void logOut() }, icon('lock', 'sm'), x.logOut),
      role === 'admin' && h('a.btn', { href: '/users' }, icon('person', 'sm'), x.toUsers)),
    h('p.hint', null, x.logOutText));
}

function password() {
  const x = t.access, name = me.who?.name ?? '';
  const form = askForm({
    label: x.change, word: x.change, blame: 'old',
    fields: [{ name: 'old', label: x.old, type: 'password', autocomplete: 'current-password', maxlength: 200 }, ...newPasswords('new', x.fresh)],
    ask: async ({ old, new: fresh }) => {
      await post('/api/me/password', { old, new: fresh });
      form.clear();
      toast(x.changed);
    },
  });
  form.el.prepend(h('input', { hidden: true, autocomplete: 'username', value: name })); // whose it is, for what keeps passwords
  return pane('pw-h', x.change, form.el, h('p.hint', null, x.endsOthers));
}

/** @param {HTMLElement} main @returns {import('../app.js').View} */
export function mount(main) {
  const x = t.access;
  main.className = 'account';
  main.append(h('h1.vh', null, x.account), who(), ...(me.who?.login ? [password()] : []),
    pane('looks-h', x.looks, h('div.btns', null, h('button.btn', { type: 'button', onclick: () => dispatchEvent(new Event('themeswitch')) }, icon('theme', 'sm'), x.theme)), h('p.hint', null, x.themeText)));
  return { leave() {}, title: () => x.account };
}
