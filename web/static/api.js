/* Requests to the daemon. Paths begin with /api/.
 *
 *   await get('/api/sessions?limit=20', {signal})         parsed JSON, or throws ApiError
 *   await post('/api/jobs/x/pause', {})                   a fresh Idempotency-Key per call, or {key} to repeat the same request
 *   await send('PATCH', '/api/sessions/x', {title: 'y'})  any other method
 *   ApiError: .code (stable word), .message (a sentence), .detail, .status, .fields (Map path -> sentence, for forms)
 *             code 'login_required': the window hears 'loginrequired', too (me.js)
 *             code 'unreachable' with status 0 when no daemon answers; isAbort(error) for requests that were cancelled
 *   photoUrl(sessionId, name, 'thumb'|'preview'|'full')
 *   SEARCH_MAX: the longest text that is searched for
 */
import { t } from './i18n.js';

export const SEARCH_MAX = 200;
const TIMEOUT = 20_000;

export class ApiError extends Error {
  /** @param {{code: string, message: string, detail?: any, status: number}} fact */
  constructor({ code, message, detail = {}, status }) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.detail = detail;
    this.status = status;
    /** @type {Map<string, string>} */
    this.fields = new Map();
    for (const fault of detail?.errors ?? []) if (fault.path) this.fields.set(fault.path, fault.message);
  }
}

/** A key that names one request however often it is repeated. Plain http has no crypto.randomUUID. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {unknown} error */
export const isAbort = error => error instanceof DOMException && error.name === 'AbortError';

/** A sentence for a person, whatever was thrown. @param {unknown} error */
export function sentence(error) {
  if (error instanceof ApiError) {
    const first = error.fields.size === 1 ? [...error.fields.values()][0] : '';
    return tidy(first || error.message);
  }
  return t.errors.unexpected(error instanceof Error ? error.message : String(error));
}

/** Messages of the daemon are sentences without a capital; on the page they stand alone. @param {string} text */
export function tidy(text) {
  const line = text.trim();
  if (!line) return line;
  return line[0].toUpperCase() + line.slice(1) + (/[.!?…]$/.test(line) ? '' : '.');
}

/** @param {Response} response @returns {Promise<any>} */
async function body(response) {
  const type = response.headers.get('content-type') ?? '';
  if (!type.includes('json')) return null;
  try {
    return await response.json();
  } catch {
    return null; // cut off in the middle: the status still tells
  }
}

/** @param {string} method @param {unknown} value @param {string|undefined} key @returns {RequestInit} */
function request(method, value, key) {
  /** @type {Record<string, string>} */
  const headers = { accept: 'application/json' };
  if (value !== undefined) headers['content-type'] = 'application/json';
  if (method === 'POST') headers['idempotency-key'] = key ?? newKey();
  return { method, headers, body: value === undefined ? undefined : JSON.stringify(value) };
}

/** @param {number} status @param {any} error as the daemon puts it, if it came through */
function refusal(status, error) {
  if (error?.code === 'login_required') dispatchEvent(new Event('loginrequired'));
  return new ApiError({ status, code: error?.code ?? 'internal', message: error?.message ?? t.errors.status(status), detail: error?.detail });
}

/**
 * @param {string} method @param {string} path @param {unknown} [value]
 * @param {{signal?: AbortSignal, key?: string, timeout?: number}} [options] @returns {Promise<any>}
 */
export async function send(method, path, value, { signal, key, timeout = TIMEOUT } = {}) {
  const ends = new AbortController();
  const timer = setTimeout(() => ends.abort(), timeout);
  const cancel = () => ends.abort();
  signal?.addEventListener('abort', cancel);
  if (signal?.aborted) cancel();
  try {
    const response = await fetch(path, { ...request(method, value, key), signal: ends.signal, cache: 'no-store' });
    const answer = await body(response);
    if (response.ok) return answer;
    throw refusal(response.status, answer?.error);
  } catch (error) {
    if (error instanceof ApiError || signal?.aborted) throw error;
    throw new ApiError({ status: 0, code: 'unreachable', message: t.errors.unreachable });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}

/** @param {string} path @param {{signal?: AbortSignal, timeout?: number}} [options] */
export const get = (path, options) => send('GET', path, undefined, options);

/** @param {string} path @param {unknown} [value] @param {{signal?: AbortSignal, key?: string, timeout?: number}} [options] */
export const post = (path, value = {}, options) => send('POST', path, value, options);

/** @param {string} session @param {string} name @param {'thumb'|'preview'|'full'} [size] */
export const photoUrl = (session, name, size = 'full') =>
  `/api/sessions/${encodeURIComponent(session)}/photos/${encodeURIComponent(name)}${size === 'full' ? '' : `?size=${size}`}`;
