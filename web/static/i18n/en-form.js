/* English texts of the start form. */
export default {
  object: 'Object', title: 'Title', titleHint: 'Named by the time if empty', preset: 'Preset', noPreset: 'None',
  passes: 'Passes', addPass: 'Add pass', passName: (/** @type {number} */ n) => `Name of pass ${n}`, removePass: (/** @type {string} */ name) => `Remove pass ${name}`, turnHint: 'Between passes the scan waits for you to turn the object.',
  plan: 'Plan', kinds: /** @type {Record<string, string>} */ ({ rings: 'Rings', fibonacci: 'Fibonacci', spiral: 'Spiral', grid: 'Grid', list: 'List' }),
  ring: 'Ring', elevation: 'Elevation', photos: 'Photos', step: 'Step', turns: 'Turns', azimuthStep: 'Azimuth step', elevationStep: 'Elevation step', lowest: 'Lowest elevation', highest: 'Highest elevation',
  ringElevation: (/** @type {number} */ n) => `Elevation of ring ${n}`, ringPhotos: (/** @type {number} */ n) => `Photos in ring ${n}`, addRing: 'Add a ring', removeRing: (/** @type {number} */ n) => `Remove ring ${n}`,
  viewpoints: 'Viewpoints', listHint: 'One viewpoint a line: azimuth, elevation in degrees.',
  less: (/** @type {string} */ name) => `${name} less`, more: (/** @type {string} */ name) => `${name} more`,
  estimate: 'Estimate', minutes: 'Minutes', size: 'Megabytes', start: 'Start scan', starting: 'Starting', startSmall: (/** @type {string} */ photos, /** @type {string} */ time) => `${photos} photos, ${time}`,
  widest: (/** @type {string} */ step) => `Widest step ${step}, safe up to 20°.`, room: (/** @type {number} */ n) => (n < 1 ? 'There is no room for this on the disk.' : n > 999 ? 'Room enough on the disk.' : `Room for ${n} ${n === 1 ? 'scan' : 'scans'} like this.`),
  noRig: 'No rig is configured.', fault: (/** @type {string} */ name, /** @type {string} */ message) => `${name ? `${name}: ` : ''}${message}${/[.!?]$/.test(message) ? '' : '.'}`,
  advanced: 'Camera, light, timing', exposure: 'Exposure', balance: 'White balance', focus: 'Focus', settle: 'Settle', auto: 'Auto', fixed: 'Fixed',
  shutter: 'Exposure time', gain: 'Gain', red: 'Red', blue: 'Blue', lens: 'Lens position', seconds: 'Seconds', retakes: 'Retakes of a blurred photo', quality: 'JPEG quality', stagger: 'Stagger rings',
  operator: 'Operator', tags: 'Tags', tagsHint: 'museum, batch-3', notes: 'Notes',
  autoThenLocked: (/** @type {string[]} */ names) => `${names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}` : names[0]} auto, then locked`,
  balanceFixed: 'white balance fixed', lightName: (/** @type {string} */ name) => `Light ${name}`, lightIs: (/** @type {string} */ name, /** @type {number} */ percent) => `${name} light ${percent} %`,
  settleAuto: 'settle auto', settleFixed: (/** @type {string} */ seconds) => `settle ${seconds} s`, retakesAre: (/** @type {number} */ n) => `${n} ${n === 1 ? 'retake' : 'retakes'}`, staggered: 'rings staggered', aligned: 'rings aligned',
};
