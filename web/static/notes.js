/* The notes of a session: a field that is always open, saved when one leaves it or pauses in typing. What somebody else writes meanwhile
 * comes in unless one is typing oneself.
 *
 *   const panel = new Notes(model); panel.el; panel.close()
 */
import { send, sentence } from './api.js';
import { attr, debounce, h, put } from './dom.js';
import { shortClock } from './format.js';
import { store } from './store.js';
import { toast } from './toasts.js';
import { t } from './i18n.js';

const PAUSE = 1500;

export class Notes {
  saved = '';

  /** @param {import('./session-model.js').SessionModel} model */
  constructor(model) {
    this.model = model;
    this.note = h('span.quiet', { role: 'status' });
    this.input = h('textarea.in', { 'aria-labelledby': 'notes-h', placeholder: t.keep.notesHint, maxlength: 10_000, rows: 4, oninput: () => this.typed(), onblur: () => void this.save() });
    this.hint = h('p.hint', { hidden: true }, t.keep.migratesFirst);
    this.el = h('section.pane', { 'aria-labelledby': 'notes-h', 'data-part': 'notes' }, h('div.pane-h', null, h('h2', { id: 'notes-h' }, t.keep.notes), h('div.end', null, this.note)), this.input, this.hint);
    this.later = debounce(() => void this.save(), PAUSE);
    this.offs = [this.later.cancel, model.on('session', () => this.draw()), store.on('link', () => this.draw())];
    this.draw();
  }

  close() {
    void this.save();
    this.offs.forEach(off => off());
  }

  get dirty() { return this.input.value !== this.saved; }

  draw() {
    const { session } = this.model;
    if (!session) return;
    if (!this.dirty && this.input.value !== session.notes) this.input.value = session.notes;
    if (!this.dirty || this.saved !== session.notes) this.saved = session.notes;
    this.hint.hidden = session.format === 'current';
    attr(this.input, { readonly: store.writable ? null : true });
  }

  typed() {
    put(this.note, this.dirty ? t.keep.notesDirty : '');
    this.later();
  }

  async save() {
    this.later.cancel();
    const notes = this.input.value;
    if (!this.dirty || !store.writable) return;
    try {
      const session = await send('PATCH', `/api/sessions/${encodeURIComponent(this.model.id)}`, { notes });
      this.saved = session?.notes ?? notes;
      if (this.input.value === notes) { this.input.value = this.saved; put(this.note, t.keep.notesSaved(shortClock(store.now()))); }
    } catch (error) {
      put(this.note, t.keep.notesFailed);
      toast(sentence(error), { bad: true });
    }
  }
}
