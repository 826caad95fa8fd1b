/**
 * Loaded into a process by `--import`, it leaks: some 400 KB a second in each thread. What looks
 * for growing memory must find that.
 */

const kept: Uint8Array[] = []
const PIECE = 4096
const EVERY_MS = 10

setInterval(() => void kept.push(new Uint8Array(PIECE).fill(1)), EVERY_MS).unref()
