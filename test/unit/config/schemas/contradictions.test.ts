import { expect, test } from 'vitest'
import { formatProblem } from '../../../../src/config/problems.ts'
import { configProblems, REPOSITORY } from '../../../helpers/config.ts'

test('contradictionsOf() names every server that has the port of another', () => {
  const problems = (text: string) => configProblems(REPOSITORY + text).map(formatProblem)
  expect(problems('server: {http_port: 8003}\nmetrics: {listen: "0.0.0.0:8003"}')).toEqual([
    'sluice.yaml:3:11  metrics.listen: got 8003, which is server.http_port  (choose another port)',
  ])
  expect(problems('metrics: {listen: "0.0.0.0:8002"}')).toEqual([
    'sluice.yaml:2:11  metrics.listen: got 8002, which is control.port  (choose another port)',
  ])
  const ports = 'server: {http_port: 1}\ncontrol: {port: 1}\nmetrics: {listen: "[::]:1"}'
  expect(problems(ports)).toEqual([
    'sluice.yaml:3:11  control.port: got 1, which is server.http_port  (choose another port)',
    'sluice.yaml:4:11  metrics.listen: got 1, which is server.http_port  (choose another port)',
    'sluice.yaml:4:11  metrics.listen: got 1, which is control.port  (choose another port)',
  ])
  expect(problems('server: {http_port: 8001}')).toEqual([
    'sluice.yaml:2:10  server.http_port: got 8001, which is server.grpc_port  (choose another port)',
  ])
  expect(problems('server: {grpc_port: 8000}')).toEqual([
    'sluice.yaml:2:10  server.grpc_port: got 8000, which is server.http_port  (choose another port)',
  ])
  const local = 'server: {host: 10.0.0.5, http_port: 1}\ncontrol: {host: localhost, port: 1}'
  expect(problems(local)).toHaveLength(1)
  for (const apart of [
    'server: {http_port: 8001, grpc_port: null}',
    'server: {http_port: 0, grpc_port: 0}\ncontrol: {port: 0}\nmetrics: {listen: "[::1]:0"}',
    'metrics: {listen: "192.168.7.7:8002"}',
    'server: {host: 10.0.0.5, http_port: 8002}\nmetrics: {listen: "10.0.0.6:8002"}',
  ]) {
    expect(problems(apart)).toEqual([])
  }
})

test('contradictionsOf() wants room for one body of the largest size', () => {
  const problems = (bytes: number) =>
    configProblems(
      `${REPOSITORY}limits: {body_bytes_max: 2048, body_bytes_in_flight_max: ${bytes}}`,
    )
  expect(problems(2048)).toEqual([])
  expect(problems(2047).map(formatProblem)).toEqual([
    'sluice.yaml:2:32  limits.body_bytes_in_flight_max: got 2047; wanted at least limits.body_bytes_max, 2048  (one body of the largest size must fit)',
  ])
})

test('contradictionsOf() wants TLS and gRPC where clients of gRPC must show certificates', () => {
  const problems = (text: string) =>
    configProblems(`${REPOSITORY}grpc: {client_ca_file: ca.pem}\n${text}`).map(formatProblem)
  const tls = 'tls: {cert_file: c.pem, key_file: k.pem}\n'
  expect(problems(tls)).toEqual([])
  expect(problems('')).toEqual([
    'sluice.yaml:2:8  grpc.client_ca_file: is there, and tls.cert_file is null  (clients show certificates over TLS only)',
  ])
  expect(problems(`${tls}server: {grpc_port: null}`)).toEqual([
    'sluice.yaml:2:8  grpc.client_ca_file: is there, and server.grpc_port is null  (the HTTP port asks for none)',
  ])
})
