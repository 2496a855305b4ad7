/* Users, and tokens of machines: for administrators. */
import { get, isAbort, post, send, sentence } from '../api.js';
import { act } from '../act.js';
import { askForm } from '../ask-form.js';
import { ask, open } from '../dialog.js';
import { h, icon, keyed, put } from '../dom.js';
import { day } from '../format.js';
import { nameField } from '../gate.js';
import { t } from '../i18n.js';
import { me } from '../me.js';
import { store } from '../store.js';
import { toast } from '../toasts.js';

/** @typedef {import('../types.js').User} User  @typedef {import('../types.js').Token} Token */

/** @type {[User[], Token[]]|undefined} what the view begins with, so that nothing moves when it comes */
let first;

const allowed = () => me.who?.login && me.who.role === 'admin';

export async function prepare() {
  first = undefined;
  if (allowed()) first = await read().catch(() => undefined); // the view asks again, and says what is wrong
}

const roleField = (value = 'operator') => ({ name: 'role', label: t.access.role, value, options: /** @type {Array<[string, string]>} */ (Object.entries(t.access.roles).map(([id, word]) => [id, `${word}: ${t.access.may[id]}`])) });
const passwordField = { type: 'password', autocomplete: 'new-password', maxlength: 200 };

/** @param {string} name */
const userPath = name => `/api/users/${encodeURIComponent(name)}`;

/** The text of a token, this once. @param {{token: Token, text: string}} made */
function showToken({ token, text }) {
  const x = t.access;
  return open(close => {
    const said = h('p.hint', { role: 'status' }, '\u00a0');
    const input = h('input.in.mono', { readonly: true, 'aria-label': x.tokenIs(token.name), 'data-first': true, 'data-token': true, onfocus: () => input.select() });
    input.value = text;
    const copy = () => { input.focus(); input.select(); put(said, document.execCommand('copy') ? x.copied : x.copyByHand); }; // plain http has no other clipboard
    return h('div.in-dialog', null, h('h2', { id: 'dialog-title' }, x.tokenIs(token.name)), h('p.quiet', null, `${x.tokenOnce} `, h('code', null, x.tokenHeader)), input, said,
      h('div.row', null, h('button.btn', { type: 'button', 'data-action': 'copy', onclick: copy }, x.copy), h('button.btn.pri', { type: 'button', 'data-action': 'done', onclick: () => close() }, x.done)));
  }, { beside: false });
}

/** Role and password of a user; true once it is changed. @param {User} user */
function editUser(user) {
  const x = t.access;
  return open(close => {
    const form = askForm({
      label: x.editLabel(user.name), word: x.save, beside: h('button.btn', { type: 'button', onclick: () => close() }, t.common.cancel),
      fields: [roleField(user.role), { name: 'password', label: x.newPassword, hint: x.passwordHint, optional: true, ...passwordField }],
      ask: async ({ role, password }) => {
        const wanted = { ...(role === user.role ? {} : { role }), ...(password ? { password } : {}) };
        if (!Object.keys(wanted).length) { form.say(x.nothingNew); return; }
        await send('PATCH', userPath(user.name), wanted);
        close(true);
      },
    });
    return h('div.in-dialog', null, h('h2', { id: 'dialog-title' }, x.editLabel(user.name)), h('p.quiet', null, x.editHint), form.el);
  });
}

class UsersView {
  #ends = new AbortController();

  /** @param {HTMLElement} main */
  constructor(main) {
    const x = t.access;
    main.className = 'users';
    this.users = h('ul.rows', { 'aria-labelledby': 'users-h' });
    this.tokens = h('ul.rows', { 'aria-labelledby': 'tokens-h' });
    this.none = h('p.quiet', { hidden: true }, x.noTokens);
    this.failed = h('div.notice.bad', { role: 'alert', hidden: true }, icon('bad'), h('p'), h('div.end', null, h('button.btn', { type: 'button', onclick: () => void this.load() }, t.common.retry)));
    this.add = askForm({
      label: x.addUser, word: x.add, sign: 'plus', fields: [{ ...nameField(), autocomplete: 'off', hint: x.nameHint }, roleField(), { name: 'password', label: x.firstPassword, hint: x.passwordHint, ...passwordField }],
      ask: async values => {
        const user = await post('/api/users', { ...values, name: values.name.trim().toLowerCase() });
        this.add.clear();
        toast(x.added(user.name));
        await this.load();
      },
    });
    this.make = askForm({
      label: x.addToken, word: x.makeToken, sign: 'plus', fields: [{ name: 'name', label: x.tokenName, autocomplete: 'off', autocapitalize: 'sentences', maxlength: 100 }, roleField('viewer')],
      ask: async values => {
        const made = await post('/api/tokens', { ...values, name: values.name.trim() });
        this.make.clear();
        await Promise.all([showToken(made), this.load()]);
      },
    });
    /** @param {string} id @param {string} title @param {string} about @param {any[]} content */
    const pane = (id, title, about, ...content) => h('section.pane', { 'aria-labelledby': id }, h('div.pane-h', null, h('h2', { id }, title), h('p', null, about)), ...content);
    main.append(h('h1.vh', null, x.users), this.failed, h('div.cols', null,
      pane('users-h', x.users, x.usersText, this.users, h('h3', null, x.addUser), this.add.el),
      pane('tokens-h', x.tokens, x.tokensText, this.tokens, this.none, h('h3', null, x.addToken), this.make.el)));
    this.off = store.on('reset', () => void this.load());
  }

  leave() {
    this.#ends.abort();
    this.off();
  }

  title() { return t.access.users; }

  /** @param {[User[], Token[]]} [known] */
  async load(known) {
    try {
      const [users, tokens] = known ?? await read(this.#ends.signal);
      this.failed.hidden = true;
      this.draw(users, tokens);
    } catch (error) {
      if (isAbort(error) || this.#ends.signal.aborted) return;
      this.failed.hidden = false;
      put(this.failed.querySelector('p'), `${t.access.notRead} ${sentence(error)}`);
    }
  }

  /** @param {User[]} users @param {Token[]} tokens */
  draw(users, tokens) {
    const x = t.access;
    /** @param {string} at */
    const date = at => day(new Date(at), store.now());
    keyed(this.users, users, user => `${user.name} ${user.role}`, user => this.makeUser(user), (el, user) => put(el.querySelector('small'), x.since(x.roles[user.role], date(user.created_at))));
    keyed(this.tokens, tokens, token => token.id, token => this.makeToken(token), (el, token) => put(el.querySelector('small'), x.tokenBy(x.roles[token.role], token.created_by, date(token.created_at))));
    this.none.hidden = Boolean(tokens.length);
  }

  /** @param {string} action @param {string} word @param {string} label @param {(button: Element) => Promise<void>} run */
  button(action, word, label, run) {
    return h('button.btn', { type: 'button', 'data-action': action, 'aria-label': label, onclick: (/** @type {Event} */ event) => void run(/** @type {Element} */ (event.currentTarget)) }, word);
  }

  /** @param {User} user */
  makeUser(user) {
    const x = t.access, own = user.name === me.who?.name;
    return h('li', { 'data-user': user.name }, icon('person', 'sm'), h('div.grow', null, h('span.name', null, user.name), own && h('span.tag', null, x.you), h('small')),
      h('div.btns', null, this.button('edit', x.edit, x.editLabel(user.name), () => this.edit(user)), this.button('remove', x.remove, x.removeLabel(user.name), button => this.remove(user, button))));
  }

  /** @param {Token} token */
  makeToken(token) {
    return h('li', { 'data-token-of': token.name }, icon('lock', 'sm'), h('div.grow', null, h('span.name', null, token.name), h('small')),
      h('div.btns', null, this.button('revoke', t.access.revoke, t.access.revokeLabel(token.name), button => this.revoke(token, button))));
  }

  /** @param {User} user */
  async edit(user) {
    if (!(await editUser(user))) return;
    toast(t.access.saved(user.name));
    await this.load();
    this.users.querySelector(`[data-user="${CSS.escape(user.name)}"] [data-action="edit"]`)?.focus();
  }

  /** @param {User} user @param {Element} button */
  async remove({ name }, button) {
    const x = t.access;
    const answer = await ask({ title: x.removeTitle(name), text: x.removeText(name), keep: x.keepUser, answers: [['remove', x.removeUser, 'danger']] });
    if (answer && await act(button, () => send('DELETE', userPath(name)))) await this.gone(x.removed(name), this.users);
  }

  /** @param {Token} token @param {Element} button */
  async revoke({ id, name }, button) {
    const x = t.access;
    const answer = await ask({ title: x.revokeTitle(name), text: x.revokeText, keep: x.keepToken, answers: [['revoke', x.revokeToken, 'danger']] });
    if (answer && await act(button, () => send('DELETE', `/api/tokens/${encodeURIComponent(id)}`))) await this.gone(x.revoked(name), this.tokens);
  }

  /** A row is gone: its neighbour has the focus. @param {string} words @param {Element} list */
  async gone(words, list) {
    toast(words);
    await this.load();
    const next = list.querySelector('button') ?? document.getElementById('main');
    if (next instanceof HTMLElement) next.focus();
  }
}

/** @param {AbortSignal} [signal] @returns {Promise<[User[], Token[]]>} */
async function read(signal) {
  const [users, tokens] = await Promise.all([get('/api/users', { signal }), get('/api/tokens', { signal })]);
  return [users.items, tokens.items];
}

/** @param {HTMLElement} main @returns {import('../app.js').View} */
export function mount(main) {
  const x = t.access, { login = false, role = null } = me.who ?? {};
  if (allowed()) {
    const view = new UsersView(main);
    void view.load(first);
    return view;
  }
  main.append(h('section.pane', null, h('h1', null, x.users), h('p', null, login ? x.adminsOnly(x.roles[role ?? ''] ?? '') : x.noLogin)));
  return { leave() {}, title: () => x.users };
}
