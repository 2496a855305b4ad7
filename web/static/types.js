/* Shapes of the API as the page uses them (see the API page for all of them). Types only, nothing is loaded at run time. */

/**
 * @typedef {{by: string, reason: string, message: string, resumes_by_itself: boolean}} Pause
 * @typedef {{done: number, total: number, unit: string, eta_s: number|null}} Progress
 * @typedef {{saved: number, skipped: number, retaken: number, bytes: number, duration_s: number, path: string|null, notes: string[],
 *   flawed: boolean}} JobResult   flawed: verifying found something missing, damaged, or not to be read
 * @typedef {{id: string, kind: string, state: string, session_id: string|null, pass: string|null, passes: string[], title: string,
 *   origin: string, progress: Progress, pause: Pause|null, error: {code: string, message: string, detail?: any}|null, result: JobResult|null,
 *   queue_position: number|null, rank: number, created_at: string, started_at: string|null, ended_at: string|null, elapsed_s: number,
 *   order?: string|null, shot?: number|null, options?: Record<string, string>, waits_for?: string|null}} Job   order: a command being carried out; shot: the one a paused scan failed on
 * @typedef {{session_id: string, pass: string, host: string, user: string, origin: string, since: string, beat: number, beats: number[],
 *   state: 'alive'|'stale'|'gone', own: boolean, job_id: string|null}} Lock   beats: seconds since each was seen, newest first
 * @typedef {{session_id: string, name: string, created_at: string, origin: string, automatic: boolean, photos: number,
 *   passes: Record<string, string>, notes: string[]}} Checkpoint
 * @typedef {{session_id: string, title: string, deleted_at: string, origin: string, photos: number, bytes: number}} TrashEntry
 * @typedef {{first: string, second: string, text: string}} Question
 * @typedef {{session_id: string, pass: string, title: string, object: any, state: string, operator: string, host: string, rig: string,
 *   preset: string|null, origin: string, started_at: string|null, ended_at: string|null, shots: number, photos: number, skipped: number,
 *   retakes: number, failures: number, bytes: number, duration_s: number, photos_per_hour: number|null, reason: string}} PassHistory
 * @typedef {{key: string, sessions: number, passes: number, completed: number, photos: number, bytes: number, duration_s: number,
 *   retakes: number, failures: number, photos_per_hour: number|null}} Tally
 * @typedef {{since: string|null, until: string|null, total: Tally, by_preset: Tally[], by_rig: Tally[], by_operator: Tally[],
 *   by_day: Tally[]}} Statistics
 * @typedef {{name: string, state: string, shots: number, saved: number, skipped: number, retaken: number, bytes: number,
 *   plan: {kind: string}, pause: Pause|null, lock: Lock|null, damaged?: number, started_at: string|null, ended_at: string|null, duration_s: number}} PassInfo
 * @typedef {{id: string, title: string, state: string, created_at: string, created_from: string|null, origin: string, operator: string,
 *   tags: string[], notes: string, format: string, migrated_from?: string|null, object?: any, passes: PassInfo[], photos: number, bytes: number, thumbnail: string|null, active_job: string|null,
 *   damage: string[]}} Session
 * @typedef {{name: string, shot: number, pass: string, camera: string, azimuth: number, elevation: number,
 *   measured: {azimuth: number, elevation: number}|[number, number], bytes: number, sha256: string, width: number, height: number,
 *   taken_at: string, exposure_us: number, gain: number, sharpness: number|null, sharpness_relative: number|null,
 *   clipped: number|null, url?: string}} Photo
 * @typedef {{shot: number, azimuth: number, elevation: number, camera?: string, state: string, photo?: string|null,
 *   retaken?: boolean}} Shot   state: planned, saved, skipped; the page adds failed (its job is paused on it)
 * @typedef {{distance: number, target_height: number, focal_px: number, width: number, height: number}} Geometry
 * @typedef {{name: string, model?: string, width?: number, height?: number}} CameraRef
 * @typedef {{name: string, level?: number|null}} LightRef
 * @typedef {{name: string, driver: string, position: number|null, lowest: number, highest: number, endless: boolean}} Axis
 * @typedef {{name: string, state: string, message?: string|null, homed_at?: string|null, turntable: Axis|null, tilt: Axis|null, geometry: Geometry|null,
 *   fixed_elevation: number|null, limits?: any, cameras: CameraRef[], lights: LightRef[]}} Rig
 * @typedef {{disk_free?: number|null, disk_total?: number|null, cpu_temperature?: number|null}} Health
 * @typedef {{seq: number|string, boot: string, rig: Rig, jobs: Job[], guards: any[], health: Health, version: string,
 *   started_at: string, now: string, demo: boolean, presets: Array<{name: string, spec: any}>,
 *   notices: string[]}} State
 * @typedef {{count: number, duration_s: number, bytes: number, warnings: string[],
 *   passes: Array<{name: string, count: number, viewpoints: Array<[number, number]>, duration_s: number, bytes: number,
 *   warnings: string[]}>}} Estimate
 * @typedef {{name: string, role: 'viewer'|'operator'|'admin'|null, login: boolean, setup: boolean, locked: string|null}} Me
 * @typedef {{name: string, role: string, created_at: string, changed_at: string}} User
 * @typedef {{id: string, name: string, role: string, created_at: string, created_by: string}} Token
 * @typedef {{state: 'connecting'|'live'|'lost', since: Date, retryAt: Date|null}} Link
 * @typedef {{camera: string, number: number, width: number, height: number, jpeg: Blob}} Frame
 */
export {};
