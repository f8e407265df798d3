/** Variables of existing Koku installations, and ours that they stand for. */
const aliases: readonly { name: string; from: readonly string[] }[] = [
  {
    name: 'DATABASE_URL',
    from: [
      'DATABASE_SERVICE_HOST',
      'DATABASE_SERVICE_PORT',
      'DATABASE_NAME',
      'DATABASE_USER',
      'DATABASE_PASSWORD',
    ],
  },
  { name: 'KAFKA_BROKERS', from: ['INSIGHTS_KAFKA_HOST', 'INSIGHTS_KAFKA_PORT'] },
  { name: 'OBJECT_STORE', from: ['REQUESTED_BUCKET'] },
  { name: 'ROS_BUCKET', from: ['REQUESTED_ROS_BUCKET'] },
];

/**
 * The environment with the names of existing Koku installations translated into ours. One of ours that is set wins over
 * its aliases.
 *
 * @returns the variables by our names, and problems: aliases that only make sense together
 */
export function withAliases(environment: Readonly<Record<string, string | undefined>>): {
  given: Record<string, string | undefined>;
  problems: string[];
} {
  const given = { ...environment };
  const problems: string[] = [];
  const value = (name: string) => environment[name]?.trim() ?? '';
  for (const { name, from } of aliases) {
    if (value(name) !== '' || from.every((alias) => value(alias) === '')) continue;
    const lacking = from.filter((alias) => value(alias) === '' && alias !== 'DATABASE_SERVICE_PORT');
    if (lacking.length > 0)
      problems.push(
        `${name}: not set, and of the variables it can be made from ${lacking.join(', ')} is missing`,
      );
    else given[name] = made[name]?.(value) ?? value(from[0] ?? '');
  }
  return { given, problems };
}

const made: Readonly<Record<string, (value: (name: string) => string) => string>> = {
  DATABASE_URL: (value) => {
    const url = new URL('postgresql://host/');
    url.hostname = value('DATABASE_SERVICE_HOST');
    url.port = value('DATABASE_SERVICE_PORT') || '5432';
    url.username = encodeURIComponent(value('DATABASE_USER'));
    url.password = encodeURIComponent(value('DATABASE_PASSWORD'));
    url.pathname = encodeURIComponent(value('DATABASE_NAME'));
    return url.href;
  },
  KAFKA_BROKERS: (value) => `${value('INSIGHTS_KAFKA_HOST')}:${value('INSIGHTS_KAFKA_PORT')}`,
  OBJECT_STORE: (value) => `s3://${value('REQUESTED_BUCKET')}`,
};
