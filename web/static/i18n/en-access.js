/* English texts of logging in, of one's account, and of users and tokens. */
/** @type {Record<string, string>} */
const roles = { viewer: 'Viewer', operator: 'Operator', admin: 'Administrator' };
/** @type {Record<string, string>} */
const may = { viewer: 'may look, and press Stop', operator: 'may look and scan', admin: 'may do everything' };

export default {
  roles, may,
  name: 'Name', password: 'Password', role: 'Role', again: 'Password again', missing: 'This is needed.', differs: 'This is not the same password.',
  nameHint: 'Small letters, digits, dot, dash; 32 at most.', passwordHint: 'At least 8 characters; a few words are good.',
  wait: (/** @type {string} */ word, /** @type {number} */ s) => `${word} (${s} s)`,
  login: 'Log in', loginAt: (/** @type {string} */ host) => `Scanner at ${host}`, ended: 'The login has ended. Log in to go on where you were.',
  setup: 'First start', setupText: 'Nobody can log in yet. Make the first administrator; the code shows that this scanner is yours.',
  code: 'Setup code', codeHint: 'It stands in the scanner’s log. On the scanner itself this shows it:', codeCommand: 'scanner setup-code', make: 'Make administrator',
  locked: 'Nobody can log in', lockedText: 'Whoever is at the machine can mend that; this page looks again by itself.',
  account: 'Account', youAre: 'Logged in as', logOut: 'Log out', logOutText: 'On this browser. Scans go on.',
  noLogin: 'Nobody has to log in here: whoever reaches this page may do everything.',
  change: 'Change password', old: 'Password so far', fresh: 'New password', changed: 'The password is changed. Your other logins have ended.', endsOthers: 'Your logins on other devices end.',
  looks: 'This browser', theme: 'Light or dark', themeText: 'Switches the theme, for this browser.',
  users: 'Users', usersText: 'Who may log in, and what they may do.', toUsers: 'Users and tokens', adminsOnly: (/** @type {string} */ role) => `Only administrators see users and tokens. Your role is ${role.toLowerCase()}.`,
  you: 'you', since: (/** @type {string} */ role, /** @type {string} */ day) => `${role}, since ${day}`, notRead: 'Users and tokens could not be read.',
  addUser: 'Add a user', add: 'Add user', added: (/** @type {string} */ name) => `${name} may log in now.`, firstPassword: 'First password',
  edit: 'Change', editLabel: (/** @type {string} */ name) => `Change ${name}`, save: 'Save', newPassword: 'New password, if it is to change', editHint: 'Whoever is logged in under this name has to log in again.', nothingNew: 'Nothing is changed yet.',
  saved: (/** @type {string} */ name) => `${name} is changed.`,
  remove: 'Remove', removeLabel: (/** @type {string} */ name) => `Remove ${name}`, removeTitle: (/** @type {string} */ name) => `Remove ${name}?`, removeText: (/** @type {string} */ name) => `All logins and tokens of ${name} end at once. Sessions and their photos stay.`, keepUser: 'Keep user', removeUser: 'Remove user', removed: (/** @type {string} */ name) => `${name} is removed.`,
  tokens: 'Tokens', tokensText: 'With a token a machine uses the interface, without anybody’s password.', noTokens: 'There is no token.',
  addToken: 'Make a token', tokenName: 'What it is for', makeToken: 'Make token', tokenBy: (/** @type {string} */ role, /** @type {string} */ by, /** @type {string} */ day) => `${role}, made ${by ? `by ${by}, ` : ''}${day}`,
  tokenIs: (/** @type {string} */ name) => `Token “${name}”`, tokenOnce: 'It is shown this once. Put it where the machine finds it; it sends it with each request, as', tokenHeader: 'Authorization: Bearer …',
  copy: 'Copy', copied: 'Copied.', copyByHand: 'It is marked: copy it with Ctrl+C.', done: 'Done',
  revoke: 'Revoke', revokeLabel: (/** @type {string} */ name) => `Revoke ${name}`, revokeTitle: (/** @type {string} */ name) => `Revoke “${name}”?`, revokeText: 'Whatever uses it is refused at once.', keepToken: 'Keep token', revokeToken: 'Revoke token', revoked: (/** @type {string} */ name) => `“${name}” is revoked.`,
};
