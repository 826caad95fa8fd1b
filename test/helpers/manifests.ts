/** The JSON files of a version, sound unless a test says otherwise. */

export const DIGEST = 'a'.repeat(64)

export const manifestJson = (more: object = {}): object => ({
  format: { name: 'sluice-manifest', version: 1 },
  digest: DIGEST,
  signature: {
    inputs: [
      { name: 'numeric', datatype: 'FP32', shape: [-1, 2] },
      { name: 'categorical', datatype: 'BYTES', shape: [-1, 1] },
    ],
    outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [-1, 2] }],
  },
  features: [
    { name: 'distance', type: 'number', tensor: 'numeric', column: 0 },
    { name: 'seats', type: 'integer', tensor: 'numeric', column: 1, optional: true, missing: -1 },
    { name: 'carrier', type: 'category', tensor: 'categorical', column: 0 },
  ],
  task: 'binary',
  score: { output: 'probabilities', column: 1 },
  classes: ['on time', 'late'],
  positive_class: 'late',
  threshold: 0.25,
  ...more,
})

export const profileJson = (more: object = {}): object => ({
  format: { name: 'sluice-profile', version: 1 },
  version_digest: DIGEST,
  rows: 100,
  example_row: { distance: 1400, seats: null, carrier: 'UA' },
  features: [
    {
      ...{ name: 'distance', type: 'number', edges: [100, 200.5], counts: [1, 2, 3], atoms: [] },
      ...{ min: 3.5, max: 4983 },
    },
    { name: 'carrier', type: 'category', categories: [{ value: 'UA', count: 100 }], missing: 0 },
  ],
  ...more,
})
