/** The keys of Triton's ModelWarmup. */

import { BATCH_ROWS_MAX } from './queueing.ts'
import { dimension, integer, type Section, text, truth } from './triton-keys.ts'
import { DATA_TYPES, WARMUP_RUNS_MAX, WARMUP_SAMPLES_MAX } from './warm-up.ts'

export const MODEL_WARMUP: Section = {
  isRepeated: true,
  keys: {
    name: text(
      `a name for its reader; every new session runs the sample before it serves, and a version whose sample fails is not loaded: WARMUP_FAILED. At most ${WARMUP_SAMPLES_MAX} samples`,
    ),
    batch_size: integer(0, BATCH_ROWS_MAX, 'rows, all the same; 0 or absent: it is left out'),
    count: integer(0, WARMUP_RUNS_MAX, 'runs; 0 or absent: one'),
    inputs: {
      isRepeated: true,
      keys: {
        key: text('an input of the model; all of them are wanted'),
        value: {
          keys: {
            data_type: {
              ...text('as the model has it', DATA_TYPES),
              ...{ type: 'enum', firstNumber: 1 },
            },
            dims: dimension('its shape, without rows where there are any'),
            zero_data: truth('zeros, or empty strings'),
            random_data: truth('the same random bytes for every run; strings are empty'),
            input_data_file: text(
              'a file in the folder `warmup` of the model: the bytes of one row, little-endian; strings each behind its length in 4 bytes',
            ),
          },
        },
      },
    },
  },
}
