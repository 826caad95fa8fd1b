/** JSON pointers (RFC 6901) and names of clients' in messages. */

/** `/features/a~1b` */
export const pointer = (...parts: readonly (string | number)[]): string =>
  parts.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** A client's text within a message: short, quoted, no half of a surrogate pair. */
export const quote = (text: string): string =>
  `'${text.length > 64 ? `${text.slice(0, 64).toWellFormed()}…` : text}'`
