/** What `/metrics` of a gateway says. */

/** The sum of all series of a metric whose labels hold those given. */
export const metricSum = (
  page: string,
  name: string,
  labels: Readonly<Record<string, string>>,
): number => {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  return page
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => wanted.every((text) => line.includes(text)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

export const readMetrics = async (controlPort: number): Promise<string> =>
  (await fetch(`http://127.0.0.1:${controlPort}/metrics`)).text()
