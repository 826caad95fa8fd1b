/** What ONNX Runtime says, without where in its sources it says so. Pure. */

const LOCATION = /\/(?:[\w.+-]+\/)+[\w.+-]+\.(?:cc|cpp|cu|h):\d+ /
const PATH = /(?:\/[\w.+-]+){2,}(?::\d+)?/g

/** How the compiler names the instance of a template, as it does of CUDA's calls. */
const INSTANCE = /\[with [^\]]*\] /g
/** Behind what CUDA or a library of it says: which machine, file, line and call. */
const CALL_SITE = / *; GPU=-?\d+ ; hostname=.*$/

/** End of the parameter list that begins at the first `(`; 0 when there is none. */
const endOfParameters = (text: string): number => {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++
    else if (text[i] === ')' && --depth === 0) return i + 1
  }
  return 0
}

/** Takes `<file>:<line> <function>(<parameters>) ` out. */
const withoutLocations = (text: string): string => {
  const found = LOCATION.exec(text)
  if (found === null) return text
  const rest = text.slice(found.index + found[0].length)
  const behind = rest
    .slice(endOfParameters(rest))
    .replace(/^ const\b/, '')
    .trimStart()
  return text.slice(0, found.index) + withoutLocations(behind)
}

/** The first line of a message, at most `lengthMax` characters, without paths and host names. */
export const plainMessage = (thrown: unknown, lengthMax: number): string => {
  const line = thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : 'unknown'
  const said = withoutLocations(line.replace(CALL_SITE, '')).replaceAll(INSTANCE, '')
  const plain = said.replaceAll(PATH, '…').trim()
  return plain.length > lengthMax ? `${plain.slice(0, lengthMax - 1)}…` : plain
}
