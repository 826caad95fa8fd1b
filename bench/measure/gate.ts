/** A number that must hold, and how it is printed. Pure, but for the printing. */

export interface Gate {
  readonly name: string
  readonly value: number
  readonly wanted: number
  /** Whether `wanted` is the most that is allowed, not the least. */
  readonly isMost: boolean
  readonly isMet: boolean
}

export const atLeast = (name: string, value: number, wanted: number): Gate => ({
  ...{ name, value, wanted },
  isMost: false,
  isMet: value >= wanted,
})

export const atMost = (name: string, value: number, wanted: number): Gate => ({
  ...{ name, value, wanted },
  isMost: true,
  isMet: value <= wanted,
})

export const gateLine = ({ name, value, wanted, isMost, isMet }: Gate): string =>
  `${isMet ? 'ok    ' : 'FAILED'} ${name}: ${value.toFixed(3)} (at ${isMost ? 'most' : 'least'} ${wanted})`

export const printGates = (gates: readonly Gate[]): void => {
  for (const gate of gates) console.log(gateLine(gate))
}
