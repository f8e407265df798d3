import { z } from 'zod';
import { reports } from './reports.ts';
import type { Report } from './reports.ts';
import { reportSchema } from './request/schema.ts';
import { resourceTypes, resourceTypeSchema } from './resource-types.ts';
import { tagSchema } from './tags.ts';

interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  description?: string;
  [key: string]: unknown;
}

/** Parameters of a query, from the schema that validates it: `filter[project]` for a key of a section. */
function parametersOf(schema: z.ZodObject): object[] {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  return Object.entries(properties).flatMap(([name, inner]) =>
    inner.properties === undefined
      ? [parameter(name, inner)]
      : Object.entries(inner.properties).map(([key, value]) => parameter(`${name}[${key}]`, value)),
  );
}

function parameter(name: string, { description, ...schema }: JsonSchema): object {
  return {
    name,
    in: 'query',
    required: false,
    ...(description === undefined ? {} : { description }),
    schema,
    ...(schema.type === 'array' ? { style: 'form', explode: true } : {}),
  };
}

const errorAnswers = {
  '400': { description: 'a parameter is unknown, invalid, or contradicts another' },
  '401': { description: 'no credentials' },
  '403': { description: 'not allowed to see this' },
  '424': { description: 'the database, the access service or the issuer of tokens does not answer' },
  '429': {
    description: 'too many requests, or failed logins of this address; retry-after says when to come back',
  },
};

function operation(summary: string, parameters: object[], more: object = {}): object {
  return {
    get: {
      summary,
      parameters,
      responses: {
        '200': {
          description: 'the answer',
          headers: {
            'x-not-converted': {
              description: 'currencies of amounts that are shown as they are: no rate is known',
              schema: { type: 'string' },
            },
          },
          content: {
            'application/json': {
              schema: {
                type: 'object',
                required: ['meta', 'links', 'data'],
                properties: { meta: { type: 'object' }, links: { type: 'object' }, data: { type: 'array' } },
              },
            },
            'text/csv': { schema: { type: 'string' } },
          },
        },
        '304': { description: 'as the client has it (If-None-Match)' },
        ...errorAnswers,
        ...more,
      },
    },
  };
}

function reportOperation(report: Report): object {
  const tags =
    report.tagKeys === 'dropped'
      ? ''
      : ' Labels: filter, exclude and group_by also take tag:KEY, with and without an operator.';
  return operation(`${report.title}.${tags}`, parametersOf(reportSchema(report)));
}

/** The OpenAPI document of the read API, made from the schemas that validate its requests. */
export function openApiDocument(prefix: string): object {
  const path = (below: string) => `${prefix}${below}`;
  const key = { name: 'key', in: 'path', required: true, schema: { type: 'string' } };
  return {
    openapi: '3.1.0',
    info: { title: 'OpenShift cost reports', version: '1' },
    paths: {
      ...Object.fromEntries(
        Object.values(reports).map((report) => [path(report.path), reportOperation(report)]),
      ),
      [path('tags/openshift/')]: operation('Label keys and their values', parametersOf(tagSchema)),
      [path('tags/openshift/{key}/')]: operation('Values of a label key', [key, ...parametersOf(tagSchema)], {
        '404': { description: 'no such key' },
      }),
      [path('resource-types/')]: operation('Pick lists', []),
      ...Object.fromEntries(
        resourceTypes.map((type) => [
          path(`resource-types/${type.path}/`),
          operation(type.path, parametersOf(resourceTypeSchema(type))),
        ]),
      ),
      [path('status/')]: {
        get: {
          summary: 'Clusters with their last days, failed payloads, blocked runs',
          responses: { '200': { description: 'the answer' }, ...errorAnswers },
        },
      },
    },
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'a token of ocp-pipeline api token create' },
      },
    },
    security: [{ bearer: [] }],
  };
}
