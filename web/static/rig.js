/* Reading the rig: where it stands and what its camera sees. */

/** @typedef {import('./types.js').Rig} Rig  @typedef {import('./types.js').Geometry} Geometry */

/** The table's angle, 0 to 360, or null while unknown. @param {Rig|undefined} rig */
export function azimuthOf(rig) {
  const at = rig?.turntable?.position;
  return typeof at === 'number' ? ((at % 360) + 360) % 360 : null;
}

/** The camera's elevation, or null while unknown. @param {Rig|undefined} rig */
export function elevationOf(rig) {
  const at = rig?.tilt ? rig.tilt.position : rig?.fixed_elevation;
  return typeof at === 'number' ? at : null;
}

/** Where the axes stand, if both are known. @param {Rig|undefined} rig */
export function viewpointOf(rig) {
  const azimuth = azimuthOf(rig), elevation = elevationOf(rig);
  return azimuth === null || elevation === null ? null : { azimuth, elevation };
}

/** What dome and photos share, from a rig's snapshot or from the rig stored with a pass. @param {any} rig @returns {Geometry|null} */
export function geometryOf(rig) {
  const place = rig?.geometry, camera = rig?.cameras?.[0];
  if (!place || (!place.focal_px && !camera)) return null;
  return {
    distance: place.distance, target_height: place.target_height,
    focal_px: place.focal_px ?? camera.focal_mm / camera.sensor_width_mm * camera.width,
    width: place.width ?? camera.width, height: place.height ?? camera.height,
  };
}
