/** Rules for markdown, lock files and everything else that people read. */

import { posix } from 'node:path'
import { lineAt, type Rule, type SourceFile } from './source.ts'

const isMarkdown = ({ path }: SourceFile): boolean => path.endsWith('.md')

/** Markdown without fenced and inline code, with line breaks kept. */
const prose = (text: string): string =>
  text
    .replace(/^(```|~~~)[^\n]*\n[\s\S]*?^\1[^\n]*$/gm, (block) => block.replace(/[^\n]/g, ''))
    .replace(/`[^`\n]*`/g, '')

/** Exactly one title a page. */
export const titlesRule: Rule = (files) =>
  files.filter(isMarkdown).flatMap(({ path, text }) => {
    const titles = prose(text).match(/^# .+$/gm)?.length ?? 0
    return titles === 1 ? [] : [`${path}: ${titles} first-level headings; exactly one is wanted`]
  })

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')

const anchorsOf = (text: string): Set<string> => {
  const fenceless = text.replace(/^(```|~~~)[^\n]*\n[\s\S]*?^\1[^\n]*$/gm, '')
  return new Set(
    [...fenceless.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? '')),
  )
}

/** Relative links lead to a file, and their anchor to a heading. */
export const linksRule: Rule = (files) => {
  const texts = new Map(files.map(({ path, text }) => [path, text]))
  const folders = new Set(
    files.flatMap(({ path }) =>
      path.split('/').map((_, index, parts) => parts.slice(0, index).join('/')),
    ),
  )
  return files.filter(isMarkdown).flatMap(({ path, text }) => {
    const clean = prose(text)
    return [...clean.matchAll(/\]\(([^)\s]+)[^)]*\)/g)].flatMap((match) => {
      const link = match[1] ?? ''
      if (/^[a-z]+:/.test(link)) return []
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? path : posix.join(posix.dirname(path), file).replace(/\/$/, '')
      const where = `${path}:${lineAt(clean, match.index)}`
      if (!texts.has(target) && !folders.has(target)) return [`${where}: dead link ${link}`]
      if (anchor === undefined || !target.endsWith('.md')) return []
      return anchorsOf(texts.get(target) ?? '').has(anchor) ? [] : [`${where}: dead anchor ${link}`]
    })
  })
}

/** Written in parts so as not to name itself. The home folders of made-up users are examples. */
const MACHINE_PATH = new RegExp(
  `(?<![\\w.$}\\])-])/(${['work', 'root', 'home'].join('|')})/(?!build\\b|user\\b|me\\b)[\\w.-]+`,
)
const PATH_EXCEPTIONS = new Set(['package-lock.json'])

/** No path of the machine on which something was written. */
export const machinePathsRule: Rule = (files) =>
  files
    .filter(({ path }) => !PATH_EXCEPTIONS.has(path))
    .flatMap(({ path, text }) => {
      const found = MACHINE_PATH.exec(text)
      return found === null
        ? []
        : [`${path}:${lineAt(text, found.index)}: ${found[0]} is a path of one machine`]
    })

/** The lock file works with every registry. */
export const lockRule: Rule = (files) =>
  files
    .filter(({ path }) => /(^|\/)package-lock\.json$/.test(path))
    .filter(({ text }) => text.includes('"resolved"'))
    .map(({ path }) => `${path}: holds "resolved"; write it with omit-lockfile-registry-resolved`)

/** Every direct dependency has its reason in docs/dependencies.md. */
export const dependenciesRule: Rule = (files) => {
  const textOf = (wanted: string) => files.find(({ path }) => path === wanted)?.text ?? ''
  const manifest = JSON.parse(textOf('package.json') || '{}') as Record<string, object>
  const names = [
    ...Object.keys(manifest['dependencies'] ?? {}),
    ...Object.keys(manifest['devDependencies'] ?? {}),
  ]
  const page = textOf('docs/dependencies.md')
  const listed = [...page.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name ?? '')
  return [
    ...names
      .filter((name) => !listed.includes(name))
      .map((name) => `package.json: ${name} has no line in docs/dependencies.md`),
    ...listed
      .filter((name) => !names.includes(name))
      .map((name) => `docs/dependencies.md: ${name} is not a direct dependency`),
  ]
}

/** Codes that no file of `src` uses yet, each with the reason it is kept. */
export const UNUSED_CODES: Readonly<Record<string, string>> = {}

/** Every error code is used, or its absence explained. */
export const errorCodesRule = (
  codes: readonly string[],
  files: readonly SourceFile[],
): string[] => {
  const text = files
    .filter(({ path }) => path.startsWith('src/') && path !== 'src/shared/errors.ts')
    .map((file) => file.text)
    .join('\n')
  return codes.flatMap((code) => {
    const isUsed = new RegExp(`['"\`]${code}['"\`]`).test(text)
    const isExcused = Object.hasOwn(UNUSED_CODES, code)
    if (!isUsed && !isExcused) return [`src/shared/errors.ts: ${code} is never used`]
    return isUsed && isExcused ? [`test/tidy/documents.ts: ${code} is used; drop its excuse`] : []
  })
}
