/** JSON pointers (RFC 6901) and names of clients' in messages. */

const SPECIAL = /[~/]/

/** `/features/a~1b` */
export const pointer = (...parts: readonly (string | number)[]): string => {
  let text = ''
  for (const part of parts) {
    // Nearly none needs it, and the complete decoders make several for each input.
    const isSpecial = typeof part === 'string' && SPECIAL.test(part)
    text += `/${isSpecial ? part.replaceAll('~', '~0').replaceAll('/', '~1') : part}`
  }
  return text
}

/** A client's text within a message: short, quoted, no half of a surrogate pair. */
export const quote = (text: string): string =>
  `'${text.length > 64 ? `${text.slice(0, 64).toWellFormed()}…` : text}'`
