/** What a client of the read API is told: the HTTP status and the JSON body, `undefined` for an empty one. */
export class ApiError extends Error {
  readonly status: 400 | 401 | 403 | 404 | 424;
  readonly body: unknown;
  constructor(status: ApiError['status'], body: unknown, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.body = body;
  }
}

/** 400 for one parameter: `{"filter": {"project": ["…"]}}`, or `{"limit": ["…"]}` without a key. */
export function invalidParameter(parameter: string, key: string | undefined, text: string): ApiError {
  const body = key === undefined ? { [parameter]: [text] } : { [parameter]: { [key]: [text] } };
  return new ApiError(400, body, `${parameter}${key === undefined ? '' : `[${key}]`}: ${text}`);
}

/** 400 for parameters that contradict each other: `{"error": ["…"]}`. */
export function contradiction(text: string): ApiError {
  return new ApiError(400, { error: [text] }, text);
}

/** The body of errors that are not about a parameter. */
export function errorBody(status: number, detail: string): unknown {
  return { errors: [{ detail, source: status === 404 ? 'path' : 'request', status }] };
}

/** 403: the caller may not see what was asked for. */
export function forbidden(detail: string): ApiError {
  return new ApiError(403, errorBody(403, detail), detail);
}

/** 404: there is no such thing. */
export function notFound(detail: string): ApiError {
  return new ApiError(404, errorBody(404, detail), detail);
}

/** 424: something the answer depends on is away. */
export function dependencyFailed(detail: string, cause?: unknown): ApiError {
  const error = new ApiError(424, errorBody(424, detail), detail);
  error.cause = cause;
  return error;
}
