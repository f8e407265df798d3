import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/**
 * Have connections on which no request has begun closed with the application. Browsers open some in advance, and Node
 * closes only those that have had a request: stopping would wait for them without end.
 */
export function closeUnusedConnections(app: FastifyInstance): void {
  const unused = new Set<Socket>();
  app.server.on('connection', (socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  app.server.on('request', ({ socket }) => unused.delete(socket));
  app.addHook('preClose', () => {
    for (const socket of unused) socket.destroy();
  });
}
