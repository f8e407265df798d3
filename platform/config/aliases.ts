import { isIPv6 } from 'node:net';

/** A setting of ours that can be made from the variables of an existing Koku installation. */
interface Alias {
  /** ours */
  name: string;
  /** Koku's; all of them are needed, except for optional ones */
  from: readonly string[];
  optional?: readonly string[];
  /** @returns the value of ours; where one of Koku's is not usable, what is wrong with it */
  make: (value: (name: string) => string) => { value: string } | { problem: string };
}

/** The one list of Koku's names; the README and docs/next-to-koku.md name the same. */
export const aliases: readonly Alias[] = [
  {
    name: 'DATABASE_URL',
    from: [
      'DATABASE_SERVICE_HOST',
      'DATABASE_SERVICE_PORT',
      'DATABASE_NAME',
      'DATABASE_USER',
      'DATABASE_PASSWORD',
    ],
    optional: ['DATABASE_SERVICE_PORT'],
    make: databaseUrl,
  },
  {
    name: 'KAFKA_BROKERS',
    from: ['INSIGHTS_KAFKA_HOST', 'INSIGHTS_KAFKA_PORT'],
    make: (value) => ({ value: `${value('INSIGHTS_KAFKA_HOST')}:${value('INSIGHTS_KAFKA_PORT')}` }),
  },
  {
    name: 'OBJECT_STORE',
    from: ['REQUESTED_BUCKET'],
    make: (value) => ({ value: `s3://${value('REQUESTED_BUCKET')}` }),
  },
  {
    name: 'ROS_BUCKET',
    from: ['REQUESTED_ROS_BUCKET'],
    make: (value) => ({ value: value('REQUESTED_ROS_BUCKET') }),
  },
];

/**
 * The environment with the names of existing Koku installations translated into ours. One of ours that is set wins over
 * its aliases.
 *
 * @returns the variables by our names, and problems: aliases that only make sense together, or cannot be used
 */
export function withAliases(environment: Readonly<Record<string, string | undefined>>): {
  given: Record<string, string | undefined>;
  problems: string[];
} {
  const given = { ...environment };
  const problems: string[] = [];
  const value = (name: string) => environment[name]?.trim() ?? '';
  for (const { name, from, optional = [], make } of aliases) {
    if (value(name) !== '' || from.every((alias) => value(alias) === '')) continue;
    const lacking = from.filter((alias) => value(alias) === '' && !optional.includes(alias));
    if (lacking.length > 0) {
      problems.push(
        `${name}: not set, and of the variables it can be made from ${lacking.join(', ')} is missing`,
      );
      continue;
    }
    const made = make(value);
    if ('problem' in made) problems.push(made.problem);
    else given[name] = made.value;
  }
  return { given, problems };
}

/** Setters of `URL` ignore what they do not understand: the database would be another one than is meant. */
function databaseUrl(value: (name: string) => string): { value: string } | { problem: string } {
  const host = value('DATABASE_SERVICE_HOST');
  const port = value('DATABASE_SERVICE_PORT') || '5432';
  if (!/^[\w.-]+$/.test(host) && !isIPv6(host))
    return { problem: `DATABASE_SERVICE_HOST: expected a host name or an IP address; found "${host}"` };
  if (!/^\d+$/.test(port) || Number(port) > 65_535)
    return { problem: `DATABASE_SERVICE_PORT: expected the number of a port; found "${port}"` };
  const url = new URL('postgresql://host/');
  url.hostname = isIPv6(host) ? `[${host}]` : host;
  url.port = port;
  url.username = encodeURIComponent(value('DATABASE_USER'));
  url.password = encodeURIComponent(value('DATABASE_PASSWORD'));
  url.pathname = encodeURIComponent(value('DATABASE_NAME'));
  return { value: url.href };
}
