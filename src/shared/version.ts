/** Release of Sluice; equal to package.json (a tidy rule compares them). */
export const VERSION = '0.1.0'
