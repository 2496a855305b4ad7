/* English texts of the Scan view and of the parts it shares (dial, dome, plot, preview). */

/** @typedef {{message: string, pass: string, shot: number, next: string}} Why */
/** @typedef {(why: Why) => {title: string, text: string}} Pause */

const n = (/** @type {number} */ count, /** @type {string} */ one, /** @type {string} */ many) => `${count} ${count === 1 ? one : many}`;
const cap = (/** @type {string} */ text) => (text ? `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}` : '');

const stands = (/** @type {number} */ shot) => (shot ? `Shot ${shot} failed.` : 'A fault paused the scan.');

/** What stands, and what to do about it. @type {Record<string, Pause>} */
const pauses = {
  user: () => ({ title: 'Nothing moves.', text: 'Resume goes on with the next photo. The light stays as it is.' }),
  turn_object: ({ pass, next }) => ({ title: 'Turn the object, then continue.', text: next ? `${pass} is complete, ${next} comes next.` : '' }),
  halted: () => ({ title: 'Stopped. Motors and light are off.', text: 'Nobody knows where the table stands: Resume homes the rig first. Keep hands away.' }),
  restart: () => ({ title: 'Interrupted by a restart.', text: 'All photos announced are safe. Resume goes on where it stopped.' }),
  guard: ({ message }) => ({ title: cap(message), text: 'The scan waits and goes on by itself.' }),
  disk_full: ({ message }) => ({ title: 'The disk is full.', text: `${cap(message)} Nothing saved is lost.` }),
  axis_stuck: ({ message, shot }) => ({ title: stands(shot), text: `${cap(message)} Resume homes the rig first.` }),
  fault: ({ message, shot }) => ({ title: stands(shot), text: `${cap(message)}${shot ? ' Resume tries it again.' : ''}` }),
};

/** @type {Record<string, string>} */
const states = { pending: 'Waiting', running: 'Running', paused: 'Paused', completed: 'Completed', failed: 'Failed', cancelled: 'Cancelled', planned: 'Planned' };

export default {
  pauses, states,
  status: 'Status', newScan: 'New scan', untitled: 'Scan',
  left: 'Left', ends: 'Ends about', saved: 'Saved', elapsed: 'Elapsed', rate: 'Photos a minute',
  phases: /** @type {Record<string, string>} */ ({ move: 'Move', settle: 'Settle', expose: 'Expose', save: 'Save' }), phasesLabel: 'Steps of a shot',
  shot: (/** @type {number} */ shot) => `shot ${shot}`,
  waiting: (/** @type {number} */ place) => `Waiting, ${n(place, 'scan', 'scans')} before it`,
  passOf: (/** @type {string} */ name, /** @type {number} */ at, /** @type {number} */ of) => `${name}, pass ${at} of ${of}`,
  pause: 'Pause', resume: 'Resume',
  resumes: /** @type {Record<string, string>} */ ({ turn_object: 'Continue', halted: 'Home, resume' }),
  doing: /** @type {Record<string, string>} */ ({ pause: 'Pausing', resume: 'Resuming', cancel: 'Cancelling', finish: 'Finishing', skip: 'Skipping', halt: 'Stopping' }),
  finish: 'Finish…', cancel: 'Cancel…', skipShot: (/** @type {number} */ shot) => `Skip shot ${shot}`,
  whyLabel: 'Why it stands', offline: 'Not connected to the scanner.',
  cancelTitle: 'Cancel this scan?', cancelScan: 'Cancel scan', pauseInstead: 'Pause instead', keepScanning: 'Keep scanning', keepPaused: 'Keep it paused',
  cancelText: (/** @type {number} */ done, /** @type {number} */ total) => `${done} of ${total} photos are saved and stay. The plan ends here; to go on later, pause instead.`,
  finishTitle: 'Finish with what is there?', finishScan: 'Finish scan',
  finishText: (/** @type {number} */ done, /** @type {number} */ total) => `${done} of ${total} photos are saved. The scan counts as completed and its other viewpoints stay open.`,
  refused: /** @type {Record<string, (why: string) => string>} */ ({
    pause: why => `Not paused: ${why}`, resume: why => `Not resumed: ${why}`, cancel: why => `Not cancelled: ${why}`, finish: why => `Not finished: ${why}`, skip: why => `Not skipped: ${why}`,
  }),
  ofUnit: (/** @type {number} */ total) => `of ${total}`, pausedUnit: 'paused', plannedUnit: 'planned',
  dialLabel: (/** @type {number} */ done, /** @type {number} */ total, /** @type {number} */ missing, /** @type {number|null} */ at) =>
    `${done} of ${total} photos saved${missing ? `, ${missing} missing` : ''}${at === null ? '' : `, table at ${n(at, 'degree', 'degrees')}`}`,
  plannedLabel: (/** @type {number} */ total, /** @type {number|null} */ at) => `${n(total, 'photo', 'photos')} planned${at === null ? '' : `, table at ${n(at, 'degree', 'degrees')}`}`,
  photosSaved: 'Photos saved', missed: (/** @type {number} */ count) => `${count} missing`, shotRange: (/** @type {number} */ from, /** @type {number} */ to) => `${from} to ${to}`,
  /* idle */
  camera: 'Camera', turntable: 'Turntable', tilt: 'Tilt', fixedElevation: 'Elevation', light: 'Light', lightOff: 'off', disk: 'Disk', notHomed: 'not homed', rest: 'Rig at rest',
  restHomed: (/** @type {string} */ time) => `Rig at rest, homed ${time}`, home: 'Home the rig',
  unfinished: (/** @type {string} */ title) => `${title} is unfinished`,
  unfinishedText: (/** @type {string} */ pass, /** @type {number} */ saved, /** @type {number} */ shots, /** @type {string} */ why) => `${pass}, ${saved} of ${shots}. ${why}`,
  passWhy: /** @type {Record<string, string>} */ ({ paused: 'It was paused.', failed: 'It failed.', cancelled: 'It was cancelled.', planned: 'It was not begun.' }),
  resumeIt: 'Resume it', show: 'Show', showSession: 'Show photos', dismiss: 'Close', aside: 'New scan',
  ended: /** @type {Record<string, (title: string) => string>} */ ({ completed: title => `${title} is complete`, failed: title => `${title} failed`, cancelled: title => `${title} was cancelled` }),
  endedText: (/** @type {number} */ saved, /** @type {string} */ took) => `${n(saved, 'photo', 'photos')} saved in ${took}.`,
  /* preview */
  preview: 'Live preview', grid: 'Grid', zoom: 'Focus zoom', hist: 'Histogram', full: 'Full screen', loupe: 'Middle of the picture, enlarged', focus: 'Focus', fps: 'fps', noPicture: 'No picture',
  noCamera: 'No camera is configured.', previewLost: 'The picture returns with the connection.', previewStarts: 'Waiting for the first picture.', nextCamera: 'Next camera',
  picture: (/** @type {string} */ camera) => `Live picture of camera ${camera}`,
  facts: {
    shutter: (/** @type {string} */ time) => `${time} s`, gain: (/** @type {string} */ gain) => `gain ${gain}`, size: (/** @type {number} */ w, /** @type {number} */ h) => `${w} × ${h}`,
    locked: 'exposure locked', auto: 'exposure auto', last: (/** @type {string} */ sharp) => `last sharp ${sharp}`,
  },
  /* dome, photos, plot */
  dome: 'Dome', azimuth: 'Azimuth', elevation: 'Elevation', seenFrom: 'Seen from', seenFromShot: (/** @type {number} */ shot) => `Seen from ${shot}`, noPlan: 'no plan yet',
  legend: /** @type {Record<string, string>} */ ({ saved: 'saved', again: 'taken again', skipped: 'missing', now: 'now', planned: 'planned', chosen: 'chosen' }),
  shotStates: /** @type {Record<string, string>} */ ({ planned: 'planned', saved: 'saved', skipped: 'skipped', failed: 'failed' }),
  viewpoint: (/** @type {number} */ shot, /** @type {string} */ az, /** @type {string} */ el, /** @type {string} */ state) => `shot ${shot}, azimuth ${az}, elevation ${el}, ${state}`,
  domeLabel: (/** @type {number} */ total, /** @type {number} */ saved, /** @type {number} */ missing) => `Dome of ${n(total, 'viewpoint', 'viewpoints')}: ${saved} saved${missing ? `, ${missing} missing` : ''}. Arrow keys turn it, Enter opens the photo.`,
  lastPhotos: 'Last photos', all: (/** @type {number} */ count) => `All ${count}`, noPhotos: 'no photos yet',
  photoAlt: (/** @type {number} */ shot, /** @type {string} */ az, /** @type {string} */ el) => `Shot ${shot}, azimuth ${az}, elevation ${el}`, sharp: (/** @type {string} */ value) => `sharp ${value}`, again: 'again',
  sharpness: 'Sharpness', sharpnessOf: "to the ring's median", last: 'last', takenAgain: 'taken again', missing: 'missing',
  plotLabel: 'Sharpness of each photo against the median of its ring', plotTick: (/** @type {number} */ shot, /** @type {string} */ ring, /** @type {boolean} */ first) => `${first ? 'shot ' : ''}${shot}${ring ? `, ${ring}` : ''}`,
  plotValue: (/** @type {number} */ shot, /** @type {string} */ value) => `shot ${shot}, sharpness ${value}`,
  /* speech */
  spoken: (/** @type {number} */ done, /** @type {number} */ total, /** @type {string} */ left) => `Photo ${done} of ${total} saved${left ? `, ${left} left` : ''}`,
  shotFailed: (/** @type {number} */ shot, /** @type {string} */ message) => `Shot ${shot} failed: ${message}`,
  completed: (/** @type {string} */ title) => `${title} is complete.`,
};
