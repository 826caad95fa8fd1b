/** Values of columns as a Parquet reader gives them. */

/** Reads 64-bit integers as numbers: of typed arrays without making a bigint of each. */
export const readLong = (values: ArrayLike<unknown>): ((index: number) => number) => {
  if (!(values instanceof BigInt64Array)) return (index) => Number(values[index])
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  return (index) => words[2 * index + 1]! * 2 ** 32 + (words[2 * index]! >>> 0)
}
