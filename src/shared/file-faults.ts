/** Why a file that somebody has named cannot be read, in words for that person. */

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'no right to read it',
  EISDIR: 'it is a folder',
  ENOENT: 'no such file',
  ENOTDIR: 'a part of its path is a file, not a folder',
}

/** `thrown`: by a function of `node:fs`. What has no words here is named by its code. */
export const whyUnreadable = (thrown: unknown): string => {
  const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown'
  return REASONS[code] ?? code
}
