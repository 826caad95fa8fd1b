/** `GET /api/v1/openapi.json`: the control API as it is, kept by hand beside its routes. */

import { VERSION } from '../../shared/version.ts'

const PROBLEM = { $ref: '#/components/schemas/Problem' }

const answer = (description: string, type: string, schema: object = { type: 'string' }) => ({
  description,
  content: { [type]: { schema } },
})

const operation = (summary: string, responses: Readonly<Record<number, object>>, more = {}) => ({
  summary,
  ...more,
  responses: {
    ...responses,
    default: answer('What went wrong', 'application/problem+json', PROBLEM),
  },
})

const get = (...parts: Parameters<typeof operation>) => ({ get: operation(...parts) })

const object = (description: string) => answer(description, 'application/json', { type: 'object' })

const VERBOSE = {
  parameters: [
    {
      name: 'verbose',
      in: 'query',
      description: 'One line for every check',
      allowEmptyValue: true,
      schema: { type: 'string' },
    },
  ],
}

export const OPENAPI = {
  openapi: '3.1.0',
  info: {
    title: 'Sluice control API',
    version: VERSION,
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  paths: {
    '/metrics': get('Metrics, in OpenMetrics when `accept` prefers it', {
      200: {
        description: 'Prometheus text format 0.0.4, or OpenMetrics 1.0.0',
        content: {
          'text/plain': { schema: { type: 'string' } },
          'application/openmetrics-text': { schema: { type: 'string' } },
        },
      },
    }),
    '/livez': get('Control answers', { 200: answer('It does', 'text/plain') }),
    '/readyz': get(
      'Every endpoint with traffic can be answered',
      { 200: answer('Ready', 'text/plain'), 503: answer('Not ready', 'text/plain') },
      VERBOSE,
    ),
    '/api/v1/status': get('Epoch, endpoints, replicas and warnings', { 200: object('Status') }),
    '/api/v1/models': get('Models, versions and their states', { 200: object('Models') }),
    '/api/v1/restart': {
      post: operation(
        'Replaces all replicas, one after the other, without an outage; joins a restart that is under way. `restart` of the status tells what comes of it',
        { 202: object('Begun, or joined: `number` names it') },
      ),
    },
    '/api/v1/openapi.json': get('This description', { 200: object('OpenAPI 3.1') }),
  },
  components: {
    schemas: {
      Problem: {
        description: 'RFC 9457; the codes are those of docs/reference/errors.md',
        type: 'object',
        required: ['type', 'title', 'status', 'detail', 'code', 'retryable'],
        properties: {
          type: { type: 'string', description: 'about:blank: `code` tells problems apart' },
          title: { type: 'string' },
          status: { type: 'integer' },
          detail: { type: 'string' },
          code: { type: 'string' },
          hint: { type: 'string' },
          retryable: { type: 'boolean' },
        },
      },
    },
  },
}
