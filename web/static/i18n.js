/* The texts of the page in the reader's language: `import { t } from './i18n.js'`; t.section.name is a text or a function
 * that makes one. i18n/<language>.js holds what every view says; the other sections come with the view or the panel that says them:
 *
 *   await texts('sessions', 'keep')      t.sessions and t.keep are there
 *
 * Another language is its modules in i18n/ and one more entry in `languages`; the types are those of the English ones. */
import en from './i18n/en.js';

/**
 * @typedef {{form: typeof import('./i18n/en-form.js').default,
 *   sessions: typeof import('./i18n/en-sessions.js').default, passes: typeof import('./i18n/en-passes.js').default,
 *   keep: typeof import('./i18n/en-keep.js').default, jobs: typeof import('./i18n/en-jobs.js').default,
 *   statistics: typeof import('./i18n/en-statistics.js').default, access: typeof import('./i18n/en-access.js').default}} Sections   what is loaded when it is needed
 */

/** @type {Record<string, typeof en>} */
const languages = { en };

/** The language of the page's texts; numbers and times follow it too. */
const language = navigator.languages.map(tag => tag.slice(0, 2)).find(tag => tag in languages) ?? 'en';

/** A section that is used before it was loaded is undefined: routes and panels name theirs. */
export const t = /** @type {typeof en & Sections} */ ({ ...languages[language] });

/** The full tag for Intl, so that an English page in Europe writes European dates. */
export const locale = navigator.languages.find(tag => tag.startsWith(language)) ?? language;

/** @param {...keyof Sections} names @returns {Promise<void>} */
export async function texts(...names) {
  const missing = names.filter(name => !(name in t));
  const found = await Promise.all(missing.map(name => import(`./i18n/${language}-${name}.js`)));
  missing.forEach((name, n) => { Object.assign(t, { [name]: found[n].default }); });
}
