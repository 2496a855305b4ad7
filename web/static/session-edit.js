/* Title, operator and tags of a session, changed where they stand; loaded when somebody wants to change them.
 *
 *   await editHead(model, place)      puts the form in front of `place` (hidden meanwhile); true once something was saved
 */
import { send, sentence } from './api.js';
import { attr, h, put } from './dom.js';
import { toast } from './toasts.js';
import { t } from './i18n.js';

/** @param {string} text */
const tagsOf = text => [...new Set(text.split(',').map(tag => tag.trim()).filter(Boolean))];

/** @param {import('./session-model.js').SessionModel} model @param {HTMLElement} place @returns {Promise<boolean>} */
export function editHead(model, place) {
  const session = model.session, x = t.keep;
  if (!session) return Promise.resolve(false);
  const lost = session.damage.some(text => text.startsWith('session.json'));
  return new Promise(done => {
    const title = h('input.in', { value: session.title, maxlength: 200, required: true, name: 'title', autocomplete: 'off' }), operator = h('input.in', { value: session.operator, maxlength: 100, name: 'operator', autocomplete: 'off' });
    const tags = h('input.in', { value: session.tags.join(', '), name: 'tags', autocomplete: 'off', 'aria-describedby': 'edit-hint' }), hint = h('p.hint', { id: 'edit-hint', role: 'status' });
    const save = h('button.btn.pri', { type: 'submit' }, x.saveChanges), rest = session.format === 'current' ? '' : x.migratesFirst;
    const say = (/** @type {string} */ fault) => { hint.classList.toggle('bad', Boolean(fault)); put(hint, fault || [`${x.tags}: ${x.tagsHint.toLowerCase()}.`, rest].filter(Boolean).join(' ')); };
    const close = (/** @type {boolean} */ saved) => { form.remove(); place.hidden = false; done(saved); };
    const submit = async () => {
      const wanted = { title: title.value.trim(), operator: operator.value.trim(), tags: tagsOf(tags.value) };
      attr(title, { 'aria-invalid': wanted.title ? null : 'true' });
      if (!wanted.title) { say(x.titleMissing); title.focus(); return; }
      attr(save, { 'aria-busy': 'true' });
      try {
        await send('PATCH', `/api/sessions/${encodeURIComponent(model.id)}`, wanted);
        await model.refresh();
        toast(lost ? x.madeAnew : x.changed);
        close(true);
      } catch (error) {
        say(sentence(error));
      }
      attr(save, { 'aria-busy': null });
    };
    const form = h('form.edit', { 'aria-label': t.sessions.edit, onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); void submit(); }, onkeydown: (/** @type {KeyboardEvent} */ event) => { if (event.key === 'Escape') { event.preventDefault(); close(false); } } },
      h('label.field.wide-f', null, h('span', null, x.title), title), h('label.field', null, h('span', null, x.operator), operator), h('label.field', null, h('span', null, x.tags), tags),
      h('div.btns', null, save, h('button.btn', { type: 'button', onclick: () => close(false) }, x.cancel)), hint);
    say('');
    place.before(form);
    place.hidden = true;
    title.focus();
    title.select();
  });
}
