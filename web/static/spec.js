/* The start form's values and the ScanSpec made of them. Pure functions.
 *
 *   blank(rig) -> Form     toSpec(form, rig) -> ScanSpec     take(form, spec) -> Form with a preset's values     newPass(form) -> PassForm
 * Paths of errors in a spec are paths into `toSpec`'s result: passes[0].plan.rings[1].count.
 */

/** @typedef {{count: number, elevation: number}} Ring */
/** @typedef {{name: string, kind: string, rings: {rings: Ring[], stagger: boolean}, fibonacci: {count: number, elevation: [number, number]},
 *   spiral: {count: number, turns: number, elevation: [number, number]},
 *   grid: {azimuth_step: number, elevation_step: number, elevation: [number, number]}, list: {csv: string}}} PassForm */
/** @typedef {{title: string, operator: string, tags: string, notes: string, preset: string, passes: PassForm[], quality: number,
 *   exposure: 'auto'|'fixed', shutter: number, gain: number, balance: 'auto'|'fixed', red: number, blue: number, focus: 'auto'|'fixed', lens: number,
 *   settle: 'auto'|'fixed', settleSeconds: number, retakes: number, lights: Record<string, number>, cameras: string[]|null}} Form */
/** @typedef {import('./types.js').Rig} Rig */

export const KINDS = ['rings', 'fibonacci', 'spiral', 'grid', 'list'];

/** @param {string} name @param {number|null} [fixed] elevation of a rig without tilt @returns {PassForm} */
function pass(name, fixed = null) {
  const heights = fixed === null ? [10, 30, 50] : [fixed];
  /** @type {() => [number, number]} */
  const span = () => (fixed === null ? [5, 55] : [fixed, fixed]);
  return {
    name, kind: 'rings', rings: { rings: heights.map(elevation => ({ count: fixed === null ? 24 : 36, elevation })), stagger: true },
    fibonacci: { count: 72, elevation: span() }, spiral: { count: 72, turns: 3, elevation: span() },
    grid: { azimuth_step: 15, elevation_step: 20, elevation: fixed === null ? [10, 50] : span() }, list: { csv: '' },
  };
}

/** @param {Rig|undefined} rig @returns {Form} */
export function blank(rig) {
  return {
    title: '', operator: '', tags: '', notes: '', preset: '', passes: [pass('upright', rig?.tilt ? null : rig?.fixed_elevation ?? null)], quality: 93,
    exposure: 'auto', shutter: 8000, gain: 1, balance: 'auto', red: 2, blue: 1.6, focus: 'auto', lens: 3.5, settle: 'auto', settleSeconds: 0.5, retakes: 1, lights: {}, cameras: null,
  };
}

/** Another pass like the last, with a name of its own. @param {Form} form @returns {PassForm} */
export function newPass(form) {
  const taken = new Set(form.passes.map(other => other.name));
  const name = ['upright', 'flipped', 'side'].find(word => !taken.has(word)) ?? freeNumber(taken);
  return { ...structuredClone(form.passes[form.passes.length - 1]), name };
}

/** @param {Set<string>} taken */
function freeNumber(taken) {
  let n = taken.size + 1;
  while (taken.has(`pass-${n}`)) n += 1;
  return `pass-${n}`;
}

/** @param {PassForm} form @param {number|null} fixed */
function planOf(form, fixed) {
  const { kind } = form;
  if (kind === 'rings') return { kind, stagger: form.rings.stagger, rings: form.rings.rings.map(ring => (fixed === null ? { ...ring } : { count: ring.count })) };
  if (kind === 'list') return { kind, csv: form.list.csv };
  return { kind, .../** @type {any} */ (form)[kind] };
}

/** @param {Form} form */
const cameraOf = form => ({
  quality: form.quality,
  exposure: form.exposure === 'auto' ? 'auto' : { shutter_us: Math.round(form.shutter), gain: form.gain },
  white_balance: form.balance === 'auto' ? 'auto' : { red: form.red, blue: form.blue },
  focus: form.focus === 'auto' ? 'auto' : { lens_position: form.lens },
});

/** @param {Form} form @param {Rig|undefined} rig */
export function toSpec(form, rig) {
  const fixed = rig?.tilt ? null : rig?.fixed_elevation ?? null;
  const lights = Object.fromEntries(Object.entries(form.lights).filter(([name]) => rig?.lights.some(light => light.name === name)));
  /** @type {Record<string, any>} */
  const shared = { camera: cameraOf(form), settle: form.settle === 'auto' ? 'auto' : form.settleSeconds, retake: { attempts: form.retakes } };
  if (Object.keys(lights).length) shared.lights = lights;
  if (form.cameras?.length) shared.cameras = form.cameras;
  /** @type {Record<string, any>} */
  const spec = { title: form.title.trim(), passes: form.passes.map(one => ({ name: one.name.trim(), plan: planOf(one, fixed), ...shared })) };
  const tags = form.tags.split(',').map(tag => tag.trim()).filter(Boolean);
  if (form.operator.trim()) spec.operator = form.operator.trim();
  if (tags.length) spec.tags = tags;
  if (form.notes.trim()) spec.notes = form.notes.trim();
  return spec;
}

/** @param {PassForm} form @param {any} plan */
function takePlan(form, plan) {
  const kind = plan?.kind ?? 'rings', target = /** @type {any} */ (form)[kind];
  if (!target) return;
  form.kind = kind;
  if (kind === 'list') form.list.csv = plan.csv || (plan.viewpoints ?? []).map((/** @type {number[]} */ [az, el]) => `${az},${el}`).join('\n');
  else for (const key of Object.keys(target)) if (plan[key] !== null && plan[key] !== undefined) target[key] = structuredClone(plan[key]);
  if (kind === 'rings') form.rings.rings = form.rings.rings.map(ring => ({ count: ring.count, elevation: ring.elevation ?? 30 }));
}

/** @param {unknown} value @returns {'auto'|'fixed'} */
const modeOf = value => (typeof value === 'object' && value ? 'fixed' : 'auto');

/** @param {Form} form @param {any} camera */
function takeCamera(form, camera) {
  form.quality = camera.quality ?? form.quality;
  form.exposure = modeOf(camera.exposure);
  form.balance = modeOf(camera.white_balance);
  form.focus = modeOf(camera.focus);
  if (form.exposure === 'fixed') { form.shutter = camera.exposure.shutter_us; form.gain = camera.exposure.gain ?? 1; }
  if (form.balance === 'fixed') { form.red = camera.white_balance.red; form.blue = camera.white_balance.blue; }
  if (form.focus === 'fixed') form.lens = camera.focus.lens_position;
}

/** @param {Form} form @param {any} part a pass of a spec, or the spec itself */
function takeShared(form, part) {
  const { camera, settle, retake, lights, cameras } = part;
  if (camera) takeCamera(form, camera);
  if (settle !== null && settle !== undefined) {
    form.settle = settle === 'auto' ? 'auto' : 'fixed';
    if (settle !== 'auto') form.settleSeconds = settle;
  }
  if (retake) form.retakes = retake.attempts;
  if (lights) form.lights = { ...lights };
  if (cameras) form.cameras = [...cameras];
}

/** The form with a preset's or an earlier scan's values; the title stays. @param {Form} form @param {any} spec @param {Rig|undefined} rig @returns {Form} */
export function take(form, spec, rig) {
  const fresh = { ...blank(rig), title: form.title, notes: form.notes, operator: spec.operator || form.operator, tags: spec.tags?.length ? spec.tags.join(', ') : form.tags };
  const parts = spec.passes?.length ? spec.passes : [{ ...spec, name: 'main' }];
  fresh.passes = parts.map((/** @type {any} */ part) => {
    const one = { ...blank(rig).passes[0], name: part.name };
    takePlan(one, part.plan);
    return one;
  });
  takeShared(fresh, parts[0]);
  return fresh;
}
