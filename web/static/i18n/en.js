/* The English texts. Functions where a number or a name is put in. */
import scan from './en-scan.js';

const plural = (/** @type {number} */ n, /** @type {string} */ one, /** @type {string} */ many) => `${n} ${n === 1 ? one : many}`;

export default {
  lang: 'en',
  scan,
  common: { close: 'Close', cancel: 'Cancel', retry: 'Try again', show: 'Show' },
  units: {
    today: 'today', yesterday: 'yesterday',
    seconds: (/** @type {number} */ n) => plural(n, 'second', 'seconds'),
    minutesSeconds: (/** @type {number} */ m, /** @type {number} */ s) => `${plural(m, 'minute', 'minutes')}${s ? ` ${plural(s, 'second', 'seconds')}` : ''}`,
  },
  title: {
    product: 'Scanner', ready: 'Ready',
    job: (/** @type {import('../types.js').Job} */ { state, progress }, /** @type {string} */ left) =>
      `${state === 'paused' ? 'Paused, ' : ''}${progress.done} of ${progress.total}${state === 'running' && left ? `, ${left} left` : ''}`,
  },
  shell: {
    skip: 'Skip to content', start: 'Scanner, start', views: 'Views', scan: 'Scan', sessions: 'Sessions', jobs: 'Jobs', statistics: 'Statistics', activeJobs: 'active jobs', theme: 'Theme', themeLabel: 'Theme: light or dark', keys: 'Keys',
    diskFree: 'Disk free', processor: 'Processor',
    live: 'Live', connecting: 'Connecting', lost: 'Not connected', demo: 'Demo',
    stop: 'Stop', stopRest: 'nothing moves now', stopLive: 'motors and light off', stopOffline: 'tries to reach the rig',
    stopped: 'Stopped. Motors and light are off.', stopFailed: 'The rig could not be reached, it may still move. Switch it off at its plug.', stopFailedAgain: 'Try again',
    lostTitle: 'Connection lost.', lostText: (/** @type {string} */ time) => `This is the state of ${time}.`,
    lostRetry: (/** @type {number} */ s) => `Trying again in ${s} s.`, lostTrying: 'Trying again now.', tryNow: 'Try now',
    newVersion: 'The scanner was updated.', newVersionText: 'Reload to use the new page; scans go on meanwhile.', reload: 'Reload',
    notices: 'Notices', found: 'Found after the start.', pausedElsewhere: (/** @type {string} */ why) => `The scan is paused. ${why}`,
    account: 'Account', looking: 'You may look, but not give commands: your role is viewer.',
    noRig: 'No rig', rigStates: /** @type {Record<string, string>} */ ({ closed: 'Rig is off', opening: 'Rig starts', ready: 'Ready', moving: 'Moving', scanning: 'Scanning', fault: 'Rig fault', missing: 'No rig' }),
    left: (/** @type {string} */ time) => `${time} left`, of: (/** @type {number} */ done, /** @type {number} */ total) => `${done} of ${total}`,
  },
  keys: {
    title: 'Keys', then: 'then', enabled: 'Keys without Ctrl or Alt', more: 'The dome: arrows turn it, Home follows the scan, Enter opens the photo.',
    stop: 'Stop the rig', pause: 'Pause or resume', scan: 'Scan', sessions: 'Sessions', jobs: 'Jobs', statistics: 'Statistics', search: 'Search sessions', fresh: 'New scan', list: 'This list',
  },
  errors: {
    unreachable: 'The scanner does not answer. Check that it is on and in the same network.',
    unexpected: (/** @type {string} */ what) => `The page failed: ${what}. Reload it.`,
    status: (/** @type {number} */ status) => `The scanner answered with an error (${status}).`,
    noPage: 'There is no such page.',
  },
};
