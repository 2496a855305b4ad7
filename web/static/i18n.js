/* The texts of the page in the reader's language: `import { t } from './i18n.js'`; t.section.name is a text or a function
 * that makes one. One module per language in i18n/; another language is one more entry in `languages`. */
import en from './i18n/en.js';

/** @type {Record<string, typeof en>} */
const languages = { en };

/** The language of the page's texts; numbers and times follow it too. */
const language = navigator.languages.map(tag => tag.slice(0, 2)).find(tag => tag in languages) ?? 'en';

export const t = languages[language];

/** The full tag for Intl, so that an English page in Europe writes European dates. */
export const locale = navigator.languages.find(tag => tag.startsWith(language)) ?? language;
