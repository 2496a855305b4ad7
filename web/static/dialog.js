/* Native dialogs. Esc and a click beside it are the harmless answer.
 *
 *   await ask({title, text, keep: 'Keep scanning', answers: [['cancel', 'Cancel scan', 'danger'], ['pause', 'Pause instead']]})
 *       -> the id of the answer, or null for the harmless one, which has the focus
 *   await open(content, {label, className}) -> whatever content's close(value) gave; content: (close) => Element
 */
import { h } from './dom.js';

/**
 * @param {(close: (value?: any) => void) => Element} build @param {{label?: string, className?: string, beside?: boolean}} [options] beside: a click beside it closes it @returns {Promise<any>}
 */
export function open(build, { label, className = '', beside = true } = {}) {
  return new Promise(done => {
    /** @type {any} */
    let value = null;
    const el = h(`dialog.dialog${className ? `.${className}` : ''}`, label ? { 'aria-label': label } : { 'aria-labelledby': 'dialog-title' });
    const close = (/** @type {any} */ answer = null) => { value = answer; el.close(); };
    el.append(build(close));
    el.addEventListener('click', (/** @type {MouseEvent} */ event) => { if (beside && event.target === el) close(); });
    el.addEventListener('close', () => { el.remove(); done(value); });
    document.body.append(el);
    el.showModal();
    el.querySelector('[data-first]')?.focus();
  });
}

/**
 * @param {{title: string, text: string|Node, keep: string, answers: Array<[string, string, ('danger'|'')?]>}} question
 * @returns {Promise<string|null>}
 */
export const ask = ({ title, text, keep, answers }) => open(close => h('div.in-dialog', null,
  h('h2', { id: 'dialog-title' }, title),
  h('p.quiet', null, text),
  h('div.row', null,
    answers.map(([id, label, kind]) => h(`button.btn${kind ? `.${kind}` : ''}`, { type: 'button', 'data-answer': id, onclick: () => close(id) }, label)),
    h('button.btn.pri', { type: 'button', 'data-first': true, 'data-answer': 'keep', onclick: () => close() }, keep))));
