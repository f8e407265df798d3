import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PipelineError } from '../domain/failures/failures.ts';
import { packageRoot } from '../platform/config/package-root.ts';

/** Where the page is. */
export const pagePath = '/page/';

/** Where `npm run build` puts it. */
const built = join(packageRoot, 'dist', 'page');

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.md': 'text/plain; charset=utf-8',
};

/** Nothing from elsewhere, nothing inline, no frame around it, no form that is sent. */
const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

interface PageFile {
  plain: Buffer;
  gzipped: Buffer;
  contentType: string;
  cacheControl: string;
}

/**
 * The page that shows the reports. Its files are no secret and need no login; what it shows comes from the read API.
 * @param apiPrefix of the read API, which the page finds relative to itself: a proxy may put both below another path
 * @throws PipelineError `ConfigInvalid` if it has not been built
 */
export function addPage(app: FastifyInstance, apiPrefix: string): void {
  const index = pageFile('index.html', 'no-cache', (text) => text.replace('READ_API', `..${apiPrefix}`));
  const assets = new Map(
    // Their names hold hashes of their contents.
    readdirSync(join(built, 'assets')).map((name) => [
      name,
      pageFile(join('assets', name), 'public, max-age=31536000, immutable'),
    ]),
  );
  const hidden = { schema: { hide: true } };
  app.get('/', hidden, (_request, reply) => reply.redirect(pagePath.slice(1)));
  app.get(pagePath.slice(0, -1), hidden, (_request, reply) => reply.redirect(pagePath.slice(1)));
  app.get(pagePath, hidden, (request, reply) => send(request, reply, index));
  app.get<{ Params: { name: string } }>(`${pagePath}assets/:name`, hidden, (request, reply) => {
    const file = assets.get(request.params.name);
    if (file !== undefined) return send(request, reply, file);
    reply.callNotFound();
    return reply;
  });
}

function pageFile(name: string, cacheControl: string, change?: (text: string) => string): PageFile {
  const path = join(built, name);
  try {
    const content = readFileSync(path);
    const plain = change === undefined ? content : Buffer.from(change(content.toString()));
    const contentType = contentTypes[extname(name)] ?? 'application/octet-stream';
    return { plain, gzipped: gzipSync(plain, { level: 9 }), contentType, cacheControl };
  } catch (cause) {
    throw new PipelineError('ConfigInvalid', `${path}: the page has not been built; run npm run build`, {
      cause,
    });
  }
}

function send(request: FastifyRequest, reply: FastifyReply, file: PageFile): FastifyReply {
  const zipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  return reply
    .headers(securityHeaders)
    .headers({
      'content-type': file.contentType,
      'cache-control': file.cacheControl,
      vary: 'Accept-Encoding',
      ...(zipped ? { 'content-encoding': 'gzip' } : {}),
    })
    .send(zipped ? file.gzipped : file.plain);
}
