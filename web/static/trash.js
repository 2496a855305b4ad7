/* The trash: what was deleted, to be brought back or to be deleted for ever. A dialog at the window's edge.
 *
 *   await showTrash(shell)
 */
import { act } from './act.js';
import { get, post, sentence } from './api.js';
import { bringBack } from './delete.js';
import { ask, open } from './dialog.js';
import { h, icon, keyed, put } from './dom.js';
import { bytes, count } from './format.js';
import { moment } from './session-words.js';
import { store } from './store.js';
import { toast } from './toasts.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').TrashEntry} Entry */

class Trash {
  /** @type {Entry[]} */
  items = [];
  failed = '';

  /** @param {(value?: any) => void} close */
  constructor(close) {
    const x = t.keep;
    this.note = h('p.quiet', { role: 'status' });
    this.list = h('ul.rows');
    this.age = h('select.in', { 'aria-label': x.purgeAge }, Object.entries(x.ages).map(([value, word]) => h('option', { value }, word)));
    this.purgeButton = h('button.btn.danger', { type: 'button', 'data-action': 'purge', onclick: () => void this.purge() }, x.purge);
    this.closeButton = h('button.btn.icon.bare', { type: 'button', 'aria-label': t.common.close, onclick: () => close() }, icon('x'));
    this.foot = h('div.purge', null, h('label.field', null, h('span', null, x.purgeAge), this.age), this.purgeButton);
    this.el = h('div.in-drawer', null, h('div.pane-h', null, h('h2', { id: 'dialog-title', tabindex: -1, 'data-first': true }, t.sessions.trash), this.note, h('div.end', null, this.closeButton)), this.list, this.foot);
    this.off = store.on('session_deleted', () => void this.read());
  }

  async read() {
    try {
      this.items = (await get('/api/trash')).items;
      this.failed = '';
    } catch (error) {
      this.failed = `${t.keep.trashFailed} ${sentence(error)}`;
    }
    this.draw();
  }

  draw() {
    const size = this.items.reduce((sum, item) => sum + item.bytes, 0);
    put(this.note, this.failed || (this.items.length ? t.keep.trashOf(this.items.length, bytes(size)) : t.keep.trashEmpty));
    this.foot.hidden = !this.items.length;
    keyed(this.list, this.items, item => item.session_id, item => h('li', { 'data-trash': item.session_id }, h('div.grow', null, h('b.name', null, item.title || item.session_id), h('small', null, t.keep.trashFacts(count(item.photos), bytes(item.bytes), moment(item.deleted_at)))),
      h('button.btn', { type: 'button', 'data-action': 'undelete', 'aria-label': t.keep.bringBackLabel(item.title || item.session_id), onclick: (/** @type {Event} */ event) => void this.back(item, /** @type {Element} */ (event.currentTarget)) }, icon('undo', 'sm'), t.keep.bringBack)));
  }

  /** @param {Entry} item @param {Element} button */
  async back(item, button) {
    const row = button.closest('li'), next = row?.nextElementSibling ?? row?.previousElementSibling;
    if (!(await bringBack(item.session_id, button))) return;
    await this.read();
    /** @type {HTMLElement} */ (next?.isConnected ? next.querySelector('button') : this.closeButton).focus();
  }

  async purge() {
    const x = t.keep, wanted = { older_than: this.age.value || null };
    const would = await act(this.purgeButton, () => post('/api/trash/purge', { ...wanted, dry_run: true }));
    if (!would) return;
    const doomed = /** @type {Entry[]} */ (would.items), sum = (/** @type {'photos'|'bytes'} */ name) => doomed.reduce((n, item) => n + item[name], 0);
    if (!doomed.length) { toast(x.purgeNone); return; }
    const answer = await ask({ title: x.purgeTitle(doomed.length), text: x.purgeText(count(sum('photos')), bytes(sum('bytes'))), keep: x.purgeKeep, answers: [['purge', x.purgeDo, 'danger']] });
    if (answer !== 'purge') return;
    const gone = await act(this.purgeButton, () => post('/api/trash/purge', wanted));
    if (gone) toast(x.purged(gone.items.length));
    await this.read();
    this.closeButton.focus();
  }
}

export async function showTrash() {
  /** @type {Trash|undefined} */
  let trash;
  const shown = open(close => { trash = new Trash(close); return trash.el; }, { className: 'drawer' });
  await trash?.read();
  await shown;
  trash?.off();
}
