/* The list of keys behind `?`, with the switch that turns single letters off. */
import { open } from './dialog.js';
import { h } from './dom.js';
import { enable, listed } from './keys.js';
import { t } from './i18n.js';

/** Other keys of the same name are those of the view, which come later. */
export function show() {
  const { enabled, keys } = listed(), rows = [...new Map(keys)];
  return open(close => h('div.in-dialog', null,
    h('h2', { id: 'dialog-title' }, t.keys.title),
    h('dl.keylist', null, rows.map(([id, label]) => h('div', null,
      h('dt', null, id.split(' ').map((key, at) => [at ? ` ${t.keys.then} ` : null, h('kbd', null, key.length === 1 ? key.toUpperCase() : key)])), h('dd', null, label)))),
    h('p.hint', null, t.keys.more),
    h('label.chk', null, h('input', { type: 'checkbox', checked: enabled, onchange: (/** @type {any} */ event) => enable(event.target.checked) }), t.keys.enabled),
    h('div.row', null, h('button.btn.pri', { type: 'button', 'data-first': true, onclick: () => close() }, t.common.close))));
}
