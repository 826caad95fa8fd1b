import { expect, test } from 'vitest'
import { formatProblem } from '../../../src/config/problems.ts'
import { configProblems, REPOSITORY } from '../../helpers/config.ts'

const LISTEN_HINT = '  (such as 0.0.0.0:8003, or "[::]:8003" in quotes; null: nowhere)'

/** What is wrong, and the one line that it gets. */
const BAD: readonly (readonly [string, string | Uint8Array, string])[] = [
  [
    'a wrong type',
    `${REPOSITORY}server: {http_port: http}`,
    'sluice.yaml:2:10  server.http_port: got "http"; wanted integer 0 to 65535',
  ],
  [
    'a quoted number',
    `${REPOSITORY}server: {http_port: "80"}`,
    'sluice.yaml:2:10  server.http_port: got "80"; wanted integer 0 to 65535  (without quotes)',
  ],
  [
    'a port beyond 65535',
    `${REPOSITORY}server: {http_port: 70000}`,
    'sluice.yaml:2:10  server.http_port: got 70000; wanted integer 0 to 65535',
  ],
  [
    'a negative number',
    `${REPOSITORY}limits:\n  queue_rows_max: -1`,
    'sluice.yaml:3:3  limits.queue_rows_max: got -1; wanted integer 1 to 10000000',
  ],
  [
    'a fraction of a port',
    `${REPOSITORY}control: {port: 80.5}`,
    'sluice.yaml:2:11  control.port: got 80.5; wanted integer 0 to 65535',
  ],
  [
    'NaN',
    `${REPOSITORY}watchdog: {report_seconds: .nan}`,
    'sluice.yaml:2:12  watchdog.report_seconds: got NaN; wanted number 0.5 to 600',
  ],
  [
    'infinity',
    `${REPOSITORY}control_absence_max: .inf`,
    'sluice.yaml:2:1  control_absence_max: got Infinity; wanted number 0 to 86400',
  ],
  [
    'a number beyond float64',
    `${REPOSITORY}control_absence_max: 1e999`,
    'sluice.yaml:2:1  control_absence_max: got Infinity; wanted number 0 to 86400',
  ],
  [
    'neither count nor auto',
    `${REPOSITORY}server: {threads: many}`,
    'sluice.yaml:2:10  server.threads: got "many"; wanted `auto` or integer 1 to 256',
  ],
  [
    'no thread',
    `${REPOSITORY}server: {threads: 0}`,
    'sluice.yaml:2:10  server.threads: got 0; wanted `auto` or integer 1 to 256',
  ],
  [
    'a rule that there is not',
    `${REPOSITORY}records: {redact: {features: {a: hash}}}`,
    'sluice.yaml:2:31  records.redact.features.a: got "hash"; wanted `drop`, `hmac` or `mask` or map with `bucket`',
  ],
  [
    'a value out of range in one of several things',
    `${REPOSITORY}records: {redact: {features: {a: {bucket: 0}}}}`,
    'sluice.yaml:2:35  records.redact.features.a.bucket: got 0; wanted number 1e-9 to 1000000000000000',
  ],
  [
    'a misspelt key of one of several things',
    `${REPOSITORY}records: {redact: {features: {a: {bucket: 1, buckets: 2}}}}`,
    "sluice.yaml:2:46  records.redact.features.a.buckets: Unknown key 'buckets'  (did you mean 'bucket'?)",
  ],
  [
    'a bad member of a list in the place of a word',
    `${REPOSITORY}records: {features: [a, 1]}`,
    'sluice.yaml:2:25  records.features.1: got 1; wanted non-empty string',
  ],
  [
    'a code that there is not',
    `${REPOSITORY}records: {sampling: {always: {codes: [INPUT_UNKNOW]}}}`,
    'sluice.yaml:2:39  records.sampling.always.codes.0: got "INPUT_UNKNOW"; wanted a code of docs/reference/errors.md, like \'INPUT_UNKNOWN\'',
  ],
  [
    'a misspelt word',
    `${REPOSITORY}log: {level: wran}`,
    'sluice.yaml:2:7  log.level: got "wran"; wanted `debug`, `info`, `warn` or `error`  (did you mean \'warn\'?)',
  ],
  [
    'an unknown key',
    `${REPOSITORY}sevrer: {http_port: 1}`,
    "sluice.yaml:2:1  sevrer: Unknown key 'sevrer'  (did you mean 'server'?)",
  ],
  [
    'an unknown key in a section',
    `${REPOSITORY}server:\n  http-port: 1`,
    "sluice.yaml:3:3  server.http-port: Unknown key 'http-port'  (did you mean 'http_port'?)",
  ],
  [
    'an unknown key like no other',
    `${REPOSITORY}log: {banana: 1}`,
    "sluice.yaml:2:7  log.banana: Unknown key 'banana'  (known keys: level)",
  ],
  [
    '__proto__',
    `${REPOSITORY}__proto__: {server: 1}`,
    "sluice.yaml:2:1  __proto__: Unknown key '__proto__'  (known keys: model_repository, default_endpoint, state_dir, model_control_mode, model_poll_seconds, load_models, load_retries_max, load_retry_seconds, control_absence_max, server, control, metrics, grpc, limits, access, tls, cors, proving, placement, records, recycle, watchdog, log)",
  ],
  [
    'an unknown mode of control',
    `${REPOSITORY}model_control_mode: implicit`,
    'sluice.yaml:2:1  model_control_mode: got "implicit"; wanted `none`, `poll` or `explicit`  (did you mean \'explicit\'?)',
  ],
  [
    'control beyond loopback',
    `${REPOSITORY}control: {host: 0.0.0.0}`,
    'sluice.yaml:2:11  control.host: got "0.0.0.0"; wanted `127.0.0.1`, `localhost` or `::1`  (only loopback until access control exists; `metrics.listen` is for scrapers elsewhere)',
  ],
  [
    'an address that is a port',
    `${REPOSITORY}metrics: {listen: 8003}`,
    `sluice.yaml:2:11  metrics.listen: got 8003; wanted non-empty string or null${LISTEN_HINT}`,
  ],
  [
    'an address without a port',
    `${REPOSITORY}metrics: {listen: 0.0.0.0}`,
    `sluice.yaml:2:11  metrics.listen: got "0.0.0.0"; wanted host:port${LISTEN_HINT}`,
  ],
  [
    'an address without a host',
    `${REPOSITORY}metrics: {listen: ":8003"}`,
    `sluice.yaml:2:11  metrics.listen: got ":8003"; its host is no IP address or host name${LISTEN_HINT}`,
  ],
  [
    'an IPv6 address without brackets',
    `${REPOSITORY}metrics: {listen: "::1:8003"}`,
    `sluice.yaml:2:11  metrics.listen: got "::1:8003"; wanted host:port${LISTEN_HINT}`,
  ],
  [
    'brackets around another address',
    `${REPOSITORY}metrics: {listen: "[127.0.0.1]:8003"}`,
    `sluice.yaml:2:11  metrics.listen: got "[127.0.0.1]:8003"; its host is no IP address or host name${LISTEN_HINT}`,
  ],
  [
    'an address that is a URL',
    `${REPOSITORY}metrics: {listen: "http://a:8003"}`,
    `sluice.yaml:2:11  metrics.listen: got "http://a:8003"; wanted host:port${LISTEN_HINT}`,
  ],
  [
    'an address with a port beyond 65535',
    `${REPOSITORY}metrics: {listen: "a:65536"}`,
    `sluice.yaml:2:11  metrics.listen: got "a:65536"; its port is not 0 to 65535${LISTEN_HINT}`,
  ],
  [
    'an address with a negative port',
    `${REPOSITORY}metrics: {listen: "a:-1"}`,
    `sluice.yaml:2:11  metrics.listen: got "a:-1"; wanted host:port${LISTEN_HINT}`,
  ],
  [
    'an empty address',
    `${REPOSITORY}metrics: {listen: ""}`,
    `sluice.yaml:2:11  metrics.listen: got ""; wanted non-empty string or null${LISTEN_HINT}`,
  ],
  [
    'a host with a port',
    `${REPOSITORY}server: {host: "localhost:80"}`,
    'sluice.yaml:2:10  server.host: is no IP address or host name (the port has a key of its own)',
  ],
  [
    'a home folder',
    'model_repository: ~/models',
    'sluice.yaml:1:1  model_repository: begins with ~, which only a shell replaces  (give --model-repository DIR, or the key in sluice.yaml)',
  ],
  [
    'NUL in a path',
    `${REPOSITORY}state_dir: "a\\0b"`,
    'sluice.yaml:2:1  state_dir: holds NUL, which no path can',
  ],
  [
    'no repository',
    'log: {level: info}',
    'sluice.yaml:1:1  model_repository: is missing; wanted non-empty string  (give --model-repository DIR, or the key in sluice.yaml)',
  ],
  [
    'an empty file',
    '',
    'sluice.yaml:1:1  model_repository: is missing; wanted non-empty string  (give --model-repository DIR, or the key in sluice.yaml)',
  ],
  ['a list', '- a', 'sluice.yaml:1:1  got a list; wanted map'],
  ['a word', 'models', 'sluice.yaml:1:1  got "models"; wanted map'],
  [
    'a section that is a number',
    `${REPOSITORY}server: 80`,
    'sluice.yaml:2:1  server: got 80; wanted map',
  ],
  [
    'a section that is a list',
    `${REPOSITORY}server: [80]`,
    'sluice.yaml:2:1  server: got a list; wanted map',
  ],
  [
    'a value that is a map',
    `${REPOSITORY}control_absence_max: {a: 1}`,
    'sluice.yaml:2:1  control_absence_max: got a map; wanted number 0 to 86400',
  ],
  [
    'nothing where a value is wanted',
    `${REPOSITORY}control_absence_max:`,
    'sluice.yaml:2:1  control_absence_max: got nothing; wanted number 0 to 86400',
  ],
  [
    'bodies in flight below one body',
    `${REPOSITORY}limits: {body_bytes_in_flight_max: 2048}`,
    'sluice.yaml:2:10  limits.body_bytes_in_flight_max: got 2048; wanted at least limits.body_bytes_max, 67108864  (one body of the largest size must fit)',
  ],
  [
    'one port for both',
    `${REPOSITORY}server: {http_port: 8002}`,
    'sluice.yaml:2:10  server.http_port: got 8002, which is control.port  (choose another port)',
  ],
]

test.each(BAD)('loadConfig() says where and why when it finds %s', (_, content, line) => {
  expect(configProblems(content).map(formatProblem)).toEqual([line])
})
