import { connect, createServer } from 'node:http2';
import type { ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { atEnd } from './at-end.ts';

/** An answer that stands for what a gateway, a limit or an authorizer in front of Temporal says. */
export interface Refusal {
  /** gRPC method, such as `StartWorkflowExecution` */
  method: string;
  /** gRPC status code */
  code: number;
  message: string;
}

/**
 * Stand in front of a Temporal server and refuse some requests; everything else goes through to the server.
 * @returns its `host:port`, and where to put refusals; it ends with the file's tests
 */
export async function startRefusingProxy(target: string): Promise<{ address: string; refusals: Refusal[] }> {
  const refusals: Refusal[] = [];
  const upstream = connect(`http://${target}`);
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session)).on('error', () => undefined);
  });
  server.on('stream', (stream, headers) => {
    const method = headers[':path']?.split('/').at(-1);
    const refusal = refusals.find((candidate) => candidate.method === method);
    stream.on('error', () => undefined);
    if (refusal !== undefined) {
      const { code, message } = refusal;
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': code, 'grpc-message': message },
        { endStream: true },
      );
      return;
    }
    const onward = upstream.request({ ...headers, ':authority': target });
    onward.on('error', () => stream.close());
    onward.on('response', (answer, flags) => {
      // A refusal of the server itself is headers and nothing more.
      const endStream = (flags & 1) === 1;
      stream.respond(answer, endStream ? { endStream } : { waitForTrailers: true });
    });
    let trailers: object = {};
    onward.on('trailers', (found: object) => {
      trailers = found;
    });
    stream.on('wantTrailers', () => {
      stream.sendTrailers({ ...trailers });
    });
    stream.on('close', () => {
      onward.close();
    });
    stream.pipe(onward).pipe(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    for (const session of sessions) session.destroy();
    upstream.destroy();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, refusals };
}
